"""The door to AWS: what may pass, how often it is sent, what comes back as which error."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions as botocore
from botocore import xform_name
from fixtures import ROOT, Sandbox

from smrep import errors
from smrep.aws.allow_list import ALLOWED, WRITES, NotAllowed
from smrep.aws.client import Aws
from smrep.aws.error_translation import from_response, from_transport
from smrep.aws.responses import to_replicas, to_secret
from smrep.aws.session import Session, Settings
from smrep.errors import Denied, NotFound, Outcome, Refused, Throttled, Unanswered, Unsupported
from smrep.model import Target
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Aws]]:
    """Return a function that opens a door to a sandbox."""
    sessions: list[Session] = []

    def connect(sandbox: Sandbox, **settings: Any) -> Aws:
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        session = Session(Settings(**settings))
        sessions.append(session)
        return Aws(session)

    yield connect
    for session in sessions:
        for client in session._clients.values():
            client.close()


def test_the_operations_allowed_are_few_and_none_reads_or_changes_a_value() -> None:
    assert {operation for _, operation in ALLOWED} == {
        *("DescribeSecret", "ListSecrets", "ListSecretVersionIds", "GetResourcePolicy", "DescribeKey"),
        "ListAliases",
        *("GetCallerIdentity", "AssumeRole", "ListRegions", "DescribeRegions", "SimulatePrincipalPolicy"),
        *("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"),
        *("GetObject", "PutObject"),
        *WRITES,
    }
    assert set(WRITES) == {
        "ReplicateSecretToRegions",
        "RemoveRegionsFromReplication",
        "StopReplicationToReplica",
        "UpdateSecret",
    }
    assert WRITES["UpdateSecret"] == {"SecretId", "KmsKeyId"}


FORBIDDEN = [
    ("GetSecretValue", {}),
    ("BatchGetSecretValue", {}),
    ("DeleteSecret", {}),
    ("PutSecretValue", {"SecretString": "x"}),
    ("UpdateSecret", {"SecretString": "x"}),
    ("UpdateSecret", {"KmsKeyId": "alias/dr", "SecretBinary": b"x"}),
    ("UpdateSecret", {"Description": "x"}),
    ("RemoveRegionsFromReplication", {"RemoveReplicaRegions": ["us-west-2"], "Extra": "x"}),
    ("TagResource", {"Tags": []}),
    ("PutResourcePolicy", {"ResourcePolicy": "{}"}),
    ("UpdateSecretVersionStage", {"VersionStage": "AWSCURRENT"}),
]


@pytest.mark.parametrize(("operation", "params"), FORBIDDEN)
def test_no_other_operation_can_be_sent_by_the_door(
    door: Callable[..., Aws], sandbox: Sandbox, operation: str, params: dict[str, Any]
) -> None:
    sandbox.create()
    with pytest.raises(NotAllowed):
        door(sandbox)._call("secretsmanager", operation, HOME, "prod/db", SecretId="prod/db", **params)
    assert sandbox.log(operation) == []


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize(("operation", "params"), FORBIDDEN)
def test_nor_by_whoever_holds_a_client(
    door: Callable[..., Aws], sandbox: Sandbox, operation: str, params: dict[str, Any], *, writes: bool
) -> None:
    """The door's own clients refuse it too: the list is not a habit of one function."""
    sandbox.create()
    client = door(sandbox).session.client("secretsmanager", HOME, writes=writes)
    named = {} if operation == "BatchGetSecretValue" else {"SecretId": "prod/db"}
    with pytest.raises(NotAllowed):
        getattr(client, xform_name(operation))(**named, **params)
    assert sandbox.log(operation) == []


def test_no_operation_of_any_service_passes_but_those_on_the_list(
    door: Callable[..., Aws], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = door(sandbox)
    for service in ("secretsmanager", "kms", "sts", "account", "iam", "s3"):
        client = aws.session.client(service, HOME)
        for operation in client.meta.service_model.operation_names:
            if (service, operation) not in ALLOWED:
                with pytest.raises(NotAllowed):
                    getattr(client, xform_name(operation))()
    assert sandbox.simulator.log == []


def test_nothing_else_in_smrep_calls_a_client() -> None:
    """Only client.py gets at a client, and there only through one getattr behind the allow-list."""
    for path in (ROOT / "smrep").rglob("*.py"):
        made = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
        ]
        assert not made or path.parent.name == "aws", path


