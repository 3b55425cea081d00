//! The head of a request, taken apart once.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

/// Everything of a request but its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// `GET`.
    pub method: Method,
    /// The path as it was sent, still encoded.
    pub path: String,
    /// Parameters of the query string, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// Who is at the other end.
    pub peer: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Head {
    /// Takes `parts` apart.
    #[must_use]
    pub fn new(parts: http::request::Parts, peer: IpAddr, secure: bool) -> Self {
        let mut headers = parts.headers;
        // A request in absolute form names its host in the target.
        if let Some(host) = parts.uri.authority()
            && let Ok(value) = http::HeaderValue::from_str(host.as_str())
            && !headers.contains_key(http::header::HOST)
        {
            headers.insert(http::header::HOST, value);
        }
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default(), false),
            headers,
            peer,
            secure,
        }
    }

    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query string.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The host without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.header("host").unwrap_or_default();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// Length of the body when its sender says it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }
}

/// `a=1&b` decoded; `+` is a blank in forms only.
#[must_use]
pub fn pairs(text: &str, form: bool) -> Vec<(String, String)> {
    let decoded = |part: &str| {
        let part = if form {
            part.replace('+', " ")
        } else {
            part.to_owned()
        };
        percent_decode_str(&part).decode_utf8_lossy().into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}
