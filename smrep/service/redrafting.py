"""`apply --plan`: a saved plan held against the world as it is now, and taken up only where nothing has moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import NotFound, PlanIsStale
from smrep.model import Secret
from smrep.report import Progress, SecretReport
from smrep.rules.saved import Saved, SavedSecret, differences
from smrep.rules.tally import tally
from smrep.rules.wanted import Wanted
from smrep.service.abreast import abreast, nothing
from smrep.service.accounts import Accounts
from smrep.service.looking import doomed, look, unfit
from smrep.service.planning import Errand, Errands, Planner


@dataclass(slots=True)
class Redraft(Errands):
    """What a saved plan comes to now."""

    plan: Saved
    planners: Mapping[int, Planner]
    """Those of the accounts for which there is something to do, by their place in the plan."""
    pulse: Callable[[], None] = nothing
    errands: list[tuple[Planner, Errand]] = field(default_factory=list)
    kept: list[tuple[Planner, int]] = field(default_factory=list)
    accounts: Accounts = field(default_factory=Accounts)
    _looked: int = 0

    def act(self) -> Iterator[None]:
        """Look at each secret of the plan, yielding at the end.

        Raises:
            PlanIsStale: for some secret the world has moved; nothing may be done of the plan.
            AwsError: some secret could not be looked at, so that nobody can tell.

        """
        found = abreast(self._looked_at, self.plan.secrets, pulse=self.pulse)
        stale = [each for each in found if isinstance(each, str)]
        if stale:
            raise PlanIsStale(
                f"the world has moved since the plan was made at {self.plan.made_at}; nothing was sent",
                "make a new plan: smrep plan -f FILE --out FILE",
                details=tuple(stale),
            )
        pairs = zip(self.plan.secrets, found, strict=True)
        self.errands = [(self.planners[saved.account], each) for saved, each in pairs if isinstance(each, Errand)]
        yield

    @property
    def progress(self) -> Progress:
        """How many secrets were looked at."""
        return Progress("examining", self._looked, len(self.plan.secrets))

    def secrets(self) -> Sequence[SecretReport]:
        """Return every secret of the plan."""
        return [errand.report(dry_run=True) for _, errand in self.errands]

    @property
    def summary(self) -> dict[str, int]:
        """How many Regions get what."""
        return tally(self.secrets(), 0, 0)

    @property
    def count(self) -> int:
        """How many accounts it is about."""
        return len(self.planners)

    def _looked_at(self, saved: SavedSecret) -> Errand | str:
        """Return the errand that the plan means, or how the world has moved."""
        planner = self.planners[saved.account]
        try:
            primary = replace(planner.estate.aws.describe(saved.arn, saved.region), by_arn=True)
        except NotFound as error:
            return error.message
        finally:
            self._looked += 1
        unusable = doomed(primary) or unfit(primary, "status", ())
        if unusable:
            return unusable.message
        errand = self._errand(planner, saved, primary)
        steps = errand.case.steps if errand.case else ()
        departures = tuple(errand.clearing.departures.values()) if errand.clearing else ()
        found = differences(saved, steps, departures)
        return f"{primary.name}: {'; '.join(found)}" if found else errand

    def _errand(self, planner: Planner, saved: SavedSecret, primary: Secret) -> Errand:
        now = planner.clock.monotonic()
        wanted = Wanted(saved.targets, saved.rules)
        looks = partial(look, planner.estate.aws, primary)
        errand = planner.errand(primary, wanted, lambda target: looks(target.region), now, saved.removed)
        errand.again = partial(self._again, saved)
        return errand

    def _again(self, saved: SavedSecret) -> Errand:
        """Return what another look makes of it, nothing where the world has moved by now."""
        found = self._looked_at(saved)
        if isinstance(found, Errand):
            return found
        raise PlanIsStale(f"the world has moved since the plan was made: {found}")
