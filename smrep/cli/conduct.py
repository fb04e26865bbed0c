"""From a run to its end: progress, signals, errors, the report, the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import click

from smrep.cli.app import App
from smrep.cli.root import CONDUCTED
from smrep.cli.signals import stopped_by, stopping, told
from smrep.errors import CredentialsError, Outcome, OutputError, SmrepError, Terminated, UsageError
from smrep.output import github
from smrep.output.events import Events
from smrep.output.formats import FORMATS, as_query, compile_query
from smrep.output.stderr_notes import explain, is_mute
from smrep.output.terminal import Paper
from smrep.regions import Region
from smrep.report import Finding, Made, Report, SecretReport, Trouble
from smrep.rules.hints import connected
from smrep.rules.run_outcome import end, timed_out
from smrep.urls import shown


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
        if app.options.query is not None:
            search = compile_query(app.options.query)
        for _ in work(app):
            app.show()
    except SmrepError as error:
        trouble = Trouble.of(error)
        if isinstance(error, CredentialsError) and trouble.hint:
            trouble = replace(trouble, hint=f"{trouble.hint}; then: {app.again}")
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, Terminated, Exception) as error:  # noqa: BLE001 - no traceback reaches a user
        signal = stopping(error)
        trouble = app.interrupted() if signal else bug(error)
        exit_code = stopped_by(signal) if signal else None
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
        table = app.output == "table" and not app.result and app.stdout is not None
        step = app.next_step() or "" if app.next_step and not report.error else None
        explain(report, app.messages, app.options.connection, has_table=table, next_step=step)
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
        caller=app.caller,
        primary_region=home,
        primary_region_source=source,
        endpoint_url=app.endpoint_url,
        endpoint_urls={each.region: shown(each.url) for each in app.options.endpoints if each.region},
        secrets=secrets,
        error=trouble,
        summary=app.summary() if app.summary else None,
    )
    return connected_report(report, app.options.connection, app.connections)


def _written(app: App, report: Report) -> Report:
    """Write the files that were asked for beside the result; one that can't be written makes a good end a bad one."""
    for path in app.reports:
        from smrep.output.artifacts import write

        try:
            write(path, report)
        except OutputError as error:
            if report.error is not None:  # else it is told as what ended the run
                app.messages.trouble(Trouble.of(error))
            else:
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


def connected_report(
    report: Report, flags: tuple[str, ...], accounts: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Report:
    """Return the report with the flags of the connection in every command that a hint names.

    `accounts` has those that lead to a secret's own account, where there are several.
    """
    if not flags and not accounts:
        return report

    def mend(trouble: Trouble | None, flags: tuple[str, ...]) -> Trouble | None:
        return replace(trouble, hint=connected(trouble.hint, flags)) if trouble and trouble.hint else trouble

    def mended(finding: Finding, flags: tuple[str, ...]) -> Finding:
        return replace(finding, hint=connected(finding.hint, flags)) if finding.hint else finding

    def mended_secret(secret: SecretReport) -> SecretReport:
        own = accounts.get(secret.account or "", flags)
        return replace(
            secret,
            error=mend(secret.error, own),
            findings=tuple(mended(each, own) for each in secret.findings),
            replicas=tuple(
                replace(row, error=mend(row.error, own), findings=tuple(mended(each, own) for each in row.findings))
                for row in secret.replicas
            ),
        )

    return replace(report, error=mend(report.error, flags), secrets=Made(report.secrets, mended_secret))


def bug(error: BaseException) -> Trouble:
    """Return a fault of ours, with the place in the code instead of a traceback, and without the error's text.

    That may hold a credential, as the text of any error that is not AWS's own.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return Trouble(
        "Bug",
        f"this is a fault of smrep: {type(error).__name__} at {place}",
        "please report it with this line and the command that you typed",
        None,
        Outcome.BUG,
    )


def _publish(app: App, report: Report, text: str | None) -> None:
    """Put the result, or the text made of it, where it was asked for."""
    if is_mute(report):
        return
    if app.events:
        app.events.result(report)
    elif app.result and text is None and app.output in ("table", "text", "json"):
        written = [] if report.error else list(app.result())
        deliver(written or (FORMATS["json"](report, Paper()) if app.output == "json" else ()), app)
    elif not app.streamed:
        deliver(FORMATS[app.output](report, app.paper(app.stdout)) if text is None else [text], app)


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
