//! Laws that hold for every world, and the agreement of two evaluators.
//!
//! A world is made by one number. A failure prints it; `FAULTLINE_WORLD=number` makes every law
//! look at that world alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::naive;
use super::worlds::{
    Dice, Kind, MANAGEMENT, OURS, Pairs, Paper, Place, World, name_somebody, statement, world,
};
use super::*;

/// Worlds in which the two evaluators must agree.
const WORLDS: u64 = 100_000;
/// Worlds for each law.
const SOME: u64 = 4_000;

#[expect(
    clippy::disallowed_methods,
    reason = "a person picks a world to look at; no Region is configured by it"
)]
/// Calls `law` with the worlds of `seeds`, or with the one that the environment names.
fn for_worlds(seeds: std::ops::Range<u64>, law: impl Fn(World, &mut Dice) -> Result<(), String>) {
    let chosen: Option<u64> = std::env::var("FAULTLINE_WORLD")
        .ok()
        .map(|text| text.parse().expect("a number"));
    let seeds = chosen.map_or(seeds, |seed| seed..seed + 1);
    for seed in seeds {
        // The law's own choices come from other dice than the world.
        let made = world(seed);
        if let Err(why) = law(made.clone(), &mut Dice::new(seed ^ 0x5eed_0000_0000_0000)) {
            panic!(
                "world {seed}: {why}\nagain: FAULTLINE_WORLD={seed} cargo test -p faultline-region --lib identity::tests::laws\n{made:#?}"
            );
        }
    }
}

/// A document as the evaluator takes it; one from a shelf is read once.
fn read(kind: DocumentKind, paper: &Paper) -> Arc<Policy> {
    thread_local! {
        static READ: RefCell<BTreeMap<(DocumentKind, Place), Arc<Policy>>> = const { RefCell::new(BTreeMap::new()) };
    }
    let read = || {
        let document = Document::parse(&paper.value.to_string(), kind).unwrap();
        Arc::new(Policy::new("p", document))
    };
    match paper.place {
        Some(place) => READ
            .with_borrow_mut(|known| Arc::clone(known.entry((kind, place)).or_insert_with(read))),
        None => read(),
    }
}

fn read_levels(kind: DocumentKind, levels: &[Vec<Paper>]) -> Vec<Vec<Arc<Policy>>> {
    let level = |level: &Vec<Paper>| level.iter().map(|paper| read(kind, paper)).collect();
    levels.iter().map(level).collect()
}

fn constraint(pairs: &Pairs) -> ContextConstraint<'_> {
    match pairs {
        None => ContextConstraint::None,
        Some((true, pairs)) => ContextConstraint::Equals(pairs),
        Some((false, pairs)) => ContextConstraint::Subset(pairs),
    }
}

impl World {
    fn principal(&self) -> Principal {
        let who = &self.asked.caller;
        let account = || AccountId::new(who.account.unwrap()).unwrap();
        match (&who.role_arn, who.user_name, who.service) {
            (Some(role), _, _) => {
                Principal::role(&Arn::new(role).unwrap(), "AROAREADERREADER", "nightly").unwrap()
            }
            (_, Some(name), _) => Principal::user(&account(), "/", name, "AIDAANNANNANNANN"),
            (_, _, Some(service)) => Principal::service(service),
            _ if who.is_root => Principal::root(&account()),
            _ => Principal::Anonymous,
        }
    }

    fn context(&self) -> Context {
        let mut context = now();
        for (key, values) in &self.asked.context {
            context.set_all(key.clone(), values.iter().map(String::as_str));
        }
        let pairs = self.asked.encryption.iter();
        if !self.asked.encryption.is_empty() {
            context
                .set_encryption_context(pairs.map(|(name, value)| (name.as_str(), value.as_str())));
        }
        context
    }

