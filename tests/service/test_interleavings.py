"""Whatever others do between any two calls of a command, it destroys nothing that was not shown as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from stateful.interleavings import COMMANDS, DEEDS, Deed, Play, Witness, interleavings, played

by_name = pytest.mark.parametrize("command", COMMANDS, ids=[each.__name__ for each in COMMANDS])
DESTROYING = [each for each in COMMANDS if each.__name__ not in ("promote", "failover")]


@pytest.mark.parametrize("command", DESTROYING, ids=[each.__name__ for each in DESTROYING])
def test_undisturbed_it_destroys_what_was_shown(command: Callable[[Witness], Play]) -> None:
    aws = played(command)
    assert aws.judged > 0
    assert aws.raced == 0


@given(st.sampled_from(COMMANDS), interleavings)
@examples(300)
def test_deeds_between_calls_destroy_nothing_that_was_not_shown(
    command: Callable[[Witness], Play], others: list[tuple[int, Deed]]
) -> None:
    deeds = defaultdict(list)
    for number, deed in others:
        deeds[number].append(deed)
    played(command, deeds)


@pytest.mark.exhaustive
@by_name
def test_any_deed_between_any_two_calls_destroys_nothing_that_was_not_shown(
    command: Callable[[Witness], Play], record_property: Callable[[str, object], None]
) -> None:
    undisturbed = played(command)
    calls = undisturbed.newest_judged or undisturbed.asked
    tried = [(number, deed) for number in range(1, calls + 1) for deed in DEEDS]
    worlds = [played(command, {number: [deed]}) for number, deed in tried]
    record_property("interleavings", len(tried))
    assert len(tried) >= len(DEEDS) * 4
    assert command not in DESTROYING or any(each.raced for each in worlds), "the round trip that is left was not tried"
