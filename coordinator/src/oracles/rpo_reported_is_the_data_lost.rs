//! The RPO that is reported equals the data that is lost (EBS-054, EBS-055).
//!
//! When another Region becomes the primary of a global database, it tells the number of the last
//! commit that it has. What clients of the old primary were told is committed behind that is lost:
//! so many commits must be reported, and as RPO the age of the first of them at the takeover. A
//! write whose client never learned the outcome may count or not. A planned switchover has lost
//! nothing, whatever it reports.
//!
//! It cannot see a failover whose old primary never came back to tell, nor what a Region that was the
//! primary takes after it died: it may be the primary again, and have died before it told of that.

use std::collections::BTreeMap;

use super::{End, Finding, Oracle};
use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::{CallAnswered, Event, Outcome};

const WRITE: &str = "database.PutRow";

/// A commit that a client was told of.
struct Commit {
    lsn: u64,
    sent: SimTime,
    answered: SimTime,
    line: u64,
}

/// A Region became the primary.
struct Takeover {
    at: SimTime,
    lsn: u64,
    planned: bool,
    /// Region and cluster that were the primary before.
    from: (String, String),
    /// Region that is the primary now.
    to: String,
    line: u64,
}

/// A report of a takeover: commits, microseconds.
type Report = (u64, u64, u64);

/// See the module.
#[derive(Default)]
pub(super) struct RpoReportedIsTheDataLost {
    sent: BTreeMap<String, SimTime>,
    /// By Region and cluster.
    commits: BTreeMap<(String, String), Vec<Commit>>,
    /// Regions with writes whose outcome nobody learned.
    unknown: BTreeMap<String, u64>,
    /// By global database and reign.
    takeovers: BTreeMap<(String, u64), Takeover>,
    reports: BTreeMap<(String, u64), Report>,
    /// When processes died, by Region.
    deaths: BTreeMap<String, Vec<SimTime>>,
}

impl RpoReportedIsTheDataLost {
    fn answered(&mut self, event: &Event, answer: &CallAnswered) {
        let Some(sent) = self.sent.remove(&answer.call) else {
            return;
        };
        let region = answer.region.to_string();
        match &answer.outcome {
            Outcome::Success { response, .. } => {
                let lsn = response["Lsn"].as_u64().unwrap_or_default();
                let cluster = response["Database"].as_str().unwrap_or_default();
                let place = (region, cluster.to_owned());
                self.commits.entry(place).or_default().push(Commit {
                    lsn,
                    sent,
                    answered: event.t,
                    line: event.n,
                });
            }
            Outcome::Refused(refused) if refused.definite => {}
            _ => *self.unknown.entry(region).or_default() += 1,
        }
    }

    fn note(&mut self, event: &Event, note: &str, fields: &BTreeMap<String, String>) {
        let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let number = |name: &str| text(name).parse().unwrap_or_default();
        let place = (text("global"), number("epoch"));
        match note {
            "global_primary" if !text("from").is_empty() => {
                let takeover = Takeover {
                    at: event.t,
                    lsn: number("lsn"),
                    planned: text("loss") != "true",
                    from: (text("from"), text("from_cluster")),
                    to: text("region"),
                    line: event.n,
                };
                self.takeovers.insert(place, takeover);
            }
            "global_rpo" => {
                let report = (number("lost"), number("rpo_us"), event.n);
                self.reports.insert(place, report);
            }
            _ => {}
        }
    }

    /// When a Region began a reign before this one, and the next after it: what is outside is of
    /// another reign.
    fn bounds(&self, global: &str, reign: u64, region: &str) -> (SimTime, Option<SimTime>) {
        let own =
            |(place, one): &(&(String, u64), &Takeover)| place.0 == global && one.to == region;
        let all = self.takeovers.iter();
        let before = all
            .clone()
            .rev()
            .filter(own)
            .find(|(place, _)| place.1 < reign);
        let after = all.clone().filter(own).find(|(place, _)| place.1 > reign);
        let began = before.map_or(SimTime::default(), |(_, one)| one.at);
        (began, after.map(|(_, one)| one.at))
    }

    fn complaint(
        &self,
        (global, reign): &(String, u64),
        takeover: &Takeover,
        report: Option<&Report>,
    ) -> Option<(String, Vec<u64>)> {
        let (began, ended) = self.bounds(global, *reign, &takeover.from.0);
        let deaths = self.deaths.get(&takeover.from.0).into_iter().flatten();
        let died = deaths.copied().find(|died| *died >= takeover.at);
        let mut lost: Vec<&Commit> = self
            .commits
            .get(&takeover.from)
            .into_iter()
            .flatten()
            .collect();
        lost.retain(|commit| {
            let is_of_it = commit.sent >= began && ended.is_none_or(|end| commit.sent < end);
            is_of_it && commit.lsn > takeover.lsn
        });
        lost.sort_by_key(|commit| commit.lsn);
        let all = lost.len() as u64;
        lost.retain(|commit| died.is_none_or(|died| commit.sent < died));
        let count = lost.len() as u64;
        let unheard = self.unknown.get(&takeover.from.0);
        let perhaps = all - count + unheard.copied().unwrap_or_default();
        let mut at = vec![takeover.line];
        at.extend(lost.iter().map(|commit| commit.line));
        if takeover.planned && count > 0 {
            let said = format!("reign {reign} of {global} was planned and lost {count} commits");
            return Some((said, at));
        }
        let (told, rpo, line) = *report?;
        at.push(line);
        if !(count..=count + perhaps).contains(&told) {
            let said = format!(
                "reign {reign} of {global} is reported to have lost {told} commits, and clients were told of {count} that are lost"
            );
            return Some((said, at));
        }
        let first = lost.first().filter(|_| perhaps == 0)?;
        let age = |then: SimTime| takeover.at.0.saturating_sub(then.0);
        let fits = (age(first.answered)..=age(first.sent)).contains(&rpo);
        (!fits).then(|| {
            let said = format!(
                "reign {reign} of {global} is reported with an RPO of {rpo} us, and its first lost commit was {} us old",
                age(first.answered)
            );
            (said, at)
        })
    }
}

