"""What the live table shows where not everything fits."""

from __future__ import annotations

import io
import re

import pyte
import pytest
from few_threads import few_threads

from smrep.errors import Outcome
from smrep.output.live import LiveTable, ProgressBar, fit_rows
from smrep.output.terminal import Terminal, terminal_size
from smrep.regions import Region
from smrep.report import Problem, Progress, RegionReport, SecretReport

OPEN = RegionReport(Region("eu-west-1"), Outcome.PENDING, status="InProgress")
DONE = RegionReport(Region("us-west-2"), Outcome.OK, status="InSync")
SECRETS = tuple(SecretReport(f"s{number}", Outcome.PENDING, replicas=(DONE, OPEN)) for number in range(10))


def screen(stream: io.StringIO, columns: int = 100, lines: int = 24) -> str:
    """Return what a terminal shows."""
    seen = pyte.Screen(columns, lines)
    pyte.Stream(seen).feed(stream.getvalue().replace("\n", "\r\n"))
    return "\n".join(seen.display)


FAILED = RegionReport(Region("eu-west-1"), Outcome.FAILED, status="Failed", status_message="no luck " * 20)
LOST = Problem("ResourceNotFoundException", "not found", None, None, Outcome.FAILED)


def of(number: int, *rows: RegionReport, outcome: Outcome = Outcome.PENDING) -> SecretReport:
    return SecretReport(f"prod/team-{number:02}/session-signing-key", outcome, replicas=rows)


FORTY = (
    *(of(number, DONE) for number in range(30)),
    *(of(number, OPEN) for number in range(30, 36)),
    of(36, FAILED, outcome=Outcome.FAILED),
    *(of(number, DONE) for number in range(37, 39)),
    of(39, FAILED, outcome=Outcome.FAILED),
)


def test_what_fits_is_shown_whole_and_in_its_order() -> None:
    assert fit_rows(SECRETS, 20) == ([(secret, row) for secret in SECRETS for row in secret.replicas], "")


def test_of_many_what_failed_comes_first_then_what_is_in_progress_and_the_rest_is_counted() -> None:
    rows, others = fit_rows(FORTY, 100)
    assert [int(secret.name[10:12]) for secret, _ in rows] == [36, 39, *range(30, 36)]
    assert others == "32 in sync"


def test_what_does_not_fit_is_counted_whatever_its_state() -> None:
    lost = SecretReport("lost", Outcome.FAILED, error=LOST)
    rows, others = fit_rows((*FORTY, lost, SecretReport("bare", Outcome.OK)), 4)
    assert [secret.name[:7] for secret, _ in rows] == ["prod/te", "prod/te", "lost", "prod/te"]
    assert others == "5 more in progress, 1 without replicas, 32 in sync"
    assert fit_rows(FORTY, -3) == ([], "2 failed, 6 in progress, 32 in sync")


def test_one_secret_shows_as_many_regions_as_fit() -> None:
    secret = of(1, *([DONE] * 30))
    assert len(fit_rows((secret,), 30)[0]) == 30
    assert fit_rows((secret,), 29) == ([], "30 in sync")


def shown(secrets: tuple[SecretReport, ...], columns: int, lines: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines that a live table of these secrets leaves on a screen of this size."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    table = LiveTable(stream, Terminal(width=columns), timeout_s=300)
    with few_threads(0):
        table.show(secrets, 12.0)
    seen = screen(stream, columns, lines).split("\n")
    table.close()
    return [line.rstrip() for line in seen]


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 24), (120, 40), (80, 12), (300, 9)])
@pytest.mark.parametrize("rows", [FORTY, tuple(of(number, OPEN) for number in range(40)), (of(1, FAILED, OPEN),)])
def test_title_and_footer_stay_on_the_screen_and_each_row_has_a_line(
    rows: tuple[SecretReport, ...], columns: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = shown(rows, columns, lines, monkeypatch)
    assert seen[0].startswith("40 secrets" if len(rows) == 40 else rows[0].name)
    foot = max(place for place, line in enumerate(seen) if line)
    assert seen[foot].startswith("waiting, 12 s of 5m; Ctrl-C stops the waiting")
    regions = [line for line in seen if "eu-west-1" in line]
    assert all(re.search(r"eu-west-1   (Failed|InProgress)", line) for line in regions)
    assert len(rows) == 1 or any(line.startswith("  and ") for line in seen[:foot])


def test_names_are_whole_while_a_message_can_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = "\n".join(shown(FORTY, 64, 24, monkeypatch))
    assert (FORTY[36].name in narrow, "MESSAGE" in narrow) == (True, False)
    wide = "\n".join(shown(FORTY, 90, 24, monkeypatch))
    assert (FORTY[36].name in wide, "no luck no luck" in wide) == (True, True)
    assert FORTY[36].name not in "\n".join(shown(FORTY, 50, 24, monkeypatch))


@pytest.mark.parametrize(
    ("env", "size"),
    [
        ({}, (80, 25)),
        ({"COLUMNS": "100", "LINES": "40"}, (100, 40)),
        ({"COLUMNS": "²", "LINES": "0"}, (80, 25)),
        ({"COLUMNS": "99999", "LINES": "7"}, (80, 7)),
    ],
)
def test_a_terminal_has_the_size_that_the_variables_give_it(env: dict[str, str], size: tuple[int, int]) -> None:
    assert terminal_size(io.StringIO(), env) == size


def test_without_a_thread_for_it_the_table_is_drawn_whenever_there_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    table = LiveTable(stream, Terminal(color=False, width=100, unicode=True))
    with few_threads(0) as threads:
        table.show(SECRETS[:1], 0.0)
        assert "s0" in screen(stream)
        table.show(SECRETS[:2], 1.0)
        assert "s1" in screen(stream)
        table.close()
    assert screen(stream).strip() == ""
    assert threads.refused == 1


def test_without_a_thread_for_it_the_bar_is_drawn_whenever_there_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    bar = ProgressBar(stream, Terminal(color=False, width=100, unicode=True))
    with few_threads(0):
        for done in (1, 2):
            bar.show(Progress("promoting", done, 9), float(done))
            assert f"{done}/9 secrets" in screen(stream)
        bar.close()
    assert screen(stream).strip() == ""
