"""Annotations for GitHub Actions, one for each failure, and the job's summary."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from smrep.errors import Outcome
from smrep.files import appending
from smrep.output.formats import message_of, rows, title
from smrep.output.safe import safe
from smrep.output.summary_line import summary_line
from smrep.output.terminal import Messages
from smrep.report import RegionReport, RunReport, SecretReport, Severity, without_healthy, worth_telling
from smrep.rules.hints import counted

MOST_BYTES = 500_000
"""Of the rows of a summary; GitHub accepts one mebibyte a step. Source: docs.github.com, job summaries."""
MOST_ANNOTATIONS = 10
"""GitHub shows no more for a step."""
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_MESSAGE = str.maketrans(_MESSAGE)
_IN_PROPERTY = str.maketrans({**_MESSAGE, ":": "%3A", ",": "%2C"})
"""Source: docs.github.com, workflow commands; escapeData and escapeProperty of actions/toolkit."""
_MARKDOWN = re.compile(r"[\\`*_~$|<>&\[\]]")
_ACTIVE = re.compile(r":[a-z0-9_+-]+:|://|www\.|[@#]|GH-\d", re.IGNORECASE)
"""Text that GitHub turns into an emoji, a link or a mention."""
_LINK = re.compile(r":(?=//)|(?<=www)\.|@", re.IGNORECASE)
_ESCAPES = {":": "&#58;", ".": "&#46;", "@": "<!-- -->@"}
"""GitHub links addresses in code too, and those of mail even with `@` as an entity. Tried with cmark-gfm."""


def publish(report: RunReport, messages: Messages, env: Mapping[str, str]) -> None:
    """Annotate failures and extend the job's summary; do nothing outside GitHub Actions."""
    if env.get("GITHUB_ACTIONS") != "true":
        return
    stream = messages.stream
    if stream is not None and not stream.closed:
        with contextlib.suppress(OSError):  # the reader is gone
            stream.writelines(f"{line}\n" for line in failures(report))
            stream.flush()
    path = env.get("GITHUB_STEP_SUMMARY")
    if path:
        try:
            with appending(path) as file:
                file.write(summary(report))
        except OSError as error:
            messages.warning(f"the job's summary could not be written to {path}: {error.strerror}")


def failures(report: RunReport) -> Iterator[str]:
    """Yield a workflow command for the error of the run, then one for each failed Region or secret."""
    return islice(_failures(report), MOST_ANNOTATIONS)


def _failures(report: RunReport) -> Iterator[str]:
    prefix = title(report)
    if report.error and report.error.outcome is not Outcome.INTERRUPTED:
        yield _error(prefix, report.error.message, report.error.hint)
    for secret in without_healthy(report.secrets):
        failed = [row for row in secret.replicas if row.outcome in (Outcome.FAILED, Outcome.ACCESS)]
        for row in failed:
            yield _error(f"{prefix}: {secret.label} in {row.region}", *_why(row, secret))
        if secret.error and not failed:
            yield _error(f"{prefix}: {secret.label}", secret.error.message, secret.error.hint)


def _why(row: RegionReport, secret: SecretReport) -> tuple[str, str | None]:
    """Return the message and the hint of a failed row."""
    message = message_of(row) or (secret.error.message if secret.error else None) or row.status or "failed"
    errors = [row.error, *(finding for finding in row.findings if finding.severity is Severity.ERROR), secret.error]
    return message, next((error.hint for error in errors if error and error.hint), None)


def _error(heading: str, message: str, hint: str | None) -> str:
    """Return a workflow command, escaped so that its text can neither end it nor begin another."""
    text = "\n".join([safe(message), *(map(safe, f"hint: {hint}".split("\n")) if hint else ())])
    return f"::error title={safe(heading).translate(_IN_PROPERTY)}::{text.translate(_IN_MESSAGE)}"


def summary(report: RunReport) -> str:
    """Return the report in Markdown: a title, a row for each secret and Region, the summary line."""
    lines = [f"### {title(report)}: {report.outcome.word}", ""]
    if report.secrets:
        head = ["| Secret | Region | Status | Action | Message |", "| --- | --- | --- | --- | --- |"]
        room, hidden = MOST_BYTES, 0
        for name, region, status, _, action, message, *_ in _rows(report):
            line = f"| {' | '.join(map(_markdown, (name, region, status, action, message)))} |"
            room -= len(line.encode()) + 1
            if room > 0:
                lines += [*head, line]
                head = []
            else:
                hidden += 1
        lines += ["", f"and {counted(hidden, 'more row')}, in the result"] if hidden else []
        lines.append("")
    if report.secrets or report.accounts:
        lines += [_markdown(summary_line(report)), ""]
    if report.error:
        lines += [_markdown(safe(report.error.message)), ""]
    return "\n".join(lines) + "\n"


def _rows(report: RunReport) -> Iterator[list[str]]:
    """Yield the cells of each row; of many secrets only the notable ones."""
    for secret in worth_telling(report):
        yield from ([safe(secret.label), *cells[1:]] for cells in rows(secret))


def _markdown(text: str) -> str:
    """Return safe text escaped so that Markdown shows it as it is.

    Code keeps GitHub from reading `:secret:` in an ARN as an emoji.
    """
    escaped = _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", text)
    if not _ACTIVE.search(text):
        return escaped
    return f"<code>{_LINK.sub(lambda match: _ESCAPES[match[0]], escaped)}</code>"
