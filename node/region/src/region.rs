//! The Region: `step(input) -> reply`.
//!
//! One input at a time, one atomic batch a step. Time, order, the network and chance are all
//! handed in; the same steps on the same store give the same bytes. A step cannot fail: a
//! refusal is an outcome. What can happen is that the Region *dies*, because the step said so
//! (a crash) or because its store is damaged; then nothing is answered.

use std::collections::BTreeMap;

use faultline_proto::driving::{
    Crash, Credential, Fault, Reply, Settings, Start, Started, Step, step,
};
use faultline_proto::names::{AccountId, Elapsed, RegionName, Timestamp};

use crate::caches::Caches;
use crate::context::{Ctx, Effects};
use crate::entropy::{Entropy, EntropyRoot};
use crate::keyspaces::{Head, HeadRow, Sagas, Timers};
use crate::lag::Lag;
use crate::mutants::{self, Mutant};
use crate::quotas::Quotas;
use crate::refusal::Refusal;
use crate::services::cloudtrail::keyspaces::{Data, Management};
use crate::services::kms::keyspaces::LastUses;
use crate::signing::{self, Scope};
use crate::store::{Keyspace as _, Range, RowCache, Store, StoreError, Txn};
use crate::vault::{SecretKey, Vault};
use crate::{pipeline, replication, saga, services, timers};

/// Retransmission pause unless the world says otherwise, microseconds.
const RETRANSMIT_AFTER: u64 = 1_000_000;

/// Where a step writes that leaves nothing but a trace: what it answered can be told before it
/// is durable, since a crash takes back only the event.
const TRAIL: [u16; 4] = [
    Head::PREFIX,
    Management::PREFIX,
    Data::PREFIX,
    LastUses::PREFIX,
];

/// Why a Region gave no reply.
#[derive(Debug, thiserror::Error)]
pub enum Died {
    /// The step said so.
    #[error("the node was crashed on purpose in step {0}")]
    Crashed(u64),
    /// The store failed or is damaged; nothing of the step is kept.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The driver broke the protocol.
    #[error("{0}")]
    Protocol(String),
}

/// What never changes while the process lives.
#[derive(Debug)]
pub struct Core {
    /// This Region.
    pub region: RegionName,
    /// All Regions of the run, this one included, in order.
    pub regions: Vec<RegionName>,
    /// Region that owns the partition directory (IAM, bucket names).
    pub home: RegionName,
    /// Accounts and the access keys of their root users.
    pub accounts: BTreeMap<AccountId, String>,
    /// The Region's own keys.
    pub vault: Vault,
    /// Epoch of the store.
    pub epoch: u64,
    /// Pause before an unacknowledged envelope goes out again, microseconds.
    pub retransmit_after: u64,
    /// Median of S3's replication lag for small objects, microseconds (LAT-004).
    pub s3_replication_median: u64,
    /// How late DynamoDB's writes leave for other Regions, where the world says so (LAT-005).
    pub table_lags: BTreeMap<RegionName, Lag>,
    /// How much later than it was made a change of the directory leaves its home, microseconds.
    pub directory_delay: u64,
    /// How much of each service an account may use here.
    pub quotas: Quotas,
    links: BTreeMap<(RegionName, RegionName), SecretKey>,
    entropy: EntropyRoot,
}

