"""`smrep export --terraform`: HCL on standard output, or nothing at all."""

from __future__ import annotations

import pytest
from cli.apply_sandbox import HOME, IRELAND, SYDNEY, WEST, Make, rekeyed_over_there, replicate, stocked
from fixtures import Done, Sandbox
from hcl_reader import read
from hostile.output_checks import harmless


@pytest.fixture
def busy(make_sandbox: Make) -> Sandbox:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b", "test/c", "prod/alone", "rds!cluster-1")
    for name in ("prod/a", "prod/b", "test/c", "rds!cluster-1"):
        replicate(sandbox, name, WEST)
    return sandbox


def exported(sandbox: Sandbox, *words: str, code: int = 0, **env: str | None) -> Done:
    done = sandbox.smrep("export", "--terraform", *words, **env)
    assert done.code == code, done.err
    assert {call.operation for call in sandbox.simulator.log} <= {"ListSecrets", "DescribeSecret"}
    return done


def names(done: Done) -> list[str]:
    return [each.values["name"] for each in read(done.out).blocks if each.head.startswith("resource")]


def test_what_is_replicated_is_written_with_what_was_left_out(busy: Sandbox) -> None:
    done = exported(busy)
    assert names(done) == ["prod/a", "prod/b", "test/c"]
    for told in (done.out, done.err):
        assert "rds!cluster-1 was skipped: the AWS service rds manages it" in told
    assert "s3cret" not in done.out
    assert exported(busy).out == done.out


def test_what_was_chosen_is_in_it(busy: Sandbox) -> None:
    assert names(exported(busy, "--prefix", "prod/")) == ["prod/a", "prod/b"]


@pytest.mark.parametrize(
    "words",
    [("-o", "json"), ("-o", "table"), ("-o", "text"), ("-ondjson",), ("--json",), ("--query", "secrets"), ("-r", WEST)],
)
def test_another_format_is_a_mistake(busy: Sandbox, words: tuple[str, ...]) -> None:
    done = exported(busy, *words, code=2)
    assert "import {" not in done.out
    assert busy.simulator.log == []


def test_a_mistake_names_the_option(busy: Sandbox) -> None:
    assert "error: --terraform and --query contradict each other\n" in exported(busy, "--query", "x", code=2).err


@pytest.mark.parametrize("output", ["json", "ndjson", "name", "table"])
def test_what_the_environment_says_of_the_format_is_not_meant_for_it(busy: Sandbox, output: str) -> None:
    assert exported(busy, SMREP_OUTPUT=output).out == exported(busy).out


def test_a_look_that_is_denied_leaves_nothing(busy: Sandbox) -> None:
    busy.simulator.faults = type(busy.simulator.faults)(denied=frozenset({("DescribeSecret", HOME)}))
    done = exported(busy, code=4)
    assert done.out == ""
    assert "no configuration was written: 4 of 4 secrets could not be checked" in done.err


def test_where_nothing_is_replicated_nothing_is_written_and_that_is_said(busy: Sandbox) -> None:
    done = exported(busy, "--prefix", "prod/alone", code=2)
    assert done.out == ""
    assert "no secret with replicas in us-east-1 matches --prefix prod/alone" in done.err


def test_what_could_not_be_looked_at_over_there_is_said_at_the_top(busy: Sandbox) -> None:
    busy.simulator.faults = type(busy.simulator.faults)(denied=frozenset({("ListSecrets", WEST)}))
    done = exported(busy)
    assert names(done) == ["prod/a", "prod/b", "test/c"]
    head = done.out.partition("\n\n")[0]
    assert "# us-west-2 could not be listed, so its keys are those that the primaries show: " in head
    assert "warning: us-west-2 could not be listed, so its keys are those that the primaries show: " in done.err


def test_a_replica_that_is_not_there_is_in_it_with_a_comment(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    with sandbox.simulator.undisturbed():
        sandbox.simulator.set_replication_status("prod/a", HOME, SYDNEY, "InSync")
    done = exported(sandbox)
    (resource,) = (each for each in read(done.out).blocks if each.head.startswith("resource"))
    assert [each.values for each in resource.blocks] == [{"region": SYDNEY}]
    assert resource.comments == ["# ap-southeast-2 has no replica, although the primary says InSync"]
    assert "smrep doctor prod/a --primary-region us-east-1 -r ap-southeast-2" in done.err


def test_a_key_that_was_changed_over_there_is_a_comment(make_sandbox: Make) -> None:
    sandbox, _ = rekeyed_over_there(make_sandbox)
    done = exported(sandbox)
    assert "  # us-west-2 shows the key alias/dr; Terraform reads the primary's list\n" in done.out
    assert "alias/dr" not in str([each.values for each in read(done.out).blocks])


def test_words_of_awss_move_no_terminal_and_no_runner(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    replicate(sandbox, "prod/a", WEST)
    text = "\x1b[31m${odd}\u202e\n##[error] x"
    with sandbox.simulator.undisturbed():
        sandbox.call("UpdateSecret", SecretId="prod/a", Description=text)
        sandbox.simulator.set_replication_status("prod/a", HOME, IRELAND, "Failed", text)
    done = exported(sandbox, GITHUB_ACTIONS="true")
    harmless(done)
    assert "##[" not in done.out
    (resource,) = (each for each in read(done.out).blocks if each.head.startswith("resource"))
    assert resource.values["description"] == text
    assert [each.values["region"] for each in resource.blocks] == [IRELAND, WEST]
