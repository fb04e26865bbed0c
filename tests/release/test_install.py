"""docs/install.md: each way to install smrep is gone where its tool is here; test_distributions runs `make package`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures import ROOT
from release.built_packages import build
from release.dockerfile import OUT_OF_REACH
from typed_pages import fenced, section

from smrep import __version__

pytestmark = pytest.mark.release
(BLOCK,) = fenced((ROOT / "docs/install.md").read_text(), "sh")
MAKE, *TOOLS, DOCKER = BLOCK.splitlines()
REGISTRY = re.compile(r"dial tcp|i/o timeout|failed to resolve|TLS handshake|toomanyrequests")
TAG = f"smrep-tested-{os.getpid()}"


def answers(*words: str) -> bool:
    return bool(shutil.which(words[0])) and subprocess.run(words, capture_output=True, check=False).returncode == 0


def packaged(folder: Path) -> Path:
    """Return the folder with what `make package` leaves in it."""
    build(ROOT, folder / "dist", "wheel")
    return folder


def test_the_page_shows_a_wheel_two_tools_and_an_image() -> None:
    assert MAKE == "make package"
    assert [line.split()[0] for line in TOOLS] == ["pipx", "uv"]
    assert "".join(fenced(section((ROOT / "README.md").read_text(), "Install"), "sh")) == f"{MAKE}\n{TOOLS[0]}\n"
    assert DOCKER == "docker build -t smrep . && docker run --rm --read-only smrep --version"


@pytest.mark.parametrize("line", TOOLS, ids=lambda line: line.split()[0])
def test_a_tool_installs_the_wheel(tmp_path: Path, line: str) -> None:
    tool = line.split(maxsplit=1)[0]
    if not answers(tool, "--version"):
        pytest.skip(f"{tool} IS NOT INSTALLED: THE PAGE'S LINE FOR IT WAS NOT RUN")
    clone = packaged(tmp_path)
    programs = clone / "bin"
    homes = {"PIPX_HOME": clone / "pipx", "PIPX_BIN_DIR": programs, "PIPX_MAN_DIR": clone / "man"}
    homes |= {"UV_TOOL_DIR": clone / "uv", "UV_TOOL_BIN_DIR": programs}
    env = os.environ | {name: str(path) for name, path in homes.items()}
    done = subprocess.run(["bash", "-c", line], cwd=clone, env=env, capture_output=True, text=True, check=False)
    if done.returncode and OUT_OF_REACH.search(done.stdout + done.stderr):
        pytest.skip(f"NO PACKAGE INDEX COULD BE REACHED: {tool} INSTALLED NOTHING")
    assert done.returncode == 0, done.stderr
    told = subprocess.run([programs / "smrep", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"smrep {__version__}\n"


@pytest.fixture
def image() -> Iterator[str]:
    """Return a name for an image that is taken away again; skip where there is no engine to build it."""
    if not answers("docker", "info"):
        pytest.skip("NO DOCKER ENGINE ANSWERS: THE IMAGE WAS NOT BUILT BY ONE")
    yield TAG
    subprocess.run(["docker", "image", "rm", "--force", TAG], capture_output=True, check=False)


def test_the_image_is_built_and_runs_without_a_file_to_write_to(image: str) -> None:
    line = re.sub(r"\bsmrep\b", image, DOCKER)
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and (OUT_OF_REACH.search(done.stderr) or REGISTRY.search(done.stderr)):
        pytest.skip("THE BASE IMAGE OR A PACKAGE INDEX COULD NOT BE REACHED: THE IMAGE WAS NOT BUILT")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"smrep {__version__}"
