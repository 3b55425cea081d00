//! What only a simulator can see or do: the content of a volume.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::keyspaces::{VolumeRow, VolumeState, Volumes};
use super::{blocks, hosts, volumes};
use crate::context::Ctx;
use crate::pipeline;

/// `volume_content` of `volume_id`: what an attached instance would read.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    let id = asked(what, arguments)?;
    // Looking leaves no trail and no notes; its rows are discarded anyway.
    let before = std::mem::take(&mut ctx.effects);
    let mut answer = Err(String::new());
    pipeline::in_background(ctx, |ctx| answer = seen(ctx, id));
    ctx.effects = before;
    Some(answer)
}

/// `volume_content`: writes `content` to `volume_id` as an attached instance would.
pub(super) fn plant(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    let id = asked(what, arguments)?;
    let content = arguments
        .get("content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(written(ctx, id, content))
}

fn asked<'a>(what: &str, arguments: &'a Value) -> Option<&'a str> {
    (what == "volume_content").then(|| {
        arguments
            .get("volume_id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    })
}

fn volume(ctx: &mut Ctx<'_>, id: &str) -> Result<VolumeRow, String> {
    ctx.get::<Volumes>(id)
        .ok_or_else(|| format!("no volume '{id}' here"))
}

fn seen(ctx: &mut Ctx<'_>, id: &str) -> Result<Value, String> {
    let row = volume(ctx, id)?;
    let is_readable = matches!(row.state, VolumeState::Available | VolumeState::InUse);
    let opened = if is_readable {
        hosts::data_key(ctx, id, &row)
            .and_then(|key| blocks::content(ctx, id, row.length, key.as_ref()))
            .map_err(|refusal| refusal.to_string())
    } else {
        Err(row
            .refused
            .clone()
            .unwrap_or_else(|| "the volume is not available".to_owned()))
    };
    let (content, why) = match opened {
        Ok(bytes) => (Some(text(bytes)), None),
        Err(why) => (None, Some(why)),
    };
    Ok(json!({
        "content": content,
        "why": why,
        "kms_key_id": row.key,
        "encrypted": row.encrypted,
        "state": volumes::word(row.state),
        "snapshot_id": row.snapshot,
    }))
}

/// Text as it is, other bytes as `base64:...`.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| format!("base64:{}", STANDARD.encode(error.as_bytes())))
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    match text.strip_prefix("base64:") {
        Some(coded) => STANDARD
            .decode(coded)
            .map_err(|error| format!("content: {error}")),
        None => Ok(text.as_bytes().to_vec()),
    }
}

fn written(ctx: &mut Ctx<'_>, id: &str, content: &str) -> Result<Value, String> {
    let mut row = volume(ctx, id)?;
    let content = bytes(content)?;
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if length > u64::try_from(row.size).unwrap_or_default() << 30 {
        return Err(format!("{length} bytes are more than {id} has"));
    }
    if let Some(why) = &row.refused {
        return Err(format!("{id} never became available: {why}"));
    }
    let key = hosts::data_key(ctx, id, &row).map_err(|refusal| refusal.to_string())?;
    blocks::fill(ctx, id, key.as_ref(), &content);
    row.length = length;
    if row.state == VolumeState::Creating {
        // An instance wrote to it: it is past that.
        row.state = VolumeState::Available;
    }
    ctx.put::<Volumes>(id, &row);
    Ok(json!({ "volume_id": id, "bytes": length }))
}
