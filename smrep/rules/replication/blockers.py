"""What would stop a replication before it begins: keys, Regions, and who manages the secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from smrep.errors import AwsError, NotFound, Outcome
from smrep.model import Key, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import DEFAULT, normal
from smrep.rules.replication.region_step import Add, Overwrite, RegionStep, Retry, had_failed, skip
from smrep.rules.replication.replica_comparison import CURRENT


def key_health(  # noqa: PLR0913 - `owner` alone is not about the key
    name: str, what: str, region: Region, known: Key | AwsError, instead: str, *, owner: str = ""
) -> tuple[Finding, ...]:
    """Return why Secrets Manager can't use a key, nothing where it can; `what` the key is to, `instead` names another.

    `owner` says with whose credentials the key can be mended.

    Source: aws-behavior.md 4 'Preflight'; API_KeyMetadata.
    """
    described = f"{what} {name} in {region}"
    if isinstance(known, NotFound):
        hint = f"{owner}list the keys there are: {aws_command('kms list-aliases', region=region)}; then: {instead}"
        return (Finding(Kind.KEY_MISSING, Severity.ERROR, f"{described} does not exist: {known.words}", hint),)
    if isinstance(known, AwsError):
        return (unchecked(described, known, f"kms:DescribeKey in {region}"),)
    if known.state != "Enabled":
        if known.state is None:
            return _unsure(f"KMS does not tell the state of {described}", owner + _describe(name, region))
        message = f"{described} is not enabled, its state is {known.state}"
        return (Finding(Kind.KEY_DISABLED, Severity.ERROR, message, owner + _mend(known.arn, region, known.state)),)
    if known.usage not in (None, "ENCRYPT_DECRYPT") or known.spec not in (None, "SYMMETRIC_DEFAULT"):
        message = f"{described} is no symmetric encryption key but {known.spec}, {known.usage}"
        return (Finding(Kind.KEY_UNUSABLE, Severity.ERROR, message, instead),)
    return ()


@dataclass(frozen=True, slots=True)
class RequiredKey:
    """A customer's key that the primary can't do without."""

    key: str
    version: Version | None = None
    """The old version that is under it; None where it is the secret's own."""

    @property
    def what(self) -> str:
        """What the key is to the primary."""
        if self.version is None:
            return "the primary's own key"
        return f"the key of version {self.version.version_id} ({', '.join(self.version.stages)}) of the primary,"

    def cure(self, primary: Secret) -> str:
        """Return what to type where the key can't be used."""
        secret = {"secret_id": primary.arn, "region": primary.region}
        value = {"secret_string": "file://VALUE"}
        if self.version is None:  # under another key alone, its versions would stay where nobody can read them
            anew = aws_command("secretsmanager update-secret", **secret, kms_key_id="alias/NAME", **value)
            return f"put a new value under another key: {anew}"
        if CURRENT in self.version.stages:
            anew = aws_command("secretsmanager put-secret-value", **secret, **value)
            return f"put a new value, since AWS lets nobody take {CURRENT} off a version: {anew}"
        old = self.version.version_id
        return "mend that key, or take its label off the old version: " + "; ".join(
            aws_command(
                "secretsmanager update-secret-version-stage", **secret, version_stage=stage, remove_from_version_id=old
            )
            for stage in self.version.stages
        )


def required_keys(primary: Secret, versions: Iterable[Version]) -> Iterator[RequiredKey]:
    """Yield each customer's key that the primary needs, once.

    An old version that bears a label fails a replication too, also after the secret was given another key.
    Source: aws-behavior.md 2.2.
    """
    seen = {DEFAULT}
    own = RequiredKey(primary.kms_key_id or DEFAULT)
    labelled = (version for version in versions if version.stages)
    for need in [own, *(RequiredKey(key, version) for version in labelled for key in version.keys[:1])]:
        short = normal(need.key, primary.region, primary.account)
        if short not in seen:
            seen.add(short)
            yield need


def other_key(command: str, primary: Secret, region: Region) -> str:
    """Return the command with another key for that Region, to be filled in."""
    return format_command_on(primary, command, [Target(region, "alias/NAME")])


def region_state(region: Region, states: Mapping[str, bool] | None) -> tuple[Finding, ...]:
    """Return why a Region can't be used, given the account's Regions; `unchecked` where those are not known."""
    if states is None:
        message = f"whether {region} is enabled for this account could not be checked"
        return _unsure(message, "allow account:ListRegions or ec2:DescribeRegions")
    if region not in states:
        message, hint = f"AWS lists no Region {region} for this account", "check its name: aws account list-regions"
        return (Finding(Kind.REGION_UNKNOWN, Severity.ERROR, message, hint),)
    if not states[region]:
        hint = aws_command("account enable-region", region_name=region)
        return (Finding(Kind.REGION_DISABLED, Severity.ERROR, f"{region} is not enabled for this account", hint),)
    return ()


def managed(secret: Secret) -> tuple[Finding, ...]:
    """Return the warning for a secret that an AWS service manages. Source: aws-behavior.md 3 'Managed secrets'."""
    service, mark, _ = secret.name.partition("!")
    owner = secret.owning_service or (service if mark else None)
    if not owner:
        return ()
    message = f"{secret.name} is managed by the AWS service {owner}, which may forbid its replication or undo it"
    return (
        Finding(Kind.MANAGED, Severity.WARNING, message, "see that service's own way to have it in another Region"),
    )


def with_blockers(step: RegionStep, findings: tuple[Finding, ...]) -> RegionStep:
    """Return the step with what was found before it, stopped where that is a definite no."""
    if not isinstance(step, Add | Retry | Overwrite) or not findings:
        return step
    no = next((each for each in findings if each.severity is Severity.ERROR), None)
    doubt = next((each for each in findings if each.kind is Kind.UNCHECKED), None)
    if no is None and doubt and isinstance(step, Overwrite):  # for what destroys, a doubt is a no
        sure = replace(
            doubt,
            severity=Severity.ERROR,
            message=f"nothing is overwritten in doubt, and {doubt.message}",
            hint="; or ".join(filter(None, (doubt.hint, "--no-preflight"))),
        )
        others = (each for each in findings if each is not doubt)
        outcome = Outcome.ACCESS if doubt.outcome is Outcome.ACCESS else Outcome.FAILED
        return replace(skip(step.target, sure, outcome), findings=(sure, *step.findings, *others))
    if no is None:
        return replace(step, findings=(*step.findings, *findings))
    hopeless = no.kind in (Kind.REGION_DISABLED, Kind.REGION_UNKNOWN)
    before = [each for each in step.findings if not (hopeless and each.kind is Kind.UNCHECKED)]  # the Region is why
    if isinstance(step, Retry):
        before = [had_failed(step.before) if each.kind is Kind.FAILED else each for each in before]
    return replace(skip(step.target, no), findings=(*before, *findings))


def _mend(arn: str, region: Region, state: str) -> str:
    enable = aws_command("kms enable-key", key_id=arn, region=region)  # an alias will not do
    if state == "Disabled":
        return enable
    if state == "PendingDeletion":
        return f"{aws_command('kms cancel-key-deletion', key_id=arn, region=region)}; then: {enable}"
    return _describe(arn, region)


def _describe(name: str, region: Region) -> str:
    return aws_command("kms describe-key", key_id=name, region=region)


def _unsure(message: str, hint: str) -> tuple[Finding, ...]:
    return (Finding(Kind.UNCHECKED, Severity.WARNING, message, hint),)
