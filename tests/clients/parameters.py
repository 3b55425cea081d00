"""Parameter Store through boto3 and the AWS CLI."""

import base64
import json

from cli import cli
from world import allow


def checks(check, world):
    client = world.client("ssm")
    values(check, client)
    versions(check, client)
    secure(check, world, client)
    refusals(check, client)
    command_line(check, world)


def values(check, client):
    made = client.put_parameter(Name="/shop/prod/color", Type="String", Value="red", Description="of the shop", Tags=[{"Key": "team", "Value": "blue"}])
    check.equal("put_parameter", (made["Version"], made["Tier"]), (1, "Standard"))
    got = client.get_parameter(Name="/shop/prod/color")["Parameter"]
    check.equal("a parameter's members", sorted(got), ["ARN", "DataType", "LastModifiedDate", "Name", "Type", "Value", "Version"])
    check.equal("its ARN", got["ARN"], "arn:aws:ssm:eu-west-1:111111111111:parameter/shop/prod/color")
    client.put_parameter(Name="/shop/prod/sizes", Type="StringList", Value="s,m,l")
    client.put_parameter(Name="/shop/prod/db/host", Type="String", Value="db")
    some = client.get_parameters(Names=["/shop/prod/color", "/none"])
    check.equal("unknown names", (len(some["Parameters"]), some["InvalidParameters"]), (1, ["/none"]))
    flat = client.get_parameters_by_path(Path="/shop/prod")["Parameters"]
    check.equal("one level", [one["Name"] for one in flat], ["/shop/prod/color", "/shop/prod/sizes"])
    pages = client.get_paginator("get_parameters_by_path").paginate(Path="/shop", Recursive=True, PaginationConfig={"PageSize": 2})
    check.equal("all levels, by pages", [len(page["Parameters"]) for page in pages], [2, 1])
    found = client.describe_parameters(ParameterFilters=[{"Key": "tag:team", "Values": ["blue"]}])["Parameters"]
    check.equal("described by tag", [one["Name"] for one in found], ["/shop/prod/color"])
    check.equal("no policies are an empty list", found[0]["Policies"], [])
    check.that("the description has no value", "Value" not in found[0])
    tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId="/shop/prod/color")
    check.equal("tags", tags["TagList"], [{"Key": "team", "Value": "blue"}])


