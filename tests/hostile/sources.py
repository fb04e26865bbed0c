"""Every place where a text from AWS, or from an impostor, can enter smrep; each can be filled with any text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from smrep.output.formats import FORMATS
from smrep.sandbox.simulator.simulated_aws import ApiError

MARK = "HOSTILE-TEXT"
"""Stands for the hostile text."""
ACCOUNT = "123456789012"
ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{MARK}-a1b2c3"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{MARK}"

Answer = dict[str, Any]
Lie = Callable[[Answer, str], None]
"""Changes an answer in place; the text is the Region that was asked."""

READING = ("status", "verify", "doctor")
SENDING = ("replicate", "rekey", "remove", "promote")
FLEET = ("list", "audit", "plan", "apply", "export")
KEYED = ("replicate", "rekey", "doctor", "plan", "apply")
LOOKING = ("audit", "plan", "apply", "export")
"""Those of them that look at what they have listed."""
ALL = (*READING, "wait", "retry", *SENDING, *LOOKING)
SOME = ("status", "doctor", "replicate", "rekey", *LOOKING)


@dataclass(frozen=True, slots=True)
class Source:
    """One place of one operation's answer, and the commands that read it."""

    operation: str
    lie: Lie
    commands: tuple[str, ...] = ALL


def _field(name: str, text: str = MARK) -> Lie:
    def lie(answer: Answer, _region: str) -> None:
        answer[name] = text

    return lie


def _arn(answer: Answer, region: str) -> None:
    answer["ARN"] = ARN.replace("us-east-1", region)


def _named(answer: Answer, region: str) -> None:
    _arn(answer, region)
    answer["Name"] = MARK


def _doomed(answer: Answer, region: str) -> None:
    _named(answer, region)
    answer["DeletedDate"] = 1_795_000_000.0


def _entry(**changes: str) -> Lie:
    """Change each entry of the primary's list."""

    def lie(answer: Answer, _region: str) -> None:
        for entry in answer.get("ReplicationStatus", ()):
            entry.update(changes)

    return lie


def _stages(answer: Answer, _region: str) -> None:
    answer["VersionIdsToStages"] = {f"{MARK}-id": ["AWSCURRENT", MARK]}


def _cross(answer: Answer, _region: str) -> None:
    end = {"ReplicationStatus": MARK, "StatusMessage": MARK}
    answer["CrossAccountPrimary"] = {"PrimarySecretARN": ARN, **end}
    answer["CrossAccountReplicas"] = [{"ReplicaSecretARN": ARN, **end}]


def _at_home(lie: Lie) -> Lie:
    def only(answer: Answer, region: str) -> None:
        if region == "us-east-1":
            lie(answer, region)

    return only


def _abroad(lie: Lie) -> Lie:
    def only(answer: Answer, region: str) -> None:
        if region != "us-east-1":
            lie(answer, region)

    return only


def _stranger(answer: Answer, region: str) -> None:
    _arn(answer, region)
    answer.pop("PrimaryRegion", None)


def _victim(answer: Answer, region: str) -> None:
    _named(answer, region)
    answer.pop("PrimaryRegion", None)


def _versions(**changes: Any) -> Lie:
    def lie(answer: Answer, _region: str) -> None:
        for entry in answer["Versions"]:
            entry.update(changes)

    return lie


def _key(**changes: str) -> Lie:
    def lie(answer: Answer, _region: str) -> None:
        answer["KeyMetadata"].update(changes)

    return lie


