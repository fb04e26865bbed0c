"""What the acceptance run's clean-up makes of whatever a run can leave behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fixtures import Sandbox
from live.account import Account
from live.cleanup import Cleanup
from patience import PATIENCE_S

from smrep.sandbox.faults import Faults

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
QUICK = {"replication_delay_s": 0.0, "removal_delay_s": 0.1, "force_delete_delay_s": 0.0}


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sandbox = make_sandbox(**QUICK)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> Iterator[Account]:
    account = Account([HOME, WEST, IRELAND])
    yield account
    account.close()


def replicate(sandbox: Sandbox, name: str, *regions: str, home: str = HOME) -> None:
    wanted = [{"Region": region} for region in regions]
    sandbox.call("ReplicateSecretToRegions", home, SecretId=name, AddReplicaRegions=wanted)


def remove(sandbox: Sandbox, name: str, *regions: str) -> None:
    sandbox.call("RemoveRegionsFromReplication", SecretId=name, RemoveReplicaRegions=list(regions))


def replicated(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    replicate(sandbox, name, WEST, IRELAND)


def promoted(sandbox: Sandbox, name: str) -> None:
    replicated(sandbox, name)
    sandbox.call("StopReplicationToReplica", WEST, SecretId=name)


def going(sandbox: Sandbox, name: str) -> None:
    replicated(sandbox, name)
    remove(sandbox, name, WEST)


def stranded(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    replicate(sandbox, name, WEST)
    sandbox.simulator.faults = Faults(**{**QUICK, "removal_delay_s": 3600.0})  # it outlives its primary
    remove(sandbox, name, WEST)
    sandbox.call("DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
    sandbox.simulator.faults = Faults(**QUICK)
    sandbox.pass_time()


def scheduled(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    sandbox.create(name, WEST)
    for region in (HOME, WEST):
        sandbox.call("DeleteSecret", region, SecretId=name, RecoveryWindowInDays=7)


def two_primaries(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    sandbox.create(name, WEST)
    replicate(sandbox, name, IRELAND, home=WEST)
    replicate(sandbox, name, WEST)


def failed(sandbox: Sandbox, name: str) -> None:
    sandbox.simulator.faults = Faults(**QUICK, failures={WEST: "no luck"})
    replicated(sandbox, name)


def left_in(sandbox: Sandbox) -> list[Any]:
    listed = [sandbox.call("ListSecrets", region, IncludePlannedDeletion=True) for region in (HOME, WEST, IRELAND)]
    return [secret["ARN"] for each in listed for secret in each["SecretList"]]


@pytest.mark.parametrize("leave", [replicated, promoted, going, stranded, scheduled, two_primaries, failed])
@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "listed"])
def test_nothing_stays(
    sandbox: Sandbox, account: Account, leave: Callable[[Sandbox, str], None], *, remembered: bool
) -> None:
    name = f"{account.prefix}x"
    leave(sandbox, name)
    if remembered:
        account.made[name] = None
    assert left_in(sandbox)
    assert Cleanup(account, PATIENCE_S).run() == []
    assert left_in(sandbox) == []


def test_replicas_are_gone_before_their_primary_is_deleted(sandbox: Sandbox, account: Account) -> None:
    replicated(sandbox, f"{account.prefix}x")
    assert Cleanup(account, PATIENCE_S).run() == []
    assert len(sandbox.log("DeleteSecret")) == 1  # a replica that outlives its primary is stranded, and needs another
    assert sandbox.log("StopReplicationToReplica") == []


def test_a_stranded_replica_is_promoted_so_that_it_can_be_deleted(sandbox: Sandbox, account: Account) -> None:
    stranded(sandbox, f"{account.prefix}x")
    assert Cleanup(account, PATIENCE_S).run() == []
    assert [call.region for call in sandbox.log("StopReplicationToReplica")] == [WEST]


def test_a_namesake_of_another_prefix_stays(sandbox: Sandbox, account: Account) -> None:
    arn = sandbox.create(f"{account.prefix[:-1]}9/x")
    assert Cleanup(account, 1.0).run() == []
    assert left_in(sandbox) == [arn]


def test_a_region_that_does_not_answer_is_told(sandbox: Sandbox, account: Account) -> None:
    name = f"{account.prefix}x"
    replicated(sandbox, name)
    account.made[name] = None
    sandbox.simulator.faults = Faults(**QUICK, denied=frozenset({("DescribeSecret", WEST)}))
    (left,) = Cleanup(account, 0.5).run()
    assert (left.name, left.region, "AccessDenied" in left.why) == (name, WEST, True)
    assert left.command.startswith(f"aws secretsmanager delete-secret --secret-id {name} --region {WEST}")


def test_whoever_interrupts_is_told_of_all_that_was_made(sandbox: Sandbox, account: Account) -> None:
    account.made[f"{account.prefix}x"] = None
    account.regions = [HOME]

    def interrupt() -> float:
        raise KeyboardInterrupt

    sandbox.create(f"{account.prefix}x")
    sweep = Cleanup(account, 1.0, clock=interrupt)
    with pytest.raises(KeyboardInterrupt):
        sweep.run()
    assert [(each.name, each.region) for each in sweep.left()] == [(f"{account.prefix}x", HOME)]
