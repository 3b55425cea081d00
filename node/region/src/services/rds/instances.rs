//! DB instances: databases of RDS, and the instances of Aurora clusters.

use std::collections::BTreeMap;

use faultline_proto::rds::{
    CreateDbInstanceRequest, CreateDbInstanceResponse, DbInstanceMessage, DeleteDbInstanceRequest,
    DeleteDbInstanceResponse, DescribeDbInstancesRequest, ModifyDbInstanceRequest,
    ModifyDbInstanceResponse, StartDbInstanceRequest, StartDbInstanceResponse,
    StopDbInstanceRequest, StopDbInstanceResponse,
};

use super::error::Error;
use super::keys::{self, DEFAULT_KEY, Wanted};
use super::keyspaces::{DatabaseRow, Databases, Family, Sealing, State};
use super::{cells, global, health, names, parameters, shows, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Microseconds until a new instance is there.
const BIRTH: u64 = 300_000_000;
/// Engines of RDS, as their names begin.
const ENGINES: [&str; 6] = ["mysql", "mariadb", "postgres", "oracle", "sqlserver", "db2"];

/// A database that does not exist yet.
pub fn blank(ctx: &mut Ctx<'_>, family: Family, name: String, engine: &str) -> DatabaseRow {
    let version = match engine {
        "aurora-mysql" => "8.0.mysql_aurora.3.08.0",
        "mysql" => "8.0.40",
        "aurora-postgresql" | "postgres" => "16.6",
        "redshift" => "1.0",
        _ => "1",
    };
    DatabaseRow {
        account: ctx.account(),
        family,
        name,
        resource: names::resource(ctx, family),
        engine: engine.to_owned(),
        version: version.to_owned(),
        user: None,
        database: None,
        gib: 1,
        class: None,
        zone: None,
        storage: if family == Family::Cluster {
            "aurora"
        } else {
            "gp3"
        }
        .to_owned(),
        retention: 1,
        multi_az: false,
        protected: false,
        tags: BTreeMap::new(),
        created: ctx.now().millis(),
        state: State::Creating,
        cluster: None,
        sealing: Sealing::Clear,
        grant: None,
        host: None,
        checked: ctx.elapsed().0,
        lsn: 0,
        global: None,
    }
}

/// Gives a new database its storage and lets it be born.
///
/// # Errors
/// KMSKeyNotAccessibleFault.
pub fn settle(
    ctx: &mut Ctx<'_>,
    row: &mut DatabaseRow,
    wanted: &Wanted,
    micros: u64,
) -> Result<(), Refusal> {
    let bound = names::bound(ctx, row);
    let made = keys::make(ctx, wanted, &bound)?;
    row.sealing = made.sealing;
    row.grant = made.grant;
    health::host(ctx, row, made.key.as_ref());
    born(ctx, row, micros);
    Ok(())
}

/// Stores a new database that is there after so many microseconds.
pub fn born(ctx: &mut Ctx<'_>, row: &DatabaseRow, micros: u64) {
    names::save(ctx, row);
    let at = ctx.elapsed().plus_micros(micros);
    health::wake(ctx, row, at, "ready");
    health::noted(ctx, row);
}

/// CreateDBInstance.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateDbInstanceRequest,
) -> Result<CreateDbInstanceResponse, Refusal> {
    let name = free(ctx, request.db_instance_identifier.as_deref())?;
    let engine = request.engine.as_deref().unwrap_or_default();
    let mut row = blank(ctx, Family::Instance, name, engine);
    row.class = request.db_instance_class;
    row.zone = request
        .availability_zone
        .or_else(|| Some(format!("{}a", ctx.region())));
    row.tags = names::tags(&request.tags);
    if let Some(cluster) = request.db_cluster_identifier {
        if request.kms_key_id.is_some() || request.storage_encrypted.is_some() {
            let text = "The requested DB Instance will be a member of a DB Cluster. Set encryption for the DB Cluster.";
            return Err(Error::Combination(text.to_owned()).into());
        }
        join(ctx, row, &cluster)
    } else {
        if !ENGINES.iter().any(|known| engine.starts_with(known)) {
            return Err(Error::value("Invalid DB engine").into());
        }
        row.version = request.engine_version.unwrap_or(row.version);
        row.user = request.master_username;
        row.database = request.db_name;
        row.gib = request.allocated_storage.unwrap_or(20);
        row.storage = request.storage_type.unwrap_or(row.storage);
        row.retention = request.backup_retention_period.unwrap_or(1);
        row.multi_az = request.multi_az.unwrap_or_default();
        row.protected = request.deletion_protection.unwrap_or_default();
        let wanted = wanted(request.storage_encrypted, request.kms_key_id, Wanted::Clear)?;
        settle(ctx, &mut row, &wanted, BIRTH)?;
        let db_instance = Some(shows::instance(ctx, &row));
        Ok(CreateDbInstanceResponse { db_instance })
    }
}

