//! Who else may use a snapshot or an image.
//!
//! Sharing looks at nothing but the kind of key: that the other account can use it is another
//! permission, and nobody checks it here (EBS-031). Left out: product codes.

use std::collections::BTreeSet;

use faultline_proto::ec2::{
    CreateVolumePermission, DescribeSnapshotAttributeRequest, DescribeSnapshotAttributeResponse,
    ModifyImageAttributeRequest, ModifyImageAttributeResponse, ModifySnapshotAttributeRequest,
    ModifySnapshotAttributeResponse,
};
use faultline_proto::names::AccountId;

use super::error::Error;
use super::keyspaces::{Images, Snapshots};
use super::{images, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most changes of one call (EBS-027).
const MOST: usize = 500;

/// One entry of a permission: an account, or everybody.
type Entry = (Option<String>, Option<String>);

/// What a call changes.
#[derive(Debug, Default)]
struct Changes {
    add: bool,
    accounts: BTreeSet<AccountId>,
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
            match entry {
                (Some(account), None) => {
                    let account = AccountId::new(&account)
                        .map_err(|_| Error::InvalidValue(format!("Invalid user id: {account}")))?;
                    changes.accounts.insert(account);
                }
                (None, Some(group)) if group == "all" => changes.everybody = true,
                _ => {
                    return Err(Error::InvalidValue(
                        "A permission is a user id or the group all".to_owned(),
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
    ) -> Result<Option<Self>, Error> {
        let users = users.into_iter().map(|user| (Some(user), None));
        let entries: Vec<Entry> = users
            .chain(groups.into_iter().map(|group| (None, Some(group))))
            .collect();
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

/// ModifySnapshotAttribute.
pub(super) fn modify_snapshot(
    ctx: &mut Ctx<'_>,
    request: ModifySnapshotAttributeRequest,
) -> Result<ModifySnapshotAttributeResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    let mut row = snapshots::own(ctx, &id)?;
    let permission = request.create_volume_permission.unwrap_or_default();
    let entries = |list: Vec<CreateVolumePermission>| {
        list.into_iter()
            .map(|entry| (entry.user_id, entry.group))
            .collect()
    };
    let changes = Changes::of(entries(permission.add), entries(permission.remove))?;
    let older = Changes::by_operation(
        request.operation_type.as_deref(),
        request.user_ids,
        request.group_names,
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
    changes.apply(&mut row.shared_with, &mut row.public);
    ctx.put::<Snapshots>(id.as_str(), &row);
    Ok(ModifySnapshotAttributeResponse {})
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
    let entries = |list: Vec<faultline_proto::ec2::LaunchPermission>| {
        list.into_iter()
            .map(|entry| (entry.user_id, entry.group))
            .collect()
    };
    let changes = Changes::of(entries(permission.add), entries(permission.remove))?;
    let older = Changes::by_operation(
        request.operation_type.as_deref(),
        request.user_ids,
        request.user_groups,
    )?;
    let changes = changes.or(older);
    if changes.is_none() && request.description.is_none() {
        return Err(Error::Missing("launchPermission").into());
    }
    if let Some(changes) = changes {
        for device in row.devices.iter().filter(|_| changes.add) {
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
                return Err(Error::ManagedNotShared.into());
            }
            if changes.everybody && snapshot.encrypted {
                return Err(Error::EncryptedNotPublic.into());
            }
        }
        changes.apply(&mut row.shared_with, &mut row.public);
    }
    if let Some(description) = request.description {
        row.description = description.value;
    }
    ctx.put::<Images>(id.as_str(), &row);
    Ok(ModifyImageAttributeResponse {})
}
