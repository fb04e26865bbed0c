"""`remove`, `promote` and `rekey` where answers are lost, late, stray or refused at the second try."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fakes import HOME, IRELAND, WEST, Clock, World, kinds, only
from service import test_promote as promoting
from service import test_rekey as rekeying
from service import test_remove as removing
from service.test_remove import REMOVE, is_there

from smrep.aws import answers
from smrep.aws.translate import from_response
from smrep.errors import (
    ConfigurationError,
    CredentialsError,
    Denied,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    SmrepError,
    Throttled,
    Unanswered,
)
from smrep.model import Secret
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.rules.closing import timed_out
from smrep.service.gate import Gate
from smrep.service.rekeying import Rekeying

STOP, UPDATE, REPLICATE = "StopReplicationToReplica", "UpdateSecret", "ReplicateSecretToRegions"
TO_NEW = f"{WEST}=alias/new"
HASTE = 5.0


class Lagging(World):
    """A world in which one Region goes on showing what it showed before a call, which is refused the second time."""

    shown: Mapping[str, tuple[Secret, float]] = {}

    def lag(self, region: Region, seconds: float, *, after: str) -> None:
        def remember(operation: str, _region: str) -> None:
            if operation == after and region in self.shown:
                raise Refused("that is no replica any more", code="InvalidRequestException")
            if operation == after:
                before = answers.to_secret(self.call("DescribeSecret", region, SecretId="prod/db"), region)
                self.shown = {region: (before, self.clock.time + seconds)}

        self.on_call = remember

    def describe(self, secret_id: str, region: Region) -> Secret:
        now = super().describe(secret_id, region)
        before, until = self.shown.get(region, (now, 0.0))
        return before if self.clock.time < until else now


class Hidden(World):
    """A world in which nothing is found in us-west-2 until so late, whatever is there."""

    until: float = 0.0

    def describe(self, secret_id: str, region: Region) -> Secret:
        found = super().describe(secret_id, region)
        if region == WEST and self.clock.time < self.until:
            raise NotFound("Secrets Manager can't find the specified secret.", f"{secret_id} in {region}")
        return found


class Fixed(World):
    """A world that changes no replica's key in place."""

    def rekey(self, secret_id: str, region: Region, key: str) -> None:
        words = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
        answer: Any = {
            "Error": {"Code": "InvalidParameterException", "Message": words},
            "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r-1"},
        }
        raise from_response(ClientError(answer, UPDATE), f"{secret_id} in {region}")


class Ticking(Clock):
    """A clock that sleeps move without delay, and real waiting too."""

    def monotonic(self) -> float:
        return self.time + time.monotonic()


def once(error: SmrepError, operation: str, region: str, *, times: int = 1) -> Callable[[str, str], None]:
    """Return what makes the next such calls end with the error."""
    left = [error] * times

    def trip(called: str, where: str) -> None:
        if (called, where) == (operation, region) and left:
            raise left.pop()

    return trip


