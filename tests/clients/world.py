"""A world of live Regions, and clients for it."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGIONS = ["us-east-1", "eu-west-1"]
UP = pathlib.Path(os.environ.get("FAULTLINE_PROGRAM", ROOT / "target/debug/faultline"))
PROGRAM = pathlib.Path(os.environ.get("FAULTLINE_LIVE_WORLD", ROOT / "target/debug/examples/live-world"))
# No retries: a check wants to see the first answer.
ONCE = {"retries": {"max_attempts": 1, "mode": "standard"}}


class World:
    """The Regions, while the block lasts."""

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, ",".join(REGIONS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = json.loads(self.process.stdout.readline())
        self.home, self.account = self.said["home"], self.said["account"]
        self.root = (self.said["access_key_id"], self.said["secret_access_key"], None)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)

    def endpoint(self, region):
        return self.said["endpoints"][region]

    @property
    def front(self):
        return self.said["front"]

    def session(self, region="eu-west-1", who=None):
        key, secret, token = who or self.root
        return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=region)

    def client(self, service, region="eu-west-1", who=None, front=False, **config):
        """A client of the node of `region` (of the home for IAM), or through the front door."""
        at = self.home if service == "iam" else region
        s3 = config.pop("s3", {"addressing_style": "path"})
        validate = config.pop("parameter_validation", True)
        return self.session(region, who).client(
            service,
            endpoint_url=self.front if front else self.endpoint(at),
            config=Config(s3=s3, parameter_validation=validate, **{**ONCE, **config}),
        )

    def user(self, name, policy=None):
        """Credentials of a new user."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"], None


class Processes(World):
    """The same with `faultline up`: a process a Region."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([UP, "up", "--regions", ",".join(REGIONS), "--dir", self.dir], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        endpoints = {}
        while set(endpoints) != {"front", *REGIONS}:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("faultline up ended before its world was there")
            words = line.split()
            if words and words[0] in ("front", *REGIONS):
                endpoints[words[0]] = words[words.index("aws") + 1]
        said = json.loads(self.run("env", "--format", "json"))
        self.home, self.account = REGIONS[0], "111111111111"
        self.said = {"endpoints": endpoints, "front": endpoints["front"]}
        self.root = (said["AWS_ACCESS_KEY_ID"], said["AWS_SECRET_ACCESS_KEY"], None)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.folder.cleanup()

    @property
    def dir(self):
        return os.path.join(self.folder.name, "world")

    def run(self, *arguments):
        return subprocess.run([UP, *arguments, "--dir", self.dir], check=True, capture_output=True, text=True).stdout

    def status(self):
        """Also of a world of which a node is down, which exits with 1."""
        done = subprocess.run([UP, "status", "--json", "--dir", self.dir], capture_output=True, text=True)
        return json.loads(done.stdout)

    def processes(self):
        """Process ids by Region, as soon as every Region has one."""
        end = time.monotonic() + 30
        while True:
            nodes = self.status()["nodes"]
            if all(node["node"] for node in nodes) or time.monotonic() > end:
                return {node["region"]: node["node"]["process"] for node in nodes}
            time.sleep(0.1)

    def kill(self, region):
        os.kill(self.processes()[region], signal.SIGKILL)

    def logs(self):
        return {region: pathlib.Path(self.dir, region, "log.txt").read_text() for region in REGIONS}


def allow(*actions):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
