//! PutParameter.

use std::collections::BTreeMap;

use faultline_proto::names::AccountId;
use faultline_proto::pattern;
use faultline_proto::ssm::{PutParameterRequest, PutParameterResponse};

use super::error::Error;
use super::keyspaces::{
    CountRow, Counts, Does, Kind, ParameterRow, Parameters, Stored, Tier, VersionRow, Versions,
};
use super::sealing::DEFAULT_KEY;
use super::{names, policies, sealing, tags};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most bytes of a value (SEC-028): KMS takes no more of a standard one.
const STANDARD: usize = 4096;
const ADVANCED: usize = 8192;
/// Most parameters of an account and Region (SEC-028).
const MOST_STANDARD: u64 = 10_000;
const MOST_ADVANCED: u64 = 100_000;
/// Versions that are kept (SEC-039).
const VERSIONS: i64 = 100;
const TOO_LARGE: &str = "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html";
const NO_WAY_BACK: &str = "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.";
const TAGS_AND_OVERWRITE: &str = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.";

/// The word of a kind.
#[must_use]
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "String",
        Kind::StringList => "StringList",
        Kind::SecureString => "SecureString",
    }
}

/// The word of a tier.
#[must_use]
pub fn tier_word(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "Standard",
        Tier::Advanced => "Advanced",
    }
}

fn kind_of(word: &str) -> Kind {
    match word {
        "SecureString" => Kind::SecureString,
        "StringList" => Kind::StringList,
        _ => Kind::String,
    }
}

/// The tier of a parameter after this call (SEC-028, SEC-029).
fn tier(
    request: &PutParameterRequest,
    before: Option<Tier>,
    count: CountRow,
    has_policies: bool,
) -> Result<Tier, Error> {
    let length = request.value.as_deref().unwrap_or_default().len();
    let needs_more = length > STANDARD || has_policies;
    let wanted = match (request.tier.as_deref(), before) {
        (Some("Advanced"), _) | (None, Some(Tier::Advanced)) => Tier::Advanced,
        (Some("Intelligent-Tiering"), Some(Tier::Advanced)) => Tier::Advanced,
        (Some("Intelligent-Tiering"), before) => {
            let is_full = before.is_none() && count.standard >= MOST_STANDARD;
            if needs_more || is_full {
                Tier::Advanced
            } else {
                Tier::Standard
            }
        }
        (_, Some(Tier::Advanced)) => return Err(Error::validation(NO_WAY_BACK)),
        (_, Some(Tier::Standard) | None) => Tier::Standard,
    };
    match wanted {
        Tier::Standard if length > STANDARD => Err(Error::validation(TOO_LARGE)),
        Tier::Standard if has_policies => Err(Error::validation(
            "Parameter policies are available only for parameters that use the advanced-parameter tier.",
        )),
        Tier::Advanced if length > ADVANCED => Err(Error::validation(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED} characters."
        ))),
        fitting => Ok(fitting),
    }
}

/// One more of this tier, if there is room (SEC-028).
fn counted(mut count: CountRow, before: Option<Tier>, now: Tier) -> Result<CountRow, Error> {
    if before == Some(now) {
        return Ok(count);
    }
    if before == Some(Tier::Standard) {
        count.standard = count.standard.saturating_sub(1);
    }
    let (of_tier, most) = match now {
        Tier::Standard => (&mut count.standard, MOST_STANDARD),
        Tier::Advanced => (&mut count.advanced, MOST_ADVANCED),
    };
    if *of_tier >= most {
        return Err(Error::TooMany);
    }
    *of_tier += 1;
    Ok(count)
}

/// One less of this tier.
pub fn uncount(ctx: &mut Ctx<'_>, account: &AccountId, tier: Tier) {
    let mut count = ctx.get::<Counts>(account).unwrap_or_default();
    match tier {
        Tier::Standard => count.standard = count.standard.saturating_sub(1),
        Tier::Advanced => count.advanced = count.advanced.saturating_sub(1),
    }
    ctx.put::<Counts>(account, &count);
}

fn check_value(request: &PutParameterRequest, kind: Kind) -> Result<(), Error> {
    let value = request.value.as_deref().unwrap_or_default();
    if value.is_empty() {
        return Err(Error::validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        ));
    }
    if request.key_id.is_some() && kind != Kind::SecureString {
        return Err(Error::validation(
            "KeyId is not supported for parameters of this type: it is for SecureString.",
        ));
    }
    if request
        .data_type
        .as_deref()
        .is_some_and(|kind| kind != "text")
    {
        return Err(Error::validation(
            "The data type is not built in this version of Faultline: text is.",
        ));
    }
    let Some(wanted) = request
        .allowed_pattern
        .as_deref()
        .filter(|text| !text.is_empty())
    else {
        return Ok(());
    };
    match pattern::matches_once(wanted, value) {
        None => Err(Error::BadPattern(wanted.to_owned())),
        Some(false) => Err(Error::Pattern(wanted.to_owned())),
        Some(true) => Ok(()),
    }
}

