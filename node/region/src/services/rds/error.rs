//! Every way RDS says no.
//!
//! Codes are those of the service model. Texts that are seen in answers of AWS are exact; where
//! nobody has told one, ours says what is wrong.

use super::keys::REDSHIFT;
use super::keyspaces::Family;
use crate::refusal::Refusal;

/// RDS's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such database.
    #[error("DBInstance {0} not found.")]
    NoInstance(String),
    /// No such cluster.
    #[error("DBCluster {0} not found.")]
    NoCluster(String),
    /// No such snapshot that the caller may see.
    #[error("{1} not found.")]
    NoSnapshot(Family, String),
    /// No such warehouse.
    #[error("Cluster {0} not found.")]
    NoWarehouse(String),
    /// No such parameter group.
    #[error("DBClusterParameterGroup not found: {0}")]
    NoParameterGroup(String),
    /// No such parameter group for a cluster to have.
    #[error("DBClusterParameterGroup not found: {0}")]
    NoClusterParameterGroup(String),
    /// No such global database.
    #[error("Global cluster {0} not found")]
    NoGlobal(String),
    /// The name is taken.
    #[error("DB instance already exists")]
    InstanceExists,
    /// The name is taken.
    #[error("DB Cluster already exists")]
    ClusterExists,
    /// The name is taken.
    #[error(
        "Cannot create the snapshot because a snapshot with the identifier {1} already exists."
    )]
    SnapshotExists(Family, String),
    /// The name is taken.
    #[error("Cluster already exists")]
    WarehouseExists,
    /// The name is taken.
    #[error("Parameter group {0} already exists")]
    ParameterGroupExists(String),
    /// A default group, or one that a cluster has.
    #[error("{0}")]
    ParameterGroupState(String),
    /// The name is taken.
    #[error("Global cluster {0} already exists")]
    GlobalExists(String),
    /// The state does not allow it.
    #[error("{1}")]
    State(Family, String),
    /// The snapshot's state, kind or key does not allow it (EBS-047).
    #[error("{1}")]
    SnapshotState(Family, String),
    /// The global database's state does not allow it.
    #[error("{0}")]
    GlobalState(String),
    /// A key that Redshift is to use; code and text are not confirmed.
    #[error(
        "The KMS key [{0}] does not exist, is not enabled or you do not have permissions to access it."
    )]
    WarehouseKey(String),
    /// EBS-043: a key that is to be used.
    #[error(
        "Specified KMS key [{0}] does not exist, is not enabled or you do not have permissions to access it."
    )]
    Key(String),
    /// EBS-047: the key of a source.
    #[error(
        "The source snapshot KMS key [{0}] does not exist, is not enabled or you do not have permissions to access it."
    )]
    SourceKey(String),
    /// EBS-048.
    #[error("Must specify new KMS key for cross region encrypted snapshot copy.")]
    NewKeyAcross,
    /// EBS-048; the text is not confirmed.
    #[error("Must specify new KMS key for copy of a shared encrypted snapshot.")]
    NewKeyShared,
    /// A value that cannot be.
    #[error("{0}")]
    Value(String),
    /// A combination that cannot be.
    #[error("{0}")]
    Combination(String),
    /// EBS-050; the code is not confirmed.
    #[error("Cannot have more than {0} snapshot copies in progress in this Region.")]
    TooManyCopies(usize),
    /// EBS-047.
    #[error("Cannot share the snapshot with more than {0} accounts.")]
    TooManyShares(usize),
    /// EBS-053; the code is not confirmed.
    #[error("{0}")]
    TooManyInstances(String),
    /// EBS-051.
    #[error("A global cluster can have at most {0} secondary clusters")]
    TooManyRegions(usize),
    /// A client of the database finds nobody.
    #[error("could not connect to server: {0}")]
    CannotConnect(String),
    /// A client writes where only the primary does (EBS-051).
    #[error("cannot execute INSERT in a read-only transaction")]
    ReadOnly,
    /// EBS-057: the client gave up while its commit waited.
    #[error(
        "canceling statement due to statement timeout: all secondaries lag more than rds.global_db_rpo ({0} s)"
    )]
    CommitsPaused(u64),
    /// A client names no database of this Region.
    #[error("could not translate host name \"{0}\" to address")]
    NoHost(String),
}

