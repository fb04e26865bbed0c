"""Runs `smrep list` and `smrep audit` against sandboxes whose lists come in pages, late, or wrong."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cli.apply_sandbox import HOME, WEST
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

Answer = dict[str, Any]
READS = {"ListSecrets", "DescribeSecret", "DescribeKey", "AssumeRole", "GetCallerIdentity"}
BLANK = "blank:"
KNOWN = "prod/db"


class Pager(Simulator):
    """A simulator whose lists come in pages of a size of our choosing."""

    size = 100
    blanks = False
    """Whether an empty page with a token comes before each other page."""
    breaks: str | None = None
    """The code with which every page but the first is refused."""
    gate: threading.Event | None = None
    """What every page but the first waits for."""
    hostile = ""
    """What AWS calls prod/db, in every answer; what is asked about it is answered."""

    def call(
        self, service: str, operation: str, region: str, params: dict[str, Any], *, access_key: str = ""
    ) -> Answer:
        if operation != "ListSecrets":
            asked = {**params, "SecretId": str(params.get("SecretId", "")).replace(self.hostile or KNOWN, KNOWN)}
            given = asked if "SecretId" in params else params
            return self._lie(super().call(service, operation, region, given, access_key=access_key))
        token = params.get("NextToken") or ""
        if self.blanks and not token.startswith(BLANK):
            return {"SecretList": [], "NextToken": BLANK + token}
        token = token.removeprefix(BLANK)
        if token and self.gate:
            assert self.gate.wait(30)
        if token and self.breaks:
            raise ApiError(self.breaks, "no")
        given = {**params, "MaxResults": self.size, "NextToken": token or None}
        answer = super().call(service, operation, region, given, access_key=access_key)
        answer["SecretList"] = [self._lie(entry) for entry in answer["SecretList"]]
        return answer

    def _lie(self, answer: Answer) -> Answer:
        if not self.hostile or "Name" not in answer:
            return answer
        return {**answer, **{key: str(answer[key]).replace(KNOWN, self.hostile) for key in ("Name", "ARN")}}


@contextmanager
def paging(**how: Any) -> Iterator[Sandbox]:
    """Yield a sandbox of that kind; `how` sets the pager's fields."""
    simulator = Pager(now=time.time, rng=random.Random(3), faults=Faults(replication_delay_s=0.0))
    for name, value in how.items():
        setattr(simulator, name, value)
    with SandboxServer(simulator) as server:
        yield Sandbox(simulator, server.url)


def fill(sandbox: Sandbox, *names: str, replicated: tuple[str, ...] = (WEST,)) -> None:
    """Make secrets with replicas in sync."""
    with sandbox.simulator.undisturbed():
        for name in names:
            sandbox.create(name, AddReplicaRegions=[{"Region": each} for each in replicated])


def audit(sandbox: Sandbox, *words: str, stdin: str | None = None, **env: str | None) -> Done:
    """Run it; whatever it finds, it only ever looks, and never at a value."""
    sandbox.simulator.log.clear()
    done = sandbox.smrep("audit", *words, stdin=stdin, **env)
    assert {call.operation for call in sandbox.simulator.log} <= READS
    assert "s3cret" not in done.out + done.err
    return done


def calls(sandbox: Sandbox) -> dict[tuple[str, str], int]:
    """Return (operation, Region) -> how many arrived."""
    found = [(call.operation, call.region) for call in sandbox.simulator.log]
    return {each: found.count(each) for each in found}


def orphan(sandbox: Sandbox, name: str, region: str = WEST) -> None:
    """Make a replica whose primary is gone."""
    fill(sandbox, name, replicated=(region,))
    faults = sandbox.simulator.faults
    sandbox.simulator.faults = Faults(removal_delay_s=3600.0, force_delete_delay_s=0.0)
    sandbox.call("RemoveRegionsFromReplication", HOME, SecretId=name, RemoveReplicaRegions=[region])
    sandbox.call("DeleteSecret", HOME, SecretId=name, ForceDeleteWithoutRecovery=True)
    sandbox.simulator.faults = faults
    sandbox.simulator.log.clear()


def set_status(sandbox: Sandbox, name: str, status: str, region: str = WEST) -> None:
    """Let the primary show this status for a Region."""
    with sandbox.simulator.undisturbed():
        sandbox.simulator.set_replication_status(name, HOME, region, status, "of the weather")
