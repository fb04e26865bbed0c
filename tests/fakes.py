"""FakeAws: the simulator behind the service ports, on a clock that only sleeps move."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from smrep.aws import responses as answers
from smrep.aws.error_translation import from_response
from smrep.errors import Unanswered
from smrep.model import Filter, Key, OrganizationAccount, Page, Replica, Secret, SecretId, Target, Version
from smrep.regions import Region
from smrep.report import Finding, RegionReport, SecretReport
from smrep.rules.primary_region import SecretAddress
from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

HOME = Region("us-east-1")
WEST = Region("us-west-2")
IRELAND = Region("eu-west-1")
SYDNEY = Region("ap-southeast-2")
EPOCH = 1_795_000_000.0


@dataclass
class Clock:
    """Time that passes only by sleeping, and remembers how long each sleep was."""

    time: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)

    def wall(self) -> float:
        return EPOCH + self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.sleeps.append(seconds)
        self.time += seconds


@dataclass
class FakeAws:
    """One simulated AWS with its clock; it fits the ports, and counts what is asked of it."""

    clock: Clock = field(default_factory=Clock)
    simulator: Simulator = None  # type: ignore[assignment]
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """(operation, Region, secret or key), in the order in which they were made."""
    lose: dict[str, list[str]] = field(default_factory=dict)
    """Operation -> what becomes of its next calls: '', 'before', 'after'."""
    on_call: Callable[[str, str], None] = lambda _operation, _region: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.simulator is None:
            self.simulator = Simulator(now=self.clock.wall, rng=random.Random(7))

    # what a test sets up

    def faults(self, **changes: Any) -> None:
        self.simulator.faults = Faults(**changes)

    def call(
        self, operation: str, region: str = HOME, service: str = "secretsmanager", **params: Any
    ) -> dict[str, Any]:
        return self.simulator.call(service, operation, region, params)

    def create(self, name: str = "prod/db", region: str = HOME, **params: Any) -> str:
        answer = self.call("CreateSecret", region, Name=name, SecretString="s3cret", **params)
        return str(answer["ARN"])

    def replicate_by_hand(self, *regions: str, name: str = "prod/db", settle_s: float = 10.0) -> None:
        self.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": each} for each in regions])
        self.clock.time += settle_s

    def sent(self) -> list[dict[str, Any]]:
        """Return the parameters of each ReplicateSecretToRegions that reached AWS through the port."""
        return [call.params for call in self.simulator.log if call.operation == "ReplicateSecretToRegions"][
            self.by_hand :
        ]

    by_hand: int = 0

    def begin(self) -> None:
        """Forget what the test itself has called."""
        self.by_hand = len([each for each in self.simulator.log if each.operation == "ReplicateSecretToRegions"])
        self.calls.clear()

    # the ports

    def describe(self, secret_id: str, region: Region) -> Secret:
        return answers.to_secret(self._ask("DescribeSecret", region, secret_id, SecretId=secret_id), secret_id, region)

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool) -> Page:
        params: dict[str, Any] = {
            "MaxResults": 100,
            "NextToken": token,
            "IncludePlannedDeletion": with_deleted or None,
        }
        params["Filters"] = [{"Key": each.key, "Values": list(each.values)} for each in filters] or None
        return answers.to_page(self._ask("ListSecrets", region, "the list of secrets", **params), region)

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        regions = [{"Region": t.region, **({"KmsKeyId": t.kms_key} if t.kms_key else {})} for t in targets]
        params = {"SecretId": secret_id, "AddReplicaRegions": regions, "ForceOverwriteReplicaSecret": force}
        return answers.to_replicas(self._ask("ReplicateSecretToRegions", region, secret_id, **params))

    def versions(self, secret_id: str, region: Region) -> tuple[Version, ...]:
        page = self._ask("ListSecretVersionIds", region, secret_id, SecretId=secret_id)
        return answers.to_versions([page], secret_id, region)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        params = {"SecretId": secret_id, "RemoveReplicaRegions": list(replicas)}
        return answers.to_replicas(self._ask("RemoveRegionsFromReplication", region, secret_id, **params))

    def rekey(self, secret_id: str, region: Region, key: str) -> None:
        self._ask("UpdateSecret", region, secret_id, SecretId=secret_id, KmsKeyId=key)

    def promote(self, secret_id: str, region: Region) -> None:
        self._ask("StopReplicationToReplica", region, secret_id, SecretId=secret_id)

    def policy(self, secret_id: str, region: Region) -> str | None:
        return self._ask("GetResourcePolicy", region, secret_id, SecretId=secret_id).get("ResourcePolicy")

    def key(self, key: str, region: Region) -> Key:
        return answers.to_key(self._ask("DescribeKey", region, key, service="kms", KeyId=key), key, region)

    def caller(self, home: Region) -> str:
        return str(self._ask("GetCallerIdentity", home, "caller", service="sts")["Arn"])

    def region_states(self, home: Region) -> Mapping[str, bool]:
        pages = [self._ask("ListRegions", home, "*", service="account")]
        return answers.to_region_states(pages, "RegionOptStatus")

    def accounts(self, home: Region, parent: str | None) -> tuple[OrganizationAccount, ...]:
        operation, params = ("ListAccountsForParent", {"ParentId": parent}) if parent else ("ListAccounts", {})
        return answers.to_accounts(self._pages(operation, home, parent or "*", **params))

    def organizational_units(self, home: Region, parent: str) -> tuple[str, ...]:
        return answers.to_unit_ids(self._pages("ListOrganizationalUnitsForParent", home, parent, ParentId=parent))

    def _pages(self, operation: str, home: Region, subject: str, **params: Any) -> Iterator[dict[str, Any]]:
        token = None
        while True:
            page = self._ask(operation, home, subject, service="organizations", NextToken=token, **params)
            yield page
            token = page.get("NextToken")
            if token is None:
                return

    def simulate(self, home: Region, role: str, action: str, resource: str, context: Mapping[str, str]) -> str:
        entries = [{"ContextKeyName": key, "ContextKeyValues": [value]} for key, value in context.items()]
        params = {"PolicySourceArn": role, "ActionNames": [action], "ResourceArns": [resource]}
        answer = self._ask("SimulatePrincipalPolicy", home, role, service="iam", ContextEntries=entries, **params)
        return answers.to_decision(answer, action, resource)

    def _ask(
        self, operation: str, region: Region, subject: str, service: str = "secretsmanager", **params: Any
    ) -> dict[str, Any]:
        with self.lock:
            self.calls.append((operation, region, subject))
            fate = self.lose[operation].pop(0) if self.lose.get(operation) else ""
        self.on_call(operation, region)
        where = f"{subject} in {region}"
        if fate == "before" or region in self.simulator.faults.outages:
            raise Unanswered("connection was closed", where)
        try:
            answer = self.simulator.call(service, operation, region, params)
        except ApiError as error:
            response: Any = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status, "RequestId": "r-1"},
            }
            raise from_response(ClientError(response, operation), where) from error
        if fate == "after":
            raise Unanswered("connection was closed", where)
        return answer

    def count(self, operation: str, region: str | None = None) -> int:
        return sum(1 for call in self.calls if call[0] == operation and region in (None, call[1]))


def addresses_of(*names: str) -> tuple[SecretAddress, ...]:
    return tuple(SecretAddress(SecretId(name), HOME) for name in names or ("prod/db",))


def only(secrets: tuple[SecretReport, ...]) -> RegionReport:
    """Return the one row of the one secret."""
    ((row,),) = [each.replicas for each in secrets]
    return row


def kinds(row: RegionReport) -> list[str]:
    return [each.kind for each in row.findings]


def the(row: RegionReport, kind: str) -> Finding:
    """Return the one finding of that kind."""
    (finding,) = [each for each in row.findings if each.kind == kind]
    return finding


def new_key(aws: FakeAws, alias: str | None = None, region: str = WEST, **params: Any) -> str:
    """Make a KMS key, with an alias where one is given; return its ARN."""
    metadata = aws.call("CreateKey", region, service="kms", **params)["KeyMetadata"]
    if alias:
        aws.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def replicated(aws: FakeAws, *regions: str, key: str | None = None, name: str = "prod/db", **params: Any) -> str:
    """Make a secret and its replicas, by default in us-west-2 alone, all in sync; return the primary's ARN."""
    arn = aws.create(name, **params)
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
    aws.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=wanted)
    aws.clock.time += 10
    return arn


def is_there(aws: FakeAws, region: str = WEST, name: str = "prod/db") -> bool:
    try:
        aws.call("DescribeSecret", region, SecretId=name)
    except ApiError as error:
        return error.code != "ResourceNotFoundException"
    return True
