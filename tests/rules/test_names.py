"""Names that no secret can have: each with what it came from, and the way out."""

from __future__ import annotations

import pytest

from smrep.errors import UsageError
from smrep.rules.primary_region import check_name

LISTING = "aws secretsmanager list-secrets --query 'SecretList[].[Name]' --output text"
SELECTORS = "or choose by a selector: --prefix, --tag, --all"


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
            r"a line of several words with tabs between is not a secret's name: 'prod/a\tprod/b'",
            rf"put one name on a line: tr '\t' '\n', or {LISTING}; {SELECTORS}",
        ),
        (
            '{"SecretList": [',
            True,
            "standard input is JSON, and smrep reads one name a line",
            f"print names: {LISTING}",
        ),
        ('"prod/a",', True, "standard input is JSON", f"print names: {LISTING}"),
        ("{x}", False, "'{x}' can't be a secret's name: no name has '{' in it", "names have letters, digits and"),
        ("a b", False, "no name has a blank in it", "name several secrets as several words, not in one quote"),
        ("a b", True, "no name has a blank in it", f"put one name on a line; {SELECTORS}"),
        ("a,b", False, "no name has ',' in it", "name several secrets with blanks between, not commas"),
        ("a\nb", False, "no name has a line end in it", "names have letters, digits and /_+=.@!-"),
        ("prod/*", False, "no name has '*' in it", "names have letters, digits and /_+=.@!-"),
        ("m\u00fcller", False, "no name has '\u00fc' in it", "names have letters"),
        (
            "C:/Program Files/Git/prod/db",
            False,
            "'C:/Program Files/Git/prod/db' is a path of Windows, which Git Bash makes of a name that begins with /",
            "keep Git Bash from it: export MSYS_NO_PATHCONV=1",
        ),
    ],
)
def test_what_it_does_not_take_is_told_with_the_way_out(name: str, message: str, hint: str, *, piped: bool) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name, piped=piped)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_pattern_may_have_more() -> None:
    check_name("prod/*-?", pattern=True)
    with pytest.raises(UsageError, match="a blank"):
        check_name("prod/* x", pattern=True)


def test_a_long_line_is_cut() -> None:
    with pytest.raises(UsageError) as caught:
        check_name("a\t" * 1000)
    assert len(caught.value.message) < 200
