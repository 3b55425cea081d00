//! Faults from a file, for the simulator: what the names in them stand for now.

use faultline_proto::names::RegionName;
use faultline_proto::tables::{Form, Referent, Refers};
use serde_json::json;

use super::Runner;
use super::setup::INLINE_POLICY;
use super::world::Asked;
use crate::faults::resolve::{BucketAt, FaultNames, PrincipalAt, resolve};
use crate::faults::{Fault, KeyAt};
use crate::scenario::plan::FaultPlan;
use crate::scenario::template::{Bindings, EvaluateError, WorldNames};

/// Keys, tables, buckets and principals stay names; policies name accounts and ARNs.
struct Written<'a>(Asked<'a>);

impl WorldNames for Written<'_> {
    fn resolve(&self, refers: Refers, name: &str) -> Option<String> {
        match (refers.to, refers.form) {
            (Referent::Account, _) | (Referent::Principal, Form::Arn) => {
                self.0.resolve(refers, name)
            }
            _ => None,
        }
    }
    fn means(&self, refers: Refers, name: &str, answer: &str) -> bool {
        self.0.means(refers, name, answer)
    }
}

impl Runner<'_> {
    /// The fault that a file means.
    pub(super) fn fault(
        &self,
        plan: &FaultPlan,
        bindings: &Bindings,
    ) -> Result<Fault, EvaluateError> {
        let names = Written(self.names(&self.world.home, ""));
        let spec = plan.resolve(bindings, &names)?;
        resolve(&spec, self).map_err(|message| EvaluateError {
            span: plan.span,
            message,
        })
    }
}

impl FaultNames for Runner<'_> {
    fn key(&self, name: &str) -> Option<Vec<KeyAt>> {
        let key = self.world.keys.get(name)?;
        // The key may have got more replicas since set-up: ask.
        let here = |region: &&RegionName| {
            let question = json!({ "key": key.arn(region) });
            let seen = self.sim.look(region, "replicas", &question);
            // Who cannot look inside takes what set-up made.
            let seen = seen.filter(|seen| seen.get("error").is_none());
            seen.map_or_else(|| key.regions.contains(region), |seen| seen["here"] == true)
        };
        let regions = self.world.regions.iter().filter(here);
        Some(
            regions
                .map(|region| KeyAt {
                    region: region.clone(),
                    account: key.account.clone(),
                    key: key.id.clone(),
                })
                .collect(),
        )
    }

    fn bucket(&self, name: &str) -> Option<BucketAt> {
        let bucket = self.world.buckets.get(name)?;
        Some(BucketAt {
            region: bucket.region.clone(),
            account: bucket.account.clone(),
            name: name.to_owned(),
        })
    }

    fn principal(&self, name: &str) -> Option<PrincipalAt> {
        let principal = self.world.principals.get(name)?;
        Some(PrincipalAt {
            account: principal.account.clone(),
            role: principal.role,
            name: name.to_owned(),
            policy_name: INLINE_POLICY.to_owned(),
        })
    }

    fn table(&self, name: &str) -> Option<(String, Vec<RegionName>)> {
        let table = self.world.tables.get(name)?;
        Some((name.to_owned(), table.regions.clone()))
    }

    fn home(&self) -> RegionName {
        self.world.home.clone()
    }
}
