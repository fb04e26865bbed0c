"""The options of the acceptance run as settings; imports nothing that calls AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from smrep.cli.params import Duration
from smrep.errors import UsageError
from smrep.regions import parse_region, partition_of

HOW = "a real account: pytest --live --regions us-east-1,us-west-2 (see docs/live.md)"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do."""

    regions: tuple[str, ...]
    """The primary's first, then the replicas'."""
    report: Path
    patience_s: float
    """How long anything may take until it counts as not happening."""
    watch_s: float
    """How long to look at what may change, or may not."""
    keys: tuple[tuple[str, str], ...] = ()
    """(Region, KMS key) that may be used."""
    bad_keys: tuple[tuple[str, str], ...] = ()
    """(Region, KMS key) that AWS will not be able to use: disabled, denied, of the wrong kind."""

    @property
    def primary(self) -> str:
        """The primary's Region."""
        return self.regions[0]

    @property
    def replicas(self) -> tuple[str, ...]:
        """The replicas' Regions."""
        return self.regions[1:]


def add_options(parser: pytest.Parser) -> None:
    """Register the options; pytest takes them from the uppermost conftest only."""
    group = parser.getgroup("live", "acceptance run against a real account (docs/live.md)")
    group.addoption("--live", action="store_true", help="run tests/live, and nothing else, against a real account")
    group.addoption("--regions", metavar="PRIMARY,REPLICA[,...]", help="the primary's Region, then the replicas'")
    group.addoption("--live-report", metavar="FILE", default="live-report.json", help="default: %(default)s")
    group.addoption("--live-patience", metavar="DURATION", default="5m", help="longest wait (default: %(default)s)")
    group.addoption("--live-watch", metavar="DURATION", default="60s", help="longest look at what may never change")
    group.addoption("--live-kms-key", metavar="REGION=KEY", action="append", default=[], help="a key that may be used")
    group.addoption("--live-bad-key", metavar="REGION=KEY", action="append", default=[], help="a key that can't be")


def settings_of(config: pytest.Config) -> Settings:
    """Return what the command line asks for.

    Raises:
        pytest.UsageError: it is incomplete or wrong.

    """
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--live is one walk in one process: leave -n away, or say -n 0")
    try:
        regions = _regions(config.getoption("--regions"))
        return Settings(
            regions=regions,
            report=Path(config.getoption("--live-report")).absolute(),
            patience_s=_seconds(config, "--live-patience"),
            watch_s=_seconds(config, "--live-watch"),
            keys=_keys(config, "--live-kms-key", regions),
            bad_keys=_keys(config, "--live-bad-key", regions),
        )
    except UsageError as error:
        raise pytest.UsageError(f"{error}; {error.hint}" if error.hint else str(error)) from error


def _regions(text: str | None) -> tuple[str, ...]:
    if text is None:
        raise UsageError("--live needs --regions", "name the primary's first: --regions us-east-1,us-west-2")
    regions = tuple(str(parse_region(each.strip())) for each in text.split(","))
    if len(regions) < 2:
        raise UsageError("--regions needs a Region to replicate to", f"add one: --regions {text},us-west-2")
    if len(set(regions)) < len(regions):
        raise UsageError("--regions names a Region twice")
    if len({partition_of(parse_region(each)) for each in regions}) > 1:
        raise UsageError("--regions names Regions of several partitions, which do not replicate to each other")
    return regions


def _seconds(config: pytest.Config, option: str) -> float:
    try:
        return Duration().convert(config.getoption(option), None, None)
    except click.BadParameter as error:
        raise UsageError(f"{option}: {error.message}") from error


def _keys(config: pytest.Config, option: str, regions: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = [text.partition("=") for text in config.getoption(option)]
    for region, _, key in pairs:
        if region not in regions[1:] or not key:
            raise UsageError(f"{option} wants REGION=KEY with one of the replicas' Regions: {', '.join(regions[1:])}")
    return tuple((region, key) for region, _, key in pairs)
