//! Tables of expressions: what they say of an item, and how wrong ones are refused.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::attribute_value::Value as Wire;
use faultline_proto::dynamodb::{
    AttributeValue, ListAttributeValue, MapAttributeValue, NumberSetAttributeValue,
    StringSetAttributeValue,
};

use super::*;
use crate::services::dynamodb::value::{self, Item, json_of};

fn wire(value: Wire) -> AttributeValue {
    AttributeValue { value: Some(value) }
}

fn text(text: &str) -> AttributeValue {
    wire(Wire::S(text.to_owned()))
}

fn number(text: &str) -> AttributeValue {
    wire(Wire::N(text.to_owned()))
}

fn texts(all: &[&str]) -> AttributeValue {
    let items = all.iter().map(|text| (*text).to_owned()).collect();
    wire(Wire::Ss(StringSetAttributeValue { items }))
}

fn item() -> Item {
    let place = MapAttributeValue {
        items: BTreeMap::from([
            ("city".to_owned(), text("Cork")),
            ("zip".to_owned(), number("7")),
        ]),
    };
    let parts = ListAttributeValue {
        items: vec![text("one"), text("two"), text("three")],
    };
    let sizes = NumberSetAttributeValue {
        items: vec!["1".to_owned(), "2".to_owned()],
    };
    value::read(&BTreeMap::from([
        ("id".to_owned(), text("order-1")),
        ("price".to_owned(), number("12.50")),
        ("paid".to_owned(), wire(Wire::Bool(true))),
        ("place".to_owned(), wire(Wire::M(place))),
        ("parts".to_owned(), wire(Wire::L(parts))),
        ("colours".to_owned(), texts(&["blue", "red"])),
        ("sizes".to_owned(), wire(Wire::Ns(sizes))),
        ("bin".to_owned(), wire(Wire::B(vec![1, 2, 3]))),
    ]))
    .unwrap()
}

fn names() -> BTreeMap<String, String> {
    BTreeMap::from([("#status".to_owned(), "status".to_owned())])
}

fn values() -> BTreeMap<String, AttributeValue> {
    let more = ListAttributeValue {
        items: vec![text("four")],
    };
    BTreeMap::from([
        (":ten".to_owned(), number("10")),
        (":twenty".to_owned(), number("20")),
        (":ord".to_owned(), text("ord")),
        (":red".to_owned(), text("red")),
        (":bytes".to_owned(), wire(Wire::B(vec![2, 3]))),
        (":true".to_owned(), wire(Wire::Bool(true))),
        (":set".to_owned(), texts(&["red", "green"])),
        (":all".to_owned(), texts(&["red", "blue"])),
        (":more".to_owned(), wire(Wire::L(more))),
        (":map".to_owned(), text("M")),
    ])
}

fn condition(text: &str) -> Result<Condition, DynamoError> {
    let (names, values) = (names(), values());
    let text = text.to_owned();
    let mut scope = Scope::new(&names, &values, &[("ConditionExpression", Some(&text))])?;
    Ok(scope.condition(Some(&text))?.unwrap())
}

fn update(text: &str) -> Result<Update, DynamoError> {
    let (names, values) = (names(), values());
    let text = text.to_owned();
    let mut scope = Scope::new(&names, &values, &[("UpdateExpression", Some(&text))])?;
    Ok(scope.update(Some(&text))?.unwrap())
}

