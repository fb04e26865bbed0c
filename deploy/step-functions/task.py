"""A task of the state machine in template.yaml. Its files are in the bucket $BUCKET, below $RUN.

`task.py find` writes the accounts that the manifest covers to accounts.json.
`task.py run` runs the smrep command $COMMAND in the account at $INDEX and writes its document to documents/ID.json.
`task.py merge` merges the documents into result.json, and writes the exit code of the whole to end.json.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import boto3

MANIFEST = os.environ.get("SMREP_MANIFEST", "/etc/smrep/dr.toml")
RATE = 20
"""Writes a second in an account and Region: `--rate` is for all shards, but only one of them has the account."""
SMREP = Path(sys.executable).with_name("smrep")
UNFINISHED = (3, 143)
"""smrep's exit codes after which another run may end better: something is in progress; it was stopped."""


def find(files: Files) -> int:
    """Write the accounts that the manifest covers."""
    code, text = smrep("accounts", "-f", MANIFEST)
    if code == 0:
        covered = [account for account in json.loads(text)["accounts"] if account["covered"]]
        files.write("accounts.json", json.dumps(covered))
    return code


def run(files: Files) -> int:
    """Run smrep in one account and write its document; exit with 0 unless another run may end better."""
    accounts, index = json.loads(files.read("accounts.json")), int(os.environ["INDEX"])
    name, *options = shlex.split(os.environ["COMMAND"])
    shard = f"{index + 1}/{len(accounts)}"  # so that the document says of what it is a part
    rate = ("--rate", str(RATE * len(accounts))) if name == "apply" else ()
    words = (name, "-f", "-", *rate, *options, "--shard", shard)
    code, text = smrep(*words, stdin=json.dumps(manifest_of(accounts)))
    files.write(f"documents/{accounts[index]['account_id']}.json", text)
    return code if code in UNFINISHED else 0


def manifest_of(accounts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the manifest with these accounts in place of its organization, which no task asks for again."""
    manifest = tomllib.loads(Path(MANIFEST).read_text(encoding="utf-8"))
    manifest.pop("organization", None)
    roles = [{key: account[key] for key in ("role_arn", "external_id", "region")} for account in accounts]
    return manifest | {"account": [{key: value for key, value in role.items() if value} for role in roles]}


def merge(files: Files) -> int:
    """Merge the documents; the exit code of the whole is in end.json."""
    accounts = [account["account_id"] for account in json.loads(files.read("accounts.json"))]
    with tempfile.TemporaryDirectory() as folder:
        documents = []
        for account in accounts:
            try:
                text = files.read(f"documents/{account}.json")
            except files.missing:
                print(f"account {account} has no document: its task did not end", file=sys.stderr)
                continue
            documents.append(Path(folder, f"{account}.json"))
            documents[-1].write_text(text, encoding="utf-8")
        page = Path(folder, "audit.html")
        reports = ["--report", str(page)] if os.environ["COMMAND"].startswith("audit") else []
        code, text = smrep("merge", *map(str, documents), "--expect-documents", str(len(accounts)), *reports)
        if page.exists():
            files.write(page.name, page.read_text(encoding="utf-8"))
    files.write("result.json", text)
    files.write("end.json", json.dumps({"exit_code": code, "result": json.loads(text)["result"]}))
    return 0


def smrep(*words: str, stdin: str = "") -> tuple[int, str]:
    """Run smrep; return its exit code and document. It gets the SIGTERM with which Fargate stops a task."""
    with subprocess.Popen([SMREP, *words, "-o", "json"], stdin=PIPE, stdout=PIPE, text=True) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        text, _ = process.communicate(stdin)
    if process.returncode < 0:
        sys.exit(f"signal {-process.returncode} ended smrep, so there is no document")
    return process.returncode, text


class Files:
    """The files of one execution of the state machine."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")
        self._bucket, self._prefix = os.environ["BUCKET"], os.environ["RUN"]
        self.missing = self._s3.exceptions.NoSuchKey

    def read(self, name: str) -> str:
        """Return a file's text."""
        answer = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")
        return str(answer["Body"].read().decode())

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}", Body=text.encode())


if __name__ == "__main__":
    sys.exit({"find": find, "run": run, "merge": merge}[sys.argv[1]](Files()))
