"""Wrong command lines: exit 2, one clear sentence, what to type next, the document where JSON was asked for."""

from __future__ import annotations

import json
import subprocess

import click
import pytest
from fixtures import BIN, Sandbox

from smrep.cli.root import COMMANDS, root

WEST_KEY = "arn:aws:kms:us-west-2:123456789012:key/0f0e0d0c-1111-4222-8333-444455556666"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"

CASES = {
    "no such command": (["replicat", "x"], "did you mean replicate?"),
    "no Region": (["replicate", "x"], "'--region'"),
    "no SECRET": (["status"], "error: no secrets\n"),
    "mistyped Region": (["replicate", "x", "-r", "us-wset-2"], "did you mean us-west-2?"),
    "upper case": (["replicate", "x", "-r", "US-WEST-2"], "did you mean us-west-2?"),
    "empty Region": (["replicate", "x", "-r", "us-west-2,"], "error: -r us-west-2, ends in a comma\n"),
    "own Region": (["replicate", "x", "-r", "us-east-1"], "us-east-1 is the primary's own Region"),
    "own Region by ARN": (["replicate", ARN, "-r", "us-east-1"], "us-east-1 is the primary's own Region"),
    "partitions": (["replicate", "x", "-r", "us-west-2,cn-north-1"], "secrets replicate only within a partition"),
    "Region twice": (["replicate", "x", "-r", "us-west-2", "-r", "us-west-2=alias/x"], "named twice"),
    "key elsewhere": (["replicate", "x", "-r", f"eu-west-1={WEST_KEY}"], "use a key in eu-west-1"),
    "default key elsewhere": (
        ["replicate", "x", "-r", "us-west-2,eu-west-1", "--kms-key", WEST_KEY],
        "use a key in eu-west-1",
    ),
    "key missing": (["replicate", "x", "-r", "us-west-2="], "the KMS key is missing"),
    "no key": (["replicate", "x", "-r", "us-west-2=dr"], "'dr' is not a KMS key"),
    "ARN against flag": (["status", ARN, "--primary-region", "eu-west-1"], "contradicts the ARN"),
    "another service's ARN": (["status", "arn:aws:s3:us-east-1:123456789012:x"], "is not the ARN of a secret"),
    "account in the ARN": (["status", ARN, "--expect-account", "999999999999"], "belongs to account 123456789012"),
    "bad account": (["status", "x", "--expect-account", "12"], "twelve digits"),
    "bad timeout": (["wait", "x", "--timeout", "soon"], "durations look like 300, 300s, 5m or 1h"),
    "negative timeout": (["wait", "x", "--timeout", "-5"], "durations look like"),
    "bad output": (["status", "x", "-o", "yaml"], "'yaml'"),
    "bad query": (["status", "x", "--query", "secrets[", "--json"], "--query is not JMESPath"),
    "empty query": (["status", "x", "--query", "", "--json"], "--query is not JMESPath"),
    "unknown function": (["remove", "x", "-r", "us-west-2", "--query", "foo(@)", "--json"], "Unknown function: foo()"),
    "unknown function inside": (["status", "x", "--query", "sort_by(a, &b[1:2].foo(@))", "--json"], "function: foo()"),
    "too few arguments": (["status", "x", "--query", "{a: length()}", "--json"], "Expected 1 argument for function"),
    "too many arguments": (["status", "x", "--query", "abs(`1`, `2`)", "--json"], "Expected 1 argument for function"),
    "query as a table": (["status", "x", "--query", "secrets", "-o", "table"], "--query needs JSON or text"),
    "json and text": (["status", "x", "--json", "-o", "text"], "contradict"),
    "bad endpoint": (["status", "x", "--endpoint-url", "localhost"], "is not a URL"),
    "empty secret": (["status", ""], "a SECRET is empty"),
    "long secret": (["status", "x" * 2049], "more than 2048"),
    "key for status": (["status", "x", "-r", "us-west-2=alias/x"], "takes no KMS key"),
    "stray overwrite": (["replicate", "x", "-r", "us-west-2", "--overwrite-arn", ARN], "without --force-overwrite"),
    "stray external id": (["status", "x", "--external-id", "y"], "without --role-arn"),
    "remove without a Region": (["remove", "x"], "'--region'"),
    "remove at home": (["remove", "x", "-r", "us-east-1"], "us-east-1 is the primary's own Region"),
    "rekey without a key": (["rekey", "x", "-r", "us-west-2"], "the new key for us-west-2 is missing"),
    "promote in two Regions": (["promote", "x", "-r", "us-west-2,eu-west-1"], "one Region at a time"),
    "promote at home": (["promote", "x", "-r", "us-west-2", "--primary-region", "us-west-2"], "primary's own Region"),
    "reader without a secret": (["doctor", "--reader", "arn:aws:iam::123456789012:role/app"], "--reader needs secrets"),
    "a reader that is no role": (["doctor", "x", "--reader", "app"], "is not the ARN of a role"),
    "proof without an end": (
        ["replicate", "x", "-r", "us-west-2", "--verify", "--no-wait"],
        "--verify and --no-wait contradict each other",
    ),
    "list of a secret": (["list", "prod/db"], "unexpected extra argument"),
    "audit of nothing": (["audit"], "audit needs either -r REGION or -f FILE"),
    "audit by two": (["audit", "-r", "us-west-2", "-f", "dr.toml"], "audit needs either -r REGION or -f FILE"),
    "audit at home": (["audit", "-r", "us-east-1"], "us-east-1 is the primary's own Region"),
    "audit across partitions": (["audit", "-r", "cn-north-1"], "secrets replicate only within a partition"),
    "a manifest and a choice": (["audit", "-f", "dr.toml", "--prefix", "x"], "-f and selectors contradict each other"),
    "all and a choice": (["list", "--all", "--tag", "dr"], "--all contradicts the other selectors"),
    "empty prefix": (["export", "--prefix", ""], "--prefix must not be empty"),
    "no tag": (["list", "--tag", "=true"], "has no tag key"),
    "report of no kind": (["audit", "-r", "us-west-2", "--report", "dr.pdf"], "can't tell from its ending"),
    "no shard": (["audit", "-r", "us-west-2", "--shard", "5/4"], "shards count from 1 to 4"),
    "shard of nobody": (["audit", "-r", "us-west-2", "--shard", "auto/4"], "needs an index"),
    "plan of nothing": (["plan"], "'--file'"),
    "manifest that is not there": (["plan", "-f", "/nowhere/dr.toml"], "/nowhere/dr.toml could not be read"),
    "apply of nothing": (["apply"], "apply needs either -f FILE or --plan FILE"),
    "apply of two": (["apply", "-f", "dr.toml", "--plan", "dr.plan"], "either -f FILE or --plan FILE"),
    "plan in parts": (["apply", "--plan", "dr.plan", "--shard", "1/2"], "--plan and --shard contradict each other"),
    "plan that is not there": (["apply", "--plan", "/nowhere/dr.plan"], "/nowhere/dr.plan could not be read"),
    "removals below none": (["apply", "-f", "dr.toml", "--max-removals", "-1"], "'--max-removals'"),
    "rate that is no number": (["apply", "-f", "dr.toml", "--rate", "fast"], "'--rate'"),
    "unknown option": (["status", "x", "--regon", "us-west-2"], "--regon"),
    "mistyped topic": (["help", "exit-code"], "no such"),
}


