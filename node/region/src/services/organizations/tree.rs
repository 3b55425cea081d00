//! What an organisation is, apart from any call.

use faultline_proto::names::AccountId;

use super::error::OrganizationsError;
use super::keyspaces::{ControlPolicyRow, Memberships, OrganizationRow, Organizations, PolicyType};
use crate::context::{Ctx, encode};
use crate::directory::propagate;
use crate::identity::DocumentKind;

impl PolicyType {
    /// AWS's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::ServiceControl => "SERVICE_CONTROL_POLICY",
            Self::ResourceControl => "RESOURCE_CONTROL_POLICY",
        }
    }

    /// From AWS's word; other types say nothing about permissions.
    pub(super) fn read(word: Option<&str>) -> Result<Self, OrganizationsError> {
        match word.unwrap_or_default() {
            "SERVICE_CONTROL_POLICY" => Ok(Self::ServiceControl),
            "RESOURCE_CONTROL_POLICY" => Ok(Self::ResourceControl),
            other => Err(OrganizationsError::TypeNotBuilt(other.to_owned())),
        }
    }

    /// How its documents are read.
    pub(super) fn document(self) -> DocumentKind {
        match self {
            Self::ServiceControl => DocumentKind::ServiceControl,
            Self::ResourceControl => DocumentKind::ResourceControl,
        }
    }

    /// Id of AWS's own policy that lets everything through, attached everywhere at first.
    pub(super) fn full_access(self) -> &'static str {
        match self {
            Self::ServiceControl => "p-FullAWSAccess",
            Self::ResourceControl => "p-RCPFullAWSAccess",
        }
    }

    /// The document of [`Self::full_access`].
    pub(super) fn full_document(self) -> &'static str {
        match self {
            Self::ServiceControl => {
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
            }
            Self::ResourceControl => {
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
            }
        }
    }
}

impl OrganizationRow {
    /// Writes the rows here.
    pub(super) fn write(&self, ctx: &mut Ctx<'_>) {
        let before = ctx.get::<Organizations>(&self.management);
        for (account, _) in before.into_iter().flat_map(|row| row.accounts) {
            let left = !self.accounts.contains_key(&account);
            if left && ctx.get::<Memberships>(&account).as_ref() == Some(&self.management) {
                ctx.delete::<Memberships>(&account);
            }
        }
        ctx.put::<Organizations>(&self.management, self);
        for account in self.accounts.keys() {
            ctx.put::<Memberships>(account, &self.management);
        }
    }

    /// Writes the rows here and sends them to every other Region.
    pub(super) fn publish(&self, ctx: &mut Ctx<'_>) {
        self.write(ctx);
        propagate(ctx, "organizations", "organization", &encode(self));
    }

    /// The root, the units below it and the account itself, in that order.
    pub(super) fn path(&self, account: &AccountId) -> Vec<String> {
        let mut path = vec![account.to_string()];
        let mut above = self.accounts.get(account).map(|row| row.parent.clone());
        while let Some(id) = above {
            above = self.units.get(&id).map(|unit| unit.parent.clone());
            path.push(id);
        }
        path.reverse();
        path
    }

    /// Whether `id` is the root, a unit or an account of this organisation.
    pub(super) fn has_target(&self, id: &str) -> bool {
        self.is_parent(id) || self.accounts.keys().any(|account| account.as_str() == id)
    }

    /// Whether `id` is the root or a unit.
    pub(super) fn is_parent(&self, id: &str) -> bool {
        self.root == id || self.units.contains_key(id)
    }

    /// Attaches AWS's own policies to something new.
    pub(super) fn open(&mut self, target: &str) {
        let full: Vec<String> = self
            .enabled
            .iter()
            .map(|kind| kind.full_access().to_owned())
            .collect();
        self.attached.insert(target.to_owned(), full);
    }

    /// What a policy id stands for: its type, name and document, AWS's own included.
    pub(super) fn policy(&self, id: &str) -> Option<ControlPolicyRow> {
        let own = [PolicyType::ServiceControl, PolicyType::ResourceControl];
        if let Some(kind) = own.into_iter().find(|kind| kind.full_access() == id) {
            return Some(ControlPolicyRow {
                name: kind.full_access().trim_start_matches("p-").to_owned(),
                description: "Allows access to every operation".to_owned(),
                kind,
                content: kind.full_document().to_owned(),
            });
        }
        self.policies.get(id).cloned()
    }

    /// ARN of a policy.
    pub(super) fn policy_arn(&self, id: &str, kind: PolicyType) -> String {
        let word = kind.word().to_lowercase();
        if id == kind.full_access() {
            format!("arn:aws:organizations::aws:policy/{word}/{id}")
        } else {
            format!(
                "arn:aws:organizations::{}:policy/{}/{word}/{id}",
                self.management, self.id
            )
        }
    }
}

/// The organisation of an account, as far as this Region knows.
pub(super) fn of_account(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
) -> Result<OrganizationRow, OrganizationsError> {
    let management = ctx
        .get_cached::<Memberships>(account)
        .ok_or(OrganizationsError::NotInUse)?;
    let row = ctx
        .get_cached::<Organizations>(&*management)
        .ok_or(OrganizationsError::NotInUse)?;
    Ok(OrganizationRow::clone(&*row))
}

/// The organisation that the caller manages.
pub(super) fn managed(ctx: &mut Ctx<'_>) -> Result<OrganizationRow, OrganizationsError> {
    let account = ctx.account();
    let row = of_account(ctx, &account)?;
    if row.management == account {
        Ok(row)
    } else {
        Err(OrganizationsError::NotManagement)
    }
}
