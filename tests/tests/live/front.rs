//! The front door of a live world, its reset, and TLS on everything.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, TWO, World};

/// Asks over plain HTTP: the status, and what was answered.
fn ask(address: &str, method: &str, path: &str, more: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n"
    );
    drop(stream.write_all(text.as_bytes()));
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said));
    let said = String::from_utf8_lossy(&said).into_owned();
    let status = said.get(9..12).and_then(|text| text.parse().ok());
    (status.unwrap_or(0), said)
}

fn addresses(world: &World) -> (String, String) {
    let status: Value = serde_json::from_str(&world.ok(&["status", "--json"])).expect("JSON");
    let text = |value: &Value| value.as_str().expect("an address").to_owned();
    (text(&status["front"]), text(&status["nodes"][0]["aws"]))
}

#[test]
fn one_door_leads_everywhere_and_back_to_the_beginning() {
    let root = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&root.path().join("world"));
    world.up(&[&TWO[..], &["--allow-reset"]].concat());
    let (front, node) = addresses(&world);
    let health = "/_faultline/health";
    for (address, words) in [
        (&front, "\"regions\":{\"eu-west-1\":\"running\""),
        (&node, "\"region\":\"eu-west-1\""),
    ] {
        let (status, said) = ask(address, "GET", health, "");
        assert_eq!(status, 200, "{said}");
        assert!(
            said.contains(words) && said.contains("\"kms\":\"running\""),
            "{said}"
        );
    }
    let env: Value =
        serde_json::from_str(&world.ok(&["env", "--front", "--format", "json"])).expect("JSON");
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_ENDPOINT_URL_S3",
    ] {
        assert_eq!(env[name], format!("http://{front}"));
    }
    assert!(env.get("AWS_CA_BUNDLE").is_none());

    let list = ["kms.list_keys", "--in", "us-east-1", "--as", "admin"];
    world.call(&["kms.create_key", "--in", "us-east-1", "--as", "admin"]);
    assert_eq!(world.call(&list)["keys"].as_array().map(Vec::len), Some(1));
    world.ok(&["fault", "start", "clock_skew", "in=us-east-1", "offset=-1h"]);
    let reset = "/_faultline/reset";
    for (address, method, path, more, wanted) in [
        (&front, "GET", reset, "", 405),
        (&front, "POST", reset, "origin: http://example.com\r\n", 403),
        (&node, "POST", reset, "", 403),
        (&front, "GET", "/_faultline/nothing", "", 404),
        (&front, "POST", reset, "", 200),
    ] {
        let (status, said) = ask(address, method, path, more);
        assert_eq!(status, wanted, "{said}");
        assert!(
            said.contains("application/json") && !said.contains("<html"),
            "{said}"
        );
    }
    assert_eq!(world.call(&list)["keys"], serde_json::json!([]));
    assert_eq!(world.ok(&["fault", "list"]), "");

    // The same world over TLS, and nobody may reset it now.
    world.ok(&["down"]);
    world.up(&["--tls"]);
    assert_eq!(world.call(&list)["keys"], serde_json::json!([]));
    assert!(world.ok(&["status"]).contains(&format!("https://{front}")));
    let shell = world.ok(&["env", "--front"]);
    assert!(
        shell.contains(&format!("AWS_ENDPOINT_URL='https://{front}'")),
        "{shell}"
    );
    assert!(shell.contains("AWS_CA_BUNDLE='") && shell.contains("NODE_EXTRA_CA_CERTS='"));
    let (status, said) = ask(&front, "GET", health, "");
    assert_eq!(status, 0, "no plain answer: {said}");
    let began = Instant::now();
    while world.ok(&["status"]).matches(" connected,").count() < 2 {
        assert!(began.elapsed() < PATIENCE, "peers do not meet over TLS");
        std::thread::sleep(Duration::from_millis(50));
    }
    world.ok(&["down"]);
    let again = world.run(&["up", "--regions", "eu-west-1", "--tls-cert", "x"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

#[test]
fn a_world_that_kept_no_beginning_is_not_reset() {
    let root = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&root.path().join("world"));
    world.up(&["--regions", "eu-west-1"]);
    let (front, _) = addresses(&world);
    let (status, said) = ask(&front, "POST", "/_faultline/reset", "");
    assert_eq!(status, 403, "{said}");
    assert!(said.contains("--allow-reset"), "{said}");
    world.ok(&["down"]);
    let refused = world.run(&["up", "--allow-reset"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("made without --allow-reset"), "{words}");
    let missing = world.run(&["up", "--tls-cert", "none.pem", "--tls-key", "none.key"]);
    let words = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(words.contains("none.pem"), "{words}");
}
