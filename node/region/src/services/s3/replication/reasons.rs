//! What a refusal is called: AWS's failureReason (S3-074), and who said no in words.

use serde::{Deserialize, Serialize};

use super::rows::Kind;
use crate::refusal::Refusal;

/// Why a delivery failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// AWS's failureReason.
    pub reason: String,
    /// Policy and statement, or the state of a key.
    pub words: String,
}

impl Why {
    /// A reason that needs no refusal.
    #[must_use]
    pub fn plain(reason: &str, words: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            words: words.into(),
        }
    }
}

/// Whether what refused will pass by itself (S3-065, S3-075).
#[must_use]
pub fn is_temporary(refusal: &Refusal) -> bool {
    refusal.http_status >= 500
        || matches!(
            &*refusal.code,
            "ThrottlingException" | "SlowDown" | "RequestTimeout"
        )
}

/// Who said no, to what, and what would have helped.
#[must_use]
pub fn words(refusal: &Refusal) -> String {
    let Some(denial) = &refusal.denial else {
        // Our own codes are the reasons themselves.
        let is_reason = refusal.code.starts_with("Dst") || refusal.code.starts_with("Src");
        return if is_reason {
            refusal.message.clone()
        } else {
            refusal.to_string()
        };
    };
    let by = if denial.statement.is_empty() {
        match denial.missing.first() {
            Some(missing) => format!("{}: {missing}", denial.denied_by),
            None => denial.denied_by.clone(),
        }
    } else {
        format!("{}, {}", denial.denied_by, denial.statement)
    };
    format!(
        "{} was denied {} on {} ({by})",
        denial.principal, denial.action, denial.resource
    )
}

fn denied(refusal: &Refusal) -> Option<&str> {
    refusal.denial.as_ref().map(|denial| denial.action.as_str())
}

/// What a refusal at the source is called (S3-028, S3-033, S3-072, S3-073).
#[must_use]
pub fn at_source(refusal: &Refusal, kind: Kind) -> Why {
    let reason = match &*refusal.code {
        "KMS.DisabledException" | "KMS.KMSInvalidStateException" => "SrcKmsKeyInvalidState",
        "NoSuchBucket" => "SrcBucketNotFound",
        code if code.starts_with("Src") => code,
        _ => match denied(refusal) {
            Some("s3:GetReplicationConfiguration") => "SrcBucketReplicationConfigMissing",
            Some("s3:ListBucket") => "SrcHeadObjectNotPermitted",
            Some("s3:GetObjectVersionAcl") => "SrcGetAclNotPermitted",
            Some("s3:GetObjectVersionTagging") => "SrcGetTaggingNotPermitted",
            Some("s3:GetObjectRetention") => "SrcGetRetentionNotPermitted",
            Some("s3:GetObjectLegalHold") => "SrcGetLegalHoldNotPermitted",
            Some("s3:InitiateReplication") => "InitiateReplicationNotPermitted",
            _ if kind == Kind::Change => "SrcHeadObjectNotPermitted",
            _ => "SrcGetObjectNotPermitted",
        },
    };
    Why::plain(reason, words(refusal))
}

/// What a refusal at the destination is called (S3-004, S3-029, S3-034, S3-070, S3-071, S3-089).
#[must_use]
pub fn at_destination(refusal: &Refusal, is_multipart: bool) -> Why {
    let reason = match &*refusal.code {
        "NoSuchBucket" | "PermanentRedirect" => "DstBucketNotFound",
        "NotFoundException" | "KMS.NotFoundException" => "DstKmsKeyNotFound",
        "DisabledException"
        | "KMSInvalidStateException"
        | "KMS.DisabledException"
        | "KMS.KMSInvalidStateException" => "DstKmsKeyInvalidState",
        code if code.starts_with("Dst") || code.starts_with("Src") => code,
        _ => match denied(refusal) {
            Some("s3:ReplicateDelete") => "DstDelObjNotPermitted",
            Some("s3:ReplicateTags") => "DstPutTaggingNotPermitted",
            Some("s3:PutObjectRetention") => "DstPutRetentionNotPermitted",
            Some("s3:PutObjectLegalHold") => "DstPutLegalHoldNotPermitted",
            // An object of parts is begun as a multipart upload.
            Some("s3:ReplicateObject") if is_multipart => "DstMultipartInitNotPermitted",
            _ => "DstPutObjectNotPermitted",
        },
    };
    Why::plain(reason, words(refusal))
}

