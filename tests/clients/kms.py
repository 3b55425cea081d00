"""KMS through boto3: every operation, its members, paginators, and every kind of name."""

import json
import time

METADATA = ["AWSAccountId", "KeyId", "Arn", "CreationDate", "Enabled", "Description", "KeyUsage", "KeyState", "Origin",
            "KeyManager", "CustomerMasterKeySpec", "KeySpec", "EncryptionAlgorithms", "MultiRegion"]
NOWHERE = "11111111-2222-3333-4444-555555555555"


def checks(check, world):
    client = world.client("kms")
    key = client.create_key(Description="payments", Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]
    check.has("create_key", key, *METADATA)
    check.equal("the description comes back", key["Description"], "payments")
    check.equal("the state is Enabled", key["KeyState"], "Enabled")
    check.that("the ARN names Region and account", key["Arn"].startswith(f"arn:aws:kms:eu-west-1:{world.account}:key/"))
    check.that("times are times", abs(key["CreationDate"].timestamp() - time.time()) < 60)
    names(check, client, key)
    cryptography(check, client, key)
    refusals(check, client, key)
    lists(check, client, key)
    grants(check, client, key)
    life(check, client)
    everywhere(check, world)
    front(check, world, key)


def names(check, client, key):
    client.create_alias(AliasName="alias/payments", TargetKeyId=key["KeyId"])
    alias = "alias/payments"
    forms = {"id": key["KeyId"], "ARN": key["Arn"], "alias": alias, "alias ARN": key["Arn"].replace(f"key/{key['KeyId']}", alias)}
    for form, name in forms.items():
        check.equal(f"describe_key takes the {form}", client.describe_key(KeyId=name)["KeyMetadata"]["KeyId"], key["KeyId"])
        sealed = client.encrypt(KeyId=name, Plaintext=b"x")
        check.equal(f"encrypt takes the {form}", sealed["KeyId"], key["Arn"])
        check.equal(f"decrypt takes the {form}", client.decrypt(KeyId=name, CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"], b"x")


def cryptography(check, client, key):
    context = {"table": "orders", "": "empty", "naïve": "ü"}
    sealed = client.encrypt(KeyId=key["KeyId"], Plaintext=b"attack at dawn", EncryptionContext=context)
    check.has("encrypt", sealed, "CiphertextBlob", "KeyId", "EncryptionAlgorithm")
    opened = client.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    check.has("decrypt", opened, "Plaintext", "KeyId", "EncryptionAlgorithm")
    check.equal("decrypt opens", opened["Plaintext"], b"attack at dawn")
    check.refused("decrypt with another context", "InvalidCiphertextException", client.decrypt, 400,
                  CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"table": "other"})
    for size in (1, 1024, 4096):
        plain = bytes(range(256)) * 16
        blob = client.encrypt(KeyId=key["KeyId"], Plaintext=plain[:size])["CiphertextBlob"]
        check.equal(f"{size} bytes come back", client.decrypt(CiphertextBlob=blob)["Plaintext"], plain[:size])
    for spec, size in (("AES_256", 32), ("AES_128", 16)):
        made = client.generate_data_key(KeyId=key["KeyId"], KeySpec=spec)
        check.has("generate_data_key", made, "Plaintext", "CiphertextBlob", "KeyId")
        check.equal(f"{spec} has {size} bytes", len(made["Plaintext"]), size)
        check.equal(f"its blob opens", client.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])
    check.equal("64 bytes of data key", len(client.generate_data_key(KeyId=key["KeyId"], NumberOfBytes=64)["Plaintext"]), 64)
    bare = client.generate_data_key_without_plaintext(KeyId=key["KeyId"], KeySpec="AES_256")
    check.that("a data key without plaintext has none", "Plaintext" not in bare)
    check.equal("random bytes", len(client.generate_random(NumberOfBytes=17)["Plaintext"]), 17)
    other = client.create_key()["KeyMetadata"]
    moved = client.re_encrypt(CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=other["KeyId"])
    check.has("re_encrypt", moved, "CiphertextBlob", "SourceKeyId", "KeyId")
    check.equal("re_encrypt moves", client.decrypt(CiphertextBlob=moved["CiphertextBlob"])["KeyId"], other["Arn"])
    check.refused("a dry run", "DryRunOperationException", client.encrypt, KeyId=key["KeyId"], Plaintext=b"x", DryRun=True)


