//! Starting and healing faults of a live world.
//!
//! What is in force stands in the world's folder, and every node is told. A key is disabled, and
//! enabled again, by AWS calls of its account's root user, as in a scenario.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use serde_json::json;

use super::client::words;
use super::known::Known;
use super::trouble::{self, Active};

/// A key that root changes: by which account, in which Region, by which id.
type KeyHere = (String, RegionName, String);

/// Starts a fault: the fault with its number, and what is to be told about nodes that are away.
///
/// # Errors
/// A sentence when it makes no sense, or cannot be done; then nothing was done.
pub async fn start(
    known: &Known,
    kind: &str,
    arguments: BTreeMap<String, String>,
) -> Result<(Active, Vec<String>), String> {
    let mut faults = trouble::in_force(&known.folder)?;
    let fault = Active {
        id: faults.iter().map(|fault| fault.id).max().unwrap_or(0) + 1,
        kind: kind.to_owned(),
        arguments,
    };
    faults.push(fault.clone());
    sensible(known, &faults)?;
    if fault.kind == DISABLED {
        let keys = keys_of(known, &fault).await?;
        let mut done: Vec<&KeyHere> = Vec::new();
        for key in &keys {
            if let Err(problem) = root(known, "kms.disable_key", key).await {
                for key in done {
                    root(known, "kms.enable_key", key).await?;
                }
                return Err(problem);
            }
            done.push(key);
        }
    }
    let later = apply(known, &faults).await?;
    Ok((fault, later))
}

/// Heals faults by their numbers; all of them without one. What is to be told about nodes that are
/// away.
///
/// # Errors
/// A sentence when there is no such fault, or a key cannot be enabled: that fault stays in force.
pub async fn heal(known: &Known, ids: &[u64]) -> Result<Vec<String>, String> {
    let faults = trouble::in_force(&known.folder)?;
    if let Some(id) = ids.iter().find(|id| faults.iter().all(|it| it.id != **id)) {
        return Err(format!(
            "no fault {id} is in force; `faultline fault list` shows them"
        ));
    }
    let (over, left): (Vec<Active>, Vec<Active>) = faults
        .into_iter()
        .partition(|fault| ids.is_empty() || ids.contains(&fault.id));
    let (keys, rest): (Vec<Active>, Vec<Active>) =
        over.into_iter().partition(|fault| fault.kind == DISABLED);
    // Nodes first: a key is enabled by a call, which a Region that is down does not hear.
    let mut standing = [left, keys.clone()].concat();
    let mut later = if rest.is_empty() && !keys.is_empty() {
        Vec::new()
    } else {
        apply(known, &standing).await?
    };
    for fault in keys {
        for key in keys_of(known, &fault).await? {
            root(known, "kms.enable_key", &key).await?;
        }
        standing.retain(|it| it.id != fault.id);
        later = apply(known, &standing).await?;
    }
    Ok(later)
}

/// The kind that is no node's business.
pub(super) const DISABLED: &str = "key_disabled";

/// All of it must make sense before any of it happens.
fn sensible(known: &Known, faults: &[Active]) -> Result<(), String> {
    let regions = known.regions();
    let mut regions_alone = regions.iter();
    regions_alone.try_for_each(|me| trouble::for_node(faults, me, &regions).map(drop))
}

/// Writes down what is in force, and tells every node.
async fn apply(known: &Known, faults: &[Active]) -> Result<Vec<String>, String> {
    sensible(known, faults)?;
    let regions = known.regions();
    trouble::keep(&known.folder, faults)?;
    let mut later = Vec::new();
    for client in &known.clients {
        let trouble = trouble::for_node(faults, client.region(), &regions)?;
        let told = client.set_trouble(trouble).await;
        if let Err(status) = told
            && !trouble::holds_down(faults, client.region())
        {
            later.push(format!(
                "{}: {}; it is told when it is up",
                client.region(),
                words(&status)
            ));
        }
    }
    Ok(later)
}

/// The keys that a fault is about: one in each of its Regions.
async fn keys_of(known: &Known, fault: &Active) -> Result<Vec<KeyHere>, String> {
    let name = fault.arguments.get("key").cloned().unwrap_or_default();
    let id = known.saved.keys.get(&name).unwrap_or(&name);
    let mut keys = Vec::new();
    for client in &known.clients {
        let region = client.region();
        if fault
            .arguments
            .get("in")
            .is_some_and(|it| it != region.as_str())
        {
            continue;
        }
        let seen = client.inspect("keys").await;
        let seen = seen.map_err(|status| format!("{region}: {}", words(&status)))?;
        let here = seen["keys"].as_array().into_iter().flatten();
        let here = here.filter(|key| key["key_id"].as_str() == Some(id));
        keys.extend(here.map(|key| {
            let account = key["account"].as_str().unwrap_or_default().to_owned();
            (account, region.clone(), id.clone())
        }));
    }
    if keys.is_empty() {
        return Err(format!(
            "there is no key '{name}' there; the world names {}",
            known
                .saved
                .keys
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    Ok(keys)
}

/// Something that an account's root user does to a key.
async fn root(known: &Known, verb: &str, (account, region, key): &KeyHere) -> Result<(), String> {
    let operation = find_verb(verb).ok_or_else(|| format!("this build does not have {verb}"))?;
    let mut accounts = known.saved.accounts.iter();
    let (owner, _) = accounts
        .find(|(_, it)| it.id.as_str() == account)
        .ok_or_else(|| format!("nobody here is root of account {account}"))?;
    let (credential, _) = known.saved.signer(&format!("root of {owner}"))?;
    let done = known
        .ask(operation, region, &credential, &json!({ "key_id": key }))
        .await?;
    done.map(drop)
        .map_err(|failure| format!("{verb} in {region}: {}: {}", failure.code, failure.message))
}
