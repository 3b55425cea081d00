//! The coordinator: scenarios, virtual time, order, faults, journal and reports.
//!
//! It owns what a Region does not: time ([`clock`], [`queue`]), chance ([`seed`]), the
//! network ([`network`]) and what goes wrong on purpose ([`faults`]). What is to happen
//! comes from [`scenario`]; what happened is in the [`journal`] and nowhere else. [`decide`]
//! answers policy questions outside of any run; [`labs`] teaches, [`console`] shows, [`shell`]
//! writes a scenario as commands.

pub mod campaign;
pub mod cli;
pub mod clock;
pub mod console;
pub mod decide;
pub mod exit;
pub mod explain;
pub mod faults;
pub mod journal;
pub mod labs;
pub mod live;
pub mod network;
pub mod oracles;
pub mod otlp;
pub mod queue;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod seed;
pub mod shell;
pub mod sim;
pub mod trace_context;
pub mod transport;
