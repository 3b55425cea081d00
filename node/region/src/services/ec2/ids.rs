//! Ids and ARNs of what EC2 has.

use super::error::Error;
use crate::context::Ctx;

/// A kind of resource: its id begins with the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `vol-`
    Volume,
    /// `snap-`
    Snapshot,
    /// `ami-`
    Image,
    /// `i-`
    Instance,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Volume => "vol",
            Self::Snapshot => "snap",
            Self::Image => "ami",
            Self::Instance => "i",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Volume => "InvalidVolumeID",
            Self::Snapshot => "InvalidSnapshotID",
            Self::Image => "InvalidAMIID",
            Self::Instance => "InvalidInstanceID",
        }
    }

    /// A new id.
    pub fn new_id(self, ctx: &mut Ctx<'_>) -> String {
        let digits = ctx.entropy().hex::<9>("ec2.id");
        format!("{}-{}", self.word(), &digits[..17])
    }

    /// Takes `text` as an id of this kind.
    ///
    /// # Errors
    /// EBS-035 for anything that no id looks like.
    pub fn check(self, text: &str) -> Result<(), Error> {
        let digits = text
            .strip_prefix(self.word())
            .and_then(|rest| rest.strip_prefix('-'));
        let fits = digits.is_some_and(|digits| {
            (8..=17).contains(&digits.len())
                && digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        });
        if fits {
            Ok(())
        } else {
            Err(Error::Malformed(self.code(), text.to_owned(), self.word()))
        }
    }
}

/// `r-` and digits.
pub fn reservation(ctx: &mut Ctx<'_>) -> String {
    let digits = ctx.entropy().hex::<9>("ec2.id");
    format!("r-{}", &digits[..17])
}

/// ARN of a resource of this Region and the caller's account; snapshots and images name no account.
#[must_use]
pub fn arn(ctx: &Ctx<'_>, kind: Kind, id: &str) -> String {
    let (account, word) = match kind {
        Kind::Volume => (ctx.account().to_string(), "volume"),
        Kind::Instance => (ctx.account().to_string(), "instance"),
        Kind::Snapshot => (String::new(), "snapshot"),
        Kind::Image => (String::new(), "image"),
    };
    format!("arn:aws:ec2:{}:{account}:{word}/{id}", ctx.region())
}
