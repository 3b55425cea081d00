"""S3 through boto3: objects, versions, encryption, presigned URLs, both styles of address."""

import base64
import hashlib
import io
import urllib.error
import urllib.request

XML = "http://s3.amazonaws.com/doc/2006-03-01/"


def checks(check, world):
    s3 = world.client("s3")
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    plain(check, s3)
    listing(check, s3)
    versions(check, s3)
    encryption(check, world, s3)
    documents(check, world, s3)
    presigned(check, world, s3)
    styles(check, world)
    checksums(check, world)
    refusals(check, world, s3)


def plain(check, s3):
    put = s3.put_object(Bucket="photos", Key="a/b c+ü?.txt", Body=b"waves", ContentType="text/plain", CacheControl="max-age=3", Metadata={"color": "blue"})
    check.equal("the entity tag is the MD5", put["ETag"], f'"{hashlib.md5(b"waves").hexdigest()}"')
    got = s3.get_object(Bucket="photos", Key="a/b c+ü?.txt")
    check.has("get_object", got, "AcceptRanges", "LastModified", "ContentLength", "ETag", "ContentType", "Metadata", "ServerSideEncryption")
    check.equal("its bytes", got["Body"].read(), b"waves")
    check.equal("its type", got["ContentType"], "text/plain")
    check.equal("its metadata", got["Metadata"], {"color": "blue"})
    check.equal("it is encrypted", got["ServerSideEncryption"], "AES256")
    head = s3.head_object(Bucket="photos", Key="a/b c+ü?.txt")
    check.has("head_object", head, "AcceptRanges", "LastModified", "ContentLength", "ETag", "ContentType", "Metadata")
    for size in (0, 1, 65535, 65536, 65537, 300_000):
        body = (b"0123456789abcdef" * 20_000)[:size]
        s3.put_object(Bucket="photos", Key=f"size-{size}", Body=body)
        check.equal(f"{size} bytes come back", s3.get_object(Bucket="photos", Key=f"size-{size}")["Body"].read(), body)
        check.equal(f"their length", s3.head_object(Bucket="photos", Key=f"size-{size}")["ContentLength"], size)
    body = (b"0123456789abcdef" * 20_000)[:300_000]
    for wanted, first, last in (("bytes=0-9", 0, 10), ("bytes=65530-65545", 65530, 65546), ("bytes=-5", 299_995, 300_000), ("bytes=299990-", 299_990, 300_000)):
        part = s3.get_object(Bucket="photos", Key="size-300000", Range=wanted)
        check.equal(f"the range {wanted}", part["Body"].read(), body[first:last])
        check.equal(f"its status", part["ResponseMetadata"]["HTTPStatusCode"], 206)
        check.equal(f"its place", part["ContentRange"], f"bytes {first}-{last - 1}/300000")
    s3.upload_fileobj(io.BytesIO(body), "photos", "managed")
    down = io.BytesIO()
    s3.download_fileobj("photos", "managed", down)
    check.equal("the transfer manager, one part", down.getvalue(), body)
    check.refused("If-None-Match", "304", s3.get_object, 304, Bucket="photos", Key="managed", IfNoneMatch=s3.head_object(Bucket="photos", Key="managed")["ETag"])
    check.refused("If-Match", "PreconditionFailed", s3.get_object, 412, Bucket="photos", Key="managed", IfMatch='"other"')
    check.refused("a range behind the end", "InvalidRange", s3.get_object, 416, Bucket="photos", Key="managed", Range="bytes=900000-")


def listing(check, s3):
    for number in range(7):
        s3.put_object(Bucket="photos", Key=f"list/{number % 2}/{number}", Body=b"x")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="photos", Prefix="list/", PaginationConfig={"PageSize": 3}))
    check.that("list_objects_v2 has pages", len(pages) == 3, len(pages))
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    check.equal("all keys in order", keys, sorted(f"list/{n % 2}/{n}" for n in range(7)))
    check.has("an entry", pages[0]["Contents"][0], "Key", "LastModified", "ETag", "Size", "StorageClass")
    folders = s3.list_objects_v2(Bucket="photos", Prefix="list/", Delimiter="/")
    check.equal("common prefixes", [one["Prefix"] for one in folders["CommonPrefixes"]], ["list/0/", "list/1/"])
    check.equal("an odd key is listed as it is", [one["Key"] for one in s3.list_objects_v2(Bucket="photos", Prefix="a/")["Contents"]], ["a/b c+ü?.txt"])


