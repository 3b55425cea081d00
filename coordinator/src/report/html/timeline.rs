//! The picture of time: a lane for each Region, bands for faults, lines for messages.
//!
//! Drawn once, as SVG, for whoever reads without a script or on paper. Colours are classes of
//! the style sheet; every shape has its word in a title, and the tables tell the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::axis::Axis;
use super::lags;
use super::markup::Markup;
use super::moments::{Moments, Tone};
use super::names::ended;
use super::page::Page;
use crate::clock::SimTime;

/// Room for names at the left.
pub const LEFT: u64 = 120;
/// Width of time.
pub const WIDTH: u64 = 1_000;
/// Height of a Region's lane.
const LANE: u64 = 64;
/// Height of a row of steps or faults.
const ROW: u64 = 20;
/// Rows of faults that are drawn beside each other.
const FAULTS: usize = 8;
/// Calls and messages that are drawn.
const DRAWN: usize = 700;
/// Steps that are drawn.
const STEPS: usize = 300;

struct Picture<'a> {
    page: &'a Page,
    axis: Axis,
    /// Top of each Region's lane.
    lanes: BTreeMap<&'a str, u64>,
    height: u64,
    out: Markup,
}

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    out.section("time", "Time");
    let drawn = page.moments.len();
    if drawn < page.moments.all {
        let note = format!(
            "{drawn} of {} calls, messages and remarks are here: all that went wrong as far as there is room, and of \
             the rest every so many. `faultline report --from 10s --to 12s` shows a part with everything in it.",
            page.moments.all
        );
        out.leaf("p", &[("class", "note")], &note);
    }
    out.fixed(
        "<div id=\"live\" hidden></div><figure id=\"drawn\"><div class=\"scroll\" tabindex=\"0\">",
    );
    draw(out, page);
    out.fixed(
        "</div><figcaption>Idle stretches are shortened; labels say the true time since the scenario began. \
         <span class=\"ok\">● went well</span> <span class=\"unknown\">△ nobody heard</span> \
         <span class=\"fail\">✕ refused, lost or dead</span>. Lines between lanes are messages; a broken line was lost. \
         Hatched bands are faults.</figcaption></figure>",
    );
    faults(out, page);
    lags::tell(out, page);
    out.end();
}

fn draw(out: &mut Markup, page: &Page) {
    let summary = &page.summary;
    let (from, to) = page.span();
    let fault_rows = summary.faults.len().min(FAULTS) as u64;
    let mut y = 26 + ROW + 6 + fault_rows * ROW;
    let mut lanes = BTreeMap::new();
    for region in page.regions() {
        lanes.insert(region, y);
        y += LANE;
    }
    let mut picture = Picture {
        page,
        axis: axis(page, from, to),
        lanes,
        height: y + 8,
        out: Markup::default(),
    };
    let (width, height) = (LEFT + WIDTH + 20, picture.height);
    let view = format!("0 0 {width} {height}");
    out.open(
        "svg",
        &[
            ("viewBox", &view),
            ("role", "img"),
            (
                "aria-label",
                "Timeline of the run; the tables below tell the same",
            ),
        ],
    );
    out.fixed(
        "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"2\" height=\"6\" class=\"hatching\"/></pattern></defs>",
    );
    picture.ruler();
    picture.faults();
    picture.steps();
    picture.regions();
    let mut few = Moments::of(page.moments.calls.clone(), page.moments.messages.clone());
    few.trim(super::moments::Window::default(), DRAWN);
    picture.messages(&few);
    picture.calls(&few);
    picture.lives();
    out.append(picture.out).fixed("</svg>");
}

/// The axis of a page.
#[must_use]
pub fn axis(page: &Page, from: SimTime, to: SimTime) -> Axis {
    let mut times = page.moments.times();
    times.extend(
        page.summary
            .steps
            .iter()
            .flat_map(|step| [step.began, step.ended]),
    );
    for fault in &page.summary.faults {
        times.extend([Some(fault.began), fault.healed].into_iter().flatten());
    }
    Axis::over(times, from, to, WIDTH)
}

