//! Who calls: a principal with the policies that speak for it here and now.
//!
//! A credential is resolved inside the Region, from this Region's own copy of the directory; so
//! expiry and stale IAM are felt. What is stored (in a saga) or sent (in a question to another
//! Region) is only who it is: the policies are looked up again where and when they are needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::driving::Credential;
use faultline_proto::names::AccountId;
use faultline_proto::replication;
use serde::{Deserialize, Serialize};

use crate::context::Ctx;
use crate::identity::{Policy, Principal};
use crate::refusal::Refusal;
use crate::services::{iam, sts};

/// Condition keys of the client's own connection, which a service that calls on its behalf does
/// not pass on (K-235).
const OF_THE_CLIENT: [&str; 5] = [
    "aws:SourceIp",
    "aws:VpcSourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:UserAgent",
];

/// What speaks for a caller in this Region.
#[derive(Debug, Clone, Default)]
pub struct CallerPolicies {
    /// Identity policies of the user or role.
    pub identity: Vec<Arc<Policy>>,
    /// Permissions boundary.
    pub boundary: Option<Arc<Policy>>,
    /// Session policies.
    pub session: Vec<Arc<Policy>>,
    /// Tags of the user or role (`aws:PrincipalTag`); those of a session are in the context.
    pub tags: Vec<(String, String)>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// Access key that signed; empty for services.
    pub access_key: String,
    /// What speaks for it in this Region.
    pub policies: CallerPolicies,
    /// A session's own policies, as [`sts`] writes them; empty when it has none.
    pub session_policy: String,
    /// Names of session tags that go on to the next role; known while the call is served.
    pub transitive_tags: Vec<String>,
    /// Services that call on its behalf, outermost first: `s3.eu-west-1.amazonaws.com`.
    pub via: Vec<String>,
    /// Condition keys that only the entrance knows.
    pub context: BTreeMap<String, String>,
}

impl Caller {
    /// A principal for which no policy speaks.
    #[must_use]
    pub fn plain(principal: Principal) -> Self {
        Self {
            principal,
            access_key: String::new(),
            policies: CallerPolicies::default(),
            session_policy: String::new(),
            transitive_tags: Vec::new(),
            via: Vec::new(),
            context: BTreeMap::new(),
        }
    }

    /// Nobody: a request without signature.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::plain(Principal::Anonymous)
    }

    /// The Region's own background work.
    #[must_use]
    pub fn internal() -> Self {
        Self::service("internal.amazonaws.com")
    }

    /// An AWS service in its own name, for example `s3.amazonaws.com`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::plain(Principal::service(name))
    }

    /// A service in its own name for a resource of a customer: `aws:SourceArn` and
    /// `aws:SourceAccount` say whose, so that nobody makes it a confused deputy (K-236).
    #[must_use]
    pub fn service_for(name: &str, source: &str, account: &AccountId) -> Self {
        let mut caller = Self::service(name);
        let source = [
            ("aws:SourceArn", source),
            ("aws:SourceAccount", account.as_str()),
        ];
        for (key, value) in source {
            caller.context.insert(key.to_owned(), value.to_owned());
        }
        caller
    }

    /// The same principal, called for by a service (`kms:ViaService`).
    #[must_use]
    pub fn through(&self, via: String) -> Self {
        let mut caller = self.clone();
        for key in OF_THE_CLIENT {
            caller.context.remove(key);
        }
        caller.via.push(via);
        caller
    }

    /// The account; all zeros for services and anonymous requests.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.principal
            .account()
            .cloned()
            .unwrap_or_else(|| AccountId::new("000000000000").expect("twelve digits"))
    }

    /// The ARN, or a service's name.
    #[must_use]
    pub fn arn(&self) -> String {
        self.principal.name().to_owned()
    }

    /// CloudTrail's invokedBy (K-266): the principal of the service that calls on the caller's
    /// behalf, `s3.amazonaws.com`; empty when the caller calls itself.
    #[must_use]
    pub fn invoked_by(&self) -> String {
        let Some(via) = self.via.last() else {
            return String::new();
        };
        match via.split_once('.') {
            Some((service, _)) => format!("{service}.amazonaws.com"),
            None => via.clone(),
        }
    }

    /// Whether temporary credentials were used.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.access_key.starts_with("ASIA")
    }

    /// CloudTrail's userIdentity.type.
    #[must_use]
    pub fn identity_type(&self) -> &'static str {
        match &self.principal {
            Principal::Root { .. } => "Root",
            Principal::User { .. } => "IAMUser",
            Principal::Role { .. } => "AssumedRole",
            Principal::Service { .. } => "AWSService",
            Principal::Anonymous => "Unknown",
        }
    }
}

/// Who calls, as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallerRow {
    principal: Principal,
    access_key: String,
    session_policy: String,
    via: Vec<String>,
    context: BTreeMap<String, String>,
}

impl CallerRow {
    /// What of `caller` is stored.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        Self {
            principal: caller.principal.clone(),
            access_key: caller.access_key.clone(),
            session_policy: caller.session_policy.clone(),
            via: caller.via.clone(),
            context: caller.context.clone(),
        }
    }

    /// For a question to another Region.
    #[must_use]
    pub fn to_wire(&self) -> replication::Caller {
        replication::Caller {
            row: crate::context::encode(self),
        }
    }

    /// From a question; `None` when the bytes are of another shape.
    #[must_use]
    pub fn from_wire(wire: &replication::Caller) -> Option<Self> {
        crate::context::decode(&wire.row).ok()
    }
}

/// Looks the policies up again.
pub(crate) fn restore(ctx: &mut Ctx<'_>, row: &CallerRow) -> Caller {
    Caller {
        policies: iam::policies_of(ctx, &row.principal, &row.session_policy),
        principal: row.principal.clone(),
        access_key: row.access_key.clone(),
        session_policy: row.session_policy.clone(),
        transitive_tags: Vec::new(),
        via: row.via.clone(),
        context: row.context.clone(),
    }
}

/// Resolves a credential.
///
/// # Errors
/// UnrecognizedClientException for an unknown key, the session's own error for an old token.
pub(crate) fn resolve(
    ctx: &mut Ctx<'_>,
    credential: Option<&Credential>,
    mut context: BTreeMap<String, String>,
) -> Result<Caller, Refusal> {
    let Some(credential) = credential.filter(|credential| !credential.access_key.is_empty()) else {
        return Ok(Caller {
            context,
            ..Caller::anonymous()
        });
    };
    let key = credential.access_key.as_str();
    let mut transitive_tags = Vec::new();
    let (principal, session_policy) = if !credential.session_token.is_empty() {
        let session = sts::open_token(ctx, key, &credential.session_token)?;
        // What the session says of itself, nobody else may say.
        context.extend(session.context);
        transitive_tags = session.transitive_tags;
        (session.principal, session.policy)
    } else if let Some((account, _)) = ctx
        .core
        .accounts
        .iter()
        .find(|(_, root)| root.as_str() == key)
    {
        (Principal::root(account), String::new())
    } else {
        let owner = iam::credential(ctx, key).ok_or_else(|| {
            Refusal::new(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        })?;
        (owner, String::new())
    };
    let policies = iam::policies_of(ctx, &principal, &session_policy);
    Ok(Caller {
        principal,
        access_key: key.to_owned(),
        policies,
        session_policy,
        transitive_tags,
        via: Vec::new(),
        context,
    })
}
