"""API calls to one simulated account, and its write quota."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from smrep.sandbox.faults import Faults
from smrep.sandbox.operations import GLOBAL_REGION, GLOBAL_SERVICES, SERVICES
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import (
    NO_RESOURCE_POLICY_ALLOWS,
    RESOURCE_POLICY_DENIES,
    ApiError,
    not_authorized,
    region_not_enabled,
    secret_not_found,
    unknown_operation,
    validation_code,
)
from smrep.sandbox.simulator.event_queue import DeletionEnd, Event, list_regions
from smrep.sandbox.simulator.iam_policies import judge_access, read_policy
from smrep.sandbox.simulator.replication_engine import carry_out_event
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY, CrossAccount, ReplicaEntry
from smrep.sandbox.simulator.validation import validate

_STATUS_FIELDS = frozenset({"ReplicationStatus", "StatusMessage"})
_PRIMARY_FIELDS = _STATUS_FIELDS | {"PrimarySecretARN"}
_REPLICA_FIELDS = _STATUS_FIELDS | {"ReplicaSecretARN", "ReplicationRoleARN"}
_SECRET_PARAMS = frozenset({"SecretString", "SecretBinary", "RotationToken"})

MAX_LOG = 50_000
"""Size of the log, which keeps the newest calls: a sandbox may run for weeks."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call and its result: `code` is the error code, empty on success.

    `params` has no secret values; `ts` is in epoch seconds; `account` is the caller's.
    """

    ts: float
    service: str
    operation: str
    region: str
    secret_id: str | None
    code: str
    params: dict[str, Any]
    account: str


Listener = Callable[[Call, str, "dict[str, Any] | ApiError"], None]
"""Receives each call that reached AWS, with the caller's ARN and the answer."""


