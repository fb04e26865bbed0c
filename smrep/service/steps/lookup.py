"""Find secrets in their Regions, explain lookup errors, and identify the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from itertools import accumulate
from typing import TypeVar

from smrep.errors import AwsError, CredentialsError, NotFound, Outcome, Refused, Unanswered, Unsupported, UsageError
from smrep.model import FAILED, Filter, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.hints import aws_command, format_command, format_command_on, step, steps
from smrep.rules.primary_region import SecretAddress, check_account, check_regions
from smrep.rules.replication.findings import cross_account_findings
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked, caller_hint
from smrep.rules.replication.replica_comparison import Listed
from smrep.service.ports import Account, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import LOOK_S, parallel, time_left

T = TypeVar("T")

_MISTYPED = 3
"""Unknown names, up to which a similar one is looked for: a person typed them, not a program."""
_FOLDERS = 3
_SIMILARITY = 0.8
_THROTTLED_S = 20.0
"""Seconds that the first look retries throttled calls, because nothing is shown meanwhile."""


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """One secret as first looked up, or the problem."""

    address: SecretAddress
    result: Secret | Problem
    replica: Secret | None = None
    """The replica that you named, if smrep followed it to its primary."""


def _describe_patiently(aws: SecretsManager, run: RunState, secret_id: str, region: Region) -> Secret:
    """Describe a secret; retry throttled calls until the deadline, for 20 s at most."""
    from smrep.service.steps.polling import retry_throttled

    until = min(run.deadline, run.clock.monotonic() + _THROTTLED_S)
    secret: Secret = retry_throttled(run.clock, until)(aws.describe, secret_id, region)
    return secret


def find_secrets(  # noqa: PLR0913 - two ways to be patient
    aws: SecretsManager,
    addresses: Sequence[SecretAddress],
    *,
    follow: bool,
    expect_account: str | None,
    run: RunState | None = None,
    patience_s: float | None = None,
) -> tuple[FoundSecret, ...]:
    """Return each secret once, in the order requested; `follow` replaces a replica with its primary.

    With a run, retry throttled calls, and return an error for calls without an answer at the run's deadline; without a
    run, after `patience_s`.

    Raises:
        CredentialsError: no further call can succeed.
        UsageError: a secret belongs to another account than expected.

    """
    describe = partial(_describe_patiently, aws, run) if run else aws.describe
    results = parallel(
        lambda address: _look(describe, address, follow=follow),
        tuple(dict.fromkeys(addresses)),
        late=lambda address: FoundSecret(
            address,
            replace(Problem.of(no_answer(f"{address.secret_id} in {address.region}")), outcome=Outcome.PENDING),
        ),
        patience_s=time_left(run.clock, run.deadline) if run else patience_s,
    )
    unknown = {
        lookup.address: lookup.result
        for lookup in results
        if isinstance(lookup.result, Problem)
        and lookup.result.code == "ResourceNotFoundException"
        and not lookup.address.secret_id.startswith("arn:")
    }
    unique: dict[str, FoundSecret] = {}
    for lookup in results:
        if lookup.address in unknown and len(unknown) <= _MISTYPED:
            lookup = _suggest(aws, lookup, unknown[lookup.address])  # noqa: PLW2901
        secret = lookup.result if isinstance(lookup.result, Secret) else lookup.replica
        if secret is not None:
            check_account(secret.account, expect_account, secret.arn)
        unique.setdefault(lookup.result.arn if isinstance(lookup.result, Secret) else lookup.address.secret_id, lookup)
    return tuple(unique.values())


def _look(describe: Callable[[str, Region], Secret], address: SecretAddress, *, follow: bool) -> FoundSecret:
    by_arn = address.secret_id.startswith("arn:")
    try:
        secret = replace(describe(address.secret_id, address.region), by_arn=by_arn)
    except CredentialsError:
        raise
    except AwsError as error:
        return FoundSecret(address, explain_lookup_error(error, address))
    if not (follow and secret.is_replica and secret.primary_region):
        return FoundSecret(address, secret)
    try:
        primary = describe(in_region(secret.arn, secret.primary_region), secret.primary_region)
    except AwsError as error:
        return FoundSecret(address, Problem.of(error), secret)
    return FoundSecret(address, replace(primary, by_arn=by_arn), secret)


def _suggest(aws: SecretsManager, lookup: FoundSecret, unknown: Problem) -> FoundSecret:
    """Return the lookup with a hint that names the most similar secret, if lists may be read and show one.

    Looks among the first secrets of the nearest folder that has any: most typing mistakes are in the last part.
    """
    name, region = lookup.address.secret_id, lookup.address.region
    folders = list(accumulate(part + "/" for part in name.split("/")[:-1]))
    try:
        for folder in [*reversed(folders), ""][:_FOLDERS]:
            page = aws.list_page(region, [Filter("name", (folder,))] if folder else [], None, with_deleted=False)
            if similar := get_close_matches(name, [entry.name for entry in page.entries], n=1, cutoff=_SIMILARITY):
                look = format_command("status", similar, primary_region=region)
                hint = steps(step("did you mean this one", look), _look_elsewhere(name))
                return replace(lookup, result=replace(unknown, hint=hint))
    except AwsError:
        pass
    return lookup


def refreshed(aws: SecretsManager, secret: Secret) -> Secret:
    """Describe the secret again in its Region.

    Raises:
        AwsError: AWS did not return it.

    """
    return replace(aws.describe(secret.arn, secret.region), by_arn=secret.by_arn)


def answer_or_error(call: Callable[[], T]) -> T | AwsError:
    """Return the answer, or the error.

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
    """Look up the primary's name in the Region; only 'not found' means that it is absent.

    A primary given by ARN is looked up by ARN; only its own account can then check the name as well. If STS does not
    answer, a secret with that name in that account is proof enough, but a missing one proves nothing.

    Raises:
        CredentialsError: no further call can succeed.

    """
    answer = answer_or_error(lambda: aws.describe(primary.id_in(region), region))
    if primary.by_arn and isinstance(answer, NotFound):
        callers = is_callers(aws, primary)
        if callers is False:
            return NoSecret(only_by_arn=True)
        answer = answer_or_error(lambda: aws.describe(primary.name, region))
        another = isinstance(answer, Secret) and answer.account != primary.account
        if isinstance(callers, AwsError) and (another or isinstance(answer, NotFound)):
            return NoSecret(only_by_arn=True, unknown_caller=callers)
    if isinstance(answer, AwsError):
        return NoSecret() if isinstance(answer, NotFound) else NotChecked(answer)
    if answer.account != primary.account:
        return NotChecked(Refused(f"account {answer.account} has a secret of that name", f"{primary.name} in {region}"))
    return replace(answer, by_arn=primary.by_arn)


