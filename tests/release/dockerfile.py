"""Parses the Dockerfile, and takes its steps in a folder instead of an image engine."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from fixtures import ROOT

OUT_OF_REACH = re.compile(
    r"from versions: none|connection broken by|Failed to fetch|dns error|ProxyError|Read ?[Tt]imeout|timed out"
)


def instructions() -> list[tuple[str, str]]:
    """Return the instructions with their arguments, each on one line, without comments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def sent(path: str) -> bool:
    """Return whether .dockerignore lets a file in: the last line that fits it or a folder above it counts."""
    above = path.split("/")
    prefixes = ["/".join(above[: end + 1]) for end in range(len(above))]
    answer = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        fits = above if pattern.startswith("**/") else [] if line.startswith("#") else prefixes
        if any(fnmatch.fnmatchcase(each, pattern.removeprefix("**/")) for each in fits):
            answer = line.startswith("!")
    return answer


def context(target: Path, names: set[str]) -> Path:
    """Copy those of the clone's files that an engine would be sent."""
    for name in filter(sent, names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    return target


class Offline(Exception):
    """No package index could be reached."""


@dataclass
class Image:
    """Where the steps are taken: all stages in one folder, which holds what would lie at `/`."""

    root: Path
    sources: Path
    folder: Path = field(init=False)
    ran: int = 0

    def __post_init__(self) -> None:
        self.folder = self.root

    def inside(self, words: str) -> str:
        """Return a step's words with the image's own folders put into this one."""
        return re.sub(r"(?<![\w.])/(?=(opt|src|wheels|usr/local)\b)", f"{self.root}/", words)

    def take(self, word: str, rest: str) -> None:
        """Take one step.

        Raises:
            Offline: the step needs a package index.

        """
        match word:
            case "WORKDIR":
                self.folder = Path(self.inside(rest))
                self.folder.mkdir(parents=True)
            case "COPY" if rest.startswith("--from=build "):
                _, source, target = rest.split()
                assert source == target, "a venv does not bear to be moved"
            case "COPY":
                name, _ = rest.split()
                source = self.sources / name
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, self.folder, **({"dirs_exist_ok": True} if source.is_dir() else {}))
            case "RUN":
                self.run(rest)
            case "FROM":
                self.folder = self.root

    def run(self, words: str) -> None:
        """Run a step's command; pip is told of an index only where the step is to fetch."""
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PIP_RETRIES": "0"}
        env.pop("PYTHONPATH", None)
        if "--no-index" in words:
            env = {name: value for name, value in env.items() if not name.startswith("PIP_")}
            env["PIP_CONFIG_FILE"] = os.devnull
        done = subprocess.run(
            ["sh", "-ec", self.inside(words)], cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode and OUT_OF_REACH.search(done.stderr):
            raise Offline(done.stderr)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        self.ran += 1
