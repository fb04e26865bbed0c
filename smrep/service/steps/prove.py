"""Compares replicas with their primary until each is proved, or its time is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, CredentialsError, Outcome, Throttled, Unanswered
from smrep.model import FAILED, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Kind, Problem, RegionReport, SecretReport
from smrep.rules.replication.diagnosis import stuck
from smrep.rules.replication.key_failures import failure
from smrep.rules.replication.name_owner import NameLookup, NotChecked, our_replica
from smrep.rules.replication.replica_comparison import BothSides, Listed, Proof, compare_replica
from smrep.rules.replication.replica_state import in_progress_since, secret_report
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.closing_look import sighting
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import list_versions, look_up_name, no_answer, refreshed
from smrep.service.steps.parallel import parallel, time_left
from smrep.service.steps.polling import watch

_EARLIER_S = 2.0
"""So much sooner is one Region given up than the whole round, so that what was seen of the others is not lost."""


@dataclass(frozen=True, slots=True)
class ReplicaLook:
    """What one round of looks showed of one Region."""

    proof: Proof
    look: NameLookup


@dataclass(frozen=True, slots=True)
class ReplicaProver:
    """Looks at a primary and its replicas, before one deadline in the clock's seconds."""

    aws: SecretsManager
    key_check: KmsKeys
    clock: Clock
    deadline: float
    key_patience_s: float = 0.0
    """For how long another key may be a lagging answer."""
    acts: bool = False
    """Whether what differs is to be changed: then the spelling of two keys is enough, else KMS must not deny."""

    def round(self, primary: Secret, targets: Sequence[Target]) -> Mapping[Region, ReplicaLook]:
        """Return what is proved of each Region by one look into it; `primary` is as just described.

        Raises:
            CredentialsError: no further call can succeed.

        """
        here = list_versions(self.aws, primary)
        seen = parallel(
            partial(self._region, primary, here),
            targets,
            late=partial(self._late, primary, here),
            patience_s=time_left(self.clock, self.deadline) - _EARLIER_S,
        )
        return {target.region: each for target, each in zip(targets, seen, strict=True)}

    def _region(self, primary: Secret, here: Listed, target: Target) -> ReplicaLook:
        found = look_up_name(self.aws, primary, target.region)
        replica = our_replica(primary, found)
        there = list_versions(self.aws, replica) if replica else ()
        return self._seen(primary, here, target, found, there)

    def _late(self, primary: Secret, here: Listed, target: Target) -> ReplicaLook:
        return self._seen(primary, here, target, NotChecked(no_answer(f"{primary.name} in {target.region}")), ())

    def _seen(self, primary: Secret, here: Listed, target: Target, found: NameLookup, there: Listed) -> ReplicaLook:
        sides = BothSides(primary, target.region, found, here, there, target.kms_key, self.key_patience_s)
        same = partial(self._same, primary, target.region)
        return ReplicaLook(compare_replica(sides, same), found)

    def _same(self, primary: Secret, region: Region, wanted: str, shown: str) -> bool | AwsError:
        compare = self.key_check.same if self.acts else self.key_check.claimed
        return compare(wanted, shown, region, primary.account, by_arn=primary.by_arn)


