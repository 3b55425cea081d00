//! Query parameters in, XML both ways, and what is not built.

use prost::Message;

use super::*;
use crate::tables::Protocol;
use crate::{Operation, ec2, iam, kms, s3};

fn parameters(said: &[(&str, &str)]) -> Vec<(String, String)> {
    said.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn asked<R: Operation>(protocol: Protocol, said: &[(&str, &str)]) -> R {
    let bytes = query::message(R::def(), protocol, &parameters(said)).expect("a good query");
    R::decode(bytes.as_slice()).expect("the bytes are the message")
}

#[test]
fn query_lists_have_members() {
    let made: iam::CreateUserRequest = asked(
        Protocol::Query,
        &[
            ("Action", "CreateUser"),
            ("Version", "2010-05-08"),
            ("UserName", "ann"),
            ("Tags.member.2.Key", "b"),
            ("Tags.member.1.Key", "a"),
            ("Tags.member.1.Value", "1"),
        ],
    );
    assert_eq!(made.user_name.as_deref(), Some("ann"));
    let keys: Vec<_> = made.tags.iter().map(|tag| tag.key.as_deref()).collect();
    assert_eq!(keys, [Some("a"), Some("b")]);
}

#[test]
fn ec2_lists_are_flat_and_names_are_its_own() {
    let asked: ec2::DescribeVolumesRequest = asked(
        Protocol::Ec2Query,
        &[
            ("VolumeId.1", "vol-1"),
            ("VolumeId.10", "vol-10"),
            ("VolumeId.2", "vol-2"),
            ("Filter.1.Name", "status"),
            ("Filter.1.Value.1", "available"),
            ("DryRun", "false"),
            ("MaxResults", "5"),
        ],
    );
    assert_eq!(asked.volume_ids, ["vol-1", "vol-2", "vol-10"]);
    assert_eq!(asked.filters[0].values, ["available"]);
    assert_eq!((asked.dry_run, asked.max_results), (Some(false), Some(5)));
}

#[test]
fn members_that_are_not_built_are_refused_by_name() {
    let refused = json::request(
        kms::EncryptRequest::def(),
        br#"{"KeyId":"k","Plaintext":"aGk="}"#,
    );
    assert!(refused.is_ok());
    let body = br#"{"Origin":"EXTERNAL_KEY_STORE","XksKeyId":"one"}"#;
    let refused =
        json::request(kms::CreateKeyRequest::def(), body).expect_err("XksKeyId is not built");
    assert_eq!((refused.code, refused.http_status), ("NotImplemented", 501));
    assert!(refused.message.contains("XksKeyId"), "{}", refused.message);
    let refused = query::message(
        ec2::CreateVolumeRequest::def(),
        Protocol::Ec2Query,
        &parameters(&[("OutpostArn", "arn")]),
    )
    .expect_err("not built");
    assert_eq!(refused.code, "NotImplemented");
    let refused = query::message(
        ec2::CreateVolumeRequest::def(),
        Protocol::Ec2Query,
        &parameters(&[("Nonsense", "1")]),
    )
    .expect_err("EC2 knows no such parameter");
    assert_eq!(refused.code, "UnknownParameter");
}

#[test]
fn answers_are_xml_in_each_services_way() {
    let volumes = ec2::DescribeVolumesResponse {
        volumes: vec![ec2::Volume {
            volume_id: Some("vol-1".into()),
            state: Some("available".into()),
            encrypted: Some(true),
            tags: vec![ec2::Tag {
                key: Some("a<b".into()),
                value: Some(String::new()),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let output = ec2::DescribeVolumesRequest::def().output;
    let text = xml::members(output, &volumes.encode_to_vec(), Protocol::Ec2Query).expect("xml");
    for part in [
        "<volumeSet><item>",
        "<volumeId>vol-1</volumeId>",
        "<status>available</status>",
        "<encrypted>true</encrypted>",
        "<tagSet><item><key>a&lt;b</key><value></value></item></tagSet>",
        "<attachmentSet></attachmentSet>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let users = iam::ListUsersResponse {
        is_truncated: Some(false),
        users: vec![iam::User {
            user_name: Some("ann".into()),
            create_date: Some(1_716_400_000_000),
            ..Default::default()
        }],
        ..Default::default()
    };
    let output = iam::ListUsersRequest::def().output;
    let text = xml::members(output, &users.encode_to_vec(), Protocol::Query).expect("xml");
    assert!(text.contains("<Users><member>"), "{text}");
    assert!(text.contains("<CreateDate>2024-05-22T17:46:40Z</CreateDate>"));
}

#[test]
fn s3s_documents_are_read_and_written() {
    let document = br#"<?xml version="1.0"?><ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Role>arn:aws:iam::111111111111:role/r</Role>
        <Rule><ID>one &amp; two</ID><Status>Enabled</Status><Priority>1</Priority><Filter><Prefix/></Filter>
        <Destination><Bucket>arn:aws:s3:::there</Bucket></Destination></Rule></ReplicationConfiguration>"#;
    let read = xml::read(document).expect("well-formed");
    let field = s3::PutBucketReplicationRequest::def()
        .input
        .by_aws("ReplicationConfiguration")
        .expect("a member");
    let Kind::Message(def) = field.kind else {
        panic!("a structure")
    };
    let value = xml::value(def, &read, Protocol::RestXml).expect("of the shape");
    assert_eq!(value["Rules"][0]["ID"], "one & two");
    assert_eq!(value["Rules"][0]["Priority"], 1);
    let mut text = String::new();
    xml::write_members(&mut text, def, &value, Protocol::RestXml);
    assert!(text.contains("<Rule><ID>one &amp; two</ID>"), "{text}");
    assert!(
        text.contains("<Filter><Prefix></Prefix></Filter>"),
        "{text}"
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for bad in [
        b"".as_slice(),
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"<a>&x;</a>",
        "<a>".repeat(100).as_bytes(),
    ] {
        assert_eq!(xml::read(bad), Err(xml::Unreadable::Malformed));
    }
    let element =
        xml::read(b"<VersioningConfiguration><Statsu>Enabled</Statsu></VersioningConfiguration>");
    let Kind::Message(def) = s3::PutBucketVersioningRequest::def()
        .input
        .by_aws("VersioningConfiguration")
        .expect("a member")
        .kind
    else {
        panic!("a structure")
    };
    let read = xml::value(def, &element.expect("well-formed"), Protocol::RestXml);
    assert_eq!(read, Err(xml::Unreadable::Malformed));
}