@pytest.fixture
def haste(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let real seconds pass five times as fast; yield what a call that hangs waits for."""
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: HASTE * real())
    never = threading.Event()
    yield never
    never.set()


def run_out(run: Any) -> tuple[SecretReport, ...]:
    for _ in run.act():
        pass
    secrets: tuple[SecretReport, ...] = run.secrets()
    return secrets


# remove


def test_a_replica_that_is_not_found_at_first_is_not_gone_before_it_really_is() -> None:
    world = Hidden()
    removing.replicated(world, removal_delay_s=20.0)
    began = world.clock.time
    world.until = began + 6.0
    row = only(removing.remove(world, WEST))
    assert (row.outcome, row.changed, is_there(world)) == (Outcome.OK, True, False)
    assert world.clock.time - began >= 20.0


def test_a_replica_that_was_seen_is_not_gone_for_one_stray_not_found(world: World) -> None:
    removing.replicated(world)
    run = removing.prepare(world, WEST)
    began = world.clock.time
    world.on_call = once(NotFound("can't find it"), "DescribeSecret", WEST)
    assert only(run_out(run)).outcome is Outcome.OK
    assert (is_there(world), world.clock.time - began >= 30.0) == (False, True)


def test_a_removal_whose_answer_and_whose_primary_are_lost_is_seen_at_the_target(world: World) -> None:
    removing.replicated(world)
    run = removing.prepare(world, WEST)
    world.lose[REMOVE] = ["after"]
    world.on_call = once(Unanswered("connection was closed"), "DescribeSecret", HOME, times=999)
    (secret,) = run_out(run)
    row = only((secret,))
    assert (row.outcome, row.changed, world.count(REMOVE), is_there(world)) == (Outcome.OK, True, 1, False)
    assert ["AWS's list could not be read" in note for note in secret.notes] == [True]


def test_a_second_removal_that_is_refused_does_not_fail_the_first_whose_answer_was_lost() -> None:
    world = Lagging()
    removing.replicated(world)
    world.lag(HOME, 20.0, after=REMOVE)
    world.lose[REMOVE] = ["after"]
    (secret,) = removing.remove(world, WEST)
    row = only((secret,))
    assert (world.count(REMOVE), len(removing.removals(world))) == (2, 1)
    assert (row.outcome, row.changed, row.error, is_there(world)) == (Outcome.OK, True, None, False)
    assert "was refused the second time" in secret.notes[0]


def test_one_throttled_look_does_not_end_a_removal(world: World) -> None:
    removing.replicated(world)
    run = removing.prepare(world, WEST)
    world.on_call = once(Throttled("Rate exceeded"), "DescribeSecret", WEST)
    row = only(run_out(run))
    assert (row.outcome, row.error, is_there(world)) == (Outcome.OK, None, False)


def test_credentials_that_expire_while_a_lost_removal_is_looked_for_end_the_run(world: World) -> None:
    removing.replicated(world)
    run = removing.prepare(world, WEST)
    world.lose[REMOVE] = ["after"]
    world.on_call = once(CredentialsError("no", code="ExpiredTokenException"), "DescribeSecret", HOME)
    with pytest.raises(CredentialsError):
        list(run.act())
    assert run.was_sent
    assert only(run.secrets()).outcome is Outcome.PENDING


def test_a_removal_not_known_to_be_sent_is_waited_for_and_pending_with_this_command(world: World) -> None:
    removing.replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    began = world.clock.time
    secrets = removing.remove(world, WEST, timeout_s=100.0)
    row = only(secrets)
    assert (row.outcome, row.changed, world.clock.time - began) == (Outcome.PENDING, False, pytest.approx(100.0))
    trouble = timed_out(secrets, 100.0, 100.0, "remove")
    assert trouble is not None
    assert trouble.hint == "smrep remove prod/db --primary-region us-east-1 -r us-west-2 --timeout 200s"


def test_a_removal_that_never_arrived_is_not_said_to_be_under_way(world: World) -> None:
    removing.replicated(world)
    world.lose[REMOVE] = ["before"] * 9
    secrets = removing.remove(world, WEST, timeout_s=100.0)
    trouble = timed_out(secrets, 100.0, 100.0, "remove")
    assert trouble is not None
    assert "prod/db us-west-2 (not known to be sent)" in trouble.message
    assert kinds(only(secrets)) == []


# promote


def test_a_second_promotion_that_is_refused_does_not_fail_the_first_whose_answer_was_lost() -> None:
    world = Lagging()
    promoting.replicated(world)
    world.lag(Region(WEST), 20.0, after=STOP)
    world.lose[STOP] = ["after"]
    (secret,) = promoting.promote(world)
    row = only((secret,))
    assert (world.count(STOP), len(promoting.promotions(world))) == (2, 1)
    assert (secret.outcome.exit_code, row.changed, row.error, row.note) == (0, True, None, "stands alone")
    assert any("was refused the second time" in note for note in secret.notes)


def test_one_not_found_right_after_an_accepted_promotion_is_no_failure(world: World) -> None:
    promoting.replicated(world)
    run = promoting.prepare(world)
    world.on_call = once(NotFound("can't find it"), "DescribeSecret", WEST)
    row = only(run_out(run))
    assert (row.outcome, row.changed, row.error) == (Outcome.OK, True, None)


def test_an_old_primary_that_can_not_even_be_asked_is_a_note(world: World) -> None:
    promoting.replicated(world)
    world.on_call = once(ConfigurationError("no endpoint for us-east-1"), "DescribeSecret", HOME)
    (secret,) = promoting.promote(world)
    assert secret.outcome is Outcome.OK
    assert "did not tell what it still lists: no endpoint for us-east-1" in secret.notes[0]


@pytest.mark.parametrize("then", ["lost", "carried out", "denied"])
def test_a_promotion_may_have_been_sent_once_its_answer_was_lost(world: World, then: str) -> None:
    promoting.replicated(world)
    run = promoting.prepare(world, timeout_s=60.0)
    world.lose[STOP] = ["before"] * (9 if then == "lost" else 1)

    def second(operation: str, _region: str) -> None:
        if operation == STOP and then == "denied" and world.count(STOP) == 2:
            raise Denied("no", code="AccessDeniedException")

    world.on_call = second
    run_out(run)
    assert (run.was_sent, world.count(STOP)) == (True, 2)


def test_a_promotion_that_was_refused_was_not_sent(world: World) -> None:
    promoting.replicated(world, denied=frozenset({(STOP, WEST)}))
    run = promoting.prepare(world)
    run_out(run)
    assert (run.was_sent, world.count(STOP)) == (False, 1)


# rekey


@pytest.mark.parametrize("recreate", [False, True])
def test_credentials_that_expire_while_the_plan_looks_at_keys_leave_a_report(world: World, recreate: bool) -> None:
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    world.on_call = once(CredentialsError("no", code="ExpiredTokenException"), "DescribeKey", WEST)
    targets = rekeying.request_for(TO_NEW).targets
    (address,) = rekeying.at_home()
    run = Rekeying(world, world, world, world.clock, world.clock.time + 60.0, address, targets, recreate=recreate)
    with pytest.raises(CredentialsError):
        run.plan()
    assert (run.secrets(), run.was_sent) == ((), False)


def test_an_answer_to_a_rekeying_that_is_lost_twice_is_told(world: World) -> None:
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    world.lose[UPDATE] = ["before"] * 9
    (secret,) = rekeying.rekey(world, timeout_s=60.0)
    assert ["no answer came to the request for us-west-2" in note for note in secret.notes] == [True]


def test_a_replica_that_fails_after_it_was_rekeyed_is_reported_as_the_newest_look_shows_it(world: World) -> None:
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    run = rekeying.prepare(world, TO_NEW)

    def fail(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME):
            world.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")

    world.on_call = fail
    row = only(run_out(run))
    assert (row.outcome, row.status, row.status_message) == (Outcome.FAILED, "Failed", "no luck")
    assert row.error is not None
    assert (row.error.code, "no luck" in row.error.message) == ("ReplicationFailed", True)


def test_a_replica_whose_key_is_not_changed_in_place_leads_to_recreate() -> None:
    world = Fixed()
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    row = only(rekeying.rekey(world))
    code, _, hint = rekeying.error_of(row)
    assert (row.outcome, row.changed, code) == (Outcome.FAILED, False, "InvalidParameterException")
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate" in hint


@pytest.mark.parametrize("recreate", [False, True])
def test_a_kms_that_hangs_does_not_overrun_a_rekeyings_deadline_by_much(haste: threading.Event, recreate: bool) -> None:
    world = World(Ticking())
    own = rekeying.new_key(world, region=HOME)
    rekeying.replicated(world, KmsKeyId=own)
    rekeying.new_key(world, "alias/new")
    world.on_call = lambda operation, _region: haste.wait(20) and None if operation == "DescribeKey" else None
    began = world.clock.monotonic()
    run = rekeying.prepare(world, TO_NEW, timeout_s=time.monotonic() + 3.0, recreate=recreate)
    row = only(run_out(run))
    assert (row.outcome, row.changed, rekeying.writes(world)) == (Outcome.PENDING, False, [])
    assert world.clock.monotonic() - began <= 20.0  # two looks of 5 s, and a busy machine; it hangs for 100 s


def test_recreate_waits_out_a_list_that_shows_the_removed_region_for_a_while() -> None:
    world = Lagging()
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    world.faults(removal_delay_s=0.0)
    world.lag(HOME, 8.0, after=REMOVE)
    row = only(rekeying.rekey(world, recreate=True))
    assert (row.outcome, row.status, row.verified, row.error) == (Outcome.OK, "InSync", True, None)
    assert (is_there(world), rekeying.key_of(world)) == (True, "alias/new")


def both(world: World) -> tuple[str, str]:
    rekeying.replicated(world, WEST, IRELAND)
    for region in (WEST, IRELAND):
        rekeying.new_key(world, "alias/new", region)
    return TO_NEW, f"{IRELAND}=alias/new"


def rows_of(secrets: tuple[SecretReport, ...]) -> tuple[RegionReport, ...]:
    (secret,) = secrets
    return secret.replicas


def test_recreate_never_leaves_two_regions_without_the_secret_at_once(world: World) -> None:
    run = rekeying.prepare(world, *both(world), recreate=True)
    world.faults(removal_delay_s=10.0)
    there: set[tuple[bool, bool]] = set()
    world.on_call = lambda _operation, _region: there.add((is_there(world), is_there(world, IRELAND)))
    assert [(row.outcome, row.verified) for row in rows_of(run_out(run))] == [(Outcome.OK, True)] * 2
    assert there == {(True, True), (False, True), (True, False)}


def test_recreate_does_not_begin_the_second_region_when_the_first_does_not_come_back(world: World) -> None:
    run = rekeying.prepare(world, *both(world), recreate=True)
    world.faults(removal_delay_s=5.0, failures={WEST: "Replication failed: no luck"})
    west, ireland = rows_of(run_out(run))
    assert (west.outcome, west.status, ireland.outcome, ireland.changed) == (
        Outcome.FAILED,
        "Failed",
        Outcome.PENDING,
        False,
    )
    code, message, hint = rekeying.error_of(ireland)
    assert (code, "not begun, since us-west-2 is not in order yet" in message) == ("NotSent", True)
    assert hint == "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --recreate"
    assert (is_there(world, IRELAND), rekeying.key_of(world, IRELAND)) == (True, rekeying.DEFAULT)


def test_a_recreation_is_replicating_only_once_the_replication_was_sent(world: World) -> None:
    rekeying.replicated(world)
    rekeying.new_key(world, "alias/new")
    run = rekeying.prepare(world, TO_NEW, recreate=True)
    world.faults(removal_delay_s=5.0)
    told: set[tuple[str, int]] = set()
    world.on_call = lambda _operation, _region: told.add((run.doing, world.count(REPLICATE)))
    run_out(run)
    assert told == {("removing, and nothing makes the replica anew", 0), ("replicating", 1)}


def test_a_throttled_request_is_not_sent_again_once_the_run_was_stopped() -> None:
    clock = Clock()
    gate = Gate.until(clock, 100.0)
    sent: list[float] = []

    def request() -> None:
        sent.append(clock.monotonic())
        gate.stop.set()
        raise Throttled("Rate exceeded")

    with pytest.raises(NotSent):
        gate.send(request)
    assert len(sent) == 1
