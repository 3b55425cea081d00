#!/usr/bin/env python3
"""Measures live nodes and the free emulators side by side, with one load generator.

    cargo build --release -p faultline-node --examples
    target/clients/bin/pip install 'moto[server]' ministack
    npm install --prefix target/peers dynalite
    target/clients/bin/python tests/benches/peers/compare.py [SECONDS]

Each server runs alone, with the signed requests of `aws-load`; what is not installed is left
out and named. Prints a table for docs/benchmarks.md: requests a second, median, and the
server's CPU time a request; then start to first answer and memory.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILT = pathlib.Path(os.environ.get("FAULTLINE_EXAMPLES", ROOT / "target/release/examples"))
CLIENTS = (1, 4, 16)
WORK = ("kms-encrypt", "kms-data-key", "s3-put", "s3-put-large", "dynamodb-put")
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Server:
    """One server while the block lasts."""

    def __init__(self, name, command, **environment):
        self.name, self.command, self.environment = name, command, environment
        self.region, self.keys = "us-east-1", ("AKIAROOTROOTROOTROOT", "secret")

    def __enter__(self):
        port = free_port()
        start = time.monotonic()
        self.process = subprocess.Popen(
            [str(part).replace("PORT", str(port)) for part in self.command],
            env={**os.environ, **{name: value.replace("PORT", str(port)) for name, value in self.environment.items()}},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )
        self.endpoint = f"http://127.0.0.1:{port}"
        if self.name.startswith("faultline"):
            said = json.loads(self.process.stdout.readline())
            self.endpoint = said["endpoints"]["us-east-1"]
            self.keys = (said["access_key_id"], said["secret_access_key"])
        host, at = self.endpoint.removeprefix("http://").split(":")
        while True:
            try:
                with socket.create_connection((host, int(at)), 1) as one:
                    one.sendall(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
                    if one.recv(1):
                        break
            except OSError:
                if time.monotonic() - start > 60:
                    raise
            time.sleep(0.001)
        self.start = time.monotonic() - start
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def processes(self):
        """The server's process and its children."""
        found = [self.process.pid]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getsid(int(pid)) == self.process.pid and int(pid) != self.process.pid:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def cpu(self):
        total = 0
        for pid in self.processes():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory(self):
        """Resident MiB."""
        text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self.processes())
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id=self.keys[0],
                            aws_secret_access_key=self.keys[1], config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))

    def targets(self):
        """What each kind of work needs, made once; what the server lacks is left out."""
        made = {}
        try:
            key = self.client("kms").create_key()["KeyMetadata"]["KeyId"]
            made["kms-encrypt"] = made["kms-data-key"] = key
            self.client("s3").create_bucket(Bucket="bench")
            made["s3-put"] = made["s3-put-large"] = f"bench/{key}"
        except Exception as error:
            print(f"{self.name}: no KMS or S3: {str(error)[:80]}", file=sys.stderr)
        try:
            dynamodb = self.client("dynamodb")
            dynamodb.create_table(TableName="bench", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                                  AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
            dynamodb.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
            made["dynamodb-put"] = "bench"
        except Exception as error:
            print(f"{self.name}: no DynamoDB: {str(error)[:80]}", file=sys.stderr)
        return made

    def load(self, what, target, clients, seconds):
        before = self.cpu()
        done = subprocess.run([BUILT / "aws-load", self.endpoint, self.region, *self.keys, what, target, str(clients), str(seconds)],
                              capture_output=True, text=True)
        if done.returncode:
            return None, done.stderr.strip()
        said = json.loads(done.stdout)
        said["cpu_us"] = (self.cpu() - before) * 1e6 / max(1, said["requests"])
        return said, said["example"]


def servers(folder):
    yield Server("faultline, memory", [BUILT / "live-world", "us-east-1"])
    yield Server("faultline, flushed", [BUILT / "live-world", "us-east-1", folder])
    bin_ = pathlib.Path(sys.executable).parent
    if (bin_ / "moto_server").exists():
        yield Server("moto", [bin_ / "moto_server", "-p", "PORT"])
    else:
        print("moto is not installed: left out", file=sys.stderr)
    if (bin_ / "ministack").exists():
        yield Server("ministack", [bin_ / "ministack"], GATEWAY_PORT="PORT")
    else:
        print("ministack is not installed: left out", file=sys.stderr)
    dynalite = ROOT / "target/peers/node_modules/.bin/dynalite"
    if dynalite.exists() and shutil.which("node"):
        yield Server("dynalite", [dynalite, "--port", "PORT"])
    else:
        print("dynalite is not installed: left out", file=sys.stderr)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    print("| server | work | clients | a second | median us | server CPU us | errors |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rest = []
    with tempfile.TemporaryDirectory() as folder:
        for server in servers(folder):
            with server:
                idle = server.memory()
                targets = server.targets()
                for what in filter(targets.get, WORK):
                    for clients in CLIENTS:
                        said, example = server.load(what, targets[what], clients, seconds)
                        if said is None:
                            print(f"| {server.name} | {what} | {clients} | failed: {example[:60]} | | | |", flush=True)
                            continue
                        print(f"| {server.name} | {what} | {clients} | {said['per_second']:,.0f} | {said['p50_us']:,.0f} | {said['cpu_us']:,.0f} | {said['errors']} |", flush=True)
                        if said["errors"]:
                            print(f"{server.name} {what}: {example[:200]}", file=sys.stderr)
                rest.append((server.name, server.start * 1000, idle, server.memory()))
    print("\n| server | start to first answer, ms | memory idle, MiB | memory after, MiB |\n| --- | --- | --- | --- |")
    for name, start, idle, after in rest:
        print(f"| {name} | {start:,.0f} | {idle:,.1f} | {after:,.1f} |")


main()
