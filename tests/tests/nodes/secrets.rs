//! No secret gets into a log, however much a node is told to say: secret access keys, session
//! tokens, signatures, plaintext, keys that customers bring, and the world's own keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_node::gateway::sigv4::sign::Signer;
use faultline_tests::Findings;
use faultline_tests::wire::{Asked, Got, Node, SECRET, ask, folder, head, json, root};
use serde_json::json;

const PLAINTEXT: &str = "canary plaintext of a customer";
const OBJECT: &str = "canary content of an object";
const CUSTOMER_KEY: &[u8; 32] = b"canary-key-of-a-customer-32bytes";
const PASSWORD: &str = "canary password in a request that is refused";

/// What must never be said, with its name.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() > 8, "{name} is too short to be looked for");
        self.0.push((name.to_owned(), secret.to_owned()));
    }

    /// Each secret as it is, in base64, and in hexadecimal digits.
    fn found_in(&self, log: &str) -> Findings {
        let mut findings = Findings::default();
        for (name, secret) in &self.0 {
            let raw = String::from_utf8_lossy(secret).into_owned();
            // Base64 of what begins elsewhere differs at its ends only.
            let base64 = STANDARD.encode(secret);
            let middle = base64[4..base64.len() - 4].to_owned();
            for form in [raw, middle, hex::encode(secret)] {
                let line = log.lines().find(|line| line.contains(&form));
                findings.check(line.is_none(), || format!("{name}: {}", line.unwrap_or("")));
            }
        }
        findings
    }
}

fn query(node: &Node, service: &str, form: &str) -> Got {
    let asked = Asked {
        method: "POST",
        uri: "/",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: form.as_bytes(),
    };
    let got = ask(node.aws, &root(service), &asked).expect("an answer");
    assert_eq!(got.status, 200, "{got:?}");
    got
}

/// What a customer does with keys: encrypts, and brings one.
fn work(node: &Node, secrets: &mut Secrets) {
    let kms = root("kms");
    let made = json(node, &kms, "TrentService.CreateKey", &json!({}));
    let key = made["KeyMetadata"]["KeyId"].clone();
    let asked = json!({ "KeyId": key, "Plaintext": STANDARD.encode(PLAINTEXT) });
    let sealed = json(node, &kms, "TrentService.Encrypt", &asked);
    let asked = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    drop(json(node, &kms, "TrentService.Decrypt", &asked));
    let asked = json!({ "KeyId": key, "KeySpec": "AES_256" });
    let pair = json(node, &kms, "TrentService.GenerateDataKey", &asked);
    let data_key = STANDARD.decode(pair["Plaintext"].as_str().expect("text"));
    secrets.add("a data key", &data_key.expect("base64"));

    let s3 = root("s3");
    let place = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    let bucket = Asked {
        method: "PUT",
        uri: "/kept",
        body: place,
        ..Asked::default()
    };
    assert_eq!(ask(node.aws, &s3, &bucket).expect("an answer").status, 200);
    let customer = STANDARD.encode(CUSTOMER_KEY);
    for key in [customer.as_str(), "not a key"] {
        let object = Asked {
            method: "PUT",
            uri: "/kept/a",
            headers: &[
                ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                ("x-amz-server-side-encryption-customer-key", key),
                ("x-amz-server-side-encryption-customer-key-md5", "bWQ1"),
            ],
            body: OBJECT.as_bytes(),
        };
        drop(ask(node.aws, &s3, &object).expect("an answer"));
    }
    let plain = Asked {
        method: "PUT",
        uri: "/kept/b",
        body: OBJECT.as_bytes(),
        ..Asked::default()
    };
    assert_eq!(ask(node.aws, &s3, &plain).expect("an answer").status, 200);
}

