//! The tables of every service, and how to find an operation in them.

use crate::tables::{
    ANY, Card, EventKind, FieldDef, Form, Kind, MessageDef, OperationDef, Place, Protocol,
    Referent, Refers, ServiceDef, Shape, Wire,
};

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// The operation with this id, `kms.Encrypt`.
#[must_use]
pub fn find_operation(id: &str) -> Option<&'static OperationDef> {
    find(BY_ID, id)
}

/// The operation with this scenario verb, `kms.encrypt`.
#[must_use]
pub fn find_verb(verb: &str) -> Option<&'static OperationDef> {
    find(BY_VERB, verb)
}

/// The service with this prefix, `kms`.
#[must_use]
pub fn find_service(prefix: &str) -> Option<&'static ServiceDef> {
    SERVICES
        .iter()
        .copied()
        .find(|service| service.prefix == prefix)
}

/// All operations of all services.
pub fn operations() -> impl Iterator<Item = &'static OperationDef> {
    SERVICES.iter().flat_map(|service| service.operations)
}

fn find(index: &[(&str, &'static OperationDef)], key: &str) -> Option<&'static OperationDef> {
    index
        .binary_search_by_key(&key, |(key, _)| key)
        .ok()
        .map(|at| index[at].1)
}

/// Every message that an operation can reach, each once, in the order of first use.
#[must_use]
pub fn messages() -> Vec<&'static MessageDef> {
    let mut seen: Vec<&'static MessageDef> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    let mut waiting: Vec<&'static MessageDef> = operations()
        .flat_map(|operation| [operation.input, operation.output])
        .collect();
    waiting.reverse();
    while let Some(message) = waiting.pop() {
        if names.insert(message.name) {
            seen.push(message);
            waiting.extend(
                message
                    .fields
                    .iter()
                    .rev()
                    .filter_map(|field| match field.kind {
                        Kind::Message(def) => Some(def),
                        _ => None,
                    }),
            );
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_aws_cli_spells_them() {
        let spelled: std::collections::BTreeMap<&str, &str> =
            include_str!("../tools/cli-names.txt")
                .lines()
                .map(|line| line.split_once(' ').expect("two names a line"))
                .collect();
        // Verbs that AWS does not have are spelled by nobody else.
        let of_aws = operations().filter(|operation| !operation.id.starts_with("database."));
        for operation in of_aws {
            assert_eq!(
                spelled.get(operation.id),
                Some(&operation.verb),
                "{}",
                operation.id
            );
            assert_eq!(
                find_operation(operation.id).map(|found| found.verb),
                Some(operation.verb)
            );
            assert_eq!(
                find_verb(operation.verb).map(|found| found.id),
                Some(operation.id)
            );
        }
        for message in messages()
            .into_iter()
            .filter(|message| !message.transparent && !message.name.contains(".database."))
        {
            let short = message
                .name
                .trim_start_matches("faultline.aws.")
                .replacen(".v1.", ".", 1);
            for field in message.fields {
                let name = format!("{short}.{}", field.aws);
                assert_eq!(spelled.get(name.as_str()), Some(&field.snake), "{name}");
            }
        }
    }

    #[test]
    fn what_is_asked_in_a_call_has_an_operation() {
        assert!(find_operation("kms.Encrypt").is_some_and(|found| found.action == "kms:Encrypt"));
        assert!(
            find_operation("s3.ListObjectsV2").is_some_and(|found| found.action == "s3:ListBucket")
        );
        assert!(find_operation("kms.encrypt").is_none() && find_service("kms").is_some());
    }
}
