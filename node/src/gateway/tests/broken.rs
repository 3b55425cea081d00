//! Requests that were right until somebody changed them: whatever comes, the entrance answers in
//! an AWS protocol's form or closes, and it never blames itself.

use tokio::io::AsyncReadExt as _;

use super::connections::{listening, talk};
use super::*;
use crate::dice::Dice;

/// Changed requests over real sockets.
const SOCKETS: usize = 300;
/// Changed heads, answered without sockets.
const HEADS: usize = 3000;

/// Requests of every protocol, as bytes.
fn seeds(client: &Client) -> Vec<Vec<u8>> {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let requests = [
        ("kms", kms("CreateKey", "{\"Description\":\"a\"}")),
        (
            "dynamodb",
            Client::request(
                "POST",
                "/",
                &[("x-amz-target", "DynamoDB_20120810.ListTables")],
                b"{}",
            ),
        ),
        (
            "iam",
            Client::request(
                "POST",
                "/",
                &form,
                b"Action=ListUsers&Version=2010-05-08&MaxItems=7",
            ),
        ),
        (
            "ec2",
            Client::request(
                "POST",
                "/",
                &form,
                b"Action=DescribeVolumes&Version=2016-11-15",
            ),
        ),
        (
            "s3",
            Client::request(
                "PUT",
                "/reports/a%20b?partNumber=1&uploadId=x",
                &[],
                b"waves",
            ),
        ),
        (
            "s3",
            Client::request(
                "POST",
                "/reports?delete",
                &[],
                b"<Delete><Object><Key>a</Key></Object></Delete>",
            ),
        ),
        (
            "s3",
            Client::request(
                "GET",
                "/reports/a?versionId=null",
                &[("range", "bytes=0-3")],
                b"",
            ),
        ),
    ];
    requests
        .into_iter()
        .map(|(service, request)| signed_bytes(client, service, request))
        .collect()
}

fn signed_bytes(client: &Client, service: &str, request: Request<Full<Bytes>>) -> Vec<u8> {
    let (parts, body) = request.into_parts();
    let line = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri);
    let body = futures_now(body);
    let mut head = Head::new(parts, IpAddr::V4(Ipv4Addr::LOCALHOST), false);
    client
        .signer(service)
        .sign_body(&mut head, &body, client.now());
    let mut bytes = line.into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(format!("{name}: ").as_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// A body that is all there.
fn futures_now(body: Full<Bytes>) -> Bytes {
    use http_body::Body as _;
    let mut body = std::pin::pin!(body);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match body.as_mut().poll_frame(&mut context) {
        std::task::Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    }
}

const PIECES: [&[u8]; 22] = [
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"%",
    b"%zz",
    b"%00",
    b"../",
    b"&",
    b"=",
    b"?",
    b"#",
    b"{\"a\":[[[[[[[[",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"999999999999999999999",
    b"-1",
    b": ",
    b"x-amz-copy-source: /a/b\r\n",
    b"x-amz-date: 00000000T000000Z\r\n",
    b"Credential=AKIA/2/3/4/5/6",
    b"SignedHeaders=;;;",
    b"aws-chunked",
    b"\xe2\x82\xac",
];

/// Changes `bytes` in one to four places.
fn changed(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let length = bytes.len() as u64;
        let at = usize::try_from(dice.below(length)).expect("small");
        let end = (at + usize::try_from(dice.below(12)).expect("small")).min(bytes.len());
        match dice.below(5) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => {
                bytes.splice(at..end, dice.pick(&PIECES).iter().copied());
            }
            _ => bytes.truncate(at + 1),
        }
        if bytes.is_empty() {
            bytes.push(b'G');
        }
    }
    bytes
}

