//! What a line may say, read strictly.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn, Timestamp};
use faultline_region::identity::{
    Context, DocumentKind, GrantView, Policies, Policy, Principal, ProposedGrant, Request,
    ResourcePolicy, dates, evaluate,
};
use serde::Deserialize;

use super::answer::{Answer, Expected};
use super::papers::{Grant, Paper, Proposed, read_all, read_levels};

/// KMS operations that work across accounts besides the cryptographic ones (K-181).
const ACROSS: [&str; 8] = [
    "kms:CreateGrant",
    "kms:DescribeKey",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:DeriveSharedSecret",
];
/// Beginnings of the cryptographic operations' names.
const CRYPTOGRAPHIC: [&str; 9] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt",
    "kms:GenerateDataKey",
    "kms:GenerateMac",
    "kms:VerifyMac",
    "kms:Sign",
    "kms:Verify",
    "kms:Encapsulate",
];

/// One question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    id: Option<String>,
    principal: String,
    principal_id: Option<String>,
    role: Option<String>,
    action: String,
    resource: String,
    resource_account: Option<String>,
    crosses_accounts: Option<bool>,
    time: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, Given>,
    encryption_context: Option<BTreeMap<String, String>>,
    #[serde(default)]
    identity_policies: Vec<Paper>,
    permissions_boundary: Option<Paper>,
    #[serde(default)]
    session_policies: Vec<Paper>,
    #[serde(default)]
    scps: Vec<Vec<Paper>>,
    #[serde(default)]
    rcps: Vec<Vec<Paper>>,
    endpoint_policy: Option<Paper>,
    resource_policy: Option<Paper>,
    #[serde(default)]
    grants: Vec<Grant>,
    proposed_grant: Option<Proposed>,
    expect: Option<Expected>,
}

/// The value or values of a condition key.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "the value of a condition key is a string, a number, true, false, or a list of strings"
)]
enum Given {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
    Texts(Vec<String>),
}

/// The documents of a question, read.
struct Papers {
    identity: Vec<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    session: Vec<Arc<Policy>>,
    scps: Vec<Vec<Arc<Policy>>>,
    rcps: Vec<Vec<Arc<Policy>>>,
    endpoint: Option<Arc<Policy>>,
    resource: Option<Arc<Policy>>,
}

