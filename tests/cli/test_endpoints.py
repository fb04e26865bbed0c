"""Endpoints in place of AWS's own: one for everything, and one for Secrets Manager in each Region."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.sandbox.server.http_server import SandboxServer

WEST = "us-west-2"
NOWHERE = "http://127.0.0.1:9"


class Door:
    """Another way into a sandbox, which remembers who came through it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._log = io.StringIO()
        self.server = SandboxServer(sandbox.simulator, log=self._log)
        self.server.start()

    @property
    def calls(self) -> set[tuple[str, str]]:
        """The (service, Region) of each call."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return {(line["service"], line["region"]) for line in lines}


@pytest.fixture
def door(sandbox: Sandbox) -> Iterator[Door]:
    made = Door(sandbox)
    yield made
    made.server.close()


@pytest.fixture
def replicated(sandbox: Sandbox) -> Sandbox:
    key = sandbox.key("alias/dr")
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    return sandbox


def test_a_regions_endpoint_is_for_secrets_manager_there_and_nothing_else(replicated: Sandbox, door: Door) -> None:
    done = replicated.smrep(
        *("verify", "prod/db", "-r", f"{WEST}=alias/dr", "--endpoint-url", f"{WEST}={door.server.url}", "--json")
    )
    assert (done.code, done.document["secrets"][0]["replicas"][0]["verified"]) == (0, True)
    assert door.calls == {("secretsmanager", WEST)}
    assert replicated.log("DescribeKey") != []
    assert done.document["endpoint_urls"] == {WEST: door.server.url}
    assert done.document["endpoint_url"] == replicated.url
    assert done.err.count(f"endpoint {door.server.url}, not AWS's own") == 1


def test_it_goes_before_the_plain_one_beside_it(replicated: Sandbox, door: Door) -> None:
    urls = ("--endpoint-url", door.server.url, "--endpoint-url", f"us-east-1={replicated.url}")
    done = replicated.smrep("verify", "prod/db", *urls, "--json", AWS_ENDPOINT_URL=NOWHERE)
    assert done.code == 0
    assert door.calls == {("secretsmanager", WEST)}
    assert done.document["endpoint_url"] == replicated.url
    assert done.document["endpoint_urls"] == {"us-east-1": replicated.url}


def test_one_for_each_region_needs_no_plain_one(replicated: Sandbox, door: Door) -> None:
    urls = ("--endpoint-url", f"us-east-1={door.server.url}", "--endpoint-url", f"{WEST}={door.server.url}")
    done = replicated.smrep("verify", "prod/db", *urls, "--json", AWS_ENDPOINT_URL=NOWHERE)
    assert done.code == 0
    assert door.calls == {("secretsmanager", "us-east-1"), ("secretsmanager", WEST)}


def test_without_one_for_a_region_the_document_has_none(replicated: Sandbox) -> None:
    assert replicated.smrep("status", "prod/db", "--json").document["endpoint_urls"] == {}


def test_a_write_goes_there_too(sandbox: Sandbox, door: Door) -> None:
    sandbox.create()
    url = f"us-east-1={door.server.url}"
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--endpoint-url", url, "--json")
    assert (done.code, door.calls) == (0, {("secretsmanager", "us-east-1")})
    assert done.document["endpoint_url"] == door.server.url


def test_a_hint_repeats_each(sandbox: Sandbox, door: Door) -> None:
    sandbox.create()
    sandbox.create(region=WEST)
    urls = ("--endpoint-url", sandbox.url, "--endpoint-url", f"{WEST}={door.server.url}")
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, *urls, "--json")
    hint = done.document["secrets"][0]["replicas"][0]["error"]["hint"]
    assert f"smrep replicate {' '.join(urls)} prod/db " in hint
    assert f"aws --endpoint-url {door.server.url} secretsmanager describe-secret" in hint


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        (["us-wset-2=http://x"], "'us-wset-2' is not an AWS Region"),
        (["us-west-2=localhost"], "is not a URL"),
        (["us-west-2="], "is not a URL"),
        (["=http://x"], "is not a URL"),
        (["http://x", "http://y"], "--endpoint-url http://x and --endpoint-url http://y contradict each other"),
        (["us-west-2=http://x", "us-west-2=http://y"], "contradict each other"),
    ],
)
def test_what_can_be_no_endpoint_is_a_usage_error(sandbox: Sandbox, urls: list[str], words: str) -> None:
    done = sandbox.smrep("status", "x", *(word for url in urls for word in ("--endpoint-url", url)), "--json")
    assert (done.code, sandbox.simulator.log) == (2, [])
    assert words in done.document["error"]["message"]


def test_the_same_one_twice_is_one(replicated: Sandbox) -> None:
    urls = ("--endpoint-url", replicated.url) * 2
    assert replicated.smrep("status", "prod/db", *urls, "--json", AWS_ENDPOINT_URL=NOWHERE).code == 0


def test_a_password_in_one_is_not_shown(sandbox: Sandbox) -> None:
    sandbox.create()
    url = sandbox.url.replace("http://", "http://me:s3cr3t@")
    done = sandbox.smrep("status", "nowhere", "--endpoint-url", f"us-east-1={url}", "--json")
    assert "s3cr3t" not in done.out + done.err
    assert done.document["endpoint_urls"] == {"us-east-1": sandbox.url}
