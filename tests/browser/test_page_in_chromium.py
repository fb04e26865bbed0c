"""The coverage page in a real Chromium: its numbers, its choices, the keyboard; nothing runs in it or leaves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser.browser_page import Browser
from cli.apply_sandbox import HOME, SYDNEY, WEST, Make, stocked
from cli.audit_sandbox import audit, fill, orphan, set_status
from hostile.payloads import EVERYTHING
from output.page_reports import EU, FEW, covered, finding, many, report, secret
from page_reader import counted
from patience import wait_until
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from smrep.errors import Outcome
from smrep.output.artifacts.html import page
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Kind, Problem, RegionReport

pytestmark = pytest.mark.terminal
SHOWN = "return [...document.querySelectorAll('#rows tbody tr')].filter((row) => row.checkVisibility()).length"
COUNT = "return document.getElementById('count').textContent"
TOTALS = """return [...document.querySelectorAll('#totals td[data-state]')].map(
  (cell) => [cell.dataset.state, cell.dataset.region, cell.textContent])"""


def choose(browser: Browser, **fields: str) -> None:
    """Fill the fields as a person does, by typing, or by choosing an option by its words."""
    for name, value in fields.items():
        field: Any = browser.driver.find_element("id", name)
        if field.tag_name == "select":
            Select(field).select_by_visible_text(value)
        else:
            field.send_keys(value)


def names(browser: Browser) -> list[str]:
    """Return the names of the rows that are chosen; those that are not drawn yet have no innerText."""
    chosen = "[...document.querySelectorAll('#rows tbody tr:not([hidden]) th')]"
    return list(browser.js(f"return {chosen}.map((it) => it.textContent.trim())"))


def test_its_numbers_are_those_of_the_document_of_the_same_run(
    browser: Browser, make_sandbox: Make, tmp_path: Path
) -> None:
    sandbox = stocked(make_sandbox, "prod/missing", "prod/failed", denied=frozenset({("ListSecrets", SYDNEY)}))
    fill(sandbox, "prod/a", "prod/b")
    set_status(sandbox, "prod/failed", "Failed")
    orphan(sandbox, "prod/orphan")
    done = audit(sandbox, "-r", f"{WEST},{SYDNEY}", "--report", str(tmp_path / "a.html"), "--json")
    browser.go(tmp_path / "a.html")
    told = {(state, where): int(number) for state, where, number in browser.js(TOTALS) if number.isdecimal()}
    assert told == counted(done.document)
    assert (told["missing", ""], told["orphan", WEST], told["failed", WEST]) == (2, 1, 1)
    assert told["unchecked", SYDNEY] > 0
    assert browser.js(SHOWN) == len(done.document["secrets"])
    assert HOME in browser.js("return document.title")


def test_each_number_of_the_totals_chooses_the_rows_that_it_counts(browser: Browser) -> None:
    browser.open(page(report(*FEW)))
    buttons = browser.driver.find_elements("css selector", "#totals button")
    assert len(buttons) == sum(number not in ("0", "\N{EN DASH}") for *_, number in browser.js(TOTALS))
    for button in buttons:
        button.click()
        browser.until(SHOWN, int(button.text))
        assert browser.js("return document.activeElement.id") == "state"


def test_a_search_and_a_choice_of_state_and_region_narrow_the_rows_and_say_how_many_are_left(browser: Browser) -> None:
    browser.open(page(report(*FEW)))
    assert (browser.js(COUNT), browser.js(SHOWN)) == ("6 secrets", 6)
    choose(browser, text="PROD/S")
    browser.until(COUNT, "1 of 6 secrets")
    assert names(browser) == ["prod/stale"]
    browser.driver.find_element("css selector", "button[type=reset]").click()
    browser.until(COUNT, "6 secrets")
    choose(browser, text="such secret")  # words of a finding that is not open
    browser.until(COUNT, "1 of 6 secrets")
    assert names(browser) == ["prod/gone"]
    browser.driver.find_element("css selector", "button[type=reset]").click()
    browser.until(COUNT, "6 secrets")
    choose(browser, state="missing")
    browser.until(COUNT, "1 of 6 secrets")
    choose(browser, state="any", region="ap-southeast-2")
    browser.until(COUNT, "2 of 6 secrets")
    assert names(browser) == ["prod/gone", "prod/extra"]
    choose(browser, text="no such thing")
    browser.until(COUNT, "0 of 6 secrets")
    assert browser.driver.find_element("id", "none").is_displayed()


def test_many_rows_are_chosen_from_in_slices_and_the_last_choice_counts(browser: Browser) -> None:
    browser.open(page(report(*many(1200, bad=60))))
    assert browser.js(COUNT) == "1,200 secrets"
    choose(browser, state="missing", text="app/0005")
    browser.until(COUNT, "10 of 1,200 secrets")
    assert names(browser) == [f"app/0005{each}/db" for each in range(10)]
    assert browser.js("return document.querySelectorAll('#rows tbody:not([hidden])').length") == 1
    browser.js("document.getElementById('open').click()")
    browser.until("return document.querySelectorAll('#rows details[open]').length", 10)


def press(browser: Browser, key: str) -> None:
    browser.driver.switch_to.active_element.send_keys(key)


def test_the_keyboard_alone_reaches_everything_and_the_focus_is_seen(browser: Browser) -> None:
    browser.open(page(report(*FEW)))
    where = "const it = document.activeElement; return it.id || it.tagName"
    seen = "const it = getComputedStyle(document.activeElement); return it.outlineStyle + ' ' + it.outlineWidth"
    press(browser, Keys.TAB)
    skip = browser.driver.switch_to.active_element
    assert skip.text == "Skip to the secrets"
    assert skip.location["y"] >= 0
    assert browser.js(seen) == "solid 2px"
    press(browser, Keys.ENTER)
    for wanted in ("text", "state", "region", "BUTTON", "open", "SUMMARY"):
        press(browser, Keys.TAB)
        assert (browser.js(where), browser.js(seen)) == (wanted, "solid 2px")
    press(browser, Keys.ENTER)
    assert browser.js("return document.querySelector('#rows li').checkVisibility()")
    press(browser, Keys.ENTER)
    assert not browser.js("return document.querySelector('#rows details').open")


def test_rows_out_of_sight_are_reached_too(browser: Browser) -> None:
    browser.open(page(report(*many(300, bad=0), secret("last", covered(EU), RegionReport(WEST, Outcome.FAILED)))))

    def at_the_end() -> bool:
        """Press End once more: the page grows when Chromium lays out the rows that come into sight."""
        browser.driver.find_element("id", "open").send_keys(Keys.END)
        return bool(
            browser.js(
                "const it = document.querySelector('#rows tbody:last-of-type tr:last-child').getBoundingClientRect();"
                "return it.height > 0 && it.bottom <= innerHeight"
            )
        )

    wait_until(at_the_end, "the last row is in sight")


def nodes(browser: Browser) -> list[tuple[str, str]]:
    """Return the role and the name of everything that a screen reader is told of."""
    tree = browser.tell("Accessibility.getFullAXTree")["nodes"]
    return [(each["role"]["value"], each.get("name", {}).get("value", "")) for each in tree if not each["ignored"]]


@pytest.mark.parametrize("width", [1400, 360])
def test_a_screen_reader_is_told_of_a_table_whose_rows_and_columns_have_names(browser: Browser, width: int) -> None:
    """Of rows far out of sight Chromium tells only when they come near; their number is told all the same."""
    browser.screen(width)
    browser.open(page(report(*many(120))))
    told = nodes(browser)
    heads = {name for role, name in told if role == "columnheader"}
    assert heads >= {"Secret", "us-west-2", "eu-west-1", "ap-southeast-2", "Checked by", "Findings"}
    assert {("rowheader", f"app/{each:05d}/db") for each in range(50)} <= set(told)
    cells = [name for role, name in told if role == "cell" and name.endswith("covered by listing")]
    assert len(cells) >= 40 * 3
    assert [name for role, name in told if role in ("searchbox", "combobox")] == ["Search", "State", "Region"]
    assert "status" in {role for role, _ in told}
    assert browser.js("return document.getElementById('rows').ariaRowCount") == "121"
    places = browser.js("return [...document.querySelectorAll('#rows tr')].map((it) => it.ariaRowIndex)")
    assert places == [str(each) for each in range(1, 122)]
    browser.js("document.querySelector('#rows tbody:last-of-type tr:last-child').scrollIntoView()")
    browser.until("return document.querySelector('#rows tbody:last-of-type td').checkVisibility()", wanted=True)
    assert ("rowheader", "app/00119/db") in nodes(browser)


PWNED = "document.title = 'pwned'"
HOSTILE = (
    f"<script>{PWNED}</script>",
    f'"><img src="http://127.0.0.1:9/x" onerror="{PWNED}">',
    f"' onmouseover='{PWNED}' '",
    f"</style></script></table><svg onload={PWNED}>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><base href=http://127.0.0.1:9/>",
    "<!--",
    "]]>",
    "<plaintext>",
    "&lt;b&gt;",
    "  two  blanks ",
    EVERYTHING,
)


def test_hostile_words_do_not_run_and_nothing_is_asked_for(browser: Browser) -> None:
    told = [
        secret(each, RegionReport(Region(each), Outcome.DRIFT, findings=(finding(Kind.MISSING, each),)))
        for each in HOSTILE
    ]
    bad = Problem(HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], Outcome.FAILED, HOSTILE)
    browser.open(page(replace(report(*told, error=bad), account_id=HOSTILE[3], endpoint_url=HOSTILE[1])))
    browser.js("document.getElementById('open').click()")
    browser.until("return document.querySelectorAll('#rows details[open]').length", len(HOSTILE))
    shown = browser.js("return [...document.querySelectorAll('#rows tbody th')].map((it) => it.textContent)")
    assert shown == [safe(each) for each in HOSTILE]
    assert browser.js("return document.title").startswith("smrep coverage, ")
    assert browser.js("return document.querySelectorAll('img, svg, base, iframe, plaintext').length") == 0
    assert browser.complaints() == []
    assert {each.partition(":")[0] for each in browser.requests()} <= {"file", "data"}


def test_no_script_that_is_not_the_pages_own_can_run(browser: Browser) -> None:
    text = "".join(page(report(*FEW))).replace("<main>", f"<script>{PWNED}</script><main>")
    browser.open([text.replace("<h1>", f'<img src=x onerror="{PWNED}"><h1>')])
    assert browser.js("return document.title").startswith("smrep coverage")
    assert len([each for each in browser.complaints() if "Content Security Policy" in each]) >= 2


def test_without_a_script_all_of_it_is_there(browser: Browser) -> None:
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page(report(*many(120))))
    form, rows, summary = (
        browser.driver.find_elements("css selector", each) for each in ("form", "#rows tbody tr", "summary")
    )
    assert (form[0].is_displayed(), len(rows)) == (False, 120)
    assert rows[0].text.startswith("app/00000/db")
    summary[0].click()
    assert "smrep replicate x -r us-west-2" in rows[0].text
