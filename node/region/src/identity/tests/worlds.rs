//! Generated worlds: accounts in and out of an organisation, callers of every kind, documents of
//! every kind, grants and condition keys, as raw data that neither evaluator has touched.
//!
//! One number makes one world. Choices are few, so that they often meet; about a quarter of the
//! requests are allowed. Documents are drawn from shelves of some hundred each, so that a debug
//! build reads each once and not once a world.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

pub(super) const MANAGEMENT: &str = "999999999999";
pub(super) const OURS: &str = "111111111111";
pub(super) const THEIRS: &str = "222222222222";
const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234";
const FOREIGN_ROLE: &str = "arn:aws:iam::222222222222:role/reader";
const TABLE_ARN: &str = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders";

/// Documents on each shelf.
const SHELF: u64 = 400;

/// What a document is for: its statements are made accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Without principals.
    Plain,
    /// With principals of every kind.
    Named,
    /// Without principals, mostly letting through: boundaries, session policies, SCPs.
    Fence,
    /// About everybody: endpoint policies.
    Everybody,
    /// About everybody and letting through: RCPs.
    Open,
}

/// Where a document stands: sort, kind of resource, number.
pub(super) type Place = (Sort, Kind, u64);

/// A document; its place is lost when it is changed.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    pub value: Rc<Value>,
    pub place: Option<Place>,
}

impl Paper {
    /// A document of one's own.
    pub(super) fn of(statement: Value) -> Self {
        let value = json!({"Version": "2012-10-17", "Statement": [statement]});
        Self {
            value: Rc::new(value),
            place: None,
        }
    }

    /// Its statements, to be changed.
    pub(super) fn statements(&mut self) -> &mut Vec<Value> {
        self.place = None;
        Rc::make_mut(&mut self.value)["Statement"]
            .as_array_mut()
            .expect("a list")
    }

    fn drawn(dice: &mut Dice, sort: Sort, kind: Kind) -> Self {
        thread_local! {
            static SHELVES: RefCell<BTreeMap<Place, Rc<Value>>> = const { RefCell::new(BTreeMap::new()) };
        }
        let place = (sort, kind, dice.below(SHELF));
        let make = || {
            Rc::new(document(
                &mut Dice::new(place.2 << 8 | (sort as u64) << 4 | kind as u64),
                sort,
                kind,
            ))
        };
        let value =
            SHELVES.with_borrow_mut(|shelves| Rc::clone(shelves.entry(place).or_insert_with(make)));
        Self {
            value,
            place: Some(place),
        }
    }
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Key,
    Bucket,
    /// An action without a resource.
    Nothing,
}

/// Who asks. What a caller does not have is `None`.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub account: Option<&'static str>,
    /// The most direct ARN: user, session, root.
    pub arn: Option<String>,
    pub role_arn: Option<String>,
    pub user_name: Option<&'static str>,
    pub service: Option<&'static str>,
    pub is_root: bool,
}

/// A constraint on the encryption context: whether it must be equal, and the pairs.
pub(super) type Pairs = Option<(bool, BTreeMap<String, String>)>;

#[derive(Debug, Clone)]
pub(super) struct SomeGrant {
    pub grantee: String,
    pub retiring: Option<String>,
    pub issuer: &'static str,
    pub operations: Vec<String>,
    pub constraint: Pairs,
    pub source_arn: Option<String>,
    pub propagated: bool,
    pub presented: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub caller: Who,
    pub action: &'static str,
    pub resource: &'static str,
    pub owner: &'static str,
    pub kind: Kind,
    pub crosses: bool,
    pub context: BTreeMap<String, Vec<String>>,
    pub encryption: BTreeMap<String, String>,
    pub proposed: Option<(Vec<String>, Pairs)>,
}

/// Policies of one account in the organisation, level by level.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub account: &'static str,
    pub scps: Vec<Vec<Paper>>,
    pub rcps: Vec<Vec<Paper>>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub asked: Asked,
    pub own: Paper,
    pub identity: Vec<Paper>,
    pub boundary: Option<Paper>,
    pub session: Vec<Paper>,
    /// Who is in the organisation; its management account has policies that do not bind it.
    pub members: Vec<Member>,
    pub endpoint: Option<Paper>,
    pub grants: Vec<SomeGrant>,
}

