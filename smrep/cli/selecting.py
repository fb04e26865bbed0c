"""How many secrets are chosen at once: options, files and shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from smrep.errors import UsageError
from smrep.rules.manifest import Manifest, parse
from smrep.rules.names import check_name
from smrep.rules.saved import Saved
from smrep.rules.saved_file import parse_saved
from smrep.rules.selection import Selector

F = TypeVar("F", bound=Callable[..., Any])

CHOOSING = ("prefixes", "tags", "owning_service", "every")
"""The options of `selection` by their names in Python."""


class Tag(click.ParamType[tuple[str, str | None], str]):
    """`KEY` or `KEY=VALUE`."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        """Return the key and the value, None for any."""
        if isinstance(value, tuple):
            return value
        key, equals, wanted = str(value).partition("=")
        if not key:
            self.fail(f"{value!r} names no tag; it looks like team=payments, or team for any value", param, ctx)
        return key, wanted if equals else None


def _selection(every: str) -> Callable[[F], F]:
    added = [
        click.option(
            "--prefix",
            "prefixes",
            metavar="PREFIX",
            multiple=True,
            help="Names that begin so; repeatable: any of them.",
        ),
        click.option(
            "--tag",
            "tags",
            type=Tag(),
            metavar="KEY[=VALUE]",
            multiple=True,
            help="Secrets with this tag; repeatable: all of them.",
        ),
        click.option("--owning-service", metavar="SERVICE", help="Secrets that this AWS service manages, such as rds."),
        click.option("--all", "every", is_flag=True, help=every),
    ]

    def add(command: F) -> F:
        for option in reversed(added):
            command = option(command)
        return command

    return add


selection = _selection("Every secret of the Region (the default).")
"""Add the options that choose among the secrets of a Region."""
chosen_selection = _selection("Every secret, where none is chosen.")
"""Add the same options to a command that takes no choice for none."""


def selector(
    *, prefixes: Sequence[str], tags: Sequence[tuple[str, str | None]], owning_service: str | None, every: bool
) -> Selector:
    """Return what was chosen; everything where nothing was.

    Raises:
        UsageError: --all stands beside a choice, or a prefix is empty or begins no name.

    """
    chosen = bool(prefixes or tags or owning_service)
    if every and chosen:
        raise UsageError("--all and a choice contradict each other", "leave --all out, or the other options")
    if "" in prefixes or owning_service == "":
        raise UsageError("a choice is empty, and would be no choice", "leave it out, or type --all")
    for prefix in prefixes:
        check_name(prefix)
    return Selector(prefixes=tuple(prefixes), tags=tuple(tags), owning_service=owning_service)


def typed_choice(choice: Mapping[str, Any]) -> list[str]:
    """Return the options that choose, as words to type again."""
    words = [word for prefix in choice["prefixes"] for word in ("--prefix", prefix)]
    words += [word for key, value in choice["tags"] for word in ("--tag", key if value is None else f"{key}={value}")]
    words += ["--owning-service", choice["owning_service"]] if choice["owning_service"] else []
    return [*words, *(["--all"] if choice["every"] else [])]


def read_manifest(path: str, stdin: TextIO | None) -> Manifest:
    """Return the manifest in a file; - is standard input.

    Raises:
        UsageError: it can't be read, or is none.

    """
    name = "standard input" if path == "-" else path
    return parse(_text(path, name, stdin), name)


def read_plan(path: str) -> Saved:
    """Return the plan in a file.

    Raises:
        UsageError: it can't be read, or is none.

    """
    return parse_saved(_text(path, path, None), path)


def _text(path: str, name: str, stdin: TextIO | None) -> str:
    try:
        if path != "-":
            return Path(path).read_text(encoding="utf-8-sig")
        if stdin is None or stdin.closed:
            raise UsageError("the manifest was to come from standard input, which is closed", "name a file: -f FILE")
        return stdin.read().removeprefix("\ufeff")  # as some editors begin a file
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{name} could not be read: {why}", "name a file that is there") from error
