//! Batch Replication.

use faultline_proto::s3control as control;

use super::*;

const BATCH_ACTIONS: [&str; 3] = [
    "s3:InitiateReplication",
    "s3:GetReplicationConfiguration",
    "s3:PutInventoryConfiguration",
];

impl Setup {
    /// A job that sends everything of a bucket.
    pub fn batch_job(&mut self, name: &str) {
        let role = self.batch_role(&BATCH_ACTIONS);
        self.job(&role, HERE, name, &[]).unwrap();
        self.world.advance(60);
    }

    /// A role that batch jobs assume.
    fn batch_role(&mut self, actions: &[&str]) -> String {
        self.world.role(
            ACCOUNT,
            &format!("batch-{}", actions.len()),
            &trust("batchoperations.s3.amazonaws.com"),
            &allow(actions, &["*"]),
        )
    }

    fn job(
        &mut self,
        role: &str,
        region: &str,
        name: &str,
        statuses: &[&str],
    ) -> Result<String, Failure> {
        let request = control::CreateJobRequest {
            account_id: text(ACCOUNT),
            operation: Some(control::JobOperation {
                s3_replicate_object: Some(control::S3ReplicateObjectOperation {}),
            }),
            report: Some(control::JobReport {
                enabled: Some(false),
                ..Default::default()
            }),
            client_request_token: Some(format!("{name}-{statuses:?}")),
            priority: Some(1),
            role_arn: text(role),
            manifest_generator: Some(control::JobManifestGenerator {
                s3_job_manifest_generator: Some(control::S3JobManifestGenerator {
                    source_bucket: Some(format!("arn:aws:s3:::{name}")),
                    enable_manifest_output: Some(false),
                    filter: Some(control::JobManifestGeneratorFilter {
                        object_replication_statuses: statuses
                            .iter()
                            .map(|status| (*status).to_owned())
                            .collect(),
                        ..Default::default()
                    }),
                    ..Default::default()
                }),
            }),
            ..Default::default()
        };
        let made = self.world.call(region, &self.root, &request)?;
        Ok(made.job_id.unwrap())
    }

    fn described(&mut self, region: &str, id: &str) -> control::JobDescriptor {
        let request = control::DescribeJobRequest {
            account_id: text(ACCOUNT),
            job_id: text(id),
        };
        let found = self.world.call(region, &self.root, &request).unwrap();
        found.job.unwrap()
    }

    /// State, tasks in all, done and failed.
    fn tally(&mut self, region: &str, id: &str) -> (String, i64, i64, i64) {
        let job = self.described(region, id);
        let summary = job.progress_summary.unwrap();
        (
            job.status().to_owned(),
            summary.total_number_of_tasks(),
            summary.number_of_tasks_succeeded(),
            summary.number_of_tasks_failed(),
        )
    }
}

/// S3-092, S3-051, S3-066: what was there before the rule, and what FAILED, goes by a job alone.
#[test]
fn s3_066_s3_092_a_job_sends_what_live_replication_does_not() {
    let mut setup = setup();
    setup.put("old");
    setup.replicate(vec![rule("", None)]);
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("failed");
    setup.world.advance(600);
    setup.versioning(THERE, "photos-copy", "Enabled").unwrap();
    setup.put("sent");
    setup.world.advance(600);
    assert_eq!(setup.versions(THERE, "photos-copy").len(), 1);
    let role = setup.batch_role(&BATCH_ACTIONS);
    let job = setup.job(&role, HERE, "photos", &["FAILED"]).unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(HERE, &job), ("Complete".to_owned(), 1, 1, 0));
    assert_eq!(setup.status("failed").as_deref(), Some("COMPLETED"));
    let job = setup.job(&role, HERE, "photos", &["NONE"]).unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(HERE, &job), ("Complete".to_owned(), 1, 1, 0));
    assert_eq!(setup.status("old").as_deref(), Some("COMPLETED"));
    assert_eq!(
        setup.versions(HERE, "photos"),
        setup.versions(THERE, "photos-copy")
    );
    // A repeated request makes no second job.
    let again = setup.job(&role, HERE, "photos", &["NONE"]).unwrap();
    assert_eq!(again, job);
}

/// S3-092, S3-049: replicas too, on to a third bucket.
#[test]
fn s3_049_s3_092_a_job_sends_replicas_on() {
    let mut setup = setup();
    bucket(&mut setup.world, &setup.root.clone(), HERE, "third");
    setup.replicate(vec![rule("", None)]);
    setup
        .try_replicate((THERE, "photos-copy"), vec![to(rule("", None), "third", 1)])
        .unwrap();
    setup.put("a");
    setup.world.advance(600);
    let role = setup.batch_role(&BATCH_ACTIONS);
    let job = setup
        .job(&role, THERE, "photos-copy", &["REPLICA"])
        .unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(THERE, &job), ("Complete".to_owned(), 1, 1, 0));
    assert_eq!(
        setup.versions(HERE, "third"),
        setup.versions(HERE, "photos")
    );
    let found = head(&mut setup.world, THERE, &setup.root, "photos-copy", "a");
    assert_eq!(found.replication_status.as_deref(), Some("REPLICA"));
}

