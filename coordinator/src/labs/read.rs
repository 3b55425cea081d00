//! The lab file, read strictly.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{
    Build, Cause, Check, Choice, Lab, Question, Run, Step, Verdict, What, Work, Wrong, facts,
};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics};
use crate::scenario::source::{Entry, Node, Source, Span, parse};
use crate::scenario::syntax::cursor::{list, map, missing_key, text, unknown_key};

/// Keys of the file.
pub const LAB: [&str; 11] = [
    "lab", "id", "title", "level", "takes", "needs", "learn", "facts", "story", "read", "steps",
];
/// Keys of a step.
pub const STEP: [&str; 14] = [
    "id",
    "title",
    "task",
    "ask",
    "edit",
    "starter",
    "check",
    "when_it_fails",
    "hints",
    "solution",
    "wrong",
    "explain",
    "on_aws",
    "points",
];
/// Keys of a check.
pub const CHECK: [&str; 12] = [
    "title", "run", "with", "seeds", "under", "expect", "violates", "campaign", "breaks", "look",
    "at", "is",
];
/// What a lab may call its level.
pub const LEVELS: [&str; 3] = ["beginner", "intermediate", "advanced"];

/// Seeds that a check runs unless it says others.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Reads a lab file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read(source: &Arc<Source>) -> Result<Lab, Vec<Diagnostic>> {
    let (root, problems) = parse(source);
    let mut reader = Reader {
        found: Diagnostics { list: problems },
    };
    let lab = root.and_then(|root| reader.lab(&root));
    match lab {
        Some(lab) if !reader.found.has_errors() => Ok(lab),
        _ => Err(reader.found.sorted()),
    }
}

struct Reader {
    found: Diagnostics,
}

/// A map of the file, and what it is called.
struct Part<'n> {
    node: &'n Node,
    entries: &'n [Entry],
    place: &'static str,
}

impl<'n> Part<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        let mut entries = self.entries.iter();
        entries.find(|it| it.key.text == key).map(|it| &it.value)
    }
}

impl Reader {
    fn part<'n>(&mut self, node: &'n Node, place: &'static str, keys: &[&str]) -> Part<'n> {
        let entries = map(node, place, &mut self.found);
        for entry in entries {
            if !keys.contains(&entry.key.text.as_str()) {
                unknown_key(&entry.key, place, keys.iter().copied(), &mut self.found);
            }
        }
        Part {
            node,
            entries,
            place,
        }
    }

    fn text_if(&mut self, part: &Part<'_>, key: &str) -> Option<String> {
        let node = part.get(key)?;
        text(node, &format!("`{key}`"), &mut self.found).map(|it| it.trim_end().to_owned())
    }

    fn text(&mut self, part: &Part<'_>, key: &str) -> Option<String> {
        if part.get(key).is_none() {
            missing_key(part.node.span, key, part.place, &mut self.found);
        }
        self.text_if(part, key)
    }

    fn texts(&mut self, part: &Part<'_>, key: &str) -> Vec<String> {
        let what = format!("`{key}`");
        let Some(node) = part.get(key) else {
            return Vec::new();
        };
        let items = list(node, &what, &mut self.found).iter();
        items
            .filter_map(|item| text(item, &what, &mut self.found))
            .map(|it| it.trim_end().to_owned())
            .collect()
    }

