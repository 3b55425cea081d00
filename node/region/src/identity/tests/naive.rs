//! A second evaluator: slow, over raw JSON, written from kms 7.1 and nothing else. It knows only
//! what the generator of the laws writes, shares no code with the first, and must agree with it.

use serde_json::Value;

/// What the second evaluator is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Every identity of the caller, the most direct first, its account's root last.
    pub identities: &'a [&'a str],
    pub kind: &'a str,
    pub is_root: bool,
    pub action: &'a str,
    pub resource: &'a str,
    pub same_account: bool,
    pub via: Option<&'a str>,
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    }
}

/// Wildcards by recursion.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            like(&pattern[1..], text) || (!text.is_empty() && like(pattern, &text[1..]))
        }
        (Some(b'?'), Some(_)) => like(&pattern[1..], &text[1..]),
        (Some(a), Some(b)) => a == b && like(&pattern[1..], &text[1..]),
        _ => false,
    }
}

/// How the statement speaks: the index of the identity that it names, 0 where it names nobody.
fn speaks(statement: &Value, question: &Question<'_>) -> Option<usize> {
    let action = list(&statement["Action"]).iter().any(|pattern| {
        like(
            pattern.to_lowercase().as_bytes(),
            question.action.to_lowercase().as_bytes(),
        )
    });
    let resource = statement.get("Resource").is_none()
        || list(&statement["Resource"])
            .iter()
            .any(|pattern| like(pattern.as_bytes(), question.resource.as_bytes()));
    let condition = statement.get("Condition").is_none_or(|condition| {
        let wanted = condition["StringEquals"]["kms:ViaService"].as_str();
        wanted == question.via
    });
    let named = match &statement["Principal"] {
        Value::Null => Some(0),
        Value::String(_) => Some(0),
        object => {
            let names = list(&object["AWS"]);
            question
                .identities
                .iter()
                .position(|identity| names.contains(identity))
        }
    };
    if action && resource && condition {
        named
    } else {
        None
    }
}

fn hears<'v>(
    documents: &'v [Value],
    effect: &str,
    question: &Question<'_>,
) -> Vec<(usize, &'v Value)> {
    documents
        .iter()
        .flat_map(|document| document["Statement"].as_array().into_iter().flatten())
        .filter(|statement| statement["Effect"] == effect)
        .filter_map(|statement| speaks(statement, question).map(|how| (how, statement)))
        .collect()
}

/// The documents of one question.
#[derive(Debug)]
pub(super) struct Papers<'a> {
    pub resource: &'a [Value],
    pub identity: &'a [Value],
    pub boundary: &'a [Value],
    pub session: &'a [Value],
    pub scps: &'a [Value],
}

pub(super) fn allows(question: &Question<'_>, papers: &Papers<'_>) -> bool {
    let Papers {
        resource,
        identity,
        boundary,
        session,
        scps,
    } = papers;
    if [resource, identity, boundary, session, scps]
        .iter()
        .any(|set| !hears(set, "Deny", question).is_empty())
    {
        return false;
    }
    if scps
        .iter()
        .any(|level| hears(std::slice::from_ref(level), "Allow", question).is_empty())
    {
        return false;
    }
    let fenced = |set: &[Value]| !set.is_empty() && hears(set, "Allow", question).is_empty();
    let limited = fenced(boundary) || fenced(session);
    let own = question.is_root || (!hears(identity, "Allow", question).is_empty() && !limited);
    let named: Vec<usize> = hears(resource, "Allow", question)
        .into_iter()
        .map(|(how, _)| how)
        .collect();
    if !question.same_account {
        return own && !named.is_empty();
    }
    // The identities of a session: session 0, role 1, account 2; of a user: user 0, account 1.
    let account = question.identities.len() - 1;
    let direct = named
        .iter()
        .any(|how| *how == 0 || (question.is_root && *how == account));
    let as_role = question.identities.len() == 3 && named.contains(&1);
    let delegated = named.contains(&account);
    match question.kind {
        "key" => direct || (as_role && !limited) || (delegated && own),
        _ => direct || (as_role && !limited) || own,
    }
}
