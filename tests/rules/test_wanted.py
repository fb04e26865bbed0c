"""Where a secret is wanted: the union of the rules that mean it, or the clash between two of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import Listed, Secret, Target
from smrep.regions import Region
from smrep.report import Problem
from smrep.rules.fleet.desired_state import DesiredState, RuleConflict, changed_problem, desired_state, matching
from smrep.rules.manifest.schema import Rule
from smrep.rules.manifest.selector import Selector

ACCOUNT = "123456789012"
REGIONS = [Region(each) for each in ("us-west-2", "eu-west-1", "ap-southeast-2")]
WEST, IRELAND, SYDNEY = REGIONS
ID = "0f0e0d0c-1111-4222-8333-444455556666"
TARGETS = st.lists(st.builds(Target, st.sampled_from(REGIONS), st.sampled_from([None, "alias/a", "alias/b"])))


def rule(place: int, *targets: Target, extra: bool = False, **selector: object) -> Rule:
    return Rule(f"rule {place}", f"replicate[{place}]", Selector(**selector), targets, extra)  # type: ignore[arg-type]


def rules(drawn: list[list[Target]]) -> list[Rule]:
    """Return a rule for each list, with each Region once, as a manifest has it."""
    once = [{target.region: target for target in targets}.values() for targets in drawn]
    return [rule(place, *targets) for place, targets in enumerate(once)]


RULES = st.lists(TARGETS, min_size=1, max_size=4).map(rules)


def keys(found: list[Rule], region: Region) -> set[str]:
    return {each.kms_key for one in found for each in one.targets if each.region == region and each.kms_key}


@given(RULES)
def test_every_region_of_every_rule_is_wanted_once_under_the_one_key_that_is_named(found: list[Rule]) -> None:
    wanted = desired_state(found, ACCOUNT)
    clashing = {region for region in REGIONS if len(keys(found, region)) > 1}
    if isinstance(wanted, RuleConflict):
        assert wanted.region in clashing
        assert set(wanted.keys) <= keys(found, wanted.region)
        return
    assert not clashing
    regions = [target.region for target in wanted.targets]
    assert len(regions) == len(set(regions))
    assert set(regions) == {target.region for one in found for target in one.targets}
    for target in wanted.targets:
        assert {target.kms_key} - {None} == keys(found, target.region)
    assert wanted.rules == tuple(one.name for one in found)


@given(RULES)
def test_the_order_of_the_rules_changes_nothing_that_is_wanted(found: list[Rule]) -> None:
    one, two = desired_state(found, ACCOUNT), desired_state(found[::-1], ACCOUNT)
    assert isinstance(one, RuleConflict) == isinstance(two, RuleConflict)
    if isinstance(one, DesiredState) and isinstance(two, DesiredState):
        assert set(one.targets) == set(two.targets)


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_an_extra_region_goes_only_where_every_rule_says_so(said: list[bool]) -> None:
    wanted = desired_state([rule(place, Target(WEST), extra=each) for place, each in enumerate(said)], ACCOUNT)
    assert isinstance(wanted, DesiredState)
    assert wanted.remove_extra is all(said)


def test_a_clash_names_both_places_the_region_and_both_keys() -> None:
    clash = desired_state(
        [
            rule(0, Target(SYDNEY)),
            rule(1, Target(WEST, "alias/a")),
            rule(2, Target(WEST)),
            rule(3, Target(IRELAND), Target(WEST, "alias/b")),
        ],
        ACCOUNT,
    )
    assert isinstance(clash, RuleConflict)
    assert clash.message("prod/db") == (
        "replicate[1] and replicate[3]: prod/db has two keys in us-west-2, alias/a and alias/b"
    )


@pytest.mark.parametrize(
    ("one", "other", "clashes"),
    [
        ("alias/a", f"arn:aws:kms:us-west-2:{ACCOUNT}:alias/a", False),
        (ID, f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{ID}", False),
        ("alias/a", ID, True),  # one key maybe, and nobody has asked KMS
        (ID, f"arn:aws:kms:us-west-2:999999999999:key/{ID}", True),
        ("alias/a", "alias/A", True),
    ],
)
def test_two_spellings_that_must_be_one_key_are_no_clash(one: str, other: str, clashes: bool) -> None:
    found = desired_state([rule(0, Target(WEST, one)), rule(1, Target(WEST, other))], ACCOUNT)
    assert isinstance(found, RuleConflict) is clashes
    if isinstance(found, DesiredState):
        assert found.targets == (Target(WEST, one),)


def test_the_rules_that_mean_a_secret_are_told_by_their_places() -> None:
    secret = Listed(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3", "prod/db", Region("us-east-1"))
    found = [
        rule(0, Target(WEST), prefixes=("prod/",)),
        rule(1, Target(WEST), prefixes=("test/",)),
        rule(2, Target(WEST), names=frozenset({secret.arn})),
        rule(3, Target(WEST), prefixes=("prod/",), exclude=("*/db",)),
    ]
    assert matching(found, secret) == (0, 2)


def test_a_secret_that_the_rules_mean_otherwise_by_now_is_left_alone() -> None:
    secret = Secret(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3", "prod/db", Region("us-east-1"))
    assert changed_problem(secret) == Problem(
        "ChangedMeanwhile",
        "prod/db changed after it was listed, and other rules match it now, so it was skipped",
        "run the same command again",
        None,
        Outcome.PENDING,
    )