impl Core {
    fn new(start: &Start) -> Result<Self, Died> {
        let protocol =
            |error: faultline_proto::names::BadName| Died::Protocol(format!("Start: {error}"));
        let region = RegionName::new(&start.region).map_err(protocol)?;
        let mut regions = start
            .regions
            .iter()
            .map(RegionName::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(protocol)?;
        regions.push(region.clone());
        regions.sort();
        regions.dedup();
        let home = if start.home.is_empty() {
            region.clone()
        } else {
            RegionName::new(&start.home).map_err(protocol)?
        };
        let mut accounts = BTreeMap::new();
        for account in &start.accounts {
            accounts.insert(
                AccountId::new(&account.id).map_err(protocol)?,
                account.root_access_key.clone(),
            );
        }
        let settings = start.settings.clone().unwrap_or_default();
        let quotas = Quotas::new(&region, &settings.quotas);
        let root = if start.root_secret.is_empty() {
            &start.seed
        } else {
            &start.root_secret
        };
        let vault = Vault::new(root, &start.partition_secret);
        let mut links = BTreeMap::new();
        for peer in &regions {
            links.insert(
                (region.clone(), peer.clone()),
                vault.link(region.as_str(), peer.as_str()),
            );
            links.insert(
                (peer.clone(), region.clone()),
                vault.link(peer.as_str(), region.as_str()),
            );
        }
        let table_lags = table_lags(&region, &settings).map_err(protocol)?;
        Ok(Self {
            region,
            regions,
            home,
            accounts,
            vault,
            epoch: start.epoch,
            retransmit_after: nonzero(settings.retransmit_after, RETRANSMIT_AFTER),
            s3_replication_median: nonzero(settings.s3_replication_median, 2_000_000),
            table_lags,
            directory_delay: settings.directory_delay,
            quotas,
            links,
            entropy: EntropyRoot::new(&start.seed, start.epoch),
        })
    }

    /// The key under which `from` seals what it sends to `to`; one of them is this Region.
    pub(crate) fn link(&self, from: &RegionName, to: &RegionName) -> SecretKey {
        match self.links.get(&(from.clone(), to.clone())) {
            Some(key) => key.clone(),
            None => self.vault.link(from.as_str(), to.as_str()),
        }
    }
}

fn table_lags(
    region: &RegionName,
    settings: &Settings,
) -> Result<BTreeMap<RegionName, Lag>, faultline_proto::names::BadName> {
    let own = settings.table_lags.iter();
    own.filter(|lag| lag.from == region.as_str())
        .map(|lag| {
            let (median, p99) = (lag.median, lag.p99);
            Ok((RegionName::new(&lag.to)?, Lag { median, p99 }))
        })
        .collect()
}

fn nonzero(given: u64, default: u64) -> u64 {
    if given == 0 { default } else { given }
}

/// What a step did that the store has not flushed yet.
#[derive(Debug)]
pub struct Unflushed {
    /// The reply.
    pub reply: Reply,
    /// Whether the reply must wait for a flush: the step changed more than the trail.
    pub must_flush: bool,
}

/// One Region over its store.
pub struct Region<S: Store> {
    store: S,
    rows: RowCache,
    caches: Caches,
    core: Option<Core>,
    faults: Vec<Fault>,
    last_step: u64,
    /// When the next timer comes, once it is known: until a step writes a timer.
    wake: Option<Option<Elapsed>>,
}

impl<S: Store> Region<S> {
    /// A Region that waits for its Start.
    pub fn new(store: S) -> Self {
        Self {
            store,
            rows: RowCache::default(),
            caches: Caches::default(),
            core: None,
            faults: Vec::new(),
            last_step: 0,
            wake: None,
        }
    }

    /// The store, for oracles that search its raw bytes.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Gives the store back: what a process leaves when it ends.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Takes one step; what it changed is durable when this returns.
    ///
    /// # Errors
    /// [`Died`]: the Region is gone, and the caller must not use it again.
    pub fn step(&mut self, step: Step) -> Result<Reply, Died> {
        let crash = step.crash();
        let id = step.id;
        let taken = self.step_unflushed(step)?;
        if !mutants::is(Mutant::FlushAcknowledgedEarly) || id.is_multiple_of(8) {
            self.store.flush()?;
        }
        if crash == Crash::AfterCommit {
            return Err(Died::Crashed(id));
        }
        Ok(taken.reply)
    }

    /// Takes one step that is durable only after the next [`Region::flush`]: for a group of
    /// steps that are flushed once. Nothing of a reply whose step changed more than the trail
    /// may be told before.
    ///
    /// # Errors
    /// [`Died`]: the Region is gone, and the caller must not use it again.
    pub fn step_unflushed(&mut self, step: Step) -> Result<Unflushed, Died> {
        let crash = step.crash();
        let (id, elapsed) = (step.id, step.elapsed);
        let Some(input) = step.input else {
            return Err(Died::Protocol(format!("step {id} has no input")));
        };
        if let step::Input::Start(start) = &input {
            self.start(start)?;
        }
        if self.core.is_some() && id <= self.last_step {
            return Err(Died::Protocol(format!(
                "step {id} was already taken (last: {})",
                self.last_step
            )));
        }
        if let step::Input::SetFaults(set) = &input {
            self.faults.clone_from(&set.faults);
        }
        let (last_step, known) = (self.last_step, self.wake);
        let mut ctx = self.context(id, Elapsed(elapsed), Timestamp(step.wall))?;
        ctx.traceparent = step.traceparent;
        let mut reply = Reply {
            step: id,
            ..Reply::default()
        };
        let readonly = matches!(input, step::Input::Look(_));
        let due = |at: Option<Elapsed>| at.is_some_and(|at| at.0 <= elapsed);
        if !readonly && known.is_none_or(due) {
            timers::run_due(&mut ctx);
        }
        take(&mut ctx, input, &mut reply, last_step);
        if let Some(damage) = ctx.damage.take() {
            return Err(damage.into());
        }
        let wake = match known {
            Some(known) if !ctx.txn.writes::<Timers>() => known,
            _ => timers::next_wake(&mut ctx),
        };
        reply.wake = wake.map(|at| at.0);
        let effects = std::mem::take(&mut ctx.effects);
        let head = HeadRow {
            region: ctx.core.region.clone(),
            last_step: id,
            elapsed,
        };
        ctx.put::<Head>(&(), &head);
        let batch = ctx.txn.into_batch();
        if crash == Crash::BeforeCommit {
            return Err(Died::Crashed(id));
        }
        let must_flush = !readonly && !batch.only_in(&TRAIL);
        if !readonly {
            self.store.commit_lazily(batch)?;
            self.wake = Some(wake);
        }
        self.last_step = id;
        Ok(Unflushed {
            reply: handed_out(reply, effects),
            must_flush,
        })
    }