@dataclass(slots=True)
class ReplicaCheck:
    """One secret whose replicas are being held against it."""

    primary: Secret
    targets: tuple[Target, ...]
    seen: dict[Region, ReplicaLook] = field(default_factory=dict)
    in_progress_since: dict[Region, float | None] = field(default_factory=dict)
    """When each Region was first seen InProgress without a break, in the clock's seconds."""
    notes: tuple[str, ...] = ()
    error: Problem | None = None

    def open_targets(self, waited_s: float) -> list[Target]:
        """Return the Regions of which another look may show something else."""
        open_ = [each for each in self.targets if self._is_open(each.region, waited_s)]
        return open_ if self.error is None else []

    def _is_open(self, region: Region, waited_s: float) -> bool:
        proof = self.seen[region].proof if region in self.seen else None
        return proof is None or (proof.verified is not True and waited_s < proof.patience_s)

    @property
    def was_sent(self) -> bool:
        """Nothing is sent: it only looks."""
        return False

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:  # noqa: ARG002 - it only looks
        """Return the secret as it stands."""
        return secret_report(self.primary, [self._row(target) for target in self.targets], self.error, self.notes)

    def _row(self, target: Target) -> RegionReport:
        region, primary = target.region, self.primary
        entry, seen = primary.replica(region), self.seen.get(region)
        replica = our_replica(primary, seen.look) if seen else None
        shown = replica.kms_key_id if replica else None
        failed = entry is not None and entry.status == FAILED
        return RegionReport(
            region=region,
            outcome=seen.proof.outcome if seen else Outcome.FAILED if failed else Outcome.PENDING,
            arn=in_region(primary.arn, region) if replica else None,
            status=entry.status if entry else None,
            status_message=entry.message if entry else None,
            kms_key_id=shown or (entry.kms_key_id if entry else None),
            wanted_key=target.kms_key,
            last_accessed=entry.last_accessed if entry else None,
            verified=seen.proof.verified if seen else None,
            findings=seen.proof.findings if seen else (),
            error=failure(primary, entry) if entry and failed else None,
        )


def prove_until_settled(
    prover: ReplicaProver,
    checkings: Sequence[ReplicaCheck],
    run: RunState,
    *,
    after: Callable[[], object] | None = None,
) -> None:
    """Look on both sides until nothing is worth waiting for, or at the deadline; `after` is called after each tick.

    Raises:
        CredentialsError: no further call can succeed; the checkings hold what was seen up to then.

    """
    clock = prover.clock
    started = clock.monotonic()

    def still_open() -> list[ReplicaCheck]:
        return [each for each in checkings if each.open_targets(clock.monotonic() - started)]

    def look(each: ReplicaCheck) -> None:
        _look(prover, each, clock.monotonic() - started)

    watch(look, still_open, run, after=after)


def _look(prover: ReplicaProver, checking: ReplicaCheck, waited_s: float) -> None:
    """Take in one round of looks; one that no answer came to is a tick without news.

    Where the primary has got a new version, or lists a Region otherwise than before, what was right is looked at again.
    """
    try:
        primary = refreshed(prover.aws, checking.primary)
        moved = primary.stages != checking.primary.stages
        again = [
            each
            for each in checking.targets
            if moved or _state(primary, each.region) != _state(checking.primary, each.region)
        ]
        seen = prover.round(primary, list(dict.fromkeys((*checking.open_targets(waited_s), *again))))
    except CredentialsError:
        raise
    except (Unanswered, Throttled):
        return
    except AwsError as error:
        checking.error = Problem.of(error)
        return
    checking.primary = primary
    checking.seen.update(seen)
    now, since = prover.clock.monotonic(), checking.in_progress_since
    for region in seen:
        since[region] = in_progress_since(since.get(region), primary.replica(region), now)


def tell_stuck(checking: ReplicaCheck, clock: Clock, deadline: float) -> None:
    """Say of each Region that is InProgress past the deadline since when, and what the last look found there."""
    for region, seen in tuple(checking.seen.items()):
        entry = checking.primary.replica(region)
        open_s = sighting(clock, deadline, checking.in_progress_since.get(region))
        if entry is None or open_s is None:
            continue
        others = (each for each in seen.proof.findings if each.kind is not Kind.IN_PROGRESS)
        found = dict.fromkeys((*stuck(checking.primary, entry, open_s, seen.look), *others))
        checking.seen[region] = replace(seen, proof=replace(seen.proof, findings=tuple(found)))


def _state(primary: Secret, region: Region) -> tuple[str | None, ...] | None:
    entry = primary.replica(region)
    return entry.state if entry else None
