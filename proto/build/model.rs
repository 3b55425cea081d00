//! The definitions as the generator sees them: services, operations, messages.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, MethodDescriptor, ReflectMessage, ServiceDescriptor, Value,
};

/// One AWS service.
pub struct Service {
    pub prefix: String,
    pub principal: String,
    pub target: String,
    pub protocol: &'static str,
    pub proto_name: String,
    pub not_built: Vec<String>,
    pub xml_namespace: String,
    pub signing_name: String,
    pub service_id: String,
    /// Rust name: `Kms`.
    pub name: String,
    pub doc: String,
    pub operations: Vec<Operation>,
    pub messages: Vec<Message>,
}

/// One rpc.
pub struct Operation {
    pub name: String,
    /// Rust name of the handler: `replicate_key`.
    pub snake: String,
    pub verb: String,
    pub action: String,
    pub grpc_path: String,
    pub doc: String,
    pub errors: Vec<String>,
    pub read_only: bool,
    pub data_event: bool,
    /// Method, path, status; empty unless REST.
    pub http: String,
    pub xml_root: String,
    pub input: String,
    pub output: String,
}

/// One message.
pub struct Message {
    pub full_name: String,
    pub doc: String,
    pub transparent: bool,
    pub union: bool,
    pub not_built: Vec<String>,
    pub fields: Vec<Field>,
}

/// One member.
pub struct Field {
    pub tag: u32,
    pub snake: String,
    pub aws: String,
    pub doc: String,
    pub card: &'static str,
    /// Variant of `tables::Kind`, or the full name of a message.
    pub kind: Result<&'static str, String>,
    pub shape: Option<DynamicMessage>,
}

struct Options {
    service: ExtensionDescriptor,
    operation: ExtensionDescriptor,
    structure: ExtensionDescriptor,
    shape: ExtensionDescriptor,
}

/// Reads every AWS service of the pool, in the order of their prefixes.
pub fn read(pool: &DescriptorPool) -> Vec<Service> {
    let extension = |name: &str| {
        pool.get_extension_by_name(name)
            .expect("shape.proto declares it")
    };
    let options = Options {
        service: extension("faultline.aws.service"),
        operation: extension("faultline.aws.operation"),
        structure: extension("faultline.aws.structure"),
        shape: extension("faultline.aws.shape"),
    };
    let mut services: Vec<Service> = pool
        .services()
        .filter(|service| service.full_name().starts_with("faultline.aws."))
        .map(|service| options.service(&service))
        .collect();
    services.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    services
}

impl Options {
    fn service(&self, service: &ServiceDescriptor) -> Service {
        let file = service.parent_file();
        let docs = comments(&file);
        let set = extension(&service.options(), &self.service).expect("a service says its prefix");
        let prefix = text(&set, "prefix");
        // Its place in the file, not in the pool.
        let path = service.path().to_vec();
        let operations = service
            .methods()
            .enumerate()
            .map(|(at, method)| {
                self.operation(
                    &prefix,
                    &method,
                    doc(&docs, &[path.as_slice(), &[2, at as i32]].concat()),
                )
            })
            .collect();
        Service {
            principal: text(&set, "principal"),
            target: text(&set, "target"),
            protocol: match number(&set, "protocol") {
                0 => "Json10",
                1 => "Json11",
                2 => "Query",
                3 => "Ec2Query",
                _ => "RestXml",
            },
            proto_name: service.full_name().to_owned(),
            not_built: texts(&set, "not_built"),
            xml_namespace: text(&set, "xml_namespace"),
            signing_name: match text(&set, "signing_name") {
                name if name.is_empty() => prefix.clone(),
                name => name,
            },
            service_id: match text(&set, "service_id") {
                name if name.is_empty() => prefix.clone(),
                name => name,
            },
            name: service.name().to_upper_camel_case(),
            doc: doc(&docs, &path),
            operations,
            messages: file
                .messages()
                .enumerate()
                .map(|(at, message)| self.message(&message, at, &docs))
                .collect(),
            prefix,
        }
    }

    fn operation(&self, prefix: &str, method: &MethodDescriptor, doc: String) -> Operation {
        let name = method.name().to_owned();
        let set = extension(&method.options(), &self.operation);
        let said = |key: &str| {
            set.as_ref()
                .map(|set| text(set, key))
                .filter(|text| !text.is_empty())
        };
        let flag = |key: &str| set.as_ref().is_some_and(|set| boolean(set, key));
        let verb = said("verb").unwrap_or_else(|| name.to_snake_case());
        Operation {
            snake: name.to_snake_case(),
            verb: format!("{prefix}.{verb}"),
            action: said("action").unwrap_or_else(|| format!("{prefix}:{name}")),
            grpc_path: format!("/{}/{name}", method.parent_service().full_name()),
            doc,
            errors: set
                .as_ref()
                .map(|set| texts(set, "errors"))
                .unwrap_or_default(),
            read_only: flag("read_only"),
            data_event: flag("data_event"),
            http: said("http").unwrap_or_default(),
            xml_root: said("xml_root").unwrap_or_default(),
            input: method.input().full_name().to_owned(),
            output: method.output().full_name().to_owned(),
            name,
        }
    }

