"""S3 through boto3 and the AWS CLI: uploads in parts, copies, checksums, locks, settings, encryption."""

import base64
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib
from datetime import datetime, timedelta, timezone

from boto3.s3.transfer import TransferConfig

AWS = [sys.executable, str(pathlib.Path(sys.executable).parent / "aws")]
MIB = 1024 * 1024
HERE = {"LocationConstraint": "eu-west-1"}


def checks(check, world):
    s3 = world.client("s3")
    s3.create_bucket(Bucket="films", CreateBucketConfiguration=HERE)
    parts(check, s3)
    part_errors(check, s3)
    transfers(check, s3)
    copies(check, s3)
    checksums(check, s3)
    customer_keys(check, s3)
    customer_copies(check, s3)
    methods(check, world, s3)
    enforced(check, world, s3)
    buckets(check, s3)
    listings(check, s3)
    conditions(check, s3)
    tags(check, s3)
    locks(check, s3)
    lifecycle(check, s3)
    deletes(check, s3)
    command_line(check, world)


def body(length):
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


def parts(check, s3):
    up = s3.create_multipart_upload(Bucket="films", Key="film", ContentType="video/x", Metadata={"a": "1"}, Tagging="x=1")
    check.has("create_multipart_upload", up, "Bucket", "Key", "UploadId", "ServerSideEncryption")
    where = dict(Bucket="films", Key="film", UploadId=up["UploadId"])
    first, second = body(5 * MIB), b"the end"
    one = s3.upload_part(**where, PartNumber=1, Body=first)
    check.equal("a part's tag is its MD5", one["ETag"], f'"{hashlib.md5(first).hexdigest()}"')
    two = s3.upload_part(**where, PartNumber=2, Body=second)
    listed = s3.list_parts(**where)
    check.has("list_parts", listed, "Bucket", "Key", "UploadId", "PartNumberMarker", "NextPartNumberMarker", "MaxParts", "IsTruncated", "Parts", "Initiator", "Owner", "StorageClass")
    check.equal("its parts", [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]], [(1, 5 * MIB, one["ETag"]), (2, 7, two["ETag"])])
    pages = list(s3.get_paginator("list_parts").paginate(**where, PaginationConfig={"PageSize": 1}))
    check.equal("list_parts pages", [p["PartNumber"] for page in pages for p in page.get("Parts", [])], [1, 2])
    uploads = s3.list_multipart_uploads(Bucket="films")
    check.equal("the upload is listed", [u["UploadId"] for u in uploads["Uploads"]], [up["UploadId"]])
    check.has("an upload", uploads["Uploads"][0], "UploadId", "Key", "Initiated", "StorageClass", "Owner", "Initiator")
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["ETag"]}]})
    digest = hashlib.md5(hashlib.md5(first).digest() + hashlib.md5(second).digest()).hexdigest()
    check.equal("the object's tag", done["ETag"], f'"{digest}-2"')
    check.has("complete_multipart_upload", done, "Location", "Bucket", "Key", "ETag", "ServerSideEncryption", "ChecksumCRC64NVME", "ChecksumType")
    head = s3.head_object(Bucket="films", Key="film", PartNumber=2)
    check.equal("HEAD of one part", (head["PartsCount"], head["ContentLength"]), (2, 7))
    check.equal("GET of one part", s3.get_object(Bucket="films", Key="film", PartNumber=2)["Body"].read(), second)
    over = s3.get_object(Bucket="films", Key="film", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}")
    check.equal("a range over the boundary", over["Body"].read(), first[-3:] + second[:3])
    check.equal("headers and metadata of the beginning", (head["ContentType"], head["Metadata"]), ("video/x", {"a": "1"}))
    facts = s3.get_object_attributes(Bucket="films", Key="film", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize", "StorageClass", "Checksum"])
    check.equal("attributes", (facts["ETag"], facts["ObjectParts"]["TotalPartsCount"], facts["ObjectSize"], facts["StorageClass"]), (f"{digest}-2", 2, 5 * MIB + 7, "STANDARD"))
    check.refused("a part that is none", "416", s3.head_object, 416, Bucket="films", Key="film", PartNumber=3)
    check.refused("a GET of it", "InvalidPartNumber", s3.get_object, 416, Bucket="films", Key="film", PartNumber=3)


def part_errors(check, s3):
    up = s3.create_multipart_upload(Bucket="films", Key="short")
    where = dict(Bucket="films", Key="short", UploadId=up["UploadId"])
    tags = [s3.upload_part(**where, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)]
    named = lambda *numbers: {"Parts": [{"PartNumber": n, "ETag": tags[n - 1]} for n in numbers]}
    rows = [
        ("parts out of order", "InvalidPartOrder", 400, named(2, 1), "ascending order"),
        ("a part too small", "EntityTooSmall", 400, named(1, 2), "smaller than the minimum"),
        ("another tag", "InvalidPart", 400, {"Parts": [{"PartNumber": 1, "ETag": '"x"'}]}, "could not be found"),
        ("a part that never came", "InvalidPart", 400, {"Parts": [{"PartNumber": 9, "ETag": tags[0]}]}, "could not be found"),
        ("no parts", "MalformedXML", 400, {"Parts": []}, "published schema"),
    ]
    for name, code, status, upload, words in rows:
        check.refused(name, code, s3.complete_multipart_upload, status, words, **where, MultipartUpload=upload)
    check.refused("part 0", "InvalidArgument", s3.upload_part, 400, "between 1 and 10000", **where, PartNumber=0, Body=b"x")
    s3.abort_multipart_upload(**where)
    for name, call, more in (("a part", s3.upload_part, dict(PartNumber=1, Body=b"x")), ("the end", s3.complete_multipart_upload, dict(MultipartUpload=named(1))), ("the list", s3.list_parts, {}), ("the abort", s3.abort_multipart_upload, {})):
        check.refused(f"{name} of an upload that is gone", "NoSuchUpload", call, 404, "may have been aborted or completed", **where, **more)


def transfers(check, s3):
    data = os.urandom(18 * MIB + 5)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=3)
    s3.upload_fileobj(io.BytesIO(data), "films", "managed", Config=config)
    check.that("the transfer manager uploads parts", s3.head_object(Bucket="films", Key="managed")["ETag"].endswith('-3"'))
    back = io.BytesIO()
    s3.download_fileobj("films", "managed", back, Config=config)
    check.that("and downloads ranges", back.getvalue() == data)
    s3.copy({"Bucket": "films", "Key": "managed"}, "films", "managed-copy", Config=config)
    check.that("and copies parts", s3.get_object(Bucket="films", Key="managed-copy")["Body"].read() == data)


