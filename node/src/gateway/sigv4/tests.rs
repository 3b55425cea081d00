//! AWS's published examples: the signature test suite, IAM's and S3's documentation.

use std::net::{IpAddr, Ipv4Addr};

use faultline_region::signing::derived;

use super::chunked::{BadChunk, Chain, Decoder};
use super::sign::Signer;
use super::*;

const SUITE: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const S3: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Head {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    Head::new(parts, IpAddr::V4(Ipv4Addr::LOCALHOST), false)
}

fn signature(
    secret: &str,
    region: &str,
    service: &str,
    head: &Head,
    payload: &Payload,
    date: &str,
) -> String {
    let signer = Signer {
        access_key: "AKIDEXAMPLE".into(),
        secret_access_key: secret.into(),
        session_token: String::new(),
        region: region.into(),
        service: service.into(),
    };
    let seconds = basic_seconds(date).expect("a date");
    let mut head = head.clone();
    let signed = signer.sign(&mut head, payload, seconds);
    let read = parse(&head).expect("readable").expect("signed");
    let key = derived(secret, &read.scope);
    assert_eq!(
        read.check(&head, &key, payload),
        Ok(()),
        "verifies what it signs"
    );
    assert_eq!(read.check_time(seconds), Ok(()));
    signed.signature
}

fn hashed(body: &[u8]) -> Payload {
    Payload::Hash(hex::encode(Sha256::digest(body)))
}

