"""The AWS CLI as a learner types it, through the front door."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

AWS = [sys.executable, str(pathlib.Path(sys.executable).parent / "aws")]


def surroundings(world):
    """The variables of a shell that talks to the front door as the account's root."""
    key, secret, _ = world.root
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": world.front, "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
    }


def cli(world, *arguments):
    """What one command answers."""
    done = subprocess.run([*AWS, *arguments], env=surroundings(world), capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {"Failed": done.stderr}


def checks(check, world):
    environment = surroundings(world)

    def aws(line, region=None):
        arguments = line.split(" ") + (["--region", region] if region else [])
        done = subprocess.run(AWS + arguments, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def answer(line, region=None):
        code, out, err = aws(line, region)
        check.equal(f"aws {line}", (code, err), (0, ""))
        return json.loads(out) if out.strip().startswith("{") else out

    check.equal("sts says who", answer("sts get-caller-identity").get("Account"), world.account)
    # The waiter looks every 20 seconds: the table is there when it is asked for.
    answer("dynamodb create-table --table-name typed --attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH --billing-mode PAY_PER_REQUEST")
    made = answer("kms create-key --description typed")["KeyMetadata"]
    answer(f"kms create-alias --alias-name alias/typed --target-key-id {made['KeyId']}")
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder, "plain")
        plain.write_bytes(b"typed by hand")
        sealed = answer(f"kms encrypt --key-id alias/typed --plaintext fileb://{plain}")
        blob = pathlib.Path(folder, "blob")
        blob.write_bytes(__import__("base64").b64decode(sealed["CiphertextBlob"]))
        opened = answer(f"kms decrypt --ciphertext-blob fileb://{blob}")
        check.equal("it comes back", __import__("base64").b64decode(opened["Plaintext"]), b"typed by hand")
        answer("s3api create-bucket --bucket typed --create-bucket-configuration LocationConstraint=eu-west-1")
        check.equal("s3 cp up", aws(f"s3 cp {plain} s3://typed/plain")[0], 0)
        back = pathlib.Path(folder, "back")
        check.equal("s3 cp down", aws(f"s3 cp s3://typed/plain {back}")[0], 0)
        check.equal("the file is the same", back.exists() and back.read_bytes(), b"typed by hand")
        check.that("s3 ls lists it", "plain" in answer("s3 ls s3://typed/"))
    answer("iam create-user --user-name typed")
    check.that("users are listed", "typed" in [user["UserName"] for user in answer("iam list-users")["Users"]])
    check.that("volumes are described", "Volumes" in answer("ec2 describe-volumes"))
    check.that("events are found", "Events" in answer("cloudtrail lookup-events --max-items 3"))
    answer("dynamodb wait table-exists --table-name typed")
    answer('dynamodb put-item --table-name typed --item {"pk":{"S":"a"},"n":{"N":"7"}}')
    check.equal("an item", answer('dynamodb get-item --table-name typed --key {"pk":{"S":"a"}}')["Item"]["n"], {"N": "7"})
    there = answer("kms create-key --multi-region", "us-east-1")["KeyMetadata"]
    check.that("another Region by the same door", ":us-east-1:" in there["Arn"])
    code, _, err = aws("kms describe-key --key-id alias/none")
    check.that("an error is shown as AWS's", code != 0 and "(NotFoundException) when calling the DescribeKey operation" in err, err)
