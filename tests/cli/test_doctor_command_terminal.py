"""`smrep doctor` on a terminal: nothing is folded, and no word is cut."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cli.doctor_sandbox import WEST, doctor, replicated
from cli.document_rows import rows_of
from cli.test_terminal import Terminal
from fixtures import Sandbox

Make = Callable[..., Sandbox]


@pytest.mark.terminal
@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_no_hint_is_folded_and_no_word_is_cut(sandbox: Sandbox, columns: int) -> None:
    sandbox.create()
    victim = sandbox.create(region=WEST)
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "eu-west-1", "InSync", "Replication succeeded")
    words = ["prod/db", "-r", f"{WEST},eu-west-1=alias/nowhere,ap-southeast-2,us-west-9"]
    findings = [each for row in rows_of(doctor(sandbox, *words, "--json")) for each in row["findings"]]
    terminal = Terminal(sandbox, "doctor", *words, "-o", "table", columns=columns, COLUMNS=str(columns), NO_COLOR="1")
    assert terminal.end() == 1
    lines = terminal.seen.split("\r\n")
    for finding in findings:
        assert f"  {finding['severity']:<8}{finding['kind']}: {finding['message']}" in lines
        assert all(f"          {line}" in lines for line in finding["hint"].split("\n"))
    assert len(findings) >= 4
    assert victim in terminal.seen
    table = lines[lines.index(next(line for line in lines if "  STATUS" in line)) :]
    table = table[: table.index("")]
    assert all(len(line) <= columns for line in table)
    for region in (WEST, "eu-west-1", "ap-southeast-2", "us-west-9"):
        assert len([line for line in table if line.split()[:1] == [region]]) == 1
    joined = " ".join(" ".join(line.split()) for line in table)
    assert "name is free" in joined
    assert "3 of 4 in trouble, 1 of 4 clear" in terminal.seen


@pytest.mark.terminal
@pytest.mark.parametrize("columns", [80, 120])
def test_several_secrets_on_a_terminal_keep_their_names_and_ages_whole(make_sandbox: Make, columns: int) -> None:
    sandbox = replicated(make_sandbox)
    sandbox.create("other/with/a/long/name/that/goes/on/and/on")
    names = ["prod/db", "other/with/a/long/name/that/goes/on/and/on"]
    terminal = Terminal(
        sandbox, "doctor", *names, "-r", WEST, "-o", "table", columns=columns, COLUMNS=str(columns), NO_COLOR="1"
    )
    assert terminal.end() == 0
    start = terminal.seen.index("SECRET")
    table = terminal.seen[start : terminal.seen.index("\r\n\r\n", start)]
    assert all(len(line) <= columns for line in table.split("\r\n"))
    for word in ("replica,", "changed", "accessed", "recorded", "InSync"):
        assert re.search(rf"(?<!\w){re.escape(word)}", table)
