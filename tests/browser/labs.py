"""Labs in a real browser: a wrong answer and its sentence, a solution that passes, the step after it; by keys alone,
from another editor, for a class."""

import shutil
import subprocess

from console import until

LAB = "one-key-two-regions"
ERROR = "wrong/no-replica.yaml"
SOLUTION = "solutions/world.yaml"
STEP = "return document.getElementById('step-title').textContent"
PASSED = "return document.getElementById('passed').textContent"
CHECKS = "return document.getElementById('checks').textContent"
HOSTILE = 'title: "<img src=x onerror=alert(1)><script>alert(1)</script>"'


def started(program, folder, *words):
    """A page of its own, and where it is."""
    process = subprocess.Popen(
        [program, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process, process.stdout.readline().strip()


def ended(process):
    process.terminate()
    process.wait()


def written(browser, text):
    """Puts a text into the editor and saves it by keys."""
    browser.script("document.getElementById('text').select(); document.getElementById('text').focus()")
    quoted = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    browser.script(
        f"const it = document.getElementById('text'); it.value = `{quoted}`; it.dispatchEvent(new Event('input'))"
    )
    browser.script(
        "document.getElementById('text').dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 's', ctrlKey: true, bubbles: true, cancelable: true }))"
    )


def learner(browser, check, root, folder, program, out):
    """Through a lab's first two steps."""
    lab = root / "scenarios" / "labs" / f"02-{LAB}"
    process, address = started(program, folder, "console", "--labs")
    try:
        browser.tell("Page.navigate", {"url": address})
        count = until(browser, "return document.querySelectorAll('#labs li').length")
        check("labs: all are listed", count == 18, count)
        browser.picture(out / "labs.png")
        # Tab goes to the second lab's button; Enter begins it.
        for _ in range(12):
            browser.press("Tab")
            if browser.script("return document.activeElement.textContent").startswith("2 "):
                break
        browser.press("Enter")
        check("labs: Enter begins one", until(browser, STEP) == "See it fail")
        check("labs: it is in a folder of its own", (folder / LAB / "progress.json").exists())
        browser.script("document.activeElement.blur()")
        browser.press("1")
        so = until(browser, "return document.getElementById('so').textContent")
        check("labs: a wrong answer explains itself", so.startswith("No.") and "IAM is global" in so, so)
        browser.press("2")
        until(browser, "return document.getElementById('so').textContent", lambda it: it.startswith("Yes."))
        why = browser.script("return !document.getElementById('why').hidden")
        check("labs: passing is not moving on", why and browser.script(STEP) == "See it fail")
        browser.press("n")
        until(browser, STEP, lambda it: it != "See it fail")
        check("labs: n moves on", browser.script(STEP) == "Give the standby a key")
        browser.press("h")
        hints = until(browser, "return document.querySelectorAll('#hints [data-read]').length")
        check("labs: a hint is read, and counts", hints == 1 and '"hints": 1' in (folder / LAB / "progress.json").read_text())

        written(browser, (lab / ERROR).read_text())
        told = until(browser, CHECKS, lambda it: "not yet" in it)
        check("labs: a wrong file hears its sentence", "us-east-1 does not know the key" in told, told)
        verdict = until(browser, "return document.getElementById('verdict').textContent", lambda it: "FAIL" in it)
        now = browser.script("return [Number(document.getElementById('time').value), Number(document.getElementById('time').max)]")
        check("labs: the run stands at its first failure", "FAIL" in verdict and 0 < now[0] <= now[1], f"{verdict} {now}")
        check("labs: the map has both Regions", browser.script("return document.querySelectorAll('#map .drawing .region').length") == 2)
        browser.picture(out / "lab-failed.png")

        # What is wrong is underlined; what may come is offered; a name is only a name.
        text = (lab / SOLUTION).read_text()
        written(browser, text.replace("world:", HOSTILE + "\nworlb:", 1).replace("title:", "#:", 1))
        found = until(browser, "return document.getElementById('findings').textContent", lambda it: "worlb" in it)
        marks = browser.script("return document.querySelectorAll('#under .error').length")
        check("labs: what is wrong is underlined", "worlb" in found and marks >= 1, found)
        check("labs: hostile text is inert", browser.script("return document.images.length") == 0)
        browser.script("const it = document.getElementById('text'); it.focus(); it.value = 'scenario: 1\\nwor'; it.selectionStart = it.value.length; it.dispatchEvent(new Event('input'))")
        offered = until(browser, "return document.getElementById('offers').textContent", lambda it: "world" in it)
        check("labs: the schema's words are offered", "world" in offered, offered)
        browser.press("Enter")
        taken = browser.script("return document.getElementById('text').value")
        check("labs: Enter takes one", taken.endswith("world: "), taken)

        written(browser, text)
        until(browser, PASSED, lambda it: it.startswith("✓"))
        check("labs: the solution passes", browser.script(PASSED).startswith("✓"), browser.script(CHECKS))
        check("labs: and its step stays", browser.script(STEP) == "Give the standby a key")
        browser.picture(out / "lab-passed.png")

        # Another editor: the same event.
        shutil.copy(lab / ERROR, folder / LAB / "world.yaml")
        told = until(browser, CHECKS, lambda it: "not yet" in it)
        check("labs: a save of another editor is judged too", "not yet" in told, told)
        browser.script("document.getElementById('text').blur()")
        browser.press("n")
        until(browser, STEP, lambda it: it == "Which name of the key?")
        check("labs: on to the last step", browser.script(STEP) == "Which name of the key?")
        browser.size(390, 844)
        over = browser.script("return document.documentElement.scrollWidth - window.innerWidth")
        check("labs: a narrow screen scrolls in one direction alone", over <= 0, f"{over} too wide")
        browser.picture(out / "lab-narrow.png")
        browser.size(1280, 1600)
        quiet(browser, check, address, "labs")
        # A page that stays open would complain that its server is gone.
        browser.tell("Page.navigate", {"url": "about:blank"})
    finally:
        ended(process)


def presented(browser, check, root, folder, program, out):
    """A class sees no solution, and no step that is still to come."""
    process, address = started(program, folder, "lab", "present", LAB)
    try:
        browser.tell("Page.navigate", {"url": address})
        check("present: the lab is there", until(browser, STEP) == "See it fail")
        size = browser.script("return parseFloat(getComputedStyle(document.body).fontSize)")
        check("present: in large type", size >= 20, size)
        browser.press("n")
        until(browser, STEP, lambda it: it == "Give the standby a key")
        shown = browser.script("return document.body.innerText")
        steps = browser.script("return document.getElementById('steps').innerText")
        check("present: one step at a time", "Give the standby" in steps and "Which name" not in steps, steps)
        visible = "return ['solution', 'skip', 'solved'].some((id) => document.getElementById(id).offsetParent !== null)"
        check("present: no solution on screen", not browser.script(visible) and "replicas: [us-east-1]" not in shown)
        browser.press("s", "k")
        check("present: nor by keys", browser.script(STEP) == "Give the standby a key" and not browser.script(visible))
        browser.press("p")
        check("present: and back", until(browser, STEP, lambda it: it == "See it fail") == "See it fail")
        browser.picture(out / "lab-class.png")
        quiet(browser, check, address, "present")
        browser.tell("Page.navigate", {"url": "about:blank"})
    finally:
        ended(process)


def quiet(browser, check, address, page):
    complaints = browser.complaints()
    check(f"{page}: the browser does not complain", not complaints, complaints)
    own = (address, "data:", "about:", "chrome", "file:")
    asked = [it for it in browser.requests() if not it.startswith(own)]
    check(f"{page}: nobody else is asked", not asked, asked)


def labs(browser, check, root, out, program):
    """A learner, then a class."""
    folder = out / "labs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    browser.complaints(), browser.requests()
    learner(browser, check, root, folder, program, out)
    presented(browser, check, root, folder, program, out)
