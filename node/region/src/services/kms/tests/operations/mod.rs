//! Every operation: what it asks permission for, of whom, and what it says else (K-287 to K-336).

mod table;
mod trail;

use std::collections::BTreeSet;

use faultline_proto::kms::{
    CreateAliasRequest, CreateGrantRequest, DisableKeyRequest, EncapsulateRequest,
    GenerateMacRequest, GetPublicKeyRequest, ListKeysRequest, ListRetirableGrantsRequest,
    PutKeyPolicyRequest, RetireGrantRequest, ScheduleKeyDeletionRequest, SignRequest,
};
use faultline_proto::registry::{find_operation, find_service};
use serde_json::{Value, json};
use table::{Crosses, Made, Names, On, ROWS, Row};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::{ALLOW_ALL, allow};

/// What a line of the table is asked with.
#[derive(Debug, Clone, Default)]
pub(super) struct Case {
    /// The key, by ARN unless a test says otherwise.
    key: String,
    /// Another of the same kind.
    other: String,
    /// The key's alias, and one that nobody has.
    alias: String,
    new_alias: String,
    /// A ciphertext, signature, MAC or public key of the key.
    made: Vec<u8>,
    grant: String,
    caller: String,
    tokens: Vec<String>,
    marker: Option<String>,
    dry: Option<bool>,
}

/// A key policy that delegates to its account, and lets these principals do everything.
fn open_policy(others: &[&str]) -> String {
    let statement = |principal: &str| -> Value {
        json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "kms:*", "Resource": "*" })
    };
    let own = format!("arn:aws:iam::{ACCOUNT}:root");
    let all: Vec<Value> = std::iter::once(own.as_str())
        .chain(others.iter().copied())
        .map(statement)
        .collect();
    json!({ "Version": "2012-10-17", "Statement": all }).to_string()
}

fn put_policy(world: &mut World, region: &str, key: &str, others: &[&str]) {
    let root = world.root(ACCOUNT);
    let request = PutKeyPolicyRequest {
        key_id: some(key),
        policy: some(&open_policy(others)),
        ..Default::default()
    };
    world.call(region, &root, &request).expect("root puts it");
}

fn make(world: &mut World, made: Made) -> String {
    match made {
        Made::Symmetric | Made::Doomed => id(&key(world, false)),
        Made::Primary => id(&key(world, true)),
        Made::Family => family(world, &[FAR]),
        Made::Signing => key_of(world, "ECC_NIST_P256", "SIGN_VERIFY", false),
        Made::Mac => key_of(world, "HMAC_256", "GENERATE_VERIFY_MAC", false),
        Made::Agreement => key_of(world, "ECC_NIST_P256", "KEY_AGREEMENT", false),
        Made::Encapsulation => key_of(world, "ML_KEM_512", "ENCAPSULATE_DECAPSULATE", false),
        Made::External => {
            let request = CreateKeyRequest {
                origin: some("EXTERNAL"),
                ..Default::default()
            };
            let root = world.root(ACCOUNT);
            let made = world.call(HOME, &root, &request).unwrap();
            id(&made.key_metadata.unwrap())
        }
    }
}

/// Something that the key has made.
fn product(world: &mut World, made: Made, key: &str) -> Vec<u8> {
    let (root, key_id, message) = (world.root(ACCOUNT), some(key), Some(vec![1]));
    match made {
        Made::Signing => {
            let request = SignRequest {
                key_id,
                message,
                signing_algorithm: some("ECDSA_SHA_256"),
                ..Default::default()
            };
            world.call(HOME, &root, &request).unwrap().signature
        }
        Made::Mac => {
            let request = GenerateMacRequest {
                key_id,
                message,
                mac_algorithm: some("HMAC_SHA_256"),
                ..Default::default()
            };
            world.call(HOME, &root, &request).unwrap().mac
        }
        Made::Agreement => {
            let request = GetPublicKeyRequest {
                key_id,
                ..Default::default()
            };
            world.call(HOME, &root, &request).unwrap().public_key
        }
        Made::Encapsulation => {
            let request = EncapsulateRequest {
                key_id,
                encapsulation_algorithm: some("ML_KEM"),
                ..Default::default()
            };
            let made = world.call(HOME, &root, &request).unwrap();
            made.shared_secret_ciphertext_blob
        }
        Made::External => Some(Vec::new()),
        Made::Symmetric | Made::Primary | Made::Family | Made::Doomed => {
            Some(encrypt(world, HOME, &root, key, &[1]).unwrap())
        }
    }
    .expect("it makes something")
}

