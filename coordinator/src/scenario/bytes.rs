//! Bytes in scenarios: `base64:` and the base64 of them, or plain text for its UTF-8.
//!
//! The reading is the codec's own; here is what templates and matchers need around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::codec::Bytes;
use faultline_proto::codec::plain::{BASE64, bytes_in, bytes_out};

/// What begins the text of bytes that are no text.
pub const PREFIX: &str = BASE64;

/// The bytes that a text stands for; `None` when it is not base64 though it says so.
#[must_use]
pub fn read(text: &str) -> Option<Vec<u8>> {
    bytes_in(text, Bytes::Text)
}

/// The text that stands for bytes, always with the prefix.
#[must_use]
pub fn written(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// For people: text where it is printable, else base64.
#[must_use]
pub fn shown(text: &str) -> String {
    read(text).map_or_else(|| text.to_owned(), |bytes| bytes_out(&bytes, Bytes::Text))
}
