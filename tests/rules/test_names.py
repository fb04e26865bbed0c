"""Names that no secret can have: each with what it came from, and the way out."""

from __future__ import annotations

import pytest

from smrep.errors import UsageError
from smrep.rules.primary_region import check_name

LISTING = "aws secretsmanager list-secrets --query 'SecretList[].[Name]' --output text"
SELECTORS = "or use a selector: --prefix, --tag, --all"


@pytest.mark.parametrize("name", ["prod/db", "rds!cluster-1", "A_b+c=d.e@f-9", "/x", "-x"])
def test_what_aws_takes_passes(name: str) -> None:
    check_name(name)
    check_name(name, piped=True)


@pytest.mark.parametrize(
    ("name", "piped", "message", "hint"),
    [
        (
            "prod/a\tprod/b",
            True,
            r"a line with tabs is not a secret's name: 'prod/a\tprod/b'",
            f"put one name per line:\n  tr '\\t' '\\n'\nor print them so:\n  {LISTING}\n{SELECTORS}",
        ),
        (
            '{"SecretList": [',
            True,
            "standard input is JSON, and smrep reads one name per line",
            f"print names:\n  {LISTING}",
        ),
        ('"prod/a",', True, "standard input is JSON", f"print names:\n  {LISTING}"),
        ("{x}", False, "'{x}' is not a secret's name: names have no '{'", "names have letters, digits and"),
        ("a b", False, "names have no space", "quote each name by itself, not all together"),
        ("a b", True, "names have no space", f"put one name per line, {SELECTORS}"),
        ("a,b", False, "names have no ','", "separate names by spaces, not commas"),
        ("a\nb", False, "names have no line break", "names have letters, digits and /_+=.@!-"),
        ("prod/*", False, "names have no '*'", "names have letters, digits and /_+=.@!-"),
        ("m\u00fcller", False, "names have no '\u00fc'", "names have letters"),
        (
            "C:/Program Files/Git/prod/db",
            False,
            "'C:/Program Files/Git/prod/db' is a Windows path: Git Bash turns names that begin with / into paths",
            "turn that off:\n  export MSYS_NO_PATHCONV=1",
        ),
    ],
)
def test_what_it_does_not_take_is_told_with_the_way_out(name: str, message: str, hint: str, *, piped: bool) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name, piped=piped)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a b", "quote each name by itself, not all together"),
        ("a,b", "separate names by spaces, not commas"),
        ("a;b", "names have letters, digits and /_+=.@!-"),
    ],
)
def test_the_hint_is_about_the_character_that_is_wrong(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert caught.value.hint == hint


def test_only_json_is_told_from_names_by_its_first_character() -> None:
    with pytest.raises(UsageError, match="names have no space"):
        check_name("X y", piped=True)


def test_a_pattern_may_have_more() -> None:
    check_name("prod/*-?", pattern=True)
    with pytest.raises(UsageError, match="names have no space"):
        check_name("prod/* x", pattern=True)


def test_a_long_line_is_cut() -> None:
    with pytest.raises(UsageError) as caught:
        check_name("a\t" * 1000)
    assert len(caught.value.message) < 200