/// Fresh keys for one call, whose policies admit `others` beside their account.
fn prepare(world: &mut World, row: &Row, others: &[&str]) -> Case {
    let root = world.root(ACCOUNT);
    let key = make(world, row.made);
    let other = match row.needs.iter().any(|(_, on)| *on == On::Other) {
        true => make(world, row.made),
        false => key.clone(),
    };
    let made = product(world, row.made, &key);
    let alias = format!("alias/{key}");
    let request = CreateAliasRequest {
        alias_name: some(&alias),
        target_key_id: some(&key),
    };
    world.call(HOME, &root, &request).unwrap();
    let request = CreateGrantRequest {
        key_id: some(&key),
        operations: vec!["DescribeKey".to_owned()],
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:user/nobody")),
        ..Default::default()
    };
    let grant = match row.name {
        "kms.RevokeGrant" => world.call(HOME, &root, &request).unwrap().grant_id,
        _ => None,
    };
    put_policy(world, HOME, &key, others);
    put_policy(world, HOME, &other, others);
    if row.made == Made::Family {
        put_policy(world, FAR, &key, others);
    }
    if row.made == Made::Doomed {
        doom(world, &key);
    }
    Case {
        new_alias: format!("{alias}-new"),
        alias,
        key: place(&key, HOME),
        other: place(&other, HOME),
        made,
        grant: grant.unwrap_or_default(),
        ..Case::default()
    }
}

fn doom(world: &mut World, key: &str) {
    let root = world.root(ACCOUNT);
    let request = ScheduleKeyDeletionRequest {
        key_id: some(key),
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap();
}

fn place(key: &str, region: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{key}")
}

impl Case {
    /// The resource of a permission, as a policy names it.
    fn resource(&self, row: &Row, on: On) -> String {
        let alias = match row.name {
            "kms.CreateAlias" => &self.new_alias,
            _ => &self.alias,
        };
        match on {
            On::Key => self.key.clone(),
            On::Other => self.other.clone(),
            On::Replica => self.key.replace(HOME, FAR),
            On::Alias => format!("arn:aws:kms:{HOME}:{ACCOUNT}:{alias}"),
            On::Star => "*".to_owned(),
            On::Caller => self.caller.clone(),
        }
    }

    fn by(mut self, account: &str, name: &str) -> Self {
        self.caller = format!("arn:aws:iam::{account}:user/{name}");
        self
    }
}

/// Permissions as one policy.
fn permitting(needs: &[(&str, String)]) -> String {
    if needs.is_empty() {
        return allow(&["s3:*"], &["*"]);
    }
    let statements: Vec<Value> = needs
        .iter()
        .map(|(action, on)| json!({ "Effect": "Allow", "Action": action, "Resource": on }))
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// Code and message of a refusal; empty when all is well.
fn told(outcome: Result<(), Failure>) -> (String, String) {
    match outcome {
        Ok(()) => (String::new(), String::new()),
        Err(failure) => (failure.code, failure.message),
    }
}

fn unpermitted(case: &Case, action: &str, resource: &str) -> (String, String) {
    let text = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource} because no \
         identity-based policy allows the {action} action",
        case.caller
    );
    ("AccessDeniedException".to_owned(), text)
}

