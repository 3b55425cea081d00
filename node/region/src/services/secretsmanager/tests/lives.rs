//! Values, versions, labels, deletion.

use super::*;
use crate::store::{Order, Span, Store as _};

#[test]
fn a_secret_is_read_by_name_by_arn_and_by_arn_without_its_end() {
    let (mut world, root) = world();
    let made = world.call(HERE, &root, &create("shop/db", None)).unwrap();
    let arn = made.arn.unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/db-"));
    let partial = arn.rsplit_once('-').unwrap().0.to_owned();
    for id in ["shop/db", &arn, &partial] {
        assert_eq!(read(&mut world, HERE, id).unwrap(), VALUE, "{id}");
    }
    let clear = world
        .store(HERE)
        .scan(&Span::everything(), Order::Forward)
        .any(|row| {
            let (_, bytes) = row.unwrap();
            bytes
                .windows(VALUE.len())
                .any(|some| some == VALUE.as_bytes())
        });
    assert!(!clear, "no value is stored in the clear");
}

// SEC-018, SEC-019
#[test]
fn what_is_there_and_what_is_not() {
    let (mut world, root) = world();
    let request = create("db", None);
    let made = world.call(HERE, &root, &request).unwrap();
    assert_eq!(world.call(HERE, &root, &request).unwrap().arn, made.arn);
    let other = api::CreateSecretRequest {
        secret_string: some("another"),
        ..request
    };
    assert_eq!(
        world.call(HERE, &root, &other).map_err(told).unwrap_err(),
        "ResourceExistsException: The operation failed because the secret db already exists."
    );
    assert_eq!(
        read(&mut world, HERE, "none").unwrap_err(),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    );
    let previous = api::GetSecretValueRequest {
        version_stage: some("AWSPREVIOUS"),
        ..get("db")
    };
    assert_eq!(
        world
            .call(HERE, &root, &previous)
            .map_err(told)
            .unwrap_err(),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS"
    );
    let pair = api::GetSecretValueRequest {
        version_id: Some(token(1)),
        ..previous
    };
    assert_eq!(
        code(world.call(HERE, &root, &pair)),
        "InvalidRequestException"
    );
}

#[test]
fn labels_follow_the_current_value() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    world.call(HERE, &root, &put("db", 3, "three")).unwrap();
    assert_eq!(stages(&mut world, HERE, "db", 1), Vec::<String>::new());
    assert_eq!(stages(&mut world, HERE, "db", 2), ["AWSPREVIOUS"]);
    assert_eq!(stages(&mut world, HERE, "db", 3), ["AWSCURRENT"]);
    // The same token again: the same value is no change, another one is refused.
    world.call(HERE, &root, &put("db", 3, "three")).unwrap();
    assert_eq!(
        code(world.call(HERE, &root, &put("db", 3, "four"))),
        "ResourceExistsException"
    );
    let back = api::UpdateSecretVersionStageRequest {
        secret_id: some("db"),
        version_stage: some("AWSCURRENT"),
        remove_from_version_id: Some(token(3)),
        move_to_version_id: Some(token(1)),
    };
    world.call(HERE, &root, &back).unwrap();
    assert_eq!(read(&mut world, HERE, "db").unwrap(), VALUE);
    assert_eq!(stages(&mut world, HERE, "db", 3), ["AWSPREVIOUS"]);
    let gone = api::UpdateSecretVersionStageRequest {
        remove_from_version_id: Some(token(1)),
        move_to_version_id: None,
        ..back.clone()
    };
    assert_eq!(
        code(world.call(HERE, &root, &gone)),
        "InvalidParameterException"
    );
    let unsaid = api::UpdateSecretVersionStageRequest {
        remove_from_version_id: None,
        move_to_version_id: Some(token(2)),
        ..back
    };
    let text = told(world.call(HERE, &root, &unsaid).unwrap_err());
    assert!(
        text.contains("RemoveFromVersionId can't be empty"),
        "{text}"
    );
}

// SEC-025
#[test]
fn a_hundred_versions_are_kept_and_none_younger_than_a_day_goes() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    for n in 2..=100 {
        world.call(HERE, &root, &put("db", n, "value")).unwrap();
    }
    assert_eq!(
        code(world.call(HERE, &root, &put("db", 101, "value"))),
        "LimitExceededException"
    );
    world.advance(86_401);
    world.call(HERE, &root, &put("db", 101, "value")).unwrap();
    let list = api::ListSecretVersionIdsRequest {
        secret_id: some("db"),
        include_deprecated: Some(true),
        ..Default::default()
    };
    let found = world.call(HERE, &root, &list).unwrap().versions;
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|one| one.version_id != Some(token(1))));
}

