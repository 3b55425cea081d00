//! Whether a failureReason has its cause in the trail.

use std::collections::BTreeSet;

use serde_json::Value;

/// What the trail said that can make replication fail.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Event names and ARNs of what was refused.
    refused: BTreeSet<(String, String)>,
    /// Error codes of KMS.
    kms: BTreeSet<String>,
    /// Event names and buckets of what succeeded.
    done: BTreeSet<(String, String)>,
    /// Buckets and keys that were deleted by version.
    deleted: BTreeSet<(String, String)>,
    /// Whether a process died after a commit, and with it the lines of its last step.
    torn: bool,
}

impl Trail {
    pub(super) fn tear(&mut self) {
        self.torn = true;
    }

    pub(super) fn hear(&mut self, line: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&line["eventName"]);
        let asked = &line["requestParameters"];
        let bucket = text(&asked["bucket"]);
        let Some(code) = line.get("errorCode").and_then(Value::as_str) else {
            let is_told = ["DeleteObjects", "DeleteBucket", "PutBucket"]
                .iter()
                .any(|beginning| name.starts_with(beginning));
            if name == "DeleteObject" && asked.get("versionId").is_some() {
                self.deleted.insert((bucket, text(&asked["key"])));
            } else if is_told {
                self.done.insert((name, bucket));
            }
            return;
        };
        if line["eventSource"] == "kms.amazonaws.com" {
            self.kms.insert(code.to_owned());
        }
        for arn in line["resources"].as_array().into_iter().flatten() {
            self.refused.insert((name.clone(), text(arn)));
        }
        // What is not there has no resource.
        self.refused.insert((name, String::new()));
    }

    fn was_refused(&self, names: &[&str], arns: &[String]) -> bool {
        names.iter().any(|name| {
            arns.iter()
                .any(|arn| self.refused.contains(&((*name).to_owned(), arn.clone())))
        })
    }

    fn was_done(&self, name: &str, bucket: &str) -> bool {
        self.done.contains(&(name.to_owned(), bucket.to_owned()))
    }

    /// What the trail does not have, although a delivery failed for this reason.
    pub(super) fn without_cause(
        &self,
        reason: &str,
        bucket: &str,
        key: &str,
        to: &str,
    ) -> Option<&'static str> {
        if self.torn {
            return None;
        }
        let at = |bucket: &str| format!("arn:aws:s3:::{bucket}/{key}");
        let kms = |codes: &[&str]| codes.iter().any(|code| self.kms.contains(*code));
        let denied = || kms(&["AccessDenied", "AccessDeniedException"]);
        let (has_cause, words) = match reason {
            "AssumeRoleNotPermitted" => (
                self.was_refused(&["AssumeRole"], &[String::new()]),
                "no AssumeRole was refused",
            ),
            "DstPutObjectNotPermitted" | "DstMultipartInitNotPermitted" => (
                self.was_refused(&["PutObject"], &[at(to)]) || denied(),
                "nothing was refused at the destination",
            ),
            "DstDelObjNotPermitted" => (
                self.was_refused(&["DeleteObject"], &[at(to)]),
                "no delete marker was refused at the destination",
            ),
            "DstKmsKeyInvalidState" | "SrcKmsKeyInvalidState" => (
                kms(&[
                    "DisabledException",
                    "KMSInvalidStateException",
                    "KMS.DisabledException",
                ]),
                "no key was found disabled",
            ),
            "DstKmsKeyNotFound" => (kms(&["NotFoundException"]), "no key was found missing"),
            "DstBucketNotFound" => (
                self.was_done("DeleteBucket", to),
                "the destination bucket was never deleted",
            ),
            "DstBucketUnversioned" => (
                self.was_done("PutBucketVersioning", to) || self.was_done("DeleteBucket", to),
                "the versioning of the destination was never changed",
            ),
            "SrcBucketReplicationConfigMissing" => (
                self.was_done("DeleteBucketReplication", bucket)
                    || self.was_done("PutBucketReplication", bucket)
                    || self.was_refused(&["GetObject"], &[at(bucket)]),
                "the configuration was never taken away",
            ),
            "SrcKeyNotFound" | "SrcVersionNotFound" | "SrcObjectNotFound" => (
                self.deleted.contains(&(bucket.to_owned(), key.to_owned()))
                    || self.was_done("DeleteObjects", bucket),
                "the version was never deleted",
            ),
            "SrcBucketNotFound" => (
                self.was_done("DeleteBucket", bucket),
                "the bucket was never deleted",
            ),
            reason if reason.starts_with("Src") && reason.ends_with("NotPermitted") => (
                self.was_refused(&["GetObject", "HeadObject"], &[at(bucket)])
                    || denied()
                    || kms(&["NotFoundException"]),
                "nothing was refused at the source",
            ),
            "SrcObjectNotEligible" | "DstBucketObjectLockConfigMissing" => (true, ""),
            _ => (false, "nobody knows this reason"),
        };
        (!has_cause).then_some(words)
    }
}