fn hidden(case: &Case, action: &str) -> (String, String) {
    let text = format!(
        "User: {} is not authorized to perform: {action} on this resource because the resource does \
         not exist in this Region, no resource-based policies allow access, or a resource-based \
         policy explicitly denies access",
        case.caller
    );
    ("AccessDeniedException".to_owned(), text)
}

impl Row {
    fn is_of_keys_only(&self) -> bool {
        let of_key = |on: &On| matches!(on, On::Key | On::Other | On::Replica);
        self.needs.iter().all(|(_, on)| of_key(on))
    }

    /// Asks, and checks that the call was allowed.
    fn works(&self, world: &mut World, who: &Credential, case: &Case, how: &str) {
        let (code, message) = told((self.ask)(world, who, case));
        assert_eq!(code, self.answer, "{} {how}: {message}", self.id());
    }

    fn id(&self) -> String {
        format!("{} {}", self.fact, self.name)
    }

    fn lists(&self, error: &str) -> bool {
        self.errors.contains(&error)
    }
}

#[test]
fn k_287_to_k_336_the_table_has_every_operation() {
    let named: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
    // Its own test, below; and one that is a report, not an operation on a key.
    let elsewhere = ["kms.RetireGrant", "kms.GetKeyLastUsage"];
    let missing: Vec<&str> = find_service("kms")
        .unwrap()
        .operations
        .iter()
        .map(|operation| operation.id)
        .filter(|id| !named.contains(id) && !elsewhere.contains(id))
        .collect();
    assert!(missing.is_empty(), "add to ROWS: {missing:?}");
}

/// Inside the account IAM gives what the table says, and each permission is needed.
#[test]
fn k_287_to_k_336_iam_gives_each_permission_and_none_may_be_missing() {
    let mut world = world();
    for (at, row) in ROWS.iter().enumerate() {
        for left_out in std::iter::once(None).chain((0..row.needs.len()).map(Some)) {
            let name = format!("user-{at}-{}", left_out.map_or(9, |index| index));
            let case = prepare(&mut world, row, &[]).by(ACCOUNT, &name);
            let resources: Vec<(&str, String)> = row
                .needs
                .iter()
                .map(|(action, on)| (*action, case.resource(row, *on)))
                .collect();
            let mut given = resources.clone();
            let missing = left_out.map(|index| given.remove(index));
            let who = world.user(ACCOUNT, &name, &permitting(&given));
            match missing {
                None => row.works(&mut world, &who, &case, "with its permissions"),
                Some((action, resource)) => {
                    let got = told((row.ask)(&mut world, &who, &case));
                    let want = unpermitted(&case, action, &resource);
                    assert_eq!(got, want, "{} without {action} on {resource}", row.id());
                }
            }
        }
    }
}

/// "(key)" in the table: the key policy can give it without IAM. "(IAM)": it cannot.
#[test]
fn k_287_to_k_336_a_key_policy_gives_what_is_of_the_key_and_nothing_else() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let name = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    for row in ROWS {
        let case = prepare(&mut world, row, &[&name]).by(ACCOUNT, "ann");
        if row.is_of_keys_only() {
            row.works(&mut world, &ann, &case, "by its key policy alone");
            continue;
        }
        let of_iam = |on: &On| !matches!(on, On::Key | On::Other | On::Replica);
        let (action, on) = row.needs.iter().find(|(_, on)| of_iam(on)).unwrap();
        let want = unpermitted(&case, action, &case.resource(row, *on));
        let got = told((row.ask)(&mut world, &ann, &case));
        assert_eq!(got, want, "{}", row.id());
    }
}

