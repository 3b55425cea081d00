//! How often a step runs: `when`, `for_each`, `repeat`.

use serde_json::Value;

use crate::scenario::plan::Step;
use crate::scenario::template::{Bindings, EvaluateError};

/// One round: what it adds to the path, and the item of `for_each`.
pub(super) type Round = (String, Option<Value>);

/// The rounds of a step; `None` when `when:` is false.
pub(super) fn rounds(
    step: &Step,
    bindings: &Bindings,
) -> Result<Option<Vec<Round>>, EvaluateError> {
    if let Some(when) = &step.when
        && !when.get(bindings)?
    {
        return Ok(None);
    }
    let items: Vec<Round> = match &step.for_each {
        None => vec![(String::new(), None)],
        Some((_, list)) => {
            let items = list.get(bindings)?.into_iter().zip(1_usize..);
            items
                .map(|(item, number)| (format!("[{}]", label(&item, number)), Some(item)))
                .collect()
        }
    };
    let Some(repeat) = &step.repeat else {
        return Ok(Some(items));
    };
    let times = repeat.get(bindings)?;
    let again = |(label, item): Round| {
        (1..=times).map(move |time| (format!("{label}[{time}]"), item.clone()))
    };
    Ok(Some(items.into_iter().flat_map(again).collect()))
}

/// Short text of an item, or its number.
fn label(item: &Value, number: usize) -> String {
    match item {
        Value::String(text) if text.len() <= 40 => text.clone(),
        Value::Number(_) | Value::Bool(_) => item.to_string(),
        _ => number.to_string(),
    }
}
