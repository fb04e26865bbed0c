"""The manual pages are those of the commands as they are, without a fault that roff would warn of."""

from __future__ import annotations

import functools
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from fixtures import ROOT, Sandbox

from smrep.cli.commands.help import CODES, OURS
from smrep.cli.root import COMMANDS

PAGES = {path.stem: path for path in sorted((ROOT / "docs/man").glob("*.1"))}
SECTIONS = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "ENVIRONMENT",
    "EXIT STATUS",
    "EXAMPLES",
    "SEE ALSO",
]
MAKER = runpy.run_path(str(ROOT / "docs/man.py"))
CONTEXTS = {each.command_path.replace(" ", "-"): each for each in MAKER["contexts"]()}


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} IS NOT INSTALLED: NO PAGE WAS LOOKED AT")


@functools.cache
def shown(name: str) -> str:
    """Return a page as a terminal of eighty columns shows it, without bold."""
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", PAGES[name]],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return re.sub(".\b", "", done.stdout)


def test_the_committed_pages_are_what_the_commands_say(tmp_path: Path) -> None:
    (tmp_path / "smrep-gone.1").touch()
    subprocess.run([sys.executable, ROOT / "docs/man.py", tmp_path], check=True, env={"COLUMNS": "300", "LANG": "C"})
    made = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert made.keys() == PAGES.keys()
    for name, text in made.items():
        assert text == PAGES[name].read_text(), f"{name}: make man"


def test_every_command_has_a_page() -> None:
    assert {
        "smrep",
        *(f"smrep-{name}" for name in COMMANDS),
        "smrep-sandbox-start",
        "smrep-sandbox-exec",
    } <= PAGES.keys()


def sections(name: str) -> list[str]:
    """Return the sections that a command's page has to have."""
    command = CONTEXTS[name].command
    left_out = set()
    if not isinstance(command, click.Group):
        left_out.add("COMMANDS")
        if "Examples:" not in (command.epilog or "") and name != "smrep-completion":
            left_out.add("EXAMPLES")
    return [each for each in SECTIONS if each not in left_out]


def test_each_page_has_its_sections_in_order() -> None:
    for name, path in PAGES.items():
        text = path.read_text()
        assert re.findall(r"^\.SH (.*)", text, re.MULTILINE) == sections(name), name
        assert text.isascii(), name
        assert text.startswith(f'.nr HY 0\n.TH {name.upper().replace("-", chr(92) + "-")} 1 "" smrep "smrep manual"\n')


@pytest.mark.peer
@needs("man")
def test_man_shows_each_page_without_a_warning_in_eighty_columns() -> None:
    for name in PAGES:
        text = shown(name)
        assert max(map(len, text.splitlines())) <= 80, name
        assert "\\" not in re.sub(r" \\$", "", text, flags=re.MULTILINE), name
        assert "\u2010" not in text, name
        assert re.search(rf"^NAME\n +{name} +- +[a-z]", text, re.MULTILINE), name


@pytest.mark.peer
@needs("groff")
def test_groff_has_nothing_to_warn_of() -> None:
    for name, path in PAGES.items():
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z", path], capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("", ""), name


@pytest.mark.peer
@needs("man")
def test_each_page_says_what_help_says(sandbox: Sandbox) -> None:
    for name in PAGES:
        page = " ".join(shown(name).split())
        told = sandbox.smrep(*CONTEXTS[name].command_path.split()[1:], "--help").out
        for flags in re.findall(r"^  (-[^ ]+(?:, --[^ ]+)?)", told, re.MULTILINE):
            assert f" {flags} " in page, name
        for example in re.findall(r"^      (smrep .*)", told, re.MULTILINE):
            assert example in page.replace(" \\ ", " "), name
        for variable in re.findall(r"\[\$(SMREP_\w+)\]", told):
            assert f" {variable} {OURS[variable]}" in page, name


@pytest.mark.peer
@needs("man")
def test_the_first_page_has_every_code_and_variable() -> None:
    page = " ".join(shown("smrep").split())
    for code, (word, _) in CODES.items():
        assert f" {code} {word} " in page
    for variable, meaning in OURS.items():
        assert f" {variable} {meaning}" in page
    for name in PAGES:
        if name.count("-") == 1:
            assert f"{name}(1)" in page


@pytest.mark.peer
@needs("man")
def test_what_can_be_pasted_is_plain() -> None:
    """An option's hyphens and a shell's quotes come out as what was typed, not as typography."""
    assert re.search(r"""-o json \\\n +--query "secrets\[\?role=='replica'\]\.name\"""", shown("smrep-list"))
    assert "fpath=(~/.zfunc $fpath)" in shown("smrep-completion")
    assert "~/.config/fish/completions" in shown("smrep-completion")


def test_text_that_roff_would_act_on_is_printed() -> None:
    escaped, marked = MAKER["escaped"], MAKER["marked"]
    assert escaped(".so /etc/passwd") == r"\&.so /etc/passwd"
    assert escaped("'br") == r"\(aqbr"
    assert escaped('\\n(.C\\-~^`"') == r"\(rsn(.C\(rs\-\(ti\(ha\(ga\(dq"
    assert marked("with --no-wait, -n or us-west-2") == r"with \fB\-\-no\-wait\fR, \fB\-n\fR or us\-west\-2"
