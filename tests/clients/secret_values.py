"""Secrets Manager through boto3 and the AWS CLI: values, labels, policies, replicas of a live Region."""

import json
import time

from cli import cli
from world import allow

NAME = "shop/database"


def checks(check, world):
    client = world.client("secretsmanager")
    arn = values(check, client)
    refusals(check, client)
    policies(check, world, client, arn)
    replicas(check, world, client)
    rotation(check, client)
    deletion(check, client)
    command_line(check, world)


def values(check, client):
    made = client.create_secret(Name=NAME, SecretString="first", Description="of the shop", Tags=[{"Key": "team", "Value": "red"}])
    check.has("create_secret", made, "ARN", "Name", "VersionId")
    check.that("no member that is not there", "ReplicationStatus" not in made)
    got = client.get_secret_value(SecretId=NAME)
    check.has("get_secret_value", got, "ARN", "Name", "VersionId", "SecretString", "VersionStages", "CreatedDate")
    check.that("a text is no binary", "SecretBinary" not in got)
    check.equal("it is current", (got["SecretString"], got["VersionStages"]), ("first", ["AWSCURRENT"]))
    put = client.put_secret_value(SecretId=made["ARN"], SecretBinary=b"\x00second")
    check.equal("put_secret_value", (put["Name"], put["VersionStages"]), (NAME, ["AWSCURRENT"]))
    check.equal("bytes come back as bytes", client.get_secret_value(SecretId=NAME)["SecretBinary"], b"\x00second")
    before = client.get_secret_value(SecretId=NAME, VersionStage="AWSPREVIOUS")
    check.equal("the value before", before["SecretString"], "first")
    seen = client.describe_secret(SecretId=NAME)
    check.has("describe_secret", seen, "ARN", "Name", "Description", "LastChangedDate", "LastAccessedDate", "Tags", "VersionIdsToStages", "CreatedDate")
    check.that("what is not set is left out", not {"KmsKeyId", "RotationEnabled", "DeletedDate", "PrimaryRegion", "ReplicationStatus"} & set(seen))
    check.equal("labels by version", seen["VersionIdsToStages"], {put["VersionId"]: ["AWSCURRENT"], made["VersionId"]: ["AWSPREVIOUS"]})
    versions = client.list_secret_version_ids(SecretId=NAME)["Versions"]
    check.equal("versions", [one["KmsKeyIds"] for one in versions], [["DefaultEncryptionKey"]] * 2)
    moved = client.update_secret_version_stage(SecretId=NAME, VersionStage="AWSCURRENT", RemoveFromVersionId=put["VersionId"], MoveToVersionId=made["VersionId"])
    check.has("update_secret_version_stage", moved, "ARN", "Name")
    check.equal("the label moved", client.get_secret_value(SecretId=NAME)["SecretString"], "first")
    batch = client.batch_get_secret_value(SecretIdList=[NAME, "none"])
    check.equal("a batch", [one["SecretString"] for one in batch["SecretValues"]], ["first"])
    check.equal("and what it did not find", batch["Errors"], [{"SecretId": "none", "ErrorCode": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."}])
    listed = [one["Name"] for page in client.get_paginator("list_secrets").paginate(Filters=[{"Key": "tag-key", "Values": ["team"]}]) for one in page["SecretList"]]
    check.equal("a list by tag", listed, [NAME])
    check.equal("a password", len(client.get_random_password(PasswordLength=40, ExcludePunctuation=True)["RandomPassword"]), 40)
    return made["ARN"]


def refusals(check, client):
    rows = [
        ("an unknown secret", "ResourceNotFoundException", client.get_secret_value, dict(SecretId="none"), "Secrets Manager can't find the specified secret."),
        ("an unknown label", "ResourceNotFoundException", client.get_secret_value, dict(SecretId=NAME, VersionStage="odd"), "specified secret value for staging label: odd"),
        ("a name that is taken", "ResourceExistsException", client.create_secret, dict(Name=NAME, SecretString="x"), f"the secret {NAME} already exists."),
        ("a name with a space", "ValidationException", client.create_secret, dict(Name="a b"), "Invalid name. Must be a valid name"),
        ("two values", "InvalidParameterException", client.put_secret_value, dict(SecretId=NAME, SecretString="x", SecretBinary=b"y"), "both a binary secret value and a string"),
        ("no value", "InvalidRequestException", client.put_secret_value, dict(SecretId=NAME), "You must provide either SecretString or SecretBinary."),
        ("AWSCURRENT taken away", "InvalidParameterException", client.update_secret_version_stage,
         dict(SecretId=NAME, VersionStage="AWSCURRENT", RemoveFromVersionId=client.get_secret_value(SecretId=NAME)["VersionId"]), "can only move staging label AWSCURRENT"),
        ("a window too short", "InvalidParameterException", client.delete_secret, dict(SecretId=NAME, RecoveryWindowInDays=3), "between 7 and 30 days (inclusive)"),
        ("a rotation without function", "InvalidRequestException", client.rotate_secret, dict(SecretId=NAME), "No Lambda rotation function ARN"),
        ("its own Region", "InvalidParameterException", client.replicate_secret_to_regions, dict(SecretId=NAME, AddReplicaRegions=[{"Region": "eu-west-1"}]), "Invalid replica region."),
        ("no replica", "InvalidRequestException", client.stop_replication_to_replica, dict(SecretId=NAME), "not a replica"),
        ("a policy that is none", "MalformedPolicyDocumentException", client.put_resource_policy, dict(SecretId=NAME, ResourcePolicy="{"), ""),
    ]
    for name, code, call, arguments, words in rows:
        check.refused(name, code, call, 400, words, **arguments)


def policies(check, world, client, arn):
    reader = world.client("secretsmanager", who=world.user("secret-reader", allow("secretsmanager:GetSecretValue")))
    check.equal("a reader reads", reader.get_secret_value(SecretId=NAME)["SecretString"], "first")
    check.refused("and writes not", "AccessDeniedException", reader.put_secret_value, 400, "secretsmanager:PutSecretValue", SecretId=NAME, SecretString="x")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{world.account}:user/secret-reader"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}
    client.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(deny))
    check.equal("the policy", json.loads(client.get_resource_policy(SecretId=NAME)["ResourcePolicy"]), deny)
    check.refused("a policy denies", "AccessDeniedException", reader.get_secret_value, 400, "with an explicit deny in a resource-based policy", SecretId=NAME)
    client.delete_resource_policy(SecretId=NAME)
    check.that("no policy", "ResourcePolicy" not in client.get_resource_policy(SecretId=NAME))
    wide = json.dumps(deny).replace("Deny", "Allow").replace(f"arn:aws:iam::{world.account}:user/secret-reader", "*")
    check.refused("a wide policy", "PublicPolicyException", client.put_resource_policy, 400, SecretId=NAME, ResourcePolicy=wide, BlockPublicPolicy=True)
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    client.update_secret(SecretId=NAME, KmsKeyId=key)
    check.equal("another key", client.describe_secret(SecretId=NAME)["KmsKeyId"], key)
    check.refused("a reader without the key", "AccessDeniedException", reader.get_secret_value, 400, "Access to KMS is not allowed", SecretId=NAME)
    kms.disable_key(KeyId=key)
    check.refused("a disabled key", "DecryptionFailure", client.get_secret_value, 400, "can't decrypt the protected secret text", SecretId=NAME)
    check.refused("a write under it", "EncryptionFailure", client.put_secret_value, 400, SecretId=NAME, SecretString="x")


def until(holds):
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.1)
    return False


def status(client, name):
    return [(one["Region"], one["Status"]) for one in client.describe_secret(SecretId=name).get("ReplicationStatus", [])]


def replicas(check, world, client):
    there = world.client("secretsmanager", "us-east-1")
    made = client.create_secret(Name="shop/copied", SecretString="one", AddReplicaRegions=[{"Region": "us-east-1"}])
    check.equal("a replica begins", made["ReplicationStatus"], [{"Region": "us-east-1", "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"}])
    check.that("it is in sync", until(lambda: status(client, "shop/copied") == [("us-east-1", "InSync")]))
    copy = there.describe_secret(SecretId="shop/copied")
    check.equal("its ARN", copy["ARN"], made["ARN"].replace("eu-west-1", "us-east-1"))
    check.equal("its primary", copy["PrimaryRegion"], "eu-west-1")
    client.put_secret_value(SecretId="shop/copied", SecretString="two")
    check.that("a new value arrives", until(lambda: there.get_secret_value(SecretId="shop/copied")["SecretString"] == "two"))
    words = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    check.refused("a write to a replica", "InvalidParameterException", there.put_secret_value, 400, words, SecretId="shop/copied", SecretString="x")
    check.refused("a primary with replicas", "InvalidRequestException", client.delete_secret, 400, "still has replica regions", SecretId="shop/copied")
    check.equal("promotion", there.stop_replication_to_replica(SecretId="shop/copied")["ARN"], copy["ARN"])
    check.that("the primary learns of it", until(lambda: status(client, "shop/copied") == []))
    there.put_secret_value(SecretId="shop/copied", SecretString="three")
    client.replicate_secret_to_regions(SecretId="shop/copied", AddReplicaRegions=[{"Region": "us-east-1"}])
    check.that("a name that is taken", until(lambda: status(client, "shop/copied") == [("us-east-1", "Failed")]))
    why = client.describe_secret(SecretId="shop/copied")["ReplicationStatus"][0]["StatusMessage"]
    check.equal("why", why, "Secret with this name already exists in this region")
    client.replicate_secret_to_regions(SecretId="shop/copied", AddReplicaRegions=[{"Region": "us-east-1"}], ForceOverwriteReplicaSecret=True)
    check.that("overwritten", until(lambda: there.get_secret_value(SecretId="shop/copied")["SecretString"] == "two"))
    left = client.remove_regions_from_replication(SecretId="shop/copied", RemoveReplicaRegions=["us-east-1"])
    check.equal("removed", left.get("ReplicationStatus", []), [])


def rotation(check, client):
    function = "arn:aws:lambda:eu-west-1:111111111111:function:rotate"
    current = client.create_secret(Name="shop/turning", SecretString="old")["VersionId"]
    begun = client.rotate_secret(SecretId="shop/turning", RotationLambdaARN=function, RotationRules={"ScheduleExpression": "rate(10 days)"})
    seen = client.describe_secret(SecretId="shop/turning")
    check.has("a secret that rotates", seen, "RotationEnabled", "RotationLambdaARN", "RotationRules", "NextRotationDate")
    check.equal("a pending version", seen["VersionIdsToStages"][begun["VersionId"]], ["AWSPENDING"])
    check.refused("a second rotation", "InvalidRequestException", client.rotate_secret, 400, "A previous rotation isn't complete.", SecretId="shop/turning")
    client.put_secret_value(SecretId="shop/turning", ClientRequestToken=begun["VersionId"], SecretString="new", VersionStages=["AWSPENDING"])
    client.update_secret_version_stage(SecretId="shop/turning", VersionStage="AWSCURRENT", RemoveFromVersionId=current, MoveToVersionId=begun["VersionId"])
    check.that("it was rotated", "LastRotatedDate" in client.describe_secret(SecretId="shop/turning"))
    client.cancel_rotate_secret(SecretId="shop/turning")
    check.equal("switched off", client.describe_secret(SecretId="shop/turning")["RotationEnabled"], False)


def deletion(check, client):
    client.create_secret(Name="shop/gone", SecretString="x")
    check.has("delete_secret", client.delete_secret(SecretId="shop/gone", RecoveryWindowInDays=7), "ARN", "Name", "DeletionDate")
    check.refused("a marked secret", "InvalidRequestException", client.get_secret_value, 400, "because it was marked for deletion.", SecretId="shop/gone")
    check.refused("its name", "InvalidRequestException", client.create_secret, 400, "already scheduled for deletion.", Name="shop/gone", SecretString="y")
    client.restore_secret(SecretId="shop/gone")
    check.equal("restored", client.get_secret_value(SecretId="shop/gone")["SecretString"], "x")
    client.delete_secret(SecretId="shop/gone", ForceDeleteWithoutRecovery=True)
    check.refused("at once", "ResourceNotFoundException", client.describe_secret, 400, SecretId="shop/gone")


def command_line(check, world):
    made = cli(world, "secretsmanager", "create-secret", "--name", "typed", "--secret-string", "by hand")
    check.that("aws secretsmanager create-secret", ":secret:typed-" in made.get("ARN", ""), made)
    said = cli(world, "secretsmanager", "get-secret-value", "--secret-id", "typed")
    check.equal("aws secretsmanager get-secret-value", said.get("SecretString"), "by hand")
