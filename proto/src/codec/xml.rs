//! XML of the query protocols' answers and of S3's documents, both ways.
//!
//! What comes in becomes a small tree first; depth and size are bounded, entities other than
//! the five of XML and character references are refused, so nothing can expand.

use serde_json::{Map, Value};

use super::text::{scalar, shown};
use super::{Face, decode};
use crate::tables::{Card, FieldDef, Kind, MessageDef, Place, Protocol};
use crate::wire::Malformed;

/// Elements inside elements.
const DEEPEST: usize = 64;

/// Times are ISO 8601 in XML.
pub const FACE: Face = Face {
    times: super::Times::Iso,
    ..Face::AWS_JSON
};

/// An element that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Elements in it.
    pub inside: Vec<Element>,
}

/// Why a document is none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Not well-formed, too deep, or not of the message's shape.
    Malformed,
    /// A member that AWS has and this build does not.
    NotBuilt(String),
}

/// Reads a document.
///
/// # Errors
/// [`Unreadable::Malformed`].
pub fn read(bytes: &[u8]) -> Result<Element, Unreadable> {
    use quick_xml::events::Event;
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Malformed)?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|_| Unreadable::Malformed)?;
        match event {
            Event::Start(start) if open.len() <= DEEPEST => open.push(named(&start)),
            Event::Start(_) => return Err(Unreadable::Malformed),
            Event::Empty(start) => top(&mut open)?.inside.push(named(&start)),
            Event::End(_) => {
                let element = open.pop().ok_or(Unreadable::Malformed)?;
                top(&mut open)?.inside.push(element);
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|_| Unreadable::Malformed)?;
                top(&mut open)?.text.push_str(&text);
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|_| Unreadable::Malformed)?;
                top(&mut open)?.text.push_str(&text);
            }
            Event::GeneralRef(name) => {
                let letter = name.resolve_char_ref().map_err(|_| Unreadable::Malformed)?;
                let name = name.decode().map_err(|_| Unreadable::Malformed)?;
                let element = top(&mut open)?;
                match (letter, quick_xml::escape::resolve_predefined_entity(&name)) {
                    (Some(letter), _) => element.text.push(letter),
                    (None, Some(text)) => element.text.push_str(text),
                    (None, None) => return Err(Unreadable::Malformed),
                }
            }
            Event::DocType(_) => return Err(Unreadable::Malformed),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut document), true) if document.inside.len() == 1 => {
            document.inside.pop().ok_or(Unreadable::Malformed)
        }
        _ => Err(Unreadable::Malformed),
    }
}

fn named(start: &quick_xml::events::BytesStart<'_>) -> Element {
    let name = start.local_name();
    Element {
        name: String::from_utf8_lossy(name.as_ref()).into_owned(),
        ..Element::default()
    }
}

fn top(open: &mut [Element]) -> Result<&mut Element, Unreadable> {
    open.last_mut().ok_or(Unreadable::Malformed)
}

/// The value of a document of this message.
///
/// # Errors
/// [`Unreadable`]: elements that the message does not have are never ignored.
pub fn value(
    def: &'static MessageDef,
    element: &Element,
    protocol: Protocol,
) -> Result<Value, Unreadable> {
    let mut members = Map::new();
    for child in &element.inside {
        let known = def
            .fields
            .iter()
            .find(|field| field.xml_name(protocol) == child.name);
        let Some(field) = known else {
            let not_built = def.not_built.contains(&child.name.as_str());
            return Err(if not_built {
                Unreadable::NotBuilt(child.name.clone())
            } else {
                Unreadable::Malformed
            });
        };
        match field.card {
            Card::List if field.shape.wire.flattened => {
                let item = one(field.kind, child, protocol)?;
                let list = members
                    .entry(field.aws)
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    items.push(item);
                }
            }
            Card::List => {
                let items: Result<Vec<Value>, Unreadable> = child
                    .inside
                    .iter()
                    .map(|item| one(field.kind, item, protocol))
                    .collect();
                members.insert(field.aws.to_owned(), Value::Array(items?));
            }
            Card::One => {
                members.insert(field.aws.to_owned(), one(field.kind, child, protocol)?);
            }
            Card::Map => return Err(Unreadable::Malformed),
        }
    }
    Ok(Value::Object(members))
}

fn one(kind: Kind, element: &Element, protocol: Protocol) -> Result<Value, Unreadable> {
    match kind {
        Kind::Message(def) => value(def, element, protocol),
        _ => Ok(scalar(kind, &element.text)),
    }
}

/// Writes a message's members as elements, without a root. Members that travel elsewhere than
/// in the document are left out.
///
/// # Errors
/// [`Malformed`] when the bytes are not this message.
pub fn members(
    def: &'static MessageDef,
    message: &[u8],
    protocol: Protocol,
) -> Result<String, Malformed> {
    let value = decode(def, message, FACE)?;
    let mut out = String::new();
    write_members(&mut out, def, &value, protocol);
    Ok(out)
}

/// Writes the members of a value.
pub fn write_members(
    out: &mut String,
    def: &'static MessageDef,
    value: &Value,
    protocol: Protocol,
) {
    for field in def.fields {
        let in_document = field.shape.wire.place == Place::Body;
        if let Some(value) = value.get(field.aws).filter(|_| in_document) {
            write_field(out, field, &field.xml_name(protocol), value, protocol);
        }
    }
}

/// Writes one member as an element of this name.
pub fn write_field(
    out: &mut String,
    field: &'static FieldDef,
    name: &str,
    value: &Value,
    protocol: Protocol,
) {
    match (field.card, value) {
        (Card::List, Value::Array(items)) if field.shape.wire.flattened => {
            for item in items {
                write_one(out, field.kind, name, item, protocol);
            }
        }
        (Card::List, Value::Array(items)) => {
            open(out, name);
            for item in items {
                write_one(out, field.kind, field.xml_item(protocol), item, protocol);
            }
            close(out, name);
        }
        (Card::Map, Value::Object(entries)) => {
            open(out, name);
            for (key, value) in entries {
                open(out, "entry");
                leaf(out, "key", key);
                write_one(out, field.kind, "value", value, protocol);
                close(out, "entry");
            }
            close(out, name);
        }
        _ => write_one(out, field.kind, name, value, protocol),
    }
}

fn write_one(out: &mut String, kind: Kind, name: &str, value: &Value, protocol: Protocol) {
    match kind {
        Kind::Message(def) => match def.seen_through() {
            Some(inner) => write_field(out, inner, name, value, protocol),
            None => {
                open(out, name);
                write_members(out, def, value, protocol);
                close(out, name);
            }
        },
        _ => leaf(out, name, &shown(value).unwrap_or_default()),
    }
}

/// `<name>text</name>`.
pub fn leaf(out: &mut String, name: &str, text: &str) {
    open(out, name);
    escape(out, text);
    close(out, name);
}

/// `<name>`.
pub fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

/// `</name>`.
pub fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Text that reads back the same, control characters that XML 1.0 lacks replaced.
pub fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
}
