//! Names of parameters (SEC-037), their ARNs, and selectors.

use faultline_proto::names::{AccountId, Arn};

use super::error::Error;
use super::keyspaces::{ParameterRow, Parameters, VersionRow, Versions};
use crate::context::Ctx;

/// Most levels of a hierarchy.
const LEVELS: usize = 15;
/// Most characters of a name, with what the ARN has before it.
const LONGEST: usize = 1011;
const PREFIX: &str =
    "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).";
const SYMBOLS: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_";
const PATH: &str = "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.";

fn has_only(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte))
}

/// Checks a new parameter's name.
///
/// # Errors
/// ValidationException, HierarchyLevelLimitExceededException, AccessDeniedException.
pub fn check(name: &str) -> Result<(), Error> {
    let is_path = name.trim_start_matches('/').contains('/');
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if name.to_ascii_lowercase().starts_with("/aws") && is_path {
        return Err(Error::Reserved(name.to_owned()));
    }
    if first.starts_with("aws") || first.starts_with("ssm") {
        return Err(Error::validation(if is_path { SYMBOLS } else { PREFIX }));
    }
    if !has_only(name) || name.ends_with('/') || name.contains("//") {
        return Err(Error::validation(SYMBOLS));
    }
    if is_path && !name.starts_with('/') {
        return Err(Error::validation(
            "Parameter name must be a fully qualified name.",
        ));
    }
    if name.len() > LONGEST {
        return Err(Error::validation(format!(
            "Parameter name cannot be longer than {LONGEST} characters."
        )));
    }
    if name.trim_start_matches('/').split('/').count() > LEVELS {
        return Err(Error::Levels);
    }
    Ok(())
}

/// Checks a path to search under; it comes back without the slash at its end.
///
/// # Errors
/// ValidationException.
pub fn check_path(path: &str) -> Result<String, Error> {
    if !path.starts_with('/') || !has_only(path) || path.contains("//") {
        return Err(Error::validation(PATH));
    }
    Ok(path.trim_end_matches('/').to_owned())
}

/// ARN of a parameter of this Region.
#[must_use]
pub fn arn(ctx: &Ctx<'_>, account: &AccountId, name: &str) -> String {
    let resource = format!("parameter/{}", name.trim_start_matches('/'));
    Arn::of("ssm", ctx.region().as_str(), account.as_str(), &resource).to_string()
}

/// A parameter as a request names it.
#[derive(Debug, Clone)]
pub struct Named {
    /// Account that owns it.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Version or label, when given.
    pub selector: Option<String>,
}

/// Reads `name`, `name:3`, `name:label`, or the same with an ARN.
pub fn read(ctx: &mut Ctx<'_>, text: &str) -> Named {
    let own = ctx.account();
    let (account, rest) = match Arn::new(text).ok().filter(|arn| arn.service() == "ssm") {
        None => (own, text.to_owned()),
        Some(arn) => {
            let account = AccountId::new(arn.account()).unwrap_or(own);
            let rest = arn.resource().strip_prefix("parameter").unwrap_or_default();
            (account, rest.to_owned())
        }
    };
    let (name, selector) = match rest.split_once(':') {
        Some((name, selector)) => (name.to_owned(), Some(selector.to_owned())),
        None => (rest, None),
    };
    // An ARN does not tell a path of one level from a name without slash.
    let bare = name.trim_start_matches('/');
    let name = if text.starts_with("arn:")
        && !bare.contains('/')
        && ctx.has::<Parameters>((&account, bare))
    {
        bare.to_owned()
    } else {
        name
    };
    Named {
        account,
        name,
        selector,
    }
}

/// A parameter of the caller's account.
///
/// # Errors
/// ParameterNotFound.
pub fn find(ctx: &mut Ctx<'_>, named: &Named) -> Result<ParameterRow, Error> {
    let row = ctx.get::<Parameters>((&named.account, named.name.as_str()));
    row.filter(|_| named.account == ctx.account())
        .ok_or(Error::NotFound)
}

/// The version that a selector means: the last one without.
///
/// # Errors
/// ParameterVersionNotFound.
pub fn version(
    ctx: &mut Ctx<'_>,
    named: &Named,
    row: &ParameterRow,
) -> Result<(i64, VersionRow), Error> {
    let number = match named.selector.as_deref() {
        None => Some(row.versions.1),
        Some(text) => match text.parse::<i64>() {
            Ok(number) => Some(number),
            Err(_) => row.labels.get(text).copied(),
        },
    };
    let found = number.and_then(|number| Some((number, version_of(ctx, named, number)?)));
    found.ok_or_else(|| {
        let selector = named.selector.clone().unwrap_or_default();
        Error::NoVersion(named.name.clone(), selector)
    })
}

/// A stored version.
pub fn version_of(ctx: &mut Ctx<'_>, named: &Named, number: i64) -> Option<VersionRow> {
    ctx.get::<Versions>((&named.account, named.name.as_str(), number))
}
