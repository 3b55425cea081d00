//! A live world as its operator knows it: its folder, who is in it, and a client of each node.

use bytes::Bytes;
use faultline_proto::codec;
use faultline_proto::driving::{Credential, Failure, completed::Outcome};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use faultline_proto::tables::OperationDef;
use prost::Message as _;
use serde_json::{Value, json};

use super::client::{Invoked, LiveClient, words};
use super::folder::Folder;
use super::saved::Saved;

/// See the module.
pub struct Known {
    /// Where it is.
    pub folder: Folder,
    /// What is written about it.
    pub saved: Saved,
    /// A client of each node, in the order of `saved.regions`.
    pub clients: Vec<LiveClient>,
}

impl Known {
    /// The world of a folder.
    ///
    /// # Errors
    /// A sentence when there is none, or it cannot be read.
    pub fn of(folder: Folder) -> Result<Self, String> {
        let saved = folder.world()?;
        let access = folder.access(&saved)?;
        let clients = saved.regions.iter();
        let clients = clients
            .map(|node| LiveClient::new(node, &access))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            folder,
            saved,
            clients,
        })
    }

    /// Its Regions, in their order.
    #[must_use]
    pub fn regions(&self) -> Vec<RegionName> {
        let regions = self.saved.regions.iter();
        regions.map(|node| node.region.clone()).collect()
    }

    /// The client of a Region's node.
    ///
    /// # Errors
    /// A sentence when there is no such Region.
    pub fn client(&self, region: &RegionName) -> Result<&LiveClient, String> {
        let client = self.clients.iter().find(|client| client.region() == region);
        client.ok_or_else(|| format!("{region} is no Region of this world"))
    }
}

impl Known {
    /// Asks one operation: the answer in the language's spelling, or the refusal.
    ///
    /// # Errors
    /// A sentence when nobody answered, or the arguments are none.
    pub async fn ask(
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
        let client = self.client(region)?;
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
    ///
    /// # Errors
    /// A sentence when nobody is called so, or the role cannot be assumed.
    pub async fn credential(
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
