"""EC2 and EBS through boto3 and the AWS CLI: flat lists, times, waiters; disks, images, locks and their refusals.

What takes time is begun early and waited for late: the checks of one thing run while another is made.
"""

from cli import cli

# Waiters look often: everything takes seconds.
SOON = {"Delay": 0.3, "MaxAttempts": 100}


def checks(check, world):
    ec2 = world.client("ec2")
    nobody = world.client("ec2", who=world.user("no-disks"))
    key = world.client("kms").create_key()["KeyMetadata"]
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=True, KmsKeyId=key["Arn"],
                             TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "team", "Value": "red"}, {"Key": "n", "Value": ""}]}])
    check.has("create_volume", made, "VolumeId", "Size", "AvailabilityZone", "State", "CreateTime", "Encrypted", "KmsKeyId", "Tags")
    check.equal("its tags", sorted((tag["Key"], tag["Value"]) for tag in made["Tags"]), [("n", ""), ("team", "red")])
    volume = made["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig=SOON)
    found = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    check.equal("the waiter saw it", [one["State"] for one in found], ["available"])
    check.equal("an empty list is a list", found[0]["Attachments"], [])
    other = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=2)["VolumeId"]
    both = ec2.describe_volumes(VolumeIds=[volume, other])["Volumes"]
    check.equal("two at once", {one["VolumeId"] for one in both}, {volume, other})
    picked = ec2.describe_volumes(Filters=[{"Name": "encrypted", "Values": ["true"]}])["Volumes"]
    check.equal("a filter", [one["VolumeId"] for one in picked], [volume])
    pages = list(ec2.get_paginator("describe_volumes").paginate(PaginationConfig={"PageSize": 5}))
    check.that("a paginator", {volume, other} <= {one["VolumeId"] for page in pages for one in page["Volumes"]})
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="<&>")
    check.has("create_snapshot", snapshot, "SnapshotId", "VolumeId", "State", "StartTime", "Progress", "OwnerId", "Description", "VolumeSize", "Encrypted")
    check.equal("its words survive XML", snapshot["Description"], "<&>")
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot["SnapshotId"]], WaiterConfig=SOON)
    done = ec2.describe_snapshots(SnapshotIds=[snapshot["SnapshotId"]])["Snapshots"][0]
    check.equal("it is complete", (done["State"], done["KmsKeyId"]), ("completed", key["Arn"]))
    mine = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    check.that("OwnerIds", snapshot["SnapshotId"] in [one["SnapshotId"] for one in mine])
    shared = ec2.describe_snapshot_attribute(SnapshotId=snapshot["SnapshotId"], Attribute="createVolumePermission")
    check.equal("shared with nobody", shared["CreateVolumePermissions"], [])
    ec2.modify_snapshot_attribute(SnapshotId=snapshot["SnapshotId"], Attribute="createVolumePermission", OperationType="add", UserIds=["222222222222"])
    shared = ec2.describe_snapshot_attribute(SnapshotId=snapshot["SnapshotId"], Attribute="createVolumePermission")
    check.equal("shared with a partner", shared["CreateVolumePermissions"], [{"UserId": "222222222222"}])
    check.equal("encryption by default is off", ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"], False)
    check.equal("it is switched on", ec2.enable_ebs_encryption_by_default()["EbsEncryptionByDefault"], True)
    check.equal("and off", ec2.disable_ebs_encryption_by_default()["EbsEncryptionByDefault"], False)
    command_line(check, world, snapshot["SnapshotId"], key["Arn"])
    images(check, world, ec2, nobody, volume, snapshot["SnapshotId"], key["Arn"])
    archived = ec2.modify_snapshot_tier(SnapshotId=snapshot["SnapshotId"], StorageTier="archive")
    check.has("modify_snapshot_tier", archived, "SnapshotId", "TieringStartTime")
    tiers = ec2.describe_snapshot_tier_status(Filters=[{"Name": "snapshot-id", "Values": [snapshot["SnapshotId"]]}])["SnapshotTierStatuses"]
    check.equal("on its way into the archive", [(one["StorageTier"], one["LastTieringOperationStatus"]) for one in tiers], [("standard", "archival-in-progress")])
    ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    rows = [
        ("an unknown volume", "InvalidVolume.NotFound", ec2.describe_volumes, dict(VolumeIds=["vol-00000000000000000"]), 400),
        ("a deleted snapshot", "InvalidSnapshot.NotFound", ec2.describe_snapshots, dict(SnapshotIds=[snapshot["SnapshotId"]]), 400),
        ("an action that is not built", "InvalidAction", ec2.describe_vpcs, {}, 400),
        ("a parameter that is not built", "NotImplemented", ec2.describe_volumes, dict(IncludeManagedResources=True), 501),
        ("a dry run", "DryRunOperation", ec2.create_volume, dict(AvailabilityZone="eu-west-1a", Size=1, DryRun=True), 412),
    ]
    for name, code, call, arguments, status in rows:
        check.refused(name, code, call, **arguments)


def command_line(check, world, snapshot, key):
    """The main paths as a learner types them."""
    seen = cli(world, "ec2", "describe-snapshots", "--snapshot-ids", snapshot, "--query", "Snapshots[0].[State,VolumeSize,Encrypted,KmsKeyId,StorageTier,Progress]")
    check.equal("the AWS CLI sees the snapshot", seen, ["completed", 1, True, key, "standard", "100%"])
    made = cli(world, "ec2", "create-volume", "--snapshot-id", snapshot, "--availability-zone", "eu-west-1a", "--query", "[State,Size,Encrypted,KmsKeyId,SnapshotId]")
    check.equal("and makes a volume of it", made, ["creating", 1, True, key, snapshot])
    gone = cli(world, "ec2", "copy-snapshot", "--source-region", "us-east-1", "--source-snapshot-id", "snap-00000000000000000")
    words = "An error occurred (InvalidSnapshot.NotFound) when calling the CopySnapshot operation: The snapshot 'snap-00000000000000000' does not exist."
    check.that("and is refused in AWS's words", words in gone.get("Failed", ""), gone)


def images(check, world, ec2, nobody, volume, snapshot, key):
    """An image of the snapshot, a launch of it, a copy in the other Region, and what is asked meanwhile."""
    image = ec2.register_image(Name="typed", RootDeviceName="/dev/xvda", BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}])["ImageId"]
    launch = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
    check.equal("a launch begins", launch["State"], {"Code": 0, "Name": "pending"})
    instance = launch["InstanceId"]
    far = world.client("ec2", "us-east-1")
    copy = far.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot, CompletionDurationMinutes=15)["SnapshotId"]
    settings(check, far)
    locks(check, ec2, snapshot)
    sharing(check, ec2, image)
    far.get_waiter("snapshot_completed").wait(SnapshotIds=[copy], WaiterConfig=SOON)
    done = far.describe_snapshots(SnapshotIds=[copy])["Snapshots"][0]
    check.equal("a copy", (done["VolumeId"], done["Encrypted"], done["Progress"]), ("vol-ffffffff", True, "100%"))
    check.equal("its transfer", (done["TransferType"], done["CompletionDurationMinutes"]), ("time-based", 15))
    check.that("its key is Virginia's", done["KmsKeyId"].startswith("arn:aws:kms:us-east-1:") and done["KmsKeyId"] != key, done)
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig=SOON)
    at = ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    check.has("attach_volume", at, "VolumeId", "InstanceId", "Device", "State", "AttachTime", "DeleteOnTermination")
    check.equal("it is on its way", at["State"], "attaching")
    refusals(check, ec2, nobody, volume, snapshot, image, instance)
    ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume], WaiterConfig=SOON)
    check.equal("and away again", ec2.detach_volume(VolumeId=volume)["State"], "detaching")
    world.client("kms").disable_key(KeyId=key)
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig=SOON)
    revoked = dict(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    check.refused("a volume without its key", "CustomerKeyHasBeenRevoked", ec2.attach_volume, status=400, words="unable to access the KMS key", **revoked)
    world.client("kms").enable_key(KeyId=key)
    ended = ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"]
    states = [(one["PreviousState"]["Name"], one["CurrentState"]["Name"]) for one in ended]
    check.equal("an end", states, [("running", "shutting-down")])
    check.equal("an image's end", ec2.deregister_image(ImageId=image)["Return"], True)
    ec2.delete_volume(VolumeId=volume)
    check.equal("a volume's end", ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"], "deleting")


def settings(check, ec2):
    check.equal("the default key", ec2.get_ebs_default_kms_key_id()["KmsKeyId"], "alias/aws/ebs")
    chosen = ec2.modify_ebs_default_kms_key_id(KmsKeyId="alias/disks")["KmsKeyId"]
    check.that("a chosen one is an ARN", chosen.startswith("arn:aws:kms:us-east-1:") and chosen.endswith(":alias/disks"), chosen)
    check.equal("and back", ec2.reset_ebs_default_kms_key_id()["KmsKeyId"], "alias/aws/ebs")


def locks(check, ec2, snapshot):
    locked = ec2.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=1)
    check.has("lock_snapshot", locked, "SnapshotId", "LockState", "LockDuration", "LockCreatedOn", "LockExpiresOn", "LockDurationStartTime")
    check.equal("a day", (locked["LockExpiresOn"] - locked["LockDurationStartTime"]).days, 1)
    seen = ec2.describe_locked_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    check.equal("a lock", [(one["SnapshotId"], one["LockState"]) for one in seen], [(snapshot, "governance")])
    check.equal("no lock", ec2.unlock_snapshot(SnapshotId=snapshot)["SnapshotId"], snapshot)
    check.refused("a second unlock", "IncorrectState", ec2.unlock_snapshot, SnapshotId=snapshot)


def sharing(check, ec2, image):
    arn = "arn:aws:organizations::111111111111:organization/o-abcde12345"
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "222222222222"}, {"OrganizationArn": arn}]})
    told = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")
    check.equal("who may launch", told["LaunchPermissions"], [{"UserId": "222222222222"}, {"OrganizationArn": arn}])
    ec2.reset_image_attribute(ImageId=image, Attribute="launchPermission")
    told = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")
    check.equal("nobody else", told["LaunchPermissions"], [])
    pages = ec2.get_paginator("describe_images").paginate(Owners=["self"])
    check.that("a paginator of images", image in [one["ImageId"] for page in pages for one in page["Images"]])


