"""`smrep failover` while a Region is down: not one request goes there, for credentials neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.failover_sandbox import HOME, NAMES, STOP, WEST, failover, lose, overheard, promoted
from fixtures import Sandbox

Heard = Callable[[], list[dict[str, Any]]]
ROLE = "arn:aws:iam::123456789012:role/dr"
YES = ("--yes", "--json")
LEGACY = {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}
PROFILES = f"""
[profile base]
region = {HOME}
sts_regional_endpoints = legacy
aws_access_key_id = test
aws_secret_access_key = test

[profile dr]
region = {HOME}
sts_regional_endpoints = legacy
role_arn = {ROLE}
source_profile = base

[profile far]
region = {HOME}
role_arn = {ROLE}2
source_profile = dr
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str | None]:
    """The environment of somebody who has nothing but profiles."""
    file = tmp_path / "config"
    file.write_text(PROFILES)
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"))
    return {**keys, "AWS_CONFIG_FILE": str(file)}


def asked(heard: Heard) -> set[tuple[str, str]]:
    """Return (service, operation) of all requests; every one went to the Region that is up."""
    assert {each["region"] for each in heard()} == {WEST}
    return {(each["service"], each["operation"]) for each in heard()}


@pytest.mark.parametrize("words", [("--all",), ("--prefix", "prod/"), ("--tag", "dr"), NAMES, ("prod/none", "prod/a")])
def test_no_request_goes_to_the_lost_region(record: Path, words: tuple[str, ...]) -> None:
    with overheard(*NAMES[1:]) as (sandbox, heard):
        lose(sandbox, HOME)
        with sandbox.simulator.undisturbed():
            key = sandbox.key()
            wanted = [{"Region": WEST, "KmsKeyId": key}]
            sandbox.create("prod/a", Tags=[{"Key": "dr", "Value": "1"}], AddReplicaRegions=wanted)
        done = failover(sandbox, record, *words, *YES)
        assert done.code == ("prod/none" in words)
        assert "prod/a" in promoted(sandbox)
        assert asked(heard) >= {("secretsmanager", "ListSecrets"), ("secretsmanager", STOP), ("kms", "DescribeKey")}


def test_nor_does_any_of_a_dry_run(record: Path) -> None:
    with overheard() as (sandbox, heard):
        lose(sandbox, HOME)
        assert failover(sandbox, record, "--all", "-n").code == 0
        assert asked(heard) == {("secretsmanager", "ListSecrets"), ("secretsmanager", "DescribeSecret")}


def test_nor_where_the_lost_region_is_up(record: Path) -> None:
    with overheard() as (sandbox, heard):
        assert failover(sandbox, record, "--all", *YES).code == 0
        asked(heard)


@pytest.mark.parametrize("env", [{}, LEGACY], ids=["as it is", "legacy"])
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "up"])
def test_a_role_is_taken_on_in_the_region_that_is_up(record: Path, env: dict[str, str], lost: bool) -> None:
    with overheard() as (sandbox, heard):
        lose(sandbox, *[HOME] * lost)
        done = failover(sandbox, record, "--all", *YES, "--role-arn", ROLE, **env)
        assert (done.code, promoted(sandbox)) == (0, list(NAMES))
        assert ("sts", "AssumeRole") in asked(heard)
        assert f"a role assumed at {sandbox.url}, which may not be AWS's STS in {WEST}" in done.err


@pytest.mark.parametrize("profile", ["dr", "far"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_profiles_role_too_whatever_its_region(
    record: Path, profiles: dict[str, str | None], profile: str, typed: bool
) -> None:
    env = profiles if typed else {**profiles, "AWS_PROFILE": profile}
    with overheard() as (sandbox, heard):
        lose(sandbox, HOME)
        words = ("--profile", profile) if typed else ()
        done = failover(sandbox, record, "--all", *YES, *words, **env)
        assert (done.code, promoted(sandbox)) == (0, list(NAMES)), done.err
        assert ("sts", "AssumeRole") in asked(heard)


def test_a_role_over_a_profiles_role(record: Path, profiles: dict[str, str | None]) -> None:
    with overheard() as (sandbox, heard):
        lose(sandbox, HOME)
        done = failover(sandbox, record, "--all", *YES, "--profile", "dr", "--role-arn", f"{ROLE}3", **profiles)
        assert (done.code, promoted(sandbox)) == (0, list(NAMES)), done.err
        assert [each["operation"] for each in heard()].count("AssumeRole") == 2
        asked(heard)


SSO = """
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dr
[sso-session corp]
sso_region = {0}
sso_start_url = https://corp.example/start
"""


def test_credentials_that_can_not_be_had_are_access(record: Path, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"[profile dr]\nregion = {HOME}\nrole_arn = {ROLE}\nsource_profile = sso\n" + SSO.format(HOME))
    env = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    with overheard() as (sandbox, heard):
        lose(sandbox, HOME)
        words = ("--all", "-n", "--json", "--profile", "dr")
        done = failover(sandbox, record, *words, AWS_CONFIG_FILE=str(file), **env)
        assert (done.code, done.document["result"]) == (4, "access")  # there is no token to be had
        assert [each for each in heard() if each["region"] == HOME] == []


def test_keys_in_the_environment_beat_no_profile_that_was_typed(record: Path, profiles: dict[str, str | None]) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with overheard() as (sandbox, heard):
        lose(sandbox, HOME)
        done = failover(sandbox, record, "--all", *YES, **{**profiles, **keys})
        assert done.code == 0
        assert "stored keys (env), which do not depend on us-east-1" in done.err
        assert ("sts", "AssumeRole") not in asked(heard)


def only(sandbox: Sandbox) -> int:
    """Return how many writes arrived."""
    return len(sandbox.log(STOP))


def test_where_the_other_region_is_down_it_ends_soon_and_truly(record: Path) -> None:
    with overheard() as (sandbox, heard):
        lose(sandbox, WEST)
        done = failover(sandbox, record, "--all", *YES, AWS_MAX_ATTEMPTS="1")
        assert (done.code, done.document["result"], only(sandbox)) == (1, "failed", 0)
        assert WEST in done.document["error"]["message"]
        assert {each["operation"] for each in heard()} == {"ListSecrets"}
        assert not record.exists()
