"""One run of a command: locate secrets, connect, show progress, publish the result."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

import click

from smrep import __version__
from smrep.cli.confirmation import NOT_CONFIRMED, ask, show_plan, show_sheet
from smrep.cli.options import Choice, SharedOptions
from smrep.cli.params import secret_ids
from smrep.cli.root import CONDUCTED, SESSIONS, WORDS
from smrep.cli.signals import find_signal, finish_quietly, stopped_by
from smrep.errors import CredentialsError, Outcome, OutputError, SmrepError, UsageError
from smrep.model import SecretId, parse_arn, shown_url
from smrep.output import github
from smrep.output.events import Events
from smrep.output.formats import FORMATS, REPLACEABLE, as_query, compile_query
from smrep.output.progress import FleetLines, Gauge, Lines, Screen, SystemClock
from smrep.output.stderr_notes import explain, is_mute
from smrep.output.terminal import Messages, Terminal, is_terminal, terminal_size, wants_color
from smrep.regions import KNOWN, Region, nearest
from smrep.report import EventReport, Kind, Problem, RunReport, SecretReport, SecretsReport, Severity, bug
from smrep.rules.hints import command_line, report_with_connection_flags, some_names, step, steps, with_connection_flags
from smrep.rules.primary_region import PrimaryRegions, account_in, check_account, check_regions, locate_primaries
from smrep.rules.run_outcome import run_outcome, timed_out
from smrep.service.ports import Clock
from smrep.service.run_state import Plan, RunState

if TYPE_CHECKING:
    from smrep.aws.client import Aws, Observer
    from smrep.aws.session import Roles

TELLING_S = 5.0
"""Seconds between progress events in a run over many secrets."""


@dataclass
class Run:
    """One run of one command: observes its progress, and is the only place where it ends.

    As a context manager, reports the block's results, however it ends.
    """

    command: str
    options: SharedOptions
    timeout_s: float | None = None
    """None for a command without a deadline."""
    dry_run: bool = False
    yes: bool = False
    """Whether the command line confirms what the run destroys."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stdin: TextIO | None = field(default_factory=lambda: sys.stdin)
    stdout: TextIO | None = field(default_factory=lambda: sys.stdout)
    stderr: TextIO | None = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=lambda: click.get_current_context().obj or SystemClock())
    """Clock given to the run (smrep.cli.main.run), else the machine's."""
    stdin_is_taken: bool = False
    """Whether standard input named secrets, so that it cannot answer a prompt."""
    events: Events | None = None
    """Live events of the run, with -o ndjson."""
    where: PrimaryRegions | None = None
    endpoint_url: str | None = None
    thought_s: float = 0.0
    """Seconds that a person took to answer."""
    account_id: str | None = None
    """Account of the credentials, if asked for."""
    caller: str | None = None
    """ARN behind the credentials, if asked for."""
    several_accounts: bool = False
    absent: Callable[[], tuple[SecretReport, ...] | None] = lambda: None
    """Returns the named secrets that no account of this shard has, where another shard's may."""
    unmatched: Callable[[], tuple[str, ...]] = tuple
    """Returns the rules that match no secret of this shard's accounts, where they may match another shard's."""
    shard: str | None = None
    """Part of the work that the run does, such as 2/4."""
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Connection flags for each account of a manifest or a plan."""
    observers: list[Observer] = field(default_factory=list)
    """Receive each write before it is sent: the events, a journal."""
    reports: Sequence[str] = ()
    """Files to write the result to as well."""
    replaces_result: bool = False
    """Whether `text` replaces the secrets, for people and as JSON."""
    text: Iterable[str] = ()
    choice: Choice | None = None
    """Selectors that chose the secrets; None for secrets by name."""
    finished: RunReport | None = None
    """Result that other runs made, published as it is."""
    aws: Aws | None = None
    """Connection already open, if selecting secrets needed one."""
    event: EventReport | None = None
    """Event that started the run."""
    next_step: str | None = None
    """Next command after a run over many secrets with something left to do."""
    exit_code: int = Outcome.BUG.exit_code

    def __post_init__(self) -> None:
        """Start the run's clock."""
        self.started_at = self.clock.now()
        self._started = self.clock.monotonic()
        self._progress_at_s = 0.0
        self._said_homes: Mapping[Region, str] = {}
        self._report: SecretsReport | None = None
        self._roles: Roles | None = None
        self._reported: set[str] = set()
        self._search = compile_query(self.options.query) if self.options.query is not None else None
        self.state = RunState(self.clock, self._started + (self.timeout_s or 0.0), self, self.dry_run)

    def __enter__(self) -> Self:
        """Take over the run: smrep reports its end from now on."""
        if self.output == "ndjson":
            self.events = Events(
                lambda line: self.write([line]), self.clock.now, lambda: self._framed(self.state.report())
            )
            self.events.version(self.command)
            self.observers.append(self.events.request)
        click.get_current_context().meta[CONDUCTED] = True
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> bool:
        """Print the result and set the exit code.

        Raises:
            OutputError: the result could not be written.
            BrokenPipeError: nobody reads it any more.

        """
        self.close_screen()
        if isinstance(error, BrokenPipeError):
            return False
        signal = None if error is None or isinstance(error, SmrepError) else find_signal(error)
        trouble = self._trouble(error, signal) if error else None
        results = self._report or self.state.report()
        if trouble is None and self.timeout_s is not None and not self.dry_run:
            trouble = timed_out(results.secrets, self.timeout_s, self.elapsed_s, self.command)
            trouble = self._resumed(trouble) if trouble else None
        framed = self._framed(results, trouble, stopped_by(signal) if signal else None)
        report = framed if trouble or self.finished is None else self.finished
        report = self._written(report) if self.reports else report
        try:
            text = as_query(report, self._search, text=self.output == "text") if self._search else None
        except UsageError as failure:  # the work done is reported all the same
            outcome, trouble, text = failure.outcome, Problem.of(failure), None
            report = replace(report, outcome=outcome, exit_code=outcome.exit_code, error=trouble)
        self.exit_code = report.exit_code
        try:
            self._publish(report, text)
            finish_quietly(report.exit_code)
        finally:
            table = self.output == "table" and not self.replaces_result and self.stdout is not None
            step = None if report.error else self.next_step
            explain(report, self.messages, self.options.connection, has_table=table, next_step=step)
            github.publish(report, self.messages, self.env)
        return True

    def finish(self, report: SecretsReport) -> None:
        """Keep the use case's report as the result."""
        self._report = report

    def _trouble(self, error: BaseException, signal: BaseException | None) -> Problem:
        """Return the problem that ended the run early."""
        if signal:
            return self._resumed(self.state.interruption(self.state))
        trouble = Problem.of(error) if isinstance(error, SmrepError) else bug(error)
        if isinstance(error, CredentialsError) and trouble.hint:
            again = self._resumed(self.state.interruption(self.state)).hint or step("then", self._typed)
            return replace(trouble, hint=steps(trouble.hint, again))
        return trouble

    def _resumed(self, trouble: Problem) -> Problem:
        """Return the problem with the typed command as its hint if selectors chose the secrets, however many."""
        return replace(trouble, hint=step("to resume", self._typed)) if self.choice and trouble.hint else trouble

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began, without those that a person took to answer."""
        return self.clock.monotonic() - self._started - self.thought_s

    @cached_property
    def output(self) -> str:
        """Format of the result."""
        if self.options.as_json:
            return "json"
        if self.options.query is not None:
            return "text" if self.options.output == "text" else "json"
        return self.options.output or ("table" if is_terminal(self.stdout) else "text")

    @cached_property
    def messages(self) -> Messages:
        """Messages for people, on standard error."""
        color = self.stderr is not None and wants_color(self.options.color, self.stderr, self.env)
        return Messages(self.stderr, color, self.options.quiet)

    @cached_property
    def screen(self) -> Screen:
        """Progress with each secret shown."""
        if self.stderr is not None and self._is_alive:
            from smrep.output.live import LiveTable

            return LiveTable(self.stderr, self.paper(self.stderr), self.timeout_s)
        return Lines(self.messages, self.timeout_s)

    @cached_property
    def gauge(self) -> Gauge:
        """Progress over many secrets."""
        if self.stderr is not None and self._is_alive:
            from smrep.output.live import ProgressBar

            return ProgressBar(self.stderr, self.paper(self.stderr))
        return FleetLines(self.messages)

    @property
    def _is_alive(self) -> bool:
        """Whether progress may redraw: on a capable terminal outside CI, in color or not, without --debug."""
        is_capable = not self.env.get("CI") and self.env.get("TERM") != "dumb" and is_terminal(self.stderr)
        return is_capable and not (self.options.quiet or self.options.debug)

    def update(self, state: RunState, changed: Sequence[SecretReport] | None) -> None:
        """Show the progress, or each secret's state if they are few."""
        if self.events and changed is not None:
            self.events.show(changed)
        progress = state.tracked.progress
        if progress:
            if self.events and self.elapsed_s - self._progress_at_s >= TELLING_S:
                self._progress_at_s = self.elapsed_s
                self.events.progress(progress)
            self.gauge.show(progress, self.elapsed_s)
            return
        secrets = state.tracked.reports()
        if self.events:
            self.events.show(secrets, looks_last=state.looks_last)
        self.screen.show(secrets, self.elapsed_s)

    def suggest(self, hint: str) -> None:
        """Show the next commands, unless it is quiet."""
        self.messages.hint(None if self.options.quiet else with_connection_flags(hint, self.options.connection))

    def note(self, text: str) -> None:
        """Show a sentence about the run as a whole, unless it is quiet."""
        self.messages.note(text)

    def approve(self, state: RunState, plan: Plan) -> bool:
        """Show what is at stake, confirm it unless already confirmed, and return whether to proceed.

        Raises:
            UsageError: it was not confirmed, or nobody can answer.

        """
        self.close_screen()
        if self.events:
            self.events.plan()
        self._warn(state.tracked.reports(), plan)
        if plan.names is not None:
            quiet, asks = self.options.quiet, not (self.yes or self.dry_run)
            if lines := [line for line in plan.sheet or () if line.is_warning or not quiet]:
                show_sheet(lines, self.stderr, self.paper(self.stderr))
            elif plan.sheet is None and (asks or not (quiet or (self.dry_run and self.output == "table"))):
                show_plan(state.tracked, plan.rate, self.stderr, self.paper(self.stderr))
        if self.dry_run:
            self.messages.note("dry run: nothing was sent")
            return False
        if plan.refusal:
            raise plan.refusal
        names = tuple(dict.fromkeys(name for name, _ in plan.dangers)) if plan.names is None else plan.names
        if names and not self.yes:
            asked_at = self.clock.monotonic()
            can_answer = not (self.options.no_input or self.stdin_is_taken)
            ask(names, plan, self.stdin if can_answer else None, self.stderr)
            self.thought_s = self.clock.monotonic() - asked_at  # the time to answer is not waiting
        state.deadline += self.thought_s
        return True

    def _warn(self, secrets: Sequence[SecretReport], plan: Plan) -> None:
        """Say what the plan destroys, and what was found; of many secrets, only which ones AWS services manage."""
        found = [(secret.name, finding) for secret in secrets for row in secret.replicas for finding in row.findings]
        for _, finding in found if plan.names is None else ():
            if finding.severity is Severity.INFO or finding.kind in (Kind.FAILED, Kind.MANAGED):
                self.messages.note(finding.message)
        managed = dict.fromkeys(name for name, finding in found if finding.kind is Kind.MANAGED)
        if managed and plan.names is not None:
            self.messages.warning(f"AWS services manage {some_names([*managed])}, and may forbid or undo this")
        for _, danger in plan.dangers:
            self.messages.warning(danger)

    @property
    def _typed(self) -> str:
        """Typed command line, without passwords in URLs; where selectors chose, in the same primary Region."""
        words = click.get_current_context().meta.get(WORDS, ())
        typed = [re.sub(r"https?://\S*", lambda url: shown_url(url[0]), word) for word in words]
        homeless = self.choice and not any(word.startswith(("--primary-region", "--source-region")) for word in words)
        return command_line([*typed, *(self.home_flags if homeless else ())])

    def close_screen(self) -> None:
        """Make room for the result after progress."""
        for name in ("screen", "gauge"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def paper(self, stream: TextIO | None) -> Terminal:
        """Return the stream's terminal capabilities."""
        if stream is None:
            return Terminal()
        width = terminal_size(stream, self.env)[0] if is_terminal(stream) else None
        unicode = (getattr(stream, "encoding", None) or "").lower().replace("-", "").startswith("utf")
        color = wants_color(self.options.color, stream, self.env)
        return Terminal(color, width, unicode, self.options.verbose)

    def locate(self, typed: Sequence[str], replicas: Iterable[Region], *, needed: bool = False) -> PrimaryRegions:
        """Return the typed secrets with their Regions, and remember them for the report.

        Warns of an unknown Region, which may be newer than smrep or mistyped. `needed` locates a Region even without
        secrets.

        Raises:
            UsageError: a secret is invalid or belongs to another account than expected; see rules.primary_region.
            ConfigurationError: no Region is known.

        """
        secrets = self._named(typed)

        def profile_region() -> str | None:
            from smrep.aws import session

            return session.profile_region(self.options.profile)

        self.where = locate_primaries(secrets, self.options.primary_region, self.env, profile_region, needed=needed)
        self._check(secrets, [*(address.region for address in self.where.addresses), *replicas])
        return self.where

    def remember_homes(self, sources: Mapping[Region, str]) -> None:
        """Remember primary Regions that come from elsewhere than the command line."""
        self.where = PrimaryRegions((), sources)

    @property
    def home_flags(self) -> tuple[str, ...]:
        """Flags that name the same primary Region in any environment."""
        if self.where is None or self.where.region is None or self.where.source in ("manifest", "plan"):
            return ()
        return "--primary-region", str(self.where.region)

    def secrets_in(self, typed: Sequence[str], region: Region) -> tuple[SecretId, ...]:
        """Return the typed secrets, to be looked up only in that Region.

        Raises:
            UsageError: a secret is invalid or belongs to another account than expected; the Region is the primary's.

        """
        secrets = self._named(typed)
        typed_home = [self.options.primary_region] if self.options.primary_region else []
        arns = [parse_arn(secret, "secretsmanager").region for secret in secrets if secret.startswith("arn:")]
        check_regions([*typed_home, *(secret for secret in arns if secret != region)], [region])
        self._check(secrets, [region])
        return secrets

    def _named(self, typed: Sequence[str]) -> tuple[SecretId, ...]:
        """Return the secrets from the command line or standard input."""
        self.stdin_is_taken = "-" in typed
        secrets = secret_ids(typed, self.stdin)
        if typed and not secrets:
            self.messages.warning("standard input named no secret, so there is nothing to do")
        return secrets

    def _check(self, secrets: Iterable[SecretId], regions: Iterable[Region]) -> None:
        """Refuse secrets of another account than expected, and warn of unknown Regions."""
        expected = self.options.expect_account
        for secret in secrets if expected else ():
            check_account(account_in(secret), expected, secret)
        for region in dict.fromkeys(regions):
            if region not in KNOWN:
                self.messages.warning(f"smrep {__version__} does not know the Region {region}, and asks AWS anyway")
                near = nearest(region)
                self.messages.hint(f"did you mean {near}?" if near else None)

    def connect(self, only: Region | None = None, options: SharedOptions | None = None, *, sole: bool = False) -> Aws:
        """Return the connection to AWS, after reporting its Region and endpoint.

        `only` is the first Region to call, if it is not a primary's that was located; `sole` limits calls for
        credentials to it too. `options` replace the typed connection.
        """
        if self.aws and not (only or options):
            return self.aws

        from smrep.aws.client import Aws
        from smrep.aws.session import Session, Settings
        from smrep.rules.hints import credentials_fix

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
        session = Session(settings, self.messages.note, fix=credentials_fix, roles=self._roles, reported=self._reported)
        session = click.get_current_context().meta.get(SESSIONS, {}).setdefault(settings, session)
        shared, self._roles = self._roles, session.roles or self._roles
        if first and (session.roles is None or session.roles is not shared):  # other accounts have the same endpoint
            self.endpoint_url = session.endpoint_url(first)
        return Aws(session, self.messages.trace if options.debug else None, self.observers)

    def _framed(
        self, results: SecretsReport, trouble: Problem | None = None, exit_code: int | None = None
    ) -> RunReport:
        """Return the run's current report, with complete commands in its hints."""
        secrets = results.secrets
        outcome = run_outcome(secrets, trouble)
        accounts = (secret.arn.split(":")[4] for secret in secrets if secret.arn)
        homes = set() if self.where else {secret.primary_region for secret in secrets if secret.arn}
        home, source = (homes.pop(), "replica") if len(homes) == 1 else (None, None)
        if self.where:
            home, source = self.where.region, self.where.source
        report = RunReport(
            command=self.command,
            outcome=outcome,
            exit_code=outcome.exit_code if exit_code is None else exit_code,
            started_at=self.started_at,
            elapsed_s=self.elapsed_s,
            dry_run=self.dry_run,
            account_id=None if self.several_accounts else next(accounts, self.account_id),
            caller=self.caller,
            primary_region=home,
            primary_region_source=source,
            endpoint_url=self.endpoint_url,
            endpoint_urls={
                endpoint.region: shown_url(endpoint.url) for endpoint in self.options.endpoints if endpoint.region
            },
            secrets=secrets,
            error=trouble,
            summary=results.summary,
            accounts=results.accounts,
            shard=self.shard,
            absent=self.absent(),
            unmatched=self.unmatched(),
            event=self.event,
        )
        return report_with_connection_flags(report, self.options.connection, self.connections)

    def _written(self, report: RunReport) -> RunReport:
        """Write the additional result files; if one fails, the run has failed."""
        for path in self.reports:
            from smrep.output.artifacts import write

            try:
                write(path, report)
                self.note(f"wrote {path}")
            except OutputError as error:
                if report.error is not None:  # else the error is reported as the run's end
                    self.messages.trouble(Problem.of(error))
                else:
                    outcome = run_outcome(report.secrets, Problem.of(error))
                    report = replace(report, outcome=outcome, exit_code=outcome.exit_code, error=Problem.of(error))
        return report

    def _publish(self, report: RunReport, text: str | None) -> None:
        """Send the result, or its text, to its destination."""
        if is_mute(report):
            return
        if self.events:
            self.events.result(report)
        elif self.replaces_result and text is None and self.output in REPLACEABLE:
            written = [] if report.error else list(self.text)
            self.write(written or (FORMATS["json"](report, Terminal()) if self.output == "json" else ()))
        elif self.output != "table" or report.error is None or report.error.code != NOT_CONFIRMED:
            terminal = self.paper(self.stdout) if self.output == "table" else Terminal()
            self.write(FORMATS[self.output](report, terminal) if text is None else [text])

    def write(self, pieces: Iterable[str]) -> None:
        """Write to standard output.

        Raises:
            OutputError: it cannot be written.
            BrokenPipeError: nobody reads it any more.

        """
        if self.stdout is None:
            return
        try:
            self.stdout.writelines(pieces)
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"the result could not be written to standard output: {error.strerror}") from error
