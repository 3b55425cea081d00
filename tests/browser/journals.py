"""Journals that no scenario makes: of a hostile run, and of a large one."""

import json

EVIL = "</script></title><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload='alert(3)\u202e"
# Members whose values the program itself chooses, or checks.
KEPT = {"kind", "region", "regions", "from", "to", "status", "judgement", "result", "fate", "note", "home", "call", "call_id"}


def poisoned(value, name=""):
    """Every text of an event made hostile, but those that the reader needs to be what they are."""
    if isinstance(value, dict):
        return {key: poisoned(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [poisoned(member, name) for member in value]
    if isinstance(value, str) and name not in KEPT:
        return EVIL + value * (2000 if name in ("why", "because") else 1)
    return value


def hostile(source, target):
    """A run with scripts in all its names, and values of hundreds of kilobytes."""
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            event = json.loads(line)
            if event["kind"] == "expectation":
                event.pop("problem", None)
            out.write(json.dumps(poisoned(event)) + "\n")


def large(target, calls=5_000, messages=5_000):
    """A run of 10,000 calls and messages in a minute, one in fifty of them in trouble."""
    regions = ["eu-west-1", "us-east-1", "ap-southeast-2"]
    timed = []
    for index in range(calls):
        sent, region = index * 12_000, regions[index % 3]
        call = {"call": f"call-{index}", "step": "1", "operation": "kms.Encrypt", "principal": "app", "region": region, "attempt": 1}
        timed.append((sent, {"kind": "call_sent", **call, "from": region, "request": {}}))
        outcome = {"result": "success", "response": {}}
        if index % 50 == 0:
            outcome = {"result": "unheard", "code": "ConnectTimeout", "message": "", "caused_by": "region_down"}
        timed.append((sent + 900, {"kind": "call_answered", **call, "latency": 900, "cross_region_calls": 0, "outcome": outcome}))
    for index in range(messages):
        sent, way = index * 12_000 + 400, (regions[index % 3], regions[(index + 1) % 3])
        lost = index % 50 == 0
        message = {"message": index, "from": way[0], "to": way[1], "stream": "kms", "seq": index, "ack": 0, "bytes": 100}
        fate = {"fate": "dropped"} if lost else {"fate": "delivered", "arrives": [sent + 40_000]}
        timed.append((sent, {"kind": "message_sent", **message, **fate}))
        if not lost:
            timed.append((sent + 40_000, {"kind": "message_delivered", "message": index, "to": way[1]}))
    timed.sort(key=lambda pair: pair[0])
    end = timed[-1][0]
    run = {"kind": "run_started", "journal": 1, "name": "large", "title": "Ten thousand", "file": "large.yaml", "source": "scenario: 1\n", "seed": 1, "version": "0"}
    world = {"kind": "world", "regions": regions, "home": regions[0], "accounts": {}, "names": {}}
    step = {"kind": "step_started", "step": "1", "say": "All of it.", "verb": "kms.encrypt", "line": 1}
    first = [run, world, {"kind": "set_up_done"}, step]
    last = [{"kind": "step_ended", "step": "1", "status": "passed"}, {"kind": "verdict", "judgement": "pass"}]
    all_of_it = [(0, it) for it in first] + timed + [(end, it) for it in last]
    with open(target, "w", encoding="utf-8") as out:
        for number, (t, event) in enumerate(all_of_it):
            out.write(json.dumps({"t": t, "n": number, **event}) + "\n")
