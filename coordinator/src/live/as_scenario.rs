//! A fault of live nodes as a scenario writes it.

use std::collections::BTreeMap;

use super::acting::DISABLED;
use super::trouble::Active;
use crate::scenario::emit::{entry, list, map, plain};
use crate::scenario::source::{Entry, Node};

/// `partition: [[eu-west-1], [us-east-1]]` of `partition between=eu-west-1,us-east-1`; `keys` are the
/// world's, from names to ids.
///
/// # Errors
/// Why a scenario has no such fault, for people.
pub fn as_scenario(fault: &Active, keys: &BTreeMap<String, String>) -> Result<Entry, String> {
    let kind = fault.kind.as_str();
    let given = |name: &str| fault.arguments.get(name).cloned();
    let text = |name: &str| plain(given(name).unwrap_or_default());
    let all = |names: &[(&str, &str)]| {
        let members = names.iter().filter(|(name, _)| given(name).is_some());
        map(members
            .map(|(name, said)| entry(said, text(name)))
            .collect())
    };
    let between = || {
        let both = given("between").unwrap_or_default();
        let both: Vec<Node> = both.split(',').map(|it| plain(it.trim())).collect();
        both
    };
    let of_link = |more: &[(&str, &str)]| {
        let mut members = vec![entry("between", list(between()))];
        members.extend(all(more).entries().unwrap_or_default().to_vec());
        map(members)
    };
    Ok(match kind {
        "partition" if given("between").is_some() => {
            let groups = between().into_iter().map(|region| list(vec![region]));
            entry(kind, list(groups.collect()))
        }
        "partition" => {
            let one = |name| entry(name, list(vec![text(name)]));
            entry(kind, map(vec![one("from"), one("to")]))
        }
        "region_down" => entry(kind, text("region")),
        "slow_link" => entry(
            kind,
            of_link(&[("latency", "latency"), ("jitter", "jitter")]),
        ),
        "messages" => entry(kind, of_link(&[("drop", "drop")])),
        "node_crash" => {
            let members = vec![entry("in", text("in")), entry("then", plain("stay_down"))];
            entry(kind, map(members))
        }
        "restart" => entry(kind, all(&[("in", "in")])),
        "clock_skew" => entry(kind, all(&[("in", "in"), ("offset", "offset")])),
        "kms_throttled" => entry(kind, all(&[("in", "in"), ("rate", "rate")])),
        "service_outage" => entry(
            "service_errors",
            all(&[("in", "in"), ("service", "service")]),
        ),
        DISABLED => {
            let wanted = given("key").unwrap_or_default();
            let named = keys
                .iter()
                .find(|(name, id)| **name == wanted || **id == wanted);
            let (name, _) = named.ok_or_else(|| format!("the world names no key {wanted}"))?;
            let mut members = vec![entry("key", plain(name.clone()))];
            members.extend(all(&[("in", "in")]).entries().unwrap_or_default().to_vec());
            entry(kind, map(members))
        }
        "pause_replication" => {
            return Err("a scenario says what is paused: a table, a bucket or a key".to_owned());
        }
        other => return Err(format!("a scenario has no fault {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::emit;

    #[test]
    fn each_fault_is_written_as_scenarios_have_it() {
        let keys = BTreeMap::from([("cards".to_owned(), "mrk-1".to_owned())]);
        let cases = [
            ("partition between=a-1,b-1", "partition: [[a-1], [b-1]]"),
            (
                "partition from=a-1 to=b-1",
                "partition: { from: [a-1], to: [b-1] }",
            ),
            ("region_down region=a-1", "region_down: a-1"),
            (
                "slow_link between=a-1,b-1 latency=200ms jitter=5ms",
                "slow_link: { between: [a-1, b-1], latency: 200ms, jitter: 5ms }",
            ),
            (
                "messages between=a-1,b-1 drop=10%",
                "messages: { between: [a-1, b-1], drop: 10% }",
            ),
            (
                "node_crash in=a-1",
                "node_crash: { in: a-1, then: stay_down }",
            ),
            ("restart in=a-1", "restart: { in: a-1 }"),
            (
                "clock_skew in=a-1 offset=-1h",
                "clock_skew: { in: a-1, offset: -1h }",
            ),
            (
                "kms_throttled in=a-1 rate=5/s",
                "kms_throttled: { in: a-1, rate: 5/s }",
            ),
            (
                "service_outage in=a-1 service=s3",
                "service_errors: { in: a-1, service: s3 }",
            ),
            (
                "key_disabled key=mrk-1 in=a-1",
                "key_disabled: { key: cards, in: a-1 }",
            ),
        ];
        let fault = |command: &str| {
            let mut words = command.split(' ');
            let kind = words.next().unwrap_or_default().to_owned();
            let pairs = words.filter_map(|word| word.split_once('='));
            let arguments = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Active {
                id: 1,
                kind,
                arguments: arguments.collect(),
            }
        };
        for (command, wanted) in cases {
            let written = as_scenario(&fault(command), &keys).expect(command);
            assert_eq!(emit::file(&[written]).trim_end(), wanted);
        }
        for command in [
            "pause_replication in=a-1",
            "key_disabled key=other",
            "flood in=a-1",
        ] {
            assert!(as_scenario(&fault(command), &keys).is_err(), "{command}");
        }
    }
}