/// Credentials that are made and used.
fn credentials(node: &Node, secrets: &mut Secrets) {
    drop(query(node, "iam", "Action=CreateUser&UserName=ann"));
    let got = query(node, "iam", "Action=CreateAccessKey&UserName=ann");
    let secret = got.element("SecretAccessKey");
    secrets.add("a user's secret access key", secret.as_bytes());
    let got = query(node, "sts", "Action=GetSessionToken");
    let session = Signer {
        access_key: got.element("AccessKeyId"),
        secret_access_key: got.element("SecretAccessKey"),
        session_token: got.element("SessionToken"),
        ..root("kms")
    };
    secrets.add(
        "a session's secret access key",
        session.secret_access_key.as_bytes(),
    );
    secrets.add("a session token", session.session_token.as_bytes());
    drop(json(node, &session, "TrentService.ListKeys", &json!({})));
}

/// Requests that are refused, for their signature or their form.
fn refused(node: &Node, secrets: &mut Secrets) {
    let asked = Asked {
        method: "POST",
        uri: "/?password=canary-in-a-query",
        headers: &[
            ("x-amz-target", "TrentService.ListKeys"),
            ("x-password", PASSWORD),
        ],
        body: PASSWORD.as_bytes(),
    };
    let mut signer = root("kms");
    signer.secret_access_key.push('x');
    let text = head(&signer, &asked);
    let signature = text.split("Signature=").nth(1).expect("a signature");
    secrets.add("a signature", &signature.as_bytes()[..64]);
    for signer in [signer, root("kms")] {
        let got = ask(node.aws, &signer, &asked).expect("an answer");
        assert_eq!(got.status, 400, "{got:?}");
    }
    secrets.add("a query string", b"canary-in-a-query");
}

/// The same over gRPC, where the libraries below have logs of their own.
fn grpc(node: &Node) {
    use faultline_node::live::signature::{Signer, sign};
    use faultline_proto::driving::Credential;
    use faultline_proto::kms;
    use faultline_proto::kms::kms_client::KmsClient;
    use faultline_proto::names::Timestamp;
    use prost::Message as _;

    let signer = root("kms");
    let credential = Credential {
        access_key: signer.access_key.clone(),
        session_token: String::new(),
    };
    let message = kms::EncryptRequest {
        key_id: Some("none".into()),
        plaintext: Some(PLAINTEXT.into()),
        ..Default::default()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("a time").as_micros()).expect("a time");
    let mut request = tonic::Request::new(message.clone());
    let whose = Signer {
        credential: &credential,
        secret: &signer.secret_access_key,
        region: &signer.region,
        service: "kms",
    };
    let path = "/faultline.aws.kms.v1.Kms/Encrypt";
    sign(
        &whose,
        Timestamp(now),
        path,
        &message.encode_to_vec(),
        request.metadata_mut(),
    );
    let address = node.grpc;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let status = runtime.expect("a runtime").block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
        let channel = endpoint
            .expect("an address")
            .connect()
            .await
            .expect("connects");
        KmsClient::new(channel).encrypt(request).await
    });
    assert_eq!(
        status.expect_err("no such key").code(),
        tonic::Code::NotFound
    );
}

#[test]
fn no_secret_is_in_any_log() {
    let (_root, folder) = folder();
    let mut node = Node::start(&folder, "trace");
    let mut secrets = Secrets::default();
    secrets.add(
        "the root user's secret",
        root("kms").secret_access_key.as_bytes(),
    );
    secrets.add("the partition secret", &SECRET);
    for (name, secret) in [
        ("plaintext", PLAINTEXT),
        ("an object", OBJECT),
        ("a refused request", PASSWORD),
    ] {
        secrets.add(name, secret.as_bytes());
    }
    secrets.add("a customer's key", CUSTOMER_KEY);
    work(&node, &mut secrets);
    credentials(&node, &mut secrets);
    refused(&node, &mut secrets);
    grpc(&node);
    node.signal("TERM");
    assert!(node.ended().success());
    let key = std::fs::read_to_string(folder.join("root.key")).expect("a key");
    secrets.add(
        "the root key",
        &hex::decode(key.trim()).expect("hexadecimal digits"),
    );
    let log = std::fs::read_to_string(folder.join("log.txt")).expect("a log");
    assert!(log.lines().count() > 20, "it says much: {log}");
    secrets.found_in(&log).assert_none();
}
