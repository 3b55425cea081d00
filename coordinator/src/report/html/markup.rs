//! Text becomes HTML here and nowhere else.
//!
//! Tags, attribute names and fixed words are literals of this program; whatever comes from a
//! run goes through [`Markup::text`] or an attribute's value and is escaped, clipped and rid
//! of characters that turn lines around. So a run cannot write HTML, however it is called.

use std::fmt::Write as _;

/// Characters of one text that are shown; the rest is counted.
const LONGEST: usize = 2_000;

/// HTML under construction.
#[derive(Debug, Default)]
pub struct Markup {
    out: String,
}

/// An attribute: a name of ours, a value of anybody's.
pub type Attribute<'a> = (&'static str, &'a str);

impl Markup {
    /// Fixed HTML, as written in this program.
    pub fn fixed(&mut self, html: &'static str) -> &mut Self {
        self.out.push_str(html);
        self
    }

    /// Text of anybody's.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.clipped(text, LONGEST)
    }

    /// Text, at most `longest` characters of it.
    pub fn clipped(&mut self, text: &str, longest: usize) -> &mut Self {
        let mut left = text.chars();
        for c in left.by_ref().take(longest) {
            escape(&mut self.out, c);
        }
        let more = left.count();
        if more > 0 {
            let _ = write!(self.out, "… ({more} characters more)");
        }
        self
    }

    /// Opens an element.
    pub fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) -> &mut Self {
        let _ = write!(self.out, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.out, " {name}=\"");
            self.clipped(value, LONGEST);
            self.out.push('"');
        }
        self.out.push('>');
        self
    }

    /// Closes an element.
    pub fn close(&mut self, tag: &'static str) -> &mut Self {
        let _ = write!(self.out, "</{tag}>");
        self
    }

    /// An element with a text.
    pub fn leaf(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        text: &str,
    ) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// A cell of a table.
    pub fn cell(&mut self, text: &str) -> &mut Self {
        self.leaf("td", &[], text)
    }

    /// A table's head.
    pub fn head(&mut self, caption: &str, columns: &[&str]) -> &mut Self {
        self.open("div", &[("class", "scroll"), ("tabindex", "0")])
            .fixed("<table>");
        self.leaf("caption", &[], caption).fixed("<thead><tr>");
        for column in columns {
            self.leaf("th", &[("scope", "col")], column);
        }
        self.fixed("</tr></thead><tbody>")
    }

    /// A table's end.
    pub fn foot(&mut self) -> &mut Self {
        self.fixed("</tbody></table></div>")
    }

    /// A section with its heading; [`Markup::end`] closes it.
    pub fn section(&mut self, id: &'static str, heading: &str) -> &mut Self {
        self.open("section", &[("id", id), ("aria-label", heading)])
            .leaf("h2", &[], heading)
    }

    /// Ends a section.
    pub fn end(&mut self) -> &mut Self {
        self.fixed("</section>\n")
    }

    /// Markup that was made apart.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.out.push_str(&other.out);
        self
    }

    /// Whether it has this section.
    #[must_use]
    pub fn has_section(&self, id: &str) -> bool {
        // A text has no quotes here, so only ours are found.
        self.out.contains(&format!("<section id=\"{id}\""))
    }

    /// The data of the viewer.
    pub fn data(&mut self, value: &serde_json::Value) -> &mut Self {
        self.out.push_str(&json(value));
        self
    }

    /// The HTML.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }
}

fn escape(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ => out.push(seen(c)),
    }
}

/// A character as it is shown: what turns a line around, or does not show, is replaced.
fn seen(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}

/// JSON that can stand inside a `script` element: it holds no `<`, so it ends nothing.
#[must_use]
fn json(value: &serde_json::Value) -> String {
    let text: String = value.to_string().chars().map(seen).collect();
    text.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut markup = Markup::default();
        markup.leaf("p", &[("title", text)], text);
        markup.finish()
    }

    #[test]
    fn nothing_of_a_text_is_html() {
        assert_eq!(
            of("<b title='x'>&\"\u{202e}\0"),
            "<p title=\"&lt;b title=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}\">\
             &lt;b title=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}</p>"
        );
    }

    #[test]
    fn a_huge_text_is_clipped_and_counted() {
        let told = of(&"é".repeat(1_000_000));
        assert!(told.len() < 10_000);
        assert!(told.contains("… (998000 characters more)"));
    }

    #[test]
    fn json_ends_no_script() {
        let text = json(&serde_json::json!({ "a": "</script><!--\u{2028}" }));
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
        let back: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back["a"], "</script><!--\u{2028}");
    }
}
