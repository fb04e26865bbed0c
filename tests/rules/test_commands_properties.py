"""A command that a hint names, pasted into a shell, is the one that was meant, for names and keys of any shape."""

from __future__ import annotations

import argparse
import shlex

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.cli.params import targets
from smrep.cli.root import root
from smrep.model import Target
from smrep.regions import KNOWN, Region
from smrep.rules.hints import aws_command, duration, format_command, step, with_connection_flags

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
HOME = Region("us-east-1")
texts = st.text(min_size=1, max_size=30)
names = st.one_of(
    texts, st.sampled_from(["-r", "--yes", "a b", "x;rm", "$HOME", "it's", ARN, "\n", "*", "--", "#x", "~"])
)
typable = names.filter(lambda name: name.strip() and name not in (*KNOWN, "-") and (name == ARN or name[:4] != "arn:"))
wanted = st.lists(
    st.builds(Target, st.sampled_from(KNOWN[:8]).map(Region), st.sampled_from([None, "alias/dr", "alias/a/b_c"])),
    min_size=1,
    max_size=3,
    unique_by=lambda target: target.region,
)
flags = st.lists(st.sampled_from(["--no-wait", "--yes", "--dry-run", "--timeout=5s"]), max_size=3, unique=True)


@given(st.lists(names, min_size=1, max_size=3), wanted, st.lists(texts, max_size=3))
def test_a_shell_gives_the_words_back(found: list[str], there: list[Target], more: list[str]) -> None:
    words = shlex.split(format_command("wait", found, primary_region=HOME, targets=there, flags=more))
    assert words[:2] == ["smrep", "wait"]
    regions = [f"{each.region}={each.kms_key}" if each.kms_key else each.region for each in there]
    assert sorted(set(words[2:]) - {"--", "-r", "--primary-region", HOME}) == sorted(
        {*found, *regions, *more} - {"--", "-r", "--primary-region", HOME}
    )


@given(names.filter("--".__ne__), names.filter("--".__ne__))  # which argparse drops, before Python 3.13
@example("-x", "--force-delete-without-recovery")
def test_a_shell_gives_back_what_the_aws_cli_is_to_be_told(secret: str, key: str) -> None:
    words = shlex.split(aws_command("kms describe-key", "--debug", secret_id=secret, key_id=key))
    assert (words[:3], words[-1]) == (["aws", "kms", "describe-key"], "--debug")
    read = argparse.ArgumentParser(add_help=False, allow_abbrev=False)  # as the AWS CLI reads them
    read.add_argument("--secret-id")
    read.add_argument("--key-id")
    assert vars(read.parse_args(words[3:-1])) == {"secret_id": secret, "key_id": key}


@given(names, texts)
@example("x; smrep wait y; aws kms describe-key", "p q")
@example("it's smrep wait y", "'")
@example("x\n  smrep wait y", "p")
@example("x | smrep wait y | aws kms describe-key", "p")
def test_the_connection_leaves_a_name_as_it_is(name: str, profile: str) -> None:
    hint = step("then", format_command("wait", [name]), aws_command("kms describe-key", key_id=name))
    label, ours, theirs = with_connection_flags(hint, ("--profile", profile)).split("\n")
    name = name.replace("\n", " ")  # a command stays on its line
    given = ["--profile", profile]
    assert label == "then:"
    assert shlex.split(ours) == ["smrep", "wait", *given, *(["--", name] if name.startswith("-") else [name])]
    key = [f"--key-id={name}"] if name.startswith("-") else ["--key-id", name]
    assert shlex.split(theirs) == ["aws", *given, "kms", "describe-key", *key]


@pytest.mark.parametrize("command", ["replicate", "retry", "remove", "promote"])
@given(found=st.lists(typable, min_size=1, max_size=3, unique=True), there=wanted, more=flags)
@example(found=["-r", "--", "x"], there=[Target(Region("us-west-2"), None)], more=["--yes"])
def test_smrep_reads_what_was_meant(command: str, found: list[str], there: list[Target], more: list[str]) -> None:
    if command in ("remove", "promote"):
        there = [Target(each.region) for each in there]
    _, name, *words = shlex.split(format_command(command, found, primary_region=HOME, targets=there, flags=more))
    meant = root.get_command(click.Context(root), name)
    assert meant is not None
    with meant.make_context(name, words) as context:
        read = context.params
    assert read["secrets"] == tuple(found)
    assert targets(read["regions"], None) == tuple(there)
    assert read["primary_region"] == (None if set(found) == {ARN} else HOME)
    assert (read["dry_run"], read["yes"], read["wait"]) == (
        "--dry-run" in more,
        "--yes" in more,
        "--no-wait" not in more,
    )
    assert read["timeout_s"] == (5.0 if "--timeout=5s" in more else 300.0)


@given(st.lists(typable, min_size=1, max_size=2, unique=True), wanted, texts)
def test_the_connection_goes_into_a_command_once_and_changes_nothing_else(
    found: list[str], there: list[Target], profile: str
) -> None:
    plain = step("then", format_command("wait", found, primary_region=HOME, targets=there))
    once = with_connection_flags(plain, ("--profile", profile))
    words, before = (shlex.split(text.removeprefix("then:\n")) for text in (once, plain))
    if "--profile" not in plain:
        assert words == [*before[:2], "--profile", profile, *before[2:]]


@given(st.integers(0, 10**6))
def test_a_duration_is_as_short_as_can_be_typed(seconds: int) -> None:
    text = duration(seconds)
    number, unit = float(text[:-1]), text[-1]
    assert number * {"s": 1, "m": 60, "h": 3600}[unit] == pytest.approx(seconds, rel=1e-5)