impl Picture<'_> {
    fn x(&self, t: SimTime) -> u64 {
        LEFT + self.axis.place(t)
    }

    /// An element without content but a title.
    fn shape(
        &mut self,
        tag: &'static str,
        class: &str,
        numbers: &[(&'static str, u64)],
        title: &str,
    ) {
        let numbers: Vec<(&'static str, String)> = numbers
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        let mut attributes = vec![("class", class)];
        attributes.extend(numbers.iter().map(|(name, value)| (*name, value.as_str())));
        self.out.open(tag, &attributes);
        if !title.is_empty() {
            self.out
                .open("title", &[])
                .clipped(title, 300)
                .close("title");
        }
        self.out.close(tag);
    }

    fn word(&mut self, x: u64, y: u64, class: &str, text: &str) {
        let (x, y) = (x.to_string(), y.to_string());
        self.out
            .open("text", &[("x", &x), ("y", &y), ("class", class)]);
        self.out.clipped(text, 60).close("text");
    }

    fn ruler(&mut self) {
        let height = self.height;
        for (t, x) in self.axis.labels(84) {
            let x = LEFT + x;
            self.shape(
                "line",
                "rule",
                &[("x1", x), ("x2", x), ("y1", 18), ("y2", height)],
                "",
            );
            let label = self.page.summary.at(t);
            self.word(x, 13, "tick", &label);
        }
    }

    fn faults(&mut self) {
        let summary = &self.page.summary;
        for (row, fault) in summary.faults.iter().take(FAULTS).enumerate() {
            let top = 26 + ROW + 6 + row as u64 * ROW;
            let from = self.x(fault.began);
            let to = self.x(fault.healed.unwrap_or(summary.end)).max(from + 3);
            let box_of = |y, height| {
                [
                    ("x", from),
                    ("y", y),
                    ("width", to - from),
                    ("height", height),
                ]
            };
            self.shape("rect", "band", &box_of(top + 2, ROW - 4), &fault.fault.text);
            for region in &fault.fault.regions {
                if let Some(lane) = self.lanes.get(region.as_str()).copied() {
                    self.shape("rect", "band", &box_of(lane, LANE - 6), &fault.fault.text);
                }
            }
            let text = fault.fault.text.clone();
            if row == 0 {
                self.word(4, top + 14, "name", "faults");
            }
            // A word at the right end runs to the left.
            if from > LEFT + WIDTH * 2 / 3 {
                self.word(from - 4, top + 14, "label left", &text);
            } else {
                self.word(to + 4, top + 14, "label", &text);
            }
        }
    }

    fn steps(&mut self) {
        self.word(4, 40, "name", "steps");
        let steps = &self.page.summary.steps;
        let blocks = |path: &str| {
            steps
                .iter()
                .any(|step| step.step.step.starts_with(&format!("{path}.")))
        };
        let many = steps.len() > STEPS;
        let every = steps.len().div_ceil(STEPS).max(1);
        for step in steps.iter().step_by(every) {
            if !many && step.step.verb.is_empty() && blocks(&step.step.step) {
                continue;
            }
            let look = ended(step.status);
            let from = self.x(step.began);
            let width = (self.x(step.ended) - from).max(3);
            let title = format!(
                "{} {} step {}: {}",
                look.mark,
                look.word,
                step.step.step,
                crate::report::terminal::name(step)
            );
            let class = format!("bar {}", look.class);
            self.shape(
                "rect",
                &class,
                &[
                    ("x", from),
                    ("y", 28),
                    ("width", width),
                    ("height", 14),
                    ("rx", 2),
                ],
                &title,
            );
        }
    }

    fn regions(&mut self) {
        let lanes: Vec<(String, u64)> = self
            .lanes
            .iter()
            .map(|(name, y)| ((*name).to_owned(), *y))
            .collect();
        for (name, y) in lanes {
            let middle = y + LANE / 2;
            self.shape(
                "line",
                "lane",
                &[
                    ("x1", LEFT),
                    ("x2", LEFT + WIDTH),
                    ("y1", middle),
                    ("y2", middle),
                ],
                "",
            );
            self.word(4, middle + 4, "name", &name);
        }
    }

    fn messages(&mut self, few: &Moments) {
        for message in &few.messages {
            let (Some(from), Some(to)) = (
                self.lanes.get(message.from.as_str()).copied(),
                self.lanes.get(message.to.as_str()).copied(),
            ) else {
                continue;
            };
            let (x1, x2) = (
                self.x(message.sent),
                self.x(message.ended.unwrap_or(message.sent)),
            );
            let (y1, mut y2) = (from + LANE / 2, to + LANE / 2);
            if message.lost {
                // It ends half-way.
                y2 = u64::midpoint(y1, y2);
            }
            let class = if message.lost {
                "message lost"
            } else {
                "message"
            };
            let mut title = format!(
                "{} {} > {} at {}",
                message.stream,
                message.from,
                message.to,
                self.page.summary.at(message.sent)
            );
            if message.lost {
                let _ = write!(title, ", lost {}", message.cause);
            }
            self.shape(
                "line",
                class,
                &[("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)],
                &title,
            );
            if message.lost {
                self.word(x2 - 4, y2 + 4, "sign fail", "✕");
            }
        }
    }

    fn calls(&mut self, few: &Moments) {
        for call in &few.calls {
            let Some(lane) = self.lanes.get(call.region.as_str()).copied() else {
                continue;
            };
            let (x, y) = (self.x(call.sent), lane + LANE / 2);
            let title = format!(
                "{} {} {} in {}: {}",
                self.page.summary.at(call.sent),
                call.principal,
                call.operation,
                call.region,
                call.outcome
            );
            let end = self.x(call.answered.unwrap_or(call.sent));
            if end > x + 2 {
                let class = if call.tone == Tone::Unknown {
                    "wait unknown"
                } else {
                    "wait"
                };
                self.shape(
                    "line",
                    class,
                    &[("x1", x), ("x2", end), ("y1", y), ("y2", y)],
                    "",
                );
            }
            match call.tone {
                Tone::Ok => self.shape(
                    "circle",
                    "sign ok",
                    &[("cx", x), ("cy", y), ("r", 4)],
                    &title,
                ),
                Tone::Unknown => self.mark(x, y, "sign unknown", "△", &title),
                Tone::Fail => self.mark(x, y, "sign fail", "✕", &title),
            }
        }
    }

    fn mark(&mut self, x: u64, y: u64, class: &str, mark: &str, title: &str) {
        let (x, y) = ((x - 5).to_string(), (y + 4).to_string());
        self.out
            .open("text", &[("x", &x), ("y", &y), ("class", class)]);
        self.out
            .text(mark)
            .open("title", &[])
            .clipped(title, 300)
            .close("title")
            .close("text");
    }

    fn lives(&mut self) {
        let page = self.page;
        let lives = page
            .moments
            .remarks
            .iter()
            .filter(|it| it.word == "died" || it.word == "conflict");
        for life in lives.take(100) {
            let Some(lane) = self.lanes.get(life.region.as_str()).copied() else {
                continue;
            };
            let mark = if life.word == "died" { "☠" } else { "⚡" };
            let x = self.x(life.t);
            self.mark(x, lane + 14, "sign fail", mark, &life.text);
        }
    }
}

fn faults(out: &mut Markup, page: &Page) {
    let summary = &page.summary;
    if summary.faults.is_empty() {
        return;
    }
    out.head("Faults", &["fault", "began", "healed", "lasted"]);
    for fault in summary.faults.iter().take(200) {
        out.fixed("<tr>")
            .leaf("th", &[("scope", "row")], &fault.fault.text);
        out.cell(&summary.at(fault.began));
        let healed = fault
            .healed
            .map_or_else(|| "not in this run".to_owned(), |t| summary.at(t));
        let lasted = SimTime(fault.healed.unwrap_or(summary.end).since(fault.began).0);
        out.cell(&healed).cell(&lasted.to_string()).fixed("</tr>");
    }
    out.foot();
}
