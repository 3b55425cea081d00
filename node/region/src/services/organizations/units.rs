//! The root and the units below it.

use faultline_proto::organizations as api;

use super::accounts::id;
use super::error::OrganizationsError;
use super::keyspaces::{OrganizationRow, PolicyType, UnitRow};
use super::tree;
use crate::context::Ctx;

/// ListRoots: there is one.
pub(super) fn roots(
    ctx: &mut Ctx<'_>,
    _: api::ListRootsRequest,
) -> Result<api::ListRootsResponse, OrganizationsError> {
    let row = tree::managed(ctx)?;
    Ok(api::ListRootsResponse {
        roots: vec![shown(&row)],
        next_token: None,
    })
}

/// CreateOrganizationalUnit.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateOrganizationalUnitRequest,
) -> Result<api::CreateOrganizationalUnitResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let (parent, name) = (
        request.parent_id.unwrap_or_default(),
        request.name.unwrap_or_default(),
    );
    if !row.is_parent(&parent) {
        return Err(OrganizationsError::NoSuchParent);
    }
    if row
        .units
        .values()
        .any(|unit| unit.parent == parent && unit.name == name)
    {
        return Err(OrganizationsError::DuplicateUnit);
    }
    let root = row.root.trim_start_matches("r-").to_owned();
    let unit = id(ctx, &format!("ou-{root}-"), 8);
    row.units.insert(
        unit.clone(),
        UnitRow {
            name: name.clone(),
            parent,
        },
    );
    row.open(&unit);
    row.publish(ctx);
    Ok(api::CreateOrganizationalUnitResponse {
        organizational_unit: Some(api::OrganizationalUnit {
            arn: Some(format!(
                "arn:aws:organizations::{}:ou/{}/{unit}",
                row.management, row.id
            )),
            id: Some(unit),
            name: Some(name),
        }),
    })
}

/// EnablePolicyType: attaches AWS's own policy to everything, so that nothing changes at first.
pub(super) fn enable(
    ctx: &mut Ctx<'_>,
    request: api::EnablePolicyTypeRequest,
) -> Result<api::EnablePolicyTypeResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    if request.root_id.as_deref() != Some(row.root.as_str()) {
        return Err(OrganizationsError::NoSuchRoot);
    }
    if !row.all_features {
        return Err(OrganizationsError::NoPolicies);
    }
    let kind = PolicyType::read(request.policy_type.as_deref())?;
    if !row.enabled.insert(kind) {
        return Err(OrganizationsError::TypeAlreadyEnabled);
    }
    for attached in row.attached.values_mut() {
        attached.push(kind.full_access().to_owned());
    }
    row.publish(ctx);
    Ok(api::EnablePolicyTypeResponse {
        root: Some(shown(&row)),
    })
}

fn shown(row: &OrganizationRow) -> api::Root {
    let kind = |kind: &PolicyType| api::PolicyTypeSummary {
        r#type: Some(kind.word().to_owned()),
        status: Some("ENABLED".to_owned()),
    };
    api::Root {
        id: Some(row.root.clone()),
        arn: Some(format!(
            "arn:aws:organizations::{}:root/{}/{}",
            row.management, row.id, row.root
        )),
        name: Some("Root".to_owned()),
        policy_types: row.enabled.iter().map(kind).collect(),
    }
}
