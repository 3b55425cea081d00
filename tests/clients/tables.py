"""DynamoDB through boto3 and the AWS CLI: queries, indexes, batches, transactions, expiry, streams."""

import decimal
import json
import time

import boto3
from boto3.dynamodb.conditions import Attr, Key

from cli import cli

TABLE = "plays"


def checks(check, world):
    client = world.client("dynamodb")
    create(check, client)
    queries(check, client)
    scans(check, client)
    indexes(check, client)
    batches(check, client)
    transactions(check, client)
    settings(check, client)
    streams(check, world, client)
    resource(check, world)
    refusals(check, client)
    command_line(check, world)


def create(check, client):
    made = client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "artist", "AttributeType": "S"}, {"AttributeName": "song", "AttributeType": "S"},
            {"AttributeName": "year", "AttributeType": "N"}, {"AttributeName": "genre", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[{
            "IndexName": "by-year", "Projection": {"ProjectionType": "KEYS_ONLY"},
            "KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
        }],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-genre", "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["label"]},
            "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
        }],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    check.has("create_table", made, "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "LatestStreamArn", "LatestStreamLabel", "StreamSpecification")
    check.has("a global index", made["GlobalSecondaryIndexes"][0], "IndexName", "KeySchema", "Projection", "IndexStatus", "IndexArn", "ItemCount", "IndexSizeBytes", "ProvisionedThroughput")
    check.that("a local index has no status", "IndexStatus" not in made["LocalSecondaryIndexes"][0])
    check.equal("four attributes are defined", len(made["AttributeDefinitions"]), 4)
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    for song, year in (("d", 1964), ("b", 1958), ("a", 1971), ("c", 1965)):
        client.put_item(TableName=TABLE, Item={"artist": {"S": "nina"}, "song": {"S": song}, "year": {"N": str(year)}, "genre": {"S": "jazz"}, "label": {"S": "x"}})
    client.put_item(TableName=TABLE, Item={"artist": {"S": "nina"}, "song": {"S": "e"}})


def query(client, condition="artist = :a", values=None, **more):
    values = {":a": {"S": "nina"}, **(values or {})}
    return client.query(TableName=TABLE, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more)


def songs(items):
    return [item["song"]["S"] for item in items]


def queries(check, client):
    got = query(client, ReturnConsumedCapacity="TOTAL")
    check.has("query", got, "Items", "Count", "ScannedCount", "ConsumedCapacity")
    check.that("the last page has no key", "LastEvaluatedKey" not in got)
    check.equal("in the order of the sort key", songs(got["Items"]), ["a", "b", "c", "d", "e"])
    check.equal("half a unit", got["ConsumedCapacity"], {"TableName": TABLE, "CapacityUnits": 0.5})
    check.equal("backwards", songs(query(client, ScanIndexForward=False)["Items"]), ["e", "d", "c", "b", "a"])
    between = query(client, "artist = :a AND song BETWEEN :x AND :y", {":x": {"S": "b"}, ":y": {"S": "c"}})
    check.equal("between", songs(between["Items"]), ["b", "c"])
    filtered = query(client, FilterExpression="#y > :y", values={":y": {"N": "1964"}}, ExpressionAttributeNames={"#y": "year"}, ProjectionExpression="song")
    check.equal("a filter", (filtered["Count"], filtered["ScannedCount"], filtered["Items"]), (2, 5, [{"song": {"S": "a"}}, {"song": {"S": "c"}}]))
    check.equal("nothing found is an empty list", query(client, "artist = :a AND song = :s", {":s": {"S": "z"}})["Items"], [])
    check.equal("a count", query(client, Select="COUNT")["Count"], 5)
    pages = list(client.get_paginator("query").paginate(
        TableName=TABLE, KeyConditionExpression="artist = :a", ExpressionAttributeValues={":a": {"S": "nina"}}, PaginationConfig={"PageSize": 2}))
    check.equal("the paginator's pages", [len(page["Items"]) for page in pages], [2, 2, 1])
    check.equal("have every item once", songs([item for page in pages for item in page["Items"]]), ["a", "b", "c", "d", "e"])
    check.equal("a limit answers its end", query(client, Limit=5)["LastEvaluatedKey"], {"artist": {"S": "nina"}, "song": {"S": "e"}})


def scans(check, client):
    whole = client.scan(TableName=TABLE)
    check.has("scan", whole, "Items", "Count", "ScannedCount")
    parts = [client.scan(TableName=TABLE, Segment=segment, TotalSegments=3)["Items"] for segment in range(3)]
    check.equal("segments make the whole", [item for part in parts for item in part], whole["Items"])
    pages = list(client.get_paginator("scan").paginate(TableName=TABLE, PaginationConfig={"PageSize": 2}))
    check.equal("pages make the whole", [item for page in pages for item in page["Items"]], whole["Items"])


def indexes(check, client):
    year = client.query(TableName=TABLE, IndexName="by-year", KeyConditionExpression="artist = :a", ExpressionAttributeValues={":a": {"S": "nina"}}, ConsistentRead=True)
    check.equal("a local index has its own order", songs(year["Items"]), ["b", "d", "c", "a"])
    check.that("and keys only", all("label" not in item for item in year["Items"]))
    time.sleep(0.5)
    genre = client.query(TableName=TABLE, IndexName="by-genre", KeyConditionExpression="genre = :g", ExpressionAttributeValues={":g": {"S": "jazz"}}, Limit=2, ReturnConsumedCapacity="INDEXES")
    check.equal("a global index is sparse and ordered", songs(genre["Items"]), ["b", "d"])
    check.equal("it projects what it was told", genre["Items"][0]["label"], {"S": "x"})
    check.equal("its last key has both keys", sorted(genre["LastEvaluatedKey"]), ["artist", "genre", "song", "year"])
    check.that("its units are its own", "by-genre" in genre["ConsumedCapacity"]["GlobalSecondaryIndexes"])


def batches(check, client):
    requests = [{"PutRequest": {"Item": {"artist": {"S": "batch"}, "song": {"S": f"{at:02}"}}}} for at in range(25)]
    written = client.batch_write_item(RequestItems={TABLE: requests}, ReturnConsumedCapacity="TOTAL")
    check.equal("nothing is left", written["UnprocessedItems"], {})
    check.equal("25 units", written["ConsumedCapacity"][0]["CapacityUnits"], 25.0)
    keys = [{"artist": {"S": "batch"}, "song": {"S": song}} for song in ("03", "07", "nothing")]
    got = client.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ProjectionExpression": "song"}})
    check.equal("what is there is answered", got["Responses"][TABLE], [{"song": {"S": "03"}}, {"song": {"S": "07"}}])
    check.equal("and no key is left", got["UnprocessedKeys"], {})
    check.refused("too many writes", "ValidationException", client.batch_write_item, 400, RequestItems={TABLE: requests * 2})
    check.refused("a key twice", "ValidationException", client.batch_get_item, 400, "Provided list of item keys contains duplicates", RequestItems={TABLE: {"Keys": keys[:1] * 2}})


def transactions(check, client):
    def item(name, **more):
        return {"artist": {"S": "tx"}, "song": {"S": name}, **more}

    client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item("one", n={"N": "1"})}}, {"Put": {"TableName": TABLE, "Item": item("two")}}])
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": TABLE, "Key": item(name)}} for name in ("one", "none")])
    check.equal("a transaction reads", got["Responses"], [{"Item": item("one", n={"N": "1"})}, {}])
    update = {"Update": {
        "TableName": TABLE, "Key": item("one"), "UpdateExpression": "SET n = n + :one", "ConditionExpression": "n = :old",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":old": {"N": "7"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }}
    error = check.refused("a transaction whose condition fails", "TransactionCanceledException", client.transact_write_items, 400,
                          "[None, ConditionalCheckFailed]", TransactItems=[{"Delete": {"TableName": TABLE, "Key": item("two")}}, update])
    reasons = error.response.get("CancellationReasons") if error else None
    check.equal("its reasons", [reason["Code"] for reason in reasons or []], ["None", "ConditionalCheckFailed"])
    check.equal("the item that was there", (reasons or [{}])[-1].get("Item"), item("one", n={"N": "1"}))
    check.that("boto3 knows the error's class", isinstance(error, client.exceptions.TransactionCanceledException))
    check.that("nothing was done", "Item" in client.get_item(TableName=TABLE, Key=item("two")))
    check.refused("a token of another payload", "IdempotentParameterMismatchException", lambda **more: [
        client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item(name)}}], **more) for name in ("x", "y")], 400, ClientRequestToken="token-1")


