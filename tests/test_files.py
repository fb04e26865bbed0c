"""Files that smrep makes: who may read them, and what it does not make."""

from __future__ import annotations

import ast
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures import ROOT, Sandbox

from smrep.files import appending, replacing

FILES = sorted((ROOT / "smrep").rglob("*.py"))


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Set one umask after the other, once the test has its folder."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.usefixtures("umask")
def test_a_file_that_is_made_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "made"
    with appending(str(path)) as file:
        file.write("à\n")
    assert mode(path) == 0o600
    with appending(str(path)) as file:
        file.write("b\n")
    assert path.read_text(encoding="utf-8") == "à\nb\n"


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("given", [0o644, 0o640, 0o666])
def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path, given: int) -> None:
    path = tmp_path / "there"
    path.write_text("a\n")
    path.chmod(given)
    with appending(str(path)) as file:
        file.write("b\n")
    assert (path.read_text(), mode(path)) == ("a\nb\n", given)


def test_a_link_is_followed_to_what_is_there_and_nothing_is_made_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("far")
    with pytest.raises(FileNotFoundError):
        appending(str(tmp_path / "link"))
    assert not (tmp_path / "far").exists()
    (tmp_path / "far").touch()
    with appending(str(tmp_path / "link")) as file:
        file.write("a\n")
    assert (tmp_path / "far").read_text() == "a\n"


def test_a_folder_or_no_folder_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "file"):
        with pytest.raises(OSError, match=r"directory"):
            appending(str(path))


def test_no_child_process_gets_the_file(tmp_path: Path) -> None:
    with appending(str(tmp_path / "made")) as file:
        assert not os.get_inheritable(file.fileno())


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("given", [0o600, 0o644])
def test_a_file_that_replaces_none_has_the_mode_that_is_asked_for(tmp_path: Path, given: int) -> None:
    path = tmp_path / "made"
    with replacing(str(path), given) as file:
        assert not os.get_inheritable(file.fileno())
        file.write("à\n")
        assert not path.exists()
    assert (path.read_bytes(), mode(path)) == ("à\n".encode(), given)
    assert names(tmp_path) == ["made"]


@pytest.mark.usefixtures("umask")
def test_a_file_that_is_replaced_hands_on_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("a\n")
    path.chmod(0o640)
    with path.open() as reader:
        with replacing(str(path), 0o644) as file:
            file.write("b\n")
        assert reader.read() == "a\n"  # who had begun to read goes on with the old one
    assert (path.read_text(), mode(path)) == ("b\n", 0o640)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    far, link = tmp_path / "folder" / "far", tmp_path / "link"
    link.symlink_to("folder/far")
    with pytest.raises(FileNotFoundError), replacing(str(link)):
        pass
    far.parent.mkdir()
    far.write_text("a\n")
    with replacing(str(link)) as file:
        file.write("b\n")
    assert (link.is_symlink(), far.is_symlink(), far.read_text()) == (True, False, "b\n")
    assert names(far.parent) == ["far"]


def test_only_a_file_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    for name in ("pipe", "round", "folder", "none/file"):
        with (
            pytest.raises(OSError, match=r"not a regular file|symbolic links|directory"),
            replacing(f"{tmp_path}/{name}"),
        ):
            pass
    assert names(tmp_path) == before


def spoil(path: Path, trouble: type[BaseException] | None) -> None:
    with replacing(str(path)) as file:
        file.write("b\n" if trouble else "\ud800")
        if trouble:
            raise trouble


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError, None])
def test_at_a_bad_end_the_old_file_stays(tmp_path: Path, trouble: type[BaseException] | None) -> None:
    path = tmp_path / "there"
    path.write_text("a\n")
    with pytest.raises(trouble or UnicodeEncodeError):
        spoil(path, trouble)
    assert (path.read_text(), names(tmp_path)) == ("a\n", ["there"])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("a\n")
    words = f"""
import resource, signal
from smrep.files import replacing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
with replacing({str(path)!r}) as file:
    file.write("b" * 100_000)
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert "OSError: [Errno 27]" in done.stderr
    assert (path.read_text(), names(tmp_path)) == ("a\n", ["there"])


def test_a_run_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "there.prom"
    path.write_text("a\n")
    words = f"""
import os, signal
from smrep.files import replacing
with replacing({str(path)!r}) as file:
    file.write("b" * 100_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", words], check=False)
    assert (done.returncode, path.read_text()) == (-signal.SIGKILL, "a\n")
    assert list(tmp_path.glob("*.prom")) == [path]  # a collector reads no half of the new one


def test_the_sandboxs_log_is_its_owners(sandbox: Sandbox, tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    done = sandbox.process("sandbox", "exec", "--log", str(log), "--", "sh", "-c", "umask 0; smrep status nowhere")
    assert done.code == 1
    assert log.read_text()
    assert mode(log) == 0o600


def test_a_jobs_summary_is_only_added_to(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.create()
    there, none = tmp_path / "there", tmp_path / "none"
    there.write_text("before\n")
    there.chmod(0o644)
    for path in (there, none):
        sandbox.smrep("status", "prod/db", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(path))
    assert there.read_text().startswith("before\n### smrep status")
    assert (mode(there), mode(none)) == (0o644, 0o600)


MAKES_NONE = {
    "cli/signals.py": ["os.open(os.devnull, os.O_WRONLY)"],
    "cli/root.py": ["formatter.write_text(text)"],
    "cli/commands/iam_policy.py": ["Path(folder).mkdir(exist_ok=True)"],
    "cli/completion_values.py": ["os.open(os.devnull, os.O_RDWR)", "open(writing, 'w', encoding='ascii')"],
    "serverless.py": [
        "file.write_bytes(_s3().read_object(*_bucket_and_key(place), _region()))",
        "file.write_text(_text(event))",
    ],
}
"""What is opened elsewhere, and is no file: the null device, the end of a pipe, Click's formatter, and the folder of
policies; and the Lambda function's files, which lie in a temporary folder of its own."""


def test_nothing_else_in_smrep_makes_a_file() -> None:
    makers = {"open", "fdopen", "write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "mkstemp"}
    found = {}
    for path in FILES:
        made = [
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and makers & {getattr(node.func, "attr", None), getattr(node.func, "id", None)}
        ]
        if made:
            found[str(path.relative_to(ROOT / "smrep"))] = made
    assert found.pop("files.py")
    assert found == MAKES_NONE
