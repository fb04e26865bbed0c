"""`smrep failback`: the promoted secret gets its replicas, the primary role goes home, and no value is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.document_rows import rows_of
from cli.event_stream import document, events, of
from cli.failover_sandbox import (
    ADD,
    HOME,
    IRELAND,
    NAMES,
    REMOVE,
    STOP,
    SYDNEY,
    WEST,
    Make,
    behave,
    by_name,
    counts,
    failback,
    failed_over,
    failover,
    lines,
    look,
    lose,
    marks,
    put,
    replicas,
    sent,
    stands_alone,
    value,
)
from fixtures import Sandbox

YES = ("--yes", "--json")
RETURN = ("--return-primary", *YES)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make, record: Path) -> Sandbox:
    """A sandbox with three secrets that were failed over, and the lost Region is back."""
    return failed_over(make_sandbox, record)


def test_the_promoted_secret_is_the_primary_of_the_old_region(fleet: Sandbox, record: Path) -> None:
    put(fleet, WEST, "written there")
    done = failback(fleet, record, *YES)
    assert (done.code, done.document["result"], counts(done)) == (0, "ok", {"secrets": 3, "led": 3})
    assert {(operation, region) for operation, region, _ in sent(fleet)} == {(ADD, WEST)}
    for name in NAMES:
        assert replicas(fleet, WEST, name) == {HOME: "InSync"}
        assert (look(fleet, HOME, name) or {})["PrimaryRegion"] == WEST
    assert value(fleet, HOME) == value(fleet, WEST) == "written there"
    assert marks(record) == ["promoting", "promoted", "replacing", "protected"]


def test_the_primary_role_goes_home_with_the_value_written_there(fleet: Sandbox, record: Path) -> None:
    put(fleet, WEST, "written there")
    done = failback(fleet, record, *RETURN)
    assert (done.code, counts(done)) == (0, {"secrets": 3, "led": 3})
    for name in NAMES:
        assert replicas(fleet, HOME, name) == {WEST: "InSync"}
        assert stands_alone(fleet, HOME, name)
        assert (look(fleet, WEST, name) or {})["PrimaryRegion"] == HOME
    assert value(fleet, HOME) == value(fleet, WEST) == "written there"
    assert marks(record)[-1] == "returned"


def test_in_two_runs_with_values_written_between(fleet: Sandbox, record: Path) -> None:
    put(fleet, WEST, "one")
    assert failback(fleet, record, *YES).code == 0
    put(fleet, WEST, "two", "prod/b")
    done = failback(fleet, record, *RETURN)
    assert (done.code, counts(done)) == (0, {"secrets": 3, "led": 3})
    for region in (HOME, WEST):
        assert [value(fleet, region, name) for name in NAMES] == ["one", "two", "s3cret"]
    put(fleet, HOME, "three", "prod/c")
    assert value(fleet, WEST, "prod/c") == "three"


def test_the_names_and_arns_are_as_they_were(fleet: Sandbox, record: Path) -> None:
    before = {(region, name): (look(fleet, region, name) or {})["ARN"] for region in (HOME, WEST) for name in NAMES}
    assert failback(fleet, record, *RETURN).code == 0
    assert before == {(region, name): (look(fleet, region, name) or {})["ARN"] for region, name in before}


def test_what_the_old_region_holds_that_is_newer_is_kept(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record, promoted_entry="dropped")
    put(sandbox, HOME, "written before it was lost")
    done = failback(sandbox, record, *RETURN, "--timeout", "5s")
    assert (done.code, counts(done)) == (0, {"secrets": 3, "led": 3})
    assert value(sandbox, HOME) == value(sandbox, WEST) == "written before it was lost"
    assert replicas(sandbox, HOME) == {WEST: "InSync"}


def test_and_where_aws_takes_no_request_for_a_region_listed_still_it_stops_and_nothing_is_lost(
    make_sandbox: Make, record: Path
) -> None:
    sandbox = failed_over(make_sandbox, record, promoted_entry="kept")
    put(sandbox, HOME, "written before it was lost")
    done = failback(sandbox, record, *RETURN, "--timeout", "5s")
    assert (done.code, counts(done)) == (3, {"secrets": 3, "led": 2, "pending": 1})
    assert (value(sandbox, HOME), value(sandbox, WEST)) == ("written before it was lost", "s3cret")
    assert replicas(sandbox, HOME) == {WEST: "InSync"}


def test_and_is_left_alone_where_a_replica_would_destroy_it(fleet: Sandbox, record: Path) -> None:
    put(fleet, HOME, "written before it was lost")
    done = failback(fleet, record, *YES)
    assert (done.code, counts(done)) == (1, {"secrets": 3, "led": 2, "left_alone": 1})
    error = by_name(done)["prod/a"]["replicas"][0]["error"]
    assert (error["code"], error["hint"]) == (
        "OldIsNewer",
        ("read 'AWS refuses' in the runbook:\n  smrep help runbooks fail-back"),
    )
    assert value(fleet, HOME) == "written before it was lost"


@pytest.mark.parametrize("words", [YES, RETURN], ids=["protect", "return"])
def test_what_was_changed_on_both_sides_is_left_alone(fleet: Sandbox, record: Path, words: tuple[str, ...]) -> None:
    put(fleet, HOME, "here")
    put(fleet, WEST, "there")
    done = failback(fleet, record, *words)
    assert (done.code, done.document["result"]) == (1, "failed")
    assert counts(done) == {"secrets": 3, "led": 2, "left_alone": 1}
    assert by_name(done)["prod/a"]["replicas"][0]["error"]["code"] == "BothChanged"
    assert "prod/a" not in [name for _, _, name in sent(fleet)]
    assert (value(fleet, HOME), value(fleet, WEST)) == ("here", "there")
    assert "Failed back 2 of 3 secrets; 1 skipped" in done.err


def test_again_it_sends_nothing_and_says_so(fleet: Sandbox, record: Path) -> None:
    for words in (YES, RETURN):
        assert failback(fleet, record, *words).code == 0
        fleet.simulator.log.clear()
        kept = record.read_text()
        done = failback(fleet, record, *[word for word in words if word != "--yes"])  # nothing to confirm
        assert (done.code, sent(fleet), counts(done)) == (0, [], {"secrets": 3, "already": 3})
        assert {row["changed"] for row in rows_of(done)} == {False}
        assert "3 secrets failed back before: nothing to do" in done.err
        assert record.read_text() == kept


def test_what_came_home_is_not_led_away_again(fleet: Sandbox, record: Path) -> None:
    assert failback(fleet, record, *RETURN).code == 0
    fleet.simulator.log.clear()
    done = failback(fleet, record, *YES)
    assert (done.code, sent(fleet), counts(done)) == (0, [], {"secrets": 3, "already": 3})


@pytest.mark.parametrize("words", [YES, RETURN], ids=["protect", "return"])
def test_third_regions_move_with_their_keys(make_sandbox: Make, record: Path, words: tuple[str, ...]) -> None:
    sandbox = make_sandbox(removal_delay_s=0.3)
    with sandbox.simulator.undisturbed():
        keys = {region: sandbox.key("alias/dr", region) for region in (WEST, IRELAND)}
        wanted = [{"Region": WEST, "KmsKeyId": keys[WEST]}, {"Region": IRELAND, "KmsKeyId": keys[IRELAND]}]
        sandbox.create("prod/a", AddReplicaRegions=[*wanted, {"Region": SYDNEY}])
    lose(sandbox, HOME)
    assert failover(sandbox, record, "--all", "--yes").code == 0
    lose(sandbox)
    put(sandbox, WEST, "written there")
    done = failback(sandbox, record, *words)
    primary, other = (HOME, WEST) if "--return-primary" in words else (WEST, HOME)
    assert (done.code, counts(done)) == (0, {"secrets": 1, "led": 1}), done.err
    assert replicas(sandbox, primary) == dict.fromkeys((other, IRELAND, SYDNEY), "InSync")
    for region in (IRELAND, SYDNEY):
        there = look(sandbox, region) or {}
        assert (there["PrimaryRegion"], value(sandbox, region)) == (primary, "written there")
    assert (look(sandbox, IRELAND) or {})["KmsKeyId"] == keys[IRELAND]
    assert (look(sandbox, WEST) or {})["KmsKeyId"] == keys[WEST]
    leaving = [each["regions"] for each in lines(record) if each.get("result") == "leaving"]
    thirds = [{"region": SYDNEY, "kms_key": None}, {"region": IRELAND, "kms_key": keys[IRELAND]}]
    assert sorted(leaving[0], key=lambda each: str(each["region"])) == thirds


def test_no_key_is_lost_on_the_way(make_sandbox: Make, record: Path) -> None:
    sandbox = make_sandbox()
    with sandbox.simulator.undisturbed():
        keys = {region: sandbox.key("alias/dr", region) for region in (HOME, WEST)}
        sandbox.create("prod/a", KmsKeyId=keys[HOME], AddReplicaRegions=[{"Region": WEST, "KmsKeyId": keys[WEST]}])
    assert failover(sandbox, record, "--all", "--yes").code == 0
    assert failback(sandbox, record, *RETURN).code == 0
    assert {region: (look(sandbox, region) or {})["KmsKeyId"] for region in keys} == keys


@pytest.mark.parametrize("entry", ["kept", "dropped"])
@pytest.mark.parametrize("words", [YES, RETURN], ids=["protect", "return"])
def test_whatever_the_old_primary_lists_of_what_was_promoted(
    make_sandbox: Make, record: Path, entry: str, words: tuple[str, ...]
) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a", promoted_entry=entry)
    assert bool(replicas(sandbox, HOME)) == (entry == "kept")
    put(sandbox, WEST, "written there")
    assert failback(sandbox, record, *words).code == 0
    assert value(sandbox, HOME) == value(sandbox, WEST) == "written there"
    primary = HOME if "--return-primary" in words else WEST
    assert stands_alone(sandbox, primary)


def test_where_nothing_bears_the_name_in_the_old_region(fleet: Sandbox, record: Path) -> None:
    with fleet.simulator.undisturbed():
        fleet.call(REMOVE, HOME, SecretId="prod/a", RemoveReplicaRegions=[WEST])
        fleet.call("DeleteSecret", HOME, SecretId="prod/a", ForceDeleteWithoutRecovery=True)
    assert look(fleet, HOME) is None
    assert failback(fleet, record, *RETURN).code == 0
    assert replicas(fleet, HOME) == {WEST: "InSync"}


def test_the_document_names_the_pair_and_who_is_the_primary_now(fleet: Sandbox, record: Path) -> None:
    for words, primary in ((YES, WEST), (RETURN, HOME)):
        told = failback(fleet, record, *words).document
        assert (told["command"], told["primary_region"], told["primary_region_source"]) == (
            "failback",
            HOME,
            "--record",
        )
        for secret in told["secrets"]:
            assert (secret["primary_region"], f":{primary}:" in secret["arn"]) == (primary, True)
            (row,) = secret["replicas"]
            assert (row["region"], row["status"], row["verified"]) == (
                {HOME: WEST, WEST: HOME}[primary],
                "InSync",
                True,
            )


def test_the_events(fleet: Sandbox, record: Path) -> None:
    done = failback(fleet, record, "--return-primary", "--yes", "-o", "ndjson")
    told = events(done)
    assert [each["type"] for each in told[:2]] == ["version", "plan"]
    requests = [(each["operation"], each["region"]) for each in of("request", told) if ":prod/a-" in each["secret"]]
    assert requests == [(ADD, WEST), (STOP, HOME), (ADD, HOME)]
    assert document(done)["summary"]["led"] == 3


def test_text_a_table_names_and_a_query(fleet: Sandbox, record: Path) -> None:
    rows = failback(fleet, record, "--yes", "-o", "text").rows
    assert sorted(row[:3] for row in rows) == [[name, HOME, "InSync"] for name in NAMES]
    assert {row[4] for row in rows} == {"overwrite"}
    assert "3 secrets failed back before: nothing to do" in failback(fleet, record, "--yes", "-o", "table").out
    table = failback(fleet, record, "--return-primary", "--yes", "-o", "table").out
    assert all(f"{name}   {WEST}" in table for name in NAMES)
    assert "Failed back 3 of 3 secrets" in table
    names = failback(fleet, record, "--return-primary", "-o", "name").out.splitlines()
    assert sorted(names) == [(look(fleet, HOME, name) or {})["ARN"] for name in NAMES]
    assert failback(fleet, record, "--return-primary", "--query", "summary.already").out == "3\n"


def test_a_failback_that_leaves_the_roles_swapped_says_how_to_move_them_back(fleet: Sandbox, record: Path) -> None:
    tried = failback(fleet, record, "-n", "-o", "table")
    done = failback(fleet, record, "--yes", "-o", "table")
    command = f"smrep failback --record {record} --return-primary"
    (hint,) = re.findall("to move the role back:\n  (.*)", done.err)
    assert f"hint: {WEST} stays the primary; " in done.err
    assert (hint, "to move the role back" in tried.err) == (command, False)
    back = fleet.smrep(*hint.split()[1:], "--yes")
    assert (back.code, "to move the role back" in back.err) == (0, False)


def test_no_wait_ends_well_with_its_result_pending_and_is_gone_on_with(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a")
    behave(sandbox, replication_delay_s=60.0)
    done = failback(sandbox, record, *YES, "--no-wait")
    assert (done.code, done.document["result"], counts(done)) == (0, "pending", {"secrets": 1, "pending": 1})
    assert marks(record)[-1] == "replacing"
    again = failback(sandbox, record, *YES, "--timeout", "1s")
    assert (again.code, again.document["result"]) == (3, "pending")
    assert len(sent(sandbox)) == 1


def test_a_deadline_that_passes_is_pending_and_gone_on_with(make_sandbox: Make, record: Path) -> None:
    sandbox = failed_over(make_sandbox, record, "prod/a")
    put(sandbox, WEST, "written there")
    behave(sandbox, replication_delay_s=2.0)
    done = failback(sandbox, record, *RETURN, "--timeout", "1s")
    error = done.document["error"]
    assert (done.code, done.document["result"]) == (3, "pending")
    assert "--return-primary" in error["hint"]
    assert failback(sandbox, record, *RETURN).code == 0
    assert value(sandbox, HOME) == value(sandbox, WEST) == "written there"
    assert replicas(sandbox, HOME) == {WEST: "InSync"}


def test_a_record_whose_last_line_is_torn_is_done_as_far_as_it_is_whole(make_sandbox: Make, tmp_path: Path) -> None:
    record = tmp_path / "dr.jsonl"
    sandbox = failed_over(make_sandbox, record, "prod/a", "prod/b")
    torn = '{"ts": "2026-11-23T10:00:00.000Z", "result": "promoting", "name": "prod/c", "arn": "arn:aw'
    record.write_text("\ufeff" + record.read_text() + torn, encoding="utf-8")
    dry = failback(sandbox, record, "--dry-run")
    assert (dry.code, torn[:60] in dry.err, sent(sandbox)) == (0, False, [])
    done = failback(sandbox, record, "--yes", "--json")
    assert (done.code, done.document["error"]["code"]) == (1, "NotWhole")
    assert torn in done.err
    assert all(replicas(sandbox, WEST, name) == {HOME: "InSync"} for name in ("prod/a", "prod/b"))
    assert failover(sandbox, record, "--all", "--dry-run").code in (0, 2)
    assert failback(sandbox, record, "--yes").code == 1  # until a failover has looked again
