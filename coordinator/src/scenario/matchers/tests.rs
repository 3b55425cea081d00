//! Each word with an answer that it likes and one that it does not.

use super::*;
use crate::scenario::template::Nameless;
use serde_json::json;

fn at(test: Test) -> Matcher {
    Matcher {
        test,
        span: Span::new(5, 6),
    }
}
fn value(value: Value) -> Template {
    Template::literal(value, Span::new(5, 6))
}
fn equals(wanted: Value) -> Matcher {
    at(Test::Equals(value(wanted)))
}
fn judged(matcher: &Matcher, answer: &Value) -> Result<(), String> {
    let bindings = Bindings::default();
    matches(
        matcher,
        Some(answer),
        Judge {
            bindings: &bindings,
            names: &Nameless,
        },
    )
    .map_err(|unmet| match unmet {
        Unmet::Mismatch(mismatch) => format!(
            "{}: expected {}, got {}",
            mismatch.path, mismatch.expected, mismatch.got
        ),
        Unmet::Evaluate(error) => error.message,
    })
}

#[test]
fn a_map_asks_for_a_part_and_names_what_differs() {
    let members = vec![("state".to_owned(), equals(json!("Enabled")))];
    let part = at(Test::Members {
        exact: false,
        members: members.clone(),
    });
    let all = at(Test::Members {
        exact: true,
        members,
    });
    let answer = json!({ "state": "Enabled", "id": 7, "gone": null });
    assert_eq!(judged(&part, &answer), Ok(()));
    assert_eq!(
        judged(&all, &answer),
        Err("id: expected nothing, got 7".into())
    );
    assert_eq!(
        judged(&part, &json!({ "state": "Updating" })),
        Err("state: expected Enabled, got Updating".into())
    );
}

#[test]
fn list_words() {
    let list = json!([{ "n": 1 }, { "n": 2 }]);
    let n = |number: i64| {
        Box::new(at(Test::Members {
            exact: false,
            members: vec![("n".into(), equals(json!(number)))],
        }))
    };
    assert_eq!(judged(&at(Test::First(n(1))), &list), Ok(()));
    assert_eq!(
        judged(&at(Test::Last(n(1))), &list),
        Err("[1].n: expected 1, got 2".into())
    );
    assert_eq!(judged(&at(Test::Any(n(2))), &list), Ok(()));
    assert_eq!(
        judged(&at(Test::Every(n(2))), &list),
        Err("[0].n: expected 2, got 1".into())
    );
    assert!(judged(&at(Test::Every(n(2))), &json!([])).is_err());
    let count = |test: Test| at(Test::Count(Box::new(at(test))));
    assert_eq!(
        judged(&count(Test::AtLeast(value(json!(2)))), &list),
        Ok(())
    );
    assert_eq!(
        judged(&count(Test::Equals(value(json!(3)))), &list),
        Err("count: expected 3, got 2".into())
    );
    assert_eq!(judged(&at(Test::Items(vec![*n(1), *n(2)])), &list), Ok(()));
}

#[test]
fn quantities_compare_with_their_units() {
    assert_eq!(
        judged(&at(Test::AtMost(value(json!("2s")))), &json!(1_999_999)),
        Ok(())
    );
    assert_eq!(
        judged(&at(Test::AtMost(value(json!("2s")))), &json!(2_000_001)),
        Err(": expected at most 2s, got 2000001".into())
    );
    assert_eq!(
        judged(&at(Test::AtLeast(value(json!("100%")))), &json!(1_000_000)),
        Ok(())
    );
    assert!(judged(&at(Test::AtLeast(value(json!("100%")))), &json!(999_999)).is_err());
}

#[test]
fn bytes_are_the_same_however_written_and_ciphertext_is_no_text() {
    let card = at(Test::Bytes(value(json!("4242"))));
    assert_eq!(judged(&card, &json!("base64:NDI0Mg==")), Ok(()));
    assert_eq!(
        judged(&card, &json!("base64:NDI0Mw==")),
        Err(": expected 4242, got 4243".into())
    );
    assert_eq!(
        judged(&at(Test::Is(Nature::Ciphertext)), &json!("base64:AAEC/w==")),
        Ok(())
    );
    assert!(judged(&at(Test::Is(Nature::Ciphertext)), &json!("base64:NDI0Mg==")).is_err());
    assert_eq!(
        judged(&at(Test::Is(Nature::Plaintext)), &json!(4242)),
        Ok(())
    );
}

#[test]
fn absence_text_and_expressions() {
    let absent = at(Test::Members {
        exact: false,
        members: vec![("status".into(), at(Test::Exists(false)))],
    });
    assert_eq!(judged(&absent, &json!({})), Ok(()));
    assert_eq!(
        judged(&absent, &json!({ "status": "FAILED" })),
        Err("status: expected nothing, got FAILED".into())
    );
    let part = value(json!("not accessible"));
    let contains = at(Test::Contains(
        Box::new(equals(json!("not accessible"))),
        part,
    ));
    assert_eq!(
        judged(&contains, &json!("key ID is not accessible")),
        Ok(())
    );
    let that = at(Test::That(
        Expression::compile("size(it) == 2").expect("an expression"),
    ));
    assert_eq!(judged(&that, &json!([1, 2])), Ok(()));
    assert!(judged(&that, &json!([1])).is_err());
    assert_eq!(
        judged(&at(Test::Not(Box::new(equals(json!(1))))), &json!(1)),
        Err(": expected not 1, got 1".into())
    );
}
