"""A command line as it is typed into bash: split while it is unfinished, and what to type into its last word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[\w@%+=:,./-]")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>\||<>|[<>])")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line."""

    raw: str
    """As it was typed."""
    text: str
    """What it says: quotes and backslashes are gone, and no variable or command in it was looked at."""
    quote: str
    """The quote that is open at its end: ', " or none."""


def split(line: str) -> list[Word]:
    """Return the words of a line, last the one at its end, which is empty behind a blank."""
    words: list[Word] = []
    raw = text = quote = ""
    escape = False
    for each in line:
        if not (quote or escape) and each in " \t\n":
            if raw:
                words.append(Word(raw, text, ""))
            raw = text = ""
            continue
        raw += each
        if escape:
            text += each if quote != '"' or each in '$`"\\' else "\\" + each
            escape = False
        elif each == "\\" and quote != "'":
            escape = True
        elif each == quote:
            quote = ""
        elif not quote and each in "'\"":
            quote = each
        else:
            text += each
    return [*words, Word(raw, text, quote)]


def without_redirections(words: Sequence[Word]) -> list[Word] | None:
    """Return the words that the program is given, None where the last one is the file of a redirection."""
    kept: list[Word] = []
    pending = False
    for number, word in enumerate(words):
        found = _REDIRECTION.match(word.raw)
        if (pending or found) and number == len(words) - 1:
            return None
        if not (pending or found):
            kept.append(word)
        pending = found is not None and found.end() == len(word.raw)
    return kept


def escaped(text: str, quote: str) -> str:
    """Return the text as it has to be typed into a word in which that quote is open, or none."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        return re.sub(r'([$`"\\])', r"\\\1", text).replace("!", "\"'!'\"")
    return "".join(each if _PLAIN.match(each) else "\\" + each for each in text)