#[test]
fn the_signatures_of_awss_test_suite_come_out() {
    let host = ("host", "example.amazonaws.com");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (name, method, uri, headers, body, expected) in [
        (
            "get-vanilla",
            "GET",
            "/",
            [host].as_slice(),
            b"".as_slice(),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/?Param2=value2&Param1=value1",
            &[host],
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "post-vanilla",
            "POST",
            "/",
            &[host],
            b"",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "post-x-www-form-urlencoded",
            "POST",
            "/",
            &[form, host],
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ] {
        let head = head(method, uri, headers);
        let made = signature(
            SUITE,
            "us-east-1",
            "service",
            &head,
            &hashed(body),
            "20150830T123600Z",
        );
        assert_eq!(made, expected, "{name}");
    }
}

#[test]
fn iams_documented_signature_comes_out() {
    let head = head(
        "GET",
        "/?Action=ListUsers&Version=2010-05-08",
        &[
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
        ],
    );
    assert_eq!(
        signature(
            SUITE,
            "us-east-1",
            "iam",
            &head,
            &hashed(b""),
            "20150830T123600Z"
        ),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[test]
fn s3s_documented_signatures_come_out() {
    let empty = hex::encode(Sha256::digest(b""));
    let get = head(
        "GET",
        "/test.txt",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", &empty),
        ],
    );
    assert_eq!(
        signature(
            S3,
            "us-east-1",
            "s3",
            &get,
            &hashed(b""),
            "20130524T000000Z"
        ),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    let body = b"Welcome to Amazon S3.";
    let hash = hex::encode(Sha256::digest(body));
    let put = head(
        "PUT",
        "/test%24file.text",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-content-sha256", &hash),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
    );
    assert_eq!(
        signature(
            S3,
            "us-east-1",
            "s3",
            &put,
            &hashed(body),
            "20130524T000000Z"
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    );
}

#[test]
fn s3s_documented_presigned_url_is_taken_and_expires() {
    let url = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let get = head("GET", url, &[("host", "examplebucket.s3.amazonaws.com")]);
    let signed = parse(&get).expect("readable").expect("signed");
    assert_eq!(signed.access_key, "AKIAIOSFODNN7EXAMPLE");
    let key = derived(S3, &signed.scope);
    assert_eq!(signed.check(&get, &key, &Payload::Unsigned), Ok(()));
    let made = basic_seconds("20130524T000000Z").expect("a date");
    assert_eq!(signed.check_time(made + 86_400), Ok(()));
    assert_eq!(signed.check_time(made + 86_401), Err(Unverified::Expired));
    let other = head(
        "GET",
        &url.replace("test.txt", "other.txt"),
        &[("host", "examplebucket.s3.amazonaws.com")],
    );
    assert!(matches!(
        signed.check(&other, &key, &Payload::Unsigned),
        Err(Unverified::Mismatch { .. })
    ));
}

/// The documented upload of 66,560 bytes in chunks of 64 KiB.
fn documented_chunks() -> (Signed, SecretKey, Vec<u8>) {
    let put = head(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
            ),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
        ],
    );
    let signed = parse(&put).expect("readable").expect("signed");
    let key = derived(S3, &signed.scope);
    let payload = Payload::of_s3(&put, false).expect("chunks");
    assert_eq!(signed.check(&put, &key, &payload), Ok(()));
    let mut body = Vec::new();
    for (size, signature) in [
        (
            65_536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (
            1_024,
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        ),
        (
            0,
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
    ] {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend_from_slice(b"\r\n");
    }
    (signed, key, body)
}

fn taken(decoder: &mut Decoder, body: &[u8], step: usize) -> Result<Vec<u8>, BadChunk> {
    let mut out = Vec::new();
    for piece in body.chunks(step) {
        decoder.take(piece, &mut out)?;
    }
    Ok(out)
}

#[test]
fn s3s_documented_chunks_are_taken_however_they_arrive() {
    let (signed, key, body) = documented_chunks();
    for step in [1, 7, 4096, 1 << 20] {
        let mut decoder = Decoder::new(Some(Chain::new(&signed, key.clone())), false);
        let out = taken(&mut decoder, &body, step).expect("right chunks");
        assert_eq!(out.len(), 66_560);
        assert!(decoder.finish().is_ok());
    }
}

#[test]
fn chunks_cannot_be_changed_swapped_or_left_out() {
    let (signed, key, body) = documented_chunks();
    let fresh = || Decoder::new(Some(Chain::new(&signed, key.clone())), false);
    let mut changed = body.clone();
    changed[500] = b'b';
    assert_eq!(
        taken(&mut fresh(), &changed, 4096),
        Err(BadChunk::Signature)
    );
    let first = 65_536 + 5 + 17 + 64 + 4;
    assert_eq!(
        taken(&mut fresh(), &body[first..], 4096),
        Err(BadChunk::Signature)
    );
    let mut decoder = fresh();
    taken(&mut decoder, &body[..first], 4096).expect("the first chunk is right");
    assert_eq!(decoder.finish(), Err(BadChunk::Incomplete));
}

#[test]
fn unsigned_chunks_with_a_trailer_give_it() {
    let mut decoder = Decoder::new(None, true);
    let body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let out = taken(&mut decoder, body, 3).expect("right chunks");
    assert_eq!(out, b"hello");
    assert_eq!(
        decoder.finish(),
        Ok(vec![(
            "x-amz-checksum-crc32".to_owned(),
            "NhCmhg==".to_owned()
        )])
    );
    for bad in [
        b"zz\r\n".as_slice(),
        b"5\r\nhelloXX",
        b"0\r\nno colon\r\n",
        b"fffffffff\r\n",
    ] {
        let mut decoder = Decoder::new(None, true);
        assert_eq!(taken(&mut decoder, bad, 64), Err(BadChunk::Malformed));
    }
}

#[test]
fn signed_trailers_are_part_of_the_chain() {
    let (signed, key, _) = documented_chunks();
    let text = |algorithm: &str, previous: &str, middle: &str, data: &[u8]| {
        let hash = hex::encode(Sha256::digest(data));
        let text = format!(
            "{algorithm}\n{}\n{}\n{previous}\n{middle}{hash}",
            signed.date,
            signed.scope_text()
        );
        hex::encode(mac(&key, text.as_bytes()))
    };
    let empty = format!("{}\n", hex::encode(Sha256::digest(b"")));
    let one = text(
        "AWS4-HMAC-SHA256-PAYLOAD",
        &signed.signature,
        &empty,
        b"hello",
    );
    let last = text("AWS4-HMAC-SHA256-PAYLOAD", &one, &empty, b"");
    let end = text(
        "AWS4-HMAC-SHA256-TRAILER",
        &last,
        "",
        b"x-amz-checksum-crc32:NhCmhg==\n",
    );
    let body = format!(
        "5;chunk-signature={one}\r\nhello\r\n0;chunk-signature={last}\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:{end}\r\n\r\n"
    );
    let mut decoder = Decoder::new(Some(Chain::new(&signed, key.clone())), true);
    assert_eq!(
        taken(&mut decoder, body.as_bytes(), 5),
        Ok(b"hello".to_vec())
    );
    assert_eq!(decoder.finish().map(|trailers| trailers.len()), Ok(1));
    let changed = body.replace("NhCmhg", "AhCmhg");
    let mut decoder = Decoder::new(Some(Chain::new(&signed, key.clone())), true);
    assert_eq!(
        taken(&mut decoder, changed.as_bytes(), 5),
        Err(BadChunk::Signature)
    );
}

#[test]
fn clocks_may_differ_by_fifteen_minutes() {
    let mut get = head("GET", "/", &[("host", "h")]);
    let signer = Signer {
        access_key: "AKIDEXAMPLE".into(),
        secret_access_key: SUITE.into(),
        session_token: String::new(),
        region: "us-east-1".into(),
        service: "kms".into(),
    };
    signer.sign(&mut get, &hashed(b""), 1_000_000);
    let signed = parse(&get).expect("readable").expect("signed");
    assert_eq!(signed.check_time(1_000_000 + SKEW), Ok(()));
    assert_eq!(signed.check_time(1_000_000 - SKEW), Ok(()));
    assert!(matches!(
        signed.check_time(1_000_001 + SKEW),
        Err(Unverified::TooOld(..))
    ));
    assert!(matches!(
        signed.check_time(999_999 - SKEW),
        Err(Unverified::TooNew(..))
    ));
}

#[test]
fn what_a_signature_must_say_is_asked_for_by_name() {
    let said = |authorization: &str| {
        let get = head(
            "GET",
            "/",
            &[
                ("host", "h"),
                ("x-amz-date", "20150830T123600Z"),
                ("authorization", authorization),
            ],
        );
        match parse(&get) {
            Err(Unverified::Incomplete(words)) => words,
            other => panic!("{other:?}"),
        }
    };
    assert!(said("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00").contains("'Credential'"));
    assert!(
        said("AWS4-HMAC-SHA256 Credential=a/20150830/b/c/aws4_request, Signature=00")
            .contains("'SignedHeaders'")
    );
    assert!(
        said("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00")
            .contains("5 slash")
    );
    assert!(said("Basic abc").contains("AWS4-HMAC-SHA256"));
}
