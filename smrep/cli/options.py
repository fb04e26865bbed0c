"""Options shared by commands, and their values in one object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, TypeVar

import click

from smrep.cli.params import Account, Duration, HomeRegion, RegionalEndpoint, Regions
from smrep.cli.root import CommonOption, version
from smrep.errors import UsageError
from smrep.model import Endpoint, shown_url
from smrep.output.formats import FORMATS, QUERIED
from smrep.regions import Region
from smrep.rules.hints import duration
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import check_name

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class SharedOptions:
    """Values of the shared options, from the command line or the environment."""

    primary_region: Region | None = None
    expect_account: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoints: tuple[Endpoint, ...] = ()
    output: str | None = None
    as_json: bool = False
    query: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    color: str = "auto"
    no_input: bool = False

    def __post_init__(self) -> None:
        """Refuse contradictory options."""
        typed = click.get_current_context().get_parameter_source("output") is click.core.ParameterSource.COMMANDLINE
        if self.as_json and typed and self.output != "json":
            raise UsageError(f"--json and -o {self.output} contradict each other", "omit one of them")
        if self.query is not None and typed and self.output not in (None, *QUERIED):
            raise UsageError(f"--query needs JSON or text, not -o {self.output}", "omit -o, or use -o text")
        for one, other in combinations(dict.fromkeys(self.endpoints), 2):
            if one.region == other.region:
                raise UsageError(
                    f"--endpoint-url {_shown(one)} and --endpoint-url {_shown(other)} contradict each other",
                    "omit one of them, or give it a Region: --endpoint-url REGION=URL",
                )
        if self.external_id and not self.role_arn:
            raise UsageError("--external-id does nothing without --role-arn", "add --role-arn, or omit --external-id")

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


class Tag(click.ParamType[tuple[str, str | None], str]):
    """`KEY` or `KEY=VALUE`."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        """Return the key and the value, None for any value."""
        if isinstance(value, tuple):
            return value
        key, equals, wanted = str(value).partition("=")
        if not key:
            self.fail(f"{value!r} has no tag key; use team=payments, or team for any value", param, ctx)
        return key, wanted if equals else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Secrets as typed: their names, or selectors."""

    prefixes: tuple[str, ...]
    tags: tuple[tuple[str, str | None], ...]
    exclude: tuple[str, ...]
    owning_service: str | None
    every: bool
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse contradictory, empty and impossible selectors."""
        if self.secrets and self.flags:
            raise UsageError("names and selectors contradict each other", "use names, or --prefix, --tag and --all")
        if self.every and self._limits:
            raise UsageError("--all contradicts the other selectors", "omit --all, or the other selectors")
        for option, values in (("--prefix", self.prefixes), ("--exclude", self.exclude)):
            if "" in values:
                raise UsageError(f"{option} must not be empty", "omit it, or use --all")
            for value in values:
                check_name(value, pattern=option == "--exclude")
        if self.owning_service == "":
            raise UsageError("--owning-service must not be empty", "omit it, or use --all")

    @property
    def selector(self) -> Selector:
        """Selector of these values; without any, it matches every secret."""
        return Selector(frozenset(), self.prefixes, self.tags, self.owning_service, self.exclude)

    @property
    def is_made(self) -> bool:
        """Whether secrets are selected; --exclude alone selects none."""
        return self.every or self._limits

    @property
    def _limits(self) -> bool:
        return bool(self.prefixes or self.tags or self.owning_service)

    @property
    def flags(self) -> tuple[str, ...]:
        """Options to repeat in a hint's command."""
        pairs = [
            *(("--prefix", prefix) for prefix in self.prefixes),
            *(("--tag", key if value is None else f"{key}={value}") for key, value in self.tags),
            *(("--exclude", pattern) for pattern in self.exclude),
            *([("--owning-service", self.owning_service)] if self.owning_service else []),
        ]
        return (*(word for pair in pairs for word in pair), *(["--all"] if self.every else []))


def as_one_value(
    name: str, kind: type, options: Sequence[Callable[..., Any]], command: Callable[..., Any]
) -> Callable[..., Any]:
    """Add the options, whose values the command gets as one value of a dataclass."""

    @functools.wraps(command)
    def with_value(**values: Any) -> Any:
        typed = {field.name: values.pop(field.name) for field in fields(kind) if field.name in values}
        return command(**{name: kind(**typed)}, **values)

    for option in reversed(options):
        with_value = option(with_value)
    return with_value


