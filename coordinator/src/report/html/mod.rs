//! One self-contained HTML file about a run, or about two.
//!
//! It is rendered here and tells everything without a script: verdict, first failure, steps,
//! time, denials, keys, data, conflicts, source, and how to get it again. Where scripts run, a
//! viewer (`viewer/`, plain JavaScript without a build step) adds time that can be zoomed and
//! a map that follows the moment. The file asks nobody for anything, and nothing that a run
//! says becomes HTML ([`markup`]).
//!
//! - [`page`]: one run, heard by its parts. [`keys`], [`data`], [`denials`], [`conflicts`],
//!   [`moments`]: the parts.
//! - [`verdict`], [`steps`], [`timeline`] over its [`axis`], [`lags`], [`claims`], [`source`],
//!   [`again`]: what needs no part of its own.
//! - [`view`]: what the viewer reads.
//! - [`compare`]: two runs side by side. [`overview`]: many in a table.
//! - [`shell`], [`markup`], [`names`]: the document, its text, its words.

mod again;
mod axis;
mod claims;
mod compare;
mod conflicts;
mod data;
mod denials;
mod keys;
mod lags;
mod markup;
mod moments;
mod names;
mod overview;
mod page;
mod shell;
mod source;
mod steps;
mod timeline;
mod verdict;
mod view;

#[cfg(test)]
mod tests;

pub use compare::compare;
pub use moments::Window;
pub use page::Page;

pub(crate) use markup::Markup;
pub(crate) use shell::document;

use super::Summary;
use shell::Links;

/// The viewer, plain JavaScript.
const VIEWER: &str = concat!(
    include_str!("viewer/core.js"),
    include_str!("viewer/time.js"),
    include_str!("viewer/places.js"),
    include_str!("viewer/map.js"),
    include_str!("viewer/list.js"),
);

/// Where Regions lie, as a script of its own: the console has the same map.
pub(crate) const PLACES: &str = include_str!("viewer/places.js");

const LINKS: Links = &[
    ("first", "First failure"),
    ("runs", "Runs"),
    ("time", "Time"),
    ("steps", "Steps"),
    ("denials", "Denials"),
    ("claims", "Claims"),
    ("conflicts", "Conflicts"),
    ("keys", "Keys"),
    ("data", "Data"),
    ("source", "Scenario"),
    ("again", "Again"),
];

/// The report of one run. `others` are all runs of the command, when it was one of several.
#[must_use]
pub fn write(page: &Page, others: &[Summary]) -> String {
    let mut body = Markup::default();
    verdict::tell(&mut body, page);
    overview::tell(&mut body, page, others);
    timeline::tell(&mut body, page);
    steps::tell(&mut body, page);
    denials::tell(&mut body, page);
    claims::tell(&mut body, page);
    conflicts::tell(&mut body, page);
    keys::tell(&mut body, page);
    data::tell(&mut body, page);
    source::tell(&mut body, page);
    again::tell(&mut body, page);
    let look = names::judged(page.summary.judgement);
    let title = format!(
        "{} {} · faultline",
        look.word.to_uppercase(),
        page.summary.run.name
    );
    document(&title, LINKS, body, Some(&view::of(page)), VIEWER)
}
