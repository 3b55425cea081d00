//! Where one request ends and the next one begins: what request smuggling lives on.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::front::Front;
use super::connections::{listening, talk};
use super::*;

/// What would be served if the bytes before it were read otherwise than their sender says.
const HIDDEN: &str = "GET /_faultline/health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";

/// Heads and bodies that are refused; whatever follows them is not served.
const REFUSED: [&str; 25] = [
    // Lengths.
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5, 6\r\n\r\nhello!",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length : 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: +0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0x0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    // Encodings that are not chunks, or not chunks alone.
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    // A length beside chunks, either way round.
    "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    // Chunks.
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n+0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
    "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    // Lines and names.
    "GET / HTTP/1.1\r\nhost: h\r\nx-folded: a\r\n b: c\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\n x-first: folded\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\nx-nul: a\0b\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: h\r\nx bad name: a\r\n\r\n",
    "GET / HTTP/9.9\r\nhost: h\r\n\r\n",
    "nonsense\r\n\r\n",
];

/// A front door before the entrance at `address`.
async fn door(address: SocketAddr) -> SocketAddr {
    let front = Front {
        nodes: BTreeMap::from([(ireland(), address)]),
        home: ireland(),
        limits: Limits::default(),
        tls: None,
        reset: None,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let door = listener.local_addr().expect("an address");
    tokio::spawn(front.run(listener, std::future::pending()));
    door
}

#[test]
fn smuggled_requests_are_not_served_and_not_passed_on() {
    with_gateway(Limits::default(), async |client| {
        let (node, _stop) = listening(&client).await;
        for address in [node, door(node).await] {
            for bad in REFUSED {
                let said = talk(address, format!("{bad}{HIDDEN}").as_bytes()).await;
                assert!(!said.contains("\"status\":\"ok\""), "{bad:?}: {said}");
                assert!(said.matches("HTTP/1.1 ").count() <= 1, "{bad:?}: {said}");
                // A node hangs up on a front door whose client broke off.
                let hung_up = address != node && said.starts_with("HTTP/1.1 503");
                assert!(
                    said.is_empty() || said.starts_with("HTTP/1.1 4") || hung_up,
                    "{bad:?}: {said}"
                );
                assert!(!said.contains("<html"), "{bad:?}: {said}");
            }
            let said = talk(address, HIDDEN.as_bytes()).await;
            assert!(said.contains("\"status\":\"ok\""), "{said}");
        }
    });
}

#[test]
fn what_can_be_read_as_two_things_is_refused() {
    with_gateway(Limits::default(), async |client| {
        let (node, _stop) = listening(&client).await;
        // The front door passes them on as they are, and the node refuses them.
        let door = door(node).await;
        for (twice, why) in [
            ("host: h\r\nhost: other", "more than one host header"),
            ("x-no-host: 1", "no host header"),
            (
                "host: h\r\nauthorization: a\r\nauthorization: b",
                "more than one authorization header",
            ),
            (
                "host: h\r\nx-amz-target: TrentService.ListKeys\r\nx-amz-target: TrentService.CreateKey",
                "more than one x-amz-target header",
            ),
        ] {
            let asked = format!("POST / HTTP/1.1\r\n{twice}\r\nconnection: close\r\n\r\n");
            for address in [node, door] {
                let said = talk(address, asked.as_bytes()).await;
                assert!(said.starts_with("HTTP/1.1 400"), "{twice:?}: {said}");
                assert!(said.contains(why), "{twice:?}: {said}");
            }
        }
    });
}

#[test]
fn what_comes_in_one_piece_is_answered_one_by_one_in_its_order() {
    with_gateway(Limits::default(), async |client| {
        let (address, _stop) = listening(&client).await;
        let asked = |target: &str, body: &str| {
            format!(
                "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: {target}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        // A body that looks like a request is a body.
        let mut all = asked("TrentService.ListKeys", HIDDEN);
        all.push_str("GET /_faultline/health HTTP/1.1\r\nhost: h\r\n\r\n");
        all.push_str(&asked("TrentService.Nonsense", "{}"));
        all.push_str("POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ntransfer-encoding: chunked\r\n\r\n2;name=value\r\n{}\r\n0\r\nx-trailer: 1\r\n\r\n");
        all.push_str(HIDDEN);
        let said = talk(address, all.as_bytes()).await;
        let status: Vec<&str> = said
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|one| &one[..3])
            .collect();
        assert_eq!(status, ["400", "200", "400", "400", "200"], "{said}");
    });
}

#[test]
fn a_body_that_is_too_large_is_not_read() {
    with_gateway(Limits::default(), async |client| {
        let (address, _stop) = listening(&client).await;
        let head = "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 999999999999\r\n\r\n";
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(head.as_bytes()).await.expect("writes");
        let piece = vec![b' '; 64 << 10];
        let mut sent = 0;
        while sent < 64 << 20 && stream.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        assert!(sent < 64 << 20, "it was refused long before its end");
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said).await);
        let said = String::from_utf8_lossy(&said);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 413"),
            "{said}"
        );
    });
}
