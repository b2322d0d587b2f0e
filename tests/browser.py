"""Headless Chromium for tests, driven over plain WebDriver (w3.org/TR/webdriver2)."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from local_aws.processes import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium here; on Debian: apt-get install chromium chromium-driver"
)

_axe = find_spec("axe_core_python")
assert _axe is not None
assert _axe.origin is not None
AXE = Path(_axe.origin).with_name("axe.min.js")

KEYS = {"right": "\ue014", "left": "\ue012", "escape": "\ue00c", "tab": "\ue004", "enter": "\ue007"}
"""The WebDriver code points for keys."""


class Browser:
    """One headless Chromium with a fresh profile."""

    def __init__(self, address: str, profile: Path, phone: tuple[int, int] | None = None) -> None:
        self._address = address
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={profile}",
        ]  # fmt: skip
        chrome: dict[str, Any] = {"binary": CHROMIUM, "args": options}
        if phone:
            metrics = {"width": phone[0], "height": phone[1], "pixelRatio": 2, "touch": True}
            chrome["mobileEmulation"] = {"deviceMetrics": metrics}
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        opened = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{opened['sessionId']}"

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(
            self._address + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def close(self) -> None:
        self._ask("DELETE", self._session)

    def size(self, width: int, height: int) -> None:
        self._ask("POST", f"{self._session}/window/rect", {"width": width, "height": height})

    def prefer(self, scheme: str) -> None:
        """Light or dark, as the person's system would say."""
        emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.devtools("Emulation.setEmulatedMedia", emulated)

    def devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        return self._ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, address: str) -> None:
        self._ask("POST", f"{self._session}/url", {"url": "about:blank"})
        self._ask("POST", f"{self._session}/url", {"url": address})

    def run(self, script: str, *arguments: object) -> Any:
        """What the script returns; WebDriver may run scripts whatever the page's policy says."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("POST", f"{self._session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def click(self, css: str) -> None:
        self._ask("POST", f"{self._element(css)}/click")

    def type(self, css: str, text: str) -> None:
        """Types into a field; a file's path chooses that file."""
        self._ask("POST", f"{self._element(css)}/value", {"text": text})

    def _element(self, css: str) -> str:
        found = self._ask("POST", f"{self._session}/element", {"using": "css selector", "value": css})
        return f"{self._session}/element/{next(iter(found.values()))}"

    def wait(self, script: str, *arguments: object, seconds: float = 30) -> float:
        """Waits until the script returns something true; answers with the seconds that it took."""
        began = time.monotonic()
        while not self.run(script, *arguments):
            assert time.monotonic() - began < seconds, f"{script}\n{self.run('return document.body.innerText')}"
            time.sleep(0.05)
        return time.monotonic() - began

    def screenshot(self) -> bytes:
        return base64.b64decode(self._ask("GET", f"{self._session}/screenshot"))

    def accessibility_problems(self) -> list[str]:
        """What axe-core finds serious or critical on the page as it is now."""
        self.run(AXE.read_text(encoding="utf-8"))
        script = "const done = arguments[arguments.length - 1]; axe.run().then(found => done(found.violations));"
        found = self._ask("POST", f"{self._session}/execute/async", {"script": script, "args": []})
        return [
            f"{each['id']}: {node['html']}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    def complaints(self) -> list[str]:
        """What the console has seen since the last time."""
        return [entry["message"] for entry in self._ask("POST", f"{self._session}/se/log", {"type": "browser"})]


@contextmanager
def opened(profile: Path, phone: tuple[int, int] | None = None) -> Iterator[Browser]:
    """A browser with this profile; `phone` is the width and height of a touch screen, in CSS pixels."""
    port = free_port()
    driver = subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        browser = Browser(f"http://127.0.0.1:{port}", profile, phone)
        yield browser
        browser.close()
    finally:
        driver.terminate()
        driver.wait(10)
