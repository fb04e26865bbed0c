"""`smrep failover --record`: written before and after each promotion; where it can't be, nothing is sent."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from cli.failover_sandbox import (
    HOME,
    IRELAND,
    NAMES,
    OVER,
    STOP,
    WEST,
    Make,
    behave,
    failover,
    lines,
    look,
    lose,
    marks,
    promoted,
    refused,
    replicated,
    stands_alone,
)
from fixtures import BIN, Sandbox

from smrep.sandbox.faults import Drop

YES = ("--all", "--yes", "--json")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make) -> Sandbox:
    """A sandbox with three replicated secrets, whose primaries' Region is down."""
    sandbox = replicated(make_sandbox)
    lose(sandbox, HOME)
    return sandbox


def test_it_begins_with_its_two_regions(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, *YES).code == 0
    first, *rest = lines(record)
    assert {key: value for key, value in first.items() if key != "ts"} == {
        "schema": "smrep-failover/1",
        "from": HOME,
        "to": WEST,
    }
    assert len(rest) == 6
    assert all(datetime.fromisoformat(each["ts"]) for each in (first, *rest))


def test_each_promotion_has_a_line_before_it_and_one_after(fleet: Sandbox, record: Path) -> None:
    before = {name: look(fleet, WEST, name) or {} for name in NAMES}
    assert failover(fleet, record, *YES).code == 0
    arrived = {str(call.secret_id): call.ts for call in fleet.log(STOP)}
    for name, shown in before.items():
        begun, ended = (each for each in lines(record) if each.get("arn") == shown["ARN"])
        assert (begun["result"], ended["result"]) == ("promoting", "promoted")
        assert datetime.fromisoformat(begun["ts"]).timestamp() <= arrived[shown["ARN"]]
        assert datetime.fromisoformat(ended["ts"]).timestamp() >= arrived[shown["ARN"]] - 0.001
        assert (begun["name"], begun["versions"]) == (name, shown["VersionIdsToStages"])
        assert (begun["rotation"], begun["tags"], begun["policy_sha256"]) == (False, {}, None)


