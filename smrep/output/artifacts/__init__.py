"""Every kind of report that is written to a file beside the result: one function each, one line in KINDS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from smrep.errors import OutputError, UsageError
from smrep.files import replacing
from smrep.output.artifacts.html import page
from smrep.output.artifacts.junit import junit
from smrep.output.artifacts.prometheus import prometheus
from smrep.report import Report

KINDS: dict[str, Callable[[Report], Iterable[str]]] = {
    ".html": page,
    ".xml": junit,
    ".prom": lambda report: [prometheus(report)],
}
"""A file's ending -> the pieces of its text."""
_FOR_ALL = 0o644
"""A collector and a CI system read as somebody else; what they read tells of names and Regions, never of values."""


def check_path(path: str) -> None:
    """Do nothing if the path's ending says what to write.

    Raises:
        UsageError: it does not.

    """
    if _ending(path) not in KINDS:
        raise UsageError(
            f"--report can't tell from its ending what to write to {path!r}",
            "end the path in .html (a page for people), .xml (JUnit, for a CI system) or .prom "
            "(Prometheus's textfile collector)",
        )


def write(path: str, report: Report) -> None:
    """Write the report to the file, all of it or nothing.

    Raises:
        UsageError: the path's ending does not say what to write.
        OutputError: it could not be written.

    """
    check_path(path)
    try:
        with replacing(path, _FOR_ALL) as file:
            file.writelines(KINDS[_ending(path)](report))
    except OSError as error:
        # A code of its own, as standard output still takes the result.
        raise OutputError(
            f"the report could not be written to {path}: {error.strerror or error}", code="ReportNotWritten"
        ) from error


def _ending(path: str) -> str:
    return os.path.splitext(path)[1]  # noqa: PTH122 - pathlib drops a slash at the end, which names a folder
