//! The members of a fault, each read as what it must be.

use std::time::Duration;

use faultline_proto::names::RegionName;
use faultline_proto::registry;
use serde_json::{Map, Value};

use super::{FaultSpec, PolicyOwner, ReplicatedThing, SkewSpec};
use crate::scenario::quantity::{self, Chance};

/// A fault's members, read one by one.
pub(super) struct Members<'a>(pub(super) &'a Map<String, Value>);

impl Members<'_> {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }
    pub(super) fn needed(&self, key: &str) -> Result<String, String> {
        self.text(key)
            .map(str::to_owned)
            .ok_or_else(|| format!("it needs `{key}`"))
    }
    pub(super) fn maybe_region(&self, key: &str) -> Result<Option<RegionName>, String> {
        self.text(key)
            .map(|text| RegionName::new(text).map_err(|error| error.to_string()))
            .transpose()
    }
    pub(super) fn region(&self, key: &str) -> Result<RegionName, String> {
        self.maybe_region(key)?
            .ok_or_else(|| format!("it needs `{key}`"))
    }
    pub(super) fn regions(&self, key: &str) -> Result<Vec<RegionName>, String> {
        self.0
            .get(key)
            .map(region_list)
            .transpose()
            .map(Option::unwrap_or_default)
    }
    pub(super) fn quantity<T>(
        &self,
        key: &str,
        read: fn(&str) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, String> {
        self.text(key)
            .map(|text| read(text).ok_or_else(|| format!("`{key}` must be {wanted}, not `{text}`")))
            .transpose()
    }
    pub(super) fn duration(&self, key: &str) -> Result<Option<Duration>, String> {
        self.quantity(key, quantity::duration, "a duration such as `15s`")
    }
    pub(super) fn chance(&self, key: &str) -> Result<Option<Chance>, String> {
        self.quantity(
            key,
            quantity::chance,
            "a chance of at most 1, such as `1/10` or `10%`",
        )
    }

    pub(super) fn service(&self) -> Result<String, String> {
        let service = self.needed("service")?;
        if registry::find_service(&service).is_some() {
            return Ok(service);
        }
        let known: Vec<_> = registry::SERVICES.iter().map(|it| it.prefix).collect();
        let known = known.join(", ");
        Err(format!("`service` must be one of {known}, not `{service}`"))
    }

    pub(super) fn partition(&self) -> Result<FaultSpec, String> {
        if let Some(groups) = self.0.get("groups").and_then(Value::as_array) {
            let groups = groups
                .iter()
                .map(region_list)
                .collect::<Result<Vec<_>, _>>()?;
            let mut seen = Vec::new();
            for region in groups.iter().flatten() {
                if seen.contains(&region) {
                    return Err(format!("{region} stands in more than one group"));
                }
                seen.push(region);
            }
            return Ok(FaultSpec::Partition { groups });
        }
        let (from, to) = (self.regions("from")?, self.regions("to")?);
        if from.is_empty() || to.is_empty() {
            return Err("one way needs both `from` and `to`".into());
        }
        Ok(FaultSpec::PartitionOneWay { from, to })
    }

    pub(super) fn slow_link(&self) -> Result<FaultSpec, String> {
        let between = self.regions("between")?;
        let [one, other] = between.as_slice() else {
            return Err("`between` names two Regions".into());
        };
        let spec = FaultSpec::SlowLink {
            between: (one.clone(), other.clone()),
            latency: self.duration("latency")?,
            jitter: self.duration("jitter")?,
            bits_per_second: self.quantity(
                "bandwidth",
                quantity::bits_per_second,
                "a bandwidth such as `1Mbit/s`",
            )?,
        };
        if ["latency", "jitter", "bandwidth"]
            .iter()
            .all(|key| self.0.get(*key).is_none())
        {
            return Err(
                "it needs `latency`, `jitter` or `bandwidth`, else nothing is slower".into(),
            );
        }
        Ok(spec)
    }

    pub(super) fn messages(&self) -> Result<FaultSpec, String> {
        if ["drop", "duplicate", "reorder", "hold"]
            .iter()
            .all(|key| self.0.get(*key).is_none())
        {
            return Err("it needs `drop`, `duplicate`, `reorder` or `hold`, else nothing happens to messages".into());
        }
        Ok(FaultSpec::Messages {
            between: self.regions("between")?,
            drop: self.chance("drop")?,
            duplicate: self.chance("duplicate")?,
            reorder: self.chance("reorder")?,
            hold: self.duration("hold")?,
            chance: self.chance("chance")?,
        })
    }

    pub(super) fn skew(&self) -> Result<SkewSpec, String> {
        let offset = self.quantity("offset", quantity::micros, "a duration such as `-5m`")?;
        let drift = self.quantity(
            "drift",
            quantity::parts_per_million,
            "a share such as `200ppm`",
        )?;
        let jump = self.quantity("jump", quantity::micros, "a duration such as `-5m`")?;
        match (offset, drift, jump) {
            (Some(offset), None, None) => Ok(SkewSpec::Offset(offset)),
            (None, Some(drift), None) => Ok(SkewSpec::Drift(drift)),
            (None, None, Some(jump)) => Ok(SkewSpec::Jump(jump)),
            _ => Err("it needs exactly one of `offset`, `drift` and `jump`".into()),
        }
    }

    pub(super) fn pause_replication(&self) -> Result<FaultSpec, String> {
        let of = match (self.text("table"), self.text("bucket"), self.text("key")) {
            (Some(table), _, _) => ReplicatedThing::Table(table.to_owned()),
            (None, Some(bucket), _) => ReplicatedThing::Bucket(bucket.to_owned()),
            (None, None, Some(key)) => ReplicatedThing::Key(key.to_owned()),
            (None, None, None) => {
                return Err("it needs one of `table`, `bucket` and `key`".into());
            }
        };
        Ok(FaultSpec::PauseReplication {
            of,
            from: self.regions("from")?,
            to: self.regions("to")?,
        })
    }

    pub(super) fn policy_replaced(&self) -> Result<FaultSpec, String> {
        let of = match (
            self.text("key"),
            self.text("bucket"),
            self.text("principal"),
        ) {
            (Some(key), _, _) => PolicyOwner::Key(key.to_owned()),
            (None, Some(bucket), _) => PolicyOwner::Bucket(bucket.to_owned()),
            (None, None, Some(principal)) => PolicyOwner::Principal(principal.to_owned()),
            (None, None, None) => {
                return Err("it needs one of `key`, `bucket` and `principal`".into());
            }
        };
        Ok(FaultSpec::PolicyReplaced {
            of,
            region: self.maybe_region("in")?,
            document: self.needed("policy")?,
        })
    }
}

fn region_list(value: &Value) -> Result<Vec<RegionName>, String> {
    let items = value.as_array().ok_or("Regions are given in a list")?;
    items
        .iter()
        .map(|item| {
            RegionName::new(item.as_str().unwrap_or_default()).map_err(|error| error.to_string())
        })
        .collect()
}