#[cfg(test)]
mod tests {
    use faultline_proto::driving::Denial;

    use super::*;

    fn denial(action: &str) -> Refusal {
        Refusal::new("AccessDenied", "").with_denial(Denial {
            principal: "role".to_owned(),
            action: action.to_owned(),
            resource: "thing".to_owned(),
            denied_by: "bucket_policy".to_owned(),
            explicit: true,
            statement: "statement 1".to_owned(),
            missing: Vec::new(),
        })
    }

    /// S3-073, S3-074: every failureReason that a refused permission or a key can bring.
    #[test]
    fn s3_028_s3_029_s3_073_s3_074_each_cause_has_its_reason() {
        for (action, reason) in [
            ("s3:ListBucket", "SrcHeadObjectNotPermitted"),
            (
                "s3:GetReplicationConfiguration",
                "SrcBucketReplicationConfigMissing",
            ),
            (
                "s3:GetObjectVersionForReplication",
                "SrcGetObjectNotPermitted",
            ),
            ("s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"),
            ("s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted"),
            ("s3:GetObjectRetention", "SrcGetRetentionNotPermitted"),
            ("s3:GetObjectLegalHold", "SrcGetLegalHoldNotPermitted"),
            ("s3:InitiateReplication", "InitiateReplicationNotPermitted"),
            ("kms:Decrypt", "SrcGetObjectNotPermitted"),
        ] {
            assert_eq!(at_source(&denial(action), Kind::Object).reason, reason);
        }
        for (action, is_multipart, reason) in [
            ("s3:ReplicateObject", false, "DstPutObjectNotPermitted"),
            ("s3:ReplicateObject", true, "DstMultipartInitNotPermitted"),
            ("s3:ReplicateDelete", false, "DstDelObjNotPermitted"),
            ("s3:ReplicateTags", false, "DstPutTaggingNotPermitted"),
            (
                "s3:PutObjectRetention",
                false,
                "DstPutRetentionNotPermitted",
            ),
            (
                "s3:PutObjectLegalHold",
                false,
                "DstPutLegalHoldNotPermitted",
            ),
            (
                "s3:ObjectOwnerOverrideToBucketOwner",
                false,
                "DstPutObjectNotPermitted",
            ),
            ("kms:Encrypt", false, "DstPutObjectNotPermitted"),
        ] {
            assert_eq!(at_destination(&denial(action), is_multipart).reason, reason);
        }
        for (code, source, destination) in [
            (
                "KMS.DisabledException",
                "SrcKmsKeyInvalidState",
                "DstKmsKeyInvalidState",
            ),
            (
                "KMS.KMSInvalidStateException",
                "SrcKmsKeyInvalidState",
                "DstKmsKeyInvalidState",
            ),
            (
                "KMS.NotFoundException",
                "SrcGetObjectNotPermitted",
                "DstKmsKeyNotFound",
            ),
            ("NoSuchBucket", "SrcBucketNotFound", "DstBucketNotFound"),
        ] {
            let refusal = Refusal::new(code, "");
            assert_eq!(at_source(&refusal, Kind::Object).reason, source);
            assert_eq!(at_destination(&refusal, false).reason, destination);
        }
        let why = at_source(&denial("s3:ListBucket"), Kind::Object);
        assert_eq!(
            why.words,
            "role was denied s3:ListBucket on thing (bucket_policy, statement 1)"
        );
    }

    #[test]
    fn s3_065_what_passes_is_temporary() {
        assert!(is_temporary(&Refusal::new("SlowDown", "")));
        assert!(is_temporary(&Refusal::internal("out")));
        assert!(!is_temporary(
            &Refusal::new("AccessDenied", "").with_status(403)
        ));
    }
}
