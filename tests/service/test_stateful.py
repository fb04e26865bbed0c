"""Any command in any world: random orders to smrep, deeds of others, faults and time, and what always holds.

A longer search: `pytest --hypothesis-profile search tests/service/test_stateful.py`.
"""

from __future__ import annotations

from fakes import HOME
from fixtures import examples
from hypothesis import register_random, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stateful.outside_changes import (
    NAMES,
    THERE,
    Deed,
    deeds_to_secrets,
    do,
    heal,
    keys,
    names,
    set_the_scene,
    there,
    troubles,
)
from stateful.run_checks import Judge
from stateful.smrep_runs import Order, expired, one_after_the_other, orders, run_of, ticks_of
from stateful.watched_aws import WatchedAws

from smrep.errors import Outcome, SmrepError
from smrep.model import Target
from smrep.report import Action, Problem, SecretReport
from smrep.service.steps import polling

register_random(polling._jitter)  # else a run is not the same twice


class AnyWorld(RuleBasedStateMachine):
    """smrep, the others, and AWS at its worst."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = WatchedAws()
        self.last: Order | None = None
        set_the_scene(self.aws)

    @initialize(
        replicas=st.sets(st.tuples(names, there, keys), max_size=6),
        namesakes=st.sets(st.tuples(names, there), max_size=4),
        others=st.lists(deeds_to_secrets, max_size=4),
    )
    def something_was_before(
        self, replicas: set[tuple[str, str, str | None]], namesakes: set[tuple[str, str]], others: list[Deed]
    ) -> None:
        for name, region, key in sorted(replicas, key=str):
            do(self.aws, ("replicate", name, HOME, region, key))
        for name, region in sorted(namesakes):
            do(self.aws, ("create", name, region, None))
        for deed in others:
            do(self.aws, deed)
        self.aws.clock.time += 10

    @rule(order=orders())
    def smrep_runs(self, order: Order) -> None:
        self.last = order
        carry_out(self.aws, order)

    @rule(order=orders())
    def smrep_runs_too(self, order: Order) -> None:
        self.smrep_runs(order)

    @rule(order=orders())
    def smrep_runs_three(self, order: Order) -> None:
        self.smrep_runs(order)

    @precondition(lambda self: self.last)
    @rule()
    def smrep_runs_again(self) -> None:
        carry_out(self.aws, self.last)

    @rule(deed=deeds_to_secrets)
    def somebody_does(self, deed: Deed) -> None:
        do(self.aws, deed)

    @rule(deed=troubles)
    def trouble_comes_or_goes(self, deed: Deed) -> None:
        do(self.aws, deed)

    @rule(seconds=st.sampled_from((1.0, 5.0, 30.0, 300.0)))
    def time_passes(self, seconds: float) -> None:
        self.aws.clock.time += seconds
        self.aws.settle_accounts()

    @rule(now=st.integers(0, 7))
    def all_heals_and_settles(self, now: int) -> None:
        """What is wanted is reached, or a definite no is said; and then nothing more is done."""
        if now:
            return
        heal(self.aws)
        self.aws.clock.time += 400
        order = Order("replicate", NAMES, tuple(Target(region) for region in THERE), timeout_s=600.0, verify=True)
        carry_out(self.aws, order)
        again = carry_out(self.aws, order)
        assert not self.aws.sent_in_run, "what is right is left alone"
        for name, row in ((secret.name, row) for secret in again for row in secret.replicas):
            entry = self.aws.truth.entry(name, HOME, row.region)
            adrift = entry is None or entry.status not in ("InSync", "Failed")  # somebody has meddled with AWS's list
            assert row.outcome in (Outcome.PENDING if adrift else Outcome.OK, Outcome.FAILED, Outcome.DRIFT), row
            assert adrift or row.action in (Action.KEEP, None), row

    @invariant()
    def no_value_is_read(self) -> None:
        called = {call.operation for call in self.aws.simulator.log}
        assert called.isdisjoint({"GetSecretValue", "BatchGetSecretValue"})
        self.aws.simulator.log.clear()


def carry_out(aws: WatchedAws, order: Order) -> tuple[SecretReport, ...]:
    """Let smrep do as it is told, and judge it."""
    aws.start_run()
    judge = Judge(aws, order)

    def meddle(number: int) -> None:
        if order.expires is not None and number >= order.expires:
            raise expired()
        for at, deed in order.meddling:
            if at == number:
                judge.meddled = True
                do(aws, deed)

    for operation, fates in order.lost:
        aws.lose[operation] = list(fates)
    aws.guard, aws.meddle, aws.asked_key = judge.guard, meddle, judge.asked_key
    run = run_of(order, aws, aws.clock.time + order.timeout_s)
    trouble, was_stopped = None, False
    with one_after_the_other():
        ticks = ticks_of(run, order)
        try:
            for number, _ in enumerate(ticks):
                run.secrets()
                if number == order.stops:
                    was_stopped = True
                    break
        except SmrepError as error:
            trouble = Problem.of(error)
        finally:
            ticks.close()
        aws.meddle = lambda _number: None
        judge.verdict(run, trouble, was_stopped=was_stopped)
    aws.settle_accounts()
    secrets: tuple[SecretReport, ...] = run.secrets()
    return secrets


TestAnyWorld = AnyWorld.TestCase
TestAnyWorld.settings = settings(examples(100), stateful_step_count=20)
