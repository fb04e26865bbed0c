"""A page opened in a real Chromium, and what a test can ask of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from patience import PATIENCE_S
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

WIDE, HIGH = 1400, 900


class Browser:
    """A page in Chromium."""

    def __init__(self, driver: WebDriver, folder: Path) -> None:
        self.driver = driver
        self.folder = folder
        self.requests()
        self.complaints()

    def open(self, pieces: Iterable[str]) -> None:
        """Open a page that is made of these pieces."""
        path = self.folder / "audit.html"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        self.go(path)

    def go(self, path: Path) -> None:
        self.driver.get(path.as_uri())

    def js(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(script, *values)  # type: ignore[no-untyped-call]

    def tell(self, command: str, **values: object) -> Any:
        """Tell Chromium itself. Source: chromedevtools.github.io/devtools-protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def screen(self, width: int = WIDE, height: int = HIGH) -> None:
        self.tell(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def media(self, kind: str = "", **features: str) -> None:
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.tell("Emulation.setEmulatedMedia", media=kind, features=named)

    def complaints(self) -> list[str]:
        """Return what stands on the console, and forget it."""
        return [each["message"] for each in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for, and forget them."""
        told = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]  # type: ignore[no-untyped-call]
        return [each["params"]["request"]["url"] for each in told if each["method"] == "Network.requestWillBeSent"]

    def until(self, script: str, wanted: object, *values: object) -> None:
        """Return when the script returns what is wanted."""
        WebDriverWait(self.driver, PATIENCE_S, 0.05).until(
            lambda _: self.js(script, *values) == wanted, f"{script}: {wanted}"
        )
