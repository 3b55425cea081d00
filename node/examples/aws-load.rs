//! Signed AWS requests as fast as a server answers them: a client that is not the bottleneck.
//!
//! ```sh
//! cargo run --release -p faultline-node --example aws-load -- ENDPOINT REGION ACCESS_KEY SECRET WHAT TARGET CLIENTS SECONDS
//! ```
//!
//! `WHAT` is `kms-encrypt` or `kms-data-key` (TARGET a key id), `s3-put` or `s3-put-large`
//! (TARGET `bucket/key-id`; 64 KiB and 8 MiB under SSE-KMS), or `dynamodb-put` (TARGET a table
//! with the hash key `pk`; 1 KiB). Each client has one connection and one request under way.
//! Prints JSON.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use faultline_node::gateway::request::Head;
use faultline_node::gateway::sigv4::sign::Signer;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone)]
struct Plan {
    host: String,
    signer: Signer,
    what: String,
    target: String,
}

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [
        endpoint,
        region,
        access_key,
        secret,
        what,
        target,
        clients,
        seconds,
    ] = arguments
        .try_into()
        .map_err(|_| "eight arguments: see the head of this file")?;
    let service = what.split('-').next().unwrap_or_default().to_owned();
    let plan = Plan {
        host: endpoint.trim_start_matches("http://").to_owned(),
        signer: Signer {
            access_key,
            secret_access_key: secret,
            session_token: String::new(),
            region,
            service,
        },
        what,
        target,
    };
    let clients: usize = clients.parse()?;
    let life = Duration::from_secs_f64(seconds.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut times, elapsed, errors, example) = runtime.block_on(async {
        let start = Instant::now();
        let running: Vec<_> = (0..clients)
            .map(|number| tokio::spawn(client(plan.clone(), number, start + life)))
            .collect();
        let (mut times, mut errors, mut example) = (Vec::new(), 0, None);
        for one in running {
            let (more, failed, last) = one.await??;
            times.extend(more);
            errors += failed;
            example = example.or(last);
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((times, start.elapsed(), errors, example))
    })?;
    times.sort();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{}",
        serde_json::json!({
            "requests": times.len(),
            "errors": errors,
            "example": example,
            "per_second": times.len() as f64 / elapsed.as_secs_f64(),
            "p50_us": at(50),
            "p99_us": at(99),
        })
    );
    Ok(())
}

async fn client(
    plan: Plan,
    number: usize,
    end: Instant,
) -> Fallible<(Vec<Duration>, u64, Option<String>)> {
    let mut sender = connect(&plan.host).await?;
    let (mut times, mut errors, mut example) = (Vec::new(), 0, None);
    let mut turn = 0;
    while Instant::now() < end {
        let request = plan.request(number, turn)?;
        turn += 1;
        let start = Instant::now();
        if sender.ready().await.is_err() {
            sender = connect(&plan.host).await?;
        }
        let response = sender.send_request(request).await?;
        let good = response.status().is_success();
        let body = response.into_body().collect().await?.to_bytes();
        if good {
            times.push(start.elapsed());
        } else {
            errors += 1;
            example.get_or_insert_with(|| String::from_utf8_lossy(&body).into_owned());
        }
    }
    Ok((times, errors, example))
}

async fn connect(host: &str) -> Fallible<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

impl Plan {
    fn request(&self, client: usize, turn: usize) -> Fallible<Request<Full<Bytes>>> {
        let json = |target: &str, version: &str, body: String| {
            Request::post("/")
                .header("x-amz-target", target)
                .header("content-type", format!("application/x-amz-json-{version}"))
                .body(Bytes::from(body))
        };
        let key = &self.target;
        let request = match self.what.as_str() {
            "kms-encrypt" => {
                let plaintext = "A".repeat(1024 / 3 * 4);
                let body = format!("{{\"KeyId\":\"{key}\",\"Plaintext\":\"{plaintext}\"}}");
                json("TrentService.Encrypt", "1.1", body)
            }
            "kms-data-key" => {
                let body = format!("{{\"KeyId\":\"{key}\",\"KeySpec\":\"AES_256\"}}");
                json("TrentService.GenerateDataKey", "1.1", body)
            }
            "dynamodb-put" => {
                let value = "v".repeat(1000);
                let body = format!(
                    "{{\"TableName\":\"{key}\",\"Item\":{{\"pk\":{{\"S\":\"{client}-{turn}\"}},\"v\":{{\"S\":\"{value}\"}}}}}}"
                );
                json("DynamoDB_20120810.PutItem", "1.0", body)
            }
            "s3-put" | "s3-put-large" => {
                let length = if self.what == "s3-put" {
                    64 << 10
                } else {
                    8 << 20
                };
                let (bucket, key) = self.target.split_once('/').ok_or("bucket/key")?;
                Request::put(format!("/{bucket}/{client}-{}", turn % 64))
                    .header("x-amz-server-side-encryption", "aws:kms")
                    .header("x-amz-server-side-encryption-aws-kms-key-id", key)
                    .body(Bytes::from(vec![b'o'; length]))
            }
            other => return Err(format!("{other} is not known").into()),
        }?;
        let (mut parts, body) = request.into_parts();
        parts.headers.insert("host", self.host.parse()?);
        let mut head = Head::new(parts.clone(), std::net::Ipv4Addr::LOCALHOST.into(), false);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        self.signer.sign_body(&mut head, &body, i64::try_from(now)?);
        parts.headers = head.headers;
        Ok(Request::from_parts(parts, Full::new(body)))
    }
}
