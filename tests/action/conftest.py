"""A machine on which the action was used before, so that not every test installs anew."""

from __future__ import annotations

import fcntl
import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from action.runner import Runner, lay_traps
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
def used(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Path:
    """Return the temporary folder of a machine on which the action was used before, once for all workers of this run.

    It was used in a workspace full of traps.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "action.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        job = shared / "action-used-before"
        if not (job / "temp").exists():
            install(Sandbox(None, "http://127.0.0.1:9"), packages, job)  # type: ignore[arg-type]
    return job / "temp"


def install(nowhere: Sandbox, packages: Path, job: Path) -> None:
    """Use the action for the first time; what fails leaves no folder that looks used."""
    (job / "temp").mkdir(parents=True)
    runner = Runner(nowhere, packages, job / "temp", job)
    lay_traps(runner.workspace)
    ended = runner.use(command="help exit-codes")
    if ended.code:
        shutil.rmtree(job)
    assert ended.code == 0, ended.log


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
