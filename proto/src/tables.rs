//! The static tables that the generator writes from the definitions.
//!
//! Every face of an operation (gRPC, AWS JSON, scenario verb, schema, `explain`,
//! validation) walks these tables; none of them knows an operation by name.

/// One AWS service, in the words of its definition.
#[derive(Debug)]
pub struct ServiceDef {
    /// Name as in scenario verbs and IAM actions, for example `kms`.
    pub prefix: &'static str,
    /// Service principal, for example `kms.amazonaws.com`; also CloudTrail's eventSource.
    pub principal: &'static str,
    /// Prefix of the `X-Amz-Target` header for AWS JSON services, else empty.
    pub target: &'static str,
    /// How the service speaks on AWS's wire.
    pub protocol: Protocol,
    /// Full proto name, for example `faultline.aws.kms.v1.Kms`.
    pub proto_name: &'static str,
    /// Documentation sentence.
    pub doc: &'static str,
    /// Operations in the order of the definition.
    pub operations: &'static [OperationDef],
    /// Operations of AWS that are not built: `GetBucketAcl GET /{Bucket}?acl` for REST, the
    /// name alone for others; empty for EC2, which has hundreds.
    pub not_built: &'static [&'static str],
    /// Namespace of XML answers.
    pub xml_namespace: &'static str,
    /// Name in the scope of a signature, mostly the prefix.
    pub signing_name: &'static str,
    /// AWS's service id, in any case: what SDKs name their variables after.
    pub service_id: &'static str,
}

/// AWS's wire protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// Query with XML answers (IAM, STS).
    Query,
    /// EC2's dialect of query.
    Ec2Query,
    /// REST with XML bodies (S3).
    RestXml,
}

/// One operation.
#[derive(Debug)]
pub struct OperationDef {
    /// `kms.Encrypt`: what a `Call` carries.
    pub id: &'static str,
    /// Service prefix, `kms`.
    pub service: &'static str,
    /// AWS name, `Encrypt`.
    pub name: &'static str,
    /// Scenario verb, `kms.encrypt`.
    pub verb: &'static str,
    /// The IAM action, `kms:Encrypt` (not always the operation's name: `s3:ListBucket`).
    pub action: &'static str,
    /// gRPC path, `/faultline.aws.kms.v1.Kms/Encrypt`.
    pub grpc_path: &'static str,
    /// Documentation sentence.
    pub doc: &'static str,
    /// AWS error codes that the service model lists.
    pub errors: &'static [&'static str],
    /// Whether CloudTrail calls it a read (K-255).
    pub read_only: bool,
    /// How CloudTrail records it.
    pub event: EventKind,
    /// Method, path and status of a REST operation: `PUT /{Bucket}?versioning 200`.
    pub http: &'static str,
    /// Root element of the answer when no member is the payload; empty for the usual one.
    pub xml_root: &'static str,
    /// Request message.
    pub input: &'static MessageDef,
    /// Response message.
    pub output: &'static MessageDef,
}

/// How CloudTrail records a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Management event: found by LookupEvents.
    Management,
    /// Data event: S3 objects, DynamoDB items.
    Data,
}

/// One message: request, response or part of one.
#[derive(Debug)]
pub struct MessageDef {
    /// Full proto name.
    pub name: &'static str,
    /// Documentation sentence.
    pub doc: &'static str,
    /// A wrapper that AWS's wire does not show (a list in a map, for example).
    pub transparent: bool,
    /// Exactly one member is present.
    pub union: bool,
    /// Members of AWS that are not built: refused by name, never ignored.
    pub not_built: &'static [&'static str],
    /// Members in declared order.
    pub fields: &'static [FieldDef],
}

/// One member of a message.
#[derive(Debug)]
pub struct FieldDef {
    /// Protobuf tag.
    pub tag: u32,
    /// Scenario spelling, `key_id`.
    pub snake: &'static str,
    /// AWS member name, `KeyId`.
    pub aws: &'static str,
    /// Documentation sentence.
    pub doc: &'static str,
    /// One, list or map.
    pub card: Card,
    /// Type of the value (of the items, for list and map).
    pub kind: Kind,
    /// Limits and marks.
    pub shape: &'static Shape,
}

