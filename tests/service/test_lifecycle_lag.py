"""Looks that lag or hang: a list that never follows a rekey, Regions and KMS that do not answer, and the last words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, kinds, new_key, only, replicated, the
from service import rekey_scene as rekeying
from service import retry_scene as retrying
from service import verify_scene as verifying
from service.doctor_scene import doctor, end
from service.rekey_scene import DEFAULT
from service.replicate_scene import replicate

from smrep.errors import Outcome
from smrep.model import Replica, Secret, SecretId, Target, Version
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, RegionReport, SecretReport, Severity
from smrep.rules.primary_region import SecretAddress
from smrep.rules.replication.blockers import RequiredKey, required_keys, with_blockers
from smrep.rules.replication.region_step import Add, Overwrite, Retry, Skip
from smrep.rules.run_outcome import interruption, resume_commands, timed_out
from smrep.service.remove import RemoveRequest

DR = f"{WEST}=alias/dr"
HASTE = 10.0
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:prod/db-a1b2c3"
REGION_STATES = "ListRegions"


@pytest.fixture
def hang(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Return what lets one operation in one Region hang; real seconds pass ten times as fast meanwhile."""
    real, never = time.monotonic, threading.Event()

    def hold(operation: str, region: str) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: HASTE * real())
        aws.on_call = lambda *call: never.wait(60) and None if call == (operation, region) else None

    yield hold
    never.set()


# keys, where the primary's list never follows


@pytest.fixture
def rekeyed(aws: FakeAws) -> FakeAws:
    """Return a world whose replica is under alias/dr, and whose primary lists the default key for ever."""
    replicated(aws)
    new_key(aws, "alias/dr")
    aws.faults(primary_shows_rekey=False)
    aws.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId="alias/dr")
    (entry,) = aws.call("DescribeSecret", SecretId="prod/db")["ReplicationStatus"]
    assert entry["KmsKeyId"] == DEFAULT
    return aws


def test_replicate_keeps_a_replica_that_was_rekeyed_to_the_key_asked_for(rekeyed: FakeAws) -> None:
    row = only(replicate(rekeyed, DR))
    assert (row.action, row.outcome, kinds(row), rekeyed.sent()) == (Action.KEEP, Outcome.OK, [], [])


def test_replicate_tells_that_a_rekeyed_replica_is_not_under_the_key_that_the_list_shows(rekeyed: FakeAws) -> None:
    row = only(replicate(rekeyed, f"{WEST}={DEFAULT}"))
    assert (row.action, row.outcome, kinds(row), rekeyed.sent()) == (Action.KEEP, Outcome.DRIFT, ["wrong_key"], [])
    assert "uses the key alias/dr, not alias/aws/secretsmanager" in row.findings[0].message


@pytest.mark.parametrize(("key", "code", "found"), [("alias/dr", 0, []), (DEFAULT, 5, ["wrong_key"])])
def test_doctor_holds_a_rekeyed_replicas_own_key_against_the_one_asked_for(
    rekeyed: FakeAws, key: str, code: int, found: list[str]
) -> None:
    secrets = doctor(rekeyed, f"{WEST}={key}")
    assert (end(secrets), kinds(only(secrets))) == (code, found)


@pytest.mark.parametrize("command", ["replicate", "replicate --verify", "verify", "doctor"])
def test_a_row_shows_the_rekeyed_replicas_own_key(rekeyed: FakeAws, command: str) -> None:
    if command == "doctor":
        row = only(doctor(rekeyed, WEST))
    elif command == "verify":
        row = only(verifying.verify(rekeyed, WEST))
    else:
        row, made = replicate(rekeyed, WEST, IRELAND, verify=command.endswith("--verify"))[0].replicas
        assert (row.action, made.action, made.outcome) == (Action.KEEP, Action.ADD, Outcome.OK)
    assert row.kms_key_id == "alias/dr"


def test_a_retry_keeps_the_key_of_the_replica_that_is_there(rekeyed: FakeAws) -> None:
    rekeyed.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    row = only(retrying.retry(rekeyed))
    (sent,) = rekeyed.sent()
    assert sent["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/dr"}]
    assert (row.action, row.outcome, rekeying.key_of(rekeyed)) == (Action.RETRY, Outcome.OK, "alias/dr")


