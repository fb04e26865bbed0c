"""`rekey` on the simulator: looks that lag, keys that hang, and Regions made anew one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fakes import HOME, IRELAND, WEST, Clock, FakeAws, addresses_of, is_there, new_key, only, replicated
from service import rekey_scene as rekeying
from service.lagging_aws import REPLICATE, UPDATE, LaggingAws, once, run_out
from service.remove_scene import REMOVE
from service.replicate_scene import request_for
from use_case_run import UseCaseRun

from smrep.aws.error_translation import from_response
from smrep.errors import CredentialsError, Outcome
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport
from smrep.service.rekey import RekeyRequest, rekey

TO_NEW = f"{WEST}=alias/new"
HASTE = 5.0


class Fixed(FakeAws):
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


@pytest.fixture
def haste(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let real seconds pass five times as fast; yield what a call that hangs waits for."""
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: HASTE * real())
    never = threading.Event()
    yield never
    never.set()


@pytest.mark.parametrize("recreate", [False, True])
def test_credentials_that_expire_while_the_plan_looks_at_keys_leave_a_report(aws: FakeAws, recreate: bool) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.on_call = once(CredentialsError("no", code="ExpiredTokenException"), "DescribeKey", WEST)
    targets = request_for(TO_NEW).targets
    (address,) = addresses_of()
    request = RekeyRequest((address,), targets, recreate=recreate)
    run = UseCaseRun(partial(rekey, aws, request), aws.clock, aws.clock.time + 60.0)
    with pytest.raises(CredentialsError):
        run.plan()
    assert (run.secrets(), run.was_sent) == ((), False)


def test_an_answer_to_a_rekeying_that_is_lost_twice_is_told(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose[UPDATE] = ["before"] * 9
    (secret,) = rekeying.rekey(aws, timeout_s=60.0)
    assert ["no answer came to the request for us-west-2" in note for note in secret.notes] == [True]


def test_a_replica_that_fails_after_it_was_rekeyed_is_reported_as_the_newest_look_shows_it(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = rekeying.prepare(aws, TO_NEW)

    def fail(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME):
            aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")

    aws.on_call = fail
    row = only(run_out(run))
    assert (row.outcome, row.status, row.status_message) == (Outcome.FAILED, "Failed", "no luck")
    assert row.error is not None
    assert (row.error.code, "no luck" in row.error.message) == ("ReplicationFailed", True)


def test_a_replica_whose_key_is_not_changed_in_place_leads_to_recreate() -> None:
    aws = Fixed()
    replicated(aws)
    new_key(aws, "alias/new")
    row = only(rekeying.rekey(aws))
    code, _, hint = rekeying.error_of(row)
    assert (row.outcome, row.changed, code) == (Outcome.FAILED, False, "InvalidParameterException")
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --recreate" in hint


@pytest.mark.parametrize("recreate", [False, True])
def test_a_kms_that_hangs_does_not_overrun_a_rekeyings_deadline_by_much(haste: threading.Event, recreate: bool) -> None:
    aws = FakeAws(Ticking())
    own = new_key(aws, region=HOME)
    replicated(aws, KmsKeyId=own)
    new_key(aws, "alias/new")
    answered: list[str] = []

    def hang(operation: str, _region: str) -> None:
        if operation == "DescribeKey":
            haste.wait(60)
            answered.append(operation)

    aws.on_call = hang
    run = rekeying.prepare(aws, TO_NEW, timeout_s=time.monotonic() + 3.0, recreate=recreate)
    row = only(run_out(run))
    assert (row.outcome, row.changed, rekeying.writes(aws)) == (Outcome.PENDING, False, [])
    assert answered == []  # nobody waited for it


def test_recreate_waits_out_a_list_that_shows_the_removed_region_for_a_while() -> None:
    aws = LaggingAws()
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=0.0)
    aws.lag(HOME, 8.0, after=REMOVE)
    row = only(rekeying.rekey(aws, recreate=True))
    assert (row.outcome, row.status, row.verified, row.error) == (Outcome.OK, "InSync", True, None)
    assert (is_there(aws), rekeying.key_of(aws)) == (True, "alias/new")


def both(aws: FakeAws) -> tuple[str, str]:
    replicated(aws, WEST, IRELAND)
    for region in (WEST, IRELAND):
        new_key(aws, "alias/new", region)
    return TO_NEW, f"{IRELAND}=alias/new"


def rows_of(secrets: tuple[SecretReport, ...]) -> tuple[RegionReport, ...]:
    (secret,) = secrets
    return secret.replicas


def test_recreate_never_leaves_two_regions_without_the_secret_at_once(aws: FakeAws) -> None:
    run = rekeying.prepare(aws, *both(aws), recreate=True)
    aws.faults(removal_delay_s=10.0)
    there: set[tuple[bool, bool]] = set()
    aws.on_call = lambda _operation, _region: there.add((is_there(aws), is_there(aws, IRELAND)))
    assert [(row.outcome, row.verified) for row in rows_of(run_out(run))] == [(Outcome.OK, True)] * 2
    assert there == {(True, True), (False, True), (True, False)}


def test_recreate_does_not_begin_the_second_region_when_the_first_does_not_come_back(aws: FakeAws) -> None:
    run = rekeying.prepare(aws, *both(aws), recreate=True)
    aws.faults(removal_delay_s=5.0, failures={WEST: "Replication failed: no luck"})
    west, ireland = rows_of(run_out(run))
    assert (west.outcome, west.status, ireland.outcome, ireland.changed) == (
        Outcome.FAILED,
        "Failed",
        Outcome.PENDING,
        False,
    )
    code, message, hint = rekeying.error_of(ireland)
    assert (code, "not started, because us-west-2 has not succeeded" in message) == ("NotSent", True)
    assert hint == "try again:\n  smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --recreate"
    assert (is_there(aws, IRELAND), rekeying.key_of(aws, IRELAND)) == (True, rekeying.DEFAULT)


def test_a_recreation_is_replicating_only_once_the_replication_was_sent(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = rekeying.prepare(aws, TO_NEW, recreate=True)
    aws.faults(removal_delay_s=5.0)
    told: set[tuple[str, int]] = set()
    aws.on_call = lambda _operation, _region: told.add((run.interrupted.message, aws.count(REPLICATE)))
    run_out(run)
    going_on = "stopped waiting; AWS goes on "
    assert told >= {
        (f"{going_on}removing the replica, and nothing recreates it until you resume", 0),
        (f"{going_on}replicating", 1),
    }