def is_callers(aws: SecretsManager, secret: Secret) -> bool | AwsError:
    """Return whether the secret belongs to the caller's account, or the error of STS.

    Raises:
        AwsError: no further call can succeed.

    """
    caller = answer_or_error(lambda: aws.caller(secret.region))
    return caller if isinstance(caller, AwsError) else caller.split(":")[4] == secret.account


def list_versions(aws: SecretsManager, secret: Secret) -> Listed:
    """Return the secret's versions, the error, or None if the endpoint cannot list versions.

    For such an emulator, DescribeSecret has to do.

    Raises:
        CredentialsError: no further call can succeed.

    """
    answer = answer_or_error(lambda: aws.versions(secret.arn, secret.region))
    return None if isinstance(answer, Unsupported) else answer


def of_another_account(aws: SecretsManager, secret_id: str, secret: Secret) -> Problem | None:
    """Return the problem if a secret may belong to another account, else None.

    A run over many secrets asks by name, and would take another account's replica for absent.
    """
    callers = is_callers(aws, secret) if secret_id.startswith("arn:") else True
    if callers is True:
        return None
    alone = "a run over many secrets covers one account"
    if isinstance(callers, AwsError):
        return Problem(
            "Unchecked",
            f"smrep could not check whether {secret.arn} belongs to the account of the credentials, and {alone}: "
            f"{callers.message}",
            caller_hint(callers),
            callers.request_id,
            Outcome.ACCESS,
        )
    return Problem(
        "OtherAccount",
        f"{secret.arn} belongs to another account than the credentials, and {alone}",
        f"use credentials of account {secret.account}: --role-arn ROLE_ARN",
        None,
        Outcome.ACCESS,
    )


