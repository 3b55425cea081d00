//! The rows of a copy from another Region: they come over the link, page by page.
//!
//! ```text
//!   here                        the source's Region
//!   "page" after a key  ------> the rows behind it, opened; sealed under the link's key on the way
//!   "close"             ------> the grant is retired, the rows let go
//! ```

use faultline_proto::names::{AccountId, Elapsed, RegionName};
use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keyspaces::{Family, GrantRow, ReadRow, Reads, SnapshotRow, SnapshotState};
use super::{cells, keys, names, snapshots};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::vault::SecretKey;

/// Bytes of values in one page.
const PAGE: usize = 128 << 10;
/// Purpose of what the reader keeps.
const PULL: &str = "rds.pull";
/// Purpose of what the source keeps.
const READ: &str = "rds.read";

/// Rows on their way.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Key, commit, value.
    pub rows: Vec<(String, u64, serde_bytes::ByteBuf)>,
    /// Whether more follow.
    pub more: bool,
}

/// A copy under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pull {
    target: (AccountId, Family, String, String),
    from: RegionName,
    read: String,
    /// The copy's data key, sealed under this Region's own key.
    data_key: Option<Vec<u8>>,
    is_closing: bool,
}

fn key_of(
    ctx: &Ctx<'_>,
    purpose: &str,
    holder: &str,
    sealed: Option<&Vec<u8>>,
) -> Result<Option<SecretKey>, Refusal> {
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let opened = Zeroizing::new(ctx.open_local(purpose, holder.as_bytes(), sealed)?);
    Ok(SecretKey::from_slice(&opened))
}

/// Begins on behalf of the caller; it waits through an outage for as long as that lasts.
pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    row: &SnapshotRow,
    from: &RegionName,
    read: &str,
    key: Option<&SecretKey>,
) {
    let data_key = key.map(|key| ctx.seal_local(PULL, row.holder.as_bytes(), key.expose()));
    let pull = Pull {
        target: (
            row.account.clone(),
            row.family,
            row.name.clone(),
            row.holder.clone(),
        ),
        from: from.clone(),
        read: read.to_owned(),
        data_key,
        is_closing: false,
    };
    let ask = (from.clone(), "page".to_owned(), encode(&(read, "")));
    ctx.spawn("rds", pull.saga(), vec![ask], None);
}

/// Lets a read go that nobody wants any more, also when the call is refused.
pub(super) fn abandon(ctx: &mut Ctx<'_>, from: &RegionName, read: &str) {
    let now = Elapsed(ctx.elapsed().0);
    ctx.schedule("rds", now, "abandon", encode(&(from, read)));
}

/// The timer of [`abandon`].
pub(super) fn let_go(ctx: &mut Ctx<'_>, from: &RegionName, read: &str) {
    let ask = (from.clone(), "close".to_owned(), encode(&read));
    let saga = Saga {
        kind: "closed",
        state: Vec::new(),
    };
    ctx.spawn("rds", saga, vec![ask], None);
}

impl Pull {
    fn saga(&self) -> Saga {
        Saga {
            kind: "pull",
            state: encode(self),
        }
    }
}

/// An answer has come.
pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut pull: Pull = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Ok(Progress::Done(Vec::new()));
    };
    if pull.is_closing {
        return Ok(Progress::Done(Vec::new()));
    }
    let went = outcome.and_then(|bytes| arrived(ctx, &pull, bytes));
    match went {
        Ok(Some(last)) => {
            ctx.ask(&pull.from.clone(), "page", encode(&(&pull.read, last)));
        }
        ended => {
            finish(ctx, &pull, ended.err());
            pull.is_closing = true;
            ctx.ask(&pull.from.clone(), "close", encode(&pull.read));
        }
    }
    Ok(Progress::Open(pull.saga()))
}

