//! S3's control plane, as far as Batch Replication needs it: CreateJob, DescribeJob, ListJobs,
//! UpdateJobStatus.
//!
//! A job belongs to an account and lives in the Region of its source bucket. What it does is
//! [`super::replication::jobs`].

use faultline_proto::handlers::{S3ControlHandler, S3ControlRequest, dispatch_s3control};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;
use faultline_proto::s3control as control;

use super::access;
use super::replication::jobs::{self, JobRow, Jobs, State, Wanted};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service, Wording};
use crate::store::Range;

/// S3's control plane.
#[derive(Debug)]
pub struct S3Control;

impl Service for S3Control {
    const PREFIX: &'static str = "s3control";
    const PRINCIPAL: &'static str = "s3.amazonaws.com";
    type Request = S3ControlRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<S3ControlRequest, prost::DecodeError>> {
        S3ControlRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &S3ControlRequest) -> Result<Vec<Access>, Refusal> {
        let action = request.operation().action;
        let (account, job) = match request {
            S3ControlRequest::CreateJob(request) => (request.account_id(), "*"),
            S3ControlRequest::DescribeJob(request) => (request.account_id(), request.job_id()),
            S3ControlRequest::ListJobs(request) => (request.account_id(), ""),
            S3ControlRequest::UpdateJobStatus(request) => (request.account_id(), request.job_id()),
        };
        let account = AccountId::new(account).map_err(|_| bad("The account id is not valid"))?;
        let arn = match job {
            "" => "*".to_owned(),
            job => arn(ctx, &account, job),
        };
        let mut accesses = vec![Access::new(
            ctx,
            action,
            arn,
            account,
            Wording::AccessDenied,
        )];
        if let S3ControlRequest::CreateJob(request) = request {
            let role = request.role_arn().to_owned();
            let own = ctx.account();
            accesses.push(
                Access::new(ctx, "iam:PassRole", role, own, Wording::AccessDenied)
                    .with("iam:passedtoservice", "batchoperations.s3.amazonaws.com"),
            );
        }
        Ok(accesses)
    }

    fn handle(ctx: &mut Ctx<'_>, request: S3ControlRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_s3control::<Self>(ctx, request)
    }
}

impl S3ControlHandler for S3Control {
    type Ctx<'a> = Ctx<'a>;
    type Error = Refusal;

    fn create_job(
        ctx: &mut Ctx<'_>,
        request: control::CreateJobRequest,
    ) -> Result<Progress<control::CreateJobResponse>, Refusal> {
        create(ctx, request).map(Into::into)
    }

    fn describe_job(
        ctx: &mut Ctx<'_>,
        request: control::DescribeJobRequest,
    ) -> Result<Progress<control::DescribeJobResponse>, Refusal> {
        let (id, job) = find(ctx, request.account_id(), request.job_id())?;
        let job = described(ctx, &id, &job);
        Ok(control::DescribeJobResponse { job: Some(job) }.into())
    }

    fn list_jobs(
        ctx: &mut Ctx<'_>,
        request: control::ListJobsRequest,
    ) -> Result<Progress<control::ListJobsResponse>, Refusal> {
        list(ctx, &request).map(Into::into)
    }

    fn update_job_status(
        ctx: &mut Ctx<'_>,
        request: control::UpdateJobStatusRequest,
    ) -> Result<Progress<control::UpdateJobStatusResponse>, Refusal> {
        update(ctx, request).map(Into::into)
    }
}

fn bad(words: &str) -> Refusal {
    Refusal::new("BadRequestException", words)
}

fn arn(ctx: &Ctx<'_>, account: &AccountId, id: &str) -> String {
    format!("arn:aws:s3:{}:{account}:job/{id}", ctx.region())
}

fn find(
    ctx: &mut Ctx<'_>,
    account: &str,
    id: &str,
) -> Result<((AccountId, String), JobRow), Refusal> {
    let none =
        || Refusal::new("NotFoundException", "The specified job was not found").with_status(404);
    let account = AccountId::new(account).map_err(|_| none())?;
    let place = (account, id.to_owned());
    let job = ctx.get::<Jobs>(&place).ok_or_else(none)?;
    Ok((place, job))
}

fn create(
    ctx: &mut Ctx<'_>,
    request: control::CreateJobRequest,
) -> Result<control::CreateJobResponse, Refusal> {
    let account =
        AccountId::new(request.account_id()).map_err(|_| bad("The account id is not valid"))?;
    let operation = request.operation.unwrap_or_default();
    if operation.s3_replicate_object.is_none() {
        return Err(bad("Operation must hold exactly one operation"));
    }
    if request.report.is_some_and(|report| report.enabled()) {
        return Err(Refusal::not_built("the report of a batch job"));
    }
    let generator = request
        .manifest_generator
        .and_then(|generator| generator.s3_job_manifest_generator)
        .ok_or_else(|| bad("Manifest or ManifestGenerator must be specified"))?;
    if generator.enable_manifest_output() {
        return Err(Refusal::not_built("the manifest output of a batch job"));
    }
    let bucket = generator
        .source_bucket()
        .strip_prefix("arn:aws:s3:::")
        .ok_or_else(|| bad("SourceBucket must be the ARN of a bucket"))?
        .to_owned();
    // The list is made in the source's Region (S3-094).
    let row = access::bucket(ctx, &bucket)?;
    if row.replication.is_none() {
        return Err(bad("The source bucket has no replication configuration"));
    }
    let token = request.client_request_token.unwrap_or_default();
    let known = ctx.all(Range::<Jobs>::under((&account,)));
    if let Some(((_, id), _)) = known.into_iter().find(|(_, job)| job.token == token) {
        return Ok(control::CreateJobResponse { job_id: Some(id) });
    }
    let filter = generator.filter.unwrap_or_default();
    let keys = filter.key_name_constraint.unwrap_or_default();
    let job = JobRow {
        bucket,
        role: request.role_arn.unwrap_or_default(),
        wanted: Wanted {
            eligible: filter.eligible_for_replication,
            after: filter.created_after,
            before: filter.created_before,
            statuses: filter.object_replication_statuses,
            prefixes: keys.match_any_prefix,
            suffixes: keys.match_any_suffix,
            middles: keys.match_any_substring,
        },
        state: State::New,
        confirmation: request.confirmation_required.unwrap_or_default(),
        description: request.description,
        priority: request.priority.unwrap_or_default(),
        token,
        created: ctx.now().0,
        ended: None,
        active: None,
        reason: None,
        read: false,
        total: 0,
        succeeded: 0,
        failed: 0,
        failure: None,
    };
    let id = ctx.entropy().uuid("s3.job-id");
    ctx.put::<Jobs>(&(account.clone(), id.clone()), &job);
    jobs::begin(ctx, &account, &id);
    Ok(control::CreateJobResponse { job_id: Some(id) })
}

