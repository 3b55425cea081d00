//! Which rows a scan wants: typed ([`Range`]) and as bytes ([`Span`]).

use std::marker::PhantomData;

use super::key::write_open;
use super::keyspace::{Keyspace, raw_key};
use super::{KeyOf, PrefixOf};

/// Which end of a span comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In key order.
    Forward,
    /// Against key order.
    Backward,
}

/// A stretch of keys: from one (included) to one (not included, `None` is the end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first key that may be in it.
    pub from: Vec<u8>,
    /// The first key after it.
    pub to: Option<Vec<u8>>,
}

impl Span {
    /// All keys.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            from: Vec::new(),
            to: None,
        }
    }

    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: Vec<u8>) -> Self {
        let to = successor(&prefix);
        Self { from: prefix, to }
    }

    /// Whether no key can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    /// The bounds as the ordered maps of Rust and sled take them. Only for a span that is
    /// not empty: they panic when a range ends before it begins.
    #[must_use]
    pub fn bounds(&self) -> (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>) {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        (
            Included(self.from.as_slice()),
            self.to.as_deref().map_or(Unbounded, Excluded),
        )
    }

    fn raise(&mut self, from: Vec<u8>) {
        self.from = from.max(std::mem::take(&mut self.from));
    }

    fn lower(&mut self, to: Vec<u8>) {
        self.to = Some(match self.to.take() {
            Some(old) => old.min(to),
            None => to,
        });
    }
}

/// The first key that does not begin with `prefix` and comes after those that do.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// The rows of `K` that a scan wants.
///
/// ```ignore
/// Range::<Objects>::under((&bucket,)).begins("photos/").after((&bucket, "photos/7"))
/// ```
pub struct Range<K: Keyspace> {
    span: Span,
    prefix: Vec<u8>,
    order: Order,
    keyspace: PhantomData<fn() -> K>,
}

impl<K: Keyspace> Range<K> {
    /// Every row of the keyspace.
    #[must_use]
    pub fn all() -> Self {
        Self::under(())
    }

    /// The rows whose keys have these first parts.
    #[must_use]
    pub fn under(first: impl PrefixOf<K::Key>) -> Self {
        let mut prefix = K::PREFIX.to_be_bytes().to_vec();
        first.write_prefix(&mut prefix);
        Self {
            span: Span::prefix(prefix.clone()),
            prefix,
            order: Order::Forward,
            keyspace: PhantomData,
        }
    }

    /// Of these, the rows whose next part is a text that begins with `text`.
    #[must_use]
    pub fn begins(self, text: &str) -> Self {
        self.begins_with(text.as_bytes())
    }

    /// Of these, the rows whose next part is bytes that begin with `bytes`.
    #[must_use]
    pub fn begins_with(mut self, bytes: &[u8]) -> Self {
        write_open(bytes, &mut self.prefix);
        let narrow = Span::prefix(self.prefix.clone());
        self.span.raise(narrow.from);
        if let Some(to) = narrow.to {
            self.span.lower(to);
        }
        self
    }

    /// Of these, the rows whose next part comes after every text that begins with `text`:
    /// how a listing steps over a common prefix. Call it before [`begins`](Self::begins).
    #[must_use]
    pub fn past(mut self, text: &str) -> Self {
        let mut open = self.prefix.clone();
        write_open(text.as_bytes(), &mut open);
        if let Some(next) = successor(&open) {
            self.span.raise(next);
        }
        self
    }

    /// Of these, the rows from `key` on.
    #[must_use]
    pub fn from(mut self, key: impl KeyOf<K::Key>) -> Self {
        self.span.raise(raw_key::<K>(&key));
        self
    }

    /// Of these, the rows after `key`, which need not exist.
    #[must_use]
    pub fn after(mut self, key: impl KeyOf<K::Key>) -> Self {
        let mut next = raw_key::<K>(&key);
        next.push(0);
        self.span.raise(next);
        self
    }

    /// Of these, the rows before `key`.
    #[must_use]
    pub fn before(mut self, key: impl KeyOf<K::Key>) -> Self {
        self.span.lower(raw_key::<K>(&key));
        self
    }

    /// The same rows, last first.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.order = match self.order {
            Order::Forward => Order::Backward,
            Order::Backward => Order::Forward,
        };
        self
    }

    /// As bytes.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Which end comes first.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_its_last_byte_steps() {
        assert_eq!(Span::prefix(vec![1, 2]).to, Some(vec![1, 3]));
        assert_eq!(Span::prefix(vec![1, 0xFF]).to, Some(vec![2]));
        assert_eq!(Span::prefix(vec![0xFF, 0xFF]).to, None);
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_empty() {
        let mut span = Span::prefix(vec![1]);
        span.raise(vec![9]);
        assert!(span.is_empty());
    }
}
