"""A sweep of a Region: every page once, within its budget, to the end or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import HOME, WEST, FakeAws
from service.audit_scene import ScriptedAws, listed

from smrep.errors import Denied, Throttled, Unanswered
from smrep.model import Filter, Page
from smrep.regions import Region
from smrep.service.fleet.region_lister import LISTS_A_SECOND, RegionLister

EAST = Region(HOME)


def names(aws: FakeAws, *, with_deleted: bool = False) -> list[str]:
    pages = RegionLister(aws, aws.clock).pages(EAST, with_deleted=with_deleted)
    return [each.name for page in pages for each in page]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_secret_comes_once_a_hundred_a_call(aws: FakeAws, count: int) -> None:
    for number in range(count):
        aws.create(f"{number:03}")
    assert sorted(names(aws)) == [f"{number:03}" for number in range(count)]
    assert aws.count("ListSecrets") == max(1, -(-count // 100))


def test_a_page_comes_before_the_next_is_asked_for() -> None:
    aws = ScriptedAws(script={HOME: [Page((listed("a"),), "1"), Page((listed("b"),))]})
    lister = RegionLister(aws, aws.clock)
    pages = lister.pages(EAST)
    assert [each.name for each in next(pages)] == ["a"]
    assert (aws.asked, lister.seen) == ([(HOME, None)], 1)
    assert [each.name for page in pages for each in page] == ["b"]
    assert (aws.asked, lister.seen) == ([(HOME, None), (HOME, "1")], 2)


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    aws = ScriptedAws(script={HOME: [Page((), "1"), Page((), "2"), Page((listed("a"),), "3"), Page(())]})
    assert names(aws) == ["a"]
    assert [token for _, token in aws.asked] == [None, "1", "2", "3"]


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"]])
def test_a_token_that_comes_again_is_no_end_but_an_error(tokens: list[str]) -> None:
    aws = ScriptedAws(script={HOME: [Page((listed(token),), token) for token in tokens]})
    lister = RegionLister(aws, aws.clock)
    with pytest.raises(Unanswered, match="the list of secrets in us-east-1: AWS returned the same page token again"):
        list(lister.pages(EAST))
    assert (lister.seen, len(aws.asked)) == (len(tokens), len(tokens))


ENDLESS = {
    "empty pages": lambda number: Page((), str(number)),
    "the same page again and again": lambda number: Page((listed("a"),), str(number)),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_thousand_pages_in_a_row_without_news_are_no_list(kind: str) -> None:
    aws = ScriptedAws(script={HOME: [ENDLESS[kind](number) for number in range(5000)]})
    with pytest.raises(Unanswered, match="the list of secrets in us-east-1: 1000 pages in a row showed nothing new"):
        list(RegionLister(aws, aws.clock).pages(EAST))
    assert len(aws.asked) in {1000, 1001}


def test_999_empty_pages_are_borne_again_after_each_that_shows_something() -> None:
    pages = [Page((listed("a"),) if number % 1000 == 999 else (), str(number)) for number in range(2000)]
    aws = ScriptedAws(script={HOME: [*pages, Page((listed("b"),))]})
    assert names(aws) == ["a", "a", "b"]


def test_what_is_scheduled_for_deletion_comes_only_where_it_is_wanted(aws: FakeAws) -> None:
    aws.create("a")
    aws.create("b")
    aws.call("DeleteSecret", SecretId="b")
    assert names(aws) == ["a"]
    assert sorted(names(aws, with_deleted=True)) == ["a", "b"]


def test_filters_go_with_every_page(aws: FakeAws) -> None:
    for number in range(120):
        aws.create(f"prod/{number}")
        aws.create(f"test/{number}")
    pages = list(RegionLister(aws, aws.clock).pages(EAST, (Filter("name", ("prod/",)),)))
    assert [len(page) for page in pages] == [100, 20]
    assert all(each.name.startswith("prod/") for page in pages for each in page)


def test_it_keeps_to_half_of_what_aws_allows_in_each_region_by_itself() -> None:
    script = [*(Page((), str(number)) for number in range(100)), Page(())]
    aws = ScriptedAws(script={HOME: [*script], WEST: [*script]})
    lister = RegionLister(aws, aws.clock)
    list(lister.pages(EAST))
    spent = aws.clock.time
    assert spent == pytest.approx(100 / LISTS_A_SECOND)
    west = lister.pages(Region(WEST))
    next(west)
    assert aws.clock.time == spent  # another Region's budget is its own


def test_throttling_slows_it_down_and_loses_nothing() -> None:
    aws = ScriptedAws(script={HOME: [Page((listed("a"),), "1"), Throttled("often"), Throttled("often"), Page(())]})
    assert names(aws) == ["a"]
    assert [token for _, token in aws.asked] == [None, "1", "1", "1"]
    assert max(aws.clock.sleeps) >= 0.5


def test_throttling_for_ever_ends_in_about_a_minute() -> None:
    aws = ScriptedAws(script={HOME: [Throttled("often")] * 1000})
    with pytest.raises(Throttled):
        names(aws)
    assert 60 <= aws.clock.time <= 90


@pytest.mark.parametrize("error", [lambda: Denied("no"), lambda: Unanswered("lost")])
def test_any_other_error_ends_it_at_once(error: Callable[[], Exception]) -> None:
    failure = error()
    aws = ScriptedAws(script={HOME: [Page((listed("a"),), "1"), failure]})
    pages = RegionLister(aws, aws.clock).pages(EAST)
    next(pages)
    with pytest.raises(type(failure)):
        next(pages)
    assert len(aws.asked) == 2
