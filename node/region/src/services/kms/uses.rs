//! What the operations that encrypt and decrypt touch.

use std::collections::BTreeMap;

use faultline_proto::handlers::KmsRequest;
use faultline_proto::kms::ReEncryptRequest;

use super::access::{Reach, missing, on_key, to_target};
use super::ciphers::SYMMETRIC;
use super::ciphertext::Blob;
use super::permits;
use super::resolve::{Accepts, by_id};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

/// What a cryptographic request touches; of other requests, nothing.
pub(crate) fn of(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
    let one = match request {
        KmsRequest::Encrypt(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:Encrypt", context, tokens);
            let asked = asked.by(&request.encryption_algorithm);
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::GenerateDataKey(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:GenerateDataKey", context, tokens);
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::GenerateDataKeyWithoutPlaintext(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:GenerateDataKeyWithoutPlaintext", context, tokens);
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::GenerateDataKeyPair(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:GenerateDataKeyPair", context, tokens);
            let access = asked.on(ctx, &request.key_id)?;
            of_pair(access, &request.key_pair_spec)
        }
        KmsRequest::GenerateDataKeyPairWithoutPlaintext(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:GenerateDataKeyPairWithoutPlaintext", context, tokens);
            let access = asked.on(ctx, &request.key_id)?;
            of_pair(access, &request.key_pair_spec)
        }
        KmsRequest::Decrypt(request) => {
            let (context, tokens) = (&request.encryption_context, &request.grant_tokens);
            let asked = Asked::new("kms:Decrypt", context, tokens);
            let asked = asked.by(&request.encryption_algorithm);
            asked.source(ctx, &request.key_id, &request.ciphertext_blob, "keyId")?
        }
        KmsRequest::ReEncrypt(request) => return re_encrypt(ctx, request),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![one])
}

fn of_pair(access: Access, spec: &Option<String>) -> Access {
    access.with("kms:datakeypairspec", spec.as_deref().unwrap_or_default())
}

/// The parts of a cryptographic request that its access needs.
struct Asked<'r> {
    action: &'static str,
    algorithm: &'r str,
    context: &'r BTreeMap<String, String>,
    tokens: &'r [String],
}

impl<'r> Asked<'r> {
    fn new(
        action: &'static str,
        context: &'r BTreeMap<String, String>,
        tokens: &'r [String],
    ) -> Self {
        Self {
            action,
            algorithm: SYMMETRIC,
            context,
            tokens,
        }
    }

    /// With the algorithm that the request names.
    fn by(self, algorithm: &'r Option<String>) -> Self {
        let algorithm = algorithm.as_deref().unwrap_or(SYMMETRIC);
        Self { algorithm, ..self }
    }

    fn complete(&self, ctx: &mut Ctx<'_>, mut access: Access) -> Result<Access, Refusal> {
        access
            .context
            .set("kms:encryptionalgorithm", self.algorithm.to_owned());
        access.context.set_encryption_context(
            self.context
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        access.encryption_context = Some(self.context.clone());
        permits::present(ctx, &mut access, self.tokens)?;
        Ok(access)
    }

    /// The key that is named.
    fn on(&self, ctx: &mut Ctx<'_>, key: &Option<String>) -> Result<Access, Refusal> {
        let access = on_key(ctx, self.action, key, Accepts::Aliases, Reach::AnyAccount)?;
        self.complete(ctx, access)
    }

    /// The key that is named, else the one that a symmetric ciphertext names (K-067).
    fn source(
        &self,
        ctx: &mut Ctx<'_>,
        key: &Option<String>,
        blob: &Option<Vec<u8>>,
        member: &str,
    ) -> Result<Access, Refusal> {
        if key.is_some() {
            return self.on(ctx, key);
        }
        if self.algorithm != SYMMETRIC {
            return Err(missing(member).into());
        }
        let blob = blob.as_deref().ok_or_else(|| missing("ciphertextBlob"))?;
        let maker = Blob::read(blob)?.maker;
        let target = by_id(ctx, maker.account, &maker.key);
        let (reach, wording) = (Reach::AnyAccount, Wording::Ciphertext);
        let access = to_target(ctx, self.action, target, reach, wording)?;
        self.complete(ctx, access)
    }
}

fn re_encrypt(ctx: &mut Ctx<'_>, request: &ReEncryptRequest) -> Result<Vec<Access>, Refusal> {
    let tokens = &request.grant_tokens;
    let context = &request.source_encryption_context;
    let from = Asked::new("kms:ReEncryptFrom", context, tokens);
    let from = from.by(&request.source_encryption_algorithm);
    let (key, blob) = (&request.source_key_id, &request.ciphertext_blob);
    let from = from.source(ctx, key, blob, "sourceKeyId")?;
    let context = &request.destination_encryption_context;
    let to = Asked::new("kms:ReEncryptTo", context, tokens);
    let to = to.by(&request.destination_encryption_algorithm);
    let to = to.on(ctx, &request.destination_key_id)?;
    let same = if from.resource == to.resource {
        "true"
    } else {
        "false"
    };
    Ok(vec![
        from.with("kms:reencryptonsamekey", same),
        to.with("kms:reencryptonsamekey", same),
    ])
}
