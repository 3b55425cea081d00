//! A second evaluator: slow, over raw JSON, written from kms 7.1 (and K-166 for buckets) and
//! nothing else. It shares no code with the first and must agree with it.
//!
//! Read it beside the numbered rules of kms 7.1: the numbers in the comments are theirs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::worlds::{Asked, Kind, Paper, SomeGrant, World};

#[expect(
    clippy::too_many_lines,
    reason = "the rules of kms 7.1 in their order, to be read beside them"
)]
/// Whether the request of `world` is allowed.
pub(super) fn allows(world: &World) -> bool {
    let asked = &world.asked;
    let caller = &asked.caller;
    let facts = facts(asked);
    // K-232, K-233: a key policy sees neither the key's tags nor its aliases.
    let mut own_facts = facts.clone();
    if asked.kind == Kind::Key {
        own_facts
            .retain(|key, _| !key.starts_with("aws:resourcetag/") && key != "kms:resourcealiases");
    }
    let hears =
        |documents: &[Paper], effect: &str| !speakers(documents, effect, asked, &facts).is_empty();
    let linked = caller
        .role_arn
        .as_deref()
        .is_some_and(|role| role.contains(":role/aws-service-role/"));
    let has_account = caller.account.is_some();
    let own = std::slice::from_ref(&world.own);
    // 2: some RCP at every level, but not for the management account, service-linked roles, RetireGrant.
    let rcps: &[Vec<Paper>] = if linked || asked.action == "kms:RetireGrant" {
        &[]
    } else {
        world.rcps_of(asked.owner)
    };
    // 3: every level's SCPs, but not for the management account and service-linked roles.
    let scps: &[Vec<Paper>] = match caller.account {
        Some(account) if !linked => world.scps_of(account),
        _ => &[],
    };
    let (identity, boundary, session): (&[Paper], Vec<Paper>, &[Paper]) = if has_account {
        (
            &world.identity,
            world.boundary.iter().cloned().collect(),
            &world.session,
        )
    } else {
        (&[], Vec::new(), &[])
    };
    let endpoint: Vec<Paper> = world.endpoint.iter().cloned().collect();

    // 1: an explicit deny in any of them ends it.
    let mut denied =
        asked.kind != Kind::Nothing && !speakers(own, "Deny", asked, &own_facts).is_empty();
    for level in rcps.iter().chain(scps) {
        denied |= hears(level, "Deny");
    }
    denied |= hears(identity, "Deny") || hears(&boundary, "Deny");
    denied |= hears(session, "Deny") || hears(&endpoint, "Deny");
    if denied {
        return false;
    }
    if rcps.iter().chain(scps).any(|level| !hears(level, "Allow")) {
        return false;
    }
    // 4
    if !endpoint.is_empty() && !hears(&endpoint, "Allow") {
        return false;
    }
    let within_boundary = boundary.is_empty() || hears(&boundary, "Allow");
    let within_session = session.is_empty() || hears(session, "Allow");
    let own_side =
        caller.is_root || (hears(identity, "Allow") && within_boundary && within_session);
    // 5
    if asked.kind == Kind::Nothing {
        return has_account && own_side;
    }
    let cross = has_account && caller.account != Some(asked.owner);
    // K-205, K-206: retiring is a matter of the grant.
    if asked.action == "kms:RetireGrant" && asked.kind == Kind::Key {
        return (!cross || asked.crosses)
            && world
                .grants
                .iter()
                .any(|grant| may_retire(grant, asked, own_side));
    }
    let granted = asked.kind == Kind::Key
        && world
            .grants
            .iter()
            .any(|grant| covers(grant, asked, &facts));
    let named = speakers(own, "Allow", asked, &own_facts);
    // 7
    if cross {
        return asked.crosses && (granted || (!named.is_empty() && own_side));
    }
    // 6
    let anonymous = caller.arn.is_none() && caller.service.is_none();
    if asked.kind == Kind::Key && anonymous {
        return false;
    }
    let directly = named.contains(&How::Itself);
    let by_role = named.contains(&How::Role) && within_boundary && within_session;
    let delegated = named.contains(&How::Account) && own_side;
    match asked.kind {
        Kind::Key => directly || by_role || delegated || granted,
        _ => directly || by_role || (has_account && own_side),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Itself,
    Role,
    Account,
}

type Facts = BTreeMap<String, Vec<String>>;

/// Every condition key of the request, by lower-case name.
fn facts(asked: &Asked) -> Facts {
    let mut facts: Facts = asked
        .context
        .iter()
        .map(|(key, values)| (key.to_lowercase(), values.clone()))
        .collect();
    for (name, value) in &asked.encryption {
        let key = format!("kms:encryptioncontext:{}", name.to_lowercase());
        facts.entry(key).or_default().push(value.clone());
        let names = facts
            .entry("kms:encryptioncontextkeys".to_owned())
            .or_default();
        names.push(name.clone());
    }
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            facts.insert(key.to_owned(), vec![value.to_owned()]);
        }
    };
    let caller = &asked.caller;
    put("kms:calleraccount", caller.account);
    put("aws:principalaccount", caller.account);
    put(
        "aws:principalarn",
        caller.role_arn.as_deref().or(caller.arn.as_deref()),
    );
    put("aws:username", caller.user_name);
    put("aws:resourceaccount", Some(asked.owner));
    put("aws:currenttime", Some("2026-11-24T02:31:00Z"));
    facts
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    }
}

