"""An audit as a page for people: its numbers are those of the document, and any word in it is text and stays it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hostile.output_checks import acts
from hostile.payloads import EVERYTHING, TEXTS
from hypothesis import example, given
from hypothesis import strategies as st
from output.page_reports import ACCOUNT, BEGAN, EU, FEW, LOST, SYDNEY, WEST, covered, many, missing, report, secret
from output.test_json_document import reports
from page_reader import Element, counted, facts, read, regions, rows, totals

from smrep import __version__
from smrep.errors import Outcome
from smrep.model import CrossAccount, FarEnd
from smrep.output.artifacts.html import page
from smrep.output.json_document import document
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Finding, Kind, LazyReports, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.hints import step


def shown(run: RunReport) -> Element:
    text = "".join(page(run))
    assert acts(text) == []
    text.encode()
    return read(text)


def texts(element: Element, tag: str, **attrs: str) -> list[str]:
    return [child.text for child in element.all(tag, **attrs)]


def cells(row: Element) -> list[str]:
    """Return the name and the cells of the Regions, as words."""
    return [row.the("th").text, *(child.text for child in row.all("td")[:-2])]


def test_the_matrix_is_a_row_for_each_secret_and_a_column_for_each_region() -> None:
    html = shown(report(*FEW))
    assert regions(html) == [WEST, EU, SYDNEY]
    nothing = "\N{EN DASH} not wanted here"
    assert [cells(tr) for tr in rows(html)] == [
        ["prod/failed", "covered InSync", "failed", nothing],
        ["prod/gone", "ResourceNotFoundException"],
        ["prod/stale", "covered InSync", "stale, unchecked InSync", nothing],
        ["prod/missing", "missing", "missing", nothing],
        ["prod/extra", "covered InSync", nothing, "extra InSync"],
        ["prod/well", "covered by listing", "covered by listing", nothing],
    ]
    assert [tr.the("td", class_="by").text for tr in rows(html)] == ["describe"] * 5 + ["list"]


def test_what_a_list_tells_is_never_called_in_sync() -> None:
    html = shown(report(*many(3, bad=0)))
    assert {cell.text for row in rows(html) for cell in row.all("td", class_="covered")} == {"covered by listing"}
    assert "InSync" not in html.the("table", id="rows").text


def test_each_finding_is_told_with_its_region_message_and_hint_the_gravest_first() -> None:
    stale = rows(shown(report(*FEW)))[2].the("td", class_="why")
    assert stale.the("summary").text == "2 findings it is stale"
    assert [texts(item, "p") for item in stale.all("li")] == [
        ["stale in eu-west-1 error", "it is stale", "AWS says InSync: Replication succeeded"],
        ["unchecked in eu-west-1 warning", "it is unchecked"],
    ]
    assert [texts(item, "div", class_="hint") for item in stale.all("li")] == [
        ["hint look at it:smrep doctor"],
        ["hint allow kms:DescribeKey"],
    ]
    assert texts(stale, "code") == ["smrep doctor"]
    gone = rows(shown(report(*FEW)))[1].the("li")
    assert texts(gone, "p") == ["ResourceNotFoundException error", LOST.message, "request id r-1"]
    assert texts(gone, "div", class_="hint") == ["hint list the names:smrep list"]
    assert texts(gone, "code") == ["smrep list", "r-1"]
    assert rows(shown(report(*FEW)))[5].the("td", class_="why").children == []


def test_an_error_that_is_a_finding_is_told_once() -> None:
    what = Finding(Kind.NAME_CONFLICT, Severity.ERROR, "a namesake", None)
    row = RegionReport(WEST, Outcome.FAILED, findings=(what,), error=Problem.about(what))
    (tr,) = rows(shown(report(secret("a", row))))
    assert texts(tr, "li") == ["name_conflict in us-west-2 errora namesake"]


def test_notes_and_replication_between_accounts_are_told() -> None:
    link = CrossAccount(FarEnd("arn:far", "InSync"), (FarEnd(None, None),))
    noted = replace(secret("a", covered(WEST)), notes=("it is in eu-west-1 too",), cross_account=link)
    (row,) = rows(shown(report(noted)))
    assert row.the("summary").text == "3 notes it is in eu-west-1 too"
    assert texts(row, "li") == [
        "it is in eu-west-1 too",
        "cross-account replica of arn:far: InSync",
        "cross-account replica -: -",
    ]


def test_a_secret_of_another_account_or_region_says_so() -> None:
    noted = replace(secret("a", covered(EU)), account="111111111111", primary_region=Region("eu-north-1"))
    (row,) = rows(shown(replace(report(noted), account_id=None)))
    assert row.the("th").text == "a (account 111111111111) of eu-north-1"


def test_it_says_when_and_by_whom_it_was_made_and_how_each_fact_is_known() -> None:
    assert facts(shown(report(*FEW))) == {
        "Begun": "2026-11-23 10:00:00 UTC, took 4.2 s",
        "Account": ACCOUNT,
        "Primary Region": "us-east-1 (from AWS_REGION)",
        "Exit code": "1",
        "Made by": f"smrep {__version__}",
        "Checked by list": "1 secrets, by ListSecrets, which shows no status",
        "Checked by describe": "5 secrets, by DescribeSecret",
    }
    somebody = replace(report(*FEW), caller="arn:aws:iam::123456789012:user/<ops>")
    assert facts(shown(somebody))["Made by"] == f"smrep {__version__} for arn:aws:iam::123456789012:user/<ops>"
    several = replace(report(replace(FEW[0], account="1" * 12)), account_id=None, endpoint_url="http://x/<b>")
    assert facts(shown(several))["Account"] == "several, shown with each secret"
    assert facts(shown(several))["Endpoint"] == "http://x/<b> (not AWS)"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_how_the_run_ended_stands_at_the_top(outcome: Outcome) -> None:
    run = replace(report(secret("a", covered(WEST))), outcome=outcome, exit_code=outcome.exit_code)
    end = shown(run).the("p", class_="end")
    assert end.text.startswith(f"{outcome.word} ")
    assert ("Every selected secret has what you asked for" in end.text) == (outcome is Outcome.OK)
    assert outcome is Outcome.ACCEPTED or len(end.text.split()) > 3


def test_a_part_with_a_wrong_command_line_makes_the_page_incomplete() -> None:
    wrong = replace(LOST, outcome=Outcome.USAGE)
    ends = [shown(report(*secrets, error=wrong)).the("p", class_="end").text for secrets in ((), FEW)]
    assert [("Nothing was checked" in end, "incomplete" in end) for end in ends] == [(True, False), (False, True)]


def test_a_run_that_ended_before_anything_was_listed_tells_no_numbers() -> None:
    html = shown(report(error=replace(LOST, details=("one", "two"))))
    trouble = html.the("section", class_="trouble")
    assert texts(trouble, "p") == ["ResourceNotFoundException no such secret", "one", "two", "request id r-1"]
    assert texts(trouble, "div", class_="hint") == ["hint list the names:smrep list"]
    assert (html.all("table"), html.all("a"), html.all("p", class_="counts")) == ([], [], [])
    assert shown(report()).the("p", class_="end").text == "ok No secret matches."


def test_the_totals_are_those_of_the_document() -> None:
    run = report(*FEW)
    counts = totals(shown(run))
    assert counts == counted(document(run))
    assert (counts["covered", ""], counts["covered", WEST], counts["stale", EU], counts["orphan", EU]) == (2, 4, 1, 0)
    assert totals(shown(report(*FEW, counts=False))).items() <= counts.items()


def test_the_form_is_hidden_until_the_script_can_serve_it_and_offers_what_there_is() -> None:
    form = shown(report(*FEW)).the("form")
    assert "hidden" in form.attrs
    states = [str(option.attrs["value"]) for option in form.the("select", id="state").all("option")]
    assert states[:3] == ["", "covered", "missing"]
    assert {"stale", "unchecked", "extra", "in_trouble"} <= set(states)
    assert texts(form.the("select", id="region"), "option") == ["any", WEST, EU, SYDNEY]


def test_many_secrets_are_made_one_by_one_and_no_piece_holds_many() -> None:
    made: list[int] = []
    secret_reports = many(1000)

    def make(number: int) -> SecretReport:
        made.append(number)
        return secret_reports[number]

    parts = page(replace(report(*secret_reports), secrets=LazyReports(range(1000), make)))
    while "<tbody role" not in next(parts):
        pass
    before = len(made)
    next(parts)
    assert len(made) == before
    assert max(map(len, parts)) < 20_000  # the script
    assert made[before - 1 :] == [*range(1000)]


def test_a_script_between_groups_of_rows_lets_a_browser_breathe() -> None:
    table = shown(report(*many(120))).the("table", id="rows")
    assert [len(body.all("tr")) for body in table.all("tbody")] == [50, 50, 20]
    assert texts(table, "script") == ["0", "0"]


# words from elsewhere

traps = st.sampled_from(
    [
        *("</td>", "<!--", "-->", "</script>", "</style>", "]]>", "&lt;", "&", '"', "'", "<b", "\x00", "\n", "\t"),
        *("\r", "\x0c", "\u2028", "\u202e", "\ud800", "\ufffe", "&#0;", "{}", "\\", "é", "  ", *TEXTS.values()),
    ]
)
words = st.text(st.characters(), min_size=1) | st.lists(traps, min_size=1).map("".join)


@given(words, words, words)
@example("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onclick='x")
@example(EVERYTHING, EVERYTHING, EVERYTHING)
def test_any_word_is_text_and_comes_back_whole(name: str, message: str, region: str) -> None:
    bad = Problem(name, message, region, name, Outcome.FAILED, (message,))
    what = Finding(Kind.MISSING, Severity.ERROR, message, step("look at it", region))
    row = RegionReport(Region(region), Outcome.DRIFT, status=name, status_message=region, findings=(what,))
    few = (secret(name, row), replace(secret(region, error=bad), notes=(name,)), secret(message, missing(EU)))
    run = replace(report(*few, error=bad), primary_region=Region(region), account_id=name, endpoint_url=message)
    html = shown(run)
    first, second, third = rows(html)
    assert first.the("th").text == f"{safe(name)} of us-east-1" or region == "us-east-1"
    assert first.all("td")[0].text == f"missing {safe(name)}" or name.lower() == "missing"
    assert texts(first, "code") == [safe(region.replace("\n", " "))]
    assert safe(message) in texts(first, "p")
    assert second.all("td")[0].text == safe(name)
    assert {safe(name), safe(message)} <= set(texts(second, "p"))
    assert third.the("th").text.startswith(safe(message))
    assert html.the("h1").text == f"Coverage of the secrets of {safe(region)}"
    assert (regions(html)[0], facts(html)["Account"]) == (safe(region), safe(name))


@given(reports)
@example(report(*FEW))
def test_any_report_is_a_page_whose_numbers_are_those_of_the_document(run: RunReport) -> None:
    html = shown(run)
    if run.secrets:
        assert len(rows(html)) == len(run.secrets)
        assert [tr.the("th").text for tr in rows(html)] == [
            safe(reported.label)
            + (f" of {reported.primary_region}" if reported.primary_region not in (None, run.primary_region) else "")
            for reported in run.secrets
        ]
    else:
        assert html.all("table") == []


def test_the_time_is_in_utc_whatever_the_clocks_zone() -> None:
    there = replace(report(*FEW), started_at=BEGAN.astimezone(timezone(timedelta(hours=-8))))
    assert facts(shown(there))["Begun"].startswith("2026-11-23 10:00:00 UTC")
