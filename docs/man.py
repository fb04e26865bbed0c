"""Writes the manual pages from the commands themselves: smrep.1, and a page for each command below it.

python docs/man.py docs/man
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from smrep.cli.commands import help as variables
from smrep.cli.commands.help import CASES, CODES, WEIGHT
from smrep.cli.root import root

BORROWED: Mapping[tuple[str, ...], str] = {
    ("sandbox", "exec"): "That of CMD; 126 or 127 where CMD can't be started, and 2 or 4 where the sandbox can't.",
}
"""The commands that end with another's exit code."""
UNREPORTED: Mapping[str, str] = {
    "0": "what was asked for was done",
    "1": "the output could not be written",
    "2": "the command line is wrong",
    "4": "the sandbox can't be started",
}
"""What the codes mean where no secrets are reported on; the last one is the sandbox's only."""
ROOM = 70
"""How wide an example may be, which is indented by 7 and may go on."""
UNUSUAL = 70
"""From this exit code on, what happened is no command's own doing."""
INSTEAD = str.maketrans(
    {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq", "\u00a0": r"\~"}
)


def main(folder: str) -> None:
    """Write every page, and take away those of commands that are no more."""
    there = Path(folder)
    there.mkdir(parents=True, exist_ok=True)
    pages = {f"{context.command_path.replace(' ', '-')}.1": page(context) for context in contexts()}
    for path in there.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (there / name).write_text(text, encoding="ascii")


def contexts(context: click.Context | None = None) -> Iterator[click.Context]:
    """Yield the context of every command, the ones above first."""
    context = context or click.Context(root, info_name="smrep", **root.context_settings)
    yield context
    for below in _below(context):
        yield from contexts(below)


def page(context: click.Context) -> str:
    """Return a command's page; it is the same on every day and on every machine."""
    command = context.command
    prose, blocks = _parts(command.epilog or "")
    name = context.command_path.replace(" ", "-")
    summary = command.get_short_help_str(limit=200).rstrip(".")
    if summary[1:2].islower():
        summary = summary[:1].lower() + summary[1:]
    lines = [
        ".nr HY 0",
        f".TH {escaped(name.upper())} 1 {_quoted('')} smrep {_quoted('smrep manual')}",
        ".ad l",
        ".SH NAME",
        rf"{escaped(name)} \- {escaped(summary)}",
        ".SH SYNOPSIS",
        *_synopsis(context),
        ".SH DESCRIPTION",
        *_paragraphs([*_parts(command.help or "")[0], *prose]),
        *_commands(context),
        ".SH OPTIONS",
        *_options(context),
        ".SH ENVIRONMENT",
        *_environment(context),
        ".SH EXIT STATUS",
        *_exit_status(context),
        *_examples(context, blocks),
        ".SH SEE ALSO",
        *_see_also(context),
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that roff prints as it stands, also where it begins a line."""
    plain = text.translate(INSTEAD)
    return rf"\&{plain}" if plain.startswith(".") else plain


def marked(text: str) -> str:
    """Return running text with its options in bold."""
    parts = re.split(r"(?<![\w$-])(--?[a-zA-Z][a-z-]*)", text)
    return "".join(_bold(each) if number % 2 else escaped(each) for number, each in enumerate(parts))


def _bold(text: str) -> str:
    return rf"\fB{escaped(text)}\fR"


def _quoted(text: str) -> str:
    return f'"{escaped(text)}"'


def _below(context: click.Context) -> list[click.Context]:
    """Return the contexts of the commands directly below."""
    group = context.command
    names = group.list_commands(context) if isinstance(group, click.Group) else []
    found = [(name, group.get_command(context, name)) for name in names] if isinstance(group, click.Group) else []
    shown = [(name, each) for name, each in found if each and not each.hidden]
    return [click.Context(each, parent=context, info_name=name, **each.context_settings) for name, each in shown]


def _parts(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the paragraphs of a help text, and the lines of those that are to be left as they are."""
    prose, blocks = [], []
    for each in re.split(r"\n[ \t]*\n", text.replace("\f", "").strip("\n")):
        if each.lstrip().startswith("\b"):
            lines = each.split("\b", 1)[1].strip("\n").split("\n")
            blocks.append([line for line in lines if line.strip() != "Examples:"])
        elif each.strip():
            prose.append(" ".join(each.split()))
    return prose, blocks


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield marked(text)


def _synopsis(context: click.Context) -> Iterator[str]:
    """Yield the command's words, the options that have to be there and the arguments."""
    words = [_bold(context.command_path)]
    if isinstance(context.command, click.Group):
        words += [r"[\fIoptions\fR]", r"\fIcommand\fR", r"[\fIarguments\fR]"]
    else:
        words.append(r"[\fIoptions\fR]")
        for param in context.command.get_params(context):
            if isinstance(param, click.Option) and param.required:
                words.append(f"{_bold(param.opts[0])} {_metavar(param.make_metavar(context))}")
            elif isinstance(param, click.Argument):
                words.append(_metavar(param.make_metavar(context)))
    yield " ".join(words)


def _metavar(text: str) -> str:
    """Return a metavar with its words in italics."""
    return "".join(
        rf"\fI{escaped(each)}\fR" if number % 2 else escaped(each)
        for number, each in enumerate(re.split(r"([A-Z][A-Z_]*)", text))
    )


def _commands(context: click.Context) -> Iterator[str]:
    below = _below(context)
    if below:
        yield ".SH COMMANDS"
    for each in below:
        yield ".TP"
        yield rf"\fB{escaped(each.command_path.replace(' ', '-'))}\fR(1)"
        yield marked(each.command.get_short_help_str(limit=200))


def _options(context: click.Context) -> Iterator[str]:
    for param in context.command.get_params(context):
        record = param.get_help_record(context)
        if isinstance(param, click.Argument) or record is None:
            continue
        flags, text = record
        words = re.split(r"(--?[a-zA-Z][a-z-]*)", flags)
        yield ".TP"
        yield "".join(_bold(each) if number % 2 else _metavar(each) for number, each in enumerate(words))
        yield marked(" ".join(text.split()))


def _environment(context: click.Context) -> Iterator[str]:
    """Yield the variables that the command heeds; the first page has all of them."""
    params = context.command.get_params(context)
    heeded = {str(each.envvar) for each in params if each.envvar}
    heeded |= {"SMREP_PRIMARY_REGION"} if any(each.name == "primary_region" for each in params) else set()
    for name, meaning in {**variables.OURS, **variables.AWS, **variables.SURROUNDINGS}.items():
        if context.parent is None or heeded & set(name.split(", ")):
            yield from _term(name, meaning)
    if context.parent is not None:
        if heeded:
            yield ".PP"
        yield rf"All that smrep heeds, AWS\(aqs own too, is in {_bold('smrep help environment')}."


def _term(name: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield ", ".join(_bold(each) for each in name.split(", "))
    yield marked(meaning)


def _exit_status(context: click.Context) -> Iterator[str]:
    words = tuple(context.command_path.split()[1:])
    if words in BORROWED:
        yield marked(BORROWED[words])
        return
    ends = {**UNREPORTED} if "sandbox" in words else {code: UNREPORTED[code] for code in "012"}
    reports = context.parent is None or any(each.name == "output" for each in context.command.params)
    for code, (word, meaning) in CODES.items():
        if reports or code in ends or int(code) >= UNUSUAL:
            yield ".TP"
            yield f"{_bold(code)} {escaped(word)}"
            yield _sentence(meaning if reports else ends.get(code, meaning))
    if reports:
        yield ".PP"
        yield marked(WEIGHT)
    if context.parent is None:
        for case, code in CASES:
            yield ".TP"
            yield _bold(code)
            yield marked(f"{case}.")
    elif reports:
        yield ".PP"
        yield f"Which it is in which case: {_bold('smrep help exit-codes')}."


def _sentence(text: str) -> str:
    return marked(f"{text[:1].upper()}{text[1:]}.")


def _examples(context: click.Context, blocks: list[list[str]]) -> Iterator[str]:
    """Yield the command's examples, or the first one of each command below."""
    below = (line for each in _below(context) for block in _parts(each.command.epilog or "")[1] for line in block[:1])
    lines = [line for block in blocks for line in block]
    lines = lines or [line.strip() for line in below if line.lstrip().startswith("smrep ")]
    if lines:
        margin = min(len(each) - len(each.lstrip()) for each in lines if each.strip())
        yield ".SH EXAMPLES"
        yield ".EX"
        yield from (escaped(part) for each in lines for part in _continued(each[margin:]))
        yield ".EE"


def _continued(line: str) -> Iterator[str]:
    """Yield a line of the shell in parts that fit, broken where a word begins with what no name begins with."""
    words = re.split(r" (?=[-|>&]|~/)", line)
    begun = words[0]
    for word in words[1:]:
        if len(f"{begun} {word}") > ROOM:
            yield begun + " \\"
            begun = " " * (len(line) - len(line.lstrip()) + 4) + word
        else:
            begun = f"{begun} {word}"
    yield begun


def _see_also(context: click.Context) -> Iterator[str]:
    """Yield the pages above and below, and those of the commands that this one's texts name."""
    command = context.command
    said = " ".join(
        [command.help or "", command.epilog or "", *(getattr(each, "help", "") or "" for each in command.params)]
    )
    named = re.findall(r"smrep ([a-z][a-z-]*)", said)
    known = {each.command_path for each in contexts()}
    above, here = [], context.parent
    while here:
        above.append(here.command_path)
        here = here.parent
    wanted = [*reversed(above), *(each.command_path for each in _below(context)), *(f"smrep {each}" for each in named)]
    pages = [each for each in dict.fromkeys(wanted) if each in known and each != context.command_path]
    yield ", ".join(rf"\fB{escaped(each.replace(' ', '-'))}\fR(1)" for each in pages)


if __name__ == "__main__":
    main(sys.argv[1])
