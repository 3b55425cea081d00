//! What things are called: the file's names for ARNs, and short words for the rest.

use std::collections::BTreeMap;

use crate::journal::event::{Judgement, StepStatus, World};

/// From ARNs to the names of the file.
#[derive(Debug, Default)]
pub struct Names {
    names: BTreeMap<String, String>,
}

impl Names {
    /// Learns the world's names.
    pub fn learn(&mut self, world: &World) {
        for (name, arns) in &world.names {
            for arn in arns {
                self.names.insert(arn.clone(), name.clone());
                if let Some(key) = key_id(arn).filter(|key| key.starts_with("mrk-")) {
                    self.names.insert(key.to_owned(), name.clone());
                }
            }
        }
    }

    /// The file's name, else the end of the ARN.
    #[must_use]
    pub fn short<'a>(&'a self, arn: &'a str) -> &'a str {
        if let Some(name) = self.names.get(arn) {
            return name;
        }
        if let Some(name) = key_id(arn).and_then(|key| self.names.get(key)) {
            return name;
        }
        // A role's session is the role.
        if let Some((_, session)) = arn.split_once(":assumed-role/") {
            return session.split('/').next().unwrap_or(session);
        }
        let last = if arn.starts_with("arn:aws:s3:::") {
            arn.strip_prefix("arn:aws:s3:::")
        } else if arn.starts_with("arn:") {
            arn.rsplit([':', '/']).next()
        } else {
            None
        };
        last.filter(|last| !last.is_empty()).unwrap_or(arn)
    }
}

/// The key id in a key's ARN.
#[must_use]
pub fn key_id(arn: &str) -> Option<&str> {
    arn.split_once(":key/").map(|(_, key)| key)
}

/// A long digest or id, its beginning.
#[must_use]
pub fn brief(id: &str) -> String {
    if id.len() > 14 && id.is_ascii() {
        format!("{}…", &id[..10])
    } else {
        id.to_owned()
    }
}

/// How an outcome looks: colour, shape and word say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Class in the style sheet, `ok`, `unknown`, `fail` or `quiet`.
    pub class: &'static str,
    /// Its shape.
    pub mark: &'static str,
    /// Its word.
    pub word: &'static str,
}

/// How a judgement looks.
#[must_use]
pub fn judged(judgement: Judgement) -> Look {
    let (class, mark, word) = match judgement {
        Judgement::Pass => ("ok", "✓", "pass"),
        Judgement::Fail => ("fail", "✕", "fail"),
        Judgement::Unknown => ("unknown", "?", "unknown"),
        Judgement::Error => ("fail", "!", "error"),
    };
    Look { class, mark, word }
}

/// How a step's end looks.
#[must_use]
pub fn ended(status: StepStatus) -> Look {
    let (class, mark, word) = match status {
        StepStatus::Passed => ("ok", "✓", "passed"),
        StepStatus::Failed => ("fail", "✕", "failed"),
        StepStatus::Skipped => ("quiet", "–", "skipped"),
        StepStatus::Interrupted => ("unknown", "?", "cut short"),
    };
    Look { class, mark, word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_names_win_and_arns_are_shortened() {
        let key = "arn:aws:kms:eu-west-1:111111111111:key/mrk-1";
        let mut names = Names::default();
        names.learn(&World {
            names: BTreeMap::from([("payments".to_owned(), vec![key.to_owned()])]),
            ..World::default()
        });
        assert_eq!(names.short(key), "payments");
        let replica = "arn:aws:kms:us-east-1:111111111111:key/mrk-1";
        assert_eq!(names.short(replica), "payments");
        let session = "arn:aws:sts::111111111111:assumed-role/replicator/s3-replication";
        assert_eq!(names.short(session), "replicator");
        assert_eq!(names.short("arn:aws:s3:::photos"), "photos");
        assert_eq!(names.short("s3.amazonaws.com"), "s3.amazonaws.com");
    }
}
