"""Draws the pictures of README and docs: real runs of smrep in the sandbox, on a terminal of 96 columns.

python docs/picture.py replicate > docs/replicate.svg
python docs/picture.py page > docs/page.png, with Chromium
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
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

SMREP = str(Path(sys.executable).parent / "smrep")
PICTURES = {
    "replicate": "smrep replicate prod/payments/db -r us-west-2,eu-west-1,ap-southeast-2",
    "failed": "smrep replicate prod/web/session -r us-west-2,eu-west-1,ap-southeast-2=alias/dr",
    "audit": "smrep audit -r us-west-2,eu-west-1 --prefix prod/",
    "plan": "smrep plan -f dr.toml",
    "drill": "smrep sandbox drill --quiet",
}
"""The picture's name -> the command that it shows."""
SANDBOX = ["sandbox", "exec", "--seed", "--replication-delay", "500ms", "--"]
FORTY = ["sandbox", "exec", "--seed", "40", "--"]
INIT = "smrep init --prefix app/ -r us-west-2 --quiet > dr.toml && smrep plan -f dr.toml"
"""Typed for the picture of a plan, in an empty folder."""
COLUMNS = 96
ENV = {
    "PATH": f"{Path(SMREP).parent}:{os.environ['PATH']}",
    "TERM": "xterm-256color",
    "CI": "1",
    "COLUMNS": str(COLUMNS),
}
WIDTH = 12.2
"""Of a character, in the picture's units."""


def main(name: str) -> None:
    """Print a picture."""
    if name == "page":
        sys.stdout.buffer.write(screenshot())
    else:
        sys.stdout.write(draw(PICTURES[name]))


def screenshot() -> bytes:
    """Return a picture of the coverage page, as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        audit = [SMREP, *SANDBOX, SMREP, "audit", "-r", "us-west-2,eu-west-1", "--prefix", "prod/", "--deep"]
        subprocess.run([*audit, "--report", "page.html"], cwd=folder, env=ENV, check=False, capture_output=True)
        browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
        view = ["--window-size=1000,860", "--screenshot=page.png", "page.html"]
        subprocess.run([*browser, *view], cwd=folder, check=True, capture_output=True)
        return Path(folder, "page.png").read_bytes()


def words_of(command: str) -> list[str]:
    """Return the words to run for a picture's command: in a sandbox, unless it has one of its own."""
    match command.split()[1]:
        case "sandbox":
            return [SMREP, *command.split()[1:]]
        case "plan":
            return [SMREP, *FORTY, "sh", "-c", INIT]
    return [SMREP, *SANDBOX, SMREP, *command.split()[1:]]


def draw(command: str) -> str:
    """Run a command on a pseudo-terminal and return a picture of what it left there, as SVG."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    seen = b""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen(words_of(command), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=ENV)
        os.close(theirs)
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
