//! GenerateRandom: bytes without a key, decided by IAM alone (K-088, K-184).

use faultline_proto::kms::{GenerateRandomRequest, GenerateRandomResponse};
use faultline_proto::progress::Progress;

use super::error::KmsError;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Between 1 and 1,024 bytes; the definition holds the limits, but not that a number must be given.
pub(crate) fn generate(
    ctx: &mut Ctx<'_>,
    request: GenerateRandomRequest,
) -> Result<Progress<GenerateRandomResponse>, Refusal> {
    KmsError::recipient(request.recipient.as_ref())?;
    let length = request
        .number_of_bytes
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| Refusal::new("ValidationException", "NumberOfBytes is required."))?;
    let mut bytes = vec![0; length];
    ctx.entropy().fill("kms.random", &mut bytes);
    Ok(Progress::Done(GenerateRandomResponse {
        plaintext: Some(bytes),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, World, people::allow};

    #[test]
    fn k_088_random_bytes_need_a_number_between_1_and_1024_and_no_key() {
        let mut world = World::new(&["eu-west-1"]);
        let root = world.root(ACCOUNT);
        let ask = |number_of_bytes| GenerateRandomRequest {
            number_of_bytes,
            recipient: None,
        };
        let first = world.call("eu-west-1", &root, &ask(Some(24))).unwrap();
        let second = world.call("eu-west-1", &root, &ask(Some(24))).unwrap();
        assert_eq!(first.plaintext.as_ref().map(Vec::len), Some(24));
        assert_ne!(first, second);
        let refused = world.call("eu-west-1", &root, &ask(None)).unwrap_err();
        assert_eq!(refused.message, "NumberOfBytes is required.");
        let refused = world
            .call("eu-west-1", &root, &ask(Some(1025)))
            .unwrap_err();
        assert_eq!(
            refused.message,
            "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: \
             Member must have value less than or equal to 1024"
        );
        let other = world.user(ACCOUNT, "other", &allow(&["kms:Encrypt"], &["*"]));
        let refused = world.call("eu-west-1", &other, &ask(Some(1))).unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException", "K-184");
    }
}
