"""DeleteSecret, with a recovery window or without, and RestoreSecret."""

from __future__ import annotations

from typing import Any

from smrep.sandbox.operations.describe_secret import SECRET_ID
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import (
    ApiError,
    invalid_parameter,
    invalid_request,
    replica_is_read_only,
    secret_not_found,
)
from smrep.sandbox.simulator.arns import secret_arn
from smrep.sandbox.simulator.event_queue import DeletionEnd
from smrep.sandbox.simulator.replication_engine import make_ref
from smrep.sandbox.simulator.validation import Field, Operation

_DAY_S = 86_400
_SHORTEST_DAYS, _LONGEST_DAYS = 7, 30


def _delete_secret(state: AccountState, request: Request) -> dict[str, Any]:
    """Schedule a deletion. Choice: every listed Region counts as a replica Region, even a Failed one.

    Source: aws-behavior.md 1.7 and 1.4 (DeletedDate is the moment of the call); API_DeleteSecret.
    """
    force, days = _read_window(request.params)
    try:
        secret = state.find(request.region, request.params["SecretId"])
    except ApiError:
        if force:
            return _answer_missing(state, request)
        raise
    if secret.is_replica:
        raise replica_is_read_only()
    if secret.entries:
        regions = ", ".join(sorted(secret.entries))
        raise invalid_parameter(f"You can't delete secret {secret.arn} that still has replica regions [{regions}].")
    if secret.deleted is not None and not force:
        raise invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for deletion."
        )
    secret.deleted, secret.recoverable, secret.deletion = request.at, not force, state.next_number()
    end = request.at + (0 if force else days * _DAY_S)
    state.events.add(
        end + (state.faults.force_delete_delay_s if force else 0), DeletionEnd(make_ref(secret), secret.deletion)
    )
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": round(end, 3)}


def _read_window(params: dict[str, Any]) -> tuple[bool, int]:
    """Return whether to delete without recovery, and the recovery window in days."""
    force, days = params.get("ForceDeleteWithoutRecovery", False), params.get("RecoveryWindowInDays")
    if force and days is not None:
        raise invalid_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if days is not None and not _SHORTEST_DAYS <= days <= _LONGEST_DAYS:
        raise invalid_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    return force, _LONGEST_DAYS if days is None else days


def _answer_missing(state: AccountState, request: Request) -> dict[str, Any]:
    """Return the answer for a missing secret, which is no error when deleting without recovery.

    Source: API_DeleteSecret, ForceDeleteWithoutRecovery. Choice: the ARN has a random suffix.
    """
    name: str = request.params["SecretId"]
    arn = secret_arn(request.region, state.account_id, name, state.make_suffix())
    return {
        "ARN": name if name.startswith("arn:") else arn,
        "Name": name.rpartition(":secret:")[2],
        "DeletionDate": round(request.at, 3),
    }


def _restore_secret(state: AccountState, request: Request) -> dict[str, Any]:
    """Cancel a deletion.

    Choice: restoring a secret that is not deleted succeeds; one deleted without recovery is not found.
    Source: API_RestoreSecret.
    """
    secret = state.find(request.region, request.params["SecretId"])
    if secret.is_replica:
        raise replica_is_read_only()
    if not secret.recoverable:
        raise secret_not_found()
    secret.deleted = secret.deletion = None
    return {"ARN": secret.arn, "Name": secret.name}


DELETING_OPERATIONS = {
    "DeleteSecret": Operation(
        _delete_secret,
        {
            "SecretId": SECRET_ID,
            "RecoveryWindowInDays": Field(int),
            "ForceDeleteWithoutRecovery": Field(bool),
        },
    ),
    "RestoreSecret": Operation(_restore_secret, {"SecretId": SECRET_ID}),
}
"""Operation name -> operation."""
