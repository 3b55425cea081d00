//! `faultline decide`: policy questions, without any node.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use super::{out, say};
use crate::decide;
use crate::exit::Exit;

/// Decide policy questions: JSON lines in, decisions and their reasons out.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct DecideArgs {
    /// Files of questions, one JSON object a line; `-` or none is standard input.
    files: Vec<PathBuf>,
}

const AFTER: &str = r#"A question (one line):
  principal             ARN of a user, a role session or a root user; a service; or "anonymous"
  action, resource      kms:Decrypt and an ARN; "*" for an action without a resource
  resource_account      whose it is, when the ARN does not say so (S3)
  identity_policies     list of policies: a document, or {"name": ..., "document": ...}
  permissions_boundary, endpoint_policy, resource_policy
                        one policy; the resource's ARN says whether it is a key policy
  session_policies      list of policies
  scps, rcps            list of levels, from the organisation's root to the account; each level a
                        list of policies. Leave them out for the management account
  grants                [{"grantee": ARN, "operations": ["Decrypt"], "id", "retiring",
                        "encryption_context_equals", "encryption_context_subset", "source_arn",
                        "issuing_account", "token_presented", "propagated"}]
  proposed_grant        for kms:CreateGrant: {"operations": [...], and one of the contexts}
  context               condition keys: {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
  encryption_context    pairs; they set kms:EncryptionContext:NAME and kms:EncryptionContextKeys
  time                  2026-11-24T02:31:00Z, for conditions on aws:CurrentTime
  role, principal_id    a session's role ARN with its path; unique ids (AROA..., AIDA...)
  crosses_accounts      false for an operation that works in its own account only (K-181)
  id, expect            a label for the answer; "allowed" or "denied": exit 1 when it is not so

Example:
  echo '{"principal": "arn:aws:iam::111111111111:user/ann", "action": "kms:CreateKey", "resource": "*"}' \
    | faultline decide

Exit status: 0 decided, 1 a decision is not the expected one, 2 a file cannot be read, 3 a line is no question."#;

/// Decides.
#[must_use]
pub fn decide(args: &DecideArgs) -> Exit {
    let mut exit = Exit::Passed;
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &stdin[..]
    } else {
        &args.files
    };
    for path in files {
        let text = match read(path) {
            Ok(text) => text,
            Err(problem) => {
                say(&problem);
                return Exit::Usage;
            }
        };
        let decided = decide::decide(&text);
        out(&decided
            .answers
            .iter()
            .map(|answer| format!("{answer}\n"))
            .collect::<String>());
        for sentence in decided.problems.iter().chain(&decided.surprises) {
            say(&format!("{}: {sentence}", path.display()));
        }
        exit = match (decided.problems.is_empty(), decided.surprises.is_empty()) {
            (false, _) => Exit::InvalidFile,
            (true, false) if exit == Exit::Passed => Exit::Failed,
            (true, _) => exit,
        };
    }
    exit
}

fn read(path: &PathBuf) -> Result<String, String> {
    let mut text = String::new();
    let outcome = if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    outcome.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text)
}