fn proper(status: u16, kind: &str, body: &str, asked: &[u8]) {
    let shown = || String::from_utf8_lossy(asked).into_owned();
    assert!(
        status < 500 || status == 501,
        "{status} {body} for {:?}",
        shown()
    );
    assert!(
        !kind.contains("html") && !body.to_lowercase().contains("<html"),
        "{kind} {body} for {:?}",
        shown()
    );
}

#[test]
fn changed_requests_over_sockets_are_answered_or_closed() {
    let limits = Limits {
        head_time: std::time::Duration::from_millis(30),
        body_pause: std::time::Duration::from_millis(30),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let (address, _stop) = listening(&client).await;
        let seeds = seeds(&client);
        let mut dice = Dice(7);
        let mut answered = 0;
        // Many at once: most wait for the rest of what will not come.
        let talks: Vec<_> = (0..SOCKETS)
            .map(|turn| {
                let bytes = changed(&mut dice, &seeds[turn % seeds.len()]);
                tokio::spawn(async move { (talk(address, &bytes).await, bytes) })
            })
            .collect();
        for one in talks {
            let (said, bytes) = one.await.expect("a talk");
            for one in said.split("HTTP/1.1 ").skip(1) {
                answered += 1;
                let status = one[..3].parse().expect("a status");
                let (head, body) = one.split_once("\r\n\r\n").unwrap_or((one, ""));
                proper(status, head, body, &bytes);
            }
        }
        assert!(answered > SOCKETS / 2, "{answered} were answered");
        assert_eq!(client.kms("ListKeys", "{}").await.status, 200, "it lives");
    });
}

#[test]
fn changed_heads_and_documents_are_answered_in_the_protocols_form() {
    with_gateway(Limits::default(), async |client| {
        let seeds = seeds(&client);
        let mut dice = Dice(11);
        let mut answered = 0;
        for turn in 0..HEADS {
            let bytes = changed(&mut dice, &seeds[turn % seeds.len()]);
            // What HTTP itself takes; the rest never comes as far as this.
            let Some(request) = parsed(&bytes) else {
                continue;
            };
            let got = client.send(request).await;
            answered += 1;
            proper(got.status, got.header("content-type"), &got.body, &bytes);
            let id = ["x-amzn-requestid", "x-amz-request-id"];
            assert!(
                got.status < 300 || id.iter().any(|name| !got.header(name).is_empty()),
                "{got:?}"
            );
        }
        assert!(answered > HEADS / 3, "{answered} were answered");
    });
}

/// A request of these bytes, if HTTP takes them.
fn parsed(bytes: &[u8]) -> Option<Request<Full<Bytes>>> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut request = Request::builder().method(first.next()?).uri(first.next()?);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value.as_bytes());
    }
    let body = Bytes::copy_from_slice(&bytes[at + 4..]);
    request.body(Full::new(body)).ok()
}

#[test]
fn a_get_whose_reader_goes_away_leaves_the_region_well() {
    with_gateway(Limits::default(), async |client| {
        let (address, _stop) = listening(&client).await;
        let made = client
            .signed("s3", Client::request("PUT", "/reports", &[], b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"))
            .await;
        assert_eq!(made.status, 200, "{made:?}");
        let object = vec![7; 1_500_000];
        let put = client
            .signed("s3", Client::request("PUT", "/reports/a", &[], &object))
            .await;
        assert_eq!(put.status, 200, "{put:?}");
        let get = signed_bytes(
            &client,
            "s3",
            Client::request("GET", "/reports/a", &[], b""),
        );
        for _ in 0..5 {
            use tokio::io::AsyncWriteExt as _;
            let mut stream = tokio::net::TcpStream::connect(address)
                .await
                .expect("connects");
            stream.write_all(&get).await.expect("asks");
            let mut some = [0; 100];
            stream.read_exact(&mut some).await.expect("some bytes");
            drop(stream);
        }
        let whole = client
            .signed("s3", Client::request("GET", "/reports/a", &[], b""))
            .await;
        assert_eq!((whole.status, whole.body.len()), (200, 1_500_000));
    });
}
