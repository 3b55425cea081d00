//! How keys and aliases are named: ids, ARNs, alias names (K-017 to K-028).

use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn, RegionName};
use serde::{Deserialize, Serialize};

use super::error::KmsError;
use crate::entropy::uuid_text;

/// A key id: a lower-case UUID, or `mrk-` and 32 hex digits (K-017). Both have 36 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct KeyId(Arc<str>);

impl KeyId {
    /// Takes `text` as a key id (K-019: anything else is "invalid").
    pub(crate) fn new(text: &str) -> Result<Self, KmsError> {
        if is_multi_region(text) || is_uuid(text) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(KmsError::InvalidKeyId(text.to_owned()))
        }
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a multi-Region key.
    pub(crate) fn is_multi_region(&self) -> bool {
        self.0.starts_with("mrk-")
    }

    /// The 16 bytes that the id's digits stand for.
    pub(crate) fn raw(&self) -> [u8; 16] {
        let digits: Vec<u8> = self
            .0
            .trim_start_matches("mrk-")
            .bytes()
            .filter(|byte| *byte != b'-')
            .collect();
        let bytes = hex::decode(digits).expect("checked at birth");
        bytes.try_into().expect("both forms have 32 digits")
    }

    /// The id of these bytes.
    pub(crate) fn from_raw(raw: &[u8; 16], multi_region: bool) -> Self {
        Self(Arc::from(if multi_region {
            format!("mrk-{}", hex::encode(raw))
        } else {
            uuid_text(raw)
        }))
    }

    /// The key's ARN in a Region and account (K-018).
    pub(crate) fn arn(&self, region: &RegionName, account: &AccountId) -> Arn {
        Arn::of(
            "kms",
            region.as_str(),
            account.as_str(),
            &format!("key/{}", self.0),
        )
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_multi_region(text: &str) -> bool {
    text.strip_prefix("mrk-")
        .is_some_and(|tail| tail.len() == 32 && is_hex(tail))
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let fits = [8, 4, 4, 4, 12].iter().all(|len| {
        parts
            .next()
            .is_some_and(|part| part.len() == *len && is_hex(part))
    });
    fits && parts.next().is_none()
}

/// What a request's key member means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyRef {
    /// A key, in the caller's account or the ARN's (K-024).
    Key(AccountId, KeyId),
    /// An alias, in the caller's account or the ARN's.
    Alias(AccountId, String),
}

impl KeyRef {
    /// Reads a KeyId member as `caller` in `region` means it. `aliases` says whether the
    /// operation accepts them (K-023); where it does not, they are invalid ids.
    pub(crate) fn parse(
        text: &str,
        aliases: bool,
        caller: &AccountId,
        region: &RegionName,
    ) -> Result<Self, KmsError> {
        let (account, resource) = if text.starts_with("arn:") {
            let invalid = || KmsError::InvalidArn(text.to_owned());
            let arn = Arn::new(text).map_err(|_| invalid())?;
            if arn.service() != "kms" {
                return Err(invalid());
            }
            if arn.region() != region.as_str() {
                // K-021: the recorded message names the ARN's Region only.
                return Err(KmsError::InvalidArn(arn.region().to_owned()));
            }
            let account = AccountId::new(arn.account()).map_err(|_| invalid())?;
            match arn.resource().strip_prefix("key/") {
                Some(id) => return Ok(Self::Key(account, KeyId::new(id)?)),
                None if arn.resource().starts_with("alias/") => {
                    (account, arn.resource().to_owned())
                }
                None => return Err(invalid()),
            }
        } else if text.starts_with("alias/") {
            (caller.clone(), text.to_owned())
        } else {
            return Ok(Self::Key(caller.clone(), KeyId::new(text)?));
        };
        if aliases {
            Ok(Self::Alias(account, resource))
        } else {
            Err(KmsError::InvalidKeyId(text.to_owned()))
        }
    }
}

/// An alias name that a customer may give (K-025); the definition checked its characters.
pub(crate) fn customer_alias(text: &str) -> Result<&str, KmsError> {
    match text.strip_prefix("alias/") {
        None | Some("") => Err(KmsError::AliasPrefix),
        Some(name) if name.starts_with("aws/") => Err(KmsError::ReservedAlias(text.to_owned())),
        Some(_) => Ok(text),
    }
}

/// The ARN of an alias (K-018).
pub(crate) fn alias_arn(region: &RegionName, account: &AccountId, alias: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:{alias}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    fn parse(text: &str, aliases: bool) -> Result<KeyRef, String> {
        let account = AccountId::new("111111111111").unwrap();
        let region = RegionName::new("eu-west-1").unwrap();
        KeyRef::parse(text, aliases, &account, &region).map_err(|error| error.to_string())
    }

    #[test]
    fn k_017_both_forms_read_and_write_back() {
        for (text, multi_region) in [(UUID, false), (MRK, true)] {
            let id = KeyId::new(text).unwrap();
            assert_eq!(
                (id.is_multi_region(), id.as_str().len()),
                (multi_region, 36)
            );
            assert_eq!(KeyId::from_raw(&id.raw(), multi_region), id);
        }
    }

    #[test]
    fn k_019_anything_else_is_invalid() {
        for text in [
            "fake-key-id",
            "1234abcd12ab34cd56ef1234567890ab",
            "mrk-xyz",
            "mrk-1234ABCD12ab34cd56ef1234567890ab",
        ] {
            assert_eq!(parse(text, true), Err(format!("Invalid keyId '{text}'")));
        }
    }

    #[test]
    fn k_021_an_arn_of_another_region_is_refused_by_its_region() {
        let arn = format!("arn:aws:kms:us-east-1:111111111111:key/{UUID}");
        assert_eq!(parse(&arn, true), Err("Invalid arn us-east-1".to_owned()));
    }

    #[test]
    fn k_023_aliases_only_where_they_are_accepted() {
        assert!(
            matches!(parse("alias/payments", true), Ok(KeyRef::Alias(_, name)) if name == "alias/payments")
        );
        assert_eq!(
            parse("alias/payments", false),
            Err("Invalid keyId 'alias/payments'".to_owned())
        );
    }

    #[test]
    fn k_024_an_arn_may_name_another_account() {
        let found = parse(
            &format!("arn:aws:kms:eu-west-1:222222222222:key/{MRK}"),
            false,
        )
        .unwrap();
        assert!(
            matches!(found, KeyRef::Key(account, id) if account.as_str() == "222222222222" && id.as_str() == MRK)
        );
    }

    #[test]
    fn k_025_alias_names() {
        assert_eq!(customer_alias("payments"), Err(KmsError::AliasPrefix));
        assert_eq!(
            customer_alias("alias/aws/mine").map_err(|error| error.code()),
            Err("InvalidAliasNameException")
        );
        assert_eq!(customer_alias("alias/payments"), Ok("alias/payments"));
    }
}
