//! Users, roles and sessions for tests, made as anybody makes them: by calls to IAM and STS.

use faultline_proto::driving::{Credential, Failure};
use faultline_proto::{iam, sts};

use super::World;

/// An identity policy that allows everything.
pub const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// An identity policy with one statement that allows these actions on these resources.
#[must_use]
pub fn allow(actions: &[&str], resources: &[&str]) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resources }],
    })
    .to_string()
}

/// A trust policy that admits one principal: an account or ARN, or a service's name.
#[must_use]
pub fn trust(principal: &str) -> String {
    let kind = if principal.ends_with(".amazonaws.com") {
        "Service"
    } else {
        "AWS"
    };
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { kind: principal }, "Action": "sts:AssumeRole" }],
    })
    .to_string()
}

impl World {
    /// Makes a user with one inline policy and an access key, and lets every Region learn of it.
    ///
    /// # Panics
    /// When IAM refuses.
    pub fn user(&mut self, account: &str, name: &str, policy: &str) -> Credential {
        let who = self.user_at_home(account, name, policy);
        self.settle();
        who
    }

    /// The same, but only its home Region knows it until messages are delivered.
    ///
    /// # Panics
    /// When IAM refuses.
    pub fn user_at_home(&mut self, account: &str, name: &str, policy: &str) -> Credential {
        let (home, root, user_name) = (
            self.home().to_owned(),
            self.root(account),
            Some(name.to_owned()),
        );
        let create = iam::CreateUserRequest {
            user_name: user_name.clone(),
            ..Default::default()
        };
        self.call(&home, &root, &create)
            .expect("IAM makes the user");
        let put = iam::PutUserPolicyRequest {
            user_name: user_name.clone(),
            policy_name: Some("inline".to_owned()),
            policy_document: Some(policy.to_owned()),
        };
        self.call(&home, &root, &put).expect("IAM takes the policy");
        let key = self
            .call(&home, &root, &iam::CreateAccessKeyRequest { user_name })
            .expect("IAM makes a key");
        let access_key = key
            .access_key
            .and_then(|key| key.access_key_id)
            .expect("a key has an id");
        Credential {
            access_key,
            session_token: String::new(),
        }
    }

    /// Makes a role with one inline policy, and lets every Region learn of it. Answers its ARN.
    ///
    /// # Panics
    /// When IAM refuses.
    pub fn role(&mut self, account: &str, name: &str, trust: &str, policy: &str) -> String {
        let (home, root, role_name) = (
            self.home().to_owned(),
            self.root(account),
            Some(name.to_owned()),
        );
        let create = iam::CreateRoleRequest {
            role_name: role_name.clone(),
            assume_role_policy_document: Some(trust.to_owned()),
            ..Default::default()
        };
        let made = self
            .call(&home, &root, &create)
            .expect("IAM makes the role");
        let put = iam::PutRolePolicyRequest {
            role_name,
            policy_name: Some("inline".to_owned()),
            policy_document: Some(policy.to_owned()),
        };
        self.call(&home, &root, &put).expect("IAM takes the policy");
        self.settle();
        made.role
            .and_then(|role| role.arn)
            .expect("a role has an ARN")
    }

    /// Opens a session of a role in a Region.
    ///
    /// # Errors
    /// What STS refuses.
    ///
    /// # Panics
    /// When STS answers without credentials.
    pub fn assume(
        &mut self,
        region: &str,
        who: &Credential,
        role: &str,
        session: &str,
    ) -> Result<Credential, Failure> {
        let request = sts::AssumeRoleRequest {
            role_arn: Some(role.to_owned()),
            role_session_name: Some(session.to_owned()),
            ..Default::default()
        };
        let made = self
            .call(region, who, &request)?
            .credentials
            .expect("a session has credentials");
        Ok(Credential {
            access_key: made.access_key_id.expect("a session has a key"),
            session_token: made.session_token.expect("a session has a token"),
        })
    }
}
