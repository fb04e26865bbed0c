"""The simulated AWS: one account with Secrets Manager and KMS in every Region, and what is beside them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from smrep.sandbox.agenda import Event, regions_of
from smrep.sandbox.attaching import ATTACHING_OPERATIONS
from smrep.sandbox.changing import CHANGING_OPERATIONS
from smrep.sandbox.creating import CREATING_OPERATIONS
from smrep.sandbox.deleting import DELETING_OPERATIONS
from smrep.sandbox.errors import (
    ApiError,
    not_authorized,
    region_not_enabled,
    unknown_operation,
    validation_code,
)
from smrep.sandbox.faults import Faults
from smrep.sandbox.iam import IAM_OPERATIONS
from smrep.sandbox.identity import STS_OPERATIONS, Callers
from smrep.sandbox.keystore import KeyStore
from smrep.sandbox.kms import KMS_OPERATIONS
from smrep.sandbox.listing import LISTING_OPERATIONS
from smrep.sandbox.policies import read_policy
from smrep.sandbox.quota import WriteQuota
from smrep.sandbox.reading import READING_OPERATIONS
from smrep.sandbox.regions import ACCOUNT_OPERATIONS, EC2_OPERATIONS
from smrep.sandbox.replicating import REPLICATING_OPERATIONS
from smrep.sandbox.replication import happen
from smrep.sandbox.rotating import ROTATING_OPERATIONS
from smrep.sandbox.state import DEFAULT_KEY, CrossAccount, Entry, Request, World
from smrep.sandbox.validation import validate

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["ApiError", "Call", "Simulator"]

_OPERATIONS = {
    "secretsmanager": {
        **CREATING_OPERATIONS,
        **READING_OPERATIONS,
        **LISTING_OPERATIONS,
        **CHANGING_OPERATIONS,
        **REPLICATING_OPERATIONS,
        **ATTACHING_OPERATIONS,
        **ROTATING_OPERATIONS,
        **DELETING_OPERATIONS,
    },
    "kms": KMS_OPERATIONS,
    "sts": STS_OPERATIONS,
    "ec2": EC2_OPERATIONS,
    "iam": IAM_OPERATIONS,
    "account": ACCOUNT_OPERATIONS,
}
_GLOBAL_SERVICES = frozenset({"iam", "account"})
_GLOBAL_REGION = "us-east-1"
OPERATIONS = frozenset(name for service in _OPERATIONS.values() for name in service)
"""Every operation that the sandbox knows, of all services."""
_STATUS_FIELDS = frozenset({"ReplicationStatus", "StatusMessage"})
_PRIMARY_FIELDS = _STATUS_FIELDS | {"PrimarySecretARN"}
_REPLICA_FIELDS = _STATUS_FIELDS | {"ReplicaSecretARN", "ReplicationRoleARN"}
_SECRET_PARAMS = frozenset({"SecretString", "SecretBinary", "RotationToken"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was made and what came of it: `code` is empty where it was carried out.

    `params` are without any secret value; `ts` is in epoch seconds.
    """

    ts: float
    service: str
    operation: str
    region: str
    secret_id: str | None
    code: str
    params: dict[str, Any]


