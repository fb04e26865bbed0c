"""Availability of each secret in each Region for readers and writers, at every moment it changes.

There is no sampling: the simulator calls the probe after each call, each event and each change of faults, with the
time of the change. Nothing changes in between, so the moments are exact. Each look reads as GetSecretValue does
and updates last accessed dates, but is not logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from smrep.sandbox.operations.describe_secret import READING_OPERATIONS
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.eventual_consistency import parse_secret_names
from smrep.sandbox.simulator.simulated_aws import Simulator
from smrep.sandbox.simulator.stored_secret import CURRENT, find_labeled

CURRENT_VALUE, OLD_VALUE, NO_VALUE, NO_ANSWER = "current", "stale", "none", "down"
"""A reader gets the newest value written anywhere, an older one, a refusal, or no answer."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Availability of one secret in one Region from the moment `at` (epoch seconds) on."""

    at: float
    name: str
    region: str
    readable: str
    writable: bool
    """Whether PutSecretValue would succeed: the secret exists, its key is usable, and it is not a replica."""


@dataclass(slots=True)
class AvailabilityProbe:
    """Probes some secrets in some Regions; `sightings` has the changes, oldest first.

    The newest value is the version that became AWSCURRENT last in any Region. It stays the newest even when no
    Region holds it any more.
    """

    names: tuple[str, ...]
    regions: tuple[str, ...]
    sightings: list[Sighting] = field(default_factory=list)
    _now: float = 0.0
    _last: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    _version_ids: dict[str, list[str]] = field(default_factory=dict)
    """Name -> version ids, oldest first."""

    def look(self, state: AccountState, at: float, secret_id: str | None) -> None:
        """Probe the secret that may have changed, or all secrets for None.

        Events delayed by an outage happen late with their old times: no sighting is dated before another.
        """
        self._now = max(self._now, at)
        for name in self.names if secret_id is None else parse_secret_names(secret_id).intersection(self.names):
            self._note_newest(state, name)
            for region in self.regions:
                seen = self._readable(state, name, region), _is_writable(state, name, region, self._now)
                if self._last.get((name, region)) != seen:
                    self._last[name, region] = seen
                    self.sightings.append(Sighting(self._now, name, region, *seen))

    def _note_newest(self, state: AccountState, name: str) -> None:
        secrets = (state.get_secret(region, name) for region in self.regions)
        current = (find_labeled(secret.content.versions, CURRENT) for secret in secrets if secret is not None)
        version_ids = self._version_ids.setdefault(name, [])
        for version in sorted(filter(None, current), key=lambda version: version.created):
            if version.version_id not in version_ids:
                version_ids.append(version.version_id)

    def _readable(self, state: AccountState, name: str, region: str) -> str:
        if region in state.faults.outages:
            return NO_ANSWER
        if region in state.faults.disabled_regions:
            return NO_VALUE
        try:
            answer = READING_OPERATIONS["GetSecretValue"].run(state, _request(state, name, region, self._now))
        except ApiError:
            return NO_VALUE
        return CURRENT_VALUE if answer["VersionId"] == self._version_ids[name][-1] else OLD_VALUE


@contextmanager
def probe(simulator: Simulator, names: Iterable[str], regions: Iterable[str]) -> Iterator[AvailabilityProbe]:
    """Probe secrets of the first account until the context ends."""
    started = AvailabilityProbe(tuple(names), tuple(regions))
    with simulator.observed(started.look):
        yield started


def _is_writable(state: AccountState, name: str, region: str, at: float) -> bool:
    if region in state.faults.outages | state.faults.disabled_regions:
        return False
    try:
        secret = state.find_writable(_request(state, name, region, at))
        state.keys.require(region, secret.kms_key)
    except ApiError:
        return False
    return True


def _request(state: AccountState, name: str, region: str, at: float) -> Request:
    return Request(region, {"SecretId": name}, at, state.callers.find_caller("", state.account_id, at))
