//! Uploads in parts: their order, sizes, tags and checksums, under every encryption.

use faultline_proto::s3;

use super::*;
use crate::services::s3::checksum::{self, Algorithm};

const MIB: usize = 1024 * 1024;

struct Uploading {
    world: World,
    root: Credential,
    id: String,
}

fn create(name: &str) -> s3::CreateMultipartUploadRequest {
    s3::CreateMultipartUploadRequest {
        bucket: text(name),
        key: text("film"),
        ..Default::default()
    }
}

fn begin(request: &s3::CreateMultipartUploadRequest) -> Uploading {
    let mut world = World::new(&[HERE]);
    let root = world.root(ACCOUNT);
    bucket(&mut world, &root, HERE, "films");
    allow_sse_c(&mut world, &root, HERE, "films");
    let id = world.call(HERE, &root, request).unwrap().upload_id.unwrap();
    Uploading { world, root, id }
}

impl Uploading {
    fn part(&self, number: i32) -> s3::UploadPartRequest {
        s3::UploadPartRequest {
            bucket: text("films"),
            key: text("film"),
            upload_id: text(&self.id),
            part_number: Some(number),
            ..Default::default()
        }
    }

    fn send(&mut self, number: i32, body: &[u8]) -> s3::CompletedPart {
        let request = self.part(number);
        let answer = self.world.upload(HERE, &self.root, &request, body).unwrap();
        s3::CompletedPart {
            e_tag: answer.e_tag,
            part_number: Some(number),
            ..Default::default()
        }
    }

    fn complete(&self, parts: Vec<s3::CompletedPart>) -> s3::CompleteMultipartUploadRequest {
        s3::CompleteMultipartUploadRequest {
            bucket: text("films"),
            key: text("film"),
            upload_id: text(&self.id),
            multipart_upload: Some(s3::CompletedMultipartUpload { parts }),
            ..Default::default()
        }
    }

    fn refused(&mut self, request: &s3::CompleteMultipartUploadRequest) -> String {
        let refused = self.world.call(HERE, &self.root, request).unwrap_err();
        refused.code
    }
}

#[test]
fn an_upload_is_one_object_whose_tag_counts_its_parts() {
    let mut up = begin(&s3::CreateMultipartUploadRequest {
        content_type: text("video/x"),
        metadata: metadata(&[("color", "blue")]).into_iter().collect(),
        tagging: text("a=1"),
        ..create("films")
    });
    let (first, second) = (body(5 * MIB + 3), body(70_000));
    let parts = vec![up.send(2, &first), up.send(7, &second)];
    let answer = up
        .world
        .call(HERE, &up.root.clone(), &up.complete(parts))
        .unwrap();
    let mut all = Md5::digest(&first).to_vec();
    all.extend_from_slice(&Md5::digest(&second));
    let wanted = format!("\"{}-2\"", hex::encode(Md5::digest(&all)));
    assert_eq!(answer.e_tag, Some(wanted.clone()));
    assert_eq!(answer.checksum_type.as_deref(), Some("FULL_OBJECT"));
    let whole = [first.as_slice(), second.as_slice()].concat();
    assert_eq!(
        answer.checksum_crc64_nvme,
        Some(Algorithm::Crc64Nvme.of(&whole))
    );
    let (got, bytes) = up
        .world
        .download(HERE, &up.root, &get("films", "film"))
        .unwrap();
    assert!(bytes == whole, "the parts in order");
    assert_eq!(got.e_tag, Some(wanted));
    assert_eq!(got.content_type.as_deref(), Some("video/x"));
    assert_eq!(got.tag_count, Some(1));
    // A range over the boundary, and one part by its number.
    let at = first.len() as u64;
    let over = s3::GetObjectRequest {
        range: Some(format!("bytes={}-{}", at - 5, at + 4)),
        ..get("films", "film")
    };
    let (_, bytes) = up.world.download(HERE, &up.root, &over).unwrap();
    assert_eq!(bytes, whole[first.len() - 5..first.len() + 5]);
    let one = s3::GetObjectRequest {
        part_number: Some(7),
        ..get("films", "film")
    };
    let (got, bytes) = up.world.download(HERE, &up.root, &one).unwrap();
    assert_eq!((got.parts_count, bytes), (Some(2), second));
    let gone = up.world.call(HERE, &up.root, &up.part(1)).unwrap_err();
    assert_eq!(gone.code, "NoSuchUpload");
}