def copies(check, s3):
    s3.put_object(Bucket="films", Key="a b+ü", Body=b"waves", ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    done = s3.copy_object(Bucket="films", Key="copy", CopySource={"Bucket": "films", "Key": "a b+ü"})
    check.has("copy_object", done, "CopyObjectResult", "ServerSideEncryption")
    check.has("its result", done["CopyObjectResult"], "ETag", "LastModified", "ChecksumCRC32", "ChecksumType")
    head = s3.head_object(Bucket="films", Key="copy")
    check.equal("a copy keeps type and metadata", (head["ContentType"], head["Metadata"]), ("text/plain", {"m": "1"}))
    check.equal("and tags", s3.get_object_tagging(Bucket="films", Key="copy")["TagSet"], [{"Key": "t", "Value": "1"}])
    s3.copy_object(Bucket="films", Key="copy", CopySource="films/copy", MetadataDirective="REPLACE", Metadata={"n": "2"}, TaggingDirective="REPLACE", Tagging="u=2")
    check.equal("REPLACE takes the request's", s3.head_object(Bucket="films", Key="copy")["Metadata"], {"n": "2"})
    check.equal("tags too", s3.get_object_tagging(Bucket="films", Key="copy")["TagSet"], [{"Key": "u", "Value": "2"}])
    check.refused("a copy to itself", "InvalidRequest", s3.copy_object, 400, "without changing the object's metadata", Bucket="films", Key="copy", CopySource="films/copy")
    check.refused("a source that is none", "NoSuchKey", s3.copy_object, 404, Bucket="films", Key="x", CopySource="films/none")
    check.refused("a bucket that is none", "NoSuchBucket", s3.copy_object, 404, Bucket="films", Key="x", CopySource="none-such-bucket/none")
    check.refused("If-None-Match of the source", "PreconditionFailed", s3.copy_object, 412, Bucket="films", Key="x", CopySource="films/copy", CopySourceIfNoneMatch="*")
    up = s3.create_multipart_upload(Bucket="films", Key="mixed")
    where = dict(Bucket="films", Key="mixed", UploadId=up["UploadId"], PartNumber=1)
    check.refused("a range behind the source", "InvalidArgument", s3.upload_part_copy, 400, "not valid for source object of size: 5", **where, CopySource="films/copy", CopySourceRange="bytes=0-99")
    part = s3.upload_part_copy(**where, CopySource="films/copy", CopySourceRange="bytes=1-3")
    check.equal("a part by copy", part["CopyPartResult"]["ETag"], f'"{hashlib.md5(b"ave").hexdigest()}"')


def checksums(check, s3):
    crc32 = base64.b64encode(zlib.crc32(b"sum").to_bytes(4, "big")).decode()
    sha1 = base64.b64encode(hashlib.sha1(b"sum").digest()).decode()
    sha256 = base64.b64encode(hashlib.sha256(b"sum").digest()).decode()
    for name, value in (("CRC32", crc32), ("SHA1", sha1), ("SHA256", sha256)):
        put = s3.put_object(Bucket="films", Key="sum", Body=b"sum", ChecksumAlgorithm=name)
        check.equal(f"{name} is answered", (put[f"Checksum{name}"], put["ChecksumType"]), (value, "FULL_OBJECT"))
        head = s3.head_object(Bucket="films", Key="sum", ChecksumMode="ENABLED")
        check.equal(f"{name} is kept", head[f"Checksum{name}"], value)
        check.that(f"{name} is not told unasked", f"Checksum{name}" not in s3.head_object(Bucket="films", Key="sum"))
        check.refused(f"a wrong {name}", "BadDigest", s3.put_object, 400, "did not match the calculated checksum", Bucket="films", Key="sum", Body=b"sun", **{f"Checksum{name}": value})
    up = s3.create_multipart_upload(Bucket="films", Key="sums", ChecksumAlgorithm="SHA256")
    check.equal("a composite checksum", (up["ChecksumAlgorithm"], up["ChecksumType"]), ("SHA256", "COMPOSITE"))
    where = dict(Bucket="films", Key="sums", UploadId=up["UploadId"])
    part = s3.upload_part(**where, PartNumber=1, Body=b"sum", ChecksumAlgorithm="SHA256")
    check.refused("parts without theirs", "InvalidRequest", s3.complete_multipart_upload, 400, "must include the checksum for each part", **where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": sha256}]})
    wanted = base64.b64encode(hashlib.sha256(hashlib.sha256(b"sum").digest()).digest()).decode() + "-1"
    check.equal("is of the parts' checksums", done["ChecksumSHA256"], wanted)
    check.refused("a hash of the whole", "InvalidRequest", s3.create_multipart_upload, 400, "FULL_OBJECT checksum type cannot be used", Bucket="films", Key="x", ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")


KEY = b"0123456789abcdef0123456789abcdef"
CUSTOMER = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=KEY)


def customer_keys(check, s3):
    check.refused("SSE-C in a new bucket", "AccessDenied", s3.put_object, 403, "SSE-C", Bucket="films", Key="c", Body=b"x", **CUSTOMER)
    allow = {"Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]}
    s3.put_bucket_encryption(Bucket="films", ServerSideEncryptionConfiguration=allow)
    put = s3.put_object(Bucket="films", Key="c", Body=b"secret", **CUSTOMER)
    md5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
    check.equal("SSE-C echoes the key's MD5", (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]), ("AES256", md5))
    check.that("and names no method", "ServerSideEncryption" not in put)
    check.equal("it opens with the key", s3.get_object(Bucket="films", Key="c", **CUSTOMER)["Body"].read(), b"secret")
    check.refused("without it", "InvalidRequest", s3.get_object, 400, "stored using a form of Server Side Encryption", Bucket="films", Key="c")
    check.refused("HEAD without it", "400", s3.head_object, 400, Bucket="films", Key="c")
    other = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=b"x" * 32)
    check.refused("with another", "AccessDenied", s3.get_object, 403, "must provide the correct secret key", Bucket="films", Key="c", **other)
    check.refused("HEAD with another", "403", s3.head_object, 403, Bucket="films", Key="c", **other)
    rows = [
        ("another algorithm", "InvalidEncryptionAlgorithmError", dict(SSECustomerAlgorithm="AES128", SSECustomerKey=KEY), "Supported value: AES256"),
        ("a short key", "InvalidArgument", dict(SSECustomerAlgorithm="AES256", SSECustomerKey=b"short"), "secret key was invalid"),
        ("another MD5", "InvalidArgument", dict(SSECustomerAlgorithm="AES256", SSECustomerKey=base64.b64encode(KEY).decode(), SSECustomerKeyMD5=base64.b64encode(b"0" * 16).decode()), "did not match the hash"),
        ("two methods", "InvalidArgument", dict(CUSTOMER, ServerSideEncryption="AES256"), "incompatible with the encryption method"),
    ]
    for name, code, members, words in rows:
        check.refused(name, code, s3.put_object, 400, words, Bucket="films", Key="c", Body=b"x", **members)


def customer_copies(check, s3):
    check.refused("a copy without the source's key", "InvalidRequest", s3.copy_object, 400, "stored using a form of Server Side Encryption", Bucket="films", Key="d", CopySource="films/c")
    source = dict(CopySourceSSECustomerAlgorithm="AES256", CopySourceSSECustomerKey=KEY)
    s3.copy_object(Bucket="films", Key="d", CopySource="films/c", **source)
    check.equal("a copy into SSE-S3", s3.get_object(Bucket="films", Key="d")["Body"].read(), b"secret")
    up = s3.create_multipart_upload(Bucket="films", Key="e", **CUSTOMER)
    where = dict(Bucket="films", Key="e", UploadId=up["UploadId"], PartNumber=1, Body=b"x")
    check.refused("a part without the key", "InvalidRequest", s3.upload_part, 400, "Subsequent part requests must include", **where)
    check.refused("a part with another", "InvalidRequest", s3.upload_part, 400, "did not match the ones used originally", **where, SSECustomerAlgorithm="AES256", SSECustomerKey=b"y" * 32)
    part = s3.upload_part(**where, **CUSTOMER)
    check.equal("a part with the key", part["SSECustomerAlgorithm"], "AES256")


def methods(check, world, s3):
    kms = world.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    for method in ("aws:kms", "aws:kms:dsse"):
        put = s3.put_object(Bucket="films", Key="k", Body=b"sealed", ServerSideEncryption=method, SSEKMSKeyId=arn)
        check.equal(f"{method} is answered", (put["ServerSideEncryption"], put["SSEKMSKeyId"]), (method, arn))
        check.that("its tag is not the MD5", put["ETag"] != f'"{hashlib.md5(b"sealed").hexdigest()}"')
        check.equal("it opens", s3.get_object(Bucket="films", Key="k")["Body"].read(), b"sealed")
    unknown = arn.rsplit("/", 1)[0] + "/12345678-1234-1234-1234-123456789012"
    check.refused("an unknown key", "KMS.NotFoundException", s3.put_object, 400, "does not exist", Bucket="films", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=unknown)
    elsewhere = arn.replace("eu-west-1", "us-east-1")
    check.refused("a key of another Region", "KMS.NotFoundException", s3.put_object, 400, "Invalid arn us-east-1", Bucket="films", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=elsewhere)
    check.refused("no key", "KMS.NotFoundException", s3.put_object, 400, "Invalid keyId", Bucket="films", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="nonsense")
    rule = {"SSEAlgorithm": "AES256", "KMSMasterKeyID": arn}
    check.refused("a key beside AES256", "InvalidArgument", s3.put_bucket_encryption, 400, "a KMSMasterKeyID is not applicable", Bucket="films", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]})
    check.refused("two rules", "MalformedXML", s3.put_bucket_encryption, 400, Bucket="films", ServerSideEncryptionConfiguration={"Rules": [{"BucketKeyEnabled": True}] * 2})
    bucket_key = s3.put_object(Bucket="films", Key="bk", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=arn, BucketKeyEnabled=True)
    check.equal("a bucket key is told", bucket_key["BucketKeyEnabled"], True)
    s3.put_object(Bucket="films", Key="re", Body=b"x")
    before = s3.head_object(Bucket="films", Key="re")
    s3.update_object_encryption(Bucket="films", Key="re", ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn}})
    after = s3.head_object(Bucket="films", Key="re")
    check.equal("UpdateObjectEncryption leaves the tag", (after["ETag"], after["LastModified"]), (before["ETag"], before["LastModified"]))
    check.equal("and names the key", (after["ServerSideEncryption"], after["SSEKMSKeyId"]), ("aws:kms", arn))
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    check.refused("a key that will be deleted", "KMS.KMSInvalidStateException", s3.get_object, 400, "is pending deletion", Bucket="films", Key="re")


