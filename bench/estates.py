"""What an audit costs beside a bare listing, over many accounts, and over half a million secrets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

from figures import Figure, middle, ratio, spread
from runs import HOME, REPLICAS, SMREP, Cost, manifest, sandbox

LISTED = 20_000
ACCOUNTS, MORE_ACCOUNTS, EACH, FEW_EACH = 100, 1_000, 50, 10
HALF, WHOLE, HUGE = 50_000, 100_000, 500_000
CALLS_A_SECOND = 100
"""AWS's limit of ListSecrets for an account in a Region. Source: aws-behavior.md 5."""
_LOOP = f"""
import boto3
for region in {(HOME, *REPLICAS)}:
    client = boto3.client("secretsmanager", region_name=region)
    for page in client.get_paginator("list_secrets").paginate(PaginationConfig={{"PageSize": 100}}):
        page["SecretList"]
"""
_AUDIT = [SMREP, "audit", "-r", ",".join(REPLICAS), "-o", "text"]


def lists(turns: int) -> Iterator[Figure]:
    """Measure an audit beside a bare loop over the same lists."""
    what = f"audit of {LISTED:,} secrets x {len(REPLICAS)} Regions"
    with sandbox(LISTED) as place:
        runs = [(place.run(_AUDIT), place.run([sys.executable, "-c", _LOOP])) for _ in range(turns)]
    yield Figure(what, "CPU", middle(ours.cpu_s for ours, _ in runs), "s", None, spread(ours.cpu_s for ours, _ in runs))
    bare = middle(theirs.cpu_s for _, theirs in runs)
    yield Figure("the bare loop", "CPU", bare, "s", None, spread(theirs.cpu_s for _, theirs in runs))
    pairs = [(ours.cpu_s, theirs.cpu_s) for ours, theirs in runs]
    yield ratio(what, "CPU", "floor: boto3 that lists the same", pairs, 0.7)


def accounts(turns: int) -> Iterator[Figure]:
    """Measure an audit of many accounts, and what ten times as many take."""
    many = f"{ACCOUNTS} accounts x {EACH} secrets x {len(REPLICAS)} Regions"
    costs, covered = _audits(ACCOUNTS, EACH, turns)
    yield Figure(many, "CPU", middle(each.cpu_s for each in costs), "s", 10, spread(each.cpu_s for each in costs))
    yield Figure(many, "peak memory", max(each.peak_kb for each in costs) / 1024, "MiB", 200)
    yield Figure(many, "not covered", ACCOUNTS * EACH * turns - covered, "secrets", 0)
    few, _ = _audits(ACCOUNTS, FEW_EACH, turns)
    more, covered = _audits(MORE_ACCOUNTS, FEW_EACH, turns)
    what, beside = f"{MORE_ACCOUNTS:,} accounts x {FEW_EACH} secrets", f"{ACCOUNTS} accounts"
    yield Figure(what, "not covered", MORE_ACCOUNTS * FEW_EACH * turns - covered, "secrets", 0)
    yield Figure(what, "CPU", middle(each.cpu_s for each in more), "s")
    for kind, words, unit, per in (
        ("peak_kb", "peak memory", "MiB", 1024),
        ("files", "open files", "files", 1),
        ("threads", "threads", "threads", 1),
    ):
        most, fewest = (max(getattr(cost, kind) for cost in costs) / per for costs in (more, few))
        yield Figure(what, words, most, unit)
        yield Figure(what, words, most / fewest, "times", 1.2, f"{fewest:.0f} {unit}", beside)


def _audits(count: int, secrets: int, turns: int) -> tuple[list[Cost], int]:
    """Audit so many accounts; return what each turn cost, and the covered secrets of all turns."""
    with sandbox(secrets, accounts=count) as place:
        result = place.folder / "audit.prom"
        command = [SMREP, "audit", "-f", manifest(place, accounts=count), "-o", "json", "--report", str(result)]
        costs, covered = [], 0
        for _ in range(turns):
            costs.append(place.run(command))
            (line,) = (line for line in result.read_text(encoding="utf-8").splitlines() if 'state="covered"' in line)
            covered += int(line.split()[-1])
    return costs, covered


def huge(_turns: int) -> Iterator[Figure]:
    """Measure what two sizes of one account take, and so what half a million secrets would."""
    runs: list[tuple[Cost, int]] = []
    for size in (HALF, WHOLE):
        with ExitStack() as stack:
            place = stack.enter_context(sandbox(size))
            cost = place.run(_AUDIT)
            runs.append((cost, len(place.calls())))
    (half, half_calls), (whole, whole_calls) = runs
    beyond = (HUGE - WHOLE) / (WHOLE - HALF)
    what, note = f"audit of {HUGE:,} secrets x {len(REPLICAS)} Regions", f"from {HALF:,} and {WHOLE:,}"

    def reached(small: float, large: float) -> float:
        return large + (large - small) * beyond

    yield Figure(what, "API calls", reached(half_calls, whole_calls), "calls", None, note)
    yield Figure(what, "CPU", reached(half.cpu_s, whole.cpu_s), "s", None, f"{half.cpu_s:.1f}, {whole.cpu_s:.1f} s")
    peaks = f"{half.peak_kb / 1024:.0f}, {whole.peak_kb / 1024:.0f} MiB"
    yield Figure(what, "peak memory", reached(half.peak_kb, whole.peak_kb) / 1024, "MiB", None, peaks)
    walls = f"{half.wall_s:.0f}, {whole.wall_s:.0f} s"
    yield Figure(what, "wall at 50 calls a second", reached(half.wall_s, whole.wall_s), "s", None, walls)
    pages = 2 * HUGE / 100  # the primaries first, then all other Regions at the same time
    yield Figure(what, f"least at {CALLS_A_SECOND} calls a second", pages / CALLS_A_SECOND, "s")
