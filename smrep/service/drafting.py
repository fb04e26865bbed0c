"""`plan`: the drafts of all accounts as one, and every mistake of the manifest that only the secrets show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import Outcome
from smrep.report import Action, Made, Progress, RegionReport, SecretReport
from smrep.rules.manifest import Rule
from smrep.rules.settle import worst
from smrep.rules.tally import tally, what_of
from smrep.service.accounts import Accounts
from smrep.service.choice import check_clashes, missed, refuse_absent
from smrep.service.planning import Errand, Errands, Planner


@dataclass(slots=True)
class Draft(Errands):
    """What is to be done in all accounts: `act` finds it out and changes nothing."""

    planners: Sequence[Planner]
    rules: Sequence[Rule]
    whole: bool = True
    """Whether no other shard has accounts in which a rule may find its secrets."""
    errands: list[tuple[Planner, Errand]] = field(default_factory=list)
    kept: list[tuple[Planner, int]] = field(default_factory=list)
    """Secrets for which nothing is to be done, by listing: account and place."""
    accounts: Accounts = field(default_factory=Accounts)
    _at: Planner | None = None

    def act(self) -> Iterator[None]:
        """List and look, yielding as news come in; an account that can't be listed does not stop the others.

        Raises:
            SmrepError: the only account could not be listed, or no further call can succeed.
            UsageError: the rules contradict each other, mean nothing, or the account is another than expected.

        """
        alone = len(self.planners) == 1
        for planner in self.planners:
            self._at = planner
            with self.accounts.each(planner.estate, alone=alone):
                planner.estate.take_stock()
            yield
        self._check()
        for planner in self._living:
            self._at = planner
            with self.accounts.each(planner.estate, alone=alone):
                drafted = list(planner.draft())
                self.errands += [(planner, errand) for errand in drafted]
                self.kept += [(planner, place) for place in planner.kept]
            yield

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        if self._at is None:
            return Progress("listing", 0)
        examiner = self._at.examiner
        if examiner.to_look:
            return Progress("examining", examiner.looked, examiner.to_look)
        return self._at.estate.progress

    def secrets(self, *, detailed: bool = False) -> Sequence[SecretReport]:
        """Return every secret, those first for which something is to be done; `detailed` makes that a difference."""
        return joined([errand.report(dry_run=True) for _, errand in self.errands], self.kept, detailed=detailed)

    @property
    def summary(self) -> dict[str, int]:
        """How many Regions get what."""
        return tally([errand.report(dry_run=True) for _, errand in self.errands], kept_rows(self.kept), len(self.kept))

    @property
    def count(self) -> int:
        """How many accounts it is about."""
        return len(self.planners)

    @property
    def _living(self) -> list[Planner]:
        return [each for each in self.planners if not self.accounts.has_lost(each.estate)]

    def _check(self) -> None:
        """Refuse a manifest that is wrong, seen from the secrets that there are."""
        estates = [planner.estate for planner in self._living]
        whole = self.whole and not self.accounts.lost
        refuse_absent(estates, whole=whole)
        empty = missed(estates, self.rules) if estates and whole else []
        homes = ", ".join(dict.fromkeys(estate.scope.home for estate in estates))
        mistakes = [f"{rule.place}: {rule.name} matches no secret of {homes}" for rule in empty]
        check_clashes(estates, mistakes)


def joined(
    reports: Sequence[SecretReport], kept: Sequence[tuple[Planner, int]], *, detailed: bool = False
) -> Sequence[SecretReport]:
    """Return all secrets as one sequence, the healthy ones made when they are read."""
    items: list[SecretReport | tuple[Planner, int]] = [*(_detailed(each) if detailed else each for each in reports)]
    items += kept
    return Made(items, lambda item: item if isinstance(item, SecretReport) else item[0].kept_report(item[1]))


def kept_rows(kept: Sequence[tuple[Planner, int]]) -> int:
    """Return in how many Regions nothing is to be done, by listing."""
    return sum(len(planner.estate.wants[place].targets) for planner, place in kept)


def _detailed(report: SecretReport) -> SecretReport:
    """Return the secret with each Region that is to be changed as a difference; what is kept unchecked is no pass."""
    rows = tuple(_differing(row) for row in report.replicas)
    return replace(report, replicas=rows, outcome=worst([report.outcome, *(row.outcome for row in rows)]))


def _differing(row: RegionReport) -> RegionReport:
    if row.error is not None:
        return row
    if what_of(row) != Action.KEEP:
        return replace(row, outcome=worst([row.outcome, Outcome.DRIFT]))
    return replace(row, outcome=worst([row.outcome, *(each.outcome for each in row.findings if each.outcome)]))