def enforced(check, world, s3):
    s3.create_bucket(Bucket="strict", CreateBucketConfiguration=HERE)
    deny = lambda sid, condition: {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::strict/*", "Condition": condition}
    policy = {"Version": "2012-10-17", "Statement": [deny("KmsOnly", {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}})]}
    s3.put_bucket_policy(Bucket="strict", Policy=json.dumps(policy))
    check.refused("a put that relies on the default", "AccessDenied", s3.put_object, 403, "explicit deny", Bucket="strict", Key="x", Body=b"x")
    put = s3.put_object(Bucket="strict", Key="x", Body=b"x", ServerSideEncryption="aws:kms")
    check.equal("a put that says it", put["ServerSideEncryption"], "aws:kms")
    check.refused("an upload in parts, too", "AccessDenied", s3.create_multipart_upload, 403, Bucket="strict", Key="x")
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::strict/*"}]}
    check.refused("a public policy", "AccessDenied", s3.put_bucket_policy, 403, "BlockPublicPolicy", Bucket="strict", Policy=json.dumps(public))
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}]}
    check.refused("another bucket's policy", "MalformedPolicy", s3.put_bucket_policy, 400, "invalid resource", Bucket="strict", Policy=json.dumps(other))
    check.equal("the policy is not public", s3.get_bucket_policy_status(Bucket="strict")["PolicyStatus"], {"IsPublic": False})
    s3.delete_bucket_policy(Bucket="strict")
    check.refused("no policy", "NoSuchBucketPolicy", s3.get_bucket_policy, 404, Bucket="strict")
    reader = world.client("s3", who=world.user("only-reads", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
    check.refused("who may not list learns nothing", "AccessDenied", reader.get_object, 403, "s3:ListBucket", Bucket="films", Key="none")
    check.refused("not by HEAD either", "403", reader.head_object, 403, Bucket="films", Key="none")


def buckets(check, s3):
    listed = s3.list_buckets()
    check.that("list_buckets has them", {"films", "strict"} <= {b["Name"] for b in listed["Buckets"]})
    check.has("a bucket", listed["Buckets"][0], "Name", "CreationDate")
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1}))
    check.equal("list_buckets pages", len(pages), len(listed["Buckets"]))
    head = s3.head_bucket(Bucket="films")
    check.equal("head_bucket tells the Region", head["BucketRegion"], "eu-west-1")
    check.equal("so does its location", s3.get_bucket_location(Bucket="films")["LocationConstraint"], "eu-west-1")
    check.refused("HEAD of no bucket", "404", s3.head_bucket, 404, Bucket="none-such-bucket")
    s3.create_bucket(Bucket="brief", CreateBucketConfiguration=HERE)
    s3.get_waiter("bucket_exists").wait(Bucket="brief")
    s3.put_object(Bucket="brief", Key="k", Body=b"x")
    s3.get_waiter("object_exists").wait(Bucket="brief", Key="k")
    check.refused("a bucket with something in it", "BucketNotEmpty", s3.delete_bucket, 409, "is not empty", Bucket="brief")
    s3.delete_object(Bucket="brief", Key="k")
    s3.get_waiter("object_not_exists").wait(Bucket="brief", Key="k")
    s3.delete_bucket(Bucket="brief")
    check.refused("it is gone", "NoSuchBucket", s3.list_objects_v2, 404, "does not exist", Bucket="brief")
    block = s3.get_public_access_block(Bucket="films")["PublicAccessBlockConfiguration"]
    check.equal("Block Public Access is on", set(block.values()), {True})
    s3.delete_public_access_block(Bucket="films")
    check.refused("and off", "NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, 404, Bucket="films")
    owned = s3.get_bucket_ownership_controls(Bucket="films")["OwnershipControls"]["Rules"]
    check.equal("the owner owns", owned, [{"ObjectOwnership": "BucketOwnerEnforced"}])
    s3.delete_bucket_ownership_controls(Bucket="films")
    check.refused("no controls", "OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, 404, Bucket="films")
    check.refused("no tags", "NoSuchTagSet", s3.get_bucket_tagging, 404, Bucket="films")
    s3.put_bucket_tagging(Bucket="films", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    check.equal("tags", s3.get_bucket_tagging(Bucket="films")["TagSet"], [{"Key": "a", "Value": "1"}])
    check.refused("another owner is expected", "AccessDenied", s3.list_objects_v2, 403, Bucket="films", ExpectedBucketOwner="999999999999")


def listings(check, s3):
    s3.create_bucket(Bucket="shelf", CreateBucketConfiguration=HERE)
    for key in ("a/1", "a/2", "b", "c d+ü", "e"):
        s3.put_object(Bucket="shelf", Key=key, Body=b"x")
    page = s3.list_objects(Bucket="shelf", Delimiter="/", MaxKeys=2)
    check.equal("the older listing", ([p["Prefix"] for p in page["CommonPrefixes"]], [o["Key"] for o in page["Contents"]], page["NextMarker"]), (["a/"], ["b"], "b"))
    rest = s3.list_objects(Bucket="shelf", Delimiter="/", Marker=page["NextMarker"])
    check.equal("goes on after its marker", [o["Key"] for o in rest["Contents"]], ["c d+ü", "e"])
    check.equal("it tells owners", "Owner" in rest["Contents"][0], True)
    none = s3.list_objects_v2(Bucket="shelf", MaxKeys=0)
    check.equal("no keys were wanted", (none["KeyCount"], none["IsTruncated"], none.get("Contents")), (0, False, None))
    after = s3.list_objects_v2(Bucket="shelf", StartAfter="b", FetchOwner=True)
    check.equal("StartAfter", [o["Key"] for o in after["Contents"]], ["c d+ü", "e"])
    check.that("FetchOwner", all("ID" in o["Owner"] for o in after["Contents"]))
    check.refused("a token that is none", "InvalidArgument", s3.list_objects_v2, 400, "continuation token", Bucket="shelf", ContinuationToken="???")
    s3.put_bucket_versioning(Bucket="shelf", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        s3.put_object(Bucket="shelf", Key="b", Body=b"y")
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="shelf", Prefix="b", PaginationConfig={"PageSize": 2}))
    found = [v for page in pages for v in page.get("Versions", [])]
    check.equal("pages end in the middle of a key", (len(pages), len(found), [v["IsLatest"] for v in found]), (2, 4, [True, False, False, False]))
    check.equal("the oldest is null", found[-1]["VersionId"], "null")
    rolled = s3.list_object_versions(Bucket="shelf", Delimiter="/")
    check.equal("versions roll up", [p["Prefix"] for p in rolled["CommonPrefixes"]], ["a/"])


def conditions(check, s3):
    put = s3.put_object(Bucket="shelf", Key="once", Body=b"x", IfNoneMatch="*")
    check.refused("a second time", "PreconditionFailed", s3.put_object, 412, "pre-conditions", Bucket="shelf", Key="once", Body=b"y", IfNoneMatch="*")
    check.refused("If-Match of another", "PreconditionFailed", s3.put_object, 412, Bucket="shelf", Key="once", Body=b"y", IfMatch='"x"')
    check.refused("If-Match of nothing", "NoSuchKey", s3.put_object, 404, Bucket="shelf", Key="never", Body=b"y", IfMatch='"x"')
    s3.put_object(Bucket="shelf", Key="once", Body=b"y", IfMatch=put["ETag"])
    head = s3.head_object(Bucket="shelf", Key="once")
    past, future = head["LastModified"] - timedelta(days=1), head["LastModified"] + timedelta(seconds=1)
    check.refused("not modified since", "304", s3.get_object, 304, Bucket="shelf", Key="once", IfModifiedSince=future)
    check.refused("modified since", "PreconditionFailed", s3.get_object, 412, Bucket="shelf", Key="once", IfUnmodifiedSince=past)
    both = s3.get_object(Bucket="shelf", Key="once", IfMatch=head["ETag"], IfUnmodifiedSince=past)
    check.equal("a tag outranks a date", both["Body"].read(), b"y")
    check.refused("for no as well", "304", s3.get_object, 304, Bucket="shelf", Key="once", IfNoneMatch=head["ETag"], IfModifiedSince=past)
    shown = s3.get_object(Bucket="shelf", Key="once", ResponseContentType="text/x", ResponseCacheControl="no-store")
    check.equal("headers of this answer", (shown["ContentType"], shown["CacheControl"]), ("text/x", "no-store"))
    check.refused("range and part", "InvalidRequest", s3.get_object, 400, "Cannot specify both Range header and partNumber", Bucket="shelf", Key="once", Range="bytes=0-0", PartNumber=1)


def tags(check, s3):
    s3.put_object_tagging(Bucket="shelf", Key="b", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    check.equal("tags of an object", s3.get_object_tagging(Bucket="shelf", Key="b")["TagSet"], [{"Key": "k", "Value": "v"}])
    check.equal("their count", s3.head_object(Bucket="shelf", Key="b").get("TagCount"), 1)
    twice = [{"Key": "k", "Value": "v"}] * 2
    check.refused("a tag twice", "InvalidTag", s3.put_object_tagging, 400, "multiple Tags with the same key", Bucket="shelf", Key="b", Tagging={"TagSet": twice})
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(11)]
    check.refused("eleven tags", "BadRequest", s3.put_object_tagging, 400, "cannot be greater than 10", Bucket="shelf", Key="b", Tagging={"TagSet": many})
    s3.delete_object_tagging(Bucket="shelf", Key="b")
    check.equal("none are left", s3.get_object_tagging(Bucket="shelf", Key="b")["TagSet"], [])
    check.refused("metadata beyond 2 KB", "MetadataTooLarge", s3.put_object, 400, "maximum allowed metadata size", Bucket="shelf", Key="m", Body=b"", Metadata={"a": "x" * 2100})


def locks(check, s3):
    check.refused("no Object Lock", "ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration, 404, Bucket="shelf")
    s3.create_bucket(Bucket="vault-of-uploads", CreateBucketConfiguration=HERE, ObjectLockEnabledForBucket=True)
    check.equal("it needs versions", s3.get_bucket_versioning(Bucket="vault-of-uploads")["Status"], "Enabled")
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket="vault-of-uploads", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    check.equal("a default", s3.get_object_lock_configuration(Bucket="vault-of-uploads")["ObjectLockConfiguration"]["Rule"], rule)
    put = s3.put_object(Bucket="vault-of-uploads", Key="k", Body=b"x")
    head = s3.head_object(Bucket="vault-of-uploads", Key="k")
    check.equal("is upon the object", head["ObjectLockMode"], "GOVERNANCE")
    version = dict(Bucket="vault-of-uploads", Key="k", VersionId=put["VersionId"])
    check.refused("a locked version", "AccessDenied", s3.delete_object, 403, "protected by object lock", **version)
    s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    check.equal("a hold", s3.get_object_legal_hold(**version)["LegalHold"], {"Status": "ON"})
    check.refused("bypass does not lift a hold", "AccessDenied", s3.delete_object, 403, **version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    until = (datetime.now(timezone.utc) + timedelta(days=3)).replace(microsecond=0)
    s3.put_object_retention(**version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until})
    check.equal("retention", s3.get_object_retention(**version)["Retention"], {"Mode": "COMPLIANCE", "RetainUntilDate": until})
    check.refused("compliance is for good", "AccessDenied", s3.put_object_retention, 403, **version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}, BypassGovernanceRetention=True)
    check.refused("a lock where there is none", "InvalidRequest", s3.put_object_legal_hold, 400, "missing Object Lock Configuration", Bucket="shelf", Key="b", LegalHold={"Status": "ON"})
    s3.delete_object(Bucket="vault-of-uploads", Key="k")
    check.that("a marker is no deletion", True)


def lifecycle(check, s3):
    check.refused("no rules", "NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, 404, Bucket="shelf")
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "log/"}, "Expiration": {"Days": 3}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="shelf", LifecycleConfiguration={"Rules": [rule]})
    check.equal("rules come back", s3.get_bucket_lifecycle_configuration(Bucket="shelf")["Rules"], [rule])
    check.that("a put tells the last day", 'rule-id="old"' in s3.put_object(Bucket="shelf", Key="log/1", Body=b"x")["Expiration"])
    bad = lambda **change: {"Rules": [{**rule, **change}]}
    check.refused("zero days", "InvalidArgument", s3.put_bucket_lifecycle_configuration, 400, "positive integer", Bucket="shelf", LifecycleConfiguration=bad(Expiration={"Days": 0}))
    check.refused("one id twice", "InvalidArgument", s3.put_bucket_lifecycle_configuration, 400, "must be unique", Bucket="shelf", LifecycleConfiguration={"Rules": [rule, rule]})
    s3.delete_bucket_lifecycle(Bucket="shelf")


def deletes(check, s3):
    marker = s3.delete_object(Bucket="shelf", Key="e")
    check.refused("a marker by its version", "MethodNotAllowed", s3.get_object, 405, Bucket="shelf", Key="e", VersionId=marker["VersionId"])
    done = s3.delete_objects(Bucket="shelf", Delete={"Objects": [{"Key": "a/1"}, {"Key": "never"}, {"Key": "e", "VersionId": marker["VersionId"]}]})
    check.equal("each is told", [d["Key"] for d in done["Deleted"]], ["a/1", "never", "e"])
    check.that("a marker was put", done["Deleted"][0]["DeleteMarker"] and "DeleteMarkerVersionId" in done["Deleted"][0])
    quiet = s3.delete_objects(Bucket="shelf", Delete={"Objects": [{"Key": "a/2"}], "Quiet": True})
    check.that("quietly", "Deleted" not in quiet and "Errors" not in quiet)
    check.refused("none at all", "MalformedXML", s3.delete_objects, 400, Bucket="shelf", Delete={"Objects": []})


def command_line(check, world):
    key, secret, _ = world.root
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": world.front, "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(line):
        done = subprocess.run(AWS + line.split(" "), env=environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def fine(line):
        code, out, err = aws(line)
        check.equal(f"aws {line.split(' /')[0]}", (code, err), (0, ""))
        return out

    fine("s3 mb s3://typed-films")
    with tempfile.TemporaryDirectory() as folder:
        film = pathlib.Path(folder, "film")
        film.write_bytes(os.urandom(9 * MIB))
        fine(f"s3 cp --only-show-errors {film} s3://typed-films/film")
        head = json.loads(fine("s3api head-object --bucket typed-films --key film"))
        check.that("nine MiB go in parts", head["ETag"].endswith('-2"'), head)
        fine("s3 mv --only-show-errors s3://typed-films/film s3://typed-films/moved")
        fine(f"s3 sync --only-show-errors s3://typed-films {folder}/back")
        back = pathlib.Path(folder, "back", "moved")
        check.that("and come back", back.exists() and back.read_bytes() == film.read_bytes())
    check.that("s3 ls", "typed-films" in fine("s3 ls"))
    fine("s3 rm --only-show-errors --recursive s3://typed-films")
    fine("s3 rb s3://typed-films")
    code, _, err = aws("s3api get-object-tagging --bucket films --key never")
    check.that("an error is shown as AWS's", code != 0 and "(NoSuchKey) when calling the GetObjectTagging operation" in err, err)