/// Stores a page; answers where the next one begins.
fn arrived(ctx: &mut Ctx<'_>, pull: &Pull, bytes: &[u8]) -> Result<Option<String>, Refusal> {
    let page: Page = decode(bytes)?;
    let row = snapshots::at(ctx, &pull.target);
    let row = row.ok_or_else(|| Refusal::internal("the copy was deleted"))?;
    let key = key_of(ctx, PULL, &row.holder, pull.data_key.as_ref())?;
    for (name, lsn, value) in &page.rows {
        cells::write(ctx, &row.holder, name, *lsn, key.as_ref(), value);
    }
    let last = page.rows.last().map(|(name, _, _)| name.clone());
    Ok(last.filter(|_| page.more))
}

fn finish(ctx: &mut Ctx<'_>, pull: &Pull, refusal: Option<Refusal>) {
    let Some(mut row) = snapshots::at(ctx, &pull.target) else {
        return cells::release(ctx, &pull.target.3);
    };
    match refusal {
        None => {
            row.is_filled = true;
            row.span.1 = row.span.1.max(ctx.elapsed().0);
            snapshots::begin(ctx, &row);
        }
        Some(refusal) => {
            row.state = SnapshotState::Failed;
            cells::release(ctx, &row.holder);
            names::save_snapshot(ctx, &row);
            snapshots::noted(ctx, &row, &refusal.message);
        }
    }
}

/// The source's side: a read of its own, with the rows of now.
///
/// # Errors
/// KMSKeyNotAccessibleFault about the source's key.
pub(super) fn begin_read(ctx: &mut Ctx<'_>, row: &SnapshotRow) -> Result<String, Refusal> {
    let (key, grant) = keys::read(ctx, &row.sealing)?;
    Ok(hold(ctx, row, key.as_ref(), grant))
}

/// Holds a snapshot's rows fast for another Region that reads them with that data key.
pub(super) fn hold(
    ctx: &mut Ctx<'_>,
    row: &SnapshotRow,
    key: Option<&SecretKey>,
    grant: Option<GrantRow>,
) -> String {
    let read = format!("read-{}", ctx.entropy().hex::<16>("rds.read-id"));
    let data_key = key.map(|key| ctx.seal_local(READ, read.as_bytes(), key.expose()));
    ctx.put::<Reads>(read.as_str(), &ReadRow { data_key, grant });
    cells::share(ctx, &row.holder, &read);
    read
}

/// The source's side of "page".
pub(super) fn page(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (read, after): (String, String) = decode(body)?;
    let kept = ctx.get::<Reads>(read.as_str());
    let kept = kept.ok_or_else(|| Refusal::internal("no such read"))?;
    let key = key_of(ctx, READ, &read, kept.data_key.as_ref())?;
    let rest = cells::all(ctx, &read);
    let rest = rest.into_iter().filter(|(name, _)| *name > after);
    Ok(encode(&fill(rest, key.as_ref())?))
}

/// As many rows as one page holds.
///
/// # Errors
/// An internal refusal when a row does not open.
pub fn fill(
    rows: impl Iterator<Item = (String, super::keyspaces::CellRow)>,
    key: Option<&SecretKey>,
) -> Result<Page, Refusal> {
    let mut page = Page::default();
    let mut bytes = 0;
    for (name, row) in rows {
        if bytes > PAGE {
            page.more = true;
            break;
        }
        let (lsn, value) = cells::opened(&name, row, key)?;
        bytes += value.len() + name.len();
        page.rows.push((name, lsn, value.into()));
    }
    Ok(page)
}

/// The source's side of "close".
pub(super) fn close(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let read: String = decode(body)?;
    if let Some(kept) = ctx.get::<Reads>(read.as_str()) {
        if let Some(grant) = &kept.grant {
            keys::retire(ctx, keys::RDS, grant);
        }
        cells::release(ctx, &read);
        ctx.delete::<Reads>(read.as_str());
    }
    Ok(Vec::new())
}
