//! What is asked: who, which action, which resource, under which circumstances.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn, BadName};
use serde::{Deserialize, Serialize};

use super::context::{Context, Values};
use super::dates;
use super::grants::ProposedGrant;
use super::pattern::Variables;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Principal {
    /// An account's root user.
    Root {
        /// The account.
        account: AccountId,
        /// `arn:aws:iam::ACCOUNT:root`
        arn: Arn,
    },
    /// An IAM user.
    User {
        /// The user's account.
        account: AccountId,
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`
        arn: Arn,
        /// The name without its path.
        name: Arc<str>,
        /// The unique id, `AIDA...`: a user of the same name made later has another.
        id: Arc<str>,
    },
    /// A session of a role.
    Role {
        /// The role's account.
        account: AccountId,
        /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
        role: Arn,
        /// The role's unique id, `AROA...`.
        role_id: Arc<str>,
        /// The session's name.
        session: Arc<str>,
        /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`
        arn: Arn,
    },
    /// An AWS service acting for itself, for example `cloudtrail.amazonaws.com`.
    Service {
        /// The service principal's name.
        name: Arc<str>,
    },
    /// Nobody: the request was not signed.
    Anonymous,
}

impl Principal {
    /// The root user of `account`.
    #[must_use]
    pub fn root(account: &AccountId) -> Self {
        Self::Root {
            account: account.clone(),
            arn: Arn::of("iam", "", account.as_str(), "root"),
        }
    }

    /// The user `name` of `account`; `path` is `/` or `/PATH/`.
    #[must_use]
    pub fn user(account: &AccountId, path: &str, name: &str, id: &str) -> Self {
        let arn = Arn::of("iam", "", account.as_str(), &format!("user{path}{name}"));
        Self::User {
            account: account.clone(),
            arn,
            name: name.into(),
            id: id.into(),
        }
    }

    /// A session of the role `role` (its IAM ARN, path included).
    ///
    /// # Errors
    /// [`BadName`] when the ARN holds no account id.
    pub fn role(role: &Arn, role_id: &str, session: &str) -> Result<Self, BadName> {
        let account = AccountId::new(role.account())?;
        let name = role.resource().rsplit('/').next().unwrap_or_default();
        let arn = Arn::of(
            "sts",
            "",
            account.as_str(),
            &format!("assumed-role/{name}/{session}"),
        );
        Ok(Self::Role {
            account,
            role: role.clone(),
            role_id: role_id.into(),
            session: session.into(),
            arn,
        })
    }

    /// The service `name`, for example `s3.amazonaws.com`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::Service { name: name.into() }
    }

    /// The caller's account; services and anonymous callers have none.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::Role { account, .. } => Some(account),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The caller as messages and the trail name it: the session's ARN for a role, the name for a
    /// service, `anonymous` for nobody.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Root { arn, .. } | Self::User { arn, .. } | Self::Role { arn, .. } => {
                arn.as_str()
            }
            Self::Service { name } => name,
            Self::Anonymous => "anonymous",
        }
    }

    /// What a policy would name to admit this caller and its like: the role for a session.
    #[must_use]
    pub fn policy_name(&self) -> &str {
        match self {
            Self::Role { role, .. } => role.as_str(),
            Self::Root { .. } | Self::User { .. } | Self::Service { .. } | Self::Anonymous => {
                self.name()
            }
        }
    }

    /// Whether this is a session of a service-linked role, which SCPs and RCPs do not bind (K-190, K-191).
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Self::Role { role, .. } if role.resource().starts_with("role/aws-service-role/"))
    }

    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        let text = match (key, self) {
            ("principalarn", Self::Service { .. } | Self::Anonymous) => return None,
            ("principalarn", _) => self.policy_name(),
            ("principalaccount", _) => self.account()?.as_str(),
            ("principaltype", Self::Root { .. }) => "Account",
            ("principaltype", Self::User { .. }) => "User",
            ("principaltype", Self::Role { .. }) => "AssumedRole",
            ("principaltype", Self::Anonymous) | ("userid", Self::Anonymous) => "Anonymous",
            ("userid", Self::Root { account, .. }) => account.as_str(),
            ("userid", Self::User { id, .. }) => id,
            (
                "userid",
                Self::Role {
                    role_id, session, ..
                },
            ) => return Some(format!("{role_id}:{session}").into()),
            ("username", Self::User { name, .. }) => name,
            ("principalservicename", Self::Service { name }) => name,
            ("principalisawsservice", Self::Service { .. }) => "true",
            ("principalisawsservice", _) => "false",
            _ => return None,
        };
        Some(Cow::Borrowed(text))
    }
}

/// How a refusal names the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wording {
    /// By its ARN.
    #[default]
    Resource,
    /// As "the resource associated with this ciphertext" (K-217): the caller named no key.
    Ciphertext,
}

/// One question to the evaluator.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The action in AWS's spelling, `kms:Encrypt`.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action without one.
    pub resource: &'a str,
    /// The account that owns the resource (S3 ARNs do not say it).
    pub resource_account: &'a AccountId,
    /// Whether the operation works across accounts at all (K-181).
    pub crosses_accounts: bool,
    /// Condition keys.
    pub context: &'a Context,
    /// The encryption context as sent, for grant constraints (K-198: case-sensitive).
    pub encryption_context: Option<&'a BTreeMap<String, String>>,
    /// For `CreateGrant`: what would be granted (K-201).
    pub proposed_grant: Option<&'a ProposedGrant<'a>>,
    /// How a refusal names the resource.
    pub wording: Wording,
}

impl<'a> Request<'a> {
    /// A plain request that may cross accounts.
    #[must_use]
    pub fn new(
        principal: &'a Principal,
        action: &'a str,
        resource: &'a str,
        resource_account: &'a AccountId,
        context: &'a Context,
    ) -> Self {
        Self {
            principal,
            action,
            resource,
            resource_account,
            crosses_accounts: true,
            context,
            encryption_context: None,
            proposed_grant: None,
            wording: Wording::Resource,
        }
    }

    /// Whether caller and resource belong to different accounts.
    #[must_use]
    pub fn is_cross_account(&self) -> bool {
        self.principal
            .account()
            .is_some_and(|account| account != self.resource_account)
    }

    /// The values of a condition key in lower case: what was set, else what follows from the caller,
    /// the resource and the clock.
    #[must_use]
    pub fn values(&self, key: &str) -> Values<'_> {
        if let Some(values) = self.context.get(key) {
            return Values::Set(values);
        }
        let derived = match key.split_once(':') {
            Some(("aws", "currenttime")) => Some(dates::format(self.context.now().0).into()),
            Some(("aws", "epochtime")) => Some(
                self.context
                    .now()
                    .0
                    .div_euclid(1_000_000)
                    .to_string()
                    .into(),
            ),
            Some(("aws", "resourceaccount")) => Some(Cow::Borrowed(self.resource_account.as_str())),
            Some(("aws", rest)) => self.principal.value(rest),
            Some(("kms", "calleraccount")) => self.principal.value("principalaccount"),
            _ => None,
        };
        derived.map_or(Values::Absent, Values::One)
    }
}

impl Variables for Request<'_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.values(key) {
            Values::One(value) => Some(value),
            Values::Set([value]) => Some(Cow::Borrowed(value)),
            Values::Absent | Values::Set(_) => None,
        }
    }
}
