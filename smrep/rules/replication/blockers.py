"""Findings that block a replication before it begins: keys, Regions, and managed secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import Key, Listed, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on, step, steps
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import DEFAULT, normalized_key
from smrep.rules.replication.region_step import Add, Overwrite, RegionStep, Retry, had_failed, skip
from smrep.rules.replication.replica_comparison import CURRENT


def key_health(  # noqa: PLR0913 - only `owner` is not about the key
    name: str, role: str, region: Region, metadata: Key | AwsError, instead: str, *, owner: str = ""
) -> tuple[Finding, ...]:
    """Return why Secrets Manager cannot use a key, nothing if it can; `role` describes it, `instead` suggests another.

    `owner` says whose credentials can repair the key.

    Source: aws-behavior.md 4 'Preflight'; API_KeyMetadata.
    """
    described = f"{role} {name} in {region}"
    if isinstance(metadata, NotFound):
        aliases = aws_command("kms list-aliases", region=region)
        hint = steps(step(f"{owner}list the keys in {region}", aliases), instead)
        return (Finding(Kind.KEY_MISSING, Severity.ERROR, f"{described} does not exist: {metadata.words}", hint),)
    if isinstance(metadata, AwsError):
        return (unchecked(described, metadata, f"kms:DescribeKey in {region}"),)
    if metadata.state != "Enabled":
        if metadata.state is None:
            return _not_checked(
                f"KMS does not return the state of {described}", step(f"{owner}check the key", _describe(name, region))
            )
        message = f"{described} is not enabled: its state is {metadata.state}"
        return (
            Finding(
                Kind.KEY_DISABLED, Severity.ERROR, message, _enable_key(owner, metadata.arn, region, metadata.state)
            ),
        )
    if metadata.usage not in (None, "ENCRYPT_DECRYPT") or metadata.spec not in (None, "SYMMETRIC_DEFAULT"):
        message = f"{described} is not a symmetric encryption key: it is {metadata.spec}, {metadata.usage}"
        return (Finding(Kind.KEY_UNUSABLE, Severity.ERROR, message, instead),)
    return ()


@dataclass(frozen=True, slots=True)
class RequiredKey:
    """A customer-managed key that the primary needs."""

    key: str
    version: Version | None = None
    """The old version that it encrypts; None for the secret's own key."""

    @property
    def subject(self) -> str:
        """The key's role for the primary."""
        if self.version is None:
            return "the primary's own key"
        return f"the key of version {self.version.version_id} ({', '.join(self.version.stages)}) of the primary,"

    def cure(self, primary: Secret) -> str:
        """Return the commands that fix an unusable key."""
        secret = {"secret_id": primary.arn, "region": primary.region}
        value = {"secret_string": "file://VALUE"}
        if self.version is None:  # a new key alone would leave the versions unreadable
            anew = aws_command("secretsmanager update-secret", **secret, kms_key_id="alias/NAME", **value)
            return step("put a new value under another key", anew)
        if CURRENT in self.version.stages:
            anew = aws_command("secretsmanager put-secret-value", **secret, **value)
            return step(f"put a new value, since AWS does not let you take {CURRENT} off a version", anew)
        old = self.version.version_id
        unlabel = [
            aws_command(
                "secretsmanager update-secret-version-stage", **secret, version_stage=stage, remove_from_version_id=old
            )
            for stage in self.version.stages
        ]
        return step("fix that key, or take the label off the old version", *unlabel)


def required_keys(primary: Secret, versions: Iterable[Version]) -> Iterator[RequiredKey]:
    """Yield each customer-managed key that the primary needs, once.

    A labeled old version can fail a replication too, even after the secret moved to another key.
    Source: aws-behavior.md 2.2.
    """
    seen = {DEFAULT}
    secret_key = RequiredKey(primary.kms_key_id or DEFAULT)
    labelled = (version for version in versions if version.stages)
    for need in [secret_key, *(RequiredKey(key, version) for version in labelled for key in version.keys[:1])]:
        short = normalized_key(need.key, primary.region, primary.account)
        if short not in seen:
            seen.add(short)
            yield need


