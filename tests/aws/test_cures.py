"""Cures that cure: what AWS's words give away of clocks, Regions, endpoints and policies decides the hint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email.message import Message

import pytest
from botocore.exceptions import EndpointConnectionError, EndpointResolutionError
from fixtures import Done, Sandbox
from leaks.front import Front, serving

from smrep.aws.error_translation import from_transport
from smrep.errors import Denied, Outcome
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply


@pytest.fixture
def front(sandbox: Sandbox) -> Iterator[Front]:
    with serving(Front(RequestHandler(sandbox.simulator, log=None))) as front:
        yield front


def refused(front: Front, code: str, words: str, status: int = 400) -> None:
    """Have every request refused with this code, in these words."""
    body = json.dumps({"__type": code, "message": words}).encode()
    front.failure = lambda _: Reply(status, "application/x-amz-json-1.1", body)


def hint(done: Done) -> str:
    """Return the hint of the run, or of its one secret."""
    document = done.document
    trouble = document["error"] or document["secrets"][0]["error"]
    return str(trouble["hint"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (5 min.)",
        ),
        (
            "InvalidSignatureException",
            "Signature not yet current: 20260101T001000Z is still later than 20260101T000000Z",
        ),
        ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"),
        ("RequestExpired", "Request has expired."),
        ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    ],
)
def test_a_clock_that_is_wrong_is_set(sandbox: Sandbox, front: Front, code: str, words: str) -> None:
    refused(front, code, words, 403)
    done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url)
    assert done.code == 4
    assert hint(done) == (
        "set this machine's clock, then compare it with UTC:\n  date -u\nthen:\n  smrep status prod/db --json"
    )


UNKNOWN = ("UnrecognizedClientException", "The security token included in the request is invalid.")


def test_a_token_of_the_global_sts_in_an_opt_in_region(sandbox: Sandbox, front: Front) -> None:
    refused(front, *UNKNOWN)
    env = {"AWS_ENDPOINT_URL": front.url, "AWS_REGION": "af-south-1"}
    told = hint(sandbox.smrep("status", "prod/db", "--json", **env, AWS_SESSION_TOKEN="token"))
    assert "export AWS_STS_REGIONAL_ENDPOINTS=regional" in told
    assert "aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token" in told
    assert told.startswith("see whether the Region is enabled:\n  aws account list-regions\n")
    assert "v2Token" not in hint(sandbox.smrep("status", "prod/db", "--json", **env))
    home = {**env, "AWS_REGION": "us-east-1", "AWS_SESSION_TOKEN": "token"}
    assert "v2Token" not in hint(sandbox.smrep("status", "prod/db", "--json", **home))


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL", "--endpoint-url"])
def test_the_endpoint_of_one_region_in_force_for_all_is_named(sandbox: Sandbox, front: Front, variable: str) -> None:
    refused(front, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'us-west-2'. ")
    flags = ("--endpoint-url", front.url) if variable.startswith("--") else ()
    env = {"AWS_ENDPOINT_URL": None, **({} if flags else {variable: front.url})}
    done = sandbox.smrep("status", "prod/db", "--json", *flags, **env, AWS_REGION="us-west-2")
    assert done.code == 4
    assert hint(done).startswith(
        f"{front.url} ({variable}) is the endpoint of one Region, but applies to all; add one for us-west-2: "
        "--endpoint-url us-west-2=URL"
    )


@pytest.mark.parametrize("command", ["wait", "verify"])
def test_so_it_is_where_only_the_replicas_region_refuses(make_sandbox: Callable[..., Sandbox], command: str) -> None:
    """Before, the look into a replica's Region put another hint in its place: to see whether the Region is up."""
    sandbox = make_sandbox()
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "af-south-1"}])
    words = "The security token included in the request is invalid."
    body = json.dumps({"__type": "UnrecognizedClientException", "message": words}).encode()

    class OptInRegion(Front):
        def answer(self, path: str, headers: Message, body_: bytes) -> Reply | None:
            if "/af-south-1/" in (headers.get("Authorization") or ""):
                return Reply(400, "application/x-amz-json-1.1", body)
            return super().answer(path, headers, body_)

    with serving(OptInRegion(RequestHandler(sandbox.simulator, log=None))) as front:
        done = sandbox.smrep(
            *(command, "prod/db", "-r", "af-south-1", "--timeout", "2s", "--json"),
            AWS_ENDPOINT_URL=front.url,
            AWS_SESSION_TOKEN="token",
        )
    (row,) = done.document["secrets"][0]["replicas"]
    hints = [finding["hint"] for finding in row["findings"] if finding["kind"] == "unchecked"]
    assert "AWS_STS_REGIONAL_ENDPOINTS=regional" in hints[0]