    fn message(&self, message: &MessageDescriptor, at: usize, docs: &Docs) -> Message {
        let at = at as i32;
        let set = extension(&message.options(), &self.structure);
        // Declared order, not tag order.
        let fields =
            message
                .descriptor_proto()
                .field
                .iter()
                .enumerate()
                .map(|(index, declared)| {
                    let field = message
                        .get_field(declared.number() as u32)
                        .expect("the pool knows its fields");
                    self.field(&field, doc(docs, &[4, at, 2, index as i32]))
                });
        Message {
            full_name: message.full_name().to_owned(),
            doc: doc(docs, &[4, at]),
            transparent: set.as_ref().is_some_and(|set| boolean(set, "transparent")),
            union: set.as_ref().is_some_and(|set| boolean(set, "union")),
            not_built: set
                .as_ref()
                .map(|set| texts(set, "not_built"))
                .unwrap_or_default(),
            fields: fields.collect(),
        }
    }

    fn field(&self, field: &FieldDescriptor, doc: String) -> Field {
        let shape = extension(&field.options(), &self.shape);
        let timestamp =
            |shape: Option<&DynamicMessage>| shape.is_some_and(|shape| boolean(shape, "timestamp"));
        let item = shape.as_ref().and_then(|shape| nested(shape, "item"));
        let (card, value, timestamp) = if field.is_map() {
            let entry = field
                .kind()
                .as_message()
                .expect("a map is a message")
                .map_entry_value_field();
            ("Map", entry.kind(), timestamp(item.as_ref()))
        } else if field.is_list() {
            ("List", field.kind(), timestamp(item.as_ref()))
        } else {
            ("One", field.kind(), timestamp(shape.as_ref()))
        };
        let kind = match value {
            Kind::String => Ok("Str"),
            Kind::Bytes => Ok("Bytes"),
            Kind::Bool => Ok("Bool"),
            Kind::Int32 => Ok("I32"),
            Kind::Int64 if timestamp => Ok("Timestamp"),
            Kind::Int64 => Ok("I64"),
            Kind::Double => Ok("F64"),
            Kind::Message(message) => Err(message.full_name().to_owned()),
            other => panic!(
                "{}: {other:?} is not used in definitions",
                field.full_name()
            ),
        };
        let named = shape
            .as_ref()
            .map(|shape| text(shape, "aws_name"))
            .filter(|name| !name.is_empty());
        Field {
            tag: field.number(),
            snake: field.name().to_owned(),
            aws: named.unwrap_or_else(|| pascal(field.name())),
            doc,
            card,
            kind,
            shape,
        }
    }
}

fn pascal(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn extension(options: &DynamicMessage, which: &ExtensionDescriptor) -> Option<DynamicMessage> {
    options
        .has_extension(which)
        .then(|| options.get_extension(which).as_message().cloned())
        .flatten()
}

/// A text option, empty when not said.
pub fn text(set: &DynamicMessage, key: &str) -> String {
    value(set, key)
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A list of texts.
pub fn texts(set: &DynamicMessage, key: &str) -> Vec<String> {
    let values = value(set, key);
    let list = values.as_ref().and_then(Value::as_list).unwrap_or_default();
    list.iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// A mark, false when not said.
pub fn boolean(set: &DynamicMessage, key: &str) -> bool {
    value(set, key)
        .and_then(|value| value.as_bool())
        .unwrap_or_default()
}

/// An enum option.
pub fn number(set: &DynamicMessage, key: &str) -> i32 {
    value(set, key)
        .and_then(|value| value.as_enum_number())
        .unwrap_or_default()
}

/// A message inside an option, when said.
pub fn nested(set: &DynamicMessage, key: &str) -> Option<DynamicMessage> {
    let field = set.descriptor().get_field_by_name(key)?;
    set.has_field(&field)
        .then(|| set.get_field(&field).as_message().cloned())
        .flatten()
}

/// A limit, when said.
pub fn limit(set: &DynamicMessage, key: &str) -> Option<i128> {
    let field = set.descriptor().get_field_by_name(key)?;
    if !set.has_field(&field) {
        return None;
    }
    let value = set.get_field(&field);
    value
        .as_u64()
        .map(i128::from)
        .or_else(|| value.as_i64().map(i128::from))
}

fn value(set: &DynamicMessage, key: &str) -> Option<Value> {
    set.get_field_by_name(key).map(std::borrow::Cow::into_owned)
}

type Docs = BTreeMap<Vec<i32>, String>;

fn comments(file: &FileDescriptor) -> Docs {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    info.map(|info| info.location.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|place| {
            let words: Vec<&str> = place
                .leading_comments
                .as_deref()?
                .split_whitespace()
                .collect();
            Some((place.path.clone(), words.join(" ")))
        })
        .collect()
}

fn doc(docs: &Docs, path: &[i32]) -> String {
    docs.get(path).cloned().unwrap_or_default()
}

/// Requests that are used by one operation only: all of them, or we could not tell calls apart.
pub fn check(services: &[Service]) {
    let mut seen = BTreeSet::new();
    for operation in services.iter().flat_map(|service| &service.operations) {
        assert!(
            seen.insert(&operation.input),
            "{} is the request of two operations",
            operation.input
        );
    }
}
