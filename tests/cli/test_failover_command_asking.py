"""`smrep failover`: the go / no-go sheet, and the number that says go."""

from __future__ import annotations

import os
import re
import shlex
import signal
from pathlib import Path

import pytest
from cli.document_rows import rows_of
from cli.event_stream import events
from cli.failover_sandbox import (
    HOME,
    NAMES,
    OVER,
    STOP,
    WEST,
    Make,
    counts,
    failover,
    lose,
    promoted,
    refused,
    replicated,
    sent,
)
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox

ASKS = "to continue: "


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make) -> Sandbox:
    """A sandbox with three replicated secrets, whose primaries' Region is down."""
    sandbox = replicated(make_sandbox)
    lose(sandbox, HOME)
    return sandbox


def sheet(done: Done) -> dict[str, str]:
    """Return the lines of the sheet by their labels."""
    found = re.findall(r"^(\S.{10}\S|\S.*?)\s{2,}(\S.*)$", done.err, re.MULTILINE)
    return dict(found)


def test_a_dry_run_shows_the_sheet_and_sends_nothing(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, "--all", "-n", "--json")
    assert (done.code, done.document["dry_run"], sent(fleet)) == (0, True, [])
    assert counts(done) == {"secrets": 3, "to_promote": 3, "seconds": 1}
    assert {(row["action"], row["changed"]) for row in rows_of(done)} == {("promote", False)}
    assert "dry run: nothing was sent" in done.err
    shown = sheet(done)
    assert [*shown] == ["to promote", "listed", "time", "values", "third Regions", "rotation", "keys", "credentials"]
    assert shown["to promote"] == f"3 replicas of {HOME} in {WEST}"
    assert shown["time"] == f"1s at 40 a second; every call goes to {WEST}"
    assert shown["keys"] == "AWS managed key, always enabled"
    assert shown["credentials"] == f"stored keys (env), which do not depend on {HOME}"
    assert not record.exists()


def test_a_dry_run_that_may_not_look_says_no_go(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, denied=frozenset({("DescribeSecret", WEST)}))
    done = failover(sandbox, record, "--all", "-n", "--json")
    assert (done.code, counts(done)["denied"], sent(sandbox)) == (4, 1, [])
    assert f"allow secretsmanager:DescribeSecret on arn:aws:secretsmanager:{WEST}:" in done.err
    assert len(sandbox.log("DescribeSecret")) == 1, "one is enough to tell"


@pytest.mark.parametrize(("rate", "words"), [("1", "3s at 1 a second"), ("0.01", "5m at 0.01 a second")])
def test_the_sheet_says_how_long_it_takes(fleet: Sandbox, record: Path, rate: str, words: str) -> None:
    done = failover(fleet, record, "--all", "-n", "--rate", rate, "--json")
    assert sheet(done)["time"].startswith(words)
    assert done.document["summary"]["seconds"] == {"1": 3, "0.01": 300}[rate]


def test_one_replica_is_one(make_sandbox: Make, record: Path) -> None:
    done = failover(replicated(make_sandbox, "prod/a"), record, "--all", "-n")
    assert sheet(done)["to promote"] == f"1 replica of {HOME} in {WEST}"


