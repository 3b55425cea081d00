//! `faultline call`: one operation against a live node; and who signs it.

use bytes::Bytes;
use clap::Args;
use faultline_proto::codec;
use faultline_proto::driving::{Credential, Failure, completed::Outcome};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use faultline_proto::tables::OperationDef;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::{Known, Where, pair};
use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::client::{Invoked, words};

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
        let known = Known::of(&args.place)?;
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

impl Known {
    /// Asks one operation: the answer in the language's spelling, or the refusal.
    pub(super) async fn ask(
        &self,
        operation: &'static OperationDef,
        region: &RegionName,
        credential: &Credential,
        arguments: &Value,
    ) -> Result<Result<Value, Box<Failure>>, String> {
        let encoded = codec::from_snake(operation.input, arguments).map_err(|problems| {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            words.join("; ")
        })?;
        let has_body = codec::body_member(operation.input).is_some();
        let body = encoded.body.map(Bytes::from);
        let body = body.or_else(|| has_body.then(Bytes::new));
        let client = self.clients.iter().find(|client| client.region() == region);
        let client = client.ok_or_else(|| format!("{region} is no Region of this world"))?;
        let asked = client
            .invoke(operation, credential, encoded.message, body)
            .await;
        let Invoked { completed, body } = match asked {
            Ok(invoked) => invoked,
            Err(status) if !status.details().is_empty() => {
                let failure = Failure::decode(status.details());
                return failure
                    .map(|failure| Err(Box::new(failure)))
                    .map_err(|_| words(&status));
            }
            Err(status) => return Err(format!("{region}: {}", words(&status))),
        };
        match completed.outcome {
            Some(Outcome::Success(success)) => {
                codec::to_snake(operation.output, &success.response, body.as_deref())
                    .map(Ok)
                    .map_err(|_| "the answer cannot be read: a bug in the node".to_owned())
            }
            Some(Outcome::Failure(failure)) => Ok(Err(Box::new(failure))),
            None => Err("the node answered nothing: a bug in it".to_owned()),
        }
    }

    /// The credential of a principal; a role is assumed in `region` first.
    pub(super) async fn credential(
        &self,
        principal: &str,
        region: &RegionName,
    ) -> Result<Credential, String> {
        let (credential, role) = self.saved.signer(principal)?;
        let Some(role) = role else {
            return Ok(credential);
        };
        let assume = find_verb("sts.assume_role").ok_or("this build has no STS")?;
        let mut arguments = json!({ "role_arn": role.arn, "role_session_name": "faultline" });
        if let Some(policy) = &role.session_policy {
            arguments["policy"] = policy.clone().into();
        }
        let answer = self.ask(assume, region, &credential, &arguments).await?;
        let answer = answer.map_err(|failure| {
            format!(
                "{principal} cannot be assumed: {}: {}",
                failure.code, failure.message
            )
        })?;
        let member = |name: &str| {
            answer["credentials"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Credential {
            access_key: member("access_key_id"),
            session_token: member("session_token"),
        })
    }
}
