"""Draws the pictures of README and docs: real runs of smrep in the sandbox, on a terminal of 96 columns.

python docs/picture.py replicate > docs/replicate.svg
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

SMREP = str(Path(sys.executable).parent / "smrep")
PICTURES = {
    "replicate": "smrep replicate prod/payments/db -r us-west-2,eu-west-1,ap-southeast-2",
    "failed": "smrep replicate prod/web/session -r us-west-2,eu-west-1,ap-southeast-2=alias/dr",
    "audit": "smrep audit -r us-west-2,eu-west-1 --prefix prod/",
}
"""The picture's name -> the command that it shows."""
SANDBOX = ["sandbox", "exec", "--seed", "--replication-delay", "500ms", "--", SMREP]
COLUMNS = 96
ENV = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "CI": "1", "COLUMNS": str(COLUMNS)}
WIDTH = 12.2
"""Of a character, in the picture's units."""


def main(name: str) -> None:
    """Print a picture."""
    sys.stdout.write(draw(PICTURES[name]))


def draw(command: str) -> str:
    """Run a command on a pseudo-terminal and return a picture of what it left there, as SVG."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    run = subprocess.Popen([SMREP, *SANDBOX, *command.split()[1:]], stdin=theirs, stdout=theirs, stderr=theirs, env=ENV)
    os.close(theirs)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # the other side goes away
        while piece := terminal.read(4096):
            seen += piece
    run.wait()
    with Path(os.devnull).open("w") as nowhere:
        screen = Console(record=True, width=COLUMNS, file=nowhere, highlight=False)
        screen.print(Text.assemble(("$ ", "dim"), command))
        lines = seen.decode().splitlines()
        title = next(number for number, line in enumerate(lines) if "\x1b[" in line)
        screen.print(*(Text.from_ansi(line) for line in ["", *lines[title:]]), sep="\n")
        picture = screen.export_svg(title="smrep", font_aspect_ratio=WIDTH / 20, unique_id="smrep")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    return re.sub(r'x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"([^>]*)>((?:&#160;)+)', _moved, picture)


def _moved(run: re.Match[str]) -> str:
    """Return a run of text without its leading spaces, which some viewers drop, moved to where it belongs."""
    left, height, length, rest, spaces = run.groups()
    gap = len(spaces) // len("&#160;") * WIDTH
    return f'x="{float(left) + gap:g}" {height} textLength="{max(float(length) - gap, 0):g}"{rest}>'


if __name__ == "__main__":
    main(sys.argv[1])
