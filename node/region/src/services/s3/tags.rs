//! Tags of objects and buckets: what may be one.

use std::collections::BTreeMap;

use faultline_proto::s3;

use super::error::Error;

/// Tags of an object at most.
const OBJECT: usize = 10;

const HEADER: &str = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.";

/// The tags of `x-amz-tagging`: `key=value&key=value`, URL-encoded.
///
/// # Errors
/// InvalidArgument, InvalidTag, BadRequest.
pub fn of_header(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let malformed = || Error::InvalidArgument(HEADER.to_owned());
    let mut tags = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decoded(key).ok_or_else(malformed)?;
        let value = decoded(value).ok_or_else(malformed)?;
        check(&key, &value)?;
        if tags.insert(key, value).is_some() {
            return Err(malformed());
        }
    }
    few(&tags, OBJECT)?;
    Ok(tags)
}

/// `%20` and `+` as the query string of a URL has them.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// The tags of a document.
///
/// # Errors
/// InvalidTag, BadRequest.
pub fn of_set(set: Vec<s3::Tag>, most: usize) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = BTreeMap::new();
    for tag in set {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        check(&key, &value)?;
        if tags.insert(key, value).is_some() {
            return Err(Error::InvalidTag(
                "Cannot provide multiple Tags with the same key",
            ));
        }
    }
    few(&tags, most)?;
    Ok(tags)
}

/// The tags of an object's document.
///
/// # Errors
/// InvalidTag, BadRequest.
pub fn of_object(set: Vec<s3::Tag>) -> Result<BTreeMap<String, String>, Error> {
    of_set(set, OBJECT)
}

/// As a document shows them.
#[must_use]
pub fn shown(tags: &BTreeMap<String, String>) -> Vec<s3::Tag> {
    tags.iter()
        .map(|(key, value)| s3::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

fn few(tags: &BTreeMap<String, String>, most: usize) -> Result<(), Error> {
    if tags.len() > most {
        return Err(Error::TooManyTags(most));
    }
    Ok(())
}

fn check(key: &str, value: &str) -> Result<(), Error> {
    let odd = |text: &str| {
        text.chars()
            .any(|letter| !letter.is_alphanumeric() && !" +-=._:/@".contains(letter))
    };
    if key.is_empty() || key.chars().count() > 128 || odd(key) {
        return Err(Error::InvalidTag("The TagKey you have provided is invalid"));
    }
    if value.chars().count() > 256 || odd(value) {
        return Err(Error::InvalidTag(
            "The TagValue you have provided is invalid",
        ));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(Error::InvalidTag(
            "System tags cannot be added/updated by requester",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_tags_is_a_query_string() {
        let tags = of_header("color=blue&a%20b=c%2Bd&empty").expect("tags");
        let pairs: Vec<(&str, &str)> = tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("a b", "c+d"), ("color", "blue"), ("empty", "")]);
        for wrong in ["a=1&a=2", "a=%zz", "aws:a=1", &"k=v&".repeat(2)] {
            assert!(of_header(wrong).is_err(), "{wrong}");
        }
        let many: Vec<String> = (0..11).map(|at| format!("k{at}=v")).collect();
        assert_eq!(of_header(&many.join("&")), Err(Error::TooManyTags(10)));
    }
}
