"""RDS and Aurora through boto3 and the AWS CLI: answers of the query protocol, refusals, global databases.

A database takes minutes to be born, also here; what comes after is proven in virtual time.
"""

from cli import cli
from world import allow

CLASS = "db.r6g.large"


def checks(check, world):
    client = world.client("rds")
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    databases(check, client, key)
    clusters(check, client, key)
    refusals(check, world, client, key)
    command_line(check, world)
    groups(check, client)


def databases(check, client, key):
    made = client.create_db_instance(
        DBInstanceIdentifier="Ledger", DBInstanceClass=CLASS, Engine="postgres", AllocatedStorage=20, MasterUsername="dba",
        MasterUserPassword="not-for-logs", StorageEncrypted=True, KmsKeyId=key, Tags=[{"Key": "team", "Value": "red"}])["DBInstance"]
    check.has("create_db_instance", made, "DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "DBInstanceStatus", "MasterUsername",
              "AllocatedStorage", "StorageEncrypted", "KmsKeyId", "DbiResourceId", "DBInstanceArn", "TagList", "BackupRetentionPeriod", "MultiAZ", "AvailabilityZone")
    check.equal("names are lower case", made["DBInstanceIdentifier"], "ledger")
    check.that("no endpoint yet", "Endpoint" not in made and "InstanceCreateTime" not in made)
    check.that("no password", "MasterUserPassword" not in made)
    check.equal("its key", (made["KmsKeyId"], made["StorageEncryptionType"]), (key, "sse-kms"))
    check.equal("its tags", made["TagList"], [{"Key": "team", "Value": "red"}])
    seen = client.describe_db_instances(DBInstanceIdentifier="ledger")["DBInstances"]
    check.equal("it is being made", [one["DBInstanceStatus"] for one in seen], ["creating"])
    pages = client.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20})
    check.equal("a paginator", [one["DBInstanceIdentifier"] for page in pages for one in page["DBInstances"]], ["ledger"])
    check.equal("no snapshots", client.describe_db_snapshots()["DBSnapshots"], [])


def clusters(check, client, key):
    made = client.create_db_cluster(DBClusterIdentifier="orders", Engine="aurora-postgresql", DeletionProtection=True)["DBCluster"]
    check.has("create_db_cluster", made, "DBClusterIdentifier", "Status", "Endpoint", "ReaderEndpoint", "Engine", "DBClusterMembers", "DbClusterResourceId", "DBClusterArn", "ClusterCreateTime")
    check.equal("an AWS owned key", (made["StorageEncryptionType"], made.get("KmsKeyId")), ("sse-rds", None))
    client.create_db_instance(DBInstanceIdentifier="orders-1", DBInstanceClass=CLASS, Engine="aurora-postgresql", DBClusterIdentifier="orders")
    members = client.describe_db_clusters(DBClusterIdentifier="orders")["DBClusters"][0]["DBClusterMembers"]
    check.equal("its writer", members, [{"DBInstanceIdentifier": "orders-1", "IsClusterWriter": True, "PromotionTier": 1}])
    made = client.create_global_cluster(GlobalClusterIdentifier="shop", Engine="aurora-postgresql")["GlobalCluster"]
    check.has("create_global_cluster", made, "GlobalClusterIdentifier", "GlobalClusterResourceId", "GlobalClusterArn", "Status", "Engine", "StorageEncrypted", "DeletionProtection")
    check.equal("of no Region", made["GlobalClusterArn"].split(":")[3], "")
    first = client.create_db_cluster(DBClusterIdentifier="shop-eu", Engine="aurora-postgresql", GlobalClusterIdentifier="shop")["DBCluster"]
    seen = client.describe_global_clusters(GlobalClusterIdentifier="shop")["GlobalClusters"][0]["GlobalClusterMembers"]
    check.equal("the first one writes", [(one["DBClusterArn"], one["IsWriter"], one["Readers"]) for one in seen], [(first["DBClusterArn"], True, [])])


def groups(check, client):
    check.equal("a default group", client.describe_db_clusters(DBClusterIdentifier="orders")["DBClusters"][0]["DBClusterParameterGroup"], "default.aurora-postgresql16")
    wanted = [{"ParameterName": "rds.global_db_rpo", "ParameterValue": "30", "ApplyMethod": "immediate"}]
    check.equal("a parameter", client.modify_db_cluster_parameter_group(DBClusterParameterGroupName="strict", Parameters=wanted)["DBClusterParameterGroupName"], "strict")
    pages = client.get_paginator("describe_db_cluster_parameters").paginate(DBClusterParameterGroupName="strict", Source="user")
    shown = [(one["ParameterName"], one["ParameterValue"], one["ApplyType"], one["IsModifiable"]) for page in pages for one in page["Parameters"]]
    check.equal("as it was set", shown, [("rds.global_db_rpo", "30", "dynamic", True)])
    client.delete_db_cluster_parameter_group(DBClusterParameterGroupName="strict")
    check.refused("a group that is gone", "DBParameterGroupNotFound", client.describe_db_cluster_parameter_groups, 404, "DBClusterParameterGroup not found: strict", DBClusterParameterGroupName="strict")