/// How many values a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// At most one.
    One,
    /// A list.
    List,
    /// A map from string.
    Map,
}

/// Type of one value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// UTF-8 text.
    Str,
    /// Bytes; base64 on the JSON wire.
    Bytes,
    /// Boolean.
    Bool,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// Double.
    F64,
    /// Milliseconds since 1970 inside; seconds or ISO text on the wire.
    Timestamp,
    /// A nested message.
    Message(&'static MessageDef),
}

/// Limits and marks of a member, or of the items of a list or map.
#[derive(Debug)]
pub struct Shape {
    /// Must be present.
    pub required: bool,
    /// Fewest characters, bytes or items.
    pub min_length: Option<u64>,
    /// Most characters, bytes or items.
    pub max_length: Option<u64>,
    /// Smallest number.
    pub min: Option<i64>,
    /// Largest number.
    pub max: Option<i64>,
    /// Regular expression over the whole text, in the service model's words ([`crate::pattern`]).
    pub pattern: Option<&'static str>,
    /// Allowed values; empty when any.
    pub values: &'static [&'static str],
    /// Never printed: keys, plaintext.
    pub sensitive: bool,
    /// Answered as `[]` or `{}` when empty rather than left out.
    pub emit_empty: bool,
    /// What a world name in this member stands for, if anything.
    pub refers_to: Option<Refers>,
    /// The SDK fills it from the seed when absent.
    pub idempotency_token: bool,
    /// A JSON policy document; scenarios may use the short form.
    pub policy_document: bool,
    /// The call's body: never inside a `Call`, it travels in chunks.
    pub body: bool,
    /// Limits of the items of a list, or the values of a map.
    pub item: Option<&'static Shape>,
    /// Limits of the keys of a map.
    pub key: Option<&'static Shape>,
    /// Where and how AWS's XML and query protocols write it.
    pub wire: &'static Wire,
}

/// A member in AWS's XML and query protocols, as far as it is not the usual.
#[derive(Debug)]
pub struct Wire {
    /// Where it travels.
    pub place: Place,
    /// Name of element, header or parameter when it is not the member's.
    pub name: Option<&'static str>,
    /// Element of one item when it is not the protocol's usual one.
    pub item: Option<&'static str>,
    /// Name in a request of EC2 when it is not `name` in upper camel case.
    pub query: Option<&'static str>,
    /// A list whose items stand where the list would.
    pub flattened: bool,
}

/// Where a member travels in REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the document.
    Body,
    /// In the path.
    Label,
    /// In the query string.
    Parameter,
    /// A header.
    Header,
    /// A map: each entry is a header.
    Headers,
    /// The whole body.
    Payload,
}

impl Wire {
    /// In the document, under the member's name.
    pub const USUAL: Self = Self {
        place: Place::Body,
        name: None,
        item: None,
        query: None,
        flattened: false,
    };
}

/// The kind of world resource that a member names, and the spelling AWS wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refers {
    /// What is named.
    pub to: Referent,
    /// How it is spelled on the wire.
    pub form: Form,
}

/// Kinds of things a world names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Referent {
    Account,
    Principal,
    Key,
    Bucket,
    Table,
    Volume,
    Region,
}

/// Spelling of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Key id, account id, volume id, bucket or table name.
    Id,
    /// ARN for the Region asked.
    Arn,
}

impl Shape {
    /// Says nothing; for `Shape { required: true, ..Shape::NONE }`.
    pub const NONE: Self = Self {
        required: false,
        min_length: None,
        max_length: None,
        min: None,
        max: None,
        pattern: None,
        values: &[],
        sensitive: false,
        emit_empty: false,
        refers_to: None,
        idempotency_token: false,
        policy_document: false,
        body: false,
        item: None,
        key: None,
        wire: &Wire::USUAL,
    };
}

/// Says nothing: the shape of most members.
pub static ANY: Shape = Shape::NONE;
