"""What the live table shows where not everything fits."""

from __future__ import annotations

import io

import pyte
import pytest
from few_threads import few_threads

from smrep.errors import Outcome
from smrep.output.live import LiveTable, ProgressBar, fit_secrets
from smrep.output.terminal import Terminal, terminal_size
from smrep.regions import Region
from smrep.report import Progress, RegionReport, SecretReport

OPEN = RegionReport(Region("eu-west-1"), Outcome.PENDING, status="InProgress")
DONE = RegionReport(Region("us-west-2"), Outcome.OK, status="InSync")
SECRETS = tuple(SecretReport(f"s{number}", Outcome.PENDING, replicas=(DONE, OPEN)) for number in range(10))


def test_what_fits_is_shown_whole() -> None:
    assert fit_secrets(SECRETS, 20) == SECRETS


def test_what_does_not_fit_is_cut_down_to_what_is_open() -> None:
    shown = fit_secrets(SECRETS, 5)
    assert [report.name for report in shown] == ["s0", "s1", "s2", "s3", "s4"]
    assert {report.replicas for report in shown} == {(OPEN,)}


def screen(stream: io.StringIO) -> str:
    """Return what a terminal shows."""
    shown = pyte.Screen(100, 24)
    pyte.Stream(shown).feed(stream.getvalue().replace("\n", "\r\n"))
    return "\n".join(shown.display)


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
