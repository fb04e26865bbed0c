"""Sandbox options for faults, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smrep.cli.params import Duration
from smrep.errors import UsageError
from smrep.regions import KNOWN, Region, nearest, parse_region

if TYPE_CHECKING:
    from smrep.sandbox.faults import Faults

F = TypeVar("F", bound=Callable[..., Any])

FAILURE = "Replication failed: the sandbox was told to fail this Region."
_FAULTS_OF = {
    "replication_delay": ("replication_delay_s", "replication_delay_by_region"),
    "removal_delay": ("removal_delay_s", "removal_delay_by_region"),
    "value_delay": ("value_delay_s",),
    "fail": ("failures",),
    "outage": ("outages",),
    "disabled_region": ("disabled_regions",),
    "latency": ("latency_s",),
    "drop_request": ("dropped_requests",),
    "drop_answer": ("dropped_answers",),
    "deny": ("denied",),
    "list_lag": ("list_lag_s",),
    "listing_lag": ("listing_lag_s",),
}
"""Option -> its names in the faults document; any other option has the same name in both."""


def fault_options(command: F) -> F:
    """Add the options that make a sandbox's AWS fail."""
    options = [
        click.option(
            "--replication-delay",
            multiple=True,
            metavar="[REGION=]DURATION",
            help="Time that a replication takes (default: 2s).",
        ),
        click.option(
            "--removal-delay",
            multiple=True,
            metavar="[REGION=]DURATION",
            help="Time until a removed replica is gone (default: 40s).",
        ),
        click.option(
            "--value-delay",
            type=Duration(),
            metavar="DURATION",
            help="Time until a new value reaches a replica (default: as for a replication).",
        ),
        click.option(
            "--fail",
            multiple=True,
            metavar="REGION[=MESSAGE]",
            help="Let replication to REGION fail with this message.",
        ),
        click.option("--stuck", multiple=True, metavar="REGION", help="Keep replication to REGION InProgress forever."),
        click.option("--outage", multiple=True, metavar="REGION", help="Let REGION not answer."),
        click.option(
            "--disabled-region",
            multiple=True,
            metavar="REGION",
            help="Disable REGION: it refuses calls, and replication to it fails.",
        ),
        click.option("--latency", type=Duration(), default=0.0, metavar="DURATION", help="Pause before each answer."),
        click.option(
            "--drop-request",
            multiple=True,
            metavar="OPERATION[=N]",
            help="Drop the first N (1) such calls before they take effect.",
        ),
        click.option(
            "--drop-answer",
            multiple=True,
            metavar="OPERATION[=N]",
            help="Drop the answers to the first N (1) such calls, after they took effect.",
        ),
        click.option(
            "--deny",
            multiple=True,
            metavar="OPERATION=REGION",
            help="Deny such calls (IAM and Account Management are in us-east-1).",
        ),
        click.option(
            "--list-lag",
            type=Duration(),
            default=0.0,
            metavar="DURATION",
            help="Time until DescribeSecret shows an added Region.",
        ),
        click.option(
            "--listing-lag",
            type=Duration(),
            default=0.0,
            metavar="DURATION",
            help="Time until ListSecrets shows a change.",
        ),
        click.option(
            "--write-quota",
            type=click.IntRange(1),
            metavar="N",
            help="Throttle more than N writes a second in a Region.",
        ),
        click.option(
            "--promoted-entry",
            type=click.Choice(["kept", "dropped"]),
            default="kept",
            help="Whether the old primary still lists a promoted replica (default: kept).",
        ),
        click.option(
            "--stale-entry-guards/--no-stale-entry-guards",
            default=False,
            help="Whether that entry protects the old primary from an overwrite (default: no).",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def faults_from(options: dict[str, Any]) -> Faults:
    """Return the faults from the options.

    Raises:
        UsageError: a Region, a duration or a number is invalid.

    """
    from smrep.sandbox.faults import Drop, Faults

    replication_s, replication_by_region = delays(options["replication_delay"], Faults().replication_delay_s)
    removal_s, removal_by_region = delays(options["removal_delay"], Faults().removal_delay_s)
    failures = (text.partition("=") for text in options["fail"])
    denied = (text.partition("=") for text in options["deny"])
    drops = [
        *(Drop(operation, "before", times) for operation, times in map(_count, options["drop_request"])),
        *(Drop(operation, "after", times) for operation, times in map(_count, options["drop_answer"])),
    ]
    return Faults(
        replication_delay_s=replication_s,
        replication_delay_by_region=replication_by_region,
        removal_delay_s=removal_s,
        removal_delay_by_region=removal_by_region,
        value_delay_s=options["value_delay"],
        failures={_region(region): message or FAILURE for region, _, message in failures},
        stuck=frozenset(_region(text) for text in options["stuck"]),
        outages=frozenset(_region(text) for text in options["outage"]),
        disabled_regions=frozenset(_region(text) for text in options["disabled_region"]),
        latency_s=options["latency"],
        drops=tuple(drops),
        write_quota=options["write_quota"],
        list_lag_s=options["list_lag"],
        listing_lag_s=options["listing_lag"],
        denied=frozenset((_operation(operation), _region(region)) for operation, _, region in denied),
        promoted_entry=options["promoted_entry"],
        stale_entry_guards=options["stale_entry_guards"],
    )


def faults_typed(options: dict[str, Any]) -> dict[str, Any]:
    """Return the faults whose options were typed, as a replacement document.

    Raises:
        UsageError: as `faults_from`.

    """
    from smrep.sandbox.server.fault_document import format_faults

    context, document = click.get_current_context(), format_faults(faults_from(options))
    return {
        fault: document[fault]
        for option in options
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
        for fault in _FAULTS_OF.get(option, (option,))
    }


def delays(typed: Iterable[str], default_s: float) -> tuple[float, dict[str, float]]:
    """Return the delay of all Regions and of single ones."""
    common, single = default_s, {}
    for delay in typed:
        region, equals, text = delay.rpartition("=")
        seconds = Duration().convert(text, None, None)
        if equals:
            single[str(_region(region))] = seconds
        else:
            common = seconds
    return common, single


def _count(text: str) -> tuple[str, int]:
    operation, equals, times = text.partition("=")
    if equals and not times.isdigit():
        raise UsageError(f"{text!r} has no number after =", f"for the first two calls: {operation}=2")
    return _operation(operation), int(times) if equals else 1


def _operation(name: str) -> str:
    """Return the operation's name if the sandbox knows it; a fault of an unknown one would never happen."""
    from smrep.sandbox.operations import OPERATIONS

    if name not in OPERATIONS:
        near = get_close_matches(name, OPERATIONS, n=1)
        raise UsageError(
            f"the sandbox has no operation {name!r}",
            f"did you mean {near[0]}?" if near else f"for example: {', '.join(sorted(OPERATIONS)[:4])}",
        )
    return name


def _region(text: str) -> Region:
    """Return the Region if it exists; a fault of another one would never happen."""
    region = parse_region(text)
    if region not in KNOWN:
        near = nearest(region)
        raise UsageError(f"{region} is not an AWS Region", f"did you mean {near}?" if near else "check its name")
    return region
