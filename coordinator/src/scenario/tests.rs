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

#[test]
fn the_shipped_schema_is_the_one_that_the_tables_make() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the variable changes a file, not a run"
    )]
    let update = std::env::var("FAULTLINE_UPDATE").is_ok();
    let path = format!(
        "{}/../scenarios/schema/scenario.v1.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = schema::scenario_text();
    if update {
        std::fs::create_dir_all(format!(
            "{}/../scenarios/schema",
            env!("CARGO_MANIFEST_DIR")
        ))
        .expect("a folder");
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == text,
        "`faultline schema scenario` differs: write it anew with FAULTLINE_UPDATE=1"
    );
}
