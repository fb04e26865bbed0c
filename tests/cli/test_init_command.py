"""`smrep init`: a manifest for secrets that have no replica yet."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures import Done, Sandbox, commands_in

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
ACCOUNT = "123456789012"
Make = Callable[..., Sandbox]


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    """A sandbox with secrets without a replica, and one with one in us-west-2."""
    sandbox = make_sandbox(replication_delay_s=0.0)
    for name in ("prod/a", "prod/b", "prod/covered", "test/x"):
        sandbox.create(name)
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/covered", AddReplicaRegions=[{"Region": WEST}])
    sandbox.call("DescribeSecret", SecretId="prod/covered")
    sandbox.simulator.log.clear()
    return sandbox


def init(sandbox: Sandbox, *words: str, **env: str | None) -> Done:
    done = sandbox.smrep("init", *words, **env)
    assert {call.operation for call in sandbox.simulator.log} <= {"ListSecrets"}
    return done


def rule(done: Done) -> dict[str, Any]:
    (only,) = tomllib.loads(done.out)["replicate"]
    return dict(only)


def test_it_lists_the_selected_secrets_without_a_replica(stock: Sandbox) -> None:
    done = init(stock, "--prefix", "prod/", "-r", WEST)
    assert done.code == 0
    assert tomllib.loads(done.out) == {
        "schema": 1,
        "account_id": ACCOUNT,
        "primary_region": HOME,
        "replicate": [{"name": WEST, "names": ["prod/a", "prod/b"], "regions": [WEST]}],
    }
    assert "2 of 3 secrets in us-east-1 that match --prefix prod/ have no replica in us-west-2.\n" in done.err
    assert "Skipped: 1 that have one; export writes a manifest of those.\n" in done.err
    for line in done.err.splitlines()[-2:]:
        assert f"# {line}\n" in done.out


def test_plan_reads_it_and_apply_leaves_nothing_to_do(stock: Sandbox, tmp_path: Path) -> None:
    text = init(stock, "--all", "-r", f"{WEST},{IRELAND}").out
    plan = stock.smrep("plan", "-f", "-", "--json", stdin=text)
    assert (plan.code, plan.document["summary"]["add"]) == (0, 7)
    file = tmp_path / "dr.toml"
    file.write_text(text)
    assert stock.smrep("apply", "-f", str(file), "--yes").code == 0
    assert stock.smrep("plan", "-f", str(file), "--detailed-exitcode").code == 0
    again = stock.smrep("init", "--all", "-r", f"{WEST},{IRELAND}")
    assert (again.code, again.out) == (0, "")


def test_a_secret_that_lacks_one_of_the_regions_is_in_it(stock: Sandbox) -> None:
    done = init(stock, "--prefix", "prod/covered", "-r", f"{WEST},{IRELAND}")
    assert rule(done)["names"] == ["prod/covered"]


def test_the_regions_keys_are_in_it(stock: Sandbox) -> None:
    done = init(stock, "--prefix", "prod/", "-r", f"{WEST}=alias/dr,{IRELAND}", "--kms-key", "alias/all")
    assert rule(done)["regions"] == [
        {"region": WEST, "kms_key": "alias/dr"},
        {"region": IRELAND, "kms_key": "alias/all"},
    ]


def test_managed_secrets_are_left_out_and_named(stock: Sandbox) -> None:
    stock.call("CreateSecret", Name="rds!cluster-1", SecretString="x")
    stock.simulator.log.clear()
    done = init(stock, "--all", "-r", WEST)
    assert rule(done)["names"] == ["prod/a", "prod/b", "test/x"]
    assert "Skipped: 1 that an AWS service manages: rds!cluster-1.\n" in done.err
    assert "# Skipped: 1 that an AWS service manages: rds!cluster-1.\n" in done.out


@pytest.mark.parametrize("words", [(), ("-o", "json")])
def test_where_nothing_is_missing_nothing_is_written(stock: Sandbox, words: tuple[str, ...]) -> None:
    done = init(stock, "--prefix", "prod/covered", "-r", WEST, *words)
    assert done.code == 0
    assert "replicate" not in (done.document if words else done.out)
    assert "warning: no manifest was written: there is nothing to add\n" in done.err


def test_selectors_that_match_nothing_are_refused(stock: Sandbox) -> None:
    done = init(stock, "--prefix", "none/", "-r", WEST, "-o", "json")
    error = done.document["error"]
    assert (done.code, error["message"]) == (2, "no secret in us-east-1 matches --prefix none/")
    assert commands_in(error["hint"]) == ["smrep list --primary-region us-east-1"]


@pytest.mark.parametrize("words", [("-r", WEST), ("--exclude", "prod/*", "-r", WEST)], ids=" ".join)
def test_without_a_selector_it_is_refused(stock: Sandbox, words: tuple[str, ...]) -> None:
    done = init(stock, *words)
    assert (done.code, done.out, stock.simulator.log) == (2, "", [])
    assert "error: select secrets with --prefix, --tag or --all\nhint: see how:\n  smrep init --help\n" in done.err


@pytest.mark.parametrize("words", [("--all",), ("--all", "-r", HOME), ("--all", "-r", "cn-north-1")], ids=" ".join)
def test_a_region_that_cannot_be_a_target_is_refused(stock: Sandbox, words: tuple[str, ...]) -> None:
    done = init(stock, *words)
    assert (done.code, done.out, stock.simulator.log) == (2, "", [])


def test_as_json_it_is_a_manifest_too(stock: Sandbox, tmp_path: Path) -> None:
    done = init(stock, "--prefix", "prod/", "-r", WEST, "-o", "json")
    assert json.loads(done.out)["replicate"][0]["names"] == ["prod/a", "prod/b"]
    file = tmp_path / "dr.json"
    file.write_text(done.out)
    assert stock.smrep("plan", "-f", str(file), "--json").document["summary"]["add"] == 2


def test_another_account_than_expected_gets_no_manifest(stock: Sandbox) -> None:
    done = init(stock, "--all", "-r", WEST, "--expect-account", "999999999999")
    assert (done.code, done.out) == (2, "")


def test_a_region_that_cannot_be_listed_leaves_no_manifest(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListSecrets", WEST)}))
    sandbox.create("prod/a")
    sandbox.simulator.log.clear()
    done = init(sandbox, "--all", "-r", WEST)
    assert (done.code, done.out) == (4, "")
