//! A naive reading of policies: does a statement say yes, no, or nobody-can-tell?
//!
//! It is written from AWS's documentation and shares nothing with the evaluator of Regions.
//! Left out: conditions other than `kms:ViaService` and `kms:CallerAccount` by equality or
//! wildcard, `NotPrincipal`, and resources with variables. What is left out is unclear, never
//! yes or no.

use serde_json::Value;

/// Who asks for what.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    /// ARN of a user, role session or root, or the name of a service.
    pub principal: &'a str,
    /// `kms:Decrypt`.
    pub action: String,
    /// ARN.
    pub resource: &'a str,
    /// Service on the caller's behalf, empty when none.
    pub via: &'a str,
}

/// What a document says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// To the principal as such.
    pub allow: Answer,
    /// To its whole account, which may pass it on.
    pub account: Answer,
    /// An explicit no.
    pub deny: Answer,
}

/// Whether something is so. A later one is stronger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// It is not.
    #[default]
    No,
    /// The model cannot tell.
    Unclear,
    /// It is.
    Yes,
}

/// How a statement names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Not,
    Unclear,
    ByAccount,
    Directly,
}

impl Asked<'_> {
    /// The account of who asks; empty for services.
    pub fn account(&self) -> &str {
        self.principal.split(':').nth(4).unwrap_or_default()
    }

    /// Whether it is an account's root user.
    pub fn is_root(&self) -> bool {
        self.principal.ends_with(":root")
    }

    /// `("user", name)` or `("role", name)`.
    pub fn owner(&self) -> Option<(&'static str, &str)> {
        let rest = self.principal.splitn(6, ':').nth(5)?;
        if let Some(user) = rest.strip_prefix("user/") {
            return Some(("user", user.rsplit('/').next().unwrap_or(user)));
        }
        let session = rest.strip_prefix("assumed-role/")?;
        Some(("role", session.split('/').next().unwrap_or(session)))
    }

    fn named_by(&self, principal: &str) -> Named {
        let root = format!("arn:aws:iam::{}:root", self.account());
        if principal == "*" || principal == self.principal {
            return Named::Directly;
        }
        if !self.account().is_empty() && (principal == self.account() || principal == root) {
            return if self.is_root() {
                Named::Directly
            } else {
                Named::ByAccount
            };
        }
        let role = format!("arn:aws:iam::{}:role/", self.account());
        match self.owner() {
            Some(("role", name)) if principal.starts_with(&role) => {
                if principal.rsplit('/').next() == Some(name) {
                    Named::Directly
                } else {
                    Named::Not
                }
            }
            _ => Named::Not,
        }
    }

    /// What `document` says. Identity policies name nobody: their owner is meant.
    pub fn of(&self, document: &str) -> Said {
        let Ok(document) = serde_json::from_str::<Value>(document) else {
            return Said {
                allow: Answer::Unclear,
                account: Answer::Unclear,
                deny: Answer::Unclear,
            };
        };
        let mut said = Said::default();
        for statement in many(&document["Statement"]) {
            self.statement(statement, &mut said);
        }
        said
    }

    fn statement(&self, statement: &Value, said: &mut Said) {
        let named = if statement.get("NotPrincipal").is_some() {
            Named::Unclear
        } else if let Some(principal) = statement.get("Principal") {
            self.names(principal)
        } else {
            Named::Directly
        };
        if named == Named::Not || !self.acts(statement) || !self.touches(statement) {
            return;
        }
        let mut answer = self.conditions(&statement["Condition"]);
        if named == Named::Unclear {
            answer = answer.min(Answer::Unclear);
        }
        let place = match (statement["Effect"].as_str(), named) {
            (Some("Deny"), _) => &mut said.deny,
            (_, Named::ByAccount) => &mut said.account,
            (_, Named::Directly | Named::Unclear | Named::Not) => &mut said.allow,
        };
        *place = answer.max(*place);
    }

    fn names(&self, principal: &Value) -> Named {
        let entries: Vec<&Value> = match principal {
            Value::Object(kinds) => kinds.values().flat_map(many).collect(),
            other => many(other).collect(),
        };
        let entries = entries.into_iter().filter_map(Value::as_str);
        let named = entries.map(|entry| self.named_by(entry)).max();
        named.unwrap_or(Named::Not)
    }

    fn acts(&self, statement: &Value) -> bool {
        let fits = |patterns: &Value| {
            let mut texts = many(patterns).filter_map(Value::as_str);
            let action = self.action.to_ascii_lowercase();
            texts.any(|pattern| like(&pattern.to_ascii_lowercase(), &action))
        };
        match statement.get("NotAction") {
            Some(others) => !fits(others),
            None => fits(&statement["Action"]),
        }
    }

    fn touches(&self, statement: &Value) -> bool {
        let fits = |patterns: &Value| {
            let mut texts = many(patterns).filter_map(Value::as_str);
            texts.any(|pattern| like(pattern, self.resource))
        };
        match (statement.get("NotResource"), statement.get("Resource")) {
            (Some(others), _) => !fits(others),
            (None, Some(resources)) => fits(resources),
            (None, None) => true,
        }
    }

    fn conditions(&self, conditions: &Value) -> Answer {
        let mut all = Answer::Yes;
        for (operator, keys) in conditions.as_object().into_iter().flatten() {
            for (key, wanted) in keys.as_object().into_iter().flatten() {
                all = all.min(self.condition(operator, key, wanted));
            }
        }
        all
    }

    fn condition(&self, operator: &str, key: &str, wanted: &Value) -> Answer {
        let have = match key.to_ascii_lowercase().as_str() {
            "kms:viaservice" => self.via,
            "kms:calleraccount" => self.account(),
            _ => return Answer::Unclear,
        };
        let mut texts = many(wanted).filter_map(Value::as_str);
        let fits = match operator {
            "StringEquals" => texts.any(|text| text == have),
            "StringLike" => texts.any(|text| like(text, have)),
            _ => return Answer::Unclear,
        };
        if fits && !have.is_empty() {
            Answer::Yes
        } else {
            Answer::No
        }
    }
}