@pytest.mark.parametrize(("words", "sentence"), CASES.values(), ids=CASES.keys())
def test_a_wrong_command_line(sandbox: Sandbox, words: list[str], sentence: str) -> None:
    done = sandbox.smrep(*words)
    assert done.code == 2
    assert done.out == "" or done.document["result"] == "usage"
    assert sentence in done.err
    assert done.err.startswith("error: ")
    assert sandbox.simulator.log == []


@pytest.mark.parametrize("flags", [["-o", "json"], ["--json"], ["--output=json"], ["-ojson"]], ids=" ".join)
def test_json_comes_also_where_the_words_cannot_be_parsed(sandbox: Sandbox, flags: list[str]) -> None:
    done = sandbox.smrep("replicate", "x", "-r", "us-wset-2", "--nonsense", *flags)
    document = done.document
    assert (document["result"], document["command"], document["secrets"]) == ("usage", "replicate", [])


def test_json_from_the_environment_counts_too(sandbox: Sandbox) -> None:
    assert json.loads(sandbox.smrep("status", SMREP_OUTPUT="json").out)["result"] == "usage"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SMREP_TIMEOUT", "soon"),
        ("SMREP_OUTPUT", "yaml"),
        ("SMREP_COLOR", "pink"),
        ("SMREP_EXPECT_ACCOUNT", "1"),
        ("SMREP_PRIMARY_REGION", "us-wset-2"),
        ("AWS_REGION", "us-wset-2"),
    ],
)
def test_a_bad_variable_is_named(sandbox: Sandbox, variable: str, value: str) -> None:
    done = sandbox.smrep("wait", "x", **{variable: value})
    assert done.code == 2
    assert variable in done.err or f"'{value}'" in done.err


