"""Failover and failback that die at any call or line, or lose answers, and are begun again: the end is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fakes import HOME, IRELAND, SYDNEY, WEST
from fixtures import examples
from fleet.killed_runs import Death, KillableAws
from hypothesis import given
from hypothesis import strategies as st
from recovery.recovery_scene import ALIAS, RecoveryScene, end_state

from smrep.rules.recovery.failback_decision import FailbackGoal

Losses = list[tuple[str, str]]
"""(operation, whether its request or its answer is lost)."""

RESTS_S = st.sampled_from([0.0, 1.0, 20.0, 90.0])
WRITES = ("none", "old", "new", "both")
WHAT_WRITES = ("ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica")
LOSSES: st.SearchStrategy[Losses] = st.lists(
    st.tuples(
        st.sampled_from((*WHAT_WRITES, *WHAT_WRITES, "DescribeSecret", "ListSecretVersionIds")),
        st.sampled_from(("before", "after")),
    ),
    max_size=3,
)
AGAIN = 6
"""So often is a leg repeated after losses: what destroys is not sent again by itself."""


@dataclass(frozen=True)
class Fleet:
    """Secrets before the disaster, and where each is written to during it."""

    secrets: tuple[tuple[tuple[str, ...], str | None, str], ...]
    """(third Regions, key, where it is written)."""
    faults: tuple[tuple[str, Any], ...]
    writes_between: bool
    """Whether the promoted secrets get new values between the two ways back."""

    def live(
        self, deaths: dict[str, list[Death]], losses: dict[str, Losses] | None = None
    ) -> tuple[RecoveryScene, dict[str, int]]:
        """Go all the way, with each leg's deaths and losses; return the world, and the calls of each leg's last run."""
        scene, lengths = RecoveryScene.set_up(**dict(self.faults)), {}
        names = [f"app/{number}" for number in range(len(self.secrets))]
        wheres = [(name, where) for name, (_, _, where) in zip(names, self.secrets, strict=True)]

        def leg(what: str, run: Callable[..., list[KillableAws]]) -> None:
            for lost in (losses or {}).get(what, ()):
                scene.lose(*lost)
            lengths[what] = run(*deaths.get(what, ()))[-1]._made
            for _ in range(AGAIN if losses else 0):
                run()
            scene.lost.clear()

        for name, (thirds, key, _) in zip(names, self.secrets, strict=True):
            scene.secret(name, *thirds, key=key)
        scene.outage(HOME)
        leg("over", scene.failover)
        for name, where in wheres:
            if where in ("new", "both"):
                scene.put(name, WEST)
        scene.outage()
        for name, where in wheres:
            if where in ("old", "both"):
                scene.put(name, HOME, instead=where == "old")
        leg("protect", partial(scene.failback, FailbackGoal.PROTECT))
        for name, where in wheres if self.writes_between else ():
            if where in ("none", "new"):
                scene.put(name, WEST)
        leg("return", partial(scene.failback, FailbackGoal.RETURN))
        return scene, lengths


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


@given(fleet=fleets(), data=st.data())
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(fleet: Fleet, data: st.DataObject) -> None:
    quiet, lengths = fleet.live({})
    deaths = {
        leg: data.draw(st.lists(st.builds(Death, st.integers(0, length - 1), st.booleans(), RESTS_S), max_size=2), leg)
        for leg, length in lengths.items()
    }
    scene, _ = fleet.live(deaths)
    assert scene.watch.ticks > 0
    assert end_state(scene) == end_state(quiet)


@examples(25)
@given(fleet=fleets(), losses=st.fixed_dictionaries(dict.fromkeys(("over", "protect", "return"), LOSSES)))
def test_with_requests_and_answers_lost_it_ends_as_if_they_had_not_been(
    fleet: Fleet, losses: dict[str, Losses]
) -> None:
    assert end_state(fleet.live({}, losses)[0]) == end_state(fleet.live({})[0])
