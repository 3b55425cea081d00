//! Policies in the short form, and the documents they stand for.
//!
//! `- { allow: [kms:Decrypt], to: partner, when: { "kms:ViaService": "ec2.*" } }` is a
//! statement. `to` names accounts, principals, services or `"*"`; `when` picks the operator
//! that fits key and value. Reading it from a file is with the checker; here is what it
//! means. Left out: `NotAction`, `NotPrincipal` and what else only the real form can say.

use faultline_proto::tables::{Form, Referent, Refers};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::template::WorldNames;

/// A policy as it is written short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShortPolicy {
    /// What it is attached to.
    #[serde(skip)]
    pub place: Place,
    /// Its statements in order.
    pub statements: Vec<Statement>,
}

/// What a policy is attached to: it decides which parts a statement has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A key: the resource is always this key.
    Key,
    /// A bucket of that name: the resource is the bucket and its objects.
    Bucket(String),
    /// An identity: no principal.
    Identity,
    /// A role's trust: no resource.
    Trust,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows, or denies.
    pub allow: bool,
    /// The actions.
    pub actions: Vec<String>,
    /// Whom it is about; empty in identity policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Grantee>,
    /// Conditions: key and value, or operator and a map of keys and values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<(String, Value)>,
    /// Resources, where the usual one is not meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// An account of the world: its root, and through it everybody whom it allows.
    Account(String),
    /// A principal of the world.
    Principal(String),
    /// A service, `s3.amazonaws.com`.
    Service(String),
    /// An ARN or account id as it is.
    Verbatim(String),
    /// Anybody.
    Everyone,
}

impl ShortPolicy {
    /// The document in AWS's own form.
    #[must_use]
    pub fn document(&self, names: &dyn WorldNames) -> Value {
        let statements: Vec<Value> = self
            .statements
            .iter()
            .map(|statement| statement.document(&self.place, names))
            .collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }
}

impl Statement {
    fn document(&self, place: &Place, names: &dyn WorldNames) -> Value {
        let mut document = Map::new();
        if let Some(sid) = &self.sid {
            document.insert("Sid".into(), sid.as_str().into());
        }
        document.insert(
            "Effect".into(),
            if self.allow { "Allow" } else { "Deny" }.into(),
        );
        if *place != Place::Identity {
            document.insert("Principal".into(), principals(&self.to, names));
        }
        document.insert("Action".into(), one_or_many(self.actions.clone()));
        if *place != Place::Trust {
            document.insert("Resource".into(), one_or_many(self.resources(place, names)));
        }
        if !self.when.is_empty() {
            document.insert("Condition".into(), conditions(&self.when, names));
        }
        Value::Object(document)
    }

    fn resources(&self, place: &Place, names: &dyn WorldNames) -> Vec<String> {
        if !self.resources.is_empty() {
            return self.resources.clone();
        }
        match place {
            Place::Bucket(bucket) => {
                let refers = Refers {
                    to: Referent::Bucket,
                    form: Form::Id,
                };
                let bucket = names
                    .resolve(refers, bucket)
                    .unwrap_or_else(|| bucket.clone());
                vec![
                    format!("arn:aws:s3:::{bucket}"),
                    format!("arn:aws:s3:::{bucket}/*"),
                ]
            }
            Place::Key | Place::Identity | Place::Trust => vec!["*".into()],
        }
    }
}

fn one_or_many(mut values: Vec<String>) -> Value {
    if values.len() == 1 {
        values.remove(0).into()
    } else {
        values.into()
    }
}

fn principals(to: &[Grantee], names: &dyn WorldNames) -> Value {
    if to.contains(&Grantee::Everyone) {
        return json!({ "AWS": "*" });
    }
    let mut aws = Vec::new();
    let mut services = Vec::new();
    for grantee in to {
        match grantee {
            Grantee::Account(name) => {
                aws.push(format!("arn:aws:iam::{}:root", account_id(name, names)))
            }
            Grantee::Principal(name) => {
                let refers = Refers {
                    to: Referent::Principal,
                    form: Form::Arn,
                };
                aws.push(names.resolve(refers, name).unwrap_or_else(|| name.clone()));
            }
            Grantee::Verbatim(text) => aws.push(text.clone()),
            Grantee::Service(name) => services.push(name.clone()),
            Grantee::Everyone => {}
        }
    }
    let mut map = Map::new();
    for (kind, values) in [("AWS", aws), ("Service", services)] {
        if !values.is_empty() {
            map.insert(kind.into(), one_or_many(values));
        }
    }
    Value::Object(map)
}

fn account_id(name: &str, names: &dyn WorldNames) -> String {
    names
        .resolve(
            Refers {
                to: Referent::Account,
                form: Form::Id,
            },
            name,
        )
        .unwrap_or_else(|| name.to_owned())
}

fn conditions(when: &[(String, Value)], names: &dyn WorldNames) -> Value {
    let mut condition: Map<String, Value> = Map::new();
    let mut add = |operator: &str, key: &str, value: Value| {
        let keys = condition.entry(operator).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            keys.insert(key.to_owned(), value);
        }
    };
    for (key, value) in when {
        match value {
            Value::Object(keys) => keys
                .iter()
                .for_each(|(inner, value)| add(key, inner, texts(inner, value, names))),
            _ => add(operator(key, value), key, texts(key, value, names)),
        }
    }
    Value::Object(condition)
}

