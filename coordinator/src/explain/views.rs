//! What is seen on the pages: views of the report and the console, their marks and colours.

/// A view, or what all of them have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The name that `explain` takes.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// More about it; lines.
    pub text: &'static str,
    /// What stands there, and what it means.
    pub marks: &'static [(&'static str, &'static str)],
}

/// Every view.
pub const VIEWS: &[View] = &[
    View {
        name: "report",
        summary: "The page of a run that is over: one file, which asks nobody for anything.",
        text: "`faultline run --report html=FILE` and `faultline report RUN` write it. Without a script it tells\n\
               everything; with one, time can be moved. The console shows the same while it goes on.",
        marks: &[
            (
                "report.verdict",
                "how the run ended, and what went wrong first",
            ),
            ("report.steps", "the story, step by step"),
            (
                "report.time",
                "lanes by Region, faults as bands, messages as lines",
            ),
            (
                "report.map, report.keys, report.data",
                "the moment that is chosen",
            ),
            ("report.denials", "who was refused by which policy"),
            ("report.conflicts", "writes that lost against others"),
            ("report.claims", "oracles and goals"),
            ("report.lags", "how long each replication took"),
            ("report.compare", "two runs side by side"),
            ("report.source", "the file with what came of each line"),
        ],
    },
    View {
        name: "colours",
        summary: "Blue is well, orange is unknown, pink is failed; each has a shape and a word too.",
        text: "They are told apart without seeing colours, and hold on light and on dark paper.",
        marks: &[
            ("blue, ● or ✓", "went well: passed, answered, arrived, up"),
            (
                "orange, △ or ?",
                "unknown: nobody heard the answer, nothing was measured, a link is troubled",
            ),
            ("pink, ✕ or ✗", "failed, refused, lost, cut"),
            ("grey, · or –", "not yet, or not here"),
        ],
    },
    View {
        name: "report.verdict",
        summary: "How the run ended, the first thing that went wrong, and what caused it.",
        text: "The cause is a fault, or the statement of a policy that denied; beside it stands what would have helped.",
        marks: &[
            ("PASS", "everything that was to hold held"),
            ("FAIL", "an expectation, an oracle or a goal did not"),
            (
                "UNKNOWN",
                "nothing failed, but something could not be judged",
            ),
            ("ERROR", "the file or the machinery"),
        ],
    },
    View {
        name: "report.steps",
        summary: "The story: each step with its result and why.",
        text: "In the console it follows the moment.",
        marks: &[
            ("✓", "as expected"),
            ("✗", "not as expected; why stands below it"),
            ("–", "left out"),
            ("…", "under way"),
            ("·", "not yet"),
        ],
    },
    View {
        name: "report.time",
        summary: "What happened when: a lane for each Region, time from left to right.",
        text: "Idle stretches are shortened; labels say the true time since the scenario began. Arrow keys go from\n\
               event to event, + and - zoom, Home and End go to the ends.",
        marks: &[
            ("hatched band", "a fault, from its beginning to its healing"),
            ("line between lanes", "a message; a broken line was lost"),
            ("●", "a call that went well"),
            (
                "△",
                "a call whose answer nobody heard: whether it happened is unknown to its client",
            ),
            (
                "✕",
                "a call that was refused, a message that was lost, a node that died",
            ),
        ],
    },
    View {
        name: "report.map",
        summary: "The Regions at the moment, at their rough places, and the links between them.",
        text: "More than eight Regions, or one whose place is not known, stand in a circle.",
        marks: &[
            (
                "line with ms",
                "a link, and how long a message usually takes one way",
            ),
            (
                "✕ cut",
                "no message passes: a partition, or a Region that is down",
            ),
            ("~ troubled", "messages take longer, or some are lost"),
            (
                "dot on a line",
                "a message on its way; pink: it will be lost",
            ),
            (
                "dark circle with ✕",
                "region_down: nobody reaches the Region, its nodes and state remain",
            ),
            ("dark circle with †", "its node is dead, or away"),
            ("🔑", "a key that can be used there"),
            ("⛔", "a key that cannot, and its state"),
        ],
    },
    View {
        name: "report.keys",
        summary: "Each KMS key by Region: its state, and of a multi-Region key which copy is the primary.",
        text: "The same id in several Regions is one multi-Region key: related keys, the same material, policies of their own.",
        marks: &[
            ("Enabled", "it can be used"),
            (
                "⛔ Disabled, PendingDeletion, ...",
                "it cannot, and calls that need it are refused",
            ),
            ("–", "there is no copy in that Region"),
        ],
    },
    View {
        name: "report.data",
        summary: "Objects, items and snapshots by Region: version, how encrypted, under which key, replicated or not.",
        text: "",
        marks: &[
            (
                "lock",
                "encrypted at rest, and under what: S3, SSE-C, KMS and its key, the client",
            ),
            (
                "PENDING, COMPLETED, FAILED",
                "its replication, as its source says it",
            ),
            ("REPLICA", "it came by replication"),
        ],
    },
    View {
        name: "report.denials",
        summary: "Who was refused what, by which policy, and whether that was expected.",
        text: "Each shows all that was asked: key policy, IAM, boundary, session, grants, organization; and what statement\n\
               would have helped. `faultline decide` asks the same without a run.",
        marks: &[],
    },
    View {
        name: "report.conflicts",
        summary: "Writes of two Regions to one item: the winner and the loser side by side.",
        text: "A global table keeps the last writer; the other write was acknowledged and is gone.",
        marks: &[],
    },
    View {
        name: "report.claims",
        summary: "Oracles and goals: what was to hold, whether it did, and on how many samples.",
        text: "An oracle that saw nothing to judge is unknown, not passed. `faultline explain NAME` says what an oracle cannot see.",
        marks: &[],
    },
    View {
        name: "report.lags",
        summary: "How long each replication took, where it was done; the higher, the longer, as its logarithm.",
        text: "",
        marks: &[
            ("●", "arrived"),
            ("✕", "failed"),
            ("hatched band", "a fault"),
        ],
    },
    View {
        name: "report.compare",
        summary: "Two runs side by side: what differs, claim by claim and step by step.",
        text: "`faultline report A B` writes it.",
        marks: &[],
    },
    View {
        name: "report.source",
        summary: "The scenario's text with what came of each step in the margin.",
        text: "",
        marks: &[],
    },
    View {
        name: "console",
        summary: "A scenario's run in a browser, where a click breaks something; `faultline console FILE`.",
        text: "The page has the whole run. A click on a link, a Region or a key, or a turn of the dial, becomes lanes beside\n\
               the file's steps, shown first, and the run is made again. Everything before it is as it was.",
        marks: &[
            ("◀ ▶, ← →", "one event back, one on"),
            ("space", "plays and pauses"),
            (
                "what you did",
                "clicks and turns of the dial; each can be taken back, all can be saved",
            ),
        ],
    },
    View {
        name: "console.labs",
        summary: "Lessons in a browser: task, editor, checks and the last run side by side; `faultline console --labs`.",
        text: "The same folder, judge and progress as `faultline lab`: a save in the page and one in another editor are judged\n\
               alike. `faultline lab present ID` shows one to a class.",
        marks: &[
            (
                "✓ holds, ✗ not yet, · waits",
                "a check; the first that does not hold keeps the others waiting",
            ),
            (
                "underlined",
                "what `faultline check` says of the file as it is written now",
            ),
            (
                "the run",
                "that of the check that failed, paused where it failed first",
            ),
        ],
    },
    View {
        name: "console.live",
        summary: "The nodes of `faultline up` in a browser, where a click breaks them for real; `faultline console --live`.",
        text: "Nothing is played: what is seen is now. A fault lasts until it is healed, whoever started it. What nodes hold and\n\
               what happened is asked of each node as its operator, which leaves no trace in its trail.",
        marks: &[
            ("✓ whole", "all nodes answer, no fault is in force"),
            ("! faults", "all nodes answer, faults are in force"),
            (
                "† nodes away",
                "a node does not answer; what it held is shown as it was last seen",
            ),
            ("† killed", "a node_crash holds it down until it is healed"),
            ("connected", "both ends of a link hear each other"),
            (
                "connecting, refused",
                "one end does not: the other is away, or is not let in",
            ),
            (
                "N wait",
                "messages that the other Region has not acknowledged",
            ),
            (
                "drawn N ms after it ended",
                "how old the latest call was when the page drew it",
            ),
        ],
    },
    View {
        name: "console.dial",
        summary: "The workload dial: so many writes and reads a second of one table, bucket or key.",
        text: "A write is PutItem, PutObject or Encrypt, a read GetItem or GetObject; eight names are used in turn, so that\n\
               clients of two Regions meet. In a scenario's run it is lanes of steps, a client each, which waits for its answer\n\
               before it goes on: less than asked is achieved when answers are slow. Over live nodes the rate is kept, latency\n\
               counts from when a request was due, and a request is not sent when 256 wait. All figures but the counts are of\n\
               the last five seconds.",
        marks: &[
            (
                "writes, reads a second",
                "answered ones; beside it what was asked for",
            ),
            (
                "latency",
                "of answered ones: the middle, and what 99 of 100 stay below",
            ),
            ("refused", "by error code"),
            (
                "not answered",
                "no answer in time, or no connection: whether it happened is unknown",
            ),
        ],
    },
];

/// The page of a view.
#[must_use]
pub fn page(view: &View) -> String {
    let mut text = format!("{}: on a page. {}\n", view.name, view.summary);
    if !view.text.is_empty() {
        text.push('\n');
        text.push_str(view.text);
        text.push('\n');
    }
    let width = view
        .marks
        .iter()
        .map(|(mark, _)| mark.chars().count())
        .max();
    for (nth, (mark, meaning)) in view.marks.iter().enumerate() {
        if nth == 0 {
            text.push('\n');
        }
        let width = width.unwrap_or(0);
        text.push_str(&format!("  {mark:<width$}  {meaning}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_names_views_that_exist() {
        let report = VIEWS[0];
        for (names, _) in report.marks {
            for name in names.split(", ") {
                assert!(VIEWS.iter().any(|view| view.name == name), "{name}");
            }
        }
        let page = page(&report);
        assert!(page.contains("report.time") && page.contains("faults as bands"));
    }
}
