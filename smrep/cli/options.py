"""Options shared by commands, and their values in one object."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, TypeVar

import click

from smrep.cli.params import Account, Duration, HomeRegion, RegionalEndpoint, Regions
from smrep.cli.root import version
from smrep.errors import UsageError
from smrep.model import Endpoint, shown_url
from smrep.output.formats import FORMATS, QUERIED
from smrep.regions import Region
from smrep.rules.hints import duration

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class SharedOptions:
    """Values of the shared options, from the command line or the environment."""

    primary_region: Region | None
    expect_account: str | None
    profile: str | None
    role_arn: str | None
    external_id: str | None
    endpoints: tuple[Endpoint, ...]
    output: str | None
    as_json: bool
    query: str | None
    quiet: bool
    debug: bool
    color: str
    no_input: bool

    def __post_init__(self) -> None:
        """Refuse contradictory options."""
        typed = click.get_current_context().get_parameter_source("output") is click.core.ParameterSource.COMMANDLINE
        if self.as_json and typed and self.output != "json":
            raise UsageError(f"--json and -o {self.output} contradict each other", "leave one of them out")
        if self.query is not None and typed and self.output not in (None, *QUERIED):
            raise UsageError(f"--query needs JSON or text, not -o {self.output}", "leave -o out, or type -o text")
        for one, other in combinations(dict.fromkeys(self.endpoints), 2):
            if one.region == other.region:
                raise UsageError(
                    f"--endpoint-url {_shown(one)} and --endpoint-url {_shown(other)} contradict each other",
                    "leave one of them out, or type its Region: --endpoint-url REGION=URL",
                )
        if self.external_id and not self.role_arn:
            raise UsageError("--external-id does nothing without --role-arn", "add --role-arn, or leave it out")

    @property
    def connection(self) -> tuple[str, ...]:
        """Connection flags to repeat in a hint's command."""
        pairs = (
            ("--profile", self.profile),
            ("--role-arn", self.role_arn),
            ("--external-id", self.external_id),
            *(("--endpoint-url", _shown(endpoint)) for endpoint in self.endpoints),
            ("--expect-account", self.expect_account),
        )
        return tuple(word for flag, value in pairs if value for word in (flag, value))


def _shown(endpoint: Endpoint) -> str:
    """Return the endpoint as typed, without any password."""
    return f"{endpoint.region}={shown_url(endpoint.url)}" if endpoint.region else shown_url(endpoint.url)


def typed(*names: str) -> tuple[str, ...]:
    """Return the typed ones of these options of the current command, as words to repeat."""
    context = click.get_current_context()
    words: list[str] = []
    for param in context.command.params:
        if param.name in names and context.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
            value = context.params[param.name]
            if isinstance(value, bool):
                words.append(param.opts[-1] if value else (param.secondary_opts or param.opts)[-1])
            else:
                number = f"{value:g}" if isinstance(value, float) else str(value)
                words += [param.opts[-1], duration(value) if isinstance(param.type, Duration) else number]
    return tuple(words)


secrets = click.argument("secrets", metavar="SECRET...", nargs=-1, required=True)
"""Adds the argument for the secrets."""
timeout = click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    default=DEFAULT_TIMEOUT_S,
    metavar="DURATION",
    envvar="SMREP_TIMEOUT",
    help="Give up waiting after this long: 300, 300s, 5m, 1h (default: 5m; 0 looks once).  [$SMREP_TIMEOUT]",
)
"""Adds --timeout."""


def regions(text: str, *, keys: bool = False, holds_secrets: bool = False, required: bool = False) -> Callable[[F], F]:
    """Add -r/--region with its help; `keys` allows keys; `holds_secrets`: the command looks up its secrets in it."""
    return click.option(
        "-r",
        "--region",
        "regions",
        type=Regions(keys=keys, holds_secrets=holds_secrets),
        multiple=True,
        required=required,
        metavar="REGION[=KMS_KEY]" if keys else "REGION",
        help=f"{text}; repeatable, or with commas.",
    )


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command on secrets."""
    options = [
        click.option(
            "--primary-region",
            "--source-region",
            type=HomeRegion(),
            metavar="REGION",
            help="Where the primary lives (default: from the ARN, $SMREP_PRIMARY_REGION, $AWS_REGION, the profile).",
        ),
        click.option(
            "--expect-account",
            type=Account(),
            metavar="ID",
            envvar="SMREP_EXPECT_ACCOUNT",
            help="Stop if the secret belongs to another account.  [$SMREP_EXPECT_ACCOUNT]",
        ),
        click.option("--profile", metavar="PROFILE", help="Profile of the AWS configuration."),
        click.option("--role-arn", metavar="ARN", help="Role to assume."),
        click.option("--external-id", metavar="ID", help="With --role-arn: what the role's trust policy asks for."),
        click.option(
            "--endpoint-url",
            "endpoints",
            type=RegionalEndpoint(),
            multiple=True,
            metavar="[REGION=]URL",
            help="Endpoint to use instead of AWS's own; with a Region, only for Secrets Manager there. Repeatable.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Choice(list(FORMATS)),
            envvar="SMREP_OUTPUT",
            help="Format of the result (default: table on a terminal, text otherwise).  [$SMREP_OUTPUT]",
        ),
        click.option("--json", "as_json", is_flag=True, help="Short for -o json."),
        click.option("--query", metavar="JMESPATH", help="Print what JMESPath finds in the JSON document."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but warnings and errors."),
        click.option("--debug", is_flag=True, help="Trace each call to AWS, without its contents."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            envvar="SMREP_COLOR",
            help="Colour (default: auto).  [$SMREP_COLOR]",
        ),
        click.option("--no-input", is_flag=True, envvar="SMREP_NO_INPUT", help="Never ask.  [$SMREP_NO_INPUT]"),
        version,
    ]

    @functools.wraps(command)
    def with_value(**values: Any) -> Any:
        return command(
            shared=SharedOptions(**{field.name: values.pop(field.name) for field in fields(SharedOptions)}), **values
        )

    for option in reversed(options):
        with_value = option(with_value)
    return with_value


def rate(default: int, owner: str = "") -> Callable[[F], F]:
    """Add --rate; `owner` names who shares it."""
    return click.option(
        "--rate",
        type=float,
        default=float(default),
        metavar="N",
        help=f"Writes a second at most{owner}, of AWS's 50 for all callers (default: {default}).",
    )


def changing(waiting: str, change: str) -> Callable[[F], F]:
    """Add the options of a command that asks before acting: --wait with its help, --timeout, -n, --yes."""

    def add(command: F) -> F:
        added = [
            click.option("--wait/--no-wait", default=True, help=waiting),
            timeout,
            click.option("-n", "--dry-run", is_flag=True, help="Look, say what would be sent, send nothing."),
            click.option("--yes", is_flag=True, help=f"Confirm {change} without being asked."),
        ]
        for option in reversed(added):
            command = option(command)
        return command

    return add
