//! What is wrong with a value, and where.

use std::fmt;

use crate::tables::Protocol;
use crate::validate::Refusal;

/// One step to a place inside a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A member or a key of a map.
    Name(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// Something wrong with a value that should become a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From the outermost value to the place.
    pub path: Vec<Part>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// No member has this name.
    Unknown {
        /// The name given.
        name: String,
        /// The member that was perhaps meant.
        did_you_mean: Option<&'static str>,
    },
    /// A member that AWS has and this build does not.
    NotBuilt {
        /// The member.
        name: String,
    },
    /// Another type than the definition has.
    Type {
        /// `text`, `a list`, ...
        expected: &'static str,
        /// AWS's token for what was given: `NUMBER_VALUE`, ...
        found: &'static str,
    },
    /// Text that should be base64.
    Base64,
    /// Text that should be a time.
    Time,
    /// A number that does not fit.
    Range,
    /// Nested deeper than any service allows.
    TooDeep,
}

impl Problem {
    /// The place: `Item.id[0]`.
    #[must_use]
    pub fn place(&self) -> String {
        let mut place = String::new();
        for part in &self.path {
            match part {
                Part::Name(name) if place.is_empty() => place.push_str(name),
                Part::Name(name) => place.extend([".", name]),
                Part::Index(index) => place.push_str(&format!("[{index}]")),
            }
        }
        place
    }

    /// What a service of this protocol answers.
    #[must_use]
    pub fn refusal(&self, protocol: Protocol) -> Refusal {
        if matches!(self.kind, ProblemKind::NotBuilt { .. }) {
            return Refusal::not_built_member(&self.place());
        }
        let (code, message) = match protocol {
            Protocol::Json10 | Protocol::Json11 => {
                ("SerializationException", self.kind.serialization_words())
            }
            Protocol::Query => ("MalformedInput", self.to_string()),
            Protocol::Ec2Query => (
                "InvalidParameterValue",
                format!("Invalid value for parameter {self}"),
            ),
            Protocol::RestXml => ("InvalidArgument", self.to_string()),
        };
        Refusal {
            code,
            message,
            http_status: 400,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.path.iter().enumerate() {
            match part {
                Part::Name(name) if at == 0 => f.write_str(name)?,
                Part::Name(name) => write!(f, ".{name}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                name,
                did_you_mean: Some(meant),
            } => {
                write!(f, "unknown argument '{name}', did you mean '{meant}'?")
            }
            Self::Unknown {
                name,
                did_you_mean: None,
            } => write!(f, "unknown argument '{name}'"),
            Self::NotBuilt { name } => write!(f, "'{name}' is not built in this version"),
            Self::Type { expected, found } => {
                write!(f, "expected {expected}, found {}", plain_words(found))
            }
            Self::Base64 => f.write_str("this is not base64"),
            Self::Time => {
                f.write_str("expected a time: seconds since 1970, or such as 2026-01-31T12:00:00Z")
            }
            Self::Range => f.write_str("this number does not fit"),
            Self::TooDeep => f.write_str("nested too deep"),
        }
    }
}

impl ProblemKind {
    /// AWS's SerializationException message. From memory of AWS, unconfirmed.
    #[must_use]
    pub fn serialization_words(&self) -> String {
        match self {
            Self::Type {
                found: "START_OBJECT",
                ..
            } => "Start of structure or map found where not expected.".to_owned(),
            Self::Type {
                found: "START_ARRAY",
                ..
            } => "Start of list found where not expected".to_owned(),
            Self::Type { expected, found } => match *expected {
                "text" => format!("{found} can not be converted to String"),
                "true or false" => format!("{found} can not be converted to Boolean"),
                "a whole number" | "a number" => format!("{found} can not be converted to Number"),
                "bytes" => format!("{found} can not be converted to Blob"),
                "a time" => format!("{found} can not be converted to milliseconds since epoch"),
                "a list" => "Expected list or null".to_owned(),
                _ => "Expected map or null".to_owned(),
            },
            Self::Base64 => "Invalid Base64 data".to_owned(),
            Self::Time => {
                "STRING_VALUE can not be converted to milliseconds since epoch".to_owned()
            }
            Self::Range => "NUMBER_VALUE can not be converted to Number".to_owned(),
            Self::TooDeep => "Nesting is too deep".to_owned(),
            Self::Unknown { name, .. } | Self::NotBuilt { name } => {
                format!("Unknown member {name}")
            }
        }
    }
}

fn plain_words(token: &str) -> &'static str {
    match token {
        "STRING_VALUE" => "text",
        "NUMBER_VALUE" => "a number",
        "TRUE_VALUE" | "FALSE_VALUE" => "true or false",
        "START_ARRAY" => "a list",
        "START_OBJECT" => "a map",
        _ => "nothing",
    }
}
