//! `faultline console`: a scenario in a browser.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::{files, out, say};
use crate::console::runs::routes;
use crate::console::server::{Access, guarded};
use crate::console::stage::Stage;
use crate::exit::Exit;

/// Play a scenario in a browser, and break things by clicking on them.
///
/// The page has the whole run and plays it forwards and backwards. A click on a link, a Region or
/// a key is a fault with a beginning and an end: its YAML is shown first, the run is made again
/// with it, and all of it can be saved as a scenario.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// The scenario.
    file: PathBuf,
    /// Where to listen. Anything but this machine itself needs the token that is printed.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The port; any free one when 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until Ctrl-C.
#[must_use]
pub fn console(args: &ConsoleArgs) -> Exit {
    let source = match files::read(&args.file) {
        Ok(source) => source,
        Err(problem) => {
            say(&problem);
            return Exit::Usage;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            let stage = Stage::new(&source.name, &source.text);
            runtime.block_on(serve(args, stage))
        });
    match served {
        Ok(()) => Exit::Passed,
        Err(problem) => {
            say(&problem);
            Exit::Environment
        }
    }
}

async fn serve(args: &ConsoleArgs, stage: Stage) -> Result<(), String> {
    let wanted = SocketAddr::new(args.listen, args.port);
    let listener = tokio::net::TcpListener::bind(wanted);
    let listener = listener
        .await
        .map_err(|error| format!("{wanted}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let token = if address.ip().is_loopback() {
        None
    } else {
        Some(secret()?)
    };
    let query = token.as_ref().map(|token| format!("?token={token}"));
    out(&format!("http://{address}/{}\n", query.unwrap_or_default()));
    say("open it in a browser; Ctrl-C ends it");
    let folder = PathBuf::from(".");
    let areas = routes(stage, folder);
    let served = axum::serve(listener, guarded(areas, Access { address, token }));
    tokio::select! {
        served = served.into_future() => served.map_err(|error| error.to_string()),
        // Nothing is under way that would have to end: a page hears of it by its stream.
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// What nobody can guess, for pages from elsewhere.
fn secret() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no token can be made: {error}"))?;
    Ok(hex::encode(bytes))
}
