"""smrep on a pseudo-terminal: the live table, the prompt, the widths."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import BIN, Sandbox
from patience import PATIENCE_S
from pseudo_terminal import Terminal

pytestmark = pytest.mark.terminal
Make = Callable[..., Sandbox]
SLOW = {"replication_delay_s": 3600.0}
"""An AWS in which a replica is in progress until the test lets the time pass."""


def let_it_settle(sandbox: Sandbox, terminal: Terminal) -> None:
    """Let AWS finish what is in progress once smrep has looked at it."""
    terminal.read_until_reached(sandbox.has_looked, "a look after the write")
    sandbox.pass_time()


@pytest.mark.parametrize("columns", [20, 80, 120])
def test_a_live_table_that_gives_way_to_the_result(make_sandbox: Make, columns: int) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    terminal = Terminal(sandbox, "replicate", "prod/db", "-r", "us-west-2,eu-west-1", columns=columns)
    terminal.read_until("\x1b[?25l")  # the cursor is hidden while the table redraws itself
    let_it_settle(sandbox, terminal)
    assert terminal.end() == 0
    assert "\x1b[?25h" in terminal.seen
    result = terminal.seen.rpartition("\x1b[?25h")[2]
    assert re.search(r"us-west-2\s+(\x1b\[\d+m)?InSync", result)
    assert "2 of 2 in sync" in result


@pytest.mark.parametrize("env", [{"CI": "true"}, {"CI": "true", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_animation_in_ci_and_on_a_dumb_terminal(make_sandbox: Make, env: dict[str, str]) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    terminal = Terminal(sandbox, "replicate", "prod/db", "-r", "us-west-2", **env)
    let_it_settle(sandbox, terminal)
    assert terminal.end() == 0
    assert "\x1b[?25l" not in terminal.seen
    assert "prod/db us-west-2 InProgress\r\n" in terminal.seen


def test_no_color_is_kept_while_animating(make_sandbox: Make) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    terminal = Terminal(sandbox, "replicate", "prod/db", "-r", "us-west-2", NO_COLOR="1")
    let_it_settle(sandbox, terminal)
    assert terminal.end() == 0
    assert "\x1b[?25l" in terminal.seen
    assert re.search(r"\x1b\[[0-9;]*m", terminal.seen) is None


def test_a_status_message_cannot_write_to_the_terminal(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "Failed", "\x1b]0;owned\x07\x9b2J")
    terminal = Terminal(sandbox, "wait", "prod/db")
    assert terminal.end() == 1
    assert "\x1b]0;" not in terminal.seen
    assert "\x9b" not in terminal.seen
    assert "\\x1b]0;owned\\x07\\x9b2J" in terminal.seen


def overwriting(sandbox: Sandbox) -> Terminal:
    sandbox.create()
    sandbox.create(region="us-west-2")
    terminal = Terminal(sandbox, "replicate", "prod/db", "-r", "us-west-2", "--force-overwrite")
    terminal.read_until("to continue: ")
    return terminal


def test_the_secrets_name_confirms(sandbox: Sandbox) -> None:
    terminal = overwriting(sandbox)
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert "overwrite" in terminal.seen


@pytest.mark.parametrize("answer", ["yes\n", "\n", "\x04"])
def test_anything_else_does_not(sandbox: Sandbox, answer: str) -> None:
    terminal = overwriting(sandbox)
    terminal.type(answer)
    assert terminal.end() == 2
    assert "not confirmed; nothing was sent" in terminal.seen
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_ctrl_c_at_the_prompt_sends_nothing(sandbox: Sandbox) -> None:
    terminal = overwriting(sandbox)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 130
    assert "nothing was sent" in terminal.seen
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_secrets_from_standard_input_leave_nothing_to_answer_with(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create(region="us-west-2")
    terminal = Terminal(sandbox, "replicate", "-", "-r", "us-west-2", "--force-overwrite")
    terminal.type("prod/db\n\x04")
    assert terminal.end() == 2
    assert "nobody can answer" in terminal.seen
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_a_terminal_that_goes_away_does_not_take_the_result_with_it(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    ours, theirs = pty.openpty()
    with (tmp_path / "result").open("w") as result:
        process = subprocess.Popen(
            [BIN / "smrep", "replicate", "prod/db", "-r", "us-west-2"],
            stdin=subprocess.DEVNULL,
            stdout=result,
            stderr=theirs,
            env={**sandbox.env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
    os.close(theirs)
    sandbox.wait_for("ReplicateSecretToRegions")
    os.close(ours)
    sandbox.pass_time()
    assert process.wait(timeout=PATIENCE_S) == 0
    assert (tmp_path / "result").read_text().split("\t")[2] == "InSync"
