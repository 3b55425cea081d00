#!/usr/bin/env python3
"""Looks at reports, the console, labs and a live world with a real browser: `run.py [target/debug/faultline [reports] [labs] [live]]`.

Needs chromium and chromedriver; says so and does nothing without them. Pages and screenshots stay
in `target/browser/`.
"""

import subprocess
import sys
import time
from pathlib import Path

import journals
from console import console
from driver import Browser, missing
from labs import labs
from live import live

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "browser"
PROGRAM = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "target" / "debug" / "faultline"
RUNS = OUT / "runs"
failed = []


def check(what, holds, told=""):
    """Says whether something holds, and remembers when it does not."""
    print(f"  {'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {told}'}", flush=True)
    if not holds:
        failed.append(what)


def faultline(*words):
    """Runs the program; what it printed."""
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=OUT, check=False)
    return done.stdout.strip()


def forgetful():
    """A scenario that fails: the key policy that would have helped is never put."""
    text = (ROOT / "scenarios" / "03-crr-sse-modes.yaml").read_text(encoding="utf-8")
    start = text.index("  - say: The key admin adds the missing statement.")
    end = text.index("  - say: New objects pass...")
    path = OUT / "forgetful.yaml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    return path


def pages():
    """Writes the pages that are looked at."""
    OUT.mkdir(parents=True, exist_ok=True)
    run = ["--transport", "loopback", "--out", RUNS, "-q"]
    faultline("run", forgetful(), *run, "--report", f"html={OUT / 'failed.html'}")
    journal = RUNS / "latest" / "events.jsonl"
    for name, make in {"hostile": lambda to: journals.hostile(journal, to), "large": journals.large}.items():
        folder = RUNS / f"made-{name}"
        folder.mkdir(exist_ok=True)
        make(folder / "events.jsonl")
        began = time.monotonic()
        faultline("report", folder, "--file", OUT / f"{name}.html")
        took = time.monotonic() - began
        if name == "large":
            size = (OUT / "large.html").stat().st_size
            print(f"  10,000 events: {size:,} bytes, written in {took:.2f} s")
    first = (RUNS / "latest").resolve()
    faultline("run", ROOT / "scenarios" / "02-global-table-conflict.yaml", *run, "--report", f"html={OUT / 'conflict.html'}")
    faultline("report", first, RUNS / "latest", "--file", OUT / "compare.html")


def clean(browser, page):
    """No complaint in the console, and nobody was asked for anything."""
    complaints = browser.complaints()
    check(f"{page}: the console is silent", not complaints, complaints)
    asked = [it for it in browser.requests() if not it.startswith(("file://", "data:", "about:", "chrome"))]
    check(f"{page}: no request leaves the file", not asked, asked)


def loads(browser):
    """A failed run tells its first failure, and time can be moved by keys alone."""
    browser.open(OUT / "failed.html")
    text = browser.script("return document.body.innerText")
    for words in ("FAIL", "The first thing that went wrong", "What would have helped", "Keys by Region", "How to get exactly this again"):
        check(f"failed: it says `{words}`", words in text)
    browser.picture(OUT / "failed.png")
    for _ in range(60):
        browser.press("Tab")
        if browser.script("return document.activeElement.id") == "canvas":
            break
    check("failed: Tab comes to the picture of time", browser.script("return document.activeElement.id") == "canvas")
    now = "return document.getElementById('now').textContent"
    browser.press("Home")
    first = browser.script(now)
    browser.press("Right", "Right", "Right")
    check("failed: arrow keys move the moment", browser.script(now) != first, first)
    browser.press("+", "+", "0", "End")
    browser.script("document.getElementById('filter').focus()")
    browser.press("kms.encrypt")
    count = browser.script("return document.getElementById('count').textContent")
    check("failed: the filter leaves fewer", int(count.split()[0]) < int(count.split()[2]), count)
    clean(browser, "failed")


