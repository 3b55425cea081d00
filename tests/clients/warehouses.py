"""Redshift through boto3 and the AWS CLI: clusters, snapshot copy grants, refusals before anything is copied.

A cluster takes minutes to be born, also here; copies are proven in virtual time.
"""

from cli import cli
from world import allow


def checks(check, world):
    home, away = world.client("redshift"), world.client("redshift", region="us-east-1")
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    there = world.client("kms", region="us-east-1").create_key()["KeyMetadata"]["Arn"]
    made = home.create_cluster(ClusterIdentifier="sales", NodeType="ra3.large", MasterUsername="dba", MasterUserPassword="Not-for-logs-1",
                               NumberOfNodes=2, KmsKeyId=key, Tags=[{"Key": "team", "Value": "red"}])["Cluster"]
    check.has("create_cluster", made, "ClusterIdentifier", "NodeType", "ClusterStatus", "MasterUsername", "DBName", "NumberOfNodes", "Encrypted", "KmsKeyId",
              "ClusterNamespaceArn", "ClusterVersion", "AutomatedSnapshotRetentionPeriod", "ManualSnapshotRetentionPeriod", "AvailabilityZone", "Tags")
    check.equal("its words", (made["ClusterStatus"], made["DBName"], made["KmsKeyId"], made["Encrypted"], made["NumberOfNodes"]), ("creating", "dev", key, True, 2))
    check.that("no password, no endpoint, no copies", not {"MasterUserPassword", "Endpoint", "ClusterSnapshotCopyStatus"} & set(made))
    check.equal("a paginator", [one["ClusterIdentifier"] for page in home.get_paginator("describe_clusters").paginate() for one in page["Clusters"]], ["sales"])
    check.equal("no snapshots", home.describe_cluster_snapshots()["Snapshots"], [])
    grant = away.create_snapshot_copy_grant(SnapshotCopyGrantName="copies", KmsKeyId=there)["SnapshotCopyGrant"]
    check.equal("a grant", (grant["SnapshotCopyGrantName"], grant["KmsKeyId"], grant.get("Tags")), ("copies", there, []))
    check.equal("is of its Region", [len(one.describe_snapshot_copy_grants()["SnapshotCopyGrants"]) for one in (home, away)], [0, 1])
    rows = [
        ("an unknown cluster", "ClusterNotFound", home.describe_clusters, dict(ClusterIdentifier="none"), 404, "Cluster none not found."),
        ("an unknown snapshot", "ClusterSnapshotNotFound", home.describe_cluster_snapshots, dict(SnapshotIdentifier="none"), 404, "none not found."),
        ("a grant of elsewhere", "SnapshotCopyGrantNotFoundFault", home.describe_snapshot_copy_grants, dict(SnapshotCopyGrantName="copies"), 400, "Snapshot copy grant not found: copies"),
        ("a grant that is there", "SnapshotCopyGrantAlreadyExistsFault", away.create_snapshot_copy_grant, dict(SnapshotCopyGrantName="copies"), 400, "already exists"),
        ("a key of elsewhere", "DependentServiceAccessDenied", away.create_snapshot_copy_grant, dict(SnapshotCopyGrantName="other", KmsKeyId=key), 403, key),
        ("a name that is taken", "ClusterAlreadyExists", home.create_cluster, dict(ClusterIdentifier="sales", NodeType="ra3.large", MasterUsername="dba"), 400, "Cluster already exists"),
        ("no encryption", "InvalidParameterValue", home.create_cluster, dict(ClusterIdentifier="x", NodeType="ra3.large", MasterUsername="dba", Encrypted=False), 400, "Encrypted"),
        ("a snapshot too early", "InvalidClusterState", home.create_cluster_snapshot, dict(ClusterIdentifier="sales", SnapshotIdentifier="early"), 400, "creating"),
        ("a restore of nothing", "ClusterSnapshotNotFound", away.restore_from_cluster_snapshot, dict(ClusterIdentifier="back", SnapshotIdentifier="none"), 404, "none not found."),
        ("a resize", "NotImplemented", home.resize_cluster, dict(ClusterIdentifier="sales"), 501, ""),
    ]
    for name, code, call, arguments, status, words in rows:
        check.refused(name, code, call, status, words, **arguments)
    reader = world.client("redshift", who=world.user("redshift-reader", allow("redshift:Describe*")))
    check.refused("a reader changes nothing", "AccessDenied", reader.delete_cluster, 403, "redshift:DeleteCluster", ClusterIdentifier="sales", SkipFinalClusterSnapshot=True)
    seen = cli(world, "redshift", "describe-clusters", "--cluster-identifier", "sales", "--query", "Clusters[0].[NodeType,NumberOfNodes,KmsKeyId]")
    check.equal("the AWS CLI sees it", seen, ["ra3.large", 2, key])
    refused = cli(world, "redshift", "enable-snapshot-copy", "--cluster-identifier", "none", "--destination-region", "us-east-1")
    check.that("and is refused in AWS's words", "An error occurred (ClusterNotFound) when calling the EnableSnapshotCopy operation: Cluster none not found." in refused.get("Failed", ""), refused)
    away.delete_snapshot_copy_grant(SnapshotCopyGrantName="copies")
    check.equal("the grant is gone", away.describe_snapshot_copy_grants()["SnapshotCopyGrants"], [])
