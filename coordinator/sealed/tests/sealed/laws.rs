//! Laws: whatever can be written comes back, and nothing stored makes the reader panic.

use std::collections::BTreeMap;

use crate::world::*;
use faultline_sealed::beacons::{Location, expression};
use faultline_sealed::branch::record::{RowContext, RowType};
use faultline_sealed::header::Header;
use faultline_sealed::plaintext::{Terminal, TypeId};
use faultline_sealed::{Client, Item, Value};
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

/// An order as it is stored, with its world and the client that wrote it.
fn written() -> (World, Client, Item) {
    let world = World::default();
    let writer = client(orders(), mrk(MRK_WEST));
    let put = now(writer.put_item(
        &world,
        &mut Repeatable::default(),
        &table("eu-west-1"),
        &order(),
    ))
    .unwrap();
    (world, writer, put.stored)
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

    #[test]
    fn a_changed_byte_of_any_signed_part_is_noticed_and_nothing_panics(
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        attribute in prop::sample::select(vec!["aws_dbe_head", "aws_dbe_foot", "card"]),
    ) {
        let (world, writer, mut stored) = written();
        if let Some(Value::B(bytes)) = stored.get_mut(attribute) {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        prop_assert!(now(writer.open_item(&world, &stored)).is_err());
    }

    #[test]
    fn a_cut_header_or_footer_is_refused(
        size in any::<prop::sample::Index>(),
        attribute in prop::sample::select(vec!["aws_dbe_head", "aws_dbe_foot"]),
    ) {
        let (world, writer, mut stored) = written();
        if let Some(Value::B(bytes)) = stored.get_mut(attribute) {
            let size = size.index(bytes.len());
            bytes.truncate(size);
        }
        let error = now(writer.open_item(&world, &stored)).unwrap_err();
        prop_assert_eq!(error.code(), "InvalidHeader");
    }

    #[test]
    fn an_expression_that_was_read_is_written_so_that_it_is_read_again(text in ".{0,40}") {
        let tokens = expression::tokens(&text);
        prop_assert_eq!(expression::tokens(&expression::written(&tokens)), tokens);
    }

    #[test]
    fn no_text_makes_the_readers_of_places_and_of_rows_panic(text in ".{0,40}", place in "[a-z.\\[\\]0-9#]{0,12}") {
        let item = order();
        for text in [&text, &place] {
            let _ = Location::parse(text).map(|at| at.text(&item));
            let row: Item = [("kms-arn", text.as_str()), ("type", "branch:ACTIVE"), ("version", text)]
                .map(|(name, text)| (name.to_owned(), Value::S(text.to_owned())))
                .into();
            let _ = RowContext::read(&row, "keys", &RowType::Active);
        }
    }

    #[test]
    fn no_bytes_make_the_deserializer_panic(
        type_id in any::<[u8; 2]>(),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = Terminal { type_id: TypeId(type_id), bytes }.value();
    }
}
