"""The life of a replica, step by step: what smrep is asked, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from live.mask import MISSING_KEY
from live.walkthrough import Walkthrough

DEFAULT_KEY = "alias/aws/secretsmanager"


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    walk: Callable[[Walkthrough], None]
    after: str | None = None
    """The step that it builds on."""

    @property
    def name(self) -> str:
        """What it is called in the report."""
        return self.walk.__name__.replace("_", "-")


def create(walk: Walkthrough) -> None:
    for name in (walk.name, walk.failing):
        made, answer = walk.account.create(name.removeprefix(walk.account.prefix), walk.home)
        assert (made, answer.text) == (name, "accepted")


def iam_policy(walk: Walkthrough) -> None:
    done = walk.process("iam-policy", walk.name, "-r", walk.everywhere, "--for", "replicate,remove,promote,rekey")
    assert done.code == 0
    actions = {action for each in json.loads(done.out)["Statement"] for action in each["Action"]}
    assert "secretsmanager:ReplicateSecretToRegions" in actions
    assert "secretsmanager:GetSecretValue" not in actions


def doctor(walk: Walkthrough) -> None:
    done = walk.smrep("doctor", walk.name, "-r", walk.everywhere)
    findings = [each["kind"] for row in walk.rows(done) for each in row["findings"]]
    assert (done.code, set(findings)) in ((0, set()), (0, {"unchecked"}), (4, {"unchecked"})), done.err


def replicate(walk: Walkthrough) -> None:
    done = walk.smrep("replicate", walk.name, "-r", walk.everywhere, *walk.patience)
    rows = walk.rows(done)
    assert done.code == 0, done.err
    assert [row["region"] for row in rows] == list(walk.settings.replicas)
    assert {(row["status"], row["action"], row["changed"]) for row in rows} == {("InSync", "add", True)}
    for region in walk.settings.replicas:
        assert walk.copy(region).body["PrimaryRegion"] == walk.home


def status_and_wait(walk: Walkthrough) -> None:
    for words in (("status", walk.name), ("wait", walk.name, *walk.patience)):
        done = walk.smrep(*words)
        assert done.code == 0, done.err
        assert {row["status"] for row in walk.rows(done)} == {"InSync"}


def verify(walk: Walkthrough) -> None:
    done = walk.smrep("verify", walk.name, *walk.patience)
    assert done.code == 0, done.err
    assert {row["verified"] for row in walk.rows(done)} == {True}


def verify_a_new_value(walk: Walkthrough) -> None:
    assert walk.account.put(walk.name, walk.home).ok
    verify(walk)
    version = {
        stage: key for key, stages in walk.copy(walk.home).body["VersionIdsToStages"].items() for stage in stages
    }
    for region in walk.settings.replicas:
        there = walk.account.describe(walk.name, region).body["VersionIdsToStages"]
        assert "AWSCURRENT" in there[version["AWSCURRENT"]]


def replicate_again(walk: Walkthrough) -> None:
    done = walk.smrep("replicate", walk.name, "-r", walk.everywhere, *walk.patience)
    assert done.code == 0, done.err
    assert {(row["action"], row["changed"]) for row in walk.rows(done)} == {("keep", False)}


def fail_for_a_missing_key(walk: Walkthrough) -> None:
    target = f"{walk.target}={MISSING_KEY}"
    done = walk.smrep("replicate", walk.failing, "-r", target, "--no-preflight", *walk.patience)
    (row,) = walk.rows(done)
    walk.copy(walk.home, walk.failing)
    walk.other_ways(row["kms_key_id"] == DEFAULT_KEY, "it ignores keys")
    assert (done.code, done.document["result"]) == (1, "failed")
    assert row["error"], "a refusal or a Failed Region, but with a reason"


def retry_with_a_good_key(walk: Walkthrough) -> None:
    (entry,) = walk.account.describe(walk.failing, walk.home).body.get("ReplicationStatus") or [None]
    command = "retry" if entry else "replicate"  # AWS may have refused at once, and then there is nothing to retry
    done = walk.smrep(command, walk.failing, "-r", f"{walk.target}={DEFAULT_KEY}", *walk.patience)
    assert done.code == 0, done.err
    assert [(row["status"], row["changed"]) for row in walk.rows(done)] == [("InSync", True)]


def rekey(walk: Walkthrough) -> None:
    if not walk.settings.keys:
        pytest.skip("needs --live-kms-key REGION=KEY")
    wanted = ",".join(f"{region}={key}" for region, key in walk.settings.keys)
    done = walk.smrep("rekey", walk.name, "-r", wanted, *walk.patience)
    walk.other_ways("not permitted on a replica" in done.out, "it takes no key for a replica")
    assert done.code == 0, done.err
    verified = walk.smrep("verify", walk.name, "-r", wanted, *walk.patience)
    assert verified.code == 0, verified.err


def remove(walk: Walkthrough) -> None:
    done = walk.smrep("remove", walk.name, "-r", walk.target, "--yes", *walk.patience)
    assert done.code == 0, done.err
    assert [(row["action"], row["changed"]) for row in walk.rows(done)] == [("remove", True)]
    assert walk.copy(walk.target).missing


def remove_again(walk: Walkthrough) -> None:
    done = walk.smrep("remove", walk.name, "-r", walk.target, "--yes", *walk.patience)
    assert done.code == 0, done.err
    assert [row["changed"] for row in walk.rows(done)] == [False]


def replicate_anew(walk: Walkthrough) -> None:
    done = walk.smrep("replicate", walk.name, "-r", walk.target, "--verify", *walk.patience)
    assert done.code == 0, done.err
    assert [(row["status"], row["verified"]) for row in walk.rows(done)] == [("InSync", True)]


def promote(walk: Walkthrough) -> None:
    arn = walk.copy(walk.target).body["ARN"]
    done = walk.smrep("promote", walk.name, "-r", walk.target, "--yes", *walk.patience)
    walk.other_ways(done.code and walk.copy(walk.target).body.get("PrimaryRegion"), "it does not promote")
    assert done.code == 0, done.err
    alone = walk.copy(walk.target)
    assert (alone.body["ARN"], alone.body.get("PrimaryRegion")) == (arn, None)
    walk.copy(walk.home)  # what the old primary makes of it is not established: written down, not asserted


def promote_again(walk: Walkthrough) -> None:
    done = walk.smrep("promote", walk.name, "-r", walk.target, "--yes", *walk.patience)
    assert done.code == 0, done.err
    assert [row["changed"] for row in walk.rows(done)] == [False]


def status_after_a_promotion(walk: Walkthrough) -> None:
    done = walk.smrep("status", walk.name)
    assert done.code in (0, 1, 3), done.err  # the old primary's list decides, whatever it says


STEPS = (
    Step(create),
    Step(iam_policy),
    Step(doctor, "create"),
    Step(replicate, "create"),
    Step(status_and_wait, "replicate"),
    Step(verify, "replicate"),
    Step(verify_a_new_value, "replicate"),
    Step(replicate_again, "replicate"),
    Step(fail_for_a_missing_key, "create"),
    Step(retry_with_a_good_key, "fail-for-a-missing-key"),
    Step(rekey, "replicate"),
    Step(remove, "replicate"),
    Step(remove_again, "remove"),
    Step(replicate_anew, "remove"),
    Step(promote, "replicate-anew"),
    Step(promote_again, "promote"),
    Step(status_after_a_promotion, "promote"),
)
"""In the order of a life; each leaves the secret as the next one needs it."""
