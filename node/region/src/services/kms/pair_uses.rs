//! What the operations of asymmetric and HMAC keys touch, with the condition keys that only they
//! have (K-234).

use faultline_proto::handlers::KmsRequest;

use super::access::{Reach, on_key};
use super::permits;
use super::resolve::Accepts;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::Access;

/// One access: action, key, grant tokens and condition keys of a request.
struct Asked<'r> {
    action: &'static str,
    key: &'r Option<String>,
    tokens: &'r [String],
    conditions: [Option<(&'static str, &'r str)>; 2],
}

/// What such a request touches; of other requests, nothing.
pub(crate) fn of(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
    let Some(asked) = read(request) else {
        return Ok(Vec::new());
    };
    let (accepts, reach) = (Accepts::Aliases, Reach::AnyAccount);
    let mut access = on_key(ctx, asked.action, asked.key, accepts, reach)?;
    for (name, value) in asked.conditions.into_iter().flatten() {
        access.context.set(name, value);
    }
    permits::present(ctx, &mut access, asked.tokens)?;
    Ok(vec![access])
}

fn read(request: &KmsRequest) -> Option<Asked<'_>> {
    Some(match request {
        KmsRequest::Sign(request) => Asked {
            action: "kms:Sign",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: signing(&request.signing_algorithm, &request.message_type),
        },
        KmsRequest::Verify(request) => Asked {
            action: "kms:Verify",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: signing(&request.signing_algorithm, &request.message_type),
        },
        KmsRequest::GenerateMac(request) => Asked {
            action: "kms:GenerateMac",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: one("kms:macalgorithm", &request.mac_algorithm),
        },
        KmsRequest::VerifyMac(request) => Asked {
            action: "kms:VerifyMac",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: one("kms:macalgorithm", &request.mac_algorithm),
        },
        KmsRequest::GetPublicKey(request) => Asked {
            action: "kms:GetPublicKey",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: [None, None],
        },
        KmsRequest::DeriveSharedSecret(request) => Asked {
            action: "kms:DeriveSharedSecret",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: one(
                "kms:keyagreementalgorithm",
                &request.key_agreement_algorithm,
            ),
        },
        // The facts have no condition key for the algorithm, of which there is one only.
        KmsRequest::Encapsulate(request) => Asked {
            action: "kms:Encapsulate",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: [None, None],
        },
        KmsRequest::Decapsulate(request) => Asked {
            action: "kms:Decapsulate",
            key: &request.key_id,
            tokens: &request.grant_tokens,
            conditions: [None, None],
        },
        _ => return None,
    })
}

type Conditions<'r> = [Option<(&'static str, &'r str)>; 2];

fn one<'r>(name: &'static str, value: &'r Option<String>) -> Conditions<'r> {
    [value.as_deref().map(|value| (name, value)), None]
}

/// MessageType counts as RAW when it is not said.
fn signing<'r>(algorithm: &'r Option<String>, message_type: &'r Option<String>) -> Conditions<'r> {
    let message_type = message_type.as_deref().unwrap_or("RAW");
    let [algorithm, _] = one("kms:signingalgorithm", algorithm);
    [algorithm, Some(("kms:messagetype", message_type))]
}
