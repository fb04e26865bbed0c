"""Every command with every one of its calls going wrong in every way, as docs/fault-matrix.md has it."""

from __future__ import annotations

import pytest
from matrix.book import PATH, cells, healthy, read, targets
from matrix.commands import OFFLINE, PLAYS
from matrix.desk import Where
from matrix.faults import FAULTS
from matrix.scenes import Play
from matrix.trial import in_process

from smrep.aws.allowed import ALLOWED, WRITES
from smrep.cli import COMMANDS

BOOK = read()
BY_NAME = {play.name: play for play in PLAYS}


@pytest.mark.parametrize(("name", "where"), BOOK, ids=lambda each: each if isinstance(each, str) else "-".join(each))
def test_a_call_that_goes_wrong_ends_as_the_page_says(name: str, where: Where) -> None:
    play = BY_NAME[name]
    assert {fault.name: cell for fault, cell in cells(play, healthy(play), where)} == BOOK[name, where]


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
def test_every_call_of_a_command_is_on_the_page(play: Play) -> None:
    seen = healthy(play).seen
    assert targets(play, seen) == sorted(where for name, where in BOOK if name == play.name)
    elsewhere = {where[0] for name, where in BOOK if name.split()[0].strip(",") == play.words[0]}
    assert {operation for operation, _ in seen} <= elsewhere


def test_every_command_and_every_operation_that_may_be_sent_is_on_the_page() -> None:
    assert {play.words[0] for play in PLAYS} == set(COMMANDS) - OFFLINE
    sent = {operation for _, operation in ALLOWED} - {"ListAliases"}  # a shell's completion sends it, no command
    assert {operation for _, (operation, _) in BOOK} == sent


def test_the_page_counts_its_cases() -> None:
    count = sum(len(row) for row in BOOK.values())
    assert f" {count} cases" in PATH.read_text()
    assert count >= 1000
    assert all(f"| {fault.name} | {fault.what} |" in PATH.read_text() for fault in FAULTS)


FORCED = {
    ("replicate --force-overwrite", "ReplicateSecretToRegions", "lost before"),
    ("failback", "ReplicateSecretToRegions", "lost before"),
    ("failback --return-primary", "ReplicateSecretToRegions", "lost before"),
}
"""What overwrites is never sent again unseen."""


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
def test_what_passes_leaves_no_trace(play: Play) -> None:
    well = in_process(play).cell
    for (name, where), row in BOOK.items():
        for fault in FAULTS:
            if name == play.name and fault.passes and fault.name in row and (name, where[0], fault.name) not in FORCED:
                assert row[fault.name] == well, (where, fault.name)


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
def test_no_fault_makes_a_bad_end_a_good_one(play: Play) -> None:
    rows = [row for (name, _), row in BOOK.items() if name == play.name]
    assert in_process(play).code == 0 or not [cell for row in rows for cell in row.values() if cell[0] == "0"]


def test_what_nobody_answers_never_ends_well() -> None:
    """A write that never gets through, a primary never seen, a look of an audit never had: none is exit code 0."""
    lasting = ("refused", "500", "throttled", "denied", "expired", "portal")
    for (name, (operation, region)), row in BOOK.items():
        home = "us-west-2" if name.startswith("failover") else "us-east-1"
        primary = operation in ("DescribeSecret", "ListSecrets") and region == home and name != "promote"
        if operation in WRITES or primary or name.startswith("audit"):
            assert not {row[each] for each in lasting if row[each].startswith("0")}, (name, operation)
