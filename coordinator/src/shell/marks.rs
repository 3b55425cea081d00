//! Values that only a run has: each is a mark around the name of a shell variable, and goes
//! through templates, names and codecs as any text does.

use std::collections::BTreeMap;

use faultline_proto::names::AccountId;
use faultline_proto::tables::{Card, Kind, MessageDef};
use serde_json::{Map, Value};

use super::words::variable;
use crate::runner::world::{Bucket, Key, Principal, Table, Volume, World};
use crate::scenario::bytes;
use crate::scenario::plan::WorldPlan;

/// Before a variable's name.
pub(super) const START: char = '\u{E000}';
/// After it.
pub(super) const END: char = '\u{E001}';

/// Members of members of an answer that are looked at.
const DEEP: usize = 5;
/// Items of its lists.
const ITEMS: usize = 3;

/// The world, with marks for what is not known, and the marks of answers.
pub(super) struct Marks {
    /// Names as they will be.
    pub world: World,
    /// Variable to the answer's name and the `--query` that finds it there.
    pub of_answers: BTreeMap<String, (String, String)>,
}

fn mark(variable: &str) -> String {
    format!("{START}{variable}{END}")
}

/// The variables in a text.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split(START)
        .skip(1)
        .filter_map(|part| part.split_once(END).map(|(name, _)| name))
}

/// The shell variable of a key's id.
#[must_use]
pub fn key_variable(name: &str) -> String {
    format!("FAULTLINE_KEY_{}", variable(name).to_uppercase())
}

/// The shell variable of a volume's id.
#[must_use]
pub fn volume_variable(name: &str) -> String {
    format!("FAULTLINE_VOLUME_{}", variable(name).to_uppercase())
}

impl Marks {
    pub(super) fn of(plan: &WorldPlan) -> Self {
        let account = |name: &str| -> AccountId {
            let found = plan.accounts.get(name);
            found
                .expect("a checked world has the accounts it names")
                .clone()
        };
        let home = plan.home.as_ref().or(plan.regions.first());
        let home = home.expect("a checked world has a Region").clone();
        let principals = plan.principals.iter().map(|(name, it)| {
            let (account, role) = (account(&it.what.account), it.is_role());
            let kind = if role { "role" } else { "user" };
            let principal = Principal {
                arn: format!("arn:aws:iam::{account}:{kind}/{name}"),
                account,
                role,
                credential: None,
                session_policy: None,
            };
            (name.clone(), principal)
        });
        let keys = plan.keys.iter().map(|(name, it)| {
            let region = it.what.birthplace().unwrap_or(&home).clone();
            let mut regions = vec![region.clone()];
            regions.extend(it.what.replicas.iter().cloned());
            let key = Key {
                account: account(&it.what.account),
                id: mark(&key_variable(name)),
                region,
                multi_region: it.what.is_multi_region(),
                regions,
            };
            (name.clone(), key)
        });
        let buckets = plan.buckets.iter().map(|(name, it)| {
            let (account, region) = (account(&it.what.account), it.what.region.clone());
            (name.clone(), Bucket { account, region })
        });
        let tables = plan.tables.iter().map(|(name, it)| {
            let (account, regions) = (account(&it.what.account), Vec::new());
            (name.clone(), Table { account, regions })
        });
        let volumes = plan.volumes.iter().map(|(name, it)| {
            let volume = Volume {
                account: account(&it.what.account),
                region: it.what.region.clone(),
                id: mark(&volume_variable(name)),
            };
            (name.clone(), volume)
        });
        let world = World {
            regions: plan.regions.clone(),
            accounts: plan.accounts.clone(),
            roots: BTreeMap::new(),
            principals: principals.collect(),
            keys: keys.collect(),
            buckets: buckets.collect(),
            tables: tables.collect(),
            volumes: volumes.collect(),
            home,
        };
        Self {
            world,
            of_answers: BTreeMap::new(),
        }
    }

    /// An answer of which every text and every bytes is a mark. What is neither is not there.
    pub(super) fn answer(&mut self, name: &str, def: &'static MessageDef) -> Value {
        self.message(name, def, &variable(name), "", 0)
    }

    fn message(
        &mut self,
        answer: &str,
        def: &'static MessageDef,
        variable: &str,
        query: &str,
        depth: usize,
    ) -> Value {
        let mut members = Map::new();
        if depth == DEEP || def.is_plain_value() {
            return Value::Null;
        }
        for field in def.fields {
            let variable = format!("{variable}_{}", field.snake);
            let query = match query {
                "" => field.aws.to_owned(),
                query => format!("{query}.{}", field.aws),
            };
            let mut one = |variable: String, query: String| match field.kind {
                Kind::Message(inner) => self.message(answer, inner, &variable, &query, depth + 1),
                Kind::Str | Kind::Bytes => {
                    let text = mark(&variable);
                    self.of_answers.insert(variable, (answer.to_owned(), query));
                    if matches!(field.kind, Kind::Bytes) {
                        bytes::written(text.as_bytes()).into()
                    } else {
                        text.into()
                    }
                }
                Kind::Bool | Kind::I32 | Kind::I64 | Kind::F64 | Kind::Timestamp => Value::Null,
            };
            let value = match field.card {
                Card::One => one(variable, query),
                Card::List => (0..ITEMS)
                    .map(|nth| one(format!("{variable}_{nth}"), format!("{query}[{nth}]")))
                    .collect(),
                Card::Map => Value::Null,
            };
            if !value.is_null() {
                members.insert(field.snake.to_owned(), value);
            }
        }
        Value::Object(members)
    }
}
