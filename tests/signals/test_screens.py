"""What is left on a terminal of any width, kind and encoding, however a run that redraws its table ends."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import Sandbox
from hostile.output_checks import acts
from hostile.payloads import MARKUP, RUNNER, TERMINAL
from signals.terminal_screen import Screen

pytestmark = pytest.mark.terminal
Make = Callable[..., Sandbox]
TRANSIENT = ("waiting,", "watching,", "Ctrl-C", "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏")
"""What only the table that redraws itself says."""
BAR = ("0/5", "5/5", "━", "listing", "examining", "applying")
"""What only a bar says."""
DRAWN = "\x1b[?25l"
WORDS = ("replicate", "prod/db", "-r", "us-west-2,eu-west-1")
SLOW = {"replication_delay_s": 3600.0}
"""An AWS in which replicas are in progress until the test lets the time pass."""


def let_it_settle(sandbox: Sandbox, screen: Screen) -> None:
    """Let AWS finish what is in progress once smrep has looked at it."""
    screen.read_until_reached(sandbox.has_looked, "a look after the write")
    sandbox.pass_time()


def only_the_result(screen: Screen, tables: int = 1) -> None:
    """Check that nothing of the live table is left, and that the cursor is back."""
    text = re.sub(r"\s+", " ", screen.text)
    assert not [word for word in TRANSIENT if word in text.replace("stopped waiting", "")], screen.lines
    assert text.count("account 123456789012") == tables
    assert screen.cursor_is_shown
    assert DRAWN in screen.seen
    assert screen.seen.rindex("\x1b[?25h") > screen.seen.rindex(DRAWN)


@pytest.mark.parametrize("columns", [1, 20, 80, 500, 0])
def test_a_live_table_leaves_nothing_behind(make_sandbox: Make, columns: int) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    screen = Screen(sandbox, *WORDS, columns=columns)
    let_it_settle(sandbox, screen)
    assert screen.end() == 0
    assert "waiting," in screen.seen or columns == 1
    if columns != 1:  # a character a line: there is no table to be seen
        only_the_result(screen)
        assert re.sub(r"\s", "", screen.text).count("InSyncadd") == 2
    assert screen.cursor_is_shown


@pytest.mark.parametrize(("before", "after"), [(80, 40), (80, 20), (40, 120)])
def test_a_resize_while_waiting_leaves_nothing_behind(make_sandbox: Make, before: int, after: int) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    screen = Screen(sandbox, *WORDS, columns=before)
    screen.read_until("InProgress")
    screen.resize(after)
    let_it_settle(sandbox, screen)
    assert screen.end() == 0
    only_the_result(screen)


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        (WORDS, signal.SIGINT, 130),
        (WORDS, signal.SIGTERM, 143),
        (("status", "prod/db", "--watch"), signal.SIGINT, 130),
        (("remove", "prod/db", "-r", "us-west-2", "--yes"), signal.SIGTERM, 143),
    ],
)
def test_a_signal_while_waiting_leaves_nothing_behind(
    make_sandbox: Make, words: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    if words[0] != "replicate":
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    screen = Screen(sandbox, *words)
    screen.read_until(DRAWN)
    screen.read_until("Ctrl-C")  # as the first picture is drawn
    screen.process.send_signal(number)
    assert screen.end() == code
    only_the_result(screen)
    assert "error: stopped" in screen.text


def test_an_error_while_waiting_leaves_nothing_behind(make_sandbox: Make) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    screen = Screen(sandbox, *WORDS)
    screen.read_until("InProgress")
    sandbox.simulator.faults = type(sandbox.simulator.faults)(denied=frozenset({("DescribeSecret", "us-east-1")}))
    assert screen.end() == 4
    only_the_result(screen)


MANIFEST = {"schema": 1, "replicate": [{"name": "all", "prefix": "prod/", "regions": ["us-west-2"]}]}
APPLY = "apply -f dr.json --yes"
FLEET = {
    "list": "5 secrets: 5 standalone",
    "audit -r us-west-2": "0 of 5 secrets have a current replica in us-west-2; 5 missing",
    "plan -f dr.json": "5 secrets: 5 to add",
    APPLY: "5 secrets: 5 replicas changed",
}


@pytest.fixture
def fleet(make_sandbox: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox with five secrets, and a folder with a manifest of them."""
    sandbox = make_sandbox(**SLOW)
    for number in range(5):
        sandbox.create(f"prod/{number}")
    monkeypatch.chdir(tmp_path)
    Path("dr.json").write_text(json.dumps(MANIFEST))
    return sandbox


