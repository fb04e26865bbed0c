"""`apply --plan`: exactly what was saved, or nothing if AWS changed; after an interruption, the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, is_there, new_key, replicated
from service.apply_scene import (
    PROD,
    WRITES,
    applied,
    by_name,
    counts,
    drafted,
    prepared,
    redrafted,
    rows,
    saved,
    writes,
)
from use_case_run import UseCaseRun, quiet

from smrep.errors import Denied, Outcome, PlanIsStale
from smrep.rules.fleet.saved_plan import Saved

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
RULE = PROD | {"regions": [WEST, {"region": IRELAND, "kms_key": "alias/dr"}], "remove_extra": True}


@pytest.fixture
def plan(aws: FakeAws) -> Saved:
    """A plan that adds, tries again and removes."""
    new_key(aws, "alias/dr", IRELAND)
    aws.create("prod/add")
    aws.faults(failures={WEST: "Replication failed: of the weather"})
    replicated(aws, name="prod/retry")
    aws.faults()
    replicated(aws, WEST, SYDNEY, name="prod/remove")
    plan = saved(drafted(aws, RULE))
    assert len(plan.secrets) == 3
    return plan


def done(aws: FakeAws, plan: Saved) -> list[tuple[str, str, list[str]]]:
    run = prepared(aws, redrafted(aws, plan))
    run.carry_out(quiet(aws.clock))
    assert {each.outcome for each in run.reports()} <= {Outcome.OK}
    return sorted(writes(aws))


def stale(aws: FakeAws, plan: Saved) -> tuple[str, ...]:
    """Return what changed in AWS; nothing was sent."""
    with pytest.raises(PlanIsStale) as caught:
        redrafted(aws, plan)
    assert not [call for call in aws.simulator.log if call.operation in WRITES]
    assert caught.value.outcome is Outcome.FAILED
    assert caught.value.hint == "make a new plan:\n  smrep plan -f FILE --out FILE"
    assert plan.made_at in caught.value.message
    return caught.value.details


def test_it_does_what_was_planned(aws: FakeAws, plan: Saved) -> None:
    assert done(aws, plan) == [
        (REMOVE, "prod/remove", [SYDNEY]),
        (ADD, "prod/add", [WEST, IRELAND]),
        (ADD, "prod/remove", [IRELAND]),
        (ADD, "prod/retry", [WEST, IRELAND]),
    ]
    keys = [call.params["AddReplicaRegions"] for call in aws.simulator.log if call.operation == ADD]
    assert {each.get("KmsKeyId") for call in keys for each in call if each["Region"] == IRELAND} == {"alias/dr"}


def test_what_came_to_be_wanted_since_is_skipped(aws: FakeAws, plan: Saved) -> None:
    aws.create("prod/newer")
    replicated(aws, SYDNEY, name="prod/other")
    done(aws, plan)
    asked = " ".join(str(call.secret_id) for call in aws.simulator.log)
    assert "prod/newer" not in asked
    assert "prod/other" not in asked


def test_it_shows_the_plan_again(aws: FakeAws, plan: Saved) -> None:
    redraft = redrafted(aws, plan)
    assert counts(redraft.summary) == {"secrets": 3, "add": 4, "retry": 1, "remove": 1}
    assert (redraft.removals, len(redraft.changes)) == (1, 3)
    assert {each.rules for each in redraft.reports()} == {("prod",)}


def test_done_again_it_sends_nothing(aws: FakeAws, plan: Saved) -> None:
    done(aws, plan)
    assert done(aws, plan) == []


def test_half_done_it_is_done_to_its_end(aws: FakeAws, plan: Saved) -> None:
    run = prepared(aws, redrafted(aws, plan))
    turns = UseCaseRun(run.carry_out, aws.clock, 0.0).act()
    next(turns)
    run.scheduler.finish()
    assert list(turns) == []
    first = writes(aws)
    assert len(first) == 1
    rest = done(aws, plan)
    assert not [each for each in rest if each in first]
    assert len([*first, *rest]) == 4
    assert rows(prepared(aws, redrafted(aws, plan)).reports())["prod/add", WEST].status == "InSync"


def test_a_region_done_by_someone_else_is_kept_and_the_rest_is_done(aws: FakeAws, plan: Saved) -> None:
    aws.replicate_by_hand(WEST, name="prod/add")
    assert (ADD, "prod/add", [IRELAND]) in done(aws, plan)


def pass_by(aws: FakeAws, seconds: float) -> FakeAws:
    aws.clock.sleep(seconds)
    return aws


Move = Callable[[FakeAws], object]
MOVES: dict[str, tuple[Move, str, str]] = {
    "another status": (
        lambda aws: aws.simulator.set_replication_status("prod/add", HOME, WEST, "Failed", "of the weather"),
        "prod/add: us-west-2: the plan says add (status none), but now retry (status Failed)",
        "prod/add",
    ),
    "a namesake": (
        lambda aws: aws.create("prod/add", IRELAND),
        "prod/add: eu-west-1: the plan says add, but now eu-west-1 has a different secret",
        "prod/add",
    ),
    "no Region any more": (
        lambda aws: (aws.call(REMOVE, SecretId="prod/retry", RemoveReplicaRegions=[WEST]), pass_by(aws, 60)),
        "the plan says retry (status Failed), but now add",
        "prod/retry",
    ),
    "another replica": (
        lambda aws: aws.call("StopReplicationToReplica", SYDNEY, SecretId="prod/remove"),
        "prod/remove: ap-southeast-2: the plan says remove (status InSync), but now",
        "prod/remove",
    ),
    "another status of what goes": (
        lambda aws: aws.simulator.set_replication_status("prod/remove", HOME, SYDNEY, "Failed", "oh"),
        "the plan says remove (status InSync), but now remove (status Failed)",
        "prod/remove",
    ),
    "no secret any more": (
        lambda aws: (
            aws.call("DeleteSecret", SecretId="prod/add", ForceDeleteWithoutRecovery=True),
            pass_by(aws, 20),
        ),
        "Secrets Manager can't find the specified secret",
        "prod/add",
    ),
    "to be deleted": (
        lambda aws: aws.call("DeleteSecret", SecretId="prod/add"),
        "prod/add in us-east-1 was scheduled for deletion",
        "prod/add",
    ),
    "another key": (
        lambda aws: (
            new_key(aws, "alias/other", IRELAND),
            aws.call(ADD, SecretId="prod/add", AddReplicaRegions=[{"Region": IRELAND, "KmsKeyId": "alias/other"}]),
            pass_by(aws, 10),
        ),
        "prod/add: eu-west-1: the plan says add, but now",
        "prod/add",
    ),
    "no key any more": (
        lambda aws: aws.call(
            "DisableKey",
            IRELAND,
            service="kms",
            KeyId=aws.call("DescribeKey", IRELAND, service="kms", KeyId="alias/dr")["KeyMetadata"]["KeyId"],
        ),
        "eu-west-1: the plan says add, but now",
        "prod/add",
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_an_outdated_plan_sends_nothing_and_lists_each_change(aws: FakeAws, plan: Saved, move: str) -> None:
    change, words, name = MOVES[move]
    change(aws)
    told = stale(aws, plan)
    assert any(words in each and name in each for each in told), told


def test_every_changed_secret_is_named(aws: FakeAws, plan: Saved) -> None:
    aws.create("prod/add", IRELAND)
    aws.call("StopReplicationToReplica", SYDNEY, SecretId="prod/remove")
    assert [each.partition(":")[0] for each in stale(aws, plan)] == ["prod/add", "prod/remove"]


def test_a_look_that_is_denied_is_no_leave_to_go_on(aws: FakeAws, plan: Saved) -> None:
    aws.faults(denied=frozenset({("DescribeSecret", HOME)}))
    with pytest.raises(Denied):
        redrafted(aws, plan)


def test_what_moves_after_the_first_look_ends_that_secret_and_no_other(aws: FakeAws, plan: Saved) -> None:
    redraft = redrafted(aws, plan)
    aws.clock.time += 60.0
    aws.simulator.set_replication_status("prod/add", HOME, WEST, "Failed", "of the weather")
    aws.simulator.log.clear()
    run = prepared(aws, redraft)
    run.carry_out(quiet(aws.clock))
    found = by_name(run.reports())
    error = found.pop("prod/add").error
    assert error is not None
    assert error.code == "PlanIsStale"
    assert {each.outcome for each in found.values()} == {Outcome.OK}
    assert "prod/add" not in {name for _, name, _ in writes(aws)}
    assert not is_there(aws, SYDNEY, "prod/remove")


def test_a_plan_that_was_done_by_apply_f_meanwhile_has_nothing_left(aws: FakeAws, plan: Saved) -> None:
    applied(aws, RULE)
    assert done(aws, plan) == []
