"""The commands for many secrets as cases of the fault matrix; one secret is enough for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from matrix.scenes import HOME, IRELAND, LIMIT, NAME, WEST, CommandCase, Scene, with_ireland
from matrix.written_files import JOURNAL, JUNIT, METRICS, PAGE
from sample_events import trail

from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree, Unit

MANIFEST, PLAN, EVENT = "dr.json", "dr.plan", "event.json"
KEYED = {"region": WEST, "kms_key": "alias/dr"}
YES = ("--yes", "--max-removals", "1", "--journal", JOURNAL, *LIMIT)


def _manifest(*regions: str | Mapping[str, str], **more: Any) -> Callable[[Scene], Mapping[str, str]]:
    """Return the files of a play: the manifest that wants the secret in these Regions."""
    rule = {"name": "the database", "names": [NAME], "regions": regions, **more}
    text = json.dumps({"schema": 1, "account_id": "123456789012", "primary_region": HOME, "replicate": [rule]})
    return lambda _: {MANIFEST: text}


def _plan(scene: Scene) -> Mapping[str, str]:
    """Return the plan that takes the secret from one Region to the other."""
    steps = [
        {"action": "add", "region": IRELAND, "kms_key": None, "status": None},
        {"action": "remove", "region": WEST, "kms_key": None, "status": "InSync"},
    ]
    arn = (scene.look(HOME) or {})["ARN"]
    plan = {
        "schema": "smrep-plan/1",
        "smrep_version": "0.1.0",
        "made_at": "2026-11-23T10:00:00Z",
        "shard": {"number": 1, "count": 1, "accounts": 1},
        "accounts": [None],
        "secrets": [{"arn": arn, "account": 0, "rules": ["the database"], "steps": steps}],
    }
    return {PLAN: json.dumps(plan)}


def _with_pages(scene: Scene) -> None:
    """Put more on stage than one page of a list takes, at home and in the first Region."""
    _under_dr(scene)
    for number in range(100):
        scene.create(f"many/{number:02}")
        scene.create(f"{NAME}/{number:02}", WEST)


def _under_dr(scene: Scene) -> None:
    scene.create()
    wanted = [{"Region": WEST, "KmsKeyId": scene.key()}, {"Region": IRELAND}]
    scene.call("ReplicateSecretToRegions", SecretId=NAME, AddReplicaRegions=wanted)


def _with_namesake(scene: Scene) -> None:
    with_ireland(scene)
    scene.create(NAME, WEST)


def _with_west(scene: Scene) -> None:
    scene.create()
    scene.replicate(WEST)


def _with_only_failed(scene: Scene) -> None:
    scene.create()
    scene.simulator.set_replication_status(NAME, HOME, WEST, "Failed", "Replication failed: no")


def _moved(scene: Scene) -> bool:
    return scene.look(WEST) is None and scene.in_sync(IRELAND)


def _with_organization(scene: Scene) -> None:
    """Put the account into an organization, whose lists are of two pages each."""
    units = (Unit("ou-sbox-workloads", "workloads"), Unit("ou-sbox-sandboxes", "sandboxes", "ou-sbox-workloads"))
    members = (Member("123456789012", "management"), Member("222222222222", "web", "ou-sbox-workloads"))
    scene.simulator.put_organization(OrganizationTree("123456789012", units, members, empty_pages=True))


def _organization(_: Scene) -> Mapping[str, str]:
    """Return a manifest that asks for all accounts, and for those in an OU."""
    organization = {"role_name": "smrep", "exclude": ["ou-sbox-sandboxes"]}
    rule = {"names": [NAME], "regions": [WEST]}
    return {MANIFEST: json.dumps({"schema": 1, "organization": organization, "replicate": [rule]})}


WANTED = ("-r", f"{WEST}=alias/dr,{IRELAND}", "--prefix", NAME)
FLEET_CASES = (
    CommandCase("list", ("list",), _with_pages),
    CommandCase("accounts", ("accounts", "-f", MANIFEST), _with_organization, files=_organization),
    CommandCase("audit", ("audit", *WANTED), _with_pages, lambda scene: scene.in_sync(WEST, IRELAND)),
    CommandCase("audit --deep", ("audit", *WANTED, "--deep"), _under_dr, lambda scene: scene.in_sync(WEST, IRELAND)),
    CommandCase(
        "audit -f",
        ("audit", "-f", MANIFEST, "--report", JUNIT, "--report", METRICS, "--report", PAGE),
        _with_namesake,
        files=_manifest(WEST, IRELAND),
    ),
    CommandCase(
        "plan",
        ("plan", "-f", MANIFEST, "--out", PLAN),
        with_ireland,
        files=_manifest(KEYED, IRELAND),
    ),
    CommandCase(
        "plan --detailed-exitcode",
        ("plan", "-f", MANIFEST, "--detailed-exitcode"),
        _under_dr,
        lambda scene: scene.in_sync(WEST, IRELAND),
        files=_manifest(KEYED, IRELAND),
    ),
    CommandCase(
        "apply",
        ("apply", "-f", MANIFEST, *YES),
        _with_only_failed,
        lambda scene: scene.in_sync(WEST, IRELAND) and scene.under(WEST, scene.key()),
        files=_manifest(KEYED, IRELAND),
    ),
    CommandCase(
        "apply, remove_extra",
        ("apply", "-f", MANIFEST, *YES),
        _with_west,
        _moved,
        (WEST,),
        files=_manifest(IRELAND, remove_extra=True),
    ),
    CommandCase("apply --plan", ("apply", "--plan", PLAN, *YES), _with_west, _moved, (WEST,), files=_plan),
    CommandCase(
        "apply --event",
        ("apply", "-f", MANIFEST, "--event", EVENT, "--yes", "--journal", JOURNAL, *LIMIT),
        _with_only_failed,
        lambda scene: scene.in_sync(WEST, IRELAND),
        files=lambda scene: {
            **_manifest(WEST, IRELAND)(scene),
            EVENT: json.dumps(trail("TagResource", {"secretId": NAME})),
        },
    ),
    CommandCase("export", ("export",), _under_dr, output="ndjson"),
    CommandCase("init", ("init", "--all", "-r", f"{WEST},{IRELAND}"), _with_west, output="ndjson"),
)
"""Each command in the scenes where its calls differ; `export` and `init` by their events: they print a manifest."""
