//! Every row that EC2 stores.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use crate::caller::CallerRow;

/// How content is encrypted: a data key under a KMS key (EBS-001).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// ARN of the KMS key.
    pub key: String,
    /// Whether it is an AWS managed key.
    pub managed: bool,
    /// KMS's ciphertext of the data key.
    pub data_key: Vec<u8>,
    /// Value of `aws:ebs:id` that it is bound to (EBS-004).
    pub bound: String,
}

/// A grant that EC2 made and must retire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// ARN of the key.
    pub key: String,
    /// Grant id.
    pub id: String,
    /// Account and session name of the infrastructure that it was made for.
    pub grantee: (AccountId, String),
}

/// Tags by name.
pub type Tags = BTreeMap<String, String>;

/// How far a volume is (EBS-010).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeState {
    /// Being made.
    Creating,
    /// Ready.
    Available,
    /// Attached.
    InUse,
    /// Its key was refused (EBS-007).
    Error,
    /// Being deleted.
    Deleting,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeRow {
    /// Account that owns it.
    pub owner: AccountId,
    /// Who made it: attaching asks KMS on this one's behalf.
    pub creator: CallerRow,
    /// GiB.
    pub size: i32,
    /// Kind of volume.
    pub kind: String,
    /// Operations a second.
    pub iops: Option<i32>,
    /// MiB a second.
    pub throughput: Option<i32>,
    /// Zone.
    pub zone: String,
    /// Snapshot that it was made of.
    pub snapshot: Option<String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// How far it is.
    pub state: VolumeState,
    /// Why its key was refused, if it was.
    pub refused: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The key as far as it is known.
    pub key: Option<String>,
    /// Its data key, once KMS made it.
    pub sealing: Option<Sealing>,
    /// Bytes of content.
    pub length: u64,
    /// The instance that uses it.
    pub attachment: Option<Attachment>,
    /// Tags.
    pub tags: Tags,
}

/// A volume at an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The instance.
    pub instance: String,
    /// Name of the device.
    pub device: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Whether the volume goes with the instance.
    pub delete_on_termination: bool,
}

/// How far a snapshot is (EBS-017).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotState {
    /// Being made.
    Pending,
    /// Done.
    Completed,
    /// Failed.
    Error,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotRow {
    /// Account that owns it.
    pub owner: AccountId,
    /// Volume, or vol-ffffffff for a copy (EBS-024).
    pub volume: String,
    /// GiB.
    pub size: i32,
    /// Free text.
    pub description: String,
    /// Milliseconds since 1970.
    pub started: i64,
    /// Milliseconds since 1970.
    pub completed: Option<i64>,
    /// Microseconds since the run began: when it began, and when it is to be done.
    pub span: (u64, u64),
    /// How far it is.
    pub state: SnapshotState,
    /// Why it failed.
    pub message: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The key as far as it is known.
    pub key: Option<String>,
    /// Its data key.
    pub sealing: Option<Sealing>,
    /// Bytes of content.
    pub length: u64,
    /// Accounts that may make volumes of it.
    pub shared_with: BTreeSet<AccountId>,
    /// Whether everybody may.
    pub public: bool,
    /// Tags.
    pub tags: Tags,
    /// Where it was copied from: Region and snapshot.
    pub copied_from: Option<(RegionName, String)>,
    /// Image whose copy waits for it.
    pub for_image: Option<String>,
}

/// How far an image is (EBS-040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageState {
    /// Its snapshots are being copied.
    Pending,
    /// Ready.
    Available,
    /// A copy failed.
    Failed,
    /// Nobody may launch it until it is enabled.
    Disabled,
}

/// A device of an image or launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Name.
    pub name: String,
    /// Snapshot behind it; `None` is an empty volume.
    pub snapshot: Option<String>,
    /// GiB, when given.
    pub size: Option<i32>,
    /// Kind of volume, when given.
    pub kind: Option<String>,
    /// Operations a second.
    pub iops: Option<i32>,
    /// MiB a second.
    pub throughput: Option<i32>,
    /// Whether it is encrypted, when given.
    pub encrypted: Option<bool>,
    /// Its key, when given.
    pub key: Option<String>,
    /// Whether the volume goes with the instance.
    pub delete_on_termination: bool,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Account that owns it.
    pub owner: AccountId,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Processor architecture.
    pub architecture: String,
    /// Device that the system starts from.
    pub root_device: Option<String>,
    /// hvm or paravirtual.
    pub virtualization: String,
    /// Whether enhanced networking works.
    pub ena: Option<bool>,
    /// Devices.
    pub devices: Vec<Device>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// How far it is.
    pub state: ImageState,
    /// Why it failed.
    pub reason: Option<String>,
    /// Accounts that may launch it.
    pub shared_with: BTreeSet<AccountId>,
    /// Whether everybody may.
    pub public: bool,
    /// Where it was copied from: Region and image.
    pub copied_from: Option<(RegionName, String)>,
    /// Tags.
    pub tags: Tags,
}

