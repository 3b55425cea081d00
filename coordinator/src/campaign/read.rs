//! A campaign file, read strictly: everything that is wrong with it at once.

mod calm;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Span;
use crate::scenario::diagnostic::{Diagnostic, Diagnostics};
use crate::scenario::quantity;
use crate::scenario::source::{Entry, Node, Source, Value, parse};
use crate::scenario::syntax::cursor::{list, map, missing_key, text, unknown_key};
use crate::scenario::vocabulary::faults;

use super::targets::Names;
use super::worlds::Worlds;
use super::{Budget, Campaign, Faults, MixRow, PickRow, Workload, check, compounds};
use crate::scenario::emit::{entry, plain};

const KEYS: &[&str] = &[
    "campaign",
    "title",
    "story",
    "tags",
    "world",
    "vars",
    "client",
    "defaults",
    "seeds",
    "budget",
    "workload",
    "faults",
    "always",
    "goals",
    "settle",
    "reach",
    "stop_after",
    "shrink",
];
/// What a campaign takes from its world's file.
const SHARED: &[&str] = &["vars", "world", "client", "defaults"];
/// Most seeds of one campaign.
const MOST_SEEDS: u64 = 100_000_000;
/// Most operations of one run: its scenario must stay a file.
const MOST_OPERATIONS: u64 = 100_000;

/// Reads and checks a campaign file. Its world may be in another file, `beside` it.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read(source: &Arc<Source>, path: &Path) -> Result<Campaign, Vec<Diagnostic>> {
    let (root, problems) = parse(source);
    let mut reader = Reader {
        found: Diagnostics { list: problems },
        folder: path.parent().unwrap_or(Path::new("")),
    };
    let Some(root) = root else {
        return Err(reader.found.sorted());
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let campaign = reader.campaign(source, &root, &name);
    if let Some(campaign) = &campaign
        && !reader.found.has_errors()
    {
        check::rows(campaign, &mut reader.found);
    }
    let errors = reader.found.has_errors();
    let found = reader.found.sorted();
    match campaign {
        Some(campaign) if !errors => Ok(Campaign {
            warnings: found,
            ..campaign
        }),
        _ => Err(found),
    }
}

/// Every run begins in the same world unless the file gives it a seed: it is then made once.
fn with_a_seed(mut shared: Vec<Entry>) -> Vec<Entry> {
    let world = shared.iter_mut().find(|entry| entry.key.text == "world");
    if let Some(Value::Map(entries)) = world.map(|entry| &mut entry.value.value)
        && !entries.iter().any(|entry| entry.key.text == "seed")
    {
        entries.push(entry("seed", plain("1")));
    }
    shared
}

/// The state of reading.
pub(super) struct Reader<'a> {
    pub found: Diagnostics,
    folder: &'a Path,
}