def refusals(check, client, key):
    loose = client._client_config.parameter_validation
    rows = [
        ("an unknown key", "NotFoundException", client.describe_key, dict(KeyId=NOWHERE), "does not exist"),
        ("an unknown alias", "NotFoundException", client.encrypt, dict(KeyId="alias/none", Plaintext=b"x"), "alias/none is not found"),
        ("garbage as ciphertext", "InvalidCiphertextException", client.decrypt, dict(CiphertextBlob=b"garbage"), ""),
        ("too much plaintext", "ValidationException", client.encrypt, dict(KeyId=key["KeyId"], Plaintext=b"x" * 4097), "4096"),
        ("an alias that exists", "AlreadyExistsException", client.create_alias, dict(AliasName="alias/payments", TargetKeyId=key["KeyId"]), "already exists"),
        ("an alias of AWS", "InvalidAliasNameException", client.create_alias, dict(AliasName="alias/aws/mine", TargetKeyId=key["KeyId"]), ""),
        ("a deleted alias", "NotFoundException", client.delete_alias, dict(AliasName="alias/none"), ""),
        ("a short waiting period", "ValidationException", client.schedule_key_deletion, dict(KeyId=key["KeyId"], PendingWindowInDays=1), ""),
        ("a policy that is none", "MalformedPolicyDocumentException", client.put_key_policy, dict(KeyId=key["KeyId"], PolicyName="default", Policy="{}"), ""),
        ("a custom key store", "NotImplemented", client.create_key, dict(CustomKeyStoreId="cks-1"), "CustomKeyStoreId"),
        ("custom key stores", "NotImplemented", client.describe_custom_key_stores, {}, "DescribeCustomKeyStores"),
    ]
    for name, code, call, arguments, words in rows:
        check.refused(name, code, call, words=words, **arguments)
    try:
        client.describe_key(KeyId=NOWHERE)
    except client.exceptions.NotFoundException as error:
        check.that("errors are the client's own classes", True)
        check.that("errors have request ids", len(error.response["ResponseMetadata"]["RequestId"]) == 36)
    check.that("answers have request ids", len(client.list_keys()["ResponseMetadata"]["RequestId"]) == 36)
    del loose


def lists(check, client, key):
    for _ in range(3):
        client.create_key()
    pages = list(client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    found = [entry["KeyId"] for page in pages for entry in page["Keys"]]
    check.that("list_keys has pages", len(pages) > 1)
    check.that("pages do not repeat", len(found) == len(set(found)))
    check.that("the key is in a page", key["KeyId"] in found)
    aliases = [one for page in client.get_paginator("list_aliases").paginate() for one in page["Aliases"]]
    check.that("list_aliases finds the alias", "alias/payments" in [one["AliasName"] for one in aliases])
    policy = client.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]
    check.equal("the default policy is JSON", json.loads(policy)["Version"], "2012-10-17")
    client.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy)
    check.that("put_key_policy takes what get gave", True)


def grants(check, client, key):
    made = client.create_grant(KeyId=key["KeyId"], GranteePrincipal=key["Arn"].split(":key")[0].replace("kms:eu-west-1", "iam:") + ":root", Operations=["Decrypt"])
    check.has("create_grant", made, "GrantId", "GrantToken")
    pages = client.get_paginator("list_grants").paginate(KeyId=key["KeyId"])
    check.equal("list_grants finds it", [one["GrantId"] for page in pages for one in page["Grants"]], [made["GrantId"]])
    client.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    check.equal("it is gone", client.list_grants(KeyId=key["KeyId"])["Grants"], [])


def life(check, client):
    key = client.create_key()["KeyMetadata"]["KeyId"]
    state = lambda: client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    client.disable_key(KeyId=key)
    check.equal("disabled", state(), "Disabled")
    check.refused("encrypt with a disabled key", "DisabledException", client.encrypt, KeyId=key, Plaintext=b"x")
    client.enable_key(KeyId=key)
    check.equal("enabled", state(), "Enabled")
    gone = client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    check.has("schedule_key_deletion", gone, "KeyId", "DeletionDate", "KeyState", "PendingWindowInDays")
    check.refused("encrypt with it", "KMSInvalidStateException", client.encrypt, KeyId=key, Plaintext=b"x")
    client.cancel_key_deletion(KeyId=key)
    check.equal("cancelled", state(), "Disabled")


def everywhere(check, world):
    here, there = world.client("kms", "us-east-1"), world.client("kms", "eu-west-1")
    key = here.create_key(MultiRegion=True)["KeyMetadata"]
    check.that("multi-Region ids begin with mrk-", key["KeyId"].startswith("mrk-"))
    check.equal("it is the primary", key["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY")
    made = here.replicate_key(KeyId=key["KeyId"], ReplicaRegion="eu-west-1")["ReplicaKeyMetadata"]
    check.equal("the replica has the same id", made["KeyId"], key["KeyId"])
    for _ in range(100):
        if there.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled":
            break
        time.sleep(0.2)
    blob = here.encrypt(KeyId=key["KeyId"], Plaintext=b"one world")["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=blob, KeyId=key["KeyId"])
    check.equal("what one Region seals the other opens", opened["Plaintext"], b"one world")
    check.that("the other names its own key", ":eu-west-1:" in opened["KeyId"])
    single = here.create_key()["KeyMetadata"]
    check.refused("a single-Region key is not replicated", "UnsupportedOperationException", here.replicate_key, KeyId=single["KeyId"], ReplicaRegion="eu-west-1")


def front(check, world, key):
    for region in ("us-east-1", "eu-west-1"):
        client = world.client("kms", region, front=True)
        made = client.create_key()["KeyMetadata"]
        check.that(f"the front door leads to {region}", f":{region}:" in made["Arn"], made["Arn"])
    check.equal("and finds what is there", world.client("kms", front=True).describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Arn"], key["Arn"])
