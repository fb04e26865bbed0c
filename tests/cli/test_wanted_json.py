"""Which JSON a command line asks for, read without click, is what click reads where it can read it."""

from __future__ import annotations

import os
from unittest import mock

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.cli.commands.apply import apply
from smrep.cli.commands.audit import audit
from smrep.cli.commands.export import export
from smrep.cli.commands.list import list_
from smrep.cli.commands.plan import plan
from smrep.cli.commands.replicate import replicate
from smrep.cli.commands.status import status
from smrep.cli.main import run, wanted_json
from smrep.cli.options import SharedOptions
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.output.formats import FORMATS

formats = st.sampled_from(sorted(FORMATS))
shorts = st.sampled_from(["-o", "-qo"])
BEGINNINGS = {
    replicate: ["app"],
    status: ["app"],
    list_: ["--prefix", "app"],
    audit: ["-r", "us-west-2"],
    plan: ["-f", "json"],
    apply: ["-n", "-f", "json"],
    export: [],
}
"""Each command with the words that it can't do without, or that look as if they were others."""
words = st.one_of(
    st.tuples(st.just("--json")),
    st.tuples(st.just("--output"), formats),
    st.tuples(formats.map("--output={}".format)),
    st.tuples(shorts, formats),
    st.tuples(st.builds("{}{}".format, shorts, formats)),
    st.tuples(st.just("--query"), st.sampled_from(["result", "json"])),
    st.tuples(st.sampled_from(["--query=result", "-q", "--quiet", "--debug", "--no-input", "app", "json", "-r"])),
    st.tuples(st.just("-r"), st.sampled_from(["us-west-2", "eu-west-1"])),
    st.tuples(st.just("--profile"), st.sampled_from(["json", "o"])),
    st.tuples(st.just("--")),
)


@given(st.lists(words, max_size=6), st.none() | formats, st.sampled_from(list(BEGINNINGS)))
def test_it_is_what_click_reads(groups: list[tuple[str, ...]], named: str | None, command: click.Command) -> None:
    typed = [*BEGINNINGS[command], *(word for group in groups for word in group)]
    env = {"SMREP_OUTPUT": named} if named else {}
    names = SharedOptions.__dataclass_fields__
    with mock.patch.dict(os.environ, env, clear=True):
        try:
            with command.make_context("smrep", list(typed)) as context:
                shared = SharedOptions(**{name: value for name, value in context.params.items() if name in names})
                read = Run(command.name or "", shared).output
        except (click.UsageError, UsageError):
            return
    assert wanted_json([command.name or "", *typed], env) == (read if read in ("json", "ndjson") else None)


@given(st.lists(st.text(max_size=12)), st.none() | st.text(max_size=8))
def test_any_words_are_read(typed: list[str], named: str | None) -> None:
    env = {"SMREP_OUTPUT": named} if named is not None else {}
    assert wanted_json(typed, env) in (None, "json", "ndjson")


def test_a_line_that_begins_with_the_end_of_options_is_refused_as_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--", "stauts"]) == 2
    assert "did you mean status?" in capsys.readouterr().err
