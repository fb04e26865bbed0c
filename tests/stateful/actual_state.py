"""The true state of the simulator, read past its faults, and a ledger of what may be destroyed."""

from __future__ import annotations

from dataclasses import dataclass, field

from fakes import HOME, IRELAND, SYDNEY, WEST

from smrep.sandbox.simulator.account_calls import catch_up
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY, ReplicaEntry, StoredSecret

REGIONS = (HOME, WEST, IRELAND, SYDNEY)
Place = tuple[str, str]
"""A Region, and a secret's name there."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One secret as one Region holds it, as far as nobody may take it away or change it unasked."""

    arn: str
    ruler: str | None
    """The primary's Region, None for a secret of its own."""
    key: str
    leaving: bool
    """Whether AWS has been told to delete it."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Reads the simulator's own state; nothing of it is a call, and no fault applies."""

    simulator: Simulator

    def catch_up(self) -> None:
        """Let happen what is due by now."""
        catch_up(self.simulator._state, self.simulator.now())

    def held(self, region: str, name: str) -> StoredSecret | None:
        return self.simulator._state.get_secret(region, name)

    def is_ours(self, name: str, home: str, region: str) -> bool:
        """Tell whether the Region holds a replica of the primary, also one that is being removed."""
        primary, copy = self.held(home, name), self.held(region, name)
        return primary is not None and copy is not None and (copy.suffix, copy.primary_region) == (primary.suffix, home)

    def entry(self, name: str, home: str, region: str) -> ReplicaEntry | None:
        """Return the primary's entry of a Region as it is, whatever DescribeSecret shows."""
        primary = self.held(home, name)
        return primary.entries.get(region) if primary else None

    def shown(self, name: str, home: str, region: str) -> ReplicaEntry | None:
        """Return the primary's entry of a Region as DescribeSecret shows it now."""
        entry = self.entry(name, home, region)
        return entry.get_visible(self.simulator.now()) if entry else None

    def key(self, region: str, key: str | None) -> str:
        """Return the id of the key that a spelling means there; the spelling where it means none."""
        try:
            return self.simulator._state.keys.find(region, key or DEFAULT_KEY).key_id
        except ApiError:
            return str(key)

    def labels(self, region: str, name: str) -> dict[str, str]:
        """Return which version bears each label there."""
        held = self.held(region, name)
        return {stage: each.version_id for each in held.content.versions for stage in each.stages} if held else {}

    def version_keys(self, region: str, name: str) -> set[str]:
        """Return the keys of the versions that bear a label."""
        held = self.held(region, name)
        labelled = [each.version_id for each in held.content.versions if each.stages] if held else []
        return {self.key(region, held.version_keys[each]) for each in labelled if held}

    def listed(self, name: str, home: str, region: str) -> object:
        """Return what a look at the primary tells of a Region, to see whether it has moved since."""
        entry = self.shown(name, home, region)
        return (entry.status, entry.message, entry.kms_key) if entry else None, self.labels(home, name)

    def there(self, name: str, region: str) -> object:
        """Return what looks into a Region tell, for the same purpose."""
        held = self.held(region, name)
        about = (held.arn, held.primary_region, held.kms_key, held.removal, held.deleted) if held else None
        return about, self.labels(region, name), self.version_keys(region, name)

    def census(self) -> dict[Place, Holding]:
        """Return every secret of every Region, as of the last call."""
        return {
            (region, secret.name): Holding(
                secret.arn,
                secret.primary_region if secret.is_replica else None,
                self.key(region, secret.kms_key),
                secret.removal is not None or secret.deletion is not None,
            )
            for region in REGIONS
            for secret in self.simulator._state.list_secrets(region)
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """A replication that was asked for, and what it may do to what is there, until it is settled."""

    place: Place
    home: str
    number: int
    overwrites: bool = False
    key: str | None = None
    """The key that was asked for; None: what is there keeps its own."""


@dataclass
class Ledger:
    """Compares the account with what it was at the last entry: what is gone or changed must have been permitted."""

    truth: Truth
    last: dict[Place, Holding] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    def rebase(self) -> None:
        """Take the account as it is now: whoever changed it was entitled to."""
        self.last = self.truth.census()

    def check(self, named: str | None = None) -> None:
        """Compare; `named` is the ARN of the replica that the last call was to promote or to give another key."""
        now = self.truth.census()
        for place, before in self.last.items():
            held, attempts = now.get(place), [each for each in self.attempts if each.place == place]
            lost = held is None or held.arn != before.arn or (before.ruler is None and held.ruler is not None)
            if lost:
                allowed = before.leaving or any(each.overwrites for each in attempts)
                assert allowed, f"{place} was lost: {before} -> {held}"
            elif held and before.arn != named:
                assert held.ruler == before.ruler, f"{place} changed its role: {before} -> {held}"
                keys = {before.key, *(each.key for each in attempts)}
                assert held.key in keys, f"{place} changed its key: {before} -> {held}"
        self.last = now
        self.attempts = [each for each in self.attempts if self._is_under_way(each)]

    def begun(self, name: str, home: str, region: str, *, overwrites: bool, key: str | None) -> None:
        """Note the attempt that has just begun, if one has."""
        entry = self.truth.entry(name, home, region)
        known = {(each.place, each.home, each.number) for each in self.attempts}
        if entry and entry.status == "InProgress" and ((region, name), home, entry.attempt) not in known:
            asked = self.truth.key(region, key) if key else None
            self.attempts.append(Attempt((region, name), home, entry.attempt, overwrites, asked))

    def _is_under_way(self, attempt: Attempt) -> bool:
        region, name = attempt.place
        entry = self.truth.entry(name, attempt.home, region)
        return entry is not None and (entry.attempt, entry.status) == (attempt.number, "InProgress")
