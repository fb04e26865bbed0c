"""`smrep help`: every topic is true, short enough, and found also where it was mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from fixtures import ROOT, Sandbox

from smrep.cli.commands import help as variables
from smrep.cli.commands.help import CASES, CODES, EXAMPLE, ORGANIZATION, TOPICS
from smrep.cli.root import COMMANDS, root
from smrep.errors import Outcome
from smrep.output.formats import COLUMNS, FORMATS
from smrep.rules.manifest.parser import ACCOUNT_FIELDS, FIELDS, ORGANIZATION_FIELDS, RULE_FIELDS, parse

CODE = {path: path.read_text() for path in (ROOT / "smrep").rglob("*.py")}


def commands(command: click.Command = root, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with the words that lead to it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, *words, name)


TREE = dict(commands())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_a_page_of_eighty_columns(sandbox: Sandbox, topic: str) -> None:
    done = sandbox.smrep("help", topic)
    assert (done.code, done.err) == (0, "")
    assert done.out == TOPICS[topic]()
    assert max(map(len, done.out.splitlines())) <= 80
    assert len(done.out.splitlines()) <= 60
    assert done.out.isascii()
    assert done.out.endswith("\n")


def test_every_topic_is_named_where_somebody_looks(sandbox: Sandbox) -> None:
    for where in (sandbox.smrep("--help"), sandbox.smrep("help", "--help")):
        for topic in TOPICS:
            assert topic in where.out


@pytest.mark.parametrize("words", [each for each in TREE if each], ids=" ".join)
def test_help_of_a_command_is_its_own(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    done = sandbox.smrep("help", *words)
    assert (done.code, done.err) == (0, "")
    assert done.out == sandbox.smrep(*words, "--help").out


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("exit-code", "no such topic or command: 'exit-code'; did you mean exit-codes?"),
        ("enviroment", "did you mean environment?"),
        ("replicat", "did you mean replicate?"),
        ("sandbox strat", "no such command: 'strat'; did you mean start?"),
        ("status x", "no such command: 'x'; smrep status has no subcommands"),
        ("zzzz", "choose from: exit-codes, environment, output, manifest, runbooks, replicate, "),
    ],
)
def test_a_mistyped_topic_is_told_its_nearest(sandbox: Sandbox, typed: str, sentence: str) -> None:
    done = sandbox.smrep("help", *typed.split())
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_completing_a_topic_and_what_is_below_a_command(sandbox: Sandbox) -> None:
    def offered(*words: str) -> list[str]:
        done = sandbox.smrep("smrep", "help", *words, _SMREP_COMPLETE="zsh_complete")
        return [each.split("\t")[1] for each in done.out.splitlines()]

    assert offered("") == [*TOPICS, *COMMANDS]
    assert offered("ex") == ["exit-codes", "export"]
    assert offered("sandbox", "st") == ["start"]
    assert offered("status", "") == []
    assert offered("runbooks", "fail-") == ["fail-back", "fail-over"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs/runbooks").glob("[a-z]*.md")), ids=lambda page: page.stem)
def test_each_runbook_is_at_hand_where_only_smrep_is(sandbox: Sandbox, page: Path) -> None:
    assert sandbox.smrep("help", "runbooks", page.stem).out == page.read_text()
    assert f"  smrep help runbooks {page.stem}\n" in TOPICS["runbooks"]()


@pytest.mark.parametrize("words", [("fail",), ("fail-back", "orphan"), ("../ci",), ("README",)])
def test_a_runbook_that_there_is_not_is_told_which_there_are(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    done = sandbox.smrep("help", "runbooks", *words)
    assert (done.code, done.out) == (2, "")
    assert "choose from: fail-back, fail-over, failed-region, " in done.err


def test_the_exit_codes_are_those_of_the_code(sandbox: Sandbox) -> None:
    told = {(word, int(code)) for code, (word, _) in CODES.items()}
    assert told == {(each.word, each.exit_code) for each in Outcome if each is not Outcome.ACCEPTED}
    assert {code for _, code in CASES} <= CODES.keys()
    page = sandbox.smrep("help", "exit-codes").out
    for code, (word, _) in CODES.items():
        assert re.search(rf"^{code} +{word} ", page, re.MULTILINE)
    for case, code in CASES:
        assert f"  {code}  {case}" in re.sub(r"\n {5}", " ", page)


def test_the_variables_are_those_that_options_and_code_read(sandbox: Sandbox) -> None:
    told = {
        name
        for group in (variables.OURS, variables.AWS, variables.SURROUNDINGS)
        for each in group
        for name in each.split(", ")
    }
    assert told <= set(sandbox.smrep("help", "environment").out.replace(",", " ").split())
    of_options = {param.envvar for command in TREE.values() for param in command.params if param.envvar}
    read = {
        name
        for path, text in CODE.items()
        if "sandbox" not in str(path)
        for name in re.findall(r'env(?:iron)?(?:\.get\(|\[)"([A-Z_]+)"', text)
    }
    listed = {name for text in CODE.values() for name in re.findall(r'"(SMREP_[A-Z_]+)"', text)}
    assert of_options <= told
    assert read - {"PATH"} <= told
    assert listed <= set(variables.OURS)
    assert set(variables.OURS) <= listed
    elsewhere = "".join(text for path, text in CODE.items() if path.name != "variables.py")
    for name in told - set(variables.OURS):
        assert f'"{name}"' in elsewhere


def test_a_variable_is_told_with_the_option_that_it_stands_for() -> None:
    for command in TREE.values():
        for param in command.params:
            if str(param.envvar or "").startswith("SMREP_"):
                assert f"--{param.name.replace('_', '-').removesuffix('-s')}" in variables.OURS[str(param.envvar)]


def test_every_format_is_told_of(sandbox: Sandbox) -> None:
    page = sandbox.smrep("help", "output").out
    assert set(re.findall(r"^  (\w+)  +\w", page, re.MULTILINE)[: len(FORMATS)]) == set(FORMATS)
    assert (ROOT / "smrep/output/document.schema.json").exists()


def test_the_columns_of_text_are_as_told(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    ((secret, region, status, key, action, message, account, verified),) = sandbox.smrep(
        "status", "prod/db", "-o", "text"
    ).rows
    assert (secret, region, status, key, action) == ("prod/db", "us-west-2", "InSync", "alias/aws/secretsmanager", "-")
    assert (message, account, verified) == ("Replication succeeded", "123456789012", "-")
    page = " ".join(sandbox.smrep("help", "output").out.split())
    assert " ".join(COLUMNS) in page
    assert ", ".join(f"`{column}`" for column in COLUMNS[:-1]) in " ".join(
        (ROOT / "docs/scripts.md").read_text().split()
    )


@pytest.mark.parametrize("line", re.findall(r"^  (smrep .*)", TOPICS["output"]() + TOPICS["manifest"](), re.MULTILINE))
def test_a_line_of_a_topic_is_understood(line: str) -> None:
    for part in line.split(" | "):
        words = part.partition(" > ")[0].replace("'", "").split()
        if words[0] == "smrep" and "--query" not in words:
            with root.make_context("smrep", words[1:]) as context:
                name, command, rest = root.resolve_command(context, words[1:])
                assert command is not None
                command.make_context(name, rest, parent=context)


def test_the_manifest_shown_is_one_and_shows_every_field() -> None:
    manifest = parse(EXAMPLE, "the example")
    assert [each.name for each in manifest.rules] == ["payments"]
    assert len(manifest.accounts) == 1
    named = set(re.findall(r"^(\w+) =|^\[\[(\w+)\]\]", EXAMPLE, re.MULTILINE))
    shown = {name for pair in named for name in pair if name}
    assert shown | {"organization"} == {*FIELDS, *RULE_FIELDS, *ACCOUNT_FIELDS}
    assert EXAMPLE.splitlines()[0] in TOPICS["manifest"]()
    unguarded = EXAMPLE.replace('account_id = "123456789012"', "")
    assert parse(unguarded + ORGANIZATION, "the example").organization
    assert {*re.findall(r"^(\w+) =", ORGANIZATION, re.MULTILINE)} == {*ORGANIZATION_FIELDS}


COMMON = {"--primary-region", "--output", "--quiet", "--color", "--version", "--help"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"sandbox", "completion", "help"}])
def test_help_has_the_examples_first_and_the_common_options_last(sandbox: Sandbox, name: str) -> None:
    text = sandbox.smrep(name, "--help").out
    usage, examples, options, common = (
        text.index(part) for part in ("Usage: ", "  Examples:\n", "\nOptions:\n", "\nOptions of every command:\n")
    )
    assert usage < examples < options < common
    assert len(text[:examples].strip().splitlines()) <= 4, "the usage and the summary"
    assert {option for option in COMMON if f" {option}" in text[common:]} >= {"--version", "--help"}
    assert not any(option in text[options:common] for option in ("--version", "--help"))
    assert text.count("Examples:") == 1
