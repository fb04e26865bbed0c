"""Runs one case of the matrix: smrep from its words to its document, with one faulty call, and checks the end."""

from __future__ import annotations

import io
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from fixtures import VALIDATOR
from matrix.faults import Fault
from matrix.faulty_endpoint import CallSite, FaultyEndpoint, NoAnswer
from matrix.patched_transport import answered, asked, join, wired
from matrix.scenes import NAME, OTHER, REGIONS, VALUE, CommandCase, Scene, folder, left, set_the_scene
from matrix.written_files import JOURNAL, JUNIT, RECORD, check_journal, check_record, check_reports
from simulated_time import SharedClock

from smrep.aws.allow_list import ALLOWED, WRITES
from smrep.cli import main as entry
from smrep.sandbox.simulator.simulated_aws import Call, Simulator

READ_TIMEOUT_S = 10.0
GRACE_S = 65.0
"""How far a run may outlast its --timeout where every answer is waited for in vain, or a list is throttled."""
SHORT = {
    ("apply, remove_extra", "missing"): "a replica that AWS's list does not show is not known to be one too many",
    ("apply, remove_extra", "silence"): "a removal that could not be looked at is not told of after the next look",
    ("status of a replica", "promoted meanwhile"): "what was promoted is a secret without replicas of its own",
}
"""Where exit code 0 does not say that all is reached, and why."""
_TRUTH = {"Name", "ARN", "KmsKeyId", "PrimaryRegion", "ReplicationStatus", "VersionIdsToStages", "DeletedDate"}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    code: int
    out: str
    err: str
    seen: tuple[CallSite, ...]
    log: tuple[Call, ...]
    """What reached the simulator."""
    struck: bool
    """Whether the fault came to pass."""
    scene: Scene
    before: Mapping[tuple[str, str], Any]
    elapsed_s: float
    files: Mapping[str, str] = field(default_factory=dict)
    """Name -> text of what lies in the folder at the end."""

    @property
    def document(self) -> dict[str, Any]:
        """The document, which is in the last event where there are events."""
        last = self.out if self.out.startswith("{\n") else self.out.splitlines()[-1]
        told: dict[str, Any] = json.loads(last)
        document: dict[str, Any] = told.get("document", told)
        return document

    @property
    def cell(self) -> str:
        """Exit code and result, as they stand in the matrix."""
        return f"{self.code} {self.document['result']}"

    @property
    def places(self) -> frozenset[tuple[str, str | None]]:
        """Return (secret, Region) of which the document tells."""
        found = [(each["name"], row["region"]) for each in self.document["secrets"] for row in each["replicas"]]
        return frozenset([*found, *((each["name"], None) for each in self.document["secrets"])])

    @property
    def carried_out(self) -> Counter[tuple[str, str, str]]:
        """(write, Region called, Region meant) -> how often it was carried out."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for call in self.log:
            if call.operation in WRITES and not call.code:
                meant = [each["Region"] for each in call.params.get("AddReplicaRegions", ())]
                meant += call.params.get("RemoveReplicaRegions", ())
                counts.update((call.operation, call.region, each) for each in meant or [call.region])
        return counts


def in_process(case: CommandCase, target: CallSite | None = None, fault: Fault | None = None) -> Run:
    """Run smrep in this process, with botocore as it is but for the socket and the time."""
    clock = SharedClock()
    simulator = Simulator(now=clock.wall, rng=random.Random(5))
    scene = set_the_scene(case, simulator)
    before, mark = truth(scene), len(simulator.log)
    handler = struck(target, fault)(simulator, log=None, sleep=clock.sleep)

    def send(request: Any) -> AWSResponse:
        try:
            return answered(request, handler.answer(*asked(request)))
        except NoAnswer as no_answer:
            raise _exception(no_answer, request, clock) from no_answer

    out, err = io.StringIO(), io.StringIO()
    threads = threading.enumerate()
    with folder(case, scene) as here:
        with wired(send, clock, out, err):
            code = entry.run([*case.words, "-o", case.output], clock)
            join(threads)
        files = left(here)
    log, told = tuple(simulator.log[mark:]), (out.getvalue(), err.getvalue())
    return Run(code, *told, tuple(handler.seen), log, handler.struck, scene, before, clock.time, files)


def struck(target: CallSite | None, fault: Fault | None) -> Callable[..., FaultyEndpoint]:
    """Return what makes the handler at which that call goes wrong, none where there is no fault."""
    return partial(
        FaultyEndpoint, target=target, inject=fault.inject if fault else None, spreads=bool(fault and fault.spreads)
    )


def _exception(no_answer: NoAnswer, request: Any, clock: SharedClock) -> Exception:
    """Return what botocore raises for such an end of a connection."""
    if no_answer.how == "refused":
        return EndpointConnectionError(endpoint_url=request.url, error="[Errno 111] Connection refused")
    if no_answer.how == "closed":
        return ConnectionClosedError(endpoint_url=request.url, request=request, error="Remote end closed connection")
    clock.sleep(READ_TIMEOUT_S)
    return ReadTimeoutError(endpoint_url=request.url, error="Read timed out.")


def truth(scene: Scene) -> dict[tuple[str, str], Any]:
    """Return (name, Region) -> what is true of the secret there, for all that are."""
    found = {(name, region): scene.look(region, name) for name in (NAME, OTHER) for region in REGIONS}
    return {
        place: {key: _without_dates(value) for key, value in secret.items() if key in _TRUTH}
        for place, secret in found.items()
        if secret
    }


def _without_dates(value: Any) -> Any:
    """Return a ReplicationStatus without the moments of access; anything else as it is."""
    if not (isinstance(value, list) and all(isinstance(each, dict) for each in value)):
        return value
    return [{key: part for key, part in each.items() if key != "LastAccessedDate"} for each in value]


def check(case: CommandCase, run: Run, fault: Fault | None) -> None:
    """Assert what holds in every case, whatever goes wrong.

    The document is valid and agrees with the exit code; nothing is claimed that is not so; nothing is done twice; what
    was not named is as it was; no traceback, no fault of smrep's own, no value of a secret.
    """
    document = run.document
    VALIDATOR.validate(document)
    assert document["exit_code"] == run.code
    assert run.code in (0, 1, 3, 4, 5), run.err
    for text in (run.out, run.err):
        assert "Traceback" not in text
        assert VALUE not in text
    assert {where[0] for where in run.seen} <= {operation for _, operation in ALLOWED}
    twice = {what: times for what, times in run.carried_out.items() if times > 1}
    assert not twice, f"sent again though it was carried out: {twice}"
    _check_state(case, run, fault)
    _check_rows(run, fault)
    if JOURNAL in run.files:
        check_journal(run.files[JOURNAL], run.log)
    if RECORD in run.files:
        check_record(run.files[RECORD], run.log)
    if JUNIT in case.words:
        check_reports(run.files, run.code)
    limit_s = float(case.words[-1]) if "--timeout" in case.words else 0.0
    assert run.elapsed_s <= limit_s + GRACE_S, f"took {run.elapsed_s} s"
    if run.code:
        assert "hint: " in run.err or any(each["hint"] for row in _rows(document) for each in row["findings"]), run.err


def _rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [row for secret in document["secrets"] for row in secret["replicas"]]


def _check_state(case: CommandCase, run: Run, fault: Fault | None) -> None:
    """Assert that the promise is kept where exit code 0 says so, and that what was not named is as it was."""
    after = truth(run.scene)
    if run.code == 0 and not (fault and (case.name, fault.name) in SHORT):
        assert case.reached(run.scene), (run.out, after)
    for (name, region), secret in run.before.items():
        if name == OTHER or region == "ap-southeast-2":
            assert after[name, region] == secret, (name, region)
        elif region not in case.may_change:
            assert (name, region) in after, f"{name} in {region} is lost"
            assert after[name, region]["ARN"] == secret["ARN"]


def _check_rows(run: Run, fault: Fault | None) -> None:
    """Assert that each row tells the truth: InSync only where it is, changed only where a request was carried out."""
    meant = {region for _, _, region in run.carried_out}
    promises = not (run.code or run.document["dry_run"] or run.document["command"] in {"export", "init"})
    for secret in run.document["secrets"]:
        for row in secret["replicas"]:
            if row["changed"]:
                assert row["region"] in meant, row
            if row["status"] == "InSync" and row["error"] is None and not (fault and fault.lists):
                home = run.scene.look(secret["primary_region"] or "us-east-1", secret["name"]) or {}
                status = {each["Region"]: each["Status"] for each in home.get("ReplicationStatus", ())}
                assert status.get(row["region"]) == "InSync" or row["action"] == "promote", row
            assert not promises or row["status"] in (None, "InSync", "InProgress"), row
            assert secret.get("checked_by") != "list" or row["status"] is None, row
    if not meant:
        assert not any(row["changed"] for row in _rows(run.document))
