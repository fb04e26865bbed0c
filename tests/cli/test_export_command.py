"""`smrep export`: the manifest of what is replicated now, on which a plan has nothing to do, or none at all."""

from __future__ import annotations

import json
import shlex
import signal
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, HOME, IRELAND, SYDNEY, WEST, Make, rekeyed_over_there, replicate, stocked
from fixtures import Done, Sandbox
from hostile.output_checks import harmless, true_json

REPLICATED = ("prod/a", "prod/b", "prod/keyed", "-rf", "prod/db-AbCdEf")


@pytest.fixture
def busy(make_sandbox: Make) -> Sandbox:
    """A sandbox with replicas of many kinds, and secrets that are no part of any manifest."""
    sandbox = stocked(make_sandbox, *REPLICATED, "prod/alone", "prod/failed", "prod/doomed")
    with sandbox.simulator.undisturbed():
        sandbox.key("alias/dr")
        for name in REPLICATED:
            key = {"KmsKeyId": "alias/dr"} if name == "prod/keyed" else {}
            sandbox.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": WEST, **key}])
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/b", AddReplicaRegions=[{"Region": IRELAND}])
        sandbox.simulator.set_replication_status("prod/failed", HOME, WEST, "Failed", "of the weather")
        sandbox.call("DeleteSecret", SecretId="prod/doomed")
        sandbox.create("prod/anothers", SYDNEY, AddReplicaRegions=[{"Region": HOME}])
    return sandbox


def exported(sandbox: Sandbox, *words: str, code: int = 0, **env: str | None) -> Done:
    done = sandbox.smrep("export", *words, **env)
    assert done.code == code, done.err
    assert {call.operation for call in sandbox.simulator.log} <= {"ListSecrets", "DescribeSecret", "AssumeRole"}
    return done


def refused(sandbox: Sandbox, *words: str, code: int) -> Done:
    """Export to a bad end, which leaves nothing on standard output that could be taken for a manifest."""
    done = exported(sandbox, *words, code=code)
    assert done.out == ""
    return done


def no_plan(sandbox: Sandbox, file: Path, *words: str) -> Done:
    """Plan by the file, which comes to nothing."""
    done = sandbox.smrep("plan", "-f", str(file), "--detailed-exitcode", "--json", *words)
    assert (done.code, done.document["result"]) == (0, "ok"), done.err
    counts = {word for word, count in done.document["summary"].items() if count}
    assert counts <= {"secrets", "keep"}
    return done


def test_what_there_is_is_written_to_be_read(busy: Sandbox) -> None:
    done = exported(busy)
    head, _, rest = done.out.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    for told in (head, done.err):
        assert "prod/failed is Failed in us-west-2" in told
        assert "smrep doctor prod/failed --primary-region us-east-1 -r us-west-2" in told
    assert rest == (
        "schema = 1\n"
        f'account_id = "{ACCOUNT}"\n'
        'primary_region = "us-east-1"\n'
        "\n"
        "[[replicate]]\n"
        'name = "us-west-2"\n'
        'names = [\n  "-rf",\n  "prod/a",\n  "prod/db-AbCdEf",\n]\n'
        'regions = ["us-west-2"]\n'
        "\n"
        "[[replicate]]\n"
        'name = "eu-west-1+us-west-2"\n'
        'names = [\n  "prod/b",\n]\n'
        'regions = ["eu-west-1", "us-west-2"]\n'
        "\n"
        "[[replicate]]\n"
        'name = "us-west-2 (2)"\n'
        'names = [\n  "prod/keyed",\n]\n'
        'regions = [{ region = "us-west-2", kms_key = "alias/dr" }]\n'
    )


def test_both_forms_mean_the_same_and_a_plan_of_either_is_empty(busy: Sandbox, tmp_path: Path) -> None:
    toml, text = exported(busy).out, exported(busy, "--json").out
    assert tomllib.loads(toml) == json.loads(text)
    for number, written in enumerate((toml, text)):
        file = tmp_path / str(number)
        file.write_text(written)
        assert len(no_plan(busy, file).document["secrets"]) == len(REPLICATED)
        applied = busy.smrep("apply", "-f", str(file), "--yes", "--json")
        assert (applied.code, applied.document["summary"]["changed"]) == (0, 0)


@pytest.mark.parametrize("output", ["table", "text"])
def test_it_is_the_same_for_people_and_for_files(busy: Sandbox, output: str) -> None:
    assert exported(busy, "-o", output).out == exported(busy).out


@pytest.mark.parametrize("form", ["text", "json"])
def test_it_can_be_piped_into_a_plan(busy: Sandbox, form: str) -> None:
    done = busy.smrep("plan", "-f", "-", "--detailed-exitcode", stdin=exported(busy, "-o", form).out)
    assert done.code == 0