def refusals(check, ec2, nobody, volume, snapshot, image, instance):
    rows = [
        ("a snapshot in use", "InvalidSnapshot.InUse", ec2.delete_snapshot, dict(SnapshotId=snapshot), f"The snapshot {snapshot} is currently in use by {image}"),
        ("a volume in use", "VolumeInUse", ec2.delete_volume, dict(VolumeId=volume), f"Volume {volume} is currently attached to {instance}"),
        ("a second attach", "VolumeInUse", ec2.attach_volume, dict(VolumeId=volume, InstanceId=instance, Device="/dev/sdg"), f"{volume} is already attached to an instance"),
        ("an image's name", "InvalidAMIName.Duplicate", ec2.register_image, dict(Name="typed", RootDeviceName="/dev/xvda", BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}]), f"AMI name typed is already in use by AMI {image}"),
        ("a public and encrypted one", "OperationNotPermitted", ec2.modify_snapshot_attribute, dict(SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]), "Encrypted snapshots"),
        ("no snapshot's id", "InvalidSnapshotID.Malformed", ec2.delete_snapshot, dict(SnapshotId="snapshot"), 'Invalid id: "snapshot" (expecting "snap-...")'),
        ("a key without encryption", "InvalidParameterDependency", ec2.copy_image, dict(Name="other", SourceImageId=image, SourceRegion="eu-west-1", KmsKeyId="alias/aws/ebs"), "KmsKeyId"),
        ("ten minutes", "InvalidParameterValue", ec2.copy_snapshot, dict(SourceRegion="eu-west-1", SourceSnapshotId=snapshot, CompletionDurationMinutes=10), "15 minute increments"),
        ("an instance that is not", "InvalidInstanceID.NotFound", ec2.start_instances, dict(InstanceIds=["i-00000000000000000"]), "does not exist"),
    ]
    for name, code, call, arguments, words in rows:
        check.refused(name, code, call, status=400, words=words, **arguments)
    check.refused("a user without permission", "UnauthorizedOperation", nobody.delete_snapshot, status=403, words="not authorized", SnapshotId=snapshot)
