//! Keyrings by what they are of, for the library and for `faultline-sealed`.

use faultline_proto::names::RegionName;
use faultline_sealed::{
    BranchKeyCache, BranchKeyId, Hierarchy, KeyStore, Keyring, KmsConfiguration, TableAt,
};

use crate::Fallible;
use crate::world::{KEYS, World};

/// The branch key of all items.
pub const BRANCH: &str = "tenant-a";
/// The logical name of the key store.
pub const STORE: &str = "branch-keys";

/// A keyring.
#[derive(Debug, Clone, Copy)]
pub enum Keys {
    Mrk(&'static str),
    Single(&'static str),
    MrkDiscovery(&'static str),
    Discovery(&'static str),
    Several(&'static [Keys]),
    Branch(&'static str),
}

pub fn store(world: &World, region: &str) -> Fallible<KeyStore> {
    Ok(KeyStore {
        table: TableAt {
            region: RegionName::new(region)?,
            name: KEYS.to_owned(),
        },
        logical_name: STORE.to_owned(),
        kms: KmsConfiguration::MrkArn(world.mrk[region].parse()?),
    })
}

/// A keyring of this crate.
pub fn keyring(world: &World, keys: &Keys) -> Fallible<Keyring> {
    Ok(match keys {
        Keys::Mrk(region) => Keyring::KmsMrk(world.mrk[region].parse()?),
        Keys::Single(region) => Keyring::Kms(world.single[region].parse()?),
        Keys::MrkDiscovery(region) => Keyring::MrkDiscovery {
            region: RegionName::new(*region)?,
            accounts: Default::default(),
        },
        Keys::Discovery(region) => Keyring::Discovery {
            region: RegionName::new(*region)?,
            accounts: Default::default(),
        },
        Keys::Several(all) => {
            let mut keyrings = Vec::new();
            for keys in *all {
                keyrings.push(keyring(world, keys)?);
            }
            let children = keyrings.split_off(1);
            Keyring::multi(keyrings.remove(0), children)?
        }
        Keys::Branch(region) => Keyring::Hierarchy(Hierarchy {
            store: store(world, region)?,
            branch_key: BranchKeyId::Fixed(BRANCH.to_owned()),
            time_to_live: 600,
            cache: BranchKeyCache::default(),
        }),
    })
}