    /// Makes every step so far durable.
    ///
    /// # Errors
    /// [`Died::Store`]: nobody may be told what the last steps did.
    pub fn flush(&mut self) -> Result<(), Died> {
        Ok(self.store.flush()?)
    }

    /// Where the store stands: its last step and the latest elapsed microseconds; zeros when
    /// it is new. What a driver that picks its own step numbers must know before the Start.
    ///
    /// # Errors
    /// [`Died::Store`] when the row is damaged.
    pub fn stands_at(&self) -> Result<(u64, Elapsed), Died> {
        let head = Txn::new(&self.store).get::<Head>(&())?;
        Ok(head.map_or((0, Elapsed(0)), |head| {
            (head.last_step, Elapsed(head.elapsed))
        }))
    }

    /// The Signature Version 4 signing key of a credential for one scope, so that the entrance
    /// can verify signatures without ever holding a secret access key.
    ///
    /// # Errors
    /// [`Died`] when the store fails; inside, the refusal of a credential that is unknown,
    /// inactive or expired.
    pub fn signing_key(
        &mut self,
        credential: &Credential,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Result<SecretKey, Refusal>, Died> {
        let mut ctx = self.context(0, Elapsed(0), now)?;
        let found = signing::key(&mut ctx, credential, scope);
        match ctx.damage.take() {
            Some(damage) => Err(damage.into()),
            None => Ok(found),
        }
    }

    /// A context of its own for step `id`.
    fn context(&mut self, id: u64, elapsed: Elapsed, wall: Timestamp) -> Result<Ctx<'_>, Died> {
        let Some(core) = &self.core else {
            return Err(Died::Protocol(
                "the first step of a process must be Start".to_owned(),
            ));
        };
        Ok(Ctx {
            core,
            txn: Txn::with_cache(&self.store, &self.rows),
            caches: &mut self.caches,
            frames: Vec::new(),
            effects: Effects::default(),
            entropy: Entropy::new(&core.entropy, id),
            elapsed,
            wall,
            traceparent: String::new(),
            damage: None,
            step: id,
            timer_ordinal: 0,
            faults: &self.faults,
        })
    }

    fn start(&mut self, start: &Start) -> Result<(), Died> {
        let core = Core::new(start)?;
        let head = Txn::new(&self.store).get::<Head>(&())?;
        if let Some(head) = head {
            if head.region != core.region {
                return Err(StoreError::Foreign {
                    place: "the store".to_owned(),
                    what: format!(
                        "it belongs to {}; start that Region on it, or begin with an empty folder",
                        head.region
                    ),
                }
                .into());
            }
            self.last_step = head.last_step;
        }
        self.core = Some(core);
        Ok(())
    }
}

fn handed_out(mut reply: Reply, effects: Effects) -> Reply {
    reply.completed = effects.completed;
    reply.outbox = effects.outbox;
    reply.audit = effects.audit;
    reply.notes = effects.notes;
    reply.body = effects.body;
    reply
}

fn take(ctx: &mut Ctx<'_>, input: step::Input, reply: &mut Reply, last_step: u64) {
    match input {
        step::Input::Start(_) => {
            let open_calls = ctx.all(Range::<Sagas>::all()).into_iter();
            let open_calls = open_calls
                .filter_map(|(_, row)| row.call.map(|open| open.call))
                .collect();
            reply.started = Some(Started {
                last_step,
                open_calls,
                unacknowledged: replication::unacknowledged(ctx),
            });
            pipeline::in_background(ctx, services::started);
            replication::slip_at_start(ctx);
            if mutants::is(Mutant::TimersLostAtRestart) {
                for (key, _) in ctx.all(Range::<Timers>::all()) {
                    ctx.delete::<Timers>(&key);
                }
            }
        }
        step::Input::Call(call) => pipeline::call(ctx, call),
        step::Input::Body(body) => saga::body(ctx, &body),
        step::Input::Pull(pull) => saga::pull(ctx, &pull.call, pull.from_index, pull.credit),
        step::Input::Deliver(envelope) => replication::deliver(ctx, &envelope),
        step::Input::Tick(_) => {}
        step::Input::SetFaults(_) => replication::release_paused(ctx),
        step::Input::Resend(resend) => replication::reached(ctx, &resend.to, &resend.stream),
        step::Input::Look(look) => reply.look = services::look(ctx, &look.what, &look.arguments),
        step::Input::Plant(plant) => {
            pipeline::in_background(ctx, |ctx| {
                reply.look = services::plant(ctx, &plant.what, &plant.arguments)
            });
        }
    }
}
