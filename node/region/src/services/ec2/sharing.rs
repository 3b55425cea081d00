//! Who else may use a snapshot or an image.
//!
//! Sharing looks at nothing but the kind of key: that the other account can use it is another
//! permission, and nobody checks it here (EBS-031). Left out: product codes.

use std::collections::BTreeSet;

use faultline_proto::ec2::{
    AttributeValue, CreateVolumePermission, DescribeImageAttributeRequest,
    DescribeSnapshotAttributeRequest, DescribeSnapshotAttributeResponse, ImageAttribute,
    LaunchPermission, ModifyImageAttributeRequest, ModifyImageAttributeResponse,
    ModifySnapshotAttributeRequest, ModifySnapshotAttributeResponse, ResetImageAttributeRequest,
    ResetImageAttributeResponse, ResetSnapshotAttributeRequest, ResetSnapshotAttributeResponse,
};
use faultline_proto::names::AccountId;

use super::error::Error;
use super::keyspaces::{ImageRow, Images, LaunchOrganizations, Snapshots};
use super::{events, images, snapshots};
use crate::context::Ctx;
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;

/// Most changes of one call (EBS-027).
const MOST: usize = 500;

/// One entry of a permission: an account, everybody, or an organisation or unit of one.
#[derive(Debug, Default)]
struct Entry {
    user: Option<String>,
    group: Option<String>,
    arn: Option<String>,
}

impl From<CreateVolumePermission> for Entry {
    fn from(given: CreateVolumePermission) -> Self {
        Self {
            user: given.user_id,
            group: given.group,
            arn: None,
        }
    }
}

impl From<LaunchPermission> for Entry {
    fn from(given: LaunchPermission) -> Self {
        Self {
            user: given.user_id,
            group: given.group,
            arn: given.organization_arn.or(given.organizational_unit_arn),
        }
    }
}

/// What a call changes.
#[derive(Debug, Default)]
struct Changes {
    add: bool,
    accounts: BTreeSet<AccountId>,
    arns: BTreeSet<String>,
    everybody: bool,
}

impl Changes {
    fn of(add: Vec<Entry>, remove: Vec<Entry>) -> Result<Option<Self>, Error> {
        if !add.is_empty() && !remove.is_empty() {
            return Err(Error::InvalidCombination(
                "Permissions cannot be added and removed in one request".to_owned(),
            ));
        }
        if add.len().max(remove.len()) > MOST {
            return Err(Error::InvalidValue(format!(
                "At most {MOST} permissions can be changed in one request"
            )));
        }
        let mut changes = Self {
            add: remove.is_empty(),
            ..Self::default()
        };
        let entries = if add.is_empty() { remove } else { add };
        if entries.is_empty() {
            return Ok(None);
        }
        for entry in entries {
            match (entry.user, entry.group, entry.arn) {
                (Some(account), None, None) => {
                    let account = AccountId::new(&account)
                        .map_err(|_| Error::InvalidValue(format!("Invalid user id: {account}")))?;
                    changes.accounts.insert(account);
                }
                (None, Some(group), None) if group == "all" => changes.everybody = true,
                (None, None, Some(arn)) if is_organization(&arn) => {
                    changes.arns.insert(arn);
                }
                _ => {
                    return Err(Error::InvalidValue(
                        "A permission is one of a user id, the group all, and the ARN of an organization or organizational unit".to_owned(),
                    ));
                }
            }
        }
        Ok(Some(changes))
    }

    /// From the older members: `OperationType` with ids and groups.
    fn by_operation(
        operation: Option<&str>,
        users: Vec<String>,
        groups: Vec<String>,
        arns: Vec<String>,
    ) -> Result<Option<Self>, Error> {
        let users = users.into_iter().map(|user| Entry {
            user: Some(user),
            ..Entry::default()
        });
        let groups = groups.into_iter().map(|group| Entry {
            group: Some(group),
            ..Entry::default()
        });
        let arns = arns.into_iter().map(|arn| Entry {
            arn: Some(arn),
            ..Entry::default()
        });
        let entries: Vec<Entry> = users.chain(groups).chain(arns).collect();
        match operation {
            _ if entries.is_empty() => Ok(None),
            Some("add") => Self::of(entries, Vec::new()),
            Some("remove") => Self::of(Vec::new(), entries),
            _ => Err(Error::Missing("operationType")),
        }
    }

