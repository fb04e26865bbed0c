"""Which secrets are meant, and that no filter for AWS keeps one of them out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import HOME, Clock, FakeAws
from hypothesis import given
from hypothesis import strategies as st

from smrep.model import Filter, Listed
from smrep.regions import Region
from smrep.rules.manifest.selector import EVERY, Selector, filters

LETTERS = "ab/!-Aé"
WORDS = st.text(LETTERS, min_size=1, max_size=4)
TAGS = st.lists(st.tuples(WORDS, st.text(LETTERS, max_size=3)), max_size=3).map(
    lambda found: tuple(dict(found).items())
)
SUFFIX = "-a1b2c3"


def arn_of(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}{SUFFIX}"


def secret(name: str, tags: tuple[tuple[str, str], ...] = (), owner: str | None = None) -> Listed:
    return Listed(arn_of(name), name, Region("us-east-1"), owning_service=owner, tags=tags)


SECRETS = st.builds(secret, WORDS, TAGS, st.none() | WORDS)
SELECTORS = st.builds(
    Selector,
    names=st.frozensets(WORDS | WORDS.map(arn_of), max_size=3),
    prefixes=st.lists(WORDS, max_size=3).map(tuple),
    tags=st.lists(st.tuples(WORDS, st.none() | st.text(LETTERS, max_size=3)), max_size=2).map(tuple),
    owning_service=st.none() | WORDS,
    exclude=st.lists(st.sampled_from(["*", "a*", "[!a]*", "?"]), max_size=1).map(tuple),
)


def lets_through(filter_: Filter, found: Listed) -> bool:
    """Tell what AWS does: a prefix, in which case matters; `!` negates. Source: API_Filter."""
    texts = {
        "name": [found.name],
        "tag-key": [key for key, _ in found.tags],
        "tag-value": [value for _, value in found.tags],
        "owning-service": [found.owning_service or ""],
    }[filter_.key]

    def passes(value: str) -> bool:
        if value.startswith("!"):
            return not any(text.startswith(value[1:]) for text in texts)
        return any(text.startswith(value) for text in texts)

    return any(passes(value) for value in filter_.values)


def is_taken(found: Sequence[Filter]) -> bool:
    """Tell whether AWS takes the filters. Source: API_ListSecrets, API_Filter."""
    values = [value for each in found for value in each.values]
    return (
        len(found) <= 10
        and all(1 <= len(each.values) <= 10 for each in found)
        and all(re.fullmatch(r"!?[a-zA-Z0-9 :_@/+=.\-!]{0,512}", value, re.ASCII) for value in values)
    )


@given(st.lists(SELECTORS, min_size=1, max_size=3), SECRETS, st.booleans())
def test_no_filter_keeps_out_what_a_selector_means(selectors: list[Selector], found: Listed, names_only: bool) -> None:
    made = filters(selectors, names_only=names_only)
    assert is_taken(made)
    if any(each.matches(found) for each in selectors):
        assert all(lets_through(each, found) for each in made)


@given(st.data(), SECRETS)
def test_not_even_where_the_selector_was_made_for_the_secret(data: st.DataObject, found: Listed) -> None:
    tags = data.draw(st.sets(st.sampled_from(found.tags))) if found.tags else set()
    chosen = Selector(
        names=data.draw(st.sampled_from([frozenset(), frozenset({found.name}), frozenset({found.arn, "other"})])),
        prefixes=data.draw(st.sampled_from([(), (found.name,), (found.name[:1], "zz")])),
        tags=tuple((key, data.draw(st.sampled_from([None, value]))) for key, value in tags),
        owning_service=data.draw(st.sampled_from([None, found.owning_service])),
    )
    assert chosen.matches(found)
    assert all(lets_through(each, found) for each in filters([chosen]))


@given(SELECTORS, SECRETS)
def test_the_filters_of_one_selector_for_replicas_ask_for_names_alone(chosen: Selector, found: Listed) -> None:
    made = filters([chosen], names_only=True)
    assert {each.key for each in made} <= {"name"}
    untagged = Selector(chosen.names, chosen.prefixes, exclude=chosen.exclude)
    if untagged.matches(found):
        assert all(lets_through(each, found) for each in made)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, []),
        ({"prefixes": ("prod/",)}, [("name", ("prod/",))]),
        ({"prefixes": ("prod/a", "prod/", "test/")}, [("name", ("prod/", "test/"))]),
        ({"prefixes": ("!prod",)}, []),  # it would be negated
        ({"prefixes": ("prod!x",)}, [("name", ("prod!x",))]),
        ({"prefixes": ("prod/", "pröd/")}, []),
        ({"prefixes": ("a" * 513,)}, []),
        ({"prefixes": tuple(f"{number:02}" for number in range(10))}, [("name", tuple(f"{n:02}" for n in range(10)))]),
        ({"prefixes": tuple(f"{number:02}" for number in range(11))}, []),
        ({"prefixes": (*(f"a{number}" for number in range(20)), "a")}, [("name", ("a",))]),
        ({"names": frozenset({"prod/db", arn_of("prod/api")})}, [("name", ("prod/api", "prod/db"))]),
        ({"names": frozenset({arn_of("a:b")[:-7] + "-AbCdE9"})}, [("name", ("a:b",))]),
        ({"names": frozenset({"x/y"}), "prefixes": ("x/",)}, [("name", ("x/",))]),
        ({"tags": (("team", None),)}, [("tag-key", ("team",))]),
        ({"tags": (("team", "a"), ("dr", "b"))}, [("tag-key", ("team",)), ("tag-value", ("a",))]),
        ({"tags": (("team", ""),)}, [("tag-key", ("team",))]),
        (
            {"prefixes": ("prod/",), "tags": (("team", None),), "owning_service": "rds"},
            [("name", ("prod/",)), ("tag-key", ("team",)), ("owning-service", ("rds",))],
        ),
        ({"tags": (("!team", "!a"),)}, []),
        ({"owning_service": "rds"}, [("owning-service", ("rds",))]),
        ({"exclude": ("prod/*",)}, []),
    ],
)
def test_filters_are_as_narrow_as_they_can_be_and_no_more(
    chosen: dict[str, Any], found: list[tuple[str, tuple[str, ...]]]
) -> None:
    made = filters([Selector(**chosen)])
    assert [(each.key, each.values) for each in made] == found
    assert is_taken(made)


def test_several_selectors_are_told_apart_by_what_comes() -> None:
    one, other = Selector(prefixes=("a/",), tags=(("dr", None),)), Selector(prefixes=("b/", "a/x"))
    assert filters([one, other]) == (Filter("name", ("a/", "b/")),)
    assert filters([one, EVERY]) == ()


@pytest.mark.parametrize(
    ("chosen", "meant"),
    [
        (EVERY, True),
        (Selector(names=frozenset({"prod/db"})), True),
        (Selector(names=frozenset({arn_of("prod/db")})), True),
        (Selector(names=frozenset({"prod/d", "prod/db2"})), False),
        (Selector(prefixes=("test/", "prod/")), True),
        (Selector(prefixes=("Prod/",)), False),
        (Selector(tags=(("team", None),)), True),
        (Selector(tags=(("team", "payments"), ("dr", "true"))), True),
        (Selector(tags=(("team", "payments"), ("dr", "false"))), False),
        (Selector(tags=(("team", "pay"),)), False),
        (Selector(tags=(("tea", None),)), False),
        (Selector(tags=(("Team", "payments"),)), False),
        (Selector(tags=(("team", ""),)), False),
        (Selector(owning_service="rds"), True),
        (Selector(owning_service="rd"), False),
        (Selector(names=frozenset({"prod/db"}), prefixes=("test/",)), False),
        (Selector(prefixes=("prod/",), exclude=("prod/d?",)), False),
        (Selector(prefixes=("prod/",), exclude=("PROD/*", "db")), True),
    ],
)
def test_a_secret_is_meant_if_it_matches_every_kind_of_condition_that_is_given(chosen: Selector, meant: bool) -> None:
    found = secret("prod/db", (("team", "payments"), ("dr", "true")), "rds")
    assert chosen.matches(found) is meant


@pytest.mark.parametrize(
    ("chosen", "more"),
    [
        (EVERY, False),
        (Selector(names=frozenset({"a"}), prefixes=("a",), exclude=("b",)), False),
        (Selector(tags=(("a", None),)), True),
        (Selector(owning_service="rds"), True),
    ],
)
def test_a_replica_shows_too_little_for_tags_and_services(chosen: Selector, more: bool) -> None:
    assert chosen.needs_details is more


@given(st.lists(SELECTORS, min_size=1, max_size=2))
def test_the_sandbox_takes_every_filter_and_leaves_in_what_is_meant(selectors: list[Selector]) -> None:
    aws = FakeAws(Clock())
    for name, tag in {"a": "a", "a/b": "b", "b-A": "ab", "rds!a": "A"}.items():
        aws.create(name, Tags=[{"Key": tag, "Value": tag}])
    home = Region(HOME)
    everything = aws.list_page(home, (), None, with_deleted=False).entries
    meant = {each.name for each in everything if any(one.matches(each) for one in selectors)}
    found = aws.list_page(home, filters(selectors), None, with_deleted=False).entries
    assert meant <= {each.name for each in found}
