"""A world of processes: nodes are killed in the middle of the work, and what was acknowledged is there."""

import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from world import allow

TRUSTED = (BotoCoreError, ClientError, OSError)


def checks(check, world):
    if not hasattr(world, "kill"):
        print("processes: skipped, for the Regions of this world are no processes (run.py --up)")
        return
    keys(check, world)
    kills(check, world)
    replicas(check, world)
    rest(check, world)


def until(what, seconds=30):
    """The first answer that is neither false nor an error."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer = what()
            if answer:
                return answer
        except TRUSTED:
            answer = None
        if time.monotonic() > end:
            return answer
        time.sleep(0.05)


def keys(check, world):
    """A key and its replica outlive the death of both nodes."""
    kms, other = world.client("kms", "eu-west-1"), world.client("kms", "us-east-1")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion="us-east-1")
    blob = kms.encrypt(KeyId=key, Plaintext=b"attack at dawn")["CiphertextBlob"]
    opened = until(lambda: other.decrypt(CiphertextBlob=blob)["Plaintext"])
    check.equal("the replica decrypts", opened, b"attack at dawn")
    for region in ("eu-west-1", "us-east-1"):
        before = world.processes()[region]
        world.kill(region)
        opened = until(lambda: world.client("kms", region).decrypt(CiphertextBlob=blob)["Plaintext"])
        check.equal(f"after its death {region} decrypts", opened, b"attack at dawn")
        check.that(f"by another process", world.processes()[region] != before)
        opened = until(lambda: world.client("kms", region, front=True).decrypt(CiphertextBlob=blob)["Plaintext"])
        check.equal(f"and through the front door", opened, b"attack at dawn")


def kills(check, world):
    """Clients write while their node is killed twice."""
    s3, kms = world.client("s3"), world.client("kms")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    over, objects, keys, odd = threading.Event(), {}, {}, []

    def work(name, put, done):
        number = 0
        while not over.is_set():
            number += 1
            value = f"value of {name}-{number}"
            try:
                done[put(f"{name}-{number}", value)] = value
            except ClientError as error:
                odd.append(error)
            except (BotoCoreError, OSError):
                time.sleep(0.02)

    def put_object(key, value):
        s3.put_object(Bucket="kept", Key=key, Body=value.encode())
        return key

    create_key = lambda _, value: kms.create_key(Description=value)["KeyMetadata"]["KeyId"]
    threads = [threading.Thread(target=work, args=(f"c{number}", put, done))
               for number, (put, done) in enumerate([(create_key, keys), (create_key, keys), (put_object, objects)])]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(0.7)
        world.kill("eu-west-1")
    time.sleep(1.2)
    over.set()
    for thread in threads:
        thread.join()
    check.that("nobody was refused anything", not odd, odd[:3])
    check.that("something was acknowledged", len(keys) > 5 and len(objects) > 5, f"{len(keys)} {len(objects)}")
    until(lambda: s3.list_buckets())
    lost = [key for key, value in objects.items() if s3.get_object(Bucket="kept", Key=key)["Body"].read() != value.encode()]
    check.equal("every acknowledged object is there", lost, [])
    lost = [key for key, value in keys.items() if kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] != value]
    check.equal("every acknowledged key is there", lost, [])


def replicas(check, world):
    """What one Region says while another one is dead arrives there later."""
    world.kill("eu-west-1")
    ann = world.user("ann", allow("kms:ListKeys"))
    listed = until(lambda: world.client("kms", "eu-west-1", who=ann).list_keys()["Keys"])
    check.that("a user that was made while a Region was away is known there", listed)


def rest(check, world):
    status = world.status()
    check.equal("all nodes are up", len(status["nodes"]), 2)
    for region, process in world.processes().items():
        with open(f"/proc/{process}/status") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        check.that(f"{region} takes little memory", memory < 200 * 1024, f"{memory} KiB")
    check.equal("no log says what was written", [name for name, log in world.logs().items() if "value of c" in log or "attack at dawn" in log], [])