def test_tags_and_the_key_are_in_it_and_no_value(make_sandbox: Make, record: Path) -> None:
    sandbox = make_sandbox()
    with sandbox.simulator.undisturbed():
        key = sandbox.key()
        wanted = [{"Region": WEST, "KmsKeyId": key}]
        sandbox.create("prod/a", Tags=[{"Key": "dr", "Value": "true"}], AddReplicaRegions=wanted)
    assert failover(sandbox, record, *YES).code == 0
    (begun,) = [each for each in lines(record) if each.get("result") == "promoting"]
    assert (begun["kms_key_id"], begun["tags"]) == (key, {"dr": "true"})
    assert "s3cret" not in record.read_text()


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_only_its_owner_may_read_it(fleet: Sandbox, record: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert failover(fleet, record, *YES).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_second_run_appends(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, "prod/a", "--yes").code == 0
    first = record.read_text()
    assert failover(fleet, record, "prod/b", "--yes").code == 0
    assert record.read_text().startswith(first)
    assert sum("schema" in each for each in lines(record)) == 1
    assert (marks(record), marks(record, "prod/b")) == (["promoting", "promoted"], ["promoting", "promoted"])


def test_a_run_with_nothing_to_do_adds_no_line(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, *YES).code == 0
    first = record.read_text()
    assert failover(fleet, record, *YES).code == 0
    assert record.read_text() == first


def test_a_dry_run_makes_none_and_adds_nothing(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, "--all", "-n").code == 0
    assert not record.exists()
    assert failover(fleet, record, "prod/a", "--yes").code == 0
    first = record.read_text()
    assert failover(fleet, record, "--all", "-n").code == 0
    assert record.read_text() == first


def test_what_nobody_confirms_makes_none(fleet: Sandbox, record: Path) -> None:
    refused(fleet, failover(fleet, record, "--all", "--json"), "ConfirmationNeeded")
    assert not record.exists()


@pytest.mark.parametrize("pair", [(HOME, IRELAND), (IRELAND, WEST), (WEST, HOME)])
def test_another_pairs_record_is_refused_before_any_call(fleet: Sandbox, record: Path, pair: tuple[str, str]) -> None:
    record.write_text(json.dumps({"schema": "smrep-failover/1", "from": pair[0], "to": pair[1]}) + "\n")
    before = record.read_text()
    error = refused(fleet, failover(fleet, record, *YES), "RecordError")
    assert error["message"].startswith(f"--record {record} is for a failover from {pair[0]} to {pair[1]}; nothing")
    assert (record.read_text(), fleet.simulator.log) == (before, [])


HEAD = f'{{"schema": "smrep-failover/1", "from": "{HOME}", "to": "{WEST}"}}\n'
BEGUN = '{"result": "promoting", "arn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/a-a1b2c3"}\n'
GARBAGE = {
    "text": b"this is no record\n",
    "binary": bytes(range(256)),
    "no UTF-8": b"\xff\xfe\n",
    "another JSON": b'{"a": 1}\n',
    "a list": b"[1, 2]\n",
    "a number": b"7\n",
    "another schema": b'{"schema": "smrep-failover/2", "from": "us-east-1", "to": "us-west-2"}\n',
    "a journal": b'{"ts": "2026-11-23T10:00:00Z", "operation": "ReplicateSecretToRegions"}\n',
    "no Region": b'{"schema": "smrep-failover/1", "from": "mars", "to": "us-west-2"}\n',
    "a line short of fields": (HEAD + BEGUN).encode(),
    "a mark that nobody knows": (HEAD + BEGUN.replace("promoting", "lost")).encode(),
    "a line of a secret never begun": (HEAD + BEGUN.replace("promoting", "promoted")).encode(),
    "a secret of another Region": (HEAD + BEGUN.replace(WEST, IRELAND)).encode(),
    "two pairs": (HEAD + HEAD.replace(WEST, IRELAND)).encode(),
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_record_is_refused_before_any_call(fleet: Sandbox, record: Path, text: bytes) -> None:
    record.write_bytes(text)
    error = refused(fleet, failover(fleet, record, *YES), "RecordError")
    assert str(record) in error["message"]
    assert (record.read_bytes(), fleet.simulator.log) == (text, [])


@pytest.mark.parametrize("path", ["none/dr.jsonl", "", "."])
def test_where_it_can_not_be_opened_nothing_is_asked(fleet: Sandbox, tmp_path: Path, path: str) -> None:
    refused(fleet, fleet.smrep(*OVER, "--record", f"{tmp_path}/{path}", *YES))
    assert fleet.simulator.log == []


def test_an_empty_name_is_none(fleet: Sandbox) -> None:
    refused(fleet, fleet.smrep(*OVER, "--record", "", *YES))
    assert fleet.simulator.log == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what it may not")
def test_one_that_may_not_be_read_is_refused(fleet: Sandbox, record: Path) -> None:
    record.write_text(HEAD)
    record.chmod(0)
    refused(fleet, failover(fleet, record, *YES), "RecordError")
    assert fleet.simulator.log == []


def test_a_link_that_leads_nowhere_is_refused(fleet: Sandbox, record: Path) -> None:
    record.symlink_to(record.parent / "nowhere" / "dr.jsonl")
    refused(fleet, failover(fleet, record, *YES))
    assert (fleet.simulator.log, record.exists()) == ([], False)


def test_an_empty_file_is_a_new_one(fleet: Sandbox, record: Path) -> None:
    record.touch(mode=0o640)
    assert failover(fleet, record, *YES).code == 0
    assert lines(record)[0]["schema"] == "smrep-failover/1"
    assert stat.S_IMODE(record.stat().st_mode) == 0o640


@pytest.mark.process
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_is_no_file_is_refused_before_any_call(fleet: Sandbox, record: Path, kind: str) -> None:
    os.mkfifo(record)
    path = "/dev/full" if kind == "device" else record
    script = f"ulimit -v 1000000; exec {BIN}/smrep {' '.join(OVER)} --record {path} --all --yes --json"
    done = subprocess.run(["bash", "-c", script], env=fleet.env, capture_output=True, text=True, timeout=5, check=False)
    assert (done.returncode, fleet.simulator.log) == (2, [])


@pytest.mark.process
def test_where_it_becomes_full_midway_nothing_more_is_sent_than_is_in_it(make_sandbox: Make, record: Path) -> None:
    """A limit on the size of files stands for a disk that is full."""
    sandbox = replicated(make_sandbox, *(f"prod/{number:02}" for number in range(12)))
    script = f"ulimit -f 1; exec {BIN}/smrep {' '.join(OVER)} --record {record} --all --yes --json --rate 50"
    env = {**sandbox.env, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["error"]["code"]) == (1, "RecordNotWritten")
    whole = [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]
    begun = {each["name"] for each in whole if each.get("result") == "promoting"}
    assert 0 < len(promoted(sandbox)) < 12
    assert {*promoted(sandbox)} <= begun


def test_a_last_line_that_was_cut_off_is_told_and_gone_on_with(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, "prod/a", "--yes").code == 0
    whole = record.read_text()
    record.write_text(whole + '{"ts": "2026-11-23T10:00:00.000Z", "result": "promo')
    done = failover(fleet, record, *YES)
    assert done.code == 0
    assert f"warning: line 4 of {record} is incomplete, as after a killed run, and was skipped" in done.err
    assert promoted(fleet) == list(NAMES)
    assert record.read_text().splitlines()[:3] == whole.splitlines()
    assert [json.loads(line)["result"] for line in record.read_text().splitlines()[4:]].count("promoted") == 2
    assert failover(fleet, record, *YES).code == 0


def test_a_promotion_whose_end_it_does_not_know_is_looked_at(fleet: Sandbox, record: Path) -> None:
    behave(fleet, drops=(Drop(STOP, "before", times=9),))
    assert failover(fleet, record, "prod/a", "--yes", "--timeout", "1s").code == 3
    behave(fleet, drops=())
    with fleet.simulator.undisturbed():
        fleet.call(STOP, WEST, SecretId="prod/a")  # it came through after all
    done = failover(fleet, record, "prod/a", "--yes")
    assert (done.code, promoted(fleet), marks(record)) == (0, [], ["promoting", "promoted"])


def test_another_accounts_record_is_refused(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, "prod/a", "--yes").code == 0
    fleet.simulator.log.clear()
    refused(fleet, failover(fleet, record, *YES, "--expect-account", "222222222222"), "AccountMismatch")
    assert fleet.simulator.log == []
    assert stands_alone(fleet)
