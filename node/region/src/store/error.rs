//! Every way a store says no.
//!
//! None of these is an answer to a client: a Region whose store fails stops, and says why.

/// Why a store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Something was there and is not what was written.
    #[error("the store is damaged at {place}: {what}")]
    Damaged {
        /// The keyspace and key in hexadecimal digits, or the file.
        place: String,
        /// What is wrong, and what can be done about it.
        what: String,
    },
    /// What is there was not written by us, or belongs to another Region.
    #[error("{place} is not this Region's store: {what}")]
    Foreign {
        /// The folder.
        place: String,
        /// What was found there, and what can be done about it.
        what: String,
    },
    /// A later version of Faultline wrote it.
    #[error(
        "{place} was written by a newer Faultline (format {found}, this one knows {known}): start it with that version, or begin with an empty folder"
    )]
    Newer {
        /// The folder, or keyspace and key.
        place: String,
        /// The version found.
        found: u32,
        /// The newest version that we read.
        known: u32,
    },
    /// Somebody else has it open.
    #[error("{place} is in use: another node has it open; stop that one first")]
    InUse {
        /// The folder.
        place: String,
    },
    /// The disk refused.
    #[error("the disk refused to {doing}: {what}")]
    Disk {
        /// What was tried: "read a row", "flush".
        doing: &'static str,
        /// The words of the system.
        what: String,
    },
}

impl StoreError {
    /// A damaged row, named by its keyspace and the bytes of its key.
    #[must_use]
    pub fn damaged_row(keyspace: &str, key: &[u8], what: impl Into<String>) -> Self {
        Self::Damaged {
            place: format!("{keyspace} {}", hex::encode(key)),
            what: what.into(),
        }
    }
}
