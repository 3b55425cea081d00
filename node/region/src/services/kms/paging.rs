//! Pages of lists: how long they are, and where the next one begins (K-034).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::KmsError;

/// Where a listing goes on: the last name of the page before.
pub(crate) fn read_marker(marker: Option<&str>) -> Result<Option<String>, KmsError> {
    let read = |text: &str| {
        let bytes = STANDARD.decode(text).map_err(|_| KmsError::InvalidMarker)?;
        String::from_utf8(bytes).map_err(|_| KmsError::InvalidMarker)
    };
    marker.map(read).transpose()
}

/// One page of names: which of `found` (one more than `limit`) belong to it, and the marker after.
pub(crate) fn page<T>(
    mut found: Vec<T>,
    limit: usize,
    name: impl Fn(&T) -> &str,
) -> (Vec<T>, Option<String>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let marker = found
        .last()
        .filter(|_| more)
        .map(|last| STANDARD.encode(name(last)));
    (found, marker)
}

/// How many entries a page may have. The definition allows 1 to 1,000 everywhere; some lists
/// have a lower end, refused in the generic validator's words.
pub(crate) fn limit(asked: Option<i32>, default: usize, most: usize) -> Result<usize, KmsError> {
    let Some(asked) = asked else {
        return Ok(default);
    };
    match usize::try_from(asked) {
        Ok(limit) if limit <= most => Ok(limit),
        _ => Err(KmsError::Validation(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {most}"
        ))),
    }
}
