//! Parameter groups of Aurora clusters, as far as one parameter goes: `rds.global_db_rpo` (EBS-057).
//!
//! Every family has a default group that nobody makes and nobody changes. A change of a group is
//! in force at once for every cluster that has it. Left out: all other parameters, groups of
//! instances, and changes that wait for a restart.

use std::collections::BTreeMap;

use faultline_proto::rds::{
    CreateDbClusterParameterGroupRequest, CreateDbClusterParameterGroupResponse,
    DbClusterParameterGroup, DbClusterParameterGroupDetails, DbClusterParameterGroupNameMessage,
    DbClusterParameterGroupsMessage, DeleteDbClusterParameterGroupRequest,
    DeleteDbClusterParameterGroupResponse, DescribeDbClusterParameterGroupsRequest,
    DescribeDbClusterParametersRequest, ModifyDbClusterParameterGroupRequest, Parameter,
    ResetDbClusterParameterGroupRequest,
};

use super::error::Error;
use super::keyspaces::{DatabaseRow, GroupOf, ParameterGroupRow, ParameterGroups};
use super::names;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// The one parameter: seconds that all secondaries may lag; -1: any number.
const RPO: &str = "rds.global_db_rpo";
/// Its values.
const ALLOWED: &str = "-1,20-2147483647";
/// Parameters of one change at most.
const MOST: usize = 20;

/// The family of an engine's version.
#[must_use]
pub fn family(engine: &str, version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    match parts.next() {
        Some(minor) if engine == "aurora-mysql" => format!("{engine}{major}.{minor}"),
        _ => format!("{engine}{major}"),
    }
}

