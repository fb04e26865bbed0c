"""What is replicated as the manifest that wants exactly that: no Region more, none less, each under its key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Listed, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.rules.fleet.desired_state import DesiredState, desired_state, matching
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.writer import (
    as_json,
    as_toml,
    first_manifest,
    manifest_of,
    missing_note,
    not_checked_note,
    skipped_notes,
)
from smrep.rules.replication.key_failures import DEFAULT

HOME, WEST, IRELAND, SYDNEY = (Region(name) for name in ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"))
ACCOUNT = "123456789012"
KEY_ID = "0f0e0d0c-1111-4222-8333-444455556666"
ALIAS_ARN, KEY_ARN = (f"arn:aws:kms:us-west-2:{ACCOUNT}:{each}" for each in ("alias/dr", f"key/{KEY_ID}"))
ODD_NAMES = ("-rf", "!x", "a=b", "prod/db-AbCdEf", "prod//db", "@", "x" * 512, "rds!cluster-1", "..", "us-west-2")


def primary(name: str, *entries: Replica) -> Secret:
    return Secret(f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:{name}-a1b2c3", name, HOME, HOME, replicas=entries)


def in_sync(region: Region = WEST, key: str | None = DEFAULT) -> Replica:
    return Replica(region, IN_SYNC, "Replication succeeded", key)


def keys_of(region: Region) -> st.SearchStrategy[str | None]:
    """Draw a key of that Region in any of its spellings, or AWS's own one."""
    arns = [f"arn:aws:kms:{region}:{ACCOUNT}:{each}" for each in ("alias/dr", f"key/{KEY_ID}")]
    return st.sampled_from([None, DEFAULT, "alias/dr", KEY_ID, f"mrk-{'0f' * 16}", *arns])


@st.composite
def entries(draw: st.DrawFn, region: Region) -> Replica:
    status = draw(st.sampled_from([IN_SYNC, IN_SYNC, IN_PROGRESS, FAILED, "Pending", "##[x]\n\x1b", None]))
    return Replica(region, status, draw(st.sampled_from([None, "a word"])), draw(keys_of(region)))


@st.composite
def estates(draw: st.DrawFn) -> tuple[list[Secret], dict[str, str]]:
    """Draw primaries with their replicas, and the keys that the replicas' own Regions show of some."""
    names = st.text("abAB01/_+=.@-!", min_size=1, max_size=6) | st.sampled_from(ODD_NAMES)
    primaries, own_keys = [], {}
    for name in draw(st.lists(names, unique=True, max_size=8)):
        regions = draw(st.lists(st.sampled_from([WEST, IRELAND, SYDNEY]), unique=True))
        found = primary(name, *(draw(entries(region)) for region in regions))
        primaries.append(found)
        for region in regions:
            key = draw(st.none() | keys_of(region))
            if key:
                own_keys[in_region(found.arn, region)] = key
    return primaries, own_keys


def wants(manifest: Manifest, secret: Secret) -> DesiredState:
    """Return where the manifest wants the secret, which one rule at most may say."""
    places = matching(manifest.rules, Listed.of(secret))
    assert len(places) <= 1
    wanted = desired_state([manifest.rules[place] for place in places], ACCOUNT)
    assert isinstance(wanted, DesiredState)
    return wanted


def is_there(secret: Secret, own_keys: Mapping[str, str]) -> dict[Region, str]:
    """Return the Regions that have a replica or are about to, each with its key."""
    return {
        entry.region: own_keys.get(in_region(secret.arn, entry.region)) or entry.kms_key_id or DEFAULT
        for entry in secret.replicas
        if entry.status != FAILED
    }


@given(estates())
def test_each_secret_is_wanted_where_it_is_under_the_key_it_is_under(
    estate: tuple[list[Secret], dict[str, str]],
) -> None:
    primaries, own_keys = estate
    manifest = manifest_of(primaries, HOME, own_keys)
    for secret in primaries:
        targets = wants(manifest, secret).targets
        assert {each.region: each.kms_key or DEFAULT for each in targets} == is_there(secret, own_keys)
    assert not any(rule.remove_extra for rule in manifest.rules)
    named = [name for rule in manifest.rules for name in rule.selector.names]
    assert sorted(named) == sorted(each.name for each in primaries if is_there(each, own_keys))


@given(estates())
def test_both_shapes_read_as_that_manifest_with_its_guards(estate: tuple[list[Secret], dict[str, str]]) -> None:
    primaries, own_keys = estate
    manifest = manifest_of(primaries, HOME, own_keys)
    if not manifest.rules:
        return
    assert (manifest.account_id, manifest.primary_region) == (ACCOUNT, HOME)
    notes = [note for each in primaries for note in skipped_notes(each)]
    assert parse(as_toml(manifest, notes), "dr.toml") == manifest
    assert parse(json.dumps(as_json(manifest)), "dr.json") == manifest


@given(estates())
def test_the_order_in_which_the_secrets_come_changes_no_rule(estate: tuple[list[Secret], dict[str, str]]) -> None:
    primaries, own_keys = estate
    one, other = (manifest_of(each, HOME, own_keys).rules for each in (primaries, primaries[::-1]))
    assert {(each.selector.names, each.targets) for each in one} == {
        (each.selector.names, each.targets) for each in other
    }


@given(estates())
def test_what_failed_or_is_not_settled_is_said_and_nothing_else(estate: tuple[list[Secret], dict[str, str]]) -> None:
    for secret in estate[0]:
        unsettled = [each for each in secret.replicas if each.status != IN_SYNC]
        notes = list(skipped_notes(secret))
        assert len(notes) == len(unsettled)
        for note, entry in zip(notes, unsettled, strict=True):
            assert secret.name in note
            assert entry.region in note
            assert ("skipped" in note) is (entry.status == FAILED)