#[test]
fn parts_are_refused_by_order_size_tag_and_number() {
    let mut up = begin(&create("films"));
    let small = up.send(1, b"small");
    let last = up.send(2, b"last");
    let swapped = up.complete(vec![last.clone(), small.clone()]);
    assert_eq!(up.refused(&swapped), "InvalidPartOrder");
    let too_small = up.complete(vec![small.clone(), last.clone()]);
    assert_eq!(up.refused(&too_small), "EntityTooSmall");
    let other = s3::CompletedPart {
        e_tag: text("\"00000000000000000000000000000000\""),
        ..small.clone()
    };
    let other = up.complete(vec![other]);
    assert_eq!(up.refused(&other), "InvalidPart");
    let none = up.complete(Vec::new());
    assert_eq!(up.refused(&none), "MalformedXML");
    for number in [0, 10_001] {
        let root = up.root.clone();
        let refused = up
            .world
            .upload(HERE, &root, &up.part(number), b"x")
            .unwrap_err();
        assert_eq!(refused.code, "InvalidArgument", "{number}");
    }
    let listed = s3::ListPartsRequest {
        bucket: text("films"),
        key: text("film"),
        upload_id: text(&up.id),
        max_parts: Some(1),
        ..Default::default()
    };
    let page = up.world.call(HERE, &up.root, &listed).unwrap();
    assert_eq!((page.parts.len(), page.is_truncated), (1, Some(true)));
    assert_eq!(page.next_part_number_marker, Some(1));
    let abort = s3::AbortMultipartUploadRequest {
        bucket: text("films"),
        key: text("film"),
        upload_id: text(&up.id),
        ..Default::default()
    };
    up.world.call(HERE, &up.root, &abort).unwrap();
    let again = up.world.call(HERE, &up.root, &abort).unwrap_err();
    assert_eq!(
        (again.code.as_str(), again.http_status),
        ("NoSuchUpload", 404)
    );
    let uploads = s3::ListMultipartUploadsRequest {
        bucket: text("films"),
        ..Default::default()
    };
    let left = up.world.call(HERE, &up.root, &uploads).unwrap();
    assert!(left.uploads.is_empty());
}

#[test]
fn sse_049_each_part_carries_the_key_of_the_beginning() {
    let with_key = with_customer_key(put("films", "film"));
    let mut up = begin(&create("films"));
    let request = s3::CreateMultipartUploadRequest {
        sse_customer_algorithm: with_key.sse_customer_algorithm.clone(),
        sse_customer_key: with_key.sse_customer_key.clone(),
        sse_customer_key_md5: with_key.sse_customer_key_md5.clone(),
        ..create("films")
    };
    let root = up.root.clone();
    up.id = up
        .world
        .call(HERE, &root, &request)
        .unwrap()
        .upload_id
        .unwrap();
    let bare = up.world.upload(HERE, &root, &up.part(1), b"x").unwrap_err();
    assert_eq!(
        (bare.code.as_str(), bare.message.as_str()),
        (
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
        )
    );
    let other = [b'x'; 32];
    let wrong = s3::UploadPartRequest {
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: Some(BASE64.encode(other)),
        sse_customer_key_md5: Some(BASE64.encode(Md5::digest(other))),
        ..up.part(1)
    };
    let wrong = up.world.upload(HERE, &root, &wrong, b"x").unwrap_err();
    assert_eq!(
        wrong.message,
        "The provided encryption parameters did not match the ones used originally."
    );
    let right = s3::UploadPartRequest {
        sse_customer_algorithm: with_key.sse_customer_algorithm.clone(),
        sse_customer_key: with_key.sse_customer_key.clone(),
        sse_customer_key_md5: with_key.sse_customer_key_md5.clone(),
        ..up.part(1)
    };
    let answer = up.world.upload(HERE, &root, &right, b"x").unwrap();
    assert_eq!(answer.sse_customer_algorithm.as_deref(), Some("AES256"));
}

