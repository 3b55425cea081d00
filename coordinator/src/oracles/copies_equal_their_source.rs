//! A snapshot has what its volume had when it was taken; a copy has what its source has, in
//! whatever Region and under whatever key; a volume begins with what its snapshot has (EBS-015,
//! EBS-022).
//!
//! Regions tell a digest of the content, the same for the same content under every key, whenever
//! it is written, taken, copied or restored. The digest of a copy is made of the blocks that it
//! has, so a block that a later copy wrongly shared with an earlier one shows.
//!
//! It cannot see what a Region did and died before it told: what is known of that Region's
//! volumes is forgotten then. Digests are of blocks as they were sealed: damage at rest is seen
//! when a block is opened, not here.

use std::collections::BTreeMap;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// A digest and the line that told it.
type Told = (String, u64);

/// See the module.
#[derive(Default)]
pub(super) struct CopiesEqualTheirSource {
    /// By Region and volume.
    volumes: BTreeMap<(String, String), Told>,
    /// By Region and snapshot.
    snapshots: BTreeMap<(String, String), Told>,
    compared: u64,
    unclear: u64,
    wrong: Option<(String, [u64; 2])>,
}

impl CopiesEqualTheirSource {
    fn compare(&mut self, what: &str, is: Told, was: Option<Told>) {
        match was {
            Some((content, _)) if content == is.0 => self.compared += 1,
            Some((_, at)) => {
                let because = format!("{what} is not what its source was");
                self.wrong.get_or_insert((because, [at, is.1]));
            }
            None => self.unclear += 1,
        }
    }

    fn snapshot(&mut self, region: &str, field: &dyn Fn(&str) -> String, n: u64) {
        let (id, content) = (field("snapshot"), field("content"));
        let place = (region.to_owned(), id.clone());
        let is = (content.clone(), n);
        match (field("state").as_str(), field("from")) {
            ("deleted", _) => {
                self.snapshots.remove(&place);
                return;
            }
            ("error", _) => return,
            _ if content.is_empty() => return,
            ("pending", _) => {
                let of = (region.to_owned(), field("of"));
                let was = self.volumes.get(&of).cloned();
                self.compare(&format!("{id}, when it was taken,"), is.clone(), was);
            }
            (_, from) if from.is_empty() => {
                let was = self.snapshots.get(&place).cloned();
                self.compare(&format!("{id}, now that it is complete,"), is.clone(), was);
            }
            (_, from) => {
                let was = self.snapshots.get(&(from.clone(), field("of"))).cloned();
                let what = format!("{id}, a copy of {} in {from},", field("of"));
                self.compare(&what, is.clone(), was);
            }
        }
        self.snapshots.insert(place, is);
    }
}

impl Oracle for CopiesEqualTheirSource {
    fn hear(&mut self, event: &Event) {
        let (region, note, fields) = match &event.what {
            What::Note {
                region,
                note,
                fields,
                ..
            } => (region.as_str(), note.as_str(), fields),
            What::NodeDied { region, .. } => {
                self.volumes.retain(|(of, _), _| of != region.as_str());
                return;
            }
            _ => return,
        };
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let volume = (region.to_owned(), field("volume"));
        match note {
            "volume_written" => {
                self.volumes.insert(volume, (field("content"), event.n));
            }
            "volume_made" => {
                let is = (field("content"), event.n);
                let was = self
                    .snapshots
                    .get(&(region.to_owned(), field("snapshot")))
                    .cloned();
                let what = format!("{}, made of {},", volume.1, field("snapshot"));
                self.compare(&what, is.clone(), was);
                self.volumes.insert(volume, is);
            }
            "snapshot" => self.snapshot(region, &field, event.n),
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        if let Some((because, at)) = self.wrong.take() {
            return Finding::violated(because, at);
        }
        match (self.compared, self.unclear) {
            (0, _) => {
                Finding::unknown("no snapshot was taken, copied or restored whose source was told")
            }
            (compared, 0) => Finding::measured(compared, ""),
            (measured, unclear) => Finding::Holds {
                measured,
                but: format!("the source of {unclear} more was not told"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("copies_equal_their_source", json!({}))
    }

    fn write(run: &mut Doctored, content: &str) -> u64 {
        let fields = [("volume", "vol-1"), ("content", content)];
        run.note("eu-west-1", "volume_written", &fields)
    }

    fn taken(run: &mut Doctored, content: &str, state: &str) -> u64 {
        let fields = [
            ("snapshot", "snap-1"),
            ("state", state),
            ("of", "vol-1"),
            ("from", ""),
            ("content", content),
        ];
        run.note("eu-west-1", "snapshot", &fields)
    }

    fn copied(run: &mut Doctored, content: &str, state: &str) -> u64 {
        let fields = [
            ("snapshot", "snap-9"),
            ("state", state),
            ("of", "snap-1"),
            ("from", "eu-west-1"),
            ("content", content),
        ];
        run.note("us-east-1", "snapshot", &fields)
    }

    #[test]
    fn what_is_written_later_changes_no_snapshot_and_no_copy() {
        let mut run = run();
        write(&mut run, "a");
        taken(&mut run, "a", "pending");
        write(&mut run, "b");
        taken(&mut run, "a", "completed");
        copied(&mut run, "a", "completed");
        run.note(
            "us-east-1",
            "volume_made",
            &[
                ("volume", "vol-9"),
                ("snapshot", "snap-9"),
                ("content", "a"),
            ],
        );
        run.holds(4);
    }

    #[test]
    fn a_snapshot_that_goes_on_and_a_copy_that_differs_violate() {
        let mut later = run();
        write(&mut later, "a");
        taken(&mut later, "a", "pending");
        write(&mut later, "b");
        let at = taken(&mut later, "b", "completed");
        let (because, lines) = violated(later.finding());
        assert!(because.contains("now that it is complete"), "{because}");
        assert_eq!(lines[1], at);

        let mut stale = run();
        write(&mut stale, "b");
        taken(&mut stale, "b", "pending");
        copied(&mut stale, "a", "completed");
        let (because, _) = violated(stale.finding());
        assert!(because.contains("a copy of snap-1"), "{because}");
    }

    #[test]
    fn nothing_told_is_unknown_and_a_failed_copy_says_nothing() {
        let mut run = run();
        copied(&mut run, "", "error");
        unknown(run.finding());
        copied(&mut run, "a", "completed");
        unknown(run.finding());
    }
}
