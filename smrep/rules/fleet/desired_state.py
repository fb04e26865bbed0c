"""Where a secret is wanted: the union of the rules that mean it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smrep.errors import Outcome
from smrep.model import Listed, Secret, Target
from smrep.regions import Region
from smrep.report import Problem
from smrep.rules.manifest.schema import Rule
from smrep.rules.replication.key_failures import same_by_spelling


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Where a secret is wanted, and on whose word."""

    targets: tuple[Target, ...]
    rules: tuple[str, ...] = ()
    """The names of the rules."""
    remove_extra: bool = False
    """Whether other Regions are to go: every rule says so."""


@dataclass(frozen=True, slots=True)
class RuleConflict:
    """Two rules that give a secret two keys in one Region."""

    places: tuple[str, str]
    region: Region
    keys: tuple[str, str]

    def told(self, name: str) -> str:
        """Return the mistake, with its places."""
        return (
            f"{' and '.join(self.places)}: {name} is given two keys in {self.region}, {self.keys[0]} and {self.keys[1]}"
        )


def changed(secret: Secret) -> Problem:
    """Return the trouble of a secret whose tags, say, were changed meanwhile, so that the rules want another thing."""
    return Problem(
        "ChangedMeanwhile",
        f"{secret.name} was changed since it was listed, and the rules want something else of it now; it is left alone",
        "run the same command again",
        None,
        Outcome.PENDING,
    )


def matching(rules: Sequence[Rule], secret: Listed) -> tuple[int, ...]:
    """Return the places of the rules that mean the secret."""
    return tuple(place for place, rule in enumerate(rules) if rule.selector.matches(secret))


def union(rules: Sequence[Rule], account: str) -> DesiredState | RuleConflict:
    """Return what the rules want together; the one key that is named for a Region counts."""
    found: dict[Region, tuple[Target, Rule]] = {}
    for rule in rules:
        for target in rule.targets:
            known, before = found.get(target.region, (target, rule))
            if known.kms_key and target.kms_key:
                if not same_by_spelling(known.kms_key, target.kms_key, target.region, account):
                    return RuleConflict((before.place, rule.place), target.region, (known.kms_key, target.kms_key))
                found[target.region] = (known, before)
            else:
                found[target.region] = (known, before) if known.kms_key else (target, rule)
    return DesiredState(
        tuple(target for target, _ in found.values()),
        tuple(rule.name for rule in rules),
        all(rule.remove_extra for rule in rules),
    )
