//! From what was written to what will run, with every problem on the way.
//!
//! One pass: each part of the syntax is checked against the tables and at once becomes its
//! part of the plan. What cannot be read is reported, something harmless takes its place,
//! and the pass goes on. Only when nothing was reported as an error is there a plan.
//!
//! - [`scope`]: what `$name` stands for, and of which type it is.
//! - [`substitute`]: scalars that are names or expressions.
//! - [`members`], [`scalars`]: values against the tables.
//! - [`policies`]: policies in both forms.
//! - [`expect`], [`words`]: expectations against the form of the answer.
//! - [`world`], [`steps`], [`calls`], [`claims`]: the parts of a file.

pub mod calls;
pub mod claims;
pub mod expect;
pub mod members;
pub mod policies;
pub mod scalars;
pub mod scope;
pub mod steps;
pub mod substitute;
pub mod words;
pub mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::names::Names;
use super::plan::{Case, Plan};
use super::source::{Entry, Node, Scalar, Source, Span, Value as Tree};
use super::syntax::File;
use super::vocabulary::oracles;

use members::{Made, Places};
use scope::{Origin, Scope, Type};
use steps::Around;

/// Most combinations of a matrix.
const MOST_CASES: usize = 256;

/// The state of a check.
pub struct Checker<'s> {
    /// The file.
    pub source: &'s Source,
    /// What was found.
    pub found: Diagnostics,
    /// The world's names.
    pub names: Names,
    /// Names of `$`.
    pub scope: Scope,
    /// Places of bindings that something uses.
    pub used: BTreeSet<Span>,
    /// All bindings there ever were.
    pub defined: BTreeSet<(String, Span, Origin)>,
    /// What the file's own steps create.
    pub made: Made,
    /// What is saved anywhere in the file.
    pub saved_anywhere: Places,
    /// Names of faults that were started.
    pub started: BTreeSet<String>,
    /// The bucket whose entry is read.
    pub bucket: Option<String>,
    /// Variables that come later than the one that is read.
    pub later_variables: Places,
}

impl<'s> Checker<'s> {
    fn new(source: &'s Source) -> Self {
        Self {
            source,
            found: Diagnostics::default(),
            names: Names::default(),
            scope: Scope::default(),
            used: BTreeSet::new(),
            defined: BTreeSet::new(),
            made: Made::new(),
            saved_anywhere: Places::new(),
            started: BTreeSet::new(),
            bucket: None,
            later_variables: Places::new(),
        }
    }
}

/// Checks a file and makes it ready to run. `overrides` are values for `vars`, as from
/// `--var name=value`.
///
/// # Errors
/// Everything that is wrong with it, warnings too, in the order of the file.
pub fn check(
    source: &Arc<Source>,
    file: &File<'_>,
    before: Diagnostics,
    overrides: &BTreeMap<String, String>,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut checker = Checker::new(source);
    checker.found = before;
    let combinations = checker.combinations(file);
    let seed = checker.seed(file);
    checker.meant_to_violate(file);
    let mut cases = Vec::new();
    for combination in combinations {
        cases.push(checker.case(file, &combination, overrides));
    }
    checker.unused();
    let diagnostics = checker.found;
    if diagnostics.has_errors() {
        return Err(diagnostics.sorted());
    }
    Ok(Plan {
        source: Arc::clone(source),
        title: file.title.unwrap_or_default().to_owned(),
        story: file.story.map(str::to_owned),
        tags: file.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        seed,
        meant_to_violate: file
            .meant_to_violate
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        cases,
        warnings: diagnostics.sorted(),
    })
}

/// Values of the matrix in one combination, with the places of their names.
type Combination = Vec<(String, Span, Value)>;

