//! The pages of `explain`, one function a kind.

use faultline_proto::explain::{Line, members, page};
use faultline_proto::tables::MessageDef;

use super::codes::Code;
use crate::campaign::compounds::Compound;
use crate::scenario::vocabulary::faults::FaultDef;
use crate::scenario::vocabulary::metrics::{MetricDef, STATISTICS, Unit};
use crate::scenario::vocabulary::oracles::OracleDef;
use crate::scenario::vocabulary::verbs::Verb;

fn lines(title: &str, lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(ToString::to_string).collect();
    format!("\n{title}\n{lines}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

pub(super) fn code(code: &Code) -> String {
    let severity = if code.code.starts_with('W') {
        "warning"
    } else {
        "error"
    };
    format!(
        "{}: {} ({severity})\n\n{}\n\nwrong\n{}\nright\n{}",
        code.code,
        code.title,
        code.text,
        indented(code.wrong),
        indented(code.right),
    )
}

pub(super) fn verb(verb: Verb) -> String {
    match verb {
        Verb::Operation(operation) => page(operation).to_string(),
        Verb::BuiltIn(built_in) => {
            let errors = match built_in.errors {
                [] => String::new(),
                errors => format!("\nerrors\n  {}\n", errors.join("\n  ")),
            };
            format!(
                "{}: a verb that AWS does not have. {}\n{}{}{errors}",
                built_in.verb,
                built_in.doc,
                lines("arguments", &members(built_in.input)),
                lines("results", &members(built_in.output)),
            )
        }
    }
}

pub(super) fn fault(fault: &FaultDef) -> String {
    let fis = fault.fis.map_or(String::new(), |action| {
        format!("\nIn AWS Fault Injection Service: {action}.\n")
    });
    format!(
        "{}: a fault. {}\n\n{}{}{fis}",
        fault.name,
        fault.members.doc,
        indented(fault.example),
        lines("members", &members(fault.members)),
    )
}

pub(super) fn compound(compound: &Compound) -> String {
    let fis = compound.fis.map_or(String::new(), |action| {
        format!("\nIn AWS Fault Injection Service: {action}.\n")
    });
    format!(
        "{}: several faults under one name, for `pick` of a campaign. {}\n\n{}{fis}",
        compound.name,
        compound.doc,
        indented(&format!(
            "- {{ weight: 1, lasts: 20s, {}: any }}",
            compound.name
        )),
    )
}

pub(super) fn sealed(topic: &'static MessageDef) -> String {
    format!(
        "{}: in `world.sealed_clients`. {}\n{}",
        topic.name,
        topic.doc,
        lines("members", &members(topic)),
    )
}

pub(super) fn oracle(oracle: &OracleDef) -> String {
    format!(
        "{}: an oracle. {}\n\nIt cannot see {}.\n{}",
        oracle.name,
        oracle.arguments.doc,
        oracle.blind,
        lines("arguments", &members(oracle.arguments)),
    )
}

pub(super) fn metric(metric: &MetricDef) -> String {
    let unit = match metric.unit {
        Unit::Time => "a duration, `2s`",
        Unit::Share => "a share, `99%`",
        Unit::Count => "a whole number",
    };
    let statistics: String = STATISTICS
        .iter()
        .map(|(name, doc)| format!("  {name} {doc}\n"))
        .collect();
    format!(
        "{}: a metric. {}\n\nIt is {unit}.\n{}\nbounds\n{statistics}",
        metric.name,
        metric.doc,
        lines("where", &members(metric.filter)),
    )
}