impl Oracle for RpoReportedIsTheDataLost {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) if sent.operation == WRITE => {
                self.sent.insert(sent.call.clone(), event.t);
            }
            What::CallAnswered(answer) if answer.operation == WRITE => self.answered(event, answer),
            What::Note { note, fields, .. } => self.note(event, note, fields),
            What::NodeDied { region, .. } => {
                let of = self.deaths.entry(region.to_string()).or_default();
                of.push(event.t);
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        let mut measured = 0;
        for (place, takeover) in &self.takeovers {
            let report = self.reports.get(place);
            if let Some((because, at)) = self.complaint(place, takeover, report) {
                return Finding::violated(because, at);
            }
            measured += u64::from(report.is_some());
        }
        Finding::measured(measured, "no change of a primary was reported")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::journal::What;
    use crate::oracles::testing::{Doctored, unknown, violated};

    const GLOBAL: &str = "arn:aws:rds::111111111111:global-cluster:shop";

    fn put(run: &mut Doctored, lsn: u64) -> u64 {
        run.sent("database.PutRow", json!({ "Database": "orders" }));
        run.succeeded(
            "database.PutRow",
            json!({ "Lsn": lsn, "Database": "orders" }),
        )
    }

    fn takeover(run: &mut Doctored, lsn: &str, loss: &str) -> u64 {
        let fields = [
            ("global", GLOBAL),
            ("region", "us-east-1"),
            ("from", "eu-west-1"),
            ("from_cluster", "orders"),
            ("epoch", "2"),
            ("lsn", lsn),
            ("loss", loss),
        ];
        run.note("us-east-1", "global_primary", &fields)
    }

    fn report(run: &mut Doctored, lost: &str, rpo: &str) -> u64 {
        let fields = [
            ("global", GLOBAL),
            ("epoch", "2"),
            ("lost", lost),
            ("rpo_us", rpo),
        ];
        run.note("us-east-1", "global_rpo", &fields)
    }

    fn run() -> Doctored {
        let mut run = Doctored::new("rpo_reported_is_the_data_lost", json!({}));
        put(&mut run, 1);
        run.wait(1);
        put(&mut run, 2);
        run.wait(3);
        run
    }

    #[test]
    fn what_is_lost_and_reported_holds() {
        let mut run = run();
        takeover(&mut run, "1", "true");
        report(&mut run, "1", "3000000");
        run.holds(1);
    }

    #[test]
    fn another_number_or_another_age_violates() {
        let mut run = run();
        let line = takeover(&mut run, "1", "true");
        report(&mut run, "0", "0");
        let (because, at) = violated(run.finding());
        assert!(because.contains("lost 0 commits"), "{because}");
        assert_eq!(at.first(), Some(&line));
        report(&mut run, "1", "1000000");
        let (because, _) = violated(run.finding());
        assert!(because.contains("RPO of 1000000 us"), "{because}");
    }

    #[test]
    fn a_planned_change_loses_nothing() {
        let mut run = run();
        takeover(&mut run, "1", "false");
        let (because, _) = violated(run.finding());
        assert!(
            because.contains("was planned and lost 1 commits"),
            "{because}"
        );
    }

    #[test]
    fn what_a_region_takes_after_it_died_may_be_of_a_reign_that_nobody_heard_of() {
        let mut run = Doctored::new("rpo_reported_is_the_data_lost", json!({}));
        put(&mut run, 1);
        takeover(&mut run, "1", "false");
        report(&mut run, "0", "0");
        run.tell(What::NodeDied {
            region: "eu-west-1".parse().unwrap(),
            point: "after_commit".to_owned(),
            caused_by: None,
        });
        put(&mut run, 2);
        run.holds(1);
    }

    #[test]
    fn a_write_that_nobody_learned_of_may_count() {
        let mut run = run();
        run.sent("database.PutRow", json!({ "Database": "orders" }));
        run.answered("database.PutRow", "ReadOnly");
        takeover(&mut run, "1", "true");
        report(&mut run, "1", "3000000");
        run.holds(1);
    }

    #[test]
    fn without_a_report_nobody_can_say() {
        let mut run = run();
        takeover(&mut run, "1", "true");
        unknown(run.finding());
    }
}
