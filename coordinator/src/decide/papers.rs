//! Policy documents and grants of a question.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::AccountId;
use faultline_region::identity::{ContextConstraint, Document, DocumentKind, GrantView, Policy};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A policy: the document itself, or the document with a name for the answer.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Paper(Box<RawValue>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    document: Box<RawValue>,
}

impl Paper {
    /// Reads the document as IAM would, so that what IAM refuses is refused here.
    pub(super) fn read(&self, kind: DocumentKind, what: &str) -> Result<Arc<Policy>, String> {
        let (name, text) = match serde_json::from_str::<Named>(self.0.get()) {
            Ok(named) => (named.name, plain_text(&named.document)?),
            Err(_) => (what.to_owned(), plain_text(&self.0)?),
        };
        let document = Document::parse(&text, kind).map_err(|error| {
            format!("`{what}` is refused as AWS refuses it: {error}. Give a policy document, or {{\"name\": ..., \"document\": ...}}")
        })?;
        Ok(Arc::new(Policy::new(&name, document)))
    }
}

/// A document may be an object, or its text in a string, as the AWS CLI takes it.
fn plain_text(raw: &RawValue) -> Result<String, String> {
    if raw.get().starts_with('"') {
        serde_json::from_str(raw.get()).map_err(|error| error.to_string())
    } else {
        Ok(raw.get().to_owned())
    }
}

/// Reads several policies; each is known by its place unless it has a name.
pub(super) fn read_all(
    papers: &[Paper],
    kind: DocumentKind,
    what: &str,
) -> Result<Vec<Arc<Policy>>, String> {
    let read = |(at, paper): (usize, &Paper)| paper.read(kind, &format!("{what}[{at}]"));
    papers.iter().enumerate().map(read).collect()
}

/// Reads policies level by level.
pub(super) fn read_levels(
    levels: &[Vec<Paper>],
    kind: DocumentKind,
    what: &str,
) -> Result<Vec<Vec<Arc<Policy>>>, String> {
    let read = |(at, level): (usize, &Vec<Paper>)| read_all(level, kind, &format!("{what}[{at}]"));
    levels.iter().enumerate().map(read).collect()
}

type Pairs = BTreeMap<String, String>;

/// A grant on the key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    id: Option<String>,
    grantee: String,
    operations: Vec<String>,
    retiring: Option<String>,
    issuing_account: Option<String>,
    encryption_context_equals: Option<Pairs>,
    encryption_context_subset: Option<Pairs>,
    source_arn: Option<String>,
    #[serde(default)]
    token_presented: bool,
    #[serde(default = "yes")]
    propagated: bool,
}

fn yes() -> bool {
    true
}

/// What a CreateGrant would grant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposed {
    pub operations: Vec<String>,
    encryption_context_equals: Option<Pairs>,
    encryption_context_subset: Option<Pairs>,
}

impl Grant {
    /// The account that made it: the key's, unless it says another.
    pub(super) fn issuer(&self, owner: &AccountId) -> Result<AccountId, String> {
        match &self.issuing_account {
            None => Ok(owner.clone()),
            Some(text) => {
                AccountId::new(text).map_err(|error| format!("`issuing_account`: {error}"))
            }
        }
    }

    /// As the evaluator takes it.
    pub(super) fn view<'a>(
        &'a self,
        issuing_account: &'a AccountId,
    ) -> Result<GrantView<'a>, String> {
        Ok(GrantView {
            id: self.id.as_deref().unwrap_or("grant"),
            grantee: &self.grantee,
            retiring: self.retiring.as_deref(),
            issuing_account,
            operations: &self.operations,
            context: constraint(
                self.encryption_context_equals.as_ref(),
                self.encryption_context_subset.as_ref(),
            )?,
            source_arn: self.source_arn.as_deref(),
            propagated: self.propagated,
            presented: self.token_presented,
        })
    }
}

impl Proposed {
    /// Its constraint.
    pub(super) fn constraint(&self) -> Result<ContextConstraint<'_>, String> {
        constraint(
            self.encryption_context_equals.as_ref(),
            self.encryption_context_subset.as_ref(),
        )
    }
}

fn constraint<'a>(
    equals: Option<&'a Pairs>,
    subset: Option<&'a Pairs>,
) -> Result<ContextConstraint<'a>, String> {
    match (equals, subset) {
        (None, None) => Ok(ContextConstraint::None),
        (Some(pairs), None) => Ok(ContextConstraint::Equals(pairs)),
        (None, Some(pairs)) => Ok(ContextConstraint::Subset(pairs)),
        (Some(_), Some(_)) => Err("a grant has `encryption_context_equals` or `encryption_context_subset`, not both (K-198)".to_owned()),
    }
}
