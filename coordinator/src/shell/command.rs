//! One operation with its arguments as the AWS CLI takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::codec::{self, Face};
use faultline_proto::names::RegionName;
use faultline_proto::tables::{Card, FieldDef, Kind, OperationDef};
use serde_json::Value;

use super::marks::{START, variables};
use super::words::quoted;
use crate::runner::ask::customer_keys;

/// A command, and the files that it reads.
#[derive(Debug)]
pub(super) struct Command {
    /// Lines that write the files, under `$tmp`.
    pub files: Vec<String>,
    /// `aws kms encrypt ...`.
    pub words: String,
}

/// Where a command leaves the body of an answer.
pub(super) const ANSWER: &str = "\"$tmp/answer\"";

/// The service as the AWS CLI calls it.
fn service(prefix: &'static str) -> &'static str {
    match prefix {
        // `aws s3` is another thing: commands about files.
        "s3" => "s3api",
        other => other,
    }
}

impl Command {
    /// A command for an operation with arguments in the language's spelling.
    ///
    /// # Errors
    /// What cannot be typed, and why.
    pub(super) fn new(
        operation: &'static OperationDef,
        region: &RegionName,
        arguments: &Value,
    ) -> Result<Self, String> {
        let arguments = customer_keys(operation, arguments);
        let encoded = codec::from_snake(operation.input, &arguments).map_err(|problems| {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            words.join("; ")
        })?;
        let typed = codec::decode(operation.input, &encoded.message, Face::AWS_JSON);
        let typed = typed.map_err(|_| "its arguments cannot be written".to_owned())?;
        let (_, name) = operation.verb.split_once('.').unwrap_or_default();
        let mut command = Self {
            files: Vec::new(),
            words: format!(
                "aws {} {} --region {region}",
                service(operation.service),
                name.replace('_', "-")
            ),
        };
        if operation.verb == "ec2.run_instances" {
            // The CLI has no flags of its own for how many.
            command.flag("cli-input-json", &quoted(&typed.to_string()));
        } else {
            for field in operation.input.fields {
                if let Some(value) = typed.get(field.aws) {
                    command.member(field, value);
                }
            }
        }
        if let (Some(field), Some(body)) = (codec::body_member(operation.input), &encoded.body) {
            let file = command.file(field.snake, body);
            command.flag(&field.snake.replace('_', "-"), &file);
        }
        if codec::body_member(operation.output).is_some() {
            command.words.push_str(&format!(" {ANSWER}"));
        }
        Ok(command)
    }

    fn flag(&mut self, name: &str, word: &str) {
        self.words.push_str(&format!(" --{name} {word}"));
    }

    fn member(&mut self, field: &FieldDef, value: &Value) {
        let flag = field.snake.replace('_', "-");
        match (field.card, field.kind, value) {
            (Card::One, Kind::Bool, Value::Bool(true)) => {
                self.words.push_str(&format!(" --{flag}"));
            }
            (Card::One, Kind::Bool, _) => self.words.push_str(&format!(" --no-{flag}")),
            (Card::One, Kind::Bytes, Value::String(base64)) => {
                let bytes = STANDARD.decode(base64).unwrap_or_default();
                let file = self.file(field.snake, &bytes);
                self.flag(&flag, &format!("fileb://{file}"));
            }
            // The CLI takes the bytes, and makes base64 and MD5 of them itself.
            (_, _, Value::String(base64)) if field.aws.ends_with("SSECustomerKey") => {
                let key = STANDARD.decode(base64).unwrap_or_default();
                let file = self.file(field.snake, &key);
                self.flag(&flag, &format!("fileb://{file}"));
            }
            (_, _, Value::String(text)) => self.flag(&flag, &quoted(text)),
            (_, _, value) => self.flag(&flag, &quoted(&value.to_string())),
        }
    }

    /// Writes bytes to a file; its name as a word.
    fn file(&mut self, name: &str, bytes: &[u8]) -> String {
        let file = format!("\"$tmp/{name}\"");
        let text = std::str::from_utf8(bytes).ok();
        let line = match text {
            // An answer's bytes, which the CLI prints as base64.
            Some(text) if text.starts_with(START) && variables(text).count() == 1 => {
                format!("printf %s {} | base64 -d >{file}", quoted(text))
            }
            Some(text) if !text.chars().any(char::is_control) => {
                format!("printf %s {} >{file}", quoted(text))
            }
            _ => format!("printf %s {} | base64 -d >{file}", STANDARD.encode(bytes)),
        };
        self.files.push(line);
        file
    }
}
