"""The console over live nodes in a real browser: a link is cut by a click, felt, healed, and saved as a scenario."""

import json
import shutil
import statistics
import subprocess
import time
import urllib.request

from console import TOOK, until
from driver import DIRECT

WORLD = """scenario: 1
title: A shop in three Regions
world:
  regions: [eu-west-1, us-east-1, ap-southeast-2]
  accounts: { shop: "111111111111" }
  principals:
    app: { account: shop, kind: user, allow: ["*"] }
  keys:
    cards: { account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }
  tables:
    orders: { account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }
steps:
  - { in: eu-west-1, as: app, sts.get_caller_identity: {} }
"""

CLICK = "document.querySelector('%s').dispatchEvent(new MouseEvent('click', { bubbles: true }))"
DO = "document.getElementById('ask-do').click()"
CUT = "document.querySelector('#map .drawing .link.cut')"
FACTS = "return document.getElementById('facts').textContent"


def text(name):
    """What an element says."""
    return f"return document.getElementById('{name}').textContent"


def choose(browser, word):
    """Chooses what to do in the dialog."""
    browser.script(
        "const it = document.getElementById('ask-what');"
        f"it.value = [...it.options].find((one) => one.text.includes('{word}')).value;"
        "it.dispatchEvent(new Event('input'))"
    )
    until(browser, text("ask-command"), lambda it: word == "" or it)


class Live:
    """A world of processes with a console."""

    def __init__(self, out, program):
        self.program, self.dir = program, out / "live-world"
        shutil.rmtree(self.dir, ignore_errors=True)
        file = out / "shop.yaml"
        file.write_text(WORLD, encoding="utf-8")
        quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "text": True, "cwd": out}
        self.up = subprocess.Popen([program, "up", "--world", file, "--dir", self.dir], stdout=subprocess.PIPE, **quiet)
        if not self.up.stdout.readline():
            raise RuntimeError("faultline up ended before its world was there")
        self.console = subprocess.Popen([program, "console", "--live", "--dir", self.dir], stdout=subprocess.PIPE, **quiet)
        self.address = self.console.stdout.readline().strip()

    def run(self, *words):
        """A command on this world."""
        return subprocess.run([self.program, *words, "--dir", self.dir], capture_output=True, text=True, check=False).stdout

    def ends(self):
        """Stops both, whatever happened."""
        for process in (self.console, self.up):
            process.terminate()
            process.wait()


def live(browser, check, out, program):
    """All of it."""
    (out / "live-done.yaml").unlink(missing_ok=True)
    world = Live(out, program)
    try:
        browser.complaints(), browser.requests()
        browser.tell("Page.navigate", {"url": world.address})
        looks(browser, check, world, out)
        cut(browser, check, world, out)
        others(browser, check, world)
        by_keys(browser, check)
        saves(browser, check, world, out)
        complaints = browser.complaints()
        check("live: the browser does not complain", not complaints, complaints)
        asked = [it for it in browser.requests() if not it.startswith((world.address, "data:", "about:", "chrome"))]
        check("live: nobody else is asked", not asked, asked)
        gone(browser, check, world)
    finally:
        world.ends()


def looks(browser, check, world, out):
    """Regions, keys, data, and calls as they happen; the dial."""
    there = until(browser, FACTS, lambda it: "3 of 3" in it)
    check("live: three nodes are up", "3 of 3 nodes up, 0 faults" in there, there)
    keys = until(browser, text("keys"), lambda it: "cards" in it)
    check("live: keys by Region", "primary" in keys and "replica" in keys, keys)
    data = until(browser, text("data"), lambda it: "orders" in it)
    check("live: data by Region", "0 items" in data, data)
    browser.script(
        "document.getElementById('dial-writes').value = 40; document.getElementById('dial-reads').value = 10;"
        "document.getElementById('dial').requestSubmit()"
    )
    behind, drawn = [], "const it = document.getElementById('behind'); const ms = it.dataset.ms; delete it.dataset.ms; return ms"
    for _ in range(25):
        time.sleep(0.1)
        latest = browser.script(drawn)
        behind += [float(latest)] if latest else []
    told = browser.script(text("dial-told"))
    check("live: the dial tells what is achieved", "answered" in told and "writes a second, of 400" not in told, told)
    check("live: calls are seen as they happen", "dynamodb.PutItem in eu-west-1" in browser.script(text("log")))
    if behind:
        middle = statistics.median(behind)
        print(f"  live: a call is drawn {middle:.0f} ms after it ended, at most {max(behind):.0f} ms ({len(behind)} looks, 50 requests a second)")
    check("live: a call is drawn within half a second", behind and statistics.median(behind) < 500, behind)
    browser.picture(out / "live.png")
    browser.script("document.getElementById('dial-off').click()")
    off = until(browser, text("dial-state"), lambda it: it == "Off.")
    check("live: the dial is turned off", off == "Off.", off)


