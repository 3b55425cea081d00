//! `faultline console`: a scenario, or a live world, in a browser.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use axum::Router;
use clap::Args;

use super::live::Where;
use super::{files, out, say};
use crate::console::live::house::House;
use crate::console::server::{Access, guarded};
use crate::console::stage::Stage;
use crate::console::{live, runs};
use crate::exit::Exit;
use crate::live::known::Known;

/// Play a scenario in a browser, and break things by clicking on them; or watch a live world.
///
/// The page has the whole run and plays it forwards and backwards. A click on a link, a Region or
/// a key is a fault with a beginning and an end: its YAML is shown first, the run is made again
/// with it, and all of it can be saved as a scenario.
///
/// With --live the page shows what the nodes of `faultline up` do, and a click breaks them for
/// real, as `faultline fault start` does, until it is healed.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// The scenario.
    #[arg(required_unless_present = "live", conflicts_with = "live")]
    file: Option<PathBuf>,
    /// Watch the live world of `faultline up`, and break it.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    place: Where,
    /// Where to listen. Anything but this machine itself needs the token that is printed.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The port; any free one when 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// What the page is about.
enum Subject {
    Runs(Stage),
    Live(Known),
}

/// Serves until Ctrl-C.
#[must_use]
pub fn console(args: &ConsoleArgs) -> Exit {
    let subject = match &args.file {
        Some(file) => match files::read(file) {
            Ok(source) => Subject::Runs(Stage::new(&source.name, &source.text)),
            Err(problem) => {
                say(&problem);
                return Exit::Usage;
            }
        },
        // Connections need the runtime that is made below.
        None => {
            return finished(block_on(async {
                serve(args, Subject::Live(Known::of(args.place.folder())?)).await
            }));
        }
    };
    finished(block_on(serve(args, subject)))
}

fn block_on(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(work))
}

fn finished(served: Result<(), String>) -> Exit {
    match served {
        Ok(()) => Exit::Passed,
        Err(problem) => {
            say(&problem);
            Exit::Environment
        }
    }
}

/// The routes, for the folder that the program was started in.
fn areas(subject: Subject) -> Router {
    let folder = PathBuf::from(".");
    match subject {
        Subject::Runs(stage) => runs::routes(stage, folder),
        Subject::Live(known) => live::routes::routes(&House::new(known, folder)),
    }
}

async fn serve(args: &ConsoleArgs, subject: Subject) -> Result<(), String> {
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
    let served = axum::serve(listener, guarded(areas(subject), Access { address, token }));
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
