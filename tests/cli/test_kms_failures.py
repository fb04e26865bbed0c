"""Keys that fail a replica: what smrep says to type mends it, in the sandbox in that state."""

from __future__ import annotations

import shlex

import pytest
from fixtures import Sandbox, commands_in

HOME, WEST = "us-east-1", "us-west-2"


def follow(sandbox: Sandbox, hint: str) -> int:
    """Carry out the commands of a hint, `aws kms` as calls; return the exit code of the last, which is smrep's."""
    code = -1
    for part in commands_in(hint):
        words = shlex.split(part)
        if words[:2] == ["aws", "kms"]:
            operation = "".join(each.title() for each in words[2].split("-"))
            options = dict(zip(words[3::2], words[4::2], strict=True))
            sandbox.call(operation, options["--region"], service="kms", KeyId=options["--key-id"])
        else:
            assert words[0] == "smrep", part
            code = sandbox.smrep(*words[1:]).code
    return code


def set_state(sandbox: Sandbox, arn: str, region: str, state: str) -> None:
    if state == "Disabled":
        sandbox.call("DisableKey", region, service="kms", KeyId=arn)
    else:
        sandbox.simulator.set_key_state(arn, region, state)


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
@pytest.mark.parametrize("side", ["primary", "replica"])
def test_a_key_that_can_be_brought_back_is(sandbox: Sandbox, side: str, state: str) -> None:
    own, its = sandbox.key("alias/main", HOME), sandbox.key("alias/dr", WEST)
    sandbox.create(KmsKeyId="alias/main")
    set_state(sandbox, *((own, HOME) if side == "primary" else (its, WEST)), state)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}=alias/dr", "--no-preflight", "-o", "json")
    error = done.document["secrets"][0]["replicas"][0]["error"]
    assert (done.code, "can't decrypt" in error["message"]) == (1, side == "primary")
    if state == "Disabled":
        assert follow(sandbox, error["hint"]) == 0
    else:
        assert "aws kms cancel-key-deletion" in error["hint"]


def test_another_key_is_named_where_the_replicas_is_not_there(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.key("alias/dr", WEST)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}=alias/nowhere", "--no-preflight", "-o", "json")
    error = done.document["secrets"][0]["replicas"][0]["error"]
    assert (done.code, "NotFoundException" in error["message"]) == (1, True)
    command = commands_in(error["hint"])[-1].replace("alias/NAME", "alias/dr")
    assert sandbox.smrep(*shlex.split(command)[1:]).code == 0


def test_where_the_primarys_key_is_gone_a_new_value_and_the_doctor_lead_on(sandbox: Sandbox) -> None:
    sandbox.key("alias/good", HOME)
    key = sandbox.key("alias/main", HOME)
    sandbox.create(KmsKeyId="alias/main")
    del sandbox.simulator._state.keys.keys[HOME, key.rpartition("/")[2]]
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--no-preflight", "-o", "json")
    hint = done.document["secrets"][0]["replicas"][0]["error"]["hint"]
    update, doctor, _again = map(shlex.split, commands_in(hint))
    assert update[:3] == ["aws", "secretsmanager", "update-secret"]
    params = dict(zip(update[3::2], update[4::2], strict=True))
    sandbox.call("UpdateSecret", SecretId=params["--secret-id"], KmsKeyId="alias/good", SecretString="new")
    told = sandbox.smrep(*doctor[1:], "-o", "json")
    assert told.code == 1
    assert "aws secretsmanager update-secret-version-stage" in told.out