    fn apply(self, shared_with: &mut BTreeSet<AccountId>, public: &mut bool) {
        if self.add {
            shared_with.extend(self.accounts);
            *public |= self.everybody;
        } else {
            shared_with.retain(|account| !self.accounts.contains(account));
            *public &= !self.everybody;
        }
    }
}

fn is_organization(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", "aws", "organizations", "", account, rest]
        if AccountId::new(*account).is_ok() && (rest.starts_with("organization/o-") || rest.starts_with("ou/o-")))
}

/// ModifySnapshotAttribute.
pub(super) fn modify_snapshot(
    ctx: &mut Ctx<'_>,
    request: ModifySnapshotAttributeRequest,
) -> Result<ModifySnapshotAttributeResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    let mut row = snapshots::own(ctx, &id)?;
    let permission = request.create_volume_permission.unwrap_or_default();
    let entries = |list: Vec<CreateVolumePermission>| list.into_iter().map(Entry::from).collect();
    let changes = Changes::of(entries(permission.add), entries(permission.remove))?;
    let older = Changes::by_operation(
        request.operation_type.as_deref(),
        request.user_ids,
        request.group_names,
        Vec::new(),
    )?;
    let changes = changes
        .or(older)
        .ok_or(Error::Missing("createVolumePermission"))?;
    if changes.add && row.sealing.as_ref().is_some_and(|sealing| sealing.managed) {
        return Err(Error::DefaultKeyNotShared.into());
    }
    if changes.add && changes.everybody && row.encrypted {
        return Err(Error::EncryptedNotPublic.into());
    }
    let told = changes.accounts.clone();
    let adds = changes.add;
    if changes.add || !mutants::is(Mutant::ShareNotEnded) {
        changes.apply(&mut row.shared_with, &mut row.public);
    }
    ctx.put::<Snapshots>(id.as_str(), &row);
    for account in told.iter().filter(|_| adds) {
        // EBS-034: who it is shared with learns of it.
        let told = events::Told {
            account,
            event: "shareSnapshot",
            result: "succeeded",
            cause: "",
            resource: &id,
            source: row.owner.as_str(),
        };
        events::tell(ctx, told);
    }
    shared(ctx, "snapshot", &id, &row.shared_with, row.public);
    Ok(ModifySnapshotAttributeResponse {})
}

/// For the oracle of sharing: with whom something is shared now.
fn shared(ctx: &mut Ctx<'_>, what: &str, id: &str, accounts: &BTreeSet<AccountId>, public: bool) {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let public = if public { "yes" } else { "no" };
    let fields = [
        (what, id),
        ("with", &accounts.join(" ")),
        ("public", public),
    ];
    ctx.note("shared", &fields);
}

/// ResetSnapshotAttribute: it is the owner's alone again.
pub(super) fn reset_snapshot(
    ctx: &mut Ctx<'_>,
    request: ResetSnapshotAttributeRequest,
) -> Result<ResetSnapshotAttributeResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    let mut row = snapshots::own(ctx, &id)?;
    if request.attribute.as_deref() == Some("createVolumePermission") {
        row.shared_with.clear();
        row.public = false;
        ctx.put::<Snapshots>(id.as_str(), &row);
        shared(ctx, "snapshot", &id, &row.shared_with, row.public);
    }
    Ok(ResetSnapshotAttributeResponse {})
}

/// DescribeSnapshotAttribute.
pub(super) fn describe_snapshot(
    ctx: &mut Ctx<'_>,
    request: DescribeSnapshotAttributeRequest,
) -> Result<DescribeSnapshotAttributeResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    let row = snapshots::own(ctx, &id)?;
    let users = row
        .shared_with
        .iter()
        .map(|account| CreateVolumePermission {
            user_id: Some(account.to_string()),
            group: None,
        });
    let all = row.public.then(|| CreateVolumePermission {
        user_id: None,
        group: Some("all".to_owned()),
    });
    let permissions = match request.attribute.as_deref() {
        Some("createVolumePermission") => users.chain(all).collect(),
        _ => Vec::new(),
    };
    Ok(DescribeSnapshotAttributeResponse {
        snapshot_id: Some(id),
        create_volume_permissions: permissions,
    })
}

