"""`smrep failover`: what is chosen is promoted and told, one bad secret stops no other, and again is always safe."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.document_rows import kinds, rows_of
from cli.event_stream import document, events, of
from cli.failover_sandbox import (
    HOME,
    IRELAND,
    NAMES,
    STOP,
    WEST,
    Make,
    behave,
    by_name,
    counts,
    deny,
    failed_over,
    failover,
    fill,
    lose,
    marks,
    promoted,
    put,
    refused,
    replicas,
    replicated,
    sent,
    stands_alone,
    value,
)
from fixtures import Done, Sandbox

from smrep.sandbox.faults import Drop
from smrep.sandbox.simulator.simulated_aws import ApiError

YES = ("--all", "--yes")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make) -> Sandbox:
    """A sandbox with three replicated secrets, whose primaries' Region is down."""
    sandbox = replicated(make_sandbox)
    lose(sandbox, HOME)
    return sandbox


def test_every_replica_stands_alone_and_can_be_written(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, *YES, "--json")
    assert (done.code, done.document["result"], done.document["dry_run"]) == (0, "ok", False)
    assert promoted(fleet) == list(NAMES)
    assert counts(done) == {"secrets": 3, "promoted": 3}
    for name in NAMES:
        assert stands_alone(fleet, name=name)
        put(fleet, WEST, "written", name)
        assert value(fleet, WEST, name) == "written"


def test_the_document_names_the_primary_and_the_row_the_promoted_secret(fleet: Sandbox, record: Path) -> None:
    told = failover(fleet, record, *YES, "--json").document
    assert (told["command"], told["primary_region"], told["primary_region_source"]) == ("failover", HOME, "--from")
    assert told["account_id"] == "123456789012"
    for secret in told["secrets"]:
        (row,) = secret["replicas"]
        assert (row["region"], row["action"], row["changed"], row["status"]) == (WEST, "promote", True, None)
        assert secret["arn"] == row["arn"].replace(WEST, HOME)
        assert f":{HOME}:" in secret["arn"]


def test_again_it_sends_nothing_needs_no_answer_and_says_so(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, *YES).code == 0
    fleet.simulator.log.clear()
    done = failover(fleet, record, "--all", "--json")
    assert (done.code, sent(fleet), counts(done)) == (0, [], {"secrets": 3, "already": 3})
    assert {row["changed"] for row in rows_of(done)} == {False}
    assert "3 secrets failed over before: nothing to do" in done.err


def test_again_it_names_the_same_primaries(fleet: Sandbox, record: Path) -> None:
    first = failover(fleet, record, *YES, "-o", "name").out
    assert len(first.splitlines()) == 3
    assert failover(fleet, record, *YES, "-o", "name").out == first


def test_what_was_not_chosen_stays_a_replica(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, "prod/a", "test/a", regions=(WEST, IRELAND))
    assert failover(sandbox, record, "--prefix", "prod/", "--yes").code == 0
    assert promoted(sandbox) == ["prod/a"]
    assert not stands_alone(sandbox, WEST, "test/a")
    assert not stands_alone(sandbox, IRELAND)
    assert replicas(sandbox, HOME, "test/a") == {WEST: "InSync", IRELAND: "InSync"}


def test_neither_a_primary_nor_a_standalone_secret_there_is_touched(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, "prod/a")
    fill(sandbox, "prod/own", home=WEST, regions=(IRELAND,))
    with sandbox.simulator.undisturbed():
        sandbox.create("prod/alone", WEST)
    done = failover(sandbox, record, *YES, "--json")
    assert (done.code, [*by_name(done)], promoted(sandbox)) == (0, ["prod/a"], ["prod/a"])


