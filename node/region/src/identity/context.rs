//! Condition keys of one request and their values.
//!
//! Key names are not case-sensitive (K-224); they are kept in lower case. What follows from the
//! caller itself (`aws:PrincipalArn`, `aws:username`, `kms:CallerAccount`...) and from the clock
//! need not be set: [`Request`](super::Request) knows them. A request has some twenty keys at
//! most, so they are a list.

use std::borrow::Cow;
use std::sync::Arc;

use faultline_proto::names::Timestamp;

/// The values of one condition key.
#[derive(Debug, Clone)]
pub enum Values<'a> {
    /// The key is not in the request.
    Absent,
    /// A value that was made for this question.
    One(Cow<'a, str>),
    /// The values that were set.
    Set(&'a [Arc<str>]),
}

impl Values<'_> {
    /// Whether the key has no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::One(_) => false,
            Self::Set(values) => values.is_empty(),
        }
    }

    /// Whether any value passes.
    pub fn any(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        match self {
            Self::Absent => false,
            Self::One(value) => test(value),
            Self::Set(values) => values.iter().any(|value| test(value)),
        }
    }

    /// Whether every value passes (also when there is none).
    pub fn all(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        !self.any(|value| !test(value))
    }
}

/// Condition keys of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    now: Timestamp,
    entries: Vec<(Cow<'static, str>, Vec<Arc<str>>)>,
}

impl Context {
    /// A context without keys, at a moment of the Region's clock (`aws:CurrentTime`).
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            entries: Vec::new(),
        }
    }

    /// The moment of the request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the value of a single-valued key, replacing what was there.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Arc<str>>) {
        self.set_all(key, [value]);
    }

    /// Sets `true` or `false`.
    pub fn set_flag(&mut self, key: impl Into<Cow<'static, str>>, value: bool) {
        self.set(key, if value { "true" } else { "false" });
    }

    /// Sets the values of a multi-valued key (K-225); none at all leaves the key absent.
    pub fn set_all<V: Into<Arc<str>>>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) {
        let key = lower(key.into());
        let values: Vec<Arc<str>> = values.into_iter().map(Into::into).collect();
        self.entries.retain(|(known, _)| *known != key);
        if !values.is_empty() {
            self.entries.push((key, values));
        }
    }

    /// Sets `kms:EncryptionContext:KEY` for each pair and `kms:EncryptionContextKeys` (K-224, K-225).
    /// Pairs whose names differ only in case share a key and give it several values.
    pub fn set_encryption_context<'p>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) {
        let mut names: Vec<Arc<str>> = Vec::new();
        for (name, value) in pairs {
            let key = format!("kms:encryptioncontext:{}", name.to_lowercase());
            match self.entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) => values.push(value.into()),
                None => self.entries.push((key.into(), vec![value.into()])),
            }
            names.push(name.into());
        }
        self.set_all("kms:encryptioncontextkeys", names);
    }

    /// The values of a key in lower case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[Arc<str>]> {
        self.entries
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, values)| values.as_slice())
    }

    /// Every key that was set, with its values, in the order set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Arc<str>])> {
        self.entries
            .iter()
            .map(|(key, values)| (key.as_ref(), values.as_slice()))
    }
}

fn lower(key: Cow<'static, str>) -> Cow<'static, str> {
    if key.chars().any(char::is_uppercase) {
        key.to_lowercase().into()
    } else {
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_224_key_names_ignore_case() {
        let mut context = Context::at(Timestamp(0));
        context.set("kms:ViaService", "s3.eu-west-1.amazonaws.com");
        assert_eq!(
            context.get("kms:viaservice").unwrap()[0].as_ref(),
            "s3.eu-west-1.amazonaws.com"
        );
        context.set_all("kms:GrantOperations", Vec::<Arc<str>>::new());
        assert!(context.get("kms:grantoperations").is_none());
    }

    #[test]
    fn k_225_an_encryption_context_gives_pairs_and_names() {
        let mut context = Context::at(Timestamp(0));
        context.set_encryption_context([("Purpose", "cards"), ("tenant", "7")]);
        assert_eq!(
            context.get("kms:encryptioncontext:purpose").unwrap()[0].as_ref(),
            "cards"
        );
        let names = context.get("kms:encryptioncontextkeys").unwrap();
        assert_eq!(
            names.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            ["Purpose", "tenant"]
        );
    }
}
