#!/usr/bin/env python3
"""How long `faultline lab watch` takes from a save to its result: `lab_watch.py [PROGRAM]`.

For each shipped lab, at its first step that builds a file: the time from the rename that an editor's
save ends with to the last line of what the watch prints, for a solution, the median of five saves.
"""

import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "release" / "faultline").resolve()
TIMES = 5
AIM = 0.3


def until(watch, words, limit=120):
    """Reads what the watch prints until it says these words."""
    text, end = "", time.monotonic() + limit
    while words not in text and time.monotonic() < end:
        if select.select([watch.stdout], [], [], 1)[0]:
            text += os.read(watch.stdout.fileno(), 65_536).decode()
    return text


def first_build(lab):
    """The file, the solution and the questions before it."""
    text = (lab / "lab.yaml").read_text(encoding="utf-8")
    steps = re.split(r"\n  - id: ", text)[1:]
    for place, step in enumerate(steps):
        edit = re.search(r"^    edit: (\S+)", step, re.M)
        if edit:
            return edit[1], lab / re.search(r"^    solution: (\S+)", step, re.M)[1], place
    raise ValueError(f"{lab}: no step builds anything")


def measured(lab, folder):
    """Seconds for each save."""
    file, solution, questions = first_build(lab)
    run = {"cwd": folder, "stdout": subprocess.DEVNULL, "check": True}
    number = str(int(lab.name.split("-")[0]))
    subprocess.run([PROGRAM, "lab", "start", number, "--into", "desk"], **run)
    desk = folder / "desk"
    for _ in range(questions):
        subprocess.run([PROGRAM, "lab", "skip", "--dir", "desk"], **run)
    watch = subprocess.Popen([PROGRAM, "lab", "watch", "--dir", "desk"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        until(watch, "q quit")
        times = []
        for _ in range(TIMES):
            (desk / ".saved").write_bytes(solution.read_bytes())
            began = time.monotonic()
            (desk / ".saved").rename(desk / file)
            told = until(watch, "q quit")
            times.append(time.monotonic() - began)
            if "Done." not in told:
                raise RuntimeError(f"{lab.name}: {told}")
            time.sleep(0.3)
        return times
    finally:
        watch.terminate()
        watch.wait()


def main():
    slow = 0
    for lab in sorted((ROOT / "scenarios" / "labs").glob("[0-9]*")):
        with tempfile.TemporaryDirectory() as folder:
            took = statistics.median(measured(lab, Path(folder)))
        slow += took > AIM
        print(f"{lab.name:<36} {took * 1000:5.0f} ms", flush=True)
    print(f"{slow} over {AIM * 1000:.0f} ms")


if __name__ == "__main__":
    main()