    #[expect(clippy::too_many_lines, reason = "one member after the other")]
    /// Asks the evaluator and hands its decision over.
    fn ask<T>(&self, look: impl FnOnce(Decision<'_>) -> T) -> T {
        let asked = &self.asked;
        let (principal, context) = (self.principal(), self.context());
        let owner = AccountId::new(asked.owner).unwrap();
        let accounts: BTreeMap<&str, AccountId> = self
            .grants
            .iter()
            .map(|grant| (grant.issuer, AccountId::new(grant.issuer).unwrap()))
            .collect();
        let grants: Vec<GrantView<'_>> = self
            .grants
            .iter()
            .map(|grant| GrantView {
                id: "g",
                grantee: &grant.grantee,
                retiring: grant.retiring.as_deref(),
                issuing_account: &accounts[grant.issuer],
                operations: &grant.operations,
                context: constraint(&grant.constraint),
                source_arn: grant.source_arn.as_deref(),
                propagated: grant.propagated,
                presented: grant.presented,
            })
            .collect();
        let proposed = asked
            .proposed
            .as_ref()
            .map(|(operations, pairs)| ProposedGrant {
                operations,
                context: constraint(pairs),
            });
        let mut request = Request::new(&principal, asked.action, asked.resource, &owner, &context);
        request.crosses_accounts = asked.crosses;
        request.encryption_context = Some(&asked.encryption);
        request.proposed_grant = proposed.as_ref();
        let own = match asked.kind {
            Kind::Key => Some(read(DocumentKind::Key, &self.own)),
            Kind::Bucket => Some(read(DocumentKind::Bucket, &self.own)),
            Kind::Nothing => None,
        };
        let all = |kind, values: &[Paper]| {
            values
                .iter()
                .map(|value| read(kind, value))
                .collect::<Vec<_>>()
        };
        let (identity, session) = (
            all(DocumentKind::Identity, &self.identity),
            all(DocumentKind::Session, &self.session),
        );
        let boundary = self
            .boundary
            .as_ref()
            .map(|value| read(DocumentKind::Identity, value));
        let endpoint = self
            .endpoint
            .as_ref()
            .map(|value| read(DocumentKind::Endpoint, value));
        let scps = asked
            .caller
            .account
            .map(|account| read_levels(DocumentKind::ServiceControl, self.scps_of(account)));
        let rcps = read_levels(DocumentKind::ResourceControl, self.rcps_of(asked.owner));
        look(evaluate(
            &request,
            &Policies {
                identity: &identity,
                boundary: boundary.as_deref(),
                session: &session,
                scp_levels: scps.as_deref().unwrap_or_default(),
                rcp_levels: &rcps,
                endpoint: endpoint.as_deref(),
                resource: match (asked.kind, own.as_deref()) {
                    (Kind::Key, Some(policy)) => ResourcePolicy::Key(policy),
                    (Kind::Bucket, policy) => ResourcePolicy::Bucket(policy),
                    _ => ResourcePolicy::None,
                },
                grants: &grants,
            },
        ))
    }

    fn is_allowed(&self) -> bool {
        self.ask(|decision| decision.is_allowed())
    }

    /// Whether identity policies, boundary and session policies speak for this caller at all.
    fn has_policies(&self) -> bool {
        self.asked.caller.account.is_some()
    }
}

fn law(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn two_agree(seeds: std::ops::Range<u64>) {
    for_worlds(seeds, |world, _| {
        let (first, second) = (world.is_allowed(), naive::allows(&world));
        law(
            first == second,
            &format!("the evaluator says {first}, the naive one {second}"),
        )
    });
}

// Two halves, so that two cores share them.
#[test]
fn two_evaluators_agree_on_the_first_half_of_100_000_worlds() {
    two_agree(0..WORLDS / 2);
}

#[test]
fn two_evaluators_agree_on_the_second_half_of_100_000_worlds() {
    two_agree(WORLDS / 2..WORLDS);
}

/// The worlds are worth something: callers, kinds and answers all occur often.
#[test]
fn the_worlds_are_mixed() {
    let all: Vec<World> = (0..2_000).map(world).collect();
    let share = |test: &dyn Fn(&World) -> bool| {
        all.iter().filter(|world| test(world)).count() * 100 / all.len()
    };
    let allowed = share(&World::is_allowed);
    assert!((15..=70).contains(&allowed), "{allowed} % are allowed");
    assert!(
        share(&|world| world
            .asked
            .caller
            .account
            .is_some_and(|own| own != world.asked.owner))
            > 20
    );
    assert!(share(&|world| !world.grants.is_empty()) > 20);
    assert!(
        share(&|world| !world
            .scps_of(world.asked.caller.account.unwrap_or(MANAGEMENT))
            .is_empty())
            > 10
    );
}

fn deny(dice: &mut Dice, kind: Kind) -> Value {
    let mut denying = statement(dice, kind);
    denying["Effect"] = json!("Deny");
    denying
}

#[test]
fn no_allow_beats_an_explicit_deny() {
    for_worlds(0..SOME, |mut world, dice| {
        let everything = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        if world.has_policies() && dice.chance(50) {
            world.identity.push(Paper::of(everything));
        } else {
            let mut everything = everything;
            everything["Principal"] = json!("*");
            if world.asked.kind == Kind::Nothing {
                return Ok(());
            }
            world.own.statements().push(everything);
        }
        law(!world.is_allowed(), "allowed against a deny")
    });
}

#[test]
fn adding_a_deny_never_adds_access() {
    for_worlds(0..SOME, |world, dice| {
        let mut more = world.clone();
        let mut extra = deny(dice, world.asked.kind);
        match dice.below(4) {
            0 => {
                name_somebody(dice, &mut extra);
                more.own.statements().push(extra);
            }
            1 => more.identity.push(Paper::of(extra)),
            2 => more
                .session
                .iter_mut()
                .for_each(|session| session.statements().push(extra.clone())),
            _ => more
                .boundary
                .iter_mut()
                .for_each(|boundary| boundary.statements().push(extra.clone())),
        }
        law(world.is_allowed() || !more.is_allowed(), "a deny opened")
    });
}

#[test]
fn adding_an_allow_to_what_is_there_never_takes_access_away() {
    for_worlds(0..SOME, |world, dice| {
        let mut more = world.clone();
        let mut extra = statement(dice, world.asked.kind);
        extra["Effect"] = json!("Allow");
        for document in more
            .identity
            .iter_mut()
            .chain(&mut more.session)
            .chain(&mut more.boundary)
        {
            document.statements().push(extra.clone());
        }
        name_somebody(dice, &mut extra);
        more.own.statements().push(extra);
        law(!world.is_allowed() || more.is_allowed(), "an allow closed")
    });
}

#[test]
fn k_193_an_allow_in_one_of_two_accounts_alone_never_crosses() {
    for_worlds(0..SOME, |mut world, dice| {
        if world.asked.kind == Kind::Nothing || world.asked.caller.account.is_none() {
            return Ok(());
        }
        world.asked.owner = if world.asked.caller.account == Some(OURS) {
            MANAGEMENT
        } else {
            OURS
        };
        world.grants.clear();
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        if dice.chance(50) && !world.asked.caller.is_root {
            // The resource's side only.
            world.identity.clear();
            let mut open = all;
            open["Principal"] = json!("*");
            world.own.statements().push(open);
        } else {
            // The caller's side only.
            world.own = Paper::of(
                json!({"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": "*", "Resource": "*"}),
            );
            world.identity = vec![Paper::of(all)];
        }
        law(!world.is_allowed(), "one side was enough")
    });
}

#[test]
fn the_order_of_statements_and_policies_says_nothing() {
    for_worlds(0..SOME, |world, _| {
        let mut turned = world.clone();
        let members = turned
            .members
            .iter_mut()
            .flat_map(|member| member.scps.iter_mut().chain(&mut member.rcps).flatten());
        for document in turned
            .identity
            .iter_mut()
            .chain(&mut turned.session)
            .chain(&mut turned.boundary)
            .chain(&mut turned.endpoint)
            .chain([&mut turned.own])
            .chain(members)
        {
            document.statements().reverse();
        }
        turned.identity.reverse();
        turned.session.reverse();
        turned.grants.reverse();
        for member in &mut turned.members {
            member.scps.reverse();
        }
        law(
            world.is_allowed() == turned.is_allowed(),
            "the order decided",
        )
    });
}

#[test]
fn every_refusal_says_what_would_have_helped() {
    for_worlds(0..SOME, |world, _| {
        world.ask(|decision| match decision {
            Decision::Denied(refusal) => law(
                !refusal.missing.is_empty() && !refusal.message.is_empty(),
                "no reason given",
            ),
            Decision::Allowed(_) => Ok(()),
        })
    });
}