def test_no_region_at_all_is_configuration(sandbox: Sandbox) -> None:
    done = sandbox.smrep("status", "x", "--json", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.code, done.document["result"]) == (4, "access")
    assert "--primary-region" in done.document["error"]["hint"]


def test_a_profile_that_does_not_exist_is_configuration(sandbox: Sandbox) -> None:
    done = sandbox.smrep("status", "x", "--profile", "nobody", "--json")
    assert (done.code, done.document["result"]) == (4, "access")
    assert "nobody" in done.document["error"]["message"]


@pytest.mark.parametrize("words", [[], *([each] for each in COMMANDS), ["sandbox", "exec"]], ids=str)
@pytest.mark.parametrize("flag", ["-h", "--help", "-V", "--version"])
def test_help_and_version_everywhere(sandbox: Sandbox, words: list[str], flag: str) -> None:
    done = sandbox.smrep(*words, flag)
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("smrep 0." if flag.lower().startswith(("-v", "--v")) else "Usage: smrep")


@pytest.mark.parametrize("flags", [["-qojson"], ["-qo", "json"], ["--query", "x"]], ids=" ".join)
def test_json_is_seen_among_bundled_flags(sandbox: Sandbox, flags: list[str]) -> None:
    assert sandbox.smrep("status", *flags, "--bogus").document["result"] == "usage"


def test_text_beats_a_query(sandbox: Sandbox) -> None:
    assert sandbox.smrep("status", "--query", "x", "-o", "text", "--bogus").out == ""


@pytest.mark.process
@pytest.mark.parametrize("words", ["help exit-codes", "--version", "completion bash", "status --bogus --json"])
def test_a_full_disk_is_no_fault_of_ours(sandbox: Sandbox, words: str) -> None:
    script = f"PYTHONUNBUFFERED=1 {BIN}/smrep {words} >/dev/full"
    done = subprocess.run(["bash", "-c", script], env=sandbox.env, capture_output=True, text=True, check=False)
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr


def test_a_region_in_the_place_of_a_secret_is_refused(sandbox: Sandbox) -> None:
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "eu-west-1")
    assert done.code == 2
    assert "'eu-west-1' is a Region, not a secret" in done.err
    assert sandbox.simulator.log == []


def test_waiting_for_nothing_is_not_well_done(sandbox: Sandbox) -> None:
    assert sandbox.smrep("wait", "-", "-r", "us-west-2", stdin="").code == 2


def test_the_variable_that_is_wrong_is_named(sandbox: Sandbox) -> None:
    assert "error: SMREP_TIMEOUT: " in sandbox.smrep("wait", "x", SMREP_TIMEOUT="abc").err


def test_a_choice_is_told_on_one_line(sandbox: Sandbox) -> None:
    assert "choose from: bash, zsh, fish" in sandbox.smrep("completion").err.lower()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_its_own_first_words(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert COMMANDS[name][1] == command.get_short_help_str(limit=80)


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("replicate", "Usage: smrep replicate -r REGION[=KMS_KEY] [OPTIONS] [SECRET...]"),
        ("failback", "Usage: smrep failback --record FILE [OPTIONS]"),
        ("status", "Usage: smrep status [OPTIONS] [SECRET...]"),
    ],
)
def test_the_usage_names_what_must_be_typed(sandbox: Sandbox, command: str, usage: str) -> None:
    assert sandbox.smrep(command, "--help").out.splitlines()[0] == usage
