"""The acceptance run's own corner of an account: all its calls go through here, and none leaves its prefix."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

READS = {("sts", "GetCallerIdentity"), ("account", "ListRegions"), ("kms", "DescribeKey")}
"""What may be asked of other services."""


class NotOurs(Exception):
    """A call that would have touched what the run has not made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS said to one call, or in what way it did not."""

    body: dict[str, Any]
    code: str | None = None
    message: str | None = None
    http_status: int | None = None

    @property
    def ok(self) -> bool:
        """Whether AWS did as it was asked."""
        return self.code is None

    @property
    def missing(self) -> bool:
        """Whether there is no such secret."""
        return self.code == "ResourceNotFoundException"

    @property
    def text(self) -> str:
        """The refusal in AWS's words, 'accepted' for none."""
        return "accepted" if self.ok else f"{self.code}: {self.message}"


def looks(within_s: float) -> Iterator[float]:
    """Yield the seconds gone by, at first often and then about once a second, and a last time at the end.

    A run waits for AWS itself; there is no clock that could be moved instead.
    """
    begun, pause_s = time.monotonic(), 0.1
    while (gone_s := time.monotonic() - begun) < within_s:
        yield gone_s
        time.sleep(min(pause_s, max(within_s - gone_s, 0.01)))
        pause_s = min(pause_s * 1.3, 1.0)
    yield gone_s


@dataclass
class Account:
    """An account with its clients; remembers what the run has made, and where."""

    regions: list[str]
    """Where anything may have been made: those of the run, and what a question has reached besides."""
    prefix: str = field(default_factory=lambda: f"smrep-live-{secrets.token_hex(4)}/")
    made: dict[str, None] = field(default_factory=dict)
    """The names, in the order in which they were thought of."""
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def rehearsing(self) -> bool:
        """Whether an endpoint override leads somewhere that is not AWS, whose ways may differ."""
        return any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"))

    def call(self, operation: str, region: str, **params: Any) -> Answer:
        """Call Secrets Manager once; a refusal and a silence are answers too.

        Raises:
            NotOurs: the call names a secret outside the run's prefix, or none.

        """
        named = params.get("SecretId") or params.get("Name") or ""
        if not named.rpartition(":secret:")[2].startswith(self.prefix):
            raise NotOurs(f"{operation} of {named!r} in {region}")
        return self._send("secretsmanager", operation, region, params)

    def ask(self, service: str, operation: str, region: str, **params: Any) -> Answer:
        """Read something of another service.

        Raises:
            NotOurs: it is no read that a run needs.

        """
        if (service, operation) not in READS:
            raise NotOurs(f"{service}:{operation}")
        return self._send(service, operation, region, params)

    def create(self, word: str, region: str) -> tuple[str, Answer]:
        """Make a secret under the prefix; nobody has seen its value, and nobody will. Return its name too."""
        name = f"{self.prefix}{word}"
        self.made[name] = None  # first: a lost answer may have made it
        return name, self._valued("CreateSecret", region, Name=name, Description="made by smrep's acceptance run")

    def put(self, name: str, region: str) -> Answer:
        """Give a secret another value."""
        return self._valued("PutSecretValue", region, SecretId=name)

    def _valued(self, operation: str, region: str, **params: Any) -> Answer:
        return self.call(operation, region, SecretString=secrets.token_hex(16), **params)

    def describe(self, name: str, region: str) -> Answer:
        """Look at a secret."""
        return self.call("DescribeSecret", region, SecretId=name)

    def names_in(self, region: str) -> list[str]:
        """Return the run's names that a Region lists, what is scheduled for deletion too."""
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            filters = [{"Key": "name", "Values": [self.prefix]}]
            params = {"Filters": filters, "IncludePlannedDeletion": True, **token}
            answer = self._send("secretsmanager", "ListSecrets", region, params)
            names += [each["Name"] for each in answer.body.get("SecretList", ())]
            if not answer.body.get("NextToken"):
                return [name for name in names if name.startswith(self.prefix)]
            token = {"NextToken": answer.body["NextToken"]}

    def close(self) -> None:
        """Close the clients."""
        for client in self.clients.values():
            client.close()

    def _send(self, service: str, operation: str, region: str, params: dict[str, Any]) -> Answer:
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            body = getattr(self._client(service, region), xform_name(operation))(**params)
        except ClientError as error:
            told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
            message = told.get("Message", "").partition("<!doctype")[0]  # an emulator's fault is a whole web page
            return Answer({}, told.get("Code", "?"), message or "(no message)", meta.get("HTTPStatusCode"))
        except BotoCoreError as error:
            return Answer({}, type(error).__name__, str(error))
        body.pop("ResponseMetadata", None)
        return Answer(body)

    def _client(self, service: str, region: str) -> Any:
        """Return a client that sends once: what a second call says is what is asked here."""
        import boto3
        from botocore.config import Config

        if (service, region) not in self.clients:
            config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1})
            make: Any = boto3.client  # typed for each service by itself
            self.clients[service, region] = make(service, region_name=region, config=config)
        return self.clients[service, region]
