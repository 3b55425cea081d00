"""The AWS Encryption SDK with multi-Region keyrings across two Regions."""

import time

import aws_encryption_sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsMrkKeyringInput, CreateAwsKmsKeyringInput, CreateMultiKeyringInput
from aws_encryption_sdk import CommitmentPolicy


def checks(check, world):
    here, there = world.client("kms", "us-east-1"), world.client("kms", "eu-west-1")
    primary = here.create_key(MultiRegion=True)["KeyMetadata"]
    replica = here.replicate_key(KeyId=primary["KeyId"], ReplicaRegion="eu-west-1")["ReplicaKeyMetadata"]
    for _ in range(100):
        if there.describe_key(KeyId=replica["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled":
            break
        time.sleep(0.2)
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    ring = lambda key, kms: providers.create_aws_kms_mrk_keyring(CreateAwsKmsMrkKeyringInput(kms_key_id=key, kms_client=kms))
    context = {"purpose": "test", "empty": "-"}
    for size in (0, 1, 5000, 200_000):
        plain = b"s" * size
        for seal, open_, names in (((primary, here), (replica, there), "primary to replica"), ((replica, there), (primary, here), "replica to primary")):
            sealed, _ = client.encrypt(source=plain, keyring=ring(seal[0]["Arn"], seal[1]), encryption_context=context)
            opened, header = client.decrypt(source=sealed, keyring=ring(open_[0]["Arn"], open_[1]), encryption_context=context)
            check.equal(f"{size} bytes from {names}", opened, plain)
            check.that(f"the context holds, {names}", header.encryption_context.items() >= context.items())
    single = there.create_key()["KeyMetadata"]
    one = providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=single["Arn"], kms_client=there))
    both = providers.create_multi_keyring(CreateMultiKeyringInput(generator=one, child_keyrings=[ring(primary["Arn"], here)]))
    sealed, _ = client.encrypt(source=b"two ways", keyring=both, encryption_context=context)
    for name, keyring in (("the single key", one), ("the replica", ring(replica["Arn"], there))):
        opened, _ = client.decrypt(source=sealed, keyring=keyring, encryption_context=context)
        check.equal(f"two keyrings: {name} opens", opened, b"two ways")
    there.disable_key(KeyId=replica["KeyId"])
    try:
        client.decrypt(source=sealed, keyring=ring(replica["Arn"], there), encryption_context=context)
        check.that("a disabled replica does not open", False)
    except Exception as error:
        check.that("a disabled replica does not open", "No Configured KMS Key was able to decrypt" in str(error), error)
    opened, _ = client.decrypt(source=sealed, keyring=ring(primary["Arn"], here), encryption_context=context)
    check.equal("the primary still does", opened, b"two ways")
    there.enable_key(KeyId=replica["KeyId"])
