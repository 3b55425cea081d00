#!/usr/bin/env python3
"""Runs every check against a world of live Regions.

`run.py AREA...` runs some of them; `run.py --up AREA...` against the processes of `faultline up`,
where a few areas suffice unless others are named, for the code behind the entrances is the same.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import access
import cli
import databases
import dynamodb
import ec2
import encryption_sdk
import exported
import identity
import kms
import objects
import parameters
import processes
import replication
import secret_values
import secure
import signatures
import tables
import trail
import uploads
import warehouses
from checks import Checks
from world import Processes, World

# Those that take longest begin first: an area is mostly waiting, for a client to start or a copy to arrive.
AREAS = [exported, secure, cli, uploads, replication, dynamodb, tables, kms, ec2, secret_values, parameters, databases, warehouses, encryption_sdk, objects, signatures, identity, access]
AT_ONCE = 3
# Alone, after them: one reads what the others left in the trail, one kills nodes.
ALONE = [trail, processes]
# Of a world of processes.
UP = ["kms", "exported", "secure", "processes"]
# With worlds of processes of their own.
OWN = [exported, secure]


def main():
    only = sys.argv[1:]
    up = "--up" in only
    if up:
        only.remove("--up")
        only = only or UP
    wanted = lambda areas: [area for area in areas if not only or area.__name__ in only]
    alone = [area for area in wanted(ALONE) if up or area is not processes]
    beside = [area for area in wanted(AREAS) if up or area not in OWN]
    with (Processes if up else World)() as world:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            run = lambda area: Checks(area.__name__).run(area.checks, world)
            done = list(pool.map(run, beside))
        done += map(run, alone)
    failed = [name for checks in done for name in checks.failed]
    for name in failed:
        print(f"failed: {name}")
    print(f"{sum(checks.passed for checks in done)} passed, {len(failed)} failed")
    return 1 if failed else 0


sys.exit(main())
