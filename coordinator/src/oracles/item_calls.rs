//! Calls about single items of a table, as clients saw them; a batch is a call for each item.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::journal::event::{CallAnswered, CallSent, Outcome};

/// An item: each attribute's value as JSON text. `None` is no item.
pub(super) type Item = Option<BTreeMap<String, String>>;

/// What a write does to an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Put(BTreeMap<String, String>),
    Delete,
    Set(String, String),
    Add(String, i64),
}

/// A call about one item.
#[derive(Debug, Clone)]
pub(super) struct ItemCall {
    pub region: String,
    /// The key as sent; for PutItem the whole item.
    pub named: BTreeMap<String, String>,
    pub put: bool,
    pub effect: Option<Effect>,
    pub consistent: bool,
    /// What its condition says of the item's being there, when it is of that simple kind.
    pub wants: Option<bool>,
    /// Whether it says more than this model understands.
    pub strange: bool,
    /// Lines of the journal.
    pub sent: u64,
    pub answered: Option<u64>,
    pub end: Ending,
    returns: String,
    /// Its part of a batch, as it was asked for.
    part: Option<Value>,
}

/// What the client learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing: it may have been done.
    Unknown,
    /// Certainly not done.
    Refused,
    /// Not done, since the condition did not hold.
    ConditionFailed,
    /// Done; what the answer says of the item before and after.
    Done {
        before: Option<Item>,
        after: Option<Item>,
    },
}

fn texts(members: &Value) -> BTreeMap<String, String> {
    let none = Map::new();
    let members = members.as_object().unwrap_or(&none);
    let pairs = members.iter();
    pairs
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

/// What a member of a batch says of a table, whose name may be an ARN.
fn of_table<'v>(member: &'v Value, table: &str) -> &'v Value {
    let tables = member.as_object().into_iter().flatten();
    let mut of = tables.filter(|(name, _)| name.rsplit('/').next() == Some(table));
    of.next().map_or(&Value::Null, |(_, value)| value)
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

impl ItemCall {
    /// The calls about an item of `table` that a call is.
    pub fn read(sent: &CallSent, line: u64, table: &str) -> Vec<Self> {
        let items = of_table(&sent.request["RequestItems"], table);
        match sent.operation.as_str() {
            "dynamodb.BatchWriteItem" => each(items)
                .map(|part| {
                    let mut call = Self::about(sent, line, &part["DeleteRequest"]["Key"]);
                    call.effect = Some(Effect::Delete);
                    if !part["PutRequest"].is_null() {
                        call.put(&part["PutRequest"]["Item"]);
                    }
                    call.part = Some(part.clone());
                    call
                })
                .collect(),
            "dynamodb.BatchGetItem" => each(&items["Keys"])
                .map(|key| {
                    let mut call = Self::about(sent, line, key);
                    call.consistent = items["ConsistentRead"].as_bool() == Some(true);
                    call.strange = !items["ProjectionExpression"].is_null();
                    call.part = Some(key.clone());
                    call
                })
                .collect(),
            _ => Self::single(sent, line, table).into_iter().collect(),
        }
    }

    fn about(sent: &CallSent, line: u64, key: &Value) -> Self {
        let request = &sent.request;
        Self {
            region: sent.region.to_string(),
            named: texts(key),
            put: false,
            effect: None,
            consistent: request["ConsistentRead"].as_bool() == Some(true),
            wants: None,
            strange: !request["ProjectionExpression"].is_null(),
            sent: line,
            answered: None,
            end: Ending::Unknown,
            returns: request["ReturnValues"]
                .as_str()
                .unwrap_or("NONE")
                .to_owned(),
            part: None,
        }
    }

    fn put(&mut self, item: &Value) {
        self.named = texts(item);
        self.put = true;
        self.effect = Some(Effect::Put(self.named.clone()));
    }

    /// A call of one of the four operations about an item.
    fn single(sent: &CallSent, line: u64, table: &str) -> Option<Self> {
        let request = &sent.request;
        let name = request["TableName"].as_str().unwrap_or_default();
        if name.rsplit('/').next() != Some(table) {
            return None;
        }
        let mut call = Self::about(sent, line, &request["Key"]);
        match sent.operation.as_str() {
            "dynamodb.GetItem" => {}
            "dynamodb.PutItem" => call.put(&request["Item"]),
            "dynamodb.DeleteItem" => call.effect = Some(Effect::Delete),
            "dynamodb.UpdateItem" => {
                call.effect = update(request);
                call.strange |= call.effect.is_none();
            }
            _ => return None,
        }
        if let Some(condition) = request["ConditionExpression"].as_str() {
            call.wants = wanted(condition);
            call.strange |= call.wants.is_none();
        }
        Some(call)
    }

    /// What a Scan of the whole table says of the item with this key.
    pub fn of_scan(scan: &WholeScan, key: &BTreeMap<String, String>) -> Self {
        let mut found = scan.items.iter();
        let item = found.find(|item| {
            key.iter()
                .all(|(name, value)| item.get(name) == Some(value))
        });
        Self {
            region: String::new(),
            named: key.clone(),
            put: false,
            effect: None,
            consistent: true,
            wants: None,
            strange: false,
            sent: scan.sent,
            answered: Some(scan.answered),
            end: Ending::Done {
                before: Some(item.cloned()),
                after: None,
            },
            returns: String::new(),
            part: None,
        }
    }

    /// Whether it reads and writes nothing.
    pub fn reads(&self) -> bool {
        self.effect.is_none() && !self.strange
    }

