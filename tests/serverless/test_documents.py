"""Where the Lambda function finds its manifest and leaves its documents: S3, or the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from cli.apply_sandbox import HOME, IRELAND, WEST, manifest
from fixtures import VALIDATOR, Sandbox
from moto.server import ThreadedMotoServer
from sample_events import trail

from smrep import serverless
from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.api_errors import ApiError

BUCKET = "smrep-documents"


@pytest.fixture
def s3(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of S3 with one bucket; the environment is that of a function with a manifest there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {**sandbox.env, "AWS_ENDPOINT_URL_S3": url}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name=HOME)
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="in/dr.toml", Body=Path(manifest(tmp_path)).read_bytes())
    monkeypatch.setenv("SMREP_MANIFEST", f"s3://{BUCKET}/in/dr.toml")
    yield client
    sessions = serverless._SESSIONS
    for each in (client, *(made for session in sessions.values() for made in session._clients.values())):
        each.close()
    sessions.clear()
    server.stop()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="out/").get("Contents", [])]


def test_a_manifest_comes_from_s3_and_the_document_goes_there(
    s3: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.create("prod/a")
    monkeypatch.setenv("SMREP_DOCUMENTS", f"s3://{BUCKET}/out/")
    context = SimpleNamespace(aws_request_id="7a1e", function_name="smrep", get_remaining_time_in_millis=lambda: 60_000)
    summary = serverless.handler({"smrep": "audit"}, context)
    (key,) = keys(s3)
    assert key.endswith("Z-audit-7a1e.json")
    assert summary["document"] == f"s3://{BUCKET}/{key}"
    document = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    VALIDATOR.validate(document)
    assert (document["exit_code"], summary["exit_code"], summary["missing"]) == (5, 5, 1)
    (line,) = lines(capsys)
    assert line["document"] == summary["document"]


def test_a_document_that_s3_does_not_take_is_in_the_log_and_the_run_fails(
    s3: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.create("prod/a")
    monkeypatch.setenv("SMREP_DOCUMENTS", "s3://no-such-bucket")
    with pytest.raises(serverless.Failed, match=r"s3://no-such-bucket/.*NoSuchBucket"):
        serverless.handler({"smrep": "audit"}, None)
    document, summary = lines(capsys)
    assert document["secrets"][0]["name"] == "prod/a"
    assert (summary["exit_code"], "_aws" in summary) == (1, True)  # what it measured still counts


def test_a_manifest_that_is_not_there_fails(s3: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMREP_MANIFEST", f"s3://{BUCKET}/other.toml")
    with pytest.raises(serverless.Failed, match=rf"s3://{BUCKET}/other\.toml in {HOME}: .*NoSuchKey"):
        serverless.handler({"smrep": "apply"}, None)
    assert sandbox.simulator.log == []


def test_a_run_that_could_not_look_measures_nothing(
    s3: Any, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.create("prod/a")
    sandbox.simulator.faults = Faults(outages=frozenset({HOME}))
    for event in ({"smrep": "apply"}, {"smrep": "audit"}, trail("CreateSecret", {"name": "prod/a"})):
        with pytest.raises(serverless.Failed, match=r"no answer|closed"):
            serverless.handler(event, None)
        _, summary = lines(capsys)
        assert (summary["result"], "missing" in summary, "_aws" in summary) == ("failed", False, False)


def test_a_run_that_could_not_look_at_one_secret_counts_none(
    s3: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["prod/a", "prod/b"]
    for name in names:
        sandbox.create(name)
    monkeypatch.setenv("SMREP_MANIFEST", manifest(tmp_path, {"names": names, "regions": [WEST]}))
    answer = sandbox.simulator.call
    for code, missing in (("InternalServiceError", None), ("ResourceNotFoundException", 1)):
        refusal = ApiError(code, "no", 400 if missing else 500)

        def call(*args: Any, refusal: ApiError = refusal, **kwargs: Any) -> Any:
            if args[1] == "DescribeSecret" and "prod/a" in args[3]["SecretId"]:
                raise refusal
            return answer(*args, **kwargs)

        monkeypatch.setattr(sandbox.simulator, "call", call)
        with pytest.raises(serverless.Failed, match=code):
            serverless.handler({"smrep": "audit"}, None)
        summary = lines(capsys)[-1]
        assert (summary["result"], summary["secrets"]) == ("failed", 2)
        assert ("_aws" in summary, summary.get("missing")) == (missing is not None, missing)


def test_a_region_that_may_not_be_looked_into_measures_nothing_whatever_failed_elsewhere(
    s3: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.create("prod/a", AddReplicaRegions=[{"Region": WEST}, {"Region": IRELAND}])
    sandbox.simulator.set_replication_status("prod/a", HOME, WEST, "Failed", "no key")
    monkeypatch.setenv("SMREP_MANIFEST", manifest(tmp_path, {"names": ["prod/a"], "regions": [WEST, IRELAND]}))
    measured = []
    for denied in (frozenset(), frozenset({("DescribeSecret", IRELAND)})):
        sandbox.simulator.faults = Faults(denied=denied)
        with pytest.raises(serverless.Failed):
            serverless.handler(trail("UntagResource", {"secretId": "prod/a"}), None)
        measured.append("_aws" in lines(capsys)[-1])
    assert measured == [True, False]


def test_an_event_nested_deeper_than_python_writes_fails_without_a_traceback(s3: Any, sandbox: Sandbox) -> None:
    event: dict[str, Any] = {}
    for _ in range(100_000):
        event = {"detail": event}
    with pytest.raises(serverless.Failed, match="nested too deeply"):
        serverless.handler(event, None)


def test_a_failed_replica_is_named_in_the_failure(
    s3: Any, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.create("prod/a")
    sandbox.simulator.set_replication_status("prod/a", HOME, WEST, "Failed", "Replication failed: \x1b[31mred")
    with pytest.raises(serverless.Failed, match=f"prod/a .*{WEST}") as failure:
        serverless.handler({"smrep": "audit"}, None)
    assert "\x1b" not in str(failure.value)
    assert lines(capsys)[-1]["failed"] == 1


def test_the_log_drops_secrets_that_are_well_before_it_drops_any_other() -> None:
    def document(**results: int) -> dict[str, Any]:
        secrets = [{"name": "x" * 100, "result": result} for result, count in results.items() for _ in range(count)]
        return {"schema": "smrep/1", "secrets": secrets}

    few, many = document(ok=10, drift=10), document(ok=2000, drift=10)
    assert serverless._short(few) == few
    assert serverless._short(many)["secrets"] == document(drift=10)["secrets"]
    assert serverless._short(document(drift=2000)) == {"schema": "smrep/1", "secrets": []}


@pytest.mark.parametrize(
    ("secret", "states"),
    [
        ({"status": "InSync"}, set()),
        ({"status": "Failed"}, {"failed"}),
        ({"status": None, "action": "add"}, {"missing"}),
        ({"status": None, "error": {"message": "x"}}, {"missing"}),
        ({"status": None}, set()),
        (
            {"status": "InSync", "findings": [{"kind": "stale"}, {"kind": "extra"}], "result": "drift"},
            {"stale", "drift"},
        ),
    ],
)
def test_a_secret_counts_in_each_of_its_states_once(secret: dict[str, Any], states: set[str]) -> None:
    row = {"region": WEST, "findings": [], "error": None, "action": None, **secret}
    assert serverless._states({"replicas": [row, row], "result": secret.get("result", "ok")}) == states