/// How each statement of that effect that speaks to the request names the caller.
fn speakers(documents: &[Paper], effect: &str, asked: &Asked, facts: &Facts) -> Vec<How> {
    let statements = documents
        .iter()
        .flat_map(|document| document.value["Statement"].as_array().into_iter().flatten());
    statements
        .filter(|statement| statement["Effect"] == effect)
        .filter(|statement| {
            about(
                statement,
                "Action",
                &asked.action.to_lowercase(),
                facts,
                true,
            )
        })
        .filter(|statement| about(statement, "Resource", asked.resource, facts, false))
        .filter(|statement| conditions_hold(&statement["Condition"], facts))
        .filter_map(|statement| named(statement, asked))
        .collect()
}

fn about(statement: &Value, element: &str, text: &str, facts: &Facts, fold: bool) -> bool {
    let fits = |name: &str| {
        list(&statement[name]).iter().any(|pattern| {
            let pattern = if fold {
                pattern.to_lowercase()
            } else {
                (*pattern).to_owned()
            };
            tokens(&pattern, true, facts).is_some_and(|tokens| like(&tokens, text.as_bytes()))
        })
    };
    let not = format!("Not{element}");
    if statement.get(&not).is_some() {
        !fits(&not)
    } else {
        fits(element)
    }
}

/// Which identities a caller has, and how being named by each counts.
fn identities(asked: &Asked) -> Vec<(String, How)> {
    let caller = &asked.caller;
    let mut known = Vec::new();
    if let Some(arn) = &caller.arn {
        known.push((arn.clone(), How::Itself));
    }
    if let Some(service) = caller.service {
        known.push((service.to_owned(), How::Itself));
    }
    if let Some(role) = &caller.role_arn {
        known.push((role.clone(), How::Role));
    }
    if let Some(account) = caller.account.filter(|_| !caller.is_root) {
        known.push((format!("arn:aws:iam::{account}:root"), How::Account));
    }
    known
}

