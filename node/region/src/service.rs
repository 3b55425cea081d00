//! What a service is to the Region: the seam that every folder under `services/` fills.
//!
//! A service says what a call touches ([`Service::access`]), does it ([`Service::handle`]) and
//! goes on when something arrives for what it left open ([`Service::resume`]). It never
//! authorises, audits, throttles or commits: that is the pipeline's.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::Progress;

use crate::context::Ctx;
use crate::identity::{Context, ContextConstraint, Policy};
use crate::quotas::Charge;
use crate::refusal::Refusal;

/// One thing that a call wants to do, and whose policies have a say in it.
#[derive(Debug, Clone)]
pub struct Access {
    /// IAM action, for example `kms:Decrypt`.
    pub action: String,
    /// ARN of what is touched, or `*` for an action without a resource.
    pub resource: String,
    /// Account that owns the resource; the caller's own for `*`.
    pub owner: AccountId,
    /// The resource's own policy: key policy, bucket policy, trust policy.
    pub policy: Option<Arc<Policy>>,
    /// Grants on the resource (KMS).
    pub grants: Vec<Grant>,
    /// Condition keys of this request.
    pub context: Context,
    /// Whether the operation works across accounts at all (K-181).
    pub cross_account: bool,
    /// The encryption context as sent, for grant constraints (K-198).
    pub encryption_context: Option<BTreeMap<String, String>>,
    /// For CreateGrant: what would be granted (K-201).
    pub proposed: Option<Proposed>,
    /// Whether AWS manages the resource: an AWS managed key, which RCPs do not bind (K-191).
    pub aws_managed: bool,
    /// How a refusal reads.
    pub wording: Wording,
}

/// A grant on the resource, as far as a decision needs it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The grant's id.
    pub id: String,
    /// ARN of an account, user, role or session, or a service's name.
    pub grantee: String,
    /// Who may retire it.
    pub retiring: Option<String>,
    /// Account whose principal made it.
    pub issuing_account: AccountId,
    /// Operations without prefix, `GenerateDataKey`.
    pub operations: Vec<String>,
    /// What the encryption context must be.
    pub constraint: Constraint,
    /// The SourceArn constraint (K-200).
    pub source_arn: Option<String>,
    /// Whether it is effective everywhere (K-203).
    pub propagated: bool,
    /// Whether the request presents its token.
    pub presented: bool,
}

/// A grant's demand on the encryption context (K-198).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Constraint {
    /// None.
    #[default]
    None,
    /// Exactly these pairs.
    Equals(BTreeMap<String, String>),
    /// At least these pairs.
    Subset(BTreeMap<String, String>),
}

impl Constraint {
    /// As the evaluator takes it.
    #[must_use]
    pub fn view(&self) -> ContextConstraint<'_> {
        match self {
            Self::None => ContextConstraint::None,
            Self::Equals(pairs) => ContextConstraint::Equals(pairs),
            Self::Subset(pairs) => ContextConstraint::Subset(pairs),
        }
    }
}

/// What a CreateGrant would grant.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Operations without prefix.
    pub operations: Vec<String>,
    /// Its constraint.
    pub constraint: Constraint,
}

/// The error that a refused access becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// KMS and other JSON services: `AccessDeniedException`, HTTP 400 (K-213), long text.
    AccessDeniedException,
    /// The same for a ciphertext whose key is unknown or closed (K-217).
    Ciphertext,
    /// S3, IAM, STS: `AccessDenied`, HTTP 403.
    AccessDenied,
    /// EC2: `UnauthorizedOperation`, HTTP 403.
    UnauthorizedOperation,
}