def test_hundreds_of_secrets_are_in_it(make_sandbox: Make, tmp_path: Path) -> None:
    names = [f"prod/{number:03}" for number in range(150)]
    sandbox = stocked(make_sandbox, *names)
    for name in names:
        replicate(sandbox, name, WEST)
    file = tmp_path / "dr.toml"
    file.write_text(exported(sandbox).out)
    assert tomllib.loads(file.read_text())["replicate"] == [{"name": WEST, "names": names, "regions": [WEST]}]
    assert no_plan(sandbox, file).document["summary"]["keep"] == 150


def test_a_key_that_was_changed_over_there_is_the_one_over_there(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox, key = rekeyed_over_there(make_sandbox)
    sandbox.simulator.log.clear()
    file = tmp_path / "dr.toml"
    file.write_text(exported(sandbox).out)
    assert tomllib.loads(file.read_text())["replicate"][0]["regions"] == [{"region": WEST, "kms_key": "alias/dr"}]
    no_plan(sandbox, file)
    file.write_text(file.read_text().replace("alias/dr", key))
    no_plan(sandbox, file)


# the guards


def test_the_guards_stop_a_plan_in_the_wrong_place(busy: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "dr.toml"
    file.write_text(exported(busy).out)
    elsewhere = busy.smrep("plan", "-f", str(file), "--json", AWS_REGION=SYDNEY)
    assert (elsewhere.code, elsewhere.document["error"]["code"]) == (2, "PrimaryRegionMismatch")
    profile = busy.smrep("plan", "-f", str(file), "--json", SMREP_EXPECT_ACCOUNT="111111111111")
    assert (profile.code, profile.document["error"]["code"]) == (2, "AccountMismatch")
    file.write_text(file.read_text().replace(ACCOUNT, "111111111111"))
    account = busy.smrep("plan", "-f", str(file), "--json")
    assert (account.code, account.document["error"]["code"]) == (2, "AccountMismatch")


def test_the_region_that_was_typed_is_the_one_that_is_written(busy: Sandbox) -> None:
    found = tomllib.loads(exported(busy, "--primary-region", SYDNEY).out)
    assert found["primary_region"] == SYDNEY
    assert found["replicate"] == [{"name": HOME, "names": ["prod/anothers"], "regions": [HOME]}]


# what was chosen


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--prefix", "prod/"), ["prod/a", "prod/b", "prod/db-AbCdEf", "prod/keyed"]),
        (("--prefix", "prod/a", "--prefix", "-"), ["-rf", "prod/a"]),
        (("--all",), sorted(REPLICATED)),
        (("--tag", "team=pay"), ["prod/b"]),
        (("--tag", "team", "--prefix", "prod/"), ["prod/b"]),
    ],
)
def test_what_was_chosen_is_in_it(busy: Sandbox, words: tuple[str, ...], names: list[str]) -> None:
    with busy.simulator.undisturbed():
        busy.call("TagResource", SecretId="prod/b", Tags=[{"Key": "team", "Value": "pay"}])
    rules = tomllib.loads(exported(busy, *words).out)["replicate"]
    assert sorted(name for rule in rules for name in rule["names"]) == names


@pytest.mark.parametrize("words", [("--all", "--prefix", "prod/"), ("--prefix", ""), ("--tag", "=x"), ("prod/a",)])
def test_a_choice_that_is_none_is_a_mistake(busy: Sandbox, words: tuple[str, ...]) -> None:
    refused(busy, *words, code=2)


@pytest.mark.parametrize("words", [("--prefix", "tpyo/"), ("--prefix", "prod/alone"), ("--tag", "none")])
def test_where_nothing_is_replicated_nothing_is_written_and_that_is_said(busy: Sandbox, words: tuple[str, ...]) -> None:
    done = refused(busy, *words, code=2)
    assert f"error: no secret with replicas in us-east-1 matches {shlex.join(words)}\n" in done.err


def test_names_and_queries_are_of_the_secrets(busy: Sandbox) -> None:
    names = exported(busy, "--prefix", "prod/", "-o", "name").out.splitlines()
    found = {each.split(":", 6)[6][:-7] for each in names}
    assert (found, len(names)) == ({"prod/a", "prod/b", "prod/keyed", "prod/db-AbCdEf", "prod/failed"}, 5)
    assert json.loads(exported(busy, "--query", "length(secrets)").out) == 6


# what can't be seen


def without(sandbox: Sandbox, operation: str, region: str = HOME) -> None:
    sandbox.simulator.faults = type(sandbox.simulator.faults)(denied=frozenset({(operation, region)}))


