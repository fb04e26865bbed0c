"""Reports for --report: a function for each kind, a line for each in KINDS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from smrep.errors import OutputError, UsageError
from smrep.files import replacing
from smrep.output.artifacts.html import page
from smrep.output.artifacts.junit import junit
from smrep.output.artifacts.ocsf import ocsf
from smrep.output.artifacts.prometheus import prometheus
from smrep.report import RunReport

KINDS: dict[str, Callable[[RunReport], Iterable[str]]] = {
    ".html": page,
    ".xml": junit,
    ".prom": lambda report: [prometheus(report)],
    ".ocsf.json": ocsf,
}
"""Ending of the path -> function that yields the text."""
_MODE = 0o644
"""Collectors and CI systems read as another user; a report has names and Regions, never values."""


def check_path(path: str) -> None:
    """Check that the path has one of the endings in KINDS.

    Raises:
        UsageError: it is not.

    """
    if _ending(path) is None:
        raise UsageError(
            f"--report can't tell from its ending what to write to {path!r}",
            "end the path in .html (a page for people), .xml (JUnit, for a CI system), .prom "
            "(Prometheus's textfile collector) or .ocsf.json (OCSF, for a security tool)",
        )


def write(path: str, report: RunReport) -> None:
    """Write the whole report to the file, or leave the file as it is.

    Raises:
        UsageError: the path has none of the endings in KINDS.
        OutputError: the file cannot be written.

    """
    check_path(path)
    try:
        with replacing(path, _MODE) as file:
            file.writelines(KINDS[str(_ending(path))](report))
    except OSError as error:
        # its own code, as standard output still takes the result
        raise OutputError(
            f"the report could not be written to {path}: {error.strerror or error}", code="ReportNotWritten"
        ) from error


def _ending(path: str) -> str | None:
    """Return the one of KINDS in which the file's name ends, None without a name before it."""
    name = os.path.basename(path)  # noqa: PTH119 - pathlib drops the final slash of a folder
    return next((ending for ending in KINDS if name.endswith(ending) and name != ending), None)
