"""One open question about AWS: its own secrets, its calls, and what was seen, with times."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from live.account import Account, Answer, looks
from live.options import Settings
from live.report import NotAsked

SHOWN = ("Status", "StatusMessage", "KmsKeyId")
"""What is told of an entry of ReplicationStatus."""
COPY_SHOWN = ("ARN", "PrimaryRegion", "KmsKeyId", "CreatedDate", "DeletedDate")
"""What is told of a secret in a Region."""

Entries = list[dict[str, Any]]
View = Any


class Unsettled(Exception):
    """What a question builds on did not come about."""


def entries(answer: Answer, region: str) -> Entries:
    """Return what an answer lists of a Region; AWS is not known to list one twice, but others do."""
    listed = answer.body.get("ReplicationStatus") or ()
    return [{key: each[key] for key in SHOWN if key in each} for each in listed if each.get("Region") == region]


def phrase(found: Entries) -> str:
    """Return a list's entries of a Region in a few words."""
    told = [": ".join(str(each[key]) for key in ("Status", "StatusMessage") if key in each) for each in found]
    return " and ".join(told) or "not listed"


@dataclass
class QuestionRun:
    """What a question is given to ask with."""

    account: Account
    settings: Settings
    word: str
    """What the question's secrets are called."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def home(self) -> str:
        """The primary's Region."""
        return self.settings.primary

    @property
    def target(self) -> str:
        """The first replica's Region."""
        return self.settings.replicas[0]

    def note(self, **what: Any) -> None:
        """Write down what is seen now."""
        self.seen.append({"at_s": time.monotonic() - self.begun, **what})

    # calls

    def call(self, operation: str, region: str, **params: Any) -> Answer:
        """Call Secrets Manager and write down the call with its answer."""
        answer = self.account.call(operation, region, **params)
        told = {key: value for key, value in params.items() if key != "SecretId"}
        says = answer.body if answer.ok else {"code": answer.code, "message": answer.message}
        self.note(
            call=operation, region=region, params=told, http_status=answer.http_status or 200 * answer.ok, says=says
        )
        return answer

    def replicate(self, name: str, *regions: str, key: str | None = None, force: bool = False) -> Answer:
        """Call ReplicateSecretToRegions."""
        wanted = [{"Region": region, **({"KmsKeyId": key} if key else {})} for region in regions]
        more = {"ForceOverwriteReplicaSecret": True} if force else {}
        return self.call("ReplicateSecretToRegions", self.home, SecretId=name, AddReplicaRegions=wanted, **more)

    def remove(self, name: str, *regions: str) -> Answer:
        """Call RemoveRegionsFromReplication."""
        return self.call("RemoveRegionsFromReplication", self.home, SecretId=name, RemoveReplicaRegions=list(regions))

    # what a question starts from

    def secret(self, region: str | None = None, *, name: str | None = None) -> str:
        """Make a secret and return its name.

        Raises:
            Unsettled: AWS did not make it.

        """
        word = name.removeprefix(self.account.prefix) if name else f"{self.word}-{next(self.numbers)}"
        name, answer = self.account.create(word, region or self.home)
        if not answer.ok:
            raise Unsettled(f"CreateSecret: {answer.text}")
        return name

    def replicated(self, *regions: str, key: str | None = None) -> str:
        """Make a secret with replicas that are in sync, in the first Region where none is named.

        Raises:
            Unsettled: it did not come to that.

        """
        name = self.secret()
        regions = regions or (self.target,)
        answer = self.replicate(name, *regions, key=key)
        if not answer.ok:
            raise Unsettled(f"ReplicateSecretToRegions: {answer.text}")
        for region in regions:
            settled = self.settled(name, region)
            if [each["Status"] for each in settled] != ["InSync"]:
                raise Unsettled(f"the replica in {region} is {phrase(settled)}")
        return name

    # looking

    def listed(self, name: str, region: str) -> Entries:
        """Return what the primary lists of a Region."""
        return entries(self.account.describe(name, self.home), region)

    def copy(self, name: str, region: str) -> View:
        """Return what a Region shows of the name, 'not found' for nothing."""
        answer = self.account.describe(name, region)
        if not answer.ok:
            return "not found" if answer.missing else answer.text
        return {key: answer.body[key] for key in COPY_SHOWN if answer.body.get(key)}

    def watch(
        self, what: str, look: Callable[[], View], within_s: float | None = None, *, until: Callable[[View], bool]
    ) -> Sequence[tuple[float, View]]:
        """Look until it is as wanted or the time is over; write down and return the changes, with their seconds."""
        changes: list[tuple[float, View]] = []
        for gone_s in looks(self.settings.watch_s if within_s is None else within_s):
            view = look()
            if not changes or changes[-1][1] != view:
                changes.append((gone_s, view))
                self.note(watched=what, after_s=gone_s, shows=view)
            if until(view):
                break
        self.note(watched=what, after_s=gone_s, shows="no further change")
        return changes

    def settled(self, name: str, region: str) -> Entries:
        """Wait until the primary says what became of a Region, and return that."""
        changes = self.watch(
            f"the list's {region}", lambda: self.listed(name, region), self.settings.patience_s, until=is_settled
        )
        return list(changes[-1][1])

    def need(self, what: object, why: str) -> None:
        """Go on only with what the question takes.

        Raises:
            NotAsked: it is not there.

        """
        if not what:
            raise NotAsked(why)


def never(_view: View) -> bool:
    """Watch to the end."""
    return False


def is_settled(found: Entries) -> bool:
    """Whether a Region is listed, and nothing of it is under way."""
    return bool(found) and all(each.get("Status") != "InProgress" for each in found)


def is_failed(found: Entries) -> bool:
    """Whether a Region is listed as Failed."""
    return any(each.get("Status") == "Failed" for each in found)


def course(changes: Sequence[tuple[float, Entries]]) -> str:
    """Return in a line what a list went through."""
    return ", then ".join(f"{phrase(view)} ({at_s:.1f} s)" for at_s, view in changes)
