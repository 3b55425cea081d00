//! The document around the sections: one file that asks nobody for anything.
//!
//! Its content security policy forbids every request, and every script and style but those
//! whose digests it names. So even a text that came through as HTML would do nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::markup::Markup;

const STYLE: &str = include_str!("style.css");

/// Links to sections.
pub type Links = &'static [(&'static str, &'static str)];

/// A document.
#[must_use]
pub fn document(
    title: &str,
    links: Links,
    body: Markup,
    data: Option<&Value>,
    script: &'static str,
) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(script)
    );
    let mut out = Markup::default();
    out.fixed("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.open(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    out.fixed("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.fixed("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    out.open("title", &[]).clipped(title, 200).close("title");
    out.fixed("\n<style>")
        .fixed(STYLE)
        .fixed("</style>\n</head>\n<body>\n");
    out.fixed("<a class=\"skip\" href=\"#main\">to the report</a>\n<nav aria-label=\"Sections\">");
    for (id, word) in links.iter().filter(|(id, _)| body.has_section(id)) {
        let target = format!("#{id}");
        out.leaf("a", &[("href", &target)], word);
    }
    out.fixed("</nav>\n<main id=\"main\">\n")
        .append(body)
        .fixed("</main>\n");
    if let Some(data) = data {
        out.fixed("<script type=\"application/json\" id=\"run\">");
        out.data(data)
            .fixed("</script>\n<script>")
            .fixed(script)
            .fixed("</script>\n");
    }
    out.fixed("</body>\n</html>\n");
    out.finish()
}

fn digest(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// Digest of a text, for people.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
