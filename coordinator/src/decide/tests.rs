//! The examples of `docs/decide.md`, and what is said of bad lines.

use serde_json::Value;

use super::decide;

const DOCUMENT: &str = include_str!("../../../docs/decide.md");

/// Blocks of the document under a mark: every question is followed by its answer.
fn blocks(mark: &str) -> Vec<&'static str> {
    let start = format!("```json {mark}\n");
    DOCUMENT
        .split(start.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().expect("it ends"))
        .collect()
}

fn compact(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn the_examples_of_the_document_are_answered_as_it_says() {
    let (questions, answers) = (blocks("question"), blocks("answer"));
    assert!(questions.len() >= 6, "the document has examples");
    assert_eq!(
        questions.len(),
        answers.len(),
        "every question has its answer"
    );
    for (question, answer) in questions.into_iter().zip(answers) {
        let decided = decide(&compact(question).to_string());
        assert_eq!(decided.problems, Vec::<String>::new(), "{question}");
        let given = compact(&decided.answers[0]);
        assert_eq!(
            given,
            compact(answer),
            "to {question}\nthe answer is\n{given:#}"
        );
    }
}

fn problem(line: &str) -> String {
    let decided = decide(line);
    assert_eq!(decided.answers.len(), 1, "a bad line has an answer too");
    decided.problems.first().cloned().unwrap_or_default()
}

const ANN: &str = r#""principal": "arn:aws:iam::111111111111:user/ann""#;

#[test]
fn a_bad_line_is_told_with_its_number_and_what_to_do() {
    let key = r#""action": "kms:Decrypt", "resource": "arn:aws:kms:eu-west-1:111111111111:key/k""#;
    for (line, expected) in [
        ("{".to_owned(), "line 1: EOF while parsing an object (column 1)"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "sesion_policies": []}}"#), "unknown field `sesion_policies`, expected one of `id`, `principal`"),
        (format!(r#"{{{ANN}, "resource": "*"}}"#), "missing field `action`"),
        (format!("{{{ANN}, {key}}}"), "`resource_policy` is needed: every KMS key has a key policy (K-165)"),
        (r#"{"principal": "arn:aws:iam::111111111111:role/app", "action": "kms:CreateKey", "resource": "*"}"#.to_owned(), "write arn:aws:sts::111111111111:assumed-role/ROLE/SESSION"),
        (r#"{"principal": "ann", "action": "kms:CreateKey", "resource": "*"}"#.to_owned(), "ann is no caller. Write the ARN of a user"),
        (format!(r#"{{{ANN}, "action": "s3:GetObject", "resource": "arn:aws:s3:::photos/a"}}"#), "`resource_account` is needed: arn:aws:s3:::photos/a does not say whose it is"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "context": {{"ViaService": "x"}}}}"#), "ViaService is no condition key"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "context": {{"aws:PrincipalTag/n": {{}}}}}}"#), "the value of a condition key is a string"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "identity_policies": [{{"Version": "2012-10-17", "Statement": [{{"Effect": "Alow", "Action": "*", "Resource": "*"}}]}}]}}"#), "`identity_policies[0]` is refused as AWS refuses it: Invalid effect: Alow (at Statement[0])"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "identity_policies": [{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"DateLessThan": {{"aws:CurrentTime": "2027"}}}}}}]}}]}}"#), "`time` is needed: a policy has a condition on aws:CurrentTime"),
        (format!(r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "time": "soon"}}"#), "`time`: soon is no moment such as 2026-11-24T02:31:00Z"),
    ] {
        let said = problem(&line);
        assert!(said.starts_with("line 1: ") && said.contains(expected), "{line}\ngives: {said}");
    }
}

#[test]
fn other_lines_are_answered_and_numbers_are_those_of_the_file() {
    let text =
        format!("\n{{{ANN}, \"action\": \"kms:CreateKey\", \"resource\": \"*\"}}\nnot json\n");
    let decided = decide(&text);
    assert_eq!(compact(&decided.answers[0])["line"], 2);
    assert_eq!(compact(&decided.answers[1])["line"], 3);
    assert!(
        decided.problems[0].starts_with("line 3: "),
        "{:?}",
        decided.problems
    );
}

#[test]
fn an_expectation_that_does_not_hold_is_told() {
    let text = format!(
        r#"{{{ANN}, "id": "making keys", "action": "kms:CreateKey", "resource": "*", "expect": "allowed"}}"#
    );
    assert_eq!(
        decide(&text).surprises,
        ["line 1 (making keys): expected allowed, is denied"]
    );
    assert!(
        decide(&text.replace("allowed", "denied"))
            .surprises
            .is_empty()
    );
}

#[test]
fn a_policy_given_twice_in_one_object_is_refused() {
    let text = format!(
        r#"{{{ANN}, "action": "kms:CreateKey", "resource": "*", "identity_policies": [{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Action": "kms:*", "Resource": "*"}}]}}]}}"#
    );
    assert!(
        problem(&text).contains("'Action' is given twice"),
        "{}",
        problem(&text)
    );
}