    /// Takes the end of the call.
    pub fn ended(&mut self, answered: &CallAnswered, line: u64, table: &str) {
        self.answered = Some(line);
        self.end = match &answered.outcome {
            Outcome::Success { response, .. } => self.done(response, table),
            Outcome::Refused(refused) if refused.code == "ConditionalCheckFailedException" => {
                Ending::ConditionFailed
            }
            Outcome::Refused(refused) if refused.definite => Ending::Refused,
            Outcome::Unheard { code, .. }
                if code == "ConnectTimeout" || code == "ConnectionRefused" =>
            {
                Ending::Refused
            }
            Outcome::Refused(_) | Outcome::Unheard { .. } => Ending::Unknown,
        };
    }

    fn done(&self, response: &Value, table: &str) -> Ending {
        if let Some(part) = &self.part {
            return self.done_in_batch(part, response, table);
        }
        let item = |member: &str| Some(texts(&response[member])).filter(|item| !item.is_empty());
        let (before, after) = match self.returns.as_str() {
            _ if self.reads() => (Some(item("Item")), None),
            "ALL_OLD" => (Some(item("Attributes")), None),
            "ALL_NEW" => (None, Some(item("Attributes"))),
            _ => (None, None),
        };
        Ending::Done { before, after }
    }

    fn done_in_batch(&self, part: &Value, response: &Value, table: &str) -> Ending {
        let (before, after) = (None, None);
        let left = |list: &Value| each(list).any(|left| left == part);
        if left(of_table(&response["UnprocessedItems"], table))
            || left(&of_table(&response["UnprocessedKeys"], table)["Keys"])
        {
            return Ending::Refused;
        }
        if !self.reads() {
            return Ending::Done { before, after };
        }
        let mut found = each(of_table(&response["Responses"], table)).map(texts);
        let named = |item: &BTreeMap<_, _>| self.named.iter().all(|(k, v)| item.get(k) == Some(v));
        let before = Some(found.find(named));
        Ending::Done { before, after }
    }
}

/// A strongly consistent Scan that answered a whole table in one page.
#[derive(Debug, Clone)]
pub(super) struct WholeScan {
    sent: u64,
    answered: u64,
    items: Vec<BTreeMap<String, String>>,
}

impl WholeScan {
    /// Whether a call is one, if it succeeds.
    pub fn is_asked(sent: &CallSent, table: &str) -> bool {
        const LESS: [&str; 6] = [
            "FilterExpression",
            "ProjectionExpression",
            "Limit",
            "ExclusiveStartKey",
            "Segment",
            "IndexName",
        ];
        let request = &sent.request;
        let name = request["TableName"].as_str().unwrap_or_default();
        sent.operation == "dynamodb.Scan"
            && name.rsplit('/').next() == Some(table)
            && request["ConsistentRead"].as_bool() == Some(true)
            && LESS.iter().all(|member| request[*member].is_null())
    }

    /// What it found.
    pub fn answered(sent: u64, answered: &CallAnswered, line: u64) -> Option<Self> {
        match &answered.outcome {
            Outcome::Success { response, .. } if response["LastEvaluatedKey"].is_null() => {
                Some(Self {
                    sent,
                    answered: line,
                    items: each(&response["Items"]).map(texts).collect(),
                })
            }
            Outcome::Success { .. } | Outcome::Refused(_) | Outcome::Unheard { .. } => None,
        }
    }
}

/// `attribute_not_exists(id)` and its opposite.
fn wanted(condition: &str) -> Option<bool> {
    let name = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (function, rest) = condition.trim().split_once('(')?;
    let argument = rest.strip_suffix(')')?;
    match function {
        "attribute_not_exists" if name(argument) => Some(false),
        "attribute_exists" if name(argument) => Some(true),
        _ => None,
    }
}

/// `SET a = :v` and `ADD a :v`, names in place or through `#name`.
fn update(request: &Value) -> Option<Effect> {
    let expression = request["UpdateExpression"].as_str()?;
    let mut words = expression.split_whitespace();
    let clause = words.next()?.to_ascii_uppercase();
    let name = words.next()?;
    let name = match &request["ExpressionAttributeNames"][name] {
        Value::String(meant) => meant.as_str(),
        _ if name.starts_with('#') => return None,
        _ => name,
    };
    let value =
        |word: &str| Some(&request["ExpressionAttributeValues"][word]).filter(|it| !it.is_null());
    let effect = match clause.as_str() {
        "SET" => {
            (words.next()? == "=").then_some(())?;
            Effect::Set(name.to_owned(), value(words.next()?)?.to_string())
        }
        "ADD" => {
            let number = value(words.next()?)?["N"].as_str()?.parse().ok()?;
            Effect::Add(name.to_owned(), number)
        }
        _ => return None,
    };
    words.next().is_none().then_some(effect)
}

impl Effect {
    /// What becomes of an item with this key; `None` when the model does not know.
    pub fn on(&self, item: &Item, key: &BTreeMap<String, String>) -> Option<Item> {
        let base = || item.clone().unwrap_or_else(|| key.clone());
        Some(match self {
            Self::Put(item) => Some(item.clone()),
            Self::Delete => None,
            Self::Set(name, value) => {
                let mut after = base();
                after.insert(name.clone(), value.clone());
                Some(after)
            }
            Self::Add(name, more) => {
                let mut after = base();
                let before = match after.get(name) {
                    None => 0,
                    Some(text) => {
                        let value: Value = serde_json::from_str(text).ok()?;
                        value["N"].as_str()?.parse::<i64>().ok()?
                    }
                };
                let sum = serde_json::json!({ "N": (before + more).to_string() });
                after.insert(name.clone(), sum.to_string());
                Some(after)
            }
        })
    }
}
