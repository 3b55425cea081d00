//! Bugs that are planted on purpose, to learn whether an oracle catches them.
//!
//! A build with the feature `mutants` holds them all and has one in force at most, for the whole
//! process: [`plant`] chooses. In every other build [`is`] is `false` and the compiler takes the
//! bugs away. Each is one condition where an honest engineer might have slipped; what it breaks
//! and which campaign must notice is told by `docs/chaos.md`.

macro_rules! mutants {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// A planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant {
            $(#[doc = $doc] $name,)*
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it is written: `lww_by_arrival`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What is wrong with it, in a sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }
    };
}

mutants! {
    OutboxNotDurable "outbox_not_durable" "What was not acknowledged is forgotten when the process starts again.";
    InboxForgetsAtRestart "inbox_forgets_at_restart" "How far each stream was applied is forgotten when the process starts again.";
    InboxSkipsGaps "inbox_skips_gaps" "An envelope that comes early is applied, and those before it never.";
    HeldAcknowledged "held_acknowledged" "An envelope that comes early is acknowledged with all those before it.";
    ResendGivesUp "resend_gives_up" "What is not acknowledged after three tries is not sent again.";
    TimersLostAtRestart "timers_lost_at_restart" "Durable timers are dropped when the process starts again.";
    FlushAcknowledgedEarly "flush_acknowledged_early" "Steps are answered before they are flushed; every eighth one flushes.";
    PayloadNotSealed "payload_not_sealed" "What travels between Regions is not sealed.";
    LwwByArrival "lww_by_arrival" "The write that arrives last wins, whatever its stamp.";
    LwwComparesSeconds "lww_compares_seconds" "Stamps are compared by whole seconds, and the one that is here wins a tie.";
    SkewTrusted "skew_trusted" "A write takes its stamp from the clock, though what it overwrites has a later one.";
    TombstoneNotKept "tombstone_not_kept" "A delete leaves nothing behind that could win against an older write.";
    DeleteNotReplicated "delete_not_replicated" "Deletes stay in their Region.";
    ReplicaForgotten "replica_forgotten" "A write is sent to all replicas but the last.";
    ConflictNotTold "conflict_not_told" "A write that lost is dropped without a word.";
    ItemNotSealed "item_not_sealed" "Items are stored as they are.";
    StrongReadStaysHome "strong_read_stays_home" "Strongly consistent reads of an MRSC table ask no other Region.";
    StrongFenceOpen "strong_fence_open" "A member of an MRSC table takes proposals of terms that it has promised against.";
    StrongWriteAnsweredEarly "strong_write_answered_early" "A write to an MRSC table is answered before a second Region has it.";
    StrongPendingShown "strong_pending_shown" "Eventually consistent reads of an MRSC table show proposals that no second Region has.";
    ReplicaPromotesItself "replica_promotes_itself" "UpdatePrimaryRegion is taken by replicas too.";
    PromotedTooSoon "promoted_too_soon" "The chosen replica takes the role when it agrees, not when the primary has given it away.";
    OldViewWins "old_view_wins" "A view of an earlier generation replaces a later one.";
    GenerationWraps "generation_wraps" "Generations of a set of keys are compared by their last three bits.";
    ReplicaDrawsItsOwn "replica_draws_its_own" "A new replica gets key material of its own.";
    RotationStaysAtHome "rotation_stays_at_home" "New material becomes current without having been sent to the replicas.";
    DisabledKeyUsed "disabled_key_used" "Cryptographic operations do not look at the state of a key.";
    PolicyCacheNotInvalidated "policy_cache_not_invalidated" "The first policy of a key goes on deciding after it was replaced.";
    ExplicitDenyIgnored "explicit_deny_ignored" "A Deny in a key policy has no effect.";
    GrantForEverything "grant_for_everything" "A grant allows every operation.";
    GrantForEverybody "grant_for_everybody" "A grant allows every principal.";
    IdentityPolicyForgotten "identity_policy_forgotten" "The caller's own policies are not asked where the key's policy names the account.";
    RefusalsNotInTrail "refusals_not_in_trail" "Refused calls leave no event.";
    OwnerNotTold "owner_not_told" "A call across accounts stands in the caller's trail alone.";
    ShareNotEnded "share_not_ended" "Permissions of a snapshot are added and never taken away.";
    StaleBlocksShared "stale_blocks_shared" "A later copy takes the blocks of the copy before it by number, whatever is in them.";
    DisksShareContext "disks_share_context" "The data keys of all disks are bound to the same encryption context.";
    RpoFromLastCommit "rpo_from_last_commit" "The RPO of a failover is counted from the last commit that is lost, not from the first.";
    SecretsShareContext "secrets_share_context" "The versions of all secrets are bound to the same encryption context.";
    InSyncTooSoon "in_sync_too_soon" "A replica secret is InSync when any update was taken, not the last one.";
    TrailShowsSecrets "trail_shows_secrets" "Events hold the members of a request that are secret.";
}

#[cfg(feature = "mutants")]
mod planted {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Mutant;

    static IN_FORCE: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Puts a bug in force in this process, or none.
    pub fn plant(mutant: Option<Mutant>) {
        let place = mutant.and_then(|wanted| Mutant::ALL.iter().position(|it| *it == wanted));
        IN_FORCE.store(place.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Whether a bug is in force.
    #[must_use]
    pub fn is(mutant: Mutant) -> bool {
        Mutant::ALL.get(IN_FORCE.load(Ordering::Relaxed)) == Some(&mutant)
    }
}

#[cfg(feature = "mutants")]
pub use planted::{is, plant};

/// Whether a bug is in force: never in this build.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is(_: Mutant) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_one_each_and_none_is_in_force() {
        let names: BTreeSet<_> = Mutant::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Mutant::ALL.len());
        assert!(Mutant::ALL.iter().all(|it| !is(*it)));
    }
}