/// Both accounts say yes to everything: only what the table says works across accounts does.
#[test]
fn k_287_to_k_336_only_some_operations_cross_accounts() {
    let mut world = world();
    let pat = world.user(PARTNER, "pat", ALLOW_ALL);
    let poor = world.user(PARTNER, "poor", &allow(&["s3:*"], &["*"]));
    let partner = format!("arn:aws:iam::{PARTNER}:root");
    for row in ROWS {
        let open = prepare(&mut world, row, &[&partner]).by(PARTNER, "pat");
        let shut = prepare(&mut world, row, &[]).by(PARTNER, "pat");
        if row.crosses == Crosses::NotApplicable {
            row.works(&mut world, &pat, &shut, "in the caller's own account");
            continue;
        }
        if row.names == Names::Alias {
            // An alias name is one of the caller's own account (K-024).
            let (code, message) = told((row.ask)(&mut world, &pat, &open));
            let own = format!(
                "Alias arn:aws:kms:{HOME}:{PARTNER}:{} is not found",
                open.alias
            );
            assert_eq!(
                (code.as_str(), message),
                ("NotFoundException", own),
                "{}",
                row.id()
            );
            continue;
        }
        let action = row.needs.first().map_or("", |(action, _)| *action);
        let got = told((row.ask)(&mut world, &pat, &shut));
        assert_eq!(got, hidden(&shut, action), "{} of a closed key", row.id());
        if row.crosses == Crosses::No {
            let got = told((row.ask)(&mut world, &pat, &open));
            assert_eq!(got, hidden(&open, action), "{} across accounts", row.id());
            continue;
        }
        let asked_by_poor = open.clone().by(PARTNER, "poor");
        let got = told((row.ask)(&mut world, &poor, &asked_by_poor));
        let want = unpermitted(&asked_by_poor, action, &open.key);
        assert_eq!(got, want, "{} without IAM", row.id());
        row.works(&mut world, &pat, &open, "across accounts");
    }
}

/// The identifiers that each takes (K-023): an alias only where the table says so.
#[test]
fn k_287_to_k_336_aliases_only_where_the_table_says_so() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for row in ROWS {
        let mut case = prepare(&mut world, row, &[]);
        case.caller = format!("arn:aws:iam::{ACCOUNT}:root");
        // UpdateAlias names the key to go to, not the one that has the alias.
        let alias = case.alias.clone();
        match row.name {
            "kms.UpdateAlias" => case.other = alias,
            _ => case.key = alias,
        }
        match row.names {
            Names::Nothing | Names::Alias => {}
            Names::IdOrAlias => row.works(&mut world, &root, &case, "by alias"),
            Names::Id => {
                let want = format!("Invalid keyId '{}'", case.alias);
                let got = told((row.ask)(&mut world, &root, &case));
                assert_eq!(got, ("NotFoundException".to_owned(), want), "{}", row.id());
            }
        }
    }
}

/// The errors of each operation: those that any request can be given, and those of key states.
#[test]
fn k_287_to_k_336_errors_are_those_that_the_table_lists() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for row in ROWS {
        let model = find_operation(row.name).unwrap();
        for error in row.errors {
            assert!(model.errors.contains(error), "{} {error}", row.id());
        }
        let fresh = |world: &mut World| {
            let mut case = prepare(world, row, &[]);
            case.caller = format!("arn:aws:iam::{ACCOUNT}:root");
            case
        };
        if row.lists("DryRunOperationException") {
            let mut case = fresh(&mut world);
            case.dry = Some(true);
            let got = told((row.ask)(&mut world, &root, &case)).0;
            assert_eq!(got, "DryRunOperationException", "{}", row.id());
        }
        if row.lists("InvalidGrantTokenException") {
            let mut case = fresh(&mut world);
            case.tokens = vec!["forged".to_owned()];
            let got = told((row.ask)(&mut world, &root, &case)).0;
            assert_eq!(got, "InvalidGrantTokenException", "{}", row.id());
        }
        if row.lists("InvalidMarkerException") {
            let mut case = fresh(&mut world);
            case.marker = some("?");
            let got = told((row.ask)(&mut world, &root, &case)).0;
            assert_eq!(got, "InvalidMarkerException", "{}", row.id());
        }
        if row.lists("InvalidKeyUsageException") && row.name != "kms.GetPublicKey" {
            let mut case = fresh(&mut world);
            let other = match row.made {
                Made::Signing => Made::Mac,
                _ => Made::Signing,
            };
            case.key = make(&mut world, other);
            if row.lists("IncorrectKeyException") {
                // A ciphertext names its key (K-068); only one that names none asks for the usage.
                let got = told((row.ask)(&mut world, &root, &case)).0;
                assert_eq!(got, "IncorrectKeyException", "{}", row.id());
                case.made = vec![1];
            }
            let got = told((row.ask)(&mut world, &root, &case)).0;
            assert_eq!(got, "InvalidKeyUsageException", "{}", row.id());
        }
        if matches!(row.names, Names::Nothing) || row.made == Made::External {
            continue;
        }
        let mut case = fresh(&mut world);
        if row.made != Made::Doomed {
            let request = DisableKeyRequest {
                key_id: some(&case.key),
            };
            world.call(HOME, &root, &request).unwrap();
            let got = told((row.ask)(&mut world, &root, &case)).0;
            let asked_first = row.lists("DisabledException") && row.name != UNMINDFUL;
            let want = if asked_first {
                "DisabledException"
            } else {
                row.answer
            };
            assert_eq!(got, want, "{} on a disabled key", row.id());
            case = fresh(&mut world);
            doom(&mut world, &case.key);
            let got = told((row.ask)(&mut world, &root, &case)).0;
            let may = got == row.answer || row.lists(&got);
            assert!(may, "{} on a doomed key: {got}", row.id());
        }
    }
}

