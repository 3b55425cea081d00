//! Service quotas: what AWS lets an account have and do in one Region, as data with its age.
//!
//! A request quota is a bucket of requests (K-238): it holds one second's worth, at least one,
//! and fills evenly in unskewed time, so the same steps are refused in every run. Buckets live
//! in memory and a new process begins with full ones: what a restart gives is one second of
//! requests, and what far fewer calls than the quota cost is a lookup.
//!
//! A resource quota is a number that the service compares with its rows, AWS's own unless the
//! world says otherwise. A request quota counts where the world names it, with AWS's own number
//! ([`USUAL`]) or another, for an account, a Region, or everywhere ([`Quotas`]): a call takes a
//! thousandth of a simulated second, so that stories of something else would meet one. What makes
//! the world before it begins is charged to nobody ([`SET_UP`]).

use std::collections::BTreeMap;

use faultline_proto::driving;
use faultline_proto::names::{AccountId, Elapsed, RegionName};

use crate::context::Ctx;
use crate::identity::Principal;
use crate::refusal::Refusal;
use crate::service::Access;

/// Condition key on calls that make a world: no request quota counts them.
pub const SET_UP: &str = "faultline:SetUp";

/// As a limit: there is none.
pub const UNLIMITED: u64 = u64::MAX;

/// As a limit: AWS's own.
pub const USUAL: u64 = u64::MAX - 1;

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Requests in a second.
    Requests,
    /// Things that exist.
    Things,
}

/// One quota as AWS sets it.
#[derive(Debug)]
pub struct QuotaDef {
    /// What it is called in a world, `kms.Symmetric`.
    pub name: &'static str,
    /// What it counts.
    pub counts: Counts,
    /// Thousandths: in the three large Regions, in the six next, and in all others (K-239).
    usual: [u64; 3],
    /// The year of the page that the number stands on.
    pub as_of: &'static str,
}

/// Regions with the highest symmetric quota, and with the next (K-239).
const LARGE: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];
const NEXT: [&str; 6] = [
    "us-east-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-2",
];

impl QuotaDef {
    /// AWS's own limit in a Region, in thousandths.
    #[must_use]
    pub fn usual(&self, region: &str) -> u64 {
        let [large, next, other] = self.usual;
        if LARGE.contains(&region) {
            large
        } else if NEXT.contains(&region) {
            next
        } else {
            other
        }
    }
}

macro_rules! quotas {
    ($($quota:ident = $name:literal, $counts:ident $usual:expr, $as_of:literal;)*) => {
        /// A quota.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is named as in AWS's table of quotas")]
        pub enum Quota { $($quota,)* }

        /// All quotas, in the order of [`Quota`].
        pub static QUOTAS: &[QuotaDef] = &[$(
            QuotaDef { name: $name, counts: Counts::$counts, usual: $usual, as_of: $as_of },
        )*];

        /// Names of all quotas.
        pub static NAMES: &[&str] = &[$($name,)*];
    };
}

/// So many everywhere.
const fn every(number: u64) -> [u64; 3] {
    thousandths(number * 1_000)
}
/// So many thousandths everywhere.
const fn thousandths(number: u64) -> [u64; 3] {
    [number, number, number]
}

