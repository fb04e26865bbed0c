"""`apply`: each secret gets what its plan says, once; what is not meant is never touched; again it sends nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes import IRELAND, SYDNEY, WEST, FakeAws, is_there, kinds, new_key, replicated
from service.apply_scene import (
    PROD,
    applied,
    by_name,
    counts,
    drafted,
    name_of,
    prepared,
    rows,
    writes,
)
from use_case_run import UseCaseRun, quiet

from smrep.errors import Outcome
from smrep.output.progress import SystemClock
from smrep.rules.fleet.plan_counts import result_counts
from smrep.service.apply import Application

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
BOTH = PROD | {"regions": [WEST, IRELAND]}


def summary(run: Application) -> dict[str, int]:
    return counts(result_counts(run.reports(), 0, 0))


def test_each_secret_is_asked_for_once_in_all_its_regions_and_waited_for(aws: FakeAws) -> None:
    for name in "abc":
        aws.create(f"prod/{name}")
    run = applied(aws, BOTH)
    assert writes(aws) == [(ADD, f"prod/{name}", [WEST, IRELAND]) for name in "abc"]
    assert {each.outcome for each in run.reports()} == {Outcome.OK}
    assert {(row.status, row.changed) for row in rows(run.reports()).values()} == {("InSync", True)}
    assert summary(run) == {"secrets": 3, "add": 6, "changed": 6}
    assert (run.open_names, run.progress.done, run.progress.total) == ([], 3, 3)


def test_add_retry_keep_and_wrong_key_and_remove_beside_each_other(aws: FakeAws) -> None:
    aws.create("prod/add")
    new_key(aws, "alias/old")
    new_key(aws, "alias/dr")
    aws.faults(failures={WEST: "Replication failed: of the weather"})
    replicated(aws, name="prod/retry", key="alias/dr")
    aws.faults()
    replicated(aws, name="prod/keep", key="alias/dr")
    replicated(aws, name="prod/wrong", key="alias/old")
    replicated(aws, WEST, IRELAND, name="prod/remove")
    keyed = PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}], "exclude": ["prod/remove"]}
    run = applied(aws, keyed, {"name": "go", "names": ["prod/remove"], "regions": [WEST], "remove_extra": True})
    assert sorted(writes(aws)) == [
        (REMOVE, "prod/remove", [IRELAND]),
        (ADD, "prod/add", [WEST]),
        (ADD, "prod/retry", [WEST]),
    ]
    found = by_name(run.reports())
    assert found["prod/wrong"].outcome is Outcome.DRIFT
    assert kinds(found["prod/wrong"].replicas[0]) == ["wrong_key"]
    assert not found["prod/wrong"].replicas[0].changed
    assert {each.outcome for name, each in found.items() if name != "prod/wrong"} == {Outcome.OK}
    assert not is_there(aws, IRELAND, "prod/remove")
    assert is_there(aws, WEST, "prod/remove")
    totals = summary(run)
    assert {word: totals[word] for word in ("add", "retry", "remove", "wrong_key", "changed")} == {
        "add": 1,
        "retry": 1,
        "remove": 1,
        "wrong_key": 1,
        "changed": 3,
    }


def test_again_it_sends_nothing(aws: FakeAws) -> None:
    for name in "abc":
        aws.create(f"prod/{name}")
    replicated(aws, WEST, IRELAND, SYDNEY, name="prod/extra")
    rule = BOTH | {"remove_extra": True}
    applied(aws, rule)
    assert len(writes(aws)) == 4
    run = applied(aws, rule)
    assert writes(aws) == []
    assert {each.outcome for each in run.reports()} <= {Outcome.OK}


@pytest.mark.parametrize("lag_s", [0.0, 10.0])
def test_again_at_once_it_sends_nothing_though_the_list_lags(aws: FakeAws, lag_s: float) -> None:
    aws.create("prod/a")
    aws.faults(listing_lag_s=300.0, list_lag_s=lag_s)
    applied(aws, wait=False)
    assert len(writes(aws)) == 1
    aws.clock.time += lag_s
    run = applied(aws)
    assert writes(aws) == []
    assert {each.outcome for each in run.reports()} == {Outcome.OK}


def test_what_is_on_its_way_is_waited_for_and_not_asked_for_again(aws: FakeAws) -> None:
    aws.faults(replication_delay_s=60.0)
    aws.create("prod/a")
    applied(aws, wait=False)
    run = applied(aws)
    assert writes(aws) == []
    row = rows(run.reports())["prod/a", WEST]
    assert (row.outcome, row.status, row.action, row.changed) == (Outcome.OK, "InSync", "keep", False)


def test_what_is_not_meant_is_never_touched(aws: FakeAws) -> None:
    for name in ("prod/a", "prod/tmp-1", "test/a", "prodigal"):
        aws.create(name)
    replicated(aws, WEST, IRELAND, name="test/extra")
    applied(aws, BOTH | {"exclude": ["prod/tmp-*"], "remove_extra": True})
    asked = {str(call.secret_id) for call in aws.simulator.log if call.secret_id}
    assert {name_of(each) if each.startswith("arn:") else each for each in asked} == {"prod/a"}
    assert is_there(aws, IRELAND, "test/extra")


def test_what_was_replicated_by_someone_since_it_was_listed_is_not_asked_for_again(aws: FakeAws) -> None:
    for name in ("prod/a", "prod/b"):
        aws.create(name)
    draft = drafted(aws, trusting=True)
    aws.replicate_by_hand(WEST, name="prod/a")
    aws.simulator.log.clear()
    run = prepared(aws, draft)
    run.carry_out(quiet(aws.clock))
    assert writes(aws) == [(ADD, "prod/b", [WEST])]
    assert rows(run.reports())["prod/a", WEST].action == "keep"


def test_an_old_look_is_repeated_before_a_removal_and_adds_no_other(aws: FakeAws) -> None:
    """What was shown and confirmed is the most that is removed."""
    replicated(aws, WEST, IRELAND, name="prod/a")
    draft = drafted(aws, PROD | {"remove_extra": True})
    aws.replicate_by_hand(SYDNEY, name="prod/a", settle_s=60.0)
    aws.simulator.log.clear()
    prepared(aws, draft).carry_out(quiet(aws.clock))
    assert writes(aws) == [(REMOVE, "prod/a", [IRELAND])]
    assert is_there(aws, SYDNEY, "prod/a")


def test_a_name_conflict_that_came_since_the_plan_is_not_written_over(aws: FakeAws) -> None:
    aws.create("prod/a")
    draft = drafted(aws, trusting=True)
    aws.create("prod/a", WEST)
    aws.simulator.log.clear()
    run = prepared(aws, draft)
    run.carry_out(quiet(aws.clock))
    row = rows(run.reports())["prod/a", WEST]
    assert row.error is None or row.error.code in ("name_conflict", "ReplicationFailed")
    assert row.outcome is Outcome.FAILED
    assert all(not call.params.get("ForceOverwriteReplicaSecret") for call in aws.simulator.log)


def test_a_replica_that_was_removed_and_is_not_gone_yet_is_waited_out_before_it_is_made_anew(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    aws.call(REMOVE, SecretId="prod/a", RemoveReplicaRegions=[IRELAND])
    run = applied(aws, PROD | {"regions": [WEST, IRELAND, SYDNEY]})
    assert writes(aws) == [(ADD, "prod/a", [SYDNEY]), (ADD, "prod/a", [IRELAND])]
    assert aws.clock.time >= 50.0
    assert rows(run.reports())["prod/a", IRELAND].status == "InSync"


def test_writes_go_out_at_an_even_pace(aws: FakeAws) -> None:
    for number in range(40):
        aws.create(f"prod/{number:02}")
    applied(aws, rate=5.0)
    times = [call.ts for call in aws.simulator.log if call.operation == ADD]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 40
    assert min(gaps) >= 0.2 - 1e-3
    assert all(sum(start <= each < start + 1 for each in times) <= 6 for start in times)


def test_threads_do_it_all_once(aws: FakeAws) -> None:
    aws.clock = SystemClock()  # type: ignore[assignment]
    for number in range(40):
        aws.create(f"prod/{number:02}")
    aws.faults(replication_delay_s=0.0)
    run = applied(aws, BOTH, rate=1000.0, width=8, wait=False)
    assert sorted(writes(aws)) == [(ADD, f"prod/{number:02}", [WEST, IRELAND]) for number in range(40)]
    assert {row.changed for row in rows(run.reports()).values()} == {True}


def test_news_tells_each_secret_that_something_was_done_for_once(aws: FakeAws) -> None:
    for name in "ab":
        aws.create(f"prod/{name}")
    run = prepared(aws, drafted(aws))
    seen = []
    steps = UseCaseRun(run.carry_out, aws.clock, 0.0)
    for _ in steps.act():
        seen.append([each.name for each in steps.changed])
        assert run.news() == []
    assert seen[:2] == [["prod/a"], ["prod/b"]]
    assert {name for names in seen for name in names} == {"prod/a", "prod/b"}


def test_a_plan_that_does_nothing_sends_nothing(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    run = applied(aws)
    assert (writes(aws), run.progress.total, run.open_names) == ([], 0, [])