impl World {
    /// Service control policies that bind the principals of `account`.
    pub(super) fn scps_of(&self, account: &str) -> &[Vec<Paper>] {
        self.member(account).map_or(&[], |member| &member.scps)
    }

    /// Resource control policies that bind the resources of `account`.
    pub(super) fn rcps_of(&self, account: &str) -> &[Vec<Paper>] {
        self.member(account).map_or(&[], |member| &member.rcps)
    }

    fn member(&self, account: &str) -> Option<&Member> {
        let bound = self
            .members
            .iter()
            .filter(|member| member.account != MANAGEMENT);
        bound.into_iter().find(|member| member.account == account)
    }
}

/// Splitmix64: one number, one world.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("an index")].clone()
    }
}

/// The world of `seed`.
pub(super) fn world(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let asked = asked(&mut dice);
    let kind = asked.kind;
    let identity = (0..dice.below(3))
        .map(|_| Paper::drawn(&mut dice, Sort::Plain, kind))
        .collect();
    let limit = |dice: &mut Dice, percent| {
        dice.chance(percent)
            .then(|| Paper::drawn(dice, Sort::Fence, kind))
    };
    let boundary = limit(&mut dice, 25);
    let session = (0..2).filter_map(|_| limit(&mut dice, 15)).collect();
    let endpoint = dice
        .chance(10)
        .then(|| Paper::drawn(&mut dice, Sort::Everybody, kind));
    let grants = if kind == Kind::Key {
        (0..dice.below(3)).map(|_| grant(&mut dice)).collect()
    } else {
        Vec::new()
    };
    let members = if dice.chance(50) {
        organisation(&mut dice, kind)
    } else {
        Vec::new()
    };
    World {
        own: Paper::drawn(&mut dice, Sort::Named, kind),
        asked,
        identity,
        boundary,
        session,
        members,
        endpoint,
        grants,
    }
}

fn who(dice: &mut Dice) -> Who {
    let nobody = Who {
        account: None,
        arn: None,
        role_arn: None,
        user_name: None,
        service: None,
        is_root: false,
    };
    let account = dice.pick(&[OURS, OURS, OURS, THEIRS, THEIRS, MANAGEMENT]);
    let named = Who {
        account: Some(account),
        ..nobody.clone()
    };
    match dice.below(20) {
        0..8 => Who {
            arn: Some(format!("arn:aws:iam::{account}:user/ann")),
            user_name: Some("ann"),
            ..named
        },
        8..15 => Who {
            arn: Some(format!(
                "arn:aws:sts::{account}:assumed-role/reader/nightly"
            )),
            role_arn: Some(format!("arn:aws:iam::{account}:role/reader")),
            ..named
        },
        15 => Who {
            arn: Some(format!(
                "arn:aws:sts::{account}:assumed-role/AWSServiceRoleForX/nightly"
            )),
            role_arn: Some(format!(
                "arn:aws:iam::{account}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
            )),
            ..named
        },
        16 | 17 => Who {
            arn: Some(format!("arn:aws:iam::{account}:root")),
            is_root: true,
            ..named
        },
        18 => Who {
            service: Some("logs.amazonaws.com"),
            ..nobody
        },
        _ => nobody,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one table of choices after the other"
)]
fn asked(dice: &mut Dice) -> Asked {
    let kind = dice.pick(&[
        Kind::Key,
        Kind::Key,
        Kind::Key,
        Kind::Key,
        Kind::Bucket,
        Kind::Nothing,
    ]);
    let (resource, action) = match kind {
        Kind::Key => {
            let actions = [
                "kms:Encrypt",
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:CreateGrant",
                "kms:RetireGrant",
                "kms:PutKeyPolicy",
            ];
            (KEY, dice.pick(&actions))
        }
        Kind::Bucket => (
            "arn:aws:s3:::photos/a/b",
            dice.pick(&["s3:GetObject", "s3:PutObject"]),
        ),
        Kind::Nothing => ("*", dice.pick(&["kms:CreateKey", "kms:ListKeys"])),
    };
    let caller = who(dice);
    let own = caller.account.unwrap_or(OURS);
    let mut context = BTreeMap::new();
    for (key, values) in [
        (
            "kms:ViaService",
            &["s3.eu-west-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com"][..],
        ),
        ("aws:PrincipalTag/Team", &["red", "blue"]),
        ("aws:ResourceTag/Class", &["red", "open"]),
        ("aws:PrincipalOrgID", &["o-1", "o-2"]),
        ("aws:SourceIp", &["10.1.2.3", "192.168.0.7"]),
        ("aws:SourceArn", &[TABLE_ARN, "arn:aws:s3:::photos"]),
        ("kms:BypassPolicyLockoutSafetyCheck", &["true", "false"]),
        ("kms:ScheduleKeyDeletionPendingWindowInDays", &["7", "30"]),
    ] {
        if dice.chance(40) {
            context.insert(key.to_owned(), vec![dice.pick(values).to_owned()]);
        }
    }
    for (key, values) in [
        (
            "aws:CalledVia",
            [
                "s3.amazonaws.com",
                "ec2.amazonaws.com",
                "dynamodb.amazonaws.com",
            ],
        ),
        (
            "kms:ResourceAliases",
            ["alias/app", "alias/db", "alias/old"],
        ),
    ] {
        let some: Vec<String> = values
            .iter()
            .filter(|_| dice.chance(35))
            .map(|it| (*it).to_owned())
            .collect();
        if !some.is_empty() {
            context.insert(key.to_owned(), some);
        }
    }
    let proposed = (action == "kms:CreateGrant").then(|| (operations(dice), constraint(dice)));
    Asked {
        action,
        resource,
        owner: if kind == Kind::Nothing { own } else { OURS },
        kind,
        crosses: dice.chance(90),
        context,
        encryption: pairs(dice),
        proposed,
        caller,
    }
}

