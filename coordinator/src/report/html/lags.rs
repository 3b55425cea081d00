//! How long replication took: a picture over time, and a table.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::data::Lag;
use super::markup::Markup;
use super::page::Page;
use super::timeline::{self, LEFT, WIDTH};
use crate::clock::SimTime;

/// Height of a way's strip.
const STRIP: u64 = 56;
/// Ways that are drawn.
const WAYS: usize = 12;
/// Replications of one way that are drawn.
const DRAWN: usize = 600;

/// How long replication took, by way: when, and the usual, the slow and the slowest.
pub fn tell(out: &mut Markup, page: &Page) {
    let mut ways: BTreeMap<&str, (Vec<u64>, u64)> = BTreeMap::new();
    for lag in &page.data.lags {
        let (took, failed) = ways.entry(&lag.way).or_default();
        if lag.arrived {
            took.push(lag.took.0);
        } else {
            *failed += 1;
        }
    }
    if ways.is_empty() {
        return;
    }
    plot(out, page);
    let columns = [
        "way",
        "arrived",
        "failed",
        "half within",
        "99 % within",
        "slowest",
        "",
    ];
    out.head("How long replication took", &columns);
    let slowest = ways
        .values()
        .flat_map(|(took, _)| took)
        .max()
        .copied()
        .unwrap_or(1)
        .max(1);
    for (way, (mut took, failed)) in ways {
        took.sort_unstable();
        let part = |percent: usize| {
            took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)))
                .copied()
        };
        let told = |micros: Option<u64>| {
            micros.map_or_else(|| "–".to_owned(), |micros| SimTime(micros).to_string())
        };
        out.fixed("<tr>").leaf("th", &[("scope", "row")], way);
        out.cell(&took.len().to_string()).cell(&failed.to_string());
        for percent in [50, 99, 100] {
            out.cell(&told(part(percent)));
        }
        let width = |percent| (part(percent).unwrap_or(0) * 120 / slowest).to_string();
        let (half, most) = (width(50), width(99));
        out.fixed("<td><svg class=\"spark\" viewBox=\"0 0 124 12\" aria-hidden=\"true\">");
        out.open(
            "rect",
            &[
                ("class", "bar quiet"),
                ("y", "3"),
                ("height", "6"),
                ("width", &most),
            ],
        )
        .close("rect");
        out.open(
            "rect",
            &[
                ("class", "bar ok"),
                ("y", "1"),
                ("height", "10"),
                ("width", &half),
            ],
        )
        .close("rect");
        out.fixed("</svg></td></tr>");
    }
    out.foot();
}

/// A strip for each way, over the axis of the picture above: higher took longer.
fn plot(out: &mut Markup, page: &Page) {
    let (from, to) = page.span();
    let mut ways: BTreeMap<&str, Vec<&Lag>> = BTreeMap::new();
    for lag in &page.data.lags {
        if (from..=to).contains(&lag.at) {
            ways.entry(&lag.way).or_default().push(lag);
        }
    }
    if ways.is_empty() {
        return;
    }
    let axis = timeline::axis(page, from, to);
    let rows = ways.len().min(WAYS) as u64;
    let view = format!("0 0 {} {}", LEFT + WIDTH + 20, rows * STRIP + 4);
    out.fixed("<figure id=\"lags\"><div class=\"scroll\" tabindex=\"0\">");
    let label = "How long replication took, over the time of the run; the table below sums it up";
    out.open(
        "svg",
        &[("viewBox", &view), ("role", "img"), ("aria-label", label)],
    );
    for (row, (way, lags)) in ways.iter().take(WAYS).enumerate() {
        strip(out, page, &axis, row as u64 * STRIP, (way, lags));
    }
    out.fixed(
        "</svg></div><figcaption>Each mark is one replication where it was done; the higher, the longer it \
         took, as its logarithm. <span class=\"ok\">● arrived</span> <span class=\"fail\">✕ failed</span>. Hatched \
         bands are faults, idle stretches are shortened as above.</figcaption></figure>",
    );
}

fn strip(out: &mut Markup, page: &Page, axis: &Axis, top: u64, (way, lags): (&str, &[&Lag])) {
    let x = |t: SimTime| LEFT + axis.place(t);
    let foot = top + STRIP - 6;
    for fault in &page.summary.faults {
        let (began, healed) = (x(fault.began), x(fault.healed.unwrap_or(page.summary.end)));
        let (left, width) = (
            began.to_string(),
            healed.saturating_sub(began).max(1).to_string(),
        );
        let (y, height) = ((top + 4).to_string(), (STRIP - 10).to_string());
        let place = [
            ("class", "band"),
            ("x", &left),
            ("y", &y),
            ("width", &width),
            ("height", &height),
        ];
        out.open("rect", &place)
            .leaf("title", &[], &fault.fault.text)
            .close("rect");
    }
    let (line, right) = (foot.to_string(), (LEFT + WIDTH).to_string());
    let left = LEFT.to_string();
    out.open(
        "line",
        &[
            ("class", "rule"),
            ("x1", &left),
            ("x2", &right),
            ("y1", &line),
            ("y2", &line),
        ],
    );
    out.close("line");
    let slowest = lags.iter().map(|lag| lag.took.0).max().unwrap_or(1);
    let edge = (LEFT - 8).to_string();
    for (y, class, text) in [
        (top + 26, "left name", way.to_owned()),
        (
            top + 40,
            "left small",
            format!("up to {}", SimTime(slowest)),
        ),
    ] {
        out.leaf(
            "text",
            &[("class", class), ("x", &edge), ("y", &y.to_string())],
            &text,
        );
    }
    let every = lags.len().div_ceil(DRAWN).max(1);
    for (nth, lag) in lags.iter().enumerate() {
        if nth % every != 0 && lag.took.0 != slowest && lag.arrived {
            continue;
        }
        let high = bits(lag.took.0) * (STRIP - 18) / bits(slowest).max(1);
        let (x, y) = (
            x(lag.at).to_string(),
            (foot - 4).saturating_sub(high).to_string(),
        );
        let (class, sign) = if lag.arrived {
            ("sign ok", "●")
        } else {
            ("sign fail", "✕")
        };
        let title = format!("{} after {}", page.summary.at(lag.at), SimTime(lag.took.0));
        out.open("text", &[("class", class), ("x", &x), ("y", &y)]);
        out.text(sign).leaf("title", &[], &title).close("text");
    }
}

/// The logarithm to the base of two, in eighths, in whole numbers.
fn bits(number: u64) -> u64 {
    let number = number.max(1);
    let whole = u64::from(number.ilog2());
    let rest = (number >> whole.saturating_sub(3)) & 7;
    whole * 8 + if whole < 3 { 0 } else { rest }
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn higher_is_longer() {
        assert_eq!(
            [0, 1, 2, 8, 16, 1_000_000].map(bits),
            [0, 0, 8, 24, 32, 159]
        );
        assert!((8..100_000).all(|it| bits(it) <= bits(it + 1)));
    }
}