def with_other_key(command: str, primary: Secret, region: Region) -> str:
    """Return the hint to use another key in that Region."""
    return step(f"use another key in {region}", format_command_on(primary, command, [Target(region, "alias/NAME")]))


def region_state(region: Region, states: Mapping[str, bool] | None) -> tuple[Finding, ...]:
    """Return why the account cannot use a Region; `unchecked` if its Regions are unknown."""
    if states is None:
        message = f"smrep could not check whether {region} is enabled for this account"
        return _not_checked(message, "allow account:ListRegions or ec2:DescribeRegions")
    if region not in states:
        message, hint = (
            f"AWS lists no Region {region} for this account",
            step("check its name", "aws account list-regions"),
        )
        return (Finding(Kind.REGION_UNKNOWN, Severity.ERROR, message, hint),)
    if not states[region]:
        hint = step("enable it", aws_command("account enable-region", region_name=region))
        return (Finding(Kind.REGION_DISABLED, Severity.ERROR, f"{region} is not enabled for this account", hint),)
    return ()


def managing_service(secret: Secret | Listed) -> str | None:
    """Return the AWS service that manages the secret, if any. Source: aws-behavior.md 3 'Managed secrets'."""
    service, mark, _ = secret.name.partition("!")
    return secret.owning_service or (service if mark else None)


def managed_warning(secret: Secret) -> tuple[Finding, ...]:
    """Return the warning for a secret that an AWS service manages."""
    owner = managing_service(secret)
    if not owner:
        return ()
    message = f"{secret.name} is managed by the AWS service {owner}, which may forbid or undo its replication"
    return (Finding(Kind.MANAGED, Severity.WARNING, message, "use that service's own way to replicate it"),)


def with_blockers(step: RegionStep, findings: tuple[Finding, ...]) -> RegionStep:
    """Return the step with the findings of the checks; an error skips it."""
    if not isinstance(step, Add | Retry | Overwrite):
        return step
    no = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    doubt = next((finding for finding in findings if finding.kind is Kind.UNCHECKED), None)
    if no is None and doubt and isinstance(step, Overwrite):  # never destroy in doubt
        sure = replace(
            doubt,
            severity=Severity.ERROR,
            message=f"smrep overwrites only after a successful check, and {doubt.message}",
            hint=steps(doubt.hint, "or skip the check: --no-preflight"),
        )
        others = (finding for finding in findings if finding is not doubt)
        outcome = Outcome.ACCESS if doubt.outcome is Outcome.ACCESS else Outcome.FAILED
        return replace(skip(step.target, sure, outcome), findings=(sure, *step.findings, *others))
    if no is None:
        return replace(step, findings=(*step.findings, *findings))
    hopeless = no.kind in (Kind.REGION_DISABLED, Kind.REGION_UNKNOWN)
    before = [
        finding for finding in step.findings if not (hopeless and finding.kind is Kind.UNCHECKED)
    ]  # the Region explains it
    if isinstance(step, Retry):
        before = [had_failed(step.before) if finding.kind is Kind.FAILED else finding for finding in before]
    return replace(skip(step.target, no), findings=(*before, *findings))


def _enable_key(owner: str, arn: str, region: Region, state: str) -> str:
    enable = aws_command("kms enable-key", key_id=arn, region=region)  # an alias does not work here
    if state == "Disabled":
        return step(f"{owner}enable the key", enable)
    if state == "PendingDeletion":
        cancel = aws_command("kms cancel-key-deletion", key_id=arn, region=region)
        return step(f"{owner}cancel the deletion and enable the key", cancel, enable)
    return step(f"{owner}check the key", _describe(arn, region))


def _describe(name: str, region: Region) -> str:
    return aws_command("kms describe-key", key_id=name, region=region)


def _not_checked(message: str, hint: str) -> tuple[Finding, ...]:
    return (Finding(Kind.UNCHECKED, Severity.WARNING, message, hint),)
