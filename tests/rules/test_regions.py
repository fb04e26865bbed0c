"""Region names: what passes, what is refused, what was probably meant."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.regions import KNOWN, PARTITIONS, nearest, parse_region, partition_of


def test_the_list_is_that_of_the_botocore_we_ask_for() -> None:
    data = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
    theirs = {
        each["id"]: {region for region in each["regions"] if not region.endswith("-global")}
        for each in data["partitions"]
    }
    assert {each.name: set(each.regions) for each in PARTITIONS} == theirs
    domains = {each["id"]: each["outputs"]["dnsSuffix"] for each in data["partitions"]}
    assert {each.name: each.suffix for each in PARTITIONS} == domains


@pytest.mark.parametrize("region", KNOWN)
def test_every_known_region_passes_and_is_in_its_partition(region: str) -> None:
    parsed = parse_region(region)
    assert parsed in KNOWN
    assert region in next(each.regions for each in PARTITIONS if each.name == partition_of(parsed))


def test_a_region_that_aws_may_open_tomorrow_passes() -> None:
    assert parse_region("us-west-9") not in KNOWN
    assert partition_of(parse_region("us-gov-north-1")) == "aws-us-gov"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("us-wset-2", "us-west-2"),
        ("us-west-02", "us-west-2"),
        ("US-WEST-2", "us-west-2"),
        ("us_west_2", "us-west-2"),
        ("uswest2", "us-west-2"),
        ("us-west-2a", "us-west-2"),
        ("eu-wes-1", "eu-west-1"),
        ("ap-southest-2", "ap-southeast-2"),
    ],
)
def test_a_mistyped_region_is_refused_with_the_one_meant(typed: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_region(typed)
    assert refused.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize("typed", ["us-est-1", "us-wast-1"])
def test_where_two_are_as_near_both_are_told(typed: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_region(typed)
    assert refused.value.hint == "did you mean us-east-1 or us-west-1?"


@given(st.text(max_size=40))
def test_parsing_ends_in_a_region_or_a_usage_error(text: str) -> None:
    try:
        region = parse_region(text)
    except UsageError:
        nearest(text)
    else:
        assert partition_of(region)
        assert region == text
        assert region.isascii()
