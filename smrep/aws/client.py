"""The ports over boto3: an allow-list of operations, one way to call, every error translated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from smrep.aws.session import Session
from smrep.aws.translate import bad_answer, from_response, from_transport, key_arn, secret_arn, to_replicas, to_secret
from smrep.errors import Denied
from smrep.model import Replica, Secret, Target
from smrep.regions import Region

ALLOWED: Mapping[tuple[str, str], str] = {
    ("secretsmanager", "DescribeSecret"): "describe_secret",
    ("secretsmanager", "ReplicateSecretToRegions"): "replicate_secret_to_regions",
    ("kms", "DescribeKey"): "describe_key",
}
"""Every operation that smrep can send, with boto3's name for it; nothing that returns a secret's value."""

WRITES = frozenset({"ReplicateSecretToRegions"})

Trace = Callable[[str], None]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aws:
    """AWS Secrets Manager and KMS in any Region, as `smrep.service.ports` wants them.

    `trace` gets one line per call: operation, Region, status, code, request id, attempts and milliseconds; never a
    request's or an answer's body.
    """

    session: Session
    trace: Trace | None = None

    def describe(self, secret_id: str, region: Region) -> Secret:
        """Return the secret as that Region shows it. Source: API_DescribeSecret."""
        answer = self._call("secretsmanager", "DescribeSecret", region, secret_id, SecretId=secret_id)
        return self._read(lambda: to_secret(answer, region), secret_id, region)

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        """Ask once for replicas; return the list as the answer shows it. Source: API_ReplicateSecretToRegions."""
        regions = [
            {"Region": each.region, "KmsKeyId": each.kms_key} if each.kms_key else {"Region": each.region}
            for each in targets
        ]
        force_flag = {"ForceOverwriteReplicaSecret": True} if force else {}
        answer = self._call(
            "secretsmanager",
            "ReplicateSecretToRegions",
            region,
            secret_id,
            SecretId=secret_id,
            AddReplicaRegions=regions,
            **force_flag,
        )

        def read() -> tuple[Replica, ...]:
            secret_arn(answer)  # a 200 without it is not AWS's, and says nothing of what AWS did
            return to_replicas(answer)

        return self._read(read, secret_id, region)

    def key_arn(self, key: str, region: Region) -> str:
        """Return the ARN of the key that an alias, an id or an ARN stands for. Source: API_DescribeKey."""
        answer = self._call("kms", "DescribeKey", region, key, KeyId=key)
        return self._read(lambda: key_arn(answer), key, region)

    def _call(self, service: str, operation: str, region: Region, name: str, **params: Any) -> Mapping[str, Any]:
        """Send one allowed operation; raise nothing but our own errors."""
        method = ALLOWED[service, operation]
        client = self.session.client(service, region, writes=operation in WRITES)
        subject = f"{name} in {region}"
        started = time.monotonic()
        try:
            answer: Mapping[str, Any] = getattr(client, method)(**params)
        except ClientError as error:
            self._tell(operation, region, error.response, started)
            refusal = from_response(error, subject)
            if isinstance(refusal, Denied):
                refusal.hint = f"allow {service}:{operation} on {name} in {region}"
            raise refusal from error
        except Exception as error:
            self._tell(operation, region, {"Error": {"Code": type(error).__name__}}, started)
            raise from_transport(error, subject) from error
        self._tell(operation, region, answer, started)
        return answer

    def _read(self, reading: Callable[[], T], name: str, region: Region) -> T:
        """Return the answer as a value; one without the fields that it must have is no answer."""
        try:
            return reading()
        except (TypeError, AttributeError, ValueError) as error:
            raise bad_answer(str(error), f"{name} in {region}") from error

    def _tell(self, operation: str, region: Region, answer: Mapping[str, Any], started: float) -> None:
        if self.trace is None:
            return
        metadata = answer.get("ResponseMetadata", {})
        self.trace(
            f"{operation} {region} status={metadata.get('HTTPStatusCode', '-')} "
            f"code={answer.get('Error', {}).get('Code', '-')} request_id={metadata.get('RequestId', '-')} "
            f"attempts={metadata.get('RetryAttempts', 0) + 1} ms={1000 * (time.monotonic() - started):.0f}"
        )
