//! What a live Region is told at its start.
//!
//! The seed is 32 bytes from the operating system, drawn anew at every start and never
//! stored, so no (key, nonce) pair recurs whatever a crash took back. The root secret, which
//! opens what the store holds sealed, is another thing and must be kept.

use faultline_proto::driving::{Account, Settings, Start};
use faultline_proto::names::RegionName;

use crate::node::NodeError;

/// A live Region's own facts and secrets.
#[derive(Clone)]
pub struct LiveStart {
    /// The Region it is.
    pub region: RegionName,
    /// All Regions of the world.
    pub regions: Vec<RegionName>,
    /// Region that owns the partition directory.
    pub home: RegionName,
    /// Accounts and the access keys of their root users.
    pub accounts: Vec<Account>,
    /// What the world tunes.
    pub settings: Settings,
    /// Grows when a store was restored from a copy; peers then know that its streams count anew.
    pub epoch: u64,
    /// 32 bytes that all Regions of the world share.
    pub partition_secret: Vec<u8>,
    /// 32 bytes under which this Region seals what it keeps.
    pub root_secret: Vec<u8>,
}

impl LiveStart {
    /// The first input of a process, with a fresh seed.
    ///
    /// # Errors
    /// [`NodeError::System`] when the operating system has no random bytes.
    pub(crate) fn input(&self) -> Result<Start, NodeError> {
        Ok(Start {
            region: self.region.to_string(),
            regions: self.regions.iter().map(ToString::to_string).collect(),
            home: self.home.to_string(),
            accounts: self.accounts.clone(),
            seed: random::<32>()?.to_vec(),
            epoch: self.epoch,
            settings: Some(self.settings.clone()),
            partition_secret: self.partition_secret.clone(),
            root_secret: self.root_secret.clone(),
        })
    }
}

impl std::fmt::Debug for LiveStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveStart")
            .field("region", &self.region)
            .field("regions", &self.regions)
            .field("home", &self.home)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Bytes from the operating system.
///
/// # Errors
/// [`NodeError::System`] when it has none.
pub fn random<const N: usize>() -> Result<[u8; N], NodeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NodeError::System {
        doing: "draw random bytes".to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(bytes)
}
