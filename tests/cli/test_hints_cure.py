"""Every hint's command, run in the state that printed it, brings the matter forward: round by round to the end."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fixtures import ROOT, Done, Sandbox

from smrep.sandbox.simulator.api_errors import ApiError

HOME, WEST = "us-east-1", "us-west-2"
Prepare = Callable[[Sandbox], object]


@dataclass(frozen=True)
class State:
    """A state of AWS, the command that meets it, and the commands that its hints name on the way to a good end."""

    prepare: Prepare
    words: tuple[str, ...]
    runs: frozenset[str]
    """`retry`, `kms enable-key`, ...: each is run at least once."""
    fill: dict[str, str] = field(default_factory=dict)
    """What a person puts in the place of a word in capitals."""
    faults: dict[str, Any] = field(default_factory=dict)
    instead: bool = False
    """Whether the hint's last command of smrep stands in the place of the one that was typed."""


def replicated(sandbox: Sandbox, region: str = WEST) -> str:
    arn = sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId=arn, AddReplicaRegions=[{"Region": region}])
    return arn


def deleted(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.call("DeleteSecret", SecretId="prod/db")


def keyed(state: str | None) -> Prepare:
    """Return what makes a secret, and a key for its replica in that state; None for no key at all."""

    def prepare(sandbox: Sandbox) -> None:
        sandbox.create()
        sandbox.key("alias/good")
        if state:
            arn = sandbox.key("alias/dr")
            sandbox.simulator.set_key_state(arn, WEST, state)

    return prepare


def under_a_key(state: str | None, *, old: bool = False) -> Prepare:
    """Return what makes a secret under a key in that state, or gone; with `old`, only its versions are."""

    def prepare(sandbox: Sandbox) -> None:
        key = sandbox.key("alias/own", HOME)
        sandbox.key("alias/good", HOME)
        sandbox.create(KmsKeyId=key)
        if old:
            sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="second", VersionStages=["mine"])
            sandbox.simulator.set_key_state(key, HOME, "Disabled")
            sandbox.call("UpdateSecret", SecretId="prod/db", KmsKeyId="alias/good")
        if state:
            sandbox.simulator.set_key_state(key, HOME, state)
        else:
            del sandbox.simulator._state.keys.keys[HOME, key.rpartition("/")[2]]

    return prepare


def failed(sandbox: Sandbox) -> None:
    """Leave a replica that Failed for want of its key, which is well by now."""
    sandbox.create()
    key = sandbox.key("alias/dr")
    sandbox.simulator.set_key_state(key, WEST, "Disabled")
    target = {"Region": WEST, "KmsKeyId": "alias/dr"}
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[target])
    sandbox.pass_time(60.0)
    sandbox.call("DescribeSecret", SecretId="prod/db")
    sandbox.simulator.set_key_state(key, WEST, "Enabled")


def in_the_way(sandbox: Sandbox) -> None:
    """Leave another secret of the name in the target Region."""
    sandbox.create()
    sandbox.create(region=WEST)


def wrong_key(sandbox: Sandbox) -> None:
    replicated(sandbox)
    sandbox.key("alias/dr")


