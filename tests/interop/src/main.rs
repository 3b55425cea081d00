//! `faultline-sealed` beside the real AWS Database Encryption SDK for DynamoDB.
//!
//! ```text
//! faultline-interop LIVE_WORLD check [GOLDEN_FOLDER]   items made by one open with the other
//! faultline-interop LIVE_WORLD figures                 items sealed and opened per second
//! ```

mod beacons;
mod branch;
mod checks;
mod convert;
mod figures;
mod golden;
mod items;
mod keys;
mod real;
mod wire;
mod world;

use std::path::PathBuf;

/// A result whose error is only told.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(program), Some(what)) = (arguments.next(), arguments.next()) else {
        return Err("usage: faultline-interop LIVE_WORLD check|figures [GOLDEN_FOLDER]".into());
    };
    let world = world::World::start(&program).await?;
    match what.as_str() {
        "check" => {
            let folder = arguments.next().map(PathBuf::from);
            let mut told = checks::Told::default();
            checks::all(&world, folder.as_deref(), &mut told).await?;
            branch::all(&world, folder.as_deref(), &mut told).await?;
            beacons::all(&world, folder.as_deref(), &mut told).await?;
            told.finish()
        }
        "figures" => figures::all(&world).await,
        other => Err(format!("{other} is not known").into()),
    }
}
