//! What only a simulator can see: what is stored of a secret.

use faultline_proto::names::AccountId;
use serde_json::{Value, json};

use super::keyspaces::{Place, SecretRow, Secrets, Values};
use super::{ids, replication};
use crate::context::Ctx;
use crate::store::Range;

/// `stored_secret` of `name`, in `account` when given: its place, and how each version is sealed.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    (what == "stored_secret").then(|| stored(ctx, arguments))
}

fn found(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Option<SecretRow>, String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let Some(account) = text("account") else {
        let all = ctx.all(Range::<Secrets>::all());
        let mut named = all.into_iter().filter(|((_, known), _)| known == name);
        return Ok(named.next().map(|(_, row)| row));
    };
    let account = AccountId::new(account).map_err(|error| error.to_string())?;
    Ok(ctx.get::<Secrets>((&account, name)))
}

fn stored(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let Some(row) = found(ctx, arguments)? else {
        let region = ctx.region().as_str();
        return Ok(json!({ "region": region, "exists": false, "here": false }));
    };
    let mut versions = Vec::new();
    for (id, version) in &row.versions {
        let bytes = ctx.get::<Values>((&row.account, row.name.as_str(), id.as_str()));
        let sealing = version.sealing.as_ref();
        versions.push(json!({
            "version_id": id,
            "stages": version.stages,
            "kms_key_id": sealing.map(|sealing| sealing.key.as_str()),
            "sealed_bytes": bytes.map(|bytes| bytes.len()),
        }));
    }
    let (place, primary) = match &row.place {
        Place::Primary(_) => ("primary", ctx.region().to_string()),
        Place::Replica { primary, .. } => ("replica", primary.to_string()),
    };
    Ok(json!({
        "region": ctx.region().as_str(),
        "exists": true,
        "here": true,
        "arn": ids::arn(ctx, &row),
        "place": place,
        "primary_of": primary,
        "content": replication::content(ctx, &row),
        "versions": versions,
    }))
}
