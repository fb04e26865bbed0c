"""The journal: a line for each write, before it is sent, whole on a line of its own, or the write is not sent."""

from __future__ import annotations

import errno
import io
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fixtures import Sandbox
from hostile.output_checks import acts, commands
from hostile.payloads import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, OutputError
from smrep.output.append_only_file import AppendOnlyFile, Journal
from smrep.regions import Region

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
ADD = {"SecretId": ARN, "AddReplicaRegions": [{"Region": WEST, "KmsKeyId": "alias/dr"}, {"Region": IRELAND}]}


class Disk(io.StringIO):
    """A file of which is known what has reached the disk, and which can be full."""

    def __init__(self, room: int = 10**6) -> None:
        super().__init__()
        self.room = room
        self.on_disk = ""

    def flush(self) -> None:
        self.on_disk = self.getvalue()[: self.room]
        if len(self.getvalue()) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")


def journal(file: Any, command: str = "apply") -> Journal:
    return Journal(AppendOnlyFile(file, "/var/log/dr.jsonl", lambda: NOON, "journal"), command)


def lines(disk: Disk) -> list[dict[str, Any]]:
    text = disk.on_disk
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_a_write_is_told_with_its_time_its_account_and_its_regions() -> None:
    disk = Disk()
    journal(disk).write("ReplicateSecretToRegions", Region(HOME), ADD)
    (line,) = lines(disk)
    assert list(line.items()) == [
        ("ts", "2026-11-23T11:00:00.123Z"),
        ("command", "apply"),
        ("account", "123456789012"),
        ("operation", "ReplicateSecretToRegions"),
        ("region", HOME),
        ("secret", ARN),
        ("regions", [WEST, IRELAND]),
        ("force", False),
        ("kms_key_ids", {WEST: "alias/dr"}),
    ]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("ReplicateSecretToRegions", {**ADD, "ForceOverwriteReplicaSecret": True}, {"force": True}),
        ("RemoveRegionsFromReplication", {"RemoveReplicaRegions": [IRELAND]}, {"regions": [IRELAND], "force": False}),
        ("StopReplicationToReplica", {}, {"regions": [HOME]}),
        ("UpdateSecret", {"KmsKeyId": "alias/dr"}, {"regions": [HOME], "kms_key_id": "alias/dr"}),
    ],
)
def test_every_kind_of_write_is_told(operation: str, params: dict[str, Any], expected: dict[str, Any]) -> None:
    disk = Disk()
    journal(disk).write(operation, Region(HOME), {"SecretId": ARN, **params})
    (line,) = lines(disk)
    assert line["operation"] == operation
    assert line.items() >= expected.items()


def test_nothing_else_of_a_request_is_told() -> None:
    disk = Disk()
    journal(disk).write("UpdateSecret", Region(HOME), {"SecretId": ARN, "KmsKeyId": "k", "SecretString": "s3cret"})
    assert "s3cret" not in disk.on_disk


def test_of_a_name_the_account_is_not_known() -> None:
    disk = Disk()
    journal(disk, "remove").write("RemoveRegionsFromReplication", Region(HOME), {"SecretId": "prod/db"})
    (line,) = lines(disk)
    assert (line["account"], line["secret"], line["command"]) == (None, "prod/db", "remove")


def test_it_is_on_the_disk_before_the_write_is_sent() -> None:
    disk = Disk()
    book = journal(disk)
    for count in range(1, 4):
        book.write("ReplicateSecretToRegions", Region(HOME), ADD)
        assert len(lines(disk)) == count


def test_what_can_not_be_written_down_is_not_sent_and_says_so() -> None:
    with pytest.raises(OutputError) as caught:
        journal(Disk(room=10)).write("ReplicateSecretToRegions", Region(HOME), ADD)
    error = caught.value
    assert error.message == (
        "the journal /var/log/dr.jsonl could not be written, so smrep sends nothing more: No space left on device"
    )
    assert (error.code, error.outcome) == ("JournalNotWritten", Outcome.FAILED)  # as OutputError it would be mute


def test_what_was_written_before_the_disk_was_full_stays_whole() -> None:
    disk = Disk()
    book = journal(disk)
    book.write("ReplicateSecretToRegions", Region(HOME), ADD)
    disk.room = len(disk.on_disk) + 10
    with pytest.raises(OutputError):
        book.write("ReplicateSecretToRegions", Region(HOME), ADD)
    whole, _, rest = disk.on_disk.partition("\n")
    assert json.loads(whole)["secret"] == ARN
    assert len(rest) == 10


def test_threads_write_one_line_after_the_other() -> None:
    class Slow(Disk):
        """A file into which a line goes in two pieces."""

        def write(self, text: str) -> int:
            assert inside.acquire(blocking=False)
            super().write(text[:20])
            never.wait(0.005)
            super().write(text[20:])
            inside.release()
            return len(text)

    inside, never, disk = threading.Lock(), threading.Event(), Slow()
    book = journal(disk)
    threads = [
        threading.Thread(target=book.write, args=("ReplicateSecretToRegions", Region(HOME), {"SecretId": str(number)}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["secret"] for line in lines(disk)) == [str(number) for number in range(8)]


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_words_stay_true_on_one_line(kind: str) -> None:
    disk = Disk()
    hostile = TEXTS[kind].encode("utf-8", "replace").decode()
    params = {"SecretId": hostile, "AddReplicaRegions": [{"Region": f"{hostile},\n  x"}]}
    journal(disk).write(hostile, Region(hostile), params)
    (line,) = lines(disk)
    assert (line["secret"], line["operation"], line["region"]) == (hostile, hostile, hostile)
    assert line["regions"] == [f"{hostile},\n  x"]
    assert disk.on_disk.isascii()
    assert acts(disk.on_disk) == []
    assert commands(disk.on_disk) == []


@given(st.lists(st.text(), max_size=4))
def test_each_write_is_one_line_whatever_it_is_called(names: list[str]) -> None:
    disk = Disk()
    book = journal(disk)
    for name in names:
        book.write("RemoveRegionsFromReplication", Region(HOME), {"SecretId": name, "RemoveReplicaRegions": [name]})
    assert [(line["secret"], line["regions"]) for line in lines(disk)] == [(name, [name]) for name in names]


def test_times_are_utc() -> None:
    disk = Disk()
    journal(disk).write("ReplicateSecretToRegions", Region(HOME), ADD)
    assert datetime.fromisoformat(lines(disk)[0]["ts"]) == NOON.astimezone(UTC).replace(microsecond=123000)


def test_after_a_line_that_could_not_be_written_there_is_no_other_and_no_write() -> None:
    disk = Disk(room=20)
    book = journal(disk)
    for room in (20, 10**6):
        disk.room = room
        with pytest.raises(OutputError, match="smrep sends nothing more"):
            book.write("ReplicateSecretToRegions", Region(HOME), ADD)
    assert disk.getvalue().count("\n") == 1


def test_a_pipe_is_refused_and_not_waited_for(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox()
    sandbox.create()
    os.mkfifo(tmp_path / "pipe")
    manifest = tmp_path / "dr.json"
    rule = {"name": "x", "prefix": "prod/", "regions": ["us-west-2"]}
    manifest.write_text("\ufeff" + json.dumps({"schema": 1, "replicate": [rule]}))
    words = ("apply", "-f", str(manifest), "--yes", "--journal", str(tmp_path / "pipe"))
    done = sandbox.smrep(*words)
    assert (done.code, "is a pipe, not a file" in done.err) == (2, True), done.err
    assert sandbox.log("ReplicateSecretToRegions") == []
