"""Names that no secret can have, and how they came about. Source: API_CreateSecret, Name."""

from __future__ import annotations

import re

from smrep.errors import UsageError
from smrep.rules.hints import aws

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_PATTERN = re.compile(r"[A-Za-z0-9/_+=.@!*?-]+")
_MADE_BY_GIT_BASH = re.compile(r"[A-Za-z]:[/\\]")
_SHOWN = 60
_CALLED = {"\t": "a tab", " ": "a blank", "\n": "a line end"}
_SELECTORS = "or choose by a selector: --prefix, --tag, --all"


def check_name(name: str, *, piped: bool = False, pattern: bool = False) -> None:
    """Refuse a name that AWS lets no secret have; `piped` came through standard input, `pattern` may have * and ?.

    Raises:
        UsageError: it has a character that no name has.

    """
    if (_PATTERN if pattern else _NAME).fullmatch(name):
        return
    shown = repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")
    if _MADE_BY_GIT_BASH.match(name):
        raise UsageError(
            f"{shown} is a path of Windows, which Git Bash makes of a name that begins with /",
            "keep Git Bash from it: export MSYS_NO_PATHCONV=1",
        )
    listing = aws("secretsmanager list-secrets", query="SecretList[].[Name]", output="text")
    if piped and name[0] in '{["':
        raise UsageError(f"standard input is JSON, and smrep reads one name a line: {shown}", f"print names: {listing}")
    if "\t" in name:
        raise UsageError(
            f"a line of several words with tabs between is not a secret's name: {shown}",
            f"put one name on a line: tr '\\t' '\\n', or {listing}; {_SELECTORS}",
        )
    wrong = next(each for each in name if not (_PATTERN if pattern else _NAME).fullmatch(each))
    hint = {
        " ": f"put one name on a line; {_SELECTORS}"
        if piped
        else "name several secrets as several words, not in one quote",
        ",": "name several secrets with blanks between, not commas",
    }.get(wrong, "names have letters, digits and /_+=.@!-")
    raise UsageError(f"{shown} can't be a secret's name: no name has {_CALLED.get(wrong, repr(wrong))} in it", hint)
