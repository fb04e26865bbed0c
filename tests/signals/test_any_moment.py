"""A signal at every call and in every pause: told truly, nothing sent after, gone on with, nothing twice."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterable, Sequence

import pytest
from matrix.command_cases import COMMAND_CASES
from matrix.scenes import NAME, TIMING, CommandCase
from signals.interrupted_run import InterruptedRun, Moment, Run

from smrep.aws.allow_list import WRITES

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
CHANGING = ("replicate", "retry", "rekey", "remove", "promote", "apply", "failover", "failback")
ASKING = {"remove", "promote", "rekey", "apply", "--force-overwrite", "failover", "failback"}
LOOKING = ("wait", "verify", "status -r", "status --role-arn", "doctor", "doctor --reader")
FLEET = ("list", "audit", "audit --deep", "audit -f", "plan", "export")
LEAVING_S = {"apply, remove_extra": TIMING.removal_delay_s}
"""How long what no manifest and no list names any more still takes to go: the next run does not wait for it."""
BY_NAME = {case.name: case for case in COMMAND_CASES}


def moments(case: CommandCase) -> list[tuple[Moment, signal.Signals]]:
    """Return every moment of an undisturbed run, with a signal for it; after a call only where it changes something."""
    interrupted = InterruptedRun(case)
    calls = interrupted.type(case.words).calls
    places = [Moment("before", number) for number in range(len(calls))]
    places += [Moment("after", number) for number, operation in enumerate(calls) if operation in WRITES]
    places += [Moment("asleep", number) for number in range(interrupted.pauses)]
    chosen = sample(calls, interrupted.pauses)
    return [
        (moment, number)
        for place, moment in enumerate(places)
        for number in (SIGNALS if moment in chosen or _matters(moment, calls) else SIGNALS[place % 3 :][:1])
    ]


def sample(calls: Sequence[str], pauses: int) -> list[Moment]:
    """Return one moment of each kind: before the first change, after it, and in the pause in the middle."""
    first = next((number for number, operation in enumerate(calls) if operation in WRITES), len(calls) // 2)
    return [
        Moment("before", first),
        *([Moment("after", first)] if calls[first] in WRITES else []),
        *([Moment("asleep", pauses // 2)] if pauses else []),
    ]


def sampled(case: CommandCase, turn: int) -> list[tuple[Moment, signal.Signals]]:
    """Return a moment of each kind, each with another signal; three turns pair each moment with every signal."""
    interrupted = InterruptedRun(case)
    calls = interrupted.type(case.words).calls
    return [(moment, SIGNALS[(turn + place) % 3]) for place, moment in enumerate(sample(calls, interrupted.pauses))]


def _matters(moment: Moment, calls: Sequence[str]) -> bool:
    return moment.where != "asleep" and calls[moment.number] in WRITES


def ended(run: Run, number: signal.Signals, moment: Moment) -> str | None:
    """Check an interrupted run; return the hint that resumes it."""
    document = run.document
    assert (run.code, document["result"], document["error"]["code"]) == (CODES[number], "interrupted", "Interrupted")
    assert run.sent_after(moment) == []
    assert f"error: {document['error']['message']}" in run.err
    hint: str | None = document["error"]["hint"]
    if run.writes:
        assert "nothing was sent" not in document["error"]["message"]
        assert hint or "had already finished" in document["error"]["message"]
    assert hint is None or f"hint: {hint}\n" in run.err
    return hint


def go_on(interrupted: InterruptedRun, case: CommandCase, hint: str | None) -> Run:
    """Type what the hint says, else the same words again; return the last run."""
    runs = []
    commands = [line for line in hint.splitlines() if line.startswith("  smrep ")] if hint else []
    for command in commands or [shlex.join(["smrep", *case.words])]:
        words = shlex.split(command)[1:]
        if "--force-overwrite" in words:
            interrupted.clock.time += 10  # while it is being overwritten, nobody may overwrite it
        runs.append(interrupted.type([*words, "--yes"] if ASKING & set(words) else words))
    assert [run.code for run in runs] == [0] * len(runs), runs[-1].err
    return runs[-1]


def interrupt_a_change(case: CommandCase, places: Iterable[tuple[Moment, signal.Signals]]) -> int:
    """Interrupt a change at each of these moments and resume it; return how many of them came about."""
    met = 0
    for moment, number in places:
        interrupted = InterruptedRun(case, moment, number)
        run = interrupted.type(case.words)
        if run.met is None:  # pauses are of random length, and this run was over sooner
            assert run.code == 0
            continue
        met += 1
        hint = ended(run, number, moment)
        if run.writes or hint:  # else the same words would begin where they began
            assert go_on(interrupted, case, hint).twice == {}
            interrupted.clock.time += LEAVING_S.get(case.name, 0.0)
            assert case.reached(interrupted.scene)
    return met


def interrupt_a_look(case: CommandCase, places: Iterable[tuple[Moment, signal.Signals]]) -> int:
    """Interrupt what changes nothing at each of these moments; return how many of them came about."""
    met = 0
    for moment, number in places:
        interrupted = InterruptedRun(case, moment, number)
        run = interrupted.type(case.words)
        if run.met is not None:
            met += 1
            ended(run, number, moment)
            assert run.writes == []
    return met


CHANGES = [case.name for case in COMMAND_CASES if case.words[0] in CHANGING]


@pytest.mark.parametrize(("turn", "name"), list(enumerate([*CHANGING, "rekey --recreate"])))
def test_a_change_is_interrupted_at_a_moment_of_each_kind_and_resumed(turn: int, name: str) -> None:
    assert interrupt_a_change(BY_NAME[name], sampled(BY_NAME[name], turn)) >= 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_interrupted_anywhere_and_resumed(name: str) -> None:
    assert interrupt_a_change(BY_NAME[name], moments(BY_NAME[name])) > 5


@pytest.mark.parametrize("name", ["wait", "audit"])
def test_a_look_is_interrupted_at_a_moment_of_each_kind(name: str) -> None:
    assert sum(interrupt_a_look(BY_NAME[name], sampled(BY_NAME[name], turn)) for turn in range(3)) >= 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*LOOKING, *FLEET])
def test_a_look_is_interrupted_anywhere(name: str) -> None:
    assert interrupt_a_look(BY_NAME[name], moments(BY_NAME[name])) > 0


@pytest.mark.parametrize("where", ["before", "after", "asleep"])
@pytest.mark.parametrize("place", [0, 1, 5])
@pytest.mark.parametrize("number", SIGNALS)
def test_watching_ends_only_so(where: str, place: int, number: signal.Signals) -> None:
    moment = Moment(where, place)  # type: ignore[arg-type]
    run = InterruptedRun(BY_NAME["status"], moment, number).type(["status", NAME, "--watch"])
    assert (run.code, run.document["result"]) == (CODES[number], "interrupted")
    assert "error: stopped" in run.err


def test_a_list_that_was_begun_is_told_as_far_as_it_came() -> None:
    run = InterruptedRun(BY_NAME["list"], Moment("before", 1)).type(["list"])
    assert (run.code, len(run.document["secrets"])) == (130, 100)


def test_several_secrets_are_stopped_together() -> None:
    case = BY_NAME["replicate"]
    words = ["replicate", NAME, "prod/other", "-r", "eu-west-1,us-west-1", "--timeout", "60"]
    calls = InterruptedRun(case).type(words).calls
    writes = [number for number, operation in enumerate(calls) if operation in WRITES]
    assert len(writes) == 2
    for moment in (Moment("before", writes[0]), Moment("after", writes[0]), Moment("after", writes[1])):
        interrupted = InterruptedRun(case, moment)
        run = interrupted.type(words)
        assert (run.code, run.document["result"]) == (130, "interrupted")  # the other's request may be under way
        hint = run.document["error"]["hint"]
        assert "prod/" in hint
        assert go_on(interrupted, case, hint).twice == {}
        assert interrupted.type(words).document["secrets"][0]["replicas"][0]["changed"] is False