fn pairs(dice: &mut Dice) -> BTreeMap<String, String> {
    let all = [("Tenant", ["7", "8"]), ("purpose", ["cards", "Cards"])];
    let mut some = BTreeMap::new();
    for (name, values) in all {
        if dice.chance(40) {
            some.insert(name.to_owned(), dice.pick(&values).to_owned());
        }
    }
    some
}

fn constraint(dice: &mut Dice) -> Pairs {
    let constrained = dice.chance(40);
    let (exact, pairs) = (dice.chance(50), pairs(dice));
    (constrained && !pairs.is_empty()).then_some((exact, pairs))
}

fn operations(dice: &mut Dice) -> Vec<String> {
    let all = [
        "Encrypt",
        "Decrypt",
        "DescribeKey",
        "CreateGrant",
        "RetireGrant",
    ];
    all.iter()
        .filter(|_| dice.chance(50))
        .map(|it| (*it).to_owned())
        .collect()
}

fn grant(dice: &mut Dice) -> SomeGrant {
    let someone = [
        "arn:aws:iam::111111111111:user/ann",
        "arn:aws:iam::111111111111:role/reader",
        "arn:aws:sts::111111111111:assumed-role/reader/nightly",
        FOREIGN_ROLE,
        "222222222222",
        "arn:aws:iam::111111111111:root",
        "logs.amazonaws.com",
    ];
    SomeGrant {
        grantee: dice.pick(&someone).to_owned(),
        retiring: dice.chance(50).then(|| dice.pick(&someone).to_owned()),
        issuer: dice.pick(&[OURS, THEIRS]),
        operations: operations(dice),
        constraint: constraint(dice),
        source_arn: dice.chance(15).then(|| TABLE_ARN.to_owned()),
        propagated: dice.chance(80),
        presented: dice.chance(30),
    }
}

