//! The world before time zero: made by the calls that a person would make.
//!
//! Each account's root user asks; virtual time passes until everything is ready. Order:
//! [`identity`] (every Region must know who is named in policies), [`keys`], [`buckets`] and
//! their replication, [`tables`], [`volumes`]. What AWS has no call for is planted.

mod buckets;
mod identity;
mod keys;
mod tables;
mod volumes;

use std::cell::Cell;
use std::collections::BTreeMap;

use faultline_proto::driving::{Account, Credential, Quota, TableLag};
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::registry::find_verb;
use serde_json::Value;

use super::ask::{self, Caller, Refusal};
use super::world::{Asked, World};
use crate::clock::Span;
use crate::scenario::plan::WorldPlan;
use crate::scenario::source;
use crate::seed::RunSeed;
use crate::sim::Sim;
use crate::sim::answer::Timeouts;
use crate::sim::sdk::Retries;

pub use identity::INLINE_POLICY;

/// Longest time for one thing to become ready.
const PATIENCE: Span = Span::secs(600);

/// The world cannot be made.
#[derive(Debug, Clone)]
pub struct SetUpFailed {
    /// Entry of the file that asks for it.
    pub span: source::Span,
    /// What was asked.
    pub asked: String,
    /// Why it was refused.
    pub refusal: Refusal,
}

/// The Region that holds the partition's directory.
#[must_use]
pub fn home(plan: &WorldPlan) -> Option<RegionName> {
    let usual = plan
        .regions
        .iter()
        .find(|region| region.as_str() == "us-east-1");
    plan.home
        .as_ref()
        .or(usual)
        .or(plan.regions.first())
        .cloned()
}

/// Accounts with the access keys of their root users, from the seed.
#[must_use]
pub fn accounts(plan: &WorldPlan, seed: RunSeed) -> Vec<Account> {
    let mut ids: Vec<&AccountId> = plan.accounts.values().collect();
    ids.sort();
    ids.dedup();
    let key = |id: &AccountId| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bytes = seed.draw(&format!("root access key {id}"), 0).bytes();
        let letters = bytes[..16].iter();
        letters
            .map(|byte| char::from(alphabet[usize::from(byte % 32)]))
            .collect::<String>()
    };
    ids.into_iter()
        .map(|id| Account {
            id: id.to_string(),
            root_access_key: format!("AKIA{}", key(id)),
        })
        .collect()
}

/// What a world says of service quotas.
#[must_use]
pub fn quotas(plan: &WorldPlan) -> Vec<Quota> {
    let text = |id: Option<&AccountId>| id.map(ToString::to_string).unwrap_or_default();
    let said = plan.quotas.iter().map(|quota| Quota {
        name: quota.quota.clone(),
        region: quota
            .region
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        account: text(
            quota
                .account
                .as_ref()
                .and_then(|name| plan.accounts.get(name)),
        ),
        thousandths: quota.thousandths(),
    });
    said.collect()
}

/// How late DynamoDB's writes leave, both ways.
pub fn table_lags(plan: &WorldPlan) -> Vec<TableLag> {
    let mut lags = Vec::new();
    for lag in &plan.replication_lag {
        let (one, other) = &lag.between;
        for (from, to) in [(one, other), (other, one)] {
            lags.push(TableLag {
                from: from.to_string(),
                to: to.to_string(),
                median: Span::from(lag.median).0,
                p99: Span::from(lag.p99.unwrap_or(lag.median)).0,
            });
        }
    }
    lags
}