def versions(check, s3):
    s3.create_bucket(Bucket="history", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    check.that("versioning is off", "Status" not in s3.get_bucket_versioning(Bucket="history"))
    s3.put_bucket_versioning(Bucket="history", VersioningConfiguration={"Status": "Enabled"})
    check.equal("versioning is on", s3.get_bucket_versioning(Bucket="history")["Status"], "Enabled")
    one = s3.put_object(Bucket="history", Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket="history", Key="k", Body=b"two")["VersionId"]
    check.that("versions have ids", one != two)
    check.equal("the old version", s3.get_object(Bucket="history", Key="k", VersionId=one)["Body"].read(), b"one")
    check.equal("the latest", s3.get_object(Bucket="history", Key="k")["VersionId"], two)
    marker = s3.delete_object(Bucket="history", Key="k")
    check.equal("a delete leaves a marker", marker["DeleteMarker"], True)
    check.refused("it hides the object", "NoSuchKey", s3.get_object, 404, Bucket="history", Key="k")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="history")
    pages = list(pages)
    check.equal("all versions are listed", [v["VersionId"] for p in pages for v in p.get("Versions", [])], [two, one])
    check.equal("and the marker", [v["VersionId"] for p in pages for v in p.get("DeleteMarkers", [])], [marker["VersionId"]])
    s3.delete_object(Bucket="history", Key="k", VersionId=marker["VersionId"])
    check.equal("without it the object is back", s3.get_object(Bucket="history", Key="k")["Body"].read(), b"two")
    check.refused("a version that is none", "NoSuchVersion", s3.get_object, 404, Bucket="history", Key="k", VersionId="none" * 8)


