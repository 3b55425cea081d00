//! Real sockets: limits, slow clients, smuggled requests, and one port for all Regions.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::front::Front;
use super::super::server;
use super::*;

/// A listening entrance, and what stops it.
async fn listening(client: &Client) -> (std::net::SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = client.gateway.clone();
    tokio::spawn(server::run(gateway, listener, async move {
        drop(stopped.await);
    }));
    (address, stop)
}

/// Sends bytes and reads until the other end closes.
async fn talk(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    drop(stream.write_all(bytes).await);
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    read.expect("closes in time").ok();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn smuggled_requests_are_refused() {
    with_gateway(Limits::default(), async |client| {
        let (address, _stop) = listening(&client).await;
        for bad in [
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length : 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        ] {
            let said = talk(address, bad.as_bytes()).await;
            assert!(
                said.starts_with("HTTP/1.1 400") || said.is_empty(),
                "{bad:?}: {said}"
            );
            assert_eq!(
                said.matches("HTTP/1.1").count(),
                usize::from(!said.is_empty())
            );
        }
        // A length beside chunks: the length counts for nothing, and the connection ends.
        let both = "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /_faultline/health HTTP/1.1\r\nhost: h\r\n\r\n";
        let said = talk(address, both.as_bytes()).await;
        assert!(
            !said.contains("\"ok\""),
            "the second request is not served: {said}"
        );
    });
}

#[test]
fn heads_and_slow_clients_have_limits() {
    let limits = Limits {
        headers: 8192,
        header_count: 20,
        head_time: Duration::from_millis(300),
        body_pause: Duration::from_millis(300),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let (address, _stop) = listening(&client).await;
        let many: String = (0..40).map(|n| format!("x-{n}: y\r\n")).collect();
        let said = talk(
            address,
            format!("GET / HTTP/1.1\r\nhost: h\r\n{many}\r\n").as_bytes(),
        )
        .await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
        let long = format!(
            "GET / HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n",
            "y".repeat(20_000)
        );
        let said = talk(address, long.as_bytes()).await;
        assert!(
            said.starts_with("HTTP/1.1 431") || said.is_empty(),
            "{said}"
        );
        let said = talk(address, b"GET / HTTP/1.1\r\nhost: h\r\n").await;
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 408"),
            "{said}"
        );
        let slow = "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 10\r\n\r\n{";
        let said = talk(address, slow.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
        assert!(said.contains("RequestTimeout"), "{said}");
    });
}

#[test]
fn one_port_serves_all_regions_by_the_scope() {
    with_gateway(Limits::default(), async |client| {
        let (address, _stop) = listening(&client).await;
        let front = Front {
            nodes: BTreeMap::from([(ireland(), address)]),
            home: ireland(),
            limits: Limits::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let door = listener.local_addr().expect("an address");
        tokio::spawn(front.run(listener, std::future::pending()));
        let request = kms("ListKeys", "{}");
        let (parts, _) = request.into_parts();
        let mut head = Head::new(parts, IpAddr::V4(Ipv4Addr::LOCALHOST), false);
        client
            .signer("kms")
            .sign_body(&mut head, b"{}", client.now());
        let mut text = "POST / HTTP/1.1\r\nconnection: close\r\n".to_owned();
        for (name, value) in &head.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
        }
        text.push_str("\r\n{}");
        let said = talk(door, text.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        assert!(
            said.ends_with("{\"Keys\":[],\"Truncated\":false}") || said.contains("\"Keys\":[]"),
            "{said}"
        );
    });
}

#[test]
fn stopping_finishes_what_was_begun() {
    with_gateway(Limits::default(), async |client| {
        let (address, stop) = listening(&client).await;
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let begun = "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 2\r\n\r\n{";
        stream.write_all(begun.as_bytes()).await.expect("writes");
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(stop);
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"}").await.expect("still open");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.expect("answers");
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(
            said.contains("MissingAuthenticationTokenException"),
            "{said}"
        );
        assert!(
            TcpStream::connect(address).await.is_err(),
            "nobody listens any more"
        );
    });
}
