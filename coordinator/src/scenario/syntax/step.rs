//! Steps: what is around the action, the action itself, and what belongs to a call.

use crate::scenario::diagnostic::{Diagnostics, listing};
use crate::scenario::source::{Entry, Key, Node, Span, Value};
use crate::scenario::vocabulary::verbs;

use super::Named;
use super::cursor::{excludes, list, map, missing_key, unknown_key, word, wrong_kind};

/// Keys of a step that are no verbs, with what each is.
pub const KEYS: &[(&str, &str)] = &[
    ("say", "What happens, for people."),
    ("why", "Why it happens, for people."),
    ("in", "The Region asked."),
    ("as", "The principal that calls."),
    (
        "from",
        "Where the client stands; default: the Region asked.",
    ),
    ("client", "How the client waits and tries again."),
    (
        "when",
        "An expression; the step is left out when it is false.",
    ),
    (
        "for_each",
        "A name and a list; the step is done for each item.",
    ),
    ("repeat", "How often the step is done."),
    ("while", "Faults that last as long as the step."),
    ("do", "Steps."),
    (
        "together",
        "Named lanes of steps that run at the same time.",
    ),
    ("wait", "Lets virtual time pass."),
    (
        "start_fault",
        "Faults that last until `heal`; `save` names them.",
    ),
    (
        "heal",
        "Ends a fault that `start_fault` named, or `everything`.",
    ),
    ("save", "Names the answer."),
    ("expect", "What the answer must be; a map asks for a part."),
    (
        "exactly",
        "What the answer must be, with nothing beside it.",
    ),
    ("fails_with", "The error that the call must end with."),
    (
        "within",
        "Repeats the call until it is as expected, at most so long.",
    ),
    (
        "throughout",
        "Repeats the call for so long; it must be as expected each time.",
    ),
    (
        "raw",
        "Whether exactly what is written is sent, without what an SDK adds.",
    ),
    (
        "may_fail",
        "Whether a refusal is as good as an answer, as for load under faults.",
    ),
];

/// Who asks whom, and how patiently. A block's hold for the steps in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Adverbs<'a> {
    /// `in:`.
    pub region: Option<&'a Node>,
    /// `as:`.
    pub principal: Option<&'a Node>,
    /// `from:`.
    pub from: Option<&'a Node>,
    /// `client:`.
    pub client: Option<&'a Node>,
}

impl<'a> Adverbs<'a> {
    /// Keys that [`take`](Self::take) knows.
    pub const KEYS: &'static [&'static str] = &["in", "as", "from", "client"];

    /// Takes an entry if it is one of these.
    pub fn take(&mut self, entry: &'a Entry) -> bool {
        let place = match entry.key.text.as_str() {
            "in" => &mut self.region,
            "as" => &mut self.principal,
            "from" => &mut self.from,
            "client" => &mut self.client,
            _ => return false,
        };
        *place = Some(&entry.value);
        true
    }
}

/// A step as written.
#[derive(Debug)]
pub struct Step<'a> {
    /// The whole step.
    pub span: Span,
    /// `say:`.
    pub say: Option<&'a Node>,
    /// `why:`.
    pub why: Option<&'a Node>,
    /// `in`, `as`, `from`, `client`.
    pub adverbs: Adverbs<'a>,
    /// `when:`.
    pub when: Option<&'a Node>,
    /// `for_each:`, the name and the list.
    pub for_each: Option<(&'a Key, &'a Node)>,
    /// `repeat:`.
    pub repeat: Option<&'a Node>,
    /// `while:`.
    pub faults: Vec<Named<'a>>,
    /// What is done.
    pub action: Action<'a>,
}

