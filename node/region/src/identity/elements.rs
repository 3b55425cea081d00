//! The elements of a statement, read one by one.

use faultline_proto::names::AccountId;

use super::condition::{Condition, Quantifier};
use super::glob::Case;
use super::json::Json;
use super::parse::{Members, Place, PolicyError, take};
use super::pattern::{Pattern, Reading};
use super::policy::{DocumentKind, Effect, Matcher, Statement};
use super::principals::{PrincipalClause, PrincipalName};

/// Reads the statements of a document of one kind.
pub(super) struct Reader {
    /// What the document is attached to.
    pub(super) kind: DocumentKind,
    /// Whether `${variables}` are replaced.
    pub(super) variables: bool,
}

impl Reader {
    /// Reads one statement.
    pub(super) fn statement(&self, index: u32, json: Json) -> Result<Statement, PolicyError> {
        let place = Place(format!("Statement[{index}]"));
        let mut members = place.object(json)?;
        let sid = take(&mut members, "Sid")
            .map(|sid| place.text(sid, "Sid"))
            .transpose()?;
        if let Some(sid) = &sid
            && matches!(self.kind, DocumentKind::Identity | DocumentKind::Session)
            && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(place.member("Sid").error("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"));
        }
        let effect = match take(&mut members, "Effect") {
            Some(Json::Text(effect)) if effect == "Allow" => Effect::Allow,
            Some(Json::Text(effect)) if effect == "Deny" => Effect::Deny,
            Some(Json::Text(effect)) => {
                return Err(place.error(format!("Invalid effect: {effect}")));
            }
            Some(_) | None => return Err(place.error("Missing required field Effect")),
        };
        let principals = self.principals(&place, &mut members)?;
        let actions = self.actions(&place, &mut members)?;
        let resources = self.resources(&place, &mut members)?;
        let conditions = match take(&mut members, "Condition") {
            Some(json) => self.conditions(&place.member("Condition"), json)?,
            None => Vec::new(),
        };
        place.nothing_left(&members)?;
        Ok(Statement {
            index,
            sid: sid.map(Into::into),
            effect,
            principals,
            actions,
            resources,
            conditions,
        })
    }

    fn principals(
        &self,
        place: &Place,
        members: &mut Members,
    ) -> Result<Option<PrincipalClause>, PolicyError> {
        let (plain, not) = (take(members, "Principal"), take(members, "NotPrincipal"));
        if !self.kind.has_principals() {
            return match plain.or(not) {
                None => Ok(None),
                Some(_) => Err(place.error("Policy document should not specify a principal.")),
            };
        }
        match (plain, not) {
            (Some(json), None) => Ok(Some(PrincipalClause::Is(
                self.principal_names(&place.member("Principal"), json)?
                    .into(),
            ))),
            (None, Some(_)) if self.kind == DocumentKind::Trust => {
                Err(place.error("Has prohibited field NotPrincipal"))
            }
            (None, Some(json)) => Ok(Some(PrincipalClause::IsNot(
                self.principal_names(&place.member("NotPrincipal"), json)?
                    .into(),
            ))),
            (Some(_), Some(_)) => Err(place
                .error("Syntax errors in policy. Principal and NotPrincipal exclude each other")),
            (None, None) => Err(place.error("Missing required field Principal")),
        }
    }

    fn principal_names(
        &self,
        place: &Place,
        json: Json,
    ) -> Result<Vec<PrincipalName>, PolicyError> {
        let members = match json {
            Json::Text(text) if text == "*" => return Ok(vec![PrincipalName::Everyone]),
            Json::Object(members) if !members.is_empty() => members,
            _ => return Err(self.bad_principal(place)),
        };
        let mut names = Vec::new();
        for (name, value) in members {
            let place = place.member(&name);
            for text in place.texts(value, false)? {
                let read = match name.as_str() {
                    "AWS" => aws_principal(&text),
                    "Service" if text.contains('.') => Some(PrincipalName::Service(text.into())),
                    "Federated" => Some(PrincipalName::Federated(text.into())),
                    "CanonicalUser" => Some(PrincipalName::CanonicalUser(text.into())),
                    _ => None,
                };
                names.push(read.ok_or_else(|| self.bad_principal(&place))?);
            }
        }
        if names.is_empty() {
            Err(self.bad_principal(place))
        } else {
            Ok(names)
        }
    }

    /// K-173; S3 and IAM say it in fewer words.
    fn bad_principal(&self, place: &Place) -> PolicyError {
        place.error(match self.kind {
            DocumentKind::Key => "Policy contains a statement with one or more invalid principals.",
            _ => "Invalid principal in policy",
        })
    }

    fn actions(
        &self,
        place: &Place,
        members: &mut Members,
    ) -> Result<Option<Matcher>, PolicyError> {
        let reading = Reading {
            case: Case::Ignored,
            wildcards: true,
            variables: false,
        };
        let Some((matcher, at)) = matcher(place, members, ["Action", "NotAction"], reading)? else {
            return match self.kind {
                DocumentKind::Key => Ok(None),
                DocumentKind::Bucket => Err(place.error("Missing required field Action")),
                _ => Err(place.error("Policy statement must contain actions.")),
            };
        };
        for pattern in patterns(&matcher) {
            let text = pattern.text();
            if text != "*"
                && !text
                    .split_once(':')
                    .is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
            {
                return Err(at.error(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                ));
            }
            if self.kind == DocumentKind::Trust && !text.to_ascii_lowercase().starts_with("sts:") {
                return Err(at.error("AssumeRole policy may only specify STS AssumeRole actions."));
            }
        }
        Ok(Some(matcher))
    }

    fn resources(
        &self,
        place: &Place,
        members: &mut Members,
    ) -> Result<Option<Matcher>, PolicyError> {
        let reading = Reading {
            case: Case::Matters,
            wildcards: true,
            variables: self.variables,
        };
        let found = matcher(place, members, ["Resource", "NotResource"], reading)?;
        let Some((matcher, at)) = found else {
            return match self.kind {
                DocumentKind::Key | DocumentKind::Trust => Ok(None),
                DocumentKind::Bucket => Err(place.error("Missing required field Resource")),
                _ => Err(place.error("Policy statement must contain resources.")),
            };
        };
        if self.kind == DocumentKind::Trust {
            return Err(place.error("Has prohibited field Resource"));
        }
        if self.kind != DocumentKind::Key {
            for pattern in patterns(&matcher) {
                let text = pattern.text();
                if text != "*"
                    && text.splitn(6, ':').count() < 6
                    && !(text.starts_with("arn:") && text.contains('*'))
                {
                    return Err(at.error(match self.kind {
                        DocumentKind::Bucket => "Policy has invalid resource".to_owned(),
                        _ => format!("Resource {text} must be in ARN format or \"*\"."),
                    }));
                }
            }
        }
        Ok(Some(matcher))
    }

    fn conditions(&self, place: &Place, json: Json) -> Result<Vec<Condition>, PolicyError> {
        let mut conditions = Vec::new();
        for (operator, keys) in place.object(json)? {
            let place = place.member(&operator);
            for (key, values) in place.object(keys)? {
                let place = place.member(&key);
                let values = place.texts(values, true)?;
                if !key.contains(':') {
                    return Err(place.error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
                }
                let condition = Condition::new(&operator, &key, values, self.variables)
                    .map_err(|error| place.error(error.to_string()))?;
                // K-224: with a single-valued key it would pass a request without any context.
                if self.kind == DocumentKind::Key
                    && condition.quantifier == Quantifier::ForAllValues
                    && condition.key.starts_with("kms:encryptioncontext:")
                {
                    return Err(place.error(format!("OverlyPermissiveCondition: ForAllValues must not be used with the single-valued condition key {key}")));
                }
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }
}

fn patterns(matcher: &Matcher) -> &[Pattern] {
    match matcher {
        Matcher::Any(patterns) | Matcher::NoneOf(patterns) => patterns,
    }
}

fn matcher(
    place: &Place,
    members: &mut Members,
    [plain, not]: [&str; 2],
    reading: Reading,
) -> Result<Option<(Matcher, Place)>, PolicyError> {
    let read = |json: Json, name: &str| -> Result<(Box<[Pattern]>, Place), PolicyError> {
        let at = place.member(name);
        let texts = at.texts(json, false)?;
        if texts.is_empty() {
            return Err(at.error(format!("Syntax errors in policy. {name} is empty")));
        }
        Ok((
            texts
                .iter()
                .map(|text| Pattern::new(text, reading))
                .collect(),
            at,
        ))
    };
    match (take(members, plain), take(members, not)) {
        (None, None) => Ok(None),
        (Some(json), None) => {
            read(json, plain).map(|(patterns, at)| Some((Matcher::Any(patterns), at)))
        }
        (None, Some(json)) => {
            read(json, not).map(|(patterns, at)| Some((Matcher::NoneOf(patterns), at)))
        }
        (Some(_), Some(_)) => Err(place.error(format!(
            "Syntax errors in policy. {plain} and {not} exclude each other"
        ))),
    }
}

/// `*`, an account, an account's root, a user, role or session, or a unique id; groups never (K-173).
fn aws_principal(text: &str) -> Option<PrincipalName> {
    if text == "*" {
        return Some(PrincipalName::Everyone);
    }
    if let Ok(account) = AccountId::new(text) {
        return Some(PrincipalName::Account(account));
    }
    let is_id = text.len() >= 16
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_id {
        return Some(PrincipalName::Id(text.into()));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", _, service, "", account, resource] = parts.as_slice() else {
        return None;
    };
    let account = AccountId::new(account).ok()?;
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    match (*service, kind) {
        ("iam", "root") if name.is_empty() => Some(PrincipalName::Account(account)),
        ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user")
            if !name.is_empty() && !name.contains(['*', '?']) =>
        {
            Some(PrincipalName::Arn(text.into()))
        }
        _ => None,
    }
}
