//! Everything that oracles hear and see of one run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use faultline_proto::driving::Envelope;
use faultline_proto::names::RegionName;

use super::canaries::CanaryBook;
use super::no_plaintext_at_rest::add_values;
use super::search::{Place, Tape};
use super::{End, Finding, Oracle, learn, make, searches};
use crate::journal::event::{Event, Judgement, OracleVerdict, World};
use crate::journal::{Listener, What};
use crate::scenario::plan::OracleSpec;
use crate::sim::answer::CallSpec;
use crate::sim::tap::Tap;

/// Longest end of one chunk that is kept to be searched with the next.
const SEAM: usize = 1024;

/// The secrets of a run, and where they were found.
#[derive(Debug, Default)]
pub struct Searched {
    /// The secrets.
    pub book: CanaryBook,
    /// The bytes.
    pub tape: Tape,
}

struct Seen {
    oracles: Vec<(OracleSpec, Box<dyn Oracle>)>,
    searching: bool,
    searched: Searched,
    world: World,
    next: u64,
    /// Calls under way: operation, line of the journal, end of the answer so far.
    calls: BTreeMap<String, (&'static str, u64, Vec<u8>)>,
    cut: Option<String>,
}

/// Watches one run for its oracles. A handle: clones watch the same run.
#[derive(Clone)]
pub struct Watch(Rc<RefCell<Seen>>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches for these oracles.
    #[must_use]
    pub fn new(specs: &[OracleSpec]) -> Self {
        let oracles: Vec<_> = specs
            .iter()
            .map(|spec| (spec.clone(), make(spec)))
            .collect();
        let mut searched = Searched::default();
        for (spec, _) in oracles.iter().filter(|(spec, _)| searches(spec.def.name)) {
            add_values(&mut searched.book, &spec.texts("values"));
        }
        Self(Rc::new(RefCell::new(Seen {
            searching: oracles.iter().any(|(spec, _)| searches(spec.def.name)),
            oracles,
            searched,
            world: World::default(),
            next: 0,
            calls: BTreeMap::new(),
            cut: None,
        })))
    }

    /// Whether rows of stores are wanted at the end.
    #[must_use]
    pub fn wants_rows(&self) -> bool {
        self.0.borrow().searching
    }

    /// Names a secret that does not pass a tap: what a client encrypts by itself, what a
    /// volume holds. Plaintexts for KMS, SSE-C keys and objects are found without.
    pub fn secret(&self, name: &str, secret: &[u8]) {
        self.0.borrow_mut().searched.book.add(name, secret);
    }

    /// Takes a row of a Region's store at rest.
    pub fn row(&self, region: &RegionName, key: &[u8], value: &[u8]) {
        let mut seen = self.0.borrow_mut();
        if seen.searching {
            let keyspace: String = key
                .iter()
                .take(24)
                .map(|byte| char::from(*byte))
                .take_while(|letter| letter.is_ascii_alphabetic() || ".-_".contains(*letter))
                .collect();
            let store = if keyspace.is_empty() {
                region.to_string()
            } else {
                format!("{region} (a row of {keyspace})")
            };
            let Searched { book, tape } = &mut seen.searched;
            tape.push(
                book,
                Place::Row {
                    store: store.clone(),
                },
                None,
                value,
            );
            // A key may say too much; what it begins with is not repeated when it does.
            let store = format!("{region} (the key of a row)");
            tape.push(book, Place::Row { store }, None, key);
        }
    }

    /// Says that the run was cut short, and why: what holds so far is then unknown.
    pub fn cut(&self, because: &str) {
        self.0.borrow_mut().cut = Some(because.to_owned());
    }

    /// What each oracle says, in the order of the file.
    #[must_use]
    pub fn findings(&self) -> Vec<(OracleSpec, Finding)> {
        let mut seen = self.0.borrow_mut();
        let seen = &mut *seen;
        let mut end = End {
            world: &seen.world,
            searched: &mut seen.searched,
        };
        let mut findings = Vec::new();
        for (spec, oracle) in &mut seen.oracles {
            let finding = match (oracle.conclude(&mut end), &seen.cut) {
                (Finding::Holds { .. }, Some(cut)) => Finding::unknown(cut.clone()),
                (finding, _) => finding,
            };
            findings.push((spec.clone(), finding));
        }
        findings
    }

    /// The findings as the journal tells them. Pictures are the runner's.
    #[must_use]
    pub fn judge(&self, meant_to_violate: &[String]) -> Vec<OracleVerdict> {
        let findings = self.findings().into_iter();
        let told =
            |(spec, finding): (OracleSpec, Finding)| verdict(&spec, finding, meant_to_violate);
        findings.map(told).collect()
    }
}

fn verdict(spec: &OracleSpec, finding: Finding, meant_to_violate: &[String]) -> OracleVerdict {
    let (judgement, checked, because, evidence) = match finding {
        Finding::Holds { measured, but } => (Judgement::Pass, measured, but, Vec::new()),
        Finding::Violated { because, at } => (Judgement::Fail, at.len() as u64, because, at),
        Finding::Unknown { because } => (Judgement::Unknown, 0, because, Vec::new()),
    };
    let about = match (spec.arguments.len(), spec.arguments.values().next()) {
        (0, _) | (_, None) => String::new(),
        (1, Some(serde_json::Value::String(text))) => text.clone(),
        _ => serde_json::Value::Object(spec.arguments.clone()).to_string(),
    };
    OracleVerdict {
        oracle: spec.def.name.to_owned(),
        about,
        judgement,
        meant_to_violate: meant_to_violate.iter().any(|name| name == spec.def.name),
        checked,
        because,
        evidence,
        problem: None,
    }
}

impl Listener for Watch {
    fn hear(&mut self, event: &Event, _line: &str) -> io::Result<()> {
        let mut seen = self.0.borrow_mut();
        let seen = &mut *seen;
        seen.next = event.n + 1;
        match &event.what {
            What::World(world) => seen.world = world.clone(),
            What::Audit {
                region,
                event: line,
                ..
            } if seen.searching => {
                let name = line["eventName"].as_str().unwrap_or_default();
                let place = Place::Trail {
                    event: format!("{name} in {region}"),
                };
                let Searched { book, tape } = &mut seen.searched;
                tape.push(book, place, Some(event.n), line.to_string().as_bytes());
            }
            What::CallAnswered(answered) => {
                seen.calls.remove(&answered.call);
            }
            _ => {}
        }
        for (_, oracle) in &mut seen.oracles {
            oracle.hear(event);
        }
        Ok(())
    }
}

impl Tap for Watch {
    fn request(&mut self, call: &str, spec: &CallSpec) {
        let mut seen = self.0.borrow_mut();
        let seen = &mut *seen;
        if let Some(body) = &spec.body {
            for (_, oracle) in &mut seen.oracles {
                oracle.body(call, body);
            }
        }
        if !seen.searching {
            return;
        }
        // The tap comes just before the journal's line.
        let (at, operation) = (seen.next, spec.operation);
        let Searched { book, tape } = &mut seen.searched;
        learn::from_request(book, operation, &spec.request, spec.body.as_deref());
        for bytes in [Some(&spec.request), spec.body.as_ref()]
            .into_iter()
            .flatten()
        {
            tape.push(
                book,
                Place::Request(operation.verb.to_owned()),
                Some(at),
                bytes,
            );
        }
        let kept = (operation.id, at, Vec::new());
        seen.calls.insert(call.to_owned(), kept);
    }

