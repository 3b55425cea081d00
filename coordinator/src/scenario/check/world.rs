//! The world: its names first, then what stands behind each.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::tables::Referent;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::scenario::plan::step::Client;
use crate::scenario::plan::world::{Named, PolicyPlan, WorldPlan};
use crate::scenario::quantity;
use crate::scenario::source::{Entry, Key, Node, Value as Tree};
use crate::scenario::syntax::WorldPart;
use crate::scenario::syntax::cursor::{list, map};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::world::{self, SectionDef};

use super::Checker;
use super::members::Reading;
use super::substitute::Substituted;

/// Sections whose entries other entries name.
const NAMED: &[(&str, Referent)] = &[
    ("accounts", Referent::Account),
    ("principals", Referent::Principal),
    ("keys", Referent::Key),
    ("buckets", Referent::Bucket),
    ("tables", Referent::Table),
    ("volumes", Referent::Volume),
];

impl Checker<'_> {
    /// Collects the world's names, so that entries may name each other in any order.
    pub fn collect_names(&mut self, parts: &[WorldPart<'_>]) {
        for part in parts {
            let name = part.key.text.as_str();
            if name == "regions" {
                for (region, span) in self.regions(part.node) {
                    self.names.add(Referent::Region, region.as_str(), span);
                }
            }
            let entries = part.node.entries().unwrap_or_default();
            if let Some((_, kind)) = NAMED.iter().find(|(section, _)| *section == name) {
                for Entry { key, .. } in entries {
                    self.names.add(*kind, key.text.as_str(), key.span);
                }
            }
            if name == "sealed_clients" {
                self.names.sealed = entries
                    .iter()
                    .map(|entry| (entry.key.text.clone(), entry.key.span))
                    .collect();
            }
        }
    }

    fn regions(&mut self, node: &Node) -> Vec<(RegionName, crate::scenario::source::Span)> {
        if node.items().is_some_and(<[Node]>::is_empty) {
            self.found
                .error("E0113", node.span, "a world needs at least one Region");
        }
        let mut regions: Vec<(RegionName, _)> = Vec::new();
        for item in list(node, "`regions`", &mut self.found) {
            for (text, span) in self.known_texts(item, "a Region") {
                match RegionName::new(&text) {
                    Ok(region) if regions.iter().any(|(known, _)| *known == region) => {
                        self.found.error(
                            "E0102",
                            span,
                            format!("the Region {region} is named twice"),
                        );
                    }
                    Ok(region) => regions.push((region, span)),
                    Err(_) => {
                        self.found
                            .error("E0107", span, format!("`{text}` is no Region"))
                            .caption("expected a Region such as `eu-west-1`");
                    }
                }
            }
        }
        regions
    }

    /// Checks the world and makes it ready.
    pub fn world(&mut self, parts: &[WorldPart<'_>]) -> WorldPlan {
        let mut plan = WorldPlan::default();
        for part in parts {
            self.part(part, &mut plan);
        }
        self.world_as_a_whole(&plan);
        plan
    }

    fn part(&mut self, part: &WorldPart<'_>, plan: &mut WorldPlan) {
        let node = part.node;
        match part.key.text.as_str() {
            "regions" => {
                let before = self.found.list.len();
                plan.regions = self
                    .regions(node)
                    .into_iter()
                    .map(|(region, _)| region)
                    .collect();
                self.found.list.truncate(before);
            }
            "home" => plan.home = self.home(node),
            "seed" => plan.seed = self.whole_seed(node, "`world.seed`"),
            "iam_propagation" => plan.iam_propagation = self.iam_propagation(node),
            "client" | "clients" => plan.client = self.client(node),
            "accounts" => plan.accounts = self.accounts(node),
            name => {
                if let Some(section) = world::find(name) {
                    self.section(section, node, plan);
                }
            }
        }
    }

    fn home(&mut self, node: &Node) -> Option<RegionName> {
        let (text, span) = self.known_texts(node, "`home`").pop()?;
        let scalar = crate::scenario::source::Scalar {
            text: text.clone(),
            plain: true,
        };
        self.world_name(Referent::Region, &scalar, span, "`home`", false);
        RegionName::new(text).ok()
    }

    fn iam_propagation(&mut self, node: &Node) -> std::time::Duration {
        let Some((text, span)) = self.known_texts(node, "`iam_propagation`").pop() else {
            return std::time::Duration::ZERO;
        };
        quantity::duration(&text).unwrap_or_else(|| {
            self.found
                .error("E0107", span, format!("`{text}` is no duration"))
                .caption("expected a duration such as `5s`");
            std::time::Duration::ZERO
        })
    }

    /// Reads `client:`.
    pub fn client(&mut self, node: &Node) -> Client {
        let template = self.message(node, &world::CLIENT, "`client`", Reading::OURS);
        self.typed(&template).unwrap_or_default()
    }

    fn accounts(&mut self, node: &Node) -> BTreeMap<String, AccountId> {
        let mut accounts = BTreeMap::new();
        for Entry { key, value } in map(node, "`accounts`", &mut self.found) {
            if let Some(scalar) = value
                .scalar()
                .filter(|scalar| scalar.plain && scalar.is_digits())
            {
                self.unquoted_account(&scalar.text, value.span);
                continue;
            }
            let Some((text, span)) = self.known_texts(value, "an account id").pop() else {
                continue;
            };
            match AccountId::new(&text) {
                Ok(id) => {
                    if let Some((other, _)) = accounts.iter().find(|(_, known)| **known == id) {
                        self.found.error(
                            "E0107",
                            span,
                            format!("the account `{other}` has this id already"),
                        );
                    }
                    accounts.insert(key.text.clone(), id);
                }
                Err(_) => {
                    self.found
                        .error("E0107", span, format!("`{text}` is no account id"))
                        .caption("expected 12 digits in quotes");
                }
            }
        }
        accounts
    }

    fn section(&mut self, section: &'static SectionDef, node: &Node, plan: &mut WorldPlan) {
        if section.named {
            for Entry { key, value } in map(node, &format!("`{}`", section.name), &mut self.found) {
                self.named_entry(section, key, value, plan);
            }
            return;
        }
        for item in list(node, &format!("`{}`", section.name), &mut self.found) {
            let Some((template, _)) = self.entry_of(section, item, section.entry) else {
                continue;
            };
            match section.name {
                "links" => plan.links.extend(self.typed(&template)),
                "replication_lag" => plan.replication_lag.extend(self.typed(&template)),
                "quotas" => plan.quotas.extend(self.typed(&template)),
                _ => plan.replication.extend(self.typed(&template)),
            }
        }
    }

    fn named_entry(
        &mut self,
        section: &'static SectionDef,
        key: &Key,
        node: &Node,
        plan: &mut WorldPlan,
    ) {
        let what = format!("{} `{}`", section.entry.trim_start_matches("a "), key.text);
        let name = key.text.clone();
        self.bucket = (section.name == "buckets").then(|| name.clone());
        let entry = self.entry_of(section, node, &what);
        self.bucket = None;
        let Some((template, policy)) = entry else {
            return;
        };
        match section.name {
            "principals" => self.add(&mut plan.principals, name, &template, policy, key),
            "groups" => self.add(&mut plan.groups, name, &template, policy, key),
            "keys" => self.add(&mut plan.keys, name, &template, policy, key),
            "buckets" => self.add(&mut plan.buckets, name, &template, policy, key),
            "tables" => self.add(&mut plan.tables, name, &template, policy, key),
            "volumes" => self.add(&mut plan.volumes, name, &template, policy, key),
            _ => {
                let scalar = crate::scenario::source::Scalar {
                    text: name.clone(),
                    plain: true,
                };
                self.world_name(
                    Referent::Table,
                    &scalar,
                    key.span,
                    "this sealed client",
                    false,
                );
                if let Some(client) = self.typed(&template) {
                    plan.sealed_clients.insert(name, client);
                }
            }
        }
    }

    fn add<T: DeserializeOwned>(
        &mut self,
        to: &mut BTreeMap<String, Named<T>>,
        name: String,
        template: &Template,
        policy: Option<PolicyPlan>,
        key: &Key,
    ) {
        if let Some(what) = self.typed(template) {
            to.insert(
                name,
                Named {
                    what,
                    policy,
                    span: key.span,
                },
            );
        }
    }

    /// Checks an entry; the policy is taken out of it.
    fn entry_of(
        &mut self,
        section: &'static SectionDef,
        node: &Node,
        what: &str,
    ) -> Option<(Template, Option<PolicyPlan>)> {
        let known = match self.substitute(node) {
            Substituted::Known(known) => known,
            Substituted::Later(..) | Substituted::Wrong => return None,
        };
        let before = self.found.list.len();
        let mut template = self.message(&known, section.members, what, Reading::OURS);
        if known.entries().is_some() {
            self.one_of(node.span, &known, section.one_of, what);
        }
        if section.name == "keys" {
            self.key_regions(&known);
        }
        let sound = !self.found.list[before..]
            .iter()
            .any(|found| found.severity == crate::scenario::diagnostic::Severity::Error);
        let policy = take_policy(&mut template);
        sound.then_some((template, policy))
    }

    fn key_regions(&mut self, node: &Node) {
        let multi = node.get("multi_region").and_then(Node::text);
        if let (Some("false") | None, Some(replicas)) = (multi, node.get("replicas"))
            && (node.get("primary").is_none() || multi == Some("false"))
        {
            self.found
                .error(
                    "E0112",
                    replicas.span,
                    "only a multi-Region key has replicas",
                )
                .help("write `multi_region: true, primary: ..., replicas: [...]`");
        }
        if let (Some("true"), Some(region)) = (multi, node.get("region")) {
            self.found.error(
                "E0112",
                region.span,
                "a multi-Region key has a `primary` in place of `region`",
            );
        }
    }

    /// The typed form of a checked value that is known before the run.
    fn typed<T: DeserializeOwned>(&mut self, template: &Template) -> Option<T> {
        let value = template.written()?;
        match serde_json::from_value(without_nulls(value)) {
            Ok(typed) => Some(typed),
            Err(error) => {
                if !self.found.has_errors() {
                    self.found.error(
                        "E0107",
                        template.span,
                        format!("this makes no sense: {error}"),
                    );
                }
                None
            }
        }
    }

    /// A group has users of its own account in it.
    fn groups_as_a_whole(&mut self, plan: &WorldPlan) {
        for (name, group) in &plan.groups {
            for member in &group.what.members {
                let Some(principal) = plan.principals.get(member) else {
                    continue;
                };
                if principal.is_role() {
                    self.found
                        .error(
                            "E0107",
                            group.span,
                            format!("`{member}` is a role, and the group `{name}` has users"),
                        )
                        .help("give the role a policy of its own");
                } else if principal.what.account != group.what.account {
                    self.found.error(
                        "E0107",
                        group.span,
                        format!("`{member}` is of another account than the group `{name}`"),
                    );
                }
            }
        }
    }

    fn world_as_a_whole(&mut self, plan: &WorldPlan) {
        for (name, principal) in &plan.principals {
            if plan.accounts.contains_key(name) {
                self.found
                    .error(
                        "E0213",
                        principal.span,
                        format!("`{name}` is an account and a principal"),
                    )
                    .note(format!("`to: {name}` in a policy could mean either"));
            }
        }
        self.groups_as_a_whole(plan);
        for key in plan.keys.values() {
            let Some(primary) = &key.what.primary else {
                continue;
            };
            if key.what.replicas.contains(primary) {
                self.found.error(
                    "E0107",
                    key.span,
                    format!("the replica in {primary} is in the primary's own Region"),
                );
            }
        }
        for replication in &plan.replication {
            for end in [&replication.from, &replication.to] {
                if let Some(bucket) = plan
                    .buckets
                    .get(end)
                    .filter(|bucket| !bucket.what.versioned)
                {
                    self.found
                        .error(
                            "E0107",
                            bucket.span,
                            format!(
                                "the bucket `{end}` takes part in replication and is not versioned"
                            ),
                        )
                        .help("write `versioned: true`: S3 replicates versions");
                }
            }
        }
    }
}

/// Takes the policy out of an entry, for it needs names that only set-up knows.
fn take_policy(template: &mut Template) -> Option<PolicyPlan> {
    let Form::Map(members) = &mut template.form else {
        return None;
    };
    let at = members.iter().position(|(key, _)| key == "policy")?;
    match members.remove(at).1.form {
        Form::Policy(short) => Some(PolicyPlan::Short(*short)),
        Form::Literal(Value::String(text)) => Some(PolicyPlan::Document(text)),
        _ => None,
    }
}

/// A map without the members that say nothing.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        other => other,
    }
}

/// Whether a node says nothing at all.
#[must_use]
pub fn is_nothing(node: &Node) -> bool {
    matches!(&node.value, Tree::Scalar(scalar) if scalar.is_null())
}
