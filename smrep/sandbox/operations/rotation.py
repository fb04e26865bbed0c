"""RotateSecret and CancelRotateSecret, which only store the rotation settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smrep.sandbox.operations.describe_secret import SECRET_ID, find_owning_service
from smrep.sandbox.operations.update_secret import TOKEN
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import invalid_request
from smrep.sandbox.simulator.arns import new_uuid
from smrep.sandbox.simulator.stored_secret import Rotation
from smrep.sandbox.simulator.validation import Field, Operation


def _rotate_secret(state: AccountState, request: Request) -> dict[str, Any]:
    """Turn rotation on.

    Choice: nothing rotates; no version gets the VersionId in the answer, and no rotation date is shown.
    Source: API_RotateSecret.
    """
    secret, params = state.find_writable(request), request.params
    before = secret.rotation or Rotation()
    rotation = Rotation(
        enabled=True,
        function=params.get("RotationLambdaARN") or before.function,
        rules=params.get("RotationRules", before.rules),
    )
    if rotation.function is None and find_owning_service(secret.name) is None:
        raise invalid_request("No Lambda rotation function ARN is associated with this secret.")
    secret.rotation = rotation
    secret.content = replace(secret.content, changed=request.at)
    version_id = params.get("ClientRequestToken") or new_uuid(state.rng)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": version_id}


def _cancel_rotate_secret(state: AccountState, request: Request) -> dict[str, Any]:
    """Turn rotation off; its settings stay.

    Choice: a secret that never rotated is refused; the answer has no VersionId. Source: API_CancelRotateSecret.
    """
    secret = state.find_writable(request)
    if secret.rotation is None:
        raise invalid_request("Rotation is not configured for this secret.")
    secret.rotation = replace(secret.rotation, enabled=False)
    secret.content = replace(secret.content, changed=request.at)
    return {"ARN": secret.arn, "Name": secret.name}


_RULES = Field(
    dict,
    members={
        "AutomaticallyAfterDays": Field(int, low=1, high=1000),
        "Duration": Field(str, low=2, high=3, pattern=r"[0-9]+h"),
        "ScheduleExpression": Field(str, low=1, high=256, pattern=r"[0-9A-Za-z\(\)#\?\*\-\/, ]+"),
    },
)
ROTATING_OPERATIONS = {
    "RotateSecret": Operation(
        _rotate_secret,
        {
            "SecretId": SECRET_ID,
            "ClientRequestToken": TOKEN,
            "RotationLambdaARN": Field(str, high=2048),
            "RotationRules": _RULES,
            "RotateImmediately": Field(bool),
        },
    ),
    "CancelRotateSecret": Operation(_cancel_rotate_secret, {"SecretId": SECRET_ID}),
}
"""Operation name -> operation."""
