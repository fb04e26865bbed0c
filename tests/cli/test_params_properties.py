"""What is typed, of any shape: a value that means the same, or a usage error, and never anything else."""

from __future__ import annotations

import contextlib
import io
from decimal import Decimal

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.cli.params import Account, Duration, EndpointUrl, Regions, Role, secret_ids, targets
from smrep.errors import UsageError
from smrep.model import MAX_SECRET_ID, Target, in_region, parse_arn
from smrep.regions import KNOWN, PARTITIONS, Region, partition_of
from smrep.rules.hints import duration
from smrep.rules.replication.key_failures import check_key

ACCOUNT = "123456789012"
ID = "12345678-1234-1234-1234-123456789012"
anything = st.text(max_size=60) | st.from_regex(r"[a-z0-9=,:./-]{0,40}")
regions = st.sampled_from(KNOWN).map(Region)


@st.composite
def wanted(draw: st.DrawFn) -> list[Target]:
    """Draw Regions with keys, each of which can be its replica's."""
    found = draw(st.lists(regions, min_size=1, max_size=6, unique=True))
    arn = "arn:{}:kms:{}:123456789012:key/" + ID
    keys = {each: [None, "alias/dr", ID, f"mrk-{'a' * 32}", arn.format(partition_of(each), each)] for each in found}
    return [Target(each, draw(st.sampled_from(keys[each]))) for each in found]


def spelled(target: Target) -> str:
    return f"{target.region}={target.kms_key}" if target.kms_key else target.region


@given(wanted(), st.data())
def test_regions_are_read_as_they_are_spelled_however_they_are_grouped(
    found: list[Target], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(found)), max_size=3)) | {len(found)})
    spaces = data.draw(st.sampled_from(["", " "]))
    groups, first = [], 0
    for cut in cuts:
        text = f"{spaces},{spaces}".join(spelled(each) for each in found[first:cut])
        groups.append(Regions(keys=True).convert(text, None, None))
        first = cut
    assert targets(groups, None) == tuple(found)
    under = targets(groups, "alias/all")
    assert [each.kms_key for each in under] == [each.kms_key or "alias/all" for each in found]


@given(anything, st.booleans())
@example("us-west-2,", True)
@example("us-west-2==", True)
@example("us-west-2=alias/a=b", True)
@example("US-WEST-2", False)
def test_any_text_is_regions_or_a_usage_error(text: str, keys: bool) -> None:
    try:
        found = targets([Regions(keys=keys).convert(text, None, None)], None)
    except UsageError:
        return
    assert ",".join(spelled(each) for each in found) == ",".join(each.strip() for each in text.split(","))
    assert keys or not any(each.kms_key for each in found)


@given(wanted())
def test_a_region_named_twice_is_a_usage_error(found: list[Target]) -> None:
    with pytest.raises(UsageError, match="named twice"):
        targets([tuple(found), (Target(found[0].region),)], None)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["", "s", "m", "h", "ms"]), st.sampled_from(["", ".5", ".125"]))
def test_a_duration_is_its_number_of_units(number: int, unit: str, rest: str) -> None:
    sizes = {"": 1, "s": 1, "m": 60, "h": 3600, "ms": Decimal("0.001")}
    seconds = Duration().convert(f"{number}{rest}{unit}", None, None)
    assert seconds == pytest.approx(float(Decimal(f"{number}{rest}") * sizes[unit]))


@given(st.integers(0, 100_000) | st.floats(0, 1000).map(lambda each: round(each, 3)))
def test_a_duration_is_spelled_as_it_is_read(seconds: float) -> None:
    assert Duration().convert(duration(seconds), None, None) == pytest.approx(seconds, rel=1e-5)


