"""Finds secrets in their Regions, explains why one was not found, and identifies the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from smrep.errors import AwsError, CredentialsError, NotFound, Outcome, Refused, Unanswered, Unsupported
from smrep.model import FAILED, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.hints import aws_command, format_command, format_command_on
from smrep.rules.primary_region import SecretAddress, check_account
from smrep.rules.replication.findings import far_findings
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked, telling
from smrep.rules.replication.replica_comparison import Listed
from smrep.service.ports import Account, Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import LOOK_S, parallel, time_left

T = TypeVar("T")

_THROTTLED_S = 20.0
"""For so long the first look goes on against throttling: nothing is shown meanwhile."""


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """One secret as the first look shows it, or what went wrong in its place."""

    address: SecretAddress
    what: Secret | Problem
    replica: Secret | None = None
    """The replica that was asked for and followed to its primary, if it was one."""


class Describes(Protocol):
    """Whoever describes a secret."""

    def describe(self, secret_id: str, region: Region, /) -> Secret:
        """Return the secret as that Region shows it."""


@dataclass(frozen=True, slots=True)
class _Patient:
    """Describes a secret, and asks AWS again where it throttles: up to the deadline, for 20 s at most."""

    aws: Describes
    clock: Clock
    deadline: float
    """In the clock's seconds."""

    def describe(self, secret_id: str, region: Region, /) -> Secret:
        """Return the secret as that Region shows it.

        Raises:
            AwsError: AWS did not show it.

        """
        from smrep.service.steps.polling import past_throttling

        until = min(self.deadline, self.clock.monotonic() + _THROTTLED_S)
        return past_throttling(self.clock, until)(self.aws.describe, secret_id, region)


def find_secrets(  # noqa: PLR0913 - two ways to be patient
    aws: Describes,
    addresses: Sequence[SecretAddress],
    *,
    follow: bool,
    expect_account: str | None,
    run: RunState | None = None,
    patience_s: float | None = None,
) -> tuple[FoundSecret, ...]:
    """Return each secret once, in the order asked; with `follow`, a replica leads to its primary.

    With a run, AWS is asked again where it throttles, and what has not answered at the run's deadline is an error in
    its place; without one, what has not answered after `patience_s`.

    Raises:
        CredentialsError: no further call can succeed.
        UsageError: a secret is of another account than the one expected.

    """
    describer = _Patient(aws, run.clock, run.deadline) if run else aws
    found = parallel(
        lambda address: _look(describer, address, follow=follow),
        tuple(dict.fromkeys(addresses)),
        late=lambda address: FoundSecret(
            address,
            replace(Problem.of(no_answer(f"{address.secret_id} in {address.region}")), outcome=Outcome.PENDING),
        ),
        patience_s=time_left(run.clock, run.deadline) if run else patience_s,
    )
    unique: dict[str, FoundSecret] = {}
    for each in found:
        secret = each.what if isinstance(each.what, Secret) else each.replica
        if secret is not None:
            check_account(secret.account, expect_account, secret.arn)
        unique.setdefault(each.what.arn if isinstance(each.what, Secret) else each.address.secret_id, each)
    return tuple(unique.values())


def _look(aws: Describes, address: SecretAddress, *, follow: bool) -> FoundSecret:
    by_arn = address.secret_id.startswith("arn:")
    try:
        secret = replace(aws.describe(address.secret_id, address.region), by_arn=by_arn)
    except CredentialsError:
        raise
    except AwsError as error:
        return FoundSecret(address, explain_lookup_error(error, address))
    if not (follow and secret.is_replica and secret.primary_region):
        return FoundSecret(address, secret)
    try:
        primary = aws.describe(in_region(secret.arn, secret.primary_region), secret.primary_region)
    except AwsError as error:
        return FoundSecret(address, Problem.of(error), secret)
    return FoundSecret(address, replace(primary, by_arn=by_arn), secret)


def refreshed(aws: Describes, secret: Secret) -> Secret:
    """Return the secret as its Region shows it now.

    Raises:
        AwsError: AWS did not show it.

    """
    return replace(aws.describe(secret.arn, secret.region), by_arn=secret.by_arn)


def answer_or_error(call: Callable[[], T]) -> T | AwsError:
    """Return the answer, or the error in its place.

    Raises:
        AwsError: no further call can succeed.

    """
    try:
        return call()
    except AwsError as error:
        if error.ends_the_run:
            raise
        return error


