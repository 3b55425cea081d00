//! What only a simulator can see or do: the content of a volume, how a snapshot is stored, and what
//! EBS told EventBridge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::keyspaces::{Makings, Snapshots, VolumeRow, VolumeState, Volumes};
use super::{blocks, events, hosts, snapshots, volumes};
use crate::context::Ctx;
use crate::pipeline;
use crate::service::CHUNK;

/// Most blocks that one plant fills: 32 MiB.
const FILL: u64 = 512;

/// `volume_content` of `volume_id`: what an attached instance would read. `snapshot_blocks` of
/// `snapshot_id`: how it is stored. `ec2_events`, of an `account` if wanted.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    match what {
        "ec2_events" => return Some(Ok(events::seen(ctx, text("account")))),
        "snapshot_blocks" => {
            return Some(stored(ctx, text("snapshot_id").unwrap_or_default()));
        }
        _ => {}
    }
    let id = asked(what, arguments)?;
    // Looking leaves no trail and no notes; its rows are discarded anyway.
    let before = std::mem::take(&mut ctx.effects);
    let mut answer = Err(String::new());
    pipeline::in_background(ctx, |ctx| answer = seen(ctx, id));
    ctx.effects = before;
    Some(answer)
}

/// How many blocks a snapshot has, how many had to be stored for it, and of which it is a part.
fn stored(ctx: &mut Ctx<'_>, id: &str) -> Result<Value, String> {
    let row = ctx
        .get::<Snapshots>(id)
        .ok_or_else(|| format!("no snapshot '{id}' here"))?;
    let making = ctx.get::<Makings>(id);
    let entries = blocks::entries(ctx, id);
    let own = blocks::own(ctx, &entries);
    Ok(json!({
        "blocks": entries.len(),
        "own": own,
        "moved": making.as_ref().map(|making| making.moved),
        "to_move": making.as_ref().and_then(|making| making.total),
        "based_on": making.and_then(|making| making.base),
        "content": blocks::digest(ctx, &entries, row.length),
        "state": snapshots::word(row.state),
        "encrypted": row.encrypted,
        "kms_key_id": row.key,
    }))
}

/// `volume_content`: writes `content` to `volume_id` as an attached instance would; with `block`,
/// from that block on and nothing else; with `blocks`, it fills as many, each with its number.
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
    let number = |name: &str| arguments.get(name).and_then(Value::as_u64);
    let block = number("block");
    Some(match number("blocks") {
        None => bytes(content).and_then(|content| written(ctx, id, &content, block)),
        Some(blocks) if blocks > FILL => Err(format!("at most {FILL} blocks at a time")),
        Some(blocks) => {
            let first = block.unwrap_or_default();
            written(ctx, id, &filled(content, first, blocks), Some(first))
        }
    })
}

/// Whole blocks of a text, each with its number.
fn filled(text: &str, first: u64, blocks: u64) -> Vec<u8> {
    let mut content = Vec::new();
    for block in first..first.saturating_add(blocks) {
        let line = format!("{text} {block}\n");
        let end = content.len() + CHUNK;
        while content.len() < end {
            content.extend_from_slice(line.as_bytes());
        }
        content.truncate(end);
    }
    content
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
            .and_then(|key| blocks::content(ctx, id, key.as_ref()))
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

fn written(
    ctx: &mut Ctx<'_>,
    id: &str,
    content: &[u8],
    block: Option<u64>,
) -> Result<Value, String> {
    let mut row = volume(ctx, id)?;
    let first = block.unwrap_or_default();
    let end = first
        .saturating_mul(CHUNK as u64)
        .saturating_add(content.len() as u64);
    if end > u64::try_from(row.size).unwrap_or_default() << 30 {
        return Err(format!("{end} bytes are more than {id} has"));
    }
    if let Some(why) = &row.refused {
        return Err(format!("{id} never became available: {why}"));
    }
    let key = hosts::data_key(ctx, id, &row).map_err(|refusal| refusal.to_string())?;
    blocks::overwrite(ctx, id, first, key.as_ref(), content);
    row.length = match block {
        Some(_) => row.length.max(end),
        None => {
            blocks::cut(ctx, id, end.div_ceil(CHUNK as u64));
            end
        }
    };
    if row.state == VolumeState::Creating {
        // An instance wrote to it: it is past that.
        row.state = VolumeState::Available;
    }
    ctx.put::<Volumes>(id, &row);
    let entries = blocks::entries(ctx, id);
    let digest = blocks::digest(ctx, &entries, row.length).unwrap_or_default();
    ctx.note("volume_written", &[("volume", id), ("content", &digest)]);
    Ok(json!({ "volume_id": id, "bytes": content.len() }))
}
