//! Faults beside the steps of a file: what a campaign draws, a lab adds and a console clicks.

use super::emit::{entry, file, list, map};
use super::source::{Entry, Node};

/// The steps of a lane in which faults begin after a while, last, and end.
#[must_use]
pub fn trouble(after: Option<Node>, faults: Vec<Node>, lasts: Node) -> Vec<Node> {
    let wait = |span: Node| map(vec![entry("wait", span)]);
    let mut steps: Vec<Node> = after.map(wait).into_iter().collect();
    steps.push(map(vec![
        entry("while", list(faults)),
        entry("do", list(vec![wait(lasts)])),
    ]));
    steps
}

/// A file's text with its steps as the lane `file`, and these lanes at the same time. `None`
/// when it has no steps.
#[must_use]
pub fn beside(root: &Node, lanes: Vec<(String, Vec<Node>)>) -> Option<String> {
    let mut entries: Vec<Entry> = root.entries()?.to_vec();
    let steps = entries.iter_mut().find(|it| it.key.text == "steps")?;
    let own = std::mem::replace(&mut steps.value, list(Vec::new()));
    let lanes = lanes.into_iter();
    let lanes = lanes.map(|(name, steps)| entry(&name, list(steps)));
    let all = [entry("file", own)].into_iter().chain(lanes).collect();
    steps.value = list(vec![map(vec![entry("together", map(all))])]);
    Some(file(&entries))
}
