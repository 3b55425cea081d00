//! `faultline console`: a scenario, a live world, or labs, in a browser.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::Router;
use clap::Args;

use super::live::Where;
use super::{files, out, say};
use crate::console::labs::house::House as LabHouse;
use crate::console::labs::routes::routes as lab_routes;
use crate::console::live::house::House;
use crate::console::server::{Access, guarded};
use crate::console::stage::Stage;
use crate::console::{live, runs};
use crate::exit::Exit;
use crate::labs::progress::Progress;
use crate::live::known::Known;

/// Play a scenario in a browser, and break things by clicking on them; or watch a live world, or
/// work through labs.
///
/// The page has the whole run and plays it forwards and backwards. A click on a link, a Region or
/// a key is a fault with a beginning and an end: its YAML is shown first, the run is made again
/// with it, and all of it can be saved as a scenario.
///
/// With --live the page shows what the nodes of `faultline up` do, and a click breaks them for
/// real, as `faultline fault start` does, until it is healed.
///
/// With --labs the page has the labs of `faultline lab`: task, editor, checks and map side by side.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// The scenario.
    #[arg(required_unless_present_any = ["live", "labs"], conflicts_with_all = ["live", "labs"])]
    file: Option<PathBuf>,
    /// Watch the live world of `faultline up`, and break it.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    place: Where,
    /// Work through labs, each in a folder of its own in this one; or in a lab's folder, that lab.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".", conflicts_with = "live")]
    labs: Option<PathBuf>,
    /// A folder of labs, instead of those that come with the program.
    #[arg(long, requires = "labs")]
    course: Option<PathBuf>,
    #[command(flatten)]
    listen: Listen,
}

/// Where a page is served.
#[derive(Debug, Args)]
pub(super) struct Listen {
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
    // What is saved goes where the program was started.
    let folder = PathBuf::from(".");
    if let Some(root) = &args.labs {
        return match labs(root, args.course.as_deref()) {
            Ok(house) => serve(&args.listen, lab_routes(house)),
            Err(problem) => refuse(&problem),
        };
    }
    match &args.file {
        Some(file) => match files::read(file) {
            Ok(source) => {
                let stage = Stage::new(&source.name, &source.text);
                serve(&args.listen, runs::routes(stage, folder))
            }
            Err(problem) => refuse(&problem),
        },
        // Connections need the runtime that is made below.
        None => finished(block_on(async {
            let house = House::new(Known::of(args.place.folder())?, folder);
            listening(&args.listen, live::routes::routes(&house)).await
        })),
    }
}

/// Labs in a folder; a learner's folder knows its course.
fn labs(root: &Path, course: Option<&Path>) -> Result<LabHouse, String> {
    let known = Progress::read(root).ok().and_then(|it| it.course);
    let known = known.map(|course| root.join(course));
    LabHouse::new(root.to_owned(), course.or(known.as_deref()), None)
}

fn refuse(problem: &str) -> Exit {
    say(problem);
    Exit::Usage
}

/// Serves a page until Ctrl-C.
pub(super) fn serve(listen: &Listen, areas: Router) -> Exit {
    finished(block_on(listening(listen, areas)))
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

async fn listening(listen: &Listen, areas: Router) -> Result<(), String> {
    let wanted = SocketAddr::new(listen.listen, listen.port);
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
