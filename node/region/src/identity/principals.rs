//! The Principal element, and how directly it names a caller.
//!
//! How a caller is named decides what else must allow (K-168, K-187): an account only delegates,
//! a role still stands under its boundary and session policy, a user or session does not.

use faultline_proto::names::AccountId;

use super::request::Principal;

/// One entry of a Principal element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalName {
    /// `"*"`, alone or as `{"AWS": "*"}`: everybody, anonymous callers and services too.
    Everyone,
    /// An account, by number or by its root ARN.
    Account(AccountId),
    /// The ARN of a user, role or role session.
    Arn(Box<str>),
    /// A unique id (`AIDA...`, `AROA...`), which AWS writes in place of a deleted principal's ARN.
    Id(Box<str>),
    /// A service, `s3.amazonaws.com`.
    Service(Box<str>),
    /// An identity provider. No caller of ours comes from one: it never matches.
    Federated(Box<str>),
    /// An S3 canonical user id. It never matches: callers are known by account.
    CanonicalUser(Box<str>),
}

/// How directly a statement names a caller; later is more direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// By its account only: the account's own policies must allow as well (K-168).
    Account,
    /// By its role: boundary and session policy must allow as well (K-187).
    Role,
    /// As itself (user, session, root, service), or as everybody (K-188).
    Direct,
}

impl PrincipalName {
    /// How this entry names `caller`, if it does.
    #[must_use]
    pub fn names(&self, caller: &Principal) -> Option<Naming> {
        match (self, caller) {
            (Self::Everyone, _) => Some(Naming::Direct),
            (Self::Account(account), Principal::Root { account: own, .. }) if account == own => {
                Some(Naming::Direct)
            }
            (Self::Account(account), _) if caller.account() == Some(account) => {
                Some(Naming::Account)
            }
            (Self::Arn(arn), Principal::User { arn: own, .. }) if **arn == *own.as_str() => {
                Some(Naming::Direct)
            }
            (Self::Arn(arn), Principal::Role { arn: own, .. }) if **arn == *own.as_str() => {
                Some(Naming::Direct)
            }
            (Self::Arn(arn), Principal::Role { role, .. }) if **arn == *role.as_str() => {
                Some(Naming::Role)
            }
            (Self::Id(id), Principal::User { id: own, .. }) if **id == **own => {
                Some(Naming::Direct)
            }
            (Self::Id(id), Principal::Role { role_id, .. }) if **id == **role_id => {
                Some(Naming::Role)
            }
            (Self::Service(service), Principal::Service { name }) if **service == **name => {
                Some(Naming::Direct)
            }
            _ => None,
        }
    }

    /// The entry as a policy writes it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Account(account) => account.as_str(),
            Self::Arn(text)
            | Self::Id(text)
            | Self::Service(text)
            | Self::Federated(text)
            | Self::CanonicalUser(text) => text,
        }
    }
}

/// The Principal or NotPrincipal element of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalClause {
    /// Any of these.
    Is(Box<[PrincipalName]>),
    /// All but these.
    IsNot(Box<[PrincipalName]>),
}

impl PrincipalClause {
    /// How the element names `caller`, if it does.
    ///
    /// NotPrincipal spares a caller only when each of its identities is listed: a session needs
    /// its session, its role and its account, a user itself and its account.
    #[must_use]
    pub fn names(&self, caller: &Principal) -> Option<Naming> {
        match self {
            Self::Is(entries) => entries.iter().filter_map(|entry| entry.names(caller)).max(),
            Self::IsNot(entries) => {
                (!all_identities_listed(entries, caller)).then_some(Naming::Direct)
            }
        }
    }

    /// Every entry.
    #[must_use]
    pub fn entries(&self) -> &[PrincipalName] {
        match self {
            Self::Is(entries) | Self::IsNot(entries) => entries,
        }
    }
}

fn all_identities_listed(entries: &[PrincipalName], caller: &Principal) -> bool {
    let listed = |naming: Naming| {
        entries
            .iter()
            .any(|entry| entry.names(caller) == Some(naming))
    };
    if entries.contains(&PrincipalName::Everyone) {
        return true;
    }
    match caller {
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => {
            listed(Naming::Direct)
        }
        Principal::User { .. } => listed(Naming::Direct) && listed(Naming::Account),
        Principal::Role { .. } => {
            listed(Naming::Direct) && listed(Naming::Role) && listed(Naming::Account)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::names::Arn;

    fn account() -> AccountId {
        AccountId::new("111111111111").unwrap()
    }

    #[test]
    fn k_187_a_session_is_named_as_itself_as_its_role_or_by_its_account() {
        let role = Arn::new("arn:aws:iam::111111111111:role/app/reader").unwrap();
        let caller = Principal::role(&role, "AROAEXAMPLE", "nightly").unwrap();
        for (text, expected) in [
            (
                "arn:aws:sts::111111111111:assumed-role/reader/nightly",
                Some(Naming::Direct),
            ),
            ("arn:aws:sts::111111111111:assumed-role/reader/other", None),
            (
                "arn:aws:iam::111111111111:role/app/reader",
                Some(Naming::Role),
            ),
            ("arn:aws:iam::111111111111:role/reader", None),
        ] {
            assert_eq!(
                PrincipalName::Arn(text.into()).names(&caller),
                expected,
                "{text}"
            );
        }
        assert_eq!(
            PrincipalName::Account(account()).names(&caller),
            Some(Naming::Account)
        );
        assert_eq!(
            PrincipalName::Id("AROAEXAMPLE".into()).names(&caller),
            Some(Naming::Role)
        );
        assert_eq!(PrincipalName::Everyone.names(&caller), Some(Naming::Direct));
    }

    #[test]
    fn not_principal_spares_only_who_is_listed_with_its_account() {
        let ann = Principal::user(&account(), "/", "ann", "AIDAANN");
        let only_ann = [PrincipalName::Arn(
            "arn:aws:iam::111111111111:user/ann".into(),
        )];
        assert!(
            PrincipalClause::IsNot(Box::new(only_ann.clone()))
                .names(&ann)
                .is_some()
        );
        let both = [only_ann[0].clone(), PrincipalName::Account(account())];
        assert!(
            PrincipalClause::IsNot(Box::new(both.clone()))
                .names(&ann)
                .is_none()
        );
        let bob = Principal::user(&account(), "/", "bob", "AIDABOB");
        assert!(PrincipalClause::IsNot(Box::new(both)).names(&bob).is_some());
    }
}