quotas! {
    // K-239, K-240.
    Symmetric = "kms.Symmetric", Requests [100_000_000, 20_000_000, 10_000_000], "2026";
    Rsa = "kms.RSA", Requests every(1_000), "2026";
    Ecc = "kms.ECC", Requests every(1_000), "2026";
    MlDsa = "kms.ML_DSA", Requests every(1_000), "2026";
    PairP256 = "kms.GenerateDataKeyPair_ECC_NIST_P256", Requests every(25), "2023";
    PairP384 = "kms.GenerateDataKeyPair_ECC_NIST_P384", Requests every(10), "2023";
    PairP521 = "kms.GenerateDataKeyPair_ECC_NIST_P521", Requests every(5), "2023";
    PairRsa2048 = "kms.GenerateDataKeyPair_RSA_2048", Requests every(1), "2023";
    PairRsa3072 = "kms.GenerateDataKeyPair_RSA_3072", Requests thousandths(500), "2023";
    PairRsa4096 = "kms.GenerateDataKeyPair_RSA_4096", Requests thousandths(100), "2023";
    // K-241.
    CreateKey = "kms.CreateKey", Requests every(5), "2023";
    ReplicateKey = "kms.ReplicateKey", Requests every(5), "2023";
    UpdatePrimaryRegion = "kms.UpdatePrimaryRegion", Requests every(5), "2023";
    CreateAlias = "kms.CreateAlias", Requests every(5), "2023";
    UpdateAlias = "kms.UpdateAlias", Requests every(5), "2023";
    EnableKey = "kms.EnableKey", Requests every(5), "2023";
    DisableKey = "kms.DisableKey", Requests every(5), "2023";
    CancelKeyDeletion = "kms.CancelKeyDeletion", Requests every(5), "2023";
    ImportKeyMaterial = "kms.ImportKeyMaterial", Requests every(5), "2023";
    UntagResource = "kms.UntagResource", Requests every(5), "2023";
    TagResource = "kms.TagResource", Requests every(10), "2023";
    DeleteAlias = "kms.DeleteAlias", Requests every(15), "2023";
    EnableKeyRotation = "kms.EnableKeyRotation", Requests every(15), "2023";
    PutKeyPolicy = "kms.PutKeyPolicy", Requests every(15), "2023";
    ScheduleKeyDeletion = "kms.ScheduleKeyDeletion", Requests every(15), "2023";
    RetireGrant = "kms.RetireGrant", Requests every(30), "2023";
    RevokeGrant = "kms.RevokeGrant", Requests every(30), "2023";
    CreateGrant = "kms.CreateGrant", Requests every(50), "2023";
    ListGrants = "kms.ListGrants", Requests every(100), "2023";
    ListKeys = "kms.ListKeys", Requests every(500), "2023";
    ListAliases = "kms.ListAliases", Requests every(500), "2023";
    GetKeyPolicy = "kms.GetKeyPolicy", Requests every(1_000), "2023";
    GetKeyRotationStatus = "kms.GetKeyRotationStatus", Requests every(1_000), "2023";
    DescribeKey = "kms.DescribeKey", Requests every(2_000), "2023";
    GetPublicKey = "kms.GetPublicKey", Requests every(2_000), "2023";
    ListResourceTags = "kms.ListResourceTags", Requests every(2_000), "2023";
    GetParametersForImport = "kms.GetParametersForImport", Requests thousandths(250), "2023";
    // K-246, K-208.
    Keys = "kms.Keys", Things every(100_000), "2026";
    AliasesPerKey = "kms.AliasesPerKey", Things every(50), "2026";
    GrantsPerKey = "kms.GrantsPerKey", Things every(50_000), "2026";
}

impl Quota {
    /// Its row of the table.
    #[must_use]
    pub fn def(self) -> &'static QuotaDef {
        &QUOTAS[self as usize]
    }
}

/// What a call uses of a request quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Of which.
    pub quota: Quota,
    /// How many requests it counts as.
    pub requests: u64,
    /// The service's message when there is none left.
    pub words: &'static str,
}

/// The limits of one Region: AWS's own, and what the world says instead.
#[derive(Debug)]
pub struct Quotas {
    everybody: Vec<u64>,
    accounts: BTreeMap<AccountId, Vec<u64>>,
}

impl Quotas {
    /// The limits of `region`. What is said of an account counts more than what is said of all;
    /// of two that say the same the later counts.
    #[must_use]
    pub fn new(region: &RegionName, said: &[driving::Quota]) -> Self {
        let mut quotas = Self {
            everybody: QUOTAS
                .iter()
                .map(|def| match def.counts {
                    Counts::Requests => UNLIMITED,
                    Counts::Things => def.usual(region.as_str()),
                })
                .collect(),
            accounts: BTreeMap::new(),
        };
        let here =
            |said: &&driving::Quota| said.region.is_empty() || said.region == region.as_str();
        let said: Vec<_> = said.iter().filter(here).collect();
        for one in said.iter().filter(|one| one.account.is_empty()) {
            set(&mut quotas.everybody, one, region);
        }
        for one in said {
            let Ok(account) = AccountId::new(&one.account) else {
                continue;
            };
            let everybody = &quotas.everybody;
            let limits = quotas.accounts.entry(account);
            set(limits.or_insert_with(|| everybody.clone()), one, region);
        }
        quotas
    }