impl Question {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| {
            // The line is known already; serde's own says always 1.
            let text = error.to_string();
            let (what, place) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
            match place.split_once("column ") {
                Some((_, column)) if column != "0" => format!("{what} (column {column})"),
                _ => what.to_owned(),
            }
        })
    }

    /// Decides it.
    pub(super) fn decide(&self, line: u64) -> Result<Answer, String> {
        let principal = self.caller()?;
        let owner = self.owner(&principal)?;
        let papers = self.papers()?;
        let context = self.keys(&papers)?;
        let issuers = self
            .grants
            .iter()
            .map(|grant| grant.issuer(&owner))
            .collect::<Result<Vec<AccountId>, String>>()?;
        let grants = self
            .grants
            .iter()
            .zip(&issuers)
            .map(|(grant, issuer)| grant.view(issuer))
            .collect::<Result<Vec<GrantView<'_>>, String>>()?;
        let proposed = match &self.proposed_grant {
            Some(proposed) => Some(ProposedGrant {
                operations: &proposed.operations,
                context: proposed.constraint()?,
            }),
            None => None,
        };
        let request = Request {
            crosses_accounts: self
                .crosses_accounts
                .unwrap_or_else(|| works_across_accounts(&self.action)),
            encryption_context: self.encryption_context.as_ref(),
            proposed_grant: proposed.as_ref(),
            ..Request::new(&principal, &self.action, &self.resource, &owner, &context)
        };
        let decision = evaluate(
            &request,
            &Policies {
                identity: &papers.identity,
                boundary: papers.boundary.as_deref(),
                session: &papers.session,
                scp_levels: &papers.scps,
                rcp_levels: &papers.rcps,
                endpoint: papers.endpoint.as_deref(),
                resource: self.resource_policy(papers.resource.as_deref())?,
                grants: &grants,
            },
        );
        Ok(Answer::new(line, self.id.clone(), self.expect, decision))
    }

    fn caller(&self) -> Result<Principal, String> {
        let text = self.principal.as_str();
        if text == "anonymous" {
            return Ok(Principal::Anonymous);
        }
        if !text.starts_with("arn:") {
            return if text.ends_with(".amazonaws.com") {
                Ok(Principal::service(text))
            } else {
                Err(not_a_principal(text))
            };
        }
        let arn = Arn::new(text).map_err(|error| format!("`principal`: {error}"))?;
        let account =
            AccountId::new(arn.account()).map_err(|error| format!("`principal`: {error}"))?;
        let id = |kind: &str| {
            self.principal_id
                .clone()
                .unwrap_or_else(|| format!("{kind}{}", "X".repeat(17)))
        };
        match (arn.service(), arn.resource().split_once('/')) {
            ("iam", None) if arn.resource() == "root" => Ok(Principal::root(&account)),
            ("iam", Some(("user", rest))) if !rest.is_empty() => {
                let (path, name) = rest
                    .rsplit_once('/')
                    .map_or(("/".to_owned(), rest), |(path, name)| {
                        (format!("/{path}/"), name)
                    });
                Ok(Principal::user(&account, &path, name, &id("AIDA")))
            }
            ("iam", Some(("role", _))) => Err(format!(
                "`principal`: a role acts as a session of its own: write arn:aws:sts::{account}:assumed-role/ROLE/SESSION"
            )),
            ("sts", Some(("assumed-role", rest))) => {
                let (name, session) = rest.split_once('/').ok_or_else(|| not_a_principal(text))?;
                let role = self
                    .role
                    .clone()
                    .unwrap_or_else(|| format!("arn:aws:iam::{account}:role/{name}"));
                let role = Arn::new(&role).map_err(|error| format!("`role`: {error}"))?;
                Principal::role(&role, &id("AROA"), session)
                    .map_err(|error| format!("`role`: {error}"))
            }
            _ => Err(not_a_principal(text)),
        }
    }

    /// The account of the resource: said, else in its ARN, else the caller's for `*`.
    fn owner(&self, principal: &Principal) -> Result<AccountId, String> {
        let own = || {
            principal
                .account()
                .map(AccountId::as_str)
                .unwrap_or_default()
        };
        let text = match &self.resource_account {
            Some(account) => account.as_str(),
            None if self.resource == "*" => own(),
            None => self.resource.split(':').nth(4).unwrap_or_default(),
        };
        AccountId::new(text).map_err(|_| {
            format!("`resource_account` is needed: {} does not say whose it is. Give twelve digits in a string", self.resource)
        })
    }

    fn papers(&self) -> Result<Papers, String> {
        let one = |paper: &Option<Paper>, kind, what| {
            paper
                .as_ref()
                .map(|paper| paper.read(kind, what))
                .transpose()
        };
        Ok(Papers {
            identity: read_all(
                &self.identity_policies,
                DocumentKind::Identity,
                "identity_policies",
            )?,
            boundary: one(
                &self.permissions_boundary,
                DocumentKind::Identity,
                "permissions_boundary",
            )?,
            session: read_all(
                &self.session_policies,
                DocumentKind::Session,
                "session_policies",
            )?,
            scps: read_levels(&self.scps, DocumentKind::ServiceControl, "scps")?,
            rcps: read_levels(&self.rcps, DocumentKind::ResourceControl, "rcps")?,
            endpoint: one(
                &self.endpoint_policy,
                DocumentKind::Endpoint,
                "endpoint_policy",
            )?,
            resource: one(&self.resource_policy, self.kind(), "resource_policy")?,
        })
    }

    /// Which rules the resource's policy follows.
    fn kind(&self) -> DocumentKind {
        let resource = self.resource.as_str();
        match resource.split(':').nth(2) {
            Some("kms") => DocumentKind::Key,
            Some("s3") => DocumentKind::Bucket,
            Some("iam") if resource.contains(":role/") => DocumentKind::Trust,
            _ => DocumentKind::Resource,
        }
    }

    fn resource_policy<'a>(
        &self,
        policy: Option<&'a Policy>,
    ) -> Result<ResourcePolicy<'a>, String> {
        match (policy, self.kind()) {
            (None, DocumentKind::Key) if self.resource.contains(":key/") => {
                Err("`resource_policy` is needed: every KMS key has a key policy (K-165), and without it nobody has access".to_owned())
            }
            (None, DocumentKind::Bucket) => Ok(ResourcePolicy::Bucket(None)),
            (None, _) => Ok(ResourcePolicy::None),
            (Some(policy), DocumentKind::Key) => Ok(ResourcePolicy::Key(policy)),
            (Some(policy), DocumentKind::Trust) => Ok(ResourcePolicy::Trust(policy)),
            (Some(policy), DocumentKind::Bucket) => Ok(ResourcePolicy::Bucket(Some(policy))),
            (Some(policy), _) => Ok(ResourcePolicy::Other(Some(policy))),
        }
    }

    /// Condition keys, those of the encryption context included.
    fn keys(&self, papers: &Papers) -> Result<Context, String> {
        let now = match &self.time {
            Some(text) => dates::parse(text).ok_or_else(|| {
                format!("`time`: {text} is no moment such as 2026-11-24T02:31:00Z")
            })?,
            None if papers.ask_the_time() => {
                return Err("`time` is needed: a policy has a condition on aws:CurrentTime or aws:EpochTime. Give a moment such as 2026-11-24T02:31:00Z".to_owned());
            }
            None => 0,
        };
        let mut context = Context::at(Timestamp(now));
        for (key, given) in &self.context {
            if !key.contains(':') {
                return Err(format!(
                    "`context`: {key} is no condition key; they begin with a service, such as kms:ViaService or aws:PrincipalOrgID"
                ));
            }
            match given {
                Given::Text(text) => context.set(key.clone(), text.as_str()),
                Given::Flag(flag) => context.set_flag(key.clone(), *flag),
                Given::Number(number) => context.set(key.clone(), number.to_string()),
                Given::Texts(texts) => {
                    context.set_all(key.clone(), texts.iter().map(String::as_str))
                }
            }
        }
        if let Some(pairs) = &self.encryption_context {
            context.set_encryption_context(
                pairs
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            );
        }
        Ok(context)
    }
}

