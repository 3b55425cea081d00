//! Policy documents on their way in: read strictly, measured, and their principals looked up.

use super::directory::principal_exists;
use super::error::{Entity, IamError};
use crate::context::Ctx;
use crate::identity::principals::PrincipalName;
use crate::identity::{Document, DocumentKind};

/// Characters of all inline policies of a user, white space not counted.
const USER_LIMIT: usize = 2_048;
/// The same for a group.
const GROUP_LIMIT: usize = 5_120;
/// The same for a role.
const ROLE_LIMIT: usize = 10_240;
/// Characters of a trust policy.
const TRUST_LIMIT: usize = 2_048;

/// Checks an identity policy.
pub(super) fn identity(text: &str) -> Result<(), IamError> {
    Document::parse(text, DocumentKind::Identity)
        .map(drop)
        .map_err(IamError::MalformedPolicy)
}

/// Checks a trust policy; whom it names must exist.
pub(super) fn trust(ctx: &mut Ctx<'_>, text: &str) -> Result<(), IamError> {
    let document = Document::parse(text, DocumentKind::Trust).map_err(IamError::MalformedPolicy)?;
    if size(text) > TRUST_LIMIT {
        return Err(IamError::Quota {
            what: "ACLSizePerRole",
            limit: TRUST_LIMIT,
        });
    }
    for name in document.principals() {
        if !principal_exists(ctx, name) {
            return Err(IamError::InvalidPrincipal {
                kind: kind_of(name),
                name: name.text().to_owned(),
            });
        }
    }
    Ok(())
}

fn kind_of(name: &PrincipalName) -> &'static str {
    match name {
        PrincipalName::Everyone
        | PrincipalName::Account(_)
        | PrincipalName::Arn(_)
        | PrincipalName::Id(_) => "AWS",
        PrincipalName::Service(_) => "Service",
        PrincipalName::Federated(_) => "Federated",
        PrincipalName::CanonicalUser(_) => "CanonicalUser",
    }
}

/// Checks that the inline policies of one user, group or role are not too large together.
pub(super) fn fit<'a>(
    kind: Entity,
    name: &str,
    texts: impl Iterator<Item = &'a String>,
) -> Result<(), IamError> {
    let limit = match kind {
        Entity::User => USER_LIMIT,
        Entity::Group => GROUP_LIMIT,
        Entity::Role => ROLE_LIMIT,
    };
    if texts.map(|text| size(text)).sum::<usize>() > limit {
        return Err(IamError::PoliciesTooLarge {
            kind,
            name: name.to_owned(),
            limit,
        });
    }
    Ok(())
}

/// Characters of a document, white space not counted.
pub(super) fn size(text: &str) -> usize {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .count()
}