impl Reader<'_> {
    fn campaign(&mut self, source: &Arc<Source>, root: &Node, name: &str) -> Option<Campaign> {
        let entries = map(root, "a campaign file", &mut self.found);
        for entry in entries {
            if !KEYS.contains(&entry.key.text.as_str()) {
                unknown_key(
                    &entry.key,
                    "a campaign file",
                    KEYS.iter().copied(),
                    &mut self.found,
                );
            }
        }
        for key in ["campaign", "title", "world", "workload"] {
            if root.get(key).is_none() {
                missing_key(root.span, key, "a campaign file", &mut self.found);
            }
        }
        if let Some(version) = root.get("campaign").filter(|it| it.text() != Some("1")) {
            self.found
                .error(
                    "E0114",
                    version.span,
                    "this version of the language is not known",
                )
                .caption("expected `1`")
                .help("write `campaign: 1`");
        }
        // Every part is read before any that is missing ends it, so that all is told at once.
        let shared = with_a_seed(self.shared(root));
        let title = root
            .get("title")
            .and_then(|it| text(it, "`title`", &mut self.found));
        let workload = root.get("workload").and_then(|it| self.workload(it));
        let (seeds, budget) = (
            self.seeds(root.get("seeds")),
            self.budget(root.get("budget")),
        );
        let faults = self.faults(root.get("faults"));
        let settle = root.get("settle").map(|node| self.settle(node));
        let reach = self.reach(root.get("reach"));
        let stop_after = self.stop_after(root.get("stop_after"));
        let shrink = self.shrink(root.get("shrink"));
        Some(Campaign {
            source: Arc::clone(source),
            name: name.to_owned(),
            title: title?.to_owned(),
            names: Names::of(&shared),
            shared,
            seeds,
            budget,
            workload: workload?,
            faults,
            always: root.get("always").cloned(),
            goals: root.get("goals").cloned(),
            settle,
            reach,
            stop_after,
            shrink,
            warnings: Vec::new(),
            worlds: Worlds::default(),
        })
    }

    /// The world, written here or taken from a scenario file.
    fn shared(&mut self, root: &Node) -> Vec<Entry> {
        let of = |root: &Node| -> Vec<Entry> {
            let entries = root.entries().unwrap_or_default().iter();
            entries
                .filter(|entry| SHARED.contains(&entry.key.text.as_str()))
                .cloned()
                .collect()
        };
        let mut shared = of(root);
        let Some(world) = root.get("world").filter(|world| world.entries().is_none()) else {
            return shared;
        };
        let Some(path) = text(world, "`world`", &mut self.found) else {
            return shared;
        };
        let file = self.folder.join(path);
        let other = match std::fs::read_to_string(&file) {
            Ok(text) => Source::new(file.display().to_string(), text),
            Err(error) => {
                self.found
                    .error(
                        "E0107",
                        world.span,
                        format!("the world's file cannot be read: {error}"),
                    )
                    .help(
                        "`world` is a map, or the path of a scenario file from this file's folder",
                    );
                return shared;
            }
        };
        let (tree, problems) = parse(&other);
        let whole = crate::scenario::load(&other);
        let (Some(tree), true, Ok(_)) = (tree, problems.is_empty(), whole) else {
            self.found
                .error("E0107", world.span, "the world's file is no valid scenario")
                .help(format!("`faultline check {}` says why", file.display()));
            return shared;
        };
        shared.retain(|entry| entry.key.text != "world");
        let here: Vec<String> = shared.iter().map(|entry| entry.key.text.clone()).collect();
        shared.extend(
            of(&tree)
                .into_iter()
                .filter(|entry| !here.contains(&entry.key.text)),
        );
        shared
    }

    /// The entries of a map whose keys must be among these.
    fn part<'n>(&mut self, node: &'n Node, place: &str, keys: &[&str]) -> &'n [Entry] {
        let entries = map(node, place, &mut self.found);
        for entry in entries {
            if !keys.contains(&entry.key.text.as_str()) {
                unknown_key(&entry.key, place, keys.iter().copied(), &mut self.found);
            }
        }
        entries
    }

    pub(super) fn wrong(&mut self, node: &Node, wanted: &str) {
        self.found
            .error("E0107", node.span, format!("this must be {wanted}"))
            .caption(format!("expected {wanted}"));
    }

    fn number(&mut self, node: Option<&Node>, least: u64, most: u64, usual: u64) -> u64 {
        let Some(node) = node else { return usual };
        let number = node.scalar().and_then(|scalar| scalar.value().as_u64());
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => number,
            None => {
                self.wrong(node, &format!("a whole number from {least} to {most}"));
                usual
            }
        }
    }

    fn duration(&mut self, node: Option<&Node>, usual: Duration) -> Duration {
        let Some(node) = node else { return usual };
        node.text().and_then(quantity::duration).unwrap_or_else(|| {
            self.wrong(node, "a duration such as `15s`");
            usual
        })
    }

    /// A duration, or `{ from: 1s, to: 60s }`.
    fn range(&mut self, node: Option<&Node>, usual: (Span, Span)) -> (Span, Span) {
        let Some(node) = node else { return usual };
        if node.entries().is_none() {
            let span = Span::from(self.duration(Some(node), Duration::ZERO));
            return (span, span);
        }
        self.part(node, "a span of time", &["from", "to"]);
        let from = Span::from(self.duration(node.get("from"), Duration::ZERO));
        let to = Span::from(self.duration(node.get("to"), Duration::from_micros(from.0)));
        if to < from {
            self.wrong(node, "a span that ends after it begins");
        }
        (from, to.max(from))
    }

    fn seeds(&mut self, node: Option<&Node>) -> (u64, u64) {
        let Some(node) = node else { return (1, 100) };
        self.part(node, "`seeds`", &["from", "count"]);
        let from = self.number(node.get("from"), 0, u64::MAX / 2, 1);
        (from, self.number(node.get("count"), 1, MOST_SEEDS, 100))
    }

    fn budget(&mut self, node: Option<&Node>) -> Budget {
        let Some(node) = node else {
            return Budget::default();
        };
        self.part(node, "`budget`", &["wall", "simulated_per_run", "workers"]);
        let span = |reader: &mut Self, key| {
            let node = node.get(key)?;
            Some(reader.duration(Some(node), Duration::from_secs(60)))
        };
        let workers = node.get("workers").filter(|it| it.text() != Some("auto"));
        Budget {
            wall: span(self, "wall"),
            simulated: span(self, "simulated_per_run").map(Span::from),
            workers: workers.map(|node| self.number(Some(node), 1, 1024, 1)),
        }
    }

    fn workload(&mut self, node: &Node) -> Option<Workload> {
        const KEYS: &[&str] = &[
            "lasts", "clients", "rate", "keys", "skew", "in", "as", "from", "client", "mix",
        ];
        let entries = self.part(node, "`workload`", KEYS);
        let adverbs = entries
            .iter()
            .filter(|entry| matches!(entry.key.text.as_str(), "in" | "as" | "from" | "client"));
        let adverbs = adverbs.cloned().collect();
        let lasts = Span::from(self.duration(node.get("lasts"), Duration::from_secs(30)));
        let clients = self.number(node.get("clients"), 1, 64, 2);
        let rate = self.rate(node.get("rate"));
        // A client's mean pause: so many clients share the rate, in millionths a second.
        let pause = Span(clients.saturating_mul(1_000_000_000_000) / rate.max(1));
        if lasts.0 / pause.0.max(1) * clients > MOST_OPERATIONS {
            self.wrong(
                node,
                &format!("at most {MOST_OPERATIONS} operations a run: lower `rate` or `lasts`"),
            );
        }
        let hot = match node.get("skew").map(|skew| (skew, skew.text())) {
            None | Some((_, Some("even"))) => false,
            Some((_, Some("hot"))) => true,
            Some((skew, _)) => {
                self.wrong(
                    skew,
                    "`even`, or `hot`: half of all operations meet one key",
                );
                false
            }
        };
        let keys = self.number(node.get("keys"), 1, 1_000_000, 8);
        let Some(mix) = node.get("mix") else {
            missing_key(node.span, "mix", "`workload`", &mut self.found);
            return None;
        };
        let mix = list(mix, "`mix`", &mut self.found)
            .iter()
            .filter_map(|row| self.mix_row(row))
            .collect();
        Some(Workload {
            lasts,
            clients,
            pause,
            keys,
            hot,
            adverbs,
            mix,
        })
    }

    /// Millionths of an operation a second.
    fn rate(&mut self, node: Option<&Node>) -> u64 {
        const USUAL: u64 = 10_000_000;
        let Some(node) = node else { return USUAL };
        let read = node.text().and_then(quantity::rate);
        let read = read.and_then(|rate| {
            rate.millionths
                .checked_mul(1_000_000)?
                .checked_div(rate.per_micros)
        });
        read.filter(|rate| *rate > 0).unwrap_or_else(|| {
            self.wrong(node, "a rate such as `20/s`");
            USUAL
        })
    }

    fn mix_row(&mut self, node: &Node) -> Option<MixRow> {
        let entries = map(node, "a row of `mix`", &mut self.found);
        let step: Vec<Entry> = entries
            .iter()
            .filter(|it| it.key.text != "weight")
            .cloned()
            .collect();
        for entry in &step {
            if matches!(
                entry.key.text.as_str(),
                "while"
                    | "do"
                    | "together"
                    | "save"
                    | "within"
                    | "throughout"
                    | "start_fault"
                    | "heal"
                    | "may_fail"
            ) {
                self.found
                    .error("E0104", entry.key.span, format!("`{}` cannot stand in a row of `mix`", entry.key.text))
                    .help("a row is one verb with its adverbs; what must hold is said under `always` and `settle`");
            }
        }
        let weight = self.number(node.get("weight"), 0, 1_000_000, 1);
        (!step.is_empty()).then_some(MixRow { weight, step })
    }

    fn faults(&mut self, node: Option<&Node>) -> Faults {
        let none = Faults {
            at_once: 0,
            calm: (Span::ZERO, Span::ZERO),
            swarm: false,
            pick: Vec::new(),
        };
        let Some(node) = node else { return none };
        self.part(
            node,
            "`faults`",
            &["at_once", "calm_between", "swarm", "pick"],
        );
        let at_once = node.get("at_once");
        let at_once = at_once.and_then(|it| it.get("at_most")).or(at_once);
        let pick = node
            .get("pick")
            .map(|pick| list(pick, "`pick`", &mut self.found))
            .unwrap_or_default();
        let swarm = match node.get("swarm").map(|node| (node, node.text())) {
            None | Some((_, Some("false"))) => false,
            Some((_, Some("true"))) => true,
            Some((node, _)) => {
                self.wrong(node, "`true` or `false`");
                false
            }
        };
        Faults {
            at_once: self.number(at_once, 1, 16, 1),
            calm: self.range(node.get("calm_between"), (Span::ZERO, Span::secs(10))),
            swarm,
            pick: pick.iter().filter_map(|row| self.pick_row(row)).collect(),
        }
    }

    fn pick_row(&mut self, node: &Node) -> Option<PickRow> {
        let entries = map(node, "a row of `pick`", &mut self.found);
        let mut rest = entries
            .iter()
            .filter(|it| !matches!(it.key.text.as_str(), "weight" | "lasts"));
        let Some(fault) = rest.next() else {
            self.wrong(node, "a fault, beside `weight` and `lasts`");
            return None;
        };
        for other in rest {
            self.found
                .error("E0110", other.key.span, "a row of `pick` is one fault")
                .label(fault.key.span, "the first")
                .help("write a row for each; what belongs together is a compound (`faultline list compounds`)");
        }
        let name = fault.key.text.as_str();
        if faults::find(name).is_none() && compounds::find(name).is_none() {
            let known = faults::KINDS
                .iter()
                .copied()
                .chain(compounds::COMPOUNDS.iter().map(|it| it.name));
            self.found
                .error(
                    "E0209",
                    fault.key.span,
                    format!("no fault is named `{name}`"),
                )
                .suggest(name, known);
            return None;
        }
        Some(PickRow {
            weight: self.number(node.get("weight"), 0, 1_000_000, 1),
            lasts: self.range(node.get("lasts"), (Span::secs(1), Span::secs(10))),
            fault: fault.clone(),
        })
    }
}