impl Papers {
    /// Whether any condition looks at the clock.
    fn ask_the_time(&self) -> bool {
        let levels = self.scps.iter().chain(&self.rcps).flatten();
        let single = self
            .boundary
            .iter()
            .chain(&self.endpoint)
            .chain(&self.resource);
        let all = self
            .identity
            .iter()
            .chain(&self.session)
            .chain(levels)
            .chain(single);
        all.flat_map(|policy| &policy.document.statements)
            .flat_map(|statement| &statement.conditions)
            .any(|condition| matches!(&*condition.key, "aws:currenttime" | "aws:epochtime"))
    }
}

fn not_a_principal(text: &str) -> String {
    format!(
        "`principal`: {text} is no caller. Write the ARN of a user (arn:aws:iam::ACCOUNT:user/NAME), of a role session \
         (arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION) or of a root user (arn:aws:iam::ACCOUNT:root), a service such as \
         s3.amazonaws.com, or anonymous"
    )
}

/// K-181; other services' resource policies may always admit other accounts.
fn works_across_accounts(action: &str) -> bool {
    !action.starts_with("kms:")
        || ACROSS.contains(&action)
        || CRYPTOGRAPHIC.iter().any(|start| action.starts_with(start))
        || action == "kms:Decapsulate"
}