/// A new instance's name.
///
/// # Errors
/// InvalidParameterValue, DBInstanceAlreadyExists.
pub fn free(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<String, Error> {
    let name = names::fresh(name, "DBInstanceIdentifier")?;
    let account = ctx.account();
    if ctx.has::<Databases>((&account, Family::Instance.word(), name.as_str())) {
        return Err(Error::InstanceExists);
    }
    Ok(name)
}

/// What a request wants its storage to be encrypted with.
///
/// # Errors
/// InvalidParameterCombination: a key for storage that is not to be encrypted.
pub fn wanted(
    encrypted: Option<bool>,
    key: Option<String>,
    usual: Wanted,
) -> Result<Wanted, Error> {
    match (encrypted, key) {
        (Some(true), key) => Ok(Wanted::Key(key.unwrap_or_else(|| DEFAULT_KEY.to_owned()))),
        (_, Some(_)) => Err(Error::Combination(
            "KmsKeyId can be specified only when StorageEncrypted is true".to_owned(),
        )),
        (Some(false), None) => Ok(Wanted::Clear),
        (None, None) => Ok(usual),
    }
}

fn join(
    ctx: &mut Ctx<'_>,
    mut row: DatabaseRow,
    cluster: &str,
) -> Result<CreateDbInstanceResponse, Refusal> {
    let of = names::stored(ctx, Family::Cluster, Some(cluster))?;
    if of.engine != row.engine {
        let text = format!(
            "The engine name requested for your DB instance ({}) doesn't match the engine name of your DB cluster ({}).",
            row.engine, of.engine
        );
        return Err(Error::Combination(text).into());
    }
    let most = global::most_instances(ctx, &of);
    if names::instances(ctx, &of).len() >= most {
        let text = format!(
            "DB cluster {} can have at most {most} DB instances",
            of.name
        );
        return Err(Error::TooManyInstances(text).into());
    }
    row.cluster = Some(of.name);
    row.version = of.version;
    row.storage = of.storage;
    born(ctx, &row, BIRTH);
    let db_instance = Some(shows::instance(ctx, &row));
    Ok(CreateDbInstanceResponse { db_instance })
}

/// DescribeDBInstances.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeDbInstancesRequest,
) -> Result<DbInstanceMessage, Refusal> {
    let rows = match request.db_instance_identifier.as_deref() {
        Some(id) => vec![health::find(ctx, Family::Instance, Some(id))?],
        None => {
            let word = Family::Instance.word();
            let account = ctx.account();
            let all = ctx.all(Range::<Databases>::under((&account, word)));
            all.into_iter()
                .map(|(_, row)| health::look_after(ctx, row))
                .collect()
        }
    };
    let mut found = Vec::new();
    for row in rows {
        if let Some(cluster) = row.cluster.as_deref() {
            health::find(ctx, Family::Cluster, Some(cluster))?;
        }
        found.push((row.name.clone(), shows::instance(ctx, &row)));
    }
    let (db_instances, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(DbInstanceMessage {
        marker,
        db_instances,
    })
}

/// ModifyDBInstance: what the request cannot say is the encryption (EBS-041).
pub(super) fn modify(
    ctx: &mut Ctx<'_>,
    request: ModifyDbInstanceRequest,
) -> Result<ModifyDbInstanceResponse, Refusal> {
    let id = request.db_instance_identifier.as_deref();
    let mut row = health::running(ctx, Family::Instance, id)?;
    row.gib = request.allocated_storage.unwrap_or(row.gib);
    row.class = request.db_instance_class.or(row.class);
    row.retention = request.backup_retention_period.unwrap_or(row.retention);
    row.multi_az = request.multi_az.unwrap_or(row.multi_az);
    row.version = request.engine_version.unwrap_or(row.version);
    row.protected = request.deletion_protection.unwrap_or(row.protected);
    names::save(ctx, &row);
    let db_instance = Some(shows::instance(ctx, &row));
    Ok(ModifyDbInstanceResponse { db_instance })
}

/// DeleteDBInstance.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteDbInstanceRequest,
) -> Result<DeleteDbInstanceResponse, Refusal> {
    let id = request.db_instance_identifier.as_deref();
    let row = health::find(ctx, Family::Instance, id)?;
    if row.cluster.is_none() {
        let last = request.final_db_snapshot_identifier.as_deref();
        farewell(ctx, &row, request.skip_final_snapshot, last)?;
    }
    erase(ctx, &row);
    let mut shown = shows::instance(ctx, &row);
    shown.db_instance_status = Some("deleting".to_owned());
    Ok(DeleteDbInstanceResponse {
        db_instance: Some(shown),
    })
}

