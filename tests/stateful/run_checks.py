"""Checks each write as it goes out, and the report against the account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from fixtures import SCHEMA
from stateful.actual_state import REGIONS
from stateful.hint_checks import check_hint
from stateful.outside_changes import VALUE
from stateful.smrep_runs import ALLOWED, Order
from stateful.watched_aws import Sent, WatchedAws, name_of

from smrep.errors import Outcome
from smrep.output.json_document import document
from smrep.report import Action, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.replica_state import LIST_LAG_S, worst
from smrep.rules.run_outcome import interruption, run_outcome, timed_out
from smrep.service.steps.parallel import LOOK_S
from smrep.service.steps.rate_limiter import WRITES_A_SECOND

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@dataclass
class Judge:
    """Judges one run of one order."""

    aws: WatchedAws
    order: Order
    started: float = 0.0
    meddled: bool = False
    """Whether somebody has done something since the run began."""
    right_before: set[tuple[str, str]] = field(default_factory=set)
    """The secrets and Regions that were in order when the run began."""

    before: dict[tuple[str, str], object] = field(default_factory=dict)
    """Both sides of each replication as they were when the run began."""

    def __post_init__(self) -> None:
        self.started = self.aws.clock.time
        self.aws.settle_accounts()
        self.right_before = {(n, r) for n in self.order.names for r in self.order.regions if self._is_right(n, r)}
        self.before = {
            (name, region): self._both_sides(name, region) for name in self.order.names for region in REGIONS
        }

    # as it goes out

    def guard(self, operation: str, region: str, params: dict[str, Any]) -> None:
        """Judge one write before it goes out."""
        order, truth = self.order, self.aws.truth
        name = name_of(params["SecretId"])
        assert operation in ALLOWED.get(order.command, ()), f"{order.command} sent {operation}"
        assert not order.dry_run, "a dry run sent something"
        assert name in order.names, f"{name} was not named"
        in_time = max(order.timeout_s, LOOK_S)
        assert self.aws.clock.time <= self.started + in_time + 1e-6, f"{operation} was begun too late"
        match operation:
            case "ReplicateSecretToRegions":
                assert region == order.home
                self._guard_replication(name, params)
            case "RemoveRegionsFromReplication":
                assert region == order.home
                for each in params["RemoveReplicaRegions"]:
                    assert each in order.regions, f"{each} was not named"
                    if not self.meddled and truth.held(each, name):
                        assert truth.is_ours(name, order.home, each), f"what is in {each} is not ours"
            case "StopReplicationToReplica":
                assert region == order.regions[0]
            case "UpdateSecret":
                assert set(params) == {"SecretId", "KmsKeyId"}
                assert params["KmsKeyId"] == self._wanted(region)

    def asked_key(self, region: str, key: str | None) -> str | None:
        """Return the key under which a replica that is there may come: the one asked for, or any, unlooked at."""
        unlooked = self.meddled or not self.order.preflight
        return key or DEFAULT if unlooked or self._wanted(region) else None

    def _guard_replication(self, name: str, params: dict[str, Any]) -> None:
        order, truth = self.order, self.aws.truth
        force = params["ForceOverwriteReplicaSecret"]
        wanted = {each["Region"]: each.get("KmsKeyId") for each in params["AddReplicaRegions"]}
        assert len(wanted) == len(params["AddReplicaRegions"])
        for region, key in wanted.items():
            assert region in order.regions or (order.command == "retry" and not order.regions), f"{region}: not named"
            assert key == self._wanted(region) or self._wanted(region) is None, f"{region}: another key, {key}"
            assert self.meddled or order.command != "retry" or truth.shown(name, order.home, region), (
                "a retry adds none"
            )
            if not self.meddled and order.command != "recreate":
                right = (name, region) in self.right_before and self._is_right(name, region)
                assert not right, f"{name} in {region} is right already"
        if not force:
            return
        (region,) = wanted
        assert order.force, "nobody consented to an overwriting"
        victim = truth.held(region, name)
        if victim and not self.meddled:
            assert not victim.is_replica
            assert not set(victim.entries) - {order.home}  # which it may list still: from there it was promoted
            promoted = victim.suffix == getattr(truth.held(order.home, name), "suffix", None)
            assert order.arns or not promoted, "a promoted replica is overwritten only where it is named"

    def _is_right(self, name: str, region: str) -> bool:
        truth, home = self.aws.truth, self.order.home
        shown = truth.shown(name, home, region)
        held = truth.held(region, name)
        return (
            shown is not None
            and shown.status == "InSync"
            and truth.is_ours(name, home, region)
            and held is not None
            and held.removal is None
        )

    def _both_sides(self, name: str, region: str) -> object:
        truth = self.aws.truth
        return truth.listed(name, self.order.home, region), truth.there(name, region)

    def _wanted(self, region: str) -> str | None:
        return next((each.kms_key for each in self.order.targets if each.region == region), None)

    # at the end

    def verdict(self, run: Any, trouble: Problem | None, *, was_stopped: bool) -> None:
        """Judge the report of a run that has ended."""
        order, clock = self.order, self.aws.clock
        secrets: tuple[SecretReport, ...] = run.secrets(dry_run=True) if order.dry_run else run.secrets()
        elapsed = clock.time - self.started
        was_sent = getattr(run, "was_sent", False)
        if any(each.fate != "refused" for each in self.aws.sent_in_run):
            assert was_sent, "something was sent, and the run does not know"
        if was_stopped:
            trouble = interruption(secrets, sent=was_sent, doing=getattr(run, "doing", "waiting"))
            if any(each.was_carried_out for each in self.aws.sent_in_run):
                assert "nothing was sent" not in trouble.message
        elif trouble is None and not order.dry_run:
            trouble = timed_out(secrets, order.timeout_s, elapsed, order.command)
        outcome = run_outcome(secrets, trouble)
        self._judge_document(secrets, trouble, outcome, elapsed)
        pacing_s = len(self.aws.sent_in_run) / WRITES_A_SECOND  # even --timeout 0 sends for each secret, one by one
        assert elapsed <= order.timeout_s + pacing_s + 1e-6, "no other sleep goes past the deadline"
        for secret in secrets:
            self._judge_secret(secret)
            if not order.dry_run:
                for row in secret.replicas:
                    self._judge_row(secret, row, gave_up=trouble is None or trouble.code == "Timeout")
        self._judge_repetitions()

    def _judge_document(
        self, secrets: tuple[SecretReport, ...], trouble: Problem | None, outcome: Outcome, elapsed: float
    ) -> None:
        report = RunReport(
            command="rekey" if self.order.command == "recreate" else self.order.command,
            outcome=outcome,
            exit_code=outcome.exit_code,
            started_at=self.aws.clock.now(),
            elapsed_s=elapsed,
            dry_run=self.order.dry_run,
            secrets=secrets,
            error=trouble,
        )
        told = document(report)
        VALIDATOR.validate(told)
        assert VALUE not in json.dumps(told)
        assert VALUE not in json.dumps([secret.notes for secret in secrets])
        for hint in _hints(told):
            check_hint(hint)
        troubled = [trouble.outcome] if trouble else []
        assert outcome is worst([*(secret.outcome for secret in secrets), *troubled])

    def _judge_secret(self, secret: SecretReport) -> None:
        order = self.order
        own = [secret.error.outcome] if secret.error else []
        assert secret.outcome is worst([*(row.outcome for row in secret.replicas), *own])
        regions = [row.region for row in secret.replicas]
        assert len(set(regions)) == len(regions), "a Region has one row"
        if order.regions:
            assert set(regions) <= set(order.regions), "a row is of a Region that was not asked for"
            assert secret.error or regions == list(order.regions), "each Region asked for has a row"

    def _judge_row(self, secret: SecretReport, row: RegionReport, *, gave_up: bool) -> None:
        order = self.order
        errors = [each for each in row.findings if each.severity is Severity.ERROR]
        doubts = [each for each in row.findings if each.kind is Kind.UNCHECKED]
        if row.outcome is Outcome.OK:
            assert row.error is None
            self._judge_ok(secret, row, doubts)
        if row.outcome is Outcome.ACCEPTED:
            assert not order.wait
            assert row.changed
        if row.outcome in (Outcome.FAILED, Outcome.DRIFT):
            assert row.error or errors or secret.error, "a bad end has its reason"
        if row.outcome is Outcome.ACCESS:
            assert row.error or doubts or secret.error, "what was denied is named"
        if row.error:
            assert row.outcome is row.error.outcome or order.command in ("verify", "recreate")
        waited = order.wait and order.command != "status" and gave_up and secret.error is None
        if row.outcome is Outcome.PENDING and row.error is None and waited and not doubts:
            at_deadline = self.aws.clock.time >= self.started + order.timeout_s - 1e-6
            assert at_deadline or order.command == "recreate", f"given up before the deadline: {row}"
        if not self.meddled and order.home == secret.primary_region:
            self._judge_changes(secret, row)
            lags = self.aws.simulator.faults.list_lag_s > 0  # then an answer that is ahead makes it count
            if row.changed and row.error and row.error.code == "ReplicationFailed" and not lags:
                entry = self.aws.truth.entry(secret.name, order.home, row.region)
                moved, _ = self.aws.has_moved(secret.name, order.home, row.region)
                assert moved or (entry and entry.status == "Failed"), "an old failure is told as this request's"

    def _judge_changes(self, secret: SecretReport, row: RegionReport) -> None:
        """Hold what the row says was done against what was sent and became of it."""
        sent = [each for each in self.aws.sent_in_run if (each.name, each.region) == (secret.name, row.region)]
        if row.changed and not any(each.was_carried_out for each in sent):
            assert any(each.fate == "lost before" for each in sent), "nothing was sent, and the row says changed"
            now = self._both_sides(secret.name, row.region)
            assert now != self.before.get((secret.name, row.region)), "it never arrived, and the row says changed"
        if any(each.fate == "done" for each in sent):
            assert row.changed, "AWS answered that it was done, and the row does not say so"
        if any(each.was_carried_out for each in sent) and row.outcome is Outcome.OK:
            assert row.changed, "it was done, and the row says it was so before"
        if any(each.was_carried_out for each in sent) and row.error and self.order.command != "recreate":
            assert row.error.code != "NotSent", "it was sent, and the row says it was not"

    def _judge_ok(self, secret: SecretReport, row: RegionReport, doubts: list[Any]) -> None:
        """Hold a row that says all is well against what the simulator holds, unless that has moved since the look."""
        order, aws, home = self.order, self.aws, secret.primary_region or self.order.home
        truth, name, region = aws.truth, secret.name, row.region
        truth.catch_up()
        list_moved, there_moved = aws.has_moved(name, home, region)
        held, shown, ours = truth.held(region, name), truth.shown(name, home, region), truth.is_ours(name, home, region)
        if order.command == "remove":
            assert there_moved or held is None or not ours, "it is there still"
            unsure = list_moved or self.meddled or not row.changed  # what a lagging list hid may be listed by now
            assert unsure or shown is None, "it is listed still"
            return
        if order.command == "promote":
            assert there_moved or (held and not held.is_replica), "it is a replica still"
            return
        kept = row.action is Action.KEEP or order.command in ("rekey", "recreate")
        if not (list_moved or (self.meddled and kept)):  # what is kept was looked at before anything was sent
            listed = shown or truth.entry(name, home, region)  # a write's answer is ahead of what lags
            assert listed, "it is not listed"
            assert listed.status == "InSync", f"it is {listed.status}"
        if there_moved or list_moved:
            return
        if row.verified and (order.command == "verify" or not self.meddled):
            here, over_there = truth.labels(home, name), truth.labels(region, name)
            for label in ("AWSCURRENT", "AWSPREVIOUS"):
                assert here.get(label) == over_there.get(label), f"it holds another version as {label}"
        if not self._looked(row):
            return
        assert ours, "it is not our replica"
        wanted = self._wanted(region)
        if wanted and held and not doubts:
            assert truth.key(region, held.kms_key) == truth.key(region, wanted), "it is under another key"
            if row.verified:
                assert truth.version_keys(region, name) <= {truth.key(region, wanted)}

    def _looked(self, row: RegionReport) -> bool:
        """Tell whether the command looked into the Region too, and could."""
        order = self.order
        looks = order.command in ("verify", "rekey", "recreate") or row.verified is not None
        looks = looks or (order.command in ("replicate", "retry") and (order.preflight or order.force))
        return looks and all(each.kind is not Kind.UNCHECKED for each in row.findings)

    def _judge_repetitions(self) -> None:
        """Judge that nothing was sent again that may have been done, without a look long enough after it."""
        if self.meddled:
            return
        last: dict[tuple[str, str, str], Sent] = {}
        for each in self.aws.sent_in_run:
            key = (each.operation, each.name, each.region)
            before = last.get(key)
            if before:
                assert before.fate != "done", f"{each} after {before}"
                assert each.at - before.at >= LIST_LAG_S - 1e-6, f"{each} too soon after {before}"
            if each.fate != "refused":
                last[key] = each


def _hints(told: Any) -> Iterator[str]:
    """Yield every hint in a document."""
    if isinstance(told, dict):
        if isinstance(told.get("hint"), str):
            yield told["hint"]
        told = list(told.values())
    if isinstance(told, list):
        for each in told:
            yield from _hints(each)
