"""Terraform's blocks for what is replicated: all that its state will hold, and what is to be known beside it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hcl_reader import Block, read
from hypothesis import given
from hypothesis import strategies as st

from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Replica, Secret, in_region
from smrep.regions import Region
from smrep.rules.manifest.terraform import Remark, TerraformExport
from smrep.rules.replication.key_failures import DEFAULT

HOME, WEST, IRELAND, SYDNEY = (Region(name) for name in ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def primary(name: str, *entries: Replica, **more: Any) -> Secret:
    arn = f"arn:aws:secretsmanager:{HOME}:123456789012:secret:{name}-a1b2c3"
    return Secret(arn, name, HOME, HOME, replicas=entries or (Replica(WEST, IN_SYNC, kms_key_id=DEFAULT),), **more)


def estate(*primaries: Secret, **more: Any) -> TerraformExport:
    return TerraformExport(HOME, primaries, more.pop("own_keys", {}), **more)


def resources(text: str) -> dict[str, Block]:
    """Return name -> resource, each of which is imported just before it stands."""
    blocks = read(text).blocks
    assert [each.head for each in blocks[::2]] == ["import"] * (len(blocks) // 2)
    found = {}
    for imported, resource in zip(blocks[::2], blocks[1::2], strict=True):
        kind, name = resource.head.removeprefix("resource ").replace('"', "").split()
        assert imported.values["to"] == f"{kind}.{name}"
        assert imported.values["id"].startswith("arn:aws:secretsmanager:us-east-1:")
        found[resource.values["name"]] = resource
    return found


def test_it_is_written_to_be_read_and_changed_by_people() -> None:
    entries = (
        Replica(WEST, IN_SYNC, kms_key_id="alias/dr"),
        Replica(IRELAND, FAILED, "Replication failed: of the weather", DEFAULT),
        Replica(SYDNEY, IN_PROGRESS),
    )
    more: dict[str, Any] = {
        "description": "signs",
        "kms_key_id": "alias/own",
        "tags": (("team", "pay"), ("aws:x", "y")),
    }
    found = estate(primary("prod/b", *entries, **more)).written(["What was found."])
    head, _, rest = found.partition("\n\n")
    assert head.splitlines()[0] == "# What was found."
    assert all(line.startswith("# ") for line in head.splitlines())
    assert f"whose Region has to be {HOME}." in head
    assert rest == (
        "import {\n"
        "  to = aws_secretsmanager_secret.prod_b\n"
        '  id = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/b-a1b2c3"\n'
        "}\n"
        "\n"
        'resource "aws_secretsmanager_secret" "prod_b" {\n'
        '  name        = "prod/b"\n'
        '  description = "signs"\n'
        '  kms_key_id  = "alias/own"\n'
        "\n"
        "  tags = {\n"
        '    "team" = "pay"\n'
        "  }\n"
        "\n"
        "  # ap-southeast-2 is InProgress\n"
        "  replica {\n"
        '    region = "ap-southeast-2"\n'
        "  }\n"
        "\n"
        "  # eu-west-1 is Failed: Replication failed: of the weather\n"
        "  replica {\n"
        '    region = "eu-west-1"\n'
        "  }\n"
        "\n"
        "  replica {\n"
        '    region     = "us-west-2"\n'
        '    kms_key_id = "alias/dr"\n'
        "  }\n"
        "}\n"
    )


WORDS = st.text(st.one_of(st.sampled_from('$%{}"\\#\n'), st.characters(exclude_categories=["Cs"])), max_size=15)
ENTRIES = st.lists(
    st.builds(
        Replica,
        st.sampled_from([WEST, IRELAND, SYDNEY]),
        st.one_of(st.sampled_from([IN_SYNC, FAILED, IN_PROGRESS, None]), WORDS),
        st.one_of(st.none(), WORDS),
        st.sampled_from([None, DEFAULT, "alias/dr"]),
    ),
    unique_by=lambda entry: entry.region,
    min_size=1,
)
NAMES = st.text("ab/_+=.@-0", min_size=1, max_size=6)


@st.composite
def primaries(draw: st.DrawFn) -> list[Secret]:
    names = draw(st.lists(NAMES, unique=True, max_size=5))
    return [
        primary(
            name,
            *draw(ENTRIES),
            description=draw(st.one_of(st.none(), WORDS)),
            kms_key_id=draw(st.sampled_from([None, "alias/own", DEFAULT])),
            tags=tuple(draw(st.dictionaries(WORDS, WORDS, max_size=3)).items()),
        )
        for name in names
    ]


@given(primaries(), st.randoms())
def test_terraform_reads_what_aws_shows_whatever_that_is(found: list[Secret], rng: random.Random) -> None:
    text = estate(*found).written([])
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    read_back = resources(text)
    assert list(read_back) == sorted(each.name for each in found)
    for secret in found:
        resource = read_back[secret.name]
        assert resource.values.get("description") == (secret.description or None)
        assert resource.values.get("kms_key_id") == secret.kms_key_id
        tags = {
            key: value for block in resource.blocks if block.head == "tags =" for key, value in block.values.items()
        }
        assert tags == {key: value for key, value in secret.tags if not key.startswith("aws:")}
        replicas = [each.values for each in resource.blocks if each.head == "replica"]
        assert [each["region"] for each in replicas] == sorted(each.region for each in secret.replicas)
        keys = {each["region"]: each.get("kms_key_id", DEFAULT) for each in replicas}
        assert keys == {each.region: each.kms_key_id or DEFAULT for each in secret.replicas}
        assert len(resource.comments) == sum(each.status != IN_SYNC for each in secret.replicas)
    shuffled = found[:]
    rng.shuffle(shuffled)
    assert estate(*shuffled).written([]) == text


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("rds!x", {"owning_service": "rds"}, "the AWS service rds manages it"),
        ("a", {"deleted": NOW}, "it is scheduled for deletion, which Terraform treats as deleted"),
        ("!x", {}, "the provider does not accept its name"),
    ],
)
def test_what_terraform_should_not_have_is_left_out_and_said(name: str, more: dict[str, Any], reason: str) -> None:
    scene = estate(primary("b"), primary(name, Replica(WEST, FAILED), **more))
    text = scene.written([])
    assert list(resources(text)) == ["b"]
    assert f"\n# {name} was skipped: {reason}\n" in text
    assert scene.remarks() == [Remark(name, None, f"{name} was skipped: {reason}")]
    assert [each.note for each in scene.remarks()] == [f"{name} was skipped: {reason}"]


def test_a_primary_without_replicas_is_no_part_of_it() -> None:
    alone = Secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:a-a1b2c3", "a", HOME, HOME)
    assert estate(alone).replicated == []


def test_the_primarys_word_counts_and_what_its_regions_say_stands_beside_it() -> None:
    secret = primary(
        "a", Replica(WEST, IN_SYNC, kms_key_id=DEFAULT), Replica(IRELAND, IN_SYNC), Replica(SYDNEY, FAILED, "no luck")
    )
    own = {in_region(secret.arn, WEST): "alias/dr"}
    scene = estate(secret, own_keys=own, gone={in_region(secret.arn, IRELAND)})
    (resource,) = resources(scene.written([])).values()
    assert all("kms_key_id" not in each.values for each in resource.blocks)
    seen = [
        "# ap-southeast-2 is Failed: no luck",
        "# eu-west-1 has no replica, although the primary says InSync",
        "# us-west-2 shows the key alias/dr; Terraform reads the primary's list",
    ]
    assert resource.comments == seen
    look = "smrep doctor a --primary-region us-east-1 -r eu-west-1"
    assert [each.note for each in scene.remarks()] == [
        "a: ap-southeast-2 is Failed: no luck: smrep doctor a --primary-region us-east-1 -r ap-southeast-2",
        f"a: eu-west-1 has no replica, although the primary says InSync: {look}",
        "a: us-west-2 shows the key alias/dr; Terraform reads the primary's list",
    ]


@pytest.mark.parametrize(
    ("shown", "own"),
    [
        (None, DEFAULT),
        (DEFAULT, DEFAULT),
        ("alias/dr", "alias/dr"),
        ("alias/dr", "arn:aws:kms:us-west-2:123456789012:alias/dr"),
        ("arn:aws:kms:us-west-2:123456789012:alias/dr", "alias/dr"),
    ],
)
def test_one_key_in_two_spellings_is_no_remark(shown: str | None, own: str) -> None:
    secret = primary("a", Replica(WEST, IN_SYNC, kms_key_id=shown))
    assert estate(secret, own_keys={in_region(secret.arn, WEST): own}).remarks() == []


def test_a_status_that_aws_does_not_give_is_told() -> None:
    assert estate(primary("a", Replica(WEST, None))).remarks() == [
        Remark("a", WEST, "AWS gives no status for us-west-2")
    ]


def test_what_is_in_progress_needs_no_command() -> None:
    assert estate(primary("a", Replica(WEST, IN_PROGRESS))).remarks() == [Remark("a", WEST, "us-west-2 is InProgress")]
