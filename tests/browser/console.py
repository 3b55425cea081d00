"""The console in a real browser: a link is cut by a click, the fault is seen, the file is saved and opened again."""

import subprocess
import time


def started(program, scenario, folder):
    """A console of its own, and where it is."""
    words = [program, "console", str(scenario)]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, process.stdout.readline().strip()


def until(browser, script, wanted=lambda it: it):
    """What a script answers as soon as it is as wanted; the last answer after five seconds."""
    answer = None
    for _ in range(50):
        answer = browser.script(script)
        if wanted(answer):
            break
        time.sleep(0.1)
    return answer


# Clicks on something, and answers how many milliseconds it takes until something else holds.
TOOK = """return new Promise((resolve) => {
  const began = performance.now();
  %s;
  const look = () => (%s) ? resolve(performance.now() - began)
    : performance.now() - began > 10000 ? resolve(-1) : requestAnimationFrame(look);
  look();
})"""
VERDICT = "return document.getElementById('verdict').textContent"


def console(browser, check, root, out, program):
    """Clicks, keys and saving."""
    saved = out / "what-i-did.yaml"
    saved.unlink(missing_ok=True)
    process, address = started(program, root / "scenarios" / "01-region-outage.yaml", out)
    try:
        browser.complaints(), browser.requests()
        browser.tell("Page.navigate", {"url": address})
        check("console: the run is there", until(browser, VERDICT, lambda it: "PASS" in it) == "✓ PASS")
        lines = "return document.querySelectorAll('#map .drawing .region').length"
        check("console: three Regions on the map", until(browser, lines, lambda it: it == 3) == 3)
        browser.press("Right", "Right", "Right")
        now = browser.script("return document.getElementById('now').textContent")
        check("console: arrow keys move the moment", now != "0.000 s", now)
        browser.picture(out / "console.png")

        # A click on the link between the first two Regions.
        browser.script("document.querySelector('#map .hit').dispatchEvent(new MouseEvent('click', { bubbles: true }))")
        yaml = until(browser, "return document.getElementById('ask-yaml').textContent")
        check("console: the YAML of a click is shown first", "partition" in yaml, yaml)
        browser.script("document.getElementById('ask-at').value = 0; document.getElementById('ask-lasts').value = 600")
        browser.picture(out / "console-ask.png")
        took = browser.script(TOOK % ("document.getElementById('ask-do').click()", "document.getElementById('verdict').textContent.includes('FAIL')"))
        check("console: the fault changes the run", took >= 0)
        print(f"  console: {took:.0f} ms from the click to the new run's verdict")
        browser.script("const t = document.getElementById('time'); t.value = 2000000; t.dispatchEvent(new Event('input'))")
        cut = "return document.querySelectorAll('#map .drawing .link.cut').length"
        check("console: the link is drawn as cut", until(browser, cut, lambda it: it >= 1) >= 1)
        browser.picture(out / "console-cut.png")

        browser.script("document.querySelector('#save button').click()")
        told = until(browser, "return document.getElementById('saved').textContent")
        check("console: what was done is saved", "Saved" in told and saved.exists(), told)
        checked = subprocess.run([program, "check", saved], capture_output=True, text=True, check=False)
        check("console: what was saved passes `check`", checked.returncode == 0, checked.stdout + checked.stderr)

        browser.script("document.querySelector('#acts button').click()")
        check("console: a click is taken back", until(browser, VERDICT, lambda it: "PASS" in it) == "✓ PASS")
        browser.script(
            "const t = document.getElementById('time'); t.value = 0; t.dispatchEvent(new Event('input'));"
            "document.getElementById('dial-writes').value = 20; document.getElementById('dial-show').click()"
        )
        steps = until(browser, "return document.getElementById('dial-yaml').textContent")
        check("console: the dial is shown as steps", "dial_1_writes" in steps, steps)
        browser.script("document.getElementById('dial').requestSubmit()")
        acts = until(browser, "return document.getElementById('acts').textContent", lambda it: "the dial" in it)
        browser.script("const t = document.getElementById('time'); t.value = 9000000; t.dispatchEvent(new Event('input'))")
        figures = until(browser, "return document.getElementById('dial-told').textContent", lambda it: "ms" in it)
        check("console: the dial tells what is achieved", "the dial" in acts and "ms / " in figures, acts + figures)
        browser.picture(out / "console-dial.png")
        browser.script("const t = document.getElementById('text'); t.value = 'scenario: 1\\ntitel: x'; t.dispatchEvent(new Event('input'))")
        found = until(browser, "return document.getElementById('findings').textContent")
        check("console: the editor says what is wrong", "titel" in found, found)

        browser.script("document.body.focus(); document.activeElement.blur()")
        for _ in range(40):
            browser.press("Tab")
            if browser.script("return document.activeElement.textContent").startswith("eu-west-1"):
                break
        browser.press("Enter")
        opened = browser.script("return document.getElementById('ask').open")
        check("console: a Region can be darkened by keys alone", opened)
        browser.script("document.getElementById('ask').close()")
        browser.size(390, 844)
        over = browser.script("return document.documentElement.scrollWidth - window.innerWidth")
        check("console: a narrow screen scrolls in one direction alone", over <= 0, f"{over} too wide")
        browser.picture(out / "console-narrow.png")
        browser.size(1280, 1600)
        complaints = browser.complaints()
        check("console: the browser does not complain", not complaints, complaints)
        own = [it for it in browser.requests() if not it.startswith((address, "data:", "about:", "chrome", "file:"))]
        check("console: nobody else is asked", not own, own)
    finally:
        process.terminate()
        process.wait()
    again, address = started(program, saved, out)
    try:
        browser.tell("Page.navigate", {"url": address})
        check("console: the saved file fails as it was seen", "FAIL" in until(browser, VERDICT, lambda it: "FAIL" in it))
    finally:
        again.terminate()
        again.wait()