def explain_lookup_error(error: AwsError, address: SecretAddress) -> Problem:
    """Return the error with a hint for the most common mistake: the right name in the wrong Region."""
    if isinstance(error, NotFound) and not error.hint:
        name, listed = address.secret_id, format_command("list", [], primary_region=address.region)
        account = step("check the account", aws_command("sts get-caller-identity"))
        if name.startswith("arn:"):
            ending = "check the ARN, which ends in a hyphen and six characters that AWS chose"
            error.hint = steps(account, step(ending, listed))
        else:
            error.hint = steps(account, step("check the name", listed), _look_elsewhere(name))
    return Problem.of(error)


def _look_elsewhere(name: str) -> str:
    return step("or look in another Region", format_command("status", [name], flags=["--primary-region", "REGION"]))


def no_answer(subject: str) -> Unanswered:
    """Return the error for a lookup that did not finish in time."""
    return Unanswered("not checked in time", subject, "check the network, or allow more time")


def refusal_report(lookup: FoundSecret, error: Problem) -> SecretReport:
    """Return the report of a secret that failed before any work began."""
    secret = lookup.result
    if isinstance(secret, Problem):
        return SecretReport(lookup.address.secret_id, error.outcome, primary_region=lookup.address.region, error=error)
    home = secret.primary_region or secret.region
    return SecretReport(
        secret.name,
        error.outcome,
        in_region(secret.arn, home),
        home,
        error=error,
        cross_account=secret.cross_account,
        findings=cross_account_findings(secret),
    )


def not_a_primary(secret: Secret, command: str, targets: Sequence[Target], flags: Sequence[str] = ()) -> Problem | None:
    """Return why a command cannot change this secret as a primary, None if it can.

    For a replica, suggest the command for its primary, without the primary's own Region.
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
        step("use the primary", instead),
        None,
        Outcome.FAILED,
    )


def primary_to_change(
    lookup: FoundSecret, command: str, targets: Sequence[Target], flags: Sequence[str] = ()
) -> Secret | SecretReport:
    """Return the primary if the command can change it, else the report of why it cannot."""
    if isinstance(lookup.result, Problem):
        return refusal_report(lookup, lookup.result)
    error = not_a_primary(lookup.result, command, targets, flags)
    return refusal_report(lookup, error) if error else lookup.result


def primary_to_watch(
    lookup: FoundSecret, regions: tuple[Region, ...], action: str
) -> tuple[Secret, tuple[Region, ...]] | SecretReport:
    """Return the primary with its wanted or else its listed Regions, or the report of why it has none.

    Raises:
        UsageError: a wanted Region is the primary's own or of another partition.

    """
    primary = lookup.result
    if isinstance(primary, Problem):
        return unreachable_primary_report(lookup, primary, regions)
    check_regions([primary.region], regions)
    regions = regions or tuple(entry.region for entry in primary.replicas)
    error = pending_deletion(primary) or (None if regions else without_replicas(primary, action))
    return refusal_report(lookup, error) if error else (primary, regions)


def without_replicas(primary: Secret, action: str) -> Problem:
    """Return the problem of a secret that needs replicas and has none."""
    return Problem(
        "NoReplicas",
        f"{primary.name} has no replicas to {action}",
        step("add one", format_command_on(primary, "replicate", flags=["-r", "REGION"])),
        None,
        Outcome.FAILED,
    )


def skip_without_replicas(
    lookups: Sequence[FoundSecret], run: RunState, targets: Sequence[Target] = ()
) -> tuple[FoundSecret, ...]:
    """Return the selected secrets with a replica in one of the Regions, or that could not be looked up.

    Notes how many are skipped. Without targets, any Region counts.

    Raises:
        UsageError: none of them has replicas.

    """
    regions = {target.region for target in targets}
    kept = tuple(
        lookup
        for lookup in lookups
        if isinstance(lookup.result, Problem)
        or lookup.result.deleted
        or any(not regions or entry.region in regions for entry in lookup.result.replicas)
    )
    where = f" in {' or '.join(target.region for target in targets)}" if targets else ""
    if not kept:
        raise UsageError(f"none of the {len(lookups)} selected secrets has replicas{where}")
    if skipped := len(lookups) - len(kept):
        run.note(f"{skipped} of {len(lookups)} selected secrets have no replicas{where} and were skipped")
    return kept


def pending_deletion(secret: Secret) -> Problem | None:
    """Return the problem of a secret that is scheduled for deletion, else None."""
    if secret.deleted is None:
        return None
    return Problem(
        "pending_deletion",
        f"{secret.name} in {secret.region} was scheduled for deletion at {secret.deleted:%Y-%m-%dT%H:%M:%SZ}",
        step("restore it", aws_command("secretsmanager restore-secret", secret_id=secret.arn, region=secret.region)),
        None,
        Outcome.FAILED,
    )


def troubles_elsewhere(secret: Secret, regions: Collection[Region]) -> tuple[str, ...]:
    """Return a note for each Region that Failed and was not requested."""
    return tuple(
        f"{secret.name} also Failed in {entry.region}, which you did not select: "
        + (entry.message or "AWS gave no reason")
        for entry in secret.replicas
        if entry.status == FAILED and entry.region not in regions
    )


OPTIONAL_S = 2 * LOOK_S
"""Seconds to wait for STS and the account's Regions, which are optional."""