#[test]
fn sse_011_a_multipart_upload_needs_both_permissions_of_its_key() {
    let mut up = begin(&create("films"));
    let arn = key(&mut up.world, HERE);
    let root = up.root.clone();
    let request = s3::CreateMultipartUploadRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(arn),
        ..create("films")
    };
    let writer = crate::testing::people::allow(&["s3:*", "kms:GenerateDataKey"], &["*"]);
    let writer = up.world.user(ACCOUNT, "writer", &writer);
    up.id = up
        .world
        .call(HERE, &writer, &request)
        .unwrap()
        .upload_id
        .unwrap();
    let refused = up
        .world
        .upload(HERE, &writer, &up.part(1), b"x")
        .unwrap_err();
    assert_eq!(refused.code, "AccessDenied");
    assert_eq!(refused.denial.unwrap().action, "kms:Decrypt");
    let part = up.send(1, b"x");
    let answer = up
        .world
        .call(HERE, &root, &up.complete(vec![part]))
        .unwrap();
    assert_eq!(answer.server_side_encryption.as_deref(), Some("aws:kms"));
    assert!(answer.e_tag.unwrap().ends_with("-1\""));
}

#[test]
fn a_composite_checksum_is_of_the_parts_checksums() {
    let mut up = begin(&s3::CreateMultipartUploadRequest {
        checksum_algorithm: text("SHA256"),
        ..create("films")
    });
    let part = up.send(1, b"alone");
    let without = up.complete(vec![part.clone()]);
    assert_eq!(up.refused(&without), "InvalidRequest");
    let sum = Algorithm::Sha256.of(b"alone");
    let with = s3::CompletedPart {
        checksum_sha256: Some(sum.clone()),
        ..part
    };
    let root = up.root.clone();
    let answer = up
        .world
        .call(HERE, &root, &up.complete(vec![with]))
        .unwrap();
    let wanted = checksum::composite(Algorithm::Sha256, [sum.as_str()].into_iter());
    assert_eq!(answer.checksum_sha256, Some(wanted));
    assert_eq!(answer.checksum_type.as_deref(), Some("COMPOSITE"));
    let attributes = s3::GetObjectAttributesRequest {
        bucket: text("films"),
        key: text("film"),
        object_attributes: vec!["ObjectParts".to_owned(), "Checksum".to_owned()],
        ..Default::default()
    };
    let attributes = up.world.call(HERE, &root, &attributes).unwrap();
    let parts = attributes.object_parts.unwrap();
    assert_eq!(parts.total_parts_count, Some(1));
    assert_eq!(
        parts.parts[0].checksum_sha256.as_deref(),
        Some(sum.as_str())
    );
    let whole = s3::CreateMultipartUploadRequest {
        checksum_algorithm: text("SHA256"),
        checksum_type: text("FULL_OBJECT"),
        ..create("films")
    };
    let refused = up.world.call(HERE, &root, &whole).unwrap_err();
    assert_eq!(
        refused.message,
        "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm."
    );
}

#[test]
fn a_part_may_be_copied_out_of_an_object() {
    let mut up = begin(&create("films"));
    let sent = body(200_000);
    let root = up.root.clone();
    up.world
        .upload(HERE, &root, &put("films", "old"), &sent)
        .unwrap();
    let request = s3::UploadPartCopyRequest {
        bucket: text("films"),
        key: text("film"),
        upload_id: text(&up.id),
        part_number: Some(1),
        copy_source: text("films/old"),
        copy_source_range: text("bytes=65530-140000"),
        ..Default::default()
    };
    let answer = up.world.call(HERE, &root, &request).unwrap();
    let part = s3::CompletedPart {
        e_tag: answer.copy_part_result.unwrap().e_tag,
        part_number: Some(1),
        ..Default::default()
    };
    up.world
        .call(HERE, &root, &up.complete(vec![part]))
        .unwrap();
    let (_, bytes) = up
        .world
        .download(HERE, &root, &get("films", "film"))
        .unwrap();
    assert!(bytes == sent[65_530..=140_000]);
}
