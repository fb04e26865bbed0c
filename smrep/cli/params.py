"""The types of what is typed: secrets, Regions with keys, durations, account ids."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem

from smrep.cli.profiles import profile_region
from smrep.cli.where import HOME_VARIABLES
from smrep.errors import UsageError
from smrep.model import Endpoint, SecretId, Target, parse_arn, split_endpoint
from smrep.regions import KNOWN, Region, parse_region, partition_of
from smrep.rules.keys import check_target
from smrep.rules.names import check_name

MAX_SECRET_ID = 2048


class Regions(click.ParamType[tuple[Target, ...], str]):
    """`REGION[=KMS_KEY]`, or several of them with commas between."""

    name = "region"

    def __init__(self, *, keys: bool, there: bool = False) -> None:
        """Take keys too where the command has a use for them; `there`: it looks for its secrets in this Region."""
        self.keys = keys
        self.there = there

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Target, ...]:
        """Return the targets in the order typed."""
        if isinstance(value, tuple):
            return value
        return tuple(self._target(each.strip()) for each in str(value).split(","))

    def _target(self, text: str) -> Target:
        name, equals, key = text.partition("=")
        region = parse_region(name)
        if equals and not self.keys:
            raise UsageError(f"this command takes no KMS key: {text!r}", f"-r {region}")
        if equals and not key:
            raise UsageError(f"the KMS key is missing after {text!r}", f"-r {region}=alias/NAME, or only -r {region}")
        return Target(region, key or None)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the Regions that begin so, or behind = the aliases of one, after what stands before the last comma.

        A Region that was typed already is none of them, nor is the primary's, nor one of another partition.
        """
        before, comma, last = incomplete.rpartition(",")
        begun = last.lstrip()
        region, equals, key = begun.partition("=")
        kept = before + comma + last.removesuffix(begun)
        if equals:
            from smrep.cli.candidates import aliases

            found = aliases(ctx, [region], key) if self.keys else []
            return [CompletionItem(f"{kept}{region}={each}") for each in found]
        taken = {each.strip().partition("=")[0] for each in before.split(",")} | typed_regions(ctx)
        if not self.there:
            taken |= homes(ctx)
        return [CompletionItem(kept + each) for each in _beside(taken) if each.startswith(region)]


class HomeRegion(click.ParamType[Region, str]):
    """The primary's Region."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Region:
        """Return the Region, checked."""
        return parse_region(str(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the Regions that begin so, but for those that were typed already, of the same partition."""
        return [CompletionItem(each) for each in _beside(typed_regions(ctx)) if each.startswith(incomplete)]


def typed_targets(ctx: click.Context) -> list[Target]:
    """Return the targets of every -r of the command line."""
    return [
        target
        for param in ctx.command.params
        if isinstance(param.type, Regions) and param.name
        for group in ctx.params.get(param.name) or ()
        for target in group
    ]


def typed_regions(ctx: click.Context) -> set[str]:
    """Return every Region that an option of the command line names."""
    named = {str(each.region) for each in typed_targets(ctx)}
    return named | {
        str(ctx.params[param.name])
        for param in ctx.command.params
        if isinstance(param.type, HomeRegion) and param.name and ctx.params.get(param.name)
    }


def _beside(taken: Iterable[str]) -> list[str]:
    """Return the Regions that replicate with those that are taken, without these."""
    known = {Region(each) for each in taken if each in KNOWN}
    partitions = {partition_of(each) for each in known}
    return [each for each in KNOWN if each not in known and (not known or partition_of(Region(each)) in partitions)]


def homes(ctx: click.Context) -> set[str]:
    """Return where the primaries live, as far as the command line, the environment and the AWS configuration tell."""
    typed = ctx.params.get("secrets") or (ctx.params.get("secret"),)
    arns = {each.split(":")[3] for each in typed if each and re.match(r"arn:[^:]*:secretsmanager:[^:]+:", each)}
    flag = ctx.params.get("primary_region")
    if arns or flag:
        return arns or {str(flag)}
    if "primary_region" not in ctx.params:
        return set()
    named = next((os.environ[each] for each in HOME_VARIABLES if os.environ.get(each)), None)
    return {named or profile_region(ctx.params.get("profile"), os.environ) or ""}


