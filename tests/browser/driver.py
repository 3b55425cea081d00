"""A browser through ChromeDriver, with nothing but Python's own library."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
# The driver is on this machine; no proxy stands between.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KEYS = {"Tab": "\ue004", "Right": "\ue014", "Left": "\ue012", "End": "\ue010", "Home": "\ue011", "Enter": "\ue007"}


def missing():
    """What is not installed, if anything is."""
    return [name for name in ("chromium", "chromedriver") if not shutil.which(name)]


class Browser:
    """One headless browser with a profile of its own."""

    def __init__(self, width=1280, height=1600):
        self.profile = tempfile.mkdtemp(prefix="faultline-browser-")
        self.process = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.at = f"http://127.0.0.1:{self._port()}"
        options = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={self.profile}", f"--window-size={width},{height}"],
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self.session = None
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = answer["sessionId"]

    def _port(self):
        for line in self.process.stdout:
            if "successfully on port" in line:
                return line.rstrip().rstrip(".").rsplit(" ", 1)[1]
        raise RuntimeError("chromedriver did not say its port")

    def _ask(self, method, path, body=None):
        base = f"{self.at}/session/{self.session}" if self.session else self.at
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with DIRECT.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._ask("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def open(self, path):
        """Loads a file."""
        self._ask("POST", "/url", {"url": path.resolve().as_uri()})

    def script(self, text):
        """What a script answers."""
        return self._ask("POST", "/execute/sync", {"script": text, "args": []})

    def size(self, width, height):
        """Makes the window so large."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.tell("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, **features):
        """What the reader prefers, `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.tell("Emulation.setEmulatedMedia", {"features": wanted})

    def scripts(self, run):
        """Whether pages may run scripts."""
        self.tell("Emulation.setScriptExecutionDisabled", {"value": not run})

    def tell(self, command, parameters):
        """A command of the browser's own protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def press(self, *keys):
        """Presses keys, one after the other; long words are typed."""
        actions = []
        for key in keys:
            for value in [KEYS[key]] if key in KEYS else key:
                actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})
        time.sleep(0.1)

    def picture(self, path):
        """Keeps a screenshot."""
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    def complaints(self):
        """What the console says since the last time."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def requests(self):
        """Addresses that were asked since the last time."""
        found = []
        for entry in self._ask("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found
