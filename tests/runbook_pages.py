"""The blocks of docs/runbooks, and a bash session that runs them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixtures import ROOT
from test_readme import expected_code

FOLDER = ROOT / "docs/runbooks"
START = "smrep sandbox start --seed "


@dataclass(frozen=True)
class Block:
    """Lines to type, and what is to be seen for them."""

    commands: tuple[str, ...]
    """A command may have several lines."""
    shown: tuple[str, ...] = ()
    """`…` stands for anything in a line, a line of `...` for any number of lines."""


@dataclass(frozen=True)
class Typed:
    """One command that was typed, with all that it wrote."""

    command: str
    code: int
    out: str


def pages() -> list[Path]:
    """Return the runbooks, the index left out."""
    return sorted(each for each in FOLDER.glob("*.md") if each.name != "README.md")


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page in their order."""
    found: list[Block] = []
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if language == "sh":
            found.append(Block(tuple(commands(body.splitlines()))))
        elif language == "text":
            found[-1] = Block(found[-1].commands, tuple(body.splitlines()))
    return found


@dataclass(frozen=True)
class Scene:
    """What is typed in one sandbox, beginning with the words that start it."""

    page: Path
    start: str
    blocks: tuple[Block, ...]

    @property
    def typed(self) -> list[str]:
        """All commands, in their order."""
        return [command for block in self.blocks for command in block.commands]


def scenes(page: Path) -> list[Scene]:
    """Return the scenes of a page: wherever a sandbox is started, a new one begins."""
    found: list[Scene] = []
    for block in blocks(page.read_text()):
        if block.commands[0].startswith(START):
            assert len(block.commands) == 1, block
            found.append(Scene(page, block.commands[0], ()))
        else:
            found[-1] = replace(found[-1], blocks=(*found[-1].blocks, block))
    return found


def commands(lines: Sequence[str]) -> list[str]:
    """Return lines as commands: a loop, or a line that ends with a backslash, goes on in the next one."""
    found: list[str] = []
    rest = ""
    for line in lines:
        rest += line
        if line.endswith("\\") or _is_unfinished(rest):
            rest += "\n"
            continue
        if rest.strip():
            found.append(rest)
        rest = ""
    assert not rest, rest
    return found


def _is_unfinished(command: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False).returncode != 0


def run(typed: Sequence[str], env: dict[str, str], folder: Path) -> list[Typed]:
    """Type commands into one bash, up to the first that does not end as its comment says, and return them."""
    notes = folder / "notes"
    notes.mkdir()
    script = [
        f"{_grouped(command)} > {notes}/{number}.out 2>&1 < /dev/null; code=$?; echo $code > {notes}/{number}.code; "
        f"[ $code -eq {expected_code(command)} ] || exit 99"
        for number, command in enumerate(typed)
    ]
    (notes / "script").write_text("set -o pipefail\n" + "\n".join(script) + "\n")
    subprocess.run(["bash", "--noprofile", "--norc", notes / "script"], env=env, cwd=folder, check=False, timeout=600)
    reached = [number for number in range(len(typed)) if (notes / f"{number}.code").exists()]
    return [
        Typed(typed[each], int((notes / f"{each}.code").read_text()), (notes / f"{each}.out").read_text())
        for each in reached
    ]


def _grouped(command: str) -> str:
    """Return the command as one, in this shell unless it would end it."""
    return f"({command})" if command.startswith("exit ") else f"{{\n{command}\n}}"


def missing(shown: Sequence[str], out: str) -> str | None:
    """Return the first shown line that is not where the page has it in the output, None where all are."""
    lines = [line.rstrip() for line in out.splitlines()]
    at, anywhere = 0, True
    for line in shown:
        if line == "...":
            anywhere = True
            continue
        pattern = re.compile(".*?".join(re.escape(part) for part in line.split("…")))
        rest = range(at, len(lines)) if anywhere else range(at, min(at + 1, len(lines)))
        found = next((number for number in rest if pattern.fullmatch(lines[number])), None)
        if found is None:
            return line
        at, anywhere = found + 1, False
    return None
