"""The result of a drill: its steps, a time axis for each secret and Region, and the gaps."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import console, empty_table, trim
from smrep.output.terminal import Terminal
from smrep.rules.recovery.drill_timeline import Cell, DrillResult, Readable, SecretTimeline, cells, seconds, worst

MAX_SECRETS = 4
"""Secrets with a time axis of their own; the JSON document has all."""
_WIDE, _NARROW = 100, 72
"""Columns if there is no terminal, and the fewest that cut no word: below, the terminal folds."""
_NUMBERS = 26
"""Columns of the numbers beside the axis."""
_MIN_AXIS, _MAX_NAME = 20, 24
"""The least columns of an axis; the most of a name, which is folded beyond."""
_SIGNS = {
    (Readable.CURRENT, True): ("▆", "#", "bold green", "current, writable"),
    (Readable.CURRENT, False): ("▂", "=", "green", "current"),
    (Readable.STALE, True): ("▒", "%", "bold yellow", "old, writable"),
    (Readable.STALE, False): ("░", "-", "yellow", "old"),
    (Readable.NONE, False): ("·", ".", "red", "none"),
    (Readable.DOWN, False): ("╳", "x", "red", "no answer"),  # noqa: RUF001 - a picture
}
"""(what can be read, whether it can be written) -> sign, sign in ASCII, style, words."""


def render_drill(rehearsal: DrillResult, terminal: Terminal) -> str:
    """Return the steps, the time axes, the longest gaps and the summary line."""
    out = io.StringIO()
    screen = console(terminal, out)
    screen.width = max(terminal.width or _WIDE, _NARROW)
    for part in (_title(rehearsal), _steps(rehearsal, terminal)):
        screen.print(part)
    if rehearsal.courses:
        screen.print(_timelines(rehearsal, terminal, screen.width))
        screen.print(_legend(terminal), Text(""), sep="\n")
    for text, style in _summary(rehearsal):
        screen.print(Text(text, style=style), soft_wrap=True)
    return trim(out.getvalue())


def _title(rehearsal: DrillResult) -> Text:
    pair = rehearsal.pair
    title = Text(f"{pair.source} fails over to {pair.target}, and back", style="bold")
    return title.append(f"  {len(rehearsal.courses)} secrets, {seconds(rehearsal.long_s)}", style="not bold")


def _steps(rehearsal: DrillResult, terminal: Terminal) -> Table:
    table = empty_table(terminal)
    table.add_column("  STEP", no_wrap=True)
    table.add_column("AT", justify="right", no_wrap=True)
    table.add_column("TOOK", justify="right", no_wrap=True)
    table.add_column("EXIT", justify="right", no_wrap=True)
    table.add_column("WHAT", overflow="fold")
    results = {result.step.name: result for result in rehearsal.taken}
    for number, step in enumerate(rehearsal.steps, 1):
        result = results.get(step.name)
        code = "" if result is None or result.exit_code is None else str(result.exit_code)
        table.add_row(
            f"  {number} {step.name}",
            seconds(result.at_s) if result else "-",
            seconds(result.took_s) if result else "-",
            Text(code, style="green" if code == "0" else "bold red"),
            Text(safe(step.command or step.what), style="" if result else "dim"),
        )
    return table


def _timelines(rehearsal: DrillResult, terminal: Terminal, width: int) -> Table:
    shown = rehearsal.courses if len(rehearsal.courses) <= MAX_SECRETS + 1 else rehearsal.courses[:MAX_SECRETS]
    names = [f"  {safe(course.name)}" for course in shown]
    names += [f"    {track.region}" for course in shown for track in course.tracks]
    first = min(max(map(len, [*names, f"  all {len(rehearsal.courses)} secrets"])), _MAX_NAME)
    count = max(width - first - _NUMBERS, _MIN_AXIS)
    table = empty_table(terminal)
    table.add_column("  SECRET", overflow="fold", width=first)
    table.add_column(_ruler(rehearsal, count), no_wrap=True, width=count)
    table.add_column("WITHOUT\nCURRENT", justify="right", no_wrap=True)
    table.add_column("NOT\nWRITABLE", justify="right", no_wrap=True)
    if len(rehearsal.courses) > 1:
        _add_totals(table, rehearsal, count, terminal)
    for course in shown:
        _add_secret(table, course, rehearsal.long_s, count, terminal)
    hidden = len(rehearsal.courses) - len(shown)
    if hidden:
        table.add_row(Text(f"  and {hidden} more", style="dim"), Text("-o json has them all", style="dim"))
    return table


def _ruler(rehearsal: DrillResult, count: int) -> Text:
    """Return the numbers of the steps where they begin, side by side if there is no room between."""
    marks = [" "] * count
    column = 0
    for number, result in enumerate(rehearsal.taken, 1):
        column = min(max(column, int(result.at_s / rehearsal.long_s * count)), count - 1)
        marks[column] = str(number)
        column += 1
    left, right = "0 s", seconds(rehearsal.long_s)
    return Text(f"{left}{right:>{count - len(left)}}\n{''.join(marks)}")


def _add_totals(table: Table, rehearsal: DrillResult, count: int, terminal: Terminal) -> None:
    """Add the worst of all secrets, and by Region of those that were current there at the start."""
    courses, long_s = rehearsal.courses, rehearsal.long_s
    table.add_row(
        Text(f"  all {len(courses)} secrets", style="bold"),
        _axis(worst(cells(course.anywhere, count, long_s) for course in courses), terminal),
        _length(rehearsal.unreadable_s, bad=True),
        _length(rehearsal.unwritable_s),
    )
    for region in dict.fromkeys(track.region for course in courses for track in course.tracks):
        tracks = [
            track
            for course in courses
            for track in course.tracks
            if track.region == region and track.spans[0].readable is Readable.CURRENT
        ]
        if tracks:
            axis = worst(cells(track.spans, count, long_s) for track in tracks)
            table.add_row(f"    {region}", _axis(axis, terminal), _length(max(track.without_s for track in tracks)))
    table.add_row()


def _add_secret(table: Table, course: SecretTimeline, long_s: float, count: int, terminal: Terminal) -> None:
    table.add_row(
        Text(f"  {safe(course.name)}"),
        _axis(cells(course.anywhere, count, long_s), terminal),
        _length(sum(gap.long_s for gap in course.unreadable), bad=True),
        _length(sum(gap.long_s for gap in course.unwritable)),
    )
    for track in course.tracks:
        if any(span.readable is Readable.CURRENT for span in track.spans):
            axis = _axis(cells(track.spans, count, long_s), terminal)
            table.add_row(f"    {track.region}", axis, _length(track.without_s))


def _axis(row: Sequence[Cell], terminal: Terminal) -> Text:
    text = Text()
    for cell in row:
        sign, ascii_sign, style, _ = _SIGNS[cell.readable, cell.writable]
        text.append(sign if terminal.unicode else ascii_sign, style=style)
    return text


def _length(long_s: float, *, bad: bool = False) -> Text:
    return Text(seconds(long_s), style="" if not (bad and long_s) else "bold red")


def _legend(terminal: Terminal) -> Text:
    text = Text()
    for sign, ascii_sign, style, words in _SIGNS.values():
        text.append("  ").append(sign if terminal.unicode else ascii_sign, style=style).append(f" {words}", style="dim")
    return text


def _summary(rehearsal: DrillResult) -> list[tuple[str, str]]:
    count, unreadable_s, twice_s = len(rehearsal.courses), rehearsal.unreadable_s, rehearsal.twice_writable_s
    nowhere, none = seconds(rehearsal.unwritable_s), seconds(rehearsal.none_writable_s)
    lines = [
        (f"  unreadable       {seconds(unreadable_s)} at most", "red" if unreadable_s else ""),
        (f"  not writable     {nowhere} at most; for {none}, no secret was writable", ""),
        (f"  writable twice   {seconds(twice_s)} at most: in two Regions; one value may be lost", ""),
        ("", ""),
    ]
    if rehearsal.interrupted:
        return [*lines, ("interrupted", "bold yellow")]
    if rehearsal.problems:
        return [*lines, (f"{len(rehearsal.problems)} problems", "bold red")]
    return [*lines, (f"all {count} back in sync, each readable throughout", "bold green")]
