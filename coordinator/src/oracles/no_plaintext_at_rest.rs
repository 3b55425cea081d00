//! No secret of the run is found in a store, in a message between Regions, or in the trail.
//!
//! It searches keys and values of all rows of all stores as they are on disk, messages as
//! carried, and the trail, for every secret: what was handed to KMS, to S3 or to a client that
//! encrypts by itself, data keys that were answered, what volumes hold. With `attributes`, for
//! the values of these only; with `values`, for these as well.
//!
//! It cannot see secrets shorter than six bytes, secrets that were changed before they were
//! stored (compressed, cut), long ones but for three pieces of them, and rows that were gone
//! before the run ended.

use std::collections::BTreeSet;

use super::canaries::{Canary, CanaryBook, Class, pieces};
use super::{End, Finding, Oracle};
use crate::journal::event::Event;

/// See the module.
pub(super) struct NoPlaintextAtRest {
    pub attributes: Vec<String>,
    pub values: Vec<String>,
}

impl Oracle for NoPlaintextAtRest {
    fn hear(&mut self, _event: &Event) {}

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let all = self.attributes.is_empty();
        let meant = |canary: &Canary| {
            (all && canary.class == Class::Secret) || named(canary, &self.attributes, &self.values)
        };
        judge(end, &["envelope", "trail", "row"], &meant)
    }
}

/// Name of a secret that stands in the file.
pub(super) const VALUE: &str = "a value of the file";

/// Makes canaries of values that stand in the file.
pub(super) fn add_values(book: &mut CanaryBook, values: &[&str]) {
    for value in values {
        let name = format!("{VALUE} ({} bytes)", value.len());
        book.add_as(Class::Attribute, &name, value.as_bytes());
    }
}

/// Whether the file names this canary.
pub(super) fn named(canary: &Canary, attributes: &[String], values: &[String]) -> bool {
    let value = |value: &String| pieces(value.as_bytes()) == canary.pieces;
    attributes.contains(&canary.name)
        || (canary.name.starts_with(VALUE) && values.iter().any(value))
}

/// What the search for the canaries that are meant came to in these kinds of places.
pub(super) fn judge(end: &mut End<'_>, kinds: &[&str], meant: &dyn Fn(&Canary) -> bool) -> Finding {
    let searched = &mut *end.searched;
    let canaries = searched.book.all();
    let hits = searched.tape.hits(&searched.book);
    let found: Vec<_> = hits
        .iter()
        .filter(|hit| kinds.contains(&hit.place.kind()) && meant(&canaries[hit.canary]))
        .collect();
    if let Some(first) = found.first() {
        let places: BTreeSet<_> = found.iter().map(|hit| (&hit.place, hit.at)).collect();
        let more = match places.len() {
            1 => String::new(),
            many => format!(", and in {} more places", many - 1),
        };
        let because = format!(
            "{} is {} in {}{more}",
            canaries[first.canary].name, first.how, first.place
        );
        let at: BTreeSet<u64> = found.iter().filter_map(|hit| hit.at).collect();
        return Finding::violated(because, at);
    }
    let asked: Vec<_> = canaries.iter().filter(|canary| meant(canary)).collect();
    let searchable = asked.iter().filter(|canary| !canary.pieces.is_empty());
    if searchable.count() == 0 {
        return Finding::unknown(if asked.is_empty() {
            "the run had no such secret"
        } else {
            "every such secret is too short or too plain to be searched for"
        });
    }
    let places = kinds.iter().map(|kind| searched.tape.looked_at(kind)).sum();
    Finding::measured(places, "there was nothing to search")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, unknown, violated};

    const NAME: &str = "no_plaintext_at_rest";

    #[test]
    fn it_holds_where_stores_messages_and_trail_keep_the_secret() {
        let mut run = Doctored::new(NAME, json!({}));
        run.watch.secret("card", b"4242 4242 4242");
        run.audit(json!({ "eventName": "Encrypt" }));
        run.row(b"s3/object", b"\x00\x01\x02");
        run.holds(3);
    }

    #[test]
    fn it_is_violated_by_an_encryption_context_in_the_trail() {
        let mut run = Doctored::new(NAME, json!({}));
        run.watch.secret("card", b"4242 4242 4242");
        let at = run.audit(json!({ "eventName": "Encrypt",
            "requestParameters": { "encryptionContext": { "card": "4242 4242 4242" } } }));
        let (because, lines) = violated(run.finding());
        assert_eq!(
            because,
            "card is in the clear in the trail, Encrypt in eu-west-1"
        );
        assert_eq!(lines, [at]);
    }

    #[test]
    fn it_is_violated_by_a_row_a_key_and_a_message() {
        let card = b"4242 4242 4242";
        for place in 0..3 {
            let mut run = Doctored::new(NAME, json!({}));
            run.watch.secret("card", card);
            match place {
                0 => run.row(b"ec2/volume", card),
                1 => run.row(card, b""),
                _ => run.envelope(hex::encode(card).as_bytes()),
            }
            violated(run.finding());
        }
    }

    #[test]
    fn attributes_are_searched_for_when_they_are_named() {
        for (arguments, fails) in [
            (json!({ "attributes": ["orders.card"] }), true),
            (json!({ "attributes": ["orders.name"] }), false),
        ] {
            let mut run = Doctored::new(NAME, arguments);
            run.watch.secret("orders.card", b"4242 4242 4242");
            run.watch.secret("orders.name", b"Ada Lovelace");
            run.row(b"x", b"4242 4242 4242");
            if fails {
                violated(run.finding());
            } else {
                run.holds(2);
            }
        }
    }

    #[test]
    fn without_a_secret_it_is_unknown() {
        let mut run = Doctored::new(NAME, json!({}));
        run.row(b"x", b"y");
        assert_eq!(unknown(run.finding()), "the run had no such secret");
        run.watch.secret("pin", b"1234");
        assert!(unknown(run.finding()).contains("too short"));
    }
}
