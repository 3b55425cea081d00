//! Names and ARNs, how a request finds things, tags, and pages.

use faultline_proto::codec::time::to_iso;
use faultline_proto::names::{AccountId, Arn, RegionName};
use faultline_proto::rds::Tag;

use super::error::Error;
use super::keys;
use super::keyspaces::{DatabaseRow, Databases, Family, SnapshotRow, Snapshots};
use crate::context::Ctx;
use crate::store::Range;

/// Letters of resource ids.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Family {
    /// As ARNs and rows have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Instance => "db",
            Self::Cluster => "cluster",
            Self::Warehouse => "warehouse",
        }
    }

    /// The service that it is of.
    #[must_use]
    pub fn house(self) -> &'static str {
        match self {
            Self::Instance | Self::Cluster => keys::RDS,
            Self::Warehouse => keys::REDSHIFT,
        }
    }

    /// Its snapshots, as ARNs have them.
    #[must_use]
    pub fn snapshot(self) -> &'static str {
        match self {
            Self::Instance | Self::Warehouse => "snapshot",
            Self::Cluster => "cluster-snapshot",
        }
    }
}

/// ARN of something in this Region.
#[must_use]
pub fn arn_of(ctx: &Ctx<'_>, account: &AccountId, word: &str, name: &str) -> String {
    arn_in(ctx.region(), account, word, name)
}

/// ARN of something in a Region.
#[must_use]
pub fn arn_in(region: &RegionName, account: &AccountId, word: &str, name: &str) -> String {
    let resource = format!("{word}:{name}");
    Arn::of("rds", region.as_str(), account.as_str(), &resource).to_string()
}

/// ARN of a database or cluster.
#[must_use]
pub fn arn(ctx: &Ctx<'_>, row: &DatabaseRow) -> String {
    if row.family == Family::Warehouse {
        return redshift_arn(ctx.region(), &row.account, "cluster", &row.name);
    }
    arn_of(ctx, &row.account, row.family.word(), &row.name)
}

/// ARN of a snapshot.
#[must_use]
pub fn snapshot_arn(ctx: &Ctx<'_>, row: &SnapshotRow) -> String {
    if row.family == Family::Warehouse {
        let name = format!("{}/{}", row.source, row.name);
        return redshift_arn(ctx.region(), &row.account, "snapshot", &name);
    }
    arn_of(ctx, &row.account, row.family.snapshot(), &row.name)
}

/// ARN of something of Redshift.
#[must_use]
pub fn redshift_arn(region: &RegionName, account: &AccountId, word: &str, name: &str) -> String {
    let resource = format!("{word}:{name}");
    Arn::of("redshift", region.as_str(), account.as_str(), &resource).to_string()
}

/// What a database's data key is bound to.
#[must_use]
pub fn bound(ctx: &Ctx<'_>, row: &DatabaseRow) -> String {
    match row.family {
        Family::Instance | Family::Cluster => row.resource.clone(),
        Family::Warehouse => warehouse_bound(ctx.region(), &row.account, &row.name, row.created),
    }
}

/// What the data key of a warehouse of that Region is bound to.
#[must_use]
pub fn warehouse_bound(
    region: &RegionName,
    account: &AccountId,
    name: &str,
    created: i64,
) -> String {
    let arn = redshift_arn(region, account, "cluster", name);
    let minute: String = to_iso(created)
        .chars()
        .filter(|one| !matches!(one, '-' | ':'))
        .take("20260101T0000".len())
        .collect();
    format!("{arn} {minute}Z")
}

/// ARN of a global database, which is of no Region.
#[must_use]
pub fn global_arn(account: &AccountId, name: &str) -> String {
    let resource = format!("global-cluster:{name}");
    Arn::of("rds", "", account.as_str(), &resource).to_string()
}

/// A new resource id: `db-` or `cluster-` and 26 letters, or the UUID of a warehouse's namespace.
pub fn resource(ctx: &mut Ctx<'_>, family: Family) -> String {
    if family == Family::Warehouse {
        return ctx.entropy().uuid("redshift.namespace");
    }
    let letters: String = (0..26)
        .map(|_| {
            let at = ctx.entropy().below("rds.resource-id", 32);
            char::from(LETTERS[usize::try_from(at).unwrap_or_default() % LETTERS.len()])
        })
        .collect();
    format!("{}-{letters}", family.word())
}

