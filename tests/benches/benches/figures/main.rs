//! The project's figures, each beside its aim. Run: `cargo bench -p faultline-benches`, or with
//! words of which one must be in a row's name: `cargo bench -p faultline-benches -- decrypt sled`.
//!
//! Other programs may use the machine: so beside what the wall clock says stands what a second
//! of processor time gave, which is the figure to compare. `count=N` takes exactly N steps a row
//! and no warm-up, for a profiler that counts instructions.

mod bodies;
mod clock;
mod disks;
mod driver;
mod primitives;
mod program;
mod replicating;
mod runs;
mod sealing;
mod steps;
mod table;
mod tables;

use std::process::ExitCode;
use table::Table;

fn main() -> ExitCode {
    if let Some(exit) = program::if_asked() {
        return exit;
    }
    let mut table = Table::from_arguments(std::env::args().skip(1));
    table.head();
    steps::all(&mut table);
    primitives::all(&mut table);
    sealing::all(&mut table);
    runs::all(&mut table);
    bodies::all(&mut table);
    replicating::all(&mut table);
    tables::all(&mut table);
    disks::all(&mut table);
    ExitCode::SUCCESS
}