fn named(statement: &Value, asked: &Asked) -> Option<How> {
    let entries = |clause: &Value| -> Vec<String> {
        let mut all: Vec<String> = match clause {
            Value::Object(members) => members.values().flat_map(list).map(str::to_owned).collect(),
            text => list(text).into_iter().map(str::to_owned).collect(),
        };
        for entry in &mut all {
            if entry.len() == 12 && entry.bytes().all(|byte| byte.is_ascii_digit()) {
                *entry = format!("arn:aws:iam::{entry}:root");
            }
        }
        all
    };
    if let Some(clause) = statement.get("NotPrincipal") {
        let spared = entries(clause);
        let mine = identities(asked);
        let all_listed = !mine.is_empty() && mine.iter().all(|(name, _)| spared.contains(name));
        return (!all_listed && !spared.contains(&"*".to_owned())).then_some(How::Itself);
    }
    let Some(clause) = statement.get("Principal") else {
        return Some(How::Itself);
    };
    let entries = entries(clause);
    if entries.contains(&"*".to_owned()) {
        return Some(How::Itself);
    }
    let mine = identities(asked);
    mine.into_iter()
        .find(|(name, _)| entries.contains(name))
        .map(|(_, how)| how)
}

fn conditions_hold(block: &Value, facts: &Facts) -> bool {
    let Some(operators) = block.as_object() else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, wanted)| {
            let key = key.to_lowercase();
            let given = facts.get(&key).map_or(&[][..], Vec::as_slice);
            holds(operator, &list(wanted), given, facts)
        })
    })
}

fn holds(operator: &str, wanted: &[&str], given: &[String], facts: &Facts) -> bool {
    let (quantifier, operator) = operator.split_once(':').unwrap_or(("", operator));
    let optional = operator.ends_with("IfExists");
    let operator = operator.trim_end_matches("IfExists");
    if operator == "Null" {
        return wanted.contains(&if given.is_empty() { "true" } else { "false" });
    }
    let negated = operator.contains("Not");
    let positive = operator.replace("Not", "");
    let matched = |value: &String| {
        wanted
            .iter()
            .any(|one| compare(&positive, one, value, facts))
    };
    match quantifier {
        "ForAllValues" => given.iter().all(|value| matched(value) != negated),
        _ if given.is_empty() && optional => true,
        "ForAnyValue" => given.iter().any(|value| matched(value) != negated),
        _ => given.iter().any(matched) != negated,
    }
}

fn compare(operator: &str, wanted: &str, given: &str, facts: &Facts) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    match operator {
        "StringEquals" => {
            tokens(wanted, false, facts).is_some_and(|tokens| like(&tokens, given.as_bytes()))
        }
        "StringEqualsIgnoreCase" => tokens(&wanted.to_lowercase(), false, facts)
            .is_some_and(|tokens| like(&tokens, given.to_lowercase().as_bytes())),
        "StringLike" => {
            tokens(wanted, true, facts).is_some_and(|tokens| like(&tokens, given.as_bytes()))
        }
        "ArnEquals" | "ArnLike" => {
            let (wanted, given): (Vec<&str>, Vec<&str>) = (
                wanted.splitn(6, ':').collect(),
                given.splitn(6, ':').collect(),
            );
            wanted.len() == given.len()
                && wanted.iter().zip(given).all(|(wanted, given)| {
                    tokens(wanted, true, facts)
                        .is_some_and(|tokens| like(&tokens, given.as_bytes()))
                })
        }
        "NumericLessThan" => number(given) < number(wanted) && number(given).is_some(),
        "NumericGreaterThanEquals" => number(given) >= number(wanted) && number(given).is_some(),
        // All dates of the worlds are written alike, so they compare as text.
        "DateGreaterThan" => given > wanted,
        "DateLessThanEquals" => given <= wanted,
        "Bool" => given == wanted,
        "IpAddress" => in_network(wanted, given),
        other => panic!("the worlds have no operator {other}"),
    }
}

/// `a.b.c.d/8`, `/16`, `/32`: compared number by number.
fn in_network(network: &str, address: &str) -> bool {
    let (base, bits) = network.split_once('/').unwrap_or((network, "32"));
    let whole: usize = bits.parse::<usize>().expect("worlds write numbers") / 8;
    let (base, address): (Vec<&str>, Vec<&str>) =
        (base.split('.').collect(), address.split('.').collect());
    base[..whole] == address[..whole]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Byte(u8),
    One,
    Many,
}