@pytest.mark.parametrize("other", ["us-east-11", "us-east-1x", "us-east-1-lax-1"])
def test_a_region_whose_name_begins_with_the_lost_ones_is_another(make_sandbox: Make, record: Path, other: str) -> None:
    sandbox = replicated(make_sandbox, "prod/a")
    fill(sandbox, "prod/b", home=other)
    listed = sandbox.call("ListSecrets", WEST, Filters=[{"Key": "primary-region", "Values": [HOME]}])["SecretList"]
    assert len(listed) == 2  # as AWS's filter takes prefixes
    done = failover(sandbox, record, *YES, "--json")
    assert (done.code, promoted(sandbox), [*by_name(done)]) == (0, ["prod/a"], ["prod/a"])
    assert not stands_alone(sandbox, name="prod/b")


def test_a_secret_that_is_denied_stops_no_other(fleet: Sandbox, record: Path) -> None:
    done = _troubled(fleet, record, "AccessDeniedException")
    assert (done.code, done.document["result"], counts(done)) == (
        4,
        "access",
        {"secrets": 3, "promoted": 2, "denied": 1},
    )
    row = by_name(done)["prod/b"]["replicas"][0]
    assert (row["changed"], row["error"]["code"]) == (False, "AccessDeniedException")
    assert row["error"]["hint"] == f"allow secretsmanager:StopReplicationToReplica on {row['arn']}"
    assert "Failed over 2 of 3 secrets; 1 denied" in done.err


def test_a_secret_that_aws_refuses_stops_no_other(fleet: Sandbox, record: Path) -> None:
    done = _troubled(fleet, record, "InvalidRequestException")
    assert (done.code, done.document["result"], counts(done)) == (
        1,
        "failed",
        {"secrets": 3, "promoted": 2, "failed": 1},
    )
    assert marks(record, "prod/b") == ["promoting", "failed"]
    assert marks(record, "prod/a") == marks(record, "prod/c") == ["promoting", "promoted"]


def _troubled(sandbox: Sandbox, record: Path, code: str) -> Done:
    """Return a run in which the request for prod/b is refused with that code."""
    inner = sandbox.simulator.call

    def call(service: str, operation: str, region: str, params: dict[str, str], **more: str) -> dict[str, object]:
        if operation == STOP and "prod/b" in params["SecretId"]:
            raise ApiError(code, "no")
        return inner(service, operation, region, params, **more)

    sandbox.simulator.call = call  # type: ignore[method-assign, assignment]
    done = failover(sandbox, record, *YES, "--json")
    assert promoted(sandbox) == ["prod/a", "prod/c"]
    return done


def test_a_secret_that_is_gone_when_its_turn_comes_stops_no_other(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, listing_lag_s=300.0)
    sandbox.call("RemoveRegionsFromReplication", HOME, SecretId="prod/b", RemoveReplicaRegions=[WEST])
    sandbox.simulator.log.clear()
    done = failover(sandbox, record, *YES, "--json")
    assert (done.code, promoted(sandbox)) == (1, ["prod/a", "prod/c"])
    assert by_name(done)["prod/b"]["error"]["code"] == "ResourceNotFoundException"
    assert marks(record, "prod/b") == []


def test_where_every_request_is_denied_it_stops(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, *(f"prod/{number:02}" for number in range(40)))
    deny(sandbox, (STOP, WEST))
    done = failover(sandbox, record, *YES, "--json")
    assert (done.code, done.document["error"]["code"]) == (4, "AllDenied")
    assert 0 < len(sandbox.log(STOP)) < 40


def test_a_list_that_is_denied_is_access(fleet: Sandbox, record: Path) -> None:
    deny(fleet, ("ListSecrets", WEST))
    done = failover(fleet, record, *YES, "--json")
    assert (done.code, done.document["result"], sent(fleet)) == (4, "access", [])
    assert not record.exists()


def test_a_request_that_never_gets_through_is_pending(fleet: Sandbox, record: Path) -> None:
    behave(fleet, drops=(Drop(STOP, "before", times=1000),))
    done = failover(fleet, record, "prod/a", "--yes", "--timeout", "1s", "--json")
    assert (done.code, done.document["result"], counts(done)) == (3, "pending", {"secrets": 1, "pending": 1})
    assert "--timeout 1s" in done.document["error"]["hint"]
    assert marks(record) == ["promoting"]
    behave(fleet, drops=())
    assert failover(fleet, record, "prod/a", "--yes").code == 0
    assert stands_alone(fleet)
    assert marks(record)[-1] == "promoted"


