"""The acceptance run of tests/live, rehearsed from end to end: against our sandbox, and against stock moto."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from fixtures import ROOT, Sandbox
from patience import PATIENCE_S, end, wait_until

from smrep.regions import KNOWN

pytestmark = pytest.mark.peer

WEST = "us-west-2"
OPTED_OUT = "ap-east-1"
PATIENT = ("--live-patience", f"{PATIENCE_S:.0f}s")

MOTO_SKIPS = {
    "fail-for-a-missing-key": "it ignores keys",
    "retry-with-a-good-key": "builds on fail-for-a-missing-key",
    "rekey": "needs --live-kms-key",
    "promote": "it does not promote",
    "promote-again": "builds on promote",
    "status-after-a-promotion": "builds on promote",
}
"""Step -> why moto can't take it."""


@dataclass(frozen=True)
class Rehearsal:
    """A run that has ended."""

    code: int
    out: str
    text: str
    """The report as it lies in its file."""

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.text)
        return report

    def outcomes(self, section: str, outcome: str) -> dict[str, str]:
        """Return the entries of a section that ended so, each with why."""
        key = section.removesuffix("s")
        return {each[key]: each.get("why", "") for each in self.report[section] if each["outcome"] == outcome}

    def question(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.report["questions"] if each["question"] == name]
        return dict(found)


def command(report: Path, regions: str, *words: str) -> list[str]:
    options = ["--live", "--regions", regions, "--live-report", str(report), "--live-watch", "300ms"]
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/live", *options, *words]


def rehearse(server: Sandbox, report: Path, regions: str, *words: str, **env: str) -> Rehearsal:
    done = subprocess.run(
        command(report, regions, *words),
        env={**server.env, **env},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE_S,
        check=False,
    )
    return Rehearsal(done.returncode, done.stdout + done.stderr, report.read_text() if report.exists() else "")


def left_in(sandbox: Sandbox) -> list[str]:
    regions = {*KNOWN, "us-west-9"} - sandbox.simulator.faults.disabled_regions
    listed = [sandbox.call("ListSecrets", region, IncludePlannedDeletion=True)["SecretList"] for region in regions]
    return [secret["ARN"] for each in listed for secret in each]


def assert_it_can_be_sent_in(rehearsal: Rehearsal, path: Path, private: Sequence[str] = ()) -> None:
    report = rehearsal.report
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"schema", "smrep_version", "botocore_version", "regions", "started_at", "ended_at"} <= set(report)
    assert (report["account_id"], report["cleaned_up"], report["left"]) == ("*" * 12, True, [])
    assert all(each["settles"] and each["asks"] for each in report["questions"])
    for word in ("123456789012", "SecretString", '"request_id"', *private):
        assert word not in rehearsal.text
    uuids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", rehearsal.text)
    assert set(uuids) <= {"deadbeef-dead-4bad-8bad-deadbeefdead"}


