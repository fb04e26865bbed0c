"""What a run over many secrets is about in one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from smrep.regions import Region
from smrep.rules.manifest import AccountRole, Rule


class Share(Protocol):
    """A part of the work, by the primary's ARN."""

    def takes(self, arn: str) -> bool:
        """Tell whether the secret is of this part."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about in one account."""

    home: Region
    rules: tuple[Rule, ...]
    share: Share | None = None
    """None: all of it."""
    expect_account: str | None = None
    role: AccountRole | None = None
    """The role that leads to the account; None for the credentials at hand."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """Every Region that some rule wants."""
        return tuple(dict.fromkeys(target.region for rule in self.rules for target in rule.targets))

    @property
    def names(self) -> dict[str, list[int]]:
        """The names and ARNs that the rules name, each with the rules' places; no ARN of another account or Region."""
        found: dict[str, list[int]] = {}
        for place, rule in enumerate(self.rules):
            for name in rule.selector.names:
                parts = name.split(":")
                foreign = name.startswith("arn:") and (
                    parts[3] != self.home or parts[4] != (self.expect_account or parts[4])
                )
                if not foreign:
                    found.setdefault(name, []).append(place)
        return found

    @property
    def seeks_orphans(self) -> bool:
        """Whether a replica's name alone tells that its primary would be meant, as it must where none is left."""
        return bool(self.rules) and not any(rule.selector.needs_more_than_a_name for rule in self.rules)
