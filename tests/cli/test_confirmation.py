"""What `smrep remove` and `smrep promote` ask before they send, what answers it, and that nothing else does."""

from __future__ import annotations

import io
import os
import pty
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from cli.promote_sandbox import STOP, arn_in, stands_alone
from cli.remove_sandbox import REMOVE, is_there
from cli.replicated_sandbox import replicated
from cli.test_terminal import Terminal
from fakes import Clock
from fixtures import Done, Sandbox

from smrep.cli.commands.remove import remove
from smrep.cli.options import SharedOptions
from smrep.cli.run import Run
from smrep.cli.signals import typed_line
from smrep.service.run_state import Plan

Make = Callable[..., Sandbox]
ASKS = "to continue: "


@dataclass(frozen=True)
class Command:
    """A command that asks; `to` is all that has to be typed for us-west-2, as the hint says it."""

    word: str
    to: str
    asked_in: str
    """The Region of the secret that it is given."""
    sends: str
    warns: str
    row: tuple[str, bool, str | None]
    """Action, changed and status of the row before anything was sent."""
    undone: Callable[[Sandbox], bool]

    def run(self, sandbox: Sandbox, *words: str, **more: str) -> Done:
        return sandbox.smrep(self.word, *(words or ("prod/db",)), "-r", "us-west-2", **more)

    def ask(self, sandbox: Sandbox, *secrets: str) -> Terminal:
        return Terminal(sandbox, self.word, *(secrets or ("prod/db",)), "-r", "us-west-2")

    def sent(self, sandbox: Sandbox) -> int:
        return len(sandbox.log(self.sends))


REMOVING = Command(
    "remove",
    "smrep remove prod/db --primary-region us-east-1 -r us-west-2",
    "us-east-1",
    REMOVE,
    "prod/db in us-west-2 will be deleted for good: arn:",
    ("remove", False, "InSync"),
    is_there,
)
PROMOTING = Command(
    "promote",
    "smrep promote prod/db -r us-west-2",
    "us-west-2",
    STOP,
    "prod/db in us-west-2 will become standalone for good",
    ("promote", False, None),
    lambda sandbox: not stands_alone(sandbox),
)
both = pytest.mark.parametrize("command", [REMOVING, PROMOTING], ids=lambda command: command.word)


@both
@pytest.mark.parametrize("flags", [(), ("--no-input",)])
def test_without_an_answer_nothing_is_sent(make_sandbox: Make, command: Command, flags: tuple[str, ...]) -> None:
    sandbox = replicated(make_sandbox)
    done = command.run(sandbox, "prod/db", "-o", "json", *flags)
    document = done.document
    assert (done.code, document["result"], document["error"]["code"]) == (2, "usage", "ConfirmationNeeded")
    assert document["error"]["hint"] == f"to confirm it:\n  {command.to} --yes"
    (row,) = document["secrets"][0]["replicas"]
    assert (row["action"], row["changed"], row["status"]) == command.row
    assert command.warns in done.err
    assert (command.sent(sandbox), command.undone(sandbox)) == (0, True)


@both
def test_the_command_to_confirm_keeps_what_was_typed(make_sandbox: Make, command: Command) -> None:
    sandbox = replicated(make_sandbox)
    words = ["--timeout", "2m", "--no-wait", "--expect-account", "123456789012"]
    hint = command.run(sandbox, "prod/db", *words, "--json").document["error"]["hint"]
    again = hint.removeprefix("to confirm it:\n  smrep ").split()
    assert [word for word in (*words, "--yes", "-r", "us-west-2") if word not in again] == []
    assert (sandbox.smrep(*again).code, command.sent(sandbox), command.undone(sandbox)) == (0, 1, False)


@both
def test_the_command_to_confirm_keeps_the_primary_that_was_typed(make_sandbox: Make, command: Command) -> None:
    done = command.run(replicated(make_sandbox), "prod/db", "--primary-region", "us-east-1", "--json")
    assert "--primary-region us-east-1" in done.document["error"]["hint"]


@both
@pytest.mark.parametrize("name", ["SMREP_YES", "SMREP_{}_YES"])
def test_no_variable_answers_a_confirmation(make_sandbox: Make, command: Command, name: str) -> None:
    sandbox = replicated(make_sandbox)
    assert command.run(sandbox, **{name.format(command.word.upper()): "1"}).code == 2
    assert command.sent(sandbox) == 0


@both
def test_standard_input_needs_yes(make_sandbox: Make, command: Command) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    done = command.run(sandbox, "-", "--json", stdin="a\nb\n")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert command.sent(sandbox) == 0
    done = command.run(sandbox, "-", "--yes", stdin="a\nb\n")
    assert (done.code, [row[:2] for row in done.rows]) == (0, [["a", "us-west-2"], ["b", "us-west-2"]])


@both
def test_nothing_on_standard_input_is_nothing_to_do(sandbox: Sandbox, command: Command) -> None:
    done = command.run(sandbox, "-", stdin="")
    assert (done.code, done.out, sandbox.simulator.log) == (0, "", [])
    assert "named no secret" in done.err


