//! From what a request says to the key that it means.

use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn};

use super::error::KmsError;
use super::identifiers::{KeyId, KeyRef, alias_arn};
use super::keyspaces::{Aliases, KeyRow, Keys};
use super::specs::KeyUsage;
use super::states::{Use, cell};
use super::{managed, unsettled};
use crate::context::Ctx;
use crate::mutants::{self, Mutant};

/// A key member of a request, looked up.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// The key is here; the alias by which it was asked for.
    Here(Arc<KeyRow>, Option<String>),
    /// Well-formed, but not in this Region and account.
    Missing(AccountId, Arn),
}

/// Whether an operation takes aliases where it takes a key (K-023).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// Key id or key ARN.
    Keys,
    /// Also alias name or alias ARN.
    Aliases,
}

/// Looks up a KeyId member.
pub(crate) fn find(ctx: &mut Ctx<'_>, text: &str, accepts: Accepts) -> Result<Target, KmsError> {
    let caller = ctx.account();
    match KeyRef::parse(text, accepts == Accepts::Aliases, &caller, ctx.region())? {
        KeyRef::Key(account, id) => Ok(match by_id(ctx, account, &id) {
            // K-251: a key that was just made may not be known yet.
            Target::Here(row, _) if !unsettled::is_found(ctx, &row) => {
                Target::Missing(row.account.clone(), row.arn.clone())
            }
            found => found,
        }),
        KeyRef::Alias(account, alias) => {
            managed::ensure(ctx, &account, &alias);
            let Some(row) = ctx.get_cached::<Aliases>((&account, alias.as_str())) else {
                return Err(KmsError::NoSuchAlias(alias_arn(
                    ctx.region(),
                    &account,
                    &alias,
                )));
            };
            match by_id(ctx, account, &row.target) {
                Target::Here(key, _) => Ok(Target::Here(key, Some(alias))),
                missing @ Target::Missing(..) => Ok(missing),
            }
        }
    }
}

/// Looks up a key by account and id.
pub(crate) fn by_id(ctx: &mut Ctx<'_>, account: AccountId, id: &KeyId) -> Target {
    match ctx.get_cached::<Keys>((&account, id.as_str())) {
        Some(row) => Target::Here(row, None),
        None => {
            let arn = id.arn(ctx.region(), &account);
            Target::Missing(account, arn)
        }
    }
}

impl Target {
    /// The key, or K-020.
    pub(crate) fn present(self) -> Result<Arc<KeyRow>, KmsError> {
        match self {
            Self::Here(row, _) => Ok(row),
            Self::Missing(_, arn) => Err(KmsError::NoSuchKey(arn.to_string())),
        }
    }
}

/// The key that a request names, in a state that allows `operation`.
pub(crate) fn usable(
    ctx: &mut Ctx<'_>,
    text: Option<&str>,
    accepts: Accepts,
    operation: Use,
) -> Result<Arc<KeyRow>, KmsError> {
    let row = find(ctx, text.unwrap_or_default(), accepts)?.present()?;
    allows(&row, operation)?;
    Ok(row)
}

/// The key that a cryptographic request names, in a state and with a usage that allow it.
pub(crate) fn usable_for(
    ctx: &mut Ctx<'_>,
    text: Option<&str>,
    state: Use,
    usage: KeyUsage,
    operation: &'static str,
) -> Result<Arc<KeyRow>, KmsError> {
    let row = usable(ctx, text, Accepts::Aliases, state)?;
    row.is_for(usage, operation)?;
    Ok(row)
}

impl KeyRow {
    /// Whether the key is for `usage`, which `operation` needs (K-070).
    pub(crate) fn is_for(&self, usage: KeyUsage, operation: &'static str) -> Result<(), KmsError> {
        if self.kind.usage == usage {
            return Ok(());
        }
        Err(KmsError::WrongUsage {
            key: self.arn.to_string(),
            usage: self.kind.usage.text(),
            operation,
        })
    }

    /// Whether a key for `usage` can do `algorithm` (K-012, K-083).
    pub(crate) fn fits(&self, usage: KeyUsage, algorithm: &str) -> Result<(), KmsError> {
        if self.kind.spec.algorithms(usage).contains(&algorithm) {
            return Ok(());
        }
        Err(self.unfit(algorithm))
    }

    /// The refusal of an algorithm.
    pub(crate) fn unfit(&self, algorithm: &str) -> KmsError {
        KmsError::WrongAlgorithm(algorithm.to_owned(), self.kind.spec.text())
    }
}

/// Whether the key's state allows `operation`.
pub(crate) fn allows(row: &KeyRow, operation: Use) -> Result<(), KmsError> {
    if operation == Use::Cryptography && mutants::is(Mutant::DisabledKeyUsed) {
        return Ok(());
    }
    cell(operation, row.state.name()).check(row.arn.as_str(), row.kind.origin)
}

/// The key as it is now, for a change by something that comes later than its call.
pub(crate) fn current(ctx: &mut Ctx<'_>, account: &AccountId, id: &KeyId) -> Option<KeyRow> {
    ctx.get::<Keys>((account, id.as_str()))
}

/// Writes a changed key.
pub(crate) fn save(ctx: &mut Ctx<'_>, row: &KeyRow) {
    ctx.put::<Keys>((&row.account, row.id.as_str()), row);
}
