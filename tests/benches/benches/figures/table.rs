//! Rows of the printed table, and which of them are wanted.

/// What is wanted, and where rows go.
pub struct Table {
    words: Vec<String>,
    /// Exactly so many steps a row, instead of as many as a while gives.
    pub count: Option<u64>,
}

/// What a figure is held against.
#[derive(Clone, Copy)]
pub enum Aim {
    /// Nothing: for comparison.
    None,
    /// At least so much.
    AtLeast(f64),
    /// Less than so much.
    Below(f64),
}

impl Table {
    /// From the words after `--`; what cargo adds is left out.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Self {
        let mut table = Self {
            words: Vec::new(),
            count: None,
        };
        for word in arguments.filter(|word| !word.starts_with("--")) {
            match word.strip_prefix("count=") {
                Some(count) => table.count = Some(count.parse().expect("a number of steps")),
                None => table.words.push(word),
            }
        }
        table
    }

    /// Whether a row of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// The head, as Markdown that `docs/benchmarks.md` can take.
    pub fn head(&self) {
        println!("| what | measured | by the wall clock | aim | |");
        println!("| --- | ---: | ---: | ---: | --- |");
    }

    /// A row: the figure that counts, the same by the wall clock where that differs.
    pub fn row(&mut self, name: &str, figure: f64, unit: &str, wall: Option<f64>, aim: Aim) {
        let shown = |figure: f64| format!("{} {unit}", short(figure));
        let (aimed, verdict) = match aim {
            Aim::None => (String::new(), ""),
            Aim::AtLeast(least) => (shown(least), said(figure >= least)),
            Aim::Below(most) => (format!("< {}", shown(most)), said(figure < most)),
        };
        let wall = wall.map_or(String::new(), shown);
        println!(
            "| {name} | {} | {wall} | {aimed} | {verdict} |",
            shown(figure)
        );
    }
}

fn said(held: bool) -> &'static str {
    if held { "held" } else { "missed" }
}

/// Whole numbers with their thousands apart; small ones with two places.
fn short(figure: f64) -> String {
    if figure < 100.0 {
        return format!("{figure:.2}");
    }
    let digits = format!("{figure:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}
