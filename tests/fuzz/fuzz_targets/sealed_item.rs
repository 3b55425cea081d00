//! Whatever a table holds, the sealed client answers and does not panic: headers and footers,
//! fields under the right keys, rows of key stores, and expressions.

#![no_main]

use faultline_sealed::beacons::{Location, expression};
use faultline_sealed::branch::record::{RowContext, RowType};
use faultline_sealed::header::Header;
use faultline_sealed::open::Stored;
use faultline_sealed::plaintext::{Terminal, TypeId};
use faultline_sealed::secret::{DataKey, TagKey};
use faultline_sealed::{AttributeAction, Item, Schema, SchemaConfig, Value};
use libfuzzer_sys::fuzz_target;

fn schema() -> Schema {
    let actions = [
        ("id", AttributeAction::SignOnly),
        ("card", AttributeAction::EncryptAndSign),
    ];
    Schema::new(SchemaConfig {
        logical_table_name: "orders".to_owned(),
        partition_key: "id".to_owned(),
        actions: actions.map(|(name, action)| (name.to_owned(), action)).into(),
        ..SchemaConfig::default()
    })
    .expect("the schema is a good one")
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let (head, foot) = rest.split_at(usize::from(*first).min(rest.len()));
    let item: Item = [
        ("id", Value::S("a".to_owned())),
        ("card", Value::B(foot.to_vec())),
        ("aws_dbe_head", Value::B(head.to_vec())),
        ("aws_dbe_foot", Value::B(foot.to_vec())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Ok(Stored::Sealed(sealed)) = Stored::parse(&schema(), &item) {
        let _ = sealed.open(&DataKey::new([1; 32]), &TagKey::new([2; 32]));
    }
    if let Ok(header) = Header::parse(rest) {
        let again = header.serialize(&DataKey::new([1; 32]));
        assert!(again.is_ok_and(|again| again.len() == rest.len()));
    }
    if let Some((type_id, value)) = rest.split_first_chunk() {
        let terminal = Terminal {
            type_id: TypeId(*type_id),
            bytes: value.to_vec(),
        };
        let _ = terminal.value();
    }
    if let Ok(text) = std::str::from_utf8(rest) {
        let tokens = expression::tokens(text);
        assert_eq!(expression::tokens(&expression::written(&tokens)), tokens);
        let _ = Location::parse(text).map(|at| at.text(&item));
        let row: Item = [("kms-arn", text), ("type", "branch:ACTIVE"), ("version", text)]
            .map(|(name, text)| (name.to_owned(), Value::S(text.to_owned())))
            .into();
        let _ = RowContext::read(&row, "keys", &RowType::Active);
    }
});
