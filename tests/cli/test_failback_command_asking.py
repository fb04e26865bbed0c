"""`smrep failback`: what is shown before anything is destroyed, and the number that says go."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest
from cli.document_rows import rows_of
from cli.event_stream import events
from cli.failover_sandbox import (
    HOME,
    IRELAND,
    NAMES,
    STOP,
    WEST,
    Make,
    counts,
    failback,
    failed_over,
    look,
    put,
    refused,
    sent,
    value,
)
from cli.test_terminal import Terminal
from fixtures import Done, Sandbox

ASKS = "to continue: "
STEPS = {
    "clear": "remove 3 replicas in third Regions, and wait for AWS to finish",
    "replicate": "replicate each secret from the side with the newer value, replacing the secret on the other side",
    "turn": f"promote the replicas in {HOME}, and replicate them back to {WEST}",
    "put back": "add the replicas in third Regions again",
}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make, record: Path) -> Sandbox:
    """A sandbox with three secrets that were failed over, and the lost Region is back."""
    return failed_over(make_sandbox, record)


@pytest.fixture
def wide(make_sandbox: Make, record: Path) -> Sandbox:
    """The same with replicas in a third Region."""
    return failed_over(make_sandbox, record, regions=(WEST, IRELAND))


def told(done: Done) -> list[tuple[str, str]]:
    """Return the lines of the sheet: label and sentence."""
    labels = ("to fail back", "step 1", "step 2", "step 3", "step 4", "throughout")
    found = [line.partition("  ") for line in done.err.splitlines()]
    return [(label, text.strip()) for label, _, text in found if label in labels]


def arn(sandbox: Sandbox, region: str, name: str = "prod/a") -> str:
    return str((look(sandbox, region, name) or {})["ARN"])


def test_a_dry_run_shows_the_sheet_and_sends_nothing(fleet: Sandbox, record: Path) -> None:
    kept = record.read_text()
    done = failback(fleet, record, "-n", "--json")
    assert (done.code, done.document["dry_run"], sent(fleet)) == (0, True, [])
    assert counts(done) == {"secrets": 3, "to_lead": 3}
    assert {(row["region"], row["action"], row["changed"]) for row in rows_of(done)} == {(HOME, "overwrite", False)}
    lead, step, throughout = told(done)
    assert lead[1].startswith("3 where both sides hold the same value: ")
    assert step == ("step 1", STEPS["replicate"])
    assert throughout[1].startswith("at least one Region holds the current value")
    assert "dry run: nothing was sent" in done.err
    assert record.read_text() == kept


def test_the_sheet_of_the_whole_way(wide: Sandbox, record: Path) -> None:
    put(wide, WEST, "newer", "prod/b")
    done = failback(wide, record, "--return-primary", "-n")
    lines = [text for _, text in told(done)]
    assert f"1 where {WEST} holds the newer value: prod/b" in lines

    assert [text for label, text in told(done) if label.startswith("step")] == [*STEPS.values()]


def test_the_sheet_names_a_promotion_only_where_one_follows(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a", promoted_entry="dropped")
    put(sandbox, HOME, "newer")
    done = failback(sandbox, record, "--return-primary", "--yes")
    assert next(text for _, text in told(done)) == f"1 where {HOME} holds the newer value: prod/a"
    assert (STEPS["turn"] in done.err) == bool(sandbox.log(STOP))


def test_what_is_lost_is_shown_also_with_yes(wide: Sandbox, record: Path) -> None:
    stakes = [
        f"warning: {name} in {HOME} will be replaced for good by a replica of {WEST}: {arn(wide, HOME, name)}"
        for name in NAMES
    ]
    stakes += [f"warning: {name} in {IRELAND} will be deleted for good: {arn(wide, IRELAND, name)}" for name in NAMES]
    for words in (("-n",), (), ("--yes",)):
        done = failback(wide, record, *words)
        assert all(each in done.err for each in stakes), words
        assert "rotation off" in done.err


def test_quiet_shows_what_is_lost_all_the_same(fleet: Sandbox, record: Path) -> None:
    done = failback(fleet, record, "--yes", "-q")
    assert done.code == 0
    assert told(done) == []
    assert f"prod/a in {HOME} will be replaced for good by a replica of {WEST}" in done.err


def test_the_whole_way_shows_both_copies_that_are_lost(fleet: Sandbox, record: Path) -> None:
    done = failback(fleet, record, "--return-primary", "-n")
    for region in (HOME, WEST):
        assert arn(fleet, region) in done.err


@pytest.mark.parametrize("flags", [(), ("--no-input",), ("--return-primary",)])
def test_without_an_answer_nothing_is_sent(fleet: Sandbox, record: Path, flags: tuple[str, ...]) -> None:
    kept = record.read_text()
    done = failback(fleet, record, *flags, "--json")
    again = "--return-primary --yes" if "--return-primary" in flags else "--yes"
    error = refused(fleet, done, "ConfirmationNeeded")
    assert error["hint"] == f"to confirm it:\n  smrep failback --record {record} {again}"
    assert {row["changed"] for row in rows_of(done)} == {False}
    assert record.read_text() == kept


def test_what_was_not_confirmed_is_not_told_as_done(fleet: Sandbox, record: Path) -> None:
    done = failback(fleet, record, "--json")
    assert "nothing to do" not in done.err
    assert done.document["summary"]["already"] == 0


def test_the_command_to_confirm_does_what_was_typed(fleet: Sandbox, record: Path) -> None:
    words = ("--return-primary", "--rotation-handled", "--rate", "30", "--timeout", "2m")
    done = failback(fleet, record, *words, "--expect-account", "123456789012", "--json")
    hint = refused(fleet, done, "ConfirmationNeeded")["hint"]
    again = shlex.split(hint.removeprefix("to confirm it:\n  smrep "))
    assert {*words, "--expect-account", "--record", str(record), "--yes"} <= {*again}
    assert fleet.smrep(*again).code == 0
    assert (look(fleet, WEST) or {})["PrimaryRegion"] == HOME


@pytest.mark.parametrize("name", ["SMREP_YES", "SMREP_FAILBACK_YES"])
def test_no_variable_answers(fleet: Sandbox, record: Path, name: str) -> None:
    refused(fleet, failback(fleet, record, "--json", **{name: "1"}), "ConfirmationNeeded")


def terminal(sandbox: Sandbox, record: Path, *words: str) -> Terminal:
    return Terminal(sandbox, "failback", "--record", str(record), *words, columns=200)


@pytest.mark.process
def test_the_count_confirms(fleet: Sandbox, record: Path) -> None:
    put(fleet, HOME, "one", "prod/c")
    put(fleet, WEST, "another", "prod/c")
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    assert "us-east-1 will be replaced for good" in shown.seen
    assert sent(fleet) == []
    shown.type("2\n")  # what is left alone is not among them
    assert shown.end() == 1
    assert sorted(name for _, _, name in sent(fleet)) == ["prod/a", "prod/b"]


@pytest.mark.process
@pytest.mark.parametrize("answer", ["2\n", "yes\n", "prod/a\n", "\n", "\x04"])
def test_anything_else_does_not(fleet: Sandbox, record: Path, answer: str) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    shown.type(answer)
    assert shown.end() == 2
    assert "not confirmed; nothing was sent" in shown.seen
    assert sent(fleet) == []


@pytest.mark.process
def test_ctrl_c_at_the_prompt_sends_nothing(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    os.killpg(shown.process.pid, signal.SIGINT)
    assert shown.end() == 130
    assert "nothing was sent" in shown.seen
    assert sent(fleet) == []


@pytest.mark.process
def test_a_value_that_is_written_while_one_thinks_is_not_destroyed(fleet: Sandbox, record: Path) -> None:
    shown = terminal(fleet, record)
    shown.read_until(ASKS)
    put(fleet, HOME, "written meanwhile")
    shown.type("3\n")
    assert shown.end() == 1
    assert "us-east-1 holds its newer value" in shown.seen
    assert value(fleet, HOME) == "written meanwhile"


def test_a_dry_run_tells_its_plan_and_no_request(fleet: Sandbox, record: Path) -> None:
    for words in ((), ("--return-primary",)):
        shown = events(failback(fleet, record, *words, "-n", "-o", "ndjson"))
        assert "request" not in [each["type"] for each in shown]
        assert sorted(each["name"] for each in shown[1]["secrets"]) == list(NAMES)


def test_a_dry_run_as_a_table(fleet: Sandbox, record: Path) -> None:
    assert "3 of 3 secrets to fail back" in failback(fleet, record, "-n", "-o", "table").out
