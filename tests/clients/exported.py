"""A scenario as AWS CLI commands, in a world of its own."""

import os
import pathlib
import subprocess
import sys
import tempfile

from world import ROOT, UP

# A Region goes dark in it, and a key is used in three.
FILE = ROOT / "scenarios/kms/a-failover-needs-no-promotion.yaml"


def checks(check, world):
    with tempfile.TemporaryDirectory() as folder:
        paths = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "FAULTLINE_DIR": os.path.join(folder, "world"), "FAULTLINE": str(UP), "PATH": paths}
        up = subprocess.Popen([UP, "up", "--world", FILE], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            said = next((line for line in up.stderr if "is up" in line), "")
            check.that("its world is made", said)
            script = subprocess.run([UP, "export", "aws-cli", FILE], capture_output=True, text=True)
            check.equal("no step is left out", (script.returncode, script.stderr), (0, ""))
            ran = subprocess.run(["bash", "-s"], input=script.stdout, env=environment, capture_output=True, text=True, timeout=120)
            check.equal("every command ends as the scenario says", ran.returncode, 0)
            check.that("the fault began and ended", "region_down" in ran.stderr and "no faults" not in ran.stderr, ran.stderr)
            broken = script.stdout.replace("\nstep '1 ", "\nis nonsense aws sts get-caller-identity\nstep '1 ", 1)
            ran = subprocess.run(["bash", "-s"], input=broken, env=environment, capture_output=True, text=True, timeout=60)
            check.that("what differs ends the script", ran.returncode != 0 and "wanted nonsense" in ran.stderr, ran.stderr)
        finally:
            subprocess.run([UP, "down"], env=environment, capture_output=True)
            up.wait(30)
