"""A fleet of secrets in a sandbox for a drill, with outages and new values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from smrep.sandbox.drill.availability_probe import AvailabilityProbe, Sighting, probe
from smrep.sandbox.seed import seed
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.simulated_aws import Simulator
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY

_TEAMS = ("payments", "orders", "web", "search", "billing", "mail")
_KINDS = ("db", "api-key")
_OWN_KEY, _OWN_KEY_TEAM = "alias/dr", "orders"


def make_fleet(count: int, home: str, near: str, far: str | None) -> list[dict[str, Any]]:
    """Return an estate of `count` secrets in `home`, all replicated to `near` and every second one to `far`.

    One team's secrets use a customer key in every Region.
    """
    return [_make_entry(number, home, [near, far] if far and number % 2 == 0 else [near]) for number in range(count)]


def _make_entry(number: int, home: str, replicas: list[str]) -> dict[str, Any]:
    again, place = divmod(number, len(_TEAMS) * len(_KINDS))
    kind, team = divmod(place, len(_TEAMS))
    key = _OWN_KEY if _TEAMS[team] == _OWN_KEY_TEAM else None
    return {
        "name": f"prod/{_TEAMS[team]}{f'-{again + 1}' if again else ''}/{_KINDS[kind]}",
        "region": home,
        "value": f"made of {number}",
        **({"kms_key": key} if key else {}),
        "replicas": [{"region": region, **({"kms_key": key} if key else {})} for region in replicas],
    }


@dataclass(slots=True)
class Stage:
    """A simulated account with a fleet, while a probe observes it."""

    simulator: Simulator
    names: tuple[str, ...]
    probe: AvailabilityProbe
    sleep: Callable[[float], None]

    @property
    def sightings(self) -> Sequence[Sighting]:
        """Return the changes in availability up to the last call."""
        return self.probe.sightings

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self.simulator.now()

    def set_outage(self, region: str | None) -> None:
        """Take only this Region down; None brings all Regions back."""
        self.simulator.faults = replace(self.simulator.faults, outages=frozenset({region} if region else ()))

    def write(self, region: str) -> None:
        """Put a new value into every secret that is writable in the Region."""
        for name in self.names:
            with suppress(ApiError):
                self._call("PutSecretValue", region, SecretId=name, SecretString=f"written in {region}")

    def standing(self, region: str) -> dict[str, tuple[str, str]]:
        """Return each secret's ARN and role in a Region, by name; the ARN of a missing secret is empty."""
        return {name: self._describe_standing(name, region) for name in self.names}

    def _describe_standing(self, name: str, region: str) -> tuple[str, str]:
        try:
            shown = self._call("DescribeSecret", region, SecretId=name)
        except ApiError:
            return "", "no secret"
        home = shown.get("PrimaryRegion", region)
        if home != region:
            return shown["ARN"], f"a replica of {home}"
        replicas = sorted(
            f"{row['Region']} {row['Status']} under {row['KmsKeyId']}" for row in shown.get("ReplicationStatus", [])
        )
        key = shown.get("KmsKeyId", DEFAULT_KEY)
        return shown["ARN"], f"a primary under {key} with {', '.join(replicas) or 'no replica'}"

    def _call(self, operation: str, region: str, **params: Any) -> dict[str, Any]:
        return self.simulator.call("secretsmanager", operation, region, params)


@contextmanager
def staged(
    simulator: Simulator, count: int, regions: tuple[str, str, str | None], sleep: Callable[[float], None]
) -> Iterator[Stage]:
    """Create a fleet in an empty simulator and probe it; `regions` are those of `make_fleet`."""
    estate = make_fleet(count, *regions)
    seed(simulator, estate)
    names = tuple(entry["name"] for entry in estate)
    with probe(simulator, names, [region for region in regions if region]) as started:
        yield Stage(simulator, names, started, sleep)
