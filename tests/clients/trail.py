"""CloudTrail through boto3: what the checks before left behind."""

import json


def checks(check, world):
    client = world.client("cloudtrail")
    events = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateAlias"}])["Events"]
    check.that("the trail has CreateAlias", len(events) > 0)
    check.has("an event", events[0], "EventId", "EventName", "EventTime", "EventSource", "ReadOnly", "Resources", "CloudTrailEvent")
    whole = json.loads(events[0]["CloudTrailEvent"])
    check.has("its JSON", whole, "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "requestParameters", "eventID")
    check.equal("the Region", whole["awsRegion"], "eu-west-1")
    check.equal("the client's address", whole["sourceIPAddress"], "127.0.0.1")
    pages = list(client.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 5, "MaxItems": 12}))
    found = [event["EventId"] for page in pages for event in page["Events"]]
    check.that("lookup_events has pages", len(found) == len(set(found)) == 12, len(found))
    check.that("no plaintext is in the trail", all("attack at dawn" not in event["CloudTrailEvent"] for page in pages for event in page["Events"]))
    answer = client.lookup_events(MaxResults=1)
    request = world.client("kms").list_keys()["ResponseMetadata"]["RequestId"]
    events = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListKeys"}])["Events"]
    check.that("request ids are the trail's", request in [json.loads(event["CloudTrailEvent"]).get("requestID") for event in events])
    check.refused("trails", "NotImplemented", client.create_trail, 501, Name="t", S3BucketName="photos")
    del answer
