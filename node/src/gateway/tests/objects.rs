//! S3: objects in and out, by every way a body can be bound.

use super::super::sigv4::payload::Payload;
use super::*;

async fn bucket(client: &Client) {
    let body = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    let got = client
        .signed(
            "s3",
            Client::request("PUT", "/photos", &[], body.as_bytes()),
        )
        .await;
    assert_eq!(got.status, 200, "{got:?}");
}

/// Sends a put whose hash header and body are as given.
async fn put(client: &Client, headers: &[(&str, &str)], payload: Payload, body: &[u8]) -> Got {
    let request = Client::request("PUT", "/photos/sea", headers, body);
    let (mut parts, body) = request.into_parts();
    let mut head = Head::new(parts.clone(), IpAddr::V4(Ipv4Addr::LOCALHOST), false);
    let said = payload.in_canonical_request();
    head.headers
        .insert("x-amz-content-sha256", said.parse().expect("a header"));
    client.signer("s3").sign(&mut head, &payload, client.now());
    parts.headers = head.headers;
    client.send(Request::from_parts(parts, body)).await
}

async fn get(client: &Client) -> Got {
    client
        .signed("s3", Client::request("GET", "/photos/sea", &[], b""))
        .await
}

#[test]
fn objects_go_in_and_come_out() {
    with_gateway(Limits::default(), async |client| {
        bucket(&client).await;
        let body = "waves ".repeat(40_000);
        let request = Client::request(
            "PUT",
            "/photos/sea",
            &[("x-amz-meta-color", "blue")],
            body.as_bytes(),
        );
        let stored = client.signed("s3", request).await;
        assert_eq!(stored.status, 200, "{stored:?}");
        assert!(stored.header("etag").starts_with('"'));
        assert!(
            !stored.header("x-amz-request-id").is_empty()
                && !stored.header("x-amz-id-2").is_empty()
        );
        let got = get(&client).await;
        assert_eq!((got.status, got.body.len()), (200, body.len()));
        assert_eq!(got.header("x-amz-meta-color"), "blue");
        assert_eq!(got.header("content-length"), body.len().to_string());
        let part = client
            .signed(
                "s3",
                Client::request("GET", "/photos/sea", &[("range", "bytes=6-10")], b""),
            )
            .await;
        assert_eq!((part.status, part.body.as_str()), (206, "waves"));
        let head = client
            .signed("s3", Client::request("HEAD", "/photos/sea", &[], b""))
            .await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), body.len().to_string());
        let listed = client
            .signed(
                "s3",
                Client::request("GET", "/photos?list-type=2&encoding-type=url", &[], b""),
            )
            .await;
        assert!(listed.body.contains("<Key>sea</Key>"), "{listed:?}");
        let gone = client
            .signed("s3", Client::request("DELETE", "/photos/sea", &[], b""))
            .await;
        assert_eq!(gone.status, 204);
        let got = get(&client).await;
        assert_eq!(got.status, 404);
        assert!(got.body.contains("<Code>NoSuchKey</Code>"), "{got:?}");
        let head = client
            .signed("s3", Client::request("HEAD", "/photos/sea", &[], b""))
            .await;
        assert_eq!((head.status, head.body.as_str()), (404, ""));
    });
}

#[test]
fn a_body_that_is_not_what_was_signed_leaves_nothing() {
    with_gateway(Limits::default(), async |client| {
        bucket(&client).await;
        let other = Payload::Hash("0".repeat(64));
        let got = put(&client, &[], other, b"waves").await;
        assert_eq!(got.status, 400, "{got:?}");
        assert!(
            got.body.contains("<Code>XAmzContentSHA256Mismatch</Code>"),
            "{got:?}"
        );
        let got = put(
            &client,
            &[("x-amz-checksum-crc32", "AAAAAA==")],
            Payload::Unsigned,
            b"waves",
        )
        .await;
        assert!(got.body.contains("<Code>BadDigest</Code>"), "{got:?}");
        let got = put(
            &client,
            &[("x-amz-checksum-sha512", "AAAA")],
            Payload::Unsigned,
            b"waves",
        )
        .await;
        assert_eq!(got.status, 501, "{got:?}");
        assert_eq!(get(&client).await.status, 404);
        let sum = super::super::body::crc32_text(b"waves");
        let got = put(
            &client,
            &[("x-amz-checksum-crc32", &sum)],
            Payload::Unsigned,
            b"waves",
        )
        .await;
        assert_eq!(got.status, 200, "{got:?}");
    });
}

#[test]
fn chunks_with_a_trailer_are_checked() {
    with_gateway(Limits::default(), async |client| {
        bucket(&client).await;
        let sum = super::super::body::crc32_text(b"waves");
        let chunks = format!("5\r\nwaves\r\n0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n");
        let payload = || Payload::Chunked {
            signed: false,
            trailer: true,
        };
        let headers = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-decoded-content-length", "5"),
        ];
        let wrong = chunks.replace("waves", "raves");
        let got = put(&client, &headers, payload(), wrong.as_bytes()).await;
        assert!(got.body.contains("<Code>BadDigest</Code>"), "{got:?}");
        let short = &chunks[..10];
        let got = put(&client, &headers, payload(), short.as_bytes()).await;
        assert!(got.body.contains("<Code>IncompleteBody</Code>"), "{got:?}");
        assert_eq!(get(&client).await.status, 404);
        let got = put(&client, &headers, payload(), chunks.as_bytes()).await;
        assert_eq!(got.status, 200, "{got:?}");
        let got = get(&client).await;
        assert_eq!(got.body, "waves");
        assert_eq!(
            got.header("content-encoding"),
            "",
            "the wire's coding is not the object's"
        );
    });
}

#[test]
fn s3_says_no_in_its_own_form() {
    with_gateway(Limits::default(), async |client| {
        bucket(&client).await;
        let got = client
            .send(Client::request("GET", "/photos/sea", &[], b""))
            .await;
        assert_eq!(got.status, 403, "nobody may read: {got:?}");
        assert!(got.body.contains("<Code>AccessDenied</Code>"), "{got:?}");
        let mut signer = client.signer("s3");
        signer.region = "us-west-2".into();
        let got = client
            .signed_by(
                &signer,
                client.now(),
                Client::request("GET", "/photos/sea", &[], b""),
            )
            .await;
        assert_eq!(got.status, 400);
        assert!(
            got.body
                .contains("expecting 'eu-west-1'</Message><Region>eu-west-1</Region>"),
            "{got:?}"
        );
        let signer = client.signer("s3");
        let got = client
            .signed_by(
                &signer,
                client.now() - 1000,
                Client::request("GET", "/photos/sea", &[], b""),
            )
            .await;
        assert!(
            got.body.contains("<Code>RequestTimeTooSkewed</Code>"),
            "{got:?}"
        );
        let old = "/photos/sea?AWSAccessKeyId=AKIA&Signature=abc&Expires=1";
        let got = client.send(Client::request("GET", old, &[], b"")).await;
        assert_eq!(got.status, 400);
        assert!(got.body.contains("Please use AWS4-HMAC-SHA256."), "{got:?}");
        let got = client
            .signed(
                "s3",
                Client::request("PUT", "/photos?versioning", &[], b"<nonsense"),
            )
            .await;
        assert!(got.body.contains("<Code>MalformedXML</Code>"), "{got:?}");
        let got = client
            .signed("s3", Client::request("GET", "/photos?acl", &[], b""))
            .await;
        assert_eq!(got.status, 501, "{got:?}");
    });
}
