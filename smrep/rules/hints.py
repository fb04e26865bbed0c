"""Builds hints: labels, and under each the commands to run, one a line, quoted for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from smrep.model import Secret, Source, Target, split_endpoint
from smrep.regions import Region
from smrep.report import Finding, LazyReports, Problem, RunReport, SecretReport, healthy, is_remarkable

_CONNECTED = (
    "replicate|status|wait|retry|verify|rekey|remove|promote|doctor|list|audit|init|plan|apply|export|failover|failback"
)
"""The commands that talk to AWS."""
_LOCAL = ("configure", "login", "sso")
"""Commands of the AWS CLI for credentials, which take no endpoint."""
_COMMAND = re.compile(rf'^(  (?:eval "\$\()?)(?:(?P<ours>smrep (?:{_CONNECTED}))|aws (?P<service>[a-z]+))(?= |$)')
"""A command where a shell looks for one: at the start of a hint's indented line."""


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


def step(label: str, *commands: str) -> str:
    """Return a hint: the label, and each command on a line of its own, indented by two spaces."""
    lines = [f"{label}:", *(f"  {command}" for command in commands)]
    return "\n".join(line.replace("\n", " ") for line in lines)


def steps(*hints: str | None) -> str:
    """Return several hints as one."""
    return "\n".join(hint for hint in hints if hint)


def remove_then_replicate(primary: Secret, targets: Sequence[Target]) -> tuple[str, str]:
    """Return the commands that remove Regions from the primary and add them again, with the targets' keys."""
    regions = [Target(target.region) for target in targets]
    return format_command_on(primary, "remove", regions), format_command_on(primary, "replicate", targets)


def quoted(words: Sequence[str]) -> str:
    """Return words of a command line as typed."""
    return shlex.join(words)


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

    def put(match: re.Match[str]) -> str:
        kept, line, service = pairs, match.string, match["service"]
        if service:
            region = re.search(r"--region ([a-z0-9-]+)", line) if service == "secretsmanager" else None
            url = None if service in _LOCAL else urls.get(region[1] if region else "", urls.get(""))
            kept = [pair for pair in pairs if pair[0] == "--profile"] + ([("--endpoint-url", url)] if url else [])
        command = line[match.end(1) :].removesuffix(')"')
        words = [word for pair in kept if not _has_flag(command, pair[0]) for word in pair]
        if not words:
            return match[0]
        return f"{match[1]}{match['ours'] or 'aws'} {shlex.join(words)}{' ' + service if service else ''}"

    return "\n".join(_COMMAND.sub(put, line) for line in hint.split("\n"))


def _has_flag(command: str, flag: str) -> bool:
    """Return whether the command has the flag; a name or a quoted value may contain its text."""
    return any(word.partition("=")[0] == flag for word in shlex.split(command))


def counted(count: int, noun: str) -> str:
    """Return '1 secret' or '2 secrets'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


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
_DENIED = ("AccessDenied", "AccessDeniedException")


def credentials_fix(source: Source, code: str) -> str:
    """Return the fix for credentials from that source, given their error code."""
    match code:
        case "NoCredentials":
            return _no_credentials_fix(source)
        case "PartialCredentials" | "ProfileIncomplete":
            return step("see which settings are missing", _aws("configure list", source))
        case "ClockSkew":
            return step("set this machine's clock, then compare it with UTC", "date -u")
        case "GlobalToken":
            version = aws_command("iam set-security-token-service-preferences", global_endpoint_token_version="v2Token")  # noqa: S106 - a kind of token
            return steps(
                step("see whether the Region is enabled", "aws account list-regions"),
                step(
                    "if it is, sign in again with tokens that work in every Region, for yourself",
                    "export AWS_STS_REGIONAL_ENDPOINTS=regional",
                ),
                step("or for the whole account", version),
            )
        case "MissingDependency":
            return step("install smrep with it", "pip install 'smrep[crt]'")
        case "MfaRequired":
            session = aws_command("configure export-credentials", profile=source.profile or "default", format="env")
            return step("run it at a terminal, or get a session there and omit --profile here", f'eval "$({session})"')
        case "BadCredentials" if source.method == "env":
            return step("if the credentials are valid, remove the variable", "unset AWS_CREDENTIAL_EXPIRATION")
    if source.method == _WEB:
        return _web_identity(source, code)
    if source.method == "assume-role" and code in _DENIED:
        return "allow sts:AssumeRole on the role, and check who its trust policy allows"
    if source.method == "sso" and code in ("ForbiddenException", "ResourceNotFoundException"):
        return step(
            "check sso_account_id and sso_role_name of the profile, or ask for access to the role",
            _aws("configure list", source),
        )
    return renewal(source)


def renewal(source: Source) -> str:
    """Return how to renew credentials from that source."""
    match source.method:
        case "sso":
            return step("sign in again", _aws("sso login", source))
        case "login":
            return step("sign in again", _aws("login", source))
        case "env":
            return step("export new credentials, or remove these and use a profile", f"unset {_KEYS}")
        case "custom-process":
            return step(
                "run the profile's credential_process by itself, sign in if it asks, and check what it prints",
                _aws("configure get credential_process", source),
            )
        case method if method in _FILES:
            return step(
                "put new keys into the profile, and their session token if they have one", _aws("configure", source)
            )
        case "container-role" | "iam-role":
            return step("check the role of the machine or container", _caller_identity(source))
        case _:
            return step("check the credentials that assume the role", _caller_identity(source))


def _no_credentials_fix(source: Source) -> str:
    look = step("check whether the AWS CLI finds credentials", _caller_identity(source))
    if source.profiles:
        named = some_names(source.profiles)
        return steps(look, f"or use a profile that has them, --profile NAME: {named}", step("or sign in", "aws login"))
    return steps(
        look,
        step("or sign in", "aws login"),
        step("or set up a profile", "aws configure sso"),
        "or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )


def _web_identity(source: Source, code: str) -> str:
    if code in _DENIED:
        return (
            "allow sts:AssumeRoleWithWebIdentity for this token in the role's trust policy: its provider, and the "
            "conditions on sub and aud"
        )
    if code == "InvalidIdentityToken":
        return step(
            "check whether the account has the token's OIDC provider, and add it if not",
            aws_command("iam list-open-id-connect-providers"),
        )
    return (
        f"write a new token to {source.place or 'the token file'}: in the CI job (GitHub: permissions: "
        "id-token: write) or in the cluster (EKS: the service account's annotation)"
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
        if not is_remarkable(secret):
            return secret
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

    absent = None if report.absent is None else tuple(map(mended_secret, report.absent))
    secrets = LazyReports(report.secrets, mended_secret, healthy(report.secrets))
    return replace(report, error=mend(report.error, flags), secrets=secrets, absent=absent)