/// A new identifier, in lower case as RDS keeps it.
///
/// # Errors
/// InvalidParameterValue.
pub fn fresh(name: Option<&str>, member: &str) -> Result<String, Error> {
    let name = name.unwrap_or_default().to_lowercase();
    let is_fine = name.starts_with(|one: char| one.is_ascii_alphabetic())
        && name.len() <= 255
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.ends_with('-')
        && !name.contains("--");
    if is_fine {
        return Ok(name);
    }
    Err(Error::value(format!(
        "The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
    )))
}

/// Something that a request names: by its name, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Region.
    pub region: RegionName,
    /// Account.
    pub account: AccountId,
    /// Name.
    pub name: String,
}

/// Takes a name or an ARN whose resource begins with `word`.
#[must_use]
pub fn named(ctx: &Ctx<'_>, word: &str, id: Option<&str>) -> Named {
    let id = id.unwrap_or_default();
    let parsed = Arn::new(id)
        .ok()
        .filter(|arn| arn.service() == "rds")
        .and_then(|arn| {
            let name = arn.resource().strip_prefix(word)?.strip_prefix(':')?;
            Some(Named {
                region: RegionName::new(arn.region()).ok()?,
                account: AccountId::new(arn.account()).ok()?,
                name: name.to_lowercase(),
            })
        });
    parsed.unwrap_or_else(|| Named {
        region: ctx.region().clone(),
        account: ctx.account(),
        name: id.to_lowercase(),
    })
}

/// A stored database or cluster of the caller's account.
pub fn stored(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<DatabaseRow, Error> {
    let Named {
        region,
        account,
        name,
    } = named(ctx, family.word(), id);
    let is_own = region == *ctx.region() && account == ctx.account();
    let found = ctx.get::<Databases>((&account, family.word(), name.as_str()));
    found
        .filter(|_| is_own)
        .ok_or_else(|| Error::missing(family, &name))
}

/// Stores a database or cluster.
pub fn save(ctx: &mut Ctx<'_>, row: &DatabaseRow) {
    ctx.put::<Databases>((&row.account, row.family.word(), row.name.as_str()), row);
}

/// Stores a snapshot.
pub fn save_snapshot(ctx: &mut Ctx<'_>, row: &SnapshotRow) {
    let key = (&row.account, row.family.word(), row.name.as_str());
    ctx.put::<Snapshots>(key, row);
}

/// The instances of a cluster, its writer first.
pub fn instances(ctx: &mut Ctx<'_>, cluster: &DatabaseRow) -> Vec<DatabaseRow> {
    let word = Family::Instance.word();
    let all = ctx.all(Range::<Databases>::under((&cluster.account, word)));
    let mut found: Vec<DatabaseRow> = all
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.cluster.as_deref() == Some(cluster.name.as_str()))
        .collect();
    found.sort_by(|one, other| (one.created, &one.name).cmp(&(other.created, &other.name)));
    found
}

/// Tags as a request lists them, and as an answer does: each service has a message of its own.
macro_rules! tag_lists {
    ($tag:ty) => {
        /// Tags of a request.
        #[must_use]
        pub fn tags(list: &[$tag]) -> ::std::collections::BTreeMap<String, String> {
            list.iter()
                .map(|tag| {
                    let key = tag.key.clone().unwrap_or_default();
                    (key, tag.value.clone().unwrap_or_default())
                })
                .collect()
        }

        /// Tags as an answer lists them.
        #[must_use]
        pub fn tag_list(tags: &::std::collections::BTreeMap<String, String>) -> Vec<$tag> {
            tags.iter()
                .map(|(key, value)| {
                    let mut tag = <$tag>::default();
                    tag.key = Some(key.clone());
                    tag.value = Some(value.clone());
                    tag
                })
                .collect()
        }
    };
}
pub(super) use tag_lists;

tag_lists!(Tag);

/// One page of what was found, in the order of names, and the marker of the next.
///
/// # Errors
/// InvalidParameterValue for another number than 20 to 100.
pub fn page<T>(
    found: Vec<(String, T)>,
    most: Option<i32>,
    marker: Option<&str>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let most = most.unwrap_or(100);
    if !(20..=100).contains(&most) {
        return Err(Error::value(format!(
            "Invalid value {most} for MaxRecords. Must be between 20 and 100"
        )));
    }
    let most = usize::try_from(most).unwrap_or(100);
    let mut rest: Vec<(String, T)> = found
        .into_iter()
        .filter(|(name, _)| marker.is_none_or(|marker| name.as_str() > marker))
        .collect();
    let next = (rest.len() > most).then(|| rest[most - 1].0.clone());
    rest.truncate(most);
    Ok((rest.into_iter().map(|(_, one)| one).collect(), next))
}
