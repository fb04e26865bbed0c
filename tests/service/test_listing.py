"""`list`: the secrets of a Region with their role, page by page, and nothing but ListSecrets asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import HOME, IRELAND, WEST, World, new_key, replicated
from service.auditing_scene import Scripted, listed

from smrep.errors import Denied, Outcome, Unanswered, UsageError
from smrep.model import Page, in_region
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.selection import EVERY, Selector
from smrep.service.listing import Listing

TEAM = [{"Key": "team", "Value": "payments"}]


def listing(world: World, selector: Selector = EVERY, region: str = HOME, account: str | None = None) -> Listing:
    world.calls.clear()
    return Listing(world, world.clock, Region(region), selector, account)


def names(world: World, selector: Selector = EVERY, region: str = HOME) -> list[str]:
    return [each.name for each in found(listing(world, selector, region))]


def found(run: Listing) -> list[SecretReport]:
    came = [each for page in run.act() for each in page]
    assert came == list(run.secrets)
    assert run.seen == len(came)
    return came


@pytest.fixture
def stock(world: World) -> World:
    replicated(world, WEST, IRELAND, name="prod/primary", Tags=TEAM)
    world.create("prod/alone", Tags=[{"Key": "team", "Value": "pay"}])
    world.create("rds!cluster-1")
    world.create("test/primary", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    world.clock.time += 10
    return world


def test_each_secret_has_its_role(stock: World) -> None:
    found_at_home = {each.name: each for each in found(listing(stock))}
    assert {name: each.role for name, each in found_at_home.items()} == {
        "prod/primary": "primary",
        "prod/alone": "standalone",
        "rds!cluster-1": "standalone",
        "test/primary": "replica",
    }
    assert {(each.outcome, each.checked_by) for each in found_at_home.values()} == {(Outcome.OK, "list")}
    assert {call[0] for call in stock.calls} == {"ListSecrets"}


def test_a_replica_is_a_row_of_its_primary_in_the_region_that_was_listed(world: World) -> None:
    key = new_key(world, "alias/dr")
    arn = replicated(world, key=key)
    (secret,) = found(listing(world, region=WEST))
    (row,) = secret.replicas
    assert (secret.arn, secret.primary_region) == (arn, HOME)
    assert (row.region, row.arn, row.kms_key_id, row.status) == (WEST, in_region(arn, Region(WEST)), key, None)
    assert row.note == "replica of us-east-1"
    (primary,) = found(listing(world))
    assert (primary.arn, primary.primary_region, primary.replicas) == (arn, HOME, ())


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        (Selector(prefixes=("prod/", "rds!")), {"prod/primary", "prod/alone", "rds!cluster-1"}),
        (Selector(prefixes=("prod/p", "test/")), {"prod/primary", "test/primary"}),
        (Selector(prefixes=("PROD/",)), set()),
        (Selector(tags=(("team", None),)), {"prod/primary", "prod/alone"}),
        (Selector(tags=(("team", "pay"),)), {"prod/alone"}),  # AWS's filter lets `payments` through too
        (Selector(tags=(("tea", None),)), set()),
        (Selector(prefixes=("prod/a",), tags=(("team", "payments"),)), set()),
        (Selector(owning_service="rds"), {"rds!cluster-1"}),
        (Selector(owning_service="rd"), set()),
    ],
)
def test_what_is_chosen_comes_and_nothing_else(stock: World, selector: Selector, meant: set[str]) -> None:
    assert set(names(stock, selector)) == meant


def test_a_page_is_told_before_the_next_is_asked_for() -> None:
    world = Scripted(script={HOME: [Page((listed("a"),), "1"), Page((), "2"), Page((listed("b"),))]})
    run = listing(world)
    pages = run.act()
    assert [each.name for each in next(pages)] == ["a"]
    assert (len(world.asked), [each.name for each in run.secrets]) == (1, ["a"])
    assert [[each.name for each in page] for page in pages] == [[], ["b"]]
    assert [each.name for each in run.secrets] == ["a", "b"]


def test_more_than_a_page_comes_whole(world: World) -> None:
    for number in range(230):
        world.create(f"{number:03}")
    assert sorted(names(world)) == [f"{number:03}" for number in range(230)]
    assert world.count("ListSecrets") == 3


def test_what_is_scheduled_for_deletion_is_left_out(world: World) -> None:
    world.create("a")
    world.create("b")
    world.call("DeleteSecret", SecretId="b")
    assert names(world) == ["a"]


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("lost")])
def test_a_list_that_breaks_off_is_an_error_and_what_came_is_kept(error: Exception) -> None:
    world = Scripted(script={HOME: [Page((listed("a"),), "1"), error]})
    run = listing(world)
    with pytest.raises(type(error)):
        exhaust(run.act())
    assert [each.name for each in run.secrets] == ["a"]


def test_another_account_than_expected_stops_it_before_anything_is_told(world: World) -> None:
    world.create("a")
    run = listing(world, account="999999999999")
    with pytest.raises(UsageError, match="belongs to account 123456789012") as caught:
        exhaust(run.act())
    assert (caught.value.code, list(run.secrets), run.seen) == ("AccountMismatch", [], 0)
    assert found(listing(world, account="123456789012"))


def exhaust(pages: Iterator[object]) -> None:
    for _ in pages:
        pass