    /// The limit of an account, in thousandths.
    #[must_use]
    pub fn limit(&self, account: &AccountId, quota: Quota) -> u64 {
        let limits = self.accounts.get(account).unwrap_or(&self.everybody);
        limits[quota as usize]
    }

    /// How many things an account may have.
    #[must_use]
    pub fn most(&self, account: &AccountId, quota: Quota) -> u64 {
        match self.limit(account, quota) {
            UNLIMITED => UNLIMITED,
            limit => limit / 1_000,
        }
    }
}

fn set(limits: &mut [u64], said: &driving::Quota, region: &RegionName) {
    for (limit, def) in limits.iter_mut().zip(QUOTAS) {
        let every = said.name.is_empty() && def.counts == Counts::Requests;
        if every || said.name == def.name {
            *limit = match said.thousandths {
                USUAL => def.usual(region.as_str()),
                said => said,
            };
        }
    }
}

/// What is left of a request quota.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// Billionths of a request.
    left: u64,
    at: Elapsed,
}

impl Bucket {
    fn full(limit: u64, at: Elapsed) -> Self {
        let left = most(limit);
        Self { left, at }
    }

    /// Takes so many requests, all or none.
    fn take(&mut self, limit: u64, requests: u64, now: Elapsed) -> bool {
        // Microseconds times thousandths of a request a second are billionths of a request.
        let filled = now.0.saturating_sub(self.at.0).saturating_mul(limit);
        self.left = self.left.saturating_add(filled).min(most(limit));
        self.at = now;
        let wanted = requests.saturating_mul(ONE);
        let enough = self.left >= wanted;
        if enough {
            self.left -= wanted;
        }
        enough
    }
}

/// A request in billionths.
const ONE: u64 = 1_000_000_000;

/// What a bucket holds: a second's worth, and at least one request of a quota that has any.
fn most(limit: u64) -> u64 {
    match limit {
        0 => 0,
        limit => limit.saturating_mul(1_000_000).max(ONE),
    }
}

