"""A machine on which the action was used before, so that not every test installs anew."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from action.runner import Runner
from fixtures import Sandbox


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that is installed beside the tests, except smrep."""
    folder = tmp_path_factory.mktemp("packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if "smrep" not in each.name:
            (folder / each.name).symlink_to(each)
    return folder


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temp")


@pytest.fixture
def make_runner(
    make_sandbox: Callable[..., Sandbox], packages: Path, used: Path, tmp_path: Path
) -> Callable[..., Runner]:
    """Return a function that makes a machine whose sandbox has the faults given."""
    return lambda **faults: Runner(make_sandbox(**faults), packages, used, tmp_path)


@pytest.fixture
def runner(make_runner: Callable[..., Runner]) -> Runner:
    return make_runner()


@pytest.fixture
def fresh(runner: Runner) -> Runner:
    """Return a machine on which nothing is installed."""
    runner.temp = runner.job / "temp"
    runner.temp.mkdir()
    return runner
