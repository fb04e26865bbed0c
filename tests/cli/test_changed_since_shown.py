"""What others change after it was shown is not destroyed: told on every stream, exit 1, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cli.replicated_sandbox import replicated
from cli.test_secret_of_another_account import STS_DENIED, Shared
from fixtures import Sandbox
from pseudo_terminal import Terminal

from smrep.sandbox.faults import Drop

Make = Callable[..., Sandbox]
Deed = Callable[[Sandbox], object]
WEST = "us-west-2"


def put(sandbox: Sandbox) -> None:
    sandbox.call("PutSecretValue", WEST, SecretId="prod/db", SecretString="newer")


def make_anew(sandbox: Sandbox) -> None:
    sandbox.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    sandbox.pass_time(60)
    sandbox.create(region=WEST)


def promote_and_put(sandbox: Sandbox) -> None:
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    put(sandbox)


def with_namesake(make: Make) -> Sandbox:
    sandbox = make()
    sandbox.create()
    sandbox.create(region=WEST)
    return sandbox


def with_replica(make: Make) -> Sandbox:
    return replicated(make, aliases=("alias/old", "alias/new"), key="alias/old")


@dataclass(frozen=True)
class Case:
    """A command that destroys what is in us-west-2, a deed of others in between, and how it is told."""

    words: tuple[str, ...]
    scene: Callable[[Make], Sandbox]
    deed: Deed
    told: str
    code: str = "ChangedMeanwhile"


FORCE = ("replicate", "prod/db", "-r", WEST, "--force-overwrite")
CASES = {
    "overwrite, a new value": Case(FORCE, with_namesake, put, "its versions were changed"),
    "overwrite, made anew": Case(FORCE, with_namesake, make_anew, "it is now arn:aws:"),
    "remove, promoted": Case(("remove", "prod/db", "-r", WEST), with_replica, promote_and_put, "it was promoted"),
    "rekey, promoted": Case(
        ("rekey", "prod/db", "-r", f"{WEST}=alias/new", "--recreate"),
        with_replica,
        promote_and_put,
        "was promoted",
        "promoted",
    ),
}


def after_the_first_look(sandbox: Sandbox, deed: Deed, monkeypatch: pytest.MonkeyPatch, number: int = 1) -> None:
    """Let others act once smrep has looked into us-west-2, or looked so often."""
    answer = sandbox.simulator.call
    looks = []

    def call(service: str, operation: str, region: str, params: dict[str, Any], **more: Any) -> Any:
        found = answer(service, operation, region, params, **more)
        if (operation, region) == ("DescribeSecret", WEST):
            looks.append(found)
            if len(looks) == number:
                deed(sandbox)
        return found

    monkeypatch.setattr(sandbox.simulator, "call", call)


def destroying(sandbox: Sandbox) -> list[str]:
    """Return the calls that may have destroyed something."""
    destroys = ("ReplicateSecretToRegions", "RemoveRegionsFromReplication")
    return [call.operation for call in sandbox.simulator.log if call.operation in destroys]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_change_after_the_look_is_told_and_nothing_is_sent(
    make_sandbox: Make, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = case.scene(make_sandbox)
    before = destroying(sandbox)
    after_the_first_look(sandbox, case.deed, monkeypatch)
    done = sandbox.smrep(*case.words, "--yes", "--json", "--timeout", "2m")
    document = done.document
    assert (done.code, document["result"]) == (1, "failed")
    (row,) = document["secrets"][0]["replicas"]
    assert (row["error"]["code"], row["changed"]) == (case.code, False)
    assert case.told in row["error"]["message"]
    assert row["error"]["message"] in done.err
    assert row["error"]["hint"]
    assert destroying(sandbox) == before


def exchange(shared: Shared) -> None:
    """Promote and delete the replica of another account's secret, and create another secret of its name."""
    shared.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    shared.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    shared.sandbox.pass_time(60)
    shared.call("CreateSecret", WEST, Name="prod/db", SecretString="another")


@pytest.mark.parametrize("sts", ["tells", "does not tell"])
def test_a_removal_whose_answer_is_lost_is_not_sent_again_for_what_cannot_be_seen(
    make_sandbox: Make, monkeypatch: pytest.MonkeyPatch, sts: str
) -> None:
    lost = Drop("RemoveRegionsFromReplication", "before", times=1)
    sandbox = make_sandbox(drops=(lost,), denied=STS_DENIED if sts == "does not tell" else frozenset())
    shared = Shared(sandbox, WEST)
    after_the_first_look(sandbox, lambda _: exchange(shared), monkeypatch, number=2)
    sandbox.smrep("remove", shared.arn, "-r", WEST, "--yes", "--json", "--timeout", "1m")
    assert destroying(sandbox) == []
    assert shared.listed() == [WEST]


def test_a_look_that_only_the_owners_account_can_make_stops_the_removal(
    make_sandbox: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, nothing to be seen by the ARN passed for a replica that is gone, and the removal was sent."""
    sandbox = make_sandbox()
    shared = Shared(sandbox, WEST)
    after_the_first_look(sandbox, lambda _: exchange(shared), monkeypatch)
    done = shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["changed"], row["error"]["code"]) == (4, False, "unchecked")
    assert "only its own account can check" in row["error"]["message"]
    assert destroying(sandbox) == []


@pytest.mark.terminal
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_change_during_the_prompt_is_told_and_nothing_is_sent(make_sandbox: Make, case: Case) -> None:
    sandbox = case.scene(make_sandbox)
    before = destroying(sandbox)
    terminal = Terminal(sandbox, *case.words)
    terminal.read_until("to continue: ")
    case.deed(sandbox)
    terminal.type("prod/db\n")
    assert terminal.end() == 1
    assert case.told in " ".join(terminal.seen.split())
    assert destroying(sandbox) == before