def cut(browser, check, world, out):
    """A link: shown first, cut, felt by the nodes, healed."""
    browser.script(CLICK % "#map .hit.link")
    yaml = until(browser, text("ask-yaml"))
    check("live: the YAML of a click is shown first", "partition: [[eu-west-1], [us-east-1]]" in yaml, yaml)
    command = browser.script(text("ask-command"))
    check("live: and the command", command == "faultline fault start partition between=eu-west-1,us-east-1", command)
    check("live: nothing is done before that", "partition" not in world.run("fault", "list"))
    took = browser.script(TOOK % (DO, CUT))
    check("live: the link is drawn as cut", took >= 0)
    check("live: the fault is in force", "partition" in world.run("fault", "list"))
    browser.picture(out / "live-cut.png")
    healed = browser.script(TOOK % ("document.querySelector('#faults button').click()", "!" + CUT))
    check("live: it is healed", healed >= 0 and "partition" not in world.run("fault", "list"))
    print(f"  live: {took:.0f} ms from the click to the cut link, {healed:.0f} ms from the click to the healed one")
    world.run("fault", "start", "slow_link", "between=eu-west-1,us-east-1", "latency=200ms")
    slow = until(browser, "return Boolean(document.querySelector('#map .drawing .link.slow'))")
    check("live: a fault that another shell started is seen", slow)
    browser.script("document.getElementById('heal-all').click()")
    check("live: everything is healed", "0 faults" in until(browser, FACTS, lambda it: "0 faults" in it))


def others(browser, check, world):
    """A key is disabled, and a node is killed: it is away, and the page goes on."""
    browser.script(CLICK % "#map .hit.key")
    until(browser, text("ask-command"), lambda it: "key_disabled" in it)
    disabled = browser.script(TOOK % (DO, "document.getElementById('keys').textContent.includes('Disabled')"))
    check("live: a key is disabled", disabled >= 0)
    browser.script("document.querySelector('#faults button').click()")
    enabled = until(browser, text("keys"), lambda it: "Disabled" not in it)
    check("live: and enabled again", "Disabled" not in enabled, enabled)
    browser.script("document.querySelectorAll('#map .hit.region')[2].dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    choose(browser, "kill its node")
    killed = browser.script(TOOK % (DO, "document.getElementById('nodes').textContent.includes('† killed')"))
    check("live: a killed node is shown as away", killed >= 0)
    check("live: the others are there", "2 of 3 nodes up" in browser.script(FACTS))
    with DIRECT.open(urllib.request.Request(world.address + "api/live"), timeout=5) as answer:
        states = [node["state"] for node in json.load(answer)["nodes"]]
    check("live: another viewer sees the same", states.count("killed") == 1, states)
    browser.script("document.getElementById('heal-all').click()")
    back = until(browser, FACTS, lambda it: "3 of 3" in it)
    check("live: healed, it comes back", "3 of 3 nodes up, 0 faults" in back, back)


def by_keys(browser, check):
    """A Region is darkened by keys alone."""
    browser.script("document.activeElement.blur()")
    for _ in range(20):
        browser.press("Tab")
        if browser.script("return document.activeElement.textContent") == "us-east-1":
            break
    browser.press("Enter")
    opened = until(browser, "return document.getElementById('ask').open && document.getElementById('ask-command').textContent")
    check("live: keys alone open a Region", opened and "region_down region=us-east-1" in opened, opened)
    for _ in range(6):
        if browser.script("return document.activeElement.id") == "ask-do":
            break
        browser.press("Tab")
    browser.press("Enter")
    dark = until(browser, "return document.querySelectorAll('#map .drawing .region.down').length")
    check("live: keys alone darken it", dark == 1, dark)
    for _ in range(40):
        if browser.script("return document.activeElement.textContent") == "heal":
            break
        browser.press("Tab")
    browser.press("Enter")
    check("live: keys alone heal it", "0 faults" in until(browser, FACTS, lambda it: "0 faults" in it))


def saves(browser, check, world, out):
    """What was done is a scenario."""
    browser.script("document.getElementById('save-name').value = 'live-done.yaml'; document.querySelector('#save button').click()")
    told = until(browser, text("saved"))
    saved = out / "live-done.yaml"
    check("live: what was done is saved", "Saved" in told and saved.exists(), told)
    written = saved.read_text(encoding="utf-8") if saved.exists() else ""
    words = ("partition", "slow_link", "key_disabled", "node_crash", "region_down", "dial_1_writes", "dial_1_reads")
    check("live: all of it", all(word in written for word in words), written)
    checked = subprocess.run([world.program, "check", saved], capture_output=True, text=True, check=False)
    check("live: it passes `check`", checked.returncode == 0, checked.stdout + checked.stderr)
    browser.size(390, 844)
    over = browser.script("return document.documentElement.scrollWidth - window.innerWidth")
    check("live: a narrow screen scrolls in one direction alone", over <= 0, f"{over} too wide")
    browser.picture(out / "live-narrow.png")
    browser.size(1280, 1600)


def gone(browser, check, world):
    """When the world stops the page stays, and says so."""
    world.run("down")
    told = until(browser, FACTS, lambda it: "0 of 3" in it)
    banner = until(browser, "const it = document.getElementById('banner'); return it.hidden ? '' : it.textContent")
    check("live: a world that stopped is away", "0 of 3 nodes up" in told and "does not run" in banner, told + banner)
    check("live: what it held is still told", "when last seen" in browser.script(text("keys")))
