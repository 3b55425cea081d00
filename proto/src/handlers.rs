//! Per service: a request enum, a handler trait, a dispatch. Generated.

use crate::progress::Progress;
use crate::registry;
use crate::tables::OperationDef;

/// A request message knows its operation and the type of its answer.
pub trait Operation: prost::Message + Default {
    /// `kms.Encrypt`.
    const ID: &'static str;
    /// Type of the answer.
    type Response: prost::Message + Default;
    /// The operation's tables.
    fn def() -> &'static OperationDef;
}

fn encoded<T: prost::Message>(progress: Progress<T>) -> Progress<Vec<u8>> {
    progress.map(|answer| answer.encode_to_vec())
}

#[expect(
    clippy::large_enum_variant,
    clippy::too_many_lines,
    reason = "a request is made once and moved into its handler; one arm an operation"
)]
mod generated {
    use super::{Operation, OperationDef, Progress, encoded, registry};

    include!(concat!(env!("OUT_DIR"), "/handlers.rs"));
}
pub use generated::*;
