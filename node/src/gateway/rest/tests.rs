//! Which operation a request is, and where its members stand.

use std::net::{IpAddr, Ipv4Addr};

use faultline_proto::{Operation as _, registry, s3};
use prost::Message as _;

use super::*;

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Head {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    Head::new(parts, IpAddr::V4(Ipv4Addr::LOCALHOST), false)
}

fn routed(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<&'static str, String> {
    let head = head(method, uri, headers);
    let service = registry::find_service("s3").expect("S3");
    route(service, &head, &Target::of(&head))
        .map(|operation| operation.name)
        .map_err(|problem| format!("{} {}", problem.code, problem.message))
}

#[test]
fn buckets_stand_in_the_host_or_in_the_path() {
    for (host, uri, bucket, key) in [
        (
            "localhost:4566",
            "/photos/a%20b/c",
            Some("photos"),
            Some("a b/c"),
        ),
        ("127.0.0.1:4566", "/photos", Some("photos"), None),
        ("127.0.0.1:4566", "/photos/", Some("photos"), None),
        ("photos.localhost:4566", "/a", Some("photos"), Some("a")),
        (
            "photos.s3.eu-west-1.localhost:4566",
            "/a",
            Some("photos"),
            Some("a"),
        ),
        (
            "my.photos.s3.eu-west-1.amazonaws.com",
            "/",
            Some("my.photos"),
            None,
        ),
        (
            "s3.eu-west-1.amazonaws.com",
            "/photos/a",
            Some("photos"),
            Some("a"),
        ),
        ("localhost", "/", None, None),
    ] {
        let target = Target::of(&head("GET", uri, &[("host", host)]));
        assert_eq!(target.bucket.as_deref(), bucket, "{host}{uri}");
        assert_eq!(target.key.as_deref(), key, "{host}{uri}");
    }
}

#[test]
fn path_and_parameters_choose_the_operation() {
    assert_eq!(routed("PUT", "/b", &[]), Ok("CreateBucket"));
    assert_eq!(routed("PUT", "/b/k", &[]), Ok("PutObject"));
    assert_eq!(routed("GET", "/b/k?x-id=GetObject", &[]), Ok("GetObject"));
    assert_eq!(routed("GET", "/b?list-type=2", &[]), Ok("ListObjectsV2"));
    assert_eq!(routed("GET", "/b?versions", &[]), Ok("ListObjectVersions"));
    assert_eq!(
        routed("PUT", "/b?versioning", &[]),
        Ok("PutBucketVersioning")
    );
    assert_eq!(routed("HEAD", "/b/k", &[]), Ok("HeadObject"));
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let refused = routed("GET", "/b?acl", &[]).expect_err("not built");
    assert!(refused.contains("GetBucketAcl"), "{refused}");
    let refused = routed("PUT", "/b?acl", &[]).expect_err("not built");
    assert!(refused.contains("PutBucketAcl"), "{refused}");
    assert!(routed("PATCH", "/b", &[]).is_err_and(|words| words.starts_with("MethodNotAllowed")));
    let put = s3::PutObjectRequest::def();
    let asked = head("PUT", "/b/k", &[("x-amz-acl", "public-read")]);
    let problem = request(put, &asked, &Target::of(&asked), Some(0), &[]).expect_err("not built");
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (501, "NotImplemented")
    );
    let get = s3::GetObjectRequest::def();
    let asked = head("GET", "/b/k?torrent-of=x", &[]);
    let problem = request(get, &asked, &Target::of(&asked), None, &[]).expect_err("not built");
    assert!(problem.message.contains("torrent-of"));
    // SSE-025: a read that asks for encryption is wrong, not unbuilt.
    let asked = head("GET", "/b/k", &[("x-amz-server-side-encryption", "AES256")]);
    let problem = request(get, &asked, &Target::of(&asked), None, &[]).expect_err("SSE-025");
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (400, "InvalidArgument")
    );
}

#[test]
fn members_stand_where_the_definition_says() {
    let asked = head(
        "PUT",
        "/b/k",
        &[
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
            ("x-amz-meta-color", "blue"),
            ("content-type", "text/plain"),
            ("content-encoding", "aws-chunked,gzip"),
            ("expires", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ],
    );
    let bytes = request(
        s3::PutObjectRequest::def(),
        &asked,
        &Target::of(&asked),
        Some(7),
        &[],
    )
    .expect("a good request");
    let put = s3::PutObjectRequest::decode(bytes.as_slice()).expect("the message");
    assert_eq!((put.bucket(), put.key()), ("b", "k"));
    assert_eq!(put.server_side_encryption(), "aws:kms");
    assert_eq!(put.bucket_key_enabled, Some(true));
    assert_eq!(put.metadata.get("color").map(String::as_str), Some("blue"));
    assert_eq!(put.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(put.content_length, Some(7));
    assert_eq!(put.expires, Some(1_445_412_480_000));
}

#[test]
fn answers_are_spread_over_headers_and_document() {
    let service = registry::find_service("s3").expect("S3");
    let got = s3::GetObjectResponse {
        e_tag: Some("\"abc\"".into()),
        content_length: Some(3),
        last_modified: Some(1_445_412_480_000),
        content_range: Some("bytes 0-2/9".into()),
        metadata: [("color".to_owned(), "blue".to_owned())].into(),
        ..Default::default()
    };
    let bound =
        response(service, s3::GetObjectRequest::def(), &got.encode_to_vec()).expect("binds");
    assert_eq!((bound.status, bound.body), (206, None));
    assert_eq!(bound.headers["etag"], "\"abc\"");
    assert_eq!(
        bound.headers["last-modified"],
        "Wed, 21 Oct 2015 07:28:00 GMT"
    );
    assert_eq!(bound.headers["x-amz-meta-color"], "blue");
    let listed = s3::ListObjectsV2Response {
        name: Some("b".into()),
        key_count: Some(0),
        ..Default::default()
    };
    let bound = response(
        service,
        s3::ListObjectsV2Request::def(),
        &listed.encode_to_vec(),
    )
    .expect("binds");
    let body = bound.body.expect("a document");
    assert!(
        body.contains("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"),
        "{body}"
    );
    assert!(body.contains("<Name>b</Name>"), "{body}");
    let deleted = response(service, s3::DeleteObjectRequest::def(), &[]).expect("binds");
    assert_eq!(deleted.status, 204);
}
