"""`smrep failback`: what is no record is refused; what is not ours, rotates or can't be seen is left alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cli.failover_sandbox import (
    ADD,
    HOME,
    IRELAND,
    NAMES,
    REMOVE,
    STOP,
    WEST,
    Make,
    by_name,
    counts,
    deny,
    failback,
    failed_over,
    failover,
    look,
    lose,
    marks,
    overheard,
    put,
    refused,
    replicas,
    replicated,
    rotate,
    sent,
    stands_alone,
    value,
)
from cli.test_failover_command_record import GARBAGE
from fixtures import Done, Sandbox

YES = ("--yes", "--json")
RETURN = ("--return-primary", *YES)
both = pytest.mark.parametrize("words", [YES, RETURN], ids=["protect", "return"])


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make, record: Path) -> Sandbox:
    """A sandbox with three secrets that were failed over, and the lost Region is back."""
    return failed_over(make_sandbox, record)


def trouble(done: Done, name: str = "prod/a") -> dict[str, Any]:
    """Return the error of a secret's only row."""
    (row,) = by_name(done)[name]["replicas"]
    error: dict[str, Any] = row["error"]
    return error


HEAD = json.dumps({"schema": "smrep-failover/1", "from": HOME, "to": WEST}) + "\n"


@pytest.mark.parametrize("text", [None, "", "\n\n", HEAD], ids=["missing", "empty", "blank", "only a header"])
def test_a_record_of_nothing_is_refused(sandbox: Sandbox, record: Path, text: str | None) -> None:
    if text is not None:
        record.write_text(text)
    error = refused(sandbox, failback(sandbox, record, *YES))
    what = "names no promoted secret" if text is not None else "does not exist"
    assert error["message"] == f"--record {record} {what}; nothing was sent"
    assert error["hint"] == "use the file that failover --record wrote"
    assert sandbox.simulator.log == []
    assert record.exists() == (text is not None)


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_record_is_refused_before_any_call(sandbox: Sandbox, record: Path, text: bytes) -> None:
    record.write_bytes(text)
    refused(sandbox, failback(sandbox, record, *YES), "RecordError")
    assert (record.read_bytes(), sandbox.simulator.log) == (text, [])


def test_without_a_record_there_is_nothing_to_lead(sandbox: Sandbox) -> None:
    done = sandbox.smrep("failback", *YES)
    assert (done.code, sandbox.simulator.log) == (2, [])
    assert "'--record'" in done.err


@pytest.mark.parametrize("rate", ["0", "51", "nan"])
def test_a_rate_that_is_none_is_refused_before_any_call(fleet: Sandbox, record: Path, rate: str) -> None:
    refused(fleet, failback(fleet, record, *YES, "--rate", rate))
    assert fleet.simulator.log == []


def test_another_primary_region_or_account_is_refused_before_any_call(fleet: Sandbox, record: Path) -> None:
    for words, code in (
        (("--primary-region", IRELAND), "PrimaryRegionMismatch"),
        (("--expect-account", "222222222222"), "AccountMismatch"),
    ):
        refused(fleet, failback(fleet, record, *YES, *words), code)
    assert fleet.simulator.log == []


def test_what_could_not_be_promoted_is_not_led_home(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, "prod/a", "prod/b")
    assert failover(sandbox, record, "prod/a", "--yes").code == 0
    deny(sandbox, (STOP, WEST))
    assert failover(sandbox, record, "prod/b", "--yes").code == 4
    assert marks(record, "prod/b") == ["promoting", "failed"]
    deny(sandbox)
    done = failback(sandbox, record, *YES)
    rows = {name: secret["replicas"][0] for name, secret in by_name(done).items()}
    assert (done.code, {name: row["action"] for name, row in rows.items()}) == (
        0,
        {"prod/a": "overwrite", "prod/b": "keep"},
    )
    assert replicas(sandbox, HOME, "prod/b") == {WEST: "InSync"}


