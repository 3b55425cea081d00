//! Listings by name, in pages. A marker is the key of the last row of the page before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use faultline_proto::names::AccountId;

use super::error::IamError;
use crate::context::Ctx;
use crate::store::{Keyspace, Range};

/// Entries in a page unless the caller says otherwise.
const DEFAULT: i32 = 100;

/// Rows, and where the next page begins if there is one.
pub(super) struct Page<R> {
    pub rows: Vec<R>,
    pub marker: Option<String>,
}

/// The next entries of a list that is short enough to be read whole. A marker counts the entries
/// before it.
pub(super) fn slice<T>(
    all: impl IntoIterator<Item = T>,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<T>, IamError> {
    let start: usize = match marker.map(|marker| URL_SAFE_NO_PAD.decode(marker)) {
        None => 0,
        Some(bytes) => {
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let number = text.and_then(|text| text.parse().ok());
            number.ok_or(IamError::InvalidMarker)?
        }
    };
    let limit = limit(max_items);
    let mut rest = all.into_iter().skip(start);
    let rows: Vec<T> = rest.by_ref().take(limit).collect();
    let marker = rest
        .next()
        .map(|_| URL_SAFE_NO_PAD.encode((start + rows.len()).to_string()));
    Ok(Page { rows, marker })
}

fn limit(max_items: Option<i32>) -> usize {
    usize::try_from(max_items.unwrap_or(DEFAULT))
        .unwrap_or(1)
        .max(1)
}

/// The next rows of an account that `wanted` admits.
pub(super) fn page<K: Keyspace<Key = (AccountId, String)>>(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    marker: Option<&str>,
    max_items: Option<i32>,
    wanted: impl Fn(&K::Row) -> bool,
) -> Result<Page<K::Row>, IamError> {
    let mut range = Range::<K>::under((account,));
    if let Some(marker) = marker {
        let last = URL_SAFE_NO_PAD
            .decode(marker)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        range = range.after(&(account.clone(), last.ok_or(IamError::InvalidMarker)?));
    }
    let limit = limit(max_items);
    let mut found: Vec<((AccountId, String), K::Row)> = ctx
        .all(range)
        .into_iter()
        .filter(|(_, row)| wanted(row))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let marker = found
        .last()
        .filter(|_| more)
        .map(|((_, name), _)| URL_SAFE_NO_PAD.encode(name));
    Ok(Page {
        rows: found.into_iter().map(|(_, row)| row).collect(),
        marker,
    })
}
