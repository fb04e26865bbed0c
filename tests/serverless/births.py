"""Many secrets born at an even pace while the Lambda function runs, and what became of each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from serverless.lambda_runtime import Answer, LambdaRuntime

from smrep.sandbox.aws_events import events_of
from smrep.sandbox.simulator.simulated_aws import Simulator

TRAIL_S = 3.0
"""Seconds by which CloudTrail's events come later than EventBridge's own."""


@dataclass
class Births:
    """Secrets `prod/000` and so on, with every event that AWS delivers of them; the template drops smrep's own."""

    simulator: Simulator
    runtime: LambdaRuntime
    in_order: bool = False
    """Whether CloudTrail tells of a secret only once the other event is handled; AWS promises no such thing."""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """Name -> what became of its events."""
    protected_s: dict[str, float] = field(default_factory=dict)
    """Name -> seconds from its birth to the first answer that shows it in sync."""

    def take_place(self, count: int, spread_s: float) -> None:
        """Create the secrets, and return when every event has its answer."""
        lock = threading.Lock()

        def deliver(name: str, event: dict[str, Any], earlier: Future[None] | None, born_at: float) -> None:
            if earlier:
                time.sleep(TRAIL_S)
            if earlier and self.in_order:
                earlier.result()
            answer = self.runtime.invoke(event)
            with lock:
                self.answers.setdefault(name, []).append(answer)
                self.protected_s.setdefault(name, time.monotonic() - born_at)

        with ThreadPoolExecutor(2 * count) as deliveries:
            started = time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, started + number * spread_s / count - time.monotonic()))
                name, born_at = f"prod/{number:03}", time.monotonic()
                trail, label = self._create(name)
                first = deliveries.submit(deliver, name, label, None, born_at)
                deliveries.submit(deliver, name, trail, first, born_at)

    def _create(self, name: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        listen: Callable[..., None] = lambda *call: events.extend(events_of(*call))  # noqa: E731
        with self.simulator._lock:
            self.simulator.listeners.append(listen)
            self.simulator.call("secretsmanager", "CreateSecret", "us-east-1", {"Name": name, "SecretString": "x"})
            self.simulator.listeners.remove(listen)
        return events

    def calls(self) -> dict[str, Counter[str]]:
        """Return name -> how often smrep made each call for it."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.answers}
        for call in self.simulator.log:
            name = str(call.secret_id).rpartition(":")[2][:8]
            if name in counts and call.operation != "CreateSecret":
                counts[name][f"{call.operation} {call.code}".strip()] += 1
        return counts
