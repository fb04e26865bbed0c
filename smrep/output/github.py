"""What GitHub Actions shows of a run: an annotation per failure, and the result in the job's summary."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from smrep.errors import Outcome
from smrep.files import appending
from smrep.output.formats import message_of, rows
from smrep.output.safe import safe
from smrep.output.summary_line import closing
from smrep.output.terminal import Messages
from smrep.report import RegionReport, Report, SecretReport, Severity, worth_telling

MOST_BYTES = 500_000
"""Of the rows of a summary; GitHub takes a mebibyte for a step. Source: docs.github.com, job summaries."""
MOST_ANNOTATIONS = 10
"""Those of a step that GitHub shows."""
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_MESSAGE = str.maketrans(_MESSAGE)
_IN_PROPERTY = str.maketrans({**_MESSAGE, ":": "%3A", ",": "%2C"})
"""Source: docs.github.com, workflow commands; escapeData and escapeProperty of actions/toolkit."""
_MARKDOWN = re.compile(r"[\\`*_~$|<>&\[\]]")
_LIVELY = re.compile(r":[a-z0-9_+-]+:|://|www\.|[@#]|GH-\d", re.IGNORECASE)
"""What GitHub makes an emoji, a link or a mention of."""
_LINK = re.compile(r":(?=//)|(?<=www)\.|@", re.IGNORECASE)
_BROKEN = {":": "&#58;", ".": "&#46;", "@": "<!-- -->@"}
"""An address is a link in code too, and one of mail also where its sign is spelled out. Tried with cmark-gfm."""


def tell(report: Report, messages: Messages, env: Mapping[str, str]) -> None:
    """Annotate what failed and add the result to the job's summary; does nothing outside GitHub Actions."""
    if env.get("GITHUB_ACTIONS") != "true":
        return
    stream = messages.stream
    if stream is not None and not stream.closed:
        with contextlib.suppress(OSError):  # nobody reads, and nothing is left to tell it to
            stream.writelines(f"{each}\n" for each in failures(report))
            stream.flush()
    path = env.get("GITHUB_STEP_SUMMARY")
    if path:
        try:
            with appending(path) as file:
                file.write(summary(report))
        except OSError as error:
            messages.warning(f"the job's summary could not be written to {path}: {error.strerror}")


def failures(report: Report) -> Iterator[str]:
    """Yield a workflow command for what ended the run, then one per Region, or whole secret, that failed.

    The run comes first. There are no more of them than GitHub shows.
    """
    return islice(_failures(report), MOST_ANNOTATIONS)


def _failures(report: Report) -> Iterator[str]:
    title = _title(report)
    if report.error and report.error.outcome is not Outcome.INTERRUPTED:
        yield _error(title, report.error.message, report.error.hint)
    for secret in report.secrets:
        failed = [row for row in secret.replicas if row.outcome in (Outcome.FAILED, Outcome.ACCESS)]
        for row in failed:
            yield _error(f"{title}: {secret.label} in {row.region}", *_why(row, secret))
        if secret.error and not failed:
            yield _error(f"{title}: {secret.label}", secret.error.message, secret.error.hint)


def _title(report: Report) -> str:
    return " ".join(filter(None, ("smrep", report.command)))


def _why(row: RegionReport, secret: SecretReport) -> tuple[str, str | None]:
    """Return what is wrong with a row, and what to do about it."""
    whole = secret.error.message if secret.error else None
    message = message_of(row) or whole or row.status or "failed"
    troubles = [row.error, *(each for each in row.findings if each.severity is Severity.ERROR), secret.error]
    return message, next((each.hint for each in troubles if each and each.hint), None)


def _error(title: str, message: str, hint: str | None) -> str:
    """Return a workflow command whose words, once safe, can neither end it nor begin another."""
    text = "\n".join([safe(message), *([f"hint: {safe(hint)}"] if hint else [])])
    return f"::error title={safe(title).translate(_IN_PROPERTY)}::{text.translate(_IN_MESSAGE)}"


def summary(report: Report) -> str:
    """Return the report in Markdown: a title, a table with a row per secret and Region, a closing line."""
    lines = [f"### {_title(report)}: {report.outcome.word}", ""]
    if report.secrets:
        head = ["| Secret | Region | Status | Action | Message |", "| --- | --- | --- | --- | --- |"]
        room, left = MOST_BYTES, 0
        for name, region, status, _, action, message in _worth_a_row(report):
            line = f"| {' | '.join(_markdown(each) for each in (name, region, status, action, message))} |"
            room -= len(line.encode()) + 1
            if room > 0:
                lines += [*head, line]
                head = []
            else:
                left += 1
        lines += [*(["", f"and {left} more row{'s' if left > 1 else ''}, which the result has"] if left else [])]
        lines += ["", _markdown(closing(report)), ""]
    if report.error:
        lines += [_markdown(safe(report.error.message)), ""]
    return "\n".join(lines) + "\n"


def _worth_a_row(report: Report) -> Iterator[list[str]]:
    """Yield the cells of each row; of many secrets, those that are not simply well."""
    for secret in worth_telling(report):
        yield from ([safe(secret.label), *cells[1:]] for cells in rows(secret))


def _markdown(text: str) -> str:
    """Return safe text as it is, whatever Markdown would make of it.

    In an ARN, GitHub takes `:secret:` for an emoji; in code it does not.
    """
    escaped = _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", text)
    if not _LIVELY.search(text):
        return escaped
    return f"<code>{_LINK.sub(lambda found: _BROKEN[found[0]], escaped)}</code>"