def test_a_read_and_a_write_over_http(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    arn = sandbox.create()
    aws = door(sandbox)
    (entry,) = aws.replicate("prod/db", HOME, [Target(WEST)], force=False)
    assert (entry.region, entry.status) == (WEST, "InProgress")
    secret = aws.describe(arn, HOME)
    assert (secret.arn, secret.name, secret.account) == (arn, "prod/db", "123456789012")
    assert secret.replica(WEST) is not None


def test_a_write_whose_answer_is_lost_arrives_once(
    door: Callable[..., Aws], make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    from smrep.sandbox.faults import Drop

    sandbox = make_sandbox(drops=(Drop("ReplicateSecretToRegions", "after", times=9),))
    sandbox.create()
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "6")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    with pytest.raises(Unanswered):
        door(sandbox).replicate("prod/db", HOME, [Target(WEST)], force=False)
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


def test_a_read_is_retried_by_botocore(door: Callable[..., Aws], make_sandbox: Callable[..., Sandbox]) -> None:
    from smrep.sandbox.faults import Drop

    sandbox = make_sandbox(drops=(Drop("DescribeSecret", "before", times=1),))
    sandbox.create()
    assert door(sandbox).describe("prod/db", HOME).name == "prod/db"


def test_an_assumed_role_signs_the_calls(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    sandbox.create()
    aws = door(sandbox, role_arn="arn:aws:iam::123456789012:role/dr", sts_region=HOME)
    assert aws.describe("prod/db", HOME).name == "prod/db"
    assert len(sandbox.log("AssumeRole")) == 1


def test_a_role_is_asked_for_with_its_external_id(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    sandbox.create()
    role = "arn:aws:iam::123456789012:role/dr"
    door(sandbox, role_arn=role, external_id="build-7", sts_region=HOME).describe("prod/db", HOME)
    (call,) = sandbox.log("AssumeRole")
    assert (call.params["RoleArn"], call.params["ExternalId"]) == (role, "build-7")


def test_an_endpoint_override_is_seen_and_awss_own_is_not(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    assert door(sandbox).session.endpoint_url(HOME) == sandbox.url


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"])
def test_awss_own_endpoints_are_no_override(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    session = Session(Settings())
    assert session.endpoint_url(Region(region)) is None
    session.client("secretsmanager", Region(region)).close()


def test_a_secret_of_another_region_is_not_found(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    sandbox.create()
    with pytest.raises(NotFound, match="prod/db in us-west-2: Secrets Manager can't find the specified secret"):
        door(sandbox).describe("prod/db", WEST)


def client_error(code: str, status: int = 400) -> botocore.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "words"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
    }
    return botocore.ClientError(response, "DescribeSecret")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceNotFoundException", 400, NotFound),
        ("NotFoundException", 400, NotFound),
        ("AccessDeniedException", 400, Denied),
        ("Whatever", 403, Denied),
        ("ThrottlingException", 400, Throttled),
        ("LimitExceededException", 400, Refused),
        ("InvalidRequestException", 400, Refused),
        ("UnknownOperationException", 400, Unsupported),
        ("KMSAccessDeniedException", 400, Denied),
        ("NeverHeardOf", 400, Refused),
        ("InternalServiceError", 500, Unanswered),
        ("503", 503, Unanswered),
        ("ExpiredTokenException", 400, errors.CredentialsError),
        ("UnrecognizedClientException", 400, errors.CredentialsError),
    ],
)
def test_every_code_is_one_kind_of_error(code: str, status: int, kind: type[errors.AwsError]) -> None:
    error = from_response(client_error(code, status), "prod/db in us-east-1")
    assert type(error) is kind
    words = "the answer has no AWS error code" if code.isdigit() else "words"
    expired = "the session has expired: " if code.startswith("Expired") else ""
    assert error.message.startswith(f"prod/db in us-east-1: {expired}{words} (")
    assert error.request_id == "r-1"


@pytest.mark.parametrize(
    ("error", "kind", "outcome"),
    [
        (botocore.NoCredentialsError(), errors.CannotSend, Outcome.ACCESS),
        (botocore.NoRegionError(), errors.ConfigurationError, Outcome.ACCESS),
        (botocore.EndpointConnectionError(endpoint_url="http://x"), Unanswered, Outcome.FAILED),
        (botocore.ReadTimeoutError(endpoint_url="http://x"), Unanswered, Outcome.FAILED),
        (botocore.ConnectionClosedError(endpoint_url="http://x"), Unanswered, Outcome.FAILED),
        (botocore.ParamValidationError(report="bad"), errors.UsageError, Outcome.USAGE),
        (json.JSONDecodeError("bad", "x", 0), Unanswered, Outcome.FAILED),
    ],
)
def test_what_never_got_an_answer(error: Exception, kind: type[errors.SmrepError], outcome: Outcome) -> None:
    ours = from_transport(error, "prod/db in us-east-1")
    assert type(ours) is kind
    assert ours.outcome is outcome


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), AttributeError("x"), OverflowError("x"), RuntimeError("x")])
def test_what_breaks_botocores_reading_is_no_answer(error: Exception) -> None:
    assert isinstance(from_transport(error, "x"), Unanswered)