/// What a step does.
#[derive(Debug)]
pub enum Action<'a> {
    /// A verb.
    Call(Call<'a>),
    /// `do:`.
    Do(Vec<Step<'a>>),
    /// `together:`.
    Together(Vec<Lane<'a>>),
    /// `wait:`.
    Wait(&'a Node),
    /// `start_fault:` and the name that `save` gives.
    StartFault(Vec<Named<'a>>, Option<&'a Node>),
    /// `heal:`.
    Heal(&'a Node),
    /// Nothing that could be read; reported.
    Nothing,
}

/// Steps that run beside those of other lanes.
#[derive(Debug)]
pub struct Lane<'a> {
    /// Its name.
    pub name: &'a Key,
    /// Its steps.
    pub steps: Vec<Step<'a>>,
}

/// A verb and what belongs to it.
#[derive(Debug)]
pub struct Call<'a> {
    /// The verb.
    pub verb: &'a Key,
    /// Its arguments.
    pub arguments: &'a Node,
    /// `save:`.
    pub save: Option<&'a Node>,
    /// `expect:`.
    pub expect: Option<&'a Node>,
    /// `exactly:`.
    pub exactly: Option<&'a Node>,
    /// `fails_with:`.
    pub fails_with: Option<&'a Node>,
    /// `within:`.
    pub within: Option<&'a Node>,
    /// `throughout:`.
    pub throughout: Option<&'a Node>,
    /// `raw:`.
    pub raw: Option<&'a Node>,
    /// `may_fail:`.
    pub may_fail: Option<&'a Node>,
}

/// Keys that belong to a verb and to nothing else.
const OF_CALLS: &[&str] = &[
    "expect",
    "exactly",
    "fails_with",
    "within",
    "throughout",
    "raw",
    "may_fail",
    "save",
];
/// Keys of which a step has one, or a verb instead.
const ACTIONS: &[&str] = &["do", "together", "wait", "start_fault", "heal"];

/// Reads a list of steps.
pub fn steps<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> Vec<Step<'a>> {
    let items = list(node, what, found);
    if items.is_empty()
        && !matches!(node.value, Value::Map(_))
        && node.scalar().is_none_or(|scalar| scalar.is_null())
    {
        found.error("E0113", node.span, format!("{what} holds no step"));
    }
    items.iter().filter_map(|item| step(item, found)).collect()
}

fn step<'a>(node: &'a Node, found: &mut Diagnostics) -> Option<Step<'a>> {
    let Value::Map(entries) = &node.value else {
        wrong_kind(node, "a step", "a map", found);
        return None;
    };
    let mut step = Step {
        span: node.span,
        say: None,
        why: None,
        adverbs: Adverbs::default(),
        when: None,
        for_each: None,
        repeat: None,
        faults: Vec::new(),
        action: Action::Nothing,
    };
    let mut actions = Vec::new();
    for entry in entries {
        let key = entry.key.text.as_str();
        if step.adverbs.take(entry) || OF_CALLS.contains(&key) {
            continue;
        }
        let value = &entry.value;
        match key {
            "say" => step.say = Some(value),
            "why" => step.why = Some(value),
            "when" => step.when = Some(value),
            "repeat" => step.repeat = Some(value),
            "for_each" => step.for_each = for_each(value, found),
            "while" => step.faults = faults(value, "`while`", found),
            _ if ACTIONS.contains(&key) || key.contains('.') => actions.push(entry),
            _ => unknown_step_key(&entry.key, found),
        }
    }
    step.action = action(node, &actions, found);
    Some(step)
}

fn unknown_step_key(key: &Key, found: &mut Diagnostics) {
    if let Some(verb) = verbs::all().find(|verb| verb.name().split('.').nth(1) == Some(&key.text)) {
        found
            .error(
                "E0104",
                key.span,
                format!("unknown key `{}` in a step", key.text),
            )
            .caption(format!("did you mean `{}`?", verb.name()));
        return;
    }
    unknown_key(key, "a step", KEYS.iter().map(|(key, _)| *key), found);
}

fn for_each<'a>(node: &'a Node, found: &mut Diagnostics) -> Option<(&'a Key, &'a Node)> {
    match map(node, "`for_each`", found) {
        [entry] => Some((&entry.key, &entry.value)),
        [] => {
            found
                .error("E0113", node.span, "`for_each` needs a name and a list")
                .help("write `for_each: { region: [eu-west-1, us-east-1] }`");
            None
        }
        [first, second, ..] => {
            found
                .error("E0106", second.key.span, "`for_each` takes one name")
                .label(first.key.span, "the first")
                .help("give items as maps, `for_each: { at: [{ region: ..., status: ... }] }`, or put one `for_each` into another");
            Some((&first.key, &first.value))
        }
    }
}

