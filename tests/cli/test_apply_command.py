"""`smrep apply`: what was shown is done, told per Region and counted; nobody else's secret is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cli.apply_sandbox import (
    ADD,
    HOME,
    IRELAND,
    NAMES,
    PROD,
    REMOVE,
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
from cli.event_stream import document, events, of
from cli.test_terminal import Terminal
from fixtures import Sandbox

BOTH = PROD | {"regions": [WEST, IRELAND]}
YES = ("--yes", "--rate", "50")


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    return stocked(make_sandbox)


def test_every_secret_gets_its_replicas_and_nobody_elses_does(stock: Sandbox, tmp_path: Path) -> None:
    with stock.simulator.undisturbed():
        stock.create("test/a")
    done = stock.smrep("apply", "-f", manifest(tmp_path, BOTH), *YES, "--json")
    assert (done.code, done.document["result"], done.document["dry_run"]) == (0, "ok", False)
    assert sorted(sent(stock)) == [(ADD, name, (WEST, IRELAND)) for name in NAMES]
    assert {(row["status"], row["action"], row["changed"]) for row in rows(done).values()} == {("InSync", "add", True)}
    assert counts(done) == {"secrets": 12, "add": 24, "changed": 24}
    assert not [call for call in stock.simulator.log if "test/a" in str(call.secret_id)]


def test_again_it_sends_nothing_and_says_so(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, BOTH)
    assert stock.smrep("apply", "-f", file, *YES).code == 0
    stock.simulator.log.clear()
    done = stock.smrep("apply", "-f", file, "--json")  # nothing to confirm
    assert (done.code, sent(stock), counts(done)) == (0, [], {"secrets": 12, "keep": 24})
    assert {row["changed"] for row in rows(done).values()} == {False}
    assert "nothing to do" in done.err


def test_the_plan_is_shown_before_and_counted_after(stock: Sandbox, tmp_path: Path) -> None:
    done = stock.smrep("apply", "-f", manifest(tmp_path), *YES)
    assert "+ add" in done.err
    assert "12 secrets: 12 to add" in done.err
    assert "12 secrets: 12 replicas changed" in done.err
    assert len(done.rows) == 12


def test_a_dry_run_sends_nothing_and_asks_nothing(stock: Sandbox, tmp_path: Path) -> None:
    done = stock.smrep("apply", "-f", manifest(tmp_path), "-n", "--json")
    assert (done.code, done.document["dry_run"], sent(stock)) == (0, True, [])
    assert counts(done) == {"secrets": 12, "add": 12}
    assert "dry run: nothing was sent" in done.err


@pytest.mark.terminal
def test_a_yes_confirms_what_destroys_nothing(stock: Sandbox, tmp_path: Path) -> None:
    terminal = Terminal(stock, "apply", "-f", manifest(tmp_path))
    terminal.read_until("Continue? [y/N] ")
    assert sent(stock) == []
    terminal.type("y\n")
    assert terminal.end() == 0
    assert len(sent(stock)) == 12


@pytest.mark.terminal
def test_another_answer_does_not(stock: Sandbox, tmp_path: Path) -> None:
    terminal = Terminal(stock, "apply", "-f", manifest(tmp_path))
    terminal.read_until("Continue? [y/N] ")
    terminal.type("12\n")
    assert terminal.end() == 2
    assert sent(stock) == []


def test_another_key_than_wanted_is_exit_5_and_stays(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", WEST)
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
    rule = PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}]}
    done = sandbox.smrep("apply", "-f", manifest(tmp_path, rule), "--yes", "--json")
    assert (done.code, done.document["result"], sent(sandbox)) == (5, "drift", [])
    assert "smrep rekey prod/a --primary-region us-east-1 -r us-west-2=alias/dr" in done.err


def test_one_bad_secret_does_not_stop_the_others(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox)
    with sandbox.simulator.undisturbed():
        sandbox.create(NAMES[3], WEST)
    rule = {"name": "named", "names": [*NAMES, "prod/none"], "regions": [WEST]}
    done = sandbox.smrep("apply", "-f", manifest(tmp_path, rule), *YES, "--json")
    results = {each["name"]: each["result"] for each in done.document["secrets"]}
    assert done.code == 1
    assert {name for name, result in results.items() if result == "failed"} == {NAMES[3], "prod/none"}
    assert sorted(name for _, name, _ in sent(sandbox)) == sorted({*NAMES} - {NAMES[3]})


def test_a_region_that_failed_is_exit_1(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", failures={IRELAND: "Replication failed: of the weather"})
    done = sandbox.smrep("apply", "-f", manifest(tmp_path, BOTH), "--yes", "--json")
    assert done.code == 1
    found = {place: row["status"] for place, row in rows(done).items()}
    assert found["prod/a", WEST] == found["prod/b", WEST] == "InSync"
    assert found["prod/a", IRELAND] == found["prod/b", IRELAND] == "Failed"
    assert counts(done)["failed"] == 2


def test_no_wait_is_a_good_end_with_its_result_pending(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, replication_delay_s=60.0)
    done = sandbox.smrep("apply", "-f", manifest(tmp_path), *YES, "--no-wait", "--json")
    assert (done.code, done.document["result"]) == (0, "pending")
    assert {row["status"] for row in rows(done).values()} == {"InProgress"}
    assert len(sent(sandbox)) == 12


def test_at_the_timeout_what_is_open_is_named(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", replication_delay_by_region={IRELAND: 60.0})
    rules = (PROD, {"name": "slow", "names": ["prod/b"], "regions": [IRELAND]})
    done = sandbox.smrep("apply", "-f", manifest(tmp_path, *rules), *YES, "--timeout", "1s", "--json")
    error = done.document["error"]
    assert (done.code, done.document["result"], error["code"]) == (3, "pending", "StillOpen")
    assert error["message"] == "1 of 2 secrets were not finished 1 s after their request: prod/b"
    assert "smrep apply --file" in error["hint"] or "smrep apply -f" in error["hint"]
    assert rows(done)["prod/a", WEST]["status"] == "InSync"


def test_what_aws_throttles_for_ever_ends_at_the_timeout_as_exit_3(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", write_quota=0)
    done = sandbox.smrep("apply", "-f", manifest(tmp_path), *YES, "--timeout", "1s", "--json")
    assert (done.code, done.document["result"]) == (3, "pending")
    assert {row["error"]["code"] for row in rows(done).values()} == {"ThrottlingException"}
    assert {row["changed"] for row in rows(done).values()} == {False}
    assert "2 of 2 secrets were not finished 1 s after their request: prod/a, prod/b" in done.err


def test_what_is_denied_everywhere_stops_early_with_exit_4(make_sandbox: Make, tmp_path: Path) -> None:
    names = [f"prod/{number:02}" for number in range(60)]
    sandbox = stocked(make_sandbox, *names, denied=frozenset({(ADD, "us-east-1")}))
    done = sandbox.smrep("apply", "-f", manifest(tmp_path), *YES, "--json")
    assert (done.code, done.document["result"], done.document["error"]["code"]) == (4, "access", "AllDenied")
    assert 10 <= len(sent(sandbox)) <= 35  # some were under way when the tenth was denied
    assert {each["result"] for each in done.document["secrets"]} == {"access"}
    untried = [each for each in done.document["secrets"] if each["error"] and "not started" in each["error"]["message"]]
    assert len(untried) == 60 - len(sent(sandbox))


def test_credentials_that_expire_in_the_middle_are_exit_4_and_what_was_done_is_told(
    make_sandbox: Make, tmp_path: Path
) -> None:
    sandbox = stocked(make_sandbox)
    simulator, true_now = sandbox.simulator, sandbox.simulator.now
    simulator.now = lambda: true_now() + (7200.0 if len(sent(sandbox)) >= 4 else 0.0)
    role = "arn:aws:iam::123456789012:role/dr"
    done = sandbox.smrep("apply", "-f", manifest(tmp_path), "--yes", "--json", "--role-arn", role)
    assert (done.code, done.document["result"]) == (4, "access")
    assert done.document["error"]["code"] == "ExpiredTokenException"
    taken = {call.secret_id for call in sandbox.log(ADD) if not call.code}
    assert len(taken) == 4
    assert {each["arn"] for each in done.document["secrets"] if each["replicas"][0]["changed"]} == taken


def test_events_tell_each_request_before_the_result(stock: Sandbox, tmp_path: Path) -> None:
    done = stock.smrep("apply", "-f", manifest(tmp_path), *YES, "-o", "ndjson")
    told = events(done)
    assert len(of("request", told)) == len(sent(stock)) == 12
    kinds = [each["type"] for each in told]
    assert kinds.index("plan") < kinds.index("request") < kinds.index("result")
    assert document(done)["result"] == "ok"


def test_shards_do_it_all_once(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path)
    for number in (1, 2, 3):
        assert stock.smrep("apply", "-f", file, *YES, "--shard", f"{number}/3").code == 0
    assert sorted(name for _, name, _ in sent(stock)) == list(NAMES)


def test_extra_regions_go_and_what_is_not_ours_stays(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    for name in ("prod/a", "prod/b"):
        replicate(sandbox, name, WEST, SYDNEY)
    with sandbox.simulator.undisturbed():
        sandbox.call("StopReplicationToReplica", SYDNEY, SecretId="prod/b")
    rule = PROD | {"remove_extra": True}
    done = sandbox.smrep("apply", "-f", manifest(tmp_path, rule), "--yes", "--max-removals", "1", "--json")
    assert sent(sandbox) == [(REMOVE, "prod/a", (SYDNEY,))]
    found = rows(done)
    assert (found["prod/a", SYDNEY]["action"], found["prod/a", SYDNEY]["changed"]) == ("remove", True)
    assert done.code == 1
    assert found["prod/b", SYDNEY]["error"]["code"] == "promoted"


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("audit",)])
def test_a_run_that_could_not_list_claims_no_counts(stock: Sandbox, tmp_path: Path, command: tuple[str, ...]) -> None:
    stock.simulator.faults = replace(stock.simulator.faults, denied=frozenset({("ListSecrets", HOME)}))
    for output in ("table", "text"):
        done = stock.smrep(*command, "-f", manifest(tmp_path), "-o", output)
        assert (done.code, done.out) == (4, "")
        assert "0 secrets" not in done.err


def test_a_dry_run_shows_the_plan_once(stock: Sandbox, tmp_path: Path) -> None:
    for output in ("table", "text"):
        done = stock.smrep("apply", "-f", manifest(tmp_path), "-n", "-o", output)
        assert (done.out + done.err).count("+ add") == 1


def test_what_went_wrong_comes_before_what_went_well(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox)
    with sandbox.simulator.undisturbed():
        sandbox.create(NAMES[-1], WEST)
    for output in ("table", "text", "json"):
        done = sandbox.smrep("apply", "-f", manifest(tmp_path), *YES, "-o", output)
        assert done.code == 1
        assert done.out.index(NAMES[-1]) < done.out.index(NAMES[0])


def test_what_was_denied_is_counted(stock: Sandbox, tmp_path: Path) -> None:
    stock.simulator.faults = replace(stock.simulator.faults, denied=frozenset({(ADD, HOME)}))
    done = stock.smrep("apply", "-f", manifest(tmp_path), *YES, "-o", "table")
    assert done.code == 4
    assert done.out.splitlines()[-1].startswith("12 secrets: 0 replicas changed, ")
    assert " denied" in done.out.splitlines()[-1]