// SEC-016, SEC-017
#[test]
fn a_deletion_waits_and_can_be_undone() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let short = api::DeleteSecretRequest {
        recovery_window_in_days: Some(6),
        ..delete("db")
    };
    assert_eq!(
        world.call(HERE, &root, &short).map_err(told).unwrap_err(),
        "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
    );
    let both = api::DeleteSecretRequest {
        recovery_window_in_days: Some(7),
        ..force("db")
    };
    assert_eq!(
        code(world.call(HERE, &root, &both)),
        "InvalidParameterException"
    );
    let week = api::DeleteSecretRequest {
        recovery_window_in_days: Some(7),
        ..delete("db")
    };
    let answer = world.call(HERE, &root, &week).unwrap();
    let after = answer.deletion_date.unwrap() - world.wall(HERE) / 1000;
    assert!((604_799_000..=604_800_000).contains(&after), "{after}");
    let marked = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(read(&mut world, HERE, "db").unwrap_err(), marked);
    assert_eq!(
        told(world.call(HERE, &root, &put("db", 2, "two")).unwrap_err()),
        marked
    );
    assert_eq!(
        told(world.call(HERE, &root, &create("db", None)).unwrap_err()),
        "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion."
    );
    let restore = api::RestoreSecretRequest {
        secret_id: some("db"),
    };
    world.call(HERE, &root, &restore).unwrap();
    assert_eq!(read(&mut world, HERE, "db").unwrap(), VALUE);
    world.advance(8 * 86_400);
    assert_eq!(
        read(&mut world, HERE, "db").unwrap(),
        VALUE,
        "it was restored"
    );
    world.call(HERE, &root, &delete("db")).unwrap();
    world.advance(29 * 86_400);
    assert_eq!(read(&mut world, HERE, "db").unwrap_err(), marked);
    world.advance(2 * 86_400);
    assert!(
        read(&mut world, HERE, "db")
            .unwrap_err()
            .starts_with("ResourceNotFound")
    );
}

#[test]
fn a_forced_deletion_waits_for_nothing_and_never_fails() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    world.call(HERE, &root, &force("db")).unwrap();
    assert!(
        read(&mut world, HERE, "db")
            .unwrap_err()
            .starts_with("ResourceNotFound")
    );
    world.call(HERE, &root, &force("db")).unwrap();
    world.call(HERE, &root, &create("db", None)).unwrap();
}

#[test]
fn a_list_has_filters_and_pages() {
    let (mut world, root) = world();
    for name in ["shop/db", "shop/mail", "bank/db"] {
        world.call(HERE, &root, &create(name, None)).unwrap();
    }
    let filter = |key: &str, value: &str| api::Filter {
        key: some(key),
        values: vec![value.to_owned()],
    };
    let mut list = |filters: Vec<api::Filter>, token: Option<String>| {
        let request = api::ListSecretsRequest {
            filters,
            max_results: Some(2),
            next_token: token,
            sort_by: some("name"),
            sort_order: some("asc"),
            ..Default::default()
        };
        let found = world.call(HERE, &root, &request).unwrap();
        let names: Vec<String> = found
            .secret_list
            .into_iter()
            .map(|one| one.name.unwrap())
            .collect();
        (names, found.next_token)
    };
    assert_eq!(
        list(vec![filter("name", "shop/")], None).0,
        ["shop/db", "shop/mail"]
    );
    assert_eq!(list(vec![filter("name", "!shop/")], None).0, ["bank/db"]);
    let (first, token) = list(Vec::new(), None);
    assert_eq!(first, ["bank/db", "shop/db"]);
    let (second, token) = list(Vec::new(), token);
    assert_eq!(
        (second.as_slice(), token),
        (["shop/mail".to_owned()].as_slice(), None)
    );
}

#[test]
fn a_password_has_what_was_asked_for() {
    let (mut world, root) = world();
    let request = api::GetRandomPasswordRequest {
        password_length: Some(20),
        exclude_punctuation: Some(true),
        exclude_characters: some("abc"),
        ..Default::default()
    };
    let made = world.call(HERE, &root, &request).unwrap();
    let text = made.random_password.unwrap();
    assert_eq!(text.len(), 20);
    assert!(
        text.bytes()
            .all(|one| one.is_ascii_alphanumeric() && !b"abc".contains(&one))
    );
    assert!(text.bytes().any(|one| one.is_ascii_digit()));
    let nothing = api::GetRandomPasswordRequest {
        exclude_lowercase: Some(true),
        exclude_uppercase: Some(true),
        exclude_numbers: Some(true),
        ..request
    };
    assert_eq!(
        code(world.call(HERE, &root, &nothing)),
        "InvalidRequestException"
    );
}
