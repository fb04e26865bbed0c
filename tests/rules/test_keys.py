"""Two spellings of a KMS key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.regions import Region
from smrep.rules.replication.key_failures import DEFAULT, check_key, id_of_key, normalized_key, same_by_spelling

WEST, ACCOUNT = Region("us-west-2"), "123456789012"
ID = "0f0e0d0c-1111-4222-8333-444455556666"
OTHER_ID = "1f0e0d0c-1111-4222-8333-444455556666"
ARN = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{ID}"
EAST_ARN = ARN.replace("us-west-2", "us-east-1")
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
    once = normalized_key(key, WEST, ACCOUNT)
    assert normalized_key(once, WEST, ACCOUNT) == once


@pytest.mark.parametrize("key", [ID, f"mrk-{'a' * 32}", "alias/dr", "alias/aws/secretsmanager", ARN, ALIAS_ARN])
def test_keys_of_the_replicas_region_pass(key: str) -> None:
    check_key(key, WEST)


NOT_ONE = "a key is an ARN, a key id or an alias: -r us-west-2=alias/NAME"


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        (
            EAST_ARN,
            f"the key {EAST_ARN} is in us-east-1; a replica in us-west-2 needs a key in us-west-2",
            "use a key in us-west-2, by ARN, id or alias: -r us-west-2=alias/NAME",
        ),
        (
            ARN.replace(":key/", ":grant/"),
            f"'{ARN.replace(':key/', ':grant/')}' is not the ARN of a KMS key",
            "it ends in key/ID or alias/NAME",
        ),
        (
            "arn:aws:s3:::x",
            "'arn:aws:s3:::x' is not the ARN of a KMS key",
            "an ARN looks like arn:aws:kms:us-east-1:123456789012:key/ID",
        ),
        *(
            (key, f"{key!r} is not a KMS key", NOT_ONE)
            for key in ("dr", "alias/", "alias/a b", "alias/d\u00e9", ID[1:])
        ),
    ],
)
def test_other_keys_are_refused_with_what_a_key_looks_like(key: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_key(key, WEST)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_an_arn_is_shortened_only_at_home() -> None:
    assert normalized_key(ARN, WEST, ACCOUNT) == ID
    assert normalized_key(ALIAS_ARN, WEST, ACCOUNT) == "alias/dr"
    nested = f"arn:aws:kms:us-west-2:{ACCOUNT}:alias/a:key/b:alias/c"
    assert normalized_key(nested, WEST, ACCOUNT) == "alias/a:key/b:alias/c", "a name ends where the ARN does"
    for region, account in ((Region("us-east-1"), ACCOUNT), (WEST, "999999999999")):
        assert normalized_key(ARN, region, account) == ARN


def test_aws_names_its_own_key_in_three_ways() -> None:
    assert [normalized_key(key, WEST, ACCOUNT) for key in (None, "DefaultEncryptionKey", DEFAULT)] == [DEFAULT] * 3


@pytest.mark.parametrize(
    ("key", "by_arn", "asked"),
    [
        (ID, False, ID),
        ("alias/dr", False, "alias/dr"),
        (EAST_ARN, False, EAST_ARN),
        (ID, True, ARN),
        ("alias/dr", True, ALIAS_ARN),
        (EAST_ARN, True, EAST_ARN),
    ],
)
def test_a_key_of_another_account_is_asked_for_by_its_arn(key: str, by_arn: bool, asked: str) -> None:
    assert id_of_key(key, WEST, ACCOUNT, by_arn=by_arn) == asked


def test_an_arn_names_the_regions_partition() -> None:
    assert id_of_key("alias/dr", Region("cn-north-1"), ACCOUNT, by_arn=True).startswith("arn:aws-cn:kms:cn-north-1:")
