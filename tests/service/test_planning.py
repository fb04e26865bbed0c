"""`plan`: what is to be done in each Region, found out from lists and looks, and nothing of it done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, kinds, new_key, replicated
from service.apply_scene import PROD, by_name, counts, drafted, rows

from smrep.errors import Outcome
from smrep.report import healthy
from smrep.rules.fleet.shards import Shard

EVERYWHERE = PROD | {"regions": [WEST, IRELAND]}


def actions(aws: FakeAws, *rules: dict[str, Any]) -> dict[tuple[str, str], str | None]:
    return {place: row.action for place, row in rows(drafted(aws, *rules).reports()).items()}


def test_what_has_no_replica_gets_one(aws: FakeAws) -> None:
    aws.create("prod/new")
    replicated(aws, IRELAND, name="prod/elsewhere")
    draft = drafted(aws)
    found = rows(draft.reports())
    assert {(each.action, each.outcome, each.changed) for each in found.values()} == {("add", Outcome.OK, False)}
    assert found.keys() == {("prod/new", WEST), ("prod/elsewhere", WEST)}
    assert counts(draft.summary) == {"secrets": 2, "add": 2}
    assert (draft.removals, len(draft.changes)) == (0, 2)


def test_what_failed_is_tried_again_under_its_key(aws: FakeAws) -> None:
    aws.faults(failures={WEST: "Replication failed: of the weather"})
    key = new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key=key)
    aws.faults()
    draft = drafted(aws)
    row = rows(draft.reports())["prod/a", WEST]
    assert (row.action, row.status, row.wanted_key, kinds(row)) == ("retry", "Failed", key, ["failed"])
    assert counts(draft.summary) == {"secrets": 1, "retry": 1}


def test_what_is_right_is_kept_by_listing_alone(aws: FakeAws) -> None:
    for number in range(120):
        aws.create(f"prod/{number:03}", AddReplicaRegions=[{"Region": WEST}, {"Region": IRELAND}])
    aws.clock.time += 10
    draft = drafted(aws, EVERYWHERE)
    assert counts(draft.summary) == {"secrets": 120, "keep": 240}
    assert {call[0] for call in aws.calls} == {"ListSecrets"}
    assert len(aws.calls) == 6
    secrets = draft.reports()
    assert {(each.outcome, each.checked_by) for each in secrets} == {(Outcome.OK, "list")}
    assert {row.action for each in secrets for row in each.replicas} == {"keep"}
    assert dict(healthy(secrets)) == {(WEST, IRELAND): 120}
    assert draft.changes == []


def test_what_is_on_its_way_is_kept(aws: FakeAws) -> None:
    aws.faults(replication_delay_s=1000.0)
    replicated(aws, name="prod/a")
    draft = drafted(aws)
    assert rows(draft.reports())["prod/a", WEST].action == "keep"
    assert counts(draft.summary) == {"secrets": 1, "keep": 1}


def test_another_key_than_wanted_is_shown_with_its_cure_and_is_no_change(aws: FakeAws) -> None:
    new_key(aws, "alias/old")
    new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key="alias/old")
    draft = drafted(aws, PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}]})
    row = rows(draft.reports())["prod/a", WEST]
    assert (row.action, kinds(row)) == ("keep", ["wrong_key"])
    assert (
        row.findings[0].hint == "change its key:\n  smrep rekey prod/a --primary-region us-east-1 -r us-west-2=alias/dr"
    )
    assert counts(draft.summary) == {"secrets": 1, "wrong_key": 1}
    assert draft.changes == []


def test_the_same_key_in_other_words_is_right(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key=key)
    draft = drafted(aws, PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}]})
    assert counts(draft.summary) == {"secrets": 1, "keep": 1}


def test_an_extra_region_is_removed_where_the_rule_says_so(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, SYDNEY, name="prod/a")
    draft = drafted(aws, PROD | {"remove_extra": True})
    assert actions(aws, PROD | {"remove_extra": True}) == {
        ("prod/a", WEST): "keep",
        ("prod/a", IRELAND): "remove",
        ("prod/a", SYDNEY): "remove",
    }
    assert (draft.removals, counts(draft.summary)) == (2, {"secrets": 1, "keep": 1, "remove": 2})


def test_else_it_is_skipped_and_not_even_shown(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    assert actions(aws) == {("prod/a", WEST): "keep"}


@pytest.mark.parametrize(("one", "other", "removed"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_it_goes_only_where_every_rule_that_means_the_secret_says_so(
    aws: FakeAws, one: bool, other: bool, removed: int
) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    rules = (
        PROD | {"remove_extra": one},
        {"name": "a", "names": ["prod/a"], "regions": [WEST], "remove_extra": other},
        {"name": "another", "prefix": "prod/", "exclude": ["prod/a"], "regions": [WEST], "tags": {"no": "one"}},
    )
    aws.create("prod/b", Tags=[{"Key": "no", "Value": "one"}])
    assert drafted(aws, *rules).removals == removed


def test_several_rules_want_the_union_of_their_regions(aws: FakeAws) -> None:
    aws.create("prod/a")
    aws.create("prod/b")
    found = actions(aws, PROD, {"name": "a", "names": ["prod/a"], "regions": [IRELAND, WEST]})
    assert found.keys() == {("prod/a", WEST), ("prod/a", IRELAND), ("prod/b", WEST)}


def test_a_name_conflict_blocks_its_region_and_no_other(aws: FakeAws) -> None:
    aws.create("prod/a")
    aws.create("prod/a", IRELAND)
    draft = drafted(aws, EVERYWHERE)
    found = rows(draft.reports())
    assert found["prod/a", WEST].action == "add"
    blocked = found["prod/a", IRELAND]
    assert blocked.error is not None
    assert (blocked.action, blocked.error.code, blocked.outcome) == (None, "name_conflict", Outcome.FAILED)
    assert counts(draft.summary) == {"secrets": 1, "add": 1, "blocked": 1}


@pytest.mark.parametrize("extra", ["namesake", "promoted", "denied"])
def test_what_is_not_seen_to_be_ours_in_an_extra_region_stays(aws: FakeAws, extra: str) -> None:
    arn = replicated(aws, WEST, IRELAND, name="prod/a")
    if extra == "denied":
        aws.faults(denied=frozenset({("DescribeSecret", IRELAND)}))
    else:
        aws.call("StopReplicationToReplica", IRELAND, SecretId="prod/a")
    if extra == "namesake":
        aws.call("DeleteSecret", IRELAND, SecretId="prod/a", ForceDeleteWithoutRecovery=True)
        aws.clock.time += 5
        aws.create("prod/a", IRELAND)
    aws.simulator.set_replication_status(arn, HOME, IRELAND, "InSync")
    draft = drafted(aws, PROD | {"remove_extra": True})
    row = rows(draft.reports())["prod/a", IRELAND]
    assert row.error is not None
    assert row.error.code == {"namesake": "name_conflict", "promoted": "promoted", "denied": "unchecked"}[extra]
    assert (draft.removals, draft.changes) == (0, [])


def test_a_key_that_is_missing_blocks(aws: FakeAws) -> None:
    aws.create("prod/a")
    draft = drafted(aws, PROD | {"regions": [{"region": WEST, "kms_key": "alias/none"}]})
    error = rows(draft.reports())["prod/a", WEST].error
    assert error is not None
    assert (error.code, counts(draft.summary)) == ("key_missing", {"secrets": 1, "blocked": 1})


def test_a_secret_that_is_named_and_not_there_is_in_trouble_and_the_others_are_planned(aws: FakeAws) -> None:
    aws.create("prod/a")
    draft = drafted(aws, {"name": "two", "names": ["prod/a", "prod/none"], "regions": [WEST]})
    none = by_name(draft.reports())["prod/none"]
    assert none.error is not None
    assert (none.outcome, none.error.code) == (Outcome.FAILED, "ResourceNotFoundException")
    assert counts(draft.summary) == {"secrets": 2, "add": 1, "in_trouble": 1}


def test_what_is_not_meant_is_not_looked_at(aws: FakeAws) -> None:
    for name in ("prod/a", "test/a", "prod/tmp-1"):
        aws.create(name)
    drafted(aws, PROD | {"exclude": ["prod/tmp-*"]})
    looked = {subject for operation, _, subject in aws.calls if operation == "DescribeSecret"}
    assert not any("test/a" in each or "tmp-1" in each for each in looked)


def test_what_was_just_replicated_and_is_not_listed_yet_is_seen_by_a_look(aws: FakeAws) -> None:
    aws.create("prod/a")
    aws.faults(listing_lag_s=300.0)
    aws.replicate_by_hand(WEST, name="prod/a")
    assert actions(aws) == {("prod/a", WEST): "keep"}


def test_a_difference_is_one_only_where_that_is_asked_for(aws: FakeAws) -> None:
    aws.create("prod/new")
    replicated(aws, name="prod/right")
    draft = drafted(aws)
    plain, detailed = by_name(draft.reports()), by_name(replace(draft, detailed=True).reports())
    assert [plain[name].outcome for name in ("prod/new", "prod/right")] == [Outcome.OK] * 2
    assert [detailed[name].outcome for name in ("prod/new", "prod/right")] == [Outcome.DRIFT, Outcome.OK]


def test_shards_plan_every_secret_once_and_each_sees_what_the_rules_mean(aws: FakeAws) -> None:
    for number in range(12):
        aws.create(f"prod/{number}")
    parts = [drafted(aws, share=Shard(number, 3)) for number in (1, 2, 3)]
    names = [each.name for part in parts for each in part.reports()]
    assert sorted(names) == sorted(f"prod/{number}" for number in range(12))


def test_trust_in_listing_saves_the_look_at_what_was_never_replicated(aws: FakeAws) -> None:
    for number in range(30):
        aws.create(f"prod/{number}")
    assert counts(drafted(aws, trusting=True).summary) == {"secrets": 30, "add": 30}
    assert aws.count("DescribeSecret") == 0
    drafted(aws)
    assert aws.count("DescribeSecret") >= 30
