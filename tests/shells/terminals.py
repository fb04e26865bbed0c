"""bash, zsh and fish with the committed completion scripts loaded, as a person types into them."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fixtures import BIN, ROOT
from patience import PATIENCE_S

READY = "ready to type"


def needs(shell: str) -> pytest.MarkDecorator:
    """Skip, and say so, where a shell is not installed."""
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} IS NOT INSTALLED: ITS COMPLETION IS UNTESTED")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a shell that knows nothing of this machine's AWS configuration."""
    kept = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return kept | more


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, words: list[str], setup: str, home: Path, env: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execvpe(words[0], words, env)
        self.home = home
        self.shown = self.transcript = ""
        self._type(f"{setup}\necho 'ready' 'to type'\n")
        self._until(rf"{READY}\r*\n")

    def complete(self, line: str) -> str:
        """Return what the line is after a TAB at its end."""
        self._type(f"{line}\t\x18l")
        return self._until(r"<<(.*?)>>")

    def run(self, line: str) -> list[str]:
        """Return the words that smrep is given where a TAB at the line's end is followed by Return."""
        self._type(f"{line}\t\n")
        self._until(r"<<(ran)>>")
        return (self.home / "words").read_text().split("\0")[:-1]

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)

    def _type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def _until(self, pattern: str) -> str:
        """Return what the pattern's group matches in what the shell writes from here on."""
        until = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern, self.shown, re.DOTALL)) is None:
            assert time.monotonic() < until, self.shown[-500:]
            if select.select([self.fd], [], [], 1.0)[0]:
                text = os.read(self.fd, 65536).decode(errors="replace")
                self.shown += text
                self.transcript += text
        self.shown = self.shown[found.end() :]
        return found[found.re.groups]


def spied(candidates: Path) -> list[str]:
    """Return the candidates that the shell computed, each once, and forget them; zsh sorts them in several rounds."""
    found = candidates.read_text().split("\0")[:-1]
    candidates.unlink()
    return list(dict.fromkeys(found))


BASH = r"""
PS1=; PS2=
bind 'set bell-style none'; bind 'set completion-query-items 0'; bind 'set page-completions off'
bind 'set enable-bracketed-paste off'
show() { printf '\n<''<%s>''>\n' "$READLINE_LINE"; READLINE_LINE=; }; bind -x '"\C-xl": show'
smrep() { printf '%s\0' "$@" > words; echo '<''<ran>''>'; }
source SCRIPT
spy() { _smrep_completion "$@"; printf '%s\0' "${COMPREPLY[@]}" > candidates; }; complete -o nosort -F spy smrep
"""
ZSH = r"""
PS1=; PS2=; unsetopt beep zle_bracketed_paste; LISTMAX=0; autoload -Uz compinit; compinit -u -D
show() { print -rn -- $'\n<''<'"$BUFFER"'>''>'; BUFFER= }; zle -N show; bindkey '^Xl' show; bindkey '^I' complete-word
smrep() { printf '%s\0' "$@" > words; echo '<''<ran>''>' }
source SCRIPT
compadd() { local -a found; builtin compadd -O found "$@"
  (( $#found )) && printf '%s\0' "$found[@]" >> candidates; builtin compadd "$@" }
"""


def opened(shell: str, home: Path, setup: str = "", **env: str) -> Terminal:
    """Return bash or zsh, ready to be typed into in its home."""
    setup = setup or {"bash": BASH, "zsh": ZSH}[shell].replace("SCRIPT", str(ROOT / f"completions/smrep.{shell}"))
    words = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[shell]
    return Terminal(words, setup, home, environment(home, **env))


def fish(line: str, home: Path, *, escape: bool = False, **env: str) -> list[str]:
    """Return what fish computes for a line, as it is or as it would be inserted."""
    script = f"source {ROOT}/completions/smrep.fish; complete {'--escape' if escape else ''} -C $argv[1]"
    words = ["fish", "--no-config", "-c", script, "--", line]
    done = subprocess.run(
        words, env=environment(home, **env), cwd=home, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert done.stderr == ""
    return [each.partition("\t")[0] for each in done.stdout.splitlines()]
