"""Readers that go away, disks that are full, streams that are closed, and whatever standard input can be."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, Sandbox
from patience import end, wait_until
from signals.process_streams import BROKEN, CLOSED, FULL, run

from smrep.output.formats import FORMATS

Make = Callable[..., Sandbox]
OFFLINE = (
    "--help",
    "--version",
    "help exit-codes",
    "completion bash",
    "replicate --help",
    "iam-policy prod/db",
    "sandbox start",
)
READING = ("status prod/db", "list", "audit -r eu-west-1", "export")
SHOWN = tuple(f"{words} -o {each}" for words in READING for each in FORMATS)
FULL_DISK = "No space left on device"
MANIFEST = '{"schema": 1, "replicate": [{"prefix": "prod/", "regions": ["us-west-2"]}]}'


def replicated(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])


@pytest.mark.parametrize("words", [*SHOWN, *OFFLINE, "status --bogus --json"])
def test_a_reader_that_has_gone_is_141_without_a_word(sandbox: Sandbox, tmp_path: Path, words: str) -> None:
    replicated(sandbox)
    err = tmp_path / "err"
    assert run(sandbox, *words.split(), out=BROKEN, err=err) == 141
    assert "Traceback" not in err.read_text()
    assert "Broken pipe" not in err.read_text()


@pytest.mark.parametrize("words", [*SHOWN, *OFFLINE])
def test_a_full_disk_is_one_line_and_exit_1(sandbox: Sandbox, tmp_path: Path, words: str) -> None:
    replicated(sandbox)
    err = tmp_path / "err"
    assert run(sandbox, *words.split(), out=FULL, err=err) == 1
    said = err.read_text()
    assert said.count(FULL_DISK) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("err", [FULL, BROKEN, CLOSED])
@pytest.mark.parametrize(
    "words", ["status prod/db -o text", "status nowhere -o json", "bogus --json", "status prod/db -o ndjson"]
)
def test_without_standard_error_the_result_still_comes(sandbox: Sandbox, tmp_path: Path, err: str, words: str) -> None:
    sandbox.create()
    out = tmp_path / "out"
    code = run(sandbox, *words.split(), "--debug", out=out, err=err, GITHUB_ACTIONS="true")
    assert code == {"s": 0, "b": 2}[words[0]] + ("nowhere" in words)
    if "text" not in words:
        assert json.loads(out.read_text().splitlines()[-1] if "ndjson" in words else out.read_text())
    else:
        assert out.read_text() == "prod/db\t-\t-\t-\t-\t-\t123456789012\t-\n"


@pytest.mark.parametrize("out", [FULL, BROKEN, CLOSED])
@pytest.mark.parametrize(
    "words", ["status prod/db -o table", "status prod/db -o ndjson", "list -o text", "--help", "completion zsh"]
)
def test_without_any_stream_smrep_ends(sandbox: Sandbox, out: str, words: str) -> None:
    sandbox.create()
    assert run(sandbox, *words.split(), out=out, err=out) == {FULL: 1, BROKEN: 141, CLOSED: 0}[out]


def test_what_cannot_be_told_as_it_happens_is_not_begun(sandbox: Sandbox) -> None:
    sandbox.create()
    for out, code in ((FULL, 1), (BROKEN, 141)):
        assert run(sandbox, "replicate", "prod/db", "-r", "us-west-2", "-o", "ndjson", out=out) == code
        words = ("apply", "-f", "-", "--yes", "-o", "ndjson")
        assert run(sandbox, *words, out=out, stdin=io.StringIO(MANIFEST)) == code
    assert sandbox.log("ReplicateSecretToRegions") == []


@pytest.mark.parametrize("shown", ["json", "text", "name"])
def test_what_cannot_be_told_at_the_end_is_done_all_the_same(sandbox: Sandbox, tmp_path: Path, shown: str) -> None:
    sandbox.create()
    words, err = ("apply", "-f", "-", "--yes", "-o", shown), tmp_path / "err"
    assert run(sandbox, *words, out=FULL, err=err, stdin=io.StringIO(MANIFEST)) == 1
    assert FULL_DISK in err.read_text()
    assert run(sandbox, *words, out=BROKEN, stdin=io.StringIO(MANIFEST)) == 141
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


@pytest.mark.parametrize("words", ["audit -r us-west-2 --report dr.xml", "plan -f - --out dr.plan"])
def test_a_file_that_is_no_output_is_written_though_the_output_is_not(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    sandbox.create()
    monkeypatch.chdir(tmp_path)
    assert run(sandbox, *words.split(), out=FULL, stdin=io.StringIO(MANIFEST)) == 1
    assert Path(words.rsplit(maxsplit=1)[-1]).read_text()


INPUTS = {
    "lines": b"prod/db\nprod/other\n",
    "no last line feed": b"prod/db\nprod/other",
    "carriage returns": b"prod/db\r\nprod/other\r\n",
    "a mark of the byte order": b"\xef\xbb\xbfprod/db\nprod/other\n",
    "empty lines": b"\n\n  \nprod/db\n\t\nprod/other\n\n",
    "the same twice": b"prod/db\nprod/other\nprod/db\n",
}


@pytest.mark.parametrize("text", INPUTS.values(), ids=INPUTS)
def test_standard_input_names_secrets(sandbox: Sandbox, tmp_path: Path, text: bytes) -> None:
    sandbox.create()
    sandbox.create("prod/other")
    out = tmp_path / "out"
    assert run(sandbox, "status", "-", "-o", "text", out=out, stdin=io.TextIOWrapper(io.BytesIO(text), "utf-8")) == 0
    assert [line.split("\t")[0] for line in out.read_text().splitlines()] == ["prod/db", "prod/other"]


BAD_INPUTS = {
    "no UTF-8": (b"prod/\xff\xfe\n", "strict", 2, "could not be read"),
    "bytes in disguise": (b"prod/\xff\xfe\n", "surrogateescape", 2, r"prod/\udcff\udcfe"),
    "NUL": (b"prod/\x00db\n", "strict", 2, r"prod/\x00db"),
    "binary": (bytes(range(256)), "surrogateescape", 2, r"\x01"),
    "a huge line": (b"x" * 3_000_000, "strict", 2, "a SECRET has 3000000 characters"),
    "nothing": (b"", "strict", 0, "named no secret"),
}


@pytest.mark.parametrize("given", BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_standard_input_that_names_none(sandbox: Sandbox, tmp_path: Path, given: tuple[bytes, str, int, str]) -> None:
    text, errors, code, said = given
    out, err = tmp_path / "out", tmp_path / "err"
    stdin = io.TextIOWrapper(io.BytesIO(text), "utf-8", errors)
    assert run(sandbox, "status", "-", "--json", out=out, err=err, stdin=stdin) == code
    assert json.loads(out.read_text())["exit_code"] == code
    assert said in err.read_text()


def test_standard_input_that_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    err = tmp_path / "err"
    with io.TextIOWrapper(os.fdopen(os.open(os.devnull, os.O_WRONLY), "rb"), "utf-8") as unreadable:
        for stdin, said in ((None, "standard input is closed"), (unreadable, "could not be read: Bad file descriptor")):
            assert run(sandbox, "status", "-", out=os.devnull, err=err, stdin=stdin) == 2
            assert said in err.read_text()


@pytest.mark.terminal
def test_pipes_of_a_shell(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
    sandbox.create()
    gone = tmp_path / "gone"
    script = f"""
        {BIN}/smrep replicate prod/db -r us-west-2 -o ndjson | {{ head -1 >/dev/null; exec <&-; touch {gone}; }}
        echo ${{PIPESTATUS[0]}}
        {BIN}/smrep sandbox exec -- {BIN}/smrep status nowhere <&- >&- 2>&-; echo $?
        _SMREP_COMPLETE=bash_complete {BIN}/smrep; echo $?
        _SMREP_COMPLETE=bash_complete {BIN}/smrep "smrep re" re >/dev/full; echo $?
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(["bash", "-c", script], env=sandbox.env, text=True, **pipes)
    wait_until(gone.exists, "the reader has gone")

    def has_ended() -> bool:
        sandbox.pass_time()  # what smrep sends even now is in sync at once
        return process.poll() is not None

    wait_until(has_ended, "the shell has ended")
    out, err = end(process)
    assert out.split() == ["141", "1", "1", "1"]
    assert "Traceback" not in err
    assert "Errno" not in err
