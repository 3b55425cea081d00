//! What a client of a database does, for which AWS has no call: it reads and writes rows.
//!
//! ```text
//!   database.put_row --> the cluster's writer --> commit --> pages to the secondaries
//!   database.get_row --> any instance of the storage of this Region
//! ```
//!
//! A row is a key and a value; there are no tables and no transactions over several rows. Who may
//! connect is the IAM action `rds-db:connect`, as with IAM database authentication; of a warehouse
//! `redshift:GetClusterCredentials`.
//!
//! A commit that `rds.global_db_rpo` holds back waits (EBS-057): its row is not written yet. The
//! client gives up after half a minute, and then it never is.

use faultline_proto::database::{
    GetRowRequest, GetRowResponse, ListRowsRequest, ListRowsResponse, PutRowRequest, PutRowResponse,
};
use faultline_proto::handlers::{DatabaseHandler, DatabaseRequest, dispatch_database};
use faultline_proto::progress::{Progress, Saga};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keyspaces::{DatabaseRow, Family, State};
use super::{cells, global, health, names};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{Access, SagaInput, Service, Wording};

/// Microseconds that a client waits for a commit that is held back, and between two looks whether it
/// still is.
const PATIENCE: u64 = 30_000_000;
const LOOK: u64 = 1_000_000;
/// Purpose of what waits.
const WAITS: &str = "database.waits";
/// Keys that one answer lists.
const KEYS: usize = 1000;

/// Clients of databases.
#[derive(Debug)]
pub struct Database;

impl Service for Database {
    const PREFIX: &'static str = "database";
    const PRINCIPAL: &'static str = "rds.amazonaws.com";
    type Request = DatabaseRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<Self::Request, prost::DecodeError>> {
        DatabaseRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &DatabaseRequest) -> Result<Vec<Access>, Refusal> {
        let name = match request {
            DatabaseRequest::PutRow(request) => request.database.as_deref(),
            DatabaseRequest::GetRow(request) => request.database.as_deref(),
            DatabaseRequest::ListRows(request) => request.database.as_deref(),
        };
        let account = ctx.account();
        let (resource, warehouse) = match storage(ctx, name) {
            Ok(row) if row.family == Family::Warehouse => (row.resource, Some(row.name)),
            Ok(row) => (row.resource, None),
            Err(_) => ("*".to_owned(), None),
        };
        let region = ctx.region();
        let (action, arn) = match warehouse {
            Some(name) => (
                "redshift:GetClusterCredentials",
                format!("arn:aws:redshift:{region}:{account}:dbuser:{name}/app"),
            ),
            None => (
                "rds-db:connect",
                format!("arn:aws:rds-db:{region}:{account}:dbuser:{resource}/app"),
            ),
        };
        Ok(vec![Access::new(
            ctx,
            action,
            arn,
            account,
            Wording::AccessDenied,
        )])
    }

    fn handle(ctx: &mut Ctx<'_>, request: DatabaseRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_database::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        _kind: &str,
        state: &[u8],
        _input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        let sealed: Sealed = decode(state)?;
        let opened = ctx.open_local(WAITS, b"", &sealed.request)?;
        let request = PutRowRequest::decode(opened.as_slice())
            .map_err(|error| Refusal::internal(error.to_string()))?;
        Ok(match put(ctx, request, Some(sealed.until))? {
            Progress::Done(answer) => Progress::Done(answer.encode_to_vec()),
            Progress::Open(saga) => Progress::Open(saga),
        })
    }
}

impl DatabaseHandler for Database {
    type Ctx<'a> = Ctx<'a>;
    type Error = Refusal;

    fn put_row(
        ctx: &mut Ctx<'_>,
        request: PutRowRequest,
    ) -> Result<Progress<PutRowResponse>, Refusal> {
        put(ctx, request, None)
    }

    fn get_row(
        ctx: &mut Ctx<'_>,
        request: GetRowRequest,
    ) -> Result<Progress<GetRowResponse>, Refusal> {
        get(ctx, request).map(Progress::Done)
    }

    fn list_rows(
        ctx: &mut Ctx<'_>,
        request: ListRowsRequest,
    ) -> Result<Progress<ListRowsResponse>, Refusal> {
        list(ctx, &request).map(Progress::Done)
    }
}

