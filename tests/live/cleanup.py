"""Deletes what the acceptance run made, and prints the commands for what it could not delete."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from live.account import Account, Answer, looks

AGAIN_S = 10.0
"""How long a request is left to work before it is sent again."""


@dataclass(frozen=True, slots=True)
class Left:
    """A secret of the run's that is still there, or may be."""

    name: str
    region: str
    why: str
    command: str


@dataclass
class Cleanup:
    """One clean-up: replicas first, then what they were replicas of."""

    account: Account
    patience_s: float
    found: dict[str, dict[str, Answer]] = field(default_factory=dict)
    """Name -> Region -> how it was seen last, of all that is not known to be gone."""
    sent: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """(what, name, Region) -> when it was asked for last."""
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    """(name, Region) -> what the last refusal said."""
    clock: Callable[[], float] = time.monotonic

    def run(self) -> list[Left]:
        """Delete all that the run remembers and all that is listed under its prefix; return what is left."""
        self.found = {name: {} for name in self.account.made}  # first: whoever interrupts is told of these
        listed = {name for region in self.account.regions for name in self.account.names_in(region)}
        self.found |= {name: {} for name in sorted(listed)}
        for _ in looks(self.patience_s):
            for name in list(self.found):
                self.found[name] = self._copies(name)
                if not self.found[name]:
                    del self.found[name]
            if not self.found:
                break
        return self.left()

    def left(self) -> list[Left]:
        """Return what is not known to be gone, each with the command that deletes it."""
        rows: list[Left] = []
        for name, copies in self.found.items():
            for region in copies or self.account.regions:
                answer = copies.get(region)
                told = "not looked at" if answer is None else "still there" if answer.ok else answer.text
                why = self.refused.get((name, region), told)
                rows.append(Left(name, region, why, command(name, region, answer)))
        return sorted(rows, key=lambda each: each.command.startswith("aws secretsmanager delete"))  # replicas first

    def _copies(self, name: str) -> dict[str, Answer]:
        """Look at a name in every Region, and ask for the next thing in each; return where it is, or may be."""
        seen = {region: self.account.describe(name, region) for region in self.account.regions}
        copies = {region: answer for region, answer in seen.items() if not answer.missing}
        for region, answer in copies.items():
            if answer.ok:
                self._next(name, region, copies)
        return copies

    def _next(self, name: str, region: str, copies: Mapping[str, Answer]) -> None:
        body = copies[region].body
        home = body.get("PrimaryRegion", region)
        entries = sorted({each["Region"] for each in body.get("ReplicationStatus") or ()})
        if home != region:
            if self._is_stranded(name, region, copies):
                self._send("StopReplicationToReplica", name, region)
        elif entries:
            if self._send("RemoveRegionsFromReplication", name, region, RemoveReplicaRegions=entries) is False:
                for each in entries:  # one that AWS can't take may have spoilt it for the others
                    self.account.call(
                        "RemoveRegionsFromReplication", region, SecretId=name, RemoveReplicaRegions=[each]
                    )
        elif not any(_is_replica_of(copies[region], other) for other in copies.values()):
            refused = self._send("DeleteSecret", name, region, ForceDeleteWithoutRecovery=True) is False
            if refused and body.get("DeletedDate"):
                self.account.call("RestoreSecret", region, SecretId=name)

    def _is_stranded(self, name: str, region: str, copies: Mapping[str, Answer]) -> bool:
        """Whether a replica will not go by itself: nobody lists it, and nobody is known to be removing it."""
        home = copies[region].body["PrimaryRegion"]
        primary = copies.get(home)
        if primary is not None and _is_replica_of(primary, copies[region]):
            asked = self.sent.get(("RemoveRegionsFromReplication", name, home))
            return asked is not None and self.clock() - asked > self.patience_s / 2
        return primary is None or primary.ok

    def _send(self, operation: str, name: str, region: str, **params: object) -> bool | None:
        """Ask for something unless that was done just now; return whether AWS took it, None where it was not sent."""
        key = (operation, name, region)
        if key in self.sent and self.clock() - self.sent[key] < AGAIN_S:
            return None
        self.sent[key] = self.clock()
        answer = self.account.call(operation, region, SecretId=name, **params)
        if not answer.ok:
            self.refused[name, region] = answer.text
            return False
        self.refused.pop((name, region), None)
        return True


def _is_replica_of(primary: Answer, other: Answer) -> bool:
    """Whether `other` is a replica of this very secret: one suffix, and its Region as the primary's."""
    if not (primary.ok and other.ok):
        return False
    here, there = primary.body["ARN"], other.body["ARN"]
    home = here.split(":")[3]
    return bool(here != there and other.body.get("PrimaryRegion") == home and here[-7:] == there[-7:])


def command(name: str, region: str, answer: Answer | None = None) -> str:
    """Return what to type to be rid of a secret."""
    body = {} if answer is None else answer.body
    delete = f"aws secretsmanager delete-secret --secret-id {name} --region {region} --force-delete-without-recovery"
    if body.get("PrimaryRegion", region) != region:
        return f"aws secretsmanager stop-replication-to-replica --secret-id {name} --region {region} && {delete}"
    entries = sorted({each["Region"] for each in body.get("ReplicationStatus") or ()})
    if entries:
        return f"smrep remove {name} -r {','.join(entries)} --primary-region {region} --yes && {delete}"
    return delete
