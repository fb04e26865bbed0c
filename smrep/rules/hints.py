"""Builds the commands in messages, each quoted for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from smrep.model import Secret, Source, Target, split_endpoint
from smrep.regions import Region
from smrep.report import Finding, LazyReports, Problem, RunReport, SecretReport

_CONNECTED = (
    "replicate|status|wait|retry|verify|rekey|remove|promote|doctor|list|audit|plan|apply|export|failover|failback"
)
"""The commands that talk to AWS."""
_LOCAL = ("configure", "login", "sso")
"""Commands of the AWS CLI for credentials, which take no endpoint."""
_QUOTED = r"""(?<!\w)'(?:[^']|'"'"')*'(?!\w)"""
"""A quoted word, such as a name from AWS; any command inside it is only text."""


def format_command(
    command: str,
    names: Sequence[str],
    *,
    primary_region: Region | None = None,
    targets: Sequence[Target] = (),
    flags: Sequence[str] = (),
) -> str:
    """Return `smrep COMMAND NAMES... --primary-region ... -r ...` with the given flags.

    Leaves out the Region if each name is an ARN, which carries it.
    """
    carried = bool(names) and all(name.startswith("arn:") for name in names)
    words = ["--primary-region", primary_region] if primary_region and not carried else []
    for target in targets:
        words += ["-r", f"{target.region}={target.kms_key}" if target.kms_key else target.region]
    words += flags
    if any(name.startswith("-") and name != "-" for name in names):
        return shlex.join(["smrep", command, *words, "--", *names])
    return shlex.join(["smrep", command, *names, *words])


def format_command_on(secret: Secret, command: str, targets: Sequence[Target] = (), flags: Sequence[str] = ()) -> str:
    """Return a command of smrep for a secret in its Region, by ARN or by name, as you asked for it."""
    return format_command(
        command, [secret.id_in(secret.region)], primary_region=secret.region, targets=targets, flags=flags
    )


def promote_command(replica: Secret) -> str:
    """Return the command that promotes a replica."""
    return format_command("promote", [replica.id_in(replica.region)], targets=[Target(replica.region)])


def policy_command(primary: Secret, targets: Sequence[Target]) -> str:
    """Return the command that prints the permissions to replicate the primary, including a customer-managed key."""
    key = primary.kms_key_id
    key_flags = () if key is None or key.endswith("alias/aws/secretsmanager") else ("--primary-key", key)
    return format_command_on(primary, "iam-policy", targets, key_flags)


def aws_command(command: str, *flags: str, **options: str) -> str:
    """Return `aws COMMAND --option value... FLAGS...`, as `aws("kms describe-key", key_id=key)`."""
    words = ["aws", *command.split()]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return shlex.join([*words, *flags])


def remove_then_replicate(primary: Secret, targets: Sequence[Target]) -> str:
    """Return the commands that remove Regions from the primary and add them again, with the targets' keys."""
    regions = [Target(target.region) for target in targets]
    return f"{format_command_on(primary, 'remove', regions)}; then: {format_command_on(primary, 'replicate', targets)}"


def command_line(words: Sequence[str]) -> str:
    """Return the command line that you typed."""
    return shlex.join(["smrep", *words])


def with_connection_flags(hint: str, flags: Sequence[str]) -> str:
    """Return the hint with the connection's flags in each of its commands, so that they use the same account.

    `flags` are pairs of a flag and its value. smrep's commands get all of them. The AWS CLI's get the profile and the
    endpoint, sign-in commands only the profile. A command keeps its own flags. An endpoint for one Region goes into the
    AWS CLI's commands for secrets in that Region.
    """
    pairs = list(zip(flags[::2], flags[1::2], strict=True))
    urls = dict(split_endpoint(value) for flag, value in pairs if flag == "--endpoint-url")
    ends = [match.start() for match in re.finditer(rf"{_QUOTED}|;", hint) if match[0] == ";"]

    def command_at(start: int) -> str:
        return hint[start : next((place for place in ends if place >= start), len(hint))]

    def ours(command: str) -> list[str]:
        return [word for pair in pairs if not _has_flag(command, pair[0]) for word in pair]

    def theirs(command: str, service: str) -> list[str]:
        kept = [pair for pair in pairs if pair[0] == "--profile"]
        region = re.search(r"--region ([a-z0-9-]+)", command) if service == "secretsmanager" else None
        url = None if service in _LOCAL else urls.get(region[1] if region else "", urls.get(""))
        kept += [("--endpoint-url", url)] if url else []
        return [word for pair in kept if not _has_flag(command, pair[0]) for word in pair]

    def put(match: re.Match[str]) -> str:
        if match["ours"]:
            words = ours(command_at(match.start()))
            return f"{match[0]} {shlex.join(words)}" if words else match[0]
        if match["theirs"]:
            words = theirs(command_at(match.start()), match["service"])
            return f"aws {shlex.join(words)} {match['service']}" if words else match[0]
        return match[0]

    return re.sub(
        rf"{_QUOTED}|\bsmrep (?P<ours>{_CONNECTED})\b|\b(?P<theirs>aws) (?P<service>[a-z]+)(?=( [a-z-]+\b|$| *[;)]))",
        put,
        hint,
    )


def _has_flag(hint: str, flag: str) -> bool:
    """Return whether the hint has the flag as a word of its own; a secret's name may be x--profile."""
    return re.search(rf"(?<!\S){flag}(?![\w-])", hint) is not None


