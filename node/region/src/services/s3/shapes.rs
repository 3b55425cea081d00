//! Members that many messages share: SSE-C, checksums, encryption, owners.

use faultline_proto::names::AccountId;
use faultline_proto::s3;
use sha2::{Digest as _, Sha256};

/// The SSE-C members of a request.
macro_rules! customer_of {
    ($request:expr) => {
        $crate::services::s3::encryption::Customer {
            algorithm: $request.sse_customer_algorithm.as_deref(),
            key: $request.sse_customer_key.as_deref(),
            key_md5: $request.sse_customer_key_md5.as_deref(),
        }
    };
}

/// The SSE-C members of a copy's source.
macro_rules! source_customer_of {
    ($request:expr) => {
        $crate::services::s3::encryption::Customer {
            algorithm: $request.copy_source_sse_customer_algorithm.as_deref(),
            key: $request.copy_source_sse_customer_key.as_deref(),
            key_md5: $request.copy_source_sse_customer_key_md5.as_deref(),
        }
    };
}

/// The encryption members of a request that writes.
macro_rules! asked_of {
    ($request:expr) => {
        $crate::services::s3::encryption::Asked {
            algorithm: $request.server_side_encryption.as_deref(),
            key: $request.ssekms_key_id.as_deref(),
            context: $request.ssekms_encryption_context.as_deref(),
            bucket_key: $request.bucket_key_enabled,
            customer: $crate::services::s3::shapes::customer_of!($request),
        }
    };
}

/// The checksum members of a message, in the order of `Algorithm::ALL`.
macro_rules! checksums_of {
    ($request:expr) => {
        [
            $request.checksum_crc32.as_deref(),
            $request.checksum_crc32_c.as_deref(),
            $request.checksum_crc64_nvme.as_deref(),
            $request.checksum_sha1.as_deref(),
            $request.checksum_sha256.as_deref(),
        ]
    };
}

/// Sets the one checksum member of an answer.
macro_rules! show_checksum {
    ($answer:expr, $algorithm:expr, $value:expr) => {{
        use $crate::services::s3::checksum::Algorithm;
        let value = Some($value);
        match $algorithm {
            Algorithm::Crc32 => $answer.checksum_crc32 = value,
            Algorithm::Crc32C => $answer.checksum_crc32_c = value,
            Algorithm::Crc64Nvme => $answer.checksum_crc64_nvme = value,
            Algorithm::Sha1 => $answer.checksum_sha1 = value,
            Algorithm::Sha256 => $answer.checksum_sha256 = value,
        }
    }};
}

/// Sets checksum and type of an answer about a whole object.
macro_rules! show_whole_checksum {
    ($answer:expr, $row:expr) => {
        if let Some(row) = $row {
            $crate::services::s3::shapes::show_checksum!($answer, row.algorithm, row.value.clone());
            $answer.checksum_type =
                Some($crate::services::s3::shapes::kind(row.composite).to_owned());
        }
    };
}

/// Sets the encryption members of an answer.
macro_rules! show_encryption {
    ($answer:expr, $encryption:expr) => {{
        let shown = $crate::services::s3::versions::shown($encryption);
        $answer.server_side_encryption = shown.algorithm;
        $answer.ssekms_key_id = shown.key;
        $answer.bucket_key_enabled = shown.bucket_key;
        $answer.sse_customer_algorithm = shown.customer_algorithm;
        $answer.sse_customer_key_md5 = shown.customer_key_md5;
    }};
}

/// The headers that a request wants kept.
macro_rules! headers_of {
    ($request:expr) => {
        $crate::services::s3::keyspaces::Headers {
            content_type: $request.content_type.clone(),
            cache_control: $request.cache_control.clone(),
            content_disposition: $request.content_disposition.clone(),
            content_encoding: $request.content_encoding.clone(),
            content_language: $request.content_language.clone(),
            expires: $request.expires,
            website_redirect: $request.website_redirect_location.clone(),
        }
    };
}

pub(super) use {
    asked_of, checksums_of, customer_of, headers_of, show_checksum, show_encryption,
    show_whole_checksum, source_customer_of,
};

/// ChecksumType.
#[must_use]
pub fn kind(composite: bool) -> &'static str {
    if composite {
        "COMPOSITE"
    } else {
        "FULL_OBJECT"
    }
}

/// An entity tag as headers and documents write it.
#[must_use]
pub fn quoted(e_tag: &str) -> Option<String> {
    Some(format!("\"{e_tag}\""))
}

/// Milliseconds, as messages have them, of microseconds, as rows have them; whole seconds, as
/// S3 keeps times.
#[must_use]
pub fn shown_time(micros: i64) -> Option<i64> {
    Some(micros.div_euclid(1_000_000) * 1000)
}

/// The canonical user id of an account: 64 digits that only S3 uses.
#[must_use]
pub fn canonical_id(account: &AccountId) -> String {
    hex::encode(Sha256::digest(format!("s3 canonical user {account}")))
}

/// An owner as documents show one.
#[must_use]
pub fn owner(account: &AccountId) -> Option<s3::Owner> {
    Some(s3::Owner {
        display_name: None,
        id: Some(canonical_id(account)),
    })
}

/// Percent-encodes a key for `encoding-type=url`: as S3 does, slashes stay.
#[must_use]
pub fn url_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

/// Undoes the encoding of a URL's path.
#[must_use]
pub fn url_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
