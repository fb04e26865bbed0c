"""Runs `smrep plan` and `smrep apply` against a sandbox: its secrets, a manifest, and the requests that reached it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fixtures import Done, Sandbox

Make = Callable[..., Sandbox]
HOME, WEST, IRELAND, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
ACCOUNT = "123456789012"
PROD: dict[str, Any] = {"name": "prod", "prefix": "prod/", "regions": [WEST]}
NAMES = tuple(f"prod/{number:02}" for number in range(12))


def stocked(make: Make, *names: str, **faults: Any) -> Sandbox:
    """Return a sandbox in which these secrets stand alone, and nothing is logged yet."""
    sandbox = make(**{"removal_delay_s": 0.0, **faults})
    with sandbox.simulator.undisturbed():
        for name in names or NAMES:
            sandbox.create(name)
    return sandbox


def replicate(sandbox: Sandbox, name: str, *regions: str) -> None:
    """Replicate a secret, by the way."""
    with sandbox.simulator.undisturbed():
        sandbox.call(ADD, SecretId=name, AddReplicaRegions=[{"Region": each} for each in regions])


def rekeyed_over_there(make: Make) -> tuple[Sandbox, str]:
    """Return a sandbox in which `prod/a` in us-west-2 is under a key that the primary does not show, and that key."""
    sandbox = stocked(make, "prod/a", primary_shows_rekey=False)
    replicate(sandbox, "prod/a", WEST)
    with sandbox.simulator.undisturbed():
        key = sandbox.key("alias/dr")
    sandbox.call("UpdateSecret", WEST, SecretId="prod/a", KmsKeyId="alias/dr")  # not undisturbed: it would be shown
    sandbox.simulator.log.clear()
    return sandbox, key


def manifest(path: Path, *rules: dict[str, Any], **fields: Any) -> str:
    """Write a manifest; return where it is."""
    file = path / "dr.json"
    file.write_text(json.dumps({"schema": 1, "replicate": rules or [PROD], **fields}))
    return str(file)


def sent(sandbox: Sandbox) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return (operation, name, Regions) of each write that arrived, in their order."""
    found = []
    for call in sandbox.simulator.log:
        if call.operation in (ADD, REMOVE):
            added = [each["Region"] for each in call.params.get("AddReplicaRegions", ())]
            regions = added or call.params.get("RemoveReplicaRegions", ())
            found.append((call.operation, str(call.secret_id).split(":", 6)[6][:-7], tuple(regions)))
    return found


def rows(done: Done) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (secret, Region) -> its row of the document."""
    return {(each["name"], row["region"]): row for each in done.document["secrets"] for row in each["replicas"]}


def counts(done: Done) -> dict[str, int]:
    """Return the counts of the summary that are not nought."""
    return {word: count for word, count in done.document["summary"].items() if count}


def refused(
    sandbox: Sandbox, *words: str, code: int = 2, stdin: str | None = None, env: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Run smrep, which ends with this code and sends nothing; return the error of the document."""
    done = sandbox.smrep(*words, "--json", stdin=stdin, **(env or {}))
    assert done.code == code, done.err
    assert sent(sandbox) == []
    error: dict[str, Any] = done.document["error"]
    assert error["message"].startswith(done.err.partition("error: ")[2].partition("\n")[0])
    return error
