//! Ids and ARNs of the directory.

use faultline_proto::names::{AccountId, Arn};

use crate::context::Ctx;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A prefix such as `AIDA` and `length` random letters and digits.
pub(crate) fn unique(
    ctx: &mut Ctx<'_>,
    purpose: &'static str,
    prefix: &str,
    length: usize,
) -> String {
    let mut raw = [0; 32];
    ctx.entropy().fill(purpose, &mut raw);
    let letters = raw
        .iter()
        .take(length)
        .map(|byte| char::from(BASE32[usize::from(byte & 31)]));
    prefix.chars().chain(letters).collect()
}

/// A new access key id; keys of sessions have `ASIA`.
pub fn access_key(ctx: &mut Ctx<'_>, prefix: &str) -> String {
    unique(ctx, "iam.access-key", prefix, 16)
}

/// `arn:aws:iam::ACCOUNT:user/PATH/NAME`
pub(super) fn user_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::of("iam", "", account.as_str(), &format!("user{path}{name}"))
}

/// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
pub(super) fn role_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::of("iam", "", account.as_str(), &format!("role{path}{name}"))
}

/// `arn:aws:iam::ACCOUNT:group/PATH/NAME`
pub(super) fn group_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::of("iam", "", account.as_str(), &format!("group{path}{name}"))
}

/// `arn:aws:iam::ACCOUNT:policy/PATH/NAME`
pub(super) fn policy_arn(account: &AccountId, path: &str, name: &str) -> Arn {
    Arn::of("iam", "", account.as_str(), &format!("policy{path}{name}"))
}

/// Names are unique without regard to case.
pub(super) fn key_of(name: &str) -> String {
    name.to_lowercase()
}

/// The name at the end of a policy's ARN.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The path in a policy's ARN, `/` or `/PATH/`.
pub(super) fn path_of(arn: &str) -> &str {
    let begin = arn.find('/').unwrap_or(arn.len());
    let end = arn.rfind('/').map_or(arn.len(), |at| at + 1);
    arn.get(begin..end).unwrap_or("/")
}
