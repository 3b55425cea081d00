"""A world that speaks TLS: SSE-C, which some clients send nowhere else, and buckets as hosts."""

import json
import os
import socket
import subprocess
import sys
import tempfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError

from world import UP

KEY, OTHER = b"k" * 32, b"o" * 32


def localhost(resolve):
    """Names below localhost are this machine, also where the system's resolver does not know it."""
    return lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)


def checks(check, world):
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "FAULTLINE_DIR": os.path.join(folder, "world")}
        up = subprocess.Popen([UP, "up", "--regions", "eu-west-1,us-east-1", "--tls"], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        before = socket.getaddrinfo
        socket.getaddrinfo = localhost(before)
        try:
            check.that("its world is made", next((line for line in up.stderr if "is up" in line), ""))
            said = subprocess.run([UP, "env", "--front", "--in", "eu-west-1", "--format", "json"], env=environment, capture_output=True, text=True).stdout
            checked(check, json.loads(said))
        finally:
            socket.getaddrinfo = before
            subprocess.run([UP, "down"], env=environment, capture_output=True)
            up.wait(30)


def checked(check, variables):
    front = variables["AWS_ENDPOINT_URL"]
    check.that("the endpoint is https", front.startswith("https://"))
    session = boto3.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1")

    def client(service, style="path", endpoint=front, verify=variables["AWS_CA_BUNDLE"]):
        config = Config(s3={"addressing_style": style}, retries={"max_attempts": 1, "mode": "standard"})
        return session.client(service, endpoint_url=endpoint, verify=verify, config=config)

    try:
        client("sts", verify=True).get_caller_identity()
        check.that("a client that does not know the authority refuses", False)
    except SSLError:
        check.that("a client that does not know the authority refuses", True)
    s3 = client("s3")
    s3.create_bucket(Bucket="sealed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    # Off for new buckets since April 2026.
    s3.put_bucket_encryption(Bucket="sealed", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]})
    theirs = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    put = s3.put_object(Bucket="sealed", Key="a", Body=b"attack at dawn", **theirs)
    check.equal("SSE-C is answered", put.get("SSECustomerAlgorithm"), "AES256")
    check.equal("its key opens", s3.get_object(Bucket="sealed", Key="a", **theirs)["Body"].read(), b"attack at dawn")
    check.refused("another key", "AccessDenied", s3.get_object, 403, Bucket="sealed", Key="a", SSECustomerAlgorithm="AES256", SSECustomerKey=OTHER)
    check.refused("no key", "InvalidRequest", s3.get_object, 400, Bucket="sealed", Key="a")
    # `*.localhost` is no name for OpenSSL; `*.s3.localhost` is one.
    hosts = client("s3", "virtual", front.replace("127.0.0.1", "s3.localhost"))
    hosts.put_object(Bucket="sealed", Key="b/c", Body=b"by host", **theirs)
    check.equal("a bucket is a host", s3.get_object(Bucket="sealed", Key="b/c", **theirs)["Body"].read(), b"by host")
    check.equal("and is listed by it", [it["Key"] for it in hosts.list_objects_v2(Bucket="sealed")["Contents"]], ["a", "b/c"])
    url = hosts.generate_presigned_url("get_object", Params={"Bucket": "sealed", "Key": "b/c"})
    check.that("a presigned URL names the host", url.startswith("https://sealed.s3.localhost:"), url)
    try:
        hosts.head_object(Bucket="sealed", Key="absent")
        check.that("an absent object", False)
    except ClientError as error:
        check.equal("an absent object", error.response["ResponseMetadata"]["HTTPStatusCode"], 404)
    shell = {**os.environ, **variables, "AWS_PAGER": ""}
    ran = subprocess.run([sys.executable, os.path.join(os.path.dirname(sys.executable), "aws"), "sts", "get-caller-identity"], env=shell, capture_output=True, text=True, timeout=60)
    check.equal("the AWS CLI by `faultline env`", (ran.returncode, ran.stderr), (0, ""))
