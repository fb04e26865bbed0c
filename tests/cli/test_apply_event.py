"""`smrep apply --event`: the secret of one event, described first; whatever the event is, nothing is sent twice."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ADD, HOME, IRELAND, WEST, Make, manifest, replicate, rows, sent, stocked
from fixtures import Done, Sandbox
from hypothesis import given
from sample_events import ACCOUNT, malformed, native, trail
from simulated_time import SharedClock

from smrep.sandbox.aws_events import events_of
from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

TAGGED: dict[str, Any] = {"name": "tagged", "tags": {"dr": "true"}, "regions": [WEST, IRELAND]}


def applied(sandbox: Sandbox, file: str, event: Any, *words: str, **env: str | None) -> Done:
    """Run smrep with the event on standard input."""
    text = event if isinstance(event, str) else json.dumps(event)
    return sandbox.smrep("apply", "-f", file, "--event", "-", "--yes", "--json", *words, stdin=text, **env)


def ignored(done: Done) -> str:
    """Return why the event was ignored: nothing was done, and the document says so."""
    assert (done.code, done.document["secrets"]) == (0, [])
    assert done.document["event"]["ignored"] in done.err
    return str(done.document["event"]["ignored"])


def operations(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(call.operation, call.region) for call in sandbox.simulator.log]


@pytest.fixture
def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The events of all calls from now on."""
    told: list[dict[str, Any]] = []
    sandbox.simulator.listeners.append(lambda *call: told.extend(events_of(*call)))
    return told