def versions(check, client):
    check.equal("a new version", client.put_parameter(Name="/shop/prod/color", Value="green", Overwrite=True)["Version"], 2)
    labelled = client.label_parameter_version(Name="/shop/prod/color", ParameterVersion=1, Labels=["old", "1bad"])
    check.equal("labels against the rules", labelled["InvalidLabels"], ["1bad"])
    client.label_parameter_version(Name="/shop/prod/color", ParameterVersion=1, Labels=["old"])
    old = client.get_parameter(Name="/shop/prod/color:old")["Parameter"]
    check.equal("by label", (old["Value"], old["Version"], old["Selector"]), ("red", 1, ":old"))
    history = client.get_parameter_history(Name="/shop/prod/color")["Parameters"]
    check.equal("history", [(one["Version"], one["Value"], one["Labels"]) for one in history], [(1, "red", ["old"]), (2, "green", [])])
    check.has("an entry", history[0], "LastModifiedUser", "LastModifiedDate", "Tier", "DataType", "Policies")
    policy = json.dumps([{"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "20", "Unit": "Days"}}])
    picked = client.put_parameter(Name="/shop/watched", Type="String", Value="x", Tier="Intelligent-Tiering", Policies=policy)
    check.equal("a policy needs the advanced tier", picked["Tier"], "Advanced")
    shown = client.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/shop/watched"]}])["Parameters"][0]["Policies"]
    check.equal("its policy", [(one["PolicyType"], one["PolicyStatus"]) for one in shown], [("NoChangeNotification", "Pending")])


def secure(check, world, client):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    client.put_parameter(Name="/shop/pin", Type="SecureString", Value="4242", KeyId=key)
    closed = client.get_parameter(Name="/shop/pin")["Parameter"]["Value"]
    check.that("without decryption it is a ciphertext", closed != "4242" and len(base64.b64decode(closed)) > 64)
    check.equal("with decryption", client.get_parameter(Name="/shop/pin", WithDecryption=True)["Parameter"]["Value"], "4242")
    arn = "arn:aws:ssm:eu-west-1:111111111111:parameter/shop/pin"
    opened = kms.decrypt(CiphertextBlob=base64.b64decode(closed), EncryptionContext={"PARAMETER_ARN": arn})["Plaintext"]
    check.equal("KMS opens it under its ARN", opened, b"4242")
    check.refused("under another", "InvalidCiphertextException", kms.decrypt, 400, CiphertextBlob=base64.b64decode(closed), EncryptionContext={"PARAMETER_ARN": arn + "2"})
    reader = world.client("ssm", who=world.user("parameter-reader", allow("ssm:GetParameter")))
    check.refused("a reader without the key", "AccessDeniedException", reader.get_parameter, 400, "kms:Decrypt", Name="/shop/pin", WithDecryption=True)
    check.refused("another action", "AccessDeniedException", reader.delete_parameter, 400, "ssm:DeleteParameter", Name="/shop/pin")
    check.refused("another Region", "ParameterNotFound", world.client("ssm", "us-east-1").get_parameter, 400, Name="/shop/pin")
    kms.disable_key(KeyId=key)
    check.refused("a disabled key", "InvalidKeyId", client.get_parameter, 400, "DisabledException", Name="/shop/pin", WithDecryption=True)


def refusals(check, client):
    put = client.put_parameter
    rows = [
        ("a parameter that is there", "ParameterAlreadyExists", put, dict(Name="/shop/prod/color", Type="String", Value="x"), "To overwrite this value, set the overwrite option in the request to true."),
        ("another type", "HierarchyTypeMismatchException", put, dict(Name="/shop/prod/color", Type="SecureString", Value="x", Overwrite=True), ""),
        ("no type", "ValidationException", put, dict(Name="/new", Value="x"), "A parameter type is required when you create a parameter."),
        ("4097 characters", "ValidationException", put, dict(Name="/new", Type="String", Value="x" * 4097), "Standard tier parameters support a maximum parameter value of 4096 characters."),
        ("a reserved name", "ValidationException", put, dict(Name="awsome", Type="String", Value="x"), "can't be prefixed with \"aws\" or \"ssm\""),
        ("16 levels", "HierarchyLevelLimitExceededException", put, dict(Name="/" + "/".join("a" * 16), Type="String", Value="x"), ""),
        ("a value against its pattern", "ParameterPatternMismatchException", put, dict(Name="/new", Type="String", Value="x", AllowedPattern="[0-9]+"), "cannot be validated against allowedPattern"),
        ("a policy of an odd type", "InvalidPolicyTypeException", put, dict(Name="/new", Type="String", Value="x", Tier="Advanced", Policies='[{"Type":"Odd","Version":"1.0"}]'), ""),
        ("an unknown parameter", "ParameterNotFound", client.get_parameter, dict(Name="/none"), ""),
        ("an unknown version", "ParameterVersionNotFound", client.get_parameter, dict(Name="/shop/prod/color:9"), "could not find version 9 of /shop/prod/color"),
        ("a path without slash", "ValidationException", client.get_parameters_by_path, dict(Path="shop"), "must begin with a forward slash"),
        ("a filter that the call has not", "InvalidFilterKey", client.describe_parameters, dict(ParameterFilters=[{"Key": "Label", "Values": ["x"]}]), "Valid filter keys include"),
        ("back to the standard tier", "ValidationException", put, dict(Name="/shop/watched", Value="y", Tier="Standard", Overwrite=True), "You can't downgrade"),
    ]
    for name, code, call, arguments, words in rows:
        check.refused(name, code, call, 400, words, **arguments)
    gone = client.delete_parameters(Names=["/shop/watched", "/none"])
    check.equal("delete_parameters", (gone["DeletedParameters"], gone["InvalidParameters"]), (["/shop/watched"], ["/none"]))


def command_line(check, world):
    said = cli(world, "ssm", "get-parameter", "--name", "/shop/prod/color")
    check.equal("aws ssm get-parameter", said.get("Parameter", {}).get("Value"), "green")