/// Makes the world.
///
/// # Errors
/// The first thing that cannot be made.
pub async fn set_up(
    sim: &Sim,
    plan: &WorldPlan,
    home: RegionName,
    accounts: &[Account],
) -> Result<World, SetUpFailed> {
    let roots: BTreeMap<AccountId, Credential> = accounts
        .iter()
        .filter_map(|account| {
            let credential = Credential {
                access_key: account.root_access_key.clone(),
                session_token: String::new(),
            };
            Some((AccountId::new(&account.id).ok()?, credential))
        })
        .collect();
    let mut maker = Maker {
        sim,
        plan,
        span: Cell::default(),
        asked: Cell::new(0),
        world: World {
            regions: plan.regions.clone(),
            home,
            accounts: plan.accounts.clone(),
            roots,
            principals: BTreeMap::new(),
            keys: BTreeMap::new(),
            buckets: BTreeMap::new(),
            tables: BTreeMap::new(),
            volumes: BTreeMap::new(),
        },
    };
    maker.identity().await?;
    maker.keys().await?;
    maker.buckets().await?;
    maker.tables().await?;
    maker.volumes().await?;
    Ok(maker.world)
}

/// Who makes the world.
struct Maker<'a> {
    sim: &'a Sim,
    plan: &'a WorldPlan,
    /// The entry that is being made.
    span: Cell<source::Span>,
    asked: Cell<u64>,
    world: World,
}

impl Maker<'_> {
    fn account(&self, name: &str) -> AccountId {
        let known = self.world.accounts.get(name).cloned();
        known.expect("the file was checked: each account that it names is in the world")
    }

    fn names<'s>(&'s self, region: &'s RegionName) -> Asked<'s> {
        Asked {
            world: &self.world,
            region,
            account: None,
        }
    }

    /// A call as an account's root user.
    async fn root(
        &self,
        account: &AccountId,
        region: &RegionName,
        verb: &'static str,
        arguments: Value,
    ) -> Result<Value, SetUpFailed> {
        let credential = self.world.roots.get(account).cloned().unwrap_or_default();
        let principal = self
            .world
            .accounts
            .iter()
            .find(|(_, id)| *id == account)
            .map_or_else(
                || format!("root of {account}"),
                |(name, _)| format!("root of {name}"),
            );
        self.call(principal, credential, region, verb, arguments)
            .await
    }

    async fn call(
        &self,
        principal: String,
        credential: Credential,
        region: &RegionName,
        verb: &'static str,
        arguments: Value,
    ) -> Result<Value, SetUpFailed> {
        self.asked.set(self.asked.get() + 1);
        let caller = Caller {
            step: String::new(),
            lane: String::new(),
            principal,
            credential,
            from: region.clone(),
            timeouts: Timeouts::default(),
            retries: Retries::Standard { attempts: 5 },
            raw: false,
        };
        let purpose = format!("set-up {}", self.asked.get());
        let result = match find_verb(verb) {
            Some(operation) => {
                ask::ask(self.sim, &caller, region, operation, &arguments, &purpose)
                    .await
                    .result
            }
            None => Err(Refusal::own(
                "NotBuilt",
                format!("this build does not have `{verb}`"),
                self.sim.now(),
            )),
        };
        result.map_err(|refusal| SetUpFailed {
            span: self.span.get(),
            asked: format!("{verb} in {region}"),
            refusal,
        })
    }

    /// Asks again and again until the answer is as wanted.
    async fn until(
        &self,
        account: &AccountId,
        region: &RegionName,
        verb: &'static str,
        arguments: Value,
        ready: impl Fn(&Value) -> bool,
    ) -> Result<Value, SetUpFailed> {
        let since = self.sim.now();
        let mut pause = Span::millis(50);
        loop {
            let answer = self.root(account, region, verb, arguments.clone()).await;
            match answer {
                Ok(value) if ready(&value) => return Ok(value),
                Err(failed) if self.sim.now().since(since) > PATIENCE => return Err(failed),
                Ok(value) if self.sim.now().since(since) > PATIENCE => {
                    let message = format!("it did not become ready in {PATIENCE}: {value}");
                    return Err(SetUpFailed {
                        span: self.span.get(),
                        asked: format!("{verb} in {region}"),
                        refusal: Refusal::own("NotReady", message, self.sim.now()),
                    });
                }
                Ok(_) | Err(_) => {}
            }
            self.sim.sleep(pause).await;
            pause = Span(pause.0 * 3 / 2).min(Span::secs(10));
        }
    }
}