def test_a_lost_answer_is_looked_for_and_not_sent_again(fleet: Sandbox, record: Path) -> None:
    behave(fleet, drops=(Drop(STOP, "after", times=3),))
    assert failover(fleet, record, *YES).code == 0
    assert promoted(fleet) == list(NAMES)


def test_the_worst_comes_first(fleet: Sandbox, record: Path) -> None:
    done = _troubled(fleet, record, "InvalidRequestException")
    assert [each["name"] for each in done.document["secrets"]] == ["prod/b", "prod/a", "prod/c"]


def test_a_key_that_is_disabled_is_found(make_sandbox: Make, record: Path) -> None:
    sandbox = replicated(make_sandbox, "prod/a")
    with sandbox.simulator.undisturbed():
        key = sandbox.key()
        sandbox.create("prod/k", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
        sandbox.call("DisableKey", WEST, "kms", KeyId=key)
    lose(sandbox, HOME)
    done = failover(sandbox, record, *YES, "-n", "--json")
    found = {name: kinds(each["replicas"][0]) for name, each in by_name(done).items()}
    assert found == {"prod/a": [], "prod/k": ["key_disabled"]}
    assert counts(done)["key_trouble"] == 1
    assert done.code == 0


def test_the_events(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, *YES, "-o", "ndjson")
    told = events(done)
    assert [each["type"] for each in told[:2]] == ["version", "plan"]
    requests = of("request", told)
    assert sorted(each["secret"].split(":", 6)[6][:-7] for each in requests) == list(NAMES)
    assert {(each["operation"], each["region"]) for each in requests} == {(STOP, WEST)}
    assert document(done)["summary"]["promoted"] == 3


def test_text_tells_each_secret_in_its_region(fleet: Sandbox, record: Path) -> None:
    rows = failover(fleet, record, *YES, "-o", "text").rows
    assert [row[:2] for row in rows] == [[name, WEST] for name in NAMES]
    assert {(row[4], row[5]) for row in rows} == {("promote", "standalone")}


def test_a_table_tells_each_secret_and_their_count(fleet: Sandbox, record: Path) -> None:
    out = failover(fleet, record, *YES, "-o", "table").out
    assert all(name in out for name in NAMES)
    assert "Failed over 3 of 3 secrets" in out


def test_a_query_reads_the_document(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, *YES, "--query", "summary.promoted")
    assert (done.code, done.out) == (0, "3\n")


def test_afterwards_it_names_the_way_back(fleet: Sandbox, record: Path) -> None:
    assert (
        f"hint: when {HOME} is back:\n  smrep failback --record {record} --dry-run" in failover(fleet, record, *YES).err
    )


@pytest.mark.parametrize("rate", ["0", "-1", "51", "nan", "fast"])
def test_a_rate_that_is_none_is_refused_before_any_call(fleet: Sandbox, record: Path, rate: str) -> None:
    refused(fleet, failover(fleet, record, *YES, "--rate", rate, "--json"))
    assert fleet.simulator.log == []


def test_the_rate_paces(fleet: Sandbox, record: Path) -> None:
    began = fleet.clock.wall()
    assert failover(fleet, record, *YES, "--rate", "4").code == 0
    last = max(call.ts for call in fleet.log(STOP))
    assert last - began >= 0.5  # two pauses of a quarter


def test_no_wait_is_a_good_end(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, *YES, "--no-wait", "--json")
    assert (done.code, promoted(fleet)) == (0, list(NAMES))


def test_what_was_led_home_can_be_failed_over_again(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record)
    assert sandbox.smrep("failback", "--record", str(record), "--return-primary", "--yes").code == 0
    sandbox.simulator.log.clear()
    lose(sandbox, HOME)
    done = failover(sandbox, record, *YES, "--json")
    assert (done.code, promoted(sandbox), counts(done)) == (0, list(NAMES), {"secrets": 3, "promoted": 3})
