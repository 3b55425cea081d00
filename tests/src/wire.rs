//! One live node as a process of its own, and AWS's wire to it by plain sockets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faultline_node::gateway::request::Head;
use faultline_node::gateway::sigv4::sign::Signer;
use faultline_region::signing::secret_access_key;

use crate::program;

/// The root user's access key.
pub const ROOT: &str = "AKIAROOTROOTROOTROOT";
/// The Region.
pub const REGION: &str = "eu-west-1";
/// The partition secret.
pub const SECRET: [u8; 32] = [0x5e; 32];

/// A node that runs until it is dropped.
pub struct Node {
    child: Child,
    /// Where AWS's wire is served.
    pub aws: SocketAddr,
    /// Where gRPC is served.
    pub grpc: SocketAddr,
}

impl Node {
    /// Starts a node alone in its world over the store in `folder`; what it says is appended
    /// to `log.txt` there.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(folder: &Path, log: &str) -> Self {
        Self::launch(Command::new(program::path()), folder, REGION, log, &[])
    }

    /// Starts a node of `region` by `command`, which is the program or runs it, with more
    /// `arguments`.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn launch(
        mut command: Command,
        folder: &Path,
        region: &str,
        log: &str,
        arguments: &[&str],
    ) -> Self {
        let key = folder.join("partition.key");
        std::fs::write(&key, hex::encode(SECRET)).expect("a key");
        let mut options = std::fs::OpenOptions::new();
        let said = options
            .create(true)
            .append(true)
            .open(folder.join("log.txt"));
        let mut child = command
            .args(["node", "--live", "--region", region])
            .arg("--store")
            .arg(folder.join("store"))
            .arg("--root-key")
            .arg(folder.join("root.key"))
            .arg("--partition-key")
            .arg(key)
            .args(["--account", &format!("111111111111={ROOT}")])
            .args(arguments)
            .env("FAULTLINE_LOG", log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said.expect("a log"))
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = |name: &str| {
            let part = line.split_whitespace().find_map(|it| it.strip_prefix(name));
            part.and_then(|it| it.parse().ok())
                .unwrap_or_else(|| panic!("not ready: {line:?}"))
        };
        Self {
            aws: address("aws="),
            grpc: address("grpc="),
            child,
        }
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `KILL`.
    ///
    /// # Panics
    /// When it is not there.
    pub fn signal(&self, name: &str) {
        let id = self.process().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within 20 seconds.
    pub fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a node answered.
#[derive(Debug)]
pub struct Got {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Got {
    /// The text of the first XML element of this name.
    #[must_use]
    pub fn element(&self, name: &str) -> String {
        let rest = self.body.split(&format!("<{name}>")).nth(1);
        let text = rest.and_then(|rest| rest.split("</").next());
        text.unwrap_or_default().to_owned()
    }
}

/// A request before it is signed.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// `PUT`.
    pub method: &'a str,
    /// Path and query.
    pub uri: &'a str,
    /// Headers beside host, length and signature.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The root user's signatures for a service.
#[must_use]
pub fn root(service: &str) -> Signer {
    Signer {
        access_key: ROOT.into(),
        secret_access_key: secret_access_key(&SECRET, ROOT).to_string(),
        session_token: String::new(),
        region: REGION.into(),
        service: service.into(),
    }
}

/// The bytes of a signed request's head.
///
/// # Panics
/// When it is no request.
#[must_use]
pub fn head(signer: &Signer, asked: &Asked<'_>) -> String {
    let mut request = http::Request::builder()
        .method(asked.method)
        .uri(asked.uri)
        .header("host", "localhost")
        .header("content-length", asked.body.len());
    for (name, value) in asked.headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| it.as_secs());
    let mut head = Head::new(parts, IpAddr::V4(Ipv4Addr::LOCALHOST), false);
    signer.sign_body(&mut head, asked.body, i64::try_from(now).expect("a time"));
    let mut text = format!(
        "{} {} HTTP/1.1\r\nconnection: close\r\n",
        asked.method, asked.uri
    );
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
    }
    text.push_str("\r\n");
    text
}

/// Asks, and reads the answer to its end; `None` when the connection broke before.
#[must_use]
pub fn ask(to: SocketAddr, signer: &Signer, asked: &Asked<'_>) -> Option<Got> {
    let mut stream = TcpStream::connect(to).ok()?;
    stream.write_all(head(signer, asked).as_bytes()).ok()?;
    stream.write_all(asked.body).ok()?;
    heard(&mut stream)
}

/// Reads an answer to its end; `None` when there is none, or not all of it.
#[must_use]
pub fn heard(stream: &mut TcpStream) -> Option<Got> {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Got {
        status,
        body: body.to_owned(),
    })
}

/// A JSON call of `service` (`TrentService`, say) that must be answered.
///
/// # Panics
/// When it is refused.
#[must_use]
pub fn json(
    node: &Node,
    signer: &Signer,
    target: &str,
    body: &serde_json::Value,
) -> serde_json::Value {
    let body = body.to_string();
    let asked = Asked {
        method: "POST",
        uri: "/",
        headers: &[
            ("x-amz-target", target),
            ("content-type", "application/x-amz-json-1.1"),
        ],
        body: body.as_bytes(),
    };
    let got = ask(node.aws, signer, &asked).expect("an answer");
    assert_eq!(got.status, 200, "{target}: {got:?}");
    serde_json::from_str(&got.body).expect("JSON")
}

/// A folder of a test's node.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().to_owned();
    (root, path)
}
