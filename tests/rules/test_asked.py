"""What was asked for may not contradict itself: accounts, and the Regions of primary and replicas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, UsageError
from smrep.model import SecretId
from smrep.regions import PARTITIONS, Region, partition_of
from smrep.rules.primary_region import SecretAddress, account_in, check_account, check_regions, common_region

EAST, WEST, BEIJING = Region("us-east-1"), Region("us-west-2"), Region("cn-north-1")
ACCOUNT, OTHER = "123456789012", "999999999999"
ARN = SecretId(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3")
regions = st.sampled_from([Region(name) for partition in PARTITIONS for name in partition.regions])


@pytest.mark.parametrize(
    ("homes", "shared"), [([EAST], EAST), ([EAST, EAST], EAST), ([EAST, WEST], None), ([EAST, WEST, EAST], None)]
)
def test_a_region_is_common_where_all_secrets_have_it(homes: list[Region], shared: Region | None) -> None:
    assert common_region([SecretAddress(SecretId(f"db{number}"), home) for number, home in enumerate(homes)]) == shared


def test_only_an_arn_tells_its_account() -> None:
    assert account_in(ARN) == ACCOUNT
    assert account_in(SecretId("prod/db")) is None


def test_an_arn_of_another_service_is_refused_as_a_secret() -> None:
    with pytest.raises(UsageError, match="is not the ARN of a secret"):
        account_in(SecretId(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"))


@given(st.sampled_from([None, "", ACCOUNT, OTHER]), st.sampled_from([None, "", ACCOUNT, OTHER]))
def test_an_account_is_refused_only_where_both_are_known_and_differ(found: str | None, expected: str | None) -> None:
    if {found, expected} == {ACCOUNT, OTHER}:
        with pytest.raises(UsageError):
            check_account(found, expected, "prod/db")
    else:
        check_account(found, expected, "prod/db")


def test_a_refused_account_is_named_with_the_one_expected_and_what_to_check() -> None:
    with pytest.raises(UsageError) as caught:
        check_account(OTHER, ACCOUNT, "prod/db")
    error = caught.value
    assert error.message == (
        f"prod/db belongs to account {OTHER}, not to the expected account {ACCOUNT}; nothing was sent"
    )
    assert error.hint == (
        "check --profile, the credentials in the environment, and --expect-account, or the "
        "manifest's account_id or role_arn"
    )
    assert (error.code, error.outcome) == ("AccountMismatch", Outcome.USAGE)


@given(st.lists(regions, max_size=3), st.lists(regions, max_size=3))
def test_replicas_lie_in_the_primarys_partition_and_not_in_its_region(
    homes: list[Region], replicas: list[Region]
) -> None:
    fits = all(home != there and partition_of(home) == partition_of(there) for home in homes for there in replicas)
    if fits:
        check_regions(homes, replicas)
    else:
        with pytest.raises(UsageError):
            check_regions(homes, replicas)


def test_the_primarys_own_region_is_refused_with_both_ways_out() -> None:
    with pytest.raises(UsageError) as caught:
        check_regions([EAST], [WEST, EAST])
    assert caught.value.message == "us-east-1 is the primary's own Region, which cannot have a replica"
    assert caught.value.hint == "use another Region with -r, or name the primary's Region with --primary-region"


def test_another_partition_is_refused_with_the_one_to_stay_in() -> None:
    with pytest.raises(UsageError) as caught:
        check_regions([EAST], [WEST, BEIJING])
    assert caught.value.message == (
        "cn-north-1 is in partition aws-cn, but the primary's Region us-east-1 is in aws; "
        "secrets replicate only within a partition"
    )
    assert caught.value.hint == "use a Region of aws"
