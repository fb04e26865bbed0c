"""What a person must know before she says go: labels and sentences, at any width."""

from __future__ import annotations

from smrep.output.tables.plan_table import render_sheet
from smrep.output.terminal import Terminal
from smrep.rules.recovery.recovery_summary import SheetLine

LINES = [
    SheetLine("time", "13s at 40 a second"),
    SheetLine("rotation", "enabled for 2: " + "a long name, " * 12, is_warning=True),
]


def test_without_a_width_each_is_one_line() -> None:
    assert render_sheet(LINES, Terminal()).splitlines()[0] == "time        13s at 40 a second"
    assert len(render_sheet(LINES, Terminal()).splitlines()) == 2


def test_what_is_long_is_folded_at_words_beside_its_label() -> None:
    lines = render_sheet(LINES, Terminal(width=60)).splitlines()
    assert max(map(len, lines)) <= 60
    assert all(line.startswith(" " * 12) for line in lines[2:])
    assert " ".join(" ".join(lines[1:]).split()) == f"rotation ! {LINES[1].text.strip()}"


def test_words_from_elsewhere_are_harmless() -> None:
    assert "\\x1b[31m" in render_sheet([SheetLine("keys", "\x1b[31mred")], Terminal())


def test_a_warning_is_told_without_color_too() -> None:
    assert "rotation !" in render_sheet(LINES, Terminal())
    assert "\x1b[33m" in render_sheet(LINES, Terminal(color=True, width=80))