def _policy(answer: Answer, _region: str) -> None:
    bound = {"Resource": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{MARK}"}
    answer["ResourcePolicy"] = json.dumps({"Statement": [bound]})


def _regions(name: str, value: str) -> Lie:
    def lie(answer: Answer, _region: str) -> None:
        for each in answer["Regions"]:
            each[name] = value

    return lie


def _decision(answer: Answer, _region: str) -> None:
    (result,) = answer["EvaluationResults"]
    answer["EvaluationResults"] = [{"EvalActionName": result["EvalActionName"], "EvalDecision": MARK}]


def _refused(code: str, status: int = 400) -> Lie:
    def lie(_answer: Answer, _region: str) -> None:
        raise ApiError(code, f"no: {MARK}", status)

    return lie


def _listed(lie: Lie) -> Lie:
    """Change each secret of a list."""

    def every(answer: Answer, region: str) -> None:
        for entry in answer["SecretList"]:
            lie(entry, region)

    return every


def _tags(answer: Answer, _region: str) -> None:
    answer["Tags"] = [*answer.get("Tags", ()), {"Key": MARK, "Value": MARK}]


def _versions_listed(answer: Answer, region: str) -> None:
    answer["SecretVersionsToStages"] = {f"{MARK}-{region}": ["AWSCURRENT", MARK]}


LIST, DESCRIBE = "ListSecrets", "DescribeSecret"
LISTED = {
    "listed name": _named,
    "listed ARN": _arn,
    "listed key": _field("KmsKeyId"),
    "listed primary Region": _abroad(_field("PrimaryRegion")),
    "listed owner": _field("OwningService"),
    "listed tags": _tags,
    "listed versions": _versions_listed,
    "listed doom": _abroad(_doomed),
    "listed stranger": _abroad(_victim),
}
SOURCES = {
    **{name: Source(LIST, _listed(lie), FLEET) for name, lie in LISTED.items()},
    "next page": Source(LIST, _field("NextToken"), FLEET),
    "name": Source(DESCRIBE, _named),
    "ARN": Source(DESCRIBE, _arn, SOME),
    "doomed ARN": Source(DESCRIBE, _doomed),
    "own key": Source(DESCRIBE, _at_home(_field("KmsKeyId")), ("replicate", "doctor")),
    "key over there": Source(DESCRIBE, _abroad(_field("KmsKeyId")), (*READING, "rekey")),
    "primary Region": Source(DESCRIBE, _field("PrimaryRegion"), SOME),
    "owner": Source(DESCRIBE, _field("OwningService"), (*READING, "replicate")),
    "labels": Source(DESCRIBE, _stages, ("verify", "doctor", "audit")),
    "cross-account": Source(DESCRIBE, _cross, (*READING, "replicate")),
    "stranger over there": Source(DESCRIBE, _abroad(_stranger)),
    "namesake over there": Source(DESCRIBE, _abroad(_victim)),
    "Region": Source(DESCRIBE, _entry(Region=MARK), SOME),
    "status": Source(DESCRIBE, _entry(Status=MARK), (*READING, "replicate", "wait", "retry", "remove", *LOOKING)),
    "message": Source(DESCRIBE, _entry(Status="Failed", StatusMessage=MARK)),
    "key message": Source(DESCRIBE, _entry(Status="Failed", StatusMessage=f"kms {MARK}", KmsKeyId=KEY)),
    "stranger message": Source(DESCRIBE, _entry(Status="Failed", StatusMessage=f"different ARN {MARK}"), SOME),
    "message in sync": Source(DESCRIBE, _entry(StatusMessage=MARK), (*READING, "replicate", "wait", *LOOKING)),
    "key": Source(DESCRIBE, _entry(KmsKeyId=KEY), SOME),
    "key word": Source(DESCRIBE, _entry(KmsKeyId=MARK), SOME),
    "version id": Source("ListSecretVersionIds", _versions(VersionId=MARK), ("verify", "doctor")),
    "version label": Source(
        "ListSecretVersionIds", _versions(VersionStages=["AWSCURRENT", MARK]), ("verify", "doctor")
    ),
    "version keys": Source("ListSecretVersionIds", _versions(KmsKeyIds=[KEY]), ("verify", "doctor")),
    "policy": Source("GetResourcePolicy", _policy, ("doctor --reader",)),
    "bare policy": Source("GetResourcePolicy", _field("ResourcePolicy", f"{MARK} us-east-1"), ("doctor --reader",)),
    "key ARN": Source("DescribeKey", _key(Arn=KEY, KeyState="Disabled"), KEYED),
    "bare key ARN": Source("DescribeKey", _key(Arn=MARK), KEYED),
    "key state": Source("DescribeKey", _key(KeyState=MARK), KEYED),
    "key usage": Source("DescribeKey", _key(KeyUsage=MARK), ("replicate", "doctor")),
    "key spec": Source("DescribeKey", _key(KeySpec=MARK), ("replicate", "doctor")),
    "caller": Source("GetCallerIdentity", _field("Arn", f"arn:aws:iam::{ACCOUNT}:user/{MARK}"), ("doctor",)),
    "bare caller": Source("GetCallerIdentity", _field("Arn"), ("doctor",)),
    "account Regions": Source("ListRegions", _regions("RegionName", MARK), ("doctor",)),
    "account word": Source("ListRegions", _regions("RegionOptStatus", MARK), ("doctor",)),
    "decision": Source("SimulatePrincipalPolicy", _decision, ("doctor --reader",)),
    "answer to replicate": Source(
        "ReplicateSecretToRegions", _entry(Status="Failed", StatusMessage=MARK), ("replicate", "apply")
    ),
    "answer's ARN": Source("ReplicateSecretToRegions", _field("ARN"), ("replicate", "apply")),
    "answer's Region": Source("ReplicateSecretToRegions", _entry(Region=MARK), ("replicate", "apply")),
}
_CALLS = {
    LIST: FLEET,
    DESCRIBE: ALL,
    "ListSecretVersionIds": ("verify", "doctor"),
    "GetResourcePolicy": ("doctor --reader",),
    "DescribeKey": KEYED,
    "GetCallerIdentity": ("doctor",),
    "SimulatePrincipalPolicy": ("doctor --reader",),
    "AssumeRole": ("status --role-arn",),
    "ReplicateSecretToRegions": ("replicate", "apply"),
    "RemoveRegionsFromReplication": ("remove",),
    "UpdateSecret": ("rekey",),
    "StopReplicationToReplica": ("promote",),
}
SOURCES |= {f"refusal of {name}": Source(name, _refused("NoException"), words) for name, words in _CALLS.items()}
SOURCES |= {f"code from {name}": Source(name, _refused(MARK), words[:1]) for name, words in _CALLS.items()}
SOURCES |= {
    f"denial of {name}": Source(name, _refused("AccessDeniedException"), words[-1:]) for name, words in _CALLS.items()
}
SHOWN = {
    "listed name": ("list",),
    "listed key": ("export",),
    "key over there": ("verify",),
    "owner": ("doctor",),
    "cross-account": ("status",),
    "status": ("verify", *LOOKING),
    "message": ("status", *LOOKING),
    "message in sync": ("verify",),
    "key": ("status",),
    "key word": ("status",),
    "version keys": ("verify",),
    "policy": ("doctor --reader",),
    "key state": ("rekey",),
    "key usage": ("doctor",),
    "answer to replicate": ("replicate",),
    "refusal of ListSecrets": FLEET,
    "refusal of DescribeSecret": LOOKING,
    "refusal of ReplicateSecretToRegions": ("apply",),
}
"""The sources whose text is part of the result as it is, each with the commands that tell it."""

OUTPUTS = tuple(name for name in FORMATS if name != "ndjson")
"""What a run prints, in turn; its report is rendered in every format besides."""
PRINTS = {"list": "json", "export": "name"}
"""Where a report is printed only so: a list's rows come as they are found, and an export's result is the manifest."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of smrep against a source that lies."""

    source: str
    command: str
    output: str

    def __str__(self) -> str:
        return f"{self.source}-{self.command}-{self.output}"


def chosen_runs() -> list[Run]:
    """Return a run for each source, where it can with a command that has not read its operation yet.

    Then come the runs that are missing until every command has read every operation that it reads.
    """
    chosen: list[tuple[str, str]] = []
    read: set[tuple[str, str]] = set()
    for every_command in (False, True):
        for name, source in SOURCES.items():
            commands = source.commands if every_command else SHOWN.get(name, source.commands)
            new = [each for each in commands if (source.operation, each) not in read]
            picked = new if every_command else (new or commands)[:1]
            chosen += [(name, each) for each in picked]
            read |= {(source.operation, each) for each in picked}
    turns = cycle(OUTPUTS)
    return [Run(name, command, PRINTS.get(command) or next(turns)) for name, command in chosen]
