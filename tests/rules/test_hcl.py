"""Strings that mean what they were made of and nothing else, and identifiers of which no two are alike."""

from __future__ import annotations

import random
import re
from hashlib import sha256

import pytest
from hcl_reader import IDENTIFIER, meaning
from hypothesis import given
from hypothesis import strategies as st

from smrep.rules.manifest.terraform import attributes, block, comment, identifiers, quoted

ROUGH = st.text(st.one_of(st.sampled_from('$%{}"\\#[\n\r\t~un'), st.characters()), max_size=40)


@given(ROUGH)
def test_a_string_means_the_text(text: str) -> None:
    written = quoted(text)
    assert meaning(written) == text
    assert written.isprintable()
    assert "##[" not in written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("${x}", '"$${x}"'),
        ("%{if}", '"%%{if}"'),
        ("$${", '"$$${"'),
        ("$ {", '"$ {"'),
        ('"\\', '"\\"\\\\"'),
        ("a\n\r\tb", '"a\\n\\r\\tb"'),
        ("\x00\x1b\u202e\uffff\U000e0001", '"\\u0000\\u001b\\u202e\\uffff\\U000e0001"'),
        ("##[error]", '"\\u0023#[error]"'),
        ("é 🔒", '"é 🔒"'),
    ],
)
def test_strings_are_written_so(text: str, written: str) -> None:
    assert quoted(text) == written


@given(ROUGH)
def test_a_comment_is_one_line(text: str) -> None:
    written = comment(text)
    assert written.startswith("#")
    assert written.isprintable()
    assert "##[" not in written


@pytest.mark.parametrize(
    ("text", "written"), [("", "#"), (" a ", "#  a"), ("a\n##[error] b\t", "# a\\n# #[error] b\\t")]
)
def test_comments_are_written_so(text: str, written: str) -> None:
    assert comment(text) == written


@given(st.lists(st.one_of(ROUGH, st.text("ab/_.-0", max_size=4)), unique=True, max_size=12), st.randoms())
def test_identifiers_are_valid_unique_and_stable(names: list[str], rng: random.Random) -> None:
    made = identifiers(names)
    assert list(made) == names
    assert len(set(made.values())) == len(names)
    assert all(re.fullmatch(IDENTIFIER, each) for each in made.values())
    shuffled = names[:]
    rng.shuffle(shuffled)
    assert identifiers(shuffled) == made


def test_only_names_that_would_be_one_bear_a_hash() -> None:
    def short(name: str, digits: int = 8) -> str:
        return f"_{sha256(name.encode()).hexdigest()[:digits]}"

    assert identifiers(["prod/db", "-rf", "1", ""]) == {"prod/db": "prod_db", "-rf": "_-rf", "1": "_1", "": "_"}
    assert identifiers(["Zoo/A-Z"]) == {"Zoo/A-Z": "Zoo_A-Z"}
    halves = ["a\ud800", "a\udfff"]
    assert len({*identifiers(halves).values()}) == 2
    assert identifiers(["a/b", "a.b", "c"]) == {"a/b": "a_b" + short("a/b"), "a.b": "a_b" + short("a.b"), "c": "c"}
    posing = "a_b" + short("a/b")
    made = identifiers(["a/b", "a.b", posing])
    assert made["a/b"] == "a_b" + short("a/b", 16)
    assert made[posing] == posing + short(posing)


def test_attributes_and_blocks_stand_as_terraform_formats_them() -> None:
    assert attributes({}) == []
    assert attributes({"region": "x", "kms_key_id": "y"}) == ['region     = "x"', 'kms_key_id = "y"']
    assert block("a", ["b", "", "c"]) == ["a {", "  b", "", "  c", "}"]
