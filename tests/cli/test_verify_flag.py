"""`--verify` at the end of `smrep replicate` and `smrep retry`, over real boto3 and HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli.document_rows import kinds, row_of
from cli.verify_sandbox import HOME, WEST, deny, replicated
from fixtures import Sandbox

from smrep.sandbox.faults import Faults

Make = Callable[..., Sandbox]


@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_verify_needs_the_wait(sandbox: Sandbox, command: str) -> None:
    sandbox.create()
    done = sandbox.smrep(command, "prod/db", "-r", WEST, "--verify", "--no-wait", "--json")
    assert (done.code, done.document["result"]) == (2, "usage")
    assert sandbox.log("DescribeSecret") == []


def test_replicate_verify_proves_each_row(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST},eu-west-1", "--verify", "--json")
    rows = done.document["secrets"][0]["replicas"]
    assert (done.code, [(row["action"], row["verified"]) for row in rows]) == (0, [("keep", True), ("add", True)])


def test_replicate_without_verify_claims_nothing(sandbox: Sandbox) -> None:
    sandbox.create()
    assert row_of(sandbox.smrep("replicate", "prod/db", "-r", WEST, "--json"))["verified"] is None


@pytest.mark.parametrize("region", [HOME, WEST])
def test_replicate_verify_that_may_not_list_versions_is_exit_4(sandbox: Sandbox, region: str) -> None:
    sandbox.create()
    deny(sandbox, "ListSecretVersionIds", region)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["status"], row["changed"], row["verified"]) == (4, "InSync", True, None)


def test_replicate_verify_finds_another_key(sandbox: Sandbox) -> None:
    replicated(sandbox)
    key = sandbox.key()
    done = sandbox.smrep("replicate", "prod/db", "-r", f"{WEST}={key}", "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["verified"], row["changed"], set(kinds(row))) == (5, False, False, {"wrong_key"})


def test_replicate_verify_in_an_outage_names_verify_to_go_on_with(sandbox: Sandbox) -> None:
    replicated(sandbox)
    sandbox.simulator.faults = Faults(outages=frozenset({WEST}))
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "--timeout", "1s", "--json")
    row = row_of(done)
    assert (done.code, row["status"], row["verified"]) == (3, "InSync", None)
    assert "smrep verify prod/db" in done.document["error"]["hint"]  # `smrep wait` would end well at once


def test_retry_verify_proves_what_it_mended(make_sandbox: Make) -> None:
    sandbox = make_sandbox(failures={WEST: "Replication failed: no luck"})
    replicated(sandbox)
    sandbox.simulator.faults = Faults(replication_delay_s=0.0)
    done = sandbox.smrep("retry", "prod/db", "--verify", "--json")
    row = row_of(done)
    assert (done.code, row["action"], row["verified"]) == (0, "retry", True)


def test_a_dry_run_with_verify_proves_nothing(sandbox: Sandbox) -> None:
    replicated(sandbox)
    done = sandbox.smrep("replicate", "prod/db", "-r", WEST, "--verify", "-n", "--json")
    assert (done.code, row_of(done)["verified"]) == (0, None)


def test_a_table_says_that_nothing_is_verified_where_nothing_could_be(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListSecretVersionIds", "us-west-2")}))
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    done = sandbox.smrep("verify", "prod/db", "-o", "table", "--timeout", "0")
    assert done.code == 4
    assert "VERIFIED" in done.out
    assert "1 of 1 not checked" in done.out