def test_the_run_passes_against_the_sandbox(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox(replication_delay_s=0.05, removal_delay_s=0.2, disabled_regions=frozenset({OPTED_OUT}))
    good, bad = sandbox.key("alias/dr"), sandbox.key("alias/bad")
    sandbox.simulator.set_key_state(bad, WEST, "Disabled")
    keys = ["--live-kms-key", f"{WEST}={good}", "--live-bad-key", f"{WEST}=alias/bad"]
    report = tmp_path / "report.json"
    rehearsal = rehearse(sandbox, report, f"us-east-1,{WEST},eu-west-1", *PATIENT, *keys)
    assert rehearsal.code == 0, rehearsal.out
    assert left_in(sandbox) == []
    assert "nothing is left" in rehearsal.out
    assert_it_can_be_sent_in(rehearsal, report, [good, "alias/bad"])
    assert {each["outcome"] for each in rehearsal.report["steps"]} == {"passed"}
    assert {each["outcome"] for each in rehearsal.report["questions"]} == {"answered"}
    assert "is disabled. (Service: AWSKMS" in rehearsal.question("bad-keys")["answer"]
    assert f"{OPTED_OUT}: accepted, then Failed" in rehearsal.question("disabled-region")["answer"]
    assert "untouched" in rehearsal.question("promoted-removed")["answer"]
    lags = rehearsal.question("value-updates")["figures"]["lag_s"]
    assert {region: len(each) for region, each in lags.items()} == {WEST: 5, "eu-west-1": 5}
    assert set(rehearsal.question("removal-time")["figures"]["removal_s"]) == {WEST, "eu-west-1"}


def test_the_run_passes_against_moto_and_says_what_moto_lacks(moto: Sandbox, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    rehearsal = rehearse(moto, report, f"us-east-1,{WEST}", "--live-patience", "60s")  # for a promotion it lasts
    assert rehearsal.code == 0, rehearsal.out
    for region in ("us-east-1", WEST, "cn-north-1"):
        client = boto3.client("secretsmanager", region_name=region)
        assert client.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
        client.close()
    assert_it_can_be_sent_in(rehearsal, report)
    skipped = rehearsal.outcomes("steps", "skipped")
    assert set(skipped) == set(MOTO_SKIPS)
    for step, why in MOTO_SKIPS.items():
        assert why in skipped[step]
        assert why in rehearsal.out
    assert rehearsal.outcomes("steps", "failed") == {}
    assert set(rehearsal.outcomes("questions", "not answered")) == {
        *("promoted-removed", "promoted-view", "promoted-replicated")
    }
    assert rehearsal.question("own-region")["answer"] == (
        "refused at once: InvalidParameterException: Invalid replica region."
    )


def test_ctrl_c_cleans_up_too(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox(replication_delay_s=3600.0, removal_delay_s=0.2)
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        command(report, f"us-east-1,{WEST}", *PATIENT, "-k", "create or replicate or verify"),
        env=sandbox.env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for operation in ("CreateSecret", "ReplicateSecretToRegions"):
        sandbox.wait_for(operation)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to smrep as well

    def has_ended() -> bool:
        sandbox.pass_time()  # what was interrupted comes to its end, and can be cleaned up
        return process.poll() is not None

    wait_until(has_ended, "it has cleaned up")
    out, _ = end(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    assert left_in(sandbox) == []
    assert "nothing is left" in out
    outcomes = [each["outcome"] for each in json.loads(report.read_text())["steps"]]
    assert (outcomes[-1], json.loads(report.read_text())["cleaned_up"]) == ("interrupted", True)


def test_what_cannot_be_deleted_is_told_with_its_command(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox(denied=frozenset({("DeleteSecret", "us-east-1")}))
    sandbox.create("prod/db")
    report = tmp_path / "report.json"
    rehearsal = rehearse(
        sandbox, report, f"us-east-1,{WEST}", "--live-patience", "1s", "-k", "own-region and not unknown"
    )
    (left,) = rehearsal.report["left"]
    assert rehearsal.code == pytest.ExitCode.TESTS_FAILED
    assert (left["region"], "AccessDenied" in left["why"]) == ("us-east-1", True)
    assert f"aws secretsmanager delete-secret --secret-id {left['name']} --region us-east-1" in rehearsal.out
    assert "123456789012" not in rehearsal.text


def test_a_stranger_is_never_touched(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox(removal_delay_s=0.2)
    sandbox.create("prod/db")
    sandbox.create("smrep-live-of-another-run/x")
    before = len(sandbox.simulator.log)
    rehearsal = rehearse(sandbox, tmp_path / "report.json", f"us-east-1,{WEST}", "-k", "stop-no-replica or name-clash")
    assert rehearsal.code == 0, rehearsal.out
    assert {arn.rpartition(":")[2][:-7] for arn in left_in(sandbox)} == {"prod/db", "smrep-live-of-another-run/x"}
    prefix = rehearsal.report["prefix"]
    named = [call.params.get("SecretId") or call.params.get("Name") for call in sandbox.simulator.log[before:]]
    assert all(name.startswith(prefix) for name in named if name)
    assert any(named)


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["--regions", "us-east-1"], {}, "needs a Region to replicate to"),
        (["--regions", "us-east-1,us-west-2"], {"SMREP_EXPECT_ACCOUNT": "999999999999"}, "not of 999999999999"),
        (["--regions", "us-east-1,us-west-2"], {"AWS_ACCESS_KEY_ID": ""}, "needs credentials, and there are none"),
        (["--regions", "us-east-1,us-west-2"], {"AWS_PROFILE": "nobody"}, "needs credentials: The config profile"),
    ],
    ids=["regions", "account", "credentials", "profile"],
)
def test_a_run_that_cannot_be_is_refused_before_it_begins(
    sandbox: Sandbox, tmp_path: Path, words: list[str], env: dict[str, str], said: str
) -> None:
    rehearsal = rehearse(sandbox, tmp_path / "report.json", "", *words, **env)
    assert rehearsal.code == pytest.ExitCode.USAGE_ERROR, rehearsal.out
    assert said in rehearsal.out
    assert "Traceback" not in rehearsal.out
    assert sandbox.log("CreateSecret") == []
