"""From a run to its end: progress, signals, errors, the report, the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from smrep.cli.app import App
from smrep.cli.options import CONDUCTED
from smrep.cli.process import told
from smrep.errors import Outcome, OutputError, SmrepError, Terminated, UsageError
from smrep.output import github
from smrep.output.events import Events
from smrep.output.formats import FORMATS, as_query, compile_query
from smrep.output.summary import TELLING, closing
from smrep.regions import Region
from smrep.report import Finding, Kind, Made, RegionReport, Report, SecretReport, Severity, Trouble
from smrep.rules.closing import end, go_on, timed_out
from smrep.rules.commands import connected


def conduct(app: App, work: Callable[[App], Iterator[None]]) -> None:
    """Run the work, show its progress, print the result and exit with its code.

    Raises:
        SystemExit: always.

    """
    trouble: Trouble | None = None
    exit_code: int | None = None
    search = None
    click.get_current_context().meta[CONDUCTED] = True
    if app.output == "ndjson":
        app.events = Events(lambda text: deliver([text], app), app.clock.now, lambda: _report(app, app.secrets()))
    try:
        if app.events:
            app.events.version(app.command)
        if app.options.query:
            search = compile_query(app.options.query)
        for _ in work(app):
            app.show()
    except SmrepError as error:
        trouble = Trouble.of(error)
    except (KeyboardInterrupt, Terminated) as signal:
        trouble = app.interrupted()
        exit_code = 143 if isinstance(signal, Terminated) else None
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        trouble = bug(error)
    finally:
        app.close_screen()
    secrets = app.secrets()
    if trouble is None and app.timeout_s is not None and not app.dry_run:
        trouble = timed_out(secrets, app.timeout_s, app.elapsed_s - app.thought_s, app.command)
    report = _written(app, _report(app, secrets, trouble, exit_code))
    try:
        text = as_query(report, search, text=app.output == "text") if search else None
    except UsageError as error:  # what was done is told all the same
        report = replace(report, outcome=error.outcome, exit_code=error.outcome.exit_code, error=Trouble.of(error))
        text = None
    try:
        _publish(app, report, text)
        told(report.exit_code)
    finally:
        _explain(app, report)
        github.tell(report, app.messages, app.env)
    sys.exit(report.exit_code)


def _report(
    app: App, secrets: Sequence[SecretReport], trouble: Trouble | None = None, exit_code: int | None = None
) -> Report:
    """Return the run as it stands, with the commands in its hints ready to be typed."""
    outcome = end(secrets, trouble)
    account = None if app.several_accounts else _account(secrets) or app.account_id
    home, source = _home(app, secrets)
    report = Report(
        command=app.command,
        outcome=outcome,
        exit_code=outcome.exit_code if exit_code is None else exit_code,
        started_at=app.started_at,
        elapsed_s=app.elapsed_s,
        dry_run=app.dry_run,
        account_id=account,
        primary_region=home,
        primary_region_source=source,
        endpoint_url=app.endpoint_url,
        secrets=secrets,
        error=trouble,
        summary=app.summary() if app.summary else None,
    )
    return connected_report(report, app.options.connection)


def _written(app: App, report: Report) -> Report:
    """Write the files that were asked for beside the result; one that can't be written makes a good end a bad one."""
    for path in app.reports:
        from smrep.output.reports import write

        try:
            write(path, report)
        except SmrepError as error:
            app.messages.trouble(Trouble.of(error))
            if report.error is None:
                outcome = end(report.secrets, Trouble.of(error))
                code = outcome.exit_code
                report = replace(report, outcome=outcome, exit_code=code, error=Trouble.of(error))
    return report


def _account(secrets: Sequence[SecretReport]) -> str | None:
    return next((each.arn.split(":")[4] for each in secrets if each.arn), None)


def _home(app: App, secrets: Sequence[SecretReport]) -> tuple[Region | None, str | None]:
    """Return the primaries' common Region and who named it: the command line, else the replicas themselves."""
    if app.where:
        return app.where.region, app.where.source
    homes = {secret.primary_region for secret in secrets if secret.arn}
    return (homes.pop(), "replica") if len(homes) == 1 else (None, None)


