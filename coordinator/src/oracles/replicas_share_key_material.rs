//! Related multi-Region keys have the same key material: what one encrypts, each other opens.
//!
//! Each Region tells ids and digests of its backing keys when they change. Two Regions must
//! never have different bytes under one id, nor bytes that they cannot open, and at the end
//! each must have all that the others have.
//!
//! It cannot see whether a Region uses the bytes that it told of.

use std::collections::BTreeMap;

use super::{End, Finding, Oracle};
use crate::clock::{SimTime, Span};
use crate::journal::What;
use crate::journal::event::Event;

/// How long new material may take to reach the others before it counts as missing.
const PATIENCE: Span = Span::secs(60);

/// See the module.
pub(super) struct ReplicasShareKeyMaterial {
    key: String,
    keys: BTreeMap<String, Related>,
    faults: u64,
    now: SimTime,
}

#[derive(Default)]
struct Related {
    /// Region to material id to digest, and the line that told so.
    regions: BTreeMap<String, (BTreeMap<String, String>, u64)>,
    changed: SimTime,
    /// How often a Region's material was there to be compared with another one's.
    compared: u64,
    differs: Option<(String, Vec<u64>)>,
}

impl ReplicasShareKeyMaterial {
    pub fn new(key: String) -> Self {
        Self {
            key,
            keys: BTreeMap::new(),
            faults: 0,
            now: SimTime::ZERO,
        }
    }
}

impl Related {
    fn tell(&mut self, region: &str, materials: &str, event: &Event) {
        let pairs = materials.split(',').filter_map(|pair| pair.split_once(':'));
        let materials: BTreeMap<String, String> = pairs
            .map(|(id, digest)| (id.to_owned(), digest.to_owned()))
            .collect();
        let before = self.regions.get(region).map(|(before, _)| before);
        if before != Some(&materials) {
            self.changed = event.t;
        }
        self.compared += u64::from(self.regions.keys().any(|other| other != region));
        for (id, digest) in &materials {
            if digest == "unreadable" {
                let because = format!("{region} cannot open its key material {id}");
                self.differs.get_or_insert((because, vec![event.n]));
            }
            for (other, (theirs, line)) in &self.regions {
                if other != region && theirs.get(id).is_some_and(|there| there != digest) {
                    let because = format!("{region} and {other} have different bytes as {id}");
                    self.differs.get_or_insert((because, vec![*line, event.n]));
                }
            }
        }
        self.regions.insert(region.to_owned(), (materials, event.n));
    }

    /// A Region that lacks what another has.
    fn lacking(&self) -> Option<(String, Vec<u64>)> {
        for (here, (ours, line)) in &self.regions {
            for (there, (theirs, other)) in &self.regions {
                if let Some(id) = theirs.keys().find(|id| !ours.contains_key(*id)) {
                    let because = format!("{here} lacks key material {id}, which {there} has");
                    return Some((because, vec![*other, *line]));
                }
            }
        }
        None
    }
}

impl Oracle for ReplicasShareKeyMaterial {
    fn hear(&mut self, event: &Event) {
        self.now = event.t;
        match &event.what {
            What::FaultStarted(_) => self.faults += 1,
            What::FaultHealed(_) => self.faults = self.faults.saturating_sub(1),
            What::Note {
                region,
                note,
                fields,
                ..
            } => {
                let Some(key) = fields.get("key_id") else {
                    return;
                };
                let related = self.keys.entry(key.clone()).or_default();
                let field = |name| fields.get(name).map(String::as_str);
                match (note.as_str(), field("materials"), field("role")) {
                    ("key_material", Some(materials), _) => {
                        related.tell(region.as_str(), materials, event);
                    }
                    ("key_role", _, Some("NONE")) => {
                        related.regions.remove(region.as_str());
                        related.changed = event.t;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let nothing = "fewer than two Regions told of key material of this key";
        let Some(related) = self.keys.get(&end.key_id(&self.key)) else {
            return Finding::unknown(nothing);
        };
        if let Some((because, at)) = &related.differs {
            return Finding::violated(because.clone(), at.iter().copied());
        }
        match related.lacking() {
            Some((because, _)) if self.faults > 0 || self.now.since(related.changed) < PATIENCE => {
                Finding::unknown(format!("{because}, but it may be on the way"))
            }
            Some((because, at)) => Finding::violated(because, at),
            None => Finding::measured(related.compared, nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, KEY, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("replicas_share_key_material", json!({ "key": "payments" }))
    }

    fn material(run: &mut Doctored, region: &str, materials: &str) -> u64 {
        run.note(
            region,
            "key_material",
            &[("key_id", KEY), ("materials", materials)],
        )
    }

    #[test]
    fn equal_material_holds() {
        let mut run = run();
        material(&mut run, "eu-west-1", "a:11");
        material(&mut run, "us-east-1", "a:11");
        run.holds(1);
        // What held for a replica held, also when it is gone.
        run.note(
            "us-east-1",
            "key_role",
            &[("key_id", KEY), ("role", "NONE")],
        );
        run.holds(1);
    }

    #[test]
    fn different_bytes_violate_at_once() {
        let mut run = run();
        let one = material(&mut run, "eu-west-1", "a:11");
        let other = material(&mut run, "us-east-1", "a:12");
        material(&mut run, "us-east-1", "a:11");
        assert_eq!(violated(run.finding()).1, [one, other]);
    }

    #[test]
    fn missing_material_violates_when_it_had_time_to_arrive() {
        let mut run = run();
        material(&mut run, "us-east-1", "a:11");
        material(&mut run, "eu-west-1", "a:11,b:22");
        assert!(unknown(run.finding()).contains("on the way"));
        run.wait(61);
        run.note("eu-west-1", "other", &[]);
        assert!(violated(run.finding()).0.contains("us-east-1 lacks"));
    }

    #[test]
    fn one_region_alone_is_unknown() {
        let mut run = run();
        material(&mut run, "eu-west-1", "a:11");
        unknown(run.finding());
        material(&mut run, "eu-west-1", "a:11,b:22");
        unknown(run.finding());
    }
}