#[test]
fn conditions_hold_as_they_say() {
    let cases = [
        ("price > :ten", true),
        ("price between :ten AND :twenty", true),
        ("NOT price > :ten", false),
        ("price < :ten OR paid = :true", true),
        ("price < :ten OR paid = :true AND price > :twenty", false),
        ("(price < :ten OR paid = :true) AND price > :ten", true),
        ("((price) > (:ten))", true),
        ("price IN (:ten, :twenty)", false),
        ("id IN (:red, id, :ord)", true),
        ("attribute_exists(place.city)", true),
        ("attribute_exists(place.street)", false),
        ("attribute_not_exists(#status)", true),
        ("attribute_type(place, :map)", true),
        ("begins_with(id, :ord)", true),
        ("contains(colours, :red)", true),
        ("contains(colours, :ord)", false),
        ("contains(sizes, :ten)", false),
        ("contains(bin, :bytes)", true),
        ("contains(id, :ord)", true),
        ("size(parts) < :ten", true),
        ("size(id) <= size(bin)", false),
        ("parts[1] = :red", false),
        ("parts[7] = :red", false),
        // Another type is never greater nor less, and is not equal.
        ("id > :ten", false),
        ("id <> :ten", true),
        // What is not there is unequal to everything and in no order.
        ("absent <> :ten", true),
        ("absent = :ten", false),
        ("absent < :ten", false),
        ("size(price) > :ten", false),
    ];
    for (text, holds) in cases {
        assert_eq!(condition(text).unwrap().holds(&item()), holds, "{text}");
    }
}

const WRONG_CONDITIONS: &[(&str, &str)] = &[
    ("", "The expression can not be empty;"),
    ("price >", "Syntax error; token: \"<EOF>\", near: \">\""),
    (
        "price > :ten price",
        "Syntax error; token: \"price\", near: \":ten price\"",
    ),
    (
        "price ! :ten",
        "Syntax error; token: \"!\", near: \"ce ! :t\"",
    ),
    (
        "price > :none",
        "An expression attribute value used in expression is not defined; attribute value: :none",
    ),
    (
        "#no = :ten",
        "An expression attribute name used in the document path is not defined; attribute name: #no",
    ),
    (
        "status = :ten",
        "Attribute name is a reserved keyword; reserved keyword: status",
    ),
    ("sum_of(price)", "Invalid function name; function: sum_of"),
    (
        "size(price, id) > :ten",
        "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
    ),
    (
        "attribute_exists(:ten)",
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        "begins_with(id, :ten)",
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
    ),
    (
        "paid > :true",
        "Incorrect operand type for operator or function; operator or function: >, operand type: BOOL",
    ),
    (
        "if_not_exists(id, :ten)",
        "The function is not allowed in a condition expression; function: if_not_exists",
    ),
    (
        "contains(id, :ord) = :true",
        "The function is not allowed to be used this way in an expression; function: contains",
    ),
    (
        "size(id)",
        "The function is not allowed to be used this way in an expression; function: size",
    ),
    (
        "id = id",
        "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [id]",
    ),
    (
        "price BETWEEN :twenty AND :ten",
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:20}, upper bound operand: AttributeValue: {N:10}",
    ),
    (
        "attribute_type(id, :ord)",
        "Invalid attribute type name found; type: ord, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
];

#[test]
fn wrong_conditions_are_refused_in_the_words_of_dynamodb() {
    for (text, words) in WRONG_CONDITIONS {
        let told = condition(text).unwrap_err().to_string();
        assert_eq!(
            told,
            format!("Invalid ConditionExpression: {words}"),
            "{text}"
        );
    }
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    let open = "(".repeat(2000);
    assert!(condition(&open).is_err());
    let not = "NOT ".repeat(1000);
    assert!(condition(&not).is_err());
    let append = format!("SET id = {}", "list_append(".repeat(300));
    assert!(update(&append).is_err());
}