impl Access {
    /// An access without resource policy; condition keys of the entrance and of a calling
    /// service (`kms:ViaService`) are filled in by the pipeline.
    #[must_use]
    pub fn new(
        ctx: &Ctx<'_>,
        action: impl Into<String>,
        resource: impl Into<String>,
        owner: AccountId,
        wording: Wording,
    ) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            owner,
            policy: None,
            grants: Vec::new(),
            context: Context::at(ctx.now()),
            cross_account: true,
            encryption_context: None,
            proposed: None,
            aws_managed: false,
            wording,
        }
    }

    /// Sets a condition key with one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.set(key.to_owned(), value);
        self
    }

    /// Sets the condition keys of the tags that a request brings, keys and values:
    /// `aws:RequestTag/KEY` and `aws:TagKeys`.
    pub fn set_request_tags<'t>(
        &mut self,
        tags: impl Iterator<Item = (Option<&'t str>, Option<&'t str>)>,
    ) {
        let mut keys = Vec::new();
        for (key, value) in tags {
            let name = format!("aws:RequestTag/{}", key.unwrap_or_default());
            self.context.set(name, value.unwrap_or_default());
            keys.extend(key);
        }
        self.context.set_all("aws:TagKeys", keys);
    }
}

/// A service's handlers: one line an operation, with its function and its messages.
///
/// ```text
/// handlers! {
///     SsmHandler for Ssm in api, Refusal;
///     put_parameter => put::put: PutParameterRequest -> PutParameterResponse;
/// }
/// ```
///
/// A function answers at once, or with a [`Progress`](faultline_proto::progress::Progress).
macro_rules! handlers {
    (
        $handler:ident for $service:ident in $api:ident, $error:ty;
        $($name:ident => $function:path: $request:ident -> $response:ident;)*
    ) => {
        impl $handler for $service {
            type Ctx<'a> = $crate::context::Ctx<'a>;
            type Error = $error;
            $(fn $name(
                ctx: &mut $crate::context::Ctx<'_>,
                request: $api::$request,
            ) -> Result<::faultline_proto::progress::Progress<$api::$response>, $error> {
                $function(ctx, request).map(Into::into)
            })*
        }
    };
}
pub(crate) use handlers;

/// What an open saga is told.
#[derive(Debug)]
pub enum SagaInput<'a> {
    /// The answer to ask `ordinal`, or why there is none.
    Answer {
        /// Number that [`Ctx::ask`] gave.
        ordinal: u32,
        /// Answer bytes or the other Region's refusal.
        outcome: Result<&'a [u8], Refusal>,
    },
    /// A chunk of the call's body, in order.
    Chunk {
        /// 0, 1, 2...
        index: u64,
        /// At most 64 KiB.
        bytes: &'a [u8],
        /// Nothing follows.
        last: bool,
    },
    /// The deadline passed.
    Deadline,
}

/// What another Region's question touches here: the remote half of a call.
#[derive(Debug)]
pub struct RemoteCall {
    /// CloudTrail name of the event here, for example `CreateKey` (K-267); `None` for plumbing
    /// that AWS does not record (moving blocks of a snapshot).
    pub event: Option<&'static str>,
    /// Whether the event is a read.
    pub read_only: bool,
    /// What must be allowed here.
    pub accesses: Vec<Access>,
    /// What it uses of a quota of the caller's account in this Region.
    pub charge: Option<Charge>,
}

/// A chunk of an answer's body.
#[derive(Debug)]
pub struct BodyChunk {
    /// At most 64 KiB.
    pub bytes: Vec<u8>,
    /// Nothing follows.
    pub last: bool,
}

/// Largest chunk of a body, in bytes.
pub const CHUNK: usize = 64 * 1024;

/// A record of a kind that a service does not have.
pub fn no_record(kind: &str) -> Refusal {
    Refusal::internal(format!("no record is called '{kind}'"))
}

/// One AWS service as a Region runs it.
pub trait Service {
    /// As in operations and IAM actions, `kms`.
    const PREFIX: &'static str;
    /// Service principal, `kms.amazonaws.com`.
    const PRINCIPAL: &'static str;
    /// The generated enum of all requests.
    type Request;

    /// Decodes a request; `None` when the operation is not this service's.
    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<Self::Request, prost::DecodeError>>;

