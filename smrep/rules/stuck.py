"""What there is to say of a Region that is InProgress past the deadline, and the ways out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from smrep.model import Replica, Secret, Target
from smrep.report import Finding, Kind, Severity
from smrep.rules.commands import anew, duration, spell_on
from smrep.rules.keys import DEFAULT
from smrep.rules.preflight import Absent, Look, Unseen, bearer, obstacle, ours

_MINUTE_S = 60
_PAGE = "what else to look at: smrep help runbooks stuck"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Since when, and for how long, smrep has seen a Region InProgress."""

    now: datetime
    seconds: float

    @property
    def since(self) -> str:
        """The moment, as RFC 3339 in UTC."""
        return f"{self.now - timedelta(seconds=self.seconds):%Y-%m-%dT%H:%M:%SZ}"


def stuck(primary: Secret, entry: Replica, sighting: Sighting, look: Look) -> tuple[Finding, ...]:
    """Return the findings for such a Region; `look` is what a look into it found.

    No call moves it on: what is known to help is to take the Region away and replicate again, or to put a new value.
    Source: aws-behavior.md 10.
    """
    name, there = primary.name, entry.region
    longer_s = _MINUTE_S * max(1, ceil(2 * sighting.seconds / _MINUTE_S))
    wait = spell_on(primary, "wait", [Target(there)], ["--timeout", duration(longer_s)])
    key = entry.kms_key_id if entry.kms_key_id != DEFAULT else None
    again = anew(primary, [Target(there, key)])
    replica = ours(primary, look)
    stranger = look if isinstance(look, Secret) and replica is None else None
    return (
        Finding(
            Kind.STUCK,
            Severity.WARNING,
            f"{name} in {there} has been InProgress since {sighting.since}, when smrep first saw it so "
            f"({duration(round(sighting.seconds, 1))}); {_what_is_there(primary, look)}",
            f"wait longer: {wait}; or remove the Region and replicate again"
            f"{', which leaves it without the secret for about a minute' if replica else ''}: {again}; {_PAGE}",
        ),
        *((obstacle(primary, Target(there, key), stranger, bearer(primary, stranger)),) if stranger else ()),
    )


def _what_is_there(primary: Secret, look: Look) -> str:
    """Return whether the replica that is there, if any, is current."""
    if isinstance(look, Absent):
        return "no replica is there yet"
    if isinstance(look, Unseen):
        return f"what is there could not be checked{f': {look.error.message}' if look.error else ''}"
    if ours(primary, look) is None:
        return f"what is there is no replica of it: {look.arn}"
    current, held = primary.version("AWSCURRENT"), look.version("AWSCURRENT")
    if current is None:
        return "the secret holds no value yet"
    if held == current:
        return "the replica that is there holds the current version"
    return f"the replica that is there is not current: it holds {held or 'no version'}, and the primary {current}"