/// The last snapshot of something that is to be deleted.
///
/// # Errors
/// InvalidParameterCombination, and what a snapshot is refused with.
pub fn farewell(
    ctx: &mut Ctx<'_>,
    row: &DatabaseRow,
    skip: Option<bool>,
    name: Option<&str>,
) -> Result<(), Refusal> {
    if row.protected {
        let what = match row.family {
            Family::Instance => "DB Instance",
            Family::Cluster | Family::Warehouse => "DB Cluster",
        };
        let text = format!(
            "Cannot delete protected {what}, please disable deletion protection and try again."
        );
        return Err(Error::Combination(text).into());
    }
    match (skip.unwrap_or_default(), name) {
        (true, None) => Ok(()),
        (true, Some(_)) => {
            let text = "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot";
            Err(Error::Combination(text.to_owned()).into())
        }
        (false, None) => {
            let text =
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.";
            Err(Error::Combination(text.to_owned()).into())
        }
        (false, Some(name)) => {
            let id = Some(row.name.as_str());
            snapshots::take(ctx, row.family, id, Some(name), BTreeMap::new())?;
            Ok(())
        }
    }
}

/// Takes a database and its storage away for good.
pub fn erase(ctx: &mut Ctx<'_>, row: &DatabaseRow) {
    if let Some(grant) = &row.grant {
        keys::retire(ctx, row.family.house(), grant);
    }
    cells::release(ctx, &row.resource);
    parameters::forget(ctx, row);
    ctx.delete::<Databases>((&row.account, row.family.word(), row.name.as_str()));
    let arn = names::arn(ctx, row);
    ctx.note("database", &[("database", &arn), ("state", "deleted")]);
}

/// StartDBInstance.
pub(super) fn start(
    ctx: &mut Ctx<'_>,
    request: StartDbInstanceRequest,
) -> Result<StartDbInstanceResponse, Refusal> {
    let id = request.db_instance_identifier.as_deref();
    let row = health::start(ctx, Family::Instance, id)?;
    let db_instance = Some(shows::instance(ctx, &row));
    Ok(StartDbInstanceResponse { db_instance })
}

/// StopDBInstance.
pub(super) fn stop(
    ctx: &mut Ctx<'_>,
    request: StopDbInstanceRequest,
) -> Result<StopDbInstanceResponse, Refusal> {
    let id = request.db_instance_identifier.as_deref();
    let row = health::stop(ctx, Family::Instance, id)?;
    let db_instance = Some(shows::instance(ctx, &row));
    Ok(StopDbInstanceResponse { db_instance })
}
