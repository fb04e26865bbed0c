"""What `smrep apply` wants to be told before it sends anything: yes, how many removals, one source of its plan."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from cli.apply_sandbox import PROD, REMOVE, SYDNEY, WEST, Make, manifest, refused, replicate, sent, stocked
from fixtures import Sandbox, commands_in


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    return stocked(make_sandbox, "prod/a", "prod/b", "prod/c")


@pytest.fixture
def crowded(stock: Sandbox) -> Sandbox:
    """A sandbox with two replicas too many, and one too few."""
    for name in ("prod/a", "prod/b"):
        replicate(stock, name, WEST, SYDNEY)
    return stock


GO = PROD | {"remove_extra": True}


@pytest.mark.parametrize("flags", [(), ("--no-input",), ("--max-removals", "5")])
def test_where_nobody_can_answer_it_needs_yes(stock: Sandbox, tmp_path: Path, flags: tuple[str, ...]) -> None:
    error = refused(stock, "apply", "-f", manifest(tmp_path), *flags)
    assert error["code"] == "ConfirmationNeeded"
    assert error["hint"].startswith("to confirm it:\n  smrep apply ")
    assert stock.smrep(*shlex.split(commands_in(error["hint"])[0])[1:]).code == 0


@pytest.mark.parametrize("flag", ["SMREP_YES", "SMREP_APPLY_YES", "SMREP_MAX_REMOVALS", "SMREP_APPLY_MAX_REMOVALS"])
def test_no_variable_answers(crowded: Sandbox, tmp_path: Path, flag: str) -> None:
    refused(crowded, "apply", "-f", manifest(tmp_path, GO), env={flag: "5"})
    if "REMOVALS" in flag:
        refused(crowded, "apply", "-f", manifest(tmp_path, GO), "--yes", env={flag: "5"})


@pytest.mark.parametrize("allowed", [(), ("--max-removals", "0"), ("--max-removals", "1")])
def test_more_removals_than_allowed_send_nothing_at_all(
    crowded: Sandbox, tmp_path: Path, allowed: tuple[str, ...]
) -> None:
    error = refused(crowded, "apply", "-f", manifest(tmp_path, GO), "--yes", *allowed)
    assert error["code"] == "TooManyRemovals"
    assert error["message"].startswith("the plan removes 2 replicas, but ")
    assert error["hint"].endswith("--yes --max-removals 2")


@pytest.mark.parametrize("allowed", ["2", "3"])
def test_as_many_as_allowed_go(crowded: Sandbox, tmp_path: Path, allowed: str) -> None:
    done = crowded.smrep("apply", "-f", manifest(tmp_path, GO), "--yes", "--max-removals", allowed)
    assert done.code == 0
    assert sorted(name for operation, name, _ in sent(crowded) if operation == REMOVE) == ["prod/a", "prod/b"]


def test_the_hint_does_it(crowded: Sandbox, tmp_path: Path) -> None:
    error = refused(crowded, "apply", "-f", manifest(tmp_path, GO), "--yes")
    assert crowded.smrep(*shlex.split(error["hint"].rpartition("smrep ")[2])).code == 0
    assert len(sent(crowded)) == 3


def test_what_removes_nothing_needs_no_number(stock: Sandbox, tmp_path: Path) -> None:
    assert stock.smrep("apply", "-f", manifest(tmp_path, GO), "--yes").code == 0
    assert len(sent(stock)) == 3


def test_a_dry_run_shows_also_what_would_be_too_many(crowded: Sandbox, tmp_path: Path) -> None:
    done = crowded.smrep("apply", "-f", manifest(tmp_path, GO), "-n", "--max-removals", "1", "-o", "table")
    assert (done.code, sent(crowded)) == (0, [])
    assert "prod/a, prod/b" in done.out + done.err


@pytest.mark.parametrize(
    "words",
    [
        ("apply",),
        ("apply", "-f", "x", "--plan", "y"),
        ("apply", "--plan", "y", "--shard", "1/2"),
        ("apply", "-f", "x", "--rate", "0"),
        ("apply", "-f", "x", "--rate", "51"),
        ("apply", "-f", "x", "--rate", "nan"),
        ("apply", "-f", "x", "--max-removals", "-1"),
        ("apply", "-f", "/none/dr.toml", "--yes"),
        ("apply", "--plan", "/none/dr.plan", "--yes"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_means_nothing_is_refused_before_any_call(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    refused(sandbox, *words)
    assert sandbox.simulator.log == []


def test_the_manifest_on_standard_input_leaves_nothing_to_answer_with(stock: Sandbox, tmp_path: Path) -> None:
    text = Path(manifest(tmp_path)).read_text()
    assert refused(stock, "apply", "-f", "-", stdin=text)["code"] == "ConfirmationNeeded"
    assert stock.smrep("apply", "-f", "-", "--yes", stdin=text).code == 0
    assert len(sent(stock)) == 3


def test_mistakes_of_the_manifest_come_together(stock: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "dr.json"
    file.write_text(json.dumps({"schema": 2, "replicate": [{"prefix": "", "regions": ["mars"]}]}))
    done = stock.smrep("apply", "-f", str(file), "--yes", "--json")
    lines = [line for line in done.err.partition("hint:")[0].splitlines() if line.startswith("  ")]
    assert (done.code, sent(stock)) == (2, [])
    assert len(lines) >= 3
    assert all(line.strip() in done.document["error"]["message"] for line in lines)
