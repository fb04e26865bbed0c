"""Values for completion: from lists and files, or from AWS if allowed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from smrep.cli.params import HomeRegion, Regions
from smrep.model import Filter, Target
from smrep.regions import KNOWN, Region, parse_region, partition_of
from smrep.rules.primary_region import HOME_VARIABLES, locate_primaries

if TYPE_CHECKING:
    from smrep.aws.client import Aws


_DEFAULT_KEY = "alias/aws/secretsmanager"


def regions(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return matching Regions."""
    return [name for name in KNOWN if name.startswith(incomplete)]


def operations(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return matching sandbox operations; a Region may follow =."""
    from smrep.sandbox.operations import OPERATIONS

    name, equals, region = incomplete.partition("=")
    if equals:
        return [f"{name}={operation}" for operation in KNOWN if operation.startswith(region)]
    return sorted(operation for operation in OPERATIONS if operation.startswith(name))


def profiles(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return matching profiles of the AWS configuration."""
    return [name for name in profile_names(os.environ) if name.startswith(incomplete)]


def files(_context: click.Context, _param: click.Parameter, _incomplete: str) -> list[CompletionItem[str]]:
    """Let the shell complete files."""
    return [CompletionItem("", type="file")]


def secret_names(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the Region's matching secrets not yet typed; by ARN if an ARN was begun.

    Returns the first hundred matches, without names that look like an option or a Region.
    """
    begun = re.match(r"arn:[^:]*:secretsmanager:([^:]*):[^:]*(?::secret:(.*))?", incomplete)
    beginning = (begun[2] or "").rpartition("-")[0] if begun else incomplete

    def look() -> list[str]:
        region = parse_region(begun[1]) if begun else _lookup_region(context)
        filters = [Filter("name", (beginning,))] if beginning and not beginning.startswith("!") else []
        page = _door(context, region).list_page(region, filters, None, with_deleted=False)
        return [entry.arn if begun else entry.name for entry in page.entries]

    typed = context.params.get("secrets") or ()
    return [
        name
        for name in ask(look)
        if name.startswith(incomplete) and name not in typed and not name.startswith("-") and name not in KNOWN
    ]


def keys(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return matching aliases that exist in all Regions typed without a key, or in the primary's."""
    if param.name == "primary_key":
        return aliases(context, sorted(homes(context)), incomplete)
    return aliases(context, [target.region for target in typed_targets(context) if not target.kms_key], incomplete)


def aliases(context: click.Context, regions: Sequence[str], incomplete: str) -> list[str]:
    """Return matching KMS aliases that exist in all Regions; of AWS's own, only the one for secrets."""

    def look() -> list[str]:
        checked = [parse_region(region) for region in regions]
        door = _door(context, checked[0])
        first, *others = [door.aliases(region) for region in checked]
        return [name for name in first if all(name in other for other in others)]

    return [
        name
        for name in (ask(look) if regions else ())
        if name.startswith(incomplete) and (name == _DEFAULT_KEY or not name.startswith("alias/aws/"))
    ]


def targets(context: click.Context, kind: Regions, incomplete: str) -> list[str]:
    """Return matching Regions, or the aliases of one after =, after the text before the last comma.

    Leaves out Regions already typed, the primary's, and those of another partition.
    """
    before, comma, last = incomplete.rpartition(",")
    begun = last.lstrip()
    region, equals, key = begun.partition("=")
    kept = before + comma + last.removesuffix(begun)
    if equals:
        return [f"{kept}{region}={candidate}" for candidate in (aliases(context, [region], key) if kind.keys else ())]
    taken = {candidate.strip().partition("=")[0] for candidate in before.split(",")} | typed_regions(context)
    if not kind.holds_secrets:
        taken |= homes(context)
    return [kept + candidate for candidate in _partners(taken) if candidate.startswith(region)]


def typed_targets(ctx: click.Context) -> list[Target]:
    """Return the targets of every -r on the command line."""
    return [
        target
        for param in ctx.command.params
        if isinstance(param.type, Regions) and param.name
        for group in ctx.params.get(param.name) or ()
        for target in group
    ]


def typed_regions(ctx: click.Context) -> set[str]:
    """Return every Region named by an option on the command line."""
    named = {str(target.region) for target in typed_targets(ctx)}
    return named | {
        str(ctx.params[param.name])
        for param in ctx.command.params
        if isinstance(param.type, HomeRegion) and param.name and ctx.params.get(param.name)
    }


def _partners(taken: Iterable[str]) -> list[str]:
    """Return the Regions that replicate with the given ones, except these."""
    taken_regions = {Region(name) for name in taken if name in KNOWN}
    partitions = {partition_of(name) for name in taken_regions}
    return [
        name
        for name in KNOWN
        if name not in taken_regions and (not taken_regions or partition_of(Region(name)) in partitions)
    ]


def homes(ctx: click.Context) -> set[str]:
    """Return the primaries' Regions known from the command line, the environment and the AWS configuration."""
    typed = ctx.params.get("secrets") or (ctx.params.get("secret"),)
    arns = {name.split(":")[3] for name in typed if name and re.match(r"arn:[^:]*:secretsmanager:[^:]+:", name)}
    flag = ctx.params.get("primary_region")
    if arns or flag:
        return arns or {str(flag)}
    if "primary_region" not in ctx.params:
        return set()
    named = next((os.environ[name] for name in HOME_VARIABLES if os.environ.get(name)), None)
    return {named or profile_region(ctx.params.get("profile"), os.environ) or ""}


Offer = Callable[[click.Context, click.Parameter, str], Sequence[str | CompletionItem[str]]]
OFFERS: Mapping[str, Offer] = {
    "SECRET": secret_names,
    "KMS_KEY": keys,
    "PROFILE": profiles,
    "FILE": files,
    "FILE|N": files,
    "DOC": files,
    "FOLDER": files,
    "CMD": files,
    "REGION": regions,
    "REGION[=MESSAGE": regions,
    "REGION=]DURATION": regions,
    "OPERATION[=N": operations,
    "OPERATION=REGION": operations,
}
"""Parameter's metavar, without marks for optional or repeatable -> its candidates."""


def offered(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the candidates for a parameter, from its type or else its metavar."""
    if isinstance(param.type, Regions):
        return [CompletionItem(candidate) for candidate in targets(context, param.type, incomplete)]
    if isinstance(param.type, HomeRegion):
        return [
            CompletionItem(candidate)
            for candidate in _partners(typed_regions(context))
            if candidate.startswith(incomplete)
        ]
    offer = OFFERS.get((param.metavar or "").strip("[]. -"))
    if offer is None or type(param.type).shell_complete not in _UNKNOWING:
        return param.shell_complete(context, incomplete)
    candidates = offer(context, param, incomplete)
    return [
        candidate if isinstance(candidate, CompletionItem) else CompletionItem(candidate) for candidate in candidates
    ]


_UNKNOWING = (click.ParamType.shell_complete, click.Path.shell_complete)


def _lookup_region(context: click.Context) -> Region:
    """Return the Region in which the command looks up its secrets.

    Raises:
        UsageError: the environment names an invalid Region.
        ConfigurationError: no Region is known.

    """
    from smrep.aws.session import profile_region

    if any(isinstance(param.type, Regions) and param.type.holds_secrets for param in context.command.params):
        for target in typed_targets(context):
            return target.region
    typed = context.params
    if typed.get("target"):  # failover looks where the replicas are
        return parse_region(typed["target"])
    where = locate_primaries(
        (), typed.get("primary_region"), os.environ, lambda: profile_region(typed.get("profile")), needed=True
    )
    return next(iter(where.sources))


def _door(context: click.Context, region: Region) -> Aws:
    """Return AWS through the connection that was typed."""
    from smrep.aws.client import Aws
    from smrep.aws.session import Session, Settings

    names = ("profile", "role_arn", "external_id", "endpoints")
    typed = {name: value for name in names if (value := context.params.get(name))}
    return Aws(Session(Settings(**typed, sts_region=region)))


COMPLETE_AWS = "SMREP_COMPLETE_AWS"
"""Variable that lets completion ask AWS for that many seconds in all: 1, or more on a slow line."""
END_S = 0.05
"""Seconds of it kept for the end of the process."""
START_S = 0.15
"""Seconds that a start takes, if the system does not tell when the process began."""


def ask(question: Callable[[], Iterable[str]]) -> list[str]:
    """Return the answer to a question to AWS; nothing if asking is not allowed, fails or takes too long.

    The question runs in its own process without a terminal, so that it cannot prompt for an MFA code or print into the
    line being typed. It ends in time even if a name server or a credential_process hangs.
    """
    seconds = os.environ.get(COMPLETE_AWS, "")
    if not re.fullmatch(r"[1-9]\d?", seconds, re.ASCII):
        return []
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _answer(question, writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        answer = json.loads(_read(reading, time.monotonic() + int(seconds) - END_S - _age_s()))
        return [str(item) for item in answer]
    except ValueError:
        return []
    finally:
        os.close(reading)
        _end(child)


def _age_s() -> float:
    """Return the age of this process. Source: proc(5), starttime."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return START_S


def _answer(question: Callable[[], Iterable[str]], writing: int) -> None:
    """Write the answer as JSON, from a session without a terminal or streams."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    with open(writing, "w", encoding="ascii") as pipe:
        json.dump(list(question()), pipe)


def _read(reading: int, until: float) -> bytes:
    """Return everything that arrives through the pipe in time; truncated JSON fails to parse."""
    content = b""
    while select.select([reading], [], [], max(until - time.monotonic(), 0))[0]:
        part = os.read(reading, 65536)
        if not part:
            break
        content += part
    return content


def _end(child: int) -> None:
    """Kill the process and all its children."""
    for kill in (os.killpg, os.kill):  # it may not lead its own group yet
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


_CONFIG = ("AWS_CONFIG_FILE", "~/.aws/config")
_CREDENTIALS = ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")


def profile_names(env: Mapping[str, str]) -> list[str]:
    """Return each profile name once: first from the configuration, then from the credentials file."""
    return list(dict.fromkeys([*(name for name, _ in _configured(env)), *_parsed(*_CREDENTIALS, env).sections()]))


def profile_region(profile: str | None, env: Mapping[str, str]) -> str | None:
    """Return the Region of that profile, or of the environment's; None if it has none."""
    wanted = profile or env.get("AWS_DEFAULT_PROFILE") or env.get("AWS_PROFILE") or "default"
    return next((region for name, region in _configured(env) if name == wanted and region), None)


def _configured(env: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each profile's name and Region from the configuration: `[default]`, `[profile NAME]`."""
    parser = _parsed(*_CONFIG, env)
    for section in parser.sections():
        try:
            words = shlex.split(section)
        except ValueError:
            continue
        if words == ["default"] or (len(words) == len(("profile", "NAME")) and words[0] == "profile"):
            yield words[-1], parser.get(section, "region", fallback=None)


def _parsed(variable: str, default: str, env: Mapping[str, str]) -> RawConfigParser:
    """Return the readable part of the file named by a variable, possibly nothing."""
    path = Path(os.path.expandvars(env.get(variable) or default))
    parser = RawConfigParser(strict=False, allow_no_value=True, default_section="")
    try:
        if path.expanduser().is_file():  # reading a pipe would block
            parser.read_string(path.expanduser().read_text(encoding="utf-8", errors="replace"))
    except (Error, OSError, RuntimeError, ValueError):
        return parser
    return parser