def followed_replica_note(lookup: FoundSecret) -> tuple[str, ...]:
    """Return a note that you named a replica and smrep reports its primary."""
    if lookup.replica is None:
        return ()
    where = lookup.replica.primary_region
    return (f"{lookup.replica.name} in {lookup.replica.region} is a replica; smrep reports its primary in {where}",)


def unreachable_primary_report(lookup: FoundSecret, error: Problem, regions: tuple[Region, ...]) -> SecretReport:
    """Return the report of a secret whose primary could not be described.

    If you named a replica and only its primary does not answer, report the replica's own state.
    """
    replica = lookup.replica
    if replica is None or replica.primary_region is None:
        return refusal_report(lookup, error)
    dead = error.code == "ResourceNotFoundException"
    if not dead and error.outcome is Outcome.FAILED:
        error = replace(error, outcome=Outcome.PENDING)
    home = replica.primary_region
    stop = aws_command("secretsmanager stop-replication-to-replica", secret_id=replica.arn, region=replica.region)
    finding = Finding(
        Kind.ORPHAN if dead else Kind.IS_REPLICA,
        Severity.ERROR if dead else Severity.WARNING,
        f"{replica.name} in {replica.region} is a replica, and its primary in {replica.primary_region} "
        + ("no longer exists" if dead else "could not be checked; this is what the replica shows"),
        step("make it standalone", stop)
        if dead
        else step("check the primary again", format_command("status", [replica.id_in(home)], primary_region=home)),
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
        findings=cross_account_findings(replica),
    )


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Identity behind the credentials; `arn` is None if STS did not answer, and `why` is the reason."""

    arn: str | None
    why: str = ""

    @property
    def account(self) -> str | None:
        """Twelve-digit account id."""
        return self.arn.split(":")[4] if self.arn else None

    @property
    def sentence(self) -> str:
        """Sentence that names the credentials' owner."""
        return (
            f"the credentials belong to {self.arn}"
            if self.arn
            else f"smrep could not check whose credentials these are: {self.why}"
        )

    def strangers(self, secrets: Sequence[SecretReport]) -> list[str]:
        """Return the ARNs of secrets that belong to another account."""
        owned = [(secret.arn, secret.arn.split(":")[4]) for secret in secrets if secret.arn and self.account]
        return [arn for arn, account in owned if account != self.account]


def identify_caller(account: Account, home: Region) -> CallerIdentity:
    """Ask STS in a Region who owns the credentials.

    Raises:
        CredentialsError: AWS rejects them.

    """

    def ask(_: None) -> CallerIdentity:
        try:
            return CallerIdentity(account.caller(home))
        except CredentialsError:
            raise
        except AwsError as error:
            return CallerIdentity(None, error.message)

    (identity,) = parallel(
        ask, [None], late=lambda _: CallerIdentity(None, "no answer came in time"), patience_s=OPTIONAL_S
    )
    return identity
