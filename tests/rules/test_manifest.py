"""A manifest that is right, in both its spellings, and what its texts leave to the defaults."""

from __future__ import annotations

import json
import tomllib

import pytest

from smrep.errors import Outcome, UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.manifest.parser import _split, parse
from smrep.rules.manifest.schema import AccountRole, Manifest, Rule
from smrep.rules.manifest.selector import Selector

HOME, WEST, DUBLIN = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dr/replicator"
FULL = f"""
schema = 1
account_id = "{ACCOUNT}"
primary_region = "us-east-1"

[[account]]
role_arn = "{ROLE}"
external_id = "dr:2026"
region = "us-east-2"

[[replicate]]
name = "payments"
names = ["prod/payments/db", "arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/payments/x-a1b2c3"]
prefix = ["prod/payments/"]
tags = {{ dr = "true", note = "" }}
exclude = ["prod/payments/tmp-*"]
regions = ["us-west-2", {{ region = "eu-west-1", kms_key = "alias/dr" }}]
remove_extra = true

[[replicate]]
prefix = "prod/billing/"
exclude = []
regions = [{{ region = "us-west-2" }}]
"""
READ = Manifest(
    (
        Rule(
            "payments",
            "replicate[0]",
            Selector(
                frozenset(
                    {
                        "prod/payments/db",
                        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/payments/x-a1b2c3",
                    }
                ),
                ("prod/payments/",),
                (("dr", "true"), ("note", "")),
                exclude=("prod/payments/tmp-*",),
            ),
            (Target(WEST), Target(DUBLIN, "alias/dr")),
            remove_extra=True,
        ),
        Rule("replicate[1]", "replicate[1]", Selector(prefixes=("prod/billing/",)), (Target(WEST),)),
    ),
    ACCOUNT,
    HOME,
    (AccountRole("account[0]", ROLE, "dr:2026", Region("us-east-2")),),
)


def refusal(text: str, source: str = "dr.toml") -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text, source)
    return caught.value


@pytest.mark.parametrize("before", ["", "\ufeff", "\n \t"])
def test_toml_and_json_of_one_shape_are_one_manifest(before: str) -> None:
    assert parse(before + FULL, "dr.toml") == READ
    assert parse(before + json.dumps(tomllib.loads(FULL)), "dr.json") == READ


def test_a_refusal_tells_how_many_mistakes_there_are_and_where_the_format_is_described() -> None:
    error = refusal("")
    assert (error.message, error.hint) == ("dr.toml has 2 mistakes", "the format:\n  smrep help manifest")
    assert (error.code, error.outcome) == ("ManifestError", Outcome.USAGE)
    assert error.details == (
        "schema: is missing; this version reads schema = 1",
        "replicate: is missing; a manifest needs at least one [[replicate]]",
    )
    assert refusal("=", "a\x1bb").message == "a\\x1bb has a mistake"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("schema = 1\nx = 'a", 'end of document: invalid TOML: Expected "\'"'),
        ("schema = 1\nschema = 1\n", "line 2, column 11: invalid TOML: Cannot overwrite a value"),
        (" {\n]", "line 2, column 1: invalid JSON: Expecting property name enclosed in double quotes"),
        ('{"a":' * 100_000, "the text: is nested too deeply"),
        ("a = " + "[" * 100_000, "the text: is nested too deeply"),
        ("[" * 100_000, "line 1, column 3: invalid TOML: Invalid initial character for a key part"),
        ("[replicate", "end of document: invalid TOML: Expected ']' at the end of a table declaration"),
        (f"a = {'1' * 5000}", "the text: has a number that is too long"),
        (f'{{"a": {"1" * 5000}}}', "the text: has a number that is too long"),
    ],
)
def test_a_text_that_can_not_be_read_is_one_mistake(text: str, detail: str) -> None:
    assert refusal(text).details == (detail,)


@pytest.mark.parametrize(
    ("words", "what", "place"),
    [
        ("Invalid value (at line 2, column 5)", "Invalid value", "line 2, column 5"),
        (
            "Invalid (at line 1, column 1)\nvalue (at end of document)",
            "Invalid (at line 1, column 1)\nvalue",
            "end of document",
        ),
        ("Invalid value", "Invalid value", "the text"),
    ],
)
def test_the_words_of_the_reader_of_toml_are_parted_from_the_place(words: str, what: str, place: str) -> None:
    assert _split(words) == (what, place)


# lines


def test_a_table_is_named_with_the_line_of_its_header() -> None:
    text = FULL.replace('"us-west-2"', '"us-wset-2"')
    assert refusal(text).details == (
        "replicate[0].regions[0] (table at line 11): 'us-wset-2' is not an AWS Region; did you mean us-west-2?",
        "replicate[1].regions[0].region (table at line 20): 'us-wset-2' is not an AWS Region; did you mean us-west-2?",
    )
    crlf = refusal(text.replace("\n", "\r\n").replace("[[replicate]]", "  [[ replicate ]] # rule"))
    assert crlf.details == refusal(text).details


@pytest.mark.parametrize(
    "text",
    [
        'schema = 1\n[[replicate]]\nname = """\n[[replicate]]\n"""\nprefix = "a"\nregions = [5]\n',
        'schema = 1\nreplicate = [{ prefix = "a", regions = [5], name = """\n[[replicate]]\n""" }]\n',
        "schema = 1\nreplicate = [{ prefix = 'a', regions = [5], name = '''\n[[replicate]]\n''' }]\n",
        'schema = 1\n[["replicate"]]\nprefix = "a"\nregions = [5]\n',
        'schema = 1\nreplicate = [{ prefix = "a", regions = [5] }]\n',
        '{"schema": 1, "replicate": [{"prefix": "a", "regions": [5]}]}',
    ],
)
def test_where_the_line_is_not_certain_the_path_stands_alone(text: str) -> None:
    assert [each.partition(":")[0] for each in refusal(text).details] == ["replicate[0].regions[0]"]


def test_a_selector_says_its_conditions() -> None:
    tags = (("dr", None), ("team", "a"))
    every = Selector(frozenset({"b", "a"}), ("prod/", "dev/"), tags, "rds", ("*/tmp-*", "x"))
    assert every.conditions == (
        "name a or b, prefix prod/ or dev/, tag dr, tag team=a, owning service rds, none of */tmp-*, x"
    )
    assert Selector(prefixes=("prod/",)).conditions == "prefix prod/"
    assert Selector().conditions == ""
