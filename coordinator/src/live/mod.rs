//! Live worlds from the outside: their folder, their processes, and how to ask them.
//!
//! - [`folder`]: what a world on disk consists of; [`saved`]: what is written about it.
//! - [`supervisor`]: one process a Region, started, watched, started again, and stopped.
//! - [`logs`]: what nodes say, in files of a bounded size.
//! - [`client`]: signed calls and the operator's questions over gRPC.
//! - [`transport`]: the simulator's way to live nodes: it sets worlds up, paced by real time.
//! - [`certificates`]: TLS. [`entrance`]: the front door. [`beginning`]: how a world is reset.
//! - [`run`]: a scenario on live nodes; [`refusals`]: what of it cannot be; [`conditions`]: its network.
//! - [`trouble`]: faults on live nodes; [`acting`]: starting and healing them;
//!   [`as_scenario`](mod@as_scenario): as a scenario writes them.
//! - [`known`]: a world as its operator knows it.

pub mod acting;
pub mod as_scenario;
pub mod beginning;
pub mod certificates;
pub mod client;
pub mod conditions;
pub mod entrance;
pub mod folder;
pub mod known;
pub mod logs;
pub mod refusals;
pub mod run;
pub mod saved;
pub mod supervisor;
pub mod transport;
pub mod trouble;
