//! Names and paths.

use super::*;

// SEC-037
#[test]
fn a_name_has_rules() {
    let (mut world, root) = world();
    let deep = format!("/{}", ["a"; 15].join("/"));
    world.call(HERE, &root, &put(&deep, "String", "x")).unwrap();
    for (name, wanted) in [
        (format!("{deep}/b"), "HierarchyLevelLimitExceededException"),
        ("aws-thing".to_owned(), "ValidationException"),
        ("/SSM/thing".to_owned(), "ValidationException"),
        ("/aws/thing".to_owned(), "AccessDeniedException"),
        ("a b".to_owned(), "ValidationException"),
        ("a/b".to_owned(), "ValidationException"),
        (format!("/{}", "a".repeat(1011)), "ValidationException"),
    ] {
        assert_eq!(
            code(world.call(HERE, &root, &put(&name, "String", "x"))),
            wanted,
            "{name}"
        );
    }
}

fn by_path(path: &str) -> api::GetParametersByPathRequest {
    api::GetParametersByPathRequest {
        path: some(path),
        ..Default::default()
    }
}

fn names(found: &api::GetParametersByPathResponse) -> Vec<&str> {
    found
        .parameters
        .iter()
        .filter_map(|one| one.name.as_deref())
        .collect()
}

// SEC-038
#[test]
fn a_path_is_one_level_deep_unless_asked_and_ten_to_a_page() {
    let (mut world, root) = world();
    for name in ["/shop/db/user", "/shop/mail", "/shopping", "/shop"] {
        world.call(HERE, &root, &put(name, "String", "x")).unwrap();
    }
    let flat = world.call(HERE, &root, &by_path("/shop")).unwrap();
    assert_eq!(names(&flat), ["/shop/mail"]);
    let deep = api::GetParametersByPathRequest {
        recursive: Some(true),
        ..by_path("/shop/")
    };
    let deep = world.call(HERE, &root, &deep).unwrap();
    assert_eq!(names(&deep), ["/shop/db/user", "/shop/mail"]);
    assert_eq!(
        code(world.call(HERE, &root, &by_path("shop"))),
        "ValidationException"
    );
    for n in 0..12 {
        world
            .call(HERE, &root, &put(&format!("/many/p{n:02}"), "String", "x"))
            .unwrap();
    }
    let first = world.call(HERE, &root, &by_path("/many")).unwrap();
    assert_eq!(first.parameters.len(), 10);
    let next = api::GetParametersByPathRequest {
        next_token: first.next_token,
        ..by_path("/many")
    };
    let second = world.call(HERE, &root, &next).unwrap();
    assert_eq!(names(&second), ["/many/p10", "/many/p11"]);
    assert_eq!(second.next_token, None);
}

// SEC-038
#[test]
fn a_deny_on_a_child_does_not_hide_it_from_the_path() {
    let (mut world, root) = world();
    world
        .call(HERE, &root, &put("/shop/open", "String", "x"))
        .unwrap();
    world
        .call(HERE, &root, &put("/shop/closed", "String", "y"))
        .unwrap();
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "ssm:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:parameter/shop/closed" },
    ] });
    let reader = world.user(ACCOUNT, "reader", &policy.to_string());
    assert_eq!(
        code(world.call(HERE, &reader, &get("/shop/closed"))),
        "AccessDeniedException"
    );
    let found = world.call(HERE, &reader, &by_path("/shop")).unwrap();
    assert_eq!(names(&found), ["/shop/closed", "/shop/open"]);
}

#[test]
fn descriptions_are_filtered() {
    let (mut world, root) = world();
    for (name, kind) in [
        ("/a/x", "String"),
        ("/a/b/y", "SecureString"),
        ("/c", "StringList"),
    ] {
        world.call(HERE, &root, &put(name, kind, "v")).unwrap();
    }
    let mut ask = |key: &str, option: Option<&str>, value: &str| {
        let request = api::DescribeParametersRequest {
            parameter_filters: vec![api::ParameterStringFilter {
                key: some(key),
                option: option.map(str::to_owned),
                values: vec![value.to_owned()],
            }],
            ..Default::default()
        };
        let found = world
            .call(HERE, &root, &request)
            .map_err(|failure| failure.code)?;
        let names: Vec<String> = found
            .parameters
            .into_iter()
            .filter_map(|one| one.name)
            .collect();
        Ok::<String, String>(names.join(" "))
    };
    assert_eq!(ask("Path", None, "/a").unwrap(), "/a/x");
    assert_eq!(ask("Path", Some("Recursive"), "/a").unwrap(), "/a/b/y /a/x");
    assert_eq!(ask("Name", Some("Contains"), "b").unwrap(), "/a/b/y");
    assert_eq!(ask("KeyId", None, "alias/aws/ssm").unwrap(), "/a/b/y");
    assert_eq!(ask("Label", None, "x").unwrap_err(), "InvalidFilterKey");
    assert_eq!(
        ask("Type", Some("Contains"), "x").unwrap_err(),
        "InvalidFilterOption"
    );
}