    /// What the call touches; each must be allowed. A resource that does not exist is refused here.
    ///
    /// # Errors
    /// The service's own refusals, for example NotFoundException.
    fn access(ctx: &mut Ctx<'_>, request: &Self::Request) -> Result<Vec<Access>, Refusal>;

    /// What the call uses of a quota; `accesses` are empty when [`Service::access`] refused.
    fn charge(_request: &Self::Request, _accesses: &[Access]) -> Option<Charge> {
        None
    }

    /// Does it, inside a transaction that a refusal discards.
    ///
    /// # Errors
    /// The service's own refusals.
    fn handle(ctx: &mut Ctx<'_>, request: Self::Request) -> Result<Progress<Vec<u8>>, Refusal>;

    /// Goes on with an open saga: `kind` and `state` are what the service left.
    ///
    /// # Errors
    /// The service's own refusals; they end the saga.
    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        _state: &[u8],
        _input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        let _ = ctx;
        Err(Refusal::internal(format!(
            "{} keeps no saga '{kind}'",
            Self::PREFIX
        )))
    }

    /// What another Region's question touches here.
    ///
    /// # Errors
    /// The service's own refusals.
    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, _body: &[u8]) -> Result<RemoteCall, Refusal> {
        let _ = ctx;
        Err(Refusal::internal(format!(
            "{} answers no question '{kind}'",
            Self::PREFIX
        )))
    }

    /// Answers another Region's question, after it was allowed.
    ///
    /// # Errors
    /// The service's own refusals, which travel back.
    fn remote(ctx: &mut Ctx<'_>, kind: &str, _body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let _ = ctx;
        Err(Refusal::internal(format!(
            "{} answers no question '{kind}'",
            Self::PREFIX
        )))
    }

    /// Applies a replicated record, exactly once and in the order of its stream.
    ///
    /// # Errors
    /// Why it is not taken: noted as `record_refused`, and the next one is applied.
    fn apply(
        ctx: &mut Ctx<'_>,
        _from: &RegionName,
        kind: &str,
        _body: &[u8],
    ) -> Result<(), Refusal> {
        let _ = ctx;
        Err(no_record(kind))
    }

    /// A process has started on this store: what the last one may have changed without anybody
    /// hearing of it (it died after its commit) can be noted again.
    fn started(_ctx: &mut Ctx<'_>) {}

    /// A timer that this service set with [`Ctx::schedule`] has come.
    fn due(ctx: &mut Ctx<'_>, kind: &str, _payload: &[u8]) {
        ctx.note(
            "timer_ignored",
            &[("service", Self::PREFIX), ("kind", kind)],
        );
    }

    /// Chunk `index` of an answer's body; `state` is what the handler gave [`Ctx::answer_body`].
    ///
    /// # Errors
    /// When the body is gone.
    fn read_body(ctx: &mut Ctx<'_>, _state: &[u8], _index: u64) -> Result<BodyChunk, Refusal> {
        let _ = ctx;
        Err(Refusal::internal(format!(
            "{} answers no bodies",
            Self::PREFIX
        )))
    }

    /// Changes what the trail shows of a call's parameters (lower camel case); secrets and bytes
    /// are out already.
    fn trail(
        _ctx: &mut Ctx<'_>,
        _operation: &str,
        _parameters: &mut serde_json::Map<String, serde_json::Value>,
    ) {
    }

    /// A call of this service that succeeded stands in the trail of an account.
    fn recorded(_ctx: &mut Ctx<'_>, _event: &AuditEvent) {}

    /// What only a simulator can see; `None` when this service does not know the question.
    fn look(
        _ctx: &mut Ctx<'_>,
        _what: &str,
        _arguments: &serde_json::Value,
    ) -> Option<Result<serde_json::Value, String>> {
        None
    }

    /// Content that AWS has no call for; `None` when this service does not know it.
    fn plant(
        _ctx: &mut Ctx<'_>,
        _what: &str,
        _arguments: &serde_json::Value,
    ) -> Option<Result<serde_json::Value, String>> {
        None
    }
}
