"""deploy/step-functions: the template fits CloudFormation, and the state machine does what docs/fleet.md says."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures import BIN, ROOT, VALIDATOR, Sandbox

from smrep.sandbox.organization_seed import sample_organization

if TYPE_CHECKING:
    from deploy.state_machine import Fleet

    Deploy = Callable[[Sandbox, str, Path], AbstractContextManager[Fleet]]

OWN = "123456789012"
MANIFEST = """\
schema = 1
primary_region = "us-east-1"
[organization]
role_name = "smrep"
external_id = "dr"
[[replicate]]
prefix = ["prod/"]
regions = ["us-west-2"]
[[replicate]]
names = ["prod/only"]
regions = ["us-west-2"]
"""


@pytest.fixture
def deployed() -> Deploy:
    """Return what deploys the state machine, imported late: moto's interpreter takes a second of each worker."""
    from deploy.state_machine import deployed

    return deployed


def create(sandbox: Sandbox, account: str, name: str) -> None:
    """Create a secret with a replica in an account."""
    params = {"Name": name, "SecretString": "s3cret", "AddReplicaRegions": [{"Region": "us-west-2"}]}
    sandbox.simulator.account(account).call("secretsmanager", "CreateSecret", "us-east-1", params)


def fleet_of(sandbox: Sandbox, accounts: int, refusing: str = "") -> list[str]:
    """Put accounts with the secret prod/a into an organization, one of which refuses its role; return their IDs.

    The first has prod/only too: a rule that names it is no mistake in the others.
    """
    tree = sample_organization(OWN, accounts)
    members = tuple(replace(member, has_roles=member.account_id != refusing) for member in tree.members)
    sandbox.simulator.put_organization(replace(tree, members=members))
    ids = [member.account_id for member in members[1:]]
    with sandbox.simulator.undisturbed():
        for account in ids:
            create(sandbox, account, "prod/a")
        create(sandbox, ids[0], "prod/only")
    return ids


def counts(fleet: Fleet) -> Counter[tuple[str, str]]:
    """Return (command, index of the account) -> its tasks since the last call."""
    runs = Counter(fleet.fargate.runs)
    fleet.fargate.runs.clear()
    return runs


@pytest.mark.peer
def test_the_template_fits_the_schemas_of_cloudformation() -> None:
    command = [BIN / "cfn-lint", "--", ROOT / "deploy/step-functions/template.yaml"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


@pytest.mark.exhaustive
def test_of_twenty_accounts_one_refuses_its_role(
    make_sandbox: Callable[..., Sandbox], tmp_path: Path, deployed: Deploy
) -> None:
    sandbox, lost = make_sandbox(), "200000000007"
    ids = fleet_of(sandbox, 20, lost)
    with deployed(sandbox, MANIFEST, tmp_path) as fleet:
        execution, files, runs = fleet.start("audit", "r"), fleet.files("r"), counts(fleet)
    assert (execution["status"], execution["error"]) == ("FAILED", "Access"), fleet.fargate.errors()
    assert runs == {("find", "-"): 1, ("merge", "-"): 1} | {("run", str(index)): 1 for index in range(20)}
    assert {*files} == {
        *(f"documents/{account}.json" for account in ids),
        *("accounts.json", "audit.html", "end.json", "result.json"),
    }
    assert json.loads(files["end.json"]) == {"exit_code": 4, "result": "access"}
    document = json.loads(files["result.json"])
    VALIDATOR.validate(document)
    assert (document["command"], document["exit_code"], document["summary"]["covered"]) == ("audit", 4, 20)
    assert lost in document["error"]["message"]
    whole = sandbox.smrep("audit", "-f", str(tmp_path / "dr.toml"), "--json").document
    assert (document["summary"], document["exit_code"]) == (whole["summary"], whole["exit_code"])
    ours, theirs = (sorted(each["secrets"], key=lambda secret: str(secret["arn"])) for each in (document, whole))
    assert ours == theirs
    assert {secret["account_id"] for secret in document["secrets"]} == {*ids} - {lost}


@pytest.mark.process
def test_an_execution_ends_as_smrep_does_and_tries_again_what_is_not_finished(
    make_sandbox: Callable[..., Sandbox], tmp_path: Path, deployed: Deploy
) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0)
    first, second = fleet_of(sandbox, 2)
    once = {("find", "-"): 1, ("run", "0"): 1, ("run", "1"): 1, ("merge", "-"): 1}
    with deployed(sandbox, MANIFEST, tmp_path) as fleet:
        done = fleet.start("audit --deep", "in-sync")
        assert done["status"] == "SUCCEEDED", fleet.fargate.errors()
        assert counts(fleet) == once
        assert fleet.start("apply --yes", "applied")["status"] == "SUCCEEDED", fleet.fargate.errors()
        assert counts(fleet) == once

        create(sandbox, second, "prod/b")
        pending = fleet.start("audit", "in-progress")
        assert (pending["status"], pending["error"]) == ("FAILED", "Pending"), fleet.fargate.errors()
        assert counts(fleet) == once | {("run", "1"): 3}
        assert json.loads(fleet.files("in-progress")["result.json"])["summary"]["in_progress"] == 1

        fleet.fargate.killed = frozenset({"0"})
        failed = fleet.start("audit", "killed")
        assert (failed["status"], failed["error"]) == ("FAILED", "Failed")
        assert counts(fleet) == once | {("run", "0"): 3, ("run", "1"): 3}
        assert json.loads(fleet.files("killed")["end.json"]) == {"exit_code": 2, "result": "usage"}
        assert f"account {first} has no document: its task did not end\n" in fleet.fargate.errors()

        sandbox.simulator.put_organization(None)
        lost = fleet.start("audit", "no-organization")
        assert (lost["status"], lost["error"]) == ("FAILED", "States.TaskFailed")
        assert counts(fleet) == {("find", "-"): 1}
        assert fleet.files("no-organization") == {}
