"""What the Lambda function costs beside one that copies values with boto3, and how fast new secrets are protected."""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from figures import Figure, middle, ratio, spread
from runs import HOME, REPLICAS, manifest, name_of, sandbox

sys.path.append(str(Path(__file__).parents[1] / "tests"))
_RUNTIME = import_module("serverless.lambda_runtime")
_OURS, _PEER = "smrep.serverless.handler", "copier.handler"
_COPIER = f"""
import boto3
SOURCE = boto3.client("secretsmanager")
TARGETS = [boto3.client("secretsmanager", region_name=region) for region in {REPLICAS!r}]
def handler(event, context):
    name = event["detail"]["requestParameters"]["name"]
    value = SOURCE.get_secret_value(SecretId=name)["SecretString"]
    for target in TARGETS:
        copy = f"copies/{{name}}"
        try:
            target.create_secret(Name=copy, SecretString=value)
        except target.exceptions.ResourceExistsException:
            target.put_secret_value(SecretId=copy, SecretString=value)
"""
_WARM = 5
_COUNT, _SPREAD_S, _PROCESSES = 200, 60.0, 25


def _event(name: str) -> dict[str, Any]:
    detail = {
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": "CreateSecret",
        "awsRegion": HOME,
        "requestParameters": {"name": name},
        "responseElements": None,
    }
    return {"detail-type": "AWS API Call via CloudTrail", "region": HOME, "detail": detail}


def function(turns: int) -> Iterator[Figure]:
    """Measure both functions on an event of a secret whose replicas are in sync, and whose copies are there."""
    costs: dict[str, list[tuple[float, float, float]]] = {_OURS: [], _PEER: []}
    with sandbox(1) as place:
        (place.folder / "copier.py").write_text(_COPIER)
        env = {**place.env, "SMREP_MANIFEST": manifest(place)}
        for _ in range(turns):
            for handler, found in costs.items():
                found.append(_cost(env, place.folder / "function.log", handler))
    for number, (what, unit, factor, most) in enumerate(
        (("cold start", "ms", 1000, 2.5), ("warm", "ms", 1000, 3.0), ("memory", "MB", 1 / 1024, 1.4))
    ):
        for handler, found in costs.items():
            values = [factor * cost[number] for cost in found]
            yield Figure(handler, what, middle(values), unit, None, spread(values, 0))
        pairs = [(ours[number], peer[number]) for ours, peer in zip(costs[_OURS], costs[_PEER], strict=True)]
        yield ratio(_OURS, what, f"peer: {_PEER}", pairs, most)


def _cost(env: dict[str, str], log: Path, handler: str) -> tuple[float, float, float]:
    """Return seconds from the start to the first answer, those of a later event, and the most memory in KB."""
    started = time.perf_counter()
    with _RUNTIME.lambda_function(env, log, handler=handler) as runtime:
        runtime.invoke(_event(name_of(0)))
        cold_s = time.perf_counter() - started
        answers = [runtime.invoke(_event(name_of(0))) for _ in range(_WARM)]
        if any(answer.kind != "response" for answer in answers):
            raise SystemExit(f"{handler}: {answers[-1].body}")
        (status,) = (Path(f"/proc/{pid}/status").read_text() for pid in runtime.pids)
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return cold_s, statistics.median(answer.elapsed_s for answer in answers), peak_kb


def births(turns: int) -> Iterator[Figure]:
    """Measure two hundred secrets that are born in a minute, with AWS's quota and its usual delay."""
    from smrep.cli.sandbox_process import environment
    from smrep.sandbox.faults import Faults
    from smrep.sandbox.server.http_server import SandboxServer
    from smrep.sandbox.simulator.simulated_aws import Simulator

    of = f"{_COUNT} secrets born in {_SPREAD_S:g} s"
    for _ in range(turns):
        faults = Faults(write_quota=50, listing_lag_s=300.0)
        simulator = Simulator(now=time.time, rng=random.Random(), faults=faults)  # noqa: S311 - names, not secrets
        with tempfile.TemporaryDirectory() as folder, SandboxServer(simulator) as server:
            rules = Path(folder, "dr.toml")
            rules.write_text('schema = 1\n[[replicate]]\nprefix = ["prod/"]\nregions = ["us-west-2"]\n')
            role = _RUNTIME.as_role(environment(server.url, os.environ), simulator)
            env = {**role, "SMREP_MANIFEST": str(rules)}
            with _RUNTIME.lambda_function(env, Path(folder, "log"), _PROCESSES) as runtime:
                while runtime.asked < _PROCESSES:  # Lambda starts as many within a second or two
                    time.sleep(0.1)
                born = import_module("serverless.births").Births(simulator, runtime)
                born.take_place(_COUNT, _SPREAD_S)
        times = sorted(born.protected_s.values())
        calls = [sum(count.values()) for count in born.calls().values()]
        twice = sum(count["ReplicateSecretToRegions"] > 1 for count in born.calls().values())
        failed = [answer for answers in born.answers.values() for answer in answers if answer.kind != "response"]
        yield Figure(of, "not protected", _COUNT - len(times) + len(failed), "secrets", 0)
        yield Figure(of, "median time from birth to InSync", middle(times), "s", None, spread(times, 1))
        yield Figure(of, "95th percentile", times[int(0.95 * len(times))], "s")
        yield Figure(of, "calls a secret, both events", middle(calls), "calls", 20, spread(calls, 0))
        yield Figure(of, "with two requests, for two events at once", twice, "secrets", 0.1 * _COUNT)