def some_names(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, and the number of others."""
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others} more" if others > 0 else "")


def duration(seconds: float) -> str:
    """Return seconds as you would type them: 45s, 5m, 2h, 1.5s."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


_WEB = "assume-role-with-web-identity"
_FILES = ("shared-credentials-file", "config-file")
_KEYS = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION"
_SET_UP = "set up a profile (aws configure sso, or aws login), or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_DENIED = ("AccessDenied", "AccessDeniedException")


def credentials_fix(source: Source, code: str) -> str:
    """Return the fix for credentials from that source, given their error code."""
    match code:
        case "NoCredentials":
            return _no_credentials_fix(source)
        case "PartialCredentials" | "ProfileIncomplete":
            return f"see what is set and what is not: {_aws('configure list', source)}"
        case "ClockSkew":
            return "set this machine's clock, and compare it: date -u"
        case "GlobalToken":
            version = aws_command("iam set-security-token-service-preferences", global_endpoint_token_version="v2Token")  # noqa: S106 - a kind of token
            return (
                "see that the Region is enabled for the account; if it is, take a token that is good in every Region: "
                f"export AWS_STS_REGIONAL_ENDPOINTS=regional and sign in anew, or {version}"
            )
        case "MissingDependency":
            return "install smrep with it: pip install 'smrep[crt]'"
        case "MfaRequired":
            session = aws_command("configure export-credentials", profile=source.profile or "default", format="env")
            return f'run it at a terminal, or get a session there and leave --profile out here: eval "$({session})"'
        case "BadCredentials" if source.method == "env":
            return "let it go, if the credentials are good: unset AWS_CREDENTIAL_EXPIRATION"
    if source.method == _WEB:
        return _web_identity(source, code)
    if source.method == "assume-role" and code in _DENIED:
        return "allow sts:AssumeRole on the role, and see whom its trust policy lets in"
    if source.method == "sso" and code in ("ForbiddenException", "ResourceNotFoundException"):
        return (
            "check sso_account_id and sso_role_name of the profile, or have the role assigned to you: "
            f"{_aws('configure list', source)}"
        )
    return renewal(source)


def renewal(source: Source) -> str:
    """Return how to renew credentials from that source."""
    match source.method:
        case "sso":
            return f"sign in again: {_aws('sso login', source)}"
        case "login":
            return f"sign in again: {_aws('login', source)}"
        case "env":
            return f"export new credentials, or let these go and use a profile: unset {_KEYS}"
        case "custom-process":
            program = _aws("configure get credential_process", source)
            return f"run the program by itself, sign in where it asks for it, and see what it prints: {program}"
        case method if method in _FILES:
            return f"put new keys into the profile, and a new session token if it has one: {_aws('configure', source)}"
        case "container-role" | "iam-role":
            return (
                f"see what role the machine or the container has, and whether it is there: {_caller_identity(source)}"
            )
        case _:
            return f"check the credentials that the role is assumed with: {_caller_identity(source)}"


def _no_credentials_fix(source: Source) -> str:
    advice = f"see whether the AWS CLI finds any: {_caller_identity(source)}"
    if source.profiles:
        named = some_names(source.profiles)
        return f"{advice}; name a profile that has some (--profile NAME; there are: {named}), or sign in: aws login"
    return f"{advice}; {_SET_UP}"


def _web_identity(source: Source, code: str) -> str:
    if code in _DENIED:
        return (
            "let the role's trust policy allow sts:AssumeRoleWithWebIdentity for this token: its provider, and the "
            "conditions on sub and aud"
        )
    if code == "InvalidIdentityToken":
        return (
            "see whether the account knows the token's OIDC provider, and add it if not: "
            f"{aws_command('iam list-open-id-connect-providers')}"
        )
    return (
        f"have a new token written to {source.place or 'the token file'}: by the CI job (GitHub: permissions: "
        "id-token: write) or by the cluster (EKS: the service account's annotation)"
    )


def _aws(command: str, source: Source) -> str:
    return aws_command(command, profile=source.profile) if source.profile else aws_command(command)


def _caller_identity(source: Source) -> str:
    return _aws("sts get-caller-identity", source)


def report_with_connection_flags(
    report: RunReport, flags: tuple[str, ...], accounts: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> RunReport:
    """Return the report with the connection's flags in every command of a hint.

    `accounts` maps an account to the flags that connect to it, if there are several.
    """
    if not flags and not accounts:
        return report

    def mend(trouble: Problem | None, flags: tuple[str, ...]) -> Problem | None:
        return (
            replace(trouble, hint=with_connection_flags(trouble.hint, flags)) if trouble and trouble.hint else trouble
        )

    def mended(finding: Finding, flags: tuple[str, ...]) -> Finding:
        return replace(finding, hint=with_connection_flags(finding.hint, flags)) if finding.hint else finding

    def mended_secret(secret: SecretReport) -> SecretReport:
        account_flags = accounts.get(secret.account or "", flags)
        return replace(
            secret,
            error=mend(secret.error, account_flags),
            findings=tuple(mended(reported, account_flags) for reported in secret.findings),
            replicas=tuple(
                replace(
                    row,
                    error=mend(row.error, account_flags),
                    findings=tuple(mended(reported, account_flags) for reported in row.findings),
                )
                for row in secret.replicas
            ),
        )

    return replace(report, error=mend(report.error, flags), secrets=LazyReports(report.secrets, mended_secret))
