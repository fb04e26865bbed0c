"""The operations on a secret's resource policy: PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from smrep.sandbox.operations.describe_secret import SECRET_ID
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter
from smrep.sandbox.simulator.replication_engine import spread
from smrep.sandbox.simulator.stored_secret import StoredSecret
from smrep.sandbox.simulator.validation import Field, Operation

_DEFAULT = "default"
_POLICY_NAME = Field(str, low=1, high=256)


def _put_resource_policy(state: AccountState, request: Request) -> dict[str, Any]:
    """Attach a policy. Choice: any JSON object is one, stored verbatim; BlockPublicPolicy blocks nothing.

    Source: API_PutResourcePolicy.
    """
    secret, text = state.find_writable(request), request.params["ResourcePolicy"]
    _refuse_other_names(request)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ApiError("MalformedPolicyDocumentException", "This resource policy contains invalid JSON.")
    return _attach(state, secret, text, request)


def _delete_resource_policy(state: AccountState, request: Request) -> dict[str, Any]:
    """Detach a policy. Choice: a missing policy is no error. Source: API_DeleteResourcePolicy."""
    secret = state.find_writable(request)
    _refuse_other_names(request)
    return _attach(state, secret, None, request)


def _get_resource_policy(state: AccountState, request: Request) -> dict[str, Any]:
    """Return a policy. Choice: a replica has what it received. Source: API_GetResourcePolicy; aws-behavior.md 1.9."""
    secret = state.find_living(request)
    if request.params.get("PolicyName", _DEFAULT) != _DEFAULT:
        raise ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified resource policy.")
    answer = _answer(secret, request)
    return answer if secret.content.policy is None else {**answer, "ResourcePolicy": secret.content.policy}


def _attach(state: AccountState, secret: StoredSecret, policy: str | None, request: Request) -> dict[str, Any]:
    """Replace a secret's policy, which replicates. Source: aws-behavior.md 3 'What replicates'."""
    secret.content = state.revise(replace(secret.content, policy=policy), request.at)
    spread(state, secret, request.at)
    return _answer(secret, request)


def _refuse_other_names(request: Request) -> None:
    if request.params.get("PolicyName", _DEFAULT) != _DEFAULT:
        raise invalid_parameter("The policy name must be default.")


def _answer(secret: StoredSecret, request: Request) -> dict[str, Any]:
    """Return the fields of every answer. Choice: PolicyName only if requested, as in the AWS CLI's examples."""
    name = request.params.get("PolicyName")
    answer = {"ARN": secret.arn, "Name": secret.name}
    return answer if name is None else {**answer, "PolicyName": name}


ATTACHING_OPERATIONS = {
    "PutResourcePolicy": Operation(
        _put_resource_policy,
        {
            "SecretId": SECRET_ID,
            "ResourcePolicy": Field(str, required=True, low=1, high=20_480),
            "PolicyName": _POLICY_NAME,
            "BlockPublicPolicy": Field(bool),
        },
    ),
    "GetResourcePolicy": Operation(_get_resource_policy, {"SecretId": SECRET_ID, "PolicyName": _POLICY_NAME}),
    "DeleteResourcePolicy": Operation(_delete_resource_policy, {"SecretId": SECRET_ID, "PolicyName": _POLICY_NAME}),
}
"""Operation name -> operation."""
