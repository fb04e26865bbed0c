"""`smrep plan`: shown, counted, saved and judged by its exit code; it never writes."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import (
    ACCOUNT,
    ADD,
    IRELAND,
    PROD,
    SYDNEY,
    WEST,
    Make,
    counts,
    manifest,
    refused,
    replicate,
    rows,
    sent,
    stocked,
)
from fixtures import Sandbox

from smrep.sandbox.faults import Faults

OLD, NEW = {"region": WEST, "kms_key": "alias/old"}, {"region": WEST, "kms_key": "alias/new"}


@pytest.fixture
def busy(make_sandbox: Make) -> Sandbox:
    """A sandbox in which each thing that can be done is to be done once."""
    sandbox = stocked(make_sandbox, "prod/add", "prod/keep", "prod/retry", "prod/extra", "prod/key", "prod/clash")
    for name in ("prod/keep", "prod/key"):
        replicate(sandbox, name, WEST)
    replicate(sandbox, "prod/extra", WEST, SYDNEY)
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
        sandbox.create("prod/clash", WEST)
        sandbox.simulator.set_replication_status("prod/retry", "us-east-1", WEST, "Failed", "of the weather")
    return sandbox


@pytest.fixture
def rules() -> list[dict[str, Any]]:
    keyed = {"name": "keyed", "names": ["prod/key"], "regions": [{"region": WEST, "kms_key": "alias/dr"}]}
    return [PROD | {"exclude": ["prod/key"], "remove_extra": True}, keyed]


def test_each_thing_is_in_the_document_and_counted(busy: Sandbox, rules: list[dict[str, Any]], tmp_path: Path) -> None:
    done = busy.smrep("plan", "-f", manifest(tmp_path, *rules), "--json")
    document = done.document
    assert (document["command"], document["dry_run"], document["account_id"]) == ("plan", True, ACCOUNT)
    found = {place: row["action"] for place, row in rows(done).items()}
    assert found == {
        ("prod/add", WEST): "add",
        ("prod/keep", WEST): "keep",
        ("prod/retry", WEST): "retry",
        ("prod/extra", WEST): "keep",
        ("prod/extra", SYDNEY): "remove",
        ("prod/key", WEST): "keep",
        ("prod/clash", WEST): None,
    }
    assert counts(done) == {"secrets": 6, "add": 1, "keep": 2, "retry": 1, "remove": 1, "wrong_key": 1, "blocked": 1}
    (finding,) = rows(done)["prod/key", WEST]["findings"]
    assert finding["kind"] == "wrong_key"
    assert finding["hint"] == (
        "change its key:\n  smrep rekey prod/key --primary-region us-east-1 -r us-west-2=alias/dr"
    )
    assert rows(done)["prod/clash", WEST]["error"]["code"] == "name_conflict"
    assert sent(busy) == []


def test_people_see_it_grouped_by_rule_action_and_region(
    busy: Sandbox, rules: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = busy.smrep("plan", "-f", manifest(tmp_path, *rules), "-o", "table")
    for line in ("+ add", "~ retry", "- remove", "! wrong key", "x blocked", "= keep"):
        assert line in done.out
    assert "prod/add" in done.out
    assert "keyed" in done.out
    assert "6 secrets: 1 to add, 1 to retry, 1 to remove, 1 under another key, 1 blocked, 2 to keep" in done.out


def test_text_has_a_row_for_each_region(busy: Sandbox, rules: list[dict[str, Any]], tmp_path: Path) -> None:
    done = busy.smrep("plan", "-f", manifest(tmp_path, *rules))
    assert {(row[0], row[1], row[4]) for row in done.rows} >= {
        ("prod/add", WEST, "add"),
        ("prod/extra", SYDNEY, "remove"),
        ("prod/keep", WEST, "keep"),
    }


@pytest.mark.parametrize(("replicated", "code"), [(True, 0), (False, 5)])
def test_detailed_exitcode_tells_whether_there_is_something_to_do(
    make_sandbox: Make, tmp_path: Path, replicated: bool, code: int
) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    replicate(sandbox, "prod/a", WEST)
    if replicated:
        replicate(sandbox, "prod/b", WEST)
    file = manifest(tmp_path)
    assert sandbox.smrep("plan", "-f", file).code == 0
    done = sandbox.smrep("plan", "-f", file, "--detailed-exitcode", "--json")
    assert (done.code, done.document["result"]) == (code, {0: "ok", 5: "drift"}[code])
    assert sent(sandbox) == []


def test_another_key_is_a_difference(busy: Sandbox, rules: list[dict[str, Any]], tmp_path: Path) -> None:
    done = busy.smrep("plan", "-f", manifest(tmp_path, rules[1]), "--detailed-exitcode", "--json")
    assert (done.code, done.document["result"]) == (5, "drift")


def test_the_manifest_may_come_from_standard_input(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    text = Path(manifest(tmp_path)).read_text()
    assert counts(sandbox.smrep("plan", "-f", "-", "--json", stdin=text)) == {"secrets": 1, "add": 1}


def test_a_denied_look_is_no_pass(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", denied=frozenset({("ListSecrets", "us-east-1")}))
    done = sandbox.smrep("plan", "-f", manifest(tmp_path), "--json")
    assert (done.code, done.document["result"], sent(sandbox)) == (4, "access", [])


# mistakes


def test_keys_that_clash_only_for_the_secrets_there_are(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    file = manifest(tmp_path, PROD | {"regions": [OLD]}, {"name": "a", "prefix": "prod/a", "regions": [NEW]})
    error = refused(sandbox, "plan", "-f", file)
    assert error["code"] == "ManifestError"
    told = "replicate[0] and replicate[1]: prod/a has two keys in us-west-2, alias/old and alias/new"
    assert told in error["message"]


def test_several_mistakes_are_told_at_once_a_line_each(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    file = manifest(
        tmp_path,
        PROD | {"regions": [OLD]},
        {"name": "a", "prefix": "prod/a", "regions": [NEW]},
        {"name": "slip", "prefix": "prdo/", "regions": [WEST]},
    )
    done = sandbox.smrep("plan", "-f", file, "--json")
    error = done.document["error"]
    mistakes = [
        "replicate[0] and replicate[1]: prod/a has two keys in us-west-2, alias/old and alias/new",
        "replicate[2]: slip matches no secret in us-east-1: prefix prdo/",
    ]
    assert (done.code, sent(sandbox)) == (2, [])
    for each in mistakes:
        assert f"  {each}" in done.err.splitlines()
        assert each in error["message"]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_rule_that_means_nothing_is_more_likely_a_slip(make_sandbox: Make, tmp_path: Path, command: str) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    file = manifest(tmp_path, PROD | {"prefix": "prdo/"})
    assert refused(sandbox, command, "-f", file)["code"] == "ManifestError"


def test_a_file_that_is_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "could not be read" in refused(sandbox, "plan", "-f", str(tmp_path / "none"))["message"]


# the plan in a file


def test_out_writes_the_plan_for_its_owners_eyes_only(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    replicate(sandbox, "prod/b", WEST, IRELAND)
    out = tmp_path / "dr.plan"
    done = sandbox.smrep("plan", "-f", manifest(tmp_path), "--out", str(out))
    plan = json.loads(out.read_text())
    assert (done.code, stat.S_IMODE(out.stat().st_mode)) == (0, 0o600)
    assert [each["arn"].split(":")[6][:-7] for each in plan["secrets"]] == ["prod/a"]
    assert "s3cret" not in out.read_text()
    assert sent(sandbox) == []


def test_a_plan_that_can_not_be_written_is_no_good_end(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    (tmp_path / "dr.plan").mkdir()
    error = refused(sandbox, "plan", "-f", manifest(tmp_path), "--out", str(tmp_path / "dr.plan"), code=1)
    assert error["code"] == "PlanNotWritten"


def test_a_plan_that_has_no_folder_to_lie_in_is_refused_before_any_call(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    error = refused(sandbox, "plan", "-f", manifest(tmp_path), "--out", str(tmp_path / "none" / "dr.plan"))
    assert "cannot be written: folder" in error["message"]
    assert sandbox.simulator.log == []


def test_a_plan_that_could_not_be_made_leaves_the_old_file(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", denied=frozenset({("ListSecrets", "us-east-1")}))
    out = tmp_path / "dr.plan"
    out.write_text("old")
    assert sandbox.smrep("plan", "-f", manifest(tmp_path), "--out", str(out)).code == 4
    assert out.read_text() == "old"


def test_plan_never_writes_whatever_it_finds(busy: Sandbox, rules: list[dict[str, Any]], tmp_path: Path) -> None:
    busy.smrep("plan", "-f", manifest(tmp_path, *rules), "--out", str(tmp_path / "dr.plan"), "--detailed-exitcode")
    assert {call.operation for call in busy.simulator.log} <= {
        "ListSecrets",
        "DescribeSecret",
        "DescribeKey",
        "ListRegions",
        "DescribeRegions",
    }
    assert ADD not in {call.operation for call in busy.simulator.log}


def test_what_is_kept_unchecked_is_no_pass(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", replication_delay_s=0.0)
    key = sandbox.key("alias/dr", WEST)
    more = [{"Region": WEST, "KmsKeyId": key}]
    sandbox.call(ADD, SecretId="prod/a", AddReplicaRegions=more)
    sandbox.simulator.faults = Faults(denied=frozenset({("DescribeKey", WEST)}))
    file = manifest(tmp_path, PROD | {"regions": [{"region": WEST, "kms_key": "alias/dr"}]})
    assert sandbox.smrep("plan", "-f", file).code == 0
    done = sandbox.smrep("plan", "-f", file, "--detailed-exitcode", "--json")
    assert (done.code, done.document["summary"]["in_trouble"]) == (4, 0)


def test_a_plan_of_what_came_by_standard_input_names_no_command_that_reads_it_again(make_sandbox: Make) -> None:
    text = json.dumps({"schema": 1, "replicate": [{"names": ["prod/a"], "regions": [SYDNEY]}]})
    done = stocked(make_sandbox, "prod/a").smrep("plan", "-f", "-", stdin=text)
    assert done.code == 0
    assert "apply" not in done.err
