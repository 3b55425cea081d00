//! What a client of a database does, for which AWS has no call: it reads and writes rows.
//!
//! ```text
//!   database.put_row --> the cluster's writer --> commit --> pages to the secondaries
//!   database.get_row --> any instance of the storage of this Region
//! ```
//!
//! A row is a key and a value; there are no tables and no transactions over several rows. Who may
//! connect is the IAM action `rds-db:connect`, as with IAM database authentication.

use faultline_proto::database::{
    GetRowRequest, GetRowResponse, ListRowsRequest, ListRowsResponse, PutRowRequest, PutRowResponse,
};
use faultline_proto::handlers::{DatabaseHandler, DatabaseRequest, dispatch_database};
use faultline_proto::progress::Progress;

use super::error::Error;
use super::keyspaces::{DatabaseRow, Family, State};
use super::{cells, global, health, names};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service, Wording};

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
        let resource = match storage(ctx, name) {
            Ok(row) => row.resource,
            Err(_) => "*".to_owned(),
        };
        let arn = format!(
            "arn:aws:rds-db:{}:{account}:dbuser:{resource}/app",
            ctx.region()
        );
        Ok(vec![Access::new(
            ctx,
            "rds-db:connect",
            arn,
            account,
            Wording::AccessDenied,
        )])
    }

    fn handle(ctx: &mut Ctx<'_>, request: DatabaseRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_database::<Self>(ctx, request)
    }
}

impl DatabaseHandler for Database {
    type Ctx<'a> = Ctx<'a>;
    type Error = Refusal;

    fn put_row(
        ctx: &mut Ctx<'_>,
        request: PutRowRequest,
    ) -> Result<Progress<PutRowResponse>, Refusal> {
        put(ctx, request).map(Progress::Done)
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
    let has_instance = row.family == Family::Instance
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

fn put(ctx: &mut Ctx<'_>, request: PutRowRequest) -> Result<PutRowResponse, Refusal> {
    let mut row = connect(ctx, request.database.as_deref())?;
    if row.global.as_ref().is_some_and(|global| !global.is_writer) {
        return Err(Error::ReadOnly.into());
    }
    if row.state != State::Available {
        let text = format!("{} is {}", row.name, health::word(row.state));
        return Err(Error::CannotConnect(text).into());
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
    Ok(PutRowResponse {
        key: Some(key),
        lsn: i64::try_from(row.lsn).ok(),
        database: Some(row.name),
    })
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