#[test]
fn updates_change_what_they_name_and_read_the_item_as_it_was() {
    let cases = [
        ("SET price = price + :ten", r#""price":{"N":"22.5"}"#),
        ("SET price = :ten - price", r#""price":{"N":"-2.5"}"#),
        (
            "SET #status = if_not_exists(#status, :red)",
            r##""status":{"S":"red"}"##,
        ),
        (
            "SET price = if_not_exists(absent, :ten) + :ten",
            r#""price":{"N":"20"}"#,
        ),
        (
            "SET parts = list_append(parts, :more)",
            r#"{"S":"three"},{"S":"four"}]"#,
        ),
        ("SET parts[9] = :red", r#"{"S":"three"},{"S":"red"}]"#),
        ("SET place.city = :red", r#""city":{"S":"red"}"#),
        (
            "SET copied = price, price = :ten",
            r#""copied":{"N":"12.5"}"#,
        ),
        (
            "REMOVE parts[0], parts[2]",
            r#""parts":{"L":[{"S":"two"}]}"#,
        ),
        (
            "REMOVE place.zip SET price = :ten",
            r#""place":{"M":{"city":{"S":"Cork"}}}"#,
        ),
        ("ADD price :ten", r#""price":{"N":"22.5"}"#),
        ("ADD hits :ten", r#""hits":{"N":"10"}"#),
        (
            "ADD colours :set",
            r#""colours":{"SS":["blue","green","red"]}"#,
        ),
        ("DELETE colours :set", r#""colours":{"SS":["blue"]}"#),
    ];
    for (text, part) in cases {
        let after = json_of(&update(text).unwrap().apply(&item()).unwrap()).to_string();
        assert!(after.contains(part), "{text}: {after}");
    }
    let gone = update("DELETE colours :all")
        .unwrap()
        .apply(&item())
        .unwrap();
    assert!(
        !gone.contains_key("colours"),
        "an empty set is no attribute"
    );
}

#[test]
fn wrong_updates_are_refused_in_the_words_of_dynamodb() {
    let cases = [
        (
            "price = :ten",
            "Syntax error; token: \"price\", near: \"price =\"",
        ),
        (
            "SET price = :ten SET id = :red",
            "The \"SET\" section can only be used once in an update expression;",
        ),
        (
            "SET place.city = :red REMOVE place",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [place, city], path two: [place]",
        ),
        (
            "SET place.city = :red, place[1] = :red",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [place, city], path two: [place, [1]]",
        ),
        (
            "ADD colours :red",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
        (
            "DELETE price :ten",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
        ),
        (
            "SET price = price + :red",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET price = size(id)",
            "The function is not allowed in an update expression; function: size",
        ),
    ];
    for (text, words) in cases {
        let told = update(text).unwrap_err().to_string();
        assert_eq!(told, format!("Invalid UpdateExpression: {words}"), "{text}");
    }
    let cases = [
        (
            "SET price = absent",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "SET price = id + :ten",
            "An operand in the update expression has an incorrect data type",
        ),
        (
            "ADD id :ten",
            "An operand in the update expression has an incorrect data type",
        ),
        (
            "SET absent.city = :red",
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "SET id.city = :red",
            "The document path provided in the update expression is invalid for update",
        ),
    ];
    for (text, words) in cases {
        let told = update(text)
            .unwrap()
            .apply(&item())
            .unwrap_err()
            .to_string();
        assert_eq!(told, words, "{text}");
    }
}

#[test]
fn projections_keep_the_shape_and_close_lists_up() {
    let (names, none) = (BTreeMap::new(), BTreeMap::new());
    let text = "id, place.city, parts[2], parts[0], absent.part".to_owned();
    let mut scope = Scope::new(&names, &none, &[("ProjectionExpression", Some(&text))]).unwrap();
    let paths = scope.projection(Some(&text)).unwrap().unwrap();
    let shown = json_of(&path::project(&paths, &item())).to_string();
    assert_eq!(
        shown,
        r#"{"id":{"S":"order-1"},"parts":{"L":[{"S":"one"},{"S":"three"}]},"place":{"M":{"city":{"S":"Cork"}}}}"#
    );
}

#[test]
fn placeholders_must_be_well_formed_used_and_for_an_expression() {
    let (names, values) = (names(), values());
    let text = "attribute_exists(id)".to_owned();
    let none = BTreeMap::new();
    let mut scope = Scope::new(&names, &none, &[("ConditionExpression", Some(&text))]).unwrap();
    scope.condition(Some(&text)).unwrap();
    assert_eq!(
        scope.all_used().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#status}"
    );
    let told = |names: &BTreeMap<String, String>,
                values: &BTreeMap<String, AttributeValue>,
                text: Option<&String>| {
        Scope::new(names, values, &[("ConditionExpression", text)])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        told(&BTreeMap::new(), &values, None),
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"
    );
    let wrong = BTreeMap::from([("status".to_owned(), "status".to_owned())]);
    assert_eq!(
        told(&wrong, &BTreeMap::new(), Some(&text)),
        "ExpressionAttributeNames contains invalid key: Syntax error; key: \"status\""
    );
}
