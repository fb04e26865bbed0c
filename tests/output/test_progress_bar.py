"""The bar of a run over many secrets: what it says where, on terminals of any width."""

from __future__ import annotations

import io
import re

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.output.live import BarText, ProgressBar, fit_bar, time_left
from smrep.output.progress import Phase
from smrep.output.terminal import Terminal
from smrep.report import Progress

COLORED = Terminal(color=True, width=80)
PLAIN = Terminal(width=80, unicode=False)
TROUBLED = Progress("replicating", 312, 1000, 3)
WIDTHS = pytest.mark.parametrize("columns", [56, 80, 120])

numbers = st.integers(min_value=-5, max_value=20_000)
phases = st.builds(
    Phase,
    st.builds(
        Progress,
        st.sampled_from(["listing", "looking", "replicating"]),
        numbers,
        st.none() | numbers,
        troubled=numbers,
        unit=st.sampled_from(["secrets", "Regions"]),
    ),
    st.floats(min_value=0, max_value=1e6),
    st.floats(min_value=0, max_value=1e6),
)


class Glass:
    """A terminal of so many columns, and what a bar leaves on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int, terminal: Terminal) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        self.columns = columns
        self.stream = io.StringIO()
        self.bar = ProgressBar(self.stream, terminal)

    def last_line(self) -> str:
        """Close the bar; return the line that was seen last, which is drawn at the latest then."""
        self.bar.close()
        before, line_feed, after = self.stream.getvalue().rpartition("\n")
        (line,) = self.lines(before)
        assert self.lines(before + line_feed + after) == []
        return line

    def lines(self, text: str) -> list[str]:
        """Return the lines of the screen with something on them."""
        screen = pyte.Screen(self.columns, 24)
        pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
        return [line.rstrip() for line in screen.display if line.strip()]


def at(progress: Progress, spent_s: float) -> Phase:
    return Phase(progress, 100, 100 + spent_s)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (118, BarText("replicating", "312/1000 secrets, 44.6/s, about 16 s left", "3 in trouble", 40)),
        (78, BarText("replicating", "312/1000 secrets, 44.6/s, about 16 s left", "3 in trouble", 10)),
        (68, BarText("replicating", "312/1000 secrets, about 16 s left", "3 in trouble", 8)),
        (57, BarText("replicating", "312/1000 secrets, 44.6/s", "3 in trouble", 6)),
        (54, BarText("replicating", "312/1000 secrets", "3 in trouble", 11)),
        (48, BarText("replicating", "312/1000 secrets", "3 in trouble", 0)),
        (10, BarText("replicating", "312/1000 secrets", "3 in trouble", 0)),
    ],
)
def test_the_speed_goes_first_then_the_time_left_then_the_bar(columns: int, line: BarText) -> None:
    assert fit_bar(at(TROUBLED, 7), columns) == line


@pytest.mark.parametrize(
    ("progress", "spent_s", "words"),
    [
        (Progress("listing", 400), 8, "400 secrets, 50.0/s"),
        (Progress("listing", 400), 0.9, "400 secrets"),
        (Progress("looking", 0, 0), 8, "0/0 secrets"),
        (Progress("looking", 0, 9, unit="Regions"), 8, "0/9 Regions"),
        (Progress("looking", 12, 10), 8, "12/10 secrets, 1.5/s"),
    ],
)
def test_what_is_not_known_is_not_said(progress: Progress, spent_s: float, words: str) -> None:
    line = fit_bar(at(progress, spent_s), 80)
    assert (line.words, line.trouble) == (words, "")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (1, "about 1 s left"),
        (145, "about 15 s left"),
        (900, "about 90 s left"),
        (910, "about 2 min left"),
        (54_000, "about 90 min left"),
        (72_000, "about 2 h left"),
        (0, ""),
        (-1, ""),
    ],
)
def test_time_left_is_told_as_coarsely_as_it_is_known(rest: int, words: str) -> None:
    assert time_left(at(Progress("looking", 100, 100 + rest), 10)) == words


@given(phases, st.integers(min_value=53, max_value=200))
def test_any_line_fits(phase: Phase, columns: int) -> None:
    line = fit_bar(phase, columns)
    parts = [line.doing, ", ".join(filter(None, (line.words, line.trouble)))]
    assert sum(map(len, parts)) + (line.bar + 2 if line.bar else 1) <= columns


@WIDTHS
def test_one_line_that_vanishes(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    glass = Glass(monkeypatch, columns, COLORED)
    glass.bar.show(Progress("replicating", 0, 1000), 10)
    glass.bar.show(Progress("replicating", 1, 1000), 10)
    glass.bar.show(TROUBLED, 17)
    speed = {56: "", 80: r", 4\d\.\d/s, about \d\d s left", 120: r", 4\d\.\d/s, about \d\d s left"}[columns]
    line = glass.last_line()
    assert re.fullmatch(rf". replicating [━╸╺]{{6,40}} 312/1000 secrets{speed}, 3 in trouble", line), line
    assert "\x1b[31m3 in trouble" in glass.stream.getvalue()


@WIDTHS
def test_ascii_only_without_unicode_and_no_color_without_color(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    glass = Glass(monkeypatch, columns, PLAIN)
    glass.bar.show(TROUBLED, 17)
    assert re.fullmatch(r"[-\\|/] replicating -+ +312/1000 secrets, 3 in trouble", glass.last_line())
    assert glass.stream.getvalue().isascii()
    assert "\x1b[31m" not in glass.stream.getvalue()


@WIDTHS
@pytest.mark.parametrize("terminal", [COLORED, PLAIN])
def test_the_bar_pulses_where_the_total_is_unknown(
    monkeypatch: pytest.MonkeyPatch, columns: int, terminal: Terminal
) -> None:
    glass = Glass(monkeypatch, columns, terminal)
    glass.bar.show(Progress("listing", 9000), 17)
    assert re.fullmatch(r". listing [━ -]{6,40} 9000 secrets", glass.last_line())


@pytest.mark.parametrize("progress", [Progress("looking", 0, 0), Progress("looking", 12, 10)])
def test_odd_totals_fill_the_bar(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    glass = Glass(monkeypatch, 80, COLORED)
    glass.bar.show(progress, 0)
    assert f" looking {'━' * 40} {progress.done}/{progress.total} secrets" in glass.last_line()


def test_another_phase_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    glass = Glass(monkeypatch, 80, COLORED)
    glass.bar.show(Progress("listing", 0), 0)
    glass.bar.show(Progress("replicating", 1, 1000), 1000)
    glass.bar.show(Progress("replicating", 480, 1000), 1010)
    assert re.search(r"480/1000 secrets, 4\d\.\d/s, about 1\d s left$", glass.last_line())


def test_a_closed_bar_can_be_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    glass = Glass(monkeypatch, 80, COLORED)
    glass.bar.show(Progress("looking", 10, 20), 0)
    glass.bar.close()
    glass.bar.show(Progress("replicating", 1, 20), 90)
    assert "1/20 secrets" in glass.last_line()


def test_a_bar_that_showed_nothing_or_whose_terminal_is_gone_ends_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError

    unused = io.StringIO()
    ProgressBar(unused, COLORED).close()
    assert unused.getvalue() == ""
    gone = ProgressBar(Gone(), COLORED)
    gone.show(TROUBLED, 1)
    gone.close()


@pytest.mark.parametrize("columns", [1, 10, 30])
def test_a_terminal_that_is_far_too_narrow_still_shows_one_line(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    glass = Glass(monkeypatch, columns, COLORED)
    glass.bar.show(TROUBLED, 1)
    assert len(glass.last_line()) <= columns