@pytest.mark.parametrize(
    ("words", "columns"), [*((words, 80) for words in FLEET), *((words, 20) for words in FLEET), (APPLY, 1), (APPLY, 0)]
)
def test_a_bar_leaves_nothing_behind(fleet: Sandbox, words: str, columns: int) -> None:
    screen = Screen(fleet, *words.split(), columns=columns)
    if words == APPLY:
        screen.read_until_reached(lambda: len(fleet.log("ReplicateSecretToRegions")) == 5, "five requests")
        let_it_settle(fleet, screen)
    assert screen.end() == 5 * words.startswith("audit")
    assert DRAWN in screen.seen
    assert screen.cursor_is_shown
    if columns != 1:
        text = re.sub(r"\s+", "", screen.text)
        assert text.count(FLEET[words].replace(" ", "")) == 1
        assert not [word for word in BAR if re.sub(r"\s+", "", word) in text], screen.lines


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_a_bar_is_drawn_leaves_nothing_behind(fleet: Sandbox, number: signal.Signals, code: int) -> None:
    screen = Screen(fleet, "apply", "-f", "dr.json", "--yes", columns=200)
    screen.read_until("applying")
    screen.read_until_reached(lambda: fleet.log("ReplicateSecretToRegions"), "a request")
    screen.process.send_signal(number)
    assert screen.end() == code
    assert screen.cursor_is_shown
    assert "error: stopped: 0 of 5 secrets are finished" in screen.text
    assert "hint: to resume:" in screen.lines
    assert any(line.startswith("  smrep apply --file dr.json") for line in screen.lines)
    assert not [word for word in BAR if word in screen.text], screen.lines


def test_debug_and_a_live_table_do_not_get_into_each_others_way(make_sandbox: Make) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    screen = Screen(sandbox, *WORDS, "--debug")
    let_it_settle(sandbox, screen)
    assert screen.end() == 0
    assert DRAWN not in screen.seen
    assert screen.text.count("account 123456789012") == 1
    assert "prod/db us-west-2 InProgress" in screen.lines


def test_a_live_table_lets_nothing_hostile_through(sandbox: Sandbox) -> None:
    sandbox.create()
    hostile = TERMINAL.replace("\ud83d", "") + RUNNER + MARKUP
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", "InProgress", hostile)
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", hostile[:60], hostile)
    screen = Screen(sandbox, "wait", "prod/db")
    screen.read_until("InProgress")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    own = re.sub(r"\x1b\[(?:\d+(?:;\d+)*m|\?25[lh]|1A|2K)", "", screen.seen.replace("\r", ""))
    assert acts(own) == []
    only_the_result(screen)
    assert re.sub(r"\s", "", MARKUP) in re.sub(r"\s", "", screen.text)


@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict", "LANG": "de_DE.ISO-8859-1"},
        {"TERM": None},
        {"TERM": "dumb", "COLUMNS": "²"},
        {"COLUMNS": "²", "LINES": "²"},
    ],
    ids=str,
)
def test_any_locale_and_any_terminal(make_sandbox: Make, env: dict[str, str | None]) -> None:
    sandbox = make_sandbox(**SLOW)
    sandbox.create()
    message = "größe 漢字"
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", "Failed", message)
    screen = Screen(sandbox, "replicate", "prod/db", "-r", "us-west-2", **env)
    let_it_settle(sandbox, screen)
    assert screen.end() == 0
    told = Screen(sandbox, "status", "prod/db", **env)
    assert told.end() == 1
    if "PYTHONUTF8" in env or "PYTHONIOENCODING" in env:
        assert not re.search("[─━│⠋漢]", screen.seen + told.seen)
        assert [line for line in told.lines if line.startswith(("+--", "|"))]
        assert "\\u6f22" in told.text
    else:
        assert message in told.text
