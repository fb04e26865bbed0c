"""A sweep of a Region: every page once, within its budget, to the end or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import HOME, WEST, World
from service.auditing_scene import Scripted, listed

from smrep.errors import Denied, Throttled, Unanswered
from smrep.model import Filter, Page
from smrep.regions import Region
from smrep.service.sweeping import LISTS_A_SECOND, Sweeper

EAST = Region(HOME)


def names(world: World, *, doomed: bool = False) -> list[str]:
    pages = Sweeper(world, world.clock).pages(EAST, doomed=doomed)
    return [each.name for page in pages for each in page]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_secret_comes_once_a_hundred_a_call(world: World, count: int) -> None:
    for number in range(count):
        world.create(f"{number:03}")
    assert sorted(names(world)) == [f"{number:03}" for number in range(count)]
    assert world.count("ListSecrets") == max(1, -(-count // 100))


def test_a_page_comes_before_the_next_is_asked_for() -> None:
    world = Scripted(script={HOME: [Page((listed("a"),), "1"), Page((listed("b"),))]})
    sweeper = Sweeper(world, world.clock)
    pages = sweeper.pages(EAST)
    assert [each.name for each in next(pages)] == ["a"]
    assert (world.asked, sweeper.seen) == ([(HOME, None)], 1)
    assert [each.name for page in pages for each in page] == ["b"]
    assert (world.asked, sweeper.seen) == ([(HOME, None), (HOME, "1")], 2)


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    world = Scripted(script={HOME: [Page((), "1"), Page((), "2"), Page((listed("a"),), "3"), Page(())]})
    assert names(world) == ["a"]
    assert [token for _, token in world.asked] == [None, "1", "2", "3"]


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"]])
def test_a_token_that_comes_again_is_no_end_but_an_error(tokens: list[str]) -> None:
    world = Scripted(script={HOME: [Page((listed(token),), token) for token in tokens]})
    sweeper = Sweeper(world, world.clock)
    with pytest.raises(Unanswered, match="the list of secrets in us-east-1: the same page was to come again"):
        list(sweeper.pages(EAST))
    assert (sweeper.seen, len(world.asked)) == (len(tokens), len(tokens))


def test_what_is_scheduled_for_deletion_comes_only_where_it_is_wanted(world: World) -> None:
    world.create("a")
    world.create("b")
    world.call("DeleteSecret", SecretId="b")
    assert names(world) == ["a"]
    assert sorted(names(world, doomed=True)) == ["a", "b"]


def test_filters_go_with_every_page(world: World) -> None:
    for number in range(120):
        world.create(f"prod/{number}")
        world.create(f"test/{number}")
    pages = list(Sweeper(world, world.clock).pages(EAST, (Filter("name", ("prod/",)),)))
    assert [len(page) for page in pages] == [100, 20]
    assert all(each.name.startswith("prod/") for page in pages for each in page)


def test_it_keeps_to_half_of_what_aws_allows_in_each_region_by_itself() -> None:
    script = [*(Page((), str(number)) for number in range(100)), Page(())]
    world = Scripted(script={HOME: [*script], WEST: [*script]})
    sweeper = Sweeper(world, world.clock)
    list(sweeper.pages(EAST))
    spent = world.clock.time
    assert spent == pytest.approx(100 / LISTS_A_SECOND)
    west = sweeper.pages(Region(WEST))
    next(west)
    assert world.clock.time == spent  # another Region's budget is its own


def test_throttling_slows_it_down_and_loses_nothing() -> None:
    world = Scripted(script={HOME: [Page((listed("a"),), "1"), Throttled("often"), Throttled("often"), Page(())]})
    assert names(world) == ["a"]
    assert [token for _, token in world.asked] == [None, "1", "1", "1"]
    assert max(world.clock.sleeps) >= 0.5


def test_throttling_for_ever_ends_in_about_a_minute() -> None:
    world = Scripted(script={HOME: [Throttled("often")] * 1000})
    with pytest.raises(Throttled):
        names(world)
    assert 60 <= world.clock.time <= 90


@pytest.mark.parametrize("error", [lambda: Denied("no"), lambda: Unanswered("lost")])
def test_any_other_error_ends_it_at_once(error: Callable[[], Exception]) -> None:
    failure = error()
    world = Scripted(script={HOME: [Page((listed("a"),), "1"), failure]})
    pages = Sweeper(world, world.clock).pages(EAST)
    next(pages)
    with pytest.raises(type(failure)):
        next(pages)
    assert len(world.asked) == 2