def look_up_name(aws: SecretsManager, primary: Secret, region: Region) -> NameLookup:
    """Return what bears the primary's name in the Region; an error there is no absence, except 'not found'.

    A primary that was asked for by its ARN is looked for by that. Only its own account can then tell by its name what
    else may be in its place. Where STS does not tell whose the credentials are, a secret of the name and of that
    account tells enough; that there is none tells nothing.

    Raises:
        CredentialsError: no further call can succeed.

    """
    found = answer_or_error(lambda: aws.describe(primary.id_in(region), region))
    if primary.by_arn and isinstance(found, NotFound):
        known = is_callers(aws, primary)
        if known is False:
            return Absent(to_the_arn=True)
        found = answer_or_error(lambda: aws.describe(primary.name, region))
        another = isinstance(found, Secret) and found.account != primary.account
        if isinstance(known, AwsError) and (another or isinstance(found, NotFound)):
            return Absent(to_the_arn=True, unknown_caller=known)
    if isinstance(found, AwsError):
        return Absent() if isinstance(found, NotFound) else NotChecked(found)
    if found.account != primary.account:
        return NotChecked(Refused(f"the name there is of account {found.account}", f"{primary.name} in {region}"))
    return replace(found, by_arn=primary.by_arn)


def is_callers(aws: SecretsManager, secret: Secret) -> bool | AwsError:
    """Tell whether the secret is of the caller's account, or why STS does not tell.

    Raises:
        AwsError: no further call can succeed.

    """
    caller = answer_or_error(lambda: aws.caller(secret.region))
    return caller if isinstance(caller, AwsError) else caller.split(":")[4] == secret.account


def list_versions(aws: SecretsManager, secret: Secret) -> Listed:
    """Return the versions of a secret, why they can't be listed, or None where the endpoint has no such operation.

    What an emulator without it shows is what DescribeSecret does.

    Raises:
        CredentialsError: no further call can succeed.

    """
    found = answer_or_error(lambda: aws.versions(secret.arn, secret.region))
    return None if isinstance(found, Unsupported) else found


def of_another_account(aws: SecretsManager, secret_id: str, secret: Secret) -> Problem | None:
    """Return the trouble of a secret that may be of another account in a run over many, which asks by name; else None.

    By name, another account's replica would be taken for nothing there.
    """
    known = is_callers(aws, secret) if secret_id.startswith("arn:") else True
    if known is True:
        return None
    alone = "a run over many secrets is about one account"
    if isinstance(known, AwsError):
        return Problem(
            "Unchecked",
            f"whether {secret.arn} is of the credentials' account could not be checked, and {alone}: {known.message}",
            telling(known),
            known.request_id,
            Outcome.ACCESS,
        )
    return Problem(
        "OtherAccount",
        f"{secret.arn} is of another account than the credentials, and {alone}",
        f"use credentials of account {secret.account}: --role-arn ROLE_ARN",
        None,
        Outcome.ACCESS,
    )


def explain_lookup_error(error: AwsError, address: SecretAddress) -> Problem:
    """Return the error with a hint for the commonest mistake: the right name in the wrong Region."""
    if isinstance(error, NotFound) and not error.hint:
        name, listed = address.secret_id, format_command("list", [], primary_region=address.region)
        more = (
            f"the name ({listed}); elsewhere: {format_command('status', [name], flags=['--primary-region', 'REGION'])}"
        )
        if name.startswith("arn:"):
            more = f"the ARN, which ends in a hyphen and six characters that AWS chose ({listed})"
        error.hint = f"check the account ({aws_command('sts get-caller-identity')}) and {more}"
    return Problem.of(error)


def no_answer(subject: str) -> Unanswered:
    """Return the error for a look that took longer than there was time for."""
    return Unanswered("not looked at in time", subject, "check the network, or allow more time")


def refusal_report(found: FoundSecret, error: Problem) -> SecretReport:
    """Return the report of a secret that ended before it began."""
    secret = found.what
    if isinstance(secret, Problem):
        return SecretReport(found.address.secret_id, error.outcome, primary_region=found.address.region, error=error)
    home = secret.primary_region or secret.region
    return SecretReport(
        secret.name,
        error.outcome,
        in_region(secret.arn, home),
        home,
        error=error,
        cross_account=secret.cross_account,
        findings=far_findings(secret),
    )


def not_a_primary(secret: Secret, command: str, targets: Sequence[Target], flags: Sequence[str] = ()) -> Problem | None:
    """Return why this secret can't be the primary that a command changes, None where it can.

    A replica is refused with the command to run instead, which leaves out the primary's own Region.
    """
    home = secret.primary_region
    if not secret.is_replica or home is None:
        return pending_deletion(secret)
    elsewhere = [target for target in targets if target.region != home]
    instead = format_command(
        command if elsewhere or not targets else "status",
        [secret.id_in(home)],
        primary_region=home,
        targets=elsewhere,
        flags=flags if elsewhere or not targets else (),
    )
    return Problem(
        "is_replica",
        f"{secret.name} in {secret.region} is a replica; its primary is in {home}",
        instead,
        None,
        Outcome.FAILED,
    )


