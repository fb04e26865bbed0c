"""Failover and failback that die at any call or line and are begun again: nothing is lost, and the end is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from disaster.scene import ALIAS, Stage, end_state
from fakes import HOME, IRELAND, SYDNEY, WEST
from fleet.mortal import Death
from hypothesis import given, settings
from hypothesis import strategies as st

from smrep.rules.homecoming import Goal

RESTS_S = st.sampled_from([0.0, 1.0, 20.0, 90.0])
WRITES = ("none", "old", "new", "both")


@dataclass(frozen=True)
class Fleet:
    """Secrets before the disaster, and where each is written to during it."""

    secrets: tuple[tuple[tuple[str, ...], str | None, str], ...]
    """(third Regions, key, where it is written)."""
    faults: tuple[tuple[str, Any], ...]
    writes_between: bool
    """Whether the promoted secrets get new values between the two ways back."""

    def live(self, deaths: dict[str, list[Death]]) -> tuple[Stage, dict[str, int]]:
        """Go all the way, with the deaths of each leg; return the world, and the calls of each leg's last run."""
        stage = Stage.set_up(**dict(self.faults))
        names = [f"app/{number}" for number in range(len(self.secrets))]
        for name, (thirds, key, _) in zip(names, self.secrets, strict=True):
            stage.secret(name, *thirds, key=key)
        stage.outage(HOME)
        lengths = {"over": stage.failover(*deaths.get("over", ()))[-1]._made}
        for name, (_, _, where) in zip(names, self.secrets, strict=True):
            if where in ("new", "both"):
                stage.put(name, WEST)
        stage.outage()
        for name, (_, _, where) in zip(names, self.secrets, strict=True):
            if where in ("old", "both"):
                stage.put(name, HOME, instead=where == "old")
        lengths["protect"] = stage.failback(Goal.PROTECT, *deaths.get("protect", ()))[-1]._made
        if self.writes_between:
            for name, (_, _, where) in zip(names, self.secrets, strict=True):
                if where in ("none", "new"):
                    stage.put(name, WEST)
        lengths["return"] = stage.failback(Goal.RETURN, *deaths.get("return", ()))[-1]._made
        return stage, lengths


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    thirds = st.sampled_from([(), (IRELAND,), (IRELAND, SYDNEY)])
    secret = st.tuples(thirds, st.sampled_from([None, ALIAS]), st.sampled_from(WRITES))
    faults = {
        "replication_delay_s": draw(st.sampled_from([0.0, 2.0])),
        "removal_delay_s": draw(st.sampled_from([0.0, 40.0])),
        "promoted_entry": draw(st.sampled_from(["kept", "dropped"])),
        "keeps_primary_region": draw(st.booleans()),
        "listing_lag_s": draw(st.sampled_from([0.0, 300.0])),
        "list_lag_s": draw(st.sampled_from([0.0, 5.0])),
        "stale_entry_guards": draw(st.booleans()),
    }
    return Fleet(tuple(draw(st.lists(secret, min_size=1, max_size=3))), tuple(faults.items()), draw(st.booleans()))


@settings()
@given(fleet=fleets(), data=st.data())
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(fleet: Fleet, data: st.DataObject) -> None:
    quiet, lengths = fleet.live({})
    deaths = {
        leg: data.draw(st.lists(st.builds(Death, st.integers(0, length - 1), st.booleans(), RESTS_S), max_size=2), leg)
        for leg, length in lengths.items()
    }
    stage, _ = fleet.live(deaths)
    assert stage.watch.ticks > 0
    assert end_state(stage) == end_state(quiet)
