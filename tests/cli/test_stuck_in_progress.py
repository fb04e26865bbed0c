"""A Region that stays InProgress: since when, whether the replica that is there is current, and the ways out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from fixtures import Done, Sandbox, commands_in

HOME, WEST = "us-east-1", "us-west-2"
COMMANDS = {
    "wait": ("wait", "prod/db"),
    "replicate": ("replicate", "prod/db", "-r", WEST),
    "retry": ("retry", "prod/db", "-r", WEST),
    "verify": ("verify", "prod/db"),
    "replicate --verify": ("replicate", "prod/db", "-r", WEST, "--verify"),
}
each_command = pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)


def stuck(make_sandbox: Callable[..., Sandbox], **faults: Any) -> Sandbox:
    sandbox = make_sandbox(stuck=frozenset({WEST}), removal_delay_s=1.0, **faults)
    sandbox.create(AddReplicaRegions=[{"Region": WEST}])
    return sandbox


def findings(done: Done) -> list[dict[str, Any]]:
    ((row,),) = [each["replicas"] for each in done.document["secrets"]]
    found: list[dict[str, Any]] = row["findings"]
    return found


def the(done: Done) -> dict[str, Any]:
    (finding,) = [each for each in findings(done) if each["kind"] == "stuck"]
    return finding


@each_command
def test_after_the_deadline_it_says_since_when_what_is_there_and_two_ways_out(
    make_sandbox: Callable[..., Sandbox], words: tuple[str, ...]
) -> None:
    sandbox = stuck(make_sandbox)
    done = sandbox.smrep(*words, "--timeout", "5m", "-o", "json")
    finding = the(done)
    assert (done.code, [each["kind"] for each in findings(done)]) == (3, ["stuck"])
    assert re.search(r"has been InProgress since at least \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+m\)", finding["message"])
    assert "the replica there holds the current version" in finding["message"]
    here = f"prod/db --primary-region {HOME} -r {WEST}"
    assert commands_in(finding["hint"])[:3] == [
        f"smrep wait {here} --timeout 10m",
        f"smrep remove {here}",
        f"smrep replicate {here}",
    ]
    assert finding["message"] in done.err


@pytest.mark.parametrize("way", ["wait", "remove"])
def test_each_way_out_can_be_typed(make_sandbox: Callable[..., Sandbox], way: str) -> None:
    sandbox = stuck(make_sandbox)
    hint = the(sandbox.smrep("wait", "prod/db", "--timeout", "1m", "-o", "json"))["hint"]
    sandbox.simulator.change_faults(lambda faults: type(faults)(replication_delay_s=0.0, removal_delay_s=1.0))
    longer, *anew = commands_in(hint)
    codes = []
    for command in [longer] if way == "wait" else anew[:2]:
        words = shlex.split(command)
        codes.append(sandbox.smrep(*words[1:], *(["--yes"] if words[1] == "remove" else [])).code)
    assert codes == ([3] if way == "wait" else [0, 0])
    assert sandbox.smrep("verify", "prod/db").code == (3 if way == "wait" else 0)


def test_a_replica_that_is_not_there_yet_is_said_to_be_missing(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create(AddReplicaRegions=[{"Region": WEST}])
    done = sandbox.smrep("wait", "prod/db", "--timeout", "1m", "-o", "json")
    assert (done.code, "no replica is there yet" in the(done)["message"]) == (3, True)


def test_an_old_replica_is_said_to_be_old(make_sandbox: Callable[..., Sandbox]) -> None:
    """Labels that were moved leave the entry InProgress while the replica has what it had."""
    sandbox = make_sandbox()
    sandbox.create(AddReplicaRegions=[{"Region": WEST}])
    sandbox.smrep("wait", "prod/db")
    sandbox.simulator.change_faults(lambda faults: type(faults)(stuck=frozenset({WEST}), value_delay_s=3600.0))
    sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="newer")
    done = sandbox.smrep("verify", "prod/db", "--timeout", "1m", "-o", "json")
    assert (done.code, "the replica there is outdated: it holds " in the(done)["message"]) == (3, True)


def test_a_look_that_is_denied_says_so(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = stuck(make_sandbox, denied=frozenset({("DescribeSecret", WEST)}))
    done = sandbox.smrep("wait", "prod/db", "--timeout", "1m", "-o", "json")
    assert (done.code, "the replica could not be checked" in the(done)["message"]) == (3, True)


def test_what_was_promoted_meanwhile_is_told_besides(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = stuck(make_sandbox)
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    done = sandbox.smrep("wait", "prod/db", "--timeout", "1m", "-o", "json")
    assert (done.code, [each["kind"] for each in findings(done)]) == (3, ["stuck", "promoted"])


def test_one_look_is_no_waiting(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = stuck(make_sandbox)
    done = sandbox.smrep("wait", "prod/db", "--timeout", "0", "-o", "json")
    assert (done.code, findings(done)) == (3, [])


def test_no_wait_calls_nothing_stuck(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = stuck(make_sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--no-wait", "-o", "json")
    assert (done.code, findings(done)) == (3, [])


def test_the_key_of_the_replica_is_kept(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(stuck=frozenset({WEST}))
    sandbox.key("alias/dr")
    sandbox.create(AddReplicaRegions=[{"Region": WEST, "KmsKeyId": "alias/dr"}])
    hint = the(sandbox.smrep("wait", "prod/db", "--timeout", "1m", "-o", "json"))["hint"]
    assert f"smrep replicate prod/db --primary-region {HOME} -r {WEST}=alias/dr" in hint
