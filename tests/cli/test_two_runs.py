"""Two runs at once on the same secrets: the one that comes second waits for what the first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.failover_sandbox import HOME, STOP, WEST, failover, marks, replicated
from fakes import IRELAND, FakeAws, only
from fakes import WEST as REGION
from fixtures import Sandbox
from service.replicate_scene import replicate

from smrep.errors import Outcome, Refused
from smrep.output.failover_record_file import FailoverRecordFile

Make = Callable[..., Sandbox]


@pytest.mark.parametrize("key", ["", "=alias/dr"])
def test_what_another_run_has_just_asked_for_is_waited_for(aws: FakeAws, key: str) -> None:
    aws.create()
    key_id = aws.call("CreateKey", REGION, service="kms")["KeyMetadata"]["KeyId"]
    aws.call("CreateAlias", REGION, service="kms", AliasName="alias/dr", TargetKeyId=key_id)
    aws.faults(replication_delay_s=10.0)

    def come_second(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            wanted = {"Region": REGION, **({"KmsKeyId": "alias/dr"} if key else {})}
            aws.call(operation, SecretId="prod/db", AddReplicaRegions=[wanted])
            raise Refused("Secret is already replicated to the Region.")

    aws.on_call = come_second
    (secret,) = replicate(aws, f"{REGION}{key}")
    row = only((secret,))
    assert (row.outcome, row.status, row.changed, row.error) == (Outcome.OK, "InSync", False, None)
    assert secret.notes == ("someone else requested prod/db in us-west-2 meanwhile",)


def test_of_several_regions_one_look_tells_which_another_run_asked_for_and_the_others_are_sent_alone(
    aws: FakeAws,
) -> None:
    aws.create()
    aws.faults(replication_delay_s=10.0)
    sent: list[list[str]] = []

    def come_second(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions" and not sent:
            sent.append([])
            aws.call(operation, SecretId="prod/db", AddReplicaRegions=[{"Region": REGION}])
            aws.begin()
            raise Refused("Secret is already replicated to the Region.")

    aws.on_call = come_second
    (secret,) = replicate(aws, REGION, IRELAND, timeout_s=0.0)
    assert [(row.region, row.changed) for row in secret.replicas] == [(REGION, False), (IRELAND, True)]
    assert [[each["Region"] for each in params["AddReplicaRegions"]] for params in aws.sent()] == [[IRELAND]]
    before_it = [call[0] for call in aws.calls[: [call[0] for call in aws.calls].index("ReplicateSecretToRegions")]]
    assert before_it == ["DescribeSecret"]


def test_what_another_run_asked_for_under_another_key_is_not_what_was_wanted(aws: FakeAws) -> None:
    aws.create()
    key_id = aws.call("CreateKey", REGION, service="kms")["KeyMetadata"]["KeyId"]
    aws.call("CreateAlias", REGION, service="kms", AliasName="alias/dr", TargetKeyId=key_id)

    def come_second(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            aws.call(operation, SecretId="prod/db", AddReplicaRegions=[{"Region": REGION}])
            raise Refused("Secret is already replicated to the Region.")

    aws.on_call = come_second
    row = only(replicate(aws, f"{REGION}=alias/dr"))
    assert row.outcome is Outcome.FAILED
    assert row.error is not None
    assert "already replicated" in row.error.message


def test_the_second_of_two_failovers_says_that_the_record_names_the_secret_by_then(
    make_sandbox: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, record = replicated(make_sandbox, "prod/a"), tmp_path / "dr.jsonl"
    opened = FailoverRecordFile.opened

    def overtaken(*words: Any, **more: Any) -> FailoverRecordFile:
        book = opened(*words, **more)
        monkeypatch.setattr(FailoverRecordFile, "opened", opened)
        first = sandbox.simulator.call  # the other run: it is over before this one has looked
        other = FailoverRecordFile(str(record), book.now, type(book.record)())
        arn = first("secretsmanager", "DescribeSecret", WEST, {"SecretId": "prod/a"})["ARN"]
        assert failover(sandbox, record, "prod/a", "--yes").code == 0
        assert other.entry(arn) is not None
        return book

    monkeypatch.setattr(FailoverRecordFile, "opened", overtaken)
    done = failover(sandbox, record, "prod/a", "--yes")
    assert (done.code, marks(record)) == (0, ["promoting", "promoted"])
    assert [call.operation for call in sandbox.simulator.log].count(STOP) == 1
    assert "another run promoted prod/a in us-west-2 meanwhile, according to the record" in done.err
    assert "does not name it" not in done.err
    assert json.loads(record.read_text().splitlines()[0])["from"] == HOME
