//! No node receives or answers a secret: it was encrypted before it was sent.
//!
//! It searches requests with their bodies as the node asked gets them, before anything is
//! sealed, and answers. A node learns of clients' data nothing but what clients send: what it
//! opens, keeps or passes on was in a request once.
//!
//! It cannot see secrets shorter than six bytes, secrets that were changed before they were
//! sent, content planted by the world's set-up, and what lengths and patterns of access tell.

use super::no_plaintext_at_rest::{judge, named};
use super::{End, Finding, Oracle};
use crate::journal::event::Event;

/// See the module.
pub(super) struct NodeNeverSees {
    pub attributes: Vec<String>,
    pub values: Vec<String>,
}

impl Oracle for NodeNeverSees {
    fn hear(&mut self, _event: &Event) {}

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        judge(end, &["request", "answer"], &|canary| {
            named(canary, &self.attributes, &self.values)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, unknown, violated};

    const NAME: &str = "node_never_sees";

    fn item(card: serde_json::Value) -> serde_json::Value {
        json!({ "table_name": "orders", "item": { "id": { "S": "1" }, "card": card } })
    }

    #[test]
    fn it_holds_where_the_client_sealed_the_item() {
        let mut run = Doctored::new(NAME, json!({ "attributes": ["orders.card"] }));
        run.watch.secret("orders.card", b"4242 4242 4242");
        run.call("dynamodb.PutItem", item(json!({ "B": "AAECAwQFBgc=" })));
        run.holds(1);
    }

    #[test]
    fn it_is_violated_where_the_item_is_put_as_it_is() {
        let card = json!({ "S": "4242 4242 4242" });
        let mut run = Doctored::new(NAME, json!({ "attributes": ["orders.card"] }));
        let at = run.call("dynamodb.PutItem", item(card.clone()));
        assert_eq!(violated(run.finding()).1, [at]);

        let mut run = Doctored::new(NAME, json!({ "values": ["4242 4242 4242"] }));
        run.call("dynamodb.PutItem", item(card));
        violated(run.finding());
    }

    #[test]
    fn what_only_stands_in_a_store_is_not_its_business() {
        let mut run = Doctored::new(NAME, json!({ "values": ["4242 4242 4242"] }));
        run.row(b"x", b"4242 4242 4242");
        run.call("dynamodb.PutItem", item(json!({ "B": "AAECAwQFBgc=" })));
        run.holds(1);
    }

    #[test]
    fn without_such_an_attribute_or_any_call_it_is_unknown() {
        let run = Doctored::new(NAME, json!({ "attributes": ["orders.card"] }));
        assert_eq!(unknown(run.finding()), "the run had no such secret");
        let run = Doctored::new(NAME, json!({ "values": ["4242 4242 4242"] }));
        assert_eq!(unknown(run.finding()), "there was nothing to search");
    }
}