/// S3-093: a replica that was deleted by its id there does not come back.
#[test]
fn s3_093_what_was_deleted_by_its_version_there_stays_away() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let version = setup.put("a");
    setup.world.advance(600);
    setup.delete(THERE, "photos-copy", "a", Some(&version));
    let role = setup.batch_role(&BATCH_ACTIONS);
    let job = setup.job(&role, HERE, "photos", &["COMPLETED"]).unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(HERE, &job), ("Complete".to_owned(), 1, 0, 1));
    assert_eq!(setup.reason("a").0, "DstObjectHardDeleted");
}

/// S3-094, S3-027: what the job's role needs, and whom it must trust.
#[test]
fn s3_027_s3_094_the_jobs_role() {
    let mut setup = setup();
    setup.put("a");
    setup.replicate(vec![rule("", None)]);
    let weak = setup.batch_role(&BATCH_ACTIONS[1..]);
    let job = setup.job(&weak, HERE, "photos", &[]).unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(HERE, &job), ("Complete".to_owned(), 1, 0, 1));
    let failed =
        |(_, note): &&(String, faultline_proto::driving::Note)| note.kind == "batch_task_failed";
    let note = setup.world.notes.iter().find(failed).unwrap();
    assert_eq!(note.1.fields["reason"], "InitiateReplicationNotPermitted");
    // The role of live replication trusts s3.amazonaws.com alone.
    let live = setup.role.clone();
    let job = setup.job(&live, HERE, "photos", &["NONE"]).unwrap();
    setup.world.advance(60);
    let job = setup.described(HERE, &job);
    assert_eq!(job.status(), "Failed");
    assert_eq!(
        job.failure_reasons[0].failure_code(),
        "AssumeRoleNotPermitted"
    );
    // The list is made in the source's Region.
    let refused = setup.job(&live, THERE, "photos", &[]).unwrap_err();
    assert_eq!(refused.code, "PermanentRedirect");
}

/// S3-095: a delete marker is a task like any other, and may come before its versions.
#[test]
fn s3_095_markers_are_tasks() {
    let mut setup = setup();
    setup.put("a");
    setup.delete(HERE, "photos", "a", None);
    let mut markers = rule("", None);
    markers.delete_marker_replication = Some(s3::DeleteMarkerReplication { status: enabled() });
    setup.replicate(vec![markers]);
    let role = setup.batch_role(&BATCH_ACTIONS);
    let job = setup.job(&role, HERE, "photos", &[]).unwrap();
    setup.world.advance(60);
    assert_eq!(setup.tally(HERE, &job), ("Complete".to_owned(), 2, 2, 0));
    assert_eq!(
        setup.versions(HERE, "photos"),
        setup.versions(THERE, "photos-copy")
    );
}

/// A job that waits for its confirmation, and one that is taken back.
#[test]
fn s3_092_a_job_waits_and_is_cancelled() {
    let mut setup = setup();
    setup.put("a");
    setup.replicate(vec![rule("", None)]);
    let role = setup.batch_role(&BATCH_ACTIONS);
    let request = |token: &str| control::CreateJobRequest {
        account_id: text(ACCOUNT),
        confirmation_required: Some(true),
        client_request_token: text(token),
        role_arn: Some(role.clone()),
        priority: Some(1),
        report: Some(control::JobReport {
            enabled: Some(false),
            ..Default::default()
        }),
        operation: Some(control::JobOperation {
            s3_replicate_object: Some(control::S3ReplicateObjectOperation {}),
        }),
        manifest_generator: Some(control::JobManifestGenerator {
            s3_job_manifest_generator: Some(control::S3JobManifestGenerator {
                source_bucket: text("arn:aws:s3:::photos"),
                enable_manifest_output: Some(false),
                ..Default::default()
            }),
        }),
        ..Default::default()
    };
    let mut ids = Vec::new();
    for token in ["one", "two"] {
        let made = setup
            .world
            .call(HERE, &setup.root, &request(token))
            .unwrap();
        ids.push(made.job_id.unwrap());
    }
    setup.world.advance(60);
    for (id, asked, then) in [
        (&ids[0], "Ready", "Complete"),
        (&ids[1], "Cancelled", "Cancelled"),
    ] {
        assert_eq!(setup.described(HERE, id).status(), "Suspended");
        let update = control::UpdateJobStatusRequest {
            account_id: text(ACCOUNT),
            job_id: text(id),
            requested_job_status: text(asked),
            ..Default::default()
        };
        setup.world.call(HERE, &setup.root, &update).unwrap();
        setup.world.advance(60);
        assert_eq!(setup.described(HERE, id).status(), then);
        let refused = setup.world.call(HERE, &setup.root, &update).unwrap_err();
        assert_eq!(refused.code, "JobStatusException");
    }
    let list = control::ListJobsRequest {
        account_id: text(ACCOUNT),
        job_statuses: vec!["Complete".to_owned()],
        ..Default::default()
    };
    let found = setup.world.call(HERE, &setup.root, &list).unwrap();
    assert_eq!(found.jobs.len(), 1);
}
