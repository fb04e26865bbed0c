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


def rendered(width: int | None, *names: str, message: str = "Replicated everything") -> list[str]:
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
    assert sum("Replicated everything" in line for line in lines) == 2


def test_a_long_one_is_broken_behind_a_slash_and_goes_on_below_itself() -> None:
    assert first_cells(rendered(80, "prod/billing/stripe-webhooks/production/of-the-german-shop", "prod/db")) == [
        "   prod/billing/",
        "   stripe-webhooks/",
        "   production/",
        "   of-the-german-shop",
        "   prod/db",
    ]


def test_a_message_without_room_beside_its_row_stands_below_it_and_no_name_is_broken() -> None:
    name = "prod/billing/stripe-webhooks/production"
    lines = rendered(80, name, "prod/db", message="the key is disabled, and so is everything " * 2 + "[/x]")
    start = next(place for place, line in enumerate(lines) if "──" in line)
    assert lines[start - 1].split() == ["SECRET", "REGION", "STATUS", "ACTION"]
    assert [line.split() for line in lines[start + 1 : start + 7 : 3]] == [
        [name, "us-west-2", "InSync", "overwrite"],
        ["prod/db", "us-west-2", "InSync", "overwrite"],
    ]
    below = [line for line in lines if line.startswith(("     the key", "     disabled"))]
    assert len(below) >= 2
    assert "".join(lines).count("[/x]") == 2
    assert max(map(cell_len, lines)) <= 80


def test_only_the_message_without_room_stands_below_its_row() -> None:
    failed, waiting = (
        RegionReport(Region("us-west-2"), Outcome.FAILED, status="Failed", status_message=message)
        for message in ("no luck " * 20, "short")
    )
    secrets = (SecretReport("s0", Outcome.OK, replicas=(failed,)), SecretReport("s1", Outcome.OK, replicas=(waiting,)))
    run = RunReport("status", Outcome.FAILED, 1, datetime(2026, 11, 23, tzinfo=UTC), 1.0, secrets=secrets)
    lines = [line.split() for line in render_status(run, Terminal(width=60)).splitlines()]
    assert ["SECRET", "REGION", "STATUS", "MESSAGE"] in lines
    assert ["s0", "us-west-2", "Failed"] in lines
    assert ["s1", "us-west-2", "Failed", "short"] in lines


@pytest.mark.parametrize("unicode", [True, False])
def test_messages_below_stay_with_their_rows_in_any_alphabet(unicode: bool) -> None:
    bad = RegionReport(Region("us-west-2"), Outcome.FAILED, status="Failed", status_message="no luck " * 20)
    good = RegionReport(Region("us-west-2"), Outcome.OK, status="InSync")
    secrets = [SecretReport(f"s{place}", Outcome.OK, replicas=(row,)) for place, row in enumerate((good, bad, good))]
    run = RunReport("status", Outcome.FAILED, 1, datetime(2026, 11, 23, tzinfo=UTC), 1.0, secrets=secrets)
    text = render_status(run, Terminal(width=60, unicode=unicode))
    assert [word for word in text.split() if word in ("s0", "s1", "s2", "luck")] == ["s0", "s1", *["luck"] * 20, "s2"]


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
