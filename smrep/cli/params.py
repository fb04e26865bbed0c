"""Parameter types: secrets, Regions with keys, durations, account ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import click

from smrep.errors import UsageError
from smrep.model import MAX_SECRET_ID, Endpoint, SecretId, Target, parse_arn, split_endpoint
from smrep.regions import KNOWN, Region, parse_region
from smrep.rules.primary_region import check_name
from smrep.rules.replication.key_failures import check_key


@dataclass(frozen=True, kw_only=True)
class Regions(click.ParamType[tuple[Target, ...], str]):
    """`REGION[=KMS_KEY]`, or several separated by commas."""

    name = "region"
    keys: bool
    """Whether the command uses keys."""
    holds_secrets: bool = False
    """Whether the command looks up its secrets in this Region."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Target, ...]:
        """Return the targets in the order typed."""
        if isinstance(value, tuple):
            return value
        typed: list[Target] = []
        for word in str(value).split(","):
            text = word.strip()
            if typed and not text:
                raise UsageError(f"-r {value} ends in a comma", "no space after the comma: -r us-west-2,eu-west-1")
            name, equals, key = text.partition("=")
            region = parse_region(name)
            if equals and not self.keys:
                raise UsageError(f"this command takes no KMS key: {text!r}", f"-r {region}")
            if equals and not key:
                hint = f"-r {region}=alias/NAME, or only -r {region}"
                raise UsageError(f"the KMS key is missing after {text!r}", hint)
            typed.append(Target(region, key or None))
        return tuple(typed)


class HomeRegion(click.ParamType[Region, str]):
    """Primary Region."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Region:
        """Return the validated Region."""
        return parse_region(str(value))


class Duration(click.ParamType[float, str]):
    """`300`, `300s`, `5m`, `1h` or `250ms`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?", str(value).strip(), re.ASCII)
        if match is None:
            self.fail(f"{value!r} is not a duration; durations look like 300, 300s, 5m or 1h", param, ctx)
        return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match[2] or "s"]


class Account(click.ParamType[str, str]):
    """AWS account id."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the twelve digits."""
        if not re.fullmatch(r"\d{12}", str(value), re.ASCII):
            self.fail(f"{value!r} is not an account id; an account id has twelve digits", param, ctx)
        return str(value)


class Role(click.ParamType[str, str]):
    """ARN of an IAM role."""

    name = "arn"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ARN as typed."""
        if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", str(value), re.ASCII):
            self.fail(f"{value!r} is not the ARN of a role, such as arn:aws:iam::123456789012:role/NAME", param, ctx)
        return str(value)


class EndpointUrl(click.ParamType[str, str]):
    """URL of an endpoint."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL as typed."""
        if not re.fullmatch(r"https?://[^\s/?#]+\S*", str(value)):
            self.fail("the value is not a URL, such as http://127.0.0.1:4566", param, ctx)
        return str(value)


class RegionalEndpoint(click.ParamType[Endpoint, Endpoint]):
    """Endpoint, for one Region or for all."""

    name = "endpoint"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Endpoint:
        """Return the endpoint."""
        if isinstance(value, Endpoint):
            return value
        region, url = split_endpoint(str(value))
        return Endpoint(EndpointUrl().convert(url, param, ctx), parse_region(region) if region else None)


def secret_ids(typed: Sequence[str], stdin: TextIO | None, *, patterns: bool = False) -> tuple[SecretId, ...]:
    """Return each typed secret once, with `-` replaced by standard input; `patterns` allows * and ?.

    Raises:
        UsageError: one is empty, too long or invalid, is an ARN of something else, or `-` has no input.

    """
    names: list[SecretId] = []
    for word in typed:
        piped = word == "-"
        names += [_secret_id(name, piped=piped, pattern=patterns) for name in (_lines(stdin) if piped else [word])]
    return tuple(dict.fromkeys(names))


def _lines(stdin: TextIO | None) -> Iterable[str]:
    if stdin is None or stdin.closed:
        raise UsageError("cannot read secrets: standard input is closed", "name them on the command line")
    try:
        lines = [line.strip().removeprefix("\ufeff") for line in stdin]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error.reason
        raise UsageError(f"standard input could not be read: {why}", "put one name or ARN on each line") from error
    return [line for line in lines if line]


def _secret_id(text: str, *, piped: bool, pattern: bool) -> SecretId:
    if not text.strip():
        raise UsageError("a SECRET is empty", "a secret is a name or an ARN")
    if len(text) > MAX_SECRET_ID:
        raise UsageError(f"a SECRET has {len(text)} characters, more than {MAX_SECRET_ID}: {text[:40]}...")
    if text in KNOWN:
        other = next(region for region in ("us-east-1", "us-west-2") if region != text)
        raise UsageError(
            f"{text!r} is a Region, not a secret",
            f"separate Regions by commas: -r {other},{text}; name a secret that is called so by its ARN",
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
    """Return the targets of all -r in order, with the default key for those without one.

    Raises:
        UsageError: a Region is repeated, or a key cannot belong to its replica.

    """
    by_region: dict[Region, Target] = {}
    for typed_target in (target for group in typed for target in group):
        if typed_target.region in by_region:
            raise UsageError(f"{typed_target.region} is named twice", "name each Region once, with at most one key")
        target = Target(typed_target.region, typed_target.kms_key or default_key)
        if target.kms_key is not None:
            check_key(target.kms_key, target.region)
        by_region[typed_target.region] = target
    return tuple(by_region.values())
