"""What a reader and a writer of each secret would be answered in each Region, at every moment at which that changes.

Nobody samples: the simulator looks after each call, after each event of its agenda and after each change of its
faults, as of the time at which that happened. Between two looks nothing changes, so that the moments are exact.
Each look reads as GetSecretValue does, last accessed dates included, and stands in no log.
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
"""What a reader gets: the newest value that was written anywhere, an older one, a refusal, no answer at all."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a reader and a writer of one secret get in one Region from the moment `at` (epoch seconds) on."""

    at: float
    name: str
    region: str
    readable: str
    writable: bool
    """Whether a new value would be taken: the secret is there, under a key that can be used, and is no replica."""


@dataclass(slots=True)
class AvailabilityProbe:
    """Looks at some secrets in some Regions; `sightings` has what it saw, oldest first, each only where it is new.

    The newest value is that of the version seen last for the first time as AWSCURRENT, wherever: a replica's is none,
    since its primary's was seen before. It stays the newest also when no Region holds it any more.
    """

    names: tuple[str, ...]
    regions: tuple[str, ...]
    sightings: list[Sighting] = field(default_factory=list)
    _now: float = 0.0
    _last: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    _version_ids: dict[str, list[str]] = field(default_factory=dict)
    """A name -> the ids of its versions, in the order in which they were written."""

    def look(self, state: AccountState, at: float, secret_id: str | None) -> None:
        """Look at the secret that may have changed, at all of them where none is named.

        What an outage held back happens once it is over, though it was due before: no look is dated before another.
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
    """Open a span in which the first account's secrets of these names are watched, up to its very end."""
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
