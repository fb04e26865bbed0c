"""The last words: which command goes on from where a run stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.run_outcome import interruption, resume_commands, run_outcome, timed_out

HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")


def secret(name: str, *rows: RegionReport) -> SecretReport:
    return SecretReport(name, Outcome.PENDING, f"arn:{name}", HOME, rows)


def row(region: Region, outcome: Outcome = Outcome.PENDING, **more: Any) -> RegionReport:
    return RegionReport(region, outcome, **more)


TAKEN = row(WEST, status="InProgress", action=Action.ADD, changed=True)
UNSENT = row(IRELAND, action=Action.ADD, wanted_key="alias/dr")


def test_what_aws_took_is_waited_for_and_the_rest_is_asked_for_again() -> None:
    assert resume_commands([secret("db", TAKEN, UNSENT)]) == (
        "to resume:\n"
        "  smrep wait db --primary-region us-east-1 -r us-west-2\n"
        "  smrep replicate db --primary-region us-east-1 -r eu-west-1=alias/dr"
    )


def test_secrets_share_a_command_only_where_the_same_is_open() -> None:
    other = row(IRELAND, status="InProgress", action=Action.ADD, changed=True)
    assert resume_commands([secret("a", TAKEN), secret("b", other), secret("c", TAKEN)]) == (
        "to resume:\n"
        "  smrep wait a c --primary-region us-east-1 -r us-west-2\n"
        "  smrep wait b --primary-region us-east-1 -r eu-west-1"
    )


def test_a_name_like_an_option_can_be_pasted() -> None:
    assert resume_commands([secret("-x", TAKEN)]) == (
        "to resume:\n  smrep wait --primary-region us-east-1 -r us-west-2 -- -x"
    )


def test_an_overwrite_is_asked_for_again_as_one() -> None:
    assert (resume_commands([secret("db", row(WEST, action=Action.OVERWRITE))]) or "").endswith("--force-overwrite")


def test_nothing_open_needs_no_command() -> None:
    assert resume_commands([secret("db", row(WEST, Outcome.OK, status="InSync"))]) is None


def test_a_throttled_request_is_not_said_to_go_on() -> None:
    trouble = timed_out([secret("db", UNSENT)], 4.0, 4.0)
    assert trouble is not None
    assert trouble.message == "not finished after 4s: db eu-west-1 (perhaps not sent)"
    assert (trouble.hint or "").startswith("to resume:\n  smrep replicate db ")
    kept_back = replace(UNSENT, error=Problem("NotSent", "no time", None, None, Outcome.PENDING))
    trouble = timed_out([secret("db", kept_back)], 4.0, 4.0)
    assert trouble is not None
    assert trouble.message == "not finished after 4s: db eu-west-1 (not sent)"


def test_what_is_given_up_before_the_deadline_is_named_unless_its_row_says_why() -> None:
    trouble = timed_out([secret("db", TAKEN)], 4.0, 3.4)
    assert trouble is not None
    assert (trouble.code, trouble.outcome) == ("StillOpen", Outcome.PENDING)
    assert trouble.message.startswith("not finished after 3s: db us-west-2")
    assert "--timeout" not in (trouble.hint or "--timeout")
    told = Finding(Kind.UNCHECKED, Severity.WARNING, "could not be looked at")
    assert timed_out([secret("db", replace(TAKEN, findings=(told,)))], 4.0, 3.4) is None
    assert (
        timed_out([secret("db", replace(TAKEN, error=Problem("x", "y", None, None, Outcome.PENDING)))], 4.0, 3.4)
        is None
    )
    assert timed_out([secret("db", replace(TAKEN, findings=(told,)))], 4.0, 4.0) is not None


def test_an_interrupt_claims_no_more_than_is_known() -> None:
    assert interruption([secret("db", TAKEN)], sent=True).message == "stopped waiting; AWS goes on replicating"
    assert interruption([secret("db", UNSENT)], sent=True).message.startswith("stopped; AWS may or may not")
    nothing = interruption([secret("db", UNSENT)], sent=False)
    assert (nothing.message, nothing.hint) == ("stopped; nothing was sent", None)


def test_the_runs_own_trouble_and_the_secrets_weigh_together() -> None:
    expired = Problem("ExpiredTokenException", "x", None, None, Outcome.ACCESS)
    assert run_outcome([secret("db", TAKEN)], expired) is Outcome.ACCESS
    failed = SecretReport("db", Outcome.FAILED)
    assert run_outcome([failed], expired) is Outcome.FAILED
    assert run_outcome([failed], Problem("x", "x", None, None, Outcome.USAGE)) is Outcome.USAGE
