//! `faultline explain` and `faultline list`: the words of the language, from its tables.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{files, out, say};
use crate::exit::Exit;
use crate::explain::{self, Kind};
use crate::scenario;

/// Explain a verb, fault, oracle, metric, matcher, code, or a view of the report or console.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Its name, for example kms.encrypt, region_down, E0201 or console.live.
    name: String,
}

/// List all things of a kind.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The kind.
    #[arg(value_parser = PossibleValuesParser::new(kinds()))]
    kind: String,
    /// Only names that contain this; for scenarios, the folder.
    of: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Scenario files, beside the kinds of words.
const SCENARIOS: &str = "scenarios";

fn kinds() -> Vec<&'static str> {
    Kind::ALL
        .iter()
        .map(|(name, _)| *name)
        .chain([SCENARIOS])
        .collect()
}

/// Explains.
#[must_use]
pub fn explain(args: &ExplainArgs) -> Exit {
    match explain::explain(&args.name) {
        Ok(page) => {
            out(&page);
            Exit::Passed
        }
        Err(near) => {
            let near = near
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            say(&format!("nothing is called `{}`{near}", args.name));
            Exit::Usage
        }
    }
}

/// Lists.
#[must_use]
pub fn list(args: &ListArgs) -> Exit {
    let kind = Kind::ALL
        .iter()
        .find(|(name, _)| *name == args.kind)
        .map(|(_, kind)| *kind);
    let rows: Vec<(String, String)> = match kind {
        None => match scenarios(args.of.as_deref()) {
            Ok(rows) => rows,
            Err(problem) => {
                say(&problem);
                return Exit::Usage;
            }
        },
        Some(kind) => explain::list(kind)
            .into_iter()
            .filter(|row| {
                args.of
                    .as_deref()
                    .is_none_or(|part| row.name.contains(part))
            })
            .map(|row| (row.name.to_owned(), row.summary.to_owned()))
            .collect(),
    };
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, summary) in &rows {
        if args.json {
            out(&format!(
                "{}\n",
                serde_json::json!({ "name": name, "summary": summary })
            ));
        } else {
            out(format!("{name:<width$}  {summary}").trim_end());
            out("\n");
        }
    }
    if rows.is_empty() {
        Exit::Nothing
    } else {
        Exit::Passed
    }
}

/// Paths and titles of the scenarios in a folder.
fn scenarios(folder: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let folder = PathBuf::from(folder.unwrap_or(SCENARIOS));
    let mut rows = Vec::new();
    for path in files::find(&[folder])? {
        let source = files::read(&path)?;
        let title = scenario::load(&source)
            .map_or_else(|_| "(invalid; see check)".to_owned(), |plan| plan.title);
        rows.push((path.display().to_string(), title));
    }
    Ok(rows)
}

/// Print the JSON Schema that editors complete scenario files with.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// What the schema is of.
    #[arg(value_parser = PossibleValuesParser::new(["scenario", "lab"]), default_value = "scenario")]
    kind: String,
}

/// Prints a schema.
#[must_use]
pub fn schema(args: &SchemaArgs) -> Exit {
    out(&match args.kind.as_str() {
        "lab" => crate::labs::schema::text(),
        _ => scenario::schema::scenario_text(),
    });
    Exit::Passed
}
