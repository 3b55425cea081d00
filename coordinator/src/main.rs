//! The `faultline` program.

use std::process::ExitCode;

/// A run makes and drops millions of small things: a third of its time went to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    faultline::cli::main()
}
