"""What is taken away goes last: only once the secret is in sync wherever it is wanted."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, is_there, replicated
from service.apply_scene import PROD, applied, by_name, drafted, prepared, rows, writes
from use_case_run import quiet

from smrep.errors import Outcome

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
MOVE = PROD | {"regions": [WEST], "remove_extra": True}


@pytest.fixture
def moved(aws: FakeAws) -> FakeAws:
    """A secret whose only replica is to move from Sydney to Oregon."""
    replicated(aws, SYDNEY, name="prod/a")
    return aws


def test_the_old_replica_goes_once_the_new_one_is_in_sync(moved: FakeAws) -> None:
    moved.faults(replication_delay_s=20.0)
    run = applied(moved, MOVE)
    assert [(operation, regions) for operation, _, regions in writes(moved)] == [(ADD, [WEST]), (REMOVE, [SYDNEY])]
    first, last = (call.ts for call in moved.simulator.log if call.operation in (ADD, REMOVE))
    assert last - first >= 20.0
    assert {row.outcome for row in rows(run.reports()).values()} == {Outcome.OK}
    assert not is_there(moved, SYDNEY, "prod/a")


@pytest.mark.parametrize("trouble", ["fails", "is not settled in time", "is not waited for"])
def test_it_stays_where_the_new_one(moved: FakeAws, trouble: str) -> None:
    if trouble == "fails":
        moved.faults(failures={WEST: "Replication failed: of the weather"})
    else:
        moved.faults(replication_delay_s=900.0)
    run = applied(moved, MOVE, wait=trouble != "is not waited for", timeout_s=30.0)
    assert [operation for operation, _, _ in writes(moved)] == [ADD]
    row = rows(run.reports())["prod/a", SYDNEY]
    assert row.error is not None
    assert (row.error.code, row.changed) == ("NotRemoved", False)
    assert "prod/a: no replica is removed until the secret is in sync in us-west-2" in row.error.message
    assert is_there(moved, SYDNEY, "prod/a")
    assert by_name(run.reports())["prod/a"].outcome is (Outcome.FAILED if trouble == "fails" else Outcome.PENDING)


def test_done_again_it_goes(moved: FakeAws) -> None:
    moved.faults(replication_delay_s=60.0)
    applied(moved, MOVE, timeout_s=10.0)
    run = applied(moved, MOVE)
    assert [(operation, regions) for operation, _, regions in writes(moved)] == [(REMOVE, [SYDNEY])]
    assert by_name(run.reports())["prod/a"].outcome is Outcome.OK


def test_of_one_whose_tags_were_taken_away_since_it_was_listed_nothing_is_changed(aws: FakeAws) -> None:
    rule = {"name": "dr", "tags": {"dr": "true"}, "regions": [IRELAND]}
    for name in ("prod/a", "prod/b"):
        aws.call("CreateSecret", HOME, Name=name, SecretString="x", Tags=[{"Key": "dr", "Value": "true"}])
    draft = drafted(aws, rule, trusting=True)
    aws.call("UntagResource", HOME, SecretId="prod/a", TagKeys=["dr"])
    aws.clock.time += 30
    run = prepared(aws, draft)
    run.carry_out(quiet(aws.clock))
    found = by_name(run.reports())
    error = found["prod/a"].error
    assert error is not None
    assert (error.code, found["prod/a"].outcome) == ("ChangedMeanwhile", Outcome.PENDING)
    assert [name for _, name, _ in writes(aws)] == ["prod/b"]