class Simulator:
    """An AWS account in memory, with every Region in it.

    Time passes only in `now` (epoch seconds): whatever was due is carried out, in its order and as of
    its own time, before each call. One lock makes it safe to share between threads. `log` has every
    call, refused ones too.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        rng: random.Random,
        faults: Faults = Faults(),  # noqa: B008 - a frozen value
        account_id: str = "123456789012",
    ) -> None:
        self.now = now
        self.log: list[Call] = []
        self._lock = RLock()
        self._quota = WriteQuota()
        self._world = World(account_id, rng, faults, KeyStore(account_id), Callers(account_id))

    @property
    def account_id(self) -> str:
        """The account that owns the secrets and keys."""
        return self._world.account_id

    @property
    def faults(self) -> Faults:
        """How this AWS behaves; assign another value to change it while running."""
        return self._world.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._catch_up(self.now())
            self._world.faults = faults

    def call(
        self,
        service: str,
        operation: str,
        region: str,
        params: dict[str, Any],
        *,
        access_key: str = "",
    ) -> dict[str, Any]:
        """Carry out one call, in and out in wire form: times in epoch seconds, bytes in base64.

        `access_key` tells roles taken on by AssumeRole from the account's one user.

        Raises: ApiError.
        """
        with self._lock:
            at, code = self.now(), ""
            self._catch_up(at)
            try:
                caller = self._world.callers.whose(access_key, at)
                given = {key: value for key, value in params.items() if value is not None}
                return self._answer(service, operation, Request(region, given, at, caller))
            except ApiError as error:
                code = error.code
                raise
            finally:
                shown = {key: value for key, value in params.items() if key not in _SECRET_PARAMS}
                secret_id = secret_id_of(params)
                self.log.append(Call(at, service, operation, region, secret_id, code, shown))

    def set_replication_status(
        self, secret_id: str, region: str, replica_region: str, status: str, message: str | None = None
    ) -> None:
        """Let the primary in `region` show any status word for a Region; a replication under way is dropped.

        Raises: ApiError for a secret that is not there.
        """
        with self._lock:
            self._catch_up(self.now())
            primary = self._world.find(region, secret_id)
            attempt = self._world.next_number()
            entry = primary.entries.get(replica_region)
            key = DEFAULT_KEY if entry is None else entry.kms_key
            primary.primary_region = region
            primary.entries[replica_region] = Entry(replica_region, key, status, message, attempt)

    def set_key_state(self, key_id: str, region: str, state: str) -> None:
        """Put a KMS key into any KeyState, e.g. `PendingDeletion`. Raises: ApiError for an unknown key."""
        with self._lock:
            self._catch_up(self.now())
            self._world.keys.set_state(region, key_id, state)

    def put_role(self, arn: str, policy: Mapping[str, Any]) -> None:
        """Let IAM's simulation know a role, or a user, by its identity-based policy document.

        Only SimulatePrincipalPolicy heeds it; no call is refused for it. Raises: ValueError for a policy
        with something that is not modelled.
        """
        with self._lock:
            self._world.policies[arn] = read_policy(policy)

    def set_cross_account(
        self,
        secret_id: str,
        region: str,
        *,
        primary: Mapping[str, str] | None = None,
        replicas: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Let a secret show `CrossAccountPrimary` and `CrossAccountReplicas`, in place of those before.

        Source: botocore 1.44.5 for their fields. Raises: ValueError for another field, ApiError for a
        secret that is not there.
        """
        shown = CrossAccount(dict(primary) if primary else None, tuple(dict(each) for each in replicas))
        for given, fields in (
            (shown.primary or {}, _PRIMARY_FIELDS),
            *((each, _REPLICA_FIELDS) for each in shown.replicas),
        ):
            if unknown := sorted(set(given) - fields):
                raise ValueError(f"no such field in cross-account replication: {unknown[0]}")
        with self._lock:
            self._catch_up(self.now())
            self._world.find(region, secret_id).cross_account = shown

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Open a span for setting the scene: no faults, no delays, no log, and no other caller."""
        with self._lock:
            faults, logged = self.faults, len(self.log)
            self.faults = Faults(replication_delay_s=0.0, removal_delay_s=0.0, force_delete_delay_s=0.0)
            try:
                yield
            finally:
                self.faults = faults
                del self.log[logged:]

    def _catch_up(self, at: float) -> None:
        for due, event in self._world.agenda.due(at, held=self._held_back):
            happen(self._world, event, due)

    def _held_back(self, event: Event) -> bool:
        return not self._world.faults.outages.isdisjoint(regions_of(event))

    def _answer(self, service: str, name: str, request: Request) -> dict[str, Any]:
        operation = _OPERATIONS.get(service, {}).get(name)
        if operation is None:
            raise unknown_operation(service, f"The sandbox does not know {service}:{name}.")
        region = _GLOBAL_REGION if service in _GLOBAL_SERVICES else request.region
        if region in self.faults.disabled_regions and service not in _GLOBAL_SERVICES:
            raise region_not_enabled(service)
        self._quota.take(request.region, name, self.faults.write_quota, request.at)
        if (name, region) in self.faults.denied:
            raise not_authorized(service, request.caller.arn, f"{service}:{name}", _resource_of(request.params))
        validate(operation.fields, request.params, code=validation_code(service))
        return operation.run(self._world, request)


def secret_id_of(params: dict[str, Any]) -> str | None:
    """Return the name or ARN of the secret that a call is about, whichever parameter holds it."""
    secret_id = params.get("SecretId", params.get("Name"))
    return secret_id if isinstance(secret_id, str) else None


def _resource_of(params: dict[str, Any]) -> str:
    return secret_id_of(params) or str(params.get("KeyId") or params.get("PolicySourceArn") or "*")
