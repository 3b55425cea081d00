//! `audit.find`: the trails of all Regions as one, with the world's names.

use faultline_proto::codec::time::to_iso;
use faultline_proto::names::RegionName;
use serde_json::{Map, Value};

use super::Runner;
use super::ask::Refusal;
use super::world::World;

type Naming = for<'a> fn(&'a World, &'a str) -> &'a str;

impl Runner<'_> {
    /// Events of all trails by time, with the world's names.
    pub(super) fn audit(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let mut wanted = arguments.clone();
        if let Some(Value::String(name)) = wanted.get_mut("principal")
            && let Some(principal) = self.world.principals.get(name.as_str())
        {
            name.clone_from(&principal.arn);
        }
        if let Some(Value::String(name)) = wanted.get_mut("resource") {
            *name = self.world.trail_name(name);
        }
        let mut events = Vec::new();
        for one in &self.world.regions {
            if region.is_some_and(|region| region != one) {
                continue;
            }
            let answer = self.look(one, "audit", &wanted)?;
            let found = answer.get("events").and_then(Value::as_array).cloned();
            events.extend(found.unwrap_or_default());
        }
        let time = |event: &Value| event["event_time"].as_i64().unwrap_or_default();
        events.sort_by_key(time);
        Ok(events
            .into_iter()
            .map(|mut event| {
                let millis = time(&event);
                event["event_time"] = to_iso(millis).into();
                for (member, name) in [
                    ("principal", World::principal_name as Naming),
                    ("resource", World::resource_name as Naming),
                ] {
                    let known = event[member]
                        .as_str()
                        .map(|text| name(&self.world, text).to_owned());
                    if let Some(known) = known {
                        event[member] = known.into();
                    }
                }
                event
            })
            .collect())
    }
}
