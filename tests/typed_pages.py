"""Documentation pages: their blocks, and a bash session in a sandbox that types them."""

from __future__ import annotations

import atexit
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

import warm_programs
from fixtures import Sandbox

from smrep.cli.commands.sandbox import start
from smrep.cli.fault_options import faults_from
from smrep.sandbox.faults import Faults
from smrep.sandbox.seed import seed_sample

START = "smrep sandbox start --seed "
DEFAULT_START = f"{START}--replication-delay 0s --removal-delay 1s"
"""The sandbox of a page that starts none."""
HURRY = 10
"""Divides a page's `sleep`, and the sandbox's delays of up to PATIENCE_S, which a page waits out."""
PATIENCE_S = 5.0
SAFETY_NET_S = 600


@dataclass(frozen=True)
class Block:
    """Commands to type, and the lines that the page shows for them."""

    commands: tuple[str, ...]
    """A command may have several lines."""
    shown: tuple[str, ...] = ()
    """`…` stands for anything in a line, a line of `...` for any number of lines."""


@dataclass(frozen=True)
class Typed:
    """A command that was typed, with its exit code and all it wrote."""

    command: str
    code: int
    out: str


@dataclass(frozen=True)
class Scene:
    """Blocks that are typed into one sandbox, and the command that starts it."""

    title: str
    start: str
    blocks: tuple[Block, ...]

    @property
    def commands(self) -> list[str]:
        """All commands, in their order."""
        return [command for block in self.blocks for command in block.commands]


def headings(text: str) -> list[str]:
    """Return the headings of a page below its title."""
    return re.findall(r"^##+ (.+)$", text, re.MULTILINE)


