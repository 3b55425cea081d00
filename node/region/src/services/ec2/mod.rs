//! EC2, as far as encrypted storage goes: volumes, snapshots, images, launches.
//!
//! - [`volumes`], [`snapshots`], [`locks`], [`tiers`], [`sharing`], [`images`], [`image_life`], [`instances`],
//!   [`settings`]: the calls.
//! - [`copies`] and [`copy_images`]: copies; [`works`]: within the Region; [`pull`]: from another one;
//!   [`targets`]: what they are sealed under, and what they need not move.
//! - [`blocks`]: content and who refers to it. [`derive`]: new content of old.
//! - [`hosts`], [`attaching`], [`power`]: volumes at instances, and how long hosts know their keys.
//! - [`keys`]: what EBS asks of KMS, and as whom. [`events`]: what it tells of itself.
//! - [`select`]: filters and pages.
//! - [`access`]: what each request touches. [`error`]: every way EC2 says no. [`keyspaces`]: rows.
//!
//! The service is called ec2; EBS is its part that holds disks. Left out: everything of EC2 that
//! is not on the way from a key to a disk.

pub mod access;
pub mod attaching;
pub mod blocks;
pub mod copies;
mod copy_images;
pub mod derive;
pub mod error;
pub mod events;
pub mod hosts;
pub mod ids;
mod image_life;
pub mod images;
mod instances;
pub mod keys;
pub mod keyspaces;
pub mod locks;
mod look;
mod more_rows;
mod power;
mod pull;
pub mod select;
pub mod settings;
mod sharing;
pub mod snapshots;
pub mod targets;
#[cfg(test)]
mod tests;
mod tiers;
pub mod volumes;
mod works;

use faultline_proto::ec2;
use faultline_proto::handlers::{Ec2Handler, Ec2Request, dispatch_ec2};
use faultline_proto::progress::Progress;
use serde_json::Value;

use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, SagaInput, Service};

/// EC2.
#[derive(Debug)]
pub struct Ec2;

impl Service for Ec2 {
    const PREFIX: &'static str = "ec2";
    const PRINCIPAL: &'static str = "ec2.amazonaws.com";
    type Request = Ec2Request;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<Ec2Request, prost::DecodeError>> {
        Ec2Request::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &Ec2Request) -> Result<Vec<Access>, Refusal> {
        Ok(access::of(ctx, request))
    }

