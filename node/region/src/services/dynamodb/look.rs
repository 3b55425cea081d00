//! What only a simulator can see: items as DynamoDB stores them, conflicts, what has not
//! travelled yet.
//!
//! Arguments: `table_name` (a name, or an ARN of any Region) and, when two accounts have tables
//! of one name, `account`.

use faultline_proto::Operation as _;
use faultline_proto::codec;
use faultline_proto::dynamodb::GetItemRequest;
use faultline_proto::names::AccountId;
use prost::Message as _;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::encryption;
use super::journal;
use super::keyspaces::{ConflictRow, Conflicts, Items, TableRow, Tables, Waiting, Written};
use super::lagging;
use super::names::TableName;
use super::shelf::Shelf;
use super::value::{self, Item};
use crate::context::{Ctx, decode, encode};
use crate::replication;
use crate::store::Range;

type Answer = Result<Json, String>;

/// Tables that are listed, and rows of each that are counted.
const MOST: (usize, usize) = (100, 2_000);

/// Answers a look, when it is about a table.
pub(super) fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Json) -> Option<Answer> {
    if what == "tables" {
        return Some(Ok(tables(ctx)));
    }
    let text = arguments.get("table_name")?.as_str()?;
    let ask: fn(&mut Ctx<'_>, TableName, TableRow, &Json) -> Answer = match what {
        "stored_item" => stored_item,
        "conflicts" => conflicts,
        "table_digest" | "replicas_equal" => table_digest,
        "table_queue" => replication_queue,
        "replication_latency" => replication_latency,
        _ => return None,
    };
    let account = arguments.get("account").and_then(Json::as_str);
    Some(match find(ctx, text, account) {
        Some((name, row)) => ask(ctx, name, row, arguments),
        // A Region without a replica is an answer: the set is judged as a whole.
        None if what != "stored_item" => {
            Ok(json!({ "region": ctx.region().as_str(), "here": false }))
        }
        None => Err(format!("no table '{text}' in {}", ctx.region())),
    })
}

/// What tables there are, how each is encrypted, and how many items it holds.
fn tables(ctx: &mut Ctx<'_>) -> Json {
    let mut tables = Vec::new();
    for ((account, name), row) in ctx.page(Range::<Tables>::all(), MOST.0) {
        let rows = ctx.page(Range::<Items>::under((row.id.as_str(),)), MOST.1);
        let waiting = ctx.page(Range::<Waiting>::under((row.id.as_str(),)), MOST.1);
        tables.push(json!({
            "name": name,
            "account": account.as_str(),
            "status": row.status.text(),
            "key": row.encryption.key_arn(),
            "key_usable": row.inaccessible.is_none(),
            "items": rows.iter().filter(|(_, item)| !item.deleted).count(),
            "more": rows.len() == MOST.1,
            "waiting_for_key": waiting.len(),
        }));
    }
    json!({ "region": ctx.region().as_str(), "tables": tables })
}

fn find(ctx: &mut Ctx<'_>, text: &str, account: Option<&str>) -> Option<(TableName, TableRow)> {
    let from_arn = text.starts_with("arn:").then(|| text.split(':').nth(4));
    let account = account
        .or(from_arn.flatten())
        .and_then(|account| AccountId::new(account).ok());
    let wanted = text.rsplit("table/").next().unwrap_or(text);
    ctx.all(Range::<Tables>::all())
        .into_iter()
        .find(|((owner, name), _)| {
            name == wanted && account.as_ref().is_none_or(|account| account == owner)
        })
        .map(|((account, name), row)| (TableName { account, name }, row))
}

fn shelf(ctx: &mut Ctx<'_>, name: TableName, row: TableRow) -> Result<Shelf, String> {
    let key = encryption::key_for_look(ctx, &row)
        .ok_or_else(|| format!("the key of table '{}' was never used here", name.name))?;
    Ok(Shelf::with(name, row.into(), key))
}

fn stored_item(ctx: &mut Ctx<'_>, name: TableName, row: TableRow, arguments: &Json) -> Answer {
    let key = key(arguments.get("key").unwrap_or(&Json::Null))?;
    row.schema
        .check_key(&key)
        .map_err(|error| error.to_string())?;
    let shelf = shelf(ctx, name, row)?;
    let place = shelf
        .find(ctx, key.clone())
        .map_err(|why| why.to_string())?;
    let Some(version) = place.version() else {
        return Ok(json!({ "region": ctx.region().as_str(), "exists": false }));
    };
    let (deleted, none) = (place.item.is_none(), Item::new());
    let item = place.item.as_ref().unwrap_or(&none);
    let sizes: serde_json::Map<String, Json> = item
        .iter()
        .map(|(name, value)| (name.clone(), json!(value.size())))
        .collect();
    Ok(json!({
        "region": ctx.region().as_str(),
        "exists": !deleted,
        "deleted": deleted,
        "key": value::json_of(&key),
        "attributes": value::json_of(item),
        "sizes": sizes,
        "size": value::size(item),
        "writer": version.writer.as_str(),
        "stamp": version.stamp,
        "knew": version.knew_text(),
        "digest": journal::digest(if deleted { &key } else { item }, deleted),
    }))
}

/// A key in AWS's JSON or in plain values.
fn key(given: &Json) -> Result<Item, String> {
    let request = json!({ "table_name": "look", "key": given });
    let encoded = codec::from_snake(GetItemRequest::def().input, &request)
        .map_err(|problems| format!("the key is none: {problems:?}"))?;
    let request = GetItemRequest::decode(encoded.message.as_slice())
        .map_err(|error| format!("the key is none: {error}"))?;
    value::read(&request.key).map_err(|error| error.to_string())
}

