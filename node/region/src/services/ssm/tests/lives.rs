//! Values, tiers, versions, labels, names.

use super::*;

// SEC-028, SEC-029
#[test]
fn a_standard_parameter_holds_4096_characters_and_an_advanced_one_8192() {
    let (mut world, root) = world();
    world
        .call(HERE, &root, &put("/a", "String", &"x".repeat(4096)))
        .unwrap();
    let large = put("/b", "String", &"x".repeat(4097));
    let text = told(world.call(HERE, &root, &large).unwrap_err());
    assert!(
        text.starts_with("ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters."),
        "{text}"
    );
    let picked = api::PutParameterRequest {
        tier: some("Intelligent-Tiering"),
        ..large.clone()
    };
    let made = world.call(HERE, &root, &picked).unwrap();
    assert_eq!(made.tier.as_deref(), Some("Advanced"));
    let huge = api::PutParameterRequest {
        tier: some("Advanced"),
        ..put("/c", "String", &"x".repeat(8193))
    };
    assert_eq!(code(world.call(HERE, &root, &huge)), "ValidationException");
    let down = api::PutParameterRequest {
        tier: some("Standard"),
        ..over("/b", "small")
    };
    let text = told(world.call(HERE, &root, &down).unwrap_err());
    assert!(text.contains("You can't downgrade"), "{text}");
    assert_eq!(
        world
            .call(HERE, &root, &over("/b", "small"))
            .unwrap()
            .version,
        Some(2)
    );
    let up = api::PutParameterRequest {
        tier: some("Advanced"),
        ..over("/a", "larger one day")
    };
    let made = world.call(HERE, &root, &up).unwrap();
    assert_eq!(
        (made.version, made.tier.as_deref()),
        (Some(2), Some("Advanced"))
    );
}