/// Charges the caller's account, in this Region (K-238, K-242).
///
/// # Errors
/// ThrottlingException when nothing is left.
pub(crate) fn charge(
    ctx: &mut Ctx<'_>,
    charge: Charge,
    accesses: &[Access],
) -> Result<(), Refusal> {
    let caller = ctx.caller();
    let account = match &caller.principal {
        // A service in its own name works for whoever owns what it touches.
        Principal::Service { .. } => accesses.first().map(|access| &access.owner),
        principal => principal.account(),
    };
    let Some(account) = account.filter(|_| !caller.context.contains_key(SET_UP)) else {
        return Ok(());
    };
    let limit = ctx.core.quotas.limit(account, charge.quota);
    if limit == UNLIMITED {
        return Ok(());
    }
    let now = ctx.elapsed;
    let buckets = &mut ctx.caches.buckets;
    if !buckets.contains_key(account) {
        let limits = QUOTAS.iter().map(|_| None).collect();
        buckets.insert(account.clone(), limits);
    }
    let bucket = buckets
        .get_mut(account)
        .and_then(|buckets: &mut Vec<Option<Bucket>>| buckets.get_mut(charge.quota as usize))
        .map(|bucket| bucket.get_or_insert_with(|| Bucket::full(limit, now)));
    if bucket.is_none_or(|bucket| bucket.take(limit, charge.requests, now)) {
        return Ok(());
    }
    let shown = limit as f64 / 1_000.0;
    ctx.note(
        "throttled",
        &[
            ("quota", charge.quota.def().name),
            ("account", account.as_str()),
            ("limit", &format!("{shown}/s")),
        ],
    );
    Err(Refusal::new("ThrottlingException", charge.words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, region: &str, account: &str, thousandths: u64) -> driving::Quota {
        driving::Quota {
            name: name.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            thousandths,
        }
    }

    #[test]
    fn a_bucket_holds_a_second_and_fills_evenly() {
        let mut bucket = Bucket::full(2_000, Elapsed(0));
        let mut taken = |at: u64| bucket.take(2_000, 1, Elapsed(at));
        assert_eq!([taken(0), taken(0), taken(0)], [true, true, false]);
        assert!(!taken(499_999), "a microsecond too early");
        assert!(taken(500_000));
        assert!(!taken(500_000));
        assert_eq!(
            [
                taken(3_600_000_000),
                taken(3_600_000_000),
                taken(3_600_000_000)
            ],
            [true, true, false],
            "an hour saves up no more than a second"
        );
        let mut slow = Bucket::full(250, Elapsed(0));
        assert!(slow.take(250, 1, Elapsed(0)), "one is always there");
        assert!(!slow.take(250, 1, Elapsed(3_999_999)));
        assert!(slow.take(250, 1, Elapsed(4_000_000)), "one in four seconds");
        let mut none = Bucket::full(0, Elapsed(0));
        assert!(!none.take(0, 1, Elapsed(u64::MAX)));
    }

    #[test]
    fn a_world_says_other_limits_for_an_account_a_region_or_everybody() {
        let region = RegionName::new("eu-west-2").unwrap();
        let [one, two] = ["111111111111", "222222222222"].map(|id| AccountId::new(id).unwrap());
        let quotas = Quotas::new(
            &region,
            &[
                said("kms.RSA", "", "111111111111", 7_000),
                said("kms.Symmetric", "", "", USUAL),
                said("kms.Symmetric", "eu-west-1", "", 1_000),
                said("kms.ECC", "eu-west-2", "", 3_000),
                said("kms.Keys", "", "", 9_000),
            ],
        );
        let limits = |account: &AccountId| {
            [Quota::Rsa, Quota::Symmetric, Quota::Ecc].map(|it| quotas.limit(account, it))
        };
        assert_eq!(limits(&one), [7_000, 20_000_000, 3_000]);
        assert_eq!(limits(&two), [UNLIMITED, 20_000_000, 3_000]);
        assert_eq!(quotas.most(&one, Quota::Keys), 9);
        assert_eq!(
            quotas.most(&one, Quota::GrantsPerKey),
            50_000,
            "things stay"
        );
    }

    #[test]
    fn k_239_k_240_k_241_k_244_k_246_the_table_has_the_numbers_of_aws() {
        let usual = |name: &str, region: &str| {
            let def = QUOTAS.iter().find(|def| def.name == name).unwrap();
            def.usual(region) as f64 / 1_000.0
        };
        for (region, symmetric) in [
            ("us-east-1", 100_000.0),
            ("us-west-2", 100_000.0),
            ("eu-west-1", 100_000.0),
            ("us-east-2", 20_000.0),
            ("eu-west-2", 20_000.0),
            ("ap-northeast-1", 20_000.0),
            ("ca-central-1", 10_000.0),
        ] {
            assert_eq!(usual("kms.Symmetric", region), symmetric, "{region}");
        }
        for (number, names) in [
            (0.1, "GenerateDataKeyPair_RSA_4096"),
            (0.25, "GetParametersForImport"),
            (0.5, "GenerateDataKeyPair_RSA_3072"),
            (1.0, "GenerateDataKeyPair_RSA_2048"),
            (
                5.0,
                "CreateKey ReplicateKey UpdatePrimaryRegion CreateAlias UpdateAlias EnableKey",
            ),
            (
                5.0,
                "DisableKey CancelKeyDeletion ImportKeyMaterial UntagResource",
            ),
            (5.0, "GenerateDataKeyPair_ECC_NIST_P521"),
            (10.0, "TagResource GenerateDataKeyPair_ECC_NIST_P384"),
            (
                15.0,
                "DeleteAlias EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion",
            ),
            (25.0, "GenerateDataKeyPair_ECC_NIST_P256"),
            (30.0, "RetireGrant RevokeGrant"),
            (50.0, "CreateGrant AliasesPerKey"),
            (100.0, "ListGrants"),
            (500.0, "ListKeys ListAliases"),
            (1_000.0, "RSA ECC ML_DSA GetKeyPolicy GetKeyRotationStatus"),
            (2_000.0, "DescribeKey GetPublicKey ListResourceTags"),
            (50_000.0, "GrantsPerKey"),
            (100_000.0, "Keys"),
        ] {
            for name in names.split(' ') {
                assert_eq!(usual(&format!("kms.{name}"), "sa-east-1"), number, "{name}");
            }
        }
        assert!(
            QUOTAS
                .iter()
                .all(|def| ["2023", "2026"].contains(&def.as_of))
        );
    }
}