/// ModifyImageAttribute: launch permissions and the description.
pub(super) fn modify_image(
    ctx: &mut Ctx<'_>,
    request: ModifyImageAttributeRequest,
) -> Result<ModifyImageAttributeResponse, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let mut row = images::own(ctx, &id)?;
    let permission = request.launch_permission.unwrap_or_default();
    let entries = |list: Vec<LaunchPermission>| list.into_iter().map(Entry::from).collect();
    let changes = Changes::of(entries(permission.add), entries(permission.remove))?;
    let mut arns = request.organization_arns;
    arns.extend(request.organizational_unit_arns);
    let older = Changes::by_operation(
        request.operation_type.as_deref(),
        request.user_ids,
        request.user_groups,
        arns,
    )?;
    let changes = changes.or(older);
    if changes.is_none() && request.description.is_none() {
        return Err(Error::Missing("launchPermission").into());
    }
    if let Some(changes) = changes {
        if changes.add {
            may_be_shared(ctx, &row, changes.everybody)?;
        }
        let mut known = ctx
            .get::<LaunchOrganizations>(id.as_str())
            .unwrap_or_default();
        if changes.add {
            known.extend(changes.arns.iter().cloned());
        } else {
            known.retain(|arn| !changes.arns.contains(arn));
        }
        ctx.put::<LaunchOrganizations>(id.as_str(), &known);
        changes.apply(&mut row.shared_with, &mut row.public);
        shared(ctx, "image", &id, &row.shared_with, row.public);
    }
    if let Some(description) = request.description {
        row.description = description.value;
    }
    ctx.put::<Images>(id.as_str(), &row);
    Ok(ModifyImageAttributeResponse {})
}

/// EBS-029, EBS-030: what the snapshots of an image allow.
fn may_be_shared(ctx: &mut Ctx<'_>, row: &ImageRow, everybody: bool) -> Result<(), Error> {
    for device in &row.devices {
        let snapshot = device
            .snapshot
            .as_deref()
            .and_then(|id| ctx.get::<Snapshots>(id));
        let Some(snapshot) = snapshot else { continue };
        if snapshot
            .sealing
            .as_ref()
            .is_some_and(|sealing| sealing.managed)
        {
            return Err(Error::ManagedNotShared);
        }
        if everybody && snapshot.encrypted {
            return Err(Error::EncryptedNotPublic);
        }
    }
    Ok(())
}

/// DescribeImageAttribute: the owner's to ask.
pub(super) fn describe_image(
    ctx: &mut Ctx<'_>,
    request: DescribeImageAttributeRequest,
) -> Result<ImageAttribute, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let row = images::own(ctx, &id)?;
    let mut answer = ImageAttribute::default();
    match request.attribute.as_deref().unwrap_or_default() {
        "launchPermission" => {
            let users = row.shared_with.iter().map(|account| LaunchPermission {
                user_id: Some(account.to_string()),
                ..LaunchPermission::default()
            });
            let all = row.public.then(|| LaunchPermission {
                group: Some("all".to_owned()),
                ..LaunchPermission::default()
            });
            let arns = ctx.get::<LaunchOrganizations>(id.as_str());
            let arns = arns.unwrap_or_default().into_iter().map(|arn| {
                let is_unit = arn.contains(":ou/");
                LaunchPermission {
                    organization_arn: Some(arn.clone()).filter(|_| !is_unit),
                    organizational_unit_arn: Some(arn).filter(|_| is_unit),
                    ..LaunchPermission::default()
                }
            });
            answer.launch_permissions = users.chain(all).chain(arns).collect();
        }
        "description" => {
            answer.description = Some(AttributeValue {
                value: row.description.clone(),
            });
        }
        "blockDeviceMapping" => answer.block_device_mappings = images::mappings(ctx, &row),
        other => {
            return Err(Refusal::not_built(&format!(
                "the attribute {other} of images"
            )));
        }
    }
    answer.image_id = Some(id);
    Ok(answer)
}

/// ResetImageAttribute: it is the owner's alone to launch again.
pub(super) fn reset_image(
    ctx: &mut Ctx<'_>,
    request: ResetImageAttributeRequest,
) -> Result<ResetImageAttributeResponse, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let mut row = images::own(ctx, &id)?;
    row.shared_with.clear();
    row.public = false;
    ctx.delete::<LaunchOrganizations>(id.as_str());
    ctx.put::<Images>(id.as_str(), &row);
    shared(ctx, "image", &id, &row.shared_with, row.public);
    Ok(ResetImageAttributeResponse {})
}
