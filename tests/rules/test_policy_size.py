"""A policy that is too long becomes several, which grant the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smrep.rules.policy_size import MANAGED_POLICY_MAX, size, split

ARNS = st.integers(1, 120).map(lambda number: [f"arn:aws:secretsmanager:us-east-1:{n:040}" for n in range(number)])


def grants(*documents: Any) -> list[tuple[str, str]]:
    """Return each statement's Sid with each of its resources, in order."""
    return [(each["Sid"], arn) for document in documents for each in document["Statement"] for arn in each["Resource"]]


def policy(*resources: list[str]) -> dict[str, Any]:
    statements = [{"Sid": f"S{number}", "Resource": arns} for number, arns in enumerate(resources)]
    return {"Version": "2012-10-17", "Statement": statements}


@given(st.lists(ARNS, min_size=1, max_size=5))
def test_the_parts_fit_and_together_grant_the_same(resources: list[list[str]]) -> None:
    whole = policy(*resources)
    parts = split(whole)
    assert grants(*parts) == grants(whole)
    assert all(size(part) <= MANAGED_POLICY_MAX for part in parts)
    assert all(set(part) == set(whole) for part in parts)
    if size(whole) <= MANAGED_POLICY_MAX:
        assert parts == [whole]
    for part, following in pairwise(parts):
        first = following["Statement"][0]
        fuller = [*part["Statement"], {**first, "Resource": first["Resource"][:1]}]
        assert size({**part, "Statement": fuller}) > MANAGED_POLICY_MAX


def test_a_policy_of_exactly_the_limit_stays_whole() -> None:
    room = MANAGED_POLICY_MAX - size(policy([""]))
    assert len(split(policy(["x" * room]))) == 1
    assert len(split(policy(["x" * (room - 3), ""]))) == 1
    assert len(split(policy(["x" * (room - 2), ""]))) == 2


def test_a_resource_that_fits_nowhere_is_not_split() -> None:
    too_long = policy(["x" * MANAGED_POLICY_MAX])
    assert split(too_long) == [too_long]


def test_white_space_counts_only_inside_a_text() -> None:
    assert size({"a": ["b c", "d"]}) == len('{"a":["b c","d"]}')
