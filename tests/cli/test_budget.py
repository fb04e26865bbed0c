"""--rate: what all shards together may send to an account in a Region, and what one of them gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.cli.fleet_setup import AWS_QUOTA, budget
from smrep.errors import UsageError
from smrep.rules.fleet.shards import WHOLE, Shard


@given(rate=st.floats(allow_nan=True), shards=st.integers(1, 40), accounts=st.integers(0, 40))
def test_no_account_gets_more_than_aws_takes_from_all_shards_together(rate: float, shards: int, accounts: int) -> None:
    parts = [Shard(number, shards) for number in range(1, shards + 1)]
    try:
        own = [budget(rate, part, accounts) for part in parts]
    except UsageError:
        return
    assert sum(own) == pytest.approx(rate)
    for place in range(accounts or 1):
        mine = [each for each, part in zip(own, parts, strict=True) if part.share(place, accounts or 1)]
        assert 0 < sum(mine) <= AWS_QUOTA + 1e-9


@pytest.mark.parametrize(
    ("rate", "shards", "accounts", "own"),
    [
        (20, 1, 0, 20),
        (20, 4, 1, 5),
        (50, 4, 1, 12.5),
        (200, 4, 4, 50),
        (200, 4, 9, 50),
        (100, 4, 2, 25),
        (50, 1, 7, 50),
    ],
)
def test_a_shard_gets_its_part_of_the_rate(rate: float, shards: int, accounts: int, own: float) -> None:
    assert budget(rate, Shard(1, shards), accounts) == own


@pytest.mark.parametrize(("rate", "shards", "accounts"), [(51, 4, 1), (201, 4, 4), (101, 4, 2), (101, 4, 3)])
def test_more_is_refused_with_the_most_that_is_possible(rate: float, shards: int, accounts: int) -> None:
    with pytest.raises(UsageError, match="and at most"):
        budget(rate, Shard(1, shards), accounts)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="must be more than 0"):
        budget(rate, WHOLE, 1)
