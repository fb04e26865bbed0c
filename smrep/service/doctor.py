"""`doctor`: check what would block a replication or a reader; changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from smrep.errors import AwsError, Outcome
from smrep.model import Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.primary_region import SecretAddress, check_regions
from smrep.rules.reader_access import Decision, Policy, decrypt_finding, read_finding, region_bound_policy
from smrep.rules.replication.blockers import key_health, region_state
from smrep.rules.replication.diagnosis import diagnosis_row, is_unusable, outcome_of, region_findings, region_row
from smrep.rules.replication.findings import cross_account_findings, no_value
from smrep.rules.replication.key_failures import DEFAULT, normalized_key, via_service
from smrep.rules.replication.name_owner import NameLookup, NotChecked, our_replica
from smrep.rules.replication.region_step import with_replica_key
from smrep.rules.replication.replica_state import worst
from smrep.service.ports import Account, Keys, SecretsManager
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import (
    OPTIONAL_S,
    FoundSecret,
    answer_or_error,
    find_secrets,
    followed_replica_note,
    look_up_name,
    no_answer,
    pending_deletion,
    refusal_report,
    unreachable_primary_report,
)
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.preflight import PreflightChecks

PATIENCE_S = 6 * LOOK_S
"""Seconds to wait for one round of looks: botocore tries a Region that hangs three times."""
LATE = Finding(
    Kind.UNCHECKED,
    Severity.WARNING,
    "not fully checked: some answers did not come in time",
    "check whether you can reach KMS, IAM and the Region from here",
    Outcome.PENDING,
)


@dataclass(frozen=True, slots=True)
class Examination:
    """One secret under examination, with the looks and findings for each Region so far."""

    primary: Secret
    policy: Policy
    states: Mapping[str, bool] | None
    """Regions that the account has enabled; None if unknown."""
    looks: dict[Region, NameLookup] = field(default_factory=dict)
    findings: dict[Region, list[Finding]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True)
class Doctor:
    """Checks secrets, keys, Regions and credentials, and changes nothing."""

    aws: SecretsManager
    keys: Keys
    account: Account
    home: Region
    """Region for questions about the account."""
    targets: tuple[Target, ...] = ()
    """Empty: every Region that a primary lists."""
    reader: str | None = None
    """Role of an application that will read the replica."""
    expect_account: str | None = None
    health: PreflightChecks = field(init=False)

    def __post_init__(self) -> None:
        """Share one cache of keys and Regions."""
        self.health = PreflightChecks(self.aws, self.account, KmsKeys(self.keys))

    def examine(self, addresses: Sequence[SecretAddress]) -> tuple[SecretReport, ...]:
        """Return each secret with its findings per Region; without secrets, only Regions and keys.

        Raises:
            CredentialsError: no further call can succeed.
            UsageError: as for `status`.

        """
        if not addresses:
            return (self._without_secret(self._region_states()),) if self.targets else ()
        results = find_secrets(
            self.aws, addresses, follow=True, expect_account=self.expect_account, patience_s=PATIENCE_S
        )
        states = self._region_states()
        return tuple(self._report(result, states) for result in results)

    def _without_secret(self, states: Mapping[str, bool] | None) -> SecretReport:
        rows = tuple(parallel(partial(self._bare_row, states), self.targets))
        return SecretReport("-", worst(row.outcome for row in rows), primary_region=self.home, replicas=rows)

    def _bare_row(self, states: Mapping[str, bool] | None, target: Target) -> RegionReport:
        findings, key = region_state(target.region, states), target.kms_key
        if key and key != DEFAULT and not is_unusable(findings):
            description = self.health.key_check.key(key, target.region)
            instead = f"use another key: -r {target.region}=alias/NAME"
            findings += key_health(key, "the key", target.region, description, instead)
        return region_row(target.region, key, findings)

    def _report(self, lookup: FoundSecret, states: Mapping[str, bool] | None) -> SecretReport:
        primary = lookup.result
        regions = tuple(target.region for target in self.targets)
        if isinstance(primary, Problem):
            return unreachable_primary_report(lookup, primary, regions)
        check_regions([primary.region], regions)
        error = pending_deletion(primary)
        if error:
            return refusal_report(lookup, error)
        targets = self.targets or tuple(Target(entry.region) for entry in primary.replicas)
        policy = self._policy(primary) if self.reader else None
        chart = Examination(primary, policy, states if self.health.is_callers(primary) else None)
        whole, *single = parallel(
            lambda target: self._examine(chart, target) if target else self.health.of_primary(primary),
            [None, *targets],
            late=lambda target: (*(chart.findings[target.region] if target else ()), LATE),
            patience_s=PATIENCE_S,
        )
        empty = no_value(primary)
        not_looked = NotChecked(no_answer(primary.name))
        rows = tuple(
            diagnosis_row(primary, target, chart.looks.get(target.region, not_looked), (*findings, *whole, *empty))
            for target, findings in zip(targets, single, strict=True)
        )
        unread = () if rows or not self.reader else (f"{primary.name} has no replica to read; add a Region with -r",)
        said = () if rows else whole
        grave = next((finding for finding in said if finding.severity is Severity.ERROR), None)
        grave = grave or next((finding for finding in said if finding.kind is Kind.UNCHECKED), None)
        return SecretReport(
            name=primary.name,
            outcome=worst([outcome_of(whole), *(row.outcome for row in rows)]),
            arn=primary.arn,
            primary_region=primary.region,
            replicas=rows,
            error=Problem.about(grave, outcome_of((grave,))) if grave else None,
            cross_account=primary.cross_account,
            by_arn=primary.by_arn,
            findings=(*cross_account_findings(primary), *(() if rows else empty)),
            notes=(
                *followed_replica_note(lookup),
                *(finding.message for finding in said if finding is not grave),
                *unread,
            ),
        )

    def _region_states(self) -> Mapping[str, bool] | None:
        """Return which Regions the account has enabled, None if AWS does not answer soon."""
        (states,) = parallel(self.health.region_states, [self.home], late=lambda _: None, patience_s=OPTIONAL_S)
        return states

    def _examine(self, chart: Examination, target: Target) -> tuple[Finding, ...]:
        """Return all findings for a Region, or those so far if the rest takes too long."""
        region, primary, findings = target.region, chart.primary, chart.findings[target.region]
        seen = chart.looks[region] = look_up_name(self.aws, primary, region)
        findings += region_findings(primary, target, seen, chart.states)
        if is_unusable(tuple(findings)):
            return tuple(findings)
        entry = with_replica_key(primary.replica(region), our_replica(primary, seen))
        key = target.kms_key or (entry.kms_key_id if entry else None)
        findings += self.health.of_key(primary, Target(region, key))
        if entry:
            findings += self.health.key_check.findings(primary, target, entry)
        if self.reader:
            its = entry.kms_key_id if entry else key
            findings += self._for_reader(self.reader, primary, Target(region, its), chart.policy)
        return tuple(dict.fromkeys(findings))

    def _for_reader(self, role: str, primary: Secret, target: Target, policy: Policy) -> tuple[Finding, ...]:
        """Return whether the role can read the replica, or could once it exists."""
        region, key = target.region, target.kms_key
        arn = in_region(primary.arn, region)
        context = {
            "aws:RequestedRegion": region,
            "secretsmanager:SecretId": arn,
            "secretsmanager:VersionStage": "AWSCURRENT",
        }
        decision = self._simulated(role, "secretsmanager:GetSecretValue", arn, context)
        findings = (
            read_finding(role, primary, region, decision, policy),
            *region_bound_policy(primary, region, policy),
        )
        if key is None or normalized_key(key, region, primary.account) == DEFAULT:
            return findings
        description = self.health.key_check.of(primary, key, region)
        if isinstance(description, AwsError):
            return (*findings, *self.health.of_key(primary, target))
        through = {"kms:ViaService": via_service(region), "kms:EncryptionContext:SecretARN": arn}
        verdict = self._simulated(role, "kms:Decrypt", description.arn, {"aws:RequestedRegion": region, **through})
        decrypting = decrypt_finding(role, key, region, verdict)
        return (*findings, decrypting) if decrypting else findings

    def _simulated(self, role: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        return answer_or_error(lambda: self.account.simulate(self.home, role, action, resource, context))

    def _policy(self, primary: Secret) -> Policy:
        return answer_or_error(lambda: self.aws.policy(primary.arn, primary.region))