@given(anything | st.from_regex(r"[0-9.]{1,12}(ms|s|m|h|d)?"))
@example("-1")
@example("1e3")
@example("٣s")
@example("1 h")
def test_any_text_is_a_duration_that_can_be_waited_for_or_a_usage_error(text: str) -> None:
    try:
        seconds = Duration().convert(text, None, None)
    except click.UsageError:
        return
    assert 0 <= seconds < float("inf")
    assert text.isascii()


@pytest.mark.parametrize("kind", [Account(), Role(), EndpointUrl()])
@given(text=anything)
def test_any_text_is_as_typed_or_a_usage_error(kind: click.ParamType, text: str) -> None:
    try:
        assert kind.convert(text, None, None) == text
    except click.UsageError:
        return


names = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="/_+=.@-"), min_size=1)
lines = st.lists(st.one_of(names, st.sampled_from(["", "  ", "\t"])), max_size=12)


@given(lines, st.lists(names, max_size=3), st.integers(0, 3), st.sampled_from(["\n", "\r\n"]))
def test_a_dash_stands_for_the_lines_of_standard_input(read: list[str], typed: list[str], place: int, end: str) -> None:
    typed = [each for each in typed if each != "-"]
    words = [*typed[:place], "-", *typed[place:]]
    expected = [*typed[:place], *(each for each in read if each.strip()), *typed[place:]]
    stream = io.StringIO(end.join(read), newline=None)
    if any(each in KNOWN for each in expected):
        return
    assert secret_ids(words, stream) == tuple(dict.fromkeys(expected))


@given(st.text(max_size=80) | st.integers(MAX_SECRET_ID - 1, MAX_SECRET_ID + 1).map(lambda size: "a" * size))
@example("arn:aws:secretsmanager:us-east-1:123456789012:secret:")
@example("arn:aws:kms:us-east-1:123456789012:key/x")
@example("us-west-2")
def test_any_word_is_a_secret_or_a_usage_error(text: str) -> None:
    if text == "-":
        return
    try:
        (found,) = secret_ids([text], None)
    except UsageError:
        return
    assert found == text
    assert found.strip()
    assert len(found) <= MAX_SECRET_ID
    if found.startswith("arn:"):
        assert parse_arn(found, "secretsmanager").resource.startswith("secret:")


@given(regions, st.sampled_from(["secretsmanager", "kms"]), st.from_regex(r"\A[\x21-\x7e]{1,40}\Z"))
def test_an_arn_is_its_parts(region: Region, service: str, resource: str) -> None:
    arn = parse_arn(f"arn:{partition_of(region)}:{service}:{region}:{ACCOUNT}:{resource}", service)
    assert (arn.region, arn.account, arn.resource) == (region, ACCOUNT, resource)


@given(st.text(max_size=80) | st.from_regex(r"arn:aws[a-z-]{0,8}:(kms|secretsmanager):[a-z0-9-]*:\d{11,13}:.*"))
def test_any_text_is_an_arn_of_one_partition_or_a_usage_error(text: str) -> None:
    for service in ("secretsmanager", "kms"):
        try:
            arn = parse_arn(text, service)
        except UsageError:
            continue
        assert text == f"arn:{arn.partition}:{arn.service}:{arn.region}:{arn.account}:{arn.resource}"
        assert arn.partition in {each.name for each in PARTITIONS}


@given(regions, regions, names)
def test_an_arn_moved_to_a_region_and_back_is_itself(home: Region, there: Region, name: str) -> None:
    arn = f"arn:aws:secretsmanager:{home}:{ACCOUNT}:secret:{name}-a1b2c3"
    assert in_region(in_region(arn, there), home) == arn
    assert in_region(in_region(arn, there), there) == in_region(arn, there)


@given(st.sampled_from(KNOWN).map(Region), anything | st.from_regex(r"alias/.*|arn:aws:kms:us-west-2:\d{12}:.*"))
def test_any_text_is_a_key_or_a_usage_error(region: Region, text: str) -> None:
    with contextlib.suppress(UsageError):
        check_key(text, region)
