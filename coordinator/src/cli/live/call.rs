//! `faultline call`: one operation against a live node.

use clap::Args;
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use serde_json::{Map, Value};

use super::{Where, pair};
use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::known::Known;

/// Make one call to a live node: `call kms.encrypt key_id=payments plaintext=hello --in eu-west-1`.
///
/// Arguments are spelled as in scenarios. A value that is JSON is taken as such; names of the
/// world's keys stand for their ids.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// The operation as scenarios spell it: kms.encrypt.
    verb: String,
    /// Its arguments, name=value.
    #[arg(value_parser = pair)]
    arguments: Vec<(String, String)>,
    /// Region to ask; the first one when absent.
    #[arg(long = "in", value_name = "REGION")]
    region: Option<RegionName>,
    /// Principal of the world, account name (its root user), or `root`.
    #[arg(long = "as", value_name = "PRINCIPAL", default_value = "root")]
    principal: String,
    #[command(flatten)]
    place: Where,
}

/// Calls. Exit 1 when it is refused.
#[must_use]
pub fn call(args: &CallArgs) -> Exit {
    super::block_on(async {
        let known = Known::of(args.place.folder())?;
        let Some(operation) = find_verb(&args.verb) else {
            return Err(format!(
                "there is no operation '{}'; `faultline list verbs` shows them",
                args.verb
            ));
        };
        let region = match &args.region {
            Some(region) => region.clone(),
            None => known.saved.regions[0].region.clone(),
        };
        known.saved.region(&region)?;
        let credential = known.credential(&args.principal, &region).await?;
        let arguments = arguments(&known, &args.arguments);
        Ok(
            match known
                .ask(operation, &region, &credential, &arguments)
                .await?
            {
                Ok(value) => {
                    out(&format!("{value:#}\n"));
                    Exit::Passed
                }
                Err(failure) => {
                    say(&format!("{}: {}", failure.code, failure.message));
                    for help in failure.denial.iter().flat_map(|denial| &denial.missing) {
                        say(&format!("  it would help: {help}"));
                    }
                    Exit::Failed
                }
            },
        )
    })
}

fn arguments(known: &Known, given: &[(String, String)]) -> Value {
    let mut arguments = Map::new();
    for (name, text) in given {
        let value = match known.saved.keys.get(text) {
            Some(id) if name.contains("key_id") => Value::String(id.clone()),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        };
        arguments.insert(name.clone(), value);
    }
    Value::Object(arguments)
}
