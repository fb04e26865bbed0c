"""What `audit`, `apply`, `failover` and `plan` cost for many secrets, and what one more look costs.

Each command is a whole process against a sandbox on loopback in a process of its own. Calls are counted from the
sandbox's log, and what is compared runs in turn. Of wall time, only those of `apply` and `failover` have bounds, since
their pace is what is measured. Terraform takes part where it is installed and TF_PLUGIN_DIR names the folder of its AWS
provider.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from http import HTTPStatus
from typing import Any

from figures import Figure, middle, ratio, spread
from runs import AWS, HOME, REPLICAS, SMREP, Cost, Place, manifest, name_of, sandbox
from terraform_peer import Terraform, at_hand

MANY, FEWER = 10_000, 2_000
APPLIED, CROSSED, RATE, QUOTA = 1_000, 500, 45, 50
PLANNED = 200
MANY_LOOKS, FEW_LOOKS = 1_000, 200
_KINDS = {"cpu_s": "CPU", "wall_s": "wall"}


def audit(turns: int) -> Iterator[Figure]:
    """Measure the audit of healthy secrets, of many beside fewer, so that what each one takes shows."""
    with sandbox(MANY) as many, sandbox(FEWER) as fewer:
        for form in ("text", "json"):
            command = [SMREP, "audit", "-r", ",".join(REPLICAS), "-o", form]
            before = many.size
            runs = [(many.run(command), fewer.run(command)) for _ in range(turns)]
            what = f"audit -o {form} of {MANY:,} secrets"
            yield Figure(what, "API calls", len(many.calls(before)) / turns, "calls", 330)
            yield Figure(
                what,
                "CPU",
                middle(large.cpu_s for large, _ in runs),
                "s",
                15,
                spread(large.cpu_s for large, _ in runs),
            )
            yield Figure(what, "peak memory", max(large.peak_kb for large, _ in runs) / 1024, "MiB", 150)
            grown = [(large.peak_kb - small.peak_kb) / (MANY - FEWER) for large, small in runs]
            yield Figure(what, "memory per secret", middle(grown), "KiB", 1, spread(grown))
            yield Figure(what, "wall", middle(large.wall_s for large, _ in runs), "s")


def calls(turns: int) -> Iterator[Figure]:
    """Measure what one more look costs, beside the same look in a bare loop over boto3."""
    loop = (
        "import boto3, sys; client = boto3.client('secretsmanager')\n"
        "for number in range(int(sys.argv[1])): client.describe_secret(SecretId=f'app/{number:05d}/db')"
    )
    looked = [SMREP, "status", "-o", "text"]
    with sandbox(MANY_LOOKS) as many, sandbox(FEW_LOOKS) as few:
        costs: dict[str, list[float]] = {"status of many": [], "a bare loop": []}
        for _ in range(turns):
            for what, spent in costs.items():
                sizes = ((many, MANY_LOOKS), (few, FEW_LOOKS))
                before = [place.size for place, _ in sizes]
                words = (
                    [sys.executable, "-c", loop, str(n)]
                    if what == "a bare loop"
                    else [*looked, *map(name_of, range(n))]
                    for _, n in sizes
                )
                large, small = (place.run(command) for (place, _), command in zip(sizes, words, strict=True))
                made = [len(place.calls(since)) for (place, _), since in zip(sizes, before, strict=True)]
                spent.append(1000 * (large.cpu_s - small.cpu_s) / (made[0] - made[1]))
        for what, spent in costs.items():
            yield Figure(what, "CPU per call", middle(spent), "ms", None, spread(spent))
        yield ratio(
            "status of many", "CPU per call", "floor: a bare loop over boto3", zip(*costs.values(), strict=True), 1.25
        )


def apply(_turns: int) -> Iterator[Figure]:
    """Measure how near to the rate that it is given `apply` comes, and whether it ever exceeds AWS's quota."""
    with sandbox(APPLIED, "--write-quota", str(QUOTA), "--replication-delay", "1s", replicas=()) as place:
        cost = place.run([SMREP, "apply", "-f", manifest(place), "--rate", str(RATE), "--yes", "-o", "text"])
        calls = place.calls()
    writes = [
        datetime.fromisoformat(each["ts"]).timestamp()
        for each in calls
        if each["operation"] == "ReplicateSecretToRegions"
    ]
    what = f"apply of {APPLIED:,} secrets, --rate {RATE}"
    least_s = APPLIED / RATE
    yield Figure(
        what,
        "wall",
        cost.wall_s / least_s,
        "times",
        1.15,
        f"{cost.wall_s:.2f} s",
        f"floor: at its rate, {least_s:.1f} s",
    )
    yield Figure(what, "ThrottlingException", _throttled(calls), "answers", 0)
    kinds = ", ".join(f"{count} {name}" for name, count in Counter(each["operation"] for each in calls).most_common())
    yield Figure(what, "API calls a secret", len(calls) / APPLIED, "calls", 4, kinds)
    yield Figure(what, "writes in any second", _densest(writes), "writes", QUOTA)
    yield Figure(what, "CPU", cost.cpu_s, "s")
    yield Figure(what, "peak memory", cost.peak_kb / 1024, "MiB")


