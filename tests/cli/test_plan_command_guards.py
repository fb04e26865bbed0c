"""What a manifest guards against: another account and another Region, for `plan` and `apply` alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.apply_sandbox import ACCOUNT, WEST, Make, manifest, refused, sent, stocked
from fixtures import Sandbox

OTHER = "999999999999"
COMMANDS = [("plan",), ("apply", "--yes")]
commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    return stocked(make_sandbox, "prod/a")


@commands
def test_another_account_than_the_manifests_stops_it(stock: Sandbox, tmp_path: Path, command: tuple[str, ...]) -> None:
    error = refused(stock, *command, "-f", manifest(tmp_path, account_id=OTHER))
    assert OTHER in error["message"]
    assert ACCOUNT in error["message"]


@commands
def test_another_account_than_the_one_typed_stops_it(stock: Sandbox, tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(stock, *command, "-f", manifest(tmp_path), "--expect-account", OTHER)
    refused(stock, *command, "-f", manifest(tmp_path), env={"SMREP_EXPECT_ACCOUNT": OTHER})


@commands
def test_the_command_line_and_the_manifest_may_not_disagree(
    stock: Sandbox, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = manifest(tmp_path, account_id=OTHER)
    assert refused(stock, *command, "-f", file, "--expect-account", ACCOUNT)["code"] == "AccountMismatch"
    assert stock.simulator.log == []


@commands
@pytest.mark.parametrize("by", ["flag", "SMREP_PRIMARY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION", "profile"])
def test_another_primary_region_stops_it_whoever_names_it(
    stock: Sandbox, tmp_path: Path, command: tuple[str, ...], by: str
) -> None:
    file = manifest(tmp_path, primary_region="us-east-1")
    env: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    flags: list[str] = []
    if by == "flag":
        flags = ["--primary-region", "us-east-2"]
    elif by == "profile":
        config = tmp_path / "config"
        config.write_text("[default]\nregion = us-east-2\n")
        env["AWS_CONFIG_FILE"] = str(config)
    else:
        env[by] = "us-east-2"
    error = refused(stock, *command, "-f", file, *flags, env=env)
    assert error["code"] == "PrimaryRegionMismatch"
    assert error["hint"] == "if the manifest is right, add --primary-region us-east-1"
    assert stock.simulator.log == []


def test_where_nobody_else_names_a_region_the_manifests_counts(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, primary_region="us-east-1")
    done = stock.smrep("plan", "-f", file, "--json", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.document["primary_region"], done.document["primary_region_source"]) == ("us-east-1", "manifest")


def test_the_flag_cures_a_wrong_environment(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, primary_region="us-east-1", account_id=ACCOUNT)
    done = stock.smrep("plan", "-f", file, "--primary-region", "us-east-1", "--json", AWS_REGION="us-east-2")
    assert (done.code, len(done.document["secrets"])) == (0, 1)


def test_right_guards_let_it_through(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, primary_region="us-east-1", account_id=ACCOUNT)
    assert stock.smrep("apply", "-f", file, "--yes", "--expect-account", ACCOUNT).code == 0
    assert len(sent(stock)) == 1


@commands
def test_the_primaries_own_region_is_no_target(stock: Sandbox, tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(stock, *command, "-f", manifest(tmp_path), "--primary-region", WEST)
    assert stock.simulator.log == []
