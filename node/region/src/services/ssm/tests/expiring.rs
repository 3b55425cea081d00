//! Policies in virtual time.

use faultline_proto::codec::time;
use serde_json::json;

use super::*;

const DAY: i64 = 86_400;

fn at(world: &World, seconds: i64) -> String {
    time::to_iso(world.wall(HERE) / 1000 / 1000 * 1000 + seconds * 1000)
}

fn expiration(timestamp: &str) -> serde_json::Value {
    json!({ "Type": "Expiration", "Version": "1.0", "Attributes": { "Timestamp": timestamp } })
}

fn unchanged(days: &str) -> serde_json::Value {
    json!({ "Type": "NoChangeNotification", "Version": "1.0", "Attributes": { "After": days, "Unit": "Days" } })
}

fn before(hours: &str) -> serde_json::Value {
    json!({ "Type": "ExpirationNotification", "Version": "1.0", "Attributes": { "Before": hours, "Unit": "Hours" } })
}

fn advanced(name: &str, policies: &[serde_json::Value]) -> api::PutParameterRequest {
    api::PutParameterRequest {
        tier: some("Advanced"),
        policies: Some(serde_json::Value::from(policies.to_vec()).to_string()),
        ..put(name, "String", "value")
    }
}

fn events(world: &mut World) -> Vec<String> {
    let seen = world.look(HERE, "parameter_events", &json!({ "account": ACCOUNT }));
    let events = seen["events"].as_array().cloned().unwrap_or_default();
    events
        .iter()
        .filter_map(|event| event["policy_type"].as_str().map(str::to_owned))
        .collect()
}

// SEC-040, SEC-041
#[test]
fn a_parameter_tells_and_goes_when_its_policies_say_so() {
    let (mut world, root) = world();
    let policies = [
        expiration(&at(&world, 10 * DAY)),
        before("48"),
        unchanged("5"),
    ];
    world.call(HERE, &root, &advanced("/a", &policies)).unwrap();
    world.advance(4 * 86_400);
    assert_eq!(events(&mut world), Vec::<String>::new());
    // A new value: nobody is told that nothing changed, and it expires when it would have.
    world.call(HERE, &root, &over("/a", "newer")).unwrap();
    world.advance(3 * 86_400);
    assert_eq!(events(&mut world), Vec::<String>::new());
    world.advance(86_400 + 600);
    assert_eq!(events(&mut world), ["ExpirationNotification"]);
    world.advance(86_400);
    assert_eq!(
        events(&mut world),
        ["ExpirationNotification", "NoChangeNotification"]
    );
    assert_eq!(read(&mut world, "/a").unwrap(), "newer");
    world.advance(86_400);
    assert_eq!(
        events(&mut world).last().map(String::as_str),
        Some("Expiration")
    );
    assert_eq!(read(&mut world, "/a").unwrap_err(), "ParameterNotFound: ");
}

// SEC-040
#[test]
fn policies_have_rules() {
    let (mut world, root) = world();
    let soon = at(&world, DAY);
    let many: Vec<_> = (1..=11).map(|n| unchanged(&n.to_string())).collect();
    let odd = json!({ "Type": "Sometimes", "Version": "1.0", "Attributes": {} });
    for (policies, wanted) in [
        (
            vec![expiration(&soon), expiration(&soon)],
            "IncompatiblePolicyException",
        ),
        (vec![before("2")], "IncompatiblePolicyException"),
        (many, "PoliciesLimitExceededException"),
        (vec![odd], "InvalidPolicyTypeException"),
        (vec![unchanged("never")], "InvalidPolicyAttributeException"),
    ] {
        let request = advanced("/a", &policies);
        assert_eq!(code(world.call(HERE, &root, &request)), wanted);
    }
    let standard = api::PutParameterRequest {
        tier: some("Standard"),
        ..advanced("/a", &[expiration(&soon)])
    };
    assert_eq!(
        code(world.call(HERE, &root, &standard)),
        "ValidationException"
    );
    let picked = api::PutParameterRequest {
        tier: some("Intelligent-Tiering"),
        ..standard
    };
    assert_eq!(
        world.call(HERE, &root, &picked).unwrap().tier.as_deref(),
        Some("Advanced")
    );
}

#[test]
fn a_timer_of_a_deleted_parameter_spares_the_next_of_its_name() {
    let (mut world, root) = world();
    let soon = expiration(&at(&world, DAY));
    world.call(HERE, &root, &advanced("/a", &[soon])).unwrap();
    let delete = api::DeleteParameterRequest { name: some("/a") };
    world.call(HERE, &root, &delete).unwrap();
    world
        .call(HERE, &root, &put("/a", "String", "another"))
        .unwrap();
    world.advance(3 * 86_400);
    assert_eq!(read(&mut world, "/a").unwrap(), "another");
}
