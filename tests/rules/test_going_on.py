"""Which command goes on with a Region, by what was asked there and by what is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.run_outcome import (
    interrupted_read,
    interrupted_wait,
    interruption,
    is_open,
    is_under_way,
    resume_commands,
    run_outcome,
    timed_out,
)

HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
REMOVING = Finding(Kind.REMOVING, Severity.INFO, "an old replica")
PROMOTED_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:db-a1b2c3"
HOME_OF_DB = "db --primary-region us-east-1"
TO_WEST, TO_WEST_KEY = f"{HOME_OF_DB} -r us-west-2", f"{HOME_OF_DB} -r us-west-2=alias/dr"


def row(action: Action | None, *, changed: bool = False, **more: Any) -> RegionReport:
    """Return an open row of a Region for which a key was asked."""
    more = {"region": WEST, "outcome": Outcome.PENDING, "wanted_key": "alias/dr", **more}
    return RegionReport(action=action, changed=changed, **more)


def secret(*rows: RegionReport, name: str = "db") -> SecretReport:
    return SecretReport(name, Outcome.PENDING, f"arn:{name}", HOME, rows)


# every kind of open row: is AWS at work on it, what is said of it, what goes on with it
OPEN = [
    (row(None), True, "not listed", f"to resume:\n  smrep wait {TO_WEST}"),
    (row(None, status="InProgress"), True, "InProgress", f"to resume:\n  smrep wait {TO_WEST}"),
    (row(Action.KEEP, status="Odd"), True, "Odd", f"to resume:\n  smrep wait {TO_WEST}"),
    (row(Action.KEEP, status="InSync"), True, "InSync", f"to resume:\n  smrep verify {TO_WEST_KEY}"),
    (row(Action.ADD), False, "perhaps not sent", f"to resume:\n  smrep replicate {TO_WEST_KEY}"),
    (row(Action.ADD, changed=True), True, "not listed", f"to resume:\n  smrep wait {TO_WEST}"),
    (row(Action.ADD, changed=True, status="InSync"), True, "InSync", f"to resume:\n  smrep verify {TO_WEST_KEY}"),
    (row(Action.RETRY), False, "perhaps not sent", f"to resume:\n  smrep replicate {TO_WEST_KEY}"),
    (row(Action.RETRY, changed=True, status="Failed"), True, "Failed", f"to resume:\n  smrep wait {TO_WEST}"),
    (
        row(Action.OVERWRITE),
        False,
        "perhaps not sent",
        (f"to resume:\n  smrep replicate {TO_WEST_KEY} --force-overwrite"),
    ),
    (
        row(Action.OVERWRITE, overwrites=PROMOTED_ARN),
        False,
        "perhaps not sent",
        (f"to resume:\n  smrep replicate {TO_WEST_KEY} --force-overwrite --overwrite-arn {PROMOTED_ARN}"),
    ),
    (row(Action.OVERWRITE, changed=True, status="InSync"), True, "InSync", f"to resume:\n  smrep verify {TO_WEST_KEY}"),
    (row(Action.OVERWRITE, changed=True), True, "not listed", f"to resume:\n  smrep verify {TO_WEST_KEY}"),
    (row(Action.REMOVE), False, "perhaps not sent", f"to resume:\n  smrep remove {TO_WEST}"),
    (row(Action.REMOVE, changed=True), True, "not gone yet", f"to resume:\n  smrep remove {TO_WEST}"),
    (row(Action.REMOVE, findings=(REMOVING,)), True, "not gone yet", f"to resume:\n  smrep remove {TO_WEST}"),
    (row(Action.ADD, findings=(REMOVING,)), False, "perhaps not sent", f"to resume:\n  smrep replicate {TO_WEST_KEY}"),
    (row(Action.REKEY, arn="arn:x"), False, "perhaps not sent", f"to resume:\n  smrep rekey {TO_WEST_KEY}"),
    (
        row(Action.REKEY, arn="arn:x", changed=True),
        True,
        "new key not seen yet",
        f"to resume:\n  smrep rekey {TO_WEST_KEY}",
    ),
    (
        row(Action.REKEY, changed=True),
        True,
        "removed, not recreated yet",
        f"to resume:\n  smrep replicate {TO_WEST_KEY}",
    ),
    (row(Action.REKEY), False, "perhaps not sent", f"to resume:\n  smrep replicate {TO_WEST_KEY}"),
    (row(Action.PROMOTE), False, "perhaps not sent", ("to resume:\n  smrep promote db -r us-west-2")),
    (
        row(Action.PROMOTE, changed=True, status="x"),
        True,
        "still a replica",
        ("to resume:\n  smrep promote db -r us-west-2"),
    ),
]


@pytest.mark.parametrize(("known", "under_way", "state", "command"), OPEN)
def test_each_open_row_has_its_state_and_the_command_that_resumes_it(
    known: RegionReport, under_way: bool, state: str, command: str
) -> None:
    assert is_under_way(known) is under_way
    assert resume_commands([secret(known)]) == command
    trouble = timed_out([secret(known)], 45.0, 45.0)
    assert trouble is not None
    assert trouble.message == f"not finished after 45s: db us-west-2 ({state})"


@pytest.mark.parametrize("known", [each for each, *_ in OPEN])
def test_a_row_is_open_while_aws_is_at_work_and_after_no_wait(known: RegionReport) -> None:
    for outcome in Outcome:
        still = replace(known, outcome=outcome)
        assert is_open(still) is (outcome in (Outcome.PENDING, Outcome.ACCEPTED))
        if not is_open(still):
            assert (is_under_way(still), resume_commands([secret(still)])) == (False, None)


def test_what_only_looks_is_typed_again_with_the_key() -> None:
    assert resume_commands([secret(row(None))], looking="verify") == f"to resume:\n  smrep verify {TO_WEST_KEY}"


def test_the_flags_stand_before_those_that_overwrite() -> None:
    assert resume_commands([secret(row(Action.OVERWRITE))], ("--timeout", "2m")) == (
        f"to resume:\n  smrep replicate {TO_WEST_KEY} --timeout 2m --force-overwrite"
    )


def test_one_consent_is_for_all_that_is_sent_together() -> None:
    rows = (row(Action.OVERWRITE, overwrites=PROMOTED_ARN), row(Action.ADD, region=IRELAND, wanted_key=None))
    assert resume_commands([secret(*rows)]) == (
        f"to resume:\n  smrep replicate {TO_WEST_KEY} -r eu-west-1 --force-overwrite --overwrite-arn {PROMOTED_ARN}"
    )


def test_a_promoted_replica_that_aws_overwrites_already_needs_no_consent_any_more() -> None:
    rows = (row(Action.OVERWRITE, changed=True, overwrites=PROMOTED_ARN), row(Action.ADD, region=IRELAND))
    assert resume_commands([secret(*rows)]) == (
        f"to resume:\n  smrep verify {TO_WEST_KEY}\n  smrep replicate {HOME_OF_DB} -r eu-west-1=alias/dr"
    )


# out of time


def test_a_deadline_is_named_with_a_longer_one_to_type() -> None:
    rows = row(None, status="InProgress"), row(Action.ADD, region=IRELAND, wanted_key=None)
    assert timed_out([secret(*rows), secret(rows[0], name="other")], 90.0, 90.0) == Problem(
        code="Timeout",
        message=(
            "not finished after 90s: db us-west-2 (InProgress), db eu-west-1 (perhaps not sent), "
            "other us-west-2 (InProgress)"
        ),
        hint=(
            "to resume:\n"
            "  smrep wait db other --primary-region us-east-1 -r us-west-2 --timeout 3m\n"
            f"  smrep replicate {HOME_OF_DB} -r eu-west-1 --timeout 3m"
        ),
        request_id=None,
        outcome=Outcome.PENDING,
    )


def test_the_deadline_is_named_and_not_how_late_the_last_look_was() -> None:
    trouble = timed_out([secret(row(None))], 60.0, 71.3)
    assert trouble is not None
    assert trouble.message.startswith("not finished after 1m: ")


@pytest.mark.parametrize(
    ("timeout_s", "longer"), [(0.0, "1m"), (10.0, "1m"), (30.0, "1m"), (31.0, "62s"), (60.0, "2m"), (1800.0, "1h")]
)
def test_the_next_try_gets_twice_the_time_and_at_least_a_minute(timeout_s: float, longer: str) -> None:
    trouble = timed_out([secret(row(None))], timeout_s, timeout_s)
    assert trouble is not None
    assert (trouble.hint or "").endswith(f"--timeout {longer}")


@pytest.mark.parametrize(
    ("command", "again"),
    [("verify", f"verify {TO_WEST_KEY}"), ("wait", f"wait {TO_WEST}"), ("replicate", f"wait {TO_WEST}")],
)
def test_a_command_that_proves_is_typed_again(command: str, again: str) -> None:
    trouble = timed_out([secret(row(None))], 60.0, 61.0, command)
    assert trouble is not None
    assert trouble.hint == (f"to resume:\n  smrep {again} --timeout 2m")


@given(st.sampled_from([each for each in Outcome if each is not Outcome.PENDING]))
def test_what_is_not_pending_has_not_run_out_of_time(outcome: Outcome) -> None:
    assert timed_out([secret(row(None, outcome=outcome))], 1.0, 2.0) is None


def test_a_run_without_a_trouble_of_its_own_ends_as_its_secrets() -> None:
    assert run_outcome([], None) is Outcome.OK
    assert run_outcome([secret(), SecretReport("other", Outcome.OK)], None) is Outcome.PENDING


# interrupted

DONE = row(Action.ADD, changed=True, outcome=Outcome.OK)


@pytest.mark.parametrize(
    ("secrets", "sent", "message", "hint"),
    [
        ([], False, "stopped; nothing was sent", None),
        ([], True, "stopped; AWS may or may not have received the request", None),
        ([secret(DONE)], True, "stopped; every request had already finished", None),
        ([secret(DONE)], False, "stopped; nothing was sent", None),
        ([secret(row(Action.ADD))], False, "stopped; nothing was sent", None),
        (
            [secret(row(Action.ADD))],
            True,
            "stopped; AWS may or may not have received the request",
            f"to resume:\n  smrep replicate {TO_WEST_KEY}",
        ),
        ([secret(row(None))], False, "stopped waiting; AWS goes on replicating", f"to resume:\n  smrep wait {TO_WEST}"),
        (
            [secret(DONE), secret(row(None))],
            True,
            "stopped waiting; AWS goes on replicating",
            f"to resume:\n  smrep wait {TO_WEST}",
        ),
    ],
)
def test_an_interrupt_says_what_aws_continues_and_what_was_never_sent(
    secrets: list[SecretReport], sent: bool, message: str, hint: str | None
) -> None:
    assert interruption(secrets, sent=sent) == Problem("Interrupted", message, hint, None, Outcome.INTERRUPTED)


def test_a_wait_that_had_no_answer_yet_is_typed_again_and_claims_nothing() -> None:
    again = "smrep wait prod/db"
    hint = "to resume:\n  smrep wait prod/db"
    told = Problem("Interrupted", "stopped waiting; AWS had not answered yet", hint, None, Outcome.INTERRUPTED)
    assert interrupted_wait([], again) == told
    assert interrupted_wait([secret(DONE)], again) == interruption([secret(DONE)], sent=True)
    secrets = [secret(row(None))]
    assert interrupted_wait(secrets, "x") == interruption(secrets, sent=True)


def test_an_interrupt_names_what_aws_was_asked_to_do() -> None:
    known = row(Action.REMOVE, changed=True)
    assert interruption([secret(known)], sent=True, doing="removing").message == "stopped waiting; AWS goes on removing"


def test_where_nothing_was_to_change_an_interrupt_says_so() -> None:
    assert interrupted_read() == Problem("Interrupted", "stopped; nothing was changed", None, None, Outcome.INTERRUPTED)
