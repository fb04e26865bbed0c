"""`list`: the secrets of a Region with their role, page by page, and nothing but ListSecrets asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, new_key, replicated
from service.audit_scene import ScriptedAws, listed
from use_case_run import quiet

from smrep.errors import Denied, Outcome, Unanswered, UsageError
from smrep.model import Page, in_region
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.service.list_secrets import Listing

TEAM = [{"Key": "team", "Value": "payments"}]


def listing(aws: FakeAws, selector: Selector = EVERY, region: str = HOME, account: str | None = None) -> Listing:
    aws.calls.clear()
    return Listing(aws, aws.clock, Region(region), selector, account)


def names(aws: FakeAws, selector: Selector = EVERY, region: str = HOME) -> list[str]:
    return [each.name for each in found(listing(aws, selector, region))]


def found(run: Listing) -> list[SecretReport]:
    came: list[SecretReport] = []
    run.look(quiet(run.clock), came.extend)
    assert sorted(came, key=lambda report: report.name) == list(run.reports())
    assert run.seen == len(came)
    return came


@pytest.fixture
def stock(aws: FakeAws) -> FakeAws:
    replicated(aws, WEST, IRELAND, name="prod/primary", Tags=TEAM)
    aws.create("prod/alone", Tags=[{"Key": "team", "Value": "pay"}])
    aws.create("rds!cluster-1")
    aws.create("test/primary", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    return aws


def test_each_secret_has_its_role(stock: FakeAws) -> None:
    found_at_home = {each.name: each for each in found(listing(stock))}
    assert {name: each.role for name, each in found_at_home.items()} == {
        "prod/primary": "primary",
        "prod/alone": "standalone",
        "rds!cluster-1": "standalone",
        "test/primary": "replica",
    }
    assert {(each.outcome, each.checked_by) for each in found_at_home.values()} == {(Outcome.OK, "list")}
    assert {call[0] for call in stock.calls} == {"ListSecrets"}


def test_a_replica_is_a_row_of_its_primary_in_the_region_that_was_listed(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    arn = replicated(aws, key=key)
    (secret,) = found(listing(aws, region=WEST))
    (row,) = secret.replicas
    assert (secret.arn, secret.primary_region) == (arn, HOME)
    assert (row.region, row.arn, row.kms_key_id, row.status) == (WEST, in_region(arn, Region(WEST)), key, None)
    assert row.note == "replica of us-east-1"
    (primary,) = found(listing(aws))
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
def test_what_is_chosen_comes_and_nothing_else(stock: FakeAws, selector: Selector, meant: set[str]) -> None:
    assert set(names(stock, selector)) == meant


def test_a_page_is_told_before_the_next_is_asked_for() -> None:
    aws = ScriptedAws(script={HOME: [Page((listed("a"),), "1"), Page((), "2"), Page((listed("b"),))]})
    run = listing(aws)
    pages: list[tuple[int, list[str]]] = []
    run.look(quiet(aws.clock), lambda page: pages.append((len(aws.asked), [each.name for each in page])))
    assert pages == [(1, ["a"]), (2, []), (3, ["b"])]
    assert [each.name for each in run.reports()] == ["a", "b"]


def test_more_than_a_page_comes_whole(aws: FakeAws) -> None:
    for number in range(230):
        aws.create(f"{number:03}")
    assert sorted(names(aws)) == [f"{number:03}" for number in range(230)]
    assert aws.count("ListSecrets") == 3


def test_what_is_scheduled_for_deletion_is_left_out(aws: FakeAws) -> None:
    aws.create("a")
    aws.create("b")
    aws.call("DeleteSecret", SecretId="b")
    assert names(aws) == ["a"]


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("lost")])
def test_a_list_that_breaks_off_is_an_error_and_what_came_is_kept(error: Exception) -> None:
    aws = ScriptedAws(script={HOME: [Page((listed("a"),), "1"), error]})
    run = listing(aws)
    with pytest.raises(type(error)):
        run.look(quiet(aws.clock), lambda _: None)
    assert [each.name for each in run.reports()] == ["a"]


def test_another_account_than_expected_stops_it_before_anything_is_told(aws: FakeAws) -> None:
    aws.create("a")
    run = listing(aws, account="999999999999")
    with pytest.raises(UsageError, match="belongs to account 123456789012") as caught:
        run.look(quiet(aws.clock), lambda _: None)
    assert (caught.value.code, list(run.reports()), run.seen) == ("AccountMismatch", [], 0)
    assert found(listing(aws, account="123456789012"))


def exhaust(pages: Iterator[object]) -> None:
    for _ in pages:
        pass