    fn handle(ctx: &mut Ctx<'_>, request: Ec2Request) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_ec2::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        match kind {
            "copy-snapshot" => copies::answered(ctx, state, input),
            "copy-image" => copy_images::answered(ctx, state, input),
            "pull" => pull::resume(ctx, state, input),
            other => Err(Refusal::internal(format!("ec2 keeps no saga '{other}'"))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        access::remote(ctx, kind, body)
    }

    fn remote(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match kind {
            "source" => Ok(encode(&copies::source(ctx, &decode::<String>(body)?)?)),
            "image" => copy_images::source(ctx, body),
            "read" => pull::read(ctx, body),
            "list" => pull::list(ctx, body),
            "block" => pull::block(ctx, body),
            _ => pull::close(ctx, body),
        }
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match (kind, decode::<String>(payload)) {
            ("copy", _) => works::begin(ctx, payload),
            ("stopped" | "start" | "terminated", _) => power::due(ctx, kind, payload),
            ("blocks", Ok(id)) => works::step(ctx, &id),
            ("transit", Ok(id)) => attaching::arrived(ctx, &id),
            ("volume-end", Ok(id)) => volumes::ended(ctx, &id),
            ("volume", Ok(id)) => volumes::born(ctx, &id),
            ("snapshot", Ok(id)) => snapshots::complete(ctx, &id),
            ("launch", Ok(id)) => instances::launch(ctx, &id),
            _ => ctx.note("timer_ignored", &[("service", "ec2"), ("kind", kind)]),
        }
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }

    fn plant(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::plant(ctx, what, arguments)
    }
}

// Every request of EC2 has DryRun: the permission was asked for, and nothing else is done.
macro_rules! handlers {
    ($($name:ident: $request:ident -> $response:ident = $handler:path;)*) => {
        impl Ec2Handler for Ec2 {
            type Ctx<'a> = Ctx<'a>;
            type Error = Refusal;
            $(fn $name(ctx: &mut Ctx<'_>, request: ec2::$request) -> Result<Progress<ec2::$response>, Refusal> {
                if request.dry_run.unwrap_or_default() {
                    return Err(error::Error::DryRun.into());
                }
                $handler(ctx, request).map(Into::into)
            })*
        }
    };
}

handlers! {
    create_volume: CreateVolumeRequest -> Volume = volumes::create;
    describe_volumes: DescribeVolumesRequest -> DescribeVolumesResponse = volumes::describe;
    create_snapshot: CreateSnapshotRequest -> Snapshot = snapshots::create;
    copy_snapshot: CopySnapshotRequest -> CopySnapshotResponse = copies::copy;
    describe_snapshots: DescribeSnapshotsRequest -> DescribeSnapshotsResponse = snapshots::describe;
    delete_snapshot: DeleteSnapshotRequest -> DeleteSnapshotResponse = snapshots::delete;
    modify_snapshot_attribute:
        ModifySnapshotAttributeRequest -> ModifySnapshotAttributeResponse = sharing::modify_snapshot;
    describe_snapshot_attribute:
        DescribeSnapshotAttributeRequest -> DescribeSnapshotAttributeResponse = sharing::describe_snapshot;
    register_image: RegisterImageRequest -> RegisterImageResponse = images::register;
    describe_images: DescribeImagesRequest -> DescribeImagesResponse = images::describe;
    modify_image_attribute: ModifyImageAttributeRequest -> ModifyImageAttributeResponse = sharing::modify_image;
    copy_image: CopyImageRequest -> CopyImageResponse = copy_images::copy;
    run_instances: RunInstancesRequest -> Reservation = instances::run;
    describe_instances: DescribeInstancesRequest -> DescribeInstancesResponse = instances::describe;
    attach_volume: AttachVolumeRequest -> VolumeAttachment = attaching::attach;
    detach_volume: DetachVolumeRequest -> VolumeAttachment = attaching::detach;
    delete_volume: DeleteVolumeRequest -> DeleteVolumeResponse = volumes::delete;
    lock_snapshot: LockSnapshotRequest -> LockSnapshotResponse = locks::lock;
    unlock_snapshot: UnlockSnapshotRequest -> UnlockSnapshotResponse = locks::unlock;
    describe_locked_snapshots:
        DescribeLockedSnapshotsRequest -> DescribeLockedSnapshotsResponse = locks::describe;
    modify_snapshot_tier: ModifySnapshotTierRequest -> ModifySnapshotTierResponse = tiers::archive;
    restore_snapshot_tier: RestoreSnapshotTierRequest -> RestoreSnapshotTierResponse = tiers::restore;
    describe_snapshot_tier_status:
        DescribeSnapshotTierStatusRequest -> DescribeSnapshotTierStatusResponse = tiers::describe;
    reset_snapshot_attribute:
        ResetSnapshotAttributeRequest -> ResetSnapshotAttributeResponse = sharing::reset_snapshot;
    create_image: CreateImageRequest -> CreateImageResponse = image_life::create;
    deregister_image: DeregisterImageRequest -> DeregisterImageResponse = image_life::deregister;
    describe_image_attribute: DescribeImageAttributeRequest -> ImageAttribute = sharing::describe_image;
    reset_image_attribute: ResetImageAttributeRequest -> ResetImageAttributeResponse = sharing::reset_image;
    disable_image: DisableImageRequest -> DisableImageResponse = image_life::disable;
    enable_image: EnableImageRequest -> EnableImageResponse = image_life::enable;
    stop_instances: StopInstancesRequest -> StopInstancesResponse = power::stop;
    start_instances: StartInstancesRequest -> StartInstancesResponse = power::start;
    terminate_instances: TerminateInstancesRequest -> TerminateInstancesResponse = power::terminate;
    modify_ebs_default_kms_key_id:
        ModifyEbsDefaultKmsKeyIdRequest -> ModifyEbsDefaultKmsKeyIdResponse = settings::choose;
    get_ebs_default_kms_key_id:
        GetEbsDefaultKmsKeyIdRequest -> GetEbsDefaultKmsKeyIdResponse = settings::chosen;
    reset_ebs_default_kms_key_id:
        ResetEbsDefaultKmsKeyIdRequest -> ResetEbsDefaultKmsKeyIdResponse = settings::reset;
    enable_ebs_encryption_by_default:
        EnableEbsEncryptionByDefaultRequest -> EnableEbsEncryptionByDefaultResponse = settings::enable;
    disable_ebs_encryption_by_default:
        DisableEbsEncryptionByDefaultRequest -> DisableEbsEncryptionByDefaultResponse = settings::disable;
    get_ebs_encryption_by_default:
        GetEbsEncryptionByDefaultRequest -> GetEbsEncryptionByDefaultResponse = settings::get;
}