fn organisation(dice: &mut Dice, kind: Kind) -> Vec<Member> {
    let mut members = Vec::new();
    for account in [MANAGEMENT, OURS, THEIRS] {
        if account == MANAGEMENT || dice.chance(60) {
            let scps = (0..1 + dice.below(2))
                .map(|_| vec![Paper::drawn(dice, Sort::Fence, kind)])
                .collect();
            let rcps = if dice.chance(40) {
                vec![vec![Paper::drawn(dice, Sort::Open, kind)]]
            } else {
                Vec::new()
            };
            members.push(Member {
                account,
                scps,
                rcps,
            });
        }
    }
    members
}

fn document(dice: &mut Dice, sort: Sort, kind: Kind) -> Value {
    let mut statements: Vec<Value> = (0..1 + dice.below(3))
        .map(|_| statement(dice, kind))
        .collect();
    for statement in &mut statements {
        match sort {
            Sort::Plain | Sort::Fence => {}
            Sort::Named => name_somebody(dice, statement),
            Sort::Everybody | Sort::Open => statement["Principal"] = json!("*"),
        }
    }
    match sort {
        Sort::Fence if dice.chance(60) => {
            statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        }
        Sort::Open => {
            statements
                .push(json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}));
        }
        Sort::Plain | Sort::Named | Sort::Fence | Sort::Everybody => {}
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A statement without principals.
pub(super) fn statement(dice: &mut Dice, kind: Kind) -> Value {
    let effect = if dice.chance(90) { "Allow" } else { "Deny" };
    let mut statement = json!({"Effect": effect});
    let actions: &[&str] = match kind {
        Kind::Bucket => &["s3:*", "s3:Get*", "S3:PutObject", "*", "s3:???Object"],
        Kind::Key => &[
            "kms:*",
            "kms:*",
            "kms:Encrypt",
            "KMS:enc*",
            "kms:Decrypt",
            "*",
            "kms:???rypt",
            "kms:*Grant",
            "kms:Describe*",
        ],
        Kind::Nothing => &["kms:*", "kms:CreateKey", "kms:List*", "*"],
    };
    let element = if dice.chance(92) {
        "Action"
    } else {
        "NotAction"
    };
    statement[element] = if dice.chance(70) {
        json!(dice.pick(actions))
    } else {
        json!([dice.pick(actions), dice.pick(actions)])
    };
    let resources: &[&str] = match kind {
        Kind::Bucket => &[
            "*",
            "arn:aws:s3:::photos/*",
            "arn:aws:s3:::photos/${aws:username}/*",
            "arn:aws:s3:::other/*",
            "arn:aws:s3:::photos/?/b",
        ],
        Kind::Key | Kind::Nothing => &[
            "*",
            "*",
            "*",
            KEY,
            "arn:aws:kms:*:key/1*",
            "arn:aws:kms:eu-west-1:${aws:PrincipalAccount}:key/*",
            "arn:aws:kms:eu-west-1:111111111111:key/9",
        ],
    };
    let element = if dice.chance(94) {
        "Resource"
    } else {
        "NotResource"
    };
    statement[element] = json!(dice.pick(resources));
    if dice.chance(35) {
        let mut block = json!({});
        for _ in 0..1 + dice.below(2) {
            let (operator, key, values) = condition(dice);
            block[operator][key] = if values.len() == 1 {
                json!(values[0])
            } else {
                json!(values)
            };
        }
        statement["Condition"] = block;
    }
    statement
}

/// Puts Principal or NotPrincipal into a statement.
pub(super) fn name_somebody(dice: &mut Dice, statement: &mut Value) {
    let principals = [
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": "arn:aws:iam::111111111111:root"}),
        json!({"AWS": "111111111111"}),
        json!({"AWS": ["arn:aws:iam::222222222222:root"]}),
        json!({"AWS": "arn:aws:iam::111111111111:user/ann"}),
        json!({"AWS": ["arn:aws:iam::222222222222:user/ann", "arn:aws:iam::111111111111:role/reader"]}),
        json!({"AWS": "arn:aws:sts::111111111111:assumed-role/reader/nightly"}),
        json!({"AWS": "arn:aws:iam::222222222222:role/reader", "Service": "logs.amazonaws.com"}),
    ];
    let everyone =
        json!({"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:user/ann"]});
    let element = if dice.chance(93) {
        "Principal"
    } else {
        "NotPrincipal"
    };
    let named = if element == "NotPrincipal" && dice.chance(50) {
        everyone
    } else {
        dice.pick(&principals)
    };
    // NotPrincipal with a star spares everybody: nobody writes it.
    statement[element] = if element == "NotPrincipal" && named.to_string().contains('*') {
        principals[2].clone()
    } else {
        named
    };
}