def without_replicas(primary: Secret, what: str) -> Problem:
    """Return the trouble of a secret without replicas where there is nothing to do without one."""
    return Problem(
        "NoReplicas",
        f"{primary.name} has no replicas: there is nothing to {what}",
        format_command_on(primary, "replicate", flags=["-r", "REGION"]),
        None,
        Outcome.FAILED,
    )


def pending_deletion(secret: Secret) -> Problem | None:
    """Return the trouble of a secret that is scheduled for deletion, None for any other."""
    if secret.deleted is None:
        return None
    return Problem(
        "pending_deletion",
        f"{secret.name} in {secret.region} was marked for deletion at {secret.deleted:%Y-%m-%dT%H:%M:%SZ}",
        aws_command("secretsmanager restore-secret", secret_id=secret.arn, region=secret.region),
        None,
        Outcome.FAILED,
    )


def troubles_elsewhere(secret: Secret, asked: Collection[Region]) -> tuple[str, ...]:
    """Return a note for each Region that was not asked for and has Failed."""
    return tuple(
        f"{secret.name} has Failed in {entry.region}, which was not asked for: {entry.message or 'no reason given'}"
        for entry in secret.replicas
        if entry.status == FAILED and entry.region not in asked
    )


ASIDE_S = 2 * LOOK_S
"""For how long STS and the account's Regions are waited for: they are asked besides, and nothing hangs on them."""


def followed_replica_note(found: FoundSecret) -> tuple[str, ...]:
    """Return the note that a replica was asked for and its primary is reported."""
    if found.replica is None:
        return ()
    where = found.replica.primary_region
    return (f"{found.replica.name} in {found.replica.region} is a replica; its primary in {where} is what is reported",)


def unreachable_primary_report(found: FoundSecret, error: Problem, regions: tuple[Region, ...]) -> SecretReport:
    """Return the report of a secret whose primary could not be described.

    Where a replica was asked for and only its primary does not answer, what the replica itself shows is reported.
    """
    replica = found.replica
    if replica is None or replica.primary_region is None:
        return refusal_report(found, error)
    dead = error.code == "ResourceNotFoundException"
    if not dead and error.outcome is Outcome.FAILED:
        error = replace(error, outcome=Outcome.PENDING)
    finding = Finding(
        Kind.ORPHAN if dead else Kind.IS_REPLICA,
        Severity.ERROR if dead else Severity.WARNING,
        f"{replica.name} in {replica.region} is a replica of {replica.primary_region}, "
        + ("where its primary is no more" if dead else "which does not tell its state; this is what the replica shows"),
        aws_command("secretsmanager stop-replication-to-replica", secret_id=replica.arn, region=replica.region)
        + " makes it stand alone"
        if dead
        else format_command("status", [replica.id_in(replica.primary_region)], primary_region=replica.primary_region),
    )

    def shown(region: Region) -> RegionReport:
        if region != replica.region:
            return RegionReport(region, error.outcome)
        return RegionReport(
            region,
            error.outcome,
            arn=replica.arn,
            kms_key_id=replica.kms_key_id,
            last_accessed=replica.last_accessed,
            findings=(finding,),
        )

    return SecretReport(
        name=replica.name,
        outcome=error.outcome,
        arn=None if dead else in_region(replica.arn, replica.primary_region),
        primary_region=replica.primary_region,
        replicas=tuple(shown(region) for region in regions or (replica.region,)),
        error=error,
        cross_account=replica.cross_account,
        findings=far_findings(replica),
    )


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who is behind the credentials; `arn` is None where STS did not tell, for the reason `why`."""

    arn: str | None
    why: str = ""

    @property
    def account(self) -> str | None:
        """The account's twelve digits."""
        return self.arn.split(":")[4] if self.arn else None

    @property
    def sentence(self) -> str:
        """Whose credentials these are, in words."""
        return (
            f"the credentials are of {self.arn}" if self.arn else f"whose credentials these are is not told: {self.why}"
        )

    def strangers(self, secrets: Sequence[SecretReport]) -> list[str]:
        """Return the ARNs of the secrets that belong to another account."""
        owned = [(each.arn, each.arn.split(":")[4]) for each in secrets if each.arn and self.account]
        return [arn for arn, account in owned if account != self.account]


def identify_caller(account: Account, home: Region) -> CallerIdentity:
    """Ask STS in a Region whose the credentials are.

    Raises:
        CredentialsError: they are not accepted.

    """

    def ask(_: None) -> CallerIdentity:
        try:
            return CallerIdentity(account.caller(home))
        except CredentialsError:
            raise
        except AwsError as error:
            return CallerIdentity(None, error.message)

    (found,) = parallel(ask, [None], late=lambda _: CallerIdentity(None, "no answer came in time"), patience_s=ASIDE_S)
    return found
