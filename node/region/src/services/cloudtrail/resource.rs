//! What kind of resource an ARN names, in CloudTrail's words.

use faultline_proto::names::Arn;

/// CloudTrail's type of a resource, `AWS::KMS::Key`; `None` for what it has no word for.
pub(super) fn kind(arn: &str) -> Option<&'static str> {
    let arn = Arn::new(arn).ok()?;
    let resource = arn.resource();
    let head = resource.split(['/', ':']).next().unwrap_or_default();
    match (arn.service(), head) {
        ("kms", "key") => Some("AWS::KMS::Key"),
        ("kms", "alias") => Some("AWS::KMS::Alias"),
        ("s3", _) if resource.contains('/') => Some("AWS::S3::Object"),
        ("s3", _) => Some("AWS::S3::Bucket"),
        ("dynamodb", "table") => Some("AWS::DynamoDB::Table"),
        ("iam", "user") => Some("AWS::IAM::User"),
        ("iam", "role") => Some("AWS::IAM::Role"),
        ("ec2", "volume") => Some("AWS::EC2::Volume"),
        ("ec2", "snapshot") => Some("AWS::EC2::Snapshot"),
        ("ec2", "image") => Some("AWS::EC2::Image"),
        ("ec2", "instance") => Some("AWS::EC2::Instance"),
        _ => None,
    }
}

/// Whether `wanted` is this resource: its ARN, or the part of it that people call its name.
pub(super) fn is(arn: &str, wanted: &str) -> bool {
    arn == wanted
        || arn
            .strip_suffix(wanted)
            .is_some_and(|rest| rest.ends_with([':', '/']))
}

/// The account in an ARN, empty when it names none.
pub(super) fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
