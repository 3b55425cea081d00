//! How to get exactly this again.

use super::markup::Markup;
use super::page::Page;

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let run = &page.summary.run;
    out.section("again", "How to get exactly this again");
    let mut commands = vec![format!("faultline run {} --seed {}", run.file, run.seed)];
    if !page.folder.is_empty() {
        commands.push(format!("faultline replay {}", page.folder));
        commands.push(format!("faultline show {} --transcript", page.folder));
    }
    out.open("pre", &[("class", "commands")])
        .text(&commands.join("\n"))
        .close("pre");
    out.fixed("<dl class=\"facts\">");
    let messages: u64 = page.summary.messages.values().map(|way| way.sent).sum();
    let lost: u64 = page.summary.messages.values().map(|way| way.lost).sum();
    let facts = [
        ("version", format!("faultline {}", run.version)),
        ("seed", run.seed.to_string()),
        (
            "sha256 of the scenario",
            super::shell::sha256_hex(&run.source),
        ),
        ("events", page.summary.events.to_string()),
        ("calls of the set-up", page.summary.set_up_calls.to_string()),
        (
            "messages between Regions",
            format!("{messages}, {lost} of them lost"),
        ),
        ("deaths of nodes", page.summary.deaths.to_string()),
    ];
    for (name, value) in &facts {
        out.leaf("dt", &[], name).leaf("dd", &[], value);
    }
    out.fixed("</dl>").end();
}