def test_a_look_that_is_denied_leaves_no_manifest(busy: Sandbox) -> None:
    without(busy, "DescribeSecret")
    done = refused(busy, code=4)
    count = len(REPLICATED) + 1
    assert f"no manifest was written: {count} of {count} secrets could not be checked" in done.err
    assert f"warning: AccessDeniedException ({count} secrets): " in done.err
    assert "hint: for the first, allow secretsmanager:DescribeSecret on " in done.err
    document = exported(busy, "--json", code=4).document
    assert {each["name"] for each in document["secrets"]} == {*REPLICATED, "prod/failed"}


def test_a_list_that_is_denied_leaves_no_manifest(busy: Sandbox) -> None:
    without(busy, "ListSecrets")
    assert "ListSecrets" in refused(busy, code=4).err
    document = exported(busy, "--json", code=4).document
    assert (document["error"]["code"], document["secrets"]) == ("AccessDeniedException", [])


def test_a_region_that_does_not_answer_leaves_no_manifest(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a", outages=frozenset({HOME}))
    refused(sandbox, code=1)


def test_another_account_than_expected_leaves_no_manifest(busy: Sandbox) -> None:
    assert "not to the expected account 111111111111" in refused(busy, "--expect-account", "111111111111", code=2).err


@pytest.mark.parametrize("form", ["text", "json"])
def test_keys_that_can_not_be_seen_over_there_are_said_to_be_the_primarys(busy: Sandbox, form: str) -> None:
    without(busy, "ListSecrets", WEST)
    done = exported(busy, "-o", form)
    assert "warning: us-west-2 could not be listed, so its keys are those that the primaries show: " in done.err
    found: dict[str, Any] = json.loads(done.out) if form == "json" else tomllib.loads(done.out)
    assert [rule["regions"] for rule in found["replicate"] if "prod/keyed" in rule["names"]] == [
        [{"region": WEST, "kms_key": "alias/dr"}]
    ]


def test_what_is_not_settled_is_in_it_and_said_in_words_that_move_no_terminal(busy: Sandbox) -> None:
    with busy.simulator.undisturbed():
        busy.simulator.set_replication_status("prod/a", HOME, SYDNEY, "InProgress")
        busy.simulator.set_replication_status("prod/b", HOME, SYDNEY, "\x1b[31mOdd\u202e\n[[replicate]]")
    done = exported(busy)
    harmless(done)
    assert "warning: prod/a in ap-southeast-2 is neither in sync nor failed: InProgress\n" in done.err
    assert "warning: prod/b in ap-southeast-2 is neither in sync nor failed: \\x1b[31mOdd\\u202e" in done.err
    found = tomllib.loads(done.out)
    assert found == true_json(exported(busy, "--json").out)
    regions = {name: rule["regions"] for rule in found["replicate"] for name in rule["names"]}
    assert regions["prod/a"] == [SYDNEY, WEST]
    assert regions["prod/b"] == [SYDNEY, IRELAND, WEST]


@pytest.mark.process
def test_an_interrupted_export_writes_nothing_that_could_be_taken_for_a_manifest(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a", latency_s=0.5)
    replicate(sandbox, "prod/a", WEST)
    with sandbox.start("export") as process:
        sandbox.wait_for("DescribeSecret")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")


def test_what_was_left_out_is_told_with_awss_words_and_the_flags_of_the_connection(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    with sandbox.simulator.undisturbed():
        sandbox.simulator.set_replication_status("prod/a", HOME, WEST, "Failed", "##[error] the weather")
    role = f"arn:aws:iam::{ACCOUNT}:role/dr"
    done = exported(sandbox, "--role-arn", role, GITHUB_ACTIONS="true")
    assert "is Failed in us-west-2 (# #[error] the weather), so that Region was skipped\nhint: see why:\n" in done.err
    assert f"smrep doctor --role-arn {role} prod/a" in done.err


def test_no_word_of_awss_in_a_manifest_is_a_command_to_a_runner(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", WEST)
    with sandbox.simulator.undisturbed():
        sandbox.simulator.set_replication_status("prod/a", HOME, IRELAND, "##[error]owned")
    done = exported(sandbox)
    assert "##[" not in done.out
    assert "is neither in sync nor failed: # #[error]owned" in done.out


def test_the_account_is_checked_also_where_nothing_is_replicated(make_sandbox: Make) -> None:
    refused(stocked(make_sandbox, "prod/a"), "--expect-account", "111111111111", code=2)


def test_the_document_has_the_replicas_own_keys_and_the_arns_of_what_is_in_sync(make_sandbox: Make) -> None:
    sandbox, _ = rekeyed_over_there(make_sandbox)
    query = exported(sandbox, "--query", "secrets[0].replicas[0].[status, kms_key_id, arn != null]")
    assert json.loads(query.out) == ["InSync", "alias/dr", True]
