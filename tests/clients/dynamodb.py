"""DynamoDB through boto3: types, conditions, waiters."""

import decimal

import boto3


def checks(check, world):
    client = world.client("dynamodb")
    made = client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    check.has("create_table", made, "TableName", "TableStatus", "TableArn", "TableId", "KeySchema", "AttributeDefinitions", "CreationDateTime", "BillingModeSummary")
    check.equal("it is being made", made["TableStatus"], "CREATING")
    client.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    check.equal("the waiter saw it", client.describe_table(TableName="orders")["Table"]["TableStatus"], "ACTIVE")
    items(check, client)
    refusals(check, client)
    resource(check, world)
    client.delete_table(TableName="orders")
    client.get_waiter("table_not_exists").wait(TableName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    check.refused("it is gone", "ResourceNotFoundException", client.describe_table, 400, TableName="orders")


def items(check, client):
    values = {
        "s": {"S": "text <&> ü"}, "empty": {"S": ""}, "n": {"N": "12.5"}, "big": {"N": "1E+100"}, "b": {"B": b"\x00\xff"},
        "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [b"x", b"y"]}, "t": {"BOOL": True}, "f": {"BOOL": False},
        "null": {"NULL": True}, "l": {"L": [{"S": "x"}, {"L": []}]}, "m": {"M": {"inner": {"M": {}}}},
    }
    key = {"pk": {"S": "o-1"}, "sk": {"N": "1"}}
    client.put_item(TableName="orders", Item={**key, **values})
    got = client.get_item(TableName="orders", Key=key, ConsistentRead=True)["Item"]
    for name, value in values.items():
        shown = {kind: sorted(inner) if kind in ("SS", "NS", "BS") else inner for kind, inner in got[name].items()}
        if name == "big":
            check.equal("a big number", decimal.Decimal(got[name]["N"]), decimal.Decimal("1E+100"))
        else:
            check.equal(f"the value {name} comes back", shown, value)
    check.that("what is not there is not answered", "Item" not in client.get_item(TableName="orders", Key={"pk": {"S": "no"}, "sk": {"N": "1"}}))
    changed = client.update_item(
        TableName="orders", Key=key, UpdateExpression="SET n = n + :one, #s = :x REMOVE t",
        ExpressionAttributeNames={"#s": "s"}, ExpressionAttributeValues={":one": {"N": "1"}, ":x": {"S": "new"}}, ReturnValues="ALL_NEW",
    )["Attributes"]
    check.equal("numbers add up", changed["n"], {"N": "13.5"})
    check.equal("text is set", changed["s"], {"S": "new"})
    check.that("and removed", "t" not in changed)
    part = client.get_item(TableName="orders", Key=key, ProjectionExpression="s, l[0]")["Item"]
    check.equal("a projection", part, {"s": {"S": "new"}, "l": {"L": [{"S": "x"}]}})
    old = client.delete_item(TableName="orders", Key=key, ReturnValues="ALL_OLD")["Attributes"]
    check.equal("delete answers what was", old["s"], {"S": "new"})
    client.put_item(TableName="orders", Item=key)
    error = check.refused("a condition that does not hold", "ConditionalCheckFailedException", client.put_item, 400, "The conditional request failed",
                          TableName="orders", Item=key, ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    check.equal("it tells the item", error.response.get("Item"), key)


def refusals(check, client):
    key = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    rows = [
        ("an unknown table", "ResourceNotFoundException", client.get_item, dict(TableName="none", Key=key), ""),
        ("a table that exists", "ResourceInUseException", client.create_table, dict(
            TableName="orders", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST"), ""),
        ("a key that is not the schema's", "ValidationException", client.get_item, dict(TableName="orders", Key={"pk": {"S": "a"}}), "The provided key element does not match the schema"),
        ("an item without its key", "ValidationException", client.put_item, dict(TableName="orders", Item={"x": {"S": "y"}}), ""),
        ("a bad number", "ValidationException", client.put_item, dict(TableName="orders", Item={"pk": {"S": "a"}, "sk": {"N": "one"}}), ""),
        ("an expression that does not parse", "ValidationException", client.update_item, dict(TableName="orders", Key=key, UpdateExpression="SET ="), "UpdateExpression"),
        ("an old way to ask", "NotImplemented", client.get_item, dict(TableName="orders", Key=key, AttributesToGet=["pk"]), "AttributesToGet"),
        ("an old condition", "NotImplemented", client.put_item, dict(TableName="orders", Item=key, Expected={"pk": {"Exists": False}}), "Expected"),
    ]
    for name, code, call, arguments, words in rows:
        check.refused(name, code, call, words=words, **arguments)


def resource(check, world):
    key, secret, _ = world.root
    table = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=world.endpoint("eu-west-1"),
                           aws_access_key_id=key, aws_secret_access_key=secret).Table("orders")
    item = {"pk": "r", "sk": 7, "price": decimal.Decimal("9.99"), "tags": {"a", "b"}, "nested": {"list": [1, "two", None, True]}}
    table.put_item(Item=item)
    check.equal("boto3's resource gets what it put", table.get_item(Key={"pk": "r", "sk": 7})["Item"], item)
    check.equal("the table knows its key", [one["AttributeName"] for one in table.key_schema], ["pk", "sk"])