@both
@pytest.mark.parametrize("region", [HOME, WEST])
def test_what_rotates_is_refused_and_goes_where_that_is_handled(
    fleet: Sandbox, record: Path, words: tuple[str, ...], region: str
) -> None:
    rotate(fleet, region)
    done = failback(fleet, record, *words)
    assert (done.code, counts(done)) == (1, {"secrets": 3, "led": 2, "left_alone": 1})
    error = trouble(done)
    assert error["code"] == "rotating"
    assert f"aws secretsmanager cancel-rotate-secret --secret-id prod/a --region {region}" in error["hint"]
    assert "--rotation-handled" in error["hint"]
    assert "prod/a" not in [name for _, _, name in sent(fleet)]
    done = failback(fleet, record, *words, "--rotation-handled")
    assert (done.code, counts(done)) == (0, {"secrets": 3, "led": 1, "already": 2})


@both
def test_a_name_conflict_in_the_old_region_is_never_overwritten(
    fleet: Sandbox, record: Path, words: tuple[str, ...]
) -> None:
    with fleet.simulator.undisturbed():
        fleet.call(REMOVE, HOME, SecretId="prod/a", RemoveReplicaRegions=[WEST])
        fleet.call("DeleteSecret", HOME, SecretId="prod/a", ForceDeleteWithoutRecovery=True)
        look(fleet, HOME)
        fleet.create("prod/a", HOME)
    put(fleet, HOME, "somebody else's")
    before = look(fleet, HOME)
    done = failback(fleet, record, *words)
    assert (done.code, counts(done)) == (1, {"secrets": 3, "led": 2, "left_alone": 1})
    assert trouble(done)["code"] == "name_conflict"
    assert str((before or {})["ARN"]) in trouble(done)["message"]
    assert (look(fleet, HOME), value(fleet, HOME)) == (before, "somebody else's")


def test_a_promoted_secret_that_is_gone_is_told(fleet: Sandbox, record: Path) -> None:
    with fleet.simulator.undisturbed():
        fleet.call("DeleteSecret", WEST, SecretId="prod/a", ForceDeleteWithoutRecovery=True)
    assert look(fleet, WEST) is None
    done = failback(fleet, record, *YES)
    assert (done.code, counts(done)) == (1, {"secrets": 3, "led": 2, "failed": 1})
    assert trouble(done)["code"] == "missing"
    assert value(fleet, HOME) == "s3cret"


@pytest.mark.parametrize("region", [HOME, WEST])
def test_what_is_scheduled_for_deletion_is_left_alone(fleet: Sandbox, record: Path, region: str) -> None:
    with fleet.simulator.undisturbed():
        if region == HOME:
            fleet.call(REMOVE, HOME, SecretId="prod/a", RemoveReplicaRegions=[WEST])
        fleet.call("DeleteSecret", region, SecretId="prod/a", RecoveryWindowInDays=7)
    done = failback(fleet, record, *YES)
    assert (done.code, trouble(done)["code"]) == (1, "pending_deletion")
    assert "aws secretsmanager restore-secret" in trouble(done)["hint"]
    assert "prod/a" not in [name for _, _, name in sent(fleet)]


@both
def test_where_the_old_region_is_down_still_nothing_is_sent(
    fleet: Sandbox, record: Path, words: tuple[str, ...]
) -> None:
    lose(fleet, HOME)
    done = failback(fleet, record, *words, AWS_MAX_ATTEMPTS="1")
    assert (done.code, done.document["result"], sent(fleet)) == (1, "failed", [])
    assert counts(done) == {"secrets": 3, "failed": 3}
    assert f"check that {HOME} is up" in trouble(done)["hint"]
    assert all(stands_alone(fleet, WEST, name) for name in NAMES)


def test_a_region_that_is_down_is_asked_a_few_times_only(record: Path) -> None:
    names = [f"prod/{number:02}" for number in range(40)]
    with overheard(*names) as (sandbox, heard):
        assert failover(sandbox, record, "--all", "--yes", "--rate", "50").code == 0
        lose(sandbox, HOME)
        asked = len(heard())
        done = failback(sandbox, record, *YES, AWS_MAX_ATTEMPTS="1")
        assert (done.code, counts(done)) == (1, {"secrets": 40, "failed": 40})
        assert len([each for each in heard()[asked:] if each["region"] == HOME]) == 8
        assert sent(sandbox)[len(names) :] == []


