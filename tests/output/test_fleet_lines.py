"""How fast a run over many secrets is, how long the rest takes, and the plain lines that say so."""

from __future__ import annotations

import io
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.output.progress import EVERY_S, FleetLines, Phase, next_phase
from smrep.output.terminal import Messages
from smrep.report import Progress

numbers = st.integers(min_value=-5, max_value=20_000)
progresses = st.builds(
    Progress,
    st.sampled_from(["listing", "looking", "replicating"]),
    numbers,
    st.none() | numbers,
    troubled=st.integers(min_value=0, max_value=3),
)
seconds = st.floats(min_value=0, max_value=1e6)
courses = st.lists(st.tuples(progresses, st.floats(min_value=0, max_value=20)), max_size=20)


def printed(*states: tuple[Progress, float], quiet: bool = False) -> list[str]:
    """Return the lines that a run prints which shows these states and is closed then."""
    stream = io.StringIO()
    lines = FleetLines(Messages(stream, quiet=quiet))
    for progress, elapsed_s in states:
        lines.show(progress, elapsed_s)
    lines.close()
    return stream.getvalue().splitlines()


def replicating(done: int, troubled: int = 0) -> Progress:
    return Progress("replicating", done, 1000, troubled)


@pytest.mark.parametrize(
    ("done", "total", "spent_s", "rate", "left_s"),
    [
        (312, 1000, 8, 39, 688 / 39),
        (312, None, 8, 39, None),
        (5, 1000, 0.9, None, None),
        (5, 1000, 0, None, None),
        (0, 1000, 8, 0, None),
        (0, 0, 8, 0, None),
        (1000, 1000, 8, 125, None),
        (1200, 1000, 8, 150, None),
    ],
)
def test_rate_and_time_left(
    done: int, total: int | None, spent_s: float, rate: float | None, left_s: float | None
) -> None:
    phase = Phase(Progress("looking", done, total), 2, 2 + spent_s)
    assert (phase.rate, phase.remaining_s) == (rate, left_s)


@given(progresses, seconds, seconds)
def test_nothing_is_negative_and_nothing_is_divided_by_nothing(
    progress: Progress, began_s: float, now_s: float
) -> None:
    phase = Phase(progress, began_s, now_s)
    assert phase.spent_s >= 0
    assert phase.rate is None or phase.rate >= 0
    assert phase.remaining_s is None or phase.remaining_s > 0
    assert "-" not in phase.speed


@given(progresses, progresses, seconds)
def test_a_phase_goes_on_for_as_long_as_the_same_is_done(first: Progress, second: Progress, later_s: float) -> None:
    began = next_phase(None, first, 3)
    assert (began.progress, began.began_s, began.now_s) == (first, 3, 3)
    now_s = 3 + later_s
    phase = next_phase(began, second, now_s)
    began_s = 3 if first.doing == second.doing else now_s
    assert (phase.progress, phase.began_s, phase.now_s) == (second, began_s, now_s)


def left(*course: tuple[int, float], total: int = 40) -> float | None:
    """Return the time left after a course of secrets done and seconds."""
    phase = None
    for done, now_s in course:
        phase = next_phase(phase, Progress("applying", done, total), now_s)
    return phase.remaining_s if phase else None


def test_the_time_until_the_first_are_done_says_nothing_about_the_rest() -> None:
    assert left((0, 0), (0, 10)) is None
    assert left((0, 0), (0, 10), (4, 10.5)) is None
    assert left((0, 0), (0, 10), (4, 10.5), (24, 11.5)) == pytest.approx(16 / 20)
    assert left((1, 0), (1, 9), (21, 10)) == pytest.approx(19 * 10 / 20)


def test_while_nothing_more_is_done_the_time_left_is_not_known() -> None:
    fast = ((0, 0), (4, 3), (39, 5))
    assert left(*fast, (39, 9)) is not None
    assert left(*fast, (39, 11)) is None
    assert left((0, 0), (4, 3), (14, 13), (14, 30)) is not None, "26 of them take longer than that"
    assert left(*fast, (40, 60)) is None


def test_a_line_when_a_phase_begins_one_every_five_seconds_and_one_when_it_ends() -> None:
    assert printed(
        (Progress("listing", 0), 1),
        (Progress("listing", 200), 5.9),
        (Progress("listing", 400), 6),
        (Progress("listing", 500), 7),
        (replicating(0), 11),
        (replicating(100), 13),
        (replicating(312, 3), 17.96),
        (replicating(900, 3), 20),
        (replicating(1000, 4), 22),
    ) == [
        "listing secrets ...",
        "listing: 400 secrets, 80.0/s, 5s",
        "listing: 500 secrets, 50.0/s, 10s",
        "replicating secrets ...",
        "replicating: 312 of 1000 secrets, 44.8/s, 3 in trouble, 7s",
        "replicating: 1000 of 1000 secrets, 90.9/s, 4 in trouble, 11s",
    ]


def test_what_is_over_in_no_time_is_only_announced() -> None:
    assert printed((Progress("listing", 0), 0), (replicating(0), 4.9), (replicating(1000), 9)) == [
        "listing secrets ...",
        "replicating secrets ...",
    ]


def test_a_total_that_was_said_is_not_said_again() -> None:
    assert printed((replicating(0), 0), (replicating(1000), 6), (replicating(1000), 8)) == [
        "replicating secrets ...",
        "replicating: 1000 of 1000 secrets, 166.7/s, 6s",
    ]


def test_other_units_and_no_speed_where_nothing_is_done() -> None:
    assert printed((Progress("waiting", 0, 3, unit="Regions"), 0), (Progress("waiting", 0, 3, unit="Regions"), 30)) == [
        "waiting Regions ...",
        "waiting: 0 of 3 Regions, 30s",
    ]


def test_what_begins_again_after_a_close_begins_anew() -> None:
    stream = io.StringIO()
    lines = FleetLines(Messages(stream))
    for done, elapsed_s in ((10, 0), (20, 100), (600, 106)):
        lines.show(replicating(done), elapsed_s)
        if done == 10:
            lines.close()
    assert stream.getvalue().splitlines() == [
        "replicating secrets ...",
        "replicating: 600 of 1000 secrets, 100.0/s, 6s",
    ]


def test_nothing_is_said_where_quiet_is_wanted_or_nothing_was_shown() -> None:
    assert printed((replicating(0), 0), (replicating(500), 60), quiet=True) == []
    assert printed() == []


@given(courses)
def test_no_two_equal_lines_in_a_row_and_few_of_them(course: list[tuple[Progress, float]]) -> None:
    now_s, states = 0.0, []
    for progress, later_s in course:
        now_s += later_s
        states.append((progress, now_s))
    lines = printed(*states)
    assert all(one != other for one, other in pairwise(lines))
    phases = sum(one[0].doing != other[0].doing for one, other in pairwise(states)) + bool(states)
    assert len([line for line in lines if line.endswith(" ...")]) == phases
    assert len(lines) <= 2 * phases + now_s / EVERY_S
    begun = re.compile(r"\w+ secrets \.\.\.")
    going = re.compile(r"\w+: -?\d+( of -?\d+)? secrets(, \d+\.\d/s)?(, \d in trouble)?, \d+s")
    assert all(begun.fullmatch(line) or going.fullmatch(line) for line in lines)
