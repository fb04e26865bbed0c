"""Parts of a run are the run again, whatever their order; and parts that are not of one run are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output.any_report import ARN, BEGAN, outcomes, secrets

from smrep.errors import Outcome, UsageError
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.fleet.merged_report import Part, doubts, merged_report
from smrep.rules.replication.replica_state import worst

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ONE, TWO = "111111111111", "222222222222"


def secret(name: str, account: str = ONE, outcome: Outcome = Outcome.OK, **fields: Any) -> SecretReport:
    arn = f"arn:aws:secretsmanager:us-east-1:{account}:secret:{name}-a1b2c3"
    return SecretReport(name, outcome, **{"arn": arn, "primary_region": HOME} | fields)


def report(
    *secrets: SecretReport, shard: str | None = None, outcome: Outcome | None = None, **fields: Any
) -> RunReport:
    ended = outcome or worst(each.outcome for each in secrets)
    common = {"account_id": ONE, "primary_region": HOME, "summary": {"secrets": len(secrets), "covered": 0}}
    return RunReport("audit", ended, ended.exit_code, BEGAN, 2.0, secrets=secrets, shard=shard, **common | fields)


def parts(*reports: RunReport) -> list[Part]:
    return [Part(f"{number}.json", each) for number, each in enumerate(reports)]


def refused(*reports: RunReport) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        merged_report(parts(*reports))
    assert (caught.value.message, caught.value.code) == ("the documents cannot be merged", "MergeError")
    return caught.value.details


def problem(outcome: Outcome, words: str = "denied", hint: str | None = None) -> Problem:
    return Problem("AccessDenied", words, hint, "request-1", outcome)


@given(st.lists(st.tuples(secrets, st.integers(0, 3)), max_size=12), outcomes, st.data())
def test_a_run_that_is_divided_is_merged_again(
    dealt: Sequence[tuple[SecretReport, int]], ended: Outcome, data: st.DataObject
) -> None:
    own = [(replace(each, arn=f"{ARN}{number}"), shard) for number, (each, shard) in enumerate(dealt)]
    whole = report(*(each for each, _ in own), outcome=worst([ended, *(each.outcome for each, _ in own)]))
    divided = [
        report(
            *mine,
            shard=f"{shard + 1}/4",
            outcome=worst([ended if shard == 2 else Outcome.OK, *(each.outcome for each in mine)]),
        )
        for shard in range(4)
        for mine in [[each for each, dealer in own if dealer == shard]]
    ]
    shuffled = data.draw(st.permutations(parts(*divided)))
    merged = merged_report(shuffled)
    assert sorted(merged.secrets, key=repr) == sorted(whole.secrets, key=repr)
    assert [each.outcome for each in merged.secrets] == sorted(
        (each.outcome for each in merged.secrets), key=list(Outcome).index
    )
    assert replace(merged, secrets=()) == replace(whole, secrets=())
    assert merged == merged_report(parts(*divided)) == merged_report(parts(merged))


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ((Outcome.OK, Outcome.DRIFT), 5),
        ((Outcome.DRIFT, Outcome.PENDING), 3),
        ((Outcome.PENDING, Outcome.ACCESS), 4),
        ((Outcome.ACCESS, Outcome.FAILED, Outcome.DRIFT), 1),
        ((Outcome.FAILED, Outcome.USAGE), 2),
        ((Outcome.ACCEPTED, Outcome.OK), 0),
        ((Outcome.ACCEPTED, Outcome.PENDING), 3),
    ],
)
def test_the_exit_code_is_the_worst_one(ends: tuple[Outcome, ...], code: int) -> None:
    assert merged_report(parts(*(report(outcome=each) for each in ends))).exit_code == code


def test_an_interrupted_part_keeps_its_exit_code() -> None:
    stopped = replace(report(outcome=Outcome.INTERRUPTED), exit_code=143)
    assert merged_report(parts(report(), stopped)).exit_code == 143


def test_a_secret_that_failed_fails_the_run_whatever_its_document_says() -> None:
    merged = merged_report(parts(report(secret("a", outcome=Outcome.FAILED), outcome=Outcome.OK), report()))
    assert (merged.outcome, merged.exit_code) == (Outcome.FAILED, 1)


def test_secrets_of_several_accounts_get_theirs() -> None:
    merged = merged_report(parts(report(secret("a", TWO), account_id=TWO), report(secret("a"), secret("b"))))
    assert [(each.name, each.account) for each in merged.secrets] == [("a", ONE), ("a", TWO), ("b", ONE)]
    assert merged.account_id is None
    assert merged.summary == {"secrets": 3, "covered": 0}
    alone = merged_report(parts(report(secret("a")), report(secret("b"))))
    assert (alone.account_id, {each.account for each in alone.secrets}) == (ONE, {None})


def test_the_time_is_from_the_first_start_to_the_last_end() -> None:
    later = replace(report(), started_at=BEGAN + timedelta(seconds=60), elapsed_s=5.0)
    merged = merged_report(parts(later, report()))
    assert (merged.started_at, merged.elapsed_s) == (BEGAN, 65.0)


def test_what_was_lost_is_told_with_its_file() -> None:
    lost = report(outcome=Outcome.ACCESS, account_id=None, summary=None, error=problem(Outcome.ACCESS, hint="allow it"))
    merged = merged_report(parts(report(secret("a")), lost, report(secret("b"))))
    assert (merged.exit_code, len(merged.secrets)) == (4, 2)
    error = merged.error
    assert error
    assert error.message == "1 of 3 runs ended with an error, so the result may be incomplete"
    assert (error.code, error.details, error.hint, error.request_id) == (
        "AccessDenied",
        ("1.json: denied",),
        "allow it",
        None,
    )


def test_of_several_errors_the_worst_decides() -> None:
    slow = report(outcome=Outcome.PENDING, error=Problem("Timeout", "not finished", "wait", None, Outcome.PENDING))
    lost = report(outcome=Outcome.ACCESS, error=problem(Outcome.ACCESS))
    error = merged_report(parts(slow, lost)).error
    assert error
    assert (error.code, error.hint, error.outcome) == ("AccessDenied", "wait", Outcome.ACCESS)
    assert error.details == ("0.json: not finished", "1.json: denied")


def test_documents_of_other_commands_are_refused() -> None:
    status, none, plan = (replace(report(), command=command) for command in ("status", None, "plan"))
    assert refused(report(), status) == ("1.json is a document of status, not of audit, plan or apply",)
    failed = replace(none, error=problem(Outcome.USAGE, "no such command: 'adit'"))
    assert refused(report(), failed) == (
        "1.json is a document of no command, not of audit, plan or apply (it ended with: no such command: 'adit')",
    )
    assert refused(report(), plan) == ("1.json is a document of plan, but 0.json of audit",)
    done, trial = (replace(report(), command="apply", dry_run=dry) for dry in (False, True))
    assert refused(done, trial) == ("1.json is a document of apply --dry-run, but 0.json of apply",)


@pytest.mark.parametrize(
    ("shards", "mistakes"),
    [
        (["1/3", "3/3"], ("no document of shard 2/3",)),
        (["1/3"], ("no document of shards 2/3, 3/3",)),
        (["2/9"], ("no document of shards 1/9, 3/9, 4/9, 5/9, 6/9 and 3 more",)),
        (["1/2", "1/2", "2/2"], ("0.json and 1.json are both of shard 1/2",)),
        (["1/2", "1/2"], ("0.json and 1.json are both of shard 1/2", "no document of shard 2/2")),
        (["1/2", "2/3"], ("0.json is of shard 1/2, but 1.json of shard 2/3",)),
        (["1/2", "2/2", None], ("2.json is of no shard, unlike the others",)),
        (["1/2", None], ("1.json is of no shard, unlike the others", "no document of shard 2/2")),
    ],
)
def test_each_shard_must_be_there_once(shards: list[str | None], mistakes: tuple[str, ...]) -> None:
    assert refused(*(report(shard=shard) for shard in shards)) == mistakes


def test_a_run_that_ended_before_it_knew_its_shard_is_told_with_its_error() -> None:
    mistyped = report(outcome=Outcome.USAGE, error=problem(Outcome.USAGE, "dr.toml could not be read"))
    assert refused(report(shard="1/2"), mistyped)[0] == (
        "1.json is of no shard, unlike the others (it ended with: dr.toml could not be read)"
    )


def test_a_secret_that_two_documents_have_is_refused() -> None:
    names = [secret(f"prod/{number}") for number in range(5)]
    assert refused(report(*names), report(secret("other"), *names)) == (
        "0.json and 1.json both have prod/0, prod/1, prod/2 and 2 more",
    )
    row = RegionReport(WEST, Outcome.DRIFT, arn=f"arn:aws:secretsmanager:us-west-2:{ONE}:secret:gone-a1b2c3")
    orphan = secret("gone", arn=None, replicas=(row,), outcome=Outcome.DRIFT)
    assert refused(report(orphan), report(orphan)) == ("0.json and 1.json both have gone",)
    missing = secret("gone", arn=None, error=problem(Outcome.FAILED), outcome=Outcome.FAILED)
    assert refused(report(missing), report(missing)) == ("0.json and 1.json both have gone",)


def test_namesakes_are_two_secrets() -> None:
    missing = secret("gone", arn=None, error=problem(Outcome.FAILED), outcome=Outcome.FAILED)
    for other in (TWO, None):
        merged = merged_report(parts(report(missing, account_id=other), report(missing)))
        assert len(merged.secrets) == 2
    assert len(merged_report(parts(report(secret("a")), report(secret("a", TWO), account_id=TWO))).secrets) == 2


def test_a_name_that_no_account_has_is_missing() -> None:
    gone, there = (
        replace(secret(name, arn=None, error=problem(Outcome.FAILED), outcome=Outcome.FAILED), account=ONE)
        for name in ("gone", "there")
    )
    first = report(secret("a"), shard="1/3", absent=(there, gone))
    second = report(secret("there", TWO), shard="2/3", account_id=TWO, absent=(replace(gone, account=TWO),))
    empty = report(shard="3/3")  # has no account, and so says nothing of any name
    merged = merged_report(parts(second, empty, first))
    assert [(each.name, each.account) for each in merged.secrets] == [("gone", ONE), ("a", ONE), ("there", TWO)]
    assert (merged.exit_code, merged.summary) == (1, {"secrets": 3, "covered": 0, "in_trouble": 1})
    lost = replace(second, error=problem(Outcome.ACCESS), outcome=Outcome.ACCESS, exit_code=4)
    assert merged_report(parts(first, lost, empty)).exit_code == 4
    filtered = report(shard="3/3", absent=())  # its account has "gone", without the tag that a rule asks for
    assert [each.name for each in merged_report(parts(first, second, filtered)).secrets] == ["a", "there"]


def test_a_rule_that_matches_nothing_anywhere_is_a_mistake_and_in_an_audit_a_warning() -> None:
    ours, theirs = (report(secret(name), unmatched=rules) for name, rules in (("a", ("r1", "r2")), ("b", ("r2", "r3"))))
    audit = parts(ours, theirs)
    assert (merged_report(audit).exit_code, merged_report(audit).error) == (0, None)
    assert list(doubts(audit)) == ["no account has a secret for r2"]
    plan = [replace(part, report=replace(part.report, command="plan")) for part in audit]
    error = merged_report(plan).error
    assert error
    assert (merged_report(plan).exit_code, error.code, list(doubts(plan))) == (2, "ManifestError", [])
    assert error.in_full == "the manifest has rules that match no secret: no account has a secret for r2"
    lost = replace(plan[1].report, error=problem(Outcome.ACCESS), outcome=Outcome.ACCESS, exit_code=4)
    assert merged_report([plan[0], Part("lost", lost)]).exit_code == 4


def test_parts_that_began_far_apart_may_be_of_two_runs() -> None:
    old = replace(report(), started_at=BEGAN - timedelta(hours=24))
    assert list(doubts(parts(report(), replace(report(), started_at=BEGAN + timedelta(minutes=59))))) == []
    (doubt,) = doubts(parts(report(), old))
    assert doubt == (
        "these may be documents of different runs: 1.json began at 2026-11-22 10:00 UTC, "
        "0.json began at 2026-11-23 10:00 UTC"
    )


def test_the_connection_is_that_of_the_parts_as_far_as_they_agree() -> None:
    url, other = "http://127.0.0.1:1", "http://127.0.0.1:2"
    fields: dict[str, Any] = {"primary_region_source": "the manifest", "dry_run": True}
    first = report(endpoint_urls={WEST: other}, **fields)
    merged = merged_report(parts(first, report(endpoint_url=url, endpoint_urls={HOME: url}, **fields)))
    assert (merged.dry_run, merged.endpoint_url, merged.endpoint_urls) == (True, url, {WEST: other, HOME: url})
    assert (merged.primary_region, merged.primary_region_source) == (HOME, "the manifest")
    apart = merged_report(parts(first, report(primary_region=WEST, **fields)))
    assert (apart.primary_region, apart.primary_region_source) == (None, None)


def test_without_counts_in_any_part_there_are_none() -> None:
    assert merged_report(parts(report(summary=None), report(summary=None))).summary is None
    assert merged_report(parts(report(summary=None), report(summary={}))).summary == {}


def test_the_error_of_the_only_part_is_kept_as_it_is() -> None:
    lost = problem(Outcome.ACCESS, hint="allow it")
    assert merged_report(parts(report(outcome=Outcome.ACCESS, error=lost))).error == lost


def test_each_secret_is_of_the_account_that_it_or_its_run_names() -> None:
    merged = merged_report(parts(report(secret("a", TWO), account_id=None), report(secret("b", TWO, arn=None))))
    assert [(each.name, each.account) for each in merged.secrets] == [("a", None), ("b", None)]
    known = replace(secret("c"), account=ONE)
    merged = merged_report(parts(report(known, secret("a", TWO), account_id=None), report(account_id=TWO)))
    assert [(each.name, each.account) for each in merged.secrets] == [("a", TWO), ("c", ONE)]


def test_a_replica_without_its_primary_is_the_secret_of_its_arn_in_the_primarys_region() -> None:
    row = RegionReport(WEST, Outcome.DRIFT, arn=f"arn:aws:secretsmanager:us-west-2:{ONE}:secret:gone-a1b2c3")
    orphan = secret("gone", arn=None, replicas=(row,), outcome=Outcome.DRIFT)
    assert refused(report(orphan), report(secret("gone"))) == ("0.json and 1.json both have gone",)


def test_shards_begin_with_the_first_whatever_their_files_are_called() -> None:
    first, second = (report(shard=f"{number}/2", endpoint_url=f"http://{number}") for number in (1, 2))
    assert merged_report([Part("a", second), Part("b", first)]).endpoint_url == "http://1"


def test_only_more_than_an_hour_makes_two_runs() -> None:
    assert list(doubts(parts(report(), replace(report(), started_at=BEGAN + timedelta(hours=1))))) == []


def test_trouble_comes_first() -> None:
    note = Finding(Kind.EXTRA, Severity.INFO, "not wanted")
    extra = secret("y", replicas=(RegionReport(WEST, Outcome.OK, findings=(note,)),))
    drift = secret("z", outcome=Outcome.DRIFT, replicas=(RegionReport(WEST, Outcome.DRIFT),))
    merged = merged_report(parts(report(secret("b"), secret("a")), report(extra, drift)))
    assert [each.name for each in merged.secrets] == ["z", "y", "a", "b"]