/// Operator, key, values.
fn condition(dice: &mut Dice) -> (String, &'static str, Vec<&'static str>) {
    let (key, values): (&str, &[&str]) = dice.pick(&[
        (
            "kms:ViaService",
            &[
                "s3.eu-west-1.amazonaws.com",
                "s3.*.amazonaws.com",
                "ec2.eu-west-1.amazonaws.com",
            ][..],
        ),
        ("KMS:CallerAccount", &[OURS, THEIRS]),
        ("kms:EncryptionContext:tenant", &["7", "8", "?"]),
        ("kms:EncryptionContext:Purpose", &["cards", "CARDS", "c*"]),
        (
            "kms:EncryptionContextKeys",
            &["Tenant", "purpose", "tenant"],
        ),
        ("aws:PrincipalTag/team", &["red", "blue", "Red"]),
        (
            "aws:ResourceTag/class",
            &[
                "red",
                "open",
                "${aws:PrincipalTag/team}",
                "${aws:PrincipalTag/Team, 'open'}",
            ],
        ),
        ("aws:PrincipalOrgID", &["o-1", "o-?"]),
        ("aws:CalledVia", &["s3.amazonaws.com", "ec2.amazonaws.com"]),
        ("kms:ResourceAliases", &["alias/app", "alias/*"]),
        (
            "aws:PrincipalArn",
            &[
                "arn:aws:iam::111111111111:role/reader",
                "arn:aws:iam::*:user/${aws:username}",
            ],
        ),
        (
            "aws:SourceArn",
            &[TABLE_ARN, "arn:aws:*:*:*:*", "arn:aws:s3:::photos"],
        ),
        (
            "aws:SourceIp",
            &["10.0.0.0/8", "192.168.0.0/16", "10.1.2.3"],
        ),
        ("kms:BypassPolicyLockoutSafetyCheck", &["true", "false"]),
        ("kms:ScheduleKeyDeletionPendingWindowInDays", &["10", "30"]),
        (
            "aws:CurrentTime",
            &["2026-11-24T00:00:00Z", "2026-12-01T00:00:00Z"],
        ),
    ]);
    let null = dice.chance(8);
    let operators: &[&str] = match key {
        _ if null => &["Null"],
        "aws:PrincipalArn" | "aws:SourceArn" => {
            &["ArnLike", "ArnEquals", "ArnNotLike", "StringLike"]
        }
        "aws:SourceIp" => &["IpAddress", "NotIpAddress"],
        "kms:BypassPolicyLockoutSafetyCheck" => &["Bool"],
        "kms:ScheduleKeyDeletionPendingWindowInDays" => {
            &["NumericLessThan", "NumericGreaterThanEquals"]
        }
        "aws:CurrentTime" => &["DateGreaterThan", "DateLessThanEquals"],
        _ => &[
            "StringEquals",
            "StringEquals",
            "StringLike",
            "StringNotEquals",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ],
    };
    let mut operator = dice.pick(operators).to_owned();
    if null {
        return (operator, key, vec![dice.pick(&["true", "false"])]);
    }
    if dice.chance(25) {
        operator.push_str("IfExists");
    }
    let many = matches!(
        key,
        "kms:EncryptionContextKeys" | "aws:CalledVia" | "kms:ResourceAliases"
    );
    // K-224: a key policy with ForAllValues on one pair is refused.
    if !key.starts_with("kms:EncryptionContext:") && (many || dice.chance(10)) {
        operator = format!(
            "{}{operator}",
            dice.pick(&["ForAnyValue:", "ForAllValues:"])
        );
    }
    let values = if dice.chance(30) {
        vec![dice.pick(values), dice.pick(values)]
    } else {
        vec![dice.pick(values)]
    };
    (operator, key, values)
}
