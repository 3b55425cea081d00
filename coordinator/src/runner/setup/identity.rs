//! Users and roles, known in every Region.

use faultline_proto::driving::Credential;
use faultline_proto::names::{AccountId, RegionName};
use serde_json::{Value, json};

use super::{Maker, PATIENCE, SetUpFailed};
use crate::clock::Span;
use crate::runner::ask::Refusal;
use crate::runner::world::Principal;
use crate::scenario::plan::world::{GroupPlan, Named, PrincipalPlan};
use crate::scenario::policy;

/// Name of the one inline policy that a principal of a world has.
pub const INLINE_POLICY: &str = "scenario";

impl Maker<'_> {
    /// Makes all principals and waits until every Region knows them.
    pub(super) async fn identity(&mut self) -> Result<(), SetUpFailed> {
        let (users, roles): (Vec<_>, Vec<_>) = self
            .plan
            .principals
            .iter()
            .partition(|(_, principal)| !principal.is_role());
        // Names first: policies may name principals that come later.
        for (name, plan) in users.iter().chain(&roles) {
            let account = self.account(&plan.what.account);
            let role = plan.is_role();
            let kind = if role { "role" } else { "user" };
            let principal = Principal {
                arn: format!("arn:aws:iam::{account}:{kind}/{name}"),
                account,
                role,
                credential: None,
                session_policy: limit(&plan.what.session),
            };
            self.world.principals.insert((*name).clone(), principal);
        }
        for (name, plan) in &users {
            self.span.set(plan.span);
            self.user(name, plan).await?;
        }
        for (name, plan) in &roles {
            self.span.set(plan.span);
            self.role(name, plan).await?;
        }
        for (name, plan) in &self.plan.groups {
            self.span.set(plan.span);
            self.group(name, plan).await?;
        }
        // Records arrive in order: who knows the last key knows all before it.
        let mut last = None;
        for (name, plan) in &users {
            self.span.set(plan.span);
            let account = self.account(&plan.what.account);
            last = Some(self.access_key(&account, name).await?);
            if let Some(principal) = self.world.principals.get_mut(*name) {
                principal.credential.clone_from(&last);
            }
        }
        for (name, plan) in &roles {
            self.span.set(plan.span);
            if let Some(credential) = self.assumer(name, plan).await? {
                last = Some(credential);
            }
        }
        match last {
            Some(credential) => self.known_everywhere(&credential).await,
            None if roles.is_empty() => Ok(()),
            None => {
                let delay = Span::from(self.plan.iam_propagation);
                self.sim.sleep(Span(delay.0 + Span::secs(5).0)).await;
                Ok(())
            }
        }
    }

    async fn user(&self, name: &str, plan: &Named<PrincipalPlan>) -> Result<(), SetUpFailed> {
        let (account, home) = (self.account(&plan.what.account), self.world.home.clone());
        let create = json!({ "user_name": name });
        self.root(&account, &home, "iam.create_user", create)
            .await?;
        if let Some(policy) = plan.identity_policy(&self.names(&home)) {
            let put = json!({ "user_name": name, "policy_name": INLINE_POLICY, "policy_document": policy.to_string() });
            self.root(&account, &home, "iam.put_user_policy", put)
                .await?;
        }
        if let Some(boundary) = self.boundary(name, plan).await? {
            let put = json!({ "user_name": name, "permissions_boundary": boundary });
            self.root(&account, &home, "iam.put_user_permissions_boundary", put)
                .await?;
        }
        Ok(())
    }

    async fn group(&self, name: &str, plan: &Named<GroupPlan>) -> Result<(), SetUpFailed> {
        let (account, home) = (self.account(&plan.what.account), self.world.home.clone());
        let create = json!({ "group_name": name });
        self.root(&account, &home, "iam.create_group", create)
            .await?;
        if let Some(policy) = plan.identity_policy(&self.names(&home)) {
            let put = json!({ "group_name": name, "policy_name": INLINE_POLICY, "policy_document": policy.to_string() });
            self.root(&account, &home, "iam.put_group_policy", put)
                .await?;
        }
        for member in &plan.what.members {
            let add = json!({ "group_name": name, "user_name": member });
            self.root(&account, &home, "iam.add_user_to_group", add)
                .await?;
        }
        Ok(())
    }

    /// Makes the managed policy that is to be the boundary. Answers its ARN.
    async fn boundary(
        &self,
        name: &str,
        plan: &Named<PrincipalPlan>,
    ) -> Result<Option<String>, SetUpFailed> {
        let (account, home) = (self.account(&plan.what.account), self.world.home.clone());
        let Some(document) = limit(&plan.what.boundary) else {
            return Ok(None);
        };
        let policy = format!("{name}-boundary");
        let create = json!({ "policy_name": policy, "policy_document": document });
        self.root(&account, &home, "iam.create_policy", create)
            .await?;
        Ok(Some(format!("arn:aws:iam::{account}:policy/{policy}")))
    }

    async fn role(&self, name: &str, plan: &Named<PrincipalPlan>) -> Result<(), SetUpFailed> {
        let (account, home) = (self.account(&plan.what.account), self.world.home.clone());
        let trust = self.trust(&account, plan.what.assumed_by.as_deref());
        let create = json!({ "role_name": name, "assume_role_policy_document": trust.to_string() });
        self.root(&account, &home, "iam.create_role", create)
            .await?;
        if let Some(policy) = plan.identity_policy(&self.names(&home)) {
            let put = json!({ "role_name": name, "policy_name": INLINE_POLICY, "policy_document": policy.to_string() });
            self.root(&account, &home, "iam.put_role_policy", put)
                .await?;
        }
        if let Some(boundary) = self.boundary(name, plan).await? {
            let put = json!({ "role_name": name, "permissions_boundary": boundary });
            self.root(&account, &home, "iam.put_role_permissions_boundary", put)
                .await?;
        }
        Ok(())
    }

    /// Who may assume a role: a service, a principal, an account; its own account when absent.
    fn trust(&self, account: &AccountId, by: Option<&str>) -> Value {
        let world = &self.world;
        let root = |id: &AccountId| json!({ "AWS": format!("arn:aws:iam::{id}:root") });
        let principal = match by {
            None => root(account),
            Some(service) if service.ends_with(".amazonaws.com") => json!({ "Service": service }),
            Some(name) => match (world.principals.get(name), world.accounts.get(name)) {
                (Some(principal), _) => json!({ "AWS": principal.arn }),
                (None, Some(id)) => root(id),
                (None, None) => json!({ "AWS": name }),
            },
        };
        let statement =
            json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    async fn access_key(&self, account: &AccountId, user: &str) -> Result<Credential, SetUpFailed> {
        let home = self.world.home.clone();
        let made = self
            .root(
                account,
                &home,
                "iam.create_access_key",
                json!({ "user_name": user }),
            )
            .await?;
        let id = made["access_key"]["access_key_id"].as_str();
        Ok(Credential {
            access_key: id.unwrap_or_default().to_owned(),
            session_token: String::new(),
        })
    }

    /// Who opens sessions of a role: the principal it trusts, or a user made for that.
    async fn assumer(
        &mut self,
        name: &str,
        plan: &Named<PrincipalPlan>,
    ) -> Result<Option<Credential>, SetUpFailed> {
        let by = plan.what.assumed_by.as_deref();
        if by.is_some_and(|by| by.ends_with(".amazonaws.com")) {
            return Ok(None);
        }
        let trusted = by.and_then(|by| self.world.principals.get(by));
        if let Some(credential) = trusted.and_then(|trusted| trusted.credential.clone()) {
            if let Some(role) = self.world.principals.get_mut(name) {
                role.credential = Some(credential);
            }
            return Ok(None);
        }
        let account = by
            .and_then(|by| self.world.accounts.get(by))
            .cloned()
            .unwrap_or_else(|| self.account(&plan.what.account));
        let (user, home) = (format!("{name}-session"), self.world.home.clone());
        self.root(
            &account,
            &home,
            "iam.create_user",
            json!({ "user_name": user }),
        )
        .await?;
        let allow = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" }] });
        let put = json!({ "user_name": user, "policy_name": INLINE_POLICY, "policy_document": allow.to_string() });
        self.root(&account, &home, "iam.put_user_policy", put)
            .await?;
        let credential = self.access_key(&account, &user).await?;
        if let Some(role) = self.world.principals.get_mut(name) {
            role.credential = Some(credential.clone());
        }
        Ok(Some(credential))
    }

    async fn known_everywhere(&self, credential: &Credential) -> Result<(), SetUpFailed> {
        for region in self.world.regions.clone() {
            self.known_in(credential, &region).await?;
        }
        Ok(())
    }

    async fn known_in(
        &self,
        credential: &Credential,
        region: &RegionName,
    ) -> Result<(), SetUpFailed> {
        let since = self.sim.now();
        loop {
            let who = self
                .call(
                    "set-up".to_owned(),
                    credential.clone(),
                    region,
                    "sts.get_caller_identity",
                    json!({}),
                )
                .await;
            match who {
                Ok(_) => return Ok(()),
                Err(failed) if self.sim.now().since(since) > PATIENCE => return Err(failed),
                Err(SetUpFailed {
                    refusal: Refusal { code, .. },
                    ..
                }) if code == "NotBuilt" => return Ok(()),
                Err(_) => self.sim.sleep(Span::millis(200)).await,
            }
        }
    }
}

/// The document that lets these actions through and no other; none without actions.
fn limit(actions: &[String]) -> Option<String> {
    (!actions.is_empty()).then(|| policy::identity_document(actions, &[], None).to_string())
}
