"""Checks that an output harms no terminal, CI runner, Markdown page or shell."""

from __future__ import annotations

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Iterator
from typing import Any
from unittest import mock

import cmarkgfm
from cmarkgfm.cmark import Options
from fixtures import VALIDATOR, Done

from smrep.output.formats import FORMATS
from smrep.output.safe import safe
from smrep.output.terminal import Terminal
from smrep.report import RunReport

HARMFUL = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
OWN_COLOR = re.compile(r"\x1b\[[0-9;]*m")
OWN_ANNOTATION = re.compile(r"::error title=[^:,]*::(?!.*::[A-Za-z])")


def acts(text: str, *, colored: bool = False) -> list[str]:
    """Return the characters that a terminal would act on; line feeds and tabs are the format's own."""
    text = OWN_COLOR.sub("", text) if colored else text
    return [ascii(each) for each in text if unicodedata.category(each) in HARMFUL and each not in "\n\t"]


def commands(text: str) -> list[str]:
    """Return the lines that GitHub's runner would take for a command and that are none of ours.

    Source: ActionCommand.cs of actions/runner; wider than that, any line that begins so.
    """
    lines = [OWN_COLOR.sub("", line) for line in re.split(r"[\n\r]", text)]
    return [
        line for line in lines if "##[" in line or (line.lstrip().startswith("::") and not OWN_ANNOTATION.match(line))
    ]


def harmless(done: Done, *, colored: bool = False, runner: bool = False) -> None:
    """Check both streams of a run for people."""
    assert done.code != 70, done.err
    for text in (done.out, done.err):
        assert acts(text, colored=colored) == []
        if runner:
            assert commands(text) == []


def true_json(text: str) -> Any:
    """Check that a JSON text is ASCII that no terminal and no runner acts on; return what it says."""
    assert text.isascii()
    assert acts(text) == []
    assert commands(text) == []
    assert "\t" not in text
    return [json.loads(line) for line in text.splitlines()] if "}\n{" in text else json.loads(text)


def document(done: Done) -> dict[str, Any]:
    """Return the document on standard output, true and as the schema wants it; of events it is in the last."""
    told = true_json(done.out)
    found: dict[str, Any] = told[-1]["document"] if isinstance(told, list) else told
    VALIDATOR.validate(found)
    assert found["exit_code"] == done.code
    return found


def rendered_formats(report: RunReport) -> dict[str, str]:
    """Return the report in every format, as it is printed under a runner."""
    terminal = Terminal(color=True, width=80)
    with mock.patch.dict(os.environ, {"GITHUB_ACTIONS": "true"}):
        return {name: "".join(render(report, terminal)) for name, render in FORMATS.items()}


def harmless_in_every_format(report: RunReport) -> dict[str, Any]:
    """Check the report in every format; return its document."""
    shown = rendered_formats(report)
    told: dict[str, Any] = true_json(shown.pop("json"))
    VALIDATOR.validate(told)
    assert true_json(shown.pop("ndjson"))[-1]["document"] == told
    for text in shown.values():
        assert acts(text, colored=True) == []
        assert commands(text) == []
    rows(shown["text"])
    assert len(shown["name"].splitlines()) == shown["name"].count("\n")
    return told


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def hints(value: Any) -> Iterator[str]:
    """Yield every hint in a document."""
    if isinstance(value, dict):
        if value.get("hint"):
            yield value["hint"]
        for each in value.values():
            yield from hints(each)
    elif isinstance(value, list):
        for each in value:
            yield from hints(each)


def quoted(hint: str, hostile: str, word: str) -> None:
    """Check that each command in the hint, pasted into a shell, has the hostile text within one word of it.

    `word` is one that the hostile text would bring out of its quotes.
    """
    for line in hint.split("\n"):
        rest = line
        while found := re.search(r"\b(?:smrep|aws) (?=[a-z-])", rest):
            lexer = shlex.shlex(rest[found.start() :], posix=True, punctuation_chars=";,)&|<>(`")
            lexer.whitespace_split = True
            lexer.commenters = ""
            for token in lexer:
                if set(token) <= set(";,)("):  # where the sentence goes on
                    break
                assert not set(token) <= set("&|<>`$"), (token, hint)
                assert word not in token or hostile in token or "".join(hostile.split()) in token, (token, hint)
            rest = lexer.instream.read()
        assert word not in re.sub(r"(?:^|(?<=: ))allow .*|the answer is .*", "", rest), ascii(hint)


def rendered(markdown: str) -> str:
    """Return the HTML that GitHub makes of it, before it is cleaned."""
    html: str = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    return html


def plain_markdown(markdown: str, columns: int = 5) -> None:
    """Check that there is a table of so many columns, and besides text nothing but headings, paragraphs and code."""
    html = rendered(markdown)
    allowed = r"</?(?:h3|p|table|thead|tbody|tr|th|td|code)>|<!-- -->"
    assert re.findall(r"<[^>]*>", re.sub(allowed, "", html)) == [], html
    for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL):
        assert len(re.findall(r"<t[hd]>", row)) == columns, row
    for cell in re.findall(r"<td>(.*?)</td>", html, re.DOTALL):
        assert (
            re.search(r":[a-z0-9_+-]+:|(?<!<!-- -->)@", re.sub(r"<code>.*?</code>", "", cell, flags=re.DOTALL)) is None
        )


def rows(text: str) -> None:
    """Check that each line has the eight cells of a row."""
    assert {line.count("\t") for line in text.splitlines()} <= {7}
    assert len(text.splitlines()) == text.count("\n")


def shows(done: Done, text: str) -> bool:
    """Tell whether the text, made harmless, stands in either stream, however folded."""
    return re.sub(r"\s", "", safe(text)) in re.sub(r"\s", "", OWN_COLOR.sub("", done.out + done.err))
