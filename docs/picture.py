"""Draws README's picture: a real run of smrep against the sandbox, as a terminal of 96 columns shows it.

python docs/picture.py > docs/replicate.svg
"""

from __future__ import annotations

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
SHOWN = "smrep replicate prod/web/session -r us-west-2,eu-west-1,ap-southeast-2=alias/dr"
SANDBOX = ["sandbox", "exec", "--seed", "--replication-delay", "500ms", "--", SMREP]
COLUMNS = 96
WIDTH = 12.2
"""Of a character, in the picture's units."""


def main() -> None:
    """Run the command on a pseudo-terminal and print the picture of what it left there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    run = subprocess.Popen(
        [SMREP, *SANDBOX, *SHOWN.split()[1:]], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "CI": "1"}
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the other side is gone
        run.wait()
    screen = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), highlight=False)  # noqa: SIM115
    screen.print(Text.assemble(("$ ", "dim"), SHOWN))
    lines = seen.decode().splitlines()
    title = next(number for number, line in enumerate(lines) if line.startswith("\x1b[1m"))
    screen.print(*(Text.from_ansi(line) for line in ["", *lines[title:]]), sep="\n")
    picture = screen.export_svg(title="smrep", font_aspect_ratio=WIDTH / 20)
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    sys.stdout.write(re.sub(r'x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"([^>]*)>((?:&#160;)+)', _moved, picture))


def _moved(run: re.Match[str]) -> str:
    """Return a run of text without its leading spaces, which some viewers drop, moved to where it belongs."""
    left, height, length, rest, spaces = run.groups()
    gap = len(spaces) // len("&#160;") * WIDTH
    return f'x="{float(left) + gap:g}" {height} textLength="{max(float(length) - gap, 0):g}"{rest}>'


if __name__ == "__main__":
    main()
