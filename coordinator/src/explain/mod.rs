//! What `faultline explain` and `faultline list` say: codes, verbs, faults, oracles,
//! metrics, matchers, and what is seen on the pages.
//!
//! Everything comes from the tables that also check files, so no page can be out of date.
//! Pages are plain text, made to be read in a terminal of 80 columns or more.

pub mod codes;
mod pages;
pub mod views;

use self::views::VIEWS;
use crate::campaign::compounds::{self, COMPOUNDS};
use crate::campaign::reach::MOMENTS;
use crate::campaign::targets::RANDOM;
use crate::scenario::diagnostic::nearest;
use crate::scenario::matchers::WORDS;
use crate::scenario::syntax::step;
use crate::scenario::vocabulary::faults::FAULTS;
use crate::scenario::vocabulary::metrics::METRICS;
use crate::scenario::vocabulary::oracles::ORACLES;
use crate::scenario::vocabulary::sealed_clients::TOPICS;
use crate::scenario::vocabulary::{faults, metrics, oracles, verbs};

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Verbs of steps.
    Verbs,
    /// Faults.
    Faults,
    /// Oracles.
    Oracles,
    /// Metrics of goals.
    Metrics,
    /// Codes of diagnostics.
    Errors,
    /// Matchers of expectations.
    Matchers,
    /// Keys of steps that are no verbs.
    Adverbs,
    /// Faults of several parts, in campaigns.
    Compounds,
    /// What a campaign's `reach` may ask for.
    Moments,
    /// What stands after `$random.` in campaigns.
    Random,
    /// How clients encrypt what they send: `world.sealed_clients`.
    Sealed,
    /// What is seen on the report and in the console.
    Views,
}

impl Kind {
    /// All kinds with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("verbs", Self::Verbs),
        ("faults", Self::Faults),
        ("oracles", Self::Oracles),
        ("metrics", Self::Metrics),
        ("errors", Self::Errors),
        ("matchers", Self::Matchers),
        ("adverbs", Self::Adverbs),
        ("compounds", Self::Compounds),
        ("moments", Self::Moments),
        ("random", Self::Random),
        ("sealed", Self::Sealed),
        ("views", Self::Views),
    ];
}

/// A line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The name that `explain` takes.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
}

/// All things of a kind.
#[must_use]
pub fn list(kind: Kind) -> Vec<Row> {
    let pair = |(name, summary): &(&'static str, &'static str)| Row { name, summary };
    match kind {
        Kind::Verbs => verbs::all()
            .map(|verb| Row {
                name: verb.name(),
                summary: verb.doc(),
            })
            .collect(),
        Kind::Faults => FAULTS
            .iter()
            .map(|fault| Row {
                name: fault.name,
                summary: fault.members.doc,
            })
            .collect(),
        Kind::Oracles => ORACLES
            .iter()
            .map(|oracle| Row {
                name: oracle.name,
                summary: oracle.arguments.doc,
            })
            .collect(),
        Kind::Metrics => METRICS
            .iter()
            .map(|metric| Row {
                name: metric.name,
                summary: metric.doc,
            })
            .collect(),
        Kind::Errors => codes::all()
            .map(|code| Row {
                name: code.code,
                summary: code.title,
            })
            .collect(),
        Kind::Matchers => WORDS.iter().map(pair).collect(),
        Kind::Adverbs => step::KEYS.iter().map(pair).collect(),
        Kind::Compounds => COMPOUNDS
            .iter()
            .map(|compound| Row {
                name: compound.name,
                summary: compound.doc,
            })
            .collect(),
        Kind::Moments => MOMENTS
            .iter()
            .map(|moment| Row {
                name: moment.name,
                summary: moment.doc,
            })
            .collect(),
        Kind::Random => RANDOM.iter().map(pair).collect(),
        Kind::Sealed => TOPICS
            .iter()
            .map(|topic| Row {
                name: topic.name,
                summary: topic.doc,
            })
            .collect(),
        Kind::Views => VIEWS
            .iter()
            .map(|view| Row {
                name: view.name,
                summary: view.summary,
            })
            .collect(),
    }
}

/// Explains a name. A name that means several things (`look.replicas_equal` is a verb and
/// an oracle) gets all its pages.
///
/// # Errors
/// The nearest known name, if any is near.
pub fn explain(name: &str) -> Result<String, Option<&'static str>> {
    let mut found = Vec::new();
    found.extend(codes::find(name).map(pages::code));
    found.extend(verbs::find(name).map(pages::verb));
    found.extend(faults::find(name).map(pages::fault));
    found.extend(oracles::find(name).map(pages::oracle));
    found.extend(metrics::find(name).map(pages::metric));
    found.extend(compounds::find(name).map(pages::compound));
    let topic = TOPICS.iter().find(|topic| topic.name == name);
    found.extend(topic.map(|topic| pages::sealed(topic)));
    let view = VIEWS.iter().find(|view| view.name == name);
    found.extend(view.map(views::page));
    let moment = MOMENTS.iter().find(|moment| moment.name == name);
    found.extend(moment.map(|moment| {
        format!(
            "{name}: a moment, for `reach` of a campaign. {}\n",
            moment.doc
        )
    }));
    for (word, kind) in [
        (WORDS, "matcher"),
        (step::KEYS, "key of a step"),
        (RANDOM, "word after `$random.` in a campaign"),
    ] {
        let known = word.iter().find(|(word, _)| *word == name);
        found.extend(known.map(|(word, doc)| format!("{word}: a {kind}. {doc}\n")));
    }
    if found.is_empty() {
        let names = Kind::ALL
            .iter()
            .flat_map(|(_, kind)| list(*kind))
            .map(|row| row.name);
        return Err(nearest(name, names));
    }
    Ok(found.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_listed_is_explained() {
        for (_, kind) in Kind::ALL {
            let rows = list(*kind);
            assert!(!rows.is_empty(), "{kind:?}");
            for row in rows {
                let text = explain(row.name).expect("what is listed is explained");
                assert!(text.contains(row.summary), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_name_that_is_nearly_right_is_found() {
        assert_eq!(explain("region_dwn"), Err(Some("region_down")));
        assert!(explain("e0212").is_ok());
        let both = explain("look.replicas_equal").expect("a verb and an oracle");
        assert!(both.contains("a verb") && both.contains("an oracle"));
    }

    #[test]
    fn a_page_of_a_fault_shows_how_it_is_written() {
        let page = explain("partition").expect("a fault");
        assert!(
            page.contains("while: [{ partition: [[eu-west-1], [us-east-1]] }]"),
            "{page}"
        );
        assert!(page.contains("groups"), "{page}");
    }
}