    fn response(&mut self, call: &str, _region: &RegionName, bytes: &[u8]) {
        let mut seen = self.0.borrow_mut();
        let seen = &mut *seen;
        let Some((operation, at, seam)) = seen.calls.get_mut(call) else {
            return;
        };
        let Searched { book, tape } = &mut seen.searched;
        learn::from_response(book, operation, bytes);
        seam.extend_from_slice(bytes);
        tape.push(
            book,
            Place::Answer((*operation).to_owned()),
            Some(*at),
            seam,
        );
        seam.drain(..seam.len().saturating_sub(SEAM));
    }

    fn envelope(&mut self, envelope: &Envelope) {
        let mut seen = self.0.borrow_mut();
        let seen = &mut *seen;
        if seen.searching {
            let way = format!(
                "from {} to {} on {}",
                envelope.from, envelope.to, envelope.stream
            );
            let Searched { book, tape } = &mut seen.searched;
            tape.push(
                book,
                Place::Envelope { way },
                Some(seen.next),
                &envelope.payload,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Watch;
    use crate::journal::event::Judgement;
    use crate::oracles::testing::{Doctored, region};
    use crate::scenario::plan::OracleSpec;
    use crate::scenario::source::Span;
    use crate::scenario::vocabulary::oracles::{ORACLES, find};

    fn spec(name: &str, values: &[&str]) -> OracleSpec {
        let arguments = json!({ "values": values });
        OracleSpec {
            def: find(name).expect("it is defined"),
            arguments: arguments.as_object().cloned().expect("a map"),
            span: Span { start: 0, end: 0 },
        }
    }

    #[test]
    fn each_of_several_oracles_finds_what_it_looks_for() {
        let names = ["4242 4242 4242", "4343 4343 4343"];
        let specs = names.map(|value| spec("no_plaintext_at_rest", &[value]));
        let watch = Watch::new(&specs);
        watch.row(&region("eu-west-1"), b"x", b"4343 4343 4343");
        let verdicts = watch.judge(&["no_plaintext_at_rest".to_owned()]);
        let judged: Vec<_> = verdicts.iter().map(|verdict| verdict.judgement).collect();
        assert_eq!(judged, [Judgement::Pass, Judgement::Fail]);
        assert!(verdicts.iter().all(|verdict| verdict.meant_to_violate));
    }

    #[test]
    fn what_was_cut_short_is_unknown_and_every_oracle_has_an_answer() {
        for def in ORACLES {
            let run = Doctored::new(def.name, json!({}));
            run.watch.cut("the run was interrupted");
            let verdicts = run.watch.judge(&[]);
            assert_eq!(verdicts[0].judgement, Judgement::Unknown, "{}", def.name);
        }
    }
}
