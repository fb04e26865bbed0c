"""Every command with every one of its calls going wrong in every way, as docs/fault-matrix.md has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest
from matrix.command_cases import COMMAND_CASES, OFFLINE
from matrix.faults import FAULTS, Fault
from matrix.faulty_endpoint import CallSite
from matrix.matrix_page import PATH, cells, healthy, read, targets
from matrix.scenes import CommandCase

from smrep.aws.allow_list import ALLOWED, WRITES
from smrep.cli.root import COMMANDS

BOOK = read()
BY_NAME = {case.name: case for case in COMMAND_CASES}


def sample() -> dict[tuple[str, CallSite], Fault]:
    """Return one fault for each operation of each command, in a Region and of those on the page chosen least so far."""
    chosen: dict[tuple[str, CallSite], Fault] = {}
    counts: Counter[CallSite | str] = Counter()
    for name, operation in dict.fromkeys((name, where[0]) for name, where in BOOK):
        sites = [where for other, where in BOOK if (other, where[0]) == (name, operation)]
        where = min(sites, key=lambda site: counts[site])
        rarest = min((fault for fault in FAULTS if fault.name in BOOK[name, where]), key=lambda each: counts[each.name])
        counts.update((where, rarest.name))
        chosen[name, where] = rarest
    return chosen


SAMPLE = sample()


def ids(value: str | CallSite) -> str:
    return value if isinstance(value, str) else "-".join(value)


def check_cells(name: str, where: CallSite, faults: Collection[Fault]) -> None:
    """Assert that the command ends with each of these faults as the page says, and that no other cell is empty."""
    case = BY_NAME[name]
    expected = {fault.name: BOOK[name, where][fault.name] for fault in faults if fault.name in BOOK[name, where]}
    assert {fault.name: cell for fault, cell in cells(case, healthy(case), where, faults)} == expected


@pytest.mark.parametrize(("name", "where"), SAMPLE, ids=ids)
def test_a_call_that_goes_wrong_ends_as_the_page_says(name: str, where: CallSite) -> None:
    check_cells(name, where, [SAMPLE[name, where]])


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "where"), BOOK, ids=ids)
def test_every_other_fault_of_that_call_ends_as_the_page_says(name: str, where: CallSite) -> None:
    check_cells(name, where, [fault for fault in FAULTS if fault is not SAMPLE.get((name, where))])


def test_the_sample_has_every_command_every_call_and_every_fault() -> None:
    assert {name for name, _ in SAMPLE} == set(BY_NAME)
    assert {where for _, where in SAMPLE} == {where for _, where in BOOK}
    assert {fault.name for fault in SAMPLE.values()} == {fault.name for fault in FAULTS}


@pytest.mark.parametrize("case", COMMAND_CASES, ids=lambda case: case.name)
def test_every_call_of_a_command_is_on_the_page(case: CommandCase) -> None:
    seen = healthy(case).seen
    assert targets(case, seen) == sorted(where for name, where in BOOK if name == case.name)
    elsewhere = {where[0] for name, where in BOOK if name.split()[0].strip(",") == case.words[0]}
    assert {operation for operation, _ in seen} <= elsewhere


def test_every_command_and_every_operation_that_may_be_sent_is_on_the_page() -> None:
    assert {case.words[0] for case in COMMAND_CASES} == set(COMMANDS) - OFFLINE
    elsewhere = {"ListAliases", "GetObject", "PutObject"}  # sent by a shell's completion and the Lambda function
    sent = {operation for _, operation in ALLOWED} - elsewhere
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


@pytest.mark.parametrize("case", COMMAND_CASES, ids=lambda case: case.name)
def test_what_passes_leaves_no_trace(case: CommandCase) -> None:
    well = healthy(case).cell
    for (name, where), row in BOOK.items():
        for fault in FAULTS:
            if name == case.name and fault.passes and fault.name in row and (name, where[0], fault.name) not in FORCED:
                assert row[fault.name] == well, (where, fault.name)


@pytest.mark.parametrize("case", COMMAND_CASES, ids=lambda case: case.name)
def test_no_fault_makes_a_bad_end_a_good_one(case: CommandCase) -> None:
    rows = [row for (name, _), row in BOOK.items() if name == case.name]
    assert healthy(case).code == 0 or not [cell for row in rows for cell in row.values() if cell[0] == "0"]


def test_what_nobody_answers_never_ends_well() -> None:
    """A write that never gets through, a primary never seen, a look of an audit never had: none is exit code 0."""
    lasting = ("refused", "500", "throttled", "denied", "expired", "portal")
    for (name, (operation, region)), row in BOOK.items():
        home = "us-west-2" if name.startswith("failover") else "us-east-1"
        primary = operation in ("DescribeSecret", "ListSecrets") and region == home and name != "promote"
        if operation in WRITES or primary or name.startswith("audit"):
            assert not {row[each] for each in lasting if row[each].startswith("0")}, (name, operation)