def refusals(check, world, client, key):
    rows = [
        ("an unknown database", "DBInstanceNotFound", client.describe_db_instances, dict(DBInstanceIdentifier="none"), 404, "DBInstance none not found."),
        ("an unknown cluster", "DBClusterNotFoundFault", client.describe_db_clusters, dict(DBClusterIdentifier="none"), 404, "DBCluster none not found."),
        ("an unknown snapshot", "DBSnapshotNotFound", client.describe_db_snapshots, dict(DBSnapshotIdentifier="none"), 404, "none not found"),
        ("a name that is taken", "DBInstanceAlreadyExists", client.create_db_instance, dict(DBInstanceIdentifier="ledger", DBInstanceClass=CLASS, Engine="postgres"), 400, "DB instance already exists"),
        ("a name that is none", "InvalidParameterValue", client.create_db_instance, dict(DBInstanceIdentifier="1st", DBInstanceClass=CLASS, Engine="postgres"), 400, "is not a valid identifier"),
        ("an engine that is none", "InvalidParameterValue", client.create_db_instance, dict(DBInstanceIdentifier="x", DBInstanceClass=CLASS, Engine="odd"), 400, "Invalid DB engine"),
        ("a key without encryption", "InvalidParameterCombination", client.create_db_instance, dict(DBInstanceIdentifier="x", DBInstanceClass=CLASS, Engine="mysql", KmsKeyId=key), 400, ""),
        ("a key of another Region", "KMSKeyNotAccessibleFault", client.create_db_instance,
         dict(DBInstanceIdentifier="x", DBInstanceClass=CLASS, Engine="mysql", StorageEncrypted=True, KmsKeyId=key.replace("eu-west-1", "us-east-1")), 400, "does not exist, is not enabled or you do not have permissions to access it."),
        ("a snapshot too early", "InvalidDBInstanceState", client.create_db_snapshot, dict(DBInstanceIdentifier="ledger", DBSnapshotIdentifier="early"), 400, "creating"),
        ("a member of a global database", "InvalidDBClusterStateFault", client.delete_db_cluster, dict(DBClusterIdentifier="shop-eu", SkipFinalSnapshot=True), 400, "please remove it from globalcluster first"),
        ("both kinds of change", "InvalidParameterCombination", client.failover_global_cluster,
         dict(GlobalClusterIdentifier="shop", TargetDbClusterIdentifier="shop-eu", AllowDataLoss=True, Switchover=True), 400, "mutually exclusive"),
        ("a global database with members", "InvalidGlobalClusterStateFault", client.delete_global_cluster, dict(GlobalClusterIdentifier="shop"), 400, "is not empty"),
        ("write forwarding", "NotImplemented", client.create_db_cluster,
         dict(DBClusterIdentifier="x", Engine="aurora-mysql", EnableGlobalWriteForwarding=True), 501, "EnableGlobalWriteForwarding"),
        ("a copy of nothing", "DBSnapshotNotFound", client.copy_db_snapshot,
         dict(SourceDBSnapshotIdentifier=f"arn:aws:rds:us-east-1:{world.account}:snapshot:none", TargetDBSnapshotIdentifier="copy", SourceRegion="us-east-1", KmsKeyId=key), 404, "none not found"),
        ("parameter groups", "NotImplemented", client.describe_db_parameter_groups, {}, 501, ""),
    ]
    for name, code, call, arguments, status, words in rows:
        check.refused(name, code, call, status, words, **arguments)
    reader = world.client("rds", who=world.user("rds-reader", allow("rds:Describe*")))
    check.equal("a reader sees", len(reader.describe_db_clusters()["DBClusters"]), 2)
    check.refused("and changes nothing", "AccessDenied", reader.stop_db_cluster, 403, "rds:StopDBCluster", DBClusterIdentifier="orders")


def command_line(check, world):
    seen = cli(world, "rds", "describe-db-instances", "--db-instance-identifier", "ledger")
    check.equal("the AWS CLI sees it", [one["Engine"] for one in seen["DBInstances"]], ["postgres"])
    created = cli(world, "rds", "create-db-cluster-parameter-group", "--db-cluster-parameter-group-name", "strict",
                  "--db-parameter-group-family", "aurora-postgresql16", "--description", "little loss")
    check.equal("the AWS CLI makes a parameter group", created, {"DBClusterParameterGroup": {
        "DBClusterParameterGroupName": "strict", "DBParameterGroupFamily": "aurora-postgresql16", "Description": "little loss",
        "DBClusterParameterGroupArn": f"arn:aws:rds:eu-west-1:{world.account}:cluster-pg:strict"}})
    odd = cli(world, "rds", "modify-db-cluster-parameter-group", "--db-cluster-parameter-group-name", "strict",
              "--parameters", "ParameterName=rds.global_db_rpo,ParameterValue=19,ApplyMethod=immediate")
    check.that("with limits", "(InvalidParameterValue) when calling the ModifyDBClusterParameterGroup operation: Invalid parameter value: 19 for: rds.global_db_rpo allowed values are: -1,20-2147483647" in odd.get("Failed", ""), odd)
    gone = cli(world, "rds", "remove-from-global-cluster", "--global-cluster-identifier", "shop",
               "--db-cluster-identifier", f"arn:aws:rds:eu-west-1:{world.account}:cluster:none")
    check.that("and is refused in AWS's words", "(DBClusterNotFoundFault)" in gone.get("Failed", ""), gone)
