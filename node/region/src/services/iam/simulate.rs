//! SimulateCustomPolicy and SimulatePrincipalPolicy: what the evaluator would say, without the
//! call.
//!
//! It is the same pure function that decides every call, fed with the policies and the condition
//! keys of the request. Whoever simulates without naming a caller, or for a role or a group, gets
//! one made up: keys that only a real caller has (`aws:username`...) are then told as missing.
//! A resource is the caller's account's own unless a resource policy is sent along: then its ARN
//! or ResourceOwner says whose it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use faultline_proto::iam as api;
use faultline_proto::names::{AccountId, Arn};

use super::error::IamError;
use super::pages::{Page, slice};
use super::sources::{self, Source};
use crate::context::Ctx;
use crate::identity::reasons::StatementName;
use crate::identity::scan::{self, Scan, Seen};
use crate::identity::{
    Context, Decision, DocumentKind, Policies, Policy, Principal, Request, ResourcePolicy, evaluate,
};

/// Keys that a made-up caller does not have.
const OF_A_CALLER: [&str; 3] = ["aws:username", "aws:userid", "aws:principalarn"];

/// What both operations ask.
struct Asked {
    boundaries: Vec<String>,
    inputs: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    resource_policy: Option<String>,
    resource_owner: Option<String>,
    caller: Option<String>,
    entries: Vec<api::ContextEntry>,
    marker: Option<String>,
    max_items: Option<i32>,
}

macro_rules! asked {
    ($request:ident) => {
        Asked {
            boundaries: $request.permissions_boundary_policy_input_list,
            inputs: $request.policy_input_list,
            actions: $request.action_names,
            resources: $request.resource_arns,
            resource_policy: $request.resource_policy,
            resource_owner: $request.resource_owner,
            caller: $request.caller_arn,
            entries: $request.context_entries,
            marker: $request.marker,
            max_items: $request.max_items,
        }
    };
}

/// SimulateCustomPolicy.
pub(super) fn custom(
    ctx: &mut Ctx<'_>,
    request: api::SimulateCustomPolicyRequest,
) -> Result<api::SimulatePolicyResponse, IamError> {
    simulate(ctx, Source::default(), asked!(request))
}

/// SimulatePrincipalPolicy.
pub(super) fn principal(
    ctx: &mut Ctx<'_>,
    request: api::SimulatePrincipalPolicyRequest,
) -> Result<api::SimulatePolicyResponse, IamError> {
    let arn = request.policy_source_arn.clone().unwrap_or_default();
    let source = sources::of(ctx, &arn)?;
    simulate(ctx, source, asked!(request))
}