# how it looks


def rules_of(*primaries: Secret, own_keys: Mapping[str, str] | None = None) -> list[tuple[str, list[str]]]:
    rules = manifest_of(primaries, HOME, own_keys or {}).rules
    return [(rule.name, sorted(rule.selector.names)) for rule in rules]


def test_secrets_with_the_same_regions_share_a_rule_and_the_greatest_rule_comes_first() -> None:
    both = (in_sync(WEST), in_sync(IRELAND))
    found = rules_of(primary("a", in_sync()), primary("b", *both), primary("c", *both[::-1]), primary("d"))
    assert found == [("eu-west-1+us-west-2", ["b", "c"]), ("us-west-2", ["a"])]


def test_rules_with_the_same_regions_under_other_keys_have_names_of_their_own() -> None:
    secrets = [primary(key[-1], in_sync(key=key)) for key in ("alias/a", "alias/b", "alias/c")]
    assert [name for name, _ in rules_of(*secrets)] == ["us-west-2", "us-west-2 (2)", "us-west-2 (3)"]


@pytest.mark.parametrize("key", ["alias/dr", KEY_ID, KEY_ARN, ALIAS_ARN])
def test_a_key_is_spelled_as_aws_spells_it(key: str) -> None:
    (rule,) = manifest_of([primary("a", in_sync(key=key))], HOME, {}).rules
    assert rule.targets == (Target(WEST, key),)


@pytest.mark.parametrize("key", [None, DEFAULT])
def test_awss_own_key_needs_no_word(key: str | None) -> None:
    (rule,) = manifest_of([primary("a", in_sync(key=key))], HOME, {}).rules
    assert rule.targets == (Target(WEST),)


@pytest.mark.parametrize("listed", ["alias/old", DEFAULT, None])
@pytest.mark.parametrize("own", ["alias/new", KEY_ARN, DEFAULT])
def test_the_word_of_the_replicas_own_region_counts_more(listed: str | None, own: str) -> None:
    secret = primary("a", in_sync(key=listed))
    (rule,) = manifest_of([secret], HOME, {in_region(secret.arn, WEST): own}).rules
    assert rule.targets == (Target(WEST, None if own == DEFAULT else own),)


def test_the_key_of_another_secret_or_region_is_nothing_to_it() -> None:
    secret, other = primary("a", in_sync()), primary("b", in_sync(IRELAND))
    own_keys = {in_region(secret.arn, IRELAND): "alias/x", in_region(other.arn, WEST): "alias/y"}
    assert all(
        target.kms_key is None for rule in manifest_of([secret, other], HOME, own_keys).rules for target in rule.targets
    )


@pytest.mark.parametrize("primaries", [[], [primary("a")], [primary("a", Replica(WEST, FAILED, "no luck"))]])
def test_where_nothing_is_replicated_nothing_is_wanted(primaries: Sequence[Secret]) -> None:
    assert manifest_of(primaries, HOME, {}).rules == ()


@pytest.mark.parametrize("name", ["prod/db", "-rf", "a=b", "rds!cluster-1"])
def test_what_failed_is_named_with_the_command_that_tells_the_cure(name: str) -> None:
    (note,) = skipped_notes(primary(name, Replica(WEST, FAILED, "no luck", "alias/dr")))
    words = shlex.split(note.rpartition(": ")[2])
    assert words[:2] == ["smrep", "doctor"]
    assert words.index(name) > 1
    assert "--primary-region us-east-1 -r us-west-2" in note
    assert ("--" in words) is name.startswith("-")


def test_a_status_that_nobody_knows_is_told_in_awss_words() -> None:
    told = [*skipped_notes(primary("a", Replica(WEST, "Detached"), Replica(IRELAND, None)))]
    assert told == [
        "a in us-west-2 is neither in sync nor failed: Detached",
        "a in eu-west-1 is neither in sync nor failed: AWS gives no status",
    ]


@pytest.mark.parametrize(("message", "why"), [("no luck", " (no luck)"), (None, ""), ("", "")])
def test_why_a_replica_failed_is_told_in_awss_words(message: str | None, why: str) -> None:
    assert list(skipped_notes(primary("a", Replica(WEST, FAILED, message)))) == [
        (
            f"a is Failed in us-west-2{why}, so that Region was skipped: "
            "smrep doctor a --primary-region us-east-1 -r us-west-2"
        )
    ]


def test_an_entry_without_a_replica_is_skipped() -> None:
    assert missing_note(primary("a"), in_sync()) == (
        "a is listed as InSync in us-west-2, but has no replica there, so that Region was "
        "skipped: smrep doctor a --primary-region us-east-1 -r us-west-2"
    )


def test_replicas_that_nobody_could_look_at_are_told_together() -> None:
    assert not_checked_note(WEST, list("abcdefg")) == (
        "taken from the primaries' lists, since us-west-2 does not list them and could not be "
        "checked: a, b, c, d, e and 2 more; allow secretsmanager:DescribeSecret in us-west-2"
    )


def test_the_first_manifest_wants_its_secrets_in_each_region() -> None:
    targets = Target(WEST), Target(IRELAND, "alias/dr")
    made = first_manifest(["prod/db", "prod/api"], targets, ACCOUNT, HOME)
    assert (made.account_id, made.primary_region, made.accounts) == (ACCOUNT, HOME, ())
    assert [(rule.name, rule.place, rule.selector.names, rule.targets) for rule in made.rules] == [
        ("us-west-2+eu-west-1", "replicate[0]", {"prod/db", "prod/api"}, targets)
    ]
    assert parse(as_toml(made), "dr.toml") == made