def test_each_of_them_is_told_by_its_own_name(record: Path) -> None:
    names = [f"prod/{number:02}" for number in range(20)]
    with overheard(*names) as (sandbox, _):
        assert failover(sandbox, record, "--all", "--yes", "--rate", "50").code == 0
        lose(sandbox, HOME)
        done = failback(sandbox, record, *YES, AWS_MAX_ATTEMPTS="1")
        for name, secret in by_name(done).items():
            assert name in secret["replicas"][0]["error"]["message"]


def test_few_secrets_do_not_wait_for_each_other_either(fleet: Sandbox, record: Path) -> None:
    lose(fleet, HOME)
    started = time.monotonic()
    assert failback(fleet, record, *YES, AWS_MAX_ATTEMPTS="1").code == 1
    assert time.monotonic() - started < 10


def test_the_region_that_took_over_is_down(fleet: Sandbox, record: Path) -> None:
    lose(fleet, WEST)
    done = failback(fleet, record, *RETURN, AWS_MAX_ATTEMPTS="1")
    assert (done.code, done.document["result"], sent(fleet)) == (1, "failed", [])
    assert f"check that {WEST} is up" in trouble(done)["hint"]


@pytest.mark.parametrize("region", [HOME, WEST])
def test_what_may_not_be_seen_is_left_alone(fleet: Sandbox, record: Path, region: str) -> None:
    deny(fleet, ("DescribeSecret", region))
    done = failback(fleet, record, *RETURN)
    assert (done.code, done.document["result"], sent(fleet)) == (4, "access", [])
    assert counts(done) == {"secrets": 3, "denied": 3}


def test_a_request_that_is_denied_is_told_and_destroys_nothing(fleet: Sandbox, record: Path) -> None:
    deny(fleet, (ADD, WEST))
    done = failback(fleet, record, *YES)
    assert (done.code, counts(done)) == (4, {"secrets": 3, "denied": 3})
    assert all(stands_alone(fleet, HOME, name) for name in NAMES)
    deny(fleet)
    assert failback(fleet, record, *RETURN).code == 0


def test_a_third_region_that_may_not_be_cleared_leaves_everything_as_it_is(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a", regions=(WEST, IRELAND))
    deny(sandbox, (REMOVE, HOME))
    done = failback(sandbox, record, *YES)
    assert (done.code, [operation for operation, _, _ in sent(sandbox)]) == (4, [REMOVE])
    assert stands_alone(sandbox, HOME)
    assert (look(sandbox, IRELAND) or {})["PrimaryRegion"] == HOME
    deny(sandbox)
    assert failback(sandbox, record, *YES).code == 0
    assert replicas(sandbox, WEST) == {HOME: "InSync", IRELAND: "InSync"}


@both
def test_an_old_primary_that_aws_spares_is_explained(make_sandbox: Make, record: Path, words: tuple[str, ...]) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a", stale_entry_guards=True)
    done = failback(sandbox, record, *words)
    assert (done.code, counts(done)) == (1, {"secrets": 1, "failed": 1})
    error = trouble(done)
    assert f"AWS did not replace prod/a in {HOME} with a replica: Replication failed: " in error["message"]
    assert error["hint"] == "read 'AWS refuses' in the runbook:\n  smrep help runbooks fail-back"
    assert (value(sandbox, HOME), stands_alone(sandbox), stands_alone(sandbox, HOME)) == ("s3cret", True, True)
    again = failback(sandbox, record, *words)
    assert (again.code, trouble(again)["code"]) == (1, error["code"])


def test_a_promoted_secret_is_never_overwritten_by_the_old_primarys_replicate(fleet: Sandbox, record: Path) -> None:
    put(fleet, WEST, "written there")
    for words in ((), ("--force-overwrite",), ("--force-overwrite", "--no-preflight")):
        done = fleet.smrep("replicate", "prod/a", "-r", WEST, *words, *YES)
        assert done.code == 1, done.err
        assert trouble(done)["code"] == "promoted"
        assert f"prod/a in {WEST} was a replica of this secret, and was promoted" in done.err
    assert (value(fleet, WEST), stands_alone(fleet)) == ("written there", True)
    assert sent(fleet) == []
