//! The AWS services of a Region, and the one table that knows them all.
//!
//! Services meet only as clients of each other (`ctx.call`); no service path appears in another
//! service's file. To add one, add its folder and its row in the table below.

pub mod cloudtrail;
pub mod dynamodb;
pub mod ec2;
pub mod iam;
pub mod kms;
pub mod organizations;
pub mod rds;
pub mod s3;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use faultline_proto::tables::OperationDef;

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{BodyChunk, RemoteCall, SagaInput, Service};
use crate::{pipeline, replication, saga};

macro_rules! table {
    ($($prefix:literal => $service:ty),* $(,)?) => {
        /// Serves a validated call.
        pub(crate) fn run(
            ctx: &mut Ctx<'_>,
            operation: &'static OperationDef,
            request: &[u8],
        ) -> Result<Progress<Vec<u8>>, Refusal> {
            match operation.service {
                $($prefix => pipeline::serve::<$service>(ctx, operation, request),)*
                other => Err(Refusal::not_built(other)),
            }
        }

        pub(crate) fn resume(
            ctx: &mut Ctx<'_>,
            service: &str,
            kind: &str,
            state: &[u8],
            input: SagaInput<'_>,
        ) -> Result<Progress<Vec<u8>>, Refusal> {
            match service {
                $($prefix => <$service>::resume(ctx, kind, state, input),)*
                other => Err(Refusal::not_built(other)),
            }
        }

        pub(crate) fn remote_access(ctx: &mut Ctx<'_>, service: &str, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
            match service {
                $($prefix => <$service>::remote_access(ctx, kind, body),)*
                other => Err(Refusal::not_built(other)),
            }
        }

        pub(crate) fn remote(ctx: &mut Ctx<'_>, service: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
            match service {
                $($prefix => <$service>::remote(ctx, kind, body),)*
                other => Err(Refusal::not_built(other)),
            }
        }

        pub(crate) fn apply(ctx: &mut Ctx<'_>, service: &str, from: &RegionName, kind: &str, body: &[u8]) {
            let taken = match service {
                $($prefix => <$service>::apply(ctx, from, kind, body),)*
                other => Err(Refusal::not_built(other)),
            };
            if let Err(refusal) = taken {
                let (from, why) = (from.as_str(), refusal.message.as_str());
                let fields = [("service", service), ("kind", kind), ("from", from), ("why", why)];
                ctx.note("record_refused", &fields);
            }
        }

        /// What the trail shows of a call's parameters.
        pub(crate) fn trail(
            ctx: &mut Ctx<'_>,
            operation: &OperationDef,
            parameters: &mut serde_json::Map<String, serde_json::Value>,
        ) {
            match operation.service {
                $($prefix => <$service>::trail(ctx, operation.name, parameters),)*
                _ => {}
            }
        }

        /// A call that succeeded stands in a trail.
        pub(crate) fn recorded(ctx: &mut Ctx<'_>, event: &AuditEvent) {
            // Two services may record as one: S3 and its control plane.
            $(if event.event_source == <$service>::PRINCIPAL {
                <$service>::recorded(ctx, event);
            })*
        }

        /// A process has started on this store.
        pub(crate) fn started(ctx: &mut Ctx<'_>) {
            $(<$service>::started(ctx);)*
        }

        fn service_due(ctx: &mut Ctx<'_>, service: &str, kind: &str, payload: &[u8]) {
            match service {
                $($prefix => <$service>::due(ctx, kind, payload),)*
                other => ctx.note("timer_ignored", &[("service", other), ("kind", kind)]),
            }
        }

        pub(crate) fn read_body(ctx: &mut Ctx<'_>, service: &str, state: &[u8], index: u64) -> Result<BodyChunk, Refusal> {
            match service {
                $($prefix => <$service>::read_body(ctx, state, index),)*
                other => Err(Refusal::not_built(other)),
            }
        }

        /// CloudTrail's eventSource of a service prefix.
        pub(crate) fn principal(service: &str) -> &'static str {
            match service {
                $($prefix => <$service>::PRINCIPAL,)*
                _ => "aws.internal",
            }
        }

        fn answer_look(ctx: &mut Ctx<'_>, what: &str, arguments: &serde_json::Value) -> Option<Result<serde_json::Value, String>> {
            $(if let Some(answer) = <$service>::look(ctx, what, arguments) {
                return Some(answer);
            })*
            replication::look(ctx, what, arguments).map(Ok)
        }

        fn take_plant(ctx: &mut Ctx<'_>, what: &str, arguments: &serde_json::Value) -> Option<Result<serde_json::Value, String>> {
            $(if let Some(answer) = <$service>::plant(ctx, what, arguments) {
                return Some(answer);
            })*
            None
        }
    };
}

table! {
    "cloudtrail" => cloudtrail::CloudTrail,
    "dynamodb" => dynamodb::DynamoDb,
    "dynamodbstreams" => dynamodb::streams::DynamoDbStreams,
    "ec2" => ec2::Ec2,
    "iam" => iam::Iam,
    "kms" => kms::Kms,
    "organizations" => organizations::Organizations,
    "rds" => rds::Rds,
    "redshift" => rds::redshift::Redshift,
    "database" => rds::sql::Database,
    "s3" => s3::S3,
    "s3control" => s3::control::S3Control,
    "secretsmanager" => secretsmanager::SecretsManager,
    "ssm" => ssm::Ssm,
    "sts" => sts::Sts,
}

/// A timer has come: the core's own, or a service's.
pub(crate) fn due(ctx: &mut Ctx<'_>, service: &str, kind: &str, payload: &[u8]) {
    match (service, kind) {
        ("core", "retransmit") => {
            if let Ok((to, stream)) = crate::context::decode::<(RegionName, String)>(payload) {
                replication::retransmit(ctx, &to, &stream);
            }
        }
        ("core", "saga") => {
            if let Ok(id) = crate::context::decode::<String>(payload) {
                saga::expired(ctx, &id);
            }
        }
        _ => service_due(ctx, service, kind, payload),
    }
}

/// Checks a request against its definition, in AWS's words (K-015).
///
/// # Errors
/// ValidationException.
pub(crate) fn validate(operation: &OperationDef, request: &[u8]) -> Result<(), Refusal> {
    faultline_proto::validate::validate(operation, request).map_err(|refusal| {
        Refusal::new(refusal.code, refusal.message).with_status(refusal.http_status)
    })
}

/// What only a simulator can see, as JSON text.
pub(crate) fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &str) -> String {
    answer(ctx, what, arguments, answer_look)
}

/// Puts content that AWS has no call for; answers as JSON text.
pub(crate) fn plant(ctx: &mut Ctx<'_>, what: &str, arguments: &str) -> String {
    answer(ctx, what, arguments, take_plant)
}

type Asked =
    fn(&mut Ctx<'_>, &str, &serde_json::Value) -> Option<Result<serde_json::Value, String>>;

fn answer(ctx: &mut Ctx<'_>, what: &str, arguments: &str, ask: Asked) -> String {
    let outcome = match serde_json::from_str(if arguments.is_empty() {
        "{}"
    } else {
        arguments
    }) {
        Ok(arguments) => ask(ctx, what, &arguments)
            .unwrap_or_else(|| Err(format!("nothing here knows '{what}'"))),
        Err(error) => Err(format!("the arguments of '{what}' are no JSON: {error}")),
    };
    match outcome {
        Ok(value) => value.to_string(),
        Err(why) => serde_json::json!({ "error": why }).to_string(),
    }
}
