"""What action.yml leaves to Python, with no module but those that come with it.

`python action.py run FOLDER` becomes smrep with the words of $ACTION_COMMAND, its standard output a file in the folder;
`python action.py tell FOLDER` reads that file and writes the action's outputs to $GITHUB_OUTPUT.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

DOCUMENT = "document.json"
WORDS = ("ok", "pending", "failed", "access", "drift", "usage", "interrupted", "bug")


def run(folder: Path) -> NoReturn:
    """Become the smrep that lies beside this Python.

    Its answer to a question is no, and its format JSON if the words name no other.
    """
    env = dict(os.environ)
    command, text = env.pop("ACTION_COMMAND"), env.pop("ACTION_STDIN")
    env |= {"SMREP_OUTPUT": "json", "SMREP_NO_INPUT": "1"}
    words = read(command)
    os.dup2(os.open(folder / DOCUMENT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(os.fsencode(text))
        file.seek(0)
        os.dup2(file.fileno(), 0)
    os.execve(Path(sys.executable).with_name("smrep"), ["smrep", *words], env)  # noqa: S606 - a shell would evaluate


def read(command: str) -> list[str]:
    """Return the words of a command as a shell would take them apart, a leading `smrep` left out."""
    try:
        words = shlex.split(command)
    except ValueError as error:  # its text is one of two of Python's own, with nothing of the command in it
        refuse(f"the input 'command' can't be taken apart: {str(error).lower()}")
    words = words[1:] if words[:1] == ["smrep"] else words
    return words or refuse("the input 'command' is empty")


def refuse(message: str) -> NoReturn:
    """End as smrep does with a wrong command line."""
    print(f"::error title=smrep::{message}")
    sys.exit(2)


def tell(folder: Path) -> None:
    """Write the outputs; no word of the document but one of ours gets into them."""
    document = folder / DOCUMENT
    if not document.exists():
        return
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"result={result(document.read_bytes())}\ndocument={document}\n")


def result(text: bytes) -> str:
    """Return the result that a document tells, nothing if it is none."""
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    word = told.get("result") if isinstance(told, dict) else None
    return word if word in WORDS else ""


if __name__ == "__main__":
    {"run": run, "tell": tell}[sys.argv[1]](Path(sys.argv[2]))
