//! Reading policy documents, strictly.
//!
//! What IAM refuses is refused, with its words where they are known, and always with the place.
//! Services wrap the error in their own code (`MalformedPolicyDocument`, `MalformedPolicy`,
//! `MalformedPolicyDocumentException`).

use super::elements::Reader;
use super::json::Json;
use super::policy::{Document, DocumentKind, Statement};

/// Why a text is not a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {at})")]
pub struct PolicyError {
    /// What is wrong, without the place.
    pub message: String,
    /// Where: `Statement[1].Condition`, or `the document`.
    pub at: String,
}

/// Members of an object, in their order.
pub(super) type Members = Vec<(String, Json)>;

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

/// Takes the member `name` out.
pub(super) fn take(members: &mut Members, name: &str) -> Option<Json> {
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
pub(super) struct Place(pub(super) String);

impl Place {
    pub(super) fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError {
            message: message.into(),
            at: self.0.clone(),
        }
    }
    pub(super) fn member(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }
    pub(super) fn object(&self, json: Json) -> Result<Members, PolicyError> {
        match json {
            Json::Object(members) => Ok(members),
            other => Err(self.error(format!(
                "Syntax errors in policy. Expected an object, found {}",
                other.kind()
            ))),
        }
    }
    pub(super) fn text(&self, json: Json, name: &str) -> Result<String, PolicyError> {
        match json {
            Json::Text(text) => Ok(text),
            other => Err(self.member(name).error(format!(
                "Syntax errors in policy. Expected a string, found {}",
                other.kind()
            ))),
        }
    }
    /// A string or a list of strings; numbers and booleans count as their text if `scalars`.
    pub(super) fn texts(&self, json: Json, scalars: bool) -> Result<Vec<String>, PolicyError> {
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
    pub(super) fn nothing_left(&self, members: &Members) -> Result<(), PolicyError> {
        match members.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.error(format!("Unknown field {name}"))),
        }
    }
}
