//! The files for containers: YAML, whole, and in the words of the program.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use faultline::cli::Cli;
use faultline::scenario::source::{self, Node, Source};
use faultline_tests::shipped;

fn text(name: &str) -> String {
    let path = shipped::root().join("docs/deploy").join(name);
    std::fs::read_to_string(path).expect("it is there")
}

/// The documents of a YAML file.
fn documents(name: &str) -> Vec<Node> {
    text(name)
        .split("\n---\n")
        .map(|document| {
            let (root, problems) = source::parse(&Source::new(name, document));
            assert!(problems.is_empty(), "{name}: {problems:?}");
            root.expect("a document")
        })
        .collect()
}

/// Every variable that the program reads.
fn known() -> BTreeSet<String> {
    let cli = Cli::command();
    let node = cli.find_subcommand("node").expect("there is a node");
    node.get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_variable_is_one_that_the_program_knows() {
    let known = known();
    for name in ["Containerfile", "compose.yaml", "kubernetes.yaml"] {
        let text = text(name);
        let words = text.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
        let used: BTreeSet<&str> = words
            .filter(|word| word.starts_with("FAULTLINE_"))
            .collect();
        assert!(used.len() >= 4, "{name} sets {used:?}");
        for variable in used {
            assert!(known.contains(variable), "{name}: {variable}");
        }
    }
}

#[test]
fn compose_and_kubernetes_have_the_same_regions_and_each_names_the_other() {
    let compose = &documents("compose.yaml")[0];
    let services = compose
        .get("services")
        .and_then(Node::entries)
        .expect("services");
    let regions: Vec<&str> = services
        .iter()
        .map(|entry| entry.key.text.as_str())
        .collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    let sets: Vec<String> = documents("kubernetes.yaml")
        .iter()
        .filter(|document| document.get("kind").and_then(Node::text) == Some("StatefulSet"))
        .filter_map(|document| {
            document
                .get("metadata")?
                .get("name")?
                .text()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(sets, regions);
    for name in ["compose.yaml", "kubernetes.yaml"] {
        let text = text(name);
        for region in &regions {
            assert!(
                text.contains(&format!("{region}=http://{region}")),
                "{name}: nobody dials {region}"
            );
        }
    }
}
