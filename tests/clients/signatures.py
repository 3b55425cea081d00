"""Who is not let in, for every protocol: codes and status as AWS has them."""

import datetime
import urllib.error
import urllib.request

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# service, a call, unsigned, unknown key, wrong secret
ROWS = [
    ("kms", "list_keys", {}, ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("dynamodb", "describe_table", {"TableName": "orders"}, ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("cloudtrail", "lookup_events", {}, ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("iam", "list_users", {}, ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
    ("sts", "get_caller_identity", {}, ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
    ("ec2", "describe_volumes", {}, ("AuthFailure", 401), ("AuthFailure", 401)),
    ("s3", "get_object", {"Bucket": "photos", "Key": "size-1"}, ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
]


def checks(check, world):
    key, secret, _ = world.root
    for service, call, arguments, unknown, wrong in ROWS:
        nobody = world.client(service, who=("AKIANOBODYNOBODYNOBO", secret, None))
        check.refused(f"{service}: an unknown key", unknown[0], getattr(nobody, call), unknown[1], **arguments)
        forged = world.client(service, who=(key, "wrong" * 8, None))
        check.refused(f"{service}: a wrong secret", wrong[0], getattr(forged, call), wrong[1], **arguments)
        token = world.client(service, who=(key.replace("AKIA", "ASIA"), secret, "FwoGZXIvYXdzEXAMPLE"))
        try:
            getattr(token, call)(**arguments)
            check.that(f"{service}: a token that is none", False)
        except Exception as error:
            check.that(f"{service}: a token that is none", error.response["Error"]["Code"] in (unknown[0], "InvalidToken"), error)
    raw(check, world)


def raw(check, world):
    key, secret, _ = world.root
    endpoint = world.endpoint("eu-west-1")
    json = {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    check.equal("unsigned JSON", send(endpoint, json, b"{}"), (400, "MissingAuthenticationTokenException"))
    check.equal("unsigned query", send(endpoint, form, b"Action=GetCallerIdentity&Version=2011-06-15"), (403, "MissingAuthenticationToken"))
    check.equal("unsigned S3", send(f"{endpoint}/photos/size-1", {}, None), (403, "AccessDenied"))
    rows = [("15 minutes ago", -16, "InvalidSignatureException"), ("in 15 minutes", 16, "InvalidSignatureException"), ("now", 0, None)]
    for name, minutes, code in rows:
        request = AWSRequest("POST", endpoint + "/", headers=dict(json), data=b"{}")
        signer = botocore.auth.SigV4Auth(Credentials(key, secret), "kms", "eu-west-1")
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        if "X-Amz-Date" in request.headers:
            del request.headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = request.context["timestamp"]
        canonical = signer.canonical_request(request)
        text = signer.string_to_sign(request, canonical)
        signer._inject_signature_to_request(request, signer.signature(text, request))
        got = send(endpoint + "/", dict(request.headers.items()), b"{}")
        check.equal(f"signed {name}", got, (400, code) if code else (200, ""))
    headers = {**json, "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00", "X-Amz-Date": "20260101T000000Z"}
    check.equal("half an Authorization", send(endpoint, headers, b"{}"), (400, "IncompleteSignatureException"))
    for path in ("/", "/nonsense/", "/%00", "/?Action=", "/photos?acl"):
        status, _ = send(endpoint + path, {}, None)
        check.that(f"{path} is no 5xx of a web server", status in (301, 400, 403, 404, 405, 501), status)


def send(url, headers, body):
    """Status and code of the error."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        if "html" in error.headers.get("content-type", ""):
            return error.code, "HTML"
        if '"__type"' in text:
            return error.code, text.split('"__type":"')[1].split('"')[0]
        return error.code, text.split("<Code>")[1].split("<")[0] if "<Code>" in text else ""
