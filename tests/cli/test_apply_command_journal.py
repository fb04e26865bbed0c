"""`smrep apply --journal`: a line for each write, written before it; where none can be written, nothing is sent."""

from __future__ import annotations

import json
import stat
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import (
    ACCOUNT,
    ADD,
    HOME,
    NAMES,
    PROD,
    REMOVE,
    SYDNEY,
    WEST,
    Make,
    manifest,
    refused,
    replicate,
    sent,
    stocked,
)
from fixtures import BIN, Sandbox

from smrep.sandbox.faults import Drop

YES = ("--yes", "--rate", "50")


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    return stocked(make_sandbox)


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_each_write_has_its_line_which_is_older_than_the_write(stock: Sandbox, tmp_path: Path) -> None:
    journal = tmp_path / "dr.jsonl"
    assert stock.smrep("apply", "-f", manifest(tmp_path), *YES, "--journal", str(journal)).code == 0
    arrived = {call.secret_id: call.ts for call in stock.log(ADD)}
    assert len(arrived) == 12
    found = {each["secret"]: each for each in lines(journal)}
    assert found.keys() == arrived.keys()
    for arn, line in found.items():
        assert datetime.fromisoformat(line["ts"]).timestamp() <= arrived[arn]
        assert (line["operation"], line["command"], line["account"]) == (ADD, "apply", ACCOUNT)
        assert (line["region"], line["regions"], line["force"]) == (HOME, [WEST], False)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_a_write_that_never_arrived_is_in_it(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", drops=(Drop(ADD, "before", times=1),))
    journal = tmp_path / "dr.jsonl"
    sandbox.smrep("apply", "-f", manifest(tmp_path), *YES, "--journal", str(journal), "--timeout", "1s", "--no-wait")
    assert len(lines(journal)) == len(sent(sandbox)) + 1


def test_removals_are_in_it(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", WEST, SYDNEY)
    journal = tmp_path / "dr.jsonl"
    file = manifest(tmp_path, PROD | {"remove_extra": True})
    assert sandbox.smrep("apply", "-f", file, *YES, "--max-removals", "1", "--journal", str(journal)).code == 0
    (line,) = lines(journal)
    assert (line["operation"], line["regions"]) == (REMOVE, [SYDNEY])


def test_it_is_appended_to(stock: Sandbox, tmp_path: Path) -> None:
    journal = tmp_path / "dr.jsonl"
    journal.write_text('{"old": true}\n')
    for _ in range(2):
        assert stock.smrep("apply", "-f", manifest(tmp_path), *YES, "--journal", str(journal)).code == 0
    found = lines(journal)
    assert (found[0], len(found)) == ({"old": True}, 13)


@pytest.mark.parametrize("path", ["none/dr.jsonl", "", "."])
def test_where_it_can_not_be_opened_nothing_is_sent(stock: Sandbox, tmp_path: Path, path: str) -> None:
    error = refused(stock, "apply", "-f", manifest(tmp_path), *YES, "--journal", f"{tmp_path}/{path}")
    assert "nothing was sent" in error["message"]


def test_it_is_a_file_and_not_standard_output(stock: Sandbox, tmp_path: Path) -> None:
    error = refused(stock, "apply", "-f", manifest(tmp_path), *YES, "--journal", "-")
    assert error["message"] == "--journal - is not a file; standard output has the result"


def test_where_nothing_can_be_written_to_it_nothing_is_sent(stock: Sandbox, tmp_path: Path) -> None:
    error = refused(stock, "apply", "-f", manifest(tmp_path), *YES, "--journal", "/dev/full", code=1)
    assert error["code"] == "JournalNotWritten"


@pytest.mark.process
def test_where_it_becomes_full_midway_nothing_more_is_sent_than_is_in_it(stock: Sandbox, tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full."""
    journal = tmp_path / "dr.jsonl"
    script = f"ulimit -f 1; exec {BIN}/smrep apply -f {manifest(tmp_path)} --yes --json --journal {journal}"
    env = {**stock.env, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["error"]["code"]) == (1, "JournalNotWritten")
    whole = [json.loads(line) for line in journal.read_text().splitlines() if line.endswith("}")]
    arrived = {call.secret_id for call in stock.log(ADD)}
    assert arrived == {each["secret"] for each in whole}
    assert 0 < len(arrived) < len(NAMES)
    assert {each["arn"] for each in document["secrets"] if each["replicas"][0]["changed"]} == arrived


def test_a_dry_run_and_a_plan_that_does_nothing_leave_no_journal(stock: Sandbox, tmp_path: Path) -> None:
    journal = tmp_path / "dr.jsonl"
    stock.smrep("apply", "-f", manifest(tmp_path), "-n", "--journal", str(journal))
    assert not journal.exists()