fn before(
    ctx: &mut Ctx<'_>,
    request: &PutParameterRequest,
    account: &AccountId,
    name: &str,
) -> Result<Option<ParameterRow>, Error> {
    let overwrite = request.overwrite.unwrap_or_default();
    if overwrite && !request.tags.is_empty() {
        return Err(Error::validation(TAGS_AND_OVERWRITE));
    }
    let Some(row) = ctx.get::<Parameters>((account, name)) else {
        if request.r#type.is_none() {
            return Err(Error::validation(
                "A parameter type is required when you create a parameter.",
            ));
        }
        return Ok(None);
    };
    if !overwrite {
        return Err(Error::Exists);
    }
    let wanted = request.r#type.as_deref();
    if wanted.is_some_and(|word| word != kind_word(row.kind)) {
        return Err(Error::Type);
    }
    Ok(Some(row))
}

/// PutParameter.
pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: PutParameterRequest,
) -> Result<PutParameterResponse, Refusal> {
    let named = names::read(ctx, request.name.as_deref().unwrap_or_default());
    let (account, name) = (ctx.account(), named.name);
    names::check(&name)?;
    let known = before(ctx, &request, &account, &name)?;
    let kind = match &known {
        Some(row) => row.kind,
        None => kind_of(request.r#type.as_deref().unwrap_or_default()),
    };
    check_value(&request, kind)?;
    let wanted = request
        .policies
        .as_deref()
        .map(policies::read)
        .transpose()?;
    let kept = known.as_ref().map(|row| row.policies.clone());
    let policies = wanted.or(kept).unwrap_or_default();
    let count = ctx.get::<Counts>(&account).unwrap_or_default();
    let tier_before = known.as_ref().map(|row| row.tier);
    let tier = tier(&request, tier_before, count, !policies.is_empty())?;
    ctx.put::<Counts>(&account, &counted(count, tier_before, tier)?);
    let mut row = match known {
        Some(row) => row,
        None => ParameterRow {
            kind,
            tier,
            data_type: "text".to_owned(),
            versions: (1, 0),
            labels: BTreeMap::new(),
            policies: Vec::new(),
            tags: BTreeMap::new(),
            born: ctx.elapsed().0,
        },
    };
    tags::add(&mut row.tags, &request.tags)?;
    row.tier = tier;
    row.policies = policies;
    for policy in &mut row.policies {
        // SEC-041: a new value begins the count without change anew, and nothing else.
        policy.has_told &= !matches!(policy.does, Does::TellUnchanged(_));
    }
    let version = next(ctx, &account, &name, &mut row, request)?;
    ctx.put::<Parameters>((&account, name.as_str()), &row);
    ctx.put::<Versions>((&account, name.as_str(), row.versions.1), &version);
    policies::schedule(ctx, &account, &name, &row, version.modified);
    Ok(PutParameterResponse {
        version: Some(row.versions.1),
        tier: Some(tier_word(tier).to_owned()),
    })
}

/// The next version of a parameter; the oldest goes when there are too many (SEC-039).
fn next(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
    row: &mut ParameterRow,
    request: PutParameterRequest,
) -> Result<VersionRow, Refusal> {
    let (oldest, last) = row.versions;
    if last - oldest + 1 >= VERSIONS {
        if !row.labels_of(oldest).is_empty() {
            return Err(Error::MaxVersions(name.to_owned(), oldest).into());
        }
        ctx.delete::<Versions>((account, name, oldest));
        row.versions.0 += 1;
    }
    row.versions.1 += 1;
    let arn = names::arn(ctx, account, name);
    let value = request.value.unwrap_or_default();
    let mut key = None;
    let stored = if row.kind == Kind::SecureString {
        let named = request.key_id.unwrap_or_else(|| DEFAULT_KEY.to_owned());
        let sealed = sealing::seal(ctx, &arn, &named, row.tier, &value)?;
        key = Some(named);
        sealed
    } else {
        Stored::Clear(value)
    };
    Ok(VersionRow {
        value: stored,
        modified: ctx.now().millis(),
        by: ctx.caller().arn(),
        description: request.description,
        pattern: request.allowed_pattern,
        key,
        tier: row.tier,
        policies: row
            .policies
            .iter()
            .map(|policy| policy.text.clone())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-028
    #[test]
    fn so_many_parameters_have_room_and_no_more() {
        let full = CountRow {
            standard: MOST_STANDARD,
            advanced: MOST_ADVANCED,
        };
        assert_eq!(counted(full, None, Tier::Standard), Err(Error::TooMany));
        assert_eq!(counted(full, None, Tier::Advanced), Err(Error::TooMany));
        assert_eq!(
            counted(full, Some(Tier::Standard), Tier::Standard),
            Ok(full)
        );
        let some = CountRow {
            standard: 9_999,
            advanced: 0,
        };
        assert_eq!(
            counted(some, None, Tier::Standard).unwrap().standard,
            10_000
        );
        let request = PutParameterRequest {
            tier: Some("Intelligent-Tiering".to_owned()),
            value: Some("small".to_owned()),
            ..Default::default()
        };
        assert_eq!(tier(&request, None, some, false), Ok(Tier::Standard));
        assert_eq!(tier(&request, None, full, false), Ok(Tier::Advanced));
    }
}