fn conflicts(ctx: &mut Ctx<'_>, _name: TableName, row: TableRow, _arguments: &Json) -> Answer {
    let mut all = ctx.all(Range::<Conflicts>::under((row.id.as_str(),)));
    all.sort_by(|((_, one), left), ((_, other), right)| {
        (left.found, one).cmp(&(right.found, other))
    });
    let items: Vec<Json> = all
        .into_iter()
        .map(|((_, id), conflict)| shown(ctx, &row, &id, &conflict))
        .collect();
    Ok(json!({
        "region": ctx.region().as_str(),
        "here": true,
        "count": items.len(),
        "first": items.first(),
        "last": items.last(),
        "items": items,
    }))
}

fn shown(ctx: &Ctx<'_>, row: &TableRow, id: &str, conflict: &ConflictRow) -> Json {
    let key = ctx
        .open_local(
            "dynamodb.conflict-key",
            row.id.as_bytes(),
            &conflict.sealed_key,
        )
        .and_then(|bytes| decode::<Item>(&bytes));
    let side = |written: &Written| {
        json!({
            "region": written.region.as_str(),
            "stamp": written.stamp,
            "deleted": written.deleted,
            "digest": written.digest,
        })
    };
    json!({
        "id": id,
        "key": key.map_or(Json::Null, |key| value::json_of(&key)),
        "won_by": conflict.winner.region.as_str(),
        "lost_by": conflict.loser.region.as_str(),
        "winner": side(&conflict.winner),
        "loser": side(&conflict.loser),
        "at": conflict.at.0,
        "found": conflict.found,
    })
}

/// All live items as one digest: equal in two Regions exactly when their items are.
fn table_digest(ctx: &mut Ctx<'_>, name: TableName, row: TableRow, _arguments: &Json) -> Answer {
    let shelf = shelf(ctx, name, row)?;
    let mut live = Vec::new();
    let mut tombstones = 0u64;
    for ((_, place), found) in ctx.all(Range::<Items>::under((shelf.table.id.as_str(),))) {
        if found.deleted {
            tombstones += 1;
            continue;
        }
        live.push(encode(
            &shelf
                .opened(&place, &found)
                .map_err(|why| why.to_string())?,
        ));
    }
    // Rows are ordered by the table's key, which differs between Regions.
    live.sort();
    let mut hash = Sha256::new();
    for item in &live {
        hash.update((item.len() as u64).to_be_bytes());
        hash.update(item);
    }
    Ok(json!({
        "region": ctx.region().as_str(),
        "here": true,
        "items": live.len(),
        "tombstones": tombstones,
        "digest": hex::encode(hash.finalize()),
    }))
}

/// What this Region has not been able to hand over, and what waits here for the table's key.
fn replication_queue(
    ctx: &mut Ctx<'_>,
    _name: TableName,
    row: TableRow,
    arguments: &Json,
) -> Answer {
    let mut queue = replication::queue(ctx, arguments);
    let waiting = ctx.all(Range::<Waiting>::under((row.id.as_str(),))).len();
    queue["waiting_for_key"] = json!(waiting);
    Ok(queue)
}

/// ReplicationLatency as CloudWatch has it, for each Region whose writes arrive here (DDB-008).
fn replication_latency(
    ctx: &mut Ctx<'_>,
    _name: TableName,
    row: TableRow,
    _arguments: &Json,
) -> Answer {
    let here = ctx.region().to_string();
    let pairs: Vec<Json> = lagging::latencies(ctx, &row)
        .into_iter()
        .map(|(from, samples, average, most)| {
            json!({
                "from": from.as_str(),
                "to": here,
                "samples": samples,
                "average": average / 1_000,
                "maximum": most / 1_000,
            })
        })
        .collect();
    Ok(json!({ "region": here, "here": true, "pairs": pairs }))
}

/// What was told in a step whose process died after its commit was heard by nobody: tells again
/// which conflicts this Region found and which items it wrote last.
pub(super) fn tell_again(ctx: &mut Ctx<'_>) {
    for ((account, name), row) in ctx.all(Range::<Tables>::all()) {
        let name = TableName { account, name };
        again(ctx, &name, &row);
    }
}

fn again(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) {
    let here = ctx.region().clone();
    for ((_, id), conflict) in ctx.all(Range::<Conflicts>::under((row.id.as_str(),))) {
        let key = ctx.open_local(
            "dynamodb.conflict-key",
            row.id.as_bytes(),
            &conflict.sealed_key,
        );
        if let (true, Ok(key)) = (
            conflict.loser.region == here,
            key.and_then(|bytes| decode::<Item>(&bytes)),
        ) {
            journal::conflict(ctx, name, &key, &id, (&conflict.winner, &conflict.loser));
        }
    }
    let Some(key) = encryption::key_for_look(ctx, row) else {
        return;
    };
    for ((_, place), found) in ctx.all(Range::<Items>::under((row.id.as_str(),))) {
        if found.version.writer != here {
            continue;
        }
        if let Ok(item) = key.open(&row.id, &place, &found.version, &found.sealed)
            && let Ok(key) = row.schema.key_of(&item)
        {
            let item = (!found.deleted).then_some(&item);
            journal::accepted(ctx, name, &key, &found.version, item);
        }
    }
}
