"""deploy/kubernetes: each file fits Kubernetes' schema, and retries what the exit codes call unfinished."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml
from fixtures import ROOT

from smrep.cli.root import root
from smrep.errors import Outcome

FILES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
NEWEST = kubernetes_validate.latest_version()
OLDEST = "1.33.0"
"""The first version in which backoffLimitPerIndex is stable."""
QUANTITIES = {"requests", "limits"}
"""Maps whose keys Kubernetes does not know beforehand."""
RETRIED = {Outcome.PENDING.exit_code, 143}
SUCCESS = {Outcome.OK.exit_code, Outcome.ACCEPTED.exit_code}
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def job_spec(document: Any) -> Any:
    """Return the spec of the Job, or of the Job that a CronJob starts."""
    spec = document["spec"]
    return spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec


def container(document: Any) -> Any:
    (only,) = job_spec(document)["template"]["spec"]["containers"]
    return only


def fields(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field whose name Kubernetes fixes."""
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, below in entries:
        if isinstance(key, str):
            yield (*path, key)
        if key not in QUANTITIES:
            yield from fields(below, *path, key)


def misspelt(document: Any, path: tuple[str | int, ...]) -> Any:
    """Return a copy of the document in which one field's name has a letter too many."""
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[f"{path[-1]}x"] = parent.pop(path[-1])
    return changed


def fits(document: Any, version: str = NEWEST) -> bool:
    """Return whether Kubernetes' schema of that version takes the document, and knows all of its fields."""
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


def test_there_is_a_job_and_a_cron_job_for_apply_and_for_audit() -> None:
    assert [path.stem for path in FILES] == ["apply-cronjob", "apply-job", "audit-cronjob"]


@each_file
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_file_fits_the_schema(path: Path, version: str) -> None:
    assert fits(read(path), version)


@pytest.mark.exhaustive
@each_file
def test_a_misspelt_field_does_not_fit_the_schema(path: Path) -> None:
    document = read(path)
    paths = [found for found in fields(document) if found not in {("apiVersion",), ("kind",)}]
    assert len(paths) > 30
    for found in paths:
        assert not fits(misspelt(document, found)), found


@each_file
def test_only_unfinished_work_is_retried(path: Path) -> None:
    spec = job_spec(read(path))
    drained, *rules = spec["podFailurePolicy"]["rules"]
    assert drained == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    codes = {"FailJob": set[int](), "FailIndex": set[int]()}
    for rule in rules:
        values = rule["onExitCodes"]["values"]
        assert values == sorted(set(values))  # the API server refuses any other order
        assert rule["onExitCodes"] | {"values": []} == {"containerName": "smrep", "operator": "In", "values": []}
        codes[rule["action"]] |= set(values)
    ends = {outcome.exit_code for outcome in Outcome if outcome is not Outcome.INTERRUPTED}
    assert codes["FailJob"] | codes["FailIndex"] == ends - RETRIED - SUCCESS
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # a podFailurePolicy needs it
    limit = "backoffLimitPerIndex" if spec.get("completionMode") == "Indexed" else "backoffLimit"
    assert spec[limit] == 3
    assert bool(codes["FailIndex"]) == (limit == "backoffLimitPerIndex")


@each_file
def test_smrep_understands_the_arguments(path: Path) -> None:
    name, *words = container(read(path))["args"]
    command = root.get_command(click.Context(root), name)
    assert command
    (mount,) = container(read(path))["volumeMounts"]
    assert words[:2] == ["-f", f"{mount['mountPath']}/dr.toml"]
    command.make_context(name, words).close()


@each_file
def test_a_container_has_no_rights_that_it_does_not_need(path: Path) -> None:
    pod = job_spec(read(path))["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["automountServiceAccountToken"] is False
    assert container(read(path))["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_shard_of_the_job_is_an_index() -> None:
    document = read(ROOT / "deploy/kubernetes/apply-job.yaml")
    spec = job_spec(document)
    assert spec["completions"] == spec["parallelism"] == 4
    assert container(document)["args"][-1] == "auto/4"


@pytest.mark.parametrize("name", ["apply", "audit"])
def test_a_cron_job_runs_one_at_a_time_and_removes_nothing(name: str) -> None:
    document = read(ROOT / f"deploy/kubernetes/{name}-cronjob.yaml")
    assert document["spec"]["concurrencyPolicy"] == "Forbid"
    assert container(document)["args"][0] == name
    assert "--max-removals" not in container(document)["args"]
