"""Two spellings of a KMS key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.keys import DEFAULT, check_target, normal, same_by_spelling

WEST, ACCOUNT = Region("us-west-2"), "123456789012"
ID = "0f0e0d0c-1111-4222-8333-444455556666"
OTHER_ID = "1f0e0d0c-1111-4222-8333-444455556666"
ARN = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{ID}"
ALIAS_ARN = f"arn:aws:kms:us-west-2:{ACCOUNT}:alias/dr"

keys = st.sampled_from([None, DEFAULT, ID, OTHER_ID, ARN, ALIAS_ARN, "alias/dr", "alias/x", ARN.replace("12:", "99:")])


@pytest.mark.parametrize(
    ("wanted", "shown", "same"),
    [
        (DEFAULT, None, True),
        (f"arn:aws:kms:us-west-2:{ACCOUNT}:alias/aws/secretsmanager", DEFAULT, True),
        (ID, ARN, True),
        ("alias/dr", ALIAS_ARN, True),
        (ID, OTHER_ID, False),
        ("alias/dr", DEFAULT, False),
        ("alias/dr", ID, None),
        ("alias/dr", "alias/x", None),
        (ID, DEFAULT, None),
        (ARN.replace(ACCOUNT, "999999999999"), ID, None),
    ],
)
def test_spellings(wanted: str, shown: str | None, same: bool | None) -> None:
    assert same_by_spelling(wanted, shown, WEST, ACCOUNT) is same


@given(keys, keys)
def test_comparing_is_symmetric_and_reflexive(one: str | None, other: str | None) -> None:
    assert same_by_spelling(one or DEFAULT, one, WEST, ACCOUNT) is True
    forth = same_by_spelling(one or DEFAULT, other, WEST, ACCOUNT)
    assert forth is same_by_spelling(other or DEFAULT, one, WEST, ACCOUNT)


@given(keys)
def test_the_normal_spelling_is_normal(key: str | None) -> None:
    once = normal(key, WEST, ACCOUNT)
    assert normal(once, WEST, ACCOUNT) == once


@pytest.mark.parametrize("key", [ID, f"mrk-{'a' * 32}", "alias/dr", "alias/aws/secretsmanager", ARN, ALIAS_ARN])
def test_keys_of_the_replicas_region_pass(key: str) -> None:
    check_target(Target(WEST, key))


@pytest.mark.parametrize("key", [ARN.replace("us-west-2", "us-east-1"), "dr", "alias/", "alias/a b", "arn:aws:s3:::x"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(UsageError):
        check_target(Target(WEST, key))