def test_nothing_to_send_is_nothing_to_confirm(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create("clash")
    sandbox.create("clash", region="us-west-2")
    done = sandbox.smrep("remove", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, False)
    assert sandbox.smrep("remove", "clash", "-r", "us-west-2").code == 1
    assert sandbox.log(REMOVE) == []


@pytest.mark.terminal
@both
@pytest.mark.parametrize("by_arn", [False, True], ids=["name", "arn"])
def test_the_secrets_name_confirms(make_sandbox: Make, command: Command, by_arn: bool) -> None:
    sandbox = replicated(make_sandbox)
    secret = arn_in(sandbox, command.asked_in) if by_arn else "prod/db"
    terminal = command.ask(sandbox, secret)
    terminal.read_until(ASKS)
    assert terminal.seen.replace("\r\n", "").count(command.warns) == 1
    assert command.sent(sandbox) == 0
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert (command.sent(sandbox), command.undone(sandbox)) == (1, False)


@pytest.mark.terminal
def test_one_name_confirms_every_region_that_is_shown(make_sandbox: Make) -> None:
    sandbox = replicated(make_sandbox, "us-west-2", "eu-west-1")
    terminal = Terminal(sandbox, "remove", "prod/db", "-r", "us-west-2,eu-west-1")
    terminal.read_until(ASKS)
    assert terminal.seen.count(" will be deleted for good: ") == 2
    terminal.type("prod/db\n")
    assert terminal.end() == 0
    assert (is_there(sandbox), is_there(sandbox, "eu-west-1"), len(sandbox.log(REMOVE))) == (False, False, 1)


@pytest.mark.terminal
@both
@pytest.mark.parametrize("answer", ["yes\n", "y\n", "\n", "prod\n", "us-west-2\n", "\x04"])
def test_anything_else_does_not(make_sandbox: Make, command: Command, answer: str) -> None:
    sandbox = replicated(make_sandbox)
    terminal = command.ask(sandbox)
    terminal.read_until(ASKS)
    terminal.type(answer)
    assert terminal.end() == 2
    assert "not confirmed; nothing was sent" in terminal.seen
    assert command.sent(sandbox) == 0


@pytest.mark.terminal
@both
@pytest.mark.parametrize(("answer", "code"), [("2\n", 0), ("a\n", 2), ("3\n", 2)])
def test_several_secrets_ask_for_their_count(make_sandbox: Make, command: Command, answer: str, code: int) -> None:
    sandbox = replicated(make_sandbox, names=("a", "b"))
    sandbox.create("as-it-should-be", region=command.asked_in)
    terminal = command.ask(sandbox, "a", "b", "as-it-should-be")
    terminal.read_until("to continue: ")
    terminal.type(answer)
    assert terminal.end() == code
    assert command.sent(sandbox) == (2 if code == 0 else 0)


@pytest.mark.terminal
@both
def test_ctrl_c_at_the_prompt_sends_nothing(make_sandbox: Make, command: Command) -> None:
    sandbox = replicated(make_sandbox)
    terminal = command.ask(sandbox)
    terminal.read_until(ASKS)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 130
    assert "nothing was sent" in terminal.seen
    assert command.sent(sandbox) == 0


def test_ctrl_c_that_does_not_interrupt_the_read_ends_the_question_too() -> None:
    keyboard, terminal = pty.openpty()

    def press() -> None:
        os.read(keyboard, len(ASKS))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # in this thread, while the other one waits

    with ThreadPoolExecutor() as pool, os.fdopen(terminal) as stdin, os.fdopen(os.dup(terminal), "w") as stderr:
        pressed = pool.submit(press)
        with pytest.raises(KeyboardInterrupt):
            typed_line(ASKS, stdin, stderr)
        pressed.result()
    os.close(keyboard)


def test_the_time_that_a_person_takes_to_answer_is_on_no_clock() -> None:
    clock = Clock()
    keyboard, terminal = pty.openpty()

    class Person(io.StringIO):
        """Takes a minute for each answer."""

        def isatty(self) -> bool:
            return True

        def write(self, text: str, /) -> int:
            if text.startswith("Type prod/db"):
                clock.time += 60
                os.write(keyboard, b"prod/db\n")
            return len(text)

    names = SharedOptions.__dataclass_fields__
    with os.fdopen(terminal) as stdin, remove.make_context("smrep", ["prod/db", "-r", "us-west-2"]) as context:
        shared = SharedOptions(**{name: value for name, value in context.params.items() if name in names})
        run = Run("remove", shared, 300.0, stdin=stdin, stderr=Person(), clock=clock)
        clock.time += 2
        plan = Plan("removing", [("prod/db", "a loss")], lambda *_: "")
        assert run.approve(run.state, plan)
        clock.time += 3
    os.close(keyboard)
    assert (run.elapsed_s, run.thought_s) == (5, 60)
