"""The image: what its Dockerfile says, and what comes of its steps where they are taken without an engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

import pytest
from fixtures import ROOT, Sandbox
from packaging.utils import canonicalize_name
from release.built_packages import build
from release.dockerfile import Image, Offline, context, instructions, sent

from smrep import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
STEPS = instructions()
LAST = STEPS[max(at for at, (word, _) in enumerate(STEPS) if word == "FROM") :]
USER = 65532
SOURCES = {"constraints.txt", "constraints-crt.txt", "pyproject.toml", "README.md", "LICENSE"}


def arguments(word: str, steps: list[tuple[str, str]] = STEPS) -> list[str]:
    return [rest for each, rest in steps if each == word]


def files() -> set[str]:
    """Return the files of this folder; the caches of tools may change meanwhile."""
    found = set()
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in {".git", ".venv", "mutants", "dist"}]
        found |= {str((Path(folder) / name).relative_to(ROOT)) for name in names}
    return found


def test_one_slim_base_image_is_named_once_by_its_version() -> None:
    first, *others = arguments("FROM")
    found = re.fullmatch(r"python:(3\.\d+)-slim AS base", first)
    assert found
    assert others == ["base AS build", "base"]
    assert f"Programming Language :: Python :: {found[1]}" in PROJECT["classifiers"]
    assert set(re.findall(r"python(3\.\d+)", " ".join(arguments("RUN")))) == {found[1]}


def test_it_runs_as_nobody_in_particular_and_is_smrep() -> None:
    """A number, since Kubernetes can tell by that alone that it is not root."""
    assert [word for word, _ in LAST][-2:] == ["USER", "ENTRYPOINT"]
    assert arguments("USER") == [f"{USER}:{USER}"]
    assert arguments("ENTRYPOINT") == ['["smrep"]']
    assert {word for word, _ in STEPS} <= {
        "FROM",
        "ENV",
        "WORKDIR",
        "COPY",
        "RUN",
        "ARG",
        "LABEL",
        "USER",
        "ENTRYPOINT",
    }


def test_only_what_was_built_gets_into_the_last_stage() -> None:
    assert arguments("COPY", LAST) == ["--from=build /opt/smrep /opt/smrep"]
    assert all("pip" not in each for each in arguments("RUN", LAST))


def test_pip_fetches_by_hash_alone_and_keeps_nothing() -> None:
    calls = [each for rest in arguments("RUN") for each in rest.split(" && ") if "-m pip " in each]
    assert len(calls) == 3
    assert all("--no-cache-dir" in each for each in calls)
    fetching = [each for each in calls if "--no-index" not in each]
    assert len(fetching) == 1
    assert "download --no-cache-dir --require-hashes --no-deps --requirement constraints.txt" in fetching[0]


def test_the_labels_say_what_it_is() -> None:
    (labels,) = arguments("LABEL")
    told = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert told == {
        "title": PROJECT["name"],
        "description": PROJECT["description"],
        "version": __version__,
        "revision": "$REVISION",
        "licenses": PROJECT["license"],
    }
    assert arguments("ARG") == ["REVISION=unknown"]


@pytest.mark.release
@pytest.mark.skipif(
    not shutil.which("hadolint"), reason="hadolint IS NOT INSTALLED: THE DOCKERFILE WAS NOT LINTED BY IT"
)
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.release
def test_an_engine_is_sent_what_the_wheel_is_made_of_and_no_more(tmp_path: Path) -> None:
    names = files()
    for name in filter(sent, names):
        assert name in SOURCES or re.match(r"(smrep|completions|docs/man|docs/runbooks)/", name), name
        assert "__pycache__" not in name
    assert not any(
        sent(each) for each in (".env", "dr.toml", "failover.jsonl", "docs/dr.plan", ".git/config", "tests/a.py")
    )
    here = build(ROOT, tmp_path / "here", "wheel")["wheel"]
    there = build(context(tmp_path / "context", names), tmp_path / "there", "wheel")["wheel"]
    assert here.read_bytes() == there.read_bytes()


# The steps, taken ------------------------------------------------------------------------------


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a folder that every user may look into."""
    with tempfile.TemporaryDirectory(prefix="smrep-image-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def taken(root: Path, sources: Path) -> Image:
    """Take the Dockerfile's steps, with a library of one module for Python's own."""
    (version,) = set(re.findall(r"python(3\.\d+)", " ".join(arguments("RUN"))))
    library = root / "usr/local/lib" / f"python{version}"
    library.mkdir(parents=True)
    (library / "abc.py").write_text("pass\n")
    image = Image(root, sources)
    for word, rest in STEPS:
        image.take(word, rest)
    assert image.ran == len(arguments("RUN"))
    assert list(library.rglob("*.pyc"))
    return image


def lying(root: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in root.rglob("*")}


def as_user(python: Path) -> dict[str, Any]:
    """Return how to start a process as the image's user, where this one may do so and that one may run this Python."""
    user = {"user": USER, "group": USER, "extra_groups": []}
    if os.geteuid():
        return {}
    try:
        subprocess.run([python, "-c", ""], check=True, capture_output=True, cwd="/", **user)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return user


@pytest.mark.release
def test_its_steps_make_a_smrep_that_writes_nothing(root: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    """It has no home and leaves everything as it was, as where the root file system is read-only."""
    try:
        taken(root, context(tmp_path / "context", files()))
    except Offline:
        pytest.skip("NO PACKAGE INDEX COULD BE REACHED: THE IMAGE'S STEPS WERE NOT TAKEN")
    only_what_runs(root / "opt/smrep")
    before = lying(root)
    user = as_user(root / "opt/smrep/bin/python")
    sandbox.create()
    env = {**sandbox.env, "PATH": f"{root}/opt/smrep/bin:/usr/bin:/bin"}
    for words in (["--version"], ["replicate", "prod/db", "-r", "us-west-2", "-o", "json"]):
        done = subprocess.run(["smrep", *words], env=env, cwd="/", capture_output=True, text=True, check=False, **user)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert __version__ in done.stdout if words == ["--version"] else json.loads(done.stdout)["exit_code"] == 0
    assert lying(root) == before


def only_what_runs(venv: Path) -> None:
    """Assert that smrep's own needs are there, at their pinned versions and compiled, and neither pip nor hatchling."""
    texts = "".join((ROOT / f"constraints{each}.txt").read_text() for each in ("", "-crt"))
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", texts, re.MULTILINE))
    told = (each.name.removesuffix(".dist-info").split("-") for each in venv.glob("lib/*/site-packages/*.dist-info"))
    found = {canonicalize_name(name): version for name, version in told}
    assert found.pop("smrep") == __version__
    assert found.items() <= pinned.items()
    assert {"awscrt", "boto3", "click", "rich"} <= found.keys()
    assert not {"pip", "hatchling", "editables", "pluggy", "packaging"} & found.keys()
    compiled = list(venv.rglob("*.pyc"))
    assert {source_from_cache(str(each)) for each in compiled} == {str(each) for each in venv.glob("lib/**/*.py")}
    assert {each.read_bytes()[4] for each in compiled} == {1}  # by hash, and not looked up
