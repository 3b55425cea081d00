//! `look.replicas_equal` under `always:`: asked when the run is over and nothing is broken.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Runner;
use crate::clock::Span;
use crate::journal::event::Judgement;
use crate::sim::Broken;

/// How long replicas may take to become equal once nothing happens any more.
const PATIENCE: Span = Span::secs(60);

/// What the Regions answered.
pub(super) struct Looked {
    pub judgement: Judgement,
    pub checked: u64,
    pub because: String,
}

/// Asks the Regions, for each such entry of `always:` by its place.
pub(super) fn look(runner: &Runner<'_>) -> Result<BTreeMap<usize, Looked>, Broken> {
    let mut looked = BTreeMap::new();
    for (index, spec) in runner.case.always.iter().enumerate() {
        if spec.def.name != "look.replicas_equal" {
            continue;
        }
        let answer = if runner.sim.has_faults() {
            Looked {
                judgement: Judgement::Unknown,
                checked: 0,
                because: "a fault was still in force at the end".to_owned(),
            }
        } else {
            runner.sim.run(settled(runner, &spec.arguments))?
        };
        looked.insert(index, answer);
    }
    Ok(looked)
}

async fn settled(runner: &Runner<'_>, arguments: &serde_json::Map<String, Value>) -> Looked {
    let mut wanted = arguments.clone();
    if let Some(Value::String(name)) = wanted.get_mut("key")
        && let Some(key) = runner.world.keys.get(name.as_str())
    {
        name.clone_from(&key.id);
    }
    let since = runner.sim.now();
    loop {
        let refusal = match runner.replicas_equal(&wanted) {
            Ok(seen) => {
                return Looked {
                    judgement: Judgement::Pass,
                    checked: seen["replicas"].as_u64().unwrap_or_default(),
                    because: String::new(),
                };
            }
            Err(refusal) => refusal,
        };
        let differ = refusal.code == "ReplicasDiffer";
        if !differ || runner.sim.now().since(since) >= PATIENCE {
            return Looked {
                judgement: if differ {
                    Judgement::Fail
                } else {
                    Judgement::Unknown
                },
                checked: 0,
                because: refusal.message,
            };
        }
        runner.sim.sleep(Span::secs(1)).await;
    }
}