fn many(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(items) => (items.as_slice(), None),
        Value::Null => (&[][..], None),
        one => (&[][..], Some(one)),
    };
    list.iter().chain(one)
}

/// Whether `text` fits a pattern with `*` and `?`.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // fits[n]: whether the pattern so far fits the first n bytes.
    let mut fits: Vec<bool> = (0..=text.len()).map(|n| n == 0).collect();
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = *wanted == b'*' && fits[0];
        for n in 1..=text.len() {
            next[n] = match wanted {
                b'*' => fits[n] || next[n - 1],
                b'?' => fits[n - 1],
                letter => fits[n - 1] && *letter == text[n - 1],
            };
        }
        fits = next;
    }
    fits[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn says(principal: &str, statement: &Value) -> Said {
        let asked = Asked {
            principal,
            action: "kms:Decrypt".to_owned(),
            resource: "arn:aws:kms:eu-west-1:111111111111:key/k",
            via: "s3.eu-west-1.amazonaws.com",
        };
        asked.of(&json!({ "Statement": statement }).to_string())
    }

    #[test]
    fn principals_are_named_directly_by_their_role_or_by_their_account() {
        let session = "arn:aws:sts::111111111111:assumed-role/ops/me";
        for (principal, direct, account) in [
            (json!("*"), Answer::Yes, Answer::No),
            (
                json!({ "AWS": "arn:aws:iam::111111111111:role/ops" }),
                Answer::Yes,
                Answer::No,
            ),
            (
                json!({ "AWS": "arn:aws:iam::111111111111:role/other" }),
                Answer::No,
                Answer::No,
            ),
            (
                json!({ "AWS": ["222222222222", "111111111111"] }),
                Answer::No,
                Answer::Yes,
            ),
            (
                json!({ "Service": "s3.amazonaws.com" }),
                Answer::No,
                Answer::No,
            ),
        ] {
            let statement = json!({ "Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*" });
            let said = says(session, &statement);
            assert_eq!((said.allow, said.account), (direct, account), "{statement}");
        }
    }

    #[test]
    fn conditions_are_read_or_unclear() {
        for (condition, wanted) in [
            (
                json!({ "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }),
                Answer::Yes,
            ),
            (
                json!({ "StringLike": { "kms:ViaService": "ec2.*" } }),
                Answer::No,
            ),
            (
                json!({ "StringEquals": { "aws:SourceIp": "10.0.0.1" } }),
                Answer::Unclear,
            ),
        ] {
            let statement = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:d*", "Resource": "*", "Condition": condition });
            assert_eq!(
                says("arn:aws:iam::111111111111:user/app", &statement).deny,
                wanted
            );
        }
    }

    #[test]
    fn wildcards() {
        assert!(like("kms:De*", "kms:Decrypt") && like("a?c*", "abc") && like("*", ""));
        assert!(!like("kms:De*", "kms:Encrypt") && !like("a?c", "ac"));
    }
}
