"""Which accounts and Regions a manifest is for, and from where that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import HOME, IRELAND, WEST

from smrep.errors import ConfigurationError, Outcome, UsageError
from smrep.regions import Region
from smrep.rules.manifest.schema import AccountRole, Home, Manifest, expected_account, homes_of

ONE, OTHER = "111111111111", "222222222222"
BARE = Manifest(())
Locate = Callable[[], tuple[Region, str]]


def role(place: int, account: str = ONE, region: Region | None = None) -> AccountRole:
    return AccountRole(f"account[{place}]", f"arn:aws:iam::{account}:role/smrep", region=region)


def located() -> tuple[Region, str]:
    return HOME, "AWS_REGION"


def nowhere() -> tuple[Region, str]:
    raise ConfigurationError("no primary Region")


def never() -> tuple[Region, str]:
    raise AssertionError("every account has a Region of its own")


@pytest.mark.parametrize(
    ("manifest", "typed", "locate", "homes", "sources"),
    [
        (BARE, None, located, [Home(HOME)], {HOME: "AWS_REGION"}),
        (BARE, ONE, located, [Home(HOME, ONE)], {HOME: "AWS_REGION"}),
        (replace(BARE, account_id=ONE), None, located, [Home(HOME, ONE)], {HOME: "AWS_REGION"}),
        (replace(BARE, account_id=ONE), ONE, located, [Home(HOME, ONE)], {HOME: "AWS_REGION"}),
        (replace(BARE, primary_region=HOME), None, located, [Home(HOME)], {HOME: "AWS_REGION"}),
        (replace(BARE, primary_region=WEST), None, nowhere, [Home(WEST)], {WEST: "manifest"}),
        (
            replace(BARE, accounts=(role(0), role(1, OTHER, IRELAND))),
            None,
            located,
            [Home(HOME, ONE, role(0)), Home(IRELAND, OTHER, role(1, OTHER, IRELAND))],
            {HOME: "AWS_REGION", IRELAND: "account[1].region"},
        ),
        (
            replace(BARE, accounts=(role(0, region=WEST), role(1, OTHER, WEST))),
            None,
            never,
            [Home(WEST, ONE, role(0, region=WEST)), Home(WEST, OTHER, role(1, OTHER, WEST))],
            {WEST: "account[0].region"},
        ),
    ],
)
def test_each_account_has_the_region_that_is_nearest_to_it(
    manifest: Manifest, typed: str | None, locate: Locate, homes: list[Home], sources: dict[Region, str]
) -> None:
    assert homes_of(manifest, typed, locate) == (homes, sources)


def test_without_any_region_the_reason_is_passed_on() -> None:
    with pytest.raises(ConfigurationError, match="no primary Region"):
        homes_of(BARE, None, nowhere)


def test_the_manifests_region_and_another_one_contradict_each_other() -> None:
    with pytest.raises(UsageError) as caught:
        homes_of(replace(BARE, primary_region=WEST), None, located)
    error = caught.value
    assert error.message == (
        "the manifest is for primaries in us-west-2, but AWS_REGION says us-east-1; nothing was sent"
    )
    assert error.hint == "if the manifest is right, add --primary-region us-west-2"
    assert (error.code, error.outcome) == ("PrimaryRegionMismatch", Outcome.USAGE)


@pytest.mark.parametrize(
    ("manifest", "origin"),
    [
        (replace(BARE, account_id=ONE), "the manifest is for account"),
        (replace(BARE, accounts=(role(0),)), "account[0] is for account"),
    ],
)
def test_another_account_than_the_expected_one_is_refused(manifest: Manifest, origin: str) -> None:
    with pytest.raises(UsageError) as caught:
        homes_of(manifest, OTHER, located)
    error = caught.value
    assert error.message == f"{origin} {ONE}, but --expect-account says {OTHER}; nothing was sent"
    assert (error.hint, error.code) == ("check which one is right", "AccountMismatch")


@pytest.mark.parametrize(("typed", "written"), [(ONE, None), (None, ONE), (ONE, ONE)])
def test_either_word_names_the_expected_account(typed: str | None, written: str | None) -> None:
    assert expected_account(typed, written, "the plan is for account") == ONE