fn default_of(family: &str) -> ParameterGroupRow {
    ParameterGroupRow {
        name: format!("default.{family}"),
        family: family.to_owned(),
        description: format!("Default cluster parameter group for {family}"),
        values: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn is_family(text: &str) -> bool {
    let number = text
        .strip_prefix("aurora-postgresql")
        .or_else(|| text.strip_prefix("aurora-mysql"));
    number.is_some_and(|number| {
        number.starts_with(|one: char| one.is_ascii_digit())
            && number.chars().all(|one| one.is_ascii_digit() || one == '.')
    })
}

/// A group of the caller's account, or a default one.
fn find(ctx: &mut Ctx<'_>, name: &str) -> Option<ParameterGroupRow> {
    let name = name.to_lowercase();
    if let Some(family) = name.strip_prefix("default.") {
        return is_family(family).then(|| default_of(family));
    }
    let account = ctx.account();
    ctx.get::<ParameterGroups>((&account, name.as_str()))
}

fn named(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<ParameterGroupRow, Error> {
    let name = name.unwrap_or_default();
    find(ctx, name).ok_or_else(|| Error::NoParameterGroup(name.to_owned()))
}

/// The same, which can be changed.
fn changeable(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<ParameterGroupRow, Error> {
    let row = named(ctx, name)?;
    if row.name.starts_with("default.") {
        let text = format!(
            "The parameter group {} is a default one and cannot be changed.",
            row.name
        );
        return Err(Error::ParameterGroupState(text));
    }
    Ok(row)
}

fn save(ctx: &mut Ctx<'_>, row: &ParameterGroupRow) {
    let account = ctx.account();
    ctx.put::<ParameterGroups>((&account, row.name.as_str()), row);
}

fn show(ctx: &Ctx<'_>, row: &ParameterGroupRow) -> DbClusterParameterGroup {
    let arn = names::arn_of(ctx, &ctx.account(), "cluster-pg", &row.name);
    DbClusterParameterGroup {
        db_cluster_parameter_group_name: Some(row.name.clone()),
        db_parameter_group_family: Some(row.family.clone()),
        description: Some(row.description.clone()),
        db_cluster_parameter_group_arn: Some(arn),
    }
}

/// CreateDBClusterParameterGroup.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateDbClusterParameterGroupRequest,
) -> Result<CreateDbClusterParameterGroupResponse, Refusal> {
    let name = names::fresh(
        request.db_cluster_parameter_group_name.as_deref(),
        "DBClusterParameterGroupName",
    )?;
    let family = request.db_parameter_group_family.unwrap_or_default();
    if !is_family(&family) {
        let text = format!("ParameterGroupFamily {family} is not a valid parameter group family");
        return Err(Error::value(text).into());
    }
    if find(ctx, &name).is_some() {
        return Err(Error::ParameterGroupExists(name).into());
    }
    let row = ParameterGroupRow {
        name,
        family,
        description: request.description.unwrap_or_default(),
        values: BTreeMap::new(),
        tags: names::tags(&request.tags),
    };
    save(ctx, &row);
    Ok(CreateDbClusterParameterGroupResponse {
        db_cluster_parameter_group: Some(show(ctx, &row)),
    })
}

/// DescribeDBClusterParameterGroups: without a name the groups of the account.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeDbClusterParameterGroupsRequest,
) -> Result<DbClusterParameterGroupsMessage, Refusal> {
    let rows = match request.db_cluster_parameter_group_name.as_deref() {
        Some(name) => vec![named(ctx, Some(name))?],
        None => {
            let account = ctx.account();
            let all = ctx.all(Range::<ParameterGroups>::under((&account,)));
            all.into_iter().map(|(_, row)| row).collect()
        }
    };
    let found = rows
        .iter()
        .map(|row| (row.name.clone(), show(ctx, row)))
        .collect();
    let (db_cluster_parameter_groups, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(DbClusterParameterGroupsMessage {
        marker,
        db_cluster_parameter_groups,
    })
}

/// DescribeDBClusterParameters.
pub(super) fn parameters(
    ctx: &mut Ctx<'_>,
    request: DescribeDbClusterParametersRequest,
) -> Result<DbClusterParameterGroupDetails, Refusal> {
    let row = named(ctx, request.db_cluster_parameter_group_name.as_deref())?;
    let value = row.values.get(RPO);
    let source = if value.is_some() {
        "user"
    } else {
        "engine-default"
    };
    let is_wanted = request.source.is_none_or(|wanted| wanted == source);
    let shown = Parameter {
        parameter_name: Some(RPO.to_owned()),
        parameter_value: Some(value.map_or("-1", String::as_str).to_owned()),
        description: Some("(s) Recovery point objective threshold, in seconds, that blocks user commits when it is violated.".to_owned()),
        source: Some(source.to_owned()),
        apply_type: Some("dynamic".to_owned()),
        data_type: Some("integer".to_owned()),
        allowed_values: Some(ALLOWED.to_owned()),
        is_modifiable: Some(true),
        apply_method: Some("immediate".to_owned()),
    };
    let has = row.family.starts_with("aurora-postgresql") && is_wanted;
    Ok(DbClusterParameterGroupDetails {
        parameters: has.then_some(shown).into_iter().collect(),
        marker: None,
    })
}

/// A parameter of a change, checked.
fn checked(row: &ParameterGroupRow, parameter: &Parameter) -> Result<(), Refusal> {
    let name = parameter.parameter_name.as_deref().unwrap_or_default();
    if name != RPO || !row.family.starts_with("aurora-postgresql") {
        let text = format!("Could not find parameter with name: {name}");
        return Err(Error::value(text).into());
    }
    match parameter.apply_method.as_deref() {
        Some("immediate") => Ok(()),
        Some("pending-reboot") => Err(Refusal::not_built("ApplyMethod pending-reboot")),
        other => {
            let text = format!("Invalid apply method: {}", other.unwrap_or_default());
            Err(Error::value(text).into())
        }
    }
}

fn few(parameters: &[Parameter]) -> Result<(), Error> {
    if parameters.is_empty() || parameters.len() > MOST {
        let text = format!("The number of parameters must be from 1 to {MOST}");
        return Err(Error::value(text));
    }
    Ok(())
}

/// ModifyDBClusterParameterGroup.
pub(super) fn modify(
    ctx: &mut Ctx<'_>,
    request: ModifyDbClusterParameterGroupRequest,
) -> Result<DbClusterParameterGroupNameMessage, Refusal> {
    let mut row = changeable(ctx, request.db_cluster_parameter_group_name.as_deref())?;
    few(&request.parameters)?;
    for parameter in &request.parameters {
        checked(&row, parameter)?;
        let value = parameter.parameter_value.as_deref().unwrap_or_default();
        let is_fine = value
            .parse::<i64>()
            .is_ok_and(|number| number == -1 || (20..=2_147_483_647).contains(&number));
        if !is_fine {
            let text = format!(
                "Invalid parameter value: {value} for: {RPO} allowed values are: {ALLOWED}"
            );
            return Err(Error::value(text).into());
        }
        row.values.insert(RPO.to_owned(), value.to_owned());
    }
    save(ctx, &row);
    Ok(DbClusterParameterGroupNameMessage {
        db_cluster_parameter_group_name: Some(row.name),
    })
}

/// ResetDBClusterParameterGroup.
pub(super) fn reset(
    ctx: &mut Ctx<'_>,
    request: ResetDbClusterParameterGroupRequest,
) -> Result<DbClusterParameterGroupNameMessage, Refusal> {
    let mut row = changeable(ctx, request.db_cluster_parameter_group_name.as_deref())?;
    if request.reset_all_parameters.unwrap_or_default() {
        row.values.clear();
    } else {
        few(&request.parameters)?;
        for parameter in &request.parameters {
            checked(&row, parameter)?;
            row.values.remove(RPO);
        }
    }
    save(ctx, &row);
    Ok(DbClusterParameterGroupNameMessage {
        db_cluster_parameter_group_name: Some(row.name),
    })
}

/// DeleteDBClusterParameterGroup.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteDbClusterParameterGroupRequest,
) -> Result<DeleteDbClusterParameterGroupResponse, Refusal> {
    let row = changeable(ctx, request.db_cluster_parameter_group_name.as_deref())?;
    let account = ctx.account();
    let key = format!("{account}/{}", row.name);
    let used = ctx.all(Range::<GroupOf>::all());
    if used.into_iter().any(|(_, group)| group == key) {
        let text = format!(
            "One or more database instances are still members of this parameter group {}, so the group cannot be deleted",
            row.name
        );
        return Err(Error::ParameterGroupState(text).into());
    }
    ctx.delete::<ParameterGroups>((&account, row.name.as_str()));
    Ok(DeleteDbClusterParameterGroupResponse {})
}

/// Gives a cluster a group; none: the default one of its family.
///
/// # Errors
/// DBClusterParameterGroupNotFound; InvalidParameterCombination for one of another family.
pub fn give(ctx: &mut Ctx<'_>, row: &DatabaseRow, name: Option<&str>) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    let group = find(ctx, name).ok_or_else(|| Error::NoClusterParameterGroup(name.to_owned()))?;
    let family = family(&row.engine, &row.version);
    if group.family != family {
        return Err(Error::Combination(format!(
            "The Parameter Group {} with DBParameterGroupFamily {} cannot be used for this instance. Please use a Parameter Group with DBParameterGroupFamily {family}",
            group.name, group.family
        )));
    }
    let key = format!("{}/{}", row.account, group.name);
    ctx.put::<GroupOf>(row.resource.as_str(), &key);
    Ok(())
}

/// A cluster is gone, and has no group any more.
pub fn forget(ctx: &mut Ctx<'_>, row: &DatabaseRow) {
    ctx.delete::<GroupOf>(row.resource.as_str());
}

/// Name of the group that a cluster has.
pub fn of(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> String {
    let found = ctx.get::<GroupOf>(row.resource.as_str());
    let name = found.and_then(|key| Some(key.split_once('/')?.1.to_owned()));
    name.unwrap_or_else(|| format!("default.{}", family(&row.engine, &row.version)))
}

/// Microseconds that all secondaries of a cluster may lag (EBS-057); none: any number.
pub fn rpo(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> Option<u64> {
    let name = of(ctx, row);
    let group = ctx.get::<ParameterGroups>((&row.account, name.as_str()))?;
    let seconds: u64 = group.values.get(RPO)?.parse().ok()?;
    seconds.checked_mul(1_000_000)
}
