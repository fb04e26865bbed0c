"""README, docs, help and messages are free of phrases for which there is a plain word."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import click
from fixtures import ROOT

from smrep.cli.commands.help import TOPICS
from smrep.cli.root import root

PHRASES = {
    r"a definite no": "a failed check",
    r"anew": "again",
    r"at home already": "failed back already",
    r"be had": "no credentials found, cannot assume the role",
    r"be looked at|may not look": "could not be checked, denied",
    r"bear(s|ing)? (the|its|that) name": "has the name",
    r"came of it": "the outcome",
    r"cut off": "promoted, incomplete",
    r"go(es)? home": "fail back",
    r"gone on with|to go on": "resume, continue",
    r"is (to be|no yes|meant)|are to be|are meant": "name who does it",
    r"in the night": "at 3 a.m., or drop it",
    r"kept out by": "name conflict",
    r"(lead|leads|leading|led) (home|away|back)": "fail back, promoted",
    r"left (alone|as (it is|they are))": "skipped",
    r"mend(s|ed|ing)?": "fix",
    r"name clash(es)?": "name conflict",
    r"namesakes?": "name conflict, another secret with this name",
    r"name typed": "asks you to type the name",
    r"nobody there": "missing",
    r"not looked at|unseen": "not checked",
    r"over there": "in that Region",
    r"otherwise than|stands otherwise": "drift",
    r"spares|spared": "skipped",
    r"(stand|stands|standing|stood) alone": "standalone",
    r"take(s|n)? on (a|the) role": "assume a role",
    r"the way (back|there)": "failback, failover",
    r"the world has moved": "the plan is out of date",
    r"those of which": "say it in two sentences",
    r"(is|are|was|were) told (of|as)|tells of|tell of": "report, show",
    r"what was (named|asked|chosen|meant)|which was named|were named": "the secrets you listed",
    r"where they should be": "drift",
    r"whoever": "anyone who, or name the role",
    r"without a word": "silently",
}
"""Pattern -> what to write."""
FORBIDDEN = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b", re.IGNORECASE)


def prose(markdown: str) -> str:
    """Return a page without its code: fenced blocks, and words between backticks."""
    return re.sub(r"`[^`]*`", "`", re.sub(r"^\s*```.*?^\s*```$", "", markdown, flags=re.DOTALL | re.MULTILINE))


def literals(source: str) -> Iterator[str]:
    """Yield the sentences in a module, docstrings too; what an f-string inserts is `…`. A JSON key is no sentence."""
    tree = ast.parse(source)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value if " " in node.value else ""


def commands(context: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of a command and of those below it."""
    yield context
    group = context.command
    for name in group.list_commands(context) if isinstance(group, click.Group) else []:
        command = group.get_command(context, name)
        if command and not command.hidden:
            yield from commands(click.Context(command, parent=context, info_name=name, **command.context_settings))


def module_file(function: Callable[..., Any]) -> str:
    """Return the file that a function is from, without its decorators."""
    return inspect.unwrap(function).__module__.replace(".", "/") + ".py"


def texts() -> Iterator[tuple[str, str]]:
    """Yield (file, text) of everything that a person reads; a file may come several times."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*")]:
        if path.is_file():
            yield str(path.relative_to(ROOT)), prose(path.read_text())
    for path in (ROOT / "smrep").rglob("*.py"):
        yield str(path.relative_to(ROOT)), "\n".join(literals(path.read_text()))
    for path in (ROOT / "smrep").rglob("*.json"):
        yield str(path.relative_to(ROOT)), path.read_text()
    for topic in TOPICS.values():
        yield "smrep/cli/commands/help.py", topic()
    for context in commands(click.Context(root, info_name="smrep", **root.context_settings)):
        callback = context.command.callback
        yield module_file(callback) if callback else "smrep/cli/root.py", context.get_help()


def phrases(text: str) -> list[str]:
    """Return the phrases to avoid that a text has, wherever its lines break."""
    return [found[0].lower() for found in FORBIDDEN.finditer(" ".join(text.split()))]


def test_what_a_person_reads_is_in_plain_words() -> None:
    found: dict[str, set[str]] = {}
    for file, text in texts():
        if words := phrases(text):
            found.setdefault(file, set()).update(words)
    assert found == {}


def test_a_phrase_is_found_wherever_lines_break_but_not_in_code() -> None:
    page = "It is left\nalone, and `stands alone` is\n```text\ncut off\n```\nthat: Led home."
    assert phrases(prose(page)) == ["left alone", "led home"]
    source = 'def f(x):\n    """Mend it."""\n    return f"{x} is left " f"alone: " "the world has" " moved"\n'
    assert [phrases(text) for text in literals(source)] == [["mend"], ["left alone", "the world has moved"]]
    assert phrases("standalone, recommended, unseen") == ["unseen"]


def test_the_help_of_every_command_is_read() -> None:
    read = [file for file, _ in texts()]
    assert read.count("smrep/cli/commands/wait.py") == 2
    assert read.count("smrep/cli/commands/help.py") == 2 + len(TOPICS)
    assert "deploy/kubernetes/apply-job.yaml" in read
