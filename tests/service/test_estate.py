"""What is meant in one account: by choice, by name, by shard; and what can't be a primary there."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws
from hypothesis import given
from hypothesis import strategies as st
from service.audit_scene import PROD, ScriptedAws, estate, listed, rules_of

from smrep.errors import Denied, Outcome, Unanswered, UsageError
from smrep.model import Page
from smrep.rules.fleet.shards import Shard
from smrep.service.fleet.inventory import Inventory, check_conflicts, refuse_absent, unmatched_rules


def names(found: Inventory) -> list[str]:
    return sorted(each.name for each in found.primaries)


def taken(found: Inventory) -> Inventory:
    found.list_primaries()
    return found


def test_what_the_rules_mean_is_kept_without_its_tags_and_replicas_are_not_primaries(aws: FakeAws) -> None:
    aws.create("prod/a", Tags=[{"Key": "team", "Value": "a"}])
    aws.create("test/a")
    aws.create("prod/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    found = taken(estate(aws, rules_of(PROD)))
    assert (names(found), found.primaries[0].tags, found.refused) == (["prod/a"], (), [])
    assert [target.region for target in found.wants[0].targets] == [WEST]
    assert found.wants[0].rules == ("prod",)


def test_what_is_named_by_name_or_by_arn_is_taken_once(aws: FakeAws) -> None:
    arn = aws.create("prod/a")
    found = taken(estate(aws, rules_of({"name": "n", "names": ["prod/a", arn], "regions": [WEST]})))
    assert (names(found), aws.count("DescribeSecret")) == (["prod/a"], 0)


def test_a_secret_that_comes_on_two_pages_is_taken_once() -> None:
    one, other = listed("prod/a"), listed("prod/b")
    aws = ScriptedAws(script={HOME: [Page((one, other), "1"), Page((other,))]})
    assert names(taken(estate(aws))) == ["prod/a", "prod/b"]


def test_an_arn_without_its_suffix_is_refused_with_the_whole_one(aws: FakeAws) -> None:
    arn = aws.create("prod/a")
    found = taken(estate(aws, rules_of({"name": "n", "names": [arn[:-7]], "regions": [WEST]})))
    (refused,) = found.refused
    assert refused.error is not None
    assert arn in str(refused.error.hint)


def test_what_is_named_and_not_listed_yet_is_looked_at(aws: FakeAws) -> None:
    aws.faults(listing_lag_s=300.0)
    aws.create("prod/new")
    found = taken(estate(aws, rules_of({"name": "n", "names": ["prod/new"], "regions": [WEST]})))
    assert (names(found), found.matched, found.refused) == (["prod/new"], [1], [])
    assert names(taken(estate(aws, rules_of(PROD)))) == []


def test_what_is_named_and_not_there_is_refused_and_the_others_stay(aws: FakeAws) -> None:
    aws.create("prod/a")
    found = taken(estate(aws, rules_of({"name": "n", "names": ["prod/a", "prod/none"], "regions": [WEST]})))
    assert (names(found), found.refused) == (["prod/a"], [])
    refuse_absent([found], whole=False)  # another shard's account may have it
    assert found.refused == []
    refuse_absent([found], whole=True)
    (refused,) = found.refused
    assert refused.error is not None
    assert (refused.name, refused.outcome) == ("prod/none", Outcome.FAILED)
    assert refused.error.code == "ResourceNotFoundException"


def test_what_some_account_has_is_refused_in_none(aws: FakeAws) -> None:
    other = FakeAws()
    rules = rules_of({"name": "n", "names": ["prod/a", "prod/none"], "regions": [WEST]})
    aws.create("prod/a")
    both = [taken(estate(each, rules)) for each in (aws, other)]
    refuse_absent(both, whole=True)
    assert [[each.name for each in found.refused] for found in both] == [["prod/none"], []]


@pytest.mark.parametrize("lag_s", [0.0, 300.0])
def test_a_replica_that_is_named_is_refused_with_where_its_primary_is(aws: FakeAws, lag_s: float) -> None:
    aws.faults(listing_lag_s=lag_s)
    aws.create("prod/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    found = taken(estate(aws, rules_of({"name": "n", "names": ["prod/theirs"], "regions": [WEST]})))
    (refused,) = found.refused
    assert refused.error is not None
    assert (refused.error.code, refused.primary_region, found.primaries) == ("is_replica", IRELAND, [])
    assert refused.error.hint == "use the primary:\n  smrep status prod/theirs --primary-region eu-west-1"


def test_what_is_named_and_scheduled_for_deletion_is_refused(aws: FakeAws) -> None:
    aws.create("prod/a")
    aws.call("DeleteSecret", SecretId="prod/a")
    found = taken(estate(aws, rules_of({"name": "n", "names": ["prod/a"], "regions": [WEST]})))
    (refused,) = found.refused
    assert refused.error is not None
    assert (refused.error.code, found.primaries) == ("pending_deletion", [])


def test_another_account_than_expected_stops_it(aws: FakeAws) -> None:
    aws.create("prod/a")
    with pytest.raises(UsageError, match="belongs to account 123456789012") as caught:
        taken(estate(aws, expect_account="999999999999"))
    assert caught.value.code == "AccountMismatch"
    assert names(taken(estate(aws, expect_account="123456789012"))) == ["prod/a"]


def test_rules_that_mean_nothing_are_told_by_what_all_accounts_hold(aws: FakeAws) -> None:
    other = FakeAws()
    aws.create("prod/a")
    other.create("test/a")
    rules = rules_of(PROD, {"name": "t", "prefix": "test/", "regions": [WEST]}, PROD | {"name": "p", "prefix": "prdo/"})
    both = [taken(estate(each, rules)) for each in (aws, other)]
    assert [each.name for each in unmatched_rules(both, rules)] == ["p"]
    assert [each.name for each in unmatched_rules(both[:1], rules)] == ["t", "p"]


def test_two_keys_for_one_secret_and_region_are_a_mistake_only_once_somebody_has_them(aws: FakeAws) -> None:
    aws.create("prod/a")
    rules = rules_of(
        PROD | {"regions": [{"region": WEST, "kms_key": "alias/a"}]},
        {"name": "x", "prefix": "prod/x", "regions": [{"region": WEST, "kms_key": "alias/b"}]},
    )
    check_conflicts([taken(estate(aws, rules))])
    aws.create("prod/x0")
    found = taken(estate(aws, rules))
    with pytest.raises(UsageError) as caught:
        check_conflicts([found], ["another mistake"])
    assert caught.value.details == (
        "replicate[0] and replicate[1]: prod/x0 has two keys in us-west-2, alias/a and alias/b",
        "another mistake",
    )
    assert caught.value.message.startswith("the manifest has 2 mistakes")


@given(st.integers(1, 5))
def test_shards_divide_the_secrets_and_each_knows_what_the_rules_mean(count: int) -> None:
    aws = FakeAws()
    for number in range(20):
        aws.create(f"prod/{number:02}")
    parts = [taken(estate(aws, rules_of(PROD), share=Shard(each, count))) for each in range(1, count + 1)]
    assert sorted(name for part in parts for name in names(part)) == [f"prod/{number:02}" for number in range(20)]
    assert {part.matched[0] for part in parts} == {20}


@given(st.integers(1, 5))
def test_what_is_named_and_can_not_be_had_is_told_by_one_shard(count: int) -> None:
    aws = FakeAws()
    aws.create("prod/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    rules = rules_of({"name": "n", "names": ["prod/none", "prod/theirs"], "regions": [WEST]})
    parts = [taken(estate(aws, rules, share=Shard(each, count))) for each in range(1, count + 1)]
    for part in parts:
        refuse_absent([part], whole=True)
    assert sorted(each.name for part in parts for each in part.refused) == ["prod/none", "prod/theirs"]


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("lost")])
def test_the_primaries_region_must_be_listed_to_its_end(error: Exception) -> None:
    aws = ScriptedAws(script={HOME: [Page((listed("prod/a"),), "1"), error]})
    with pytest.raises(type(error)):
        taken(estate(aws))
