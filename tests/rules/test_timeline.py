"""The time line's arithmetic: spans, gaps and cells, held against what was seen at each moment."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.rules.recovery.drill_timeline import (
    Cell,
    Gap,
    Readable,
    SecretTimeline,
    Span,
    Track,
    build_timelines,
    cells,
    longest,
    shared_gaps,
    worst,
)

CURRENT, STALE, NONE, DOWN = Readable
START, END = 100, 120


@dataclass(frozen=True)
class Seen:
    at: float
    name: str
    region: str
    readable: str
    writable: bool


STATE = st.tuples(st.sampled_from(Readable), st.booleans())


@st.composite
def rows(draw, name="db", region="us-east-1"):
    """Sightings of one secret in one Region at whole seconds, the first at the start, some at the same moment."""
    moments = sorted(draw(st.lists(st.integers(START, END + 3), max_size=8)))
    return [Seen(at, name, region, *draw(STATE)) for at in [START, *moments]]


@st.composite
def secrets(draw, name="db"):
    regions = ["us-east-1", "us-west-2", "eu-west-1"][: draw(st.integers(1, 3))]
    return [each for region in regions for each in draw(rows(name, region))]


def state(seen, region, at):
    """What was seen last in a Region by the moment `at`, in seconds since the start."""
    last = [each for each in seen if each.region == region and each.at <= START + at][-1]
    return Readable(last.readable), last.writable


def within(gaps, at):
    return any(each.from_s <= at < each.to_s for each in gaps)


MOMENTS = [number + 0.5 for number in range(END - START)]


@given(rows())
def test_the_spans_of_a_region_are_what_was_seen_without_a_gap(seen):
    (course,) = build_timelines(seen, START, END)
    (track,) = course.tracks
    assert (track.spans[0].from_s, track.spans[-1].to_s) == (0, END - START)
    for one, other in zip(track.spans, track.spans[1:], strict=False):
        assert one.to_s == other.from_s
        assert (one.readable, one.writable) != (other.readable, other.writable)
    assert all(each.from_s < each.to_s for each in track.spans)
    for at in MOMENTS:
        (span,) = [each for each in track.spans if each.from_s <= at < each.to_s]
        assert (span.readable, span.writable) == state(seen, "us-east-1", at)
    assert track.without_s == sum(state(seen, "us-east-1", at)[0] is not CURRENT for at in MOMENTS)


@given(secrets())
def test_gaps_are_where_no_region_has_it(seen):
    (course,) = build_timelines(seen, START, END)
    regions = {each.region for each in seen}
    for at in MOMENTS:
        states = [state(seen, region, at) for region in regions]
        assert within(course.unreadable, at) == all(readable is not CURRENT for readable, _ in states)
        assert within(course.unwritable, at) == (not any(writable for _, writable in states))
        assert within(course.twice_writable, at) == (sum(writable for _, writable in states) > 1)
        (best,) = [each for each in course.anywhere if each.from_s <= at < each.to_s]
        assert best.readable == min((readable for readable, _ in states), key=list(Readable).index)


@given(secrets())
def test_gaps_that_touch_are_one(seen):
    (course,) = build_timelines(seen, START, END)
    for gaps in (course.unreadable, course.unwritable, course.twice_writable):
        assert all(each.to_s > each.from_s for each in gaps)
        assert all(one.to_s < other.from_s for one, other in itertools.pairwise(gaps))


@given(rows(), st.integers(1, 50))
def test_no_moment_is_better_than_its_cell_tells(seen, count):
    (course,) = build_timelines(seen, START, END)
    spans = course.tracks[0].spans
    row = cells(spans, count, END - START)
    assert len(row) == count
    for span in spans:
        for place in range(count):
            begin, until = (END - START) * place / count, (END - START) * (place + 1) / count
            if span.from_s < until and span.to_s > begin:
                assert list(Readable).index(row[place].readable) >= list(Readable).index(span.readable)
                assert not row[place].writable or span.writable
    for place, cell in enumerate(row):  # and none is worse than its worst
        begin, until = (END - START) * place / count, (END - START) * (place + 1) / count
        here = [each for each in spans if each.from_s < until and each.to_s > begin]
        assert cell.readable in {each.readable for each in here}


@given(st.lists(secrets(), min_size=1, max_size=4))
def test_what_is_common_to_all_is_when_none_can_be_written(fleet):
    named = [
        Seen(each.at, f"db-{number}", each.region, each.readable, each.writable)
        for number, seen in enumerate(fleet)
        for each in seen
    ]
    every = build_timelines(named, START, END)
    assert [each.name for each in every] == [f"db-{number}" for number in range(len(fleet))]
    found = shared_gaps([each.unwritable for each in every])
    for at in MOMENTS:
        assert within(found, at) == all(within(each.unwritable, at) for each in every)


def test_what_is_seen_after_the_end_and_for_no_time_counts_for_nothing():
    seen = [
        Seen(100, "db", "us-east-1", "current", True),
        Seen(105, "db", "us-east-1", "none", False),
        Seen(105, "db", "us-east-1", "current", True),
        Seen(130, "db", "us-east-1", "down", False),
    ]
    (course,) = build_timelines(seen, START, END)
    assert course.tracks == (Track("us-east-1", (Span(0, 20, CURRENT, writable=True),)),)


def test_a_time_line_of_no_length_has_nobody_on_it():
    assert build_timelines([Seen(100, "db", "us-east-1", "current", True)], START, START) == ()


def test_the_gap_of_a_moment_is_seen_in_its_cell():
    spans = (Span(0, 10, CURRENT, True), Span(10, 10.01, NONE, False), Span(10.01, 20, CURRENT, True))
    row = cells(spans, 4, 20)
    assert [each.readable for each in row] == [CURRENT, CURRENT, NONE, CURRENT]


def test_what_comes_after_the_last_that_was_seen_is_like_it():
    spans = (Span(0, 5, DOWN, False), Span(5, 6, STALE, False), Span(6, 10, CURRENT, True))
    assert cells(spans, 2, 40) == (Cell(DOWN, False), Cell(CURRENT, True))


def test_the_worst_of_several_rows_is_taken_cell_by_cell():
    one = (Cell(CURRENT, True), Cell(STALE, True))
    other = (Cell(DOWN, False), Cell(CURRENT, True))
    assert worst([one, other]) == (Cell(DOWN, False), Cell(STALE, True))


def test_rows_of_different_lengths_are_a_fault_of_ours():
    with pytest.raises(ValueError, match="zip"):
        worst([(Cell(CURRENT, True),), ()])


@pytest.mark.parametrize(("gaps", "long_s"), [([], 0.0), ([Gap(1, 2)], 1), ([Gap(1, 2), Gap(3, 7), Gap(8, 9)], 4)])
def test_the_longest_gap(gaps, long_s):
    assert longest(gaps) == long_s


def test_gaps_that_only_touch_have_nothing_in_common():
    assert shared_gaps([[Gap(0, 5), Gap(7, 9)], [Gap(5, 8)]]) == (Gap(7, 8),)


def test_nothing_is_common_to_none():
    assert shared_gaps([]) == ()


def test_no_region_at_all_is_no_better_than_the_one_that_was_looked_at():
    course = SecretTimeline("db", (Track("us-east-1", (Span(0, 5, DOWN, False), Span(5, 9, CURRENT, True))),))
    assert course.anywhere == course.tracks[0].spans
    assert course.unreadable == (Gap(0, 5),)
