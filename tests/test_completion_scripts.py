"""The completion scripts in completions/ are those that smrep prints."""

from __future__ import annotations

import pytest
from fixtures import ROOT, Sandbox


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_committed_completion_scripts_are_what_smrep_prints(shell: str, sandbox: Sandbox) -> None:
    done = sandbox.smrep("completion", shell)
    assert (ROOT / f"completions/smrep.{shell}").read_text() == done.out
