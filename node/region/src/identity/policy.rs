//! Policy documents as they are reasoned about.
//!
//! A document is read once (see [`parse`](super::parse)) and kept with its source text; its
//! patterns are compiled, its condition keys in lower case.

use std::fmt;
use std::sync::Arc;

use super::condition::Condition;
use super::pattern::{Pattern, Variables};
use super::principals::{PrincipalClause, PrincipalName};

/// Where a document is attached, which decides its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentKind {
    /// Attached to a user, group or role; also permissions boundaries.
    Identity,
    /// Passed when a role is assumed.
    Session,
    /// A KMS key policy.
    Key,
    /// An S3 bucket policy.
    Bucket,
    /// A role's trust policy.
    Trust,
    /// The policy of another resource (table, secret).
    Resource,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
    /// The policy of a VPC endpoint.
    Endpoint,
}

impl DocumentKind {
    /// Whether statements name principals.
    #[must_use]
    pub fn has_principals(self) -> bool {
        match self {
            Self::Identity | Self::Session | Self::ServiceControl => false,
            Self::Key
            | Self::Bucket
            | Self::Trust
            | Self::Resource
            | Self::ResourceControl
            | Self::Endpoint => true,
        }
    }
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The statement allows.
    Allow,
    /// The statement denies, which beats every allow.
    Deny,
}

/// Action or Resource, or their Not forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// Any of these.
    Any(Box<[Pattern]>),
    /// None of these (NotAction, NotResource).
    NoneOf(Box<[Pattern]>),
}

impl Matcher {
    /// Whether `text` is meant.
    #[must_use]
    pub fn matches(&self, text: &str, variables: &dyn Variables) -> bool {
        match self {
            Self::Any(patterns) => patterns
                .iter()
                .any(|pattern| pattern.matches(text, variables)),
            Self::NoneOf(patterns) => !patterns
                .iter()
                .any(|pattern| pattern.matches(text, variables)),
        }
    }

    /// The patterns as written, joined for people.
    #[must_use]
    pub fn text(&self) -> String {
        let (word, patterns) = match self {
            Self::Any(patterns) => ("", patterns),
            Self::NoneOf(patterns) => ("all but ", patterns),
        };
        let texts: Vec<&str> = patterns.iter().map(Pattern::text).collect();
        format!("{word}{}", texts.join(", "))
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its position in the document, from 0.
    pub index: u32,
    /// Its Sid.
    pub sid: Option<Box<str>>,
    /// What it does.
    pub effect: Effect,
    /// Whom it is about; `None` in documents that do not name principals.
    pub principals: Option<PrincipalClause>,
    /// Which actions; `None` has no effect (K-172).
    pub actions: Option<Matcher>,
    /// Which resources; `None` where the grammar has none (trust policies), or no effect (K-172).
    pub resources: Option<Matcher>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// A policy document.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The text it was read from.
    pub source: Arc<str>,
    /// What it is attached to.
    pub kind: DocumentKind,
    /// Its Id.
    pub id: Option<Box<str>>,
    /// Whether `${variables}` are replaced (Version 2012-10-17).
    pub has_variables: bool,
    /// Its statements.
    pub statements: Vec<Statement>,
}

impl Document {
    /// Every principal named anywhere, for the check that they exist (K-173).
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalName> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(PrincipalClause::entries)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {})", self.kind, self.source)
    }
}

/// A document with the name it is known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The policy's ARN if it has one (managed policies, SCPs), else its name (`default`, `app-inline`).
    pub name: Arc<str>,
    /// What it says.
    pub document: Document,
}

impl Policy {
    /// A document with its name.
    #[must_use]
    pub fn new(name: &str, document: Document) -> Self {
        Self {
            name: name.into(),
            document,
        }
    }
}