WHO = "User: arn:aws:iam::123456789012:user/jo is not authorized to perform: secretsmanager:DescribeSecret"
DENIES = {
    "with an explicit deny in a service control policy": "a service control policy denies it, which no Allow",
    "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/p": (
        "a service control policy denies it, which no Allow overrides"
    ),
    "with an explicit deny in a resource control policy": "a resource control policy denies it, which no Allow",
    "with an explicit deny in a permissions boundary": "a permissions boundary denies it, which no Allow",
    "with an explicit deny in a session policy": "a session policy denies it, which no Allow",
    "with an explicit deny in a VPC endpoint policy": "a VPC endpoint policy denies it, which no Allow",
    "with an explicit deny in a resource-based policy": "a resource-based policy denies it, which no Allow",
    "with an explicit deny in an identity-based policy": "an identity-based policy denies it, which no Allow",
    "with an explicit deny": "a policy (of the caller, the organization, the endpoint or the resource) denies it",
    "because no service control policy allows the secretsmanager:DescribeSecret action": (
        "the service control policy does not allow it, which no IAM policy overrides; change it to allow"
    ),
    "because no permissions boundary allows the action": "the permissions boundary does not allow it",
    "because no session policy allows the action": "the session policy does not allow it",
    "because no VPC endpoint policy allows the action": "the VPC endpoint policy does not allow it",
    "because no identity-based policy allows the action": "allow secretsmanager:DescribeSecret",
    "because no resource-based policy allows the action": "allow secretsmanager:DescribeSecret",
}


@pytest.mark.parametrize("reason", DENIES)
def test_the_policy_that_denies_is_named(sandbox: Sandbox, front: Front, reason: str) -> None:
    refused(front, "AccessDeniedException", f"{WHO} on resource: prod/db {reason}")
    done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url)
    assert done.code == 4
    assert hint(done).startswith(DENIES[reason])
    assert "secretsmanager:DescribeSecret on prod/db in us-east-1" in hint(done)


def test_a_write_that_a_policy_of_the_organization_denies(sandbox: Sandbox, front: Front) -> None:
    sandbox.create()
    refused(front, "AccessDeniedException", f"{WHO} with an explicit deny in a service control policy")
    front.fails_only = ("ReplicateSecretToRegions",)
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json", AWS_ENDPOINT_URL=front.url)
    (row,) = done.document["secrets"][0]["replicas"]
    assert row["error"]["hint"].startswith("a service control policy denies it, which no Allow overrides")


def test_a_plain_denial_is_allowed() -> None:
    assert Denied("no").allowing("kms:Decrypt") == "allow kms:Decrypt"


def test_the_policy_for_a_primary_under_a_customers_key_names_that_key(make_sandbox: object) -> None:
    sandbox: Sandbox = make_sandbox(denied=frozenset({("ReplicateSecretToRegions", "us-east-1")}))  # type: ignore[operator]
    key = sandbox.key("alias/home", "us-east-1")
    sandbox.key("alias/dr", "us-west-2")
    sandbox.create(KmsKeyId=key)
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    policy = f"smrep iam-policy prod/db --primary-region us-east-1 -r us-west-2=alias/dr --primary-key {key}"
    assert row["error"]["hint"].endswith(policy)
    printed = sandbox.smrep(*policy.split()[1:])
    assert printed.code == 0
    assert key in printed.out


@pytest.mark.parametrize("variable", ["true", "false"])
def test_an_endpoint_of_fips_that_is_not_there(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", variable)
    url = "https://secretsmanager-fips.eu-west-1.amazonaws.com/"
    told = from_transport(EndpointConnectionError(endpoint_url=url), "prod/db in eu-west-1").hint or ""
    assert told.startswith("there may be no FIPS endpoint here")
    assert ("unset AWS_USE_FIPS_ENDPOINT" in told) == (variable == "true")
    usual = from_transport(EndpointConnectionError(endpoint_url=url.replace("-fips", "")), "x").hint or ""
    assert "FIPS" not in usual


def test_a_partition_without_fips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    error = from_transport(EndpointResolutionError(msg="this partition does not support FIPS"), "x")
    assert error.outcome is Outcome.ACCESS
    assert "unset AWS_USE_FIPS_ENDPOINT" in (error.hint or "")
