"""What is written reads as the same manifest, and nothing that is read raises anything but a list of mistakes."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.model import Target
from smrep.regions import PARTITIONS, Region
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import AccountRole, Manifest, Organization, Rule
from smrep.rules.manifest.selector import Selector
from smrep.rules.manifest.writer import as_json, as_toml

HOME, *AWAY = (Region(name) for name in PARTITIONS[0].regions)
ACCOUNT = "123456789012"

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and not text.startswith("arn:")
)
secret_names = st.from_regex(r"[A-Za-z0-9/_+=.@!-]{1,12}", fullmatch=True)
some_words = st.lists(words, unique=True, max_size=4)
targets = st.lists(
    st.builds(Target, st.sampled_from(AWAY), st.sampled_from([None, "alias/dr", "alias/aws/secretsmanager"])),
    min_size=1,
    max_size=5,
    unique_by=lambda target: target.region,
)


organizations = st.builds(
    Organization,
    st.sampled_from(["smrep", "dr/smrep"]),
    st.sampled_from([(), ("ou-ab12-11111111", "r-ab12")]),
    st.lists(words.filter(lambda text: not text.startswith("ou-") and not text.isdigit()), unique=True, max_size=3).map(
        lambda texts: ("ou-ab12-22222222", ACCOUNT, *texts)
    ),
    st.sampled_from([None, "a:b/c"]),
    st.booleans(),
    st.sampled_from([None, f"arn:aws:iam::{ACCOUNT}:role/lookup"]),
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Draw a manifest without mistakes: a word of its own keeps every rule apart from the others."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        place = f"replicate[{number}]"
        names = [f"{number}{each}" for each in draw(st.lists(secret_names, unique=True, max_size=4))]
        tags = {f"{number}": "", **dict.fromkeys(draw(some_words), draw(words))}
        selector = Selector(
            frozenset(names), tuple(draw(some_words)), tuple(tags.items()), exclude=tuple(draw(some_words))
        )
        name = draw(st.one_of(st.just(place), words.map(f"{number}".__add__)))
        rules.append(Rule(name, place, selector, tuple(draw(targets)), draw(st.booleans())))
    roles = []
    for number in range(draw(st.integers(0, 2))):
        arn = f"arn:aws:iam::{number}{ACCOUNT[1:]}:role/dr/x{number}"
        region = draw(st.sampled_from([None, HOME]))
        roles.append(AccountRole(f"account[{number}]", arn, draw(st.sampled_from([None, "a:b/c"])), region))
    organization = draw(st.one_of(st.none(), organizations))
    account = draw(st.sampled_from([None, None if roles or organization else ACCOUNT]))
    return Manifest(tuple(rules), account, draw(st.sampled_from([None, HOME])), tuple(roles), organization)


@given(manifests(), st.lists(st.text()))
def test_what_is_written_reads_as_the_same_manifest(manifest: Manifest, notes: list[str]) -> None:
    assert parse(as_toml(manifest, notes), "x") == manifest
    assert parse(json.dumps(as_json(manifest)), "x") == manifest


@given(manifests(), st.lists(st.text(st.characters()), max_size=3))
def test_both_shapes_are_one_and_nothing_in_them_moves_a_terminal(manifest: Manifest, notes: list[str]) -> None:
    text = as_toml(manifest, notes)
    assert tomllib.loads(text) == as_json(manifest)
    assert text.replace("\n", "").isprintable()


def test_it_is_written_to_be_read_and_changed_by_people() -> None:
    rule = Rule("payments", "replicate[0]", Selector(frozenset({'b"\\', "a\n"}), tags=(("d r", "true"),)), ())
    short = replace(rule, targets=(Target(AWAY[0]), Target(AWAY[1], "alias/dr")), remove_extra=True)
    long = Rule("replicate[1]", "replicate[1]", Selector(prefixes=("a",)), tuple(Target(each) for each in AWAY[:9]))
    manifest = Manifest((short, long), ACCOUNT, HOME, (AccountRole("account[0]", f"arn:aws:iam::{ACCOUNT}:role/dr"),))
    assert as_toml(manifest, ["made by hand", "", "a\nb"]) == (
        "# made by hand\n"
        "#\n"
        "# a\\nb\n"
        "\n"
        "schema = 1\n"
        f'account_id = "{ACCOUNT}"\n'
        f'primary_region = "{HOME}"\n'
        "\n"
        "[[account]]\n"
        f'role_arn = "arn:aws:iam::{ACCOUNT}:role/dr"\n'
        "\n"
        "[[replicate]]\n"
        'name = "payments"\n'
        "names = [\n"
        '  "a\\u000a",\n'
        '  "b\\"\\\\",\n'
        "]\n"
        'tags = { "d r" = "true" }\n'
        f'regions = ["{AWAY[0]}", {{ region = "{AWAY[1]}", kms_key = "alias/dr" }}]\n'
        "remove_extra = true\n"
        "\n"
        "[[replicate]]\n"
        'prefix = ["a"]\n'
        "regions = [\n" + "".join(f'  "{each}",\n' for each in AWAY[:9]) + "]\n"
    )


def manifest_of(**selector: Any) -> Manifest:
    return Manifest((Rule("replicate[0]", "replicate[0]", Selector(**selector), (Target(HOME),)),))


def test_strings_are_escaped_where_a_terminal_or_a_runner_would_obey_them() -> None:
    text = as_toml(manifest_of(tags=(("Team_A-1", "##[error]"), ("\x1b", "\uffff\U000e0001"))), ["##[a] ##[b]"])
    assert text.startswith("# # #[a] # #[b]\n\n")
    assert '\ntags = { Team_A-1 = "\\u0023#[error]", "\\u001b" = "\\uffff\\U000e0001" }\n' in text


def test_a_list_that_fits_a_line_stands_on_one() -> None:
    fits = "a" * 86
    assert f'\nprefix = ["{fits}"]\n' in as_toml(manifest_of(prefixes=(fits,)))
    assert f'\nprefix = [\n  "{fits}a",\n]\n' in as_toml(manifest_of(prefixes=(f"{fits}a",)))


@pytest.mark.parametrize("selector", [Selector(owning_service="rds"), Selector(tags=(("dr", None),))])
def test_a_selection_that_no_manifest_can_say_is_not_widened(selector: Selector) -> None:
    with pytest.raises(ValueError, match=r"^replicate\[0\]: a manifest selects by names, prefixes and exact tags$"):
        as_toml(Manifest((Rule("x", "replicate[0]", selector, (Target(HOME),)),)))


# hostile texts


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.sampled_from([1, "us-west-2", "us-east-1", "cn-north-1", ACCOUNT, "alias/x", f"arn:aws:iam::{ACCOUNT}:role/x"]),
    st.sampled_from([f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:a", "arn:", "a\x1b[1m", "\ud800"]),
)
keys = st.one_of(
    st.sampled_from(["name", "names", "prefix", "tags", "exclude", "regions", "remove_extra", "region", "kms_key"]),
    st.sampled_from(["role_arn", "external_id", "role_name", "ous", "management", "lookup_role_arn"]),
    st.text(st.characters(), max_size=5),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6))
tops = st.one_of(
    st.sampled_from(["schema", "account_id", "primary_region", "replicate", "account", "organization"]), keys
)
tables = st.lists(st.dictionaries(keys, values, max_size=6), max_size=3)


def only_a_usage_error(text: str) -> None:
    details: tuple[str, ...] | None = None
    try:
        found = parse(text, "x")
    except UsageError as error:
        details = error.details
    if details is None:
        assert parse(as_toml(found), "x") == found
    else:
        assert details
        assert all(detail.isprintable() for detail in details)


@given(st.dictionaries(tops, values | tables), tables, tables)
def test_any_json_is_a_manifest_or_a_list_of_mistakes(top: dict[str, Any], rules: Any, accounts: Any) -> None:
    only_a_usage_error(json.dumps(top))
    only_a_usage_error(json.dumps({"schema": 1, "replicate": rules, "account": accounts}))


@given(st.text(st.characters()) | st.text("[]{}=\"'.,#\n 01:-eTZreplicate"))
def test_any_text_is_a_manifest_or_a_list_of_mistakes(text: str) -> None:
    only_a_usage_error(text)


TOML_VALUES = ["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "inf", "nan", "0x" + "f" * 9999]


@pytest.mark.parametrize("value", TOML_VALUES)
@pytest.mark.parametrize("field", ["schema", "account_id", "replicate", "account", "regoins"])
def test_values_that_only_toml_has_are_told_too(field: str, value: str) -> None:
    only_a_usage_error(f"{field} = {value}")
    only_a_usage_error(f"schema = 1\n[[replicate]]\nprefix = {value}\nregions = [{value}]\ntags = {{ a = {value} }}\n")


def test_keys_that_go_too_deep_are_told_too() -> None:
    deep = ".a" * sys.getrecursionlimit()
    for value in TOML_VALUES:
        only_a_usage_error(f"a{deep} = {value}\n[[replicate]]\nnames{deep} = {value}\n")
