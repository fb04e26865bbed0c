"""Every command in a hint is made by one function, which quotes it; what is written otherwise is found here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from fixtures import ROOT

from smrep.cli.root import COMMANDS

SPELLER = ROOT / "smrep/rules/hints.py"
FILES = sorted(path for path in (ROOT / "smrep").rglob("*.py") if path != SPELLER)
COMMAND = re.compile(rf"\b(smrep ({'|'.join(COMMANDS)})|aws [a-z0-9]+ [a-z]+-[a-z-]+|aws configure)\b")
QUOTES = {"smrep/cli/completion_values.py": "takes the words of a line of AWS's configuration apart"}
"""Who uses shlex besides, and what for."""
BUILT = {
    "smrep/cli/main.py": "--help behind the words of a command as click knows it",
    "smrep/cli/commands/help.py": "lists of our own files, and an example put into the page about manifests",
    "smrep/cli/commands/sandbox.py": "--help behind the words of a command as click knows it",
}
"""Where a command stands in a text that is put together, and why that holds nothing that must be quoted."""


def mistakes(source: str) -> Iterator[str]:
    """Yield each place where a command is put together by hand, or something is added to one."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=parts) if any(COMMAND.search(text) for text in _texts(parts)):
                yield f"line {node.lineno}: a command in an f-string"
            case ast.JoinedStr(values=parts) if any(
                isinstance(before, ast.FormattedValue) and re.match(r" --?[a-z]", text)
                for before, after in pairwise(parts)
                for text in _texts([after])
            ):
                yield f"line {node.lineno}: a flag behind what may be a command"
            case ast.BinOp(op=ast.Add() | ast.Mod(), left=left, right=right):
                for text in (*_texts([left]), *_texts([right])):
                    if COMMAND.search(text) or re.match(r" --?[a-z]", text):
                        yield f"line {node.lineno}: a command that something is added to"
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                if COMMAND.search(text):
                    yield f"line {node.lineno}: a command that is filled in"


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_no_command_is_put_together_by_hand() -> None:
    found = {str(path.relative_to(ROOT)): list(mistakes(path.read_text())) for path in FILES}
    assert {name: places for name, places in found.items() if places and name not in BUILT} == {}
    assert all(found[name] for name in BUILT), "a reason that is not needed any more"


def test_nobody_else_quotes() -> None:
    users = {str(path.relative_to(ROOT)) for path in FILES if re.search(r"\bshlex\b", path.read_text())}
    assert users == set(QUOTES)


@pytest.mark.parametrize(
    "line",
    [
        'f"smrep rekey {name} -r {region}=alias/NAME"',
        'f"look: aws kms describe-key --key-id {key}"',
        'f"{again} --force-overwrite"',
        'spell("replicate", [name]) + " -r REGION"',
        '"look: aws kms describe-key --key-id " + key',
        '"smrep wait %s" % name',
        '"smrep wait {}".format(name)',
    ],
)
def test_what_would_be_found(line: str) -> None:
    assert list(mistakes(line))


@pytest.mark.parametrize("line", ['f"smrep {version}"', '"smrep list shows the secrets there are"', 'f"then: {again}"'])
def test_what_would_not_be_found(line: str) -> None:
    assert list(mistakes(line)) == []
