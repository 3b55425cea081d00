#!/usr/bin/env python3
"""Runs every check against a world of live Regions.

`run.py AREA...` runs some of them; `run.py --up AREA...` against the processes of `faultline up`,
where a few areas suffice unless others are named, for the code behind the entrances is the same.
"""

import sys

import access
import cli
import dynamodb
import ec2
import encryption_sdk
import identity
import kms
import objects
import parameters
import processes
import replication
import secret_values
import signatures
import tables
import trail
import uploads
from checks import Checks
from world import Processes, World

AREAS = [kms, identity, access, dynamodb, tables, objects, uploads, replication, ec2, secret_values, parameters, trail, signatures, cli, encryption_sdk]
# Of a world of processes.
UP = ["kms", "processes"]


def main():
    only = sys.argv[1:]
    up = "--up" in only
    if up:
        only.remove("--up")
        only = only or UP
    checks = Checks()
    with (Processes if up else World)() as world:
        for area in [*AREAS, processes] if up else AREAS:
            if not only or area.__name__ in only:
                checks.run(area.__name__, area.checks, world)
    for failed in checks.failed:
        print(f"failed: {failed}")
    print(f"{checks.passed} passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


sys.exit(main())
