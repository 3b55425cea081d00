#!/usr/bin/env python3
"""Runs every check against a world of live Regions."""

import sys

import access
import cli
import dynamodb
import ec2
import encryption_sdk
import identity
import kms
import objects
import replication
import signatures
import trail
import uploads
from checks import Checks
from world import World

AREAS = [kms, identity, access, dynamodb, objects, uploads, replication, ec2, trail, signatures, cli, encryption_sdk]


def main():
    only = sys.argv[1:]
    checks = Checks()
    with World() as world:
        for area in AREAS:
            if not only or area.__name__ in only:
                checks.run(area.__name__, area.checks, world)
    for failed in checks.failed:
        print(f"failed: {failed}")
    print(f"{checks.passed} passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


sys.exit(main())
