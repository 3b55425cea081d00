//! Many changes, cut links, disabled keys and crashes in any order: what is InSync is equal.

use std::collections::BTreeMap;

use faultline_proto::driving::Crash;

use super::*;

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What InSync was said of must have been taken with the same content; how often that was so.
fn check_notes(world: &World) -> usize {
    let mut copies = BTreeMap::new();
    let mut measured = 0;
    for (_, note) in &world.notes {
        let field = |name: &str| note.fields.get(name).cloned().unwrap_or_default();
        let place = (field("secret"), field("region"));
        match note.kind.as_str() {
            "secret_copied" => drop(copies.insert(place, field("content"))),
            "secret_in_sync" => {
                assert_eq!(copies.get(&place), Some(&field("content")), "{place:?}");
                measured += 1;
            }
            _ => {}
        }
    }
    measured
}

/// One thing that somebody does; refusals are part of it.
fn act(world: &mut World, chance: &mut Chance, n: u32, key: &str) {
    let root = world.root(ACCOUNT);
    match chance.below(14) {
        0..=3 => drop(world.call(HERE, &root, &put("db", n, &format!("value {n}")))),
        4 => {
            let request = api::UpdateSecretRequest {
                secret_id: some("db"),
                description: Some(format!("as of {n}")),
                ..Default::default()
            };
            drop(world.call(HERE, &root, &request));
        }
        5 => {
            let stages = describe(world, HERE, "db").version_ids_to_stages;
            let holding = |stage: &str| {
                let mut all = stages.iter();
                all.find(|(_, stages)| stages.items.iter().any(|one| one == stage))
                    .map(|(id, _)| id.clone())
            };
            let request = api::UpdateSecretVersionStageRequest {
                secret_id: some("db"),
                version_stage: some("AWSCURRENT"),
                remove_from_version_id: holding("AWSCURRENT"),
                move_to_version_id: holding("AWSPREVIOUS"),
            };
            drop(world.call(HERE, &root, &request));
        }
        6 | 7 => {
            let request = api::ReplicateSecretToRegionsRequest {
                force_overwrite_replica_secret: Some(chance.below(2) == 0),
                ..replicate("db", THERE, Some(key))
            };
            drop(world.call(HERE, &root, &request));
        }
        8 => {
            let request = api::RemoveRegionsFromReplicationRequest {
                secret_id: some("db"),
                remove_replica_regions: vec![THERE.to_owned()],
            };
            drop(world.call(HERE, &root, &request));
        }
        9 => drop(world.call(THERE, &root, &promote("db"))),
        10 => {
            let disable = kms::DisableKeyRequest { key_id: some(key) };
            drop(world.call(THERE, &root, &disable));
        }
        11 => {
            let enable = kms::EnableKeyRequest { key_id: some(key) };
            drop(world.call(THERE, &root, &enable));
        }
        12 => world.cut(HERE, THERE),
        _ => {
            let region = [HERE, THERE][usize::try_from(chance.below(2)).unwrap()];
            let crash = [Crash::BeforeCommit, Crash::AfterCommit];
            world.crash_next(region, crash[usize::try_from(chance.below(2)).unwrap()]);
            drop(world.call(region, &root, &put("db", n, "while dying")));
            world.restart(region);
        }
    }
}

#[test]
fn whatever_happens_a_replica_in_sync_is_equal_and_all_can_be_put_right() {
    let mut measured = 0;
    for seed in 0..3 {
        let (mut world, root) = world();
        let key = key(&mut world, THERE, None);
        world.call(HERE, &root, &create("db", None)).unwrap();
        let mut chance = Chance(seed);
        for n in 2..70 {
            act(&mut world, &mut chance, n, &key);
            world.advance(chance.below(3) * 20);
            if chance.below(3) == 0 {
                world.heal(HERE, THERE);
            }
        }
        world.heal(HERE, THERE);
        let enable = kms::EnableKeyRequest {
            key_id: Some(key.clone()),
        };
        world.call(THERE, &root, &enable).unwrap();
        world.advance(200);
        let forced = api::ReplicateSecretToRegionsRequest {
            force_overwrite_replica_secret: Some(true),
            ..replicate("db", THERE, Some(&key))
        };
        // Refused when it is InSync already.
        drop(world.call(HERE, &root, &forced));
        world.advance(200);
        assert_eq!(status(&mut world, "db").0, "InSync", "seed {seed}");
        assert_eq!(read(&mut world, THERE, "db"), read(&mut world, HERE, "db"));
        let (here, there) = (
            describe(&mut world, HERE, "db"),
            describe(&mut world, THERE, "db"),
        );
        assert_eq!(there.version_ids_to_stages, here.version_ids_to_stages);
        assert_eq!(there.description, here.description);
        measured += check_notes(&world);
    }
    assert!(measured > 15, "{measured}");
}
