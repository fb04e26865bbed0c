"""Random smrep commands as values and strategies, and a run of each on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from fakes import HOME
from few_threads import few_threads
from hypothesis import strategies as st
from stateful.outside_changes import ALIASES, CALLS, THERE, Deed, deeds_to_secrets, homes, lost, names, troubles
from stateful.watched_aws import WatchedAws
from use_case_run import UseCaseRun

from smrep.errors import CredentialsError
from smrep.model import SecretId, Target, in_region
from smrep.regions import Region
from smrep.rules.primary_region import SecretAddress
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.region_step import Consent
from smrep.service.promote import PromoteRequest, promote
from smrep.service.rekey import RekeyRequest, rekey
from smrep.service.remove import RemoveRequest, remove
from smrep.service.replicate import ReplicateRequest, replicate
from smrep.service.status import StatusRequest, status
from smrep.service.verify import VerifyRequest, verify
from smrep.service.wait import WaitRequest, wait

COMMANDS = ("replicate",) * 4 + ("retry",) * 2 + ("remove", "promote", "rekey", "recreate", "verify", "wait", "status")
ALLOWED = {
    "replicate": ("ReplicateSecretToRegions",),
    "retry": ("ReplicateSecretToRegions",),
    "remove": ("RemoveRegionsFromReplication",),
    "promote": ("StopReplicationToReplica",),
    "rekey": ("UpdateSecret",),
    "recreate": ("RemoveRegionsFromReplication", "ReplicateSecretToRegions"),
}
"""What a command may send; the others send nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """One command line."""

    command: str
    names: tuple[str, ...]
    targets: tuple[Target, ...]
    """Empty: all that are listed, where the command knows that; promote takes the first."""
    home: Region = HOME
    force: bool = False
    arns: bool = False
    """Whether the promoted replica of each Region may be overwritten too, by its ARN."""
    verify: bool = False
    preflight: bool = True
    wait: bool = True
    dry_run: bool = False
    timeout_s: float = 60.0
    meddling: tuple[tuple[int, Deed], ...] = ()
    """What is done behind smrep's back just before its nth call."""
    lost: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Operations, and what becomes of their next answers."""
    expires: int | None = None
    """The credentials expire with this call."""
    stops: int | None = None
    """The run is interrupted after so many ticks."""

    @property
    def regions(self) -> tuple[Region, ...]:
        return tuple(target.region for target in self.targets)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show what was typed, and not what is so by default; hypothesis asks for it."""
        typed = [each for each in fields(self) if getattr(self, each.name) != each.default]
        printer.text(f"Order({', '.join(f'{each.name}={getattr(self, each.name)!r}' for each in typed)})")


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Draw a command line that the command would take."""
    command = draw(st.sampled_from(COMMANDS))
    home = draw(homes)
    elsewhere = [region for region in (*THERE, HOME) if region != home]
    needs_regions = command in ("replicate", "remove", "promote", "rekey", "recreate")
    regions = draw(st.lists(st.sampled_from(elsewhere), min_size=int(needs_regions), max_size=3, unique=True))
    needs_key, takes_key = command in ("rekey", "recreate"), command in ("replicate", "retry", "verify")
    no_key = [] if needs_key else [st.none(), st.none()]
    a_key = [st.sampled_from((*ALIASES, *ALIASES, DEFAULT, "alias/none"))] if needs_key or takes_key else []
    a_key_or_none = st.one_of(*no_key, *a_key) if no_key or a_key else st.none()
    targets = tuple(Target(region, draw(a_key_or_none)) for region in regions)
    several = 1 if needs_key else 3
    acts = command in ALLOWED
    forcing = command in ("replicate", "retry") and draw(st.booleans())
    waits = command in ("rekey", "recreate") or draw(st.sampled_from((True, True, True, False)))
    meddled = draw(st.sampled_from((False, False, True)))
    small = st.integers(1, 12)
    writes = ALLOWED.get(command, ())
    losses = draw(st.lists(st.tuples(st.sampled_from((*writes, *writes, *CALLS)), lost), max_size=2))
    return Order(
        command,
        tuple(draw(st.lists(names, min_size=1, max_size=several, unique=True))),
        targets[:1] if command == "promote" else targets,
        home,
        force=forcing,
        arns=forcing and draw(st.booleans()),
        verify=command in ("replicate", "retry") and waits and draw(st.booleans()),
        preflight=draw(st.sampled_from((True, True, False))),
        wait=waits,
        dry_run=acts and draw(st.integers(0, 9)) == 0,
        timeout_s=draw(st.sampled_from((0.0, 3.0, 20.0, 60.0, 300.0))),
        meddling=tuple(draw(st.lists(st.tuples(small, deeds_to_secrets | troubles), min_size=1, max_size=2)))
        if meddled
        else (),
        lost=tuple(losses),
        expires=draw(small) if draw(st.integers(0, 14)) == 0 else None,
        stops=draw(st.integers(0, 3)) if draw(st.integers(0, 9)) == 0 else None,
    )


def run_of(order: Order, aws: WatchedAws, deadline: float) -> Any:
    """Return the run that the command line stands for, as the command of it makes it."""
    clock = aws.clock
    addresses = tuple(SecretAddress(SecretId(name), order.home) for name in order.names)
    match order.command:
        case "replicate" | "retry":
            request = ReplicateRequest(
                addresses,
                order.targets,
                Consent(order.force, frozenset(_consented(order, aws))),
                preflight=order.preflight,
                wait=order.wait,
                verify=order.verify,
                command=order.command,
            )
            return UseCaseRun(partial(replicate, aws, request), clock, deadline)
        case "remove":
            removal = RemoveRequest(addresses, order.regions, wait=order.wait)
            return UseCaseRun(partial(remove, aws, removal), clock, deadline)
        case "promote":
            secret_ids = tuple(SecretId(name) for name in order.names)
            promotion = PromoteRequest(secret_ids, order.regions[0], wait=order.wait)
            return UseCaseRun(partial(promote, aws, promotion), clock, deadline)
        case "rekey" | "recreate":
            recreate = order.command == "recreate"
            rekeying = RekeyRequest(addresses[:1], order.targets, recreate=recreate, preflight=order.preflight)
            return UseCaseRun(partial(rekey, aws, rekeying), clock, deadline)
        case "verify":
            return UseCaseRun(partial(verify, aws, VerifyRequest(addresses, order.targets)), clock, deadline)
        case "wait":
            return UseCaseRun(partial(wait, aws, WaitRequest(addresses, order.regions)), clock, deadline)
        case _:
            return Look(aws, StatusRequest(addresses, order.regions))


def _consented(order: Order, aws: WatchedAws) -> Iterator[str]:
    for name in order.names if order.arns else ():
        primary = aws.truth.held(order.home, name)
        if primary:
            yield from (in_region(primary.arn, region) for region in order.regions)


@dataclass
class Look:
    """`status`, in the shape of the others."""

    aws: WatchedAws
    asked: StatusRequest
    found: tuple[Any, ...] = ()

    def act(self) -> Iterator[None]:
        self.found = status(self.aws, self.asked).secrets
        yield

    def secrets(self) -> tuple[Any, ...]:
        return self.found


@contextmanager
def one_after_the_other() -> Iterator[None]:
    """Give smrep no thread but its own, in which it works in a fixed order: so a run is the same each time."""
    with few_threads(0):
        yield


def expired() -> CredentialsError:
    return CredentialsError("the security token included in the request is expired", code="ExpiredTokenException")


def ticks_of(run: Any, order: Order) -> Iterator[None]:
    """Plan and act as the commands do, yielding after each tick."""
    if order.command not in ("status", "verify", "wait"):
        run.plan()
        _ = run.stakes, run.interrupted, run.command("--yes") if run.plan_made else ""
    yield
    if order.dry_run:
        return
    yield from run.act()