def section(text: str, title: str) -> str:
    """Return the part of a page under a heading of the second level."""
    (part,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return str(part)


def fenced(text: str, language: str) -> list[str]:
    """Return the bodies of the blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def read_blocks(text: str) -> list[Block]:
    """Return the blocks of a page in their order; a `text` block is what the `sh` block before it shows."""
    blocks: list[Block] = []
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if language == "sh":
            blocks.append(Block(tuple(split_commands(body.splitlines()))))
        elif language == "text":
            blocks[-1] = Block(blocks[-1].commands, tuple(body.splitlines()))
    return blocks


def started_scenes(text: str) -> list[Scene]:
    """Return the scenes of a page that starts sandboxes: one for each start; blocks before the first are left out."""
    scenes: list[Scene] = []
    for block in read_blocks(text):
        if block.commands[0].startswith(START):
            assert len(block.commands) == 1, block
            scenes.append(Scene(str(len(scenes) + 1), block.commands[0], ()))
        elif scenes:
            scenes[-1] = replace(scenes[-1], blocks=(*scenes[-1].blocks, block))
    return scenes


def section_scenes(text: str) -> list[Scene]:
    """Return the scenes of a page that starts no sandbox: one for each part with something to type."""
    parts = {title: section(text, title) for title in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    parts = {"top": text.partition("\n## ")[0], **parts}
    scenes = [Scene(title, DEFAULT_START, tuple(read_blocks(part))) for title, part in parts.items()]
    return [scene for scene in scenes if scene.blocks]


@cache
def scenes_of(path: Path) -> list[Scene]:
    """Return the scenes of a page."""
    text = path.read_text()
    return started_scenes(text) or section_scenes(text)


def split_commands(lines: Sequence[str]) -> list[str]:
    """Return lines as commands: a loop, or a line that ends with a backslash, continues in the next line."""
    one_a_line = not re.search(r"^\s*(for|while|if|case)\b", "\n".join(lines), re.MULTILINE)
    commands: list[str] = []
    rest = ""
    for line in lines:
        rest += line
        if line.endswith("\\") or not (one_a_line or _is_complete(rest)):
            rest += "\n"
            continue
        if rest.strip():
            commands.append(rest)
        rest = ""
    assert not rest, rest
    return commands


def _is_complete(command: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False).returncode == 0


def expected_code(command: str) -> int:
    """Return the exit code that a command's comment names, 0 without one."""
    code = re.search(r"# exit (\d+)", command)
    return int(code[1]) if code else 0


def type_commands(
    commands: Sequence[str], env: dict[str, str], folder: Path, shell: Sequence[str] = ("bash", "--noprofile", "--norc")
) -> list[Typed]:
    """Type commands into one shell, up to the first that does not end as its comment says."""
    notes = folder / "notes"
    notes.mkdir()
    script = [
        f"{_grouped(command)} > {notes}/{number}.out 2>&1 < /dev/null; code=$?; echo $code > {notes}/{number}.code; "
        f"[ $code -eq {expected_code(command)} ] || exit 99"
        for number, command in enumerate(commands)
    ]
    hurry = "sleep() { command sleep ${1}e-1; }"  # HURRY
    (notes / "script").write_text("\n".join(["set -o pipefail", hurry, *script]) + "\n")
    subprocess.run([*shell, notes / "script"], env=env, cwd=folder, check=False, timeout=SAFETY_NET_S)
    reached = [number for number in range(len(commands)) if (notes / f"{number}.code").exists()]
    return [
        Typed(commands[each], int((notes / f"{each}.code").read_text()), (notes / f"{each}.out").read_text())
        for each in reached
    ]


def _grouped(command: str) -> str:
    """Return the command as one, in this shell unless it would end it."""
    return f"({command})" if command.split(maxsplit=1)[0] == "exit" else f"{{\n{command}\n}}"


@cache
def warm_folder() -> Path:
    """Return a folder with smrep and the AWS CLI, made once a process, that start at once."""
    folder = tempfile.TemporaryDirectory(prefix="smrep-")
    process = warm_programs.start(Path(folder.name))
    atexit.register(lambda: (process.communicate(), folder.cleanup()))
    return Path(folder.name)


def page_env(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment of a shell in a sandbox."""
    return {**sandbox.env, "PATH": f"{warm_folder()}:{sandbox.env['PATH']}"}


def paste(sandbox: Sandbox, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type one line into a shell of its own."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=page_env(sandbox),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=SAFETY_NET_S,
    )


def start_in_process(make_sandbox: Callable[..., Sandbox], command: str) -> Sandbox:
    """Return the sandbox that a command would start, in this process."""
    context = start.make_context("start", command.split()[3:])
    faults = faults_from(context.params)
    delays = {name: _hurried(getattr(faults, name)) for name in ("replication_delay_s", "removal_delay_s")}
    sandbox = make_sandbox(**{each.name: getattr(faults, each.name) for each in fields(Faults)} | delays)
    seed_sample(sandbox.simulator)
    return sandbox


def _hurried(delay_s: float) -> float:
    return delay_s / HURRY if delay_s <= PATIENCE_S else delay_s


def play(make_sandbox: Callable[..., Sandbox], scene: Scene, folder: Path) -> None:
    """Type a scene into a bash session; each command ends as its comment says and shows what the page shows."""
    sandbox = start_in_process(make_sandbox, scene.start)
    env = {**page_env(sandbox), "SMREP_OUTPUT": "table", "COLUMNS": "120"}
    check_blocks(scene.blocks, type_commands(scene.commands, env, folder))


def check_blocks(blocks: Sequence[Block], typed: Sequence[Typed]) -> None:
    """Assert that all was typed, ended as its comment says, and shows what the page shows."""
    assert len(typed) == sum(len(block.commands) for block in blocks), typed[-1]
    for each in typed:
        assert each.code == expected_code(each.command), each
        assert "Traceback" not in each.out, each
    rest = iter(typed)
    for block in blocks:
        out = "".join(next(rest).out for _ in block.commands)
        assert find_missing(block.shown, out) is None, (find_missing(block.shown, out), out)


def find_missing(shown: Sequence[str], out: str) -> str | None:
    """Return the first shown line that the output lacks at its place, None if it lacks none."""
    lines = [line.rstrip() for line in out.splitlines()]
    at, anywhere = 0, True
    for line in shown:
        if line == "...":
            anywhere = True
            continue
        pattern = re.compile(".*?".join(re.escape(part) for part in line.split("…")))
        rest = range(at, len(lines)) if anywhere else range(at, min(at + 1, len(lines)))
        place = next((number for number in rest if pattern.fullmatch(lines[number])), None)
        if place is None:
            return line
        at, anywhere = place + 1, False
    return None