/// How far an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    /// Being launched.
    Pending,
    /// Runs.
    Running,
    /// Gone.
    Terminated,
    /// Being stopped.
    Stopping,
    /// Stopped: its hosts know no keys.
    Stopped,
    /// Being ended.
    ShuttingDown,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceRow {
    /// Account that owns it.
    pub owner: AccountId,
    /// Who launched it.
    pub launcher: CallerRow,
    /// The launch that it belongs to.
    pub reservation: String,
    /// Number in the launch.
    pub index: i32,
    /// Image.
    pub image: String,
    /// Kind of instance.
    pub kind: String,
    /// Zone.
    pub zone: String,
    /// Processor architecture.
    pub architecture: String,
    /// Device that the system starts from.
    pub root_device: Option<String>,
    /// hvm or paravirtual.
    pub virtualization: String,
    /// Role of the instance.
    pub profile: Option<String>,
    /// Milliseconds since 1970.
    pub launched: i64,
    /// How far it is.
    pub state: InstanceState,
    /// Why: code and message.
    pub reason: Option<(String, String)>,
    /// What it is to have.
    pub devices: Vec<Device>,
    /// Volumes by device, once they are attached.
    pub volumes: BTreeMap<String, String>,
    /// Client token.
    pub token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// The plaintext data key of an attached volume, as its host holds it (EBS-001, EBS-006).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// The data key, sealed under the Region's own key.
    pub data_key: Vec<u8>,
    /// The grant for as long as it is attached.
    pub grant: GrantRow,
}

/// A snapshot that another Region reads: its own references to the blocks, so that a deletion
/// does not disturb the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// The data key, sealed under the Region's own key; `None` for clear content.
    pub data_key: Option<Vec<u8>>,
    /// The grant to be retired.
    pub grant: Option<GrantRow>,
}

pub use super::more_rows::{
    EventRow, LockMode, LockRow, MakingRow, Origin, RestoreRow, TierRow, Transit, TransitRow,
    WorkRow,
};

crate::keyspaces! {
    /// Volumes by id.
    pub Volumes = 0x0801, "ec2.volumes", version 1: String => VolumeRow;
    /// Snapshots by id.
    pub Snapshots = 0x0802, "ec2.snapshots", version 1: String => SnapshotRow;
    /// Images by id.
    pub Images = 0x0803, "ec2.images", version 1: String => ImageRow;
    /// Instances by id.
    pub Instances = 0x0804, "ec2.instances", version 1: String => InstanceRow;
    /// Block ids by volume, snapshot or read, and index.
    pub Maps = 0x0805, "ec2.maps", version 1: (String, u64) => String;
    /// Blocks by id: sealed, or as they are on an unencrypted volume.
    pub Blocks = 0x0806, "ec2.blocks", version 1: String => serde_bytes::ByteBuf;
    /// How many maps name a block.
    pub References = 0x0807, "ec2.references", version 1: String => u64;
    /// What hosts know, by volume.
    pub Hosts = 0x0808, "ec2.hosts", version 1: String => HostRow;
    /// Reads by other Regions.
    pub Reads = 0x0809, "ec2.reads", version 1: String => ReadRow;
    /// Accounts with encryption by default (EBS-013).
    pub Defaults = 0x080a, "ec2.defaults", version 1: String => bool;
    /// What a client token made, by account, operation and token.
    pub Tokens = 0x080b, "ec2.tokens", version 1: (String, String, String) => String;
    /// How snapshots were made, by id.
    pub Makings = 0x080c, "ec2.makings", version 1: String => MakingRow;
    /// The last complete copy of an account (EBS-022), by account, Region and volume of the origin.
    pub LastCopies = 0x080d, "ec2.last-copies", version 1: (String, String, String) => String;
    /// Copies within the Region that are under way, by the new snapshot.
    pub Works = 0x080e, "ec2.works", version 1: String => WorkRow;
    /// Locks by snapshot.
    pub Locks = 0x080f, "ec2.locks", version 1: String => LockRow;
    /// Default keys by account (EBS-014).
    pub DefaultKeys = 0x0810, "ec2.default-keys", version 1: String => String;
    /// ARNs of organisations and units that may launch an image.
    pub LaunchOrganizations = 0x0811, "ec2.launch-organizations", version 1: String => BTreeSet<String>;
    /// What EBS told EventBridge, by microseconds since the run began, resource and event.
    pub Events = 0x0812, "ec2.events", version 1: (u64, String, String) => EventRow;
    /// Volumes on their way to or from an instance.
    pub Transits = 0x0813, "ec2.transits", version 1: String => TransitRow;
    /// Indexes of the blocks that a copy moves, by the new snapshot.
    pub Todos = 0x0814, "ec2.todos", version 1: String => Vec<u64>;
    /// Snapshots that were archived, by id.
    pub Tiers = 0x0815, "ec2.tiers", version 1: String => TierRow;
}
