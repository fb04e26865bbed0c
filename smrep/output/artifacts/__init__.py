"""Reports for --report: a function for each kind, a line for each in KINDS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from smrep.errors import OutputError, UsageError
from smrep.files import replacing
from smrep.output.artifacts.html import page
from smrep.output.artifacts.junit import junit
from smrep.output.artifacts.prometheus import prometheus
from smrep.report import RunReport

KINDS: dict[str, Callable[[RunReport], Iterable[str]]] = {
    ".html": page,
    ".xml": junit,
    ".prom": lambda report: [prometheus(report)],
}
"""Extension of the path -> function that yields the text."""
_MODE = 0o644
"""Collectors and CI systems read as another user; a report has names and Regions, never values."""


def check_path(path: str) -> None:
    """Check that the extension of the path is one of KINDS.

    Raises:
        UsageError: it is not.

    """
    if _extension(path) not in KINDS:
        raise UsageError(
            f"--report can't tell from its ending what to write to {path!r}",
            "end the path in .html (a page for people), .xml (JUnit, for a CI system) or .prom "
            "(Prometheus's textfile collector)",
        )


def write(path: str, report: RunReport) -> None:
    """Write the whole report to the file, or leave the file as it is.

    Raises:
        UsageError: the extension of the path is none of KINDS.
        OutputError: the file cannot be written.

    """
    check_path(path)
    try:
        with replacing(path, _MODE) as file:
            file.writelines(KINDS[_extension(path)](report))
    except OSError as error:
        # its own code, as standard output still takes the result
        raise OutputError(
            f"the report could not be written to {path}: {error.strerror or error}", code="ReportNotWritten"
        ) from error


def _extension(path: str) -> str:
    return os.path.splitext(path)[1]  # noqa: PTH122 - pathlib drops the final slash of a folder
