"""A rehearsal for people: its steps, a time axis for each secret and Region, and how long what was missing."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from smrep.output.safe import safe
from smrep.output.tables.rich_console import console, trimmed
from smrep.output.terminal import Terminal
from smrep.rules.recovery.drill_timeline import Cell, Course, Readable, Rehearsal, cells, seconds, worst

FIRST = 4
"""How many secrets are shown one by one: the JSON document has all."""
_WIDE, _NARROW = 100, 72
"""Columns where there is no terminal; with fewer than the second words would be cut, and the terminal folds."""
_BESIDE = 26
"""Columns of what stands beside the axis, but for the names."""
_SHORTEST, _LONGEST_NAME = 20, 24
"""Cells of an axis at least; columns of a name at most, a longer one is folded."""
_SIGNS = {
    (Readable.CURRENT, True): ("▆", "#", "bold green", "current, writable"),
    (Readable.CURRENT, False): ("▂", "=", "green", "current"),
    (Readable.STALE, True): ("▒", "%", "bold yellow", "old, writable"),
    (Readable.STALE, False): ("░", "-", "yellow", "old"),
    (Readable.NONE, False): ("·", ".", "red", "none"),
    (Readable.DOWN, False): ("╳", "x", "red", "no answer"),  # noqa: RUF001 - a drawing
}
"""(what is read, whether it can be written) -> its sign, in ASCII, its color, in words."""


def render_drill(rehearsal: Rehearsal, terminal: Terminal) -> str:
    """Return the steps, the time lines and what they come to."""
    out = io.StringIO()
    screen = console(terminal, out)
    screen.width = max(terminal.width or _WIDE, _NARROW)
    for part in (_title(rehearsal), _steps(rehearsal, terminal)):
        screen.print(part)
    if rehearsal.courses:
        screen.print(_lines(rehearsal, terminal, screen.width))
        screen.print(_legend(terminal), Text(""), sep="\n")
    for text, style in _closing(rehearsal):
        screen.print(Text(text, style=style), soft_wrap=True)
    return trimmed(out.getvalue())


def _title(rehearsal: Rehearsal) -> Text:
    pair = rehearsal.pair
    title = Text(f"{pair.source} lost, {pair.target} takes over, and back", style="bold")
    return title.append(f"  {len(rehearsal.courses)} secrets, {seconds(rehearsal.long_s)}", style="not bold")


def _steps(rehearsal: Rehearsal, terminal: Terminal) -> Table:
    table = _table(terminal)
    table.add_column("  STEP", no_wrap=True)
    table.add_column("AT", justify="right", no_wrap=True)
    table.add_column("TOOK", justify="right", no_wrap=True)
    table.add_column("EXIT", justify="right", no_wrap=True)
    table.add_column("WHAT", overflow="fold")
    taken = {each.step.name: each for each in rehearsal.taken}
    for number, step in enumerate(rehearsal.steps, 1):
        it = taken.get(step.name)
        code = "" if it is None or it.exit_code is None else str(it.exit_code)
        table.add_row(
            f"  {number} {step.name}",
            seconds(it.at_s) if it else "-",
            seconds(it.took_s) if it else "-",
            Text(code, style="green" if code == "0" else "bold red"),
            Text(safe(step.command or step.what), style="" if it else "dim"),
        )
    return table


def _lines(rehearsal: Rehearsal, terminal: Terminal, width: int) -> Table:
    shown = rehearsal.courses if len(rehearsal.courses) <= FIRST + 1 else rehearsal.courses[:FIRST]
    names = [f"  {safe(each.name)}" for each in shown]
    names += [f"    {track.region}" for each in shown for track in each.tracks]
    first = min(max(map(len, [*names, f"  all {len(rehearsal.courses)} secrets"])), _LONGEST_NAME)
    count = max(width - first - _BESIDE, _SHORTEST)
    table = _table(terminal)
    table.add_column("  SECRET", overflow="fold", width=first)
    table.add_column(_ruler(rehearsal, count), no_wrap=True, width=count)
    table.add_column("WITHOUT\nCURRENT", justify="right", no_wrap=True)
    table.add_column("NOT\nWRITABLE", justify="right", no_wrap=True)
    if len(rehearsal.courses) > 1:
        _add_all(table, rehearsal, count, terminal)
    for each in shown:
        _add(table, each, rehearsal.long_s, count, terminal)
    more = len(rehearsal.courses) - len(shown)
    if more:
        table.add_row(Text(f"  and {more} more", style="dim"), Text("-o json has them all", style="dim"))
    return table


def _ruler(rehearsal: Rehearsal, count: int) -> Text:
    """Return the numbers of the steps where they begin, one after the other where there is no room between."""
    marks = [" "] * count
    place = 0
    for number, each in enumerate(rehearsal.taken, 1):
        place = min(max(place, int(each.at_s / rehearsal.long_s * count)), count - 1)
        marks[place] = str(number)
        place += 1
    left, right = "0 s", seconds(rehearsal.long_s)
    return Text(f"{left}{right:>{count - len(left)}}\n{''.join(marks)}")


def _add_all(table: Table, rehearsal: Rehearsal, count: int, terminal: Terminal) -> None:
    """Add the worst of all secrets; in a Region, of those that had something there at the start."""
    every, long_s = rehearsal.courses, rehearsal.long_s
    table.add_row(
        Text(f"  all {len(every)} secrets", style="bold"),
        _axis(worst(cells(each.anywhere, count, long_s) for each in every), terminal),
        _length(rehearsal.unreadable_s, bad=True),
        _length(rehearsal.unwritable_s),
    )
    for region in dict.fromkeys(track.region for each in every for track in each.tracks):
        here = [
            track
            for each in every
            for track in each.tracks
            if track.region == region and track.spans[0].readable is Readable.CURRENT
        ]
        if here:
            axis = worst(cells(track.spans, count, long_s) for track in here)
            table.add_row(f"    {region}", _axis(axis, terminal), _length(max(track.without_s for track in here)))
    table.add_row()


def _add(table: Table, course: Course, long_s: float, count: int, terminal: Terminal) -> None:
    table.add_row(
        Text(f"  {safe(course.name)}"),
        _axis(cells(course.anywhere, count, long_s), terminal),
        _length(sum(each.long_s for each in course.unreadable), bad=True),
        _length(sum(each.long_s for each in course.unwritable)),
    )
    for track in course.tracks:
        if any(each.readable is Readable.CURRENT for each in track.spans):
            axis = _axis(cells(track.spans, count, long_s), terminal)
            table.add_row(f"    {track.region}", axis, _length(track.without_s))


def _axis(row: Sequence[Cell], terminal: Terminal) -> Text:
    text = Text()
    for each in row:
        fine, plain, style, _ = _SIGNS[each.readable, each.writable]
        text.append(fine if terminal.unicode else plain, style=style)
    return text


def _length(long_s: float, *, bad: bool = False) -> Text:
    return Text(seconds(long_s), style="" if not (bad and long_s) else "bold red")


def _legend(terminal: Terminal) -> Text:
    text = Text()
    for fine, plain, style, words in _SIGNS.values():
        text.append("  ").append(fine if terminal.unicode else plain, style=style).append(f" {words}", style="dim")
    return text


def _closing(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    count, unreadable_s, twice_s = len(rehearsal.courses), rehearsal.unreadable_s, rehearsal.twice_writable_s
    nowhere, none = seconds(rehearsal.unwritable_s), seconds(rehearsal.none_writable_s)
    lines = [
        (f"  read nowhere     {seconds(unreadable_s)} at most", "red" if unreadable_s else ""),
        (f"  written nowhere  {nowhere} at most; for {none} no secret at all could be written", ""),
        (f"  written twice    {seconds(twice_s)} at most: in two Regions; one side's value may be lost", ""),
        ("", ""),
    ]
    if rehearsal.interrupted:
        return [*lines, ("interrupted", "bold yellow")]
    if rehearsal.problems:
        return [*lines, (f"{len(rehearsal.problems)} things went wrong", "bold red")]
    return [*lines, (f"all {count} home and in sync, each readable throughout", "bold green")]


def _table(terminal: Terminal) -> Table:
    return Table(
        box=box.SIMPLE_HEAD if terminal.unicode else box.ASCII2, header_style="dim", pad_edge=False, padding=(0, 1)
    )
