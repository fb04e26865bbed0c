"""From what is replicated to a manifest that wants exactly that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.rules.commands import some, spell_on
from smrep.rules.keys import DEFAULT
from smrep.rules.manifest import Manifest, Rule
from smrep.rules.selection import Selector


def adopted(primaries: Sequence[Secret], home: Region, own_keys: Mapping[str, str]) -> Manifest:
    """Return a rule for each set of Regions and keys, with the names of the secrets that are there.

    `own_keys` are replicas' ARNs with the keys that their own Regions show. A Region that Failed is left out.
    """
    together: dict[tuple[Target, ...], list[str]] = {}
    for primary in primaries:
        targets = sorted(_targets(primary, own_keys), key=lambda each: each.region)
        if targets:
            together.setdefault(tuple(targets), []).append(primary.name)
    rules: list[Rule] = []
    for targets_, names in sorted(together.items(), key=lambda each: -len(each[1])):
        place = f"replicate[{len(rules)}]"
        rules.append(Rule(_name(targets_, rules), place, Selector(names=frozenset(names)), targets_))
    account = primaries[0].account if primaries else None
    return Manifest(tuple(rules), account, home)


def left_out(primary: Secret) -> Iterator[str]:
    """Yield what of a secret the manifest does not have, or has on AWS's word alone."""
    for entry in primary.replicas:
        target = Target(entry.region)
        if entry.status == FAILED:
            doctor = spell_on(primary, "doctor", [target])
            why = f" ({entry.message})" if entry.message else ""
            yield f"{primary.name} has Failed in {entry.region}{why}, which is left out: {doctor}"
        elif entry.status != IN_SYNC:
            yield f"{primary.name} in {entry.region} is not settled: {entry.status or 'AWS gives no status'}"


def not_there(primary: Secret, entry: Replica) -> str:
    """Return the note for an entry whose Region holds no replica of the primary, or none any more."""
    how = spell_on(primary, "doctor", [Target(entry.region)])
    where = f"{primary.name} is listed as {entry.status} in {entry.region}"
    return f"{where}, where no replica of it is, and is left out: {how}"


def unlooked_at(region: Region, names: Sequence[str]) -> str:
    """Return the note for replicas that their primaries list, their Region does not, and no look could settle."""
    told = f"what is taken from the primaries' word, since {region} does not list it and could not be looked into"
    return f"{told}: {some(names)}; is secretsmanager:DescribeSecret allowed in {region}?"


def _targets(primary: Secret, own_keys: Mapping[str, str]) -> Iterator[Target]:
    for entry in primary.replicas:
        if entry.status != FAILED:
            key = own_keys.get(in_region(primary.arn, entry.region)) or entry.kms_key_id
            yield Target(entry.region, None if key in (None, DEFAULT) else key)


def _name(targets: Sequence[Target], rules: Sequence[Rule]) -> str:
    """Return a name that tells the Regions, and is no other rule's."""
    plain = "+".join(target.region for target in targets)
    taken = {rule.name for rule in rules}
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name
