//! Rows of today are in the file of rows that must decode for ever.

use super::*;
use crate::services::rds::keyspaces::KEYSPACES;
use crate::services::rds::redshift::keyspaces::KEYSPACES as WAREHOUSES;
use crate::store::golden;

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let (mut world, root) = world();
    filled(&mut world, "open", None);
    let arn = snapshot(&mut world, "open", "snap");
    global::two_regions(&mut world, (None, None));
    world.network.cut(HERE, THERE);
    put(&mut world, HERE, &root, "orders", "late", "row").unwrap();
    world.network.heal(HERE, THERE);
    parameters::given(&mut world);
    redshift::rows(&mut world);
    let id = world.begin(THERE, &root, &copy(&arn, "copy", None));
    while world.outcome(&id).is_none() {
        assert!(world.deliver_one());
    }
    let file = include_str!("../../../../goldens/rows.txt");
    let lines = golden::harvest(world.store(HERE)).unwrap();
    let mut missing = golden::unlisted(file, KEYSPACES, &lines);
    missing += &golden::unlisted(file, WAREHOUSES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
