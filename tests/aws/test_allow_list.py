"""The allow-list attacked: by clients made in other ways, by event handlers, by requests built by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import prepare_request_dict
from fixtures import Sandbox

from smrep.aws.allow_list import NotAllowed
from smrep.aws.client import Aws
from smrep.aws.session import Session, Settings
from smrep.model import Target
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")
VALUE = {"GetSecretValue", "BatchGetSecretValue", "UpdateSecret", "PutSecretValue", "CreateSecret"}


@pytest.fixture
def connect(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Session]]:
    """Return a function that makes a session to a sandbox with one secret."""
    sandbox.create()
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    made: list[Session] = []

    def make(**settings: Any) -> Session:
        made.append(Session(Settings(**settings)))
        return made[-1]

    yield make
    for session in made:
        for client in session._clients.values():
            client.close()


@pytest.fixture
def client(connect: Callable[..., Session]) -> Any:
    return connect().client("secretsmanager", HOME)


@pytest.fixture(autouse=True)
def no_value_was_asked_for_or_sent(sandbox: Sandbox) -> Iterator[None]:
    yield
    assert [call.operation for call in sandbox.simulator.log if call.operation in VALUE] == ["CreateSecret"]


def test_botocores_own_way_in_is_guarded(client: Any) -> None:
    with pytest.raises(NotAllowed):
        client._make_api_call("GetSecretValue", {"SecretId": "prod/db"})


@pytest.mark.parametrize("method", ["get_secret_value", "delete_secret", "put_secret_value"])
def test_no_address_is_signed_that_someone_else_could_send(client: Any, method: str) -> None:
    with pytest.raises(NotAllowed):
        client.generate_presigned_url(method, {"SecretId": "prod/db"})


def test_no_paginator_goes_round_it(client: Any) -> None:
    with pytest.raises(NotAllowed):
        list(client.get_paginator("list_resource_policies").paginate())


@pytest.mark.parametrize(
    ("service", "waiter", "params"),
    [("iam", "role_exists", {"RoleName": "app"}), ("ec2", "instance_running", {})],
)
def test_no_waiter_goes_round_it(connect: Callable[..., Session], service: str, waiter: str, params: Any) -> None:
    with pytest.raises(NotAllowed):
        connect().client(service, HOME).get_waiter(waiter).wait(**params)


@pytest.mark.parametrize("settings", [{}, {"role_arn": "arn:aws:iam::123456789012:role/dr", "sts_region": HOME}])
@pytest.mark.parametrize("maker", ["boto3", "botocore"])
def test_a_client_made_behind_our_back_reads_no_value(
    connect: Callable[..., Session], settings: dict[str, Any], maker: str
) -> None:
    session = connect(**settings)
    boto, core = session._sessions()
    make = boto.client if maker == "boto3" else core.create_client
    client = make("secretsmanager", region_name=HOME)
    try:
        with session.calling():
            assert client.describe_secret(SecretId="prod/db")["Name"] == "prod/db"
            with pytest.raises(NotAllowed):
                client.get_secret_value(SecretId="prod/db")
            with pytest.raises(NotAllowed):
                client.batch_get_secret_value(SecretIdList=["prod/db"])
    finally:
        client.close()


@pytest.mark.parametrize("event", ["provide-client-params", "before-parameter-build"])
@pytest.mark.parametrize("place", ["register_first", "register", "register_last"])
def test_no_handler_adds_a_value_to_what_is_asked(client: Any, event: str, place: str) -> None:
    def add(params: dict[str, Any], **_: Any) -> None:
        params["SecretString"] = "x"

    getattr(client.meta.events, place)(f"{event}.*.*", add)
    with pytest.raises(NotAllowed):
        client.update_secret(SecretId="prod/db", KmsKeyId="alias/dr")


def test_no_handler_turns_one_operation_into_another(client: Any) -> None:
    def turn(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amz-Target"] = "secretsmanager.GetSecretValue"

    client.meta.events.register("before-call.*.*", turn)
    with pytest.raises(NotAllowed):
        client.describe_secret(SecretId="prod/db")


@pytest.mark.parametrize("event", ["request-created", "before-sign"])
def test_no_handler_changes_what_goes_over_the_wire(client: Any, event: str) -> None:
    def change(request: Any, **_: Any) -> None:
        request.data = b'{"SecretId": "prod/db", "SecretString": "x"}'

    client.meta.events.register(f"{event}.*.*", change)
    with pytest.raises(NotAllowed):
        client.update_secret(SecretId="prod/db", KmsKeyId="alias/dr")


def test_a_request_built_by_hand_does_not_leave(client: Any) -> None:
    operation = client.meta.service_model.operation_model("GetSecretValue")
    request = client._serializer.serialize_to_request({"SecretId": "prod/db"}, operation)
    context = {"client_region": HOME, "has_streaming_input": False, "client_config": client.meta.config}
    prepare_request_dict(request, endpoint_url=client.meta.endpoint_url, context=context)
    with pytest.raises(NotAllowed):
        client._endpoint.make_request(operation, request)


def test_what_is_allowed_passes_the_check_on_the_wire_too(connect: Callable[..., Session], sandbox: Sandbox) -> None:
    aws = Aws(connect())
    aws.replicate("prod/db", HOME, [Target(WEST)], force=True)
    assert aws.versions("prod/db", HOME)
    assert aws.policy("prod/db", HOME) is None
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


def test_a_refused_call_names_parameters_and_never_what_is_in_them(client: Any) -> None:
    with pytest.raises(NotAllowed) as caught:
        client.put_secret_value(SecretId="prod/db", SecretString="hunter2")
    assert "SecretString" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_aliases_come_page_by_page(connect: Callable[..., Session], sandbox: Sandbox) -> None:
    names = [f"alias/{number:03}" for number in range(120)]
    key = sandbox.key(names[0], HOME)
    for name in names[1:]:
        sandbox.call("CreateAlias", HOME, "kms", AliasName=name, TargetKeyId=key)
    aws = Aws(connect())
    assert aws.aliases(HOME) == (*names, "alias/aws/secretsmanager")
    assert len(sandbox.log("ListAliases")) == 2
    assert aws.aliases(WEST) == ("alias/aws/secretsmanager",)
