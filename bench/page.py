"""What the coverage page of many secrets costs to write and to read.

The report is made in memory, with findings for one secret in ten. The longest task is the longest time in which the
page answers no key; one below 50 ms is not seen and counts as 0. Reading needs Debian's chromium and chromium-driver.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figures import Figure, middle, spread
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from smrep.errors import Outcome
from smrep.model import Target
from smrep.output.artifacts import write
from smrep.regions import Region
from smrep.report import Finding, Kind, LazyReports, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.hints import format_command

MANY, MORE = 5_000, 10_000
HOME, REGIONS = Region("us-east-1"), tuple(map(Region, ("us-west-2", "eu-west-1", "ap-southeast-2")))
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) tasks.push(each.duration);
}).observe({type: "longtask", buffered: true});
"""
"""Tasks of more than 50 ms. Source: w3.org/TR/longtasks-1."""
SETTLED = "return new Promise((done) => requestIdleCallback(() => setTimeout(done, 300)))"
STEPS = {
    "search": "const it = document.getElementById('text'); it.value = '00042'; it.dispatchEvent(new Event('input'))",
    "show all": "document.getElementById('chooser').reset()",
    "open all findings": "document.getElementById('open').click()",
    "scroll to the end": "scrollTo(0, document.documentElement.scrollHeight)",
}


def missing(name: str, region: Region) -> Finding:
    """Return the finding of a secret that is not there."""
    how = format_command("replicate", [name], primary_region=HOME, targets=[Target(region)])
    return Finding(Kind.MISSING, Severity.ERROR, f"{name} has no replica in {region}", how)


def secret(number: int) -> SecretReport:
    """Return one of the secrets, made when it is read, as an audit makes those that listing covers."""
    name = f"app/{number:05d}/db"
    arn = f"arn:aws:secretsmanager:{HOME}:123456789012:secret:{name}-a1b2c3"
    if number % 10:
        rows = tuple(RegionReport(each, Outcome.OK, note="covered by listing") for each in REGIONS)
        return SecretReport(name, Outcome.OK, arn, HOME, rows, checked_by="list")
    rows = tuple(RegionReport(each, Outcome.DRIFT, findings=(missing(name, each),)) for each in REGIONS)
    return SecretReport(name, Outcome.DRIFT, arn, HOME, rows, checked_by="describe")


def report(count: int) -> RunReport:
    """Return the report of so many."""
    bad = (count + 9) // 10
    counts = {"secrets": count, "covered": count - bad, "missing": bad}
    began = datetime(2026, 11, 23, 10, tzinfo=UTC)
    secrets = LazyReports(range(count), secret)
    return RunReport("audit", Outcome.DRIFT, 5, began, 4.2, primary_region=HOME, secrets=secrets, summary=counts)


def _writing(folder: Path) -> Iterator[Figure]:
    """Measure what it takes to write the page."""
    path = str(folder / "audit.html")
    for count in (MORE, MANY):
        started = time.process_time()
        write(path, report(count))
        what = f"page of {count:,} secrets x {len(REGIONS)} Regions"
        yield Figure(what, "written in", time.process_time() - started, "s CPU")
        yield Figure(what, "size", os.path.getsize(path) / 2**20, "MiB")  # noqa: PTH202
        tracemalloc.start()
        write(path, report(count))
        yield Figure(what, "memory to write it", tracemalloc.get_traced_memory()[1] / 2**20, "MiB", 2)
        tracemalloc.stop()


def _reading(driver: WebDriver, path: Path, turns: int) -> Iterator[Figure]:
    """Measure what a browser takes to show the page and to do what is asked of it."""
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    loads, tasks = [], dict[str, list[float]]()

    def js(script: str) -> Any:
        return driver.execute_script(script)

    def longest() -> float:
        js(SETTLED)
        return max([0.0, *map(float, js("return tasks.splice(0)"))])

    for _ in range(turns):
        driver.get(path.as_uri())
        loads.append(js("return performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
        tasks.setdefault("load", []).append(longest())
        for step, script in STEPS.items():
            js(script)
            if step == "search":
                ready = "return document.getElementById('count').textContent.includes(' of ')"
                WebDriverWait(driver, 10).until(lambda _: js(ready))  # noqa: B023
            tasks.setdefault(step, []).append(longest())
    what = f"{MANY:,} secrets in Chromium"
    yield Figure(what, "loaded", middle(loads), "s", 2, spread(loads))
    for step, found in tasks.items():
        yield Figure(what, f"longest task, {step}", middle(found), "ms", 100, spread(found, 0))


def page(turns: int) -> Iterator[Figure]:
    """Measure the page: what writes it, and what a browser does with it."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _writing(folder)
        if chromium is None or driver is None:
            print("page in a browser: skipped, apt-get install chromium chromium-driver", file=sys.stderr)
            return
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1400,900"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(driver, env={**os.environ, "SE_OFFLINE": "true"}))
        try:
            yield from _reading(browser, folder / "audit.html", turns)
        finally:
            browser.quit()