def connected_report(report: Report, flags: tuple[str, ...]) -> Report:
    """Return the report with the flags of the connection in every command that a hint names."""
    if not flags:
        return report

    def mend(trouble: Trouble | None) -> Trouble | None:
        return replace(trouble, hint=connected(trouble.hint, flags)) if trouble and trouble.hint else trouble

    def mended(finding: Finding) -> Finding:
        return replace(finding, hint=connected(finding.hint, flags)) if finding.hint else finding

    def mended_secret(secret: SecretReport) -> SecretReport:
        return replace(
            secret,
            error=mend(secret.error),
            replicas=tuple(
                replace(row, error=mend(row.error), findings=tuple(mended(each) for each in row.findings))
                for row in secret.replicas
            ),
        )

    return replace(report, error=mend(report.error), secrets=Made(report.secrets, mended_secret))


def bug(error: Exception) -> Trouble:
    """Return a fault of ours, with the place in the code instead of a traceback."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return Trouble(
        "Bug",
        f"this is a fault of smrep: {type(error).__name__} at {place}: {error}",
        "please report it with this line and the command that you typed",
        None,
        Outcome.BUG,
    )


def _publish(app: App, report: Report, text: str | None) -> None:
    """Put the result, or the text made of it, where it was asked for."""
    if _is_mute(report):
        return
    if app.events:
        app.events.result(report)
    elif app.result and report.error is None and text is None and app.output in ("table", "text", "json"):
        deliver(app.result(), app)
    elif not app.streamed:
        deliver(FORMATS[app.output](report, app.paper(app.stdout)) if text is None else [text], app)


def _is_mute(report: Report) -> bool:
    """Tell whether the run ended because standard output took no more events; it takes no result either."""
    return report.error is not None and report.error.code == OutputError.__name__


def deliver(pieces: Iterable[str], app: App) -> None:
    """Write the result to standard output.

    Raises:
        OutputError: it could not be written.
        BrokenPipeError: nobody reads it any more.

    """
    if app.stdout is None:
        return
    try:
        app.stdout.writelines(pieces)
        app.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the result could not be written to standard output: {error.strerror}") from error


def _explain(app: App, report: Report) -> None:
    """Say on standard error what the rows have no room for: troubles with their hints, notes, what is unchecked.

    What the result itself tells in full is not said twice.
    """
    say = app.messages
    told = app.output == "table" and report.command in TELLING and app.stdout is not None
    if report.summary is not None:
        _explain_many(app, report)
        return

    def rows() -> Iterator[RegionReport]:
        return (row for secret in report.secrets for row in secret.replicas)

    for secret in report.secrets:
        for note in secret.notes:
            say.warning(note)
        if secret.error:
            say.trouble(secret.error)
    if not told:
        for severity, message, hint in dict.fromkeys(each for row in rows() for each in _troubles(row, report.command)):
            {Severity.ERROR: say.error, Severity.WARNING: say.warning, Severity.INFO: say.note}[severity](message)
            say.hint(hint)
        unchecked = [
            each.message for row in rows() for each in row.findings if each.kind is Kind.UNCHECKED and not row.error
        ]
        if unchecked:
            say.warning(f"unchecked, which is not a pass: {'; '.join(dict.fromkeys(unchecked))}")
    if report.error:
        say.trouble(report.error)
        if report.outcome in (Outcome.ACCESS, Outcome.BUG) or _is_mute(report):
            say.hint(connected(go_on(report.secrets) or "", app.options.connection))


_MOST = 10
"""Troubles of many secrets that are said one by one; the result has them all."""


def _explain_many(app: App, report: Report) -> None:
    """Say the first troubles of many secrets, how many more there are, and the counts where the result has none."""
    say = app.messages
    found: dict[tuple[str, str | None], None] = {}
    for secret in report.secrets:
        for note in secret.notes:
            found.setdefault((note, None))
        if secret.error:
            found.setdefault((secret.error.message, secret.error.hint))
        for row in secret.replicas:
            found |= dict.fromkeys((message, hint) for _, message, hint in _troubles(row, report.command))
            found |= dict.fromkeys((each.message, each.hint) for each in row.findings if each.kind is Kind.UNCHECKED)
    for message, hint in list(found)[:_MOST]:
        say.warning(message)
        say.hint(hint)
    if len(found) > _MOST:
        say.warning(f"and {len(found) - _MOST} more, which the result has")
    if app.output != "table":
        say.note(closing(report))
    if report.error:
        say.trouble(report.error)


def _troubles(row: RegionReport, command: str | None) -> list[tuple[Severity, str, str | None]]:
    """Return what is to be said of a row, with its hint: what stops it, or all that was found where that is the job."""
    if row.error:
        return [(Severity.ERROR, row.error.message, row.error.hint)]
    found = [each for each in row.findings if each.kind is not Kind.UNCHECKED]
    loud = [each for each in found if each.severity is Severity.ERROR or command in TELLING]
    return [(each.severity, each.message, each.hint) for each in loud]
