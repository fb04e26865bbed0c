"""Call AWS through boto3: every operation that smrep uses, with every error translated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from smrep.aws import error_translation as translate
from smrep.aws import responses as answers
from smrep.aws.allow_list import WRITES, NotAllowed, check
from smrep.aws.session import Session
from smrep.errors import AwsError, CredentialsError, Denied, SmrepError, Unanswered
from smrep.model import Filter, Key, OrganizationAccount, Page, Paging, Replica, Secret, Target, Version
from smrep.regions import Region

Trace = Callable[[str], None]
Observer = Callable[[str, Region, Mapping[str, Any]], None]
"""Receives operation, Region and parameters."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aws:
    """AWS in any Region: implements `smrep.service.ports`.

    `trace` gets one line per call: operation, Region, status, code, request id, attempts and milliseconds; never a
    body. Each of the `observers` is called just before each write.
    """

    session: Session
    trace: Trace | None = None
    observers: Sequence[Observer] = ()
    _callers: list[str | AwsError] = field(default_factory=list)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def describe(self, secret_id: str, region: Region) -> Secret:
        """Return the secret as that Region shows it. Source: API_DescribeSecret."""
        answer = self._call("secretsmanager", "DescribeSecret", region, secret_id, SecretId=secret_id)
        return self._read(lambda: answers.to_secret(answer, secret_id, region), secret_id, region)

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool) -> Page:
        """Return one page of at most 100 secrets of the Region. Source: API_ListSecrets."""
        params: dict[str, Any] = {"MaxResults": 100}
        if with_deleted:
            params["IncludePlannedDeletion"] = True
        if filters:
            params["Filters"] = [{"Key": wanted.key, "Values": list(wanted.values)} for wanted in filters]
        if token:
            params["NextToken"] = token
        answer = self._call("secretsmanager", "ListSecrets", region, "the list of secrets", **params)
        return self._read(lambda: answers.to_page(answer, region), "the list of secrets", region)

    def versions(self, secret_id: str, region: Region) -> tuple[Version, ...]:
        """Return the versions that have a value and a staging label. Source: API_ListSecretVersionIds."""
        pages = self._pages("secretsmanager", "ListSecretVersionIds", region, secret_id, SecretId=secret_id)
        return self._read(lambda: answers.to_versions(pages, secret_id, region), secret_id, region)

    def policy(self, secret_id: str, region: Region) -> str | None:
        """Return the secret's resource policy, None if it has none. Source: API_GetResourcePolicy."""
        answer = self._call("secretsmanager", "GetResourcePolicy", region, secret_id, SecretId=secret_id)
        return self._read(lambda: answers.to_policy(answer, secret_id, region), secret_id, region)

    def replicate(
        self, secret_id: str, region: Region, targets: Sequence[Target], *, force: bool
    ) -> tuple[Replica, ...]:
        """Request replicas once; return the list in the answer. Source: API_ReplicateSecretToRegions."""
        params: dict[str, Any] = {
            "SecretId": secret_id,
            "AddReplicaRegions": [
                {"Region": target.region, "KmsKeyId": target.kms_key} if target.kms_key else {"Region": target.region}
                for target in targets
            ],
        }
        if force:
            params["ForceOverwriteReplicaSecret"] = True
        answer = self._call("secretsmanager", "ReplicateSecretToRegions", region, secret_id, **params)
        return self._read(lambda: answers.to_replicas(answer), secret_id, region)

    def remove(self, secret_id: str, region: Region, replicas: Sequence[Region]) -> tuple[Replica, ...]:
        """Request the removal of replicas once; return the list in the answer."""
        params: dict[str, Any] = {"SecretId": secret_id, "RemoveReplicaRegions": list(replicas)}
        answer = self._call("secretsmanager", "RemoveRegionsFromReplication", region, secret_id, **params)
        return self._read(lambda: answers.to_replicas(answer), secret_id, region)

    def rekey(self, secret_id: str, region: Region, key: str) -> None:
        """Request another key for the replica in `region` once. Source: aws-behavior.md 1.8."""
        self._call("secretsmanager", "UpdateSecret", region, secret_id, SecretId=secret_id, KmsKeyId=key)

    def promote(self, secret_id: str, region: Region) -> None:
        """Request the promotion of the replica in `region` once. Source: API_StopReplicationToReplica."""
        self._call("secretsmanager", "StopReplicationToReplica", region, secret_id, SecretId=secret_id)

    def key(self, key: str, region: Region) -> Key:
        """Return the key with this alias, id or ARN. Source: API_DescribeKey."""
        answer = self._call("kms", "DescribeKey", region, key, KeyId=key)
        return self._read(lambda: answers.to_key(answer, key, region), key, region)

    def aliases(self, region: Region) -> tuple[str, ...]:
        """Return the Region's aliases that lead to a key, as `alias/NAME`. Source: API_ListAliases.

        Only shell completion uses this: no command and no printed policy needs the permission.
        """
        pages = self._pages("kms", "ListAliases", region, "the list of aliases", ("NextMarker", "Marker"), Limit=100)
        return self._read(lambda: answers.to_aliases(pages), "the list of aliases", region)

    def caller(self, home: Region) -> str:
        """Return the ARN behind the credentials. Source: API_GetCallerIdentity.

        Raises:
            AwsError: STS refused or did not answer; like the ARN, the error is kept and STS not called again.

        """
        with self._asking:
            if not self._callers:
                try:
                    answer = self._call("sts", "GetCallerIdentity", home, "the caller")
                    self._callers.append(self._read(lambda: answers.caller_arn(answer), "the caller", home))
                except AwsError as error:
                    self._callers.append(error)
            known = self._callers[0]
        if isinstance(known, AwsError):
            raise known
        return known

    def region_states(self, home: Region) -> Mapping[str, bool]:
        """Return whether each Region is enabled, from the account's own list or else from EC2's."""
        try:
            pages = list(self._pages("account", "ListRegions", home, "*", MaxResults=50))
            return self._read(lambda: answers.to_region_states(pages, "RegionOptStatus"), "the Regions", home)
        except AwsError:
            answer = self._call("ec2", "DescribeRegions", home, "*", AllRegions=True)
            return self._read(lambda: answers.to_region_states([answer], "OptInStatus"), "the Regions", home)

    def accounts(self, home: Region, parent: str | None) -> tuple[OrganizationAccount, ...]:
        """Return the organization's accounts, or those right below an OU or a root.

        Source: API_ListAccounts, API_ListAccountsForParent.
        """
        name = f"the accounts of {parent or 'the organization'}"
        if parent is None:
            pages = self._pages("organizations", "ListAccounts", home, name)
        else:
            pages = self._pages("organizations", "ListAccountsForParent", home, name, ParentId=parent)
        return self._read(lambda: answers.to_accounts(pages), name, home)

    def organizational_units(self, home: Region, parent: str) -> tuple[str, ...]:
        """Return the IDs of the OUs right below an OU or a root. Source: API_ListOrganizationalUnitsForParent."""
        name = f"the OUs of {parent}"
        pages = self._pages("organizations", "ListOrganizationalUnitsForParent", home, name, ParentId=parent)
        return self._read(lambda: answers.to_unit_ids(pages), name, home)

    def simulate(self, home: Region, role: str, action: str, resource: str, context: Mapping[str, str]) -> str:
        """Return what IAM predicts for a role and an action: allowed, implicitDeny or explicitDeny."""
        entries = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ]
        answer = self._call(
            "iam",
            "SimulatePrincipalPolicy",
            home,
            role,
            PolicySourceArn=role,
            ActionNames=[action],
            ResourceArns=[resource],
            ContextEntries=entries,
        )
        return self._read(lambda: answers.to_decision(answer, action, resource), role, home)

    def read_object(self, bucket: str, key: str, region: Region) -> bytes:
        """Return an object of S3. Source: API_GetObject."""
        name = f"s3://{bucket}/{key}"
        answer = self._call("s3", "GetObject", region, name, Bucket=bucket, Key=key)
        try:
            content: bytes = answer["Body"].read()
        except Exception as error:
            raise translate.from_transport(error, f"{name} in {region}") from error
        return content

    def write_object(self, bucket: str, key: str, region: Region, content: bytes) -> None:
        """Write an object of S3. Source: API_PutObject."""
        name = f"s3://{bucket}/{key}"
        self._call(
            "s3", "PutObject", region, name, Bucket=bucket, Key=key, Body=content, ContentType="application/json"
        )

    def _pages(
        self,
        service: str,
        operation: str,
        region: Region,
        name: str,
        tokens: tuple[str, str] = ("NextToken", "NextToken"),
        **params: Any,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the pages of a list; `tokens` are the names of the token in an answer and in the next call.

        Raises:
            Unanswered: the list has no end.

        """
        given, wanted = tokens
        paging = Paging()
        while True:
            answer = self._call(service, operation, region, name, **params)
            yield answer
            token = answer.get(given)
            if not token:
                return
            shown = [value for value in answer.values() if value and isinstance(value, list)]
            if why := paging.why_endless(shown, token):
                raise Unanswered(why, f"{name} in {region}")
            params[wanted] = token

    def _call(self, service: str, operation: str, region: Region, name: str, **params: Any) -> Mapping[str, Any]:
        """Send one allowed operation; raise nothing but smrep's own errors.

        The answer to a write must have the secret's ARN: any other is not AWS's and proves nothing.
        """
        with self.session.calling():
            return self._sent(service, operation, region, name, params)

    def _sent(
        self, service: str, operation: str, region: Region, name: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        method = check(service, operation, params)
        writes = operation in WRITES
        client = self.session.client(service, region, writes=writes)
        for observe in self.observers if writes else ():
            observe(operation, region, params)
        subject = f"{name} in {region}"
        started = time.monotonic()
        answer: Mapping[str, Any] = {}
        code = "-"
        try:
            answer = getattr(client, method)(**params)
        except NotAllowed:
            raise
        except SmrepError as error:
            code = error.code
            raise
        except ClientError as error:
            answer, code = error.response, translate.code_of(error.response)
            refusal = translate.from_response(error, subject)
            if isinstance(refusal, Denied):
                refusal.hint = refusal.allowing(f"{service}:{operation} on {subject}")
            elif isinstance(refusal, CredentialsError):
                refusal.hint = self.session.fix_for(refusal, service, region)
            raise refusal from error
        except Exception as error:
            code = type(error).__name__
            raise translate.from_transport(error, subject) from error
        finally:
            if self.trace:
                metadata = answer.get("ResponseMetadata", {})
                self.trace(
                    f"{operation} {region} status={metadata.get('HTTPStatusCode', '-')} "
                    f"code={code} request_id={metadata.get('RequestId', '-')} "
                    f"attempts={metadata.get('RetryAttempts', 0) + 1} ms={1000 * (time.monotonic() - started):.0f}"
                )
        if writes:
            self._read(lambda: answers.secret_arn(answer, region, name), name, region)
        return answer

    def _read(self, read: Callable[[], T], name: str, region: Region) -> T:
        """Return the value that `read` makes of an answer about `name`; a malformed answer counts as none."""
        try:
            return read()
        except answers.BadField as error:
            raise translate.bad_answer(str(error), f"{name} in {region}") from error
        except (TypeError, AttributeError, ValueError) as error:
            raise translate.bad_answer(type(error).__name__, f"{name} in {region}") from error
