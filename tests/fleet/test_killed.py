"""A run of apply that dies at any call, and is started again: it ends where one that ran through ends, once each."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fakes import IRELAND, SYDNEY, WEST
from fixtures import examples
from fleet.killed_runs import ALIAS, STATES, Death, KillableAws, Scene, live, state
from hypothesis import given
from hypothesis import strategies as st

from smrep.model import Target
from smrep.rules.manifest.schema import Rule
from smrep.rules.manifest.selector import Selector

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
RESTS_S = st.sampled_from([0.0, 1.0, 20.0, 90.0])


@st.composite
def scenes(draw: st.DrawFn, **faults: Any) -> Scene:
    """Return an estate and rules each of which means some of it."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(["a/", "b/"]), st.sampled_from(STATES)), min_size=1, max_size=4))
    secrets = tuple((f"{prefix}{number}", kind) for number, (prefix, kind) in enumerate(kinds))
    prefixes = ["", *sorted({prefix for prefix, _ in kinds})]
    key = draw(st.sampled_from([None, ALIAS]))
    rules = []
    for number in range(draw(st.integers(1, 3))):
        prefix = draw(st.sampled_from(prefixes))
        regions = draw(st.sets(st.sampled_from([WEST, IRELAND, SYDNEY]), min_size=1))
        targets = tuple(Target(each, key if each == WEST else None) for each in sorted(regions))
        selector = Selector(prefixes=(prefix,) if prefix else ())
        rules.append(Rule(f"rule {number}", f"replicate[{number}]", selector, targets, draw(st.booleans())))
    if draw(st.booleans()):
        faults["failures"] = {draw(st.sampled_from([WEST, IRELAND, SYDNEY])): "KMS key is disabled"}
    return Scene(secrets, tuple(rules), {"replication_delay_s": draw(st.sampled_from([0.0, 2.0, 30.0])), **faults})


def killed(data: st.DataObject, scene: Scene, most: int) -> list[KillableAws]:
    """Let up to so many runs die, and the last one come to its end, as one that nothing disturbs does; return all."""
    quiet = scene.set_up()
    (undisturbed,) = live(quiet, scene.rules)
    moment = st.builds(Death, st.integers(0, len(undisturbed.calls) - 1), st.booleans(), RESTS_S)
    aws = scene.set_up()
    runs = live(aws, scene.rules, data.draw(st.lists(moment, min_size=1, max_size=most)))
    assert undisturbed.repeats == []
    assert sum(run.forced for run in runs) == 0
    assert state(aws) == state(quiet)
    return runs


@examples(300)
@given(scene=scenes(), data=st.data())
def test_with_consistent_reads_nothing_is_sent_twice(scene: Scene, data: st.DataObject) -> None:
    assert [run.repeats for run in killed(data, scene, 3) if run.repeats] == []


@given(scene=scenes(listing_lag_s=300.0), data=st.data())
def test_nor_where_only_the_lists_are_old(scene: Scene, data: st.DataObject) -> None:
    assert [run.repeats for run in killed(data, scene, 3) if run.repeats] == []


@examples(150)
@given(scene=scenes(list_lag_s=5.0), data=st.data())
def test_where_a_look_lags_each_is_repeated_once_at_most(scene: Scene, data: st.DataObject) -> None:
    runs = killed(data, scene, 1)
    assert all(times == 1 for times in Counter(each for run in runs for each in run.repeats).values())


@given(scene=scenes(list_lag_s=5.0, listing_lag_s=300.0), data=st.data())
def test_and_so_where_both_lag(scene: Scene, data: st.DataObject) -> None:
    runs = killed(data, scene, 1)
    assert all(times == 1 for times in Counter(each for run in runs for each in run.repeats).values())
