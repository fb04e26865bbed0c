"""`--verify` at the end of `replicate` and `retry`, on the simulator."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated
from service.replicate_scene import prepare, replicate, request_for
from service.verify_scene import FOR_EVER, put, verify

from smrep.errors import Outcome


def test_replicate_verifies_what_it_made_and_what_it_kept(aws: FakeAws) -> None:
    replicated(aws)
    (secret,) = replicate(aws, WEST, IRELAND, verify=True)
    assert [(row.action, row.verified, row.outcome) for row in secret.replicas] == [
        ("keep", True, Outcome.OK),
        ("add", True, Outcome.OK),
    ]


def test_replicate_without_verify_has_looked_at_nothing_of_the_kind(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, WEST))
    assert row.verified is None
    assert aws.count("ListSecretVersionIds", WEST) == 0


def test_replicate_verify_waits_for_a_kept_replica_that_is_stale(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=20.0)
    put(aws)
    row = only(replicate(aws, WEST, verify=True))
    assert (row.verified, row.outcome, row.changed) == (True, Outcome.OK, False)


def test_replicate_verify_tells_a_kept_replica_that_stays_stale(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER)
    put(aws)
    row = only(replicate(aws, WEST, verify=True, timeout_s=20.0))
    assert (row.verified, row.outcome, kinds(row), row.status) == (False, Outcome.DRIFT, ["stale"], "InSync")


def test_replicate_verify_does_not_prove_what_failed_or_was_stopped(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=IRELAND)
    aws.faults(failures={WEST: "Replication failed: no luck"})
    (secret,) = replicate(aws, WEST, IRELAND, "sa-east-1", verify=True)
    assert [(row.verified, row.outcome) for row in secret.replicas] == [
        (None, Outcome.FAILED),
        (None, Outcome.FAILED),
        (True, Outcome.OK),
    ]


@pytest.mark.parametrize("region", [HOME, WEST])
def test_replicate_verify_that_may_not_list_versions_is_access(aws: FakeAws, region: str) -> None:
    aws.create()
    aws.faults(denied=frozenset({("ListSecretVersionIds", region)}))
    row = only(replicate(aws, WEST, verify=True))
    assert (row.verified, row.outcome, row.status, row.changed) == (None, Outcome.ACCESS, "InSync", True)
    assert set(kinds(row)) == {"unchecked"}


def test_replicate_verify_tells_another_key_once(aws: FakeAws) -> None:
    replicated(aws)
    key = new_key(aws, alias="alias/dr")
    row = only(replicate(aws, f"{WEST}={key}", verify=True))
    assert (row.verified, row.outcome, set(kinds(row))) == (False, Outcome.DRIFT, {"wrong_key"})
    messages = [each.message for each in row.findings]
    assert len(messages) == len(set(messages))


def test_replicate_verify_finds_no_less_than_replicate_does(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws))
    plain = only(replicate(aws, f"{WEST}=alias/nowhere"))
    proved = only(replicate(aws, f"{WEST}=alias/nowhere", verify=True, timeout_s=30.0))
    assert (plain.outcome, kinds(plain)) == (Outcome.DRIFT, ["wrong_key"])
    assert (proved.outcome, set(kinds(proved))) == (Outcome.DRIFT, {"wrong_key"})


def test_a_dry_run_verifies_nothing(aws: FakeAws) -> None:
    replicated(aws)
    row = only(prepare(aws, request_for(WEST, verify=True)).secrets(dry_run=True))
    assert (row.verified, row.outcome) == (None, Outcome.OK)


def test_retry_verifies_what_it_fixed(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(failures={WEST: "Replication failed: no luck"})
    put(aws)
    aws.clock.time += 10
    aws.faults()
    row = only(verify(aws))
    assert row.status == "Failed"  # it holds the old value still
    row = only(replicate(aws, command="retry", verify=True))
    assert (row.action, row.verified, row.outcome) == ("retry", True, Outcome.OK)