def test_the_sheet_counts_keys_and_warns_of_those_that_can_not_be_used(make_sandbox: Make, record: Path) -> None:
    sandbox = make_sandbox()
    with sandbox.simulator.undisturbed():
        keys = [sandbox.key() for _ in range(2)]
        for name, key in zip(NAMES, keys, strict=False):
            sandbox.create(name, AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    assert sheet(failover(sandbox, record, "--all", "-n"))["keys"] == "2 customer-managed, all enabled"
    with sandbox.simulator.undisturbed():
        sandbox.call("DisableKey", WEST, "kms", KeyId=keys[1])
    done = failover(sandbox, record, "--all", "-n", "-q")
    assert sheet(done)["keys !"] == "1 cannot be read or written with their keys: prod/b"
    sandbox.simulator.log.clear()
    sandbox.simulator.faults = type(sandbox.simulator.faults)(denied=frozenset({("DescribeKey", WEST)}))
    done = failover(sandbox, record, "--all", "-n")
    assert sheet(done)["keys !"] == "not checked for 2: prod/a, prod/b"


def test_quiet_leaves_the_sheet_out(fleet: Sandbox, record: Path) -> None:
    assert sheet(failover(fleet, record, "--all", "-n", "-q")) == {}


def test_a_dry_run_tells_its_plan_and_no_request(fleet: Sandbox, record: Path) -> None:
    told = events(failover(fleet, record, "--all", "-n", "-o", "ndjson"))
    assert "request" not in [each["type"] for each in told]
    assert sorted(each["name"] for each in told[1]["secrets"]) == list(NAMES)


def test_a_dry_run_as_a_table_and_as_names(fleet: Sandbox, record: Path) -> None:
    assert "3 of 3 secrets to fail over" in failover(fleet, record, "--all", "-n", "-o", "table").out
    names = failover(fleet, record, "--all", "-n", "-o", "name").out.splitlines()
    assert [each.split(":", 6)[6][:-7] for each in names] == list(NAMES)
    assert all(f":{HOME}:" in each for each in names)


@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_without_an_answer_nothing_is_sent(fleet: Sandbox, record: Path, flags: tuple[str, ...]) -> None:
    done = failover(fleet, record, "--all", *flags, "--json")
    error = refused(fleet, done, "ConfirmationNeeded")
    command = f"smrep failover --from {HOME} --to {WEST} --record {record} --all --yes"
    assert error["hint"] == f"to confirm it:\n  {command}"
    assert {row["changed"] for row in rows_of(done)} == {False}
    assert sheet(done)["to promote"] == f"3 replicas of {HOME} in {WEST}"


def test_what_was_not_confirmed_is_not_told_as_done(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, "--all", "--json")
    assert "stood alone already" not in done.err
    assert {key: done.document["summary"][key] for key in ("pending", "to_promote", "already")} == {
        "pending": 3,
        "to_promote": 0,
        "already": 0,
    }
    assert {each["result"] for each in done.document["secrets"]} == {"pending"}


@pytest.mark.parametrize(
    "words",
    [
        ("--prefix", "prod/", "--rate", "30", "--timeout", "2m", "--no-wait"),
        ("--tag", "dr=it is", "--prefix", "prod/ab"),
        ("prod/a", "prod/b"),
    ],
    ids=" ".join,
)
def test_the_command_to_confirm_does_what_was_typed(make_sandbox: Make, record: Path, words: tuple[str, ...]) -> None:
    sandbox = replicated(make_sandbox)
    with sandbox.simulator.undisturbed():
        tags = [{"Key": "dr", "Value": "it is"}]
        sandbox.create("prod/ab", Tags=tags, AddReplicaRegions=[{"Region": WEST}])
    done = failover(sandbox, record, *words, "--expect-account", "123456789012", "--json")
    hint = refused(sandbox, done, "ConfirmationNeeded")["hint"]
    again = shlex.split(hint.removeprefix("to confirm it:\n  smrep "))
    assert {*words, "--expect-account", "--record", str(record), "--yes"} <= {*again}
    assert sandbox.smrep(*again).code == 0
    assert promoted(sandbox) == sorted(each["name"] for each in done.document["secrets"])


@pytest.mark.parametrize("name", ["SMREP_YES", "SMREP_FAILOVER_YES"])
def test_no_variable_answers(fleet: Sandbox, record: Path, name: str) -> None:
    refused(fleet, failover(fleet, record, "--all", "--json", **{name: "1"}), "ConfirmationNeeded")


def terminal(sandbox: Sandbox, record: Path, *words: str) -> Terminal:
    return Terminal(sandbox, *OVER, "--record", str(record), *(words or ("--all",)), columns=200)


@pytest.mark.process
def test_the_count_confirms(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    assert "to promote" in shown.seen
    assert fleet.log(STOP) == []
    shown.type("3\n")
    assert shown.end() == 0
    assert promoted(fleet) == list(NAMES)


@pytest.mark.process
@pytest.mark.parametrize("answer", ["2\n", "yes\n", "prod/a\n", "\n", "\x04"])
def test_anything_else_does_not(fleet: Sandbox, record: Path, answer: str) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    shown.type(answer)
    assert shown.end() == 2
    assert "not confirmed; nothing was sent" in shown.seen
    assert fleet.log(STOP) == []


@pytest.mark.process
def test_one_secret_is_confirmed_by_its_name(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record, "prod/b")
    shown.read_until("to continue: ")
    shown.type("prod/b\n")
    assert shown.end() == 0
    assert promoted(fleet) == ["prod/b"]


@pytest.mark.process
def test_ctrl_c_at_the_prompt_sends_nothing(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    os.killpg(shown.process.pid, signal.SIGINT)
    assert shown.end() == 130
    assert "nothing was sent" in shown.seen
    assert fleet.log(STOP) == []


@pytest.mark.process
def test_what_became_a_replica_after_the_answer_was_shown_is_not_promoted(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    with fleet.simulator.undisturbed():
        fleet.create("prod/new", AddReplicaRegions=[{"Region": WEST}])
    shown.type("3\n")
    assert shown.end() == 0
    assert promoted(fleet) == list(NAMES)