_SELECTORS = (
    click.option(
        "--prefix",
        "prefixes",
        metavar="PREFIX",
        multiple=True,
        help="Select secrets whose names begin with PREFIX; repeat it for more.",
    ),
    click.option(
        "--tag",
        "tags",
        type=Tag(),
        metavar="KEY[=VALUE]",
        multiple=True,
        help="Select secrets with this tag; if repeated, with all of them.",
    ),
    click.option(
        "--exclude",
        metavar="PATTERN",
        multiple=True,
        help="Skip secrets whose names match this shell pattern; repeatable.",
    ),
    click.option("--owning-service", metavar="SERVICE", help="Select secrets that this AWS service manages."),
    click.option("--all", "every", is_flag=True, help="Select every secret in the primary Region."),
)
selectors = functools.partial(as_one_value, "choice", Choice, _SELECTORS)
"""Adds the options that select secrets, as one value: `choice`."""
_SECRETS = click.argument("secrets", metavar="[SECRET...]", nargs=-1)
secrets = functools.partial(as_one_value, "choice", Choice, (_SECRETS, *_SELECTORS))
"""Adds the argument for the secrets, and the selectors that may replace it, as one value: `choice`."""


timeout = click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    default=DEFAULT_TIMEOUT_S,
    metavar="DURATION",
    envvar="SMREP_TIMEOUT",
    help="Stop waiting after this time: 300, 300s, 5m, 1h (default: 5m; 0 checks once).  [$SMREP_TIMEOUT]",
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
        help=f"{text}; repeatable, or separated by commas.",
    )


_common = functools.partial(click.option, cls=CommonOption)
_connection = (
    _common(
        "--primary-region",
        "--source-region",
        type=HomeRegion(),
        metavar="REGION",
        help="Region of the primary (default: from the ARN, $SMREP_PRIMARY_REGION, $AWS_REGION, the profile).",
    ),
    _common(
        "--expect-account",
        type=Account(),
        metavar="ID",
        envvar="SMREP_EXPECT_ACCOUNT",
        help="Stop if a secret belongs to another account.  [$SMREP_EXPECT_ACCOUNT]",
    ),
    _common("--profile", metavar="PROFILE", help="Profile of the AWS configuration."),
    _common("--role-arn", metavar="ARN", help="Role to assume."),
    _common("--external-id", metavar="ID", help="With --role-arn: what the role's trust policy asks for."),
    _common(
        "--endpoint-url",
        "endpoints",
        type=RegionalEndpoint(),
        multiple=True,
        metavar="[REGION=]URL",
        help="Endpoint to use instead of AWS's own; with a Region, only for Secrets Manager there. Repeatable.",
    ),
)
_result = (
    _common(
        "-o",
        "--output",
        type=click.Choice(list(FORMATS)),
        envvar="SMREP_OUTPUT",
        help="Format of the result (default: table on a terminal, text otherwise).  [$SMREP_OUTPUT]",
    ),
    _common("--json", "as_json", is_flag=True, help="Short for -o json."),
    _common("--query", metavar="JMESPATH", help="Print the part of the JSON document that JMESPath selects."),
    _common("-q", "--quiet", is_flag=True, help="Print only warnings and errors."),
    _common("--verbose", is_flag=True, help="Show every row in a table, however many there are."),
)
_debug = _common("--debug", is_flag=True, help="Trace each AWS call, without its contents.")
_color = _common(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    envvar="SMREP_COLOR",
    help="Use color (default: auto).  [$SMREP_COLOR]",
)
_no_input = _common("--no-input", is_flag=True, envvar="SMREP_NO_INPUT", help="Never ask.  [$SMREP_NO_INPUT]")
shared = functools.partial(
    as_one_value, "shared", SharedOptions, (*_connection, *_result, _debug, _color, _no_input, version)
)
"""Adds the options of every command on secrets, as one value: `shared`."""
offline = functools.partial(as_one_value, "shared", SharedOptions, (*_result, _color, version))
"""Adds those of a command that neither calls AWS nor asks, as the same value."""


def rate(default: int, owner: str = "") -> Callable[[F], F]:
    """Add --rate; `owner` names who shares it."""
    return click.option(
        "--rate",
        type=float,
        default=float(default),
        metavar="N",
        help=f"Send at most N writes a second{owner}; AWS allows an account 50 (default: {default}).",
    )


def changing(waiting: str, change: str) -> Callable[[F], F]:
    """Add the options of a command that asks before acting: --wait with its help, --timeout, -n, --yes."""

    def add(command: F) -> F:
        added = [
            click.option("--wait/--no-wait", default=True, help=waiting),
            timeout,
            click.option("-n", "--dry-run", is_flag=True, help="Show what smrep would send, and send nothing."),
            click.option("--yes", is_flag=True, help=f"Confirm {change} without a question."),
        ]
        for option in reversed(added):
            command = option(command)
        return command

    return add
