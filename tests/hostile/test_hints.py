"""Commands in hints, where what is named in them comes from AWS: pasted into a shell, each name is one word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hostile.output_checks import quoted
from hostile.payloads import SHELL

from smrep.errors import Denied, NotFound
from smrep.model import Listed, Replica, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Problem
from smrep.rules.fleet.coverage import extra_row, orphan
from smrep.rules.manifest.writer import skipped_notes
from smrep.rules.reader_access import read_finding, region_bound_policy
from smrep.rules.replication import findings
from smrep.rules.replication.blockers import RequiredKey
from smrep.rules.replication.key_failures import failure
from smrep.rules.replication.name_owner import NameOwner, NoSecret, conflict_finding
from smrep.rules.replication.region_step import Consent, decide_step
from smrep.rules.replication.replica_deletion import plan_deletion
from smrep.rules.replication.standalone_secret import promotion_blocker
from smrep.service.steps.lookup import pending_deletion

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{SHELL}-a1b2c3"
KEY = f"arn:aws:kms:us-west-2:123456789012:key/{SHELL}"
DELETED = datetime(2026, 11, 23, tzinfo=UTC)
ENTRY = Replica(WEST, "Failed", f"Replication failed: {SHELL}", KEY)
PRIMARY = Secret(ARN, SHELL, HOME, HOME, kms_key_id=KEY, replicas=(ENTRY,), deleted=DELETED, stages=((SHELL, SHELL),))
THERE = Secret(ARN.replace("us-east-1", "us-west-2"), SHELL, WEST, Region("eu-west-1"), deleted=DELETED)
STRANGER = replace(THERE, arn=THERE.arn + "x", primary_region=None, deleted=None)
TARGET = Target(WEST, KEY)
LISTED = Listed(THERE.arn, SHELL, WEST, HOME)
OLD = Version(SHELL, (SHELL, "AWSPREVIOUS"), (KEY,))
CAUSES = (
    "different ARN",
    "already exists",
    "the key was not found",
    "kms",
    "not enabled",
    "no reason",
    "a key in us-east-1",
)


def told() -> Iterator[Finding | Problem | None]:
    """Yield what the rules have to say of secrets with hostile names, ARNs, keys, versions and labels."""
    for who in NameOwner:
        yield conflict_finding(PRIMARY, TARGET, THERE, who)
    for cause in CAUSES:
        yield failure(PRIMARY, replace(ENTRY, message=f"{cause} {SHELL}"))
    with_replicas = replace(STRANGER, replicas=(ENTRY,))
    for victim in (STRANGER, with_replicas, THERE):
        step = decide_step(replace(PRIMARY, deleted=None), TARGET, victim, Consent(force=True), lambda _: ())
        yield from getattr(step, "findings", ())
    for secret in (PRIMARY, THERE, STRANGER):
        yield pending_deletion(secret)
        yield promotion_blocker(replace(secret, replicas=()), HOME)
        yield from plan_deletion(PRIMARY, WEST, secret).findings
    yield findings.not_listed(PRIMARY, WEST)
    for here in (
        NoSecret(),
        NoSecret(only_by_arn=True),
        NoSecret(only_by_arn=True, unknown_caller=Denied("no", SHELL)),
    ):
        for asked in (PRIMARY, replace(PRIMARY, by_arn=True)):
            yield findings.listed_but_missing(asked, WEST, here)
    yield findings.failed(PRIMARY, ENTRY)
    yield findings.in_progress(PRIMARY, ENTRY)
    yield findings.removing(PRIMARY, WEST)
    yield from region_bound_policy(PRIMARY, WEST, '{"Statement": [{"Resource": "arn:aws:s3:us-east-1:1:x"}]}')
    yield from extra_row(PRIMARY, ENTRY, unwanted=True).findings
    for error in (Denied("no", SHELL), NotFound("no", SHELL)):
        yield read_finding(f"arn:aws:iam::123456789012:role/{SHELL}", PRIMARY, WEST, error, None)


def test_what_the_rules_say_can_be_pasted() -> None:
    hints = [each.hint for each in told() if each and each.hint]
    assert len(hints) > 20
    for hint in hints:
        quoted(hint, SHELL, "pwned")


def test_a_name_like_an_option_is_a_name_and_nothing_that_follows_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind `--` all words are names, so that nothing may be added there."""
    name = "--yes"
    monkeypatch.setattr(f"{__name__}.PRIMARY", replace(PRIMARY, name=name))
    for victim in ("THERE", "STRANGER"):
        monkeypatch.setattr(f"{__name__}.{victim}", replace(globals()[victim], name=name))
    hints = [each.hint for each in told() if each and each.hint]
    ends = [line.split(" -- ", 1)[1] for hint in hints for line in hint.split("\n") if " -- " in line]
    assert len(ends) > 10
    assert set(ends) == {name}
    assert not [hint for hint in hints if f"--secret-id {name}" in hint]


@pytest.mark.parametrize("need", [RequiredKey(KEY), RequiredKey(KEY, OLD)])
def test_the_cure_of_a_key_can_be_pasted(need: RequiredKey) -> None:
    quoted(need.cure(PRIMARY), SHELL, "pwned")


def test_the_note_on_a_skipped_region_of_an_export_can_be_pasted() -> None:
    (note,) = skipped_notes(PRIMARY)
    quoted(note.partition("was skipped: ")[2], SHELL, "pwned")


def test_the_cure_of_an_orphan_can_be_pasted() -> None:
    for finding in orphan([LISTED], HOME).replicas[0].findings:
        quoted(finding.hint or "", SHELL, "pwned")
