"""EC2 and EBS through boto3: flat lists, times, waiters."""


def checks(check, world):
    ec2 = world.client("ec2")
    key = world.client("kms").create_key()["KeyMetadata"]
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=True, KmsKeyId=key["Arn"],
                             TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "team", "Value": "red"}, {"Key": "n", "Value": ""}]}])
    check.has("create_volume", made, "VolumeId", "Size", "AvailabilityZone", "State", "CreateTime", "Encrypted", "KmsKeyId", "Tags")
    check.equal("its tags", sorted((tag["Key"], tag["Value"]) for tag in made["Tags"]), [("n", ""), ("team", "red")])
    volume = made["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
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
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot["SnapshotId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
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
