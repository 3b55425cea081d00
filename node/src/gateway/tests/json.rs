//! The JSON protocols, and who is let in.

use super::*;

#[test]
fn a_signed_call_is_answered_with_its_request_id() {
    with_gateway(Limits::default(), async |client| {
        let made = client.kms("CreateKey", "{}").await;
        assert_eq!(made.status, 200, "{made:?}");
        assert_eq!(made.header("content-type"), "application/x-amz-json-1.1");
        assert_eq!(made.header("x-amzn-requestid").len(), 36);
        let key = made.json()["KeyMetadata"]["KeyId"]
            .as_str()
            .expect("an id")
            .to_owned();
        let body = serde_json::json!({ "KeyId": key, "Plaintext": "aGVsbG8=" }).to_string();
        let sealed = client.kms("Encrypt", &body).await;
        assert_eq!(sealed.status, 200, "{sealed:?}");
        let blob = sealed.json()["CiphertextBlob"].clone();
        let opened = client
            .kms(
                "Decrypt",
                &serde_json::json!({ "CiphertextBlob": blob }).to_string(),
            )
            .await;
        assert_eq!(opened.json()["Plaintext"], "aGVsbG8=");
    });
}

#[test]
fn who_is_not_let_in_hears_it_in_the_services_words() {
    with_gateway(Limits::default(), async |client| {
        let unsigned = client.send(kms("ListKeys", "{}")).await;
        assert_eq!(
            unsigned.refused(),
            (400, "MissingAuthenticationTokenException".into())
        );

        let mut wrong = client.signer("kms");
        wrong.secret_access_key = "wrong".into();
        let got = client
            .signed_by(&wrong, client.now(), kms("ListKeys", "{}"))
            .await;
        assert_eq!(got.refused(), (400, "InvalidSignatureException".into()));

        let mut unknown = client.signer("kms");
        unknown.access_key = "AKIANOBODYNOBODYNOBO".into();
        let got = client
            .signed_by(&unknown, client.now(), kms("ListKeys", "{}"))
            .await;
        assert_eq!(got.refused(), (400, "UnrecognizedClientException".into()));

        let signer = client.signer("kms");
        for seconds in [client.now() - 901 - 5, client.now() + 901 + 5] {
            let got = client
                .signed_by(&signer, seconds, kms("ListKeys", "{}"))
                .await;
            assert_eq!(got.refused(), (400, "InvalidSignatureException".into()));
            assert!(got.body.contains("Signature "), "{got:?}");
        }

        let mut elsewhere = client.signer("kms");
        elsewhere.region = "mars-east-1".into();
        let got = client
            .signed_by(&elsewhere, client.now(), kms("ListKeys", "{}"))
            .await;
        assert!(
            got.body.contains("valid region, not 'mars-east-1'"),
            "{got:?}"
        );
        let other = client.signer("dynamodb");
        let got = client
            .signed_by(&other, client.now(), kms("ListKeys", "{}"))
            .await;
        assert!(got.body.contains("correct service: 'kms'"), "{got:?}");
    });
}

#[test]
fn a_body_that_was_changed_after_signing_is_refused() {
    with_gateway(Limits::default(), async |client| {
        let (mut parts, _) = kms("ListKeys", "{\"Limit\":1}").into_parts();
        let mut head = Head::new(parts.clone(), IpAddr::V4(Ipv4Addr::LOCALHOST), false);
        client
            .signer("kms")
            .sign_body(&mut head, b"{\"Limit\":1}", client.now());
        parts.headers = head.headers;
        let changed = Full::new(Bytes::from_static(b"{\"Limit\":2}"));
        let got = client.send(Request::from_parts(parts, changed)).await;
        assert_eq!(got.refused(), (400, "InvalidSignatureException".into()));
    });
}

#[test]
fn what_is_not_built_or_not_known_is_said() {
    with_gateway(Limits::default(), async |client| {
        let got = client.kms("Nonsense", "{}").await;
        assert_eq!(got.refused(), (404, "UnknownOperationException".into()));
        let got = client.kms("CreateCustomKeyStore", "{}").await;
        assert_eq!(got.refused(), (501, "NotImplemented".into()));
        assert!(got.body.contains("kms:CreateCustomKeyStore"), "{got:?}");
        let got = client
            .kms("CreateKey", "{\"CustomKeyStoreId\":\"cks-1\"}")
            .await;
        assert_eq!(got.refused(), (501, "NotImplemented".into()));
        assert!(got.body.contains("CustomKeyStoreId"), "{got:?}");
        let got = client
            .kms(
                "CreateKey",
                "{\"CustomKeyStoreId\":null,\"InTheYear3000\":1}",
            )
            .await;
        assert_eq!(
            got.status, 200,
            "what no AWS has either is ignored: {got:?}"
        );
        let got = client.kms("ListKeys", "{\"Limit\":").await;
        assert_eq!(got.refused(), (400, "SerializationException".into()));
        let got = client.kms("DescribeKey", "{}").await;
        assert_eq!(got.refused(), (400, "ValidationException".into()));
    });
}

#[test]
fn dynamodb_says_the_checksum_of_its_answer() {
    with_gateway(Limits::default(), async |client| {
        let headers = [
            ("x-amz-target", "DynamoDB_20120810.DescribeTable"),
            ("content-type", "application/x-amz-json-1.0"),
        ];
        let request = Client::request("POST", "/", &headers, b"{\"TableName\":\"nowhere\"}");
        let got = client.signed("dynamodb", request).await;
        assert_eq!(got.status, 400, "{got:?}");
        assert!(got.body.contains("ResourceNotFoundException"), "{got:?}");
        assert_eq!(got.header("content-type"), "application/x-amz-json-1.0");
    });
}

#[test]
fn documents_have_a_limit() {
    let limits = Limits {
        document: 1000,
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let body = format!("{{\"Plaintext\":\"{}\"}}", "A".repeat(2000));
        let got = client.kms("Encrypt", &body).await;
        assert_eq!(
            got.refused(),
            (413, "RequestEntityTooLargeException".into())
        );
    });
}

#[test]
fn a_rate_is_kept() {
    let limits = Limits {
        requests_per_second: Some(2),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let mut refused = 0;
        for _ in 0..10 {
            let got = client.kms("ListKeys", "{}").await;
            if got.status != 200 {
                assert_eq!(got.refused(), (400, "ThrottlingException".into()));
                refused += 1;
            }
        }
        assert!((1..=8).contains(&refused), "{refused} of 10 were refused");
    });
}
