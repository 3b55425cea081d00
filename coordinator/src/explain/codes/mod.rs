//! Every code of a diagnostic, each with an example that gives it and one that does not.
//!
//! The examples are parts of files: a [`Frame`] says where they stand, and
//! [`Code::file`] puts the rest around them. A test reads each wrong one and finds its
//! code, and each right one and finds nothing.

mod arguments;
mod expressions;
mod live;
mod names;
mod running;
mod shape;
mod unused;

/// One code.
#[derive(Debug)]
pub struct Code {
    /// `E0101`.
    pub code: &'static str,
    /// What it says, in a few words.
    pub title: &'static str,
    /// Why it is so, and what to do.
    pub text: &'static str,
    /// Where the examples stand.
    pub frame: Frame,
    /// An example that gives it.
    pub wrong: &'static str,
    /// The same without the mistake.
    pub right: &'static str,
}

/// Where an example stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// It is a whole file.
    File,
    /// It stands beside `steps:`.
    Top,
    /// It stands under `world:`.
    World,
    /// It is steps.
    Steps,
}

const WORLD: &str = "\
world:
  regions: [eu-west-1, us-east-1]
  accounts: { shop: \"111111111111\" }
  principals:
    app: { account: shop, allow: [\"*\"] }
  keys:
    payments: { account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }
  buckets:
    photos: { account: shop, region: eu-west-1 }
  tables:
    orders: { account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }
    notes: { account: shop, region: eu-west-1, partition_key: id }
  volumes:
    ledger: { account: shop, region: eu-west-1, content: secret }
  sealed_clients:
    orders: { keyring: { kms_mrk: payments }, attributes: { id: sign_only, card: encrypt_and_sign } }
";

impl Code {
    /// A whole file around an example.
    #[must_use]
    pub fn file(&self, example: &str) -> String {
        let head = "scenario: 1\ntitle: example\n";
        let defaults = "defaults: { in: eu-west-1, as: app }\n";
        let steps = "steps:\n  - kms.describe_key: { key_id: payments }\n";
        let indented = |by: &str| {
            let lines: Vec<String> = example
                .lines()
                .map(|line| {
                    if line.is_empty() {
                        String::new()
                    } else {
                        format!("{by}{line}")
                    }
                })
                .collect();
            lines.join("\n")
        };
        match self.frame {
            Frame::File => example.to_owned(),
            Frame::Top => format!("{head}{WORLD}{defaults}{steps}{example}\n"),
            Frame::World => format!(
                "{head}world:\n  regions: [eu-west-1, us-east-1]\n{}\nsteps:\n  - wait: 1s\n",
                indented("  ")
            ),
            Frame::Steps => format!("{head}{WORLD}{defaults}steps:\n{}\n", indented("  ")),
        }
    }
}

/// All codes, in their order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        shape::CODES,
        names::CODES,
        arguments::CODES,
        expressions::CODES,
        live::CODES,
        unused::CODES,
        running::CODES,
    ]
    .into_iter()
    .flatten()
}

/// The code of that name, however it is written.
#[must_use]
pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.code.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::diagnostic::{Diagnostic, Format, render};
    use crate::scenario::load;
    use crate::scenario::source::Source;

    fn findings(text: String) -> (Vec<Diagnostic>, String) {
        let source = Source::new("example.yaml", text);
        let list = load(&source).map_or_else(|list| list, |plan| plan.warnings);
        let picture = render(&source, &list, Format::Human(false));
        (list, picture)
    }

    /// What is found when the file is to run on live nodes.
    fn refused(text: String) -> (Vec<Diagnostic>, String) {
        // The volume that all examples share is planted, which live nodes refuse.
        let volume = |line: &&str| line.trim() == "volumes:" || line.contains("ledger: {");
        let kept: Vec<&str> = text.lines().filter(|line| !volume(line)).collect();
        let text = kept.join("\n") + "\n";
        let source = Source::new("example.yaml", text);
        let plan = load(&source).expect("it is a scenario");
        let list = crate::live::refusals::refusals(&plan);
        let picture = render(&source, &list, Format::Human(false));
        (list, picture)
    }

    #[test]
    fn each_wrong_example_gives_its_code_and_each_right_one_nothing() {
        let mut complaints = String::new();
        for code in all() {
            if code.code.starts_with('X') {
                continue; // Only a run gives it: see below.
            }
            let live = code.code.starts_with('L');
            let findings = |text| if live { refused(text) } else { findings(text) };
            let (list, picture) = findings(code.file(code.wrong));
            if !list.iter().any(|found| found.code == code.code) {
                complaints.push_str(&format!(
                    "{}: the wrong example does not give it:\n{picture}\n",
                    code.code
                ));
            }
            let (list, picture) = findings(code.file(code.right));
            if !list.is_empty() {
                complaints.push_str(&format!(
                    "{}: the right example gives\n{picture}\n",
                    code.code
                ));
            }
        }
        assert!(complaints.is_empty(), "{complaints}");
    }

    /// Codes of all that went wrong in a run of the file.
    fn went_wrong(text: String) -> Vec<String> {
        use crate::journal::{Journal, Memory, What};
        use crate::runner::{Options, run_case};
        let source = Source::new("example.yaml", text);
        let plan = load(&source).unwrap_or_else(|list| {
            panic!("{}", render(&source, &list, Format::Human(false)));
        });
        let memory = Memory::default();
        let journal = Journal::new().heard_by(memory.clone());
        let options = Options::new("example", crate::seed::RunSeed(1));
        let transport = Box::new(crate::transport::Loopback::new());
        run_case(&plan, &plan.cases[0], &options, transport, journal).expect("it runs");
        let problem = |what: &What| match what {
            What::Expectation(it) => it.problem.clone(),
            What::Oracle(it) => it.problem.clone(),
            What::Goal(it) => it.problem.clone(),
            _ => None,
        };
        memory.with(|events| {
            let problems = events.iter().filter_map(|event| problem(&event.what));
            problems.map(|problem| problem.code).collect()
        })
    }

    #[test]
    fn each_wrong_example_of_a_run_gives_its_code_and_each_right_one_runs() {
        for code in all().filter(|code| code.code.starts_with('X')) {
            assert_eq!(went_wrong(code.file(code.wrong)), [code.code]);
            let right = went_wrong(code.file(code.right));
            assert!(right.is_empty(), "{}: {right:?}", code.code);
        }
    }

    #[test]
    fn codes_are_in_order_and_each_there_once() {
        let codes: Vec<_> = all().map(|code| code.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }

    #[test]
    fn every_code_that_the_checker_gives_is_explained() {
        let root = format!("{}/src/scenario", env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![std::path::PathBuf::from(root)];
        let mut missing = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the sources are there") {
                let path = entry.expect("the sources are there").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("sources are text");
                for part in text
                    .split('"')
                    .filter(|part| part.len() == 5 && part.starts_with(['E', 'W']))
                {
                    if part[1..].bytes().all(|byte| byte.is_ascii_digit()) && find(part).is_none() {
                        missing.push(format!("{part} in {}", path.display()));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
