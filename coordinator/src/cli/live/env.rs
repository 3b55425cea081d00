//! `faultline env`: what a shell or an SDK needs to talk to live nodes.

use clap::{Args, ValueEnum};
use faultline_proto::names::RegionName;
use faultline_proto::registry;
use faultline_region::signing::secret_access_key;
use serde_json::{Map, Value};

use super::Where;
use super::up_args::shows_its_own;
use crate::cli::out;
use crate::exit::Exit;
use crate::live::certificates::CA;
use crate::live::known::Known;
use crate::shell::{key_variable, volume_variable};

/// Print environment variables for the AWS CLI, boto3 and the SDKs: `eval "$(faultline env)"`.
///
/// They hold a secret access key of this world, which is worth nothing outside it.
#[derive(Debug, Args)]
pub struct EnvArgs {
    /// Principal of the world, account name (its root user), or `root`.
    #[arg(long, default_value = "root")]
    principal: String,
    /// Region whose endpoint is used; the first one when absent.
    #[arg(long = "in", value_name = "REGION")]
    region: Option<RegionName>,
    /// Use the front door, one endpoint for all Regions.
    #[arg(long)]
    front: bool,
    /// For a shell, or as JSON.
    #[arg(long, value_enum, default_value_t = EnvFormat::Sh)]
    format: EnvFormat,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EnvFormat {
    /// `export NAME='value'`.
    Sh,
    /// One object.
    Json,
}

/// Prints.
#[must_use]
pub fn env(args: &EnvArgs) -> Exit {
    super::block_on(async {
        let known = Known::of(args.place.folder())?;
        if !known.saved.made {
            return Err(
                "this world is not made to its end yet: `faultline up` says when it is".to_owned(),
            );
        }
        let region = match &args.region {
            Some(region) => region.clone(),
            None => known.saved.regions[0].region.clone(),
        };
        let node = known.saved.region(&region)?.clone();
        let credential = known.credential(&args.principal, &region).await?;
        let secret = known.folder.partition_secret(false)?;
        let secret = secret_access_key(&secret, &credential.access_key);
        let at = |address| format!("{}://{address}", known.saved.scheme());
        let front = known.saved.front.filter(|_| args.front);
        if args.front && front.is_none() {
            return Err("this world has no front door yet: `faultline up` opens one".to_owned());
        }
        let endpoint = at(front.unwrap_or(node.aws));
        let mut variables = vec![
            (
                "AWS_ACCESS_KEY_ID".to_owned(),
                credential.access_key.clone(),
            ),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_string()),
        ];
        if !credential.session_token.is_empty() {
            variables.push(("AWS_SESSION_TOKEN".to_owned(), credential.session_token));
        }
        variables.push(("AWS_REGION".to_owned(), region.to_string()));
        variables.push(("AWS_DEFAULT_REGION".to_owned(), region.to_string()));
        variables.push(("AWS_ENDPOINT_URL".to_owned(), endpoint.clone()));
        // IAM has one endpoint in the partition: its home's.
        let home = known.saved.region(&known.saved.home)?;
        for service in registry::SERVICES {
            let url = if service.prefix == "iam" {
                at(front.unwrap_or(home.aws))
            } else {
                endpoint.clone()
            };
            let name = service.service_id.to_uppercase().replace(' ', "_");
            variables.push((format!("AWS_ENDPOINT_URL_{name}"), url));
        }
        variables.extend(named(&known));
        variables.extend(trusted(&known));
        match args.format {
            EnvFormat::Sh => {
                for (name, value) in variables {
                    out(&format!("export {name}='{value}'\n"));
                }
                if credential.access_key.starts_with("AKIA") {
                    out("unset AWS_SESSION_TOKEN\n");
                }
            }
            EnvFormat::Json => {
                let variables = variables
                    .into_iter()
                    .map(|(name, value)| (name, Value::String(value)));
                out(&format!(
                    "{:#}\n",
                    Value::Object(variables.collect::<Map<_, _>>())
                ));
            }
        }
        Ok(Exit::Passed)
    })
}

/// What the world's names stand for: endpoints of Regions, ids of keys and volumes.
fn named(known: &Known) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for node in &known.saved.regions {
        let name = node.region.as_str().to_uppercase().replace('-', "_");
        let at = |address| format!("{}://{address}", known.saved.scheme());
        variables.push((format!("FAULTLINE_ENDPOINT_{name}"), at(node.aws)));
        variables.push((format!("FAULTLINE_GRPC_{name}"), at(node.grpc)));
    }
    let keys = known.saved.keys.iter();
    variables.extend(keys.map(|(name, id)| (key_variable(name), id.clone())));
    let volumes = known.saved.volumes.iter();
    variables.extend(volumes.map(|(name, id)| (volume_variable(name), id.clone())));
    variables
}

/// What makes clients trust the world's authority; nothing when the user's own is shown.
fn trusted(known: &Known) -> Vec<(String, String)> {
    let own = known.saved.tls.as_ref().is_some_and(shows_its_own);
    let ca = known.folder.join(CA);
    let ca = ca.canonicalize().unwrap_or(ca).display().to_string();
    ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "FAULTLINE_CA"]
        .into_iter()
        .filter(|_| own)
        .map(|name| (name.to_owned(), ca.clone()))
        .collect()
}