def encryption(check, world, s3):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/photos", TargetKeyId=key["KeyId"])
    for name in (key["KeyId"], key["Arn"], "alias/photos"):
        put = s3.put_object(Bucket="photos", Key="kms", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=name, BucketKeyEnabled=True)
        check.equal("SSE-KMS names the key", put["SSEKMSKeyId"], key["Arn"])
        check.equal("and the bucket key", put["BucketKeyEnabled"], True)
    check.equal("it opens", s3.get_object(Bucket="photos", Key="kms")["Body"].read(), b"x")
    rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}, "BucketKeyEnabled": True}]}
    s3.create_bucket(Bucket="sealed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_encryption(Bucket="sealed", ServerSideEncryptionConfiguration=rule)
    got = s3.get_bucket_encryption(Bucket="sealed")["ServerSideEncryptionConfiguration"]["Rules"][0]
    check.equal("the default comes back", got["ApplyServerSideEncryptionByDefault"], rule["Rules"][0]["ApplyServerSideEncryptionByDefault"])
    check.equal("and is used", s3.put_object(Bucket="sealed", Key="k", Body=b"x")["SSEKMSKeyId"], key["Arn"])
    s3.put_object(Bucket="photos", Key="own", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    kms.disable_key(KeyId=key["KeyId"])
    check.refused("a disabled key closes the object", "KMS.DisabledException", s3.get_object, 400, Bucket="photos", Key="own")
    check.refused("and puts", "KMS.DisabledException", s3.put_object, 400, Bucket="photos", Key="x", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    check.equal("a bucket key that is cached goes on (SSE-034)", s3.get_object(Bucket="photos", Key="kms")["Body"].read(), b"x")
    kms.enable_key(KeyId=key["KeyId"])
    # SSE-025: a read has nothing to ask for.
    asks = world.client("s3")
    asks.meta.events.register("before-sign.s3.GetObject", lambda request, **_: request.headers.add_header("x-amz-server-side-encryption", "AES256"))
    check.refused("a read that names a method", "InvalidArgument", asks.get_object, 400, Bucket="photos", Key="own")


def documents(check, world, s3):
    check.refused("no policy", "NoSuchBucketPolicy", s3.get_bucket_policy, 404, Bucket="photos")
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/public/*"}]}'
    check.refused("a public policy in a new bucket", "AccessDenied", s3.put_bucket_policy, 403, "BlockPublicPolicy", Bucket="photos", Policy=policy)
    s3.delete_public_access_block(Bucket="photos")
    s3.put_bucket_policy(Bucket="photos", Policy=policy)
    check.equal("the policy comes back", s3.get_bucket_policy(Bucket="photos")["Policy"], policy)
    s3.put_object(Bucket="photos", Key="public/a", Body=b"for all")
    with urllib.request.urlopen(f"{world.endpoint('eu-west-1')}/photos/public/a") as answer:
        check.equal("what is public needs no signature", answer.read(), b"for all")
    check.refused("no replication", "ReplicationConfigurationNotFoundError", s3.get_bucket_replication, 404, Bucket="history")
    check.refused("a policy that is none", "MalformedPolicy", s3.put_bucket_policy, 400, Bucket="photos", Policy="{}")


def presigned(check, world, old):
    # boto3 presigns with Version 2 unless told otherwise, and newer buckets refuse that.
    url = old.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "managed"}, ExpiresIn=60)
    if "X-Amz-Signature" not in url:
        check.equal("Signature Version 2", refused(url), (400, "InvalidRequest"))
    s3 = world.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "a/b c+ü?.txt"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        check.equal("a presigned get", answer.read(), b"waves")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "photos", "Key": "by-url"}, ExpiresIn=60)
    with urllib.request.urlopen(urllib.request.Request(put, b"sent by url", method="PUT")) as answer:
        check.equal("a presigned put", answer.status, 200)
    check.equal("it is there", s3.get_object(Bucket="photos", Key="by-url")["Body"].read(), b"sent by url")
    # SSE-052: a URL alone does not open what a customer's key seals.
    s3.put_bucket_encryption(Bucket="photos", ServerSideEncryptionConfiguration={"Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]})
    mine = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=b"0123456789abcdef0123456789abcdef")
    s3.put_object(Bucket="photos", Key="customer", Body=b"sealed", **mine)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "customer", "SSECustomerAlgorithm": "AES256"}, ExpiresIn=60)
    headers = {
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-server-side-encryption-customer-key": base64.b64encode(mine["SSECustomerKey"]).decode(),
        "x-amz-server-side-encryption-customer-key-MD5": base64.b64encode(hashlib.md5(mine["SSECustomerKey"]).digest()).decode(),
    }
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        check.equal("with the key's headers it opens", answer.read(), b"sealed")
    check.equal("without them it does not", refused(url)[0], 403)
    status = lambda url: refused(url)
    check.equal("another key under the same signature", status(url.replace("/a/", "/b/")), (403, "SignatureDoesNotMatch"))
    late = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "managed"}, ExpiresIn=0)
    import time
    time.sleep(1.5)
    check.equal("an expired URL", status(late), (403, "AccessDenied"))
    long = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "managed"}, ExpiresIn=700_000)
    check.equal("a URL for longer than a week", status(long), (400, "AuthorizationQueryParametersError"))


def refused(url):
    try:
        urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        return error.code, text.split("<Code>")[1].split("<")[0]
    return 200, ""


def styles(check, world):
    port = world.endpoint("eu-west-1").rsplit(":", 1)[1]
    for style in ("path", "virtual"):
        client = world.session().client("s3", endpoint_url=f"http://localhost:{port}", config=__import__("botocore.config").config.Config(s3={"addressing_style": style}, retries={"max_attempts": 1}))
        try:
            check.equal(f"{style} style", client.get_object(Bucket="photos", Key="size-1")["Body"].read(), b"0")
        except Exception as error:
            # Names below localhost do not resolve everywhere.
            check.that(f"{style} style", style == "virtual" and "Could not connect" in str(error), error)
    request = urllib.request.Request(f"http://127.0.0.1:{port}/public/a", headers={"host": "photos.s3.eu-west-1.amazonaws.com"})
    with urllib.request.urlopen(request) as answer:
        check.equal("AWS's own host names a bucket", answer.read(), b"for all")


def checksums(check, world):
    for when in ("when_supported", "when_required"):
        s3 = world.client("s3", request_checksum_calculation=when)
        s3.put_object(Bucket="photos", Key="sum", Body=b"sum")
        check.equal(f"checksums {when}", s3.get_object(Bucket="photos", Key="sum")["Body"].read(), b"sum")
        s3.put_object(Bucket="photos", Key="stream", Body=io.BytesIO(b"streamed" * 20_000))
        check.equal(f"streams {when}", s3.get_object(Bucket="photos", Key="stream")["Body"].read(), b"streamed" * 20_000)
    s3 = world.client("s3")
    for algorithm in ("CRC32", "SHA256"):
        s3.put_object(Bucket="photos", Key="sum", Body=b"sum", ChecksumAlgorithm=algorithm)
        check.that(f"{algorithm} is verified", True)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    check.refused("a wrong SHA-256", "BadDigest", s3.put_object, 400, Bucket="photos", Key="sum", Body=b"sum", ChecksumSHA256=wrong)
    check.refused("a wrong MD5", "BadDigest", s3.put_object, 400, Bucket="photos", Key="sum", Body=b"sum", ContentMD5=base64.b64encode(b"0" * 16).decode())


def refusals(check, world, s3):
    rows = [
        ("an unknown key", "NoSuchKey", s3.get_object, dict(Bucket="photos", Key="none"), 404),
        ("an unknown bucket", "NoSuchBucket", s3.get_object, dict(Bucket="none-such", Key="none"), 404),
        ("HEAD of an unknown key", "404", s3.head_object, dict(Bucket="photos", Key="none"), 404),
        ("a bucket that is mine", "BucketAlreadyOwnedByYou", s3.create_bucket, dict(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}), 409),
        ("another Region's constraint", "IllegalLocationConstraintException", s3.create_bucket, dict(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}), 400),
        ("bucket ACLs", "NotImplemented", s3.get_bucket_acl, dict(Bucket="photos"), 501),
        ("an ACL header", "NotImplemented", s3.put_object, dict(Bucket="photos", Key="x", Body=b"", ACL="public-read"), 501),
        ("websites", "NotImplemented", s3.get_bucket_website, dict(Bucket="photos"), 501),
    ]
    for name, code, call, arguments, status in rows:
        check.refused(name, code, call, status, **arguments)
    # boto3 reads the Region out of the redirect, signs again, and the front door follows.
    there = world.client("s3", "us-east-1", front=True).get_object(Bucket="photos", Key="size-1")
    check.equal("a bucket of another Region, by redirect", there["Body"].read(), b"0")