/// A pattern with its variables put in; nothing when one has no single value.
fn tokens(pattern: &str, wildcards: bool, facts: &Facts) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some((inner, after)) = rest
            .strip_prefix("${")
            .and_then(|inner| inner.split_once('}'))
        {
            let (key, default) = match inner.split_once(", ") {
                Some((key, default)) => (key, Some(default.replace('\'', ""))),
                None => (inner, None),
            };
            let value = match facts.get(&key.to_lowercase()).map(Vec::as_slice) {
                Some([one]) => Some(one.clone()),
                _ => default,
            };
            found.extend(value?.bytes().map(Token::Byte));
            rest = after;
            continue;
        }
        found.push(match rest.as_bytes()[0] {
            b'*' if wildcards => Token::Many,
            b'?' if wildcards => Token::One,
            byte => Token::Byte(byte),
        });
        rest = &rest[1..];
    }
    Some(found)
}

/// Wildcards by recursion.
fn like(pattern: &[Token], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(Token::Many), _) => {
            like(&pattern[1..], text) || (!text.is_empty() && like(pattern, &text[1..]))
        }
        (Some(Token::One), Some(_)) => like(&pattern[1..], &text[1..]),
        (Some(Token::Byte(a)), Some(b)) => a == b && like(&pattern[1..], &text[1..]),
        _ => false,
    }
}

/// Whether a grant's principal is the caller, its role or its account (K-197).
fn is_meant(text: &str, asked: &Asked) -> bool {
    let account = asked.caller.account;
    account == Some(text) || identities(asked).iter().any(|(name, _)| name == text)
}

/// 6c, 7c
fn covers(grant: &SomeGrant, asked: &Asked, facts: &Facts) -> bool {
    let operation = asked.action.trim_start_matches("kms:");
    let source = match &grant.source_arn {
        None => true,
        Some(wanted) => facts
            .get("aws:sourcearn")
            .is_some_and(|given| given.contains(wanted)),
    };
    let pairs_in = |wanted: &BTreeMap<String, String>, given: &BTreeMap<String, String>| {
        wanted
            .iter()
            .all(|(name, value)| given.get(name) == Some(value))
    };
    let context = match (operation, &grant.constraint) {
        ("DescribeKey" | "RetireGrant" | "GetPublicKey", _) => true,
        // K-201: no more operations and no weaker constraint than the grant itself.
        ("CreateGrant", own) => {
            let Some((operations, constraint)) = &asked.proposed else {
                return false;
            };
            operations
                .iter()
                .all(|operation| grant.operations.contains(operation))
                && match (own, constraint) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some((true, own)), Some((exact, other))) => *exact && own == other,
                    (Some((false, own)), Some((_, other))) => pairs_in(own, other),
                }
        }
        (_, None) => true,
        (_, Some((true, wanted))) => *wanted == asked.encryption,
        (_, Some((false, wanted))) => pairs_in(wanted, &asked.encryption),
    };
    let effective = grant.propagated || grant.presented;
    effective
        && grant.operations.iter().any(|own| own == operation)
        && is_meant(&grant.grantee, asked)
        && source
        && context
}

/// K-205, K-206
fn may_retire(grant: &SomeGrant, asked: &Asked, own_side: bool) -> bool {
    let caller = &asked.caller;
    if caller.is_root && caller.account == Some(grant.issuer) {
        return true;
    }
    if is_meant(&grant.grantee, asked) && grant.operations.iter().any(|own| own == "RetireGrant") {
        return true;
    }
    let Some(retiring) = &grant.retiring else {
        return false;
    };
    let is_account = caller.account.is_some_and(|account| {
        *retiring == account || *retiring == format!("arn:aws:iam::{account}:root")
    });
    is_meant(retiring, asked) && (!is_account || own_side)
}
