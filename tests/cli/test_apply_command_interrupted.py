"""`smrep apply`, interrupted: what is done and what is open is told, and the same command completes it."""

from __future__ import annotations

import shlex
import signal
from collections import Counter
from pathlib import Path

import pytest
from cli.apply_sandbox import ADD, NAMES, PROD, REMOVE, SYDNEY, WEST, Make, manifest, replicate, sent, stocked
from fixtures import Done, Sandbox


def interrupted(sandbox: Sandbox, operation: str, *words: str, number: signal.Signals = signal.SIGINT) -> Done:
    """Run smrep and send it a signal once such a call has arrived."""
    process = sandbox.start(*words)
    sandbox.wait_for(operation)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    return Done(process.returncode, out, err)


def untwice(sandbox: Sandbox) -> None:
    assert set(Counter(sent(sandbox)).values()) == {1}


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_what_was_sent_is_told_and_the_rest_is_done_by_the_command_in_the_hint(
    make_sandbox: Make, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    sandbox = stocked(make_sandbox, replication_delay_s=2.0)
    words = ("apply", "-f", manifest(tmp_path), "--yes", "--rate", "4", "--json")
    done = interrupted(sandbox, ADD, *words, number=number)
    document = done.document
    assert (done.code, document["result"]) == (code, "interrupted")
    arrived = {call.secret_id for call in sandbox.log(ADD)}
    assert 0 < len(arrived) < len(NAMES)
    assert {each["arn"] for each in document["secrets"] if each["replicas"][0]["changed"]} == arrived
    assert {each["result"] for each in document["secrets"]} <= {"pending", "ok"}
    error = document["error"]
    assert error["message"].startswith("stopped: ")
    assert f"{len(NAMES) - len(arrived)} were not started" in error["message"]
    again = shlex.split(error["hint"].removeprefix("to resume:\n  smrep "))
    gone_on = sandbox.smrep(*again, "--yes", "--json")
    assert (gone_on.code, gone_on.document["result"]) == (0, "ok"), (again, gone_on.err)
    assert sorted(name for _, name, _ in sent(sandbox)) == list(NAMES)
    untwice(sandbox)


@pytest.mark.process
def test_while_it_waits(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", replication_delay_s=3.0)
    words = ("apply", "-f", manifest(tmp_path), "--yes", "--json")
    process = sandbox.start(*words)
    sandbox.wait_for(ADD)
    looked = len(sandbox.log("DescribeSecret"))
    sandbox.wait_for("DescribeSecret", looked + 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    done = Done(process.returncode, out, err)
    assert (done.code, len(sent(sandbox))) == (130, 2)
    assert "0 of 2 secrets are finished, 0 were not started; 2 are in progress, and AWS goes on" in err
    assert {each["replicas"][0]["changed"] for each in done.document["secrets"]} == {True}
    assert sandbox.smrep(*words).code == 0
    untwice(sandbox)


@pytest.mark.process
def test_before_anything_was_sent_it_says_so(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, latency_s=0.5)
    done = interrupted(sandbox, "ListSecrets", "apply", "-f", manifest(tmp_path), "--yes", "--json")
    assert (done.code, done.document["error"]["message"], sent(sandbox)) == (130, "stopped; nothing was sent", [])


@pytest.mark.process
def test_a_removal_is_not_sent_twice_either(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", removal_delay_s=3.0)
    replicate(sandbox, "prod/a", WEST, SYDNEY)
    file = manifest(tmp_path, PROD | {"remove_extra": True})
    words = ("apply", "-f", file, "--yes", "--max-removals", "1", "--json")
    done = interrupted(sandbox, REMOVE, *words)
    assert (done.code, sent(sandbox)) == (130, [(REMOVE, "prod/a", (SYDNEY,))])
    assert sandbox.smrep(*words).code == 0
    untwice(sandbox)


@pytest.mark.process
def test_it_does_not_wait_for_the_turn_of_what_was_not_sent(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox)
    process = sandbox.start("apply", "-f", manifest(tmp_path), "--yes", "--rate", "0.05", "--json")
    sandbox.wait_for(ADD)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)  # the second one's turn is twenty seconds away
    assert (process.returncode, len(sent(sandbox))) == (130, 1)
    assert "11 were not started" in Done(130, out, "").document["error"]["message"]
