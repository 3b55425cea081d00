//! Conditions of reads and of a copy's source, and ranges of bytes.

use super::error::Error;
use super::keyspaces::{ObjectRow, VersionRow};

/// If-Match and its kind; times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Conditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_modified_since: Option<i64>,
    pub if_unmodified_since: Option<i64>,
}

fn names(list: &str, e_tag: &str) -> bool {
    list.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == "*" || tag == e_tag)
}

impl Conditions<'_> {
    /// What RFC 9110 and S3 make of them: a match outranks the date beside it, both for yes and
    /// for no.
    ///
    /// # Errors
    /// PreconditionFailed (412), NotModified (304).
    pub fn check(&self, row: &VersionRow, object: &ObjectRow) -> Result<(), Error> {
        let modified = row.modified.div_euclid(1_000_000);
        let since = |millis: i64| millis.div_euclid(1000);
        match (self.if_match, self.if_unmodified_since) {
            (Some(list), _) if !names(list, &object.e_tag) => {
                return Err(Error::FailedCondition("If-Match"));
            }
            (None, Some(millis)) if modified > since(millis) => {
                return Err(Error::FailedCondition("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(list), _) if names(list, &object.e_tag) => Err(Error::NotModified),
            (None, Some(millis)) if modified <= since(millis) => Err(Error::NotModified),
            _ => Ok(()),
        }
    }

    /// The same for the source of a copy, where nothing is "not modified": 412 it is.
    ///
    /// # Errors
    /// PreconditionFailed.
    pub fn check_source(&self, row: &VersionRow, object: &ObjectRow) -> Result<(), Error> {
        self.check(row, object).map_err(|error| match error {
            Error::NotModified if self.if_none_match.is_some() => {
                Error::FailedCondition("x-amz-copy-source-If-None-Match")
            }
            Error::NotModified => Error::FailedCondition("x-amz-copy-source-If-Modified-Since"),
            Error::FailedCondition("If-Match") => {
                Error::FailedCondition("x-amz-copy-source-If-Match")
            }
            Error::FailedCondition(_) => {
                Error::FailedCondition("x-amz-copy-source-If-Unmodified-Since")
            }
            other => other,
        })
    }
}

/// First byte and one after the last; `None` when the text is no range, which means the whole
/// object, as in HTTP.
///
/// # Errors
/// InvalidRange for one that begins after the object ends.
pub(super) fn range(text: &str, length: u64) -> Result<Option<(u64, u64)>, Error> {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|text| text.split_once('-'))
    else {
        return Ok(None);
    };
    let outside = || Error::InvalidRange(text.to_owned(), length);
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => Ok(None),
        (Ok(first), _) if first >= length => Err(outside()),
        (Ok(first), Ok(last)) => Ok(Some((first, length.min(last.saturating_add(1))))),
        (Ok(first), Err(_)) if last.is_empty() => Ok(Some((first, length))),
        (Err(_), Ok(suffix)) if first.is_empty() => {
            if suffix == 0 || length == 0 {
                return Err(outside());
            }
            Ok(Some((length.saturating_sub(suffix), length)))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_http_ranges() {
        let rows: [(&str, Option<(u64, u64)>); 7] = [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=4-", Some((4, 10))),
            ("bytes=-3", Some((7, 10))),
            ("bytes=-30", Some((0, 10))),
            ("bytes=2-99", Some((2, 10))),
            ("bytes=5-2", None),
            ("lines=1-2", None),
        ];
        for (text, wanted) in rows {
            assert_eq!(range(text, 10), Ok(wanted), "{text}");
        }
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(
                range(text, 10),
                Err(Error::InvalidRange(text.to_owned(), 10))
            );
        }
    }

    #[test]
    fn lists_of_tags_match_any() {
        assert!(names("\"a\", \"b\"", "b") && names("*", "x") && names("W/\"a\"", "a"));
        assert!(!names("\"a\"", "b"));
    }
}