/// Reads `while:` and `start_fault:`: a list of faults, or one.
fn faults<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> Vec<Named<'a>> {
    if node.entries().is_some() {
        return word(node, "a fault", found).into_iter().collect();
    }
    let items = list(node, what, found);
    if items.is_empty() && node.items().is_some() {
        found.error("E0113", node.span, format!("{what} names no fault"));
    }
    items
        .iter()
        .filter_map(|item| word(item, "a fault", found))
        .collect()
}

fn action<'a>(node: &'a Node, actions: &[&'a Entry], found: &mut Diagnostics) -> Action<'a> {
    let Some(first) = actions.first() else {
        found
            .error("E0109", node.span, "this step does nothing")
            .help("a step needs a verb such as `kms.encrypt`, or one of `do`, `together`, `wait`, `start_fault` and `heal`");
        return Action::Nothing;
    };
    for other in &actions[1..] {
        found
            .error(
                "E0110",
                other.key.span,
                format!(
                    "a step does one thing, and this one has {}",
                    listing(&[&first.key.text, &other.key.text])
                ),
            )
            .label(first.key.span, "the first")
            .help("make each a step of its own, or put them into a `do`");
    }
    let is_verb = first.key.text.contains('.');
    let saves = is_verb || first.key.text == "start_fault";
    for entry in node.entries().unwrap_or_default() {
        let key = entry.key.text.as_str();
        if OF_CALLS.contains(&key) && !is_verb && !(key == "save" && saves) {
            found
                .error(
                    "E0111",
                    entry.key.span,
                    format!("`{key}` belongs to a verb"),
                )
                .label(first.key.span, format!("`{}` is none", first.key.text));
        }
    }
    let value = &first.value;
    match first.key.text.as_str() {
        "do" => Action::Do(steps(value, "`do`", found)),
        "together" => Action::Together(lanes(value, found)),
        "wait" => Action::Wait(value),
        "start_fault" => {
            Action::StartFault(faults(value, "`start_fault`", found), node.get("save"))
        }
        "heal" => Action::Heal(value),
        _ => Action::Call(call(node, first, found)),
    }
}

fn lanes<'a>(node: &'a Node, found: &mut Diagnostics) -> Vec<Lane<'a>> {
    let entries = map(node, "`together`", found);
    if entries.len() == 1 {
        found.error(
            "E0113",
            entries[0].key.span,
            "one lane alone is not together with anything",
        );
    }
    if entries.is_empty() && node.entries().is_some() {
        missing_key(node.span, "lane", "`together`", found);
    }
    entries
        .iter()
        .map(|entry| Lane {
            name: &entry.key,
            steps: steps(&entry.value, "a lane", found),
        })
        .collect()
}

fn call<'a>(node: &'a Node, verb: &'a Entry, found: &mut Diagnostics) -> Call<'a> {
    let key = |name: &str| {
        node.entries()
            .unwrap_or_default()
            .iter()
            .find(|entry| entry.key.text == name)
            .map(|entry| &entry.key)
    };
    for (one, other, why) in [
        ("fails_with", "expect", "a call that fails has no answer"),
        ("fails_with", "exactly", "a call that fails has no answer"),
        ("fails_with", "save", "a call that fails has no answer"),
        (
            "fails_with",
            "may_fail",
            "one asks for a refusal, the other allows one",
        ),
        (
            "within",
            "may_fail",
            "a refusal would end the waiting at once",
        ),
        ("throughout", "may_fail", "what may fail need not stay true"),
        (
            "save",
            "may_fail",
            "a call that may fail may have no answer",
        ),
        (
            "expect",
            "exactly",
            "`exactly` is an `expect` that forbids everything else",
        ),
        (
            "within",
            "throughout",
            "one waits until it is true, the other asks that it stays true",
        ),
    ] {
        if let (Some(one), Some(other)) = (key(one), key(other)) {
            excludes(one, other, why, found);
        }
    }
    Call {
        verb: &verb.key,
        arguments: &verb.value,
        save: node.get("save"),
        expect: node.get("expect"),
        exactly: node.get("exactly"),
        fails_with: node.get("fails_with"),
        within: node.get("within"),
        throughout: node.get("throughout"),
        raw: node.get("raw"),
        may_fail: node.get("may_fail"),
    }
}
