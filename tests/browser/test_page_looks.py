"""How the coverage page looks in a real Chromium: on paper, on a narrow screen, in the dark, and without colors."""

from __future__ import annotations

import json

import pytest
from browser.browser_page import Browser
from output.page_reports import EU, FEW, covered, finding, many, report, secret

from smrep.errors import Outcome
from smrep.output.artifacts.html import page
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Kind, RegionReport

pytestmark = pytest.mark.terminal
OPEN = RegionReport(EU, Outcome.PENDING, findings=(finding(Kind.IN_PROGRESS),))
DOUBTFUL = RegionReport(EU, Outcome.ACCESS, findings=(finding(Kind.UNCHECKED),))
EVERY = report(*FEW, secret("o", OPEN), secret("d", DOUBTFUL))
BREAKING = '</style></script></table>"}<b>'


def test_on_paper_every_row_has_its_findings_in_full_under_a_head_that_each_page_repeats(browser: Browser) -> None:
    browser.open(page(report(*many(120))))
    browser.media("print")
    visible = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".every((it) => it.checkVisibility() && it.getClientRects().length > 0)"
    )
    for what in ("#rows tbody tr", "#rows li p", "#rows li code"):
        assert browser.js(visible, what), what
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    assert browser.js(style, "#rows thead", "display") == "table-header-group"
    assert browser.js(style, "#rows tbody tr", "breakInside") == "avoid"
    assert not browser.driver.find_element("id", "text").is_displayed()


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_is_wider_than_the_screen(browser: Browser, width: int) -> None:
    browser.screen(width)
    browser.open(page(report(*FEW, secret("x" * 512, covered(Region(BREAKING))))))
    browser.js("for (const it of document.querySelectorAll('details')) it.open = true")
    assert browser.js("return document.documentElement.scrollWidth") <= width


def test_where_there_is_no_room_for_columns_each_line_says_its_region(browser: Browser) -> None:
    browser.screen(360)
    names = ("us-west-2", BREAKING, 'a"b\\c')
    browser.open(page(report(secret("a", *(covered(Region(each)) for each in names)))))
    shown = browser.js(
        "return [...document.querySelectorAll('#rows tbody td')].slice(0, 4)"
        ".map((it) => getComputedStyle(it, '::before').content)"
    )
    assert [json.loads(each) for each in shown] == [*map(safe, names), "checked by"]


CONTRAST = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function painted(...colors) {
  for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((it) => it / 255)
    .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
    .reduce((sum, it, place) => sum + it * [0.2126, 0.7152, 0.0722][place], 0.05);
}
const found = {};
for (const it of document.querySelectorAll(arguments[0])) {
  let grounds = [];
  for (let up = it; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
  const pair = [painted("white", ...grounds), painted("white", ...grounds, getComputedStyle(it).color)];
  pair.sort((a, b) => b - a);
  found[`${it.parentElement.className} ${it.tagName} ${it.textContent}`.slice(0, 60)] = pair[0] / pair[1];
}
return found;
"""
"""Source: w3.org/TR/WCAG22, contrast ratio."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground_in_both_schemes(browser: Browser, scheme: str) -> None:
    browser.media(prefers_color_scheme=scheme)
    browser.open(page(EVERY))
    found = browser.js(
        CONTRAST, "#rows td span:not(.aloud), #rows i, p, dt, dd, h1, h2, th, label, button, summary, code, .end b"
    )
    assert len(found) > 40
    assert {what: ratio for what, ratio in found.items() if ratio < 4.5} == {}
    assert (browser.js("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)") == (
        scheme == "light"
    )


def test_a_state_is_told_by_a_sign_and_a_word_and_not_by_color_alone(browser: Browser) -> None:
    browser.open(page(EVERY))
    told = browser.js(
        "return [...document.querySelectorAll('#rows td > span:not(.aloud)')].map((it) =>"
        " [it.textContent, getComputedStyle(it, '::before').content[1]])"
    )
    signs = dict(told)
    assert len(signs) == len(set(map(tuple, told)))
    for one, other in (
        ("covered", "missing"),
        ("missing", "failed"),
        ("unchecked", "covered"),
        ("in progress", "extra"),
    ):
        assert signs[one] != signs[other]
