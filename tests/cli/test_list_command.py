"""`smrep list`: the secrets of a Region with their role, in every format, page by page."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, HOME, IRELAND, WEST, Make, stocked
from cli.audit_sandbox import fill, paging
from cli.event_stream import document, events, of, parsed
from fixtures import Sandbox
from hostile.payloads import TERMINAL
from signals.process_streams import BROKEN, run

from smrep.sandbox.faults import Faults

TEAM = [{"Key": "team", "Value": "payments"}]


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    sandbox = stocked(make_sandbox, "prod/alone", "rds!cluster")
    with sandbox.simulator.undisturbed():
        sandbox.create("prod/primary", Tags=TEAM, AddReplicaRegions=[{"Region": WEST}])
        sandbox.create("test/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    return sandbox


def names(sandbox: Sandbox, *words: str) -> list[str]:
    done = sandbox.smrep("list", *words, "--json")
    assert done.code == 0
    return sorted(each["name"] for each in done.document["secrets"])


def test_the_document_tells_the_role_of_each(stock: Sandbox) -> None:
    found = stock.smrep("list", "--json").document
    roles = {each["name"]: (each["role"], each["primary_region"]) for each in found["secrets"]}
    assert roles == {
        "prod/primary": ("primary", HOME),
        "prod/alone": ("standalone", HOME),
        "rds!cluster": ("standalone", HOME),
        "test/theirs": ("replica", IRELAND),
    }
    assert (found["command"], found["result"], found["account_id"]) == ("list", "ok", ACCOUNT)
    assert (found["primary_region"], found["primary_region_source"]) == (HOME, "AWS_REGION")
    assert {each["checked_by"] for each in found["secrets"]} == {"list"}
    assert {call.operation for call in stock.simulator.log} == {"ListSecrets"}


def test_text_is_a_row_for_each_with_the_columns_of_every_command(stock: Sandbox) -> None:
    done = stock.smrep("list")
    assert done.rows == [
        ["prod/alone", "-", "-", "-", "-", "standalone", ACCOUNT, "-"],
        ["prod/primary", "-", "-", "-", "-", "primary", ACCOUNT, "-"],
        ["rds!cluster", "-", "-", "-", "-", "standalone", ACCOUNT, "-"],
        ["test/theirs", HOME, "-", "alias/aws/secretsmanager", "-", "replica of eu-west-1", ACCOUNT, "-"],
    ]


def test_names_are_the_primaries_arns_that_other_commands_take(stock: Sandbox) -> None:
    there = stock.smrep("list", "--primary-region", WEST, "-o", "name")
    (arn,) = there.out.splitlines()
    assert arn.startswith(f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:prod/primary-")
    assert stock.smrep("status", "-", stdin=there.out).rows[0][:3] == ["prod/primary", WEST, "InSync"]
    assert len(stock.smrep("list", "-o", "name").out.splitlines()) == 4


def test_a_table_for_people_ends_with_counts(stock: Sandbox) -> None:
    out = stock.smrep("list", "-o", "table").out
    assert [word in out for word in ("SECRET", "ROLE", "PRIMARY", "rds!cluster", "replica", IRELAND)] == [True] * 6
    assert "4 secrets: " in out
    assert all(each in out for each in ("2 standalone", "1 primary", "1 replica"))


def test_events_end_with_the_document(stock: Sandbox) -> None:
    done = stock.smrep("list", "--primary-region", WEST, "-o", "ndjson")
    (told,) = of("secret", events(done))
    assert (told["name"], told["role"], told["primary_region"]) == ("prod/primary", "replica", "us-east-1")
    assert [(each["role"], each["arn"]) for each in document(done)["secrets"]] == [("replica", told["arn"])]


@pytest.mark.parametrize(("words", "found"), [((), '[\n  "test/theirs"\n]\n'), (("-o", "text"), "test/theirs\n")])
def test_a_query_is_over_the_whole_document(stock: Sandbox, words: tuple[str, ...], found: str) -> None:
    assert stock.smrep("list", "--query", "secrets[?role=='replica'].name", *words).out == found


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--all",), ["prod/alone", "prod/primary", "rds!cluster", "test/theirs"]),
        (("--prefix", "prod/"), ["prod/alone", "prod/primary"]),
        (("--prefix", "prod/a", "--prefix", "rds!"), ["prod/alone", "rds!cluster"]),
        (("--prefix", "Prod/"), []),
        (("--tag", "team"), ["prod/primary"]),
        (("--tag", "team=payments", "--prefix", "prod/"), ["prod/primary"]),
        (("--tag", "team=pay"), []),
        (("--tag", "team", "--tag", "dr"), []),
        (("--owning-service", "rds"), ["rds!cluster"]),
    ],
)
def test_what_is_chosen_is_listed(stock: Sandbox, words: tuple[str, ...], meant: list[str]) -> None:
    assert names(stock, *words) == meant


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "no secrets in us-east-1"), (("--prefix", "none/"), "no secret in us-east-1 matches --prefix none/")],
)
def test_nothing_to_list_is_a_warning_and_a_good_end(sandbox: Sandbox, words: tuple[str, ...], told: str) -> None:
    done = sandbox.smrep("list", *words)
    assert (done.code, done.out) == (0, "")
    assert f"warning: {told}\n" in done.err


@pytest.mark.parametrize(
    "words",
    [
        "--all --prefix a",
        "--all --tag a",
        "--all --owning-service rds",
        "--prefix=",
        "--owning-service=",
        "--tag=",
        "--tag =x",
        "--primary-region mars-1",
        "extra",
    ],
)
def test_a_choice_that_contradicts_itself_is_refused_before_any_call(sandbox: Sandbox, words: str) -> None:
    done = sandbox.smrep("list", *words.split(), "--json")
    assert (done.code, done.document["result"], sandbox.simulator.log) == (2, "usage", [])


# pages


@pytest.mark.process
def test_the_events_of_the_first_page_are_written_before_the_second_comes() -> None:
    gate = threading.Event()
    with paging(size=2, gate=gate) as sandbox:
        fill(sandbox, *(f"prod/{number}" for number in range(5)))
        process = sandbox.start("list", "--primary-region", WEST, "-o", "ndjson")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert [f"prod/{number}" in line for number, line in enumerate(lines[-2:])] == [True, True]
        assert [parsed(line)["type"] for line in lines] == ["version", "secret", "secret"]
        assert len(sandbox.log("ListSecrets")) == 1
        gate.set()
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert len(rest.splitlines()) == 4


@pytest.mark.parametrize("output", ["text", "csv", "name", "table"])
def test_a_list_is_sorted_by_name_whatever_the_order_of_aws(output: str) -> None:
    with paging(size=2) as sandbox:
        fill(sandbox, "prod/c", "prod/a", "test/b", "prod/b", "prod/d")
        shown = re.findall(r"\b(?:prod|test)/\w", sandbox.smrep("list", "-o", output).out)
        assert shown == ["prod/a", "prod/b", "prod/c", "prod/d", "test/b"]


@pytest.mark.parametrize("output", ["text", "csv", "name", "json", "table"])
def test_more_than_a_page_and_empty_pages_lose_and_repeat_nothing(output: str) -> None:
    with paging(blanks=True) as sandbox:
        wanted = [f"prod/{number:03}" for number in range(130)]
        fill(sandbox, *wanted)
        done = sandbox.smrep("list", "-o", output)
        assert done.code == 0
        found = re.findall(r"prod/\d{3}", done.out)
        assert sorted(set(found)) == wanted
        assert len(found) == (260 if output == "json" else 130)  # in its name and in its ARN
        assert len(sandbox.log("ListSecrets")) == 2


@pytest.mark.parametrize(("code", "exit_code"), [("AccessDeniedException", 4), ("InvalidRequestException", 1)])
def test_a_list_that_breaks_off_is_no_good_end_and_what_came_is_there(code: str, exit_code: int) -> None:
    with paging(size=2, breaks=code) as sandbox:
        fill(sandbox, "prod/a", "prod/b", "prod/c")
        done = sandbox.smrep("list")
        assert (done.code, [row[0] for row in done.rows]) == (exit_code, ["prod/a", "prod/b"])
        assert f"({code})" in done.err
        found = sandbox.smrep("list", "--json").document
        assert (found["error"]["code"], [each["name"] for each in found["secrets"]]) == (code, ["prod/a", "prod/b"])


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({"denied": frozenset({("ListSecrets", HOME)})}, 4),
        ({"disabled_regions": frozenset({HOME})}, 4),
        ({"outages": frozenset({HOME})}, 1),
    ],
)
def test_a_region_that_can_not_be_listed_is_an_error(make_sandbox: Make, faults: dict[str, Any], code: int) -> None:
    done = make_sandbox(**faults).smrep("list", "--json")
    assert (done.code, done.document["secrets"]) == (code, [])
    assert done.document["error"]["message"].startswith("the list of secrets in us-east-1: ")


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_another_account_than_expected_is_told_nothing_of(stock: Sandbox, how: str) -> None:
    words = ("--expect-account", "999999999999") if how == "flag" else ()
    done = stock.smrep("list", *words, **({} if words else {"SMREP_EXPECT_ACCOUNT": "999999999999"}))
    assert (done.code, done.out) == (2, "")
    assert "belongs to account 123456789012, not to the expected account 999999999999" in done.err
    assert stock.smrep("list", "--expect-account", ACCOUNT).code == 0


def test_without_any_region_it_says_what_to_type(sandbox: Sandbox) -> None:
    done = sandbox.smrep("list", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.code, sandbox.simulator.log) == (4, [])
    assert "--primary-region REGION" in done.err


@pytest.mark.parametrize("output", ["text", "name"])
def test_a_reader_that_goes_away_ends_it(stock: Sandbox, output: str) -> None:
    assert run(stock, "list", "-o", output, out=BROKEN) == 141


@pytest.mark.parametrize("output", ["text", "name", "table", "json", "ndjson"])
def test_a_hostile_name_harms_no_terminal_and_is_true_in_json(output: str) -> None:
    name = "prod/" + TERMINAL.encode("utf-8", "ignore").decode()
    with paging(hostile=name) as sandbox:
        fill(sandbox, "prod/db")
        done = sandbox.smrep("list", "-o", output)
        assert done.code == 0
        assert all(each in "\n\t" or each.isprintable() for each in done.out)
        if output == "json":
            assert [each["name"] for each in done.document["secrets"]] == [name]


def test_a_list_is_as_old_as_aws_says_and_tells_no_more(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    sandbox.simulator.faults = Faults(listing_lag_s=300.0, replication_delay_s=0.0)
    sandbox.create("prod/new")
    assert names(sandbox) == ["prod/a"]