# verify


def test_a_region_that_hangs_does_not_hide_what_verify_finds_in_the_others(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, SYDNEY)
    aws.faults(value_delay_s=verifying.FOR_EVER)
    verifying.put(aws)
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    never = threading.Event()
    run = verifying.verification(aws, timeout_s=0.0)
    aws.on_call = lambda _operation, region: never.wait(60) and None if region == IRELAND else None
    for _ in run.act():
        pass
    never.set()
    (secret,) = run.secrets()
    assert [(row.region, row.outcome, kinds(row), row.verified) for row in secret.replicas] == [
        (WEST, Outcome.FAILED, ["failed"], False),
        (IRELAND, Outcome.PENDING, ["unchecked"], None),
        (SYDNEY, Outcome.DRIFT, ["stale"], False),
    ]
    assert (secret.outcome, secret.replicas[0].arn) == (Outcome.FAILED, secret.arn and secret.arn.replace(HOME, WEST))


def test_verify_does_not_go_on_once_the_primary_was_denied(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=verifying.FOR_EVER)
    verifying.put(aws)
    began = aws.clock.time

    def deny(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME) and len(aws.clock.sleeps) == 3:
            aws.faults(value_delay_s=verifying.FOR_EVER, denied=frozenset({("DescribeSecret", HOME)}))

    aws.on_call = deny
    (secret,) = verifying.verify(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("AccessDeniedException", Outcome.ACCESS)
    assert (kinds(only((secret,))), len(aws.clock.sleeps), aws.clock.time - began < 30.0) == (["stale"], 3, True)


# doctor


def test_region_states_that_hang_do_not_lose_what_doctor_finds(aws: FakeAws, hang: Callable[[str, str], None]) -> None:
    replicated(aws)
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    hang(REGION_STATES, HOME)
    secrets = doctor(aws)
    assert (end(secrets), kinds(only(secrets)), only(secrets).status) == (1, ["failed"], "Failed")


def test_a_region_whose_kms_hangs_keeps_what_doctor_saw_there(aws: FakeAws, hang: Callable[[str, str], None]) -> None:
    arn = replicated(aws)
    new_key(aws, alias="alias/dr")
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    hang("DescribeKey", WEST)
    row = only(doctor(aws, DR))
    assert (kinds(row), row.outcome, row.arn) == (["failed", "unchecked"], Outcome.FAILED, arn.replace(HOME, WEST))
    assert "some answers did not come in time" in the(row, "unchecked").message


@pytest.mark.parametrize(
    ("faults", "code"),
    [({"outages": frozenset({WEST})}, 3), ({"denied": frozenset({("DescribeSecret", WEST)})}, 4)],
)
def test_a_look_without_an_answer_is_pending_for_doctor_and_a_denied_one_access(
    aws: FakeAws, faults: dict[str, Any], code: int
) -> None:
    replicated(aws)
    aws.faults(**faults)
    secrets = doctor(aws)
    assert (end(secrets), kinds(only(secrets))) == (code, ["unchecked"])


def test_region_states_are_asked_for_once_also_where_nobody_may_tell(aws: FakeAws) -> None:
    for name in ("a", "b", "c"):
        replicated(aws, WEST, IRELAND, name=name)
    aws.faults(denied=frozenset({(REGION_STATES, HOME)}))
    assert end(doctor(aws, names=("a", "b", "c"))) == 0
    assert aws.count(REGION_STATES) == 1


def test_a_preflight_asks_for_region_states_once_also_where_nobody_may_tell(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({(REGION_STATES, HOME)}), outages=frozenset({WEST, IRELAND, SYDNEY}))
    replicate(aws, WEST, IRELAND, SYDNEY, timeout_s=5.0)
    assert aws.count(REGION_STATES) == 1


def test_a_look_that_was_denied_asks_for_no_region_states(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.changed, kinds(row), aws.count(REGION_STATES)) == (Outcome.OK, True, ["unchecked"], 0)


# the last words


def row(region: Region = WEST, outcome: Outcome = Outcome.PENDING, **more: Any) -> RegionReport:
    return RegionReport(region, outcome, **more)


def report(*rows: RegionReport) -> list[SecretReport]:
    return [SecretReport("db", Outcome.PENDING, "arn:db", Region(HOME), rows)]


def test_an_accepted_run_that_does_not_wait_has_not_timed_out() -> None:
    accepted = row(outcome=Outcome.ACCEPTED, status="InProgress", action=Action.ADD, changed=True)
    assert timed_out(report(accepted), 4.0, 99.0) is None
    assert timed_out(report(row(status="InProgress", action=Action.ADD, changed=True)), 4.0, 99.0) is not None


@pytest.mark.parametrize("status", ["InProgress", "InSync"])
def test_an_unfinished_overwrite_leads_to_verify(status: str) -> None:
    unfinished = row(status=status, action=Action.OVERWRITE, changed=True, overwrites="arn:old")
    assert (
        resume_commands(report(unfinished)) == "to resume:\n  smrep verify db --primary-region us-east-1 -r us-west-2"
    )


def test_an_overwrite_not_known_to_be_sent_is_asked_for_again_with_what_it_may_destroy() -> None:
    unsent = row(action=Action.OVERWRITE, overwrites="arn:old")
    words = "--force-overwrite --overwrite-arn arn:old"
    assert (
        resume_commands(report(unsent))
        == f"to resume:\n  smrep replicate db --primary-region us-east-1 -r us-west-2 {words}"
    )


def test_an_overwrite_under_way_forces_nothing_that_is_asked_for_again() -> None:
    under_way = row(status="InProgress", action=Action.OVERWRITE, changed=True, overwrites="arn:old")
    assert resume_commands(report(under_way, row(IRELAND, action=Action.ADD))) == (
        "to resume:\n"
        "  smrep verify db --primary-region us-east-1 -r us-west-2\n"
        "  smrep replicate db --primary-region us-east-1 -r eu-west-1"
    )


def test_an_interrupt_after_everything_has_ended_says_so() -> None:
    ended = report(row(outcome=Outcome.OK, action=Action.ADD, changed=True), row(IRELAND, Outcome.FAILED))
    trouble = interruption(ended, sent=True)
    assert (trouble.message, trouble.hint) == ("stopped; every request had already finished", None)


def test_the_command_of_secrets_in_several_regions_names_none(aws: FakeAws) -> None:
    there = SecretId(ARN.format(SYDNEY))
    asked = (SecretAddress(SecretId("prod/db"), HOME), SecretAddress(there, SYDNEY))
    assert RemoveRequest(asked, (WEST,)).again("--yes") == f"smrep remove prod/db {there} -r us-west-2 --yes"
    assert RemoveRequest(asked[:1], (WEST,)).again() == "smrep remove prod/db --primary-region us-east-1 -r us-west-2"


# health


NO = Finding(Kind.REGION_DISABLED, Severity.ERROR, "us-west-2 is not enabled for this account")
DOUBT = Finding(Kind.UNCHECKED, Severity.WARNING, "what bears the name could not be looked at")
FAILED = Replica(WEST, "Failed", "no luck")
VICTIM = Secret(ARN.format(WEST), "prod/db", WEST)


@pytest.mark.parametrize(
    "step",
    [
        Add(Target(WEST), (DOUBT,)),
        Retry(Target(WEST), FAILED, (DOUBT,)),
        Overwrite(Target(WEST), VICTIM, None, (DOUBT,)),
    ],
)
def test_beside_a_disabled_region_no_doubt_of_the_look_is_left(step: Add | Retry | Overwrite) -> None:
    stop = with_blockers(step, (NO,))
    assert isinstance(stop, Skip)
    assert (stop.findings, stop.error.code) == ((NO,), "region_disabled")


def test_only_the_first_key_of_a_version_is_needed() -> None:
    primary = Secret(ARN.format(HOME), "prod/db", HOME)
    old = Version("v1", ("AWSPREVIOUS",), ("alias/first", "alias/second"))
    assert list(required_keys(primary, [old])) == [RequiredKey("alias/first", old)]