fn progress(ctx: &Ctx<'_>, job: &JobRow) -> control::JobProgressSummary {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let active = job
        .active
        .map(|since| ctx.elapsed().0.saturating_sub(since));
    control::JobProgressSummary {
        total_number_of_tasks: Some(count(job.total)),
        number_of_tasks_succeeded: Some(count(job.succeeded)),
        number_of_tasks_failed: Some(count(job.failed)),
        timers: active.map(|micros| control::JobTimers {
            elapsed_time_in_active_seconds: Some(count(micros / 1_000_000)),
        }),
    }
}

fn described(ctx: &Ctx<'_>, place: &(AccountId, String), job: &JobRow) -> control::JobDescriptor {
    let failure = |(code, reason): (String, String)| control::JobFailure {
        failure_code: Some(code),
        failure_reason: Some(reason.chars().take(256).collect()),
    };
    let suspended = job.state == State::Suspended;
    control::JobDescriptor {
        job_id: Some(place.1.clone()),
        confirmation_required: Some(job.confirmation),
        description: job.description.clone(),
        job_arn: Some(arn(ctx, &place.0, &place.1)),
        status: Some(job.state.word().to_owned()),
        operation: Some(control::JobOperation {
            s3_replicate_object: Some(control::S3ReplicateObjectOperation {}),
        }),
        priority: Some(job.priority),
        progress_summary: Some(progress(ctx, job)),
        status_update_reason: job.reason.clone(),
        failure_reasons: job.failure.clone().map(failure).into_iter().collect(),
        report: Some(control::JobReport {
            enabled: Some(false),
            ..control::JobReport::default()
        }),
        creation_time: Some(job.created.div_euclid(1000)),
        termination_date: job.ended.map(|at| at.div_euclid(1000)),
        role_arn: Some(job.role.clone()),
        suspended_date: suspended.then(|| job.created.div_euclid(1000)),
        suspended_cause: suspended.then(|| "The job awaits your confirmation".to_owned()),
        manifest_generator: None,
    }
}

fn list(
    ctx: &mut Ctx<'_>,
    request: &control::ListJobsRequest,
) -> Result<control::ListJobsResponse, Refusal> {
    let account =
        AccountId::new(request.account_id()).map_err(|_| bad("The account id is not valid"))?;
    let most = usize::try_from(request.max_results.unwrap_or(1000)).unwrap_or(1000);
    let mut range = Range::<Jobs>::under((&account,));
    if let Some(after) = &request.next_token {
        range = range.after((&account, after.as_str()));
    }
    let wanted = &request.job_statuses;
    let mut found: Vec<_> = ctx
        .all(range)
        .into_iter()
        .filter(|(_, job)| {
            wanted.is_empty() || wanted.iter().any(|status| status == job.state.word())
        })
        .collect();
    let more = found.len() > most;
    found.truncate(most);
    let next_token = found.last().filter(|_| more).map(|((_, id), _)| id.clone());
    let jobs = found
        .into_iter()
        .map(|((_, id), job)| control::JobListDescriptor {
            job_id: Some(id),
            description: job.description.clone(),
            operation: Some("S3ReplicateObject".to_owned()),
            priority: Some(job.priority),
            status: Some(job.state.word().to_owned()),
            creation_time: Some(job.created.div_euclid(1000)),
            termination_date: job.ended.map(|at| at.div_euclid(1000)),
            progress_summary: Some(progress(ctx, &job)),
        });
    Ok(control::ListJobsResponse {
        jobs: jobs.collect(),
        next_token,
    })
}

fn update(
    ctx: &mut Ctx<'_>,
    request: control::UpdateJobStatusRequest,
) -> Result<control::UpdateJobStatusResponse, Refusal> {
    let (place, mut job) = find(ctx, request.account_id(), request.job_id())?;
    let reason = request.status_update_reason.clone();
    match (request.requested_job_status(), job.state) {
        ("Cancelled", state) if !state.is_over() => {
            job.state = State::Cancelled;
            job.ended = Some(ctx.now().0);
        }
        ("Ready", State::Suspended) => {
            job.state = State::New;
            job.confirmation = false;
            jobs::begin(ctx, &place.0, &place.1);
        }
        (asked, state) => {
            let words = format!("The job cannot go from {} to {asked}", state.word());
            return Err(Refusal::new("JobStatusException", words));
        }
    }
    job.reason.clone_from(&reason);
    ctx.put::<Jobs>(&place, &job);
    let status = match job.state {
        State::New => "Ready",
        state => state.word(),
    };
    Ok(control::UpdateJobStatusResponse {
        job_id: Some(place.1),
        status: Some(status.to_owned()),
        status_update_reason: reason,
    })
}
