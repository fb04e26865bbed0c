"""The column of names: whole where there is room, else broken behind a slash, and never wider than the screen."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from smrep.errors import Outcome
from smrep.output.tables.status_table import render_status
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Action, RegionReport, RunReport, SecretReport

names = st.text("abc-日/", min_size=1, max_size=90)


def rendered(width: int | None, *names: str, message: str = "Replication succeeded") -> list[str]:
    row = RegionReport(
        Region("us-west-2"), Outcome.OK, status="InSync", status_message=message, action=Action.OVERWRITE
    )
    secrets = tuple(SecretReport(name, Outcome.OK, replicas=(row,)) for name in names)
    run = RunReport("replicate", Outcome.OK, 0, datetime(2026, 11, 23, tzinfo=UTC), 1.0, secrets=secrets)
    return render_status(run, Terminal(width=width)).splitlines()


def first_cells(lines: list[str]) -> list[str]:
    """Return the texts of the first column below the rule, one for each line that has one."""
    (rule,) = [number for number, line in enumerate(lines) if "──" in line]
    width = lines[rule - 1].index("REGION")
    body = next(list(group) for filled, group in groupby(lines[rule + 1 :], bool) if filled)
    return [line[:width].rstrip() for line in body]


def test_a_name_that_fits_is_whole_and_the_message_too() -> None:
    lines = rendered(80, "prod/billing/apikey", "prod/db")
    assert first_cells(lines) == ["   prod/billing/apikey", "   prod/db"]
    assert sum("Replication succeeded" in line for line in lines) == 2


def test_a_long_one_is_broken_behind_a_slash_and_goes_on_below_itself() -> None:
    assert first_cells(rendered(80, "prod/billing/stripe-webhooks/production", "prod/db")) == [
        "   prod/billing/",
        "   stripe-webhooks/",
        "   production",
        "   prod/db",
    ]


def test_a_long_message_leaves_a_name_its_half() -> None:
    lines = rendered(80, "prod/billing/apikey", "prod/db", message="the key is disabled, and so is everything " * 4)
    assert first_cells(lines)[0] == "   prod/billing/apikey"


@given(st.lists(names, min_size=2, max_size=3, unique=True), st.integers(60, 140))
def test_no_name_is_cut_and_no_line_is_wider_than_the_screen(texts: list[str], width: int) -> None:
    lines = rendered(width, *texts, message="...")
    (rule,) = [number for number, line in enumerate(lines) if "──" in line]
    table = [*lines[rule - 1 : rule + 1], *next(list(g) for filled, g in groupby(lines[rule + 1 :], bool) if filled)]
    assert max(map(cell_len, table)) <= width
    shown = "".join(char for line in table[2:] for char in line.split("us-west-2")[0] if char in "abc-日/")
    assert all(name in shown for name in texts)


@pytest.mark.parametrize("width", [None, 200])
def test_with_room_nothing_is_broken(width: int | None) -> None:
    name = "x/" * 40
    assert any(name in line for line in rendered(width, name, "y"))