fn simulate(
    ctx: &mut Ctx<'_>,
    mut source: Source,
    asked: Asked,
) -> Result<api::SimulatePolicyResponse, IamError> {
    if asked.boundaries.len() > 1 {
        return Err(IamError::InvalidInput(
            "Only one permissions boundary can be simulated.".to_owned(),
        ));
    }
    for (at, text) in asked.inputs.iter().enumerate() {
        let policy = input(ctx, &format!("PolicyInputList.{}", at + 1), text)?;
        source.identity.push(policy);
    }
    for text in &asked.boundaries {
        let name = "PermissionsBoundaryPolicyInputList.1";
        source.boundary = Some(input(ctx, name, text)?);
    }
    if let Some(arn) = &asked.caller {
        source.caller = Some(sources::user(ctx, arn)?);
    }
    if asked.resource_policy.is_some() && !matches!(source.caller, Some(Principal::User { .. })) {
        return Err(IamError::InvalidInput(
            "CallerArn must name a user when ResourcePolicy is specified.".to_owned(),
        ));
    }
    let mut results = Vec::new();
    let simulation = Simulation::new(ctx, source, &asked)?;
    for action in &asked.actions {
        let policy = match &asked.resource_policy {
            Some(text) => Some(resource_policy(ctx, action, text)?),
            None => None,
        };
        check_action(action)?;
        let any = ["*".to_owned()];
        let resources = match asked.resources.as_slice() {
            [] => any.as_slice(),
            named => named,
        };
        for resource in resources {
            results.push(simulation.decide(action, resource, policy.as_deref()));
        }
    }
    let Page { rows, marker } = slice(results, asked.marker.as_deref(), asked.max_items)?;
    Ok(api::SimulatePolicyResponse {
        evaluation_results: rows,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

fn input(ctx: &mut Ctx<'_>, name: &str, text: &str) -> Result<Arc<Policy>, IamError> {
    ctx.caches
        .policy(DocumentKind::Identity, name, text)
        .map_err(|error| IamError::InvalidInput(format!("{name}: {}", error.message)))
}

/// The policy of a resource, by the rules of the action's service.
fn resource_policy(ctx: &mut Ctx<'_>, action: &str, text: &str) -> Result<Arc<Policy>, IamError> {
    let kind = match action.split(':').next() {
        Some("kms") => DocumentKind::Key,
        Some("s3") => DocumentKind::Bucket,
        Some("sts") => DocumentKind::Trust,
        _ => DocumentKind::Resource,
    };
    ctx.caches
        .policy(kind, "ResourcePolicy", text)
        .map_err(|error| IamError::InvalidInput(format!("ResourcePolicy: {}", error.message)))
}

fn check_action(action: &str) -> Result<(), IamError> {
    match action.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() && !name.contains('*') => {
            Ok(())
        }
        _ => Err(IamError::InvalidInput(format!(
            "ActionNames: {action} is not one action of a service, such as kms:Encrypt."
        ))),
    }
}

/// Everything but the action, the resource and its policy.
struct Simulation {
    source: Source,
    caller: Principal,
    account: AccountId,
    owner: Option<AccountId>,
    context: Context,
}

impl Simulation {
    fn new(ctx: &mut Ctx<'_>, source: Source, asked: &Asked) -> Result<Self, IamError> {
        let account = ctx.account();
        let made_up = || Principal::user(&account, "/", "simulated", "simulated");
        let caller = source.caller.clone().unwrap_or_else(made_up);
        let mut context = Context::at(ctx.now());
        for (key, value) in &source.tags {
            context.set(format!("aws:principaltag/{key}"), value.as_str());
        }
        for entry in &asked.entries {
            let key = entry.context_key_name.clone().unwrap_or_default();
            let values = entry.context_key_values.iter().map(String::as_str);
            context.set_all(key, values);
        }
        let owner = match &asked.resource_owner {
            None => None,
            Some(owner) => Some(account_in(owner).ok_or_else(|| {
                IamError::InvalidInput(format!("ResourceOwner: {owner} names no account."))
            })?),
        };
        let account = caller.account().cloned().unwrap_or(account);
        Ok(Self {
            source,
            caller,
            account,
            owner,
            context,
        })
    }

    fn decide(
        &self,
        action: &str,
        resource: &str,
        policy: Option<&Policy>,
    ) -> api::EvaluationResult {
        let owner = match policy {
            None => self.account.clone(),
            Some(_) => account_in(resource)
                .or_else(|| self.owner.clone())
                .unwrap_or_else(|| self.account.clone()),
        };
        let request = Request::new(&self.caller, action, resource, &owner, &self.context);
        let policies = Policies {
            identity: &self.source.identity,
            boundary: self.source.boundary.as_deref(),
            scp_levels: &self.source.scps,
            resource: of_resource(policy),
            ..Policies::default()
        };
        let (word, matched) = match evaluate(&request, &policies) {
            Decision::Allowed(allowance) => ("allowed", allowance.statements()),
            Decision::Denied(refusal) => match refusal.explicit {
                Some(statement) => ("explicitDeny", vec![statement]),
                None => ("implicitDeny", Vec::new()),
            },
        };
        let matched = matched.iter().map(|name| self.statement(name));
        api::EvaluationResult {
            eval_action_name: Some(action.to_owned()),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision: Some(word.to_owned()),
            matched_statements: matched.collect(),
            missing_context_values: self.missing(&request, policy),
            organizations_decision_detail: self.by_organization(&request),
            permissions_boundary_decision_detail: self.by_boundary(&request),
        }
    }

    fn statement(&self, name: &StatementName) -> api::Statement {
        let (id, kind) = self.source.origin(&name.policy);
        api::Statement {
            source_policy_id: Some(id),
            source_policy_type: Some(kind.to_owned()),
        }
    }

    fn by_organization(&self, request: &Request<'_>) -> Option<api::OrganizationsDecisionDetail> {
        let levels = &self.source.scps;
        let allows = |level: &Vec<Arc<Policy>>| is_allowed(&Scan::all(level, request));
        (!levels.is_empty()).then(|| api::OrganizationsDecisionDetail {
            allowed_by_organizations: Some(levels.iter().all(allows)),
        })
    }

    fn by_boundary(&self, request: &Request<'_>) -> Option<api::PermissionsBoundaryDecisionDetail> {
        let boundary = self.source.boundary.as_deref()?;
        Some(api::PermissionsBoundaryDecisionDetail {
            allowed_by_permissions_boundary: Some(is_allowed(&Scan::one(boundary, request))),
        })
    }

    /// Condition keys that statements about the action ask for and the request has not.
    fn missing(&self, request: &Request<'_>, policy: Option<&Policy>) -> Vec<String> {
        let source = &self.source;
        let all = source.identity.iter().map(Arc::as_ref);
        let all = all.chain(source.boundary.as_deref()).chain(policy);
        let mut missing = BTreeSet::new();
        for policy in all {
            let seen = Seen::new(request, policy.document.kind);
            let statements = policy.document.statements.iter();
            for statement in statements.filter(|one| scan::is_about_action(one, &seen)) {
                for condition in &statement.conditions {
                    let made_up = source.caller.is_none()
                        && OF_A_CALLER.contains(&&*condition.key)
                        && self.context.get(&condition.key).is_none();
                    if made_up || seen.values(&condition.key).is_empty() {
                        missing.insert(condition.written_key.to_string());
                    }
                }
            }
        }
        missing.into_iter().collect()
    }
}

fn is_allowed(scan: &Scan<'_>) -> bool {
    scan.allow.is_some() && scan.deny.is_none()
}

fn of_resource(policy: Option<&Policy>) -> ResourcePolicy<'_> {
    match policy {
        None => ResourcePolicy::None,
        Some(key) if key.document.kind == DocumentKind::Key => ResourcePolicy::Key(key),
        Some(trust) if trust.document.kind == DocumentKind::Trust => ResourcePolicy::Trust(trust),
        bucket if bucket.is_some_and(|it| it.document.kind == DocumentKind::Bucket) => {
            ResourcePolicy::Bucket(bucket)
        }
        other => ResourcePolicy::Other(other),
    }
}

/// The account in an ARN; the ARNs of buckets have none.
fn account_in(arn: &str) -> Option<AccountId> {
    AccountId::new(Arn::new(arn).ok()?.account()).ok()
}
