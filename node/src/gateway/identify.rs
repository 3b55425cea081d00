//! Which service a request is for, before anything of it is believed.

use faultline_proto::registry::{self, SERVICES};
use faultline_proto::tables::{Protocol, ServiceDef};

use super::errors::Problem;
use super::request::Head;
use super::sigv4::{self, Signed};

/// What a request asks for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// An operation named by `X-Amz-Target`.
    Json {
        /// Its service.
        service: &'static ServiceDef,
        /// Its name, as sent.
        operation: String,
    },
    /// Form parameters with an `Action`.
    Query {
        /// The service of the signature's scope.
        service: &'static ServiceDef,
    },
    /// S3.
    S3 {
        /// It.
        service: &'static ServiceDef,
    },
    /// A service that is not built.
    Nothing {
        /// How to say so.
        protocol: Protocol,
        /// What to say.
        problem: Problem,
    },
}

impl Asked {
    /// The protocol of the answer.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Json { service, .. } | Self::Query { service } | Self::S3 { service } => {
                service.protocol
            }
            Self::Nothing { protocol, .. } => *protocol,
        }
    }

    /// The service, when it is one of ours.
    #[must_use]
    pub fn service(&self) -> Option<&'static ServiceDef> {
        match self {
            Self::Json { service, .. } | Self::Query { service } | Self::S3 { service } => {
                Some(service)
            }
            Self::Nothing { .. } => None,
        }
    }
}

/// What `head` asks for; `signed` is what its signature says, if that could be read.
#[must_use]
pub fn asked(head: &Head, signed: Option<&Signed>) -> Asked {
    if let Some(target) = head.header("x-amz-target") {
        return by_target(head, target);
    }
    let parsed;
    let scope = match signed {
        Some(signed) => Some(signed.scope.service.as_str()),
        None => {
            parsed = sigv4::parse(head).ok().flatten();
            parsed.as_ref().map(|signed| signed.scope.service.as_str())
        }
    };
    let form = head
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if form || head.parameter("Action").is_some() {
        return by_scope(head, scope);
    }
    match scope {
        None | Some("s3") => s3(),
        Some(other) => by_scope(head, Some(other)),
    }
}

fn s3() -> Asked {
    match registry::find_service("s3") {
        Some(service) => Asked::S3 { service },
        None => nothing(Protocol::RestXml, "s3"),
    }
}

fn by_target(head: &Head, target: &str) -> Asked {
    let found = target.rsplit_once('.').and_then(|(prefix, name)| {
        let service = SERVICES
            .iter()
            .find(|service| !service.target.is_empty() && service.target == prefix)?;
        Some(Asked::Json {
            service,
            operation: name.to_owned(),
        })
    });
    found.unwrap_or_else(|| {
        let protocol = match head.header("content-type") {
            Some("application/x-amz-json-1.0") => Protocol::Json10,
            _ => Protocol::Json11,
        };
        Asked::Nothing {
            protocol,
            problem: Problem::new(
                400,
                "UnknownOperationException",
                format!("No service of this version of Faultline has the operation {target}"),
            ),
        }
    })
}

fn by_scope(head: &Head, scope: Option<&str>) -> Asked {
    let is_query =
        |service: &&&ServiceDef| matches!(service.protocol, Protocol::Query | Protocol::Ec2Query);
    match scope {
        Some(name) => {
            let found = SERVICES
                .iter()
                .filter(is_query)
                .find(|service| service.signing_name == name);
            match found {
                Some(service) => Asked::Query { service },
                None if name == "s3" => s3(),
                None => nothing(Protocol::Query, name),
            }
        }
        // Unsigned: the service that has the action.
        None => {
            let action = head.parameter("Action").unwrap_or_default();
            let found = SERVICES
                .iter()
                .filter(is_query)
                .find(|service| service.operations.iter().any(|one| one.name == action));
            match found.or_else(|| SERVICES.iter().find(|service| service.prefix == "sts")) {
                Some(service) => Asked::Query { service },
                None => nothing(Protocol::Query, action),
            }
        }
    }
}

fn nothing(protocol: Protocol, name: &str) -> Asked {
    Asked::Nothing {
        protocol,
        problem: Problem::not_built(&format!("the service {name}")),
    }
}
