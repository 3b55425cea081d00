//! Real sockets: limits, slow clients, and one port for all Regions.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::front::Front;
use super::super::server;
use super::*;

/// A listening entrance, and what stops it.
pub(super) async fn listening(client: &Client) -> (std::net::SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = client.gateway.clone();
    tokio::spawn(server::run(gateway, listener, None, async move {
        drop(stopped.await);
    }));
    (address, stop)
}

/// Sends bytes and reads until the other end closes.
pub(super) async fn talk(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    drop(stream.write_all(bytes).await);
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    read.expect("closes in time").ok();
    String::from_utf8_lossy(&said).into_owned()
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
fn a_trickle_that_never_pauses_is_too_slow_as_well() {
    let limits = Limits {
        body_pause: Duration::from_millis(300),
        slowest: 1000,
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let (address, _stop) = listening(&client).await;
        for head in [
            "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 500\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ntransfer-encoding: chunked\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            stream.write_all(head.as_bytes()).await.expect("writes");
            let (mut read, mut write) = stream.into_split();
            let trickle = tokio::spawn(async move {
                while write.write_all(b"1\r\nx\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
            });
            let mut said = [0; 12];
            let heard = tokio::time::timeout(Duration::from_secs(5), read.read_exact(&mut said));
            heard
                .await
                .expect("is refused in time")
                .expect("is refused");
            assert_eq!(&said, b"HTTP/1.1 408");
            trickle.abort();
        }
    });
}

#[test]
fn a_client_that_does_not_read_loses_its_connection() {
    let limits = Limits {
        write_pause: Duration::from_millis(200),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        // Small buffers, so that little is under way.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(4096).expect("a small buffer");
        let any = "127.0.0.1:0".parse().expect("an address");
        socket.bind(any).expect("a port");
        let listener = socket.listen(8).expect("listens");
        let address = listener.local_addr().expect("an address");
        let (_stop, stopped) = oneshot::channel::<()>();
        let gateway = client.gateway.clone();
        tokio::spawn(server::run(gateway, listener, None, async move {
            drop(stopped.await);
        }));
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut stream = socket.connect(address).await.expect("connects");
        // Each answer is some hundred bytes; nobody reads them.
        let one = "POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 2\r\n\r\n{}";
        let many = one.repeat(2000);
        let ended = async { while stream.write_all(many.as_bytes()).await.is_ok() {} };
        let waited = tokio::time::timeout(Duration::from_secs(10), ended).await;
        waited.expect("the connection ends");
    });
}

#[test]
fn connections_beyond_the_limit_wait_and_those_that_say_nothing_end() {
    let limits = Limits {
        connections: 2,
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let (address, _stop) = listening(&client).await;
        let mut idle = Vec::new();
        for _ in 0..2 {
            idle.push(TcpStream::connect(address).await.expect("connects"));
        }
        let asked = b"GET /_faultline/health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let began = std::time::Instant::now();
        let said = talk(address, asked).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        assert!(
            began.elapsed() >= Duration::from_millis(200),
            "it waited for a place"
        );
    });
}

#[test]
fn requests_take_no_more_memory_than_there_is_for_them() {
    let limits = Limits {
        memory: 10_000,
        requests_per_second: Some(8),
        ..Limits::default()
    };
    with_gateway(limits, async |client| {
        let large = format!("{{\"Marker\":\"{}\"}}", "x".repeat(20_000));
        let refused = client.kms("ListKeys", &large).await.refused();
        assert_eq!(refused, (400, "ThrottlingException".into()));
        assert_eq!(client.kms("ListKeys", "{}").await.status, 200, "given back");
        let mut refused = 0;
        for _ in 0..20 {
            refused += u32::from(client.kms("ListKeys", "{}").await.status != 200);
        }
        assert!(refused >= 5, "{refused} of 20 were more than 8 a second");
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
            tls: None,
            reset: None,
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