/// Lists DisabledException, and works on a disabled key all the same (K-036 to K-057).
const UNMINDFUL: &str = "kms.GetPublicKey";

/// The grant decides, not the key policy and not IAM alone; also across accounts.
#[test]
fn k_325_a_grant_is_retired_by_whom_it_names() {
    let mut world = world();
    let all = world.user(ACCOUNT, "all", ALLOW_ALL);
    let far = world.user(PARTNER, "far", &allow(&["s3:*"], &["*"]));
    let far_arn = format!("arn:aws:iam::{PARTNER}:user/far");
    let key = arn(&key(&mut world, false));
    let root = world.root(ACCOUNT);
    let request = CreateGrantRequest {
        key_id: some(&key),
        operations: vec!["Decrypt".to_owned()],
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:user/all")),
        retiring_principal: some(&far_arn),
        ..Default::default()
    };
    let grant_id = world.call(HOME, &root, &request).unwrap().grant_id;
    let mut retire = RetireGrantRequest {
        key_id: some(&key),
        grant_id,
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &all, &retire)),
        "AccessDeniedException"
    );
    assert_eq!(
        code(world.call(HOME, &far, &retire)),
        "DryRunOperationException"
    );
    retire.dry_run = None;
    doom(&mut world, &key);
    world.call(HOME, &far, &retire).unwrap();
    assert_eq!(
        code(world.call(HOME, &far, &retire)),
        "InvalidGrantIdException"
    );
    retire = RetireGrantRequest {
        grant_token: some("forged"),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &far, &retire)),
        "InvalidGrantTokenException"
    );
}

/// Lists show what is the caller's account's, and ListRetirableGrants takes no foreign principal.
#[test]
fn k_315_k_319_k_321_lists_stay_in_the_callers_account() {
    let mut world = world();
    let pat = world.user(PARTNER, "pat", ALLOW_ALL);
    let partner = format!("arn:aws:iam::{PARTNER}:root");
    let key = arn(&key_with_policy(&mut world, &open_policy(&[&partner])));
    let listed = world.call(HOME, &pat, &ListKeysRequest::default()).unwrap();
    assert!(listed.keys.is_empty(), "{key} is another account's");
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let ask = |principal: &str| ListRetirableGrantsRequest {
        retiring_principal: some(principal),
        ..Default::default()
    };
    let own = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    world.call(HOME, &ann, &ask(&own)).unwrap();
    assert_eq!(
        code(world.call(HOME, &pat, &ask(&own))),
        "AccessDeniedException"
    );
}
