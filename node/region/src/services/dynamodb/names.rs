//! Which table a request means: a name of the caller's account, or an ARN.

use faultline_proto::names::{AccountId, Arn};

use super::error::DynamoError;
use crate::context::Ctx;

/// A table by account and name; it need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) account: AccountId,
    pub(crate) name: String,
}

impl TableName {
    /// Reads a TableName member.
    pub(crate) fn read(ctx: &Ctx<'_>, text: Option<&str>) -> Result<Self, DynamoError> {
        let text = text.unwrap_or_default();
        let Some(arn) = text
            .starts_with("arn:")
            .then(|| Arn::new(text).ok())
            .flatten()
        else {
            check(text)?;
            return Ok(Self {
                account: ctx.account(),
                name: text.to_owned(),
            });
        };
        let name = arn
            .resource()
            .strip_prefix("table/")
            .filter(|_| arn.service() == "dynamodb");
        let account = AccountId::new(arn.account());
        match (name, account) {
            (Some(name), Ok(account)) if arn.region() == ctx.region().as_str() => {
                check(name)?;
                Ok(Self {
                    account,
                    name: name.to_owned(),
                })
            }
            (Some(_), Ok(_)) => Err(DynamoError::NotFound),
            _ => Err(DynamoError::invalid(format!("Invalid table ARN: {text}"))),
        }
    }

    /// Its ARN in this Region.
    pub(crate) fn arn(&self, ctx: &Ctx<'_>) -> String {
        self.arn_in(ctx.region().as_str())
    }

    /// Its ARN in a Region.
    pub(crate) fn arn_in(&self, region: &str) -> String {
        format!(
            "arn:aws:dynamodb:{region}:{}:table/{}",
            self.account, self.name
        )
    }

    /// Name of the replication stream of its records.
    pub(crate) fn stream(&self) -> String {
        format!("dynamodb/{}", self.name)
    }
}

fn check(name: &str) -> Result<(), DynamoError> {
    if !(3..=255).contains(&name.len()) {
        return Err(DynamoError::validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !name.bytes().all(known) {
        return Err(DynamoError::validation(format!(
            "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )));
    }
    Ok(())
}
