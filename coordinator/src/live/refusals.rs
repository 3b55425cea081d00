//! What a scenario asks for that live nodes cannot give, said before anything runs.

use std::time::Duration;

use serde_json::Value;

use crate::scenario::diagnostic::{Diagnostic, Severity};
use crate::scenario::plan::{Action, Call, Case, FaultPlan, Later, Patience, Plan, Step};
use crate::scenario::source::Span;

/// Code of everything here.
const CODE: &str = "L0001";
/// Longest time that a step may let pass: it really passes.
const LONGEST: Duration = Duration::from_secs(600);

/// Everything in a file that cannot run against live nodes, and warnings of what is not judged.
#[must_use]
pub fn refusals(plan: &Plan) -> Vec<Diagnostic> {
    let mut found = Found::default();
    for case in &plan.cases {
        found.case(case);
    }
    // Cases of a matrix are the same text.
    found
        .list
        .sort_by_key(|one| (one.primary.start, one.message.clone()));
    found
        .list
        .dedup_by(|one, other| one.primary == other.primary && one.message == other.message);
    found.list
}

#[derive(Default)]
struct Found {
    list: Vec<Diagnostic>,
}

impl Found {
    fn say(&mut self, severity: Severity, span: Span, message: String, help: &str) {
        let mut one = Diagnostic::new(CODE, severity, span, message);
        one.help(help);
        self.list.push(one);
    }

    fn refuse(&mut self, span: Span, message: String, help: &str) {
        self.say(Severity::Error, span, message, help);
    }

    fn case(&mut self, case: &Case) {
        for volume in case.world.volumes.values() {
            let words = "a volume's content is planted, which a live node does not allow";
            self.refuse(volume.span, words.to_owned(), "leave the volume out");
        }
        for oracle in &case.always {
            let words = format!("`{}` is not judged on live nodes", oracle.def.name);
            let help = "it watches from inside what live nodes do not show";
            self.say(Severity::Warning, oracle.span, words, help);
        }
        self.steps(&case.steps);
        self.steps(&case.finally);
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            step.faults.iter().for_each(|fault| self.fault(fault));
            match &step.action {
                Action::Call(call) => self.call(call),
                Action::Do(steps) => self.steps(steps),
                Action::Together(lanes) => lanes.iter().for_each(|lane| self.steps(&lane.steps)),
                Action::Wait(time) => self.time(step.span, time),
                Action::StartFault { faults, .. } => {
                    faults.iter().for_each(|fault| self.fault(fault));
                }
                Action::Heal(_) => {}
            }
        }
    }

    fn time(&mut self, span: Span, time: &Later<Duration>) {
        if let Later::Known(time) = time
            && *time > LONGEST
        {
            let words = format!("{} s really pass on live nodes", time.as_secs());
            self.refuse(span, words, "a step may let ten minutes pass at most");
        }
    }

    fn call(&mut self, call: &Call) {
        let name = call.verb.name();
        if name == "audit.find" || name.starts_with("look.") || name.starts_with("plant.") {
            let words = format!("`{name}` looks into a Region, which live nodes do not allow");
            let help = "ask by an operation of AWS, such as cloudtrail.lookup_events";
            self.refuse(call.verb_span, words, help);
        }
        if let Patience::Throughout(time) = &call.patience {
            self.time(call.verb_span, time);
        }
    }

    fn fault(&mut self, fault: &FaultPlan) {
        let name = fault.def.name;
        let help = "`faultline fault start --help` lists what live nodes can suffer";
        if ["freeze", "disk_full", "slow_disk", "failed_write"].contains(&name) {
            let words = format!("`{name}` is a fault of simulated machines only");
            return self.refuse(fault.span, words, help);
        }
        let members: &[&str] = match name {
            "messages" => &["duplicate", "reorder", "hold"],
            "slow_link" => &["bandwidth"],
            "clock_skew" => &["drift"],
            _ => &[],
        };
        let written = fault.members.written();
        for member in members {
            let there = written.as_ref().and_then(|it| it.get(*member));
            if there.is_some_and(|value| !matches!(value, Value::Null)) {
                let words = format!("`{name}` has no `{member}` on live nodes");
                self.refuse(fault.span, words, help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;
    use crate::scenario::source::Source;

    const FILE: &str = "scenario: 1
title: What live nodes cannot do
world:
  regions: [eu-west-1, us-east-1]
  accounts: { main: \"111111111111\" }
  principals:
    admin: { account: main, kind: user, allow: [\"*\"] }
defaults: { as: admin, in: eu-west-1 }
steps:
  - say: Fine.
    kms.list_keys: {}
  - start_fault: { freeze: eu-west-1 }
  - wait: 1d
  - while: [{ messages: { drop: 10%, duplicate: 10% } }]
    kms.list_keys: {}
  - look.replication: {}
always:
  - audit_complete
";

    #[test]
    fn what_live_nodes_cannot_do_is_said_before_anything_runs() {
        let source = Source::new("it.yaml", FILE.to_owned());
        let plan = load(&source).unwrap_or_else(|problems| panic!("{problems:?}"));
        let found = refusals(&plan);
        let errors = found.iter().filter(|one| one.severity == Severity::Error);
        assert_eq!(errors.count(), 4, "{found:#?}");
        let all: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        for words in [
            "freeze",
            "86400 s",
            "duplicate",
            "look.replication",
            "audit_complete",
        ] {
            assert!(all.iter().any(|it| it.contains(words)), "{words}: {all:?}");
        }
    }
}
