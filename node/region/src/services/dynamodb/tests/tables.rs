//! Tables: made, changed, deleted.

use faultline_proto::dynamodb::{DeleteTableRequest, ProvisionedThroughput, StreamSpecification};

use super::*;

fn drop_table(world: &mut World, region: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = DeleteTableRequest {
        table_name: some(TABLE),
    };
    world.call(region, &root, &request).map(drop)
}

#[test]
fn a_table_is_creating_then_active_then_deleting_then_gone() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let made = world
        .call(HOME, &root, &table_request())
        .unwrap()
        .table_description
        .unwrap();
    assert_eq!(made.table_status.as_deref(), Some("CREATING"));
    assert_eq!(
        made.table_arn.as_deref(),
        Some("arn:aws:dynamodb:eu-west-1:111111111111:table/orders")
    );
    assert!(
        made.sse_description.is_none(),
        "DDB-043: an AWS owned key is not shown"
    );
    assert_eq!(
        no(put(&mut world, HOME, &[("id", "a")])),
        (
            "ResourceNotFoundException".to_owned(),
            "Requested resource not found".to_owned()
        )
    );
    assert_eq!(
        no(drop_table(&mut world, HOME)).1,
        "Attempt to change a resource which is still in use: Table is being created: orders"
    );
    assert_eq!(
        no(world.call(HOME, &root, &table_request())).1,
        "Table already exists: orders"
    );
    world.advance(10);
    assert_eq!(status(&mut world, HOME), "ACTIVE");
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    drop_table(&mut world, HOME).unwrap();
    assert_eq!(status(&mut world, HOME), "DELETING");
    world.advance(10);
    assert_eq!(
        no(describe(&mut world, HOME)),
        (
            "ResourceNotFoundException".to_owned(),
            "Requested resource not found: Table: orders not found".to_owned()
        )
    );
    table(&mut world);
    assert!(
        get(&mut world, HOME, "a").unwrap().is_empty(),
        "a new table begins empty"
    );
}

#[test]
fn tables_of_two_accounts_may_have_one_name() {
    let mut world = world();
    table(&mut world);
    put(&mut world, HOME, &[("id", "a"), ("card", "1")]).unwrap();
    let partner = world.root(crate::testing::PARTNER);
    let request = GetItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a")]),
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &partner, &request)).0,
        "ResourceNotFoundException"
    );
    let by_arn = GetItemRequest {
        table_name: some("arn:aws:dynamodb:eu-west-1:111111111111:table/orders"),
        ..request
    };
    assert_eq!(
        no(world.call(HOME, &partner, &by_arn)).0,
        "AccessDeniedException"
    );
    let root = world.root(ACCOUNT);
    assert_eq!(world.call(HOME, &root, &by_arn).unwrap().item.len(), 2);
}

#[test]
fn key_schemas_and_capacity_are_checked() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let mut told = |change: fn(&mut CreateTableRequest)| {
        let mut request = table_request();
        change(&mut request);
        no(world.call(HOME, &root, &request)).1
    };
    assert_eq!(
        told(|request| request.billing_mode = None),
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
    );
    assert_eq!(
        told(|request| request.key_schema[0].attribute_name = some("other")),
        "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [other], AttributeDefinitions: [id]"
    );
    assert_eq!(
        told(|request| request.key_schema[0].key_type = some("RANGE")),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
    );
    assert_eq!(
        told(|request| request.table_name = some("ab")),
        "TableName must be at least 3 characters long and at most 255 characters long"
    );
    assert_eq!(
        told(
            |request| request.stream_specification = Some(StreamSpecification {
                stream_enabled: Some(true),
                stream_view_type: None
            })
        ),
        "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true"
    );
}

#[test]
fn protection_capacity_and_streams_change_and_nothing_is_no_change() {
    let mut world = world();
    let root = table(&mut world);
    let base = UpdateTableRequest {
        table_name: some(TABLE),
        ..Default::default()
    };
    assert!(
        no(world.call(HOME, &root, &base))
            .1
            .starts_with("At least one of ProvisionedThroughput")
    );
    let protect = UpdateTableRequest {
        deletion_protection_enabled: Some(true),
        ..base.clone()
    };
    world.call(HOME, &root, &protect).unwrap();
    assert!(
        no(drop_table(&mut world, HOME))
            .1
            .starts_with("Resource cannot be deleted as it is currently protected")
    );
    let buy = UpdateTableRequest {
        billing_mode: some("PROVISIONED"),
        provisioned_throughput: Some(ProvisionedThroughput {
            read_capacity_units: Some(5),
            write_capacity_units: Some(5),
        }),
        ..base.clone()
    };
    world.call(HOME, &root, &buy).unwrap();
    assert_eq!(status(&mut world, HOME), "UPDATING");
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    world.advance(15);
    assert_eq!(status(&mut world, HOME), "ACTIVE");
    let strong = UpdateTableRequest {
        multi_region_consistency: some("STRONG"),
        ..base
    };
    assert_eq!(
        no(world.call(HOME, &root, &strong)).0,
        "ValidationException"
    );
}
