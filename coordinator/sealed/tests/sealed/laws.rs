//! Laws: whatever can be written comes back, and nothing stored makes the reader panic.

use std::collections::BTreeMap;

use crate::world::*;
use faultline_sealed::header::Header;
use faultline_sealed::{Item, Value};
use proptest::prelude::*;

/// Any value, with numbers in their one spelling already.
fn value() -> impl Strategy<Value = Value> {
    let number = || (-999_999_i64..=999_999).prop_map(|number| number.to_string());
    let leaf = prop_oneof![
        ".{0,8}".prop_map(Value::S),
        number().prop_map(Value::N),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::B),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        prop::collection::btree_set(".{0,4}", 1..4).prop_map(Value::Ss),
        prop::collection::btree_set(number(), 1..4).prop_map(Value::Ns),
        prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..4), 1..4)
            .prop_map(Value::Bs),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::L),
            prop::collection::btree_map(".{1,6}", inner, 0..4).prop_map(Value::M),
        ]
    })
}

fn item_with(card: Value, state: Value) -> Item {
    let mut item: BTreeMap<String, Value> = order();
    item.remove("more");
    item.insert("card".to_owned(), card);
    item.insert("state".to_owned(), state);
    item
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_comes_back(card in value(), state in value()) {
        let item = item_with(card, state);
        let world = World::default();
        let writer = client(orders(), mrk(MRK_WEST));
        now(writer.put_item(&world, &mut Repeatable::default(), &table("eu-west-1"), &item)).unwrap();
        let reader = client(orders(), mrk(MRK_EAST));
        let opened = now(reader.get_item(&world, &table("us-east-1"), &key(), true)).unwrap().unwrap();
        prop_assert_eq!(opened.item, item);
    }

    #[test]
    fn no_bytes_make_the_header_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Header::parse(&bytes);
    }
}
