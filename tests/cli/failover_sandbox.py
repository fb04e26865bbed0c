"""Runs `smrep failover` and `smrep failback` against a sandbox: replicas, a Region outage and its end, a record."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

Make = Callable[..., Sandbox]
HOME, WEST, IRELAND, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
STOP, ADD, REMOVE = "StopReplicationToReplica", "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
WRITES = (STOP, ADD, REMOVE)
NAMES = ("prod/a", "prod/b", "prod/c")
OVER = ("failover", "--from", HOME, "--to", WEST)
QUICK = {"removal_delay_s": 0.0}


def replicated(make: Make, *names: str, regions: tuple[str, ...] = (WEST,), **faults: Any) -> Sandbox:
    """Return a sandbox in which these secrets are replicated and in sync, and nothing is logged yet."""
    sandbox = make(**{**QUICK, **faults})
    fill(sandbox, *(names or NAMES), regions=regions)
    return sandbox


def fill(sandbox: Sandbox, *names: str, regions: tuple[str, ...] = (WEST,), home: str = HOME, **params: Any) -> None:
    """Make secrets with replicas in sync, by the way."""
    with sandbox.simulator.undisturbed():
        for name in names:
            sandbox.create(name, home, AddReplicaRegions=[{"Region": each} for each in regions], **params)
            sandbox.call("DescribeSecret", home, SecretId=name)


def behave(sandbox: Sandbox, **changes: Any) -> None:
    """Let the running sandbox behave otherwise from now on."""
    sandbox.simulator.change_faults(lambda faults: replace(faults, **changes))


def lose(sandbox: Sandbox, *regions: str) -> None:
    """Take Regions down; none: all are back."""
    behave(sandbox, outages=frozenset(regions))


def deny(sandbox: Sandbox, *denied: tuple[str, str]) -> None:
    """Deny (operation, Region) from now on."""
    behave(sandbox, denied=frozenset(denied))


def failed_over(make: Make, record: Path, *names: str, **more: Any) -> Sandbox:
    """Return a sandbox in which the secrets were failed over, and the lost Region is back."""
    sandbox = replicated(make, *names, **more)
    lose(sandbox, HOME)
    assert failover(sandbox, record, "--all", "--yes").code == 0
    lose(sandbox)
    sandbox.simulator.log.clear()
    return sandbox


def failover(sandbox: Sandbox, record: Path, *words: str, stdin: str | None = None, **env: str | None) -> Done:
    """Run it from the one Region to the other."""
    return sandbox.smrep(*OVER, "--record", str(record), *words, stdin=stdin, **env)


def failback(sandbox: Sandbox, record: Path, *words: str, **env: str | None) -> Done:
    """Run it with the record."""
    return sandbox.smrep("failback", "--record", str(record), *words, **env)


def sent(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Return (operation, Region called, name) of each write that arrived, in their order."""
    calls = [call for call in sandbox.simulator.log if call.operation in WRITES]
    return [(call.operation, call.region, str(call.secret_id).split(":", 6)[6][:-7]) for call in calls]


def promoted(sandbox: Sandbox) -> list[str]:
    """Return the names of what AWS was asked to promote in the Region that takes over."""
    found = sent(sandbox)
    assert {(operation, region) for operation, region, _ in found} <= {(STOP, WEST)}
    return sorted(name for _, _, name in found)


def look(sandbox: Sandbox, region: str, name: str = "prod/a") -> dict[str, Any] | None:
    """Return the secret as that Region has it, None where there is none; no outage hides it."""
    with sandbox.simulator.undisturbed():
        try:
            found: dict[str, Any] = sandbox.call("DescribeSecret", region, SecretId=name)
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None
    return found


def stands_alone(sandbox: Sandbox, region: str = WEST, name: str = "prod/a") -> bool:
    """Tell whether a secret of that name is no replica there."""
    found = look(sandbox, region, name)
    return found is not None and found.get("PrimaryRegion", region) == region


def replicas(sandbox: Sandbox, region: str, name: str = "prod/a") -> dict[str, str]:
    """Return Region -> status, as a primary lists its replicas."""
    shown = (look(sandbox, region, name) or {}).get("ReplicationStatus", ())
    return {each["Region"]: each["Status"] for each in shown}


def put(sandbox: Sandbox, region: str, value: str, name: str = "prod/a") -> None:
    """Write a value there, as an application does."""
    with sandbox.simulator.undisturbed():
        sandbox.call("PutSecretValue", region, SecretId=name, SecretString=value)


def value(sandbox: Sandbox, region: str, name: str = "prod/a") -> str:
    """Return the current value there."""
    with sandbox.simulator.undisturbed():
        return str(sandbox.call("GetSecretValue", region, SecretId=name)["SecretString"])


def rotate(sandbox: Sandbox, region: str, name: str = "prod/a") -> None:
    """Enable rotation there."""
    with sandbox.simulator.undisturbed():
        arn = f"arn:aws:lambda:{region}:123456789012:function:rotate"
        rules = {"AutomaticallyAfterDays": 30}
        sandbox.call("RotateSecret", region, SecretId=name, RotationLambdaARN=arn, RotationRules=rules)


def lines(record: Path) -> list[dict[str, Any]]:
    """Return the lines of a record."""
    return [json.loads(line) for line in record.read_text().splitlines()]


def marks(record: Path, name: str = "prod/a") -> list[str]:
    """Return what the record says of a secret, line by line."""
    return [each["result"] for each in lines(record) if f":secret:{name}-" in each.get("arn", "")]


def counts(done: Done) -> dict[str, int]:
    """Return the counts of the summary that are not nought."""
    return {word: count for word, count in done.document["summary"].items() if count}


def by_name(done: Done) -> dict[str, dict[str, Any]]:
    """Return each secret of the document by its name."""
    return {each["name"]: each for each in done.document["secrets"]}


def refused(sandbox: Sandbox, done: Done, code: str | None = None) -> dict[str, Any]:
    """Check a run that ended with 2, of a code if one is given, and sent nothing; return its error."""
    error: dict[str, Any] = done.document["error"]
    assert (done.code, sent(sandbox)) == (2, []), done.err
    assert code in (None, error["code"])
    assert error["message"] in done.err.replace("\n  ", "\n")
    return error


@contextmanager
def overheard(*names: str, **faults: Any) -> Iterator[tuple[Sandbox, Callable[[], list[dict[str, Any]]]]]:
    """Yield a sandbox with secrets that are replicated, and what tells of all its requests, answered or not."""
    log = io.StringIO()
    simulator = Simulator(now=time.time, rng=random.Random(3), faults=Faults(replication_delay_s=0.0, **faults))
    with SandboxServer(simulator, log=log) as server:
        sandbox = Sandbox(simulator, server.url)
        fill(sandbox, *(names or NAMES))
        yield sandbox, lambda: [json.loads(line) for line in log.getvalue().splitlines()]
