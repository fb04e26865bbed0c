"""The commands about many secrets as they are tried under every fault, for which one secret is enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from matrix.papers import JOURNAL, JUNIT, METRICS, PAGE
from matrix.scenes import HOME, IRELAND, LIMIT, NAME, WEST, Play, Stage, with_ireland

MANIFEST, PLAN = "dr.json", "dr.plan"
KEYED = {"region": WEST, "kms_key": "alias/dr"}
YES = ("--yes", "--max-removals", "1", "--journal", JOURNAL, *LIMIT)


def _manifest(*regions: str | Mapping[str, str], **more: Any) -> Callable[[Stage], Mapping[str, str]]:
    """Return the files of a play: the manifest that wants the secret in these Regions."""
    rule = {"name": "the database", "names": [NAME], "regions": regions, **more}
    text = json.dumps({"schema": 1, "account_id": "123456789012", "primary_region": HOME, "replicate": [rule]})
    return lambda _: {MANIFEST: text}


def _plan(stage: Stage) -> Mapping[str, str]:
    """Return the plan that takes the secret from one Region to the other."""
    steps = [
        {"action": "add", "region": IRELAND, "kms_key": None, "status": None},
        {"action": "remove", "region": WEST, "kms_key": None, "status": "InSync"},
    ]
    arn = (stage.look(HOME) or {})["ARN"]
    plan = {
        "schema": "smrep-plan/1",
        "smrep_version": "0.1.0",
        "made_at": "2026-11-23T10:00:00Z",
        "shard": {"number": 1, "count": 1, "accounts": 1},
        "accounts": [None],
        "secrets": [{"arn": arn, "account": 0, "rules": ["the database"], "steps": steps}],
    }
    return {PLAN: json.dumps(plan)}


def _with_pages(stage: Stage) -> None:
    """Put more on stage than one page of a list takes, at home and in the first Region."""
    _under_dr(stage)
    for number in range(100):
        stage.create(f"many/{number:02}")
        stage.create(f"{NAME}/{number:02}", WEST)


def _under_dr(stage: Stage) -> None:
    stage.create()
    wanted = [{"Region": WEST, "KmsKeyId": stage.key()}, {"Region": IRELAND}]
    stage.call("ReplicateSecretToRegions", SecretId=NAME, AddReplicaRegions=wanted)


def _with_namesake(stage: Stage) -> None:
    with_ireland(stage)
    stage.create(NAME, WEST)


def _with_west(stage: Stage) -> None:
    stage.create()
    stage.replicate(WEST)


def _with_only_failed(stage: Stage) -> None:
    stage.create()
    stage.simulator.set_replication_status(NAME, HOME, WEST, "Failed", "Replication failed: no")


def _moved(stage: Stage) -> bool:
    return stage.look(WEST) is None and stage.in_sync(IRELAND)


WANTED = ("-r", f"{WEST}=alias/dr,{IRELAND}", "--prefix", NAME)
FLEET = (
    Play("list", ("list",), _with_pages),
    Play("audit", ("audit", *WANTED), _with_pages, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play("audit --deep", ("audit", *WANTED, "--deep"), _under_dr, lambda stage: stage.in_sync(WEST, IRELAND)),
    Play(
        "audit -f",
        ("audit", "-f", MANIFEST, "--report", JUNIT, "--report", METRICS, "--report", PAGE),
        _with_namesake,
        files=_manifest(WEST, IRELAND),
    ),
    Play(
        "plan",
        ("plan", "-f", MANIFEST, "--out", PLAN),
        with_ireland,
        files=_manifest(KEYED, IRELAND),
    ),
    Play(
        "plan --detailed-exitcode",
        ("plan", "-f", MANIFEST, "--detailed-exitcode"),
        _under_dr,
        lambda stage: stage.in_sync(WEST, IRELAND),
        files=_manifest(KEYED, IRELAND),
    ),
    Play(
        "apply",
        ("apply", "-f", MANIFEST, *YES),
        _with_only_failed,
        lambda stage: stage.in_sync(WEST, IRELAND) and stage.under(WEST, stage.key()),
        files=_manifest(KEYED, IRELAND),
    ),
    Play(
        "apply, remove_extra",
        ("apply", "-f", MANIFEST, *YES),
        _with_west,
        _moved,
        (WEST,),
        files=_manifest(IRELAND, remove_extra=True),
    ),
    Play("apply --plan", ("apply", "--plan", PLAN, *YES), _with_west, _moved, (WEST,), files=_plan),
    Play("export", ("export",), _under_dr, output="ndjson"),
)
"""Each command in the scenes where its calls differ; `export` by its events, as its result is the manifest itself."""
