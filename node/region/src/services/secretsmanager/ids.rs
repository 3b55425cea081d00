//! Names and ARNs of secrets, and how a request finds one.

use faultline_proto::names::{AccountId, Arn};

use super::error::Error;
use super::keyspaces::{SecretRow, Secrets};
use crate::context::Ctx;

/// Letters of the end of an ARN.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Six random characters: the end of a secret's ARN.
pub fn new_suffix(ctx: &mut Ctx<'_>) -> String {
    (0..6)
        .map(|_| {
            let at = ctx.entropy().below("secretsmanager.suffix", 62);
            char::from(LETTERS[usize::try_from(at).unwrap_or_default() % LETTERS.len()])
        })
        .collect()
}

/// Checks a new secret's name.
///
/// # Errors
/// ValidationException.
pub fn check_name(name: &str) -> Result<(), Error> {
    let is_fine = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&byte));
    if is_fine { Ok(()) } else { Err(Error::Name) }
}

/// ARN of a secret in this Region.
#[must_use]
pub fn arn(ctx: &Ctx<'_>, row: &SecretRow) -> String {
    arn_of(ctx, &row.account, &row.name, &row.suffix)
}

/// The same, of its parts.
#[must_use]
pub fn arn_of(ctx: &Ctx<'_>, account: &AccountId, name: &str, suffix: &str) -> String {
    let resource = format!("secret:{name}-{suffix}");
    Arn::of(
        "secretsmanager",
        ctx.region().as_str(),
        account.as_str(),
        &resource,
    )
    .to_string()
}

/// The secret that a request names: by its name, its ARN, or its ARN without the random end.
///
/// # Errors
/// The ARN that would be touched, when there is no such secret here.
pub fn find(ctx: &mut Ctx<'_>, id: &str) -> Result<SecretRow, (AccountId, String)> {
    let own = ctx.account();
    let Some(arn) = Arn::new(id)
        .ok()
        .filter(|arn| arn.service() == "secretsmanager")
    else {
        let missing = arn_of(ctx, &own, id, "??????");
        return ctx
            .get::<Secrets>((&own, id))
            .ok_or_else(|| (own.clone(), missing));
    };
    let account = AccountId::new(arn.account()).unwrap_or_else(|_| own.clone());
    let missing = Err((account.clone(), id.to_owned()));
    let Some(rest) = arn.resource().strip_prefix("secret:") else {
        return missing;
    };
    if arn.region() != ctx.region().as_str() {
        return missing;
    }
    if let Some((name, suffix)) = rest.rsplit_once('-')
        && let Some(row) = ctx.get::<Secrets>((&account, name))
        && row.suffix == suffix
    {
        return Ok(row);
    }
    // Another account's secret is known by its whole ARN only.
    match ctx.get::<Secrets>((&account, rest)) {
        Some(row) if account == own => Ok(row),
        _ => missing,
    }
}

/// The secret that a request names, whatever its state.
///
/// # Errors
/// ResourceNotFoundException.
pub fn any(ctx: &mut Ctx<'_>, id: Option<&str>) -> Result<SecretRow, Error> {
    find(ctx, id.unwrap_or_default()).map_err(|_| Error::NoSecret)
}

/// The secret that a request names, unless it is marked for deletion.
///
/// # Errors
/// ResourceNotFoundException, InvalidRequestException (SEC-016).
pub fn live(ctx: &mut Ctx<'_>, id: Option<&str>) -> Result<SecretRow, Error> {
    let row = any(ctx, id)?;
    if row.deletion.is_some() {
        return Err(Error::Marked);
    }
    Ok(row)
}

/// The secret that a request wants to change, unless it is a replica.
///
/// # Errors
/// As [`live`]; InvalidParameterException (SEC-003).
pub fn own(ctx: &mut Ctx<'_>, id: Option<&str>) -> Result<SecretRow, Error> {
    let row = any(ctx, id)?;
    if row.replicas().is_none() {
        return Err(Error::Replica);
    }
    if row.deletion.is_some() {
        return Err(Error::Marked);
    }
    Ok(row)
}

/// Stores a secret.
pub fn save(ctx: &mut Ctx<'_>, row: &SecretRow) {
    ctx.put::<Secrets>((&row.account, row.name.as_str()), row);
}
