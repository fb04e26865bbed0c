"""`smrep apply --plan`: exactly the saved plan, or nothing, with what has moved told line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import (
    ACCOUNT,
    ADD,
    HOME,
    IRELAND,
    PROD,
    REMOVE,
    SYDNEY,
    WEST,
    Make,
    counts,
    manifest,
    refused,
    replicate,
    rows,
    sent,
    stocked,
)
from fixtures import Sandbox

RULE = PROD | {"regions": [WEST, IRELAND], "remove_extra": True}
YES = ("--yes", "--max-removals", "1")


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    replicate(sandbox, "prod/b", WEST, SYDNEY)
    return sandbox


@pytest.fixture
def plan(stock: Sandbox, tmp_path: Path) -> str:
    """A plan that adds two replicas to one secret and takes one from the other."""
    out = tmp_path / "dr.plan"
    assert stock.smrep("plan", "-f", manifest(tmp_path, RULE), "--out", str(out)).code == 0
    stock.simulator.log.clear()
    return str(out)


def test_it_does_what_was_planned_and_nothing_else(stock: Sandbox, plan: str) -> None:
    with stock.simulator.undisturbed():
        stock.create("prod/later")
    done = stock.smrep("apply", "--plan", plan, *YES, "--json")
    assert done.code == 0
    assert sorted(sent(stock)) == [
        (REMOVE, "prod/b", (SYDNEY,)),
        (ADD, "prod/a", (WEST, IRELAND)),
        (ADD, "prod/b", (IRELAND,)),
    ]
    assert (done.document["primary_region"], done.document["primary_region_source"]) == (HOME, "plan")
    assert counts(done)["changed"] == 4
    assert "ListSecrets" not in {call.operation for call in stock.simulator.log}


def test_the_environments_region_does_not_matter(stock: Sandbox, plan: str) -> None:
    assert stock.smrep("apply", "--plan", plan, *YES, AWS_REGION="eu-central-1").code == 0
    assert len(sent(stock)) == 3


def test_done_again_it_sends_nothing_and_needs_no_yes(stock: Sandbox, plan: str) -> None:
    assert stock.smrep("apply", "--plan", plan, *YES).code == 0
    stock.simulator.log.clear()
    done = stock.smrep("apply", "--plan", plan, "--json")
    assert (done.code, sent(stock)) == (0, [])
    assert {row["changed"] for row in rows(done).values()} == {False}


def test_half_done_it_is_done_to_its_end(stock: Sandbox, plan: str) -> None:
    replicate(stock, "prod/a", WEST)
    assert stock.smrep("apply", "--plan", plan, *YES).code == 0
    assert (ADD, "prod/a", (IRELAND,)) in sent(stock)


def test_it_too_asks_and_counts_removals(stock: Sandbox, plan: str) -> None:
    assert refused(stock, "apply", "--plan", plan)["code"] == "ConfirmationNeeded"
    assert refused(stock, "apply", "--plan", plan, "--yes")["code"] == "TooManyRemovals"
    assert refused(stock, "apply", "--plan", plan, "--yes", "--max-removals", "0")["code"] == "TooManyRemovals"


Move = Callable[[Sandbox], object]
MOVES: dict[str, Move] = {
    "status": lambda sandbox: sandbox.simulator.set_replication_status("prod/a", HOME, WEST, "Failed", "weather"),
    "gone": lambda sandbox: sandbox.call("DeleteSecret", SecretId="prod/a", ForceDeleteWithoutRecovery=True),
    "clash": lambda sandbox: sandbox.create("prod/a", IRELAND),
}


@pytest.mark.parametrize("move", MOVES)
def test_where_the_world_has_moved_nothing_is_sent(make_sandbox: Make, stock: Sandbox, plan: str, move: str) -> None:
    with stock.simulator.undisturbed():
        MOVES[move](stock)
    done = stock.smrep("apply", "--plan", plan, *YES, "--json")
    error = done.document["error"]
    assert (done.code, done.document["result"], error["code"]) == (1, "failed", "PlanIsStale")
    assert sent(stock) == []
    detail, command = [line.strip() for line in done.err.splitlines() if line.startswith("  ")]
    assert "prod/a" in detail
    assert detail in error["message"]
    assert error["hint"] == "make a new plan:\n  smrep plan -f FILE --out FILE"
    assert command == "smrep plan -f FILE --out FILE"


def test_another_key_has_moved_it_too(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
    out = str(tmp_path / "dr.plan")
    keyed = PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}]}
    sandbox.smrep("plan", "-f", manifest(tmp_path, keyed), "--out", out)
    replicate(sandbox, "prod/a", WEST)
    error = refused(sandbox, "apply", "--plan", out, "--yes", code=1)
    assert "prod/a: us-west-2: the plan says add, but now" in error["message"]


Tamper = Callable[[dict[str, Any]], object]
TAMPERS: dict[str, Tamper] = {
    "schema": lambda plan: plan.update(schema="smrep-plan/9"),
    "action": lambda plan: plan["secrets"][0]["steps"][0].update(action="overwrite"),
    "Region": lambda plan: plan["secrets"][0]["steps"][0].update(region="mars"),
    "home": lambda plan: plan["secrets"][0]["steps"][0].update(region=HOME),
    "ARN": lambda plan: plan["secrets"][0].update(arn="prod/a"),
    "account": lambda plan: plan["secrets"][0].update(account=7),
    "no secrets": lambda plan: plan.pop("secrets"),
}


@pytest.mark.parametrize("tamper", TAMPERS)
def test_a_plan_that_was_tampered_with_is_none(stock: Sandbox, plan: str, tamper: str) -> None:
    value = json.loads(Path(plan).read_text())
    TAMPERS[tamper](value)
    Path(plan).write_text(json.dumps(value))
    assert "is not a plan of smrep" in refused(stock, "apply", "--plan", plan, *YES)["message"]
    assert stock.simulator.log == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"schema = 1", b"[]", b"{", b"\x00" * 64])
def test_garbage_is_none(stock: Sandbox, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "garbage"
    file.write_bytes(content)
    refused(stock, "apply", "--plan", str(file), *YES)
    assert stock.simulator.log == []


def test_a_plan_of_another_account_than_expected_is_refused(stock: Sandbox, plan: str) -> None:
    refused(stock, "apply", "--plan", plan, *YES, "--expect-account", "999999999999")
    assert stock.smrep("apply", "--plan", plan, *YES, "--expect-account", ACCOUNT).code == 0


def test_a_plan_with_nothing_in_it_is_done(stock: Sandbox, tmp_path: Path) -> None:
    replicate(stock, "prod/a", WEST)
    out = str(tmp_path / "empty.plan")
    stock.smrep("plan", "-f", manifest(tmp_path), "--out", out)
    done = stock.smrep("apply", "--plan", out, "--json")
    assert (done.code, sent(stock), done.document["secrets"]) == (0, [], [])