/// The operator that fits a condition key and a value.
#[must_use]
pub fn operator(key: &str, value: &Value) -> &'static str {
    let wild = |value: &Value| value.as_str().is_some_and(|text| text.contains(['*', '?']));
    let any = |test: &dyn Fn(&Value) -> bool| match value {
        Value::Array(items) => items.iter().any(test),
        other => test(other),
    };
    if any(&Value::is_boolean) {
        "Bool"
    } else if any(&Value::is_number) {
        "NumericEquals"
    } else if key.to_ascii_lowercase().ends_with("arn") {
        "ArnLike"
    } else if key.to_ascii_lowercase().ends_with("sourceip") {
        "IpAddress"
    } else if any(&wild) {
        "StringLike"
    } else {
        "StringEquals"
    }
}

/// Policies hold text only; names of accounts become ids where a key wants an account.
fn texts(key: &str, value: &Value, names: &dyn WorldNames) -> Value {
    match value {
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| texts(key, item, names)).collect())
        }
        Value::String(text) if key.to_ascii_lowercase().ends_with("account") => {
            account_id(text, names).into()
        }
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

/// The identity policy that `allow:` and `deny:` lists of a principal stand for.
#[must_use]
pub fn identity_document(allow: &[String], deny: &[String], more: Option<&Value>) -> Value {
    let statement = |effect: &str, actions: &[String]| json!({ "Effect": effect, "Action": actions, "Resource": "*" });
    let mut statements = Vec::new();
    if !allow.is_empty() {
        statements.push(statement("Allow", allow));
    }
    if !deny.is_empty() {
        statements.push(statement("Deny", deny));
    }
    match more.and_then(|document| document.get("Statement")) {
        Some(Value::Array(items)) => statements.extend(items.iter().cloned()),
        Some(one) => statements.push(one.clone()),
        None => {}
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World;
    impl WorldNames for World {
        fn resolve(&self, refers: Refers, name: &str) -> Option<String> {
            match (refers.to, name) {
                (Referent::Account, "partner") => Some("222222222222".into()),
                (Referent::Principal, "reader") => {
                    Some("arn:aws:iam::111111111111:user/reader".into())
                }
                _ => None,
            }
        }
        fn means(&self, _: Refers, _: &str, _: &str) -> bool {
            false
        }
    }

    fn statement(to: Vec<Grantee>, when: Vec<(String, Value)>) -> Statement {
        Statement {
            sid: None,
            allow: true,
            actions: vec!["kms:CreateGrant".into()],
            to,
            when,
            resources: Vec::new(),
        }
    }

    #[test]
    fn a_key_policy_names_roots_and_principals() {
        let when = vec![("kms:GrantIsForAWSResource".to_owned(), json!(true))];
        let to = vec![
            Grantee::Account("partner".into()),
            Grantee::Principal("reader".into()),
        ];
        let policy = ShortPolicy {
            place: Place::Key,
            statements: vec![statement(to, when)],
        };
        assert_eq!(
            policy.document(&World)["Statement"][0],
            json!({
                "Effect": "Allow",
                "Principal": { "AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:user/reader"] },
                "Action": "kms:CreateGrant",
                "Resource": "*",
                "Condition": { "Bool": { "kms:GrantIsForAWSResource": "true" } },
            })
        );
    }

    #[test]
    fn operators_fit_key_and_value() {
        for (key, value, wanted) in [
            ("kms:GrantIsForAWSResource", json!(true), "Bool"),
            ("kms:ViaService", json!("ec2.*.amazonaws.com"), "StringLike"),
            (
                "kms:ViaService",
                json!("ec2.eu-west-1.amazonaws.com"),
                "StringEquals",
            ),
            ("aws:SourceArn", json!("arn:aws:s3:::photos"), "ArnLike"),
            (
                "kms:CallerAccount",
                json!(["partner", "owner"]),
                "StringEquals",
            ),
            ("s3:max-keys", json!(10), "NumericEquals"),
            ("aws:SourceIp", json!("203.0.113.0/24"), "IpAddress"),
        ] {
            assert_eq!(operator(key, &value), wanted, "{key}");
        }
        let when = vec![
            ("kms:CallerAccount".to_owned(), json!("partner")),
            (
                "StringNotEquals".to_owned(),
                json!({ "aws:RequestedRegion": "us-east-1" }),
            ),
        ];
        let document = statement(vec![Grantee::Everyone], when).document(&Place::Key, &World);
        assert_eq!(
            document["Condition"],
            json!({
                "StringEquals": { "kms:CallerAccount": "222222222222" },
                "StringNotEquals": { "aws:RequestedRegion": "us-east-1" },
            })
        );
        assert_eq!(document["Principal"], json!({ "AWS": "*" }));
    }

    #[test]
    fn places_decide_which_parts_a_statement_has() {
        let bucket = statement(
            vec![Grantee::Service("s3.amazonaws.com".into())],
            Vec::new(),
        );
        let document = bucket.document(&Place::Bucket("photos".into()), &World);
        assert_eq!(
            document["Resource"],
            json!(["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"])
        );
        assert_eq!(
            document["Principal"],
            json!({ "Service": "s3.amazonaws.com" })
        );
        assert!(
            bucket
                .document(&Place::Identity, &World)
                .get("Principal")
                .is_none()
        );
        assert!(
            bucket
                .document(&Place::Trust, &World)
                .get("Resource")
                .is_none()
        );
    }
}
