"""What the lists of the Regions show of the secrets that are meant: covered, in doubt, strange, or not to be had."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, new_key, replicated
from service.audit_scene import PROD, ScriptedAws, asking, estate, healthy, listed, rules_of

from smrep.errors import CredentialsError, Denied, Unanswered
from smrep.model import Page, Secret
from smrep.regions import Region
from smrep.rules.manifest.selector import Selector
from smrep.rules.replication.name_owner import NoSecret, NotChecked
from smrep.service.fleet.inventory import Inventory

THERE, GREEN = Region(WEST), Region(IRELAND)


def swept(found: Inventory) -> Inventory:
    found.list_primaries()
    found.list_replicas()
    return found


def test_each_region_is_listed_once_whatever_is_in_it(aws: FakeAws) -> None:
    healthy(aws, 130, WEST, IRELAND)
    found = estate(aws, asking(WEST, IRELAND))
    aws.calls.clear()
    swept(found)
    assert {region: aws.count("ListSecrets", region) for region in (HOME, WEST, IRELAND)} == {
        HOME: 2,
        WEST: 2,
        IRELAND: 2,
    }
    assert len(aws.calls) == 6
    assert all(found.covers(place) for place in range(130))


@pytest.mark.parametrize(("rule", "listed_there"), [({"prefix": "prod/"}, 1), ({"tags": {"dr": "true"}}, 0)])
def test_where_nothing_is_meant_other_regions_are_listed_only_for_orphans(
    aws: FakeAws, rule: dict[str, Any], listed_there: int
) -> None:
    aws.create("test/a")
    swept(estate(aws, rules_of({"name": "n", "regions": [WEST], **rule})))
    assert (aws.count("ListSecrets", HOME), aws.count("ListSecrets", WEST)) == (1, listed_there)


def test_covered_is_told_by_region_and_only_of_where_a_secret_is_wanted(aws: FakeAws) -> None:
    replicated(aws, WEST, name="prod/a")
    replicated(aws, WEST, IRELAND, name="prod/b")
    found = swept(estate(aws, rules_of(PROD, {"name": "b", "names": ["prod/b"], "regions": [IRELAND]})))
    places = {each.name: place for place, each in enumerate(found.primaries)}
    assert all(found.covers(place) for place in places.values())
    assert found.is_listed_well(places["prod/b"], GREEN)
    assert not found.is_listed_well(places["prod/a"], GREEN)
    assert not found.is_listed_well(places["prod/a"], Region("sa-east-1"))


def test_a_replica_in_a_region_that_another_rule_wants_is_noticed(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    replicated(aws, WEST, IRELAND, name="prod/b")
    found = swept(estate(aws, rules_of(PROD, {"name": "b", "names": ["prod/b"], "regions": [IRELAND]})))
    assert [found.primaries[place].name for place in found.seen_elsewhere] == ["prod/a"]


@pytest.mark.parametrize("key", ["alias/dr", "arn"])
def test_a_key_in_other_words_is_the_same_and_kms_is_asked_once(aws: FakeAws, key: str) -> None:
    arn = new_key(aws, "alias/dr")
    for number in range(5):
        replicated(aws, name=f"prod/{number}", key="alias/dr" if key == "arn" else arn)
    aws.calls.clear()
    found = swept(estate(aws, asking(key=arn if key == "arn" else "alias/dr")))
    assert all(found.covers(place) for place in range(5))
    assert aws.count("DescribeKey", WEST) == 2


def test_a_look_through_the_list_tells_a_name_conflict_from_nothing_and_from_no_list(aws: FakeAws) -> None:
    aws.create("prod/a")
    aws.create("prod/a", WEST)
    aws.create("prod/b")
    found = swept(estate(aws))
    places = {each.name: place for place, each in enumerate(found.primaries)}
    seen = found.look(places["prod/a"], THERE)
    assert isinstance(seen, Secret)
    assert (seen.region, seen.primary_region) == (WEST, None)
    assert isinstance(found.look(places["prod/b"], THERE), NoSecret)
    assert found.look(places["prod/b"], GREEN) == NotChecked()
    assert (found.is_known_elsewhere(places["prod/a"]), found.is_known_elsewhere(places["prod/b"])) == (True, False)


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("lost"), CredentialsError("no", code="AuthFailure")])
def test_a_region_that_can_not_be_listed_does_not_stop_the_others(error: Exception) -> None:
    aws = ScriptedAws(script={WEST: [error]})
    healthy(aws, 3, WEST, IRELAND)
    found = swept(estate(aws, asking(WEST, IRELAND)))
    assert found.unlisted == {WEST: error}
    assert all(found.is_listed_well(place, GREEN) for place in range(3))
    assert not any(found.covers(place) for place in range(3))
    assert found.look(0, THERE) == NotChecked(error)  # type: ignore[arg-type]


def test_credentials_that_expire_stop_it() -> None:
    aws = ScriptedAws(script={WEST: [CredentialsError("no", code="ExpiredTokenException")]})
    aws.create("prod/a")
    with pytest.raises(CredentialsError):
        swept(estate(aws))


@pytest.mark.parametrize(
    ("selector", "sought"),
    [
        (Selector(), True),
        (Selector(prefixes=("prod/",)), True),
        (Selector(prefixes=("test/",)), False),
        (Selector(prefixes=("prod/",), exclude=("*/gone",)), False),
        (Selector(tags=(("team", None),)), False),
        (Selector(owning_service="rds"), False),
    ],
)
def test_replicas_without_a_primary_are_sought_where_a_name_tells_that_they_are_meant(
    selector: Selector, sought: bool
) -> None:
    stranger = listed("prod/gone", WEST, primary_region=Region(HOME))
    foreign = listed("prod/theirs", WEST, primary_region=GREEN)
    script = [Page((stranger, foreign, listed("prod/own", WEST)))]
    tags = (("team", "a"),)
    homes = [listed("prod/a", tags=tags), listed("test/a", tags=tags), listed("rds!a", owning_service="rds")]
    aws = ScriptedAws(script={HOME: [Page(tuple(homes))], WEST: [*script]})
    found = swept(estate(aws, asking(selector=selector)))
    assert found.stray_replicas == ([stranger] if sought else [])
