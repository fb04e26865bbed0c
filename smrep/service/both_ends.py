"""Both sides of a failover as they are, and as a person was shown them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from smrep.errors import AwsError, NotFound, Refused
from smrep.model import Secret, in_region
from smrep.regions import Region
from smrep.rules.left_alone import Ends
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.rules.record import Entry, Pair
from smrep.service.abreast import abreast
from smrep.service.last_look import state_of
from smrep.service.looking import asked, look
from smrep.service.ports import SecretsManager
from smrep.service.protecting import Protection


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person was shown, and nothing beyond which may be destroyed."""

    states: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """ARN -> the state of a copy that is to be replaced; empty where it may be whatever the way makes of it."""
    removals: frozenset[Region] = frozenset()

    def covers(self, leg: Protection) -> bool:
        """Tell whether all that the leg destroys was shown."""
        victim = leg.aim.victim if leg.sends else None
        if victim is not None and self.states.get(victim.arn, (None,)) not in ((), state_of(victim)):
            return False
        return leg.removes <= self.removals

    @classmethod
    def by(cls, leg: Protection, entry: Entry, turned: Pair | None) -> Shown:
        """Return what was shown of a plan that begins with this leg; `turned` where the role goes back after it."""
        states: dict[str, tuple[object, ...]] = {in_region(entry.arn, turned.target): ()} if turned else {}
        if leg.aim.victim is not None and leg.sends:
            states[leg.aim.victim.arn] = state_of(leg.aim.victim)
        return cls(states, leg.removes | {each.region for each in entry.third})


def both_ends(aws: SecretsManager, entry: Entry, pair: Pair) -> Ends:
    """Look into both Regions by the secret's name, side by side.

    Raises:
        CredentialsError: no further call can succeed.

    """
    known = [Secret(in_region(entry.arn, region), entry.name, region) for region in (pair.source, pair.target)]
    old, new = abreast(partial(_look, aws), known)
    return Ends(entry, pair, old, new)


def _look(aws: SecretsManager, known: Secret) -> Look:
    """Look for one end; a name that means nothing is no absence where the ARN does, or is another account's."""
    found = look(aws, known, known.region)
    if not isinstance(found, Absent):
        return found
    there = asked(lambda: aws.describe(known.arn, known.region))
    if isinstance(there, NotFound):
        return found
    if isinstance(there, AwsError):
        return Unseen(there)
    why = f"it answers to its ARN alone, as to credentials of another account than {known.account}"
    return Unseen(Refused(why, f"{known.name} in {known.region}"))
