"""A whole run in this process that gets a signal at a chosen moment: at a call or at a sleep."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import random
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Literal
from unittest import mock

from botocore.awsrequest import AWSResponse
from fixtures import VALIDATOR
from matrix.patched_transport import answered, asked, join, wired
from matrix.scenes import CommandCase, Scene, folder, left, set_the_scene
from patience import wait_until
from simulated_time import SharedClock

from smrep.aws.allow_list import WRITES
from smrep.cli import main as entry
from smrep.cli import signals as process
from smrep.errors import Terminated
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.simulator.simulated_aws import Call, Simulator

CallSite = Literal["before", "after", "asleep"]
"""Before AWS carries a call out, after it has and before the answer is there, or in a pause."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a signal comes: at the how many-th call, or pause, counted from 0."""

    where: CallSite
    number: int


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    code: int
    out: str
    err: str
    log: tuple[Call, ...]
    """What reached AWS, a run before this one included."""
    met: int | None
    """How many of these calls had been carried out when the signal came; None where none came."""
    calls: tuple[str, ...]
    """The operations that were asked for in this run."""

    @property
    def document(self) -> dict[str, Any]:
        """The document, which is valid and agrees with the exit code."""
        document: dict[str, Any] = json.loads(self.out)
        VALIDATOR.validate(document)
        assert document["exit_code"] == self.code
        return document

    @property
    def writes(self) -> list[Call]:
        """What changed something."""
        return [call for call in self.log if call.operation in WRITES and not call.code]

    def sent_after(self, moment: Moment) -> list[Call]:
        """What was sent once the signal had come; the request that met it was under way already."""
        own = int(moment.where == "before" and self.calls[moment.number] in WRITES)
        return [call for call in self.log[self.met :] if call.operation in WRITES][own:]

    @property
    def twice(self) -> dict[tuple[str, str, str, str], int]:
        """(write, secret, Region called, Region meant) -> how often, where that is more than once."""
        counts: Counter[tuple[str, str, str, str]] = Counter()
        for call in self.writes:
            meant = [each["Region"] for each in call.params.get("AddReplicaRegions", ())]
            meant += call.params.get("RemoveReplicaRegions", ())
            secret = re.sub(r"^arn:.*:secret:|-\w{6}$", "", call.secret_id or "")
            counts.update((call.operation, secret, call.region, each) for each in meant or [call.region])
        return {what: times for what, times in counts.items() if times > 1}


@dataclass
class PausingClock(SharedClock):
    """A clock whose pauses can be interrupted, and take no time."""

    interrupted: InterruptedRun | None = None

    def sleep(self, seconds: float) -> None:
        assert self.interrupted is not None
        self.interrupted.pause()
        super().sleep(seconds)


@dataclass
class InterruptedRun:
    """One scene of the matrix, in which words can be typed one after the other."""

    case: CommandCase
    moment: Moment | None = None
    number: int = signal.SIGINT
    clock: PausingClock = field(default_factory=PausingClock)
    on_write: Callable[[], object] | None = None
    """Is called at each piece of output once the signal has come."""
    met: int | None = None
    papers: dict[str, str] = field(default_factory=dict)
    """What lies in the folder after the last words."""
    calls: list[str] = field(default_factory=list)
    pauses: int = 0
    delivered: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.clock.interrupted = self
        self.main = threading.main_thread().ident
        self.simulator = Simulator(now=self.clock.wall, rng=random.Random(5))
        self.scene: Scene = set_the_scene(self.case, self.simulator)
        self.mark = len(self.simulator.log)
        self.handler = RequestHandler(self.simulator, log=None, sleep=self.clock.sleep)

    def type(self, words: Sequence[str]) -> Run:
        """Run smrep with the words to its end."""
        self.calls, self.pauses, self.met = [], 0, None
        streams = [Paper(self) for _ in range(2)]
        threads = threading.enumerate()
        with folder(self.case, self.scene) as here, wired(self.send, self.clock, *streams), handled(self):
            for name, text in self.papers.items():
                (here / name).write_text(text)
            code = entry.run([*words, "-o", "json"], self.clock)
            join(threads)
            self.papers = left(here)
        out, err = (stream.getvalue() for stream in streams)
        assert "Traceback" not in err, err
        return Run(code, out, err, tuple(self.simulator.log[self.mark :]), self.met, tuple(self.calls))

    def pause(self) -> None:
        self.pauses += 1
        if self.moment == Moment("asleep", self.pauses - 1):
            self.inject()

    def inject(self) -> None:
        """Send this process the signal, as a terminal would; it is the main thread that meets it."""
        self.met, self.moment = len(self.simulator.log) - self.mark, None
        assert self.main is not None
        signal.pthread_kill(self.main, self.number)
        if threading.get_ident() != self.main:
            wait_until(self.delivered.is_set, "the signal is met")  # a network is slower than the main thread

    def send(self, request: Any) -> AWSResponse:
        """Stand where botocore's sockets are."""
        path, headers, body = asked(request)
        number = len(self.calls)
        self.calls.append(headers.get("X-Amz-Target", "").rpartition(".")[2] or request.url)
        if self.moment == Moment("before", number):
            self.inject()
        reply = self.handler.handle(path, headers, body)
        assert reply is not None
        if self.moment == Moment("after", number):
            self.inject()
        return answered(request, reply)


class Paper(io.StringIO):
    """A stream that is kept, and that knows when it is written to."""

    def __init__(self, interrupted: InterruptedRun) -> None:
        super().__init__()
        self.interrupted = interrupted

    def write(self, text: str) -> int:
        if self.interrupted.met is not None and self.interrupted.on_write:
            self.interrupted.on_write()
        return super().write(text)


@contextlib.contextmanager
def handled(run: InterruptedRun) -> Iterator[None]:
    """Yield with the signals handled as smrep's own process handles them, on the run's clock; note the first one."""
    before = {number: signal.getsignal(number) for number in process.ENDING}
    ignored = sys.unraisablehook
    gc.disable()  # test tools listen to it, and a signal that meets them is heard of later
    process.install_handlers()
    own: Any = {number: signal.getsignal(number) for number in before}

    def handler(number: int, frame: FrameType | None) -> None:
        run.delivered.set()
        own[number](number, frame)

    for number in before:
        signal.signal(number, handler)
    try:
        with mock.patch.object(process, "time", run.clock):  # how long the last words may take is no real time either
            yield
    except (KeyboardInterrupt, Terminated) as late:
        raise AssertionError("the signal was met by nobody") from late
    finally:
        gc.enable()
        sys.unraisablehook = ignored
        for number, kept in before.items():
            signal.signal(number, kept)
