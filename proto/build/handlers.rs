//! Writes `handlers.rs`: a request enum, a handler trait and a dispatch per service.

use std::fmt::Write;

use heck::ToUpperCamelCase;

use crate::model::{Operation, Service};

/// The whole file.
pub fn write(services: &[Service]) -> String {
    let mut out = String::new();
    for service in services {
        requests(&mut out, service);
        handler(&mut out, service);
        dispatch(&mut out, service);
        for (at, operation) in service.operations.iter().enumerate() {
            let _ = writeln!(
                out,
                "impl Operation for {} {{\n    const ID: &'static str = \"{}.{}\";\n    type Response = {};\n    fn def() -> &'static OperationDef {{ &registry::{}_OPERATIONS[{at}] }}\n}}",
                rust(service, &operation.input),
                service.prefix,
                operation.name,
                rust(service, &operation.output),
                service.prefix.to_uppercase(),
            );
        }
    }
    out
}

fn rust(service: &Service, full_name: &str) -> String {
    let name = full_name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_upper_camel_case();
    format!("crate::{}::{name}", service.prefix)
}

fn doc(operation: &Operation) -> &str {
    if operation.doc.is_empty() {
        &operation.name
    } else {
        &operation.doc
    }
}

fn requests(out: &mut String, service: &Service) {
    let name = &service.name;
    let _ = writeln!(
        out,
        "/// A request to {}: one variant an operation.",
        service.prefix
    );
    let _ = writeln!(
        out,
        "#[derive(Debug, Clone, PartialEq)]\npub enum {name}Request {{"
    );
    for operation in &service.operations {
        let _ = writeln!(
            out,
            "    /// {}\n    {}({}),",
            doc(operation),
            operation.name,
            rust(service, &operation.input)
        );
    }
    let _ = writeln!(out, "}}\nimpl {name}Request {{");
    let _ = writeln!(
        out,
        "    /// Decodes the request of an operation of this service; `None` when it has no such operation."
    );
    let _ = writeln!(
        out,
        "    #[must_use]\n    pub fn decode(operation_id: &str, bytes: &[u8]) -> Option<Result<Self, prost::DecodeError>> {{\n        match operation_id {{"
    );
    for operation in &service.operations {
        let _ = writeln!(
            out,
            "            \"{}.{}\" => Some(prost::Message::decode(bytes).map(Self::{})),",
            service.prefix, operation.name, operation.name
        );
    }
    let _ = writeln!(out, "            _ => None,\n        }}\n    }}");
    let _ = writeln!(
        out,
        "    /// The operation that this request is for.\n    #[must_use]\n    pub fn operation(&self) -> &'static OperationDef {{\n        match self {{"
    );
    for (at, operation) in service.operations.iter().enumerate() {
        let _ = writeln!(
            out,
            "            Self::{}(_) => &registry::{}_OPERATIONS[{at}],",
            operation.name,
            service.prefix.to_uppercase()
        );
    }
    let _ = writeln!(out, "        }}\n    }}\n}}");
}

fn handler(out: &mut String, service: &Service) {
    let _ = writeln!(
        out,
        "/// {}\n///\n/// One function an operation; a missing one does not compile.",
        service.doc
    );
    let _ = writeln!(out, "pub trait {}Handler {{", service.name);
    let _ = writeln!(
        out,
        "    /// What a handler works with.\n    type Ctx<'a>;\n    /// How the service says no.\n    type Error;"
    );
    for operation in &service.operations {
        let _ = writeln!(
            out,
            "    /// {}\n    ///\n    /// # Errors\n    /// A refusal, in the service's words.\n    fn {}(ctx: &mut Self::Ctx<'_>, request: {}) -> Result<Progress<{}>, Self::Error>;",
            doc(operation),
            operation.snake,
            rust(service, &operation.input),
            rust(service, &operation.output)
        );
    }
    let _ = writeln!(out, "}}");
}

fn dispatch(out: &mut String, service: &Service) {
    let name = &service.name;
    let _ = writeln!(
        out,
        "/// Hands a request to its handler and encodes the answer.\n///\n/// # Errors\n/// What the handler answered.\npub fn dispatch_{}<H: {name}Handler>(ctx: &mut H::Ctx<'_>, request: {name}Request) -> Result<Progress<Vec<u8>>, H::Error> {{\n    match request {{",
        service.prefix
    );
    for operation in &service.operations {
        let _ = writeln!(
            out,
            "        {name}Request::{}(request) => H::{}(ctx, request).map(encoded),",
            operation.name, operation.snake
        );
    }
    let _ = writeln!(out, "    }}\n}}");
}
