//! Reading policy documents, strictly.
//!
//! What IAM refuses is refused, with its words where they are known, and always with the place.
//! Services wrap the error in their own code (`MalformedPolicyDocument`, `MalformedPolicy`,
//! `MalformedPolicyDocumentException`).

use faultline_proto::names::AccountId;

use super::condition::{Condition, Quantifier};
use super::json::Json;
use super::pattern::{Case, Pattern, Reading};
use super::policy::{Document, DocumentKind, Effect, Matcher, Statement};
use super::principals::{PrincipalClause, PrincipalName};

/// Why a text is not a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {at})")]
pub struct PolicyError {
    /// What is wrong, without the place.
    pub message: String,
    /// Where: `Statement[1].Condition`, or `the document`.
    pub at: String,
}

type Members = Vec<(String, Json)>;

impl Document {
    /// Reads a document of the given kind.
    ///
    /// # Errors
    /// [`PolicyError`]: not JSON, unknown or missing members, values that mean nothing.
    pub fn parse(source: &str, kind: DocumentKind) -> Result<Self, PolicyError> {
        let top = Place("the document".to_owned());
        if kind == DocumentKind::Key && !source.chars().all(is_key_policy_character) {
            return Err(top.error(
                "The policy contains characters outside of tab, LF, CR and U+0020 to U+00FF",
            ));
        }
        let json = Json::read(source)
            .map_err(|error| top.error(format!("Syntax errors in policy. {error}")))?;
        let mut members = top.object(json)?;
        let version = match take(&mut members, "Version") {
            None => None,
            Some(Json::Text(version)) if version == "2012-10-17" || version == "2008-10-17" => {
                Some(version)
            }
            Some(_) => return Err(top.error("The policy must contain a valid version string")),
        };
        let has_variables = version.as_deref() == Some("2012-10-17");
        if kind == DocumentKind::Identity && !has_variables {
            return Err(top.error("Policy document must be version 2012-10-17 or greater."));
        }
        let id = take(&mut members, "Id")
            .map(|id| top.text(id, "Id"))
            .transpose()?;
        let statements = match take(&mut members, "Statement") {
            None => return Err(top.error("Missing required field Statement")),
            Some(Json::List(list)) => list,
            Some(single) => vec![single],
        };
        top.nothing_left(&members)?;
        if statements.is_empty() {
            return Err(top.error("Could not parse the policy: Statement is empty!"));
        }
        let reader = Reader {
            kind,
            variables: has_variables,
        };
        let statements = (0..)
            .zip(statements)
            .map(|(index, json)| reader.statement(index, json))
            .collect::<Result<Vec<Statement>, PolicyError>>()?;
        unique_sids(&statements)?;
        Ok(Self {
            source: source.into(),
            kind,
            id: id.map(Into::into),
            has_variables,
            statements,
        })
    }
}

/// K-174.
fn is_key_policy_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}')
}

fn take(members: &mut Members, name: &str) -> Option<Json> {
    let at = members.iter().position(|(known, _)| known == name)?;
    Some(members.remove(at).1)
}

fn unique_sids(statements: &[Statement]) -> Result<(), PolicyError> {
    for (at, statement) in statements.iter().enumerate() {
        let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) else {
            continue;
        };
        if statements[..at]
            .iter()
            .any(|earlier| earlier.sid.as_deref() == Some(sid))
        {
            return Err(Place(format!("Statement[{at}].Sid"))
                .error("Statement IDs (SID) in a single policy must be unique."));
        }
    }
    Ok(())
}

/// Where in the document we are.
struct Place(String);

impl Place {
    fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError {
            message: message.into(),
            at: self.0.clone(),
        }
    }
    fn member(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }
    fn object(&self, json: Json) -> Result<Members, PolicyError> {
        match json {
            Json::Object(members) => Ok(members),
            other => Err(self.error(format!(
                "Syntax errors in policy. Expected an object, found {}",
                other.kind()
            ))),
        }
    }
    fn text(&self, json: Json, name: &str) -> Result<String, PolicyError> {
        match json {
            Json::Text(text) => Ok(text),
            other => Err(self.member(name).error(format!(
                "Syntax errors in policy. Expected a string, found {}",
                other.kind()
            ))),
        }
    }
    /// A string or a list of strings; numbers and booleans count as their text if `scalars`.
    fn texts(&self, json: Json, scalars: bool) -> Result<Vec<String>, PolicyError> {
        let items = match json {
            Json::List(items) => items,
            single => vec![single],
        };
        items
            .into_iter()
            .map(|item| match item {
                Json::Text(text) => Ok(text),
                Json::Number(number) if scalars => Ok(number),
                Json::Bool(value) if scalars => Ok(value.to_string()),
                other => Err(self.error(format!(
                    "Syntax errors in policy. Expected a string, found {}",
                    other.kind()
                ))),
            })
            .collect()
    }
    fn nothing_left(&self, members: &Members) -> Result<(), PolicyError> {
        match members.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.error(format!("Unknown field {name}"))),
        }
    }
}

struct Reader {
    kind: DocumentKind,
    variables: bool,
}

impl Reader {
    fn statement(&self, index: u32, json: Json) -> Result<Statement, PolicyError> {
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