class Account:
    """One account in every Region; all accounts of a simulator share `log`, `lock` and `listeners`.

    Before each call, it carries out the events that are due, in their order and as of their own time.
    """

    def __init__(
        self,
        state: AccountState,
        *,
        now: Callable[[], float],
        log: list[Call],
        lock: RLock,
        listeners: list[Listener],
    ) -> None:
        self.now = now
        self.log = log
        self.listeners = listeners
        self._lock = lock
        self._quota = WriteQuota()
        self._state = state

    @property
    def account_id(self) -> str:
        """Return the id of the account that owns the secrets and keys."""
        return self._state.account_id

    def call(
        self,
        service: str,
        operation: str,
        region: str,
        params: dict[str, Any],
        *,
        access_key: str = "",
    ) -> dict[str, Any]:
        """Carry out one call in wire format: times in epoch seconds, bytes in base64.

        `access_key` identifies assumed roles; any other is the account's only user.

        Raises: ApiError.
        """
        with self._lock:
            at, arn = self.now(), ""
            catch_up(self._state, at)
            result: dict[str, Any] | ApiError
            try:
                caller = self._state.callers.find_caller(access_key, self.account_id, at)
                arn, given = caller.arn, {key: value for key, value in params.items() if value is not None}
                result = self._answer(service, operation, Request(region, given, at, caller))
            except ApiError as error:
                result = error
            code = result.code if isinstance(result, ApiError) else ""
            shown = {key: value for key, value in params.items() if key not in _SECRET_PARAMS}
            call = Call(at, service, operation, region, find_secret_id(params), code, shown, self.account_id)
            self.log.append(call)
            del self.log[:-MAX_LOG]
            for tell in self.listeners if arn else ():
                tell(call, arn, result)
            if isinstance(result, ApiError):
                raise result
            return result

    def set_faults(self, faults: Faults) -> None:
        """Carry out the events that are due, then replace the faults of this account only."""
        with self._lock:
            at = self.now()
            catch_up(self._state, at)
            self._state.faults = faults
            self._state.report_change(at, None)

    def set_replication_status(
        self, secret_id: str, region: str, replica_region: str, status: str, message: str | None = None
    ) -> None:
        """Set the status that the primary in `region` shows for a Region; cancel a replication in progress.

        Raises: ApiError for a missing secret.
        """
        with self._lock:
            catch_up(self._state, self.now())
            primary = self._state.find(region, secret_id)
            attempt = self._state.next_number()
            entry = primary.entries.get(replica_region)
            key = DEFAULT_KEY if entry is None else entry.kms_key
            primary.primary_region = region
            primary.entries[replica_region] = ReplicaEntry(replica_region, key, status, message, attempt)

    def set_key_state(self, key_id: str, region: str, state: str) -> None:
        """Set the KeyState of a KMS key, e.g. `PendingDeletion`. Raises: ApiError for an unknown key."""
        with self._lock:
            catch_up(self._state, self.now())
            self._state.keys.set_state(region, key_id, state)

    def put_role(self, arn: str, policy: Mapping[str, Any]) -> None:
        """Create a role or user with an identity-based policy.

        Only SimulatePrincipalPolicy applies it. Raises: ValueError for an unsupported policy.
        """
        with self._lock:
            self._state.policies[arn] = read_policy(policy)

    def set_cross_account(
        self,
        secret_id: str,
        region: str,
        *,
        primary: Mapping[str, str] | None = None,
        replicas: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Replace a secret's `CrossAccountPrimary` and `CrossAccountReplicas`.

        Source: botocore 1.44.5 for their fields. Raises: ValueError for another field, ApiError for a missing secret.
        """
        shown = CrossAccount(dict(primary) if primary else None, tuple(dict(replica) for replica in replicas))
        for given, fields in (
            (shown.primary or {}, _PRIMARY_FIELDS),
            *((replica, _REPLICA_FIELDS) for replica in shown.replicas),
        ):
            if unknown := sorted(set(given) - fields):
                raise ValueError(f"no such field in cross-account replication: {unknown[0]}")
        with self._lock:
            catch_up(self._state, self.now())
            self._state.find(region, secret_id).cross_account = shown

    def _answer(self, service: str, name: str, request: Request) -> dict[str, Any]:
        operation, faults = SERVICES.get(service, {}).get(name), self._state.faults
        if operation is None:
            raise unknown_operation(service, f"The sandbox does not know {service}:{name}.")
        region = GLOBAL_REGION if service in GLOBAL_SERVICES else request.region
        if region in faults.disabled_regions and service not in GLOBAL_SERVICES:
            raise region_not_enabled(service)
        self._quota.take(request.region, name, faults.write_quota, request.at)
        if (name, region) in faults.denied:
            raise not_authorized(service, request.caller.arn, f"{service}:{name}", _find_resource(request.params))
        if service == "kms":
            self._refuse_foreign_key(name, request)
        validate(operation.fields, request.params, code=validation_code(service))
        state = self._state if service != "secretsmanager" else self._find_owner(name, request)
        secret_id = find_secret_id(request.params)
        with state.keep_past(secret_id, request.at):
            answer = operation.run(state, request)
        state.report_change(request.at, secret_id)
        return answer

    def _find_owner(self, operation: str, request: Request) -> AccountState:
        """Return the account that owns the secret of a request, by its ARN.

        The secret's resource policy may allow another account and deny its own. Choice: IAM allows every identity
        everything in its own account; another account's secret is not found by a partial ARN.
        Source: aws-behavior.md 10.4.

        Raises: ApiError (AccessDeniedException, ResourceNotFoundException).
        """
        secret_id = str(request.params.get("SecretId"))
        parts = secret_id.split(":", 6)
        state = self._state.accounts.get(parts[4], self._state) if len(parts) > 6 else self._state  # noqa: PLR2004
        if state is not self._state:
            catch_up(state, request.at)
        try:
            secret = state.find(request.region, secret_id)
        except ApiError:
            return state
        if state is not self._state and secret.arn != secret_id:
            raise secret_not_found()
        action = f"secretsmanager:{operation}"
        decision = judge_access(secret.content.policy, request.caller.arn, action, secret.arn)
        if decision == "explicitDeny":
            raise not_authorized("secretsmanager", request.caller.arn, action, secret.arn, RESOURCE_POLICY_DENIES)
        if decision == "implicitDeny" and state is not self._state:
            raise not_authorized("secretsmanager", request.caller.arn, action, secret.arn, NO_RESOURCE_POLICY_ALLOWS)
        return state

    def _refuse_foreign_key(self, operation: str, request: Request) -> None:
        """Refuse a key of another account. Choice: no key policy allows another account.

        Raises: ApiError (AccessDeniedException).
        """
        key, action = str(request.params.get("KeyId")), f"kms:{operation}"
        if key.startswith("arn:") and key.split(":")[4:5] != [self.account_id]:
            raise not_authorized("kms", request.caller.arn, action, key, NO_RESOURCE_POLICY_ALLOWS)


def catch_up(state: AccountState, at: float) -> None:
    """Carry out the account's events that are due, except those that an outage delays."""
    for due, event in state.events.take_due(
        at, is_held=lambda event: not state.faults.outages.isdisjoint(list_regions(event))
    ):
        with state.keep_past(_find_secret_name(event), due):
            carry_out_event(state, event, due)
        state.report_change(due, _find_secret_name(event))


def _find_secret_name(event: Event) -> str:
    return event.secret.name if isinstance(event, DeletionEnd) else event.primary.name


def find_secret_id(params: dict[str, Any]) -> str | None:
    """Return the name or ARN of a call's secret, from either parameter."""
    secret_id = params.get("SecretId", params.get("Name"))
    return secret_id if isinstance(secret_id, str) else None


def _find_resource(params: dict[str, Any]) -> str:
    return find_secret_id(params) or str(params.get("KeyId") or params.get("PolicySourceArn") or "*")


SHARED_GROUP = frozenset(
    {
        "PutSecretValue",
        "RemoveRegionsFromReplication",
        "ReplicateSecretToRegions",
        "StopReplicationToReplica",
        "UpdateSecret",
        "UpdateSecretVersionStage",
    }
)
"""The operations that share one quota per Region and account. Source: aws-behavior.md 5."""
_SECOND = 1.0


@dataclass(slots=True)
class WriteQuota:
    """Counts accepted calls of the shared group."""

    _taken: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, region: str, operation: str, limit: int | None, at: float) -> None:
        """Count one call. Raises: ApiError (ThrottlingException, HTTP 400) beyond `limit` a second."""
        if limit is None or operation not in SHARED_GROUP:
            return
        taken = self._taken[region]
        while taken and taken[0] <= at - _SECOND:
            taken.popleft()
        if len(taken) >= limit:
            raise ApiError("ThrottlingException", "Rate exceeded")
        taken.append(at)