// SEC-030, SEC-036
#[test]
fn what_is_there_is_overwritten_only_when_the_call_says_so_and_keeps_its_type() {
    let (mut world, root) = world();
    world
        .call(HERE, &root, &put("/a", "String", "one"))
        .unwrap();
    assert_eq!(
        told(
            world
                .call(HERE, &root, &put("/a", "String", "two"))
                .unwrap_err()
        ),
        "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    );
    let other = api::PutParameterRequest {
        r#type: some("StringList"),
        ..over("/a", "a,b")
    };
    assert_eq!(
        code(world.call(HERE, &root, &other)),
        "HierarchyTypeMismatchException"
    );
    assert_eq!(
        told(world.call(HERE, &root, &over("/new", "x")).unwrap_err()),
        "ValidationException: A parameter type is required when you create a parameter."
    );
    let tagged = api::PutParameterRequest {
        tags: vec![api::Tag {
            key: some("a"),
            value: some("b"),
        }],
        ..over("/a", "two")
    };
    assert_eq!(
        code(world.call(HERE, &root, &tagged)),
        "ValidationException"
    );
    let shaped = api::PutParameterRequest {
        allowed_pattern: some(r"^\d+$"),
        ..over("/a", "two")
    };
    assert_eq!(
        code(world.call(HERE, &root, &shaped)),
        "ParameterPatternMismatchException"
    );
    assert_eq!(read(&mut world, "/a").unwrap(), "one");
}

// SEC-039
#[test]
fn a_hundred_versions_are_kept_unless_the_oldest_has_a_label() {
    let (mut world, root) = world();
    world.call(HERE, &root, &put("/a", "String", "1")).unwrap();
    for n in 2..=100 {
        world
            .call(HERE, &root, &over("/a", &n.to_string()))
            .unwrap();
    }
    let label = api::LabelParameterVersionRequest {
        name: some("/a"),
        parameter_version: Some(1),
        labels: vec!["first".to_owned()],
    };
    world.call(HERE, &root, &label).unwrap();
    let refused = told(world.call(HERE, &root, &over("/a", "101")).unwrap_err());
    assert!(
        refused.starts_with("ParameterMaxVersionLimitExceeded: You attempted"),
        "{refused}"
    );
    let moved = api::LabelParameterVersionRequest {
        parameter_version: Some(100),
        ..label
    };
    world.call(HERE, &root, &moved).unwrap();
    let made = world.call(HERE, &root, &over("/a", "101")).unwrap();
    assert_eq!(made.version, Some(101));
    assert!(
        read(&mut world, "/a:1")
            .unwrap_err()
            .starts_with("ParameterVersionNotFound")
    );
    assert_eq!(read(&mut world, "/a:first").unwrap(), "100");
    assert_eq!(read(&mut world, "/a:2").unwrap(), "2");
}

// SEC-039
#[test]
fn a_version_has_ten_labels_and_a_label_one_version() {
    let (mut world, root) = world();
    world.call(HERE, &root, &put("/a", "String", "1")).unwrap();
    let label = |labels: &[&str]| api::LabelParameterVersionRequest {
        name: some("/a"),
        parameter_version: None,
        labels: labels.iter().map(|one| (*one).to_owned()).collect(),
    };
    let ten: Vec<String> = (0..10).map(|n| format!("l{n}")).collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    world.call(HERE, &root, &label(&ten)).unwrap();
    assert_eq!(
        told(world.call(HERE, &root, &label(&["more"])).unwrap_err()),
        "ParameterVersionLabelLimitExceeded: A parameter version can have a maximum of 10 labels. Move one or more labels to another version and try again."
    );
    let bad = world.call(HERE, &root, &label(&["1st", "aws-x"])).unwrap();
    assert_eq!(bad.invalid_labels, ["1st", "aws-x"]);
    world.call(HERE, &root, &over("/a", "2")).unwrap();
    world.call(HERE, &root, &label(&["l3"])).unwrap();
    assert_eq!(read(&mut world, "/a:l3").unwrap(), "2");
    let off = api::UnlabelParameterVersionRequest {
        name: some("/a"),
        parameter_version: Some(1),
        labels: vec!["l3".to_owned(), "l4".to_owned()],
    };
    let off = world.call(HERE, &root, &off).unwrap();
    assert_eq!(
        (off.removed_labels, off.invalid_labels),
        (vec!["l4".to_owned()], vec!["l3".to_owned()])
    );
    let history = api::GetParameterHistoryRequest {
        name: some("/a"),
        ..Default::default()
    };
    let found = world.call(HERE, &root, &history).unwrap().parameters;
    let shown: Vec<_> = found
        .iter()
        .map(|one| (one.version, one.labels.len()))
        .collect();
    assert_eq!(shown, [(Some(1), 8), (Some(2), 1)]);
}

// SEC-042
#[test]
fn unknown_names_stand_in_invalid_parameters() {
    let (mut world, root) = world();
    world.call(HERE, &root, &put("/a", "String", "1")).unwrap();
    let request = api::GetParametersRequest {
        names: ["/a", "/none", "/a:7"].map(str::to_owned).to_vec(),
        with_decryption: None,
    };
    let found = world.call(HERE, &root, &request).unwrap();
    assert_eq!(found.parameters.len(), 1);
    assert_eq!(found.invalid_parameters, ["/none", "/a:7"]);
    assert_eq!(
        read(&mut world, "/none").unwrap_err(),
        "ParameterNotFound: "
    );
    let delete = api::DeleteParametersRequest {
        names: vec!["/a".to_owned(), "/none".to_owned()],
    };
    let gone = world.call(HERE, &root, &delete).unwrap();
    assert_eq!(
        (gone.deleted_parameters, gone.invalid_parameters),
        (vec!["/a".to_owned()], vec!["/none".to_owned()])
    );
}

// SEC-031
#[test]
fn a_parameter_is_in_one_region() {
    let (mut world, root) = world();
    world.call(HERE, &root, &put("/a", "String", "1")).unwrap();
    world.advance(3600);
    assert_eq!(
        code(world.call(THERE, &root, &get("/a"))),
        "ParameterNotFound"
    );
}

#[test]
fn tags_come_and_go() {
    let (mut world, root) = world();
    let tagged = api::PutParameterRequest {
        tags: vec![api::Tag {
            key: some("team"),
            value: some("shop"),
        }],
        ..put("/a", "String", "1")
    };
    world.call(HERE, &root, &tagged).unwrap();
    let list = api::ListTagsForResourceRequest {
        resource_type: some("Parameter"),
        resource_id: some("/a"),
    };
    assert_eq!(world.call(HERE, &root, &list).unwrap().tag_list.len(), 1);
    let off = api::RemoveTagsFromResourceRequest {
        resource_type: some("Parameter"),
        resource_id: some("/a"),
        tag_keys: vec!["team".to_owned()],
    };
    world.call(HERE, &root, &off).unwrap();
    assert!(world.call(HERE, &root, &list).unwrap().tag_list.is_empty());
    let none = api::ListTagsForResourceRequest {
        resource_id: some("/none"),
        ..list
    };
    assert_eq!(code(world.call(HERE, &root, &none)), "InvalidResourceId");
}
