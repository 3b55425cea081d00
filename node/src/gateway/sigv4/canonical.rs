//! The canonical request: the one text that both sides derive from a request.

use std::fmt::Write as _;

use super::Signed;
use crate::gateway::request::Head;

/// The canonical request of `head`, as `signed` says which headers count.
#[must_use]
pub fn request(head: &Head, signed: &Signed, payload: &str) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(head.method.as_str());
    text.push('\n');
    path(&mut text, &head.path, signed.scope.service == "s3");
    text.push('\n');
    query(&mut text, head);
    text.push('\n');
    for name in &signed.headers {
        let values: Vec<String> = head
            .headers
            .get_all(name.as_str())
            .iter()
            .map(|value| trimmed(&String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let _ = writeln!(text, "{name}:{}", values.join(","));
    }
    let _ = write!(text, "\n{}\n{payload}", signed.headers.join(";"));
    text
}

/// S3 signs the path as it is; all others encode it once more and fold `.`, `..` and `//`.
fn path(text: &mut String, path: &str, s3: bool) {
    if s3 {
        let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
        encode(text, &decoded, true);
        return;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    text.push('/');
    let folded = parts.join("/");
    encode(text, folded.as_bytes(), true);
    if !folded.is_empty() && path.ends_with('/') {
        text.push('/');
    }
}

/// Parameters in the order of their encoded names and values, the signature left out.
fn query(text: &mut String, head: &Head) {
    let mut pairs: Vec<(String, String)> = head
        .query
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| {
            let (mut key, mut said) = (String::new(), String::new());
            encode(&mut key, name.as_bytes(), false);
            encode(&mut said, value.as_bytes(), false);
            (key, said)
        })
        .collect();
    pairs.sort();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push('&');
        }
        let _ = write!(text, "{name}={value}");
    }
}

/// AWS's percent encoding: everything but letters, digits and `-._~`.
fn encode(text: &mut String, bytes: &[u8], keep_slash: bool) {
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            b'/' if keep_slash => text.push('/'),
            byte => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
}

/// Without blanks around, and runs of blanks as one.
fn trimmed(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for part in value.split(' ').filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}
