//! Whole files through [`load`].

use super::diagnostic::{Format, render};
use super::source::Source;
use super::*;

fn shipped(name: &str) -> Arc<Source> {
    let path = format!("{}/../scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("shipped scenarios are there");
    Source::new(name, text)
}

#[test]
fn the_four_examples_load_without_a_word() {
    for name in [
        "01-region-outage.yaml",
        "02-global-table-conflict.yaml",
        "03-crr-sse-modes.yaml",
        "04-share-snapshot.yaml",
    ] {
        let source = shipped(name);
        match load(&source) {
            Ok(plan) => {
                assert_eq!(
                    render(&source, &plan.warnings, Format::Human(false)),
                    "",
                    "{name}"
                );
                assert_eq!(plan.cases.len(), 1, "{name}");
            }
            Err(diagnostics) => panic!(
                "{name}:\n{}",
                render(&source, &diagnostics, Format::Human(false))
            ),
        }
    }
}
