"""Compare replicas with their primary until each is proved, or time is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from smrep.errors import AwsError, CredentialsError, Outcome, Throttled, Unanswered
from smrep.model import FAILED, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Kind, Problem, RegionReport, SecretReport
from smrep.rules.replication.diagnosis import stuck_findings
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
"""Seconds by which a Region times out before the round does, so that the other Regions' results are kept."""


@dataclass(frozen=True, slots=True)
class ReplicaLook:
    """Result of one look into one Region."""

    proof: Proof
    look: NameLookup


@dataclass(frozen=True, slots=True)
class ReplicaProver:
    """Compares a primary with its replicas before one deadline in the clock's seconds."""

    aws: SecretsManager
    key_check: KmsKeys
    clock: Clock
    deadline: float
    key_patience_s: float = 0.0
    """Seconds for which a different key may be a lagging answer."""
    acts: bool = False
    """Whether smrep will change what differs: then the spelling of the keys decides, else KMS must not deny."""

    def round(self, primary: Secret, targets: Sequence[Target]) -> Mapping[Region, ReplicaLook]:
        """Compare each Region once; `primary` has just been described.

        Raises:
            CredentialsError: no further call can succeed.

        """
        versions = list_versions(self.aws, primary)
        seen = parallel(
            partial(self._region, primary, versions),
            targets,
            late=partial(self._late, primary, versions),
            patience_s=time_left(self.clock, self.deadline) - _EARLIER_S,
        )
        return {target.region: look for target, look in zip(targets, seen, strict=True)}

    def _region(self, primary: Secret, versions: Listed, target: Target) -> ReplicaLook:
        lookup = look_up_name(self.aws, primary, target.region)
        replica = our_replica(primary, lookup)
        replica_versions = list_versions(self.aws, replica) if replica else ()
        return self._seen(primary, versions, target, lookup, replica_versions)

    def _late(self, primary: Secret, versions: Listed, target: Target) -> ReplicaLook:
        return self._seen(primary, versions, target, NotChecked(no_answer(f"{primary.name} in {target.region}")), ())

    def _seen(
        self, primary: Secret, versions: Listed, target: Target, lookup: NameLookup, replica_versions: Listed
    ) -> ReplicaLook:
        sides = BothSides(
            primary, target.region, lookup, versions, replica_versions, target.kms_key, self.key_patience_s
        )
        same = partial(self._same, primary, target.region)
        return ReplicaLook(compare_replica(sides, same), lookup)

    def _same(self, primary: Secret, region: Region, wanted: str, shown: str) -> bool | AwsError:
        compare = self.key_check.same if self.acts else self.key_check.claimed
        return compare(wanted, shown, region, primary.account, by_arn=primary.by_arn)


@dataclass(slots=True)
class ReplicaCheck:
    """One secret and the comparison of its replicas."""

    primary: Secret
    targets: tuple[Target, ...]
    seen: dict[Region, ReplicaLook] = field(default_factory=dict)
    in_progress_since: dict[Region, float | None] = field(default_factory=dict)
    """Start of each Region's current InProgress period, in the clock's seconds."""
    notes: tuple[str, ...] = ()
    error: Problem | None = None

    def open_targets(self, waited_s: float) -> list[Target]:
        """Return the Regions in which another look may change the result."""
        open_ = [target for target in self.targets if self._is_open(target.region, waited_s)]
        return open_ if self.error is None else []

    def _is_open(self, region: Region, waited_s: float) -> bool:
        proof = self.seen[region].proof if region in self.seen else None
        return proof is None or (proof.verified is not True and waited_s < proof.patience_s)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS: never, it only looks."""
        return False

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:  # noqa: ARG002 - it only looks
        """Return the secret's current report."""
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
    checks: Sequence[ReplicaCheck],
    run: RunState,
    *,
    after: Callable[[], object] | None = None,
) -> None:
    """Compare until nothing is worth waiting for, or the deadline; call `after` after each tick.

    Raises:
        CredentialsError: no further call can succeed; the checks keep their results so far.

    """
    clock = prover.clock
    started = clock.monotonic()

    def still_open() -> list[ReplicaCheck]:
        return [check for check in checks if check.open_targets(clock.monotonic() - started)]

    def look(check: ReplicaCheck) -> None:
        _look(prover, check, clock.monotonic() - started)

    watch(look, still_open, run, after=after)


def _look(prover: ReplicaProver, check: ReplicaCheck, waited_s: float) -> None:
    """Record one round of looks; a round without an answer yields no news.

    Look again at proved Regions if the primary has a new version or lists them differently.
    """
    try:
        primary = refreshed(prover.aws, check.primary)
        moved = primary.stages != check.primary.stages
        again = [
            target
            for target in check.targets
            if moved or _state(primary, target.region) != _state(check.primary, target.region)
        ]
        seen = prover.round(primary, list(dict.fromkeys((*check.open_targets(waited_s), *again))))
    except CredentialsError:
        raise
    except (Unanswered, Throttled):
        return
    except AwsError as error:
        check.error = Problem.of(error)
        return
    check.primary = primary
    check.seen.update(seen)
    now, since = prover.clock.monotonic(), check.in_progress_since
    for region in seen:
        since[region] = in_progress_since(since.get(region), primary.replica(region), now)


def report_stuck(check: ReplicaCheck, clock: Clock, deadline: float) -> None:
    """Report each Region that is InProgress past the deadline: since when, and its last look."""
    for region, seen in tuple(check.seen.items()):
        entry = check.primary.replica(region)
        open_s = sighting(clock, deadline, check.in_progress_since.get(region))
        if entry is None or open_s is None:
            continue
        others = (finding for finding in seen.proof.findings if finding.kind is not Kind.IN_PROGRESS)
        findings = dict.fromkeys((*stuck_findings(check.primary, entry, open_s, seen.look), *others))
        check.seen[region] = replace(seen, proof=replace(seen.proof, findings=tuple(findings)))


def _state(primary: Secret, region: Region) -> tuple[str | None, ...] | None:
    entry = primary.replica(region)
    return entry.state if entry else None
