//! Commits wait when every secondary lags more than the parameter says.

use super::*;

fn group(name: &str) -> api::CreateDbClusterParameterGroupRequest {
    api::CreateDbClusterParameterGroupRequest {
        db_cluster_parameter_group_name: some(name),
        db_parameter_group_family: some("aurora-postgresql16"),
        description: some("little loss"),
        ..Default::default()
    }
}

fn rpo(group: &str, seconds: &str) -> api::ModifyDbClusterParameterGroupRequest {
    api::ModifyDbClusterParameterGroupRequest {
        db_cluster_parameter_group_name: some(group),
        parameters: vec![api::Parameter {
            parameter_name: some("rds.global_db_rpo"),
            parameter_value: some(seconds),
            apply_method: some("immediate"),
            ..Default::default()
        }],
    }
}

fn with_group(group: &str) -> api::ModifyDbClusterRequest {
    api::ModifyDbClusterRequest {
        db_cluster_identifier: some("orders"),
        db_cluster_parameter_group_name: some(group),
        ..Default::default()
    }
}

fn write(key: &str) -> database::PutRowRequest {
    database::PutRowRequest {
        database: some("orders"),
        key: some(key),
        value: some(SECRET),
    }
}

/// Makes a group with an RPO and gives it to the cluster `orders`.
pub(super) fn given(world: &mut World) {
    let root = world.root(ACCOUNT);
    world.call(HERE, &root, &group("strict")).unwrap();
    world.call(HERE, &root, &rpo("strict", "20")).unwrap();
    world.call(HERE, &root, &with_group("strict")).unwrap();
}

// EBS-057
#[test]
fn commits_wait_while_all_secondaries_lag_more_than_the_rpo() {
    let (mut world, root) = world();
    global::two_regions(&mut world, (None, None));
    given(&mut world);
    world.network.cut(HERE, THERE);
    put(&mut world, HERE, &root, "orders", "first", "row").unwrap();
    world.advance(19);
    put(&mut world, HERE, &root, "orders", "in-time", "row").unwrap();
    world.advance(2);
    let waits = world.begin(HERE, &root, &write("late"));
    assert!(world.outcome(&waits).is_none());
    world.advance(20);
    assert!(world.outcome(&waits).is_none());
    let held = get(&mut world, HERE, &root, "orders", "late").unwrap();
    assert_eq!(held, None);
    world.network.heal(HERE, THERE);
    world.advance(10);
    assert!(world.outcome(&waits).unwrap().is_ok());
    world.settle();
    let there = get(&mut world, THERE, &root, "orders", "late").unwrap();
    assert_eq!(there.as_deref(), Some(SECRET));
}

// EBS-057
#[test]
fn a_client_gives_up_and_its_row_is_not_there() {
    let (mut world, root) = world();
    global::two_regions(&mut world, (None, None));
    given(&mut world);
    world.network.cut(HERE, THERE);
    put(&mut world, HERE, &root, "orders", "first", "row").unwrap();
    world.advance(21);
    let waits = world.begin(HERE, &root, &write("late"));
    assert!(!lies_open(&world, HERE, SECRET));
    world.advance(30);
    let failure = world.outcome(&waits).unwrap().unwrap_err();
    assert_eq!(
        told(failure),
        "CommitsPaused: canceling statement due to statement timeout: all secondaries lag more than rds.global_db_rpo (20 s)"
    );
    // Without the parameter commits go on, whatever the lag.
    let reset = api::ResetDbClusterParameterGroupRequest {
        db_cluster_parameter_group_name: some("strict"),
        reset_all_parameters: Some(true),
        ..Default::default()
    };
    world.call(HERE, &root, &reset).unwrap();
    put(&mut world, HERE, &root, "orders", "next", "row").unwrap();
    world.network.heal(HERE, THERE);
    world.advance(60);
    world.settle();
    let late = get(&mut world, THERE, &root, "orders", "late").unwrap();
    assert_eq!(late, None);
}

// EBS-057
#[test]
fn a_group_has_a_family_and_its_values_limits() {
    let (mut world, root) = world();
    let made = world.call(HERE, &root, &cluster("orders")).unwrap();
    let made = made.db_cluster.unwrap();
    assert_eq!(
        made.db_cluster_parameter_group.as_deref(),
        Some("default.aurora-postgresql16")
    );
    world.advance(60);
    let rows = [
        (
            rpo("strict", "20"),
            "DBParameterGroupNotFound: DBClusterParameterGroup not found: strict",
        ),
        (
            rpo("default.aurora-postgresql16", "20"),
            "InvalidDBParameterGroupState: The parameter group default.aurora-postgresql16 is a default one and cannot be changed.",
        ),
    ];
    for (request, words) in rows {
        assert_eq!(refused(world.call(HERE, &root, &request)), words);
    }
    let odd = api::CreateDbClusterParameterGroupRequest {
        db_parameter_group_family: some("postgres16"),
        ..group("odd")
    };
    assert_eq!(
        refused(world.call(HERE, &root, &odd)),
        "InvalidParameterValue: ParameterGroupFamily postgres16 is not a valid parameter group family"
    );
    given(&mut world);
    assert_eq!(
        refused(world.call(HERE, &root, &rpo("strict", "19"))),
        "InvalidParameterValue: Invalid parameter value: 19 for: rds.global_db_rpo allowed values are: -1,20-2147483647"
    );
    let listed = api::DescribeDbClusterParametersRequest {
        db_cluster_parameter_group_name: some("strict"),
        source: some("user"),
        ..Default::default()
    };
    let listed = world.call(HERE, &root, &listed).unwrap().parameters;
    assert_eq!(listed[0].parameter_value.as_deref(), Some("20"));
    let older = api::CreateDbClusterParameterGroupRequest {
        db_parameter_group_family: some("aurora-postgresql15"),
        ..group("older")
    };
    world.call(HERE, &root, &older).unwrap();
    let wrong = refused(world.call(HERE, &root, &with_group("older")));
    assert!(
        wrong.ends_with(
            "Please use a Parameter Group with DBParameterGroupFamily aurora-postgresql16"
        ),
        "{wrong}"
    );
    let gone = api::DeleteDbClusterParameterGroupRequest {
        db_cluster_parameter_group_name: some("strict"),
    };
    let used = refused(world.call(HERE, &root, &gone));
    assert!(
        used.starts_with("InvalidDBParameterGroupState: One or more"),
        "{used}"
    );
    world
        .call(HERE, &root, &with_group("default.aurora-postgresql16"))
        .unwrap();
    world.call(HERE, &root, &gone).unwrap();
}
