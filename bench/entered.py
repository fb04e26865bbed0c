"""Counts what one `smrep replicate` enters: functions, files and frames, in all and until AWS gets the write.

A profiler hook in every thread counts the functions of smrep that are called: no class bodies, lambdas or
comprehensions, and nothing of the sandbox, which answers in this process.

    python bench/entered.py [--names]
"""

from __future__ import annotations

import inspect
import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import smrep
from smrep.cli import main as entry
from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

PACKAGE = Path(smrep.__file__).parent
WRITE = "ReplicateSecretToRegions"


@dataclass
class Entered:
    """The functions of smrep that were called."""

    functions: set[CodeType] = field(default_factory=set)
    hops: int = 0
    """Calls of a function in another file than the caller's."""
    frames: int = 0
    """The depth of the deepest stack; 0 where nobody looked."""

    @property
    def files(self) -> set[str]:
        """The files of these functions."""
        return {code.co_filename for code in self.functions}

    def hook(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count a call: a hook for `sys.setprofile`."""
        if event == "call" and is_ours(frame.f_code):
            self.functions.add(frame.f_code)
            caller = frame.f_back
            self.hops += bool(
                caller and is_ours(caller.f_code) and caller.f_code.co_filename != frame.f_code.co_filename
            )

    def at_this_moment(self) -> Entered:
        """Return what was called up to now, with the depth of the deepest stack of any thread."""
        return Entered(set(self.functions), self.hops, max(map(_depth, sys._current_frames().values())))  # noqa: SLF001

    def shown(self) -> dict[str, int]:
        """Return the figures by name."""
        figures = {"functions": len(self.functions), "files": len(self.files), "hops": self.hops}
        return {**figures, "frames": self.frames} if self.frames else figures


def is_ours(code: CodeType) -> bool:
    """Return whether this is a function of smrep, outside the sandbox."""
    path = code.co_filename
    if not path.startswith(f"{PACKAGE}{os.sep}") or path.startswith(f"{PACKAGE / 'sandbox'}{os.sep}"):
        return False
    return bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_name.startswith("<")


def _depth(frame: FrameType | None) -> int:
    """Return how many frames lie between smrep's outermost function and botocore's, click's included."""
    stack: list[CodeType] = []
    while frame:
        stack.insert(0, frame.f_code)
        frame = frame.f_back
    handed_over = [number for number, code in enumerate(stack) if f"{os.sep}botocore{os.sep}" in code.co_filename]
    ours = [number for number, code in enumerate(stack) if is_ours(code)]
    return handed_over[0] - ours[0] if handed_over and ours else 0


class WatchedSimulator(Simulator):
    """Looks at what was called by the moment that AWS gets the write."""

    entered: Entered
    at_write: Entered | None = None

    def call(self, service: str, operation: str, region: str, params: dict[str, Any], **more: Any) -> Any:
        """Answer; look first where this is the write."""
        if operation == WRITE and self.at_write is None:
            self.at_write = self.entered.at_this_moment()
        return super().call(service, operation, region, params, **more)


def measure() -> tuple[Entered, Entered]:
    """Return what one replication calls, in all and until the write."""
    rng = random.Random(1)  # noqa: S311 - it makes ids of the sandbox
    simulator = WatchedSimulator(now=time.time, rng=rng, faults=Faults(replication_delay_s=0.0))
    simulator.call("secretsmanager", "CreateSecret", "us-east-1", {"Name": "prod/db", "SecretString": "x"})
    entered = simulator.entered = Entered()
    server = SandboxServer(simulator)
    server.start()
    keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_EC2_METADATA_DISABLED": "true"}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    os.environ.update({**keys, **files, "AWS_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1"})
    threading.setprofile(entered.hook)
    sys.setprofile(entered.hook)
    try:
        code = entry.run(["replicate", "prod/db", "-r", "us-west-2", "-o", "text"])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        server.close()
    if code or simulator.at_write is None:
        raise SystemExit(f"the replication ended with {code}, so the figures mean nothing")
    return entered, simulator.at_write


def main() -> None:
    """Print the figures as JSON; with `--names`, the functions too, by file."""
    entered, at_write = measure()
    figures: dict[str, Any] = {"in all": entered.shown(), "until the write": at_write.shown()}
    if "--names" in sys.argv[1:]:
        figures["names"] = {
            str(Path(path).relative_to(PACKAGE)): sorted(
                code.co_qualname for code in entered.functions if code.co_filename == path
            )
            for path in sorted(entered.files)
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