def anothers(sandbox: Sandbox) -> None:
    """Leave a replica of another primary in the target Region."""
    sandbox.create(region="eu-west-1")
    sandbox.call("ReplicateSecretToRegions", "eu-west-1", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    sandbox.call("DescribeSecret", "eu-west-1", SecretId="prod/db")
    sandbox.create()


def promoted(sandbox: Sandbox) -> None:
    """Leave a replica of ours that was made standalone."""
    replicated(sandbox)
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")


STATES = {
    "scheduled for deletion": State(
        deleted, ("replicate", "prod/db", "-r", WEST), frozenset({"secretsmanager restore-secret"})
    ),
    "scheduled for deletion, awaited": State(
        deleted, ("verify", "prod/db"), frozenset({"secretsmanager restore-secret", "replicate"}), {"REGION": WEST}
    ),
    "no replicas": State(
        lambda sandbox: sandbox.create(), ("wait", "prod/db"), frozenset({"replicate"}), {"REGION": WEST}
    ),
    "a replica is no primary": State(
        replicated,
        ("replicate", "prod/db", "-r", "eu-west-1", "--primary-region", WEST),
        frozenset({"replicate"}),
        instead=True,
    ),
    "missing": State(lambda sandbox: sandbox.create(), ("status", "prod/db", "-r", WEST), frozenset({"replicate"})),
    "key disabled": State(
        keyed("Disabled"), ("replicate", "prod/db", "-r", f"{WEST}=alias/dr"), frozenset({"kms enable-key"})
    ),
    "key awaits its deletion": State(
        keyed("PendingDeletion"),
        ("replicate", "prod/db", "-r", f"{WEST}=alias/dr"),
        frozenset({"kms cancel-key-deletion", "kms enable-key"}),
    ),
    "key missing": State(
        keyed(None),
        ("replicate", "prod/db", "-r", f"{WEST}=alias/dr"),
        frozenset({"kms list-aliases", "replicate"}),
        {"alias/NAME": "alias/good"},
        instead=True,
    ),
    "primary's key disabled": State(
        under_a_key("Disabled"), ("replicate", "prod/db", "-r", WEST), frozenset({"kms enable-key"})
    ),
    "primary's key awaits its deletion": State(
        under_a_key("PendingDeletion"),
        ("replicate", "prod/db", "-r", WEST),
        frozenset({"kms cancel-key-deletion", "kms enable-key"}),
    ),
    "primary's key is gone": State(
        under_a_key(None),
        ("replicate", "prod/db", "-r", WEST),
        frozenset(
            {
                "kms list-aliases",
                "secretsmanager update-secret",
                "secretsmanager update-secret-version-stage",
            }
        ),
        {"alias/NAME": "alias/good"},
    ),
    "current version's key is gone": State(
        under_a_key(None, old=True),
        ("replicate", "prod/db", "-r", WEST),
        frozenset({"secretsmanager put-secret-value", "secretsmanager update-secret-version-stage"}),
    ),
    "a replica failed": State(failed, ("status", "prod/db"), frozenset({"retry"})),
    "a namesake": State(
        in_the_way,
        ("replicate", "prod/db", "-r", WEST),
        frozenset({"secretsmanager describe-secret", "replicate"}),
    ),
    "a replica of another primary": State(
        anothers,
        ("replicate", "prod/db", "-r", WEST),
        frozenset(
            {
                "secretsmanager stop-replication-to-replica",
                "secretsmanager delete-secret",
                "replicate",
            }
        ),
    ),
    "a promoted replica": State(
        promoted,
        ("replicate", "prod/db", "-r", WEST),
        frozenset({"secretsmanager describe-secret", "secretsmanager delete-secret", "remove", "replicate"}),
    ),
    "a replica of another Region than said": State(
        replicated,
        ("promote", "prod/db", "-r", WEST, "--primary-region", "eu-west-1", "--yes"),
        frozenset({"promote"}),
        instead=True,
    ),
    "another key": State(wrong_key, ("replicate", "prod/db", "-r", f"{WEST}=alias/dr"), frozenset({"rekey"})),
    "still open": State(
        lambda sandbox: sandbox.create(),
        ("replicate", "prod/db", "-r", WEST, "--timeout", "5s"),
        frozenset({"wait"}),
        faults={"replication_delay_s": 20.0},
    ),
    "Region not enabled": State(
        lambda sandbox: sandbox.create(),
        ("replicate", "prod/db", "-r", "af-south-1"),
        frozenset({"account enable-region"}),
        faults={"disabled_regions": frozenset({"af-south-1"})},
    ),
    "no such secret": State(
        lambda sandbox: sandbox.create(region=WEST),
        ("status", "prod/db"),
        frozenset({"sts get-caller-identity", "list", "status"}),
        {"REGION": WEST},
        instead=True,
    ),
}
ELSEWHERE = {
    "configure": "asks for keys at a terminal",
    "configure export-credentials": "needs a session",
    "configure get credential_process": "shows a line of the configuration",
    "configure list": "shows what is set",
    "iam get-role": "tests/cli/test_doctor_command_reader.py: shows a role",
    "iam list-open-id-connect-providers": "the sandbox has none",
    "iam set-security-token-service-preferences": "the sandbox's tokens are good everywhere",
    "kms describe-key": "shows a key",
    "login": "opens a browser",
    "secretsmanager associate-cross-account-replica": "the sandbox has no cross-account replication",
    "secretsmanager cancel-rotate-secret": "tests/cli/test_failback_command.py",
    "secretsmanager get-resource-policy": "shows a policy",
    "secretsmanager list-secrets": "tests/cli/test_impossible_names.py: shows names",
    "sso login": "opens a browser",
}
"""Commands of the AWS CLI that hints name and that no state here runs, and why."""


def commands(hint: str) -> list[list[str]]:
    """Return the commands that a hint names, as a shell would split them."""
    found = []
    for part in re.split(r"; |\)| \(|\n", hint):
        start = re.search(r"\b(smrep|aws) [a-z]", part)
        if start:
            found.append(shlex.split(part[start.start() :]))
    return found


def hints(done: Done) -> list[str]:
    """Return the hints of what stops the run, each once."""
    document = done.document
    rows = [row for secret in document["secrets"] for row in secret["replicas"]]
    troubles = [
        document["error"],
        *(secret["error"] for secret in document["secrets"]),
        *(row["error"] for row in rows),
    ]
    found = [each["hint"] for each in troubles if each and each["hint"]]
    found += [finding["hint"] for row in rows if not row["error"] for finding in row["findings"] if finding["hint"]]
    return list(dict.fromkeys(found))


def aws(sandbox: Sandbox, words: list[str]) -> None:
    """Carry out a command of the AWS CLI."""
    service, command, *rest = words
    operation = "".join(each.capitalize() for each in command.split("-"))
    params: dict[str, Any] = {}
    while rest:
        name = "".join(each.capitalize() for each in rest.pop(0).removeprefix("--").split("-"))
        params[name] = rest.pop(0) if rest and not rest[0].startswith("--") else True
    if operation == "EnableRegion":
        faults = sandbox.simulator.faults
        sandbox.simulator.faults = replace(faults, disabled_regions=faults.disabled_regions - {params["RegionName"]})
        return
    try:
        sandbox.call(operation, params.pop("Region", HOME), service, **params)
    except ApiError:
        assert operation == "DescribeSecret", "only a look may find that it is gone"
    if operation == "DeleteSecret":
        sandbox.pass_time(60.0)  # until it is gone, as the hint says


def follow(sandbox: Sandbox, state: State, done: Done) -> Iterator[tuple[str, int]]:
    """Do what the hints of a run say, and those of what they say; yield each command and its exit code."""
    for hint in hints(done):
        for words in commands(hint):
            filled = [state.fill.get(word, word) for word in words]
            filled = [word.replace("alias/NAME", state.fill.get("alias/NAME", "alias/NAME")) for word in filled]
            filled = [f"new value {len(sandbox.simulator.log)}" if word == "file://VALUE" else word for word in filled]
            if words[0] == "aws":
                aws(sandbox, filled[1:])
                yield " ".join(words[1:3]), 0
            else:
                confirmed = ["--yes"] if {"--force-overwrite", "promote"} & set(filled) else []
                ended = sandbox.smrep(*filled[1:], *confirmed, "--json")
                if ended.code and hints(ended) != hints(done):
                    yield from follow(sandbox, state, ended)
                yield words[1], ended.code


@pytest.mark.parametrize("name", STATES)
def test_what_a_hint_says_brings_the_matter_forward(make_sandbox: Callable[..., Sandbox], name: str) -> None:
    """Each round ends otherwise than the one before, and after three at most the command ends well."""
    state = STATES[name]
    sandbox = make_sandbox(**state.faults)
    state.prepare(sandbox)
    ran: list[tuple[str, int]] = []
    told: list[list[str]] = []
    done = sandbox.smrep(*state.words, "--json")
    while done.code and len(told) < 3 and not (state.instead and ran):
        assert hints(done) not in told, "the same hints again"
        told.append(hints(done))
        ran += follow(sandbox, state, done)
        done = sandbox.smrep(*state.words, "--json")
    assert told, "it ended well at once"
    assert (ran[-1][1] if state.instead else done.code) == 0, (told, ran, done.err)
    assert state.runs <= {command for command, _ in ran}, ran


def test_every_command_of_the_aws_cli_in_a_hint_is_run_or_has_a_reason() -> None:
    spelled = set()
    for path in (ROOT / "smrep").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("aws_command", "_aws")
            ):
                first = node.args[0]
                spelled |= {first.value} if isinstance(first, ast.Constant) else set()
    ran = {command for state in STATES.values() for command in state.runs if " " in command}
    assert spelled == ran | set(ELSEWHERE)
    assert not ran & set(ELSEWHERE)