/// The storage behind a name: of a cluster, of an instance's cluster, of a database.
fn storage(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<DatabaseRow, Error> {
    if let Ok(cluster) = health::find(ctx, Family::Cluster, name) {
        return Ok(cluster);
    }
    if let Ok(warehouse) = names::stored(ctx, Family::Warehouse, name) {
        return Ok(warehouse);
    }
    let missing = Error::NoHost(name.unwrap_or_default().to_owned());
    let row = health::find(ctx, Family::Instance, name).map_err(|_| missing)?;
    match row.cluster.as_deref() {
        Some(cluster) => health::find(ctx, Family::Cluster, Some(cluster)),
        None => Ok(row),
    }
}

/// The same, with somebody there who answers.
fn connect(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<DatabaseRow, Error> {
    let row = storage(ctx, name)?;
    match row.state {
        State::Available | State::Switching | State::Rebuilding => {}
        other => {
            let text = format!("{} is {}", row.name, health::word(other));
            return Err(Error::CannotConnect(text));
        }
    }
    let has_instance = row.family != Family::Cluster
        || names::instances(ctx, &row)
            .iter()
            .any(|one| one.state == State::Available);
    if has_instance {
        Ok(row)
    } else {
        let text = format!("{} has no instance", row.name);
        Err(Error::CannotConnect(text))
    }
}

/// A write whose commit waits, sealed under the Region's own key.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    request: Vec<u8>,
    /// When the client gives up, unskewed microseconds.
    until: u64,
}

/// Commits, or leaves a commit waiting; `until`: it waits already, so long at most.
fn put(
    ctx: &mut Ctx<'_>,
    request: PutRowRequest,
    until: Option<u64>,
) -> Result<Progress<PutRowResponse>, Refusal> {
    let mut row = connect(ctx, request.database.as_deref())?;
    if row.global.as_ref().is_some_and(|global| !global.is_writer) {
        return Err(Error::ReadOnly.into());
    }
    if row.state != State::Available {
        let text = format!("{} is {}", row.name, health::word(row.state));
        return Err(Error::CannotConnect(text).into());
    }
    if let Some(limit) = global::flow::stall(ctx, &row) {
        let now = ctx.elapsed().0;
        let until = until.unwrap_or(now + PATIENCE);
        if until <= now {
            return Err(Error::CommitsPaused(limit).into());
        }
        let request = ctx.seal_local(WAITS, b"", &request.encode_to_vec());
        ctx.give_up_after(LOOK);
        return Ok(Progress::Open(Saga {
            kind: "commit",
            state: encode(&Sealed { request, until }),
        }));
    }
    let key = request.key.unwrap_or_default();
    let value = request.value.unwrap_or_default();
    let data_key = health::hosted(ctx, &row)?;
    row.lsn += 1;
    let holder = row.resource.clone();
    cells::write(
        ctx,
        &holder,
        &key,
        row.lsn,
        data_key.as_ref(),
        value.as_bytes(),
    );
    global::committed(ctx, &mut row, &key, value.as_bytes());
    names::save(ctx, &row);
    Ok(Progress::Done(PutRowResponse {
        key: Some(key),
        lsn: i64::try_from(row.lsn).ok(),
        database: Some(row.name),
    }))
}

fn get(ctx: &mut Ctx<'_>, request: GetRowRequest) -> Result<GetRowResponse, Refusal> {
    let row = connect(ctx, request.database.as_deref())?;
    let data_key = health::hosted(ctx, &row)?;
    let key = request.key.unwrap_or_default();
    let found = cells::read(ctx, &row.resource, &key, data_key.as_ref())?;
    let value = found.map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
    Ok(GetRowResponse {
        value,
        lsn: i64::try_from(row.lsn).ok(),
    })
}

fn list(ctx: &mut Ctx<'_>, request: &ListRowsRequest) -> Result<ListRowsResponse, Refusal> {
    let row = connect(ctx, request.database.as_deref())?;
    let all = cells::all(ctx, &row.resource);
    let count = i64::try_from(all.len()).ok();
    let keys = all.into_iter().map(|(key, _)| key).take(KEYS).collect();
    Ok(ListRowsResponse {
        count,
        keys,
        lsn: i64::try_from(row.lsn).ok(),
    })
}
