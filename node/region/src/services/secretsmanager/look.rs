//! What only a simulator can see: what is stored of a secret.

use faultline_proto::names::AccountId;
use serde_json::{Map, Value, json};

use super::keyspaces::{Place, Secrets, Values};
use super::{ids, replication};
use crate::context::Ctx;

/// `stored_secret` of `name` in `account`: its place, and how each version is sealed.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    (what == "stored_secret").then(|| stored(ctx, arguments))
}

fn stored(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let account =
        AccountId::new(text("account").unwrap_or_default()).map_err(|error| error.to_string())?;
    let Some(row) = ctx.get::<Secrets>((&account, name)) else {
        return Ok(json!({ "region": ctx.region().as_str(), "exists": false }));
    };
    let mut versions = Map::new();
    for (id, version) in &row.versions {
        let bytes = ctx.get::<Values>((&account, name, id.as_str()));
        let stages: Vec<&str> = version.stages.iter().map(String::as_str).collect();
        let sealing = version.sealing.as_ref();
        versions.insert(
            id.clone(),
            json!({
                "stages": stages,
                "kms_key_id": sealing.map(|sealing| sealing.key.as_str()),
                "sealed_bytes": bytes.map(|bytes| bytes.len()),
            }),
        );
    }
    let (place, primary) = match &row.place {
        Place::Primary(_) => ("primary", ctx.region().as_str().to_owned()),
        Place::Replica { primary, .. } => ("replica", primary.to_string()),
    };
    Ok(json!({
        "region": ctx.region().as_str(),
        "exists": true,
        "arn": ids::arn(ctx, &row),
        "place": place,
        "primary_region": primary,
        "content": replication::content(ctx, &row),
        "versions": versions,
    }))
}
