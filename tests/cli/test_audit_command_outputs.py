"""What `smrep audit` writes: findings first, a summary, every format, reports beside it, and hostile words harmless."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cli.apply_sandbox import ACCOUNT, HOME, PROD, SYDNEY, WEST, Make, counts, manifest, rows, stocked
from cli.audit_sandbox import audit, fill, orphan, paging, set_status
from cli.event_stream import document, events, of
from fixtures import Sandbox
from hostile.payloads import TERMINAL

from smrep.output.formats import FORMATS
from smrep.sandbox.faults import Faults


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    """A sandbox with two secrets missing, one failed and three that are right."""
    sandbox = stocked(make_sandbox, "prod/missing-1", "prod/missing-2", "prod/failed")
    fill(sandbox, "prod/a", "prod/b", "prod/c")
    set_status(sandbox, "prod/failed", "Failed")
    return sandbox


def test_text_is_a_row_for_each_secret_and_region_the_gravest_first(stock: Sandbox) -> None:
    done = audit(stock, "-r", WEST)
    assert done.rows == [
        ["prod/failed", WEST, "Failed", "alias/aws/secretsmanager", "-", "of the weather", ACCOUNT, "-"],
        *[
            [name, WEST, "-", "-", "-", f"{name} has no replica in {WEST}", ACCOUNT, "-"]
            for name in ("prod/missing-1", "prod/missing-2")
        ],
        *[[name, WEST, "-", "-", "-", "current by listing", ACCOUNT, "-"] for name in ("prod/a", "prod/b", "prod/c")],
    ]
    assert "3 of 6 secrets have a current replica in us-west-2; 2 missing, 1 failed (" in done.err


def test_the_table_shows_what_was_found_and_counts_the_rest(stock: Sandbox) -> None:
    done = audit(stock, "-r", WEST, "-o", "table")
    told = [line.split() for line in done.out.splitlines() if "prod/" in line]
    assert [line[0] for line in told] == ["prod/failed", "prod/missing-1", "prod/missing-2"]
    assert told[0][1:3] == [WEST, "Failed"]
    assert told[1][1:] == [WEST, "-", "missing"]
    words = "3 of 6 secrets have a current replica in us-west-2; 2 missing, 1 failed"
    assert re.search(rf"^{words} \(\d+\.\d s\)\.$", done.out, re.MULTILINE)
    add = "smrep replicate prod/missing-1 prod/missing-2 --primary-region us-east-1 -r us-west-2"
    assert f"hint: to add missing replicas:\n  {add}\n" in done.err


def test_where_all_is_well_the_table_is_a_line(make_sandbox: Make) -> None:
    sandbox = make_sandbox()
    fill(sandbox, "prod/a", "prod/b")
    for words in ((), ("--deep",)):
        done = audit(sandbox, "-r", WEST, "-o", "table", *words)
        assert re.fullmatch(r"All 2 secrets have a current replica in us-west-2 \(\d+\.\d s\)\.\n", done.out)


def test_what_a_look_shows_although_the_list_lags_is_current(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/new")
    fill(sandbox, "prod/a", "prod/b")
    sandbox.simulator.faults = Faults(listing_lag_s=300.0, replication_delay_s=0.0)
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/new", AddReplicaRegions=[{"Region": WEST}])
    done = audit(sandbox, "-r", WEST, "--json")
    assert (done.code, "All 3 secrets have a current replica in us-west-2" in done.err) == (0, True)
    assert sorted(each["checked_by"] for each in done.document["secrets"]) == ["describe", "list", "list"]


def test_names_are_the_arns_of_what_has_findings_each_once(stock: Sandbox) -> None:
    orphan(stock, "prod/orphan")
    done = audit(stock, "-r", f"{WEST},{SYDNEY}", "--prefix", "prod/missing", "-o", "name")
    arns = done.out.splitlines()
    assert [each.rpartition("-")[0] for each in arns] == [
        f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:prod/missing-{number}" for number in (1, 2)
    ]
    everything = audit(stock, "-r", WEST, "-o", "name").out
    assert len(everything.splitlines()) == 3
    assert "orphan" not in everything  # there is no primary to replicate


def test_events_tell_what_was_found_and_then_the_document(stock: Sandbox) -> None:
    done = audit(stock, "-r", WEST, "-o", "ndjson")
    told = events(done)
    assert [(each["secret"], each["status"], each["result"]) for each in of("status", told)] == [
        ("prod/failed", "Failed", "failed"),
        ("prod/missing-1", None, "drift"),
        ("prod/missing-2", None, "drift"),
    ]
    found = document(done)
    assert (found["summary"]["covered"], len(found["secrets"]), found["exit_code"]) == (3, 6, 1)


@pytest.mark.parametrize(
    ("query", "words", "found"),
    [
        ("summary.missing", (), "2\n"),
        ("secrets[?result=='failed'].name | [0]", (), '"prod/failed"\n'),
        ("secrets[?replicas[0].findings].name", ("-o", "text"), "prod/failed\tprod/missing-1\tprod/missing-2\n"),
    ],
)
def test_a_query_changes_what_is_written_and_not_how_it_ends(
    stock: Sandbox, query: str, words: tuple[str, ...], found: str
) -> None:
    done = audit(stock, "-r", WEST, "--query", query, *words)
    assert (done.code, done.out) == (1, found)


def test_a_query_that_does_not_fit_is_a_mistake(stock: Sandbox) -> None:
    assert audit(stock, "-r", WEST, "--query", "secrets[").code == 2


def test_quiet_leaves_the_result_and_what_is_wrong(stock: Sandbox) -> None:
    loud, quiet = audit(stock, "-r", WEST), audit(stock, "-r", WEST, "-q")
    assert quiet.out == loud.out
    assert "current by listing" not in quiet.err
    assert "prod/failed" in quiet.err


# reports


def test_reports_are_written_beside_the_result(stock: Sandbox, tmp_path: Path) -> None:
    xml, prom = tmp_path / "audit.xml", tmp_path / "audit.prom"
    done = audit(stock, "-r", WEST, "--report", str(xml), "--report", str(prom), "--json")
    assert (done.code, done.document["summary"]["missing"]) == (1, 2)
    suite = ET.parse(xml).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "3", "0")
    bad = {str(each.get("classname")): each[0].get("type") for each in suite.iter("testcase") if len(each)}
    assert bad == {"prod/failed": "failed", "prod/missing-1": "missing", "prod/missing-2": "missing"}
    labels = f'account_id="{ACCOUNT}",primary_region="{HOME}"'
    lines = prom.read_text().splitlines()
    for line in (
        f"smrep_audit_secrets_checked{{{labels}}} 6",
        f'smrep_audit_secrets{{{labels},state="missing"}} 2',
        f'smrep_audit_secrets{{{labels},state="orphan"}} 0',
        f'smrep_audit_replicas{{{labels},region="{WEST}",state="ok"}} 3',
        f"smrep_audit_exit_code{{{labels}}} 1",
    ):
        assert line in lines


@pytest.mark.parametrize("told", [True, False])
def test_the_page_tells_whose_credentials_it_was_made_with_if_sts_does(
    make_sandbox: Make, tmp_path: Path, *, told: bool
) -> None:
    sandbox = stocked(make_sandbox, "prod/a", denied=frozenset() if told else frozenset({("GetCallerIdentity", HOME)}))
    page = tmp_path / "audit.html"
    done = audit(sandbox, "-r", WEST, "--report", str(page))
    assert (done.code, done.err.count("endpoint http://")) == (5, 1)
    assert (f" for arn:aws:iam::{ACCOUNT}:user/" in page.read_text()) is told
    assert len(sandbox.log("GetCallerIdentity")) == 1
    assert (audit(sandbox, "-r", WEST).code, sandbox.log("GetCallerIdentity")) == (5, [])


@pytest.mark.parametrize("path", ["audit", "audit.json", "audit.xml/", "none/audit.xml"])
def test_a_report_of_no_kind_is_refused_before_any_call(stock: Sandbox, tmp_path: Path, path: str) -> None:
    done = audit(stock, "-r", WEST, "--report", f"{tmp_path}/{path}", "--json")
    assert (done.code, done.document["result"], stock.simulator.log) == (2, "usage", [])
    assert done.err.count("error: ") == done.err.count("error: --report") == 1


def test_a_report_that_can_not_be_written_is_no_good_end_and_the_result_comes(
    make_sandbox: Make, tmp_path: Path
) -> None:
    sandbox = make_sandbox()
    fill(sandbox, "prod/a")
    (tmp_path / "audit.xml").mkdir()
    done = audit(sandbox, "-r", WEST, "--report", str(tmp_path / "audit.xml"), "--json")
    assert (done.code, done.document["error"]["code"], counts(done)) == (
        1,
        "ReportNotWritten",
        {"secrets": 1, "covered": 1},
    )


def test_a_run_that_could_not_list_is_no_pass_in_its_report(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", denied=frozenset({("ListSecrets", HOME)}))
    file = tmp_path / "audit.xml"
    assert audit(sandbox, "-r", WEST, "--report", str(file)).code == 4
    (case,) = ET.parse(file).getroot().iter("testcase")
    assert (case[0].tag, case[0].get("type")) == ("error", "AccessDeniedException")


# words from elsewhere


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("replicated", "words", "code"), [((WEST,), (), 0), ((WEST,), ("--deep",), 0), ((SYDNEY,), (), 5)]
)
def test_a_hostile_name_harms_no_terminal_and_is_true_in_json(
    output: str, replicated: tuple[str, ...], words: tuple[str, ...], code: int
) -> None:
    name = "prod/" + TERMINAL.encode("utf-8", "ignore").decode()
    with paging(hostile=name) as sandbox:
        fill(sandbox, "prod/db", replicated=replicated)
        done = audit(sandbox, "-r", WEST, "-o", output, *words)
        assert done.code == code
        assert all(each in "\n\t" or each.isprintable() for each in done.out + done.err)
        if output == "json":
            assert [each["name"] for each in done.document["secrets"]] == [name]


def test_a_manifests_hostile_rule_name_harms_nothing(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    rule = PROD | {"name": "\x1b[2Jprod\u202e"}
    done = audit(sandbox, "-f", manifest(tmp_path, rule, PROD | {"name": "\x9bnone", "prefix": "none/"}), "--json")
    assert (done.code, json.loads(done.out)["summary"]["missing"]) == (5, 1)
    assert all(each in "\n\t" or each.isprintable() for each in done.out + done.err)
    assert rows(done).keys() == {("prod/a", WEST)}


def test_a_report_says_where_it_was_written(make_sandbox: Make, tmp_path: Path) -> None:
    file = tmp_path / "dr.xml"
    words = ("audit", "-r", "us-west-2", "--report", str(file))
    done = make_sandbox().smrep(*words)
    assert (f"wrote {file}\n" in done.err, file.exists()) == (True, True)
    assert "wrote" not in make_sandbox().smrep(*words, "-q").err


def test_a_replica_that_no_rule_wants_is_a_finding_for_security_tools(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox()
    fill(sandbox, "prod/a", "prod/b")
    fill(sandbox, "prod/c", replicated=(WEST, SYDNEY))
    path = tmp_path / "audit.ocsf.json"
    done = audit(sandbox, "-f", manifest(tmp_path), "--deep", "--report", str(path))
    assert done.code == 0
    found = {each["finding_info"]["uid"]: each for each in json.loads(path.read_text())}
    assert len(found) == 4
    (extra,) = [each for each in found.values() if each["compliance"]["status"] != "Pass"]
    assert extra["message"] == f"prod/c has a replica in {SYDNEY} that no rule asks for"
    assert extra["compliance"]["requirements"] == ["prod"]
    assert extra["compliance"]["status"] == "Warning"
    assert extra["resources"][1]["region"] == extra["cloud"]["region"] == SYDNEY
    assert extra["remediation"]["desc"].startswith("remove it:\n  smrep remove prod/c ")
    assert "s3cret" not in path.read_text()
