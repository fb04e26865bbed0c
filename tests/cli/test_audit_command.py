"""`smrep audit`: what it finds, what that costs, and the exit code that it comes to."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import (
    ACCOUNT,
    ADD,
    HOME,
    IRELAND,
    PROD,
    SYDNEY,
    WEST,
    Make,
    counts,
    manifest,
    replicate,
    rows,
    sent,
    stocked,
)
from cli.audit_sandbox import audit, calls, fill, orphan, paging, set_status
from cli.document_rows import kinds
from fixtures import Sandbox, commands_in

from smrep.cli.commands.audit import MAX_NAMED
from smrep.sandbox.faults import Faults

ALWAYS = ["secrets", "covered", "missing", "failed", "in_progress", "stale", "wrong_key", "extra", "orphan"]


@pytest.fixture
def mixed(make_sandbox: Make) -> Sandbox:
    """A sandbox in which most things that can be wrong are wrong once."""
    sandbox = stocked(make_sandbox, "prod/missing", "prod/clash", "prod/failed", "prod/slow")
    orphan(sandbox, "prod/orphan")
    fill(sandbox, "prod/right", "prod/promoted", "prod/stale")
    with sandbox.simulator.undisturbed():
        sandbox.create("prod/clash", WEST)
        sandbox.call("StopReplicationToReplica", WEST, SecretId="prod/promoted")
    sandbox.simulator.faults = Faults(value_delay_s=3600.0, replication_delay_s=0.0)
    sandbox.call("PutSecretValue", SecretId="prod/stale", SecretString="n3wer")
    set_status(sandbox, "prod/failed", "Failed")
    set_status(sandbox, "prod/slow", "InProgress")
    return sandbox


def test_each_thing_that_is_wrong_is_in_the_document_and_counted(mixed: Sandbox) -> None:
    done = audit(mixed, "-r", WEST, "--json")
    found = {name: kinds(row) for (name, _), row in rows(done).items()}
    assert found == {
        "prod/missing": ["missing"],
        "prod/clash": ["name_conflict", "missing"],
        "prod/failed": ["failed"],
        "prod/slow": ["in_progress"],
        "prod/promoted": ["promoted"],
        "prod/stale": ["stale"],
        "prod/orphan": ["orphan"],
        "prod/right": [],
    }
    once = dict.fromkeys(("covered", "failed", "in_progress", "stale", "orphan", "promoted", "name_conflict"), 1)
    assert counts(done) == {**once, "secrets": 8, "missing": 2}
    assert list(done.document["summary"])[: len(ALWAYS)] == ALWAYS
    assert (done.code, done.document["result"]) == (1, "failed")


def test_what_is_right_by_listing_claims_no_status(make_sandbox: Make) -> None:
    sandbox = make_sandbox()
    fill(sandbox, "prod/a", "prod/b")
    done = audit(sandbox, "-r", WEST, "--json")
    document = done.document
    assert (done.code, document["command"], document["account_id"], document["dry_run"]) == (0, "audit", ACCOUNT, False)
    assert {each["checked_by"] for each in document["secrets"]} == {"list"}
    assert {(row["status"], row["action"], row["verified"]) for row in rows(done).values()} == {(None, None, None)}
    assert document["summary"] == {**dict.fromkeys(ALWAYS, 0), "secrets": 2, "covered": 2}
    assert calls(sandbox) == {("ListSecrets", HOME): 1, ("ListSecrets", WEST): 1}


def test_deep_tells_each_status_for_one_look_a_secret(make_sandbox: Make) -> None:
    sandbox = make_sandbox()
    fill(sandbox, "prod/a", "prod/b", replicated=(WEST, IRELAND))
    set_status(sandbox, "prod/b", "Failed", IRELAND)
    assert audit(sandbox, "-r", f"{WEST},{IRELAND}").code == 0
    done = audit(sandbox, "-r", f"{WEST},{IRELAND}", "--deep", "--json")
    assert (done.code, calls(sandbox)[("DescribeSecret", HOME)]) == (1, 2)
    assert {each["checked_by"] for each in done.document["secrets"]} == {"describe"}
    assert {place: row["status"] for place, row in rows(done).items()} == {
        ("prod/a", WEST): "InSync",
        ("prod/a", IRELAND): "InSync",
        ("prod/b", WEST): "InSync",
        ("prod/b", IRELAND): "Failed",
    }


def test_many_that_are_healthy_cost_a_call_per_hundred_and_region() -> None:
    with paging(blanks=False) as sandbox:
        fill(sandbox, *(f"prod/{number:03}" for number in range(210)), replicated=(WEST, IRELAND))
        done = audit(sandbox, "-r", f"{WEST},{IRELAND}", "--json")
        assert (done.code, counts(done)) == (0, {"secrets": 210, "covered": 210})
        assert calls(sandbox) == {("ListSecrets", region): 3 for region in (HOME, WEST, IRELAND)}


def test_empty_pages_hide_nothing() -> None:
    with paging(blanks=True, size=2) as sandbox:
        fill(sandbox, *(f"prod/{number}" for number in range(5)))
        with sandbox.simulator.undisturbed():
            sandbox.create("prod/new")
        done = audit(sandbox, "-r", WEST, "--json")
        assert (done.code, counts(done)) == (5, {"secrets": 6, "covered": 5, "missing": 1})


def test_a_list_that_lags_says_nothing_against_a_replica_made_a_minute_ago(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    sandbox.simulator.faults = Faults(listing_lag_s=300.0, replication_delay_s=0.0)
    sandbox.call(ADD, SecretId="prod/a", AddReplicaRegions=[{"Region": WEST}])
    done = audit(sandbox, "-r", WEST, "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["checked_by"], rows(done)["prod/a", WEST]["status"]) == (0, "describe", "InSync")
    assert counts(done) == {"secrets": 1, "covered": 1}


# exit codes


def test_a_difference_is_exit_5(make_sandbox: Make) -> None:
    done = audit(stocked(make_sandbox, "prod/a"), "-r", WEST, "--json")
    assert (done.code, done.document["result"], done.document["error"]) == (5, "drift", None)


DENIED_THERE = {"denied": frozenset({("ListSecrets", IRELAND), ("DescribeSecret", IRELAND)})}


@pytest.mark.parametrize(
    ("status", "faults", "code"),
    [
        (None, {}, 5),
        ("InProgress", {}, 3),
        ("InProgress", {"outages": frozenset({IRELAND})}, 3),
        (None, {"outages": frozenset({IRELAND})}, 3),
        (None, DENIED_THERE, 4),
        (None, {"disabled_regions": frozenset({IRELAND})}, 4),
        ("InProgress", DENIED_THERE, 4),
        ("Failed", {}, 1),
        ("Failed", DENIED_THERE, 1),
    ],
)
def test_failed_counts_before_access_before_pending_before_drift(
    make_sandbox: Make, status: str | None, faults: dict[str, Any], code: int
) -> None:
    sandbox = stocked(make_sandbox, "prod/missing", "prod/other", **faults)
    if status:
        set_status(sandbox, "prod/other", status)
    done = audit(sandbox, "-r", f"{WEST},{IRELAND}", "--json")
    assert done.code == code
    unseen = [row for (_, region), row in rows(done).items() if region == IRELAND and "unchecked" in kinds(row)]
    assert len(unseen) == (2 if faults else 0)


def test_a_region_that_can_not_be_listed_leaves_the_others_told(make_sandbox: Make) -> None:
    sandbox = make_sandbox(**DENIED_THERE)
    fill(sandbox, "prod/a", replicated=(WEST, IRELAND))
    done = audit(sandbox, "-r", f"{WEST},{IRELAND}", "--json")
    assert {place: kinds(row) for place, row in rows(done).items()} == {
        ("prod/a", WEST): [],
        ("prod/a", IRELAND): ["unchecked"],
    }
    assert (done.code, counts(done)) == (4, {"secrets": 1, "unchecked": 1})
    assert "hint: allow secretsmanager:ListSecrets in eu-west-1" in done.err


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({"denied": frozenset({("ListSecrets", HOME)})}, 4),
        ({"disabled_regions": frozenset({HOME})}, 4),
        ({"outages": frozenset({HOME})}, 1),
    ],
)
def test_the_primaries_region_must_be_listed(make_sandbox: Make, faults: dict[str, Any], code: int) -> None:
    done = audit(stocked(make_sandbox, "prod/a", **faults), "-r", WEST, "--json")
    assert (done.code, done.document["secrets"]) == (code, [])
    assert done.document["error"]["message"].startswith("the list of secrets in us-east-1: ")
    assert set(ALWAYS) <= done.document["summary"].keys()


def test_where_every_look_is_denied_it_stops_early(make_sandbox: Make) -> None:
    names = [f"prod/{number:02}" for number in range(50)]
    sandbox = stocked(make_sandbox, *names, denied=frozenset({("DescribeSecret", HOME)}))
    done = audit(sandbox, "-r", WEST, "--json")
    assert (done.code, counts(done)) == (4, {"secrets": 50, "in_trouble": 50})
    assert 10 <= calls(sandbox)[("DescribeSecret", HOME)] <= 18
    assert {each["result"] for each in done.document["secrets"]} == {"access"}


# what comes next


def test_the_names_of_what_is_missing_are_what_replicate_takes(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    fill(sandbox, "prod/right")
    found = audit(sandbox, "-r", WEST, "-o", "name")
    assert (found.code, len(found.out.splitlines())) == (5, 2)
    sandbox.simulator.log.clear()
    assert sandbox.smrep("replicate", "-", "-r", WEST, stdin=found.out).code == 0
    assert sorted(sent(sandbox)) == [(ADD, "prod/a", (WEST,)), (ADD, "prod/b", (WEST,))]
    again = audit(sandbox, "-r", WEST, "-o", "name")
    assert (again.code, again.out) == (0, "")
    assert sandbox.smrep("replicate", "-", "-r", WEST, stdin=again.out).code == 0  # nothing is nothing to do


@pytest.mark.parametrize("count", [MAX_NAMED, MAX_NAMED + 1])
def test_the_command_that_it_names_at_the_end_does_what_it_says(make_sandbox: Make, count: int) -> None:
    sandbox = stocked(make_sandbox, "test/a")
    names = [f"prod/{number:02}" for number in range(count)]
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
        for name in names:
            sandbox.create(name, Tags=[{"Key": "the team", "Value": "a b"}])
    choice = ("--prefix", "prod/", "--tag", "the team=a b")
    done = audit(sandbox, "-r", f"{WEST}=alias/dr", *choice, "--expect-account", ACCOUNT)
    (command,) = commands_in(done.err.partition("hint: to add missing replicas:\n")[2])
    words = shlex.split(command)[1:]
    assert "--expect-account" in words
    assert sandbox.smrep(*words, *(["--yes"] if count > MAX_NAMED else [])).code == 0
    assert sorted(sent(sandbox)) == [(ADD, name, (WEST,)) for name in names]


def test_names_that_a_pipe_takes_need_no_hint(make_sandbox: Make) -> None:
    done = audit(stocked(make_sandbox, "prod/a"), "-r", WEST, "-o", "name")
    assert (done.code, "to add missing replicas" in done.err) == (5, False)


def test_a_manifest_says_who_is_wanted_where(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/tmp-1", "test/a")
    fill(sandbox, "prod/both", replicated=(WEST, IRELAND, SYDNEY))
    rule = PROD | {"exclude": ["prod/tmp-*"], "remove_extra": True}
    both = {"name": "both", "names": ["prod/both"], "regions": [IRELAND], "remove_extra": True}
    file = manifest(tmp_path, rule, both, account_id=ACCOUNT, primary_region=HOME)
    done = audit(sandbox, "-f", file, "--json")
    assert {place: kinds(row) for place, row in rows(done).items()} == {
        ("prod/a", WEST): ["missing"],
        ("prod/both", WEST): [],
        ("prod/both", IRELAND): [],
        ("prod/both", SYDNEY): ["extra"],
    }
    assert (done.code, counts(done)) == (5, {"secrets": 2, "missing": 1, "extra": 1})
    assert "smrep remove prod/both --primary-region us-east-1 -r ap-southeast-2" in done.err
    again = audit(sandbox, "-f", "-", "--json", stdin=Path(file).read_text())
    assert counts(again) == counts(done)


def test_after_apply_nothing_is_left_to_find(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox)
    replicate(sandbox, "prod/00", WEST)
    file = manifest(tmp_path)
    assert audit(sandbox, "-f", file).code == 5
    assert sandbox.smrep("apply", "-f", file, "--yes", "--rate", "50").code == 0
    assert audit(sandbox, "-f", file).code == 0
    assert audit(sandbox, "-f", file, "--deep").code == 0