def test_a_new_secret_is_replicated_without_a_list_and_once(
    sandbox: Sandbox, events: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = manifest(tmp_path)
    arn = sandbox.create("prod/new")
    sandbox.simulator.log.clear()
    done = applied(sandbox, file, events[0])
    assert done.code == 0, done.err
    assert done.document["event"] == {"name": "CreateSecret", "secret_id": arn, "ignored": None}
    row = rows(done)["prod/new", WEST]
    assert (row["status"], row["action"], row["changed"]) == ("InSync", "add", True)
    assert operations(sandbox)[0] == ("DescribeSecret", HOME)
    assert "ListSecrets" not in dict(operations(sandbox))
    _, native_event, own = events
    again = applied(sandbox, file, native_event)
    assert rows(again)["prod/new", WEST]["action"] == "keep"
    assert ignored(applied(sandbox, file, own)) == "smrep made this call itself"
    assert sent(sandbox) == [(ADD, "prod/new", (WEST,))]


@pytest.mark.parametrize("faults", [{"listing_lag_s": 300.0}, {"denied": frozenset({("ListSecrets", HOME)})}])
def test_lists_that_lag_or_are_denied_do_not_matter(make_sandbox: Make, tmp_path: Path, faults: Any) -> None:
    sandbox = make_sandbox(**faults)
    sandbox.create("prod/new")
    done = applied(sandbox, manifest(tmp_path), trail("CreateSecret", {"name": "prod/new"}))
    assert rows(done)["prod/new", WEST]["status"] == "InSync"


@pytest.mark.parametrize("late", [False, True])
def test_tags_decide_whether_they_come_with_the_secret_or_later(
    sandbox: Sandbox, events: list[dict[str, Any]], tmp_path: Path, *, late: bool
) -> None:
    file, tags = manifest(tmp_path, TAGGED), [{"Key": "dr", "Value": "true"}]
    sandbox.create("any/name", **({} if late else {"Tags": tags}))
    first = applied(sandbox, file, events[0])
    if late:
        assert "no rule of the manifest selects the secret" in ignored(first)
        sandbox.call("TagResource", SecretId="any/name", Tags=tags)
        first = applied(sandbox, file, events[-1])
    assert {row["status"] for row in rows(first).values()} == {"InSync"}
    assert sent(sandbox) == [(ADD, "any/name", (WEST, IRELAND))]


def test_a_failed_region_is_retried(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", failures={WEST: "Replication failed: of the weather"})
    sandbox.call(ADD, SecretId="prod/a", AddReplicaRegions=[{"Region": WEST}])
    sandbox.simulator.faults = Faults(replication_delay_s=0.0)
    done = applied(sandbox, manifest(tmp_path), native(sandbox.call("DescribeSecret", SecretId="prod/a")["ARN"]))
    assert rows(done)["prod/a", WEST]["action"] == "retry"


def test_a_failed_request_of_others_is_not_repeated_but_reported(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", failures={WEST: "Replication failed: of the weather"})
    sandbox.call(ADD, SecretId="prod/a", AddReplicaRegions=[{"Region": WEST}])
    sandbox.clock.sleep(60)
    sandbox.simulator.log.clear()
    event = trail(ADD, {"secretId": "prod/a"}, userIdentity={"arn": f"arn:aws:iam::{ACCOUNT}:role/other-smrep"})
    done = applied(sandbox, manifest(tmp_path), event)
    assert (done.code, rows(done)["prod/a", WEST]["status"]) == (1, "Failed")
    assert sent(sandbox) == []  # else two functions would answer each other's retries without end


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (trail("CreateSecret", {"name": "test/other"}), "no rule of the manifest selects the secret"),
        (trail("TagResource", {"secretId": "prod/gone"}), "the secret no longer exists"),
        (trail("TagResource", {"secretId": "prod/dead"}), "the secret is scheduled for deletion"),
        (trail("TagResource", {"secretId": "prod/b"}, awsRegion=WEST), f"the manifest has no primaries in {WEST}"),
        (trail("CreateSecret", {"name": "prod/a"}, errorCode="AccessDenied"), "the call failed: AccessDenied"),
        (trail("GetSecretValue", {"secretId": "prod/a"}), "it changes no replication"),
        (
            trail(
                "ReplicateSecretToRegions",
                {"secretId": "prod/a"},
                userIdentity={"arn": f"arn:aws:iam::{ACCOUNT}:user/sandbox"},
            ),
            "smrep made this call itself",
        ),
    ],
)
def test_events_that_need_nothing_say_why_and_change_nothing(
    make_sandbox: Make, tmp_path: Path, event: Any, why: str
) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", "prod/dead", "test/other")
    with sandbox.simulator.undisturbed():
        sandbox.call("DeleteSecret", SecretId="prod/dead")
    assert why in ignored(applied(sandbox, manifest(tmp_path), event))
    assert sent(sandbox) == []


def test_a_replica_here_is_ignored(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", WEST)
    file = manifest(tmp_path, {"prefix": "prod/", "regions": [IRELAND]}, primary_region=WEST)
    event = trail("TagResource", {"secretId": "prod/a"}, awsRegion=WEST)
    why = ignored(applied(sandbox, file, event, AWS_REGION=WEST))
    assert why == f"the secret is a replica of the primary in {HOME}"


@pytest.mark.parametrize("account", [None, "210987654321"])
def test_an_event_of_another_account_is_ignored(make_sandbox: Make, tmp_path: Path, account: str | None) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    file = manifest(tmp_path, account_id=ACCOUNT)
    event = trail("CreateSecret", {"name": "prod/a"}) | {"account": account or ACCOUNT}
    done = applied(sandbox, file, event)
    if account:
        assert ignored(done) == f"the manifest has no primaries in {HOME} of account {account}"
    assert len(sent(sandbox)) == (0 if account else 1)


def test_the_account_of_the_event_decides_whose_role_is_assumed(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox()
    other = "210987654321"
    sandbox.simulator.account(other).call(
        "secretsmanager", "CreateSecret", HOME, {"Name": "prod/a", "SecretString": "x"}
    )
    roles = [{"role_arn": f"arn:aws:iam::{number}:role/smrep"} for number in (ACCOUNT, other)]
    file = manifest(tmp_path, account=roles)
    done = applied(sandbox, file, trail("CreateSecret", {"name": "prod/a"}) | {"account": other})
    (secret,) = done.document["secrets"]
    assert (secret["account_id"], secret["replicas"][0]["status"]) == (other, "InSync")
    third = trail("CreateSecret", {"name": "prod/a"}) | {"account": "999999999999"}
    assert "the manifest has no primaries" in ignored(applied(sandbox, file, third))


def test_an_event_never_removes_even_if_the_rule_does(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", IRELAND)
    file = manifest(tmp_path, {"prefix": "prod/", "regions": [WEST], "remove_extra": True})
    done = applied(sandbox, file, trail("UpdateSecret", {"secretId": "prod/a"}))
    assert done.code == 0, done.err
    assert applied(sandbox, file, {"smrep": "apply"}).code == 0
    assert sent(sandbox) == [(ADD, "prod/a", (WEST,))]


@pytest.mark.parametrize(
    ("call", "request_", "finding"),
    [
        ("RemoveRegionsFromReplication", {"RemoveReplicaRegions": [WEST]}, "missing"),
        ("UntagResource", {"TagKeys": ["dr"]}, "extra"),
    ],
)
def test_what_somebody_took_away_is_reported_and_left(
    make_sandbox: Make, tmp_path: Path, call: str, request_: Any, finding: str
) -> None:
    sandbox = make_sandbox(removal_delay_s=0.0)
    told: list[Any] = []
    tagged = TAGGED | {"regions": [WEST]}
    with sandbox.simulator.undisturbed():
        sandbox.create("any/name", Tags=[{"Key": "dr", "Value": "true"}])
    replicate(sandbox, "any/name", WEST)
    sandbox.simulator.listeners.append(lambda *a: told.extend(events_of(*a)))
    sandbox.simulator.call(
        "secretsmanager", call, HOME, {"SecretId": "any/name", **request_}, access_key=_somebody(sandbox)
    )
    sandbox.simulator.log.clear()
    done = applied(sandbox, manifest(tmp_path, tagged), told[-1])
    assert done.code == 5, done.err
    assert {each["kind"] for each in rows(done)["any/name", WEST]["findings"]} == {finding}
    assert (sent(sandbox), done.document["event"]["ignored"]) == ([], None)


def _somebody(sandbox: Sandbox) -> str:
    """Return the access key of a role that is not smrep's."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/somebody"
    answer = sandbox.call("AssumeRole", service="sts", RoleArn=arn, RoleSessionName="night")
    return str(answer["Credentials"]["AccessKeyId"])


def test_an_untagged_secret_without_replicas_is_no_news(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "any/name")
    event = trail("UntagResource", {"secretId": "any/name"})
    assert "no rule" in ignored(applied(sandbox, manifest(tmp_path, TAGGED), event))


@pytest.mark.parametrize(("operation", "code"), [("DescribeSecret", 4), (ADD, 4)])
def test_a_denied_call_is_no_success(make_sandbox: Make, tmp_path: Path, operation: str, code: int) -> None:
    sandbox = stocked(make_sandbox, "prod/a", denied=frozenset({(operation, HOME)}))
    done = applied(sandbox, manifest(tmp_path), trail("CreateSecret", {"name": "prod/a"}))
    assert (done.code, done.document["result"], sent(sandbox)) == (code, "access", sent(sandbox)[:1])


def test_a_dry_run_sends_nothing(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    done = applied(sandbox, manifest(tmp_path), trail("CreateSecret", {"name": "prod/a"}), "-n")
    assert (done.code, rows(done)["prod/a", WEST]["action"], sent(sandbox)) == (0, "add", [])


def test_rules_that_conflict_for_the_secret_stop_it(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    file = manifest(
        tmp_path,
        {"name": "one", "prefix": "prod/", "regions": [{"region": WEST, "kms_key": "alias/one"}]},
        {"name": "two", "prefix": "prod/a", "regions": [{"region": WEST, "kms_key": "alias/two"}]},
    )
    done = applied(sandbox, file, trail("CreateSecret", {"name": "prod/a"}))
    assert (done.code, done.document["error"]["code"], sent(sandbox)) == (2, "ManifestError", [])


def test_a_secret_that_aws_shows_late_is_looked_for_again(sandbox: Sandbox, tmp_path: Path) -> None:
    born_at = sandbox.clock.time + 2.5
    describe = sandbox.simulator.call

    def call(service: str, operation: str, *args: Any, **kwargs: Any) -> Any:
        if not sandbox.log("CreateSecret") and sandbox.clock.time >= born_at:
            describe("secretsmanager", "CreateSecret", HOME, {"Name": "prod/late", "SecretString": "x"})
        return describe(service, operation, *args, **kwargs)

    sandbox.simulator.call = call  # type: ignore[method-assign]
    done = applied(sandbox, manifest(tmp_path), trail("CreateSecret", {"name": "prod/late"}))
    assert rows(done)["prod/late", WEST]["status"] == "InSync"


def test_the_schedule_applies_the_whole_manifest(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    done = applied(sandbox, manifest(tmp_path), {"smrep": "apply"})
    assert (done.code, len(done.document["secrets"])) == (0, 2)
    assert "event" not in done.document


@pytest.mark.parametrize(
    ("words", "event", "message"),
    [
        ((), {"smrep": "audit"}, "the event asks for an audit"),
        ((), "{", "standard input is not JSON"),
        ((), "[" * 100_000, "standard input is not JSON"),
        (("--shard", "1/2"), {"smrep": "apply"}, "--event and --shard contradict each other"),
        (("--plan", "x"), {"smrep": "apply"}, "apply needs either -f FILE or --plan FILE"),
    ],
)
def test_an_event_that_apply_cannot_take(
    make_sandbox: Make, tmp_path: Path, words: tuple[str, ...], event: Any, message: str
) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    done = applied(sandbox, manifest(tmp_path), event, *words)
    assert (done.code, sandbox.simulator.log) == (2, [])
    assert message in done.document["error"]["message"]


def test_manifest_and_event_cannot_both_be_standard_input(sandbox: Sandbox) -> None:
    done = applied(sandbox, "-", {"smrep": "apply"})
    assert (done.code, done.document["error"]["message"]) == (2, "--event and -f - contradict each other")


@given(malformed())
def test_any_event_ends_with_a_document_and_sends_nothing_twice(sandbox_with_a: Any, event: Any) -> None:
    sandbox, file = sandbox_with_a
    done = applied(sandbox, file, event)
    assert done.code in (0, 2, 5), done.err
    writes = sent(sandbox)
    assert len(writes) == len(set(writes)) <= 1


@pytest.fixture(scope="module")
def sandbox_with_a(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sandbox whose only selected secret is `prod/db`, and its manifest."""
    clock = SharedClock()
    simulator = Simulator(now=clock.wall, rng=random.Random(3), faults=Faults(replication_delay_s=0.0))
    with SandboxServer(simulator) as server:
        sandbox = Sandbox(simulator, server.url, clock)
        sandbox.create("prod/db")
        yield sandbox, manifest(tmp_path_factory.mktemp("event"))


def test_two_events_at_the_same_moment_send_one_request(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.create("prod/a")
    call, other = sandbox.simulator.call, {"SecretId": "prod/a", "AddReplicaRegions": [{"Region": WEST}]}

    def racing(service: str, operation: str, region: str, *args: Any, **kwargs: Any) -> Any:
        if (operation, region) == ("DescribeSecret", WEST) and not sandbox.log(ADD):
            call("secretsmanager", ADD, HOME, other)  # the function for the other event, while this one looks
        return call(service, operation, region, *args, **kwargs)

    sandbox.simulator.call = racing  # type: ignore[method-assign]
    done = applied(sandbox, manifest(tmp_path), trail("CreateSecret", {"name": "prod/a"}))
    assert rows(done)["prod/a", WEST]["action"] == "keep"
    assert len(sandbox.log(ADD)) == 1
