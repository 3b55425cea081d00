//! What a replica carries of its source's encryption and parts.

use faultline_proto::s3;

use super::replicating::{rule, setup};
use super::*;

#[test]
fn sse_033_a_replica_keeps_the_sources_bucket_key_setting() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    setup.replicate(vec![rule("", Some(&there))]);
    let sealed = |name: &str, bucket_key: bool| s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: text(&here),
        bucket_key_enabled: Some(bucket_key),
        ..put("photos", name)
    };
    setup.put_as(&sealed("with", true));
    setup.put_as(&sealed("without", false));
    setup.world.advance(3600);
    let root = setup.root.clone();
    for (name, told) in [("with", Some(true)), ("without", None)] {
        let replica = head(&mut setup.world, THERE, &root, "photos-copy", name);
        assert_eq!(replica.bucket_key_enabled, told, "{name}");
        assert_eq!(replica.ssekms_key_id, text(&there));
        let got = setup
            .world
            .download(THERE, &root, &get("photos-copy", name));
        assert!(got.is_ok(), "{name}");
    }
}

#[test]
fn sse_056_a_destination_that_blocks_sse_c_fails_the_replica() {
    let mut setup = setup();
    let root = setup.root.clone();
    let block = s3::ServerSideEncryptionRule {
        blocked_encryption_types: Some(s3::BlockedEncryptionTypes {
            encryption_type: vec!["SSE-C".to_owned()],
        }),
        ..Default::default()
    };
    let request = s3::PutBucketEncryptionRequest {
        bucket: text("photos-copy"),
        server_side_encryption_configuration: Some(s3::ServerSideEncryptionConfiguration {
            rules: vec![block],
        }),
        ..Default::default()
    };
    setup.world.call(THERE, &root, &request).unwrap();
    setup.replicate(vec![rule("", None)]);
    let sent = with_customer_key(put("photos", "a"));
    setup.put_as(&sent);
    setup.world.advance(3600);
    let request = s3::HeadObjectRequest {
        bucket: text("photos"),
        key: text("a"),
        sse_customer_algorithm: sent.sse_customer_algorithm,
        sse_customer_key: sent.sse_customer_key,
        sse_customer_key_md5: sent.sse_customer_key_md5,
        ..Default::default()
    };
    let source = setup.world.call(HERE, &root, &request).unwrap();
    assert_eq!(source.replication_status.as_deref(), Some("FAILED"));
}

#[test]
fn a_multipart_replica_keeps_its_parts_headers_tags_and_checksum() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let root = setup.root.clone();
    let create = s3::CreateMultipartUploadRequest {
        bucket: text("photos"),
        key: text("film"),
        cache_control: text("max-age=3"),
        tagging: text("a=1"),
        checksum_algorithm: text("CRC32"),
        checksum_type: text("FULL_OBJECT"),
        ..Default::default()
    };
    let id = setup.world.call(HERE, &root, &create).unwrap().upload_id;
    let mut parts = Vec::new();
    for (number, sent) in [(1, body(5 * 1024 * 1024 + 7)), (2, b"end".to_vec())] {
        let request = s3::UploadPartRequest {
            bucket: text("photos"),
            key: text("film"),
            upload_id: id.clone(),
            part_number: Some(number),
            ..Default::default()
        };
        let answer = setup.world.upload(HERE, &root, &request, &sent).unwrap();
        parts.push(s3::CompletedPart {
            part_number: Some(number),
            e_tag: answer.e_tag,
            ..Default::default()
        });
    }
    let complete = s3::CompleteMultipartUploadRequest {
        bucket: text("photos"),
        key: text("film"),
        upload_id: id,
        multipart_upload: Some(s3::CompletedMultipartUpload { parts }),
        ..Default::default()
    };
    let made = setup.world.call(HERE, &root, &complete).unwrap();
    setup.world.advance(3600);
    let request = s3::HeadObjectRequest {
        bucket: text("photos-copy"),
        key: text("film"),
        part_number: Some(2),
        ..Default::default()
    };
    let part = setup.world.call(THERE, &root, &request).unwrap();
    assert_eq!((part.parts_count, part.content_length), (Some(2), Some(3)));
    let whole = s3::HeadObjectRequest {
        part_number: None,
        checksum_mode: text("ENABLED"),
        ..request
    };
    let whole = setup.world.call(THERE, &root, &whole).unwrap();
    assert_eq!(whole.e_tag, made.e_tag);
    assert_eq!(whole.checksum_crc32, made.checksum_crc32);
    assert_eq!(whole.cache_control.as_deref(), Some("max-age=3"));
    assert_eq!(whole.version_id, made.version_id);
}
