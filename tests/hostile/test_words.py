"""Hostile text from the user's side: words, variables, standard input, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures import Done
from hostile.lying_sandbox import ROLE, LyingSandbox, lying, recorded_reports
from hostile.output_checks import (
    document,
    harmless,
    harmless_in_every_format,
    hints,
    plain_markdown,
    quoted,
    true_json,
)
from hostile.payloads import EVERYTHING, RUNNER, SHELL, TERMINAL, TEXTS

WORD = EVERYTHING.replace("\0", "").replace("\ud83d", "\udc80")
"""As a process can be given it: no NUL, and of the surrogates only bytes that are no UTF-8."""
LETTERS = WORD.replace("\udcff", "").replace("\udc80", "")
"""The same for what is encoded on its way."""
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"


def quoting(text: str) -> str:
    """The text as a literal of JMESPath."""
    return "`" + json.dumps(text).replace("`", "\\`") + "`"


WORDS = {
    "SECRET": ["status", WORD],
    "SECRET that is long": ["status", WORD * 3],
    "SECRET that is an ARN": ["status", ARN + WORD],
    "SECRET to promote": ["promote", WORD, "-r", "us-west-2", "--yes"],
    "SECRET to remove": ["remove", WORD, "-r", "us-west-2"],
    "Region": ["replicate", "prod/db", "-r", WORD],
    "key of a Region": ["replicate", "prod/db", "-r", f"ap-southeast-2={WORD.replace(',', '')}"],
    "alias": ["replicate", "prod/db", "-r", f"ap-southeast-2=alias/{WORD.replace(',', '')}"],
    "key": ["replicate", "prod/db", "-r", "ap-southeast-2", "--kms-key", WORD],
    "primary Region": ["status", "prod/db", "--primary-region", WORD],
    "account": ["status", "prod/db", "--expect-account", WORD],
    "profile": ["status", "prod/db", "--profile", LETTERS],
    "role": ["status", "prod/db", "--role-arn", LETTERS],
    "external id": ["status", "prod/db", "--role-arn", ROLE, "--external-id", LETTERS],
    "endpoint": ["status", "prod/db", "--endpoint-url", WORD],
    "path of an endpoint": ["status", "prod/db", "--endpoint-url", f"http://127.0.0.1:9/{''.join(LETTERS.split())}"],
    "query": ["status", "prod/db", "--query", WORD],
    "query that fits nothing": ["status", "prod/db", "--query", f"abs({quoting(WORD)})"],
    "timeout": ["wait", "prod/db", "--timeout", WORD],
    "output": ["wait", "prod/db", "-o", WORD],
    "color": ["wait", "prod/db", "--color", WORD],
    "option": ["wait", "prod/db", f"--{WORD}"],
    "short option": ["wait", "prod/db", f"-{WORD}"],
    "overwritten ARN": ["replicate", "prod/db", "-r", "us-west-2", "--force-overwrite", "--overwrite-arn", WORD],
    "command": [WORD],
    "topic": ["help", WORD],
    "shell": ["completion", WORD],
    "reader": ["doctor", "prod/db", "--reader", WORD],
    "reader with a name": [
        "doctor",
        "prod/db",
        "--reader",
        f"arn:aws:iam::123456789012:role/{''.join(LETTERS.split())}",
    ],
    "policy's SECRET": ["iam-policy", WORD],
    "policy's ARN": ["iam-policy", ARN + LETTERS],
    "policy's key": ["iam-policy", "prod/db", "-r", "us-west-2", "--kms-key", WORD],
    "policy's primary key": ["iam-policy", "prod/db", "-r", "us-west-2", "--primary-key", WORD],
    "policy's command": ["iam-policy", "prod/db", "--for", WORD],
    "prefix": ["list", "--prefix", WORD],
    "tag": ["list", "--tag", WORD],
    "tag's value": ["audit", "-r", "us-west-2", "--tag", f"dr={WORD}"],
    "owning service": ["export", "--owning-service", WORD],
    "audited Region": ["audit", "-r", WORD],
    "manifest's name": ["plan", "-f", f"/nowhere/{WORD}"],
    "plan's name": ["apply", "--plan", f"/nowhere/{WORD}"],
    "plan's new name": ["plan", "-f", "-", "--out", f"/nowhere/{WORD}"],
    "journal's name": ["apply", "-f", "-", "--yes", "--journal", f"/nowhere/{WORD}"],
    "report's name": ["audit", "-r", "us-west-2", "--report", f"/nowhere/{WORD}.xml"],
    "report's kind": ["audit", "-r", "us-west-2", "--report", WORD],
    "shard": ["plan", "-f", "-", "--shard", WORD],
    "rate": ["apply", "-f", "-", "--rate", WORD],
    "removals": ["apply", "-f", "-", "--max-removals", WORD],
    "role with a manifest": ["plan", "-f", "-", "--role-arn", LETTERS],
    "sandbox": ["sandbox", WORD],
    "sandbox's program": ["sandbox", "exec", "--", WORD],
    "sandbox's seed": ["sandbox", "exec", "--seed", WORD, "--", "true"],
    "sandbox's log": ["sandbox", "exec", "--log", f"/nowhere/{WORD}", "--", "true"],
    "sandbox's port": ["sandbox", "start", "--port", WORD],
    **{
        f"sandbox's {flag}": ["sandbox", "exec", flag, WORD, "--", "true"]
        for flag in ("--fail", "--deny", "--outage", "--replication-delay", "--drop-answer", "--latency")
    },
}
VARIABLES = (
    *("SMREP_PRIMARY_REGION", "SMREP_EXPECT_ACCOUNT", "SMREP_TIMEOUT", "SMREP_OUTPUT", "SMREP_COLOR", "SMREP_NO_INPUT"),
    *("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ACCESS_KEY_ID"),
    *("AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_CONFIG_FILE"),
    *("AWS_STS_REGIONAL_ENDPOINTS", "AWS_USE_FIPS_ENDPOINT", "HTTPS_PROXY", "GITHUB_STEP_SUMMARY", "COLUMNS", "TERM"),
)


@pytest.fixture(scope="module")
def liar() -> Iterator[LyingSandbox]:
    with lying(None, "") as liar:
        yield liar


def said(done: Done) -> None:
    """Check a run whose standard output may be JSON: it is true then, harmless for people otherwise."""
    if done.out.startswith(("{", "[")):
        true_json(done.out)
        done = Done(done.code, "", done.err)
    harmless(done, runner=True)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words(liar: LyingSandbox, words: list[str], tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    has_document = words[0] not in ("sandbox", "help", "completion", "iam-policy", WORD)
    with recorded_reports() as reports:
        env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
        done = liar.run(*words, *(["--json"] if has_document else []), **env)
    said(done)
    if summary.exists():
        plain_markdown(summary.read_text(encoding="utf-8"))
    if has_document and done.out:
        assert len(reports) == 1 or "--query" in words
        for hint in hints(document(done)):
            quoted(hint, SHELL, "pwned")
    for report in reports:
        harmless_in_every_format(report)


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(liar: LyingSandbox, name: str) -> None:
    value = LETTERS.replace("\x85", "") if name.startswith(("AWS", "HTTP")) else WORD
    said(liar.run("wait", "prod/db", "--debug", **{"GITHUB_ACTIONS": "true", "AWS_MAX_ATTEMPTS": "1", name: value}))


@pytest.mark.parametrize("name", ["AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"])
def test_the_index_of_a_shard(liar: LyingSandbox, name: str) -> None:
    done = liar.run("plan", "-f", "-", "--shard", "auto/4", **{"GITHUB_ACTIONS": "true", name: WORD})
    assert done.code == 2
    said(done)


@pytest.mark.parametrize("command", ["status", "verify", "doctor", "iam-policy"])
def test_standard_input(liar: LyingSandbox, command: str) -> None:
    """No name has such characters, so that each is refused; what is said of it acts on nothing."""
    hostile = sorted({word for text in TEXTS.values() for word in text.split()})
    with recorded_reports() as reports:
        output = ["-o", "text"] if command != "iam-policy" else []
        ended = [liar.run(command, "-", *output, stdin=ARN + word, GITHUB_ACTIONS="true") for word in hostile]
    for done in ended:
        said(done)
    assert [done.code for done in ended].count(2) > len(hostile) / 2
    for report in reports:
        harmless_in_every_format(report)


@pytest.mark.parametrize(
    "text",
    [
        f"[profile x]\nregion = {LETTERS.splitlines()[0]}",
        f"[profile x]\n{LETTERS}",
        f"[profile x\n{RUNNER}",
        "[profile x]\nregion = us-east-1\nrole_arn = {0}\nsource_profile = {0}".format(LETTERS.splitlines()[0]),
        "[profile x]\nregion = us-east-1\ncredential_process = /nonexistent/" + LETTERS.splitlines()[0],
        f"[profile x]\nregion = us-east-1\nsso_session = {LETTERS.splitlines()[0]}",
        "\x00\x1b[2J",
    ],
)
def test_the_configuration(liar: LyingSandbox, text: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(text, encoding="utf-8")
    env = {"AWS_CONFIG_FILE": str(config), "GITHUB_ACTIONS": "true", "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    for profile in (["--profile", "x"], []):
        said(liar.run("status", "prod/db", *profile, **env))


@pytest.mark.parametrize(
    "estate",
    [
        EVERYTHING,
        [{EVERYTHING: 1}],
        [{"name": EVERYTHING}],
        [{"name": "a", "tags": {EVERYTHING: 1}}],
        [{"name": "a", "region": EVERYTHING}],
        [{"name": "a", "kms_key": EVERYTHING}],
        [{"name": "a", "value": [TERMINAL]}],
    ],
    ids=["text", "field", "name", "tag", "Region", "key", "value"],
)
def test_the_sandboxs_seed(liar: LyingSandbox, estate: object, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    file.write_text(json.dumps(estate))
    done = liar.run("sandbox", "exec", "--seed", str(file), "--", "true", GITHUB_ACTIONS="true")
    assert done.code == 2
    said(done)


@pytest.mark.parametrize("label", ['"\\u001b[2J"', '"::error::x ##[group]y"', '"\\u202e\\u200b\\n"'])
def test_the_labels_of_a_query(liar: LyingSandbox, label: str) -> None:
    for query in (f"{{{label}: secrets[].name}}", f"{{a: {{{label}: secrets[0].name}}}}", f"{{{label}: secrets[0]}}"):
        said(liar.run("status", "prod/db", "--query", query, "-o", "text", GITHUB_ACTIONS="true"))


def test_a_literal_of_a_query_comes_back_as_it_was(liar: LyingSandbox) -> None:
    done = liar.run("status", "prod/db", "--query", quoting(EVERYTHING), "-o", "json")
    assert true_json(done.out) == EVERYTHING
    said(liar.run("status", "prod/db", "--query", quoting(EVERYTHING), "-o", "text", GITHUB_ACTIONS="true"))


def test_a_profile_stands_in_the_hint_also_where_a_secret_is_called_so(liar: LyingSandbox) -> None:
    done = liar.run("status", "x--endpoint-url", "--endpoint-url", liar.url, "--json")
    assert f"smrep status --endpoint-url {liar.url} x--endpoint-url" in document(done)["secrets"][0]["error"]["hint"]


def test_the_answer_to_a_prompt_is_told_harmlessly(liar: LyingSandbox) -> None:
    done = liar.run("replicate", "prod/db", "-r", "us-west-2", "--no-input", "--color", "always", SMREP_TIMEOUT=SHELL)
    assert done.code == 2
    harmless(done, colored=True)
