"""`audit`: which secrets are not where they should be, by listing, and by looking at what seems wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from smrep.errors import AwsError
from smrep.model import Secret, Target
from smrep.report import Made, Progress, RegionReport, SecretReport
from smrep.rules.coverage import covered_row, examined_row, extra_row, summary, unlisted_row
from smrep.rules.manifest import Rule
from smrep.rules.settle import told, worst, worst_first
from smrep.service.abreast import abreast, nothing
from smrep.service.estate import Estate, check_clashes, missed
from smrep.service.examining import Examiner


@dataclass(slots=True)
class Audit:
    """The audit of one account: `act` looks, `found` and `listed` are what came of it."""

    estate: Estate
    deep: bool = False
    """Whether every primary is looked at, so that a status can be told."""
    extras: bool = False
    """Whether a replica in a Region that nobody asked for is worth a word."""
    pulse: Callable[[], None] = nothing
    examiner: Examiner = field(init=False)
    found: list[SecretReport] = field(default_factory=list)
    """What was looked at, and what can't be."""
    listed: list[int] = field(default_factory=list)
    """Places of the secrets of which listing tells all that is told."""

    def __post_init__(self) -> None:
        """Look at what is in this estate."""
        self.examiner = Examiner(self.estate, self.pulse)
        self.estate.pulse = self.pulse

    def act(self) -> Iterator[None]:
        """List, then look at what is not as it should be, yielding as news come in.

        Raises:
            AwsError: the primaries' Region could not be listed, or no further call can succeed.
            UsageError: the secrets are of another account than the one expected.

        """
        estate, examiner = self.estate, self.examiner
        estate.take_stock()
        check_clashes([estate])
        yield
        estate.sweep()
        yield
        orphans = examiner.orphans()
        doubtful = examiner.doubtful(deep=self.deep)
        examiner.to_look = len(doubtful)
        examined = abreast(self._examined, doubtful, pulse=self.pulse)
        self.found = [*estate.refused, *orphans, *examined]
        chosen = set(doubtful)
        self.listed = [place for place in range(len(estate.primaries)) if place not in chosen]
        yield

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        examiner = self.examiner
        if not examiner.to_look:
            return self.estate.progress
        return Progress("examining", examiner.looked, examiner.to_look)

    def by_listing(self, place: int) -> SecretReport:
        """Return what listing tells of a secret."""
        estate, primary, wanted = self.estate, self.estate.primaries[place], self.estate.wants[place]
        rows = [
            unlisted_row(target, estate.unlisted[target.region])
            if target.region in estate.unlisted
            else covered_row(primary, target)
            for target in wanted.targets
        ]
        return SecretReport(
            primary.name,
            worst(row.outcome for row in rows),
            primary.arn,
            primary.region,
            tuple(rows),
            checked_by="list",
            rules=wanted.rules,
        )

    def _examined(self, place: int) -> SecretReport:
        """Return what a look tells of a secret."""
        primary, wanted = self.examiner.primary(place), self.estate.wants[place]
        if isinstance(primary, SecretReport):
            return primary
        rows = [self._row(place, primary, target) for target in wanted.targets]
        regions = {target.region for target in wanted.targets}
        rows += [
            extra_row(primary, entry, unwanted=wanted.remove_extra)
            for entry in primary.replicas
            if self.extras and entry.region not in regions
        ]
        return replace(told(primary, rows), checked_by="describe", rules=wanted.rules)

    def _row(self, place: int, primary: Secret, target: Target) -> RegionReport:
        def same(wanted: str, shown: str) -> bool | AwsError:
            return self.estate.key_check.same(wanted, shown, target.region, primary.account)

        return examined_row(primary, target, self.examiner.look(place, primary, target), same)


@dataclass(slots=True)
class Audits:
    """One run of `audit`: `act` looks, account by account; `secrets` and `summary` tell what was found."""

    audits: Sequence[Audit]
    _present: Audit | None = None

    def act(self) -> Iterator[None]:
        """Look, yielding as news come in; see Audit.act for what it raises."""
        for audit in self.audits:
            self._present = audit
            yield from audit.act()

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self._present.progress if self._present else Progress("listing", 0)

    @property
    def secrets(self) -> Sequence[SecretReport]:
        """Every secret, those with findings first; what is healthy by listing is made when it is read."""
        reports = sorted((each for audit in self.audits for each in audit.found), key=lambda each: each.name)
        found: list[SecretReport | tuple[Audit, int]] = [*worst_first(reports)]
        found += [(audit, place) for audit in self.audits for place in audit.listed]
        return Made(found, lambda item: item if isinstance(item, SecretReport) else item[0].by_listing(item[1]))

    @property
    def summary(self) -> dict[str, int]:
        """How many secrets are how; those of a Region that could not be listed are told one by one."""
        reports: list[SecretReport] = []
        covered = 0
        for audit in self.audits:
            blind = [place for place in audit.listed if not audit.estate.covers(place)]
            reports += [*audit.found, *(audit.by_listing(place) for place in blind)]
            covered += len(audit.listed) - len(blind)
        return summary(reports, covered)

    def warnings(self, rules: Sequence[Rule], *, whole: bool) -> Iterator[str]:
        """Yield what a person should know of the choice; a shard of it may well be empty."""
        estates = [audit.estate for audit in self.audits]
        for rule in missed(estates, rules) if whole or len(estates) == 1 else ():
            yield f"{rule.place if rule.name else 'the choice'} matches no secret of {estates[0].scope.home}"
