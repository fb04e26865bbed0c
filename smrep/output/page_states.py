"""How a secret stands in one Region, in the words of the coverage page; and how many stand so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Kind, RegionReport, SecretReport, Severity

COVERED, IN_TROUBLE = "covered", "in_trouble"
"""Names of states that are no kinds of findings, as the summary has them."""
MEANINGS = {
    COVERED: "a current replica under the wanted key, by the lists of both Regions or by a look at it",
    Kind.MISSING: "no replica where one is wanted",
    Kind.FAILED: "AWS calls the replica Failed",
    Kind.IN_PROGRESS: "AWS has not settled the replica",
    Kind.STALE: "not the current version",
    Kind.WRONG_KEY: "under another key than the one wanted",
    Kind.EXTRA: "a replica where none is wanted",
    Kind.ORPHAN: "a replica of another primary, or of one that is gone",
    Kind.PROMOTED: "once a replica of this primary, standalone now",
    Kind.DETACHED: "a cross-account replica that is linked no more",
    Kind.REMOVING: "dropped from the primary's list, not gone yet",
    Kind.ROTATING: "rotation is enabled",
    Kind.NAME_CLASH: "another secret bears the name",
    Kind.NO_VALUE: "the secret holds no value yet, so in sync proves nothing",
    Kind.STUCK: "in progress past the deadline",
    Kind.KEY_MISSING: "the key does not exist",
    Kind.KEY_DISABLED: "the key is disabled",
    Kind.KEY_UNUSABLE: "the key can't be used for this",
    Kind.REGION_DISABLED: "the Region is not enabled for the account",
    Kind.REGION_UNKNOWN: "nobody knows the Region",
    Kind.PENDING_DELETION: "scheduled for deletion",
    Kind.IS_REPLICA: "itself a replica",
    Kind.MANAGED: "managed by an AWS service",
    Kind.READER: "a role may not read it there",
    Kind.UNCHECKED: "could not be looked at, which is not a pass",
    IN_TROUBLE: "AWS did not show the secret, or showed one that can't be told of",
}
"""State -> what it says of a secret."""


@dataclass(frozen=True, slots=True)
class State:
    """How a secret stands in a Region."""

    names: tuple[str, ...]
    """What it counts as: kinds of findings, else one of the names above or an outcome's word."""
    word: str
    """What a person reads; an error's code is AWS's word."""
    aside: str | None = None
    """AWS's own status, or how it is known where no status is."""
    tone: str = ""
    """`failed`, `drift`, `open`, `doubt` or `info`; empty where all is well."""


def state_of(row: RegionReport, checked_by: str | None) -> State:
    """Return how the row stands; only what nothing was found of is covered."""
    order = list(Severity)
    kinds = tuple(dict.fromkeys(each.kind for each in sorted(row.findings, key=lambda it: order.index(it.severity))))
    names: tuple[str, ...] = tuple(each.value for each in kinds)
    if row.error:
        return State((IN_TROUBLE, *names), row.error.code, row.status, _tone(row.outcome, kinds))
    if kinds:
        aside = row.status if (row.status or "").lower() not in {each.replace("_", "") for each in names} else None
        return State(names, ", ".join(worded(each) for each in names), aside, _tone(row.outcome, kinds))
    if row.outcome is Outcome.OK:
        return State((COVERED,), COVERED, row.status or ("by listing" if checked_by == "list" else None))
    return State((row.outcome.word,), row.outcome.word, row.status, _tone(row.outcome, kinds))


def trouble_of(secret: SecretReport) -> State | None:
    """Return how a whole secret stands of which no Region can be told, None where its rows tell."""
    if secret.error:
        return State((IN_TROUBLE,), secret.error.code, tone=_tone(secret.error.outcome))
    if secret.replicas or secret.outcome is Outcome.OK:
        return None
    return State((secret.outcome.word,), secret.outcome.word, tone=_tone(secret.outcome))


def _tone(outcome: Outcome, kinds: tuple[Kind, ...] = ()) -> str:
    unsure = Kind.UNCHECKED in kinds
    match outcome:
        case Outcome.OK | Outcome.ACCEPTED:
            return "doubt" if unsure else "info"
        case Outcome.DRIFT:
            return "doubt" if kinds == (Kind.UNCHECKED,) else "drift"
        case Outcome.PENDING:
            return "doubt" if unsure else "open"
        case Outcome.ACCESS:
            return "doubt"
        case _:
            return "failed"


def worded(name: str) -> str:
    """Return a state's name as words."""
    return name.replace("_", " ")


@dataclass(slots=True)
class Totals:
    """What the secrets amount to: the Regions in the order in which they come, and how many stand how in each."""

    told: Counter[Region] = field(default_factory=Counter)
    """Region -> secrets of which something is told there."""
    states: Counter[tuple[Region, str]] = field(default_factory=Counter)
    """(Region, state) -> secrets that count so there; one can count as several."""
    known: Counter[str | None] = field(default_factory=Counter)
    """`list`, `describe` or None -> secrets that are known so."""
    whole: Counter[str] = field(default_factory=Counter)
    """State -> secrets that stand so as a whole."""

    @classmethod
    def of(cls, secrets: Iterable[SecretReport]) -> Totals:
        """Return the totals, having read each secret once."""
        totals = cls()
        for secret in secrets:
            totals.known[secret.checked_by] += 1
            trouble = trouble_of(secret)
            totals.whole.update(trouble.names if trouble else ())
            for row in secret.replicas:
                totals.told[row.region] += 1
                totals.states.update((row.region, name) for name in state_of(row, secret.checked_by).names)
        return totals

    @property
    def regions(self) -> tuple[Region, ...]:
        """The Regions, each once."""
        return tuple(self.told)

    @property
    def names(self) -> list[str]:
        """The states that occur."""
        return list(dict.fromkeys([*(name for _, name in self.states), *self.whole]))
