"""The wanted replicas of a secret: the union of its matching rules."""

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
    """The wanted replicas of a secret, and the rules that want them."""

    targets: tuple[Target, ...]
    rules: tuple[str, ...] = ()
    """The names of the rules."""
    remove_extra: bool = False
    """Whether to remove other replicas: every rule must say so."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """The Regions of the replicas."""
        return tuple(target.region for target in self.targets)


@dataclass(frozen=True, slots=True)
class RuleConflict:
    """Two rules that give a secret two keys in one Region."""

    places: tuple[str, str]
    region: Region
    keys: tuple[str, str]

    def message(self, name: str) -> str:
        """Return the mistake and its places."""
        return f"{' and '.join(self.places)}: {name} has two keys in {self.region}, {self.keys[0]} and {self.keys[1]}"


def changed_problem(secret: Secret) -> Problem:
    """Return the problem of a secret that now matches other rules, for example because its tags changed."""
    return Problem(
        "ChangedMeanwhile",
        f"{secret.name} changed after it was listed, and other rules match it now, so it was skipped",
        "run the same command again",
        None,
        Outcome.PENDING,
    )


def matching(rules: Sequence[Rule], secret: Listed) -> tuple[int, ...]:
    """Return the indexes of the rules that match the secret."""
    return tuple(place for place, rule in enumerate(rules) if rule.selector.matches(secret))


def desired_state(rules: Sequence[Rule], account: str) -> DesiredState | RuleConflict:
    """Return the union of the rules; a Region's key may come from any of them."""
    targets: dict[Region, tuple[Target, Rule]] = {}
    for rule in rules:
        for target in rule.targets:
            former, before = targets.get(target.region, (target, rule))
            if former.kms_key and target.kms_key:
                if not same_by_spelling(former.kms_key, target.kms_key, target.region, account):
                    return RuleConflict((before.place, rule.place), target.region, (former.kms_key, target.kms_key))
                targets[target.region] = (former, before)
            else:
                targets[target.region] = (former, before) if former.kms_key else (target, rule)
    return DesiredState(
        tuple(target for target, _ in targets.values()),
        tuple(rule.name for rule in rules),
        all(rule.remove_extra for rule in rules),
    )
