//! What the cryptographic operations touch.

use std::collections::BTreeMap;

use faultline_proto::handlers::KmsRequest;
use faultline_proto::kms::ReEncryptRequest;

use super::access::{Reach, missing, on_key, to_target};
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
            let asked = Asked::new(
                "kms:Encrypt",
                &request.encryption_context,
                &request.grant_tokens,
            );
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::GenerateDataKey(request) => {
            let asked = Asked::new(
                "kms:GenerateDataKey",
                &request.encryption_context,
                &request.grant_tokens,
            );
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::GenerateDataKeyWithoutPlaintext(request) => {
            let action = "kms:GenerateDataKeyWithoutPlaintext";
            let asked = Asked::new(action, &request.encryption_context, &request.grant_tokens);
            asked.on(ctx, &request.key_id)?
        }
        KmsRequest::Decrypt(request) => {
            let asked = Asked::new(
                "kms:Decrypt",
                &request.encryption_context,
                &request.grant_tokens,
            );
            let blob = request.ciphertext_blob.as_deref();
            asked.source(ctx, &request.key_id, blob)?
        }
        KmsRequest::ReEncrypt(request) => return re_encrypt(ctx, request),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![one])
}

/// The parts of a cryptographic request that its access needs.
struct Asked<'r> {
    action: &'static str,
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
            context,
            tokens,
        }
    }

    fn complete(&self, ctx: &mut Ctx<'_>, mut access: Access) -> Result<Access, Refusal> {
        access
            .context
            .set("kms:encryptionalgorithm", "SYMMETRIC_DEFAULT");
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

    /// The key that is named, else the one that the ciphertext names (K-067).
    fn source(
        &self,
        ctx: &mut Ctx<'_>,
        key: &Option<String>,
        blob: Option<&[u8]>,
    ) -> Result<Access, Refusal> {
        if key.is_some() {
            return self.on(ctx, key);
        }
        let maker = Blob::read(blob.ok_or_else(|| missing("ciphertextBlob"))?)?.maker;
        let target = by_id(ctx, maker.account, &maker.key);
        let access = to_target(
            ctx,
            self.action,
            target,
            Reach::AnyAccount,
            Wording::Ciphertext,
        )?;
        self.complete(ctx, access)
    }
}

fn re_encrypt(ctx: &mut Ctx<'_>, request: &ReEncryptRequest) -> Result<Vec<Access>, Refusal> {
    let from = Asked::new(
        "kms:ReEncryptFrom",
        &request.source_encryption_context,
        &request.grant_tokens,
    );
    let from = from.source(
        ctx,
        &request.source_key_id,
        request.ciphertext_blob.as_deref(),
    )?;
    let to = Asked::new(
        "kms:ReEncryptTo",
        &request.destination_encryption_context,
        &request.grant_tokens,
    );
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
