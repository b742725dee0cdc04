"""A page for tests: its elements as text, and the page in Chromium, where that and its driver are installed."""

import importlib.util
import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = [
    name
    for name, there in {
        "chromium": CHROMIUM,
        "chromium-driver": DRIVER,
        "selenium": importlib.util.find_spec("selenium"),
        "axe-core-python": importlib.util.find_spec("axe_core_python"),
    }.items()
    if not there
]
REQUIRED = os.environ.get("ADAMBENCH_BROWSER") == "required"  # so that CI never skips them
in_browser = pytest.mark.skipif(bool(MISSING) and not REQUIRED, reason=f"not installed: {', '.join(MISSING)}")


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inner: list[tuple[str, str]] = []
        self.last = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.last = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.last = ""

    def handle_data(self, data: str) -> None:
        if self.last in ("script", "style"):
            self.inner.append((self.last, data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


class Browser:
    """A page in Chromium, without a display and without a network."""

    def __init__(self, downloads: Path) -> None:
        from selenium import webdriver  # noqa: PLC0415  # an extra
        from selenium.webdriver.chrome.options import Options  # noqa: PLC0415
        from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

        options = Options()
        for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"):
            options.add_argument(f"--{word}")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
        options.binary_location = CHROMIUM or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.downloads = downloads
        self.tell("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def tell(self, command: str, **what: Any) -> None:
        self.driver.execute_cdp_cmd(command, what)

    def open(self, page: Path, width: int = 900, scheme: str = "light", anchor: str = "") -> None:
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.driver.get("about:blank")
        self.driver.get(f"{page.as_uri()}{anchor}")
        self.until(
            "return document.querySelectorAll('.drawing > svg').length >= document.querySelectorAll('.chart').length"
        )

    def run(self, script: str, *values: Any) -> Any:
        """What a script returns. `$`: the first element of a selector, `$$`: all of them."""
        short = "const $ = (s) => document.querySelector(s), $$ = (s) => [...document.querySelectorAll(s)];"
        return self.driver.execute_script(short + script, *values)

    def until(self, condition: str, *values: Any) -> Any:
        from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415

        return WebDriverWait(self.driver, 30, 0.05).until(lambda _: self.run(condition, *values))

    def press(self, selector: str, key: str) -> None:
        from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

        self.driver.find_element("css selector", selector).send_keys(getattr(Keys, key))

    def errors(self) -> list[str]:
        """What the console says since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> set[str]:
        """The addresses that were asked for since the last call."""
        log: list[Any] = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        found = [json.loads(entry["message"])["message"] for entry in log]
        return {m["params"]["request"]["url"] for m in found if m["method"] == "Network.requestWillBeSent"}

    def saved(self, name: str) -> bytes:
        """A file that the page saves, when it is whole."""
        from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415

        path = self.downloads / name
        WebDriverWait(self.driver, 30, 0.05).until(lambda _: path.exists() and path.stat().st_size)
        return path.read_bytes()