class Duration(click.ParamType[float, str]):
    """`300`, `300s`, `5m`, `1h` or `250ms`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?", str(value).strip(), re.ASCII)
        if found is None:
            self.fail(f"{value!r} is no duration; durations look like 300, 300s, 5m or 1h", param, ctx)
        return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2] or "s"]


class Account(click.ParamType[str, str]):
    """An AWS account id."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the twelve digits."""
        if not re.fullmatch(r"\d{12}", str(value), re.ASCII):
            self.fail(f"{value!r} is no account id; it has twelve digits", param, ctx)
        return str(value)


class Role(click.ParamType[str, str]):
    """The ARN of an IAM role."""

    name = "arn"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ARN as typed."""
        if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", str(value), re.ASCII):
            self.fail(f"{value!r} is no role's ARN; it looks like arn:aws:iam::123456789012:role/NAME", param, ctx)
        return str(value)


class EndpointUrl(click.ParamType[str, str]):
    """The URL of an endpoint."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL as typed."""
        if not re.fullmatch(r"https?://[^\s/?#]+\S*", str(value)):
            self.fail("the value is no URL; it looks like http://127.0.0.1:4566", param, ctx)
        return str(value)


class RegionalEndpoint(click.ParamType[Endpoint, Endpoint]):
    """An endpoint, with the Region that it is for or without one."""

    name = "endpoint"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Endpoint:
        """Return the endpoint."""
        if isinstance(value, Endpoint):
            return value
        region, url = split_endpoint(str(value))
        return Endpoint(EndpointUrl().convert(url, param, ctx), parse_region(region) if region else None)


def secret_ids(typed: Sequence[str], stdin: TextIO | None, *, patterns: bool = False) -> tuple[SecretId, ...]:
    """Return the secrets as typed, each once, `-` replaced by the lines of standard input; `patterns` may have * and ?.

    Raises:
        UsageError: one is empty or too long, can't be a name, is an ARN of something else, or `-` has nothing to read.

    """
    names: list[SecretId] = []
    for each in typed:
        piped = each == "-"
        names += [_secret_id(name, piped=piped, pattern=patterns) for name in (_lines(stdin) if piped else [each])]
    return tuple(dict.fromkeys(names))


def _lines(stdin: TextIO | None) -> Iterable[str]:
    if stdin is None or stdin.closed:
        raise UsageError("secrets were to come from standard input, which is closed", "name them on the command line")
    try:
        lines = [line.strip().removeprefix("\ufeff") for line in stdin]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error.reason
        raise UsageError(f"standard input could not be read: {why}", "a secret is a line of text") from error
    return [line for line in lines if line]


def _secret_id(text: str, *, piped: bool, pattern: bool) -> SecretId:
    if not text.strip():
        raise UsageError("a SECRET is empty", "a secret is a name or an ARN")
    if len(text) > MAX_SECRET_ID:
        raise UsageError(f"a SECRET has {len(text)} characters, {MAX_SECRET_ID} at most: {text[:40]}...")
    if text in KNOWN:
        other = next(each for each in ("us-east-1", "us-west-2") if each != text)
        raise UsageError(
            f"{text!r} is a Region, not a secret",
            f"several Regions go with commas: -r {other},{text} (a secret of that name: by its ARN)",
        )
    if text.startswith("arn:") and not re.search(r"\s", text):
        arn = parse_arn(text, "secretsmanager")
        if not re.fullmatch("secret:.+", arn.resource):
            raise UsageError(f"{text!r} is not the ARN of a secret")
        check_name(arn.resource.removeprefix("secret:"), piped=piped, pattern=pattern)
    else:
        check_name(text, piped=piped, pattern=pattern)
    return SecretId(text)


def targets(typed: Iterable[tuple[Target, ...]], default_key: str | None) -> tuple[Target, ...]:
    """Return the targets of all -r in order, those without a key under the default one.

    Raises:
        UsageError: a Region is named twice, or a key can't be its replica's.

    """
    by_region: dict[Region, Target] = {}
    for each in (target for group in typed for target in group):
        if each.region in by_region:
            raise UsageError(f"{each.region} is named twice", "name each Region once, with one key at most")
        target = Target(each.region, each.kms_key or default_key)
        check_target(target)
        by_region[each.region] = target
    return tuple(by_region.values())
