"""Parses the commands in hints with the real command line."""

from __future__ import annotations

import re
import shlex
from functools import cache

import click

from smrep.cli.params import targets
from smrep.cli.root import root

_NAMED = re.compile(r"\bsmrep (?:replicate|retry|status|wait|verify|rekey|remove|promote|doctor) [^;\n]*")
_BLANK = "REGION"
"""What a hint leaves to be filled in."""


@cache
def check_hint(hint: str) -> None:
    """Check that each command of smrep's in a hint has a line of its own and is one that smrep takes."""
    for found in _NAMED.finditer(hint):
        assert f"\n  {found[0]}\n" in f"\n{hint}\n", "a command that cannot be copied as a line"
        _, name, *words = shlex.split(found[0])
        if _BLANK in words:
            continue
        command = root.get_command(click.Context(root), name)
        assert command
        with command.make_context(name, words) as typed:
            key = typed.params.get("kms_key")
            wanted = targets(typed.params["regions"], key)
            assert wanted or name in ("retry", "verify", "wait", "status"), f"no Region: {found[0]}"
            assert name != "rekey" or all(each.kms_key for each in wanted), f"no key: {found[0]}"
