//! The KMS side of a keyring: what is asked, and what must be true of the answer.
//!
//! With intermediate key wrapping each key of a keyring makes its own intermediate key,
//! so children call `GenerateDataKey` too and not `Encrypt`: a writer needs the same
//! permission on all of them (the SDK's code; its keyring specification says `Encrypt`).

use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse,
};
use zeroize::Zeroizing;

use crate::client::{AwsClient, call, unexpected};
use crate::context::EncryptionContext;
use crate::error::SealedError;
use crate::header::EncryptedDataKey;
use crate::keyring::{KeyArn, PROVIDER};
use crate::secret::{DataKey, IntermediateKey, TagKey};
use crate::wrapping::WRAPPED_DATA_KEY;

const GENERATE_DATA_KEY: &str = "kms.GenerateDataKey";
const DECRYPT: &str = "kms.Decrypt";

/// Has `key` make an intermediate key, and wraps `data_key` with it.
pub(crate) async fn wrap<A: AwsClient>(
    aws: &A,
    key: &KeyArn,
    context: &EncryptionContext,
    data_key: &DataKey,
) -> Result<((EncryptedDataKey, TagKey), KeyArn), SealedError> {
    let request = GenerateDataKeyRequest {
        key_id: Some(key.as_str().to_owned()),
        number_of_bytes: Some(32),
        encryption_context: context.to_map(),
        ..GenerateDataKeyRequest::default()
    };
    let response: GenerateDataKeyResponse =
        call(aws, key.region(), GENERATE_DATA_KEY, &request).await?;
    let refuse = |why: &str| unexpected(key.region(), GENERATE_DATA_KEY, why);
    let plaintext = Zeroizing::new(response.plaintext.unwrap_or_default());
    let intermediate = IntermediateKey::from_slice(&plaintext)
        .ok_or_else(|| refuse("Invalid response from AWS KMS GenerateDataKey: Invalid data key"))?;
    let used: KeyArn = response
        .key_id
        .unwrap_or_default()
        .parse()
        .map_err(|_| refuse("Invalid response from AWS KMS GenerateDataKey: Invalid KeyId"))?;
    let mut ciphertext = intermediate.wrap(data_key, &context.serialize());
    ciphertext.extend(response.ciphertext_blob.unwrap_or_default());
    let wrapped = EncryptedDataKey {
        provider_id: PROVIDER.to_owned(),
        provider_info: used.as_str().to_owned(),
        ciphertext,
    };
    Ok(((wrapped, intermediate.tag_key()), used))
}

/// Has KMS open the intermediate key of one encrypted data key, and unwraps the data key.
pub(crate) async fn unwrap<A: AwsClient>(
    aws: &A,
    key: &KeyArn,
    wrapped: &EncryptedDataKey,
    context: &EncryptionContext,
) -> Result<(DataKey, TagKey), SealedError> {
    let Some((wrapped, ciphertext_blob)) = wrapped.ciphertext.split_at_checked(WRAPPED_DATA_KEY)
    else {
        return Err(SealedError::InvalidHeader(
            "Unable to deserialize Intermediate Key Wrapped material: too short.".to_owned(),
        ));
    };
    let request = DecryptRequest {
        key_id: Some(key.as_str().to_owned()),
        ciphertext_blob: Some(ciphertext_blob.to_vec()),
        encryption_context: context.to_map(),
        ..DecryptRequest::default()
    };
    let response: DecryptResponse = call(aws, key.region(), DECRYPT, &request).await?;
    let refuse = || unexpected(key.region(), DECRYPT, "Invalid response from KMS Decrypt");
    let plaintext = Zeroizing::new(response.plaintext.unwrap_or_default());
    // KeyId must be the key that was asked for (CSE-049).
    if response.key_id.as_deref() != Some(key.as_str()) {
        return Err(refuse());
    }
    let intermediate = IntermediateKey::from_slice(&plaintext).ok_or_else(refuse)?;
    let data_key = intermediate
        .unwrap(wrapped, &context.serialize())
        .ok_or_else(|| {
            SealedError::SignatureInvalid(
                "the wrapped data key does not belong to this item".to_owned(),
            )
        })?;
    Ok((data_key, intermediate.tag_key()))
}
