"""Cross-Region replication through boto3: configuration, statuses, keys, what does not travel."""

import json
import time

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]}


def checks(check, world):
    source, copy = world.client("s3"), world.client("s3", "us-east-1")
    source.create_bucket(Bucket="crr-source", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    copy.create_bucket(Bucket="crr-copy")
    iam = world.client("iam")
    role = iam.create_role(RoleName="crr", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="crr", PolicyName="inline", PolicyDocument=json.dumps(MAY))
    configuration(check, source, copy, role)
    arrival(check, source, copy)
    keys(check, world, source, copy, role)
    removal(check, source, copy)


def rule(role, **more):
    rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": "arn:aws:s3:::crr-copy"}}
    return {"Role": role, "Rules": [{**rule, **more}]}


def configuration(check, source, copy, role):
    put = lambda **more: source.put_bucket_replication(Bucket="crr-source", ReplicationConfiguration=rule(role, **more))
    check.refused("none yet", "ReplicationConfigurationNotFoundError", source.get_bucket_replication, 404, "The replication configuration was not found", Bucket="crr-source")
    check.refused("the source has no versions", "InvalidRequest", put, 400, "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    source.put_bucket_versioning(Bucket="crr-source", VersioningConfiguration={"Status": "Enabled"})
    check.refused("nor has the destination", "InvalidRequest", put, 400, "Destination bucket must have versioning enabled.")
    copy.put_bucket_versioning(Bucket="crr-copy", VersioningConfiguration={"Status": "Enabled"})
    put()
    got = source.get_bucket_replication(Bucket="crr-source")["ReplicationConfiguration"]
    check.equal("the role", got["Role"], role)
    check.has("a rule", got["Rules"][0], "ID", "Priority", "Filter", "Status", "Destination", "DeleteMarkerReplication")
    check.equal("its destination", got["Rules"][0]["Destination"], {"Bucket": "arn:aws:s3:::crr-copy"})
    suspend = lambda: source.put_bucket_versioning(Bucket="crr-source", VersioningConfiguration={"Status": "Suspended"})
    check.refused("versions must stay", "InvalidBucketState", suspend, 409)


def until(client, bucket, key, wanted, seconds=30):
    """The status of an object when it is as wanted, or at the end of patience."""
    head = {}
    for _ in range(seconds * 10):
        try:
            head = client.head_object(Bucket=bucket, Key=key)
        except client.exceptions.ClientError:
            head = {}
        if head.get("ReplicationStatus") == wanted:
            break
        time.sleep(0.1)
    return head


def arrival(check, source, copy):
    put = source.put_object(Bucket="crr-source", Key="sea", Body=b"a long blue sea", Metadata={"color": "blue"}, Tagging="coast=west")
    check.equal("COMPLETED at the source", until(source, "crr-source", "sea", "COMPLETED").get("ReplicationStatus"), "COMPLETED")
    replica = until(copy, "crr-copy", "sea", "REPLICA")
    check.equal("REPLICA at the copy", replica.get("ReplicationStatus"), "REPLICA")
    check.equal("the version keeps its id", replica.get("VersionId"), put["VersionId"])
    check.equal("and its metadata", replica.get("Metadata"), {"color": "blue"})
    check.equal("and its tag", replica.get("ETag"), put["ETag"])
    check.equal("the bytes", copy.get_object(Bucket="crr-copy", Key="sea")["Body"].read(), b"a long blue sea")
    tags = copy.get_object_tagging(Bucket="crr-copy", Key="sea")["TagSet"]
    check.equal("the tags", tags, [{"Key": "coast", "Value": "west"}])


def keys(check, world, source, copy, role):
    here = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    there = world.client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    put = lambda key: source.put_object(Bucket="crr-source", Key=key, Body=b"sealed", ServerSideEncryption="aws:kms", SSEKMSKeyId=here)
    put("left-out")
    check.equal("without the opt-in it is not eligible", "ReplicationStatus" in source.head_object(Bucket="crr-source", Key="left-out"), False)
    wanted = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}, "Destination": {"Bucket": "arn:aws:s3:::crr-copy", "EncryptionConfiguration": {"ReplicaKmsKeyID": there}}}
    source.put_bucket_replication(Bucket="crr-source", ReplicationConfiguration=rule(role, **wanted))
    put("sealed")
    replica = until(copy, "crr-copy", "sealed", "REPLICA")
    check.equal("the copy is sealed under the rule's key", replica.get("SSEKMSKeyId"), there)
    check.equal("in the source's way", replica.get("ServerSideEncryption"), "aws:kms")
    world.client("kms", "us-east-1").disable_key(KeyId=there)
    put("too-late")
    check.equal("a disabled key fails it", until(source, "crr-source", "too-late", "FAILED").get("ReplicationStatus"), "FAILED")


def removal(check, source, copy):
    source.delete_object(Bucket="crr-source", Key="sea")
    time.sleep(1)
    check.equal("a delete marker stays at home", copy.get_object(Bucket="crr-copy", Key="sea")["Body"].read(), b"a long blue sea")
    for nth in ("once", "twice"):
        gone = source.delete_bucket_replication(Bucket="crr-source")
        check.equal(f"the configuration is removed {nth}", gone["ResponseMetadata"]["HTTPStatusCode"], 204)