def plain(browser):
    """All that is said is said without a script, and the picture of time is drawn."""
    browser.scripts(False)
    browser.open(OUT / "failed.html")
    text = browser.script("return document.body.innerText")
    for words in ("FAIL", "The first thing that went wrong", "What would have helped", "Denials", "How to get exactly this again"):
        check(f"plain: it says `{words}`", words in text)
    check("plain: no viewer lives", browser.script("return document.getElementById('live').hidden"))
    drawn = browser.script("const it = document.querySelector('#drawn svg').getBoundingClientRect(); return it.width * it.height")
    check("plain: the picture of time is drawn", drawn > 10_000, drawn)
    browser.picture(OUT / "plain.png")
    browser.scripts(True)


def wide_and_narrow(browser):
    """Both schemes, and a screen as narrow as a telephone's."""
    browser.open(OUT / "conflict.html")
    check("conflict: both sides are there", "is gone" in browser.script("return document.body.innerText"))
    browser.script("for (const it of document.querySelectorAll('#list')) it.open = true")
    browser.press("Home")
    browser.media(prefers_color_scheme="dark", prefers_reduced_motion="reduce")
    time.sleep(0.3)
    browser.picture(OUT / "conflict-dark.png")
    browser.script("document.getElementById('conflicts').scrollIntoView()")
    time.sleep(0.2)
    browser.picture(OUT / "conflict-sides.png")
    browser.media(prefers_color_scheme="light")
    browser.size(390, 844)
    browser.open(OUT / "conflict.html")
    over = browser.script("return document.documentElement.scrollWidth - window.innerWidth")
    check("conflict: a narrow screen scrolls in one direction alone", over <= 0, f"{over} too wide")
    browser.picture(OUT / "narrow.png")
    browser.size(1280, 1600)
    clean(browser, "conflict")


def hostile(browser):
    """Scripts in names do nothing."""
    browser.open(OUT / "hostile.html")
    check("hostile: no picture came of a name", browser.script("return document.images.length") == 0)
    scripts = browser.script("return document.scripts.length")
    check("hostile: no script but ours", scripts == 2, scripts)
    check("hostile: the viewer lives", browser.script("return !document.getElementById('live').hidden"))
    wide = browser.script("return document.documentElement.scrollWidth - window.innerWidth")
    check("hostile: it stays in its page", wide <= 0, f"{wide} too wide")
    browser.picture(OUT / "hostile.png")
    clean(browser, "hostile")


def large(browser):
    """10,000 events in under a second."""
    browser.open(OUT / "large.html")
    paint = "return performance.getEntriesByType('paint').find((it) => it.name === 'first-contentful-paint')?.startTime"
    for _ in range(20):
        if browser.script(paint):
            break
        time.sleep(0.1)
    first = browser.script(paint) or 0
    ready = browser.script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"  10,000 events: first paint after {first:.0f} ms, all loaded after {ready:.0f} ms")
    check("large: something is painted", first > 0)
    count = browser.script("return document.getElementById('count').textContent")
    check("large: ten thousand are there", int(count.split()[0]) >= 10_000, count)
    browser.picture(OUT / "large.png")
    clean(browser, "large")


def compared(browser):
    """Two runs on one page."""
    browser.open(OUT / "compare.html")
    check("compare: it says what differs", "What differs" in browser.script("return document.body.innerText"))
    browser.picture(OUT / "compare.png")
    clean(browser, "compare")


def main():
    if missing():
        print(f"{' and '.join(missing())} not installed: reports were not looked at with a browser in this run")
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:] or ["reports", "labs", "live"]
    if "reports" in wanted:
        pages()
    with Browser() as browser:
        if "reports" in wanted:
            for part in (loads, plain, wide_and_narrow, hostile, large, compared):
                part(browser)
            console(browser, check, ROOT, OUT, PROGRAM.resolve())
        if "labs" in wanted:
            labs(browser, check, ROOT, OUT, PROGRAM.resolve())
        if "live" in wanted:
            live(browser, check, OUT, PROGRAM.resolve())
    print(f"{len(failed)} failed; screenshots are in {OUT.relative_to(ROOT)}" if failed else "all hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