def test_every_field_but_arn_and_name_may_be_absent() -> None:
    secret = to_secret({"ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b1c2d3", "Name": "a"}, "a", HOME)
    assert (secret.primary_region, secret.replicas, secret.is_replica) == (None, (), False)


def test_a_region_that_stands_twice_counts_once() -> None:
    entries = to_replicas({"ReplicationStatus": [{"Region": WEST}, {"Region": WEST, "Status": "InSync"}, {}]})
    assert [(each.region, each.status) for each in entries] == [(WEST, "InSync")]


def test_the_model_of_botocore_knows_the_newest_statuses() -> None:
    shape = boto3.client("secretsmanager", region_name=HOME).meta.service_model.shape_for("StatusType")
    assert set(shape.enum) == {"InSync", "Failed", "InProgress", "Pending", "Detached"}
    assert Path(boto3.__file__).exists()


def test_a_role_without_credentials_to_assume_it_with_is_access(
    door: Callable[..., Aws], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = door(sandbox, role_arn="arn:aws:iam::123456789012:role/dr", sts_region=HOME)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(errors.CredentialsError):
        aws.describe("prod/db", HOME)


def test_a_write_that_someone_answers_in_awss_place_is_no_answer(door: Callable[..., Aws], sandbox: Sandbox) -> None:
    """A 200 of a proxy or a captive portal says nothing of what AWS did."""
    sandbox.create()
    aws = door(sandbox)
    client = aws.session.client("secretsmanager", WEST, writes=True)
    client.meta.events.register("before-call.secretsmanager.*", lambda **_: (_Response(), {}))
    for write in (lambda: aws.promote("prod/db", WEST), lambda: aws.rekey("prod/db", WEST, "alias/dr")):
        with pytest.raises(Unanswered):
            write()


class _Response:
    status_code = 200


@pytest.mark.parametrize("denied", [frozenset(), frozenset({("GetCallerIdentity", HOME)})], ids=["told", "not told"])
def test_whose_the_credentials_are_is_asked_once(
    door: Callable[..., Aws], make_sandbox: Callable[..., Sandbox], denied: frozenset[tuple[str, str]]
) -> None:
    sandbox = make_sandbox(denied=denied)
    aws = door(sandbox)
    for _ in range(3):
        if denied:
            with pytest.raises(Denied, match="GetCallerIdentity"):
                aws.caller(HOME)
        else:
            assert aws.caller(HOME).split(":")[4] == "123456789012"
    assert len(sandbox.log("GetCallerIdentity")) == 1
