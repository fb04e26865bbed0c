"""Where the primaries are, and who says so: an ARN, the flag, the environment, the profile, in this order."""

from __future__ import annotations

import pytest

from smrep.errors import ConfigurationError, Outcome, UsageError
from smrep.model import SecretId
from smrep.regions import Region
from smrep.rules.primary_region import HOME_VARIABLES, PrimaryRegions, SecretAddress, locate_primaries

EAST, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = SecretId("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3")
DB = SecretId("prod/db")


def nobody() -> str | None:
    return None


def unasked() -> str | None:
    raise AssertionError("the profile is asked though another one names the Region")


def test_an_arn_names_its_own_region() -> None:
    found = locate_primaries([ARN], None, {"AWS_REGION": WEST}, unasked)
    assert found == PrimaryRegions((SecretAddress(ARN, EAST),), {EAST: "arn"})
    assert locate_primaries([ARN], EAST, {}, unasked) == found


def test_a_flag_that_contradicts_an_arn_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        locate_primaries([ARN], WEST, {}, unasked)
    assert caught.value.message == f"--primary-region us-west-2 contradicts the ARN {ARN}, which is in us-east-1"
    assert caught.value.hint == "omit --primary-region, or use the secret's ARN in us-west-2"


def test_the_flag_comes_before_the_environment() -> None:
    found = locate_primaries([DB], WEST, dict.fromkeys(HOME_VARIABLES, EAST), unasked)
    assert found == PrimaryRegions((SecretAddress(DB, WEST),), {WEST: "--primary-region"})


@pytest.mark.parametrize("place", range(len(HOME_VARIABLES)))
def test_the_first_variable_that_is_set_counts(place: int) -> None:
    env = {**dict.fromkeys(HOME_VARIABLES[:place], ""), **dict.fromkeys(HOME_VARIABLES[place + 1 :], EAST)}
    found = locate_primaries([DB], None, {**env, HOME_VARIABLES[place]: WEST}, unasked)
    assert found.sources == {WEST: HOME_VARIABLES[place]}
    assert (found.region, found.source) == (WEST, HOME_VARIABLES[place])


def test_the_profile_comes_last_and_is_asked_once() -> None:
    asked: list[int] = []

    def profile() -> str | None:
        asked.append(1)
        return "us-west-2"

    found = locate_primaries([DB, SecretId("prod/web")], None, {}, profile)
    assert [address.region for address in found.addresses] == [WEST, WEST]
    assert (found.sources, asked) == ({WEST: "profile"}, [1])


def test_where_nobody_names_a_region_that_is_configuration() -> None:
    with pytest.raises(ConfigurationError) as caught:
        locate_primaries([DB], None, {}, nobody)
    error = caught.value
    assert error.message == "no primary Region: no ARN, option, variable or profile names one"
    assert error.hint == ("add --primary-region REGION\nor set it for all commands:\n  export AWS_REGION=REGION")
    assert error.outcome is Outcome.ACCESS


@pytest.mark.parametrize(
    ("env", "profile", "source"), [({"AWS_REGION": "us-wset-2"}, None, "AWS_REGION"), ({}, "x", "the profile")]
)
def test_a_region_that_is_none_is_refused_with_who_names_it(
    env: dict[str, str], profile: str | None, source: str
) -> None:
    with pytest.raises(UsageError) as caught:
        locate_primaries([DB], None, env, lambda: profile)
    assert caught.value.message.startswith(f"{source}: ")
    assert caught.value.message != f"{source}: "
    assert source != "AWS_REGION" or "us-west-2" in (caught.value.hint or "")


def test_secrets_of_several_regions_have_no_common_one() -> None:
    found = locate_primaries([ARN, DB], None, {"AWS_REGION": WEST}, unasked)
    assert [address.region for address in found.addresses] == [EAST, WEST]
    assert (found.region, found.source) == (None, "arn, AWS_REGION")


def test_without_a_secret_a_region_is_named_only_where_it_is_needed() -> None:
    assert locate_primaries([], WEST, {}, unasked) == PrimaryRegions((), {})
    assert locate_primaries([], WEST, {}, unasked, needed=True) == PrimaryRegions((), {WEST: "--primary-region"})
    assert locate_primaries([ARN], None, {}, unasked, needed=True).sources == {EAST: "arn"}
    assert (PrimaryRegions((), {}).region, PrimaryRegions((), {}).source) == (None, None)