    fn number(&mut self, node: &Node, what: &str) -> Option<u64> {
        let number = node.scalar().and_then(|scalar| scalar.value().as_u64());
        if number.is_none() {
            self.wrong(node.span, format!("{what} is a whole number"));
        }
        number
    }

    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.found.error("E0107", span, message);
    }

    fn lab(&mut self, root: &Node) -> Option<Lab> {
        let part = self.part(root, "a lab file", &LAB);
        if part.get("lab").and_then(Node::text) != Some("1") {
            let span = part.get("lab").map_or(root.span, |node| node.span);
            self.found
                .error("E0114", span, "a lab file begins with `lab: 1`");
        }
        let id = self.text(&part, "id");
        let title = self.text(&part, "title");
        let level = self.text(&part, "level");
        if let (Some(level), Some(node)) = (&level, part.get("level"))
            && !LEVELS.contains(&level.as_str())
        {
            let message = format!("`level` is one of {}", LEVELS.join(", "));
            self.wrong(node.span, message);
        }
        let takes = self.text(&part, "takes");
        let story = self.text(&part, "story");
        let mut steps = Vec::new();
        let mut ids = BTreeSet::new();
        match part.get("steps") {
            None => missing_key(root.span, "steps", "a lab file", &mut self.found),
            Some(node) => {
                for item in list(node, "`steps`", &mut self.found) {
                    if let Some(step) = self.step(item) {
                        if !ids.insert(step.id.clone()) {
                            let message = format!("two steps are called `{}`", step.id);
                            self.wrong(item.span, message);
                        }
                        steps.push(step);
                    }
                }
                if steps.is_empty() {
                    self.wrong(node.span, "a lab has at least one step");
                }
            }
        }
        Some(Lab {
            needs: self.texts(&part, "needs"),
            learn: self.texts(&part, "learn"),
            facts: self.texts(&part, "facts"),
            read: self.texts(&part, "read"),
            id: id?,
            title: title?,
            level: level?,
            takes: takes?,
            story: story?,
            steps,
        })
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let part = self.part(node, "a step of a lab", &STEP);
        let (id, title) = (self.text(&part, "id"), self.text(&part, "title"));
        let (task, explain) = (self.text(&part, "task"), self.text(&part, "explain"));
        let hints = self.texts(&part, "hints");
        let points = match part.get("points") {
            Some(node) => self.number(node, "`points`"),
            None => Some(1),
        };
        let work = match (part.get("ask"), part.get("check")) {
            (Some(ask), None) => self.question(ask).map(Work::Ask),
            (None, Some(checks)) => self
                .build(&part, checks)
                .map(|build| Work::Build(Box::new(build))),
            _ => {
                self.wrong(node.span, "a step has either `ask` or `check`");
                None
            }
        };
        if hints.is_empty() && matches!(work, Some(Work::Build(_))) {
            missing_key(node.span, "hints", "a step of a lab", &mut self.found);
        }
        Some(Step {
            on_aws: self.text_if(&part, "on_aws"),
            id: id?,
            title: title?,
            task: task?,
            work: work?,
            hints,
            explain: explain?,
            points: points?,
        })
    }

    fn question(&mut self, node: &Node) -> Option<Question> {
        let part = self.part(node, "a question", &["question", "answers"]);
        let question = self.text(&part, "question");
        let items = part.get("answers").map_or(&[][..], |answers| {
            list(answers, "`answers`", &mut self.found)
        });
        let mut answers = Vec::new();
        for item in items {
            let choice = self.part(item, "an answer", &["text", "right", "so"]);
            let right = choice.get("right").and_then(Node::text) == Some("true");
            let so = self.text_if(&choice, "so").unwrap_or_default();
            if !right && so.is_empty() {
                self.wrong(item.span, "a wrong answer explains itself: it needs `so`");
            }
            if let Some(text) = self.text(&choice, "text") {
                answers.push(Choice { text, right, so });
            }
        }
        if answers.len() < 2 || answers.iter().filter(|it| it.right).count() != 1 {
            let message = "a question has at least two answers, and one of them is right";
            self.wrong(node.span, message);
        }
        Some(Question {
            question: question?,
            answers,
        })
    }

    fn build(&mut self, part: &Part<'_>, checks: &Node) -> Option<Build> {
        let (edit, starter) = (self.text(part, "edit"), self.text(part, "starter"));
        let solution = self.text(part, "solution");
        let items = list(checks, "`check`", &mut self.found);
        let checks: Vec<Check> = items.iter().filter_map(|item| self.check(item)).collect();
        if items.is_empty() {
            self.wrong(part.node.span, "`check` holds at least one check");
        }
        let causes = part.get("when_it_fails").map_or(&[][..], |node| {
            list(node, "`when_it_fails`", &mut self.found)
        });
        let causes = causes.iter().filter_map(|item| self.cause(item)).collect();
        let wrong = part
            .get("wrong")
            .map_or(&[][..], |node| list(node, "`wrong`", &mut self.found));
        let wrong = wrong.iter().filter_map(|item| self.mistake(item)).collect();
        Some(Build {
            edit: edit?,
            starter: starter?,
            solution: solution?,
            checks,
            causes,
            wrong,
        })
    }

    fn cause(&mut self, node: &Node) -> Option<Cause> {
        let names = facts::NAMES.iter().map(|(name, _)| *name);
        let keys: Vec<&str> = names.chain(["say"]).collect();
        let part = self.part(node, "a cause", &keys);
        let say = self.text(&part, "say");
        let when: Vec<&Entry> = part
            .entries
            .iter()
            .filter(|it| it.key.text != "say")
            .collect();
        if when.is_empty() {
            self.wrong(node.span, "a cause says at least one thing of the failure");
        }
        let when = when
            .into_iter()
            .filter_map(|it| Some((it.key.text.clone(), it.value.text()?.to_owned())))
            .collect();
        Some(Cause { when, say: say? })
    }

    fn mistake(&mut self, node: &Node) -> Option<Wrong> {
        let part = self.part(node, "a wrong answer", &["file", "says"]);
        let (file, says) = (self.text(&part, "file"), self.text(&part, "says"));
        Some(Wrong {
            file: file?,
            says: says?,
        })
    }

    fn check(&mut self, node: &Node) -> Option<Check> {
        let keys: Vec<&str> = CHECK.into_iter().chain(["otherwise"]).collect();
        let part = self.part(node, "a check", &keys);
        let title = self.text(&part, "title");
        let otherwise = self.text_if(&part, "otherwise");
        let kinds = ["run", "campaign", "look"];
        let written: Vec<&str> = kinds
            .into_iter()
            .filter(|key| part.get(key).is_some())
            .collect();
        let what = match written.as_slice() {
            ["run"] => self.run(&part).map(What::Run),
            ["campaign"] => {
                let seeds = part.get("seeds").map(|node| self.number(node, "`seeds`"));
                let file = self.text(&part, "campaign");
                Some(What::Campaign {
                    file: file?,
                    seeds: seeds.unwrap_or(Some(50))?,
                    breaks: self.text_if(&part, "breaks"),
                })
            }
            ["look"] => {
                let (file, at) = (self.text(&part, "look"), self.text(&part, "at"));
                let Some(is) = part.get("is") else {
                    missing_key(node.span, "is", "a check that looks", &mut self.found);
                    return None;
                };
                Some(What::Look {
                    file: file?,
                    at: at?.split('.').map(str::to_owned).collect(),
                    is: is.clone(),
                })
            }
            _ => {
                self.wrong(node.span, "a check has one of `run`, `campaign` and `look`");
                None
            }
        };
        Some(Check {
            title: title?,
            what: what?,
            otherwise,
        })
    }

    fn run(&mut self, part: &Part<'_>) -> Option<Run> {
        let mut files = self.texts(part, "with");
        files.push(self.text(part, "run")?);
        let seeds = match part.get("seeds") {
            None => SEEDS.to_vec(),
            Some(node) => list(node, "`seeds`", &mut self.found)
                .iter()
                .filter_map(|item| self.number(item, "a seed"))
                .collect(),
        };
        let under = part
            .get("under")
            .map_or(&[][..], |node| list(node, "`under`", &mut self.found));
        let verdict = match (
            part.get("expect").and_then(Node::text),
            part.get("violates"),
        ) {
            (None | Some("pass"), None) => Verdict::Pass,
            (Some("fail"), None) => Verdict::Fail,
            (None, Some(_)) => Verdict::Violates(self.text(part, "violates")?),
            _ => {
                let message = "`expect` is `pass` or `fail`; `violates` stands without it";
                self.wrong(part.node.span, message);
                return None;
            }
        };
        Some(Run {
            files,
            seeds,
            under: under.to_vec(),
            verdict,
        })
    }
}
