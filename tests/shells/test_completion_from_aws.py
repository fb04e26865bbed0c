"""Secrets and aliases that completion offers from AWS: only where that is wished, in a second, and in silence."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fixtures import BIN, Sandbox
from patience import PATIENCE_S
from shells.terminals import Terminal, environment, fish, needs, opened, spied

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

pytestmark = pytest.mark.terminal
RUNS = "run/$(touch pwned)`touch pwned`; touch pwned"
HARMLESS = ["db:prod=1", "db one", RUNS, 'it\'s "quoted"\\']
HARMFUL = ["tab\tname", "line\nname", "esc\x1b[2J", "bidi\u202ename", "c1\x9bname", "--force-overwrite", "us-west-2"]
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-a1b2c3"
PATIENCE = "99"
"""A machine that is busy with tests may take more than the second that people have."""


class LyingSimulator(Simulator):
    """An AWS with names that AWS would never take."""

    def call(self, service: str, operation: str, region: str, params: dict[str, Any], **more: Any) -> Any:
        answer = super().call(service, operation, region, params, **more)
        if operation == "ListSecrets":
            return {"SecretList": [{"Name": name, "ARN": ARN.format(name)} for name in HARMFUL + HARMLESS]}
        if operation == "ListAliases":
            return {
                "Aliases": [{"AliasName": f"alias/{name}", "TargetKeyId": "x"} for name in ("\x1b[2J", "a b", "dr")]
            }
        return answer


@pytest.fixture(scope="module")
def liar() -> Iterator[Sandbox]:
    simulator = LyingSimulator(now=time.time, rng=random.Random(3), faults=Faults())
    with_names = SandboxServer(simulator)
    with_names.start()
    yield Sandbox(simulator, with_names.url)
    with_names.close()


def leading_to(sandbox: Sandbox) -> dict[str, str]:
    return {**sandbox.env, "SMREP_COMPLETE_AWS": PATIENCE}


def ask(words: Sequence[str], env: dict[str, str]) -> list[str]:
    """Return smrep's candidates for the last word; nothing else is ever said."""
    done = subprocess.run(
        [BIN / "smrep", "smrep", *words],
        env={**env, "_SMREP_COMPLETE": "zsh_complete"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t")[1] for line in done.stdout.splitlines()]


@pytest.fixture
def estate(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment of an account with some secrets and keys."""
    for name in ("prod/db", "prod/web", "test/db"):
        sandbox.create(name)
    sandbox.create("prod/there", "us-west-2")
    for region, name in (("us-west-2", "alias/dr"), ("us-west-2", "alias/west"), ("eu-west-1", "alias/dr")):
        sandbox.key(name, region)
    sandbox.key("alias/main", "us-east-1")
    return leading_to(sandbox)


def test_secrets_of_the_primarys_region(estate: dict[str, str]) -> None:
    assert ask(["status", ""], estate) == ["prod/db", "prod/web", "test/db"]
    assert ask(["status", "prod/db", "prod/"], estate) == ["prod/web"]
    assert ask(["rekey", "test"], estate) == ["test/db"]
    assert ask(["verify", "--primary-region", "us-west-2", "p"], estate) == ["prod/there"]
    assert ask(["status", "--", "t"], estate) == ["test/db"]


def test_secrets_by_arn_and_where_they_are_promoted(estate: dict[str, str]) -> None:
    beginning = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/th"
    (found,) = ask(["status", beginning], estate)
    assert found.startswith(f"{beginning}ere-")
    assert ask(["status", found[:-2]], estate) == [found]
    assert ask(["promote", "-r", "us-west-2", ""], estate) == ["prod/there"]


def test_aliases_behind_a_region_and_for_kms_key(estate: dict[str, str]) -> None:
    default = "alias/aws/secretsmanager"
    west = [default, "alias/dr", "alias/west"]
    assert ask(["replicate", "x", "-r", "us-west-2="], estate) == [f"us-west-2={each}" for each in west]
    typed = "eu-west-1=alias/dr,us-west-2=alias/w"
    assert ask(["replicate", "x", "-r", typed], estate) == ["eu-west-1=alias/dr,us-west-2=alias/west"]
    assert ask(["rekey", "x", "-r", "us-west-2", "--kms-key", ""], estate) == west
    both = ("replicate", "x", "-r", "us-west-2,eu-west-1", "--kms-key", "alias/")
    assert ask([*both], estate) == [default, "alias/dr"]
    keyed = ("replicate", "x", "-r", "us-west-2=alias/west", "-r", "eu-west-1", "--kms-key", "")
    assert ask([*keyed], estate) == [default, "alias/dr"]
    assert ask(["iam-policy", "--primary-key", "alias/m"], estate) == ["alias/main"]


def test_nothing_is_asked_unless_it_is_wished(sandbox: Sandbox) -> None:
    for words in (["status", ""], ["replicate", "x", "-r", "us-west-2="], ["rekey", "x", "--kms-key", ""]):
        assert ask(words, sandbox.env) == []
    for wish in ("", "0", "yes"):
        assert ask(["status", ""], {**sandbox.env, "SMREP_COMPLETE_AWS": wish}) == []
    assert sandbox.simulator.log == []


def test_a_command_that_takes_no_key_is_offered_none(estate: dict[str, str], sandbox: Sandbox) -> None:
    assert ask(["status", "x", "-r", "us-west-2="], estate) == []
    assert sandbox.log("ListAliases") == []


@pytest.mark.parametrize(
    "trouble",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"AWS_ENDPOINT_URL": "nonsense"},
        {"AWS_PROFILE": "missing"},
        {"AWS_REGION": "nowhere"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": "/proc/self/mem"},
    ],
    ids=str,
)
def test_what_goes_wrong_is_not_said(sandbox: Sandbox, trouble: dict[str, str]) -> None:
    sandbox.create()
    assert ask(["status", ""], {**leading_to(sandbox), **trouble}) == []


def test_a_profile_that_does_not_exist_is_not_said(sandbox: Sandbox) -> None:
    sandbox.create()
    assert ask(["status", "--profile", "nothing", ""], leading_to(sandbox)) == []


def test_a_denial_is_not_said(sandbox: Sandbox, make_sandbox: Any) -> None:
    denying = make_sandbox(denied=frozenset({("ListSecrets", "us-east-1")}))
    denying.create()
    assert ask(["status", ""], leading_to(denying)) == []


def test_an_endpoint_that_never_answers_is_given_up() -> None:
    """botocore would wait for ten seconds and connect again, several times."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sandbox = Sandbox(None, f"http://127.0.0.1:{silent.getsockname()[1]}")  # type: ignore[arg-type]
        assert ask(["status", ""], {**leading_to(sandbox), "SMREP_COMPLETE_AWS": "1"}) == []
        silent.setblocking(False)
        connections = []
        with contextlib.suppress(BlockingIOError):
            while True:
                connections.append(silent.accept()[0])
        for each in connections:
            each.close()
    assert len(connections) <= 1


def test_nobody_is_asked_for_a_code_on_the_terminal(tmp_path: Path, sandbox: Sandbox) -> None:
    """botocore asks for it on the controlling terminal, whatever stands in for standard input."""
    (tmp_path / "config").write_text(
        "[profile mfa]\nregion = us-east-1\nsource_profile = own\nrole_arn = arn:aws:iam::123456789012:role/dr\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n[profile own]\naws_access_key_id=a\naws_secret_access_key=b\n"
    )
    env = {"AWS_ENDPOINT_URL": sandbox.url, "SMREP_COMPLETE_AWS": PATIENCE}
    terminal = opened("bash", tmp_path, **env)
    try:
        assert terminal.complete("smrep status --profile mfa pro") == "smrep status --profile mfa pro"
        assert "MFA" not in terminal.transcript
    finally:
        terminal.close()


@pytest.fixture(params=[pytest.param(each, marks=needs(each)) for each in ("bash", "zsh", "fish")])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def offered(shell: str, line: str, home: Path, env: dict[str, str]) -> list[str]:
    """Return what a shell offers for a line."""
    if shell == "fish":
        return fish(line, home, **env)
    terminal = opened(shell, home, **env)
    try:
        terminal.complete(line)
        return spied(home / "candidates")
    finally:
        terminal.close()


def test_hostile_names_are_quoted_or_left_out(shell: str, liar: Sandbox, tmp_path: Path) -> None:
    env = {key: value for key, value in leading_to(liar).items() if key.startswith(("AWS_", "SMREP_"))}
    found = offered(shell, "smrep status ", tmp_path, env)
    if shell == "bash":  # what it inserts is quoted already
        found = [unquoted(each) for each in found]
    assert found == HARMLESS
    assert offered(shell, "smrep rekey x -r us-west-2=alias/d", tmp_path, env)[0].endswith("alias/dr")
    assert not (tmp_path / "pwned").exists()


def unquoted(text: str) -> str:
    done = subprocess.run(["bash", "-c", f"printf %s {text}"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("shell", [pytest.param(each, marks=needs(each)) for each in ("bash", "zsh")])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_hostile_name_runs_nothing_once_it_is_inserted(shell: str, quote: str, liar: Sandbox, tmp_path: Path) -> None:
    env = {key: value for key, value in leading_to(liar).items() if key.startswith(("AWS_", "SMREP_"))}
    terminal: Terminal = opened(shell, tmp_path, **env)
    try:
        assert terminal.run(f"smrep status {quote}run") == ["status", RUNS]
    finally:
        terminal.close()
    assert not (tmp_path / "pwned").exists()


QUESTIONS = {
    "an answer": ("lambda: ['a', 'b']", "['a', 'b']"),
    "an error": ("lambda: 1 / 0", "[]"),
    "the end": ("lambda: os._exit(3)", "[]"),
    "an exit": ("sys.exit", "[]"),
    "noise": ("lambda: [print('x'), print('y', file=sys.stderr)] and ['a']", "['a']"),
    "no JSON": ("lambda: [object()]", "[]"),
    "no terminal": ("lambda: [open('/dev/tty').name]", "[]"),
    "one that waits": ("lambda: [str(subprocess.call(['sleep', '3600']))]", "[]"),
    "much": ("lambda: ['x' * 1000] * 1000", str(["x" * 1000] * 1000)),
}


@pytest.mark.parametrize(("question", "answer"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_answered_in_time_or_not_at_all(question: str, answer: str, tmp_path: Path) -> None:
    code = f"import os, subprocess, sys\nfrom smrep.cli.completion_values import ask\nprint(ask({question}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(tmp_path), "SMREP_COMPLETE_AWS": "1" if "sleep" in question else PATIENCE},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,  # the pipes of a child that lives on would be waited for
    )
    assert (done.stdout, done.stderr) == (answer + "\n", "")
