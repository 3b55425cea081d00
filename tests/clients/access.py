"""Who may do what, as unmodified clients feel it: refusals across services."""

import json

from world import allow


def checks(check, world):
    reader = world.user("reader", allow("s3:GetObject", "s3:ListBucket", "dynamodb:GetItem"))
    root = world.client("s3", world.home)
    key = world.client("kms", world.home).create_key()["KeyMetadata"]
    root.create_bucket(Bucket="vault")
    root.put_object(Bucket="vault", Key="sealed", Body=b"gold", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    root.put_object(Bucket="vault", Key="plain", Body=b"tin")
    s3 = world.client("s3", world.home, who=reader)
    check.equal("who may get gets", s3.get_object(Bucket="vault", Key="plain")["Body"].read(), b"tin")
    check.refused("SSE-KMS needs kms:Decrypt of the reader", "AccessDenied", s3.get_object, 403, Bucket="vault", Key="sealed")
    check.equal("HEAD needs no key", s3.head_object(Bucket="vault", Key="sealed")["ContentLength"], 4)
    check.refused("who may not put", "AccessDenied", s3.put_object, 403, Bucket="vault", Key="x", Body=b"x")
    check.refused("who may not delete", "AccessDenied", s3.delete_object, 403, Bucket="vault", Key="plain")
    rows = [
        ("kms", "list_keys", {}, "AccessDeniedException", 400),
        ("dynamodb", "describe_table", dict(TableName="orders"), "AccessDeniedException", 400),
        ("iam", "list_users", {}, "AccessDenied", 403),
        ("ec2", "describe_volumes", {}, "UnauthorizedOperation", 403),
        ("cloudtrail", "lookup_events", {}, "AccessDeniedException", 400),
    ]
    for service, call, arguments, code, status in rows:
        client = world.client(service, world.home, who=reader)
        check.refused(f"{service}.{call}", code, getattr(client, call), status, **arguments)
    iam = world.client("iam")
    iam.put_user_policy(UserName="reader", PolicyName="keys", PolicyDocument=json.dumps(allow("kms:Decrypt")))
    check.equal("with kms:Decrypt it opens", s3.get_object(Bucket="vault", Key="sealed")["Body"].read(), b"gold")
