"""A FakeAws that checks and remembers each call of smrep as it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fakes import FakeAws
from stateful.actual_state import REGIONS, Ledger, Truth

from smrep.errors import NotFound, Unanswered

WRITES = ("ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica", "UpdateSecret")


@dataclass(frozen=True, slots=True)
class Sent:
    """One write of smrep's for one Region: `fate` is done, lost after, lost before, or refused."""

    operation: str
    name: str
    region: str
    fate: str
    at: float

    @property
    def was_carried_out(self) -> bool:
        return self.fate in ("done", "lost after")


@dataclass
class WatchedAws(FakeAws):
    """A world that lets `guard` judge each write before it goes out, and `meddle` act before each call."""

    guard: Callable[[str, str, dict[str, Any]], None] = lambda _operation, _region, _params: None
    meddle: Callable[[int], None] = lambda _number: None
    asked_key: Callable[[str, str | None], str | None] = lambda _region, key: key
    """Returns the key under which the run may put what is there, of the key that it asks for."""
    asked: int = 0
    """How many calls there were in this run."""
    sent_in_run: list[Sent] = field(default_factory=list)
    glimpses: dict[tuple[str, str], object] = field(default_factory=dict)
    """A name and a place -> what was there when smrep last looked."""
    truth: Truth = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.truth = Truth(self.simulator)
        self.ledger = Ledger(self.truth)

    def start_run(self) -> None:
        """Forget the run before."""
        self.asked = 0
        self.sent_in_run = []
        self.glimpses = {}

    def settle_accounts(self) -> None:
        """Check what time alone has done."""
        self.truth.catch_up()
        self.ledger.check()

    def _ask(
        self, operation: str, region: Any, subject: str, service: str = "secretsmanager", **params: Any
    ) -> dict[str, Any]:
        self.asked += 1
        self.meddle(self.asked)
        self.settle_accounts()
        if operation in WRITES:
            self.guard(operation, region, params)
        logged, fate = len(self.simulator.log), "lost before"
        try:
            answer = super()._ask(operation, region, subject, service, **params)
            fate = "done"
        except Unanswered:
            if len(self.simulator.log) > logged and not self.simulator.log[-1].code:
                fate = "lost after"
            raise
        except NotFound:
            fate = "not found"
            raise
        except Exception:
            fate = "refused"
            raise
        finally:
            if operation in WRITES:
                self._remember(operation, region, params, fate)
            if operation == "DescribeSecret" and fate in ("done", "not found"):
                self._look_around(name_of(subject), region)
        return answer

    def _remember(self, operation: str, region: str, params: dict[str, Any], fate: str) -> None:
        name, now = name_of(params["SecretId"]), self.clock.time
        wanted = {each["Region"]: each.get("KmsKeyId") for each in params.get("AddReplicaRegions", ())}
        regions = [*wanted, *params.get("RemoveReplicaRegions", ())] or [region]
        sent = [Sent(operation, name, each, fate, now) for each in regions]
        self.sent_in_run += sent
        named = params["SecretId"] if operation in ("StopReplicationToReplica", "UpdateSecret") else None
        carried_out = fate in ("done", "lost after")
        if carried_out:
            force = params.get("ForceOverwriteReplicaSecret", False)
            for each, key in wanted.items():
                self.ledger.begun(name, region, each, overwrites=force, key=self.asked_key(each, key))
        self.ledger.check(named if carried_out else None)

    def _look_around(self, name: str, where: str) -> None:
        """Remember what smrep has looked at just now."""
        self.glimpses[name, where] = self.truth.there(name, where)
        for region in REGIONS:
            self.glimpses[name, f"{where} lists {region}"] = self.truth.listed(name, where, region)

    def has_moved(self, name: str, home: str, region: str) -> tuple[bool, bool]:
        """Tell whether the primary's list, and what is in the Region, are other than when smrep last looked."""
        listed = self.glimpses.get((name, f"{home} lists {region}"))
        there = self.glimpses.get((name, region))
        return listed != self.truth.listed(name, home, region), there != self.truth.there(name, region)


def name_of(secret_id: str) -> str:
    """Return the name in an ARN, or the name itself."""
    return secret_id.split(":secret:")[1][:-7] if secret_id.startswith("arn:") else secret_id
