"""A run's dependencies, each made when first asked for, and what a run shows and says on its way."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

import click

from smrep import __version__
from smrep.cli.options import Shared
from smrep.cli.params import secret_ids
from smrep.cli.root import WORDS
from smrep.errors import Outcome
from smrep.model import SecretId, parse_arn
from smrep.output.append_only_file import Journal
from smrep.output.events import Events
from smrep.output.progress import Gauge, Lines, Screen, SystemClock, Tally
from smrep.output.terminal import Messages, Paper, fits, is_terminal, wants_animation, wants_colour
from smrep.regions import Region, is_known, nearest
from smrep.report import Kind, Progress, SecretReport, Severity, Trouble
from smrep.rules.hints import typed_again
from smrep.rules.primary_region import Where, account_in, check_account, check_regions, locate
from smrep.service.ports import Clock
from smrep.urls import shown

if TYPE_CHECKING:
    from smrep.aws.client import Aws


TELLING_S = 5.0
"""How often the events of a run over many secrets tell how far it is."""


@dataclass
class App:
    """One run of one command."""

    command: str
    options: Shared
    timeout_s: float | None = None
    """None where the command has no deadline."""
    dry_run: bool = False
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stdin: TextIO | None = field(default_factory=lambda: sys.stdin)
    stdout: TextIO | None = field(default_factory=lambda: sys.stdout)
    stderr: TextIO | None = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=lambda: click.get_current_context().obj or SystemClock())
    """The one that the run was given (smrep.cli.main.run), else the machine's."""
    stdin_is_taken: bool = False
    """Whether standard input was read for secrets, so that nothing is left to answer a prompt."""
    events: Events | None = None
    """Where the run is told as it happens, with -o ndjson."""
    looks_last: bool = False
    """Whether a Region in sync is looked into at the end, so that nobody knows before whether it is well."""
    where: Where | None = None
    endpoint_url: str | None = None
    thought_s: float = 0.0
    """How long a person took to answer."""
    account_id: str | None = None
    """The credentials' account, where it was asked for."""
    caller: str | None = None
    """The ARN of who is behind the credentials, where it was asked for."""
    secrets: Callable[[], Sequence[SecretReport]] = tuple
    """Tells how the secrets of this run stand, at any moment."""
    progress: Callable[[], Progress] | None = None
    """Tells how far a run over many secrets has come; None where each is shown."""
    summary: Callable[[], Mapping[str, int]] | None = None
    """Tells the counts of such a run."""
    several_accounts: bool = False
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The flags that lead to each account of a manifest or a plan."""
    journal: Journal | None = None
    """Where each write is written down before it goes out."""
    result: Callable[[], Iterable[str]] | None = None
    """Tells what is written in place of the secrets, to people and as JSON, where there is something."""
    reports: Sequence[str] = ()
    """Files to which the result is written too."""
    next_step: Callable[[], str | None] | None = None
    """Tells what to type next where a run over many secrets has found something that is to be done."""
    streamed: bool = False
    """Whether the result was written as it came."""
    interrupted: Callable[[], Trouble] = lambda: Trouble(
        "Interrupted", "stopped; nothing was sent", None, None, Outcome.INTERRUPTED
    )
    """Tells what an interrupt at this moment leaves behind."""

    def __post_init__(self) -> None:
        """Start the run's time."""
        self.started_at = self.clock.now()
        self._started = self.clock.monotonic()
        self._told_at_s = 0.0
        self._said_homes: Mapping[Region, str] = {}

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self.clock.monotonic() - self._started

    @property
    def deadline(self) -> float:
        """When waiting ends, in the clock's seconds."""
        return self._started + (self.timeout_s or 0.0)

    @cached_property
    def output(self) -> str:
        """The format of the result."""
        if self.options.as_json:
            return "json"
        if self.options.query is not None:
            return "text" if self.options.output == "text" else "json"
        return self.options.output or ("table" if is_terminal(self.stdout) else "text")

    @cached_property
    def messages(self) -> Messages:
        """Lines for people, on standard error."""
        colour = self.stderr is not None and wants_colour(self.options.color, self.stderr, self.env)
        return Messages(self.stderr, colour, self.options.quiet)

    @cached_property
    def screen(self) -> Screen:
        """Progress where each secret is shown."""
        if self.stderr is not None and self._is_alive:
            from smrep.output.live import LiveTable

            return LiveTable(self.stderr, self.paper(self.stderr), self.timeout_s)
        return Lines(self.messages, self.timeout_s)

    @cached_property
    def gauge(self) -> Gauge:
        """Progress over many secrets."""
        if self.stderr is not None and self._is_alive:
            from smrep.output.live import Bar

            return Bar(self.stderr, self.paper(self.stderr))
        return Tally(self.messages)

    @property
    def _is_alive(self) -> bool:
        """Whether progress may redraw itself: on a terminal outside CI, and not among the lines of --debug."""
        alone = not (self.options.quiet or self.options.debug)
        return self.stderr is not None and alone and wants_animation(self.stderr, self.env)

    def show(self) -> None:
        """Show how far the run has come, or how each secret stands where they are few."""
        if self.progress:
            progress, elapsed_s = self.progress(), self.elapsed_s
            if self.events and elapsed_s - self._told_at_s >= TELLING_S:
                self._told_at_s = elapsed_s
                self.events.progress(progress)
            self.gauge.show(progress, elapsed_s)
            return
        secrets = self.secrets()
        if self.events:
            self.events.show(secrets, looks_last=self.looks_last)
        self.screen.show(secrets, self.elapsed_s)

    @property
    def again(self) -> str:
        """The command that goes on from here, or the one that was typed; no password stands in its URLs."""
        going_on = self.interrupted().hint
        words = click.get_current_context().meta.get(WORDS, ())
        return going_on or typed_again([re.sub(r"https?://\S*", lambda url: shown(url[0]), word) for word in words])

    def close_screen(self) -> None:
        """Leave room for the result, where progress was shown at all."""
        for name in ("screen", "gauge"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def paper(self, stream: TextIO | None) -> Paper:
        """Return what a format may know of the stream."""
        if stream is None:
            return Paper()
        width = None
        if is_terminal(stream):
            columns = self.env.get("COLUMNS", "")
            width = int(columns) if fits(columns) else _columns(stream)
        unicode = (getattr(stream, "encoding", None) or "").lower().replace("-", "").startswith("utf")
        return Paper(wants_colour(self.options.color, stream, self.env), width, unicode)

    def find_home(self, typed: Sequence[str], replicas: Iterable[Region], *, needed: bool = False) -> Where:
        """Return the secrets that were typed with their Regions, remembered for the report.

        Warns of a Region that this version does not know: it may be newer, or mistyped. `needed` looks for a Region
        also where no secret was typed.

        Raises:
            UsageError: a secret can't be one or is of another account than expected; see rules.primary_region.
            ConfigurationError: nobody names a Region.

        """
        secrets = self._named(typed)

        def profile_region() -> str | None:
            from smrep.aws import session

            return session.profile_region(self.options.profile)

        self.where = locate(secrets, self.options.primary_region, self.env, profile_region, needed=needed)
        self._check(secrets, [*(address.region for address in self.where.addresses), *replicas])
        return self.where

    def found_homes(self, sources: Mapping[Region, str]) -> None:
        """Remember the primaries' Regions that somebody else than the command line names."""
        self.where = Where((), sources)

    @property
    def home_flags(self) -> tuple[str, ...]:
        """The flags that mean the same primaries' Region, whatever the environment says where they are typed."""
        where = self.where
        written = where is None or where.source in ("manifest", "plan") or where.region is None
        return () if written or where is None else ("--primary-region", str(where.region))

    def find_there(self, typed: Sequence[str], region: Region) -> tuple[SecretId, ...]:
        """Return the secrets that were typed, to be looked for in that Region and in no other.

        Raises:
            UsageError: a secret can't be one or is of another account than expected; the Region is the primary's.

        """
        secrets = self._named(typed)
        typed_home = [self.options.primary_region] if self.options.primary_region else []
        arns = [parse_arn(each, "secretsmanager").region for each in secrets if each.startswith("arn:")]
        check_regions([*typed_home, *(each for each in arns if each != region)], [region])
        self._check(secrets, [region])
        return secrets

    def _named(self, typed: Sequence[str]) -> tuple[SecretId, ...]:
        """Return the secrets that were typed, or stand on standard input."""
        self.stdin_is_taken = "-" in typed
        secrets = secret_ids(typed, self.stdin)
        if typed and not secrets:
            self.messages.warning("standard input named no secret: there is nothing to do")
        return secrets

    def _check(self, secrets: Iterable[SecretId], regions: Iterable[Region]) -> None:
        """Refuse secrets of another account than expected, warn of Regions that this version does not know."""
        for secret in secrets:
            check_account(account_in(secret), self.options.expect_account, secret)
        for region in dict.fromkeys(regions):
            if not is_known(region):
                self.messages.warning(f"{region} is no Region that smrep {__version__} knows; asking AWS all the same")
                near = nearest(region)
                self.messages.hint(f"did you mean {near}?" if near else None)

    def connect(self, only: Region | None = None, options: Shared | None = None, *, sole: bool = False) -> Aws:
        """Return the door to AWS, having said which Region and which endpoint are in force.

        `only` is where the calls go first, where that is not the Region of a primary that was looked for; with `sole`,
        those for credentials too. `options` are those of another connection than the one typed.
        """
        from smrep.aws.client import Aws
        from smrep.aws.session import Session, Settings
        from smrep.rules.hints import cure

        options = options or self.options
        sources = self.where.sources if self.where else {}
        for region, source in sources.items() if self._said_homes != sources else ():
            self.messages.note(f"primary Region {region} (from {'its ARN' if source == 'arn' else source})")
        self._said_homes = sources
        first = only or next(iter(sources), None)
        settings = Settings(
            profile=options.profile,
            role_arn=options.role_arn,
            external_id=options.external_id,
            endpoints=options.endpoints,
            sts_region=first,
            sole_region=first if sole else None,
        )
        session = Session(settings, self.messages.note, cure=cure)
        if first:
            self.endpoint_url = session.endpoint_url(first)
        return Aws(session, self.messages.trace if options.debug else None, self._observe)

    def _observe(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Tell of a write that is about to go out, wherever that is wanted."""
        if self.events:
            self.events.request(operation, region, params)
        if self.journal:
            self.journal.write(operation, region, params)

    def announce(self) -> None:
        """Tell the plan, and say what was found before acting and matters while waiting."""
        if self.events:
            self.events.plan()
        for finding in (each for secret in self.secrets() for row in secret.replicas for each in row.findings):
            if finding.severity is Severity.INFO or finding.kind in (Kind.FAILED, Kind.MANAGED):
                self.messages.note(finding.message)


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
