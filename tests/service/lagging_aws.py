"""A FakeAws whose answers lag, and calls that fail once, for the faults of remove, promote and rekey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fakes import FakeAws

from smrep.aws import responses as answers
from smrep.errors import Refused, SmrepError
from smrep.model import Secret
from smrep.regions import Region
from smrep.report import SecretReport

STOP, UPDATE, REPLICATE = "StopReplicationToReplica", "UpdateSecret", "ReplicateSecretToRegions"


class LaggingAws(FakeAws):
    """A world in which one Region goes on showing what it showed before a call, which is refused the second time."""

    shown: Mapping[str, tuple[Secret, float]] = {}

    def lag(self, region: Region, seconds: float, *, after: str) -> None:
        def remember(operation: str, _region: str) -> None:
            if operation == after and region in self.shown:
                raise Refused("that is no replica any more", code="InvalidRequestException")
            if operation == after:
                before = answers.to_secret(self.call("DescribeSecret", region, SecretId="prod/db"), "prod/db", region)
                self.shown = {region: (before, self.clock.time + seconds)}

        self.on_call = remember

    def describe(self, secret_id: str, region: Region) -> Secret:
        now = super().describe(secret_id, region)
        before, until = self.shown.get(region, (now, 0.0))
        return before if self.clock.time < until else now


def once(error: SmrepError, operation: str, region: str, *, times: int = 1) -> Callable[[str, str], None]:
    """Return what makes the next such calls end with the error."""
    left = [error] * times

    def trip(called: str, where: str) -> None:
        if (called, where) == (operation, region) and left:
            raise left.pop()

    return trip


def run_out(run: Any) -> tuple[SecretReport, ...]:
    for _ in run.act():
        pass
    secrets: tuple[SecretReport, ...] = run.secrets()
    return secrets
