//! Rotation: the schedule, and the calls of a function.

use super::*;

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111111111111:function:rotate";

fn rotate(n: u32, schedule: Option<&str>) -> api::RotateSecretRequest {
    api::RotateSecretRequest {
        secret_id: some("db"),
        client_request_token: Some(token(n)),
        rotation_lambda_arn: some(FUNCTION),
        rotation_rules: schedule.map(|text| api::RotationRulesType {
            schedule_expression: some(text),
            ..Default::default()
        }),
        rotate_immediately: None,
    }
}

/// What the function does: a new value, then the label.
fn turn(world: &mut World, id: &str, old: &str, value: &str) {
    let root = world.root(ACCOUNT);
    let made = api::PutSecretValueRequest {
        client_request_token: some(id),
        version_stages: vec!["AWSPENDING".to_owned()],
        ..put("db", 0, value)
    };
    world.call(HERE, &root, &made).unwrap();
    let moved = api::UpdateSecretVersionStageRequest {
        secret_id: some("db"),
        version_stage: some("AWSCURRENT"),
        remove_from_version_id: some(old),
        move_to_version_id: some(id),
    };
    world.call(HERE, &root, &moved).unwrap();
}

fn events(world: &World) -> Vec<String> {
    world
        .notes
        .iter()
        .filter(|(_, note)| note.kind == "secret_rotation")
        .filter_map(|(_, note)| note.fields.get("event").cloned())
        .collect()
}

// SEC-009
#[test]
fn a_rotation_is_a_pending_version_until_the_function_has_moved_the_label() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    world
        .call(HERE, &root, &replicate("db", THERE, None))
        .unwrap();
    world.settle();
    assert_eq!(
        code(world.call(THERE, &root, &rotate(2, None))),
        "InvalidParameterException",
        "rotation is the primary's"
    );
    world
        .call(HERE, &root, &rotate(2, Some("rate(10 days)")))
        .unwrap();
    assert_eq!(stages(&mut world, HERE, "db", 2), ["AWSPENDING"]);
    assert_eq!(
        told(world.call(HERE, &root, &rotate(3, None)).unwrap_err()),
        "InvalidRequestException: A previous rotation isn't complete. That rotation will be reattempted."
    );
    assert_eq!(read(&mut world, HERE, "db").unwrap(), VALUE);
    turn(&mut world, &token(2), &token(1), "turned");
    world.settle();
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "turned");
    assert_eq!(status(&mut world, "db").0, "InSync");
    assert_eq!(events(&world), ["started", "succeeded"]);
    assert!(describe(&mut world, HERE, "db").last_rotated_date.is_some());
    // The next one comes by itself.
    world.advance(10 * 86_400 + 1);
    assert_eq!(events(&world), ["started", "succeeded", "started"]);
    let cancel = api::CancelRotateSecretRequest {
        secret_id: some("db"),
    };
    world.call(HERE, &root, &cancel).unwrap();
    world.advance(20 * 86_400);
    assert_eq!(events(&world).len(), 3);
    assert_eq!(
        describe(&mut world, HERE, "db").rotation_enabled,
        Some(false)
    );
}

// SEC-025
#[test]
fn a_secret_rotates_at_most_every_four_hours() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    assert_eq!(
        code(world.call(HERE, &root, &rotate(2, Some("rate(3 hours)")))),
        "InvalidParameterException"
    );
    world
        .call(HERE, &root, &rotate(2, Some("rate(4 hours)")))
        .unwrap();
    let none = api::RotateSecretRequest {
        rotation_lambda_arn: None,
        secret_id: some("mail"),
        ..rotate(3, None)
    };
    world.call(HERE, &root, &create("mail", None)).unwrap();
    assert_eq!(
        told(world.call(HERE, &root, &none).unwrap_err()),
        "InvalidRequestException: No Lambda rotation function ARN is associated with this secret."
    );
}