def settings(check, client):
    arn = client.describe_table(TableName=TABLE)["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "red"}])
    check.equal("tags", client.list_tags_of_resource(ResourceArn=arn)["Tags"], [{"Key": "team", "Value": "red"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    check.equal("no tags", client.list_tags_of_resource(ResourceArn=arn)["Tags"], [])
    names = [name for page in client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for name in page["TableNames"]]
    check.that("list_tables has the table", TABLE in names)
    check.equal("expiry is off", client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"], {"TimeToLiveStatus": "DISABLED"})
    spec = {"Enabled": True, "AttributeName": "ends"}
    check.equal("expiry is set", client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=spec)["TimeToLiveSpecification"], spec)
    check.equal("expiry is on its way", client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLING")
    check.refused("expiry twice", "ValidationException", client.update_time_to_live, 400, "TimeToLive is already enabled", TableName=TABLE, TimeToLiveSpecification=spec)
    check.has("describe_limits", client.describe_limits(), "AccountMaxReadCapacityUnits", "TableMaxWriteCapacityUnits")
    check.that("describe_endpoints", "Address" in client.describe_endpoints()["Endpoints"][0])


def streams(check, world, client):
    reader = world.client("dynamodbstreams")
    arn = client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    listed = reader.list_streams(TableName=TABLE)["Streams"]
    check.equal("list_streams", [stream["StreamArn"] for stream in listed], [arn])
    described = reader.describe_stream(StreamArn=arn)["StreamDescription"]
    check.has("describe_stream", described, "StreamLabel", "StreamStatus", "StreamViewType", "CreationRequestDateTime", "TableName", "KeySchema", "Shards")
    shard = described["Shards"][0]["ShardId"]
    iterator = reader.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    got = reader.get_records(ShardIterator=iterator, Limit=2)
    check.has("get_records", got, "Records", "NextShardIterator")
    record = got["Records"][0]
    check.has("a record", record, "eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb")
    check.has("its change", record["dynamodb"], "ApproximateCreationDateTime", "Keys", "NewImage", "SequenceNumber", "SizeBytes", "StreamViewType")
    check.equal("the first one is an insert", (record["eventName"], record["dynamodb"]["Keys"]["song"]), ("INSERT", {"S": "d"}))
    following = reader.get_records(ShardIterator=got["NextShardIterator"], Limit=1)["Records"]
    check.equal("the next iterator goes on", following[0]["dynamodb"]["Keys"]["song"], {"S": "a"})
    latest = reader.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    client.delete_item(TableName=TABLE, Key={"artist": {"S": "batch"}, "song": {"S": "00"}})
    removed = reader.get_records(ShardIterator=latest)["Records"]
    check.equal("LATEST sees what comes", [(one["eventName"], "OldImage" in one["dynamodb"], "NewImage" in one["dynamodb"]) for one in removed], [("REMOVE", True, False)])
    check.refused("an unknown stream", "ResourceNotFoundException", reader.describe_stream, 400, StreamArn=arn.replace("/stream/2", "/stream/1"))


def resource(check, world):
    key, secret, _ = world.root
    table = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=world.endpoint("eu-west-1"),
                           aws_access_key_id=key, aws_secret_access_key=secret).Table(TABLE)
    got = table.query(KeyConditionExpression=Key("artist").eq("nina") & Key("song").begins_with("a"))
    check.equal("conditions of the resource layer", got["Items"][0]["year"], decimal.Decimal(1971))
    got = table.scan(FilterExpression=Attr("year").between(1960, 1970) & Attr("label").exists())
    check.equal("filters of the resource layer", sorted(item["song"] for item in got["Items"]), ["c", "d"])
    with table.batch_writer() as batch:
        for at in range(60):
            batch.put_item(Item={"artist": "writer", "song": str(at)})
    check.equal("batch_writer", table.query(KeyConditionExpression=Key("artist").eq("writer"), Select="COUNT")["Count"], 60)


def refusals(check, client):
    def ask(**more):
        return client.query(**{"TableName": TABLE, "KeyConditionExpression": "artist = :a", "ExpressionAttributeValues": {":a": {"S": "nina"}}, **more})

    rows = [
        ("no condition on the partition key", dict(KeyConditionExpression="song = :a"), "Query condition missed key schema element: artist"),
        ("a wrong operator", dict(KeyConditionExpression="artist > :a"), "Query key condition not supported"),
        ("a reserved word", dict(FilterExpression="year = :a"), "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: year"),
        ("an unused value", dict(ExpressionAttributeValues={":a": {"S": "x"}, ":b": {"S": "y"}}), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"),
        ("an unused name", dict(ExpressionAttributeNames={"#x": "y"}), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"),
        ("a filter on a key", dict(FilterExpression="song = :a"), "Filter Expression can only contain non-primary key attributes: Primary key attribute: song"),
        ("an unknown index", dict(IndexName="none"), "The table does not have the specified index: none"),
        ("a consistent read of a global index", dict(IndexName="by-genre", KeyConditionExpression="genre = :a", ConsistentRead=True), "Consistent reads are not supported on global secondary indexes"),
    ]
    for name, more, words in rows:
        check.refused(name, "ValidationException", ask, 400, words, **more)
    key = {"artist": {"S": "a"}, "song": {"S": "b"}}
    check.refused("39 digits", "ValidationException", client.put_item, 400, "Attempting to store more than 38 significant digits in a Number", TableName=TABLE, Item={**key, "n": {"N": "1" * 39}})
    check.refused("an item of more than 400 KB", "ValidationException", client.put_item, 400, "Item size has exceeded the maximum allowed size", TableName=TABLE, Item={**key, "x": {"S": "x" * 410_000}})
    check.refused("an empty key", "ValidationException", client.put_item, 400, "Key: song", TableName=TABLE, Item={"artist": {"S": "a"}, "song": {"S": ""}})
    check.refused("an index key of another type", "ValidationException", client.put_item, 400, "Type mismatch for Index Key year Expected: N Actual: S IndexName: by-", TableName=TABLE, Item={**key, "year": {"S": "x"}})
    check.refused("PartiQL", "NotImplemented", client.execute_statement, Statement=f"SELECT * FROM {TABLE}")


def command_line(check, world):
    said = cli(world, "dynamodb", "query", "--table-name", TABLE, "--key-condition-expression", "artist = :a",
               "--expression-attribute-values", json.dumps({":a": {"S": "nina"}}), "--page-size", "2")
    check.equal("the CLI pages through a query", said["Count"], 5)
    said = cli(world, "dynamodb", "scan", "--table-name", TABLE, "--select", "COUNT")
    check.that("the CLI counts a scan", said["Count"] > 80)
    said = cli(world, "dynamodbstreams", "list-streams", "--table-name", TABLE)
    check.equal("the CLI lists streams", len(said["Streams"]), 1)