impl Error {
    /// AWS code and HTTP status.
    #[must_use]
    pub fn code(&self) -> (&'static str, u16) {
        use Family::{Cluster, Instance, Warehouse};
        match self {
            Self::NoInstance(_) => ("DBInstanceNotFound", 404),
            Self::NoCluster(_) => ("DBClusterNotFoundFault", 404),
            Self::NoSnapshot(Instance, _) => ("DBSnapshotNotFound", 404),
            Self::NoSnapshot(Cluster, _) => ("DBClusterSnapshotNotFoundFault", 404),
            Self::NoSnapshot(Warehouse, _) => ("ClusterSnapshotNotFound", 404),
            Self::NoWarehouse(_) => ("ClusterNotFound", 404),
            Self::NoParameterGroup(_) => ("DBParameterGroupNotFound", 404),
            Self::NoClusterParameterGroup(_) => ("DBClusterParameterGroupNotFound", 404),
            Self::NoGlobal(_) => ("GlobalClusterNotFoundFault", 404),
            Self::InstanceExists => ("DBInstanceAlreadyExists", 400),
            Self::ClusterExists => ("DBClusterAlreadyExistsFault", 400),
            Self::SnapshotExists(Instance, _) => ("DBSnapshotAlreadyExists", 400),
            Self::SnapshotExists(Cluster, _) => ("DBClusterSnapshotAlreadyExistsFault", 400),
            Self::SnapshotExists(Warehouse, _) => ("ClusterSnapshotAlreadyExists", 400),
            Self::WarehouseExists => ("ClusterAlreadyExists", 400),
            Self::ParameterGroupExists(_) => ("DBParameterGroupAlreadyExists", 400),
            Self::ParameterGroupState(_) => ("InvalidDBParameterGroupState", 400),
            Self::GlobalExists(_) => ("GlobalClusterAlreadyExistsFault", 400),
            Self::State(Instance, _) => ("InvalidDBInstanceState", 400),
            Self::State(Cluster, _) => ("InvalidDBClusterStateFault", 400),
            Self::State(Warehouse, _) => ("InvalidClusterState", 400),
            Self::SnapshotState(Warehouse, _) => ("InvalidClusterSnapshotState", 400),
            Self::WarehouseKey(_) => ("DependentServiceAccessDenied", 403),
            Self::SnapshotState(Instance, _) => ("InvalidDBSnapshotState", 400),
            Self::SnapshotState(Cluster, _) => ("InvalidDBClusterSnapshotStateFault", 400),
            Self::GlobalState(_) | Self::TooManyRegions(_) => {
                ("InvalidGlobalClusterStateFault", 400)
            }
            Self::Key(_) | Self::SourceKey(_) => ("KMSKeyNotAccessibleFault", 400),
            Self::NewKeyAcross | Self::NewKeyShared | Self::Value(_) => {
                ("InvalidParameterValue", 400)
            }
            Self::Combination(_) => ("InvalidParameterCombination", 400),
            Self::TooManyCopies(_) => ("SnapshotQuotaExceeded", 400),
            Self::TooManyShares(_) => ("SharedSnapshotQuotaExceeded", 400),
            Self::TooManyInstances(_) => ("InstanceQuotaExceeded", 400),
            Self::CannotConnect(_) => ("CannotConnect", 503),
            Self::CommitsPaused(_) => ("CommitsPaused", 503),
            Self::ReadOnly => ("ReadOnly", 400),
            Self::NoHost(_) => ("DatabaseNotFound", 404),
        }
    }

    /// InvalidParameterValue.
    pub fn value(text: impl Into<String>) -> Self {
        Self::Value(text.into())
    }

    /// The error of a database or cluster that is not there.
    #[must_use]
    pub fn missing(family: Family, name: &str) -> Self {
        match family {
            Family::Instance => Self::NoInstance(name.to_owned()),
            Family::Cluster => Self::NoCluster(name.to_owned()),
            Family::Warehouse => Self::NoWarehouse(name.to_owned()),
        }
    }

    /// The error of a key that cannot be used, as its service has it.
    #[must_use]
    pub fn key(house: &str, name: &str) -> Self {
        if house == REDSHIFT {
            Self::WarehouseKey(name.to_owned())
        } else {
            Self::Key(name.to_owned())
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, status) = error.code();
        Self::new(code, error.to_string()).with_status(status)
    }
}

/// KMS's refusal in RDS's one sentence (EBS-043); its reasons go along.
#[must_use]
pub fn told(refusal: Refusal, error: Error) -> Refusal {
    if refusal.code == "AccessDeniedException" || refusal.says_key_unusable() {
        refusal.in_words(error)
    } else {
        refusal
    }
}
