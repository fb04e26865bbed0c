"""What AWS's list calls InSync and is not: a promoted replica, another secret, nothing, a secret without a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cli.event_stream import events, of
from fixtures import Done, Sandbox

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
REPLICATE = ("replicate", "prod/db", "-r", WEST)
NOT_LOOKING_FIRST = (*REPLICATE, "--no-preflight")
WAIT = ("wait", "prod/db")


def replicated(sandbox: Sandbox, *regions: str) -> str:
    return sandbox.create(AddReplicaRegions=[{"Region": each} for each in regions or (WEST,)])


def promoted(sandbox: Sandbox) -> None:
    replicated(sandbox)
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")


def gone(sandbox: Sandbox) -> None:
    promoted(sandbox)
    sandbox.call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    sandbox.pass_time()


def another_secret(sandbox: Sandbox) -> None:
    gone(sandbox)
    sandbox.create(region=WEST)


def to_be_deleted(sandbox: Sandbox) -> None:
    promoted(sandbox)
    sandbox.call("DeleteSecret", WEST, SecretId="prod/db")


STATES: dict[str, Callable[[Sandbox], None]] = {
    "promoted": promoted,
    "missing": gone,
    "name_conflict": another_secret,
    "pending_deletion": to_be_deleted,
}
each_state = pytest.mark.parametrize(("kind", "happen"), STATES.items(), ids=STATES)


def row(done: Done, region: str = WEST) -> dict[str, Any]:
    rows = {each["region"]: each for each in done.document["secrets"][0]["replicas"]}
    found: dict[str, Any] = rows[region]
    return found


def kinds(done: Done, region: str = WEST) -> list[str]:
    return [each["kind"] for each in row(done, region)["findings"]]


def looks(sandbox: Sandbox, region: str = WEST) -> int:
    return sum(1 for call in sandbox.log("DescribeSecret") if call.region == region)


@each_state
@pytest.mark.parametrize("words", [WAIT, NOT_LOOKING_FIRST], ids=["wait", "replicate"])
def test_what_the_list_calls_in_sync_is_looked_at(
    sandbox: Sandbox, kind: str, happen: Callable[[Sandbox], None], words: tuple[str, ...]
) -> None:
    happen(sandbox)
    done = sandbox.smrep(*words, "-o", "json")
    found = row(done)
    assert (done.code, found["status"], found["arn"], kinds(done)) == (5, "InSync", None, [kind])
    assert found["findings"][0]["hint"]
    assert found["error"] is None


@each_state
def test_what_the_preflight_finds_stays_a_failure(
    sandbox: Sandbox, kind: str, happen: Callable[[Sandbox], None]
) -> None:
    happen(sandbox)
    done = sandbox.smrep(*REPLICATE, "-o", "json")
    assert (done.code, row(done)["error"]["code"]) == (1, kind)


@each_state
@pytest.mark.parametrize("command", ["replicate", "retry"])
def test_what_happens_between_the_preflight_and_the_end_is_found(
    make_sandbox: Callable[..., Sandbox], kind: str, happen: Callable[[Sandbox], None], command: str
) -> None:
    """A Region that was well before the run stops being so while another Region is waited for."""
    sandbox = make_sandbox(replication_delay_s=20.0, replication_delay_by_region={WEST: 0.0})
    happen(sandbox)
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    done = sandbox.smrep(command, "prod/db", "-r", f"{WEST},{IRELAND}", "--no-preflight", "-o", "json")
    assert (done.code, kinds(done), kinds(done, IRELAND)) == (5, [kind], [])


def results(done: Done, region: str = WEST) -> list[tuple[str, str]]:
    return [(each["status"], each["result"]) for each in of("status", events(done)) if each["region"] == region]


@pytest.mark.parametrize("words", [WAIT, NOT_LOOKING_FIRST, ("retry", "prod/db", "--no-preflight")], ids=" ".join)
@pytest.mark.parametrize(("happen", "result"), [(promoted, "drift"), (replicated, "ok")], ids=["promoted", "well"])
def test_no_event_calls_a_region_well_before_the_look(
    sandbox: Sandbox, words: tuple[str, ...], happen: Callable[[Sandbox], None], result: str
) -> None:
    happen(sandbox)
    assert results(sandbox.smrep(*words, "-o", "ndjson")) == [("InSync", result)]


@pytest.mark.parametrize(("happen", "result"), [(promoted, "drift"), (replicated, "ok")], ids=["promoted", "well"])
@pytest.mark.parametrize("command", ["wait", "replicate", "retry"])
def test_while_another_region_is_waited_for_the_events_call_one_in_sync_pending(
    make_sandbox: Callable[..., Sandbox], command: str, happen: Callable[[Sandbox], None], result: str
) -> None:
    sandbox = make_sandbox(replication_delay_s=20.0, replication_delay_by_region={WEST: 0.0})
    happen(sandbox)
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    looking = () if command == "wait" else ("--no-preflight",)
    done = sandbox.smrep(command, "prod/db", "-r", f"{WEST},{IRELAND}", *looking, "-o", "ndjson")
    assert results(done) == [("InSync", "pending"), ("InSync", result)]
    assert results(done, IRELAND) == [("InProgress", "pending"), ("InSync", "ok")]
    assert f"prod/db {WEST} InSync" in done.err


def test_one_look_into_each_region_that_ends_in_sync(sandbox: Sandbox) -> None:
    replicated(sandbox, WEST, IRELAND)
    done = sandbox.smrep(*WAIT, "-o", "json")
    assert (done.code, looks(sandbox, HOME), looks(sandbox), looks(sandbox, IRELAND)) == (0, 1, 1, 1)
    assert kinds(done) == kinds(done, IRELAND) == []


def test_what_the_preflight_saw_in_sync_is_not_looked_at_again_where_nothing_was_waited_for(sandbox: Sandbox) -> None:
    replicated(sandbox)
    assert sandbox.smrep(*REPLICATE).code == 0
    assert looks(sandbox) == 1


@pytest.mark.parametrize("words", [WAIT, REPLICATE], ids=["wait", "replicate"])
def test_a_look_that_is_denied_changes_no_exit_code(
    make_sandbox: Callable[..., Sandbox], words: tuple[str, ...]
) -> None:
    sandbox = make_sandbox(denied=frozenset({("DescribeSecret", WEST)}))
    replicated(sandbox)
    done = sandbox.smrep(*words, "-o", "json")
    assert (done.code, kinds(done)) == (0, ["unchecked"])
    assert row(done)["arn"].split(":")[3] == WEST
    assert "unchecked" in done.err


def test_a_look_that_nobody_answers_changes_no_exit_code(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    replicated(sandbox)
    sandbox.simulator.change_faults(lambda faults: type(faults)(outages=frozenset({WEST})))
    done = sandbox.smrep(*WAIT, "-o", "json")
    assert (done.code, kinds(done)) == (0, ["unchecked"])


def test_usable_is_said_only_of_what_is(sandbox: Sandbox) -> None:
    """README: `smrep wait prod/db -r us-west-2 && echo usable`."""
    replicated(sandbox)
    assert sandbox.smrep("wait", "prod/db", "-r", WEST).code == 0
    sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    done = sandbox.smrep("wait", "prod/db", "-r", WEST)
    assert (done.code, "was promoted" in done.err) == (5, True)


def test_status_makes_one_call(sandbox: Sandbox) -> None:
    promoted(sandbox)
    mark = len(sandbox.simulator.log)
    assert sandbox.smrep("status", "prod/db").code == 0
    assert len(sandbox.simulator.log) == mark + 1


def valueless(sandbox: Sandbox) -> None:
    """Make a secret that holds no value yet, with a replica under a key that does not exist."""
    sandbox.call("CreateSecret", Name="prod/db")
    wanted = [{"Region": WEST, "KmsKeyId": "alias/nowhere"}]
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (WAIT, 5),
        (("verify", "prod/db"), 5),
        (("status", "prod/db"), 0),
        (REPLICATE, 0),
        ((*REPLICATE, "--dry-run"), 0),
        ((*REPLICATE, "--no-wait"), 0),
        (NOT_LOOKING_FIRST, 0),
        (("retry", "prod/db"), 0),
        (("doctor", "prod/db"), 1),  # since the key is missing
        (("audit", "-r", WEST, "--prefix", "prod/"), 5),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
)
def test_in_sync_proves_nothing_of_a_secret_without_a_value(
    sandbox: Sandbox, words: tuple[str, ...], code: int
) -> None:
    valueless(sandbox)
    done = sandbox.smrep(*words, "-o", "json")
    assert (kinds(done).count("no_value"), row(done)["status"]) == (1, "InSync")
    assert "holds no value" in done.err or words[0] == "audit"
    hint = next(each["hint"] for each in row(done)["findings"] if each["kind"] == "no_value")
    assert "aws secretsmanager put-secret-value" in hint
    assert done.code == code


@pytest.mark.parametrize("command", ["status", "doctor", "retry"])
def test_a_secret_without_a_value_and_without_replicas_has_the_finding(sandbox: Sandbox, command: str) -> None:
    sandbox.call("CreateSecret", Name="prod/db")
    done = sandbox.smrep(command, "prod/db", "-o", "json")
    (secret,) = done.document["secrets"]
    (finding,) = secret["findings"]
    assert (done.code, secret["replicas"], finding["kind"]) == (0, [], "no_value")
    assert done.err.count(finding["message"]) == done.err.count(f"hint: {finding['hint']}") == 1


def test_a_value_that_comes_while_smrep_waits_counts(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(replication_delay_s=5.0)
    sandbox.call("CreateSecret", Name="prod/db")
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="s3cret")
    done = sandbox.smrep(*WAIT, "-o", "json")
    assert (done.code, kinds(done)) == (0, [])
