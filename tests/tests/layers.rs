//! The ladder of the crates: who may know whom. Above all, no crate under `node/` can reach
//! `sealed`, so that a node never has the means to read a client-side encrypted field.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crate, and what it may use of ours.
const LADDER: [(&str, &[&str]); 7] = [
    ("faultline-proto", &[]),
    ("faultline-region", &["faultline-proto"]),
    ("faultline-node", &["faultline-proto", "faultline-region"]),
    ("faultline-sealed", &["faultline-proto"]),
    (
        "faultline",
        &[
            "faultline-node",
            "faultline-proto",
            "faultline-region",
            "faultline-sealed",
        ],
    ),
    (
        "faultline-tests",
        &[
            "faultline",
            "faultline-node",
            "faultline-proto",
            "faultline-region",
            "faultline-sealed",
        ],
    ),
    ("faultline-benches", &[]),
];

/// Our crates and which of ours each depends on, without dev-dependencies.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let used = |package: &Value| {
        let dependencies = package["dependencies"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        dependencies
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(name)
            .filter(|other| ours.contains(other))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), used(package)))
        .collect()
}

#[test]
fn every_crate_keeps_to_its_rung() {
    let ladder: BTreeMap<&str, &[&str]> = LADDER.into_iter().collect();
    for (name, used) in edges() {
        let may = ladder
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} has no rung: add it to the ladder"));
        for other in used {
            assert!(
                may.contains(&other.as_str()),
                "{name} must not depend on {other}"
            );
        }
    }
}

#[test]
fn no_node_crate_can_reach_the_clients_side() {
    let edges = edges();
    for start in ["faultline-region", "faultline-node"] {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![start.to_owned()];
        while let Some(name) = waiting.pop() {
            waiting.extend(
                edges[&name]
                    .iter()
                    .filter(|other| !reached.contains(*other))
                    .cloned(),
            );
            reached.insert(name);
        }
        assert!(
            !reached.contains("faultline-sealed"),
            "{start} reaches faultline-sealed"
        );
    }
}
