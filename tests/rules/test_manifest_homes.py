"""Whether a manifest's rules fit the accounts and Regions in which its primaries live."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import HOME, IRELAND, WEST

from smrep.errors import UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.manifest.schema import AccountRole, Home, Rule, check_homes
from smrep.rules.manifest.selector import Selector

ONE, OTHER = "111111111111", "222222222222"


def rule(place: int, *targets: Region, names: Sequence[str] = ()) -> Rule:
    selector = Selector(names=frozenset(names))
    return Rule(f"rule {place}", f"replicate[{place}]", selector, tuple(map(Target, targets)))


def role(place: int, account: str = ONE, name: str = "smrep") -> AccountRole:
    return AccountRole(f"account[{place}]", f"arn:aws:iam::{account}:role/{name}")


def home(place: int, region: Region = HOME, account: str = ONE) -> Home:
    return Home(region, account, role(place, account))


def arn(region: Region, account: str = ONE, name: str = "prod/db") -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-a1b2c3"


def mistakes(rules: Sequence[Rule], homes: Sequence[Home]) -> tuple[str, ...]:
    with pytest.raises(UsageError) as raised:
        check_homes(rules, homes)
    return raised.value.details


@pytest.mark.parametrize(
    "homes",
    [
        [Home(HOME)],
        [Home(HOME), Home(HOME)],
        [Home(HOME, ONE)],
        [home(0), home(0)],
        [home(0), home(1, IRELAND), home(2, account=OTHER)],
    ],
)
def test_accounts_and_regions_that_differ_are_accepted(homes: list[Home]) -> None:
    check_homes([rule(0, WEST)], homes)


def test_an_account_has_its_primaries_in_a_region_once_whatever_the_role() -> None:
    twice = Home(HOME, ONE, role(2, name="other"))
    (told,) = mistakes([rule(0, WEST)], [Home(HOME), home(0), home(1, IRELAND), twice])
    assert told == "account[2]: account 111111111111 in us-east-1 is already in account[0]"


def test_a_primarys_own_region_holds_no_replica() -> None:
    assert mistakes([rule(0, WEST), rule(1, IRELAND, HOME, WEST)], [Home(HOME), Home(HOME, ONE), Home(WEST)]) == (
        "replicate[0].regions: us-west-2 is the primary's own Region, which cannot have a replica",
        "replicate[1].regions: us-east-1 is the primary's own Region, which cannot have a replica",
        "replicate[1].regions: us-west-2 is the primary's own Region, which cannot have a replica",
    )


@pytest.mark.parametrize("homes", [[Home(HOME)], [Home(HOME, ONE)], [Home(IRELAND, ONE), Home(HOME, ONE)]])
def test_an_arn_of_one_of_the_homes_is_accepted(homes: list[Home]) -> None:
    check_homes([rule(0, WEST, names=[arn(HOME), "prod/db"])], homes)


@pytest.mark.parametrize(
    ("homes", "places"),
    [
        ([Home(IRELAND)], "eu-west-1"),
        ([Home(HOME, OTHER)], "us-east-1, account 222222222222"),
        ([Home(IRELAND, ONE)], "eu-west-1, account 111111111111"),
        (
            [Home(IRELAND, ONE), Home(HOME, OTHER), Home(IRELAND, ONE)],
            "eu-west-1, account 111111111111 and us-east-1, account 222222222222",
        ),
    ],
)
def test_an_arn_of_none_of_the_homes_is_a_mistake(homes: list[Home], places: str) -> None:
    assert mistakes([rule(0, WEST), rule(1, WEST, names=["prod/db", arn(HOME)])], homes) == (
        f"replicate[1].names: {arn(HOME)} is of us-east-1, account 111111111111, and the primaries are of {places}",
    )


def test_the_names_of_a_rule_are_checked_in_their_order() -> None:
    names = [arn(HOME, name=name) for name in "cab"]
    told = mistakes([rule(0, WEST, names=names)], [Home(IRELAND)])
    assert [each.split(" ")[1] for each in told] == sorted(names)


def test_all_mistakes_come_at_once_each_with_its_place() -> None:
    rules = [rule(0, HOME, names=[arn(IRELAND)])]
    with pytest.raises(UsageError) as raised:
        check_homes(rules, [home(0), home(1)])
    error = raised.value
    assert error.message == "the manifest has 3 mistakes in the Regions of its primaries; nothing was sent"
    assert error.hint == "check --primary-region, the environment and the manifest's primary_region"
    assert error.code == "ManifestError"
    assert [each.split(":")[0] for each in error.details] == [
        "account[1]",
        "replicate[0].regions",
        "replicate[0].names",
    ]


def test_one_mistake_is_told_as_one() -> None:
    with pytest.raises(
        UsageError, match=r"^the manifest has a mistake in the Regions of its primaries; nothing was sent$"
    ) as raised:
        check_homes([rule(0, HOME)], [Home(HOME)])
    assert len(raised.value.details) == 1
