//! Every keyspace there is, one line a module.
//!
//! A check can so walk a store without knowing what is in it, and a test holds that no
//! number is given twice.

use super::keyspace::Declared;
use super::own;

/// The keyspaces of each module that declares some. Add the line with the module.
#[rustfmt::skip]
pub const MODULES: &[&[Declared]] = &[
    own::KEYSPACES,
    crate::keyspaces::KEYSPACES,
    crate::services::cloudtrail::keyspaces::KEYSPACES,
    crate::services::dynamodb::keyspaces::KEYSPACES,
    crate::services::ec2::keyspaces::KEYSPACES,
    crate::services::iam::keyspaces::KEYSPACES,
    crate::services::kms::keyspaces::KEYSPACES,
    crate::services::organizations::keyspaces::KEYSPACES,
    crate::services::rds::keyspaces::KEYSPACES,
    crate::services::rds::redshift::keyspaces::KEYSPACES,
    crate::services::s3::bucket_key::KEYSPACES,
    crate::services::s3::expiring::KEYSPACES,
    crate::services::s3::keyspaces::KEYSPACES,
    crate::services::s3::replication::jobs::KEYSPACES,
    crate::services::s3::replication::replica::KEYSPACES,
    crate::services::s3::replication::rows::KEYSPACES,
    crate::services::s3::replication::STAMPS,
    crate::services::s3::uploads::KEYSPACES,
    crate::services::secretsmanager::keyspaces::KEYSPACES,
    crate::services::ssm::keyspaces::KEYSPACES,
];

/// Prefixes that were used once and must not come back.
pub const RETIRED: &[u16] = &[];

/// First byte of the keys that belong to the store itself: header and counters.
pub const OWN: u8 = 0x00;

/// Every keyspace, in no promised order.
pub fn all() -> impl Iterator<Item = &'static Declared> {
    MODULES.iter().flat_map(|module| module.iter())
}

/// The keyspace that a raw key belongs to.
#[must_use]
pub fn of_key(key: &[u8]) -> Option<&'static Declared> {
    let (prefix, _) = key.split_first_chunk::<2>()?;
    let prefix = u16::from_be_bytes(*prefix);
    all().find(|declared| declared.prefix == prefix)
}

/// Its name, for messages.
#[must_use]
pub fn name_of(key: &[u8]) -> &'static str {
    of_key(key).map_or("an unknown keyspace", |declared| declared.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn no_prefix_and_no_name_is_given_twice() {
        let mut prefixes = BTreeMap::new();
        let mut names = BTreeMap::new();
        for declared in all() {
            let owned = own::KEYSPACES.iter().any(|row| row.name == declared.name);
            assert!(
                (declared.prefix.to_be_bytes()[0] == OWN) == owned,
                "{} uses a number of the store itself",
                declared.name
            );
            assert!(
                !RETIRED.contains(&declared.prefix),
                "{} uses a retired number",
                declared.name
            );
            let twice = prefixes.insert(declared.prefix, declared.name);
            assert_eq!(
                twice, None,
                "{} has the number {:#06x} too",
                declared.name, declared.prefix
            );
            assert_eq!(
                names.insert(declared.name, declared.prefix),
                None,
                "two keyspaces are {}",
                declared.name
            );
        }
    }

    /// A module that declares keyspaces and is not in the list would escape every check.
    #[test]
    fn every_module_with_keyspaces_is_listed() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let declaring = declaring_files(&source);
        assert_eq!(
            declaring.len(),
            MODULES.len(),
            "add the KEYSPACES of each of these to MODULES, one line each: {declaring:#?}"
        );
    }

    fn declaring_files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(declaring_files(&path));
            } else if std::fs::read_to_string(&path).is_ok_and(|text| {
                // Tests declare theirs indented, inside a module of their own.
                text.lines().any(|line| {
                    line.starts_with("keyspaces! {") || line.starts_with("crate::keyspaces! {")
                })
            }) {
                found.push(path.display().to_string());
            }
        }
        found
    }
}