def failover(_turns: int) -> Iterator[Figure]:
    """Measure a failover while the primaries' Region is down: what it calls, and how near to its rate it comes."""
    with sandbox(CROSSED, "--outage", HOME, "--write-quota", str(QUOTA)) as place:
        record = str(place.folder / "dr.jsonl")
        pair = ["--from", HOME, "--to", REPLICAS[0], "--rate", str(RATE)]
        cost = place.run([SMREP, "failover", *pair, "--all", "--record", record, "--yes", "-o", "text"])
        calls = place.calls()
    writes = [each for each in calls if each["operation"] == "StopReplicationToReplica"]
    what = f"failover of {CROSSED} secrets, --rate {RATE}"
    least_s = CROSSED / RATE
    yield Figure(
        what,
        "wall",
        cost.wall_s / least_s,
        "times",
        1.2,
        f"{cost.wall_s:.2f} s",
        f"floor: at its rate, {least_s:.1f} s",
    )
    yield Figure(what, f"calls to {HOME}", sum(each["region"] == HOME for each in calls), "calls", 0)
    yield Figure(what, "ThrottlingException", _throttled(calls), "answers", 0)
    yield Figure(what, "not promoted", CROSSED - sum(each["status"] == HTTPStatus.OK for each in writes), "secrets", 0)
    seconds = [datetime.fromisoformat(each["ts"]).timestamp() for each in writes]
    yield Figure(what, "writes in any second", _densest(seconds), "writes", QUOTA)
    yield Figure(what, "CPU", cost.cpu_s, "s")


def _throttled(calls: Sequence[Mapping[str, Any]]) -> int:
    return sum(each["code"] == "ThrottlingException" for each in calls)


def plan(turns: int) -> Iterator[Figure]:
    """Measure a plan beside what else tells how the same secrets stand."""
    with ExitStack() as stack:
        settled = stack.enter_context(sandbox(PLANNED))
        bare = stack.enter_context(sandbox(PLANNED, replicas=()))
        terraform = _terraform(stack)
        runs: dict[str, list[Cost]] = {}
        for turn in range(turns):
            runs.setdefault("nothing to do", []).append(_plan(settled, wanted=0))
            runs.setdefault(f"{PLANNED} to add", []).append(_plan(bare, wanted=5))
            if isinstance(terraform, Terraform):
                runs.setdefault("terraform plan", []).append(terraform.plan())
            if not turn:  # a minute of a processor: once is enough
                names = " ".join(name_of(number) for number in range(PLANNED))
                each = f"{AWS} secretsmanager describe-secret --secret-id $name"
                loop = f"for name in {names}; do {each} || exit 1; done"
                runs["a loop of aws"] = [settled.run(["/bin/sh", "-c", loop])]
    ours, theirs = runs["nothing to do"], ("terraform plan", "a loop of aws")
    for name, costs in runs.items():
        what = name if name in theirs else f"plan, {name}"
        cpu_s, wall_s = middle(each.cpu_s for each in costs), middle(each.wall_s for each in costs)
        yield Figure(f"{what}, {PLANNED} secrets", "CPU", cpu_s, "s", None, f"wall {wall_s:.2f} s, {len(costs)} turns")
    for other in theirs:
        for own in (ours, runs[f"{PLANNED} to add"]) if other in runs else ():
            what = f"plan, {PLANNED} secrets{'' if own is ours else ', all to add'}"
            for kind, most in (("cpu_s", 0.1 if own is ours else None), ("wall_s", None)):
                value = middle(getattr(each, kind) for each in own) / middle(
                    getattr(each, kind) for each in runs[other]
                )
                told = f"{1 / value:.0f} times less"
                yield Figure(what, _KINDS[kind], value, "times", most, told, f"peer: {other}")
    if isinstance(terraform, str):
        print(f"terraform plan: skipped, {terraform}", file=sys.stderr)


def _plan(place: Place, *, wanted: int) -> Cost:
    return place.run([SMREP, "plan", "-f", manifest(place), "--detailed-exitcode", "-o", "text"], wanted=wanted)


def _terraform(stack: ExitStack) -> Terraform | str:
    """Return Terraform with a state of as many secrets, or why there is none."""
    found = at_hand()
    if isinstance(found, str):
        return found
    binary, plugins = found
    terraform = Terraform(binary, stack.enter_context(sandbox(0, "--replication-delay", "0s")))
    terraform.prepare(plugins, PLANNED)
    return terraform


def _densest(moments: Sequence[float]) -> int:
    """Return the most moments that lie within one second, wherever that begins."""
    ordered, most, first = sorted(moments), 0, 0
    for place, moment in enumerate(ordered):
        while ordered[first] <= moment - 1:
            first += 1
        most = max(most, place - first + 1)
    return most
