//! Where a cursor is in a YAML file that is not finished: the keys and lists above it.

/// One step from the file's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A key, with the keys that stand before it in the same map.
    Key { name: String, beside: Vec<String> },
    /// An item of a list.
    Item,
}

/// A cursor's place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// What is above it.
    pub path: Vec<Segment>,
    /// Keys that stand already in the map where the cursor is.
    pub beside: Vec<String>,
    /// The part of a word that is written.
    pub prefix: String,
    /// Whether a value is wanted, and not a key.
    pub value: bool,
}

/// An open bracket.
#[derive(Debug, Default)]
struct Bracket {
    map: bool,
    key: Option<String>,
    keys: Vec<String>,
    token: String,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Scan {
    /// Columns and what begins there.
    block: Vec<(usize, Segment)>,
    brackets: Vec<Bracket>,
    /// The column of the key of a text that goes on below.
    prose: Option<usize>,
    /// Whether the last key has a value on its own line, and what it is.
    value: Option<String>,
}

impl Place {
    /// The place at the end of this text; `None` in a comment or in prose.
    pub fn of(before: &str) -> Option<Self> {
        let mut lines: Vec<&str> = before.split('\n').collect();
        let last = lines.pop().unwrap_or_default();
        let mut scan = Scan::default();
        for line in lines {
            scan.line(line);
        }
        scan.last(last)
    }
}

impl Scan {
    fn line(&mut self, line: &str) {
        let column = line.len() - line.trim_start().len();
        let rest = line.trim();
        if rest.is_empty() || rest.starts_with('#') {
            return;
        }
        if self.prose.is_some_and(|key| column > key) {
            return;
        }
        self.prose = None;
        if !self.brackets.is_empty() {
            return self.flow(rest);
        }
        self.value = None;
        let (column, rest) = self.dashes(column, rest);
        if let Some((key, value)) = key_of(rest) {
            self.key(column, key);
            if value.starts_with(['|', '>']) {
                self.prose = Some(column);
            } else if value.starts_with(['{', '[']) {
                self.flow(value);
            } else {
                self.value = Some(value.to_owned());
            }
        } else if rest.starts_with(['{', '[']) {
            self.flow(rest);
        }
    }

    fn last(mut self, line: &str) -> Option<Place> {
        let column = line.len() - line.trim_start().len();
        let rest = line.trim_start();
        if rest.starts_with('#') || self.prose.is_some_and(|key| column > key) {
            return None;
        }
        if self.brackets.is_empty() {
            let (inner, word) = self.dashes(column, rest);
            if key_of(word).is_none() && !word.starts_with(['{', '[']) {
                let beside = self.beside(inner);
                self.block.retain(|(at, _)| *at < inner);
                return Some(Place {
                    path: self.path(),
                    beside,
                    prefix: word.to_owned(),
                    value: false,
                });
            }
        }
        self.line(line);
        if self.prose.is_some() {
            return None;
        }
        let Some(open) = self.brackets.last() else {
            // What follows a closed bracket is nothing; what follows a key is its value.
            let prefix = self.value.clone()?;
            return Some(Place {
                path: self.path(),
                prefix,
                value: true,
                ..Place::default()
            });
        };
        Some(Place {
            beside: open.keys.clone(),
            prefix: open.token.trim_start().to_owned(),
            value: open.key.is_some() || !open.map,
            path: self.path(),
        })
    }

    /// Takes the dashes of a line: the column and the rest after them.
    fn dashes<'l>(&mut self, mut column: usize, mut rest: &'l str) -> (usize, &'l str) {
        while rest == "-" || rest.starts_with("- ") {
            while let Some((at, segment)) = self.block.last() {
                let parent = *at == column && matches!(segment, Segment::Key { .. });
                if *at < column || parent {
                    break;
                }
                self.block.pop();
            }
            self.block.push((column, Segment::Item));
            let after = rest[1..].trim_start();
            column += rest.len() - after.len();
            rest = after;
        }
        (column, rest)
    }

    /// Keys of the map at a column, up to here.
    fn beside(&self, column: usize) -> Vec<String> {
        let mut last = self.block.iter().filter(|(at, _)| *at == column);
        match last.next_back() {
            Some((_, Segment::Key { name, beside })) => {
                let mut all = beside.clone();
                all.push(name.clone());
                all
            }
            _ => Vec::new(),
        }
    }

    fn key(&mut self, column: usize, name: &str) {
        let beside = self.beside(column);
        self.block.retain(|(at, _)| *at < column);
        let name = name.to_owned();
        self.block.push((column, Segment::Key { name, beside }));
    }

    fn flow(&mut self, text: &str) {
        let mut quote = None;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if let Some(open) = quote {
                quote = Some(open).filter(|open| *open != letter);
                continue;
            }
            match letter {
                '"' | '\'' => quote = Some(letter),
                '{' | '[' => self.brackets.push(Bracket {
                    map: letter == '{',
                    ..Bracket::default()
                }),
                '}' | ']' => {
                    self.brackets.pop();
                    if self.brackets.is_empty() {
                        return;
                    }
                }
                _ => {
                    let ends = letters.peek().is_none_or(|next| *next == ' ');
                    if let Some(open) = self.brackets.last_mut() {
                        open.take(letter, ends);
                    }
                }
            }
        }
    }

    fn path(&self) -> Vec<Segment> {
        let mut path: Vec<Segment> = self.block.iter().map(|(_, it)| it.clone()).collect();
        for open in &self.brackets {
            match &open.key {
                Some(name) => path.push(Segment::Key {
                    name: name.clone(),
                    beside: open.keys.clone(),
                }),
                None if open.map => {}
                None => path.push(Segment::Item),
            }
        }
        path
    }
}

impl Bracket {
    fn take(&mut self, letter: char, ends: bool) {
        match letter {
            ',' => {
                self.keys.extend(self.key.take());
                self.token.clear();
            }
            ':' if self.map && self.key.is_none() && ends => {
                self.key = Some(self.token.trim().to_owned());
                self.token.clear();
            }
            _ => self.token.push(letter),
        }
    }
}

/// A line's key and what follows it.
fn key_of(line: &str) -> Option<(&str, &str)> {
    if line.starts_with(['{', '[', '"', '\'']) {
        return None;
    }
    let (key, value) = match line.split_once(": ") {
        Some((key, value)) => (key, value.trim_start()),
        None => (line.trim_end().strip_suffix(':')?, ""),
    };
    (!key.contains(' ')).then_some((key, value))
}