impl Checker<'_> {
    fn combinations(&mut self, file: &File<'_>) -> Vec<Combination> {
        let mut combinations: Vec<Combination> = vec![Vec::new()];
        for Entry { key, value } in file.matrix {
            self.good_name(&super::source::Key {
                text: key.text.clone(),
                span: key.span,
            });
            let Tree::Seq(items) = &value.value else {
                self.found.error(
                    "E0106",
                    value.span,
                    format!("a name in `matrix` takes a list, not {}", value.kind()),
                );
                continue;
            };
            if items.is_empty() {
                self.found.error(
                    "E0113",
                    value.span,
                    "an empty list in `matrix` leaves no case to run",
                );
                continue;
            }
            let mut next = Vec::new();
            for combination in &combinations {
                for item in items {
                    let value = self.untyped(item).constant().unwrap_or(Value::Null);
                    let mut combination = combination.clone();
                    combination.push((key.text.clone(), key.span, value));
                    next.push(combination);
                }
            }
            combinations = next;
            if combinations.len() > MOST_CASES {
                self.found.error(
                    "E0103",
                    key.span,
                    format!("the matrix has more than {MOST_CASES} combinations"),
                );
                combinations.truncate(1);
            }
        }
        combinations
    }

    fn seed(&mut self, file: &File<'_>) -> Option<u64> {
        self.whole_seed(file.seed?, "`seed`")
    }

    fn whole_seed(&mut self, node: &Node, place: &str) -> Option<u64> {
        let seed = node.scalar().and_then(|scalar| scalar.value().as_u64());
        if seed.is_none() {
            let message = format!("{place} is a whole number, not negative");
            self.found
                .error("E0107", node.span, message)
                .caption("expected a number such as `7`");
        }
        seed
    }

    fn meant_to_violate(&mut self, file: &File<'_>) {
        for (name, span) in &file.meant_to_violate {
            if oracles::find(name).is_none() {
                self.found
                    .error("E0210", *span, format!("no oracle is named `{name}`"))
                    .suggest(name, oracles::ORACLES.iter().map(|oracle| oracle.name));
            }
        }
    }

    fn case(
        &mut self,
        file: &File<'_>,
        combination: &Combination,
        overrides: &BTreeMap<String, String>,
    ) -> Case {
        self.scope = Scope::default();
        self.names = Names::default();
        self.started.clear();
        let vars = self.variables(file, combination, overrides);
        self.collect_names(&file.world);
        self.look_ahead(&file.steps);
        self.look_ahead(&file.finally);
        let world = self.world(&file.world);
        let client = file
            .client
            .map(|node| self.client(node))
            .unwrap_or_default()
            .or(&world.client);
        let mut around = self.around(
            &file.defaults,
            &Around {
                client,
                ..Around::default()
            },
        );
        around.client = around.client.or(&world.client);
        let steps = self.steps(&file.steps, &around, "");
        let always = self.oracles(&file.always);
        let finally = self.steps(&file.finally, &around, "finally.");
        let goals = self.goals(&file.goals);
        let label = combination
            .iter()
            .map(|(name, _, value)| format!("{name}={}", super::matchers::shown(Some(value))));
        Case {
            label: label.collect::<Vec<_>>().join(", "),
            vars,
            world,
            steps,
            always,
            finally,
            goals,
        }
    }

    fn variables(
        &mut self,
        file: &File<'_>,
        combination: &Combination,
        overrides: &BTreeMap<String, String>,
    ) -> BTreeMap<String, Value> {
        let mut vars = BTreeMap::new();
        for (name, span, value) in combination {
            self.bind(
                name.clone(),
                *span,
                Origin::Variable,
                Type::Values(vec![value.clone()]),
            );
            vars.insert(name.clone(), value.clone());
        }
        let places = file
            .vars
            .iter()
            .map(|entry| (entry.key.text.clone(), entry.key.span));
        self.later_variables = places.collect();
        for Entry { key, value } in file.vars {
            let good = self.good_name(key);
            self.later_variables.remove(&key.text);
            let written = self.variable(value);
            let value = match overrides.get(&key.text) {
                Some(text) if written.is_string() => Value::String(text.clone()),
                Some(text) => Scalar {
                    text: text.clone(),
                    plain: true,
                }
                .value(),
                None => written,
            };
            if good {
                let of = Type::Values(vec![value.clone()]);
                self.bind(key.text.clone(), key.span, Origin::Variable, of);
            }
            vars.insert(key.text.clone(), value);
        }
        for name in overrides.keys() {
            if !vars.contains_key(name) {
                let known: Vec<String> = vars.keys().cloned().collect();
                self.found
                    .error(
                        "E0212",
                        file.span,
                        format!("`--var {name}` names no variable of this file"),
                    )
                    .suggest(name, known.iter().map(String::as_str));
            }
        }
        vars
    }

    fn variable(&mut self, node: &Node) -> Value {
        let template = self.untyped(node);
        template.constant().unwrap_or_else(|| {
            self.found.error(
                "E0407",
                node.span,
                "a variable must be known before the run",
            );
            Value::Null
        })
    }

    /// Warns of names that nothing uses.
    fn unused(&mut self) {
        let broken = self.found.has_errors();
        for (name, span, origin) in std::mem::take(&mut self.defined) {
            let (code, word) = match origin {
                Origin::Variable => ("W0501", "variable"),
                Origin::Saved => ("W0502", "saved answer"),
                Origin::Loop => ("W0504", "loop variable"),
            };
            // Where something could not be read, the use may be in it.
            let mentioned = broken && self.source.text.matches(&name).count() > 1;
            if !self.used.contains(&span) && !mentioned {
                self.found
                    .warning(code, span, format!("nothing uses the {word} `{name}`"));
            }
        }
    }
}

/// Whether a list of findings forbids running.
#[must_use]
pub fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}
