"""`audit`: listed first, looked at only where something seems wrong, counted by secrets."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, replicated
from hypothesis import given
from hypothesis import strategies as st
from service.audit_scene import (
    PROD,
    ScriptedAws,
    an_audit,
    asking,
    audited,
    by_name,
    counts,
    healthy,
    orphaned,
    row_of,
    rules_of,
)
from use_case_run import UseCaseRun

from smrep import report
from smrep.errors import Outcome
from smrep.model import Page
from smrep.output.formats import FORMATS
from smrep.output.stderr_notes import explain
from smrep.output.terminal import Messages, Terminal
from smrep.regions import Region
from smrep.report import Progress, RunReport, is_remarkable
from smrep.rules.fleet.coverage import ALWAYS
from smrep.rules.fleet.shards import Shard
from smrep.rules.hints import report_with_connection_flags
from smrep.rules.manifest.selector import Selector
from smrep.rules.replication.replica_state import worst

BEGAN = datetime(2026, 11, 23, tzinfo=UTC)


def test_what_is_healthy_costs_a_call_per_hundred_secrets_and_region_and_no_look(aws: FakeAws) -> None:
    healthy(aws, 450, WEST, IRELAND)
    run = audited(aws, asking(WEST, IRELAND))
    assert counts(run) == {"secrets": 450, "covered": 450}
    assert {call[0] for call in aws.calls} == {"ListSecrets"}
    assert len(aws.calls) == 15
    assert {(each.outcome, each.checked_by) for each in run.reports()} == {(Outcome.OK, "list")}
    assert {row.status for each in run.reports() for row in each.replicas} == {None}


def test_the_healthy_are_passed_over_and_nothing_else_changes(aws: FakeAws) -> None:
    healthy(aws, 20, WEST, IRELAND)
    for name in ("prod/new-1", "prod/new-2", "dev/new"):
        aws.create(name)
    replicated(aws, name="dev/a")
    dev = {"name": "dev", "prefix": "dev/", "regions": [WEST]}
    run = audited(aws, rules_of(PROD | {"regions": [WEST, IRELAND]}, dev))
    passed_over = report.healthy(run.reports())
    assert dict(passed_over) == {(WEST, IRELAND): 20, (WEST,): 1}
    assert [is_remarkable(each) for each in run.reports()] == [True] * 3 + [False] * 21
    told = [
        everything_told(RunReport("audit", Outcome.DRIFT, 5, BEGAN, 1.0, secrets=secrets, summary=run.summary))
        for secrets in (run.reports(), tuple(run.reports()))
    ]
    assert told[0] == told[1]
    assert "21 of 24 secrets have a current replica wherever one is wanted" in told[0][0]


def everything_told(result: RunReport) -> list[str]:
    """Return the result in each format, and what stands beside it."""
    result = report_with_connection_flags(result, ("--profile", "dr"))
    stderr = io.StringIO()
    explain(result, Messages(stderr, color=False, quiet=False))
    return [stderr.getvalue(), *("".join(render(result, Terminal())) for render in FORMATS.values())]


def test_a_look_is_spent_only_on_what_seems_wrong(aws: FakeAws) -> None:
    healthy(aws, 150)
    for name in ("prod/new-1", "prod/new-2"):
        aws.create(name)
    run = audited(aws)
    assert counts(run) == {"secrets": 152, "covered": 150, "missing": 2}
    assert aws.count("ListSecrets") == 4
    looked = [subject for operation, _, subject in aws.calls if operation == "DescribeSecret"]
    assert len(looked) == 2
    assert all("prod/new-" in each for each in looked)


@pytest.mark.parametrize("deep", [False, True])
def test_deep_looks_at_each_primary_once_and_nowhere_else_to_know_each_status(aws: FakeAws, deep: bool) -> None:
    healthy(aws, 12, WEST, IRELAND)
    run = audited(aws, asking(WEST, IRELAND), deep=deep)
    assert (aws.count("DescribeSecret", HOME), aws.count("DescribeSecret")) == ((12, 12) if deep else (0, 0))
    assert counts(run) == {"secrets": 12, "covered": 12}
    assert {each.checked_by for each in run.reports()} == {"describe" if deep else "list"}
    assert {row.status for each in run.reports() for row in each.replicas} == {"InSync" if deep else None}


def test_only_deep_knows_that_a_replica_failed_that_is_there(aws: FakeAws) -> None:
    arn = replicated(aws)
    aws.simulator.set_replication_status(arn, HOME, WEST, "Failed", "of the weather")
    assert counts(audited(aws)) == {"secrets": 1, "covered": 1}
    run = audited(aws, deep=True)
    assert counts(run) == {"secrets": 1, "failed": 1}
    row = row_of(run)
    assert (row.outcome, row.status, row.status_message) == (Outcome.FAILED, "Failed", "of the weather")


def test_a_value_that_was_put_while_the_lists_came_in_is_looked_for_on_both_sides(aws: FakeAws) -> None:
    arn = replicated(aws)
    run = an_audit(aws, deep=True)
    looks = UseCaseRun(run.look, aws.clock, 0.0).act()
    while run.progress != Progress("examining", 0, 1):
        next(looks)
    aws.call("PutSecretValue", SecretId=arn, SecretString="n3wer")
    aws.clock.time += 10
    for _ in looks:
        pass
    assert counts(run) == {"secrets": 1, "covered": 1}
    assert [call[1] for call in aws.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_findings_come_first_the_gravest_before_all_others(aws: FakeAws) -> None:
    healthy(aws, 3)
    aws.create("prod/missing")
    arn = replicated(aws, name="prod/zz-failed")
    aws.call("RemoveRegionsFromReplication", SecretId=arn, RemoveReplicaRegions=[WEST])
    aws.clock.time += 100
    aws.simulator.set_replication_status(arn, HOME, WEST, "Failed", "of the weather")
    names = [each.name for each in audited(aws).reports()]
    assert names[:2] == ["prod/zz-failed", "prod/missing"]
    assert sorted(names[2:]) == ["prod/000", "prod/001", "prod/002"]


def test_what_is_found_and_no_difference_comes_before_what_has_no_finding(aws: FakeAws) -> None:
    for name in ("prod/i", "prod/z-extra"):
        replicated(aws, WEST, IRELAND, name=name)
    aws.create("prod/a-new")
    aws.faults(listing_lag_s=300.0)
    aws.replicate_by_hand(WEST, name="prod/a-new")
    rules = rules_of(PROD, {"name": "i", "names": ["prod/i"], "regions": [IRELAND]})
    found = [(each.name, each.checked_by) for each in audited(aws, rules, extras=True).reports()]
    assert found == [("prod/z-extra", "describe"), ("prod/a-new", "describe"), ("prod/i", "list")]


def test_deep_tells_the_key_that_aws_shows(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    replicated(aws, key=key)
    assert row_of(audited(aws, asking(key="alias/dr"), deep=True)).kms_key_id == key


def test_the_summary_has_all_its_keys_and_counts_secrets_not_rows(aws: FakeAws) -> None:
    assert audited(aws).summary == dict.fromkeys(ALWAYS, 0)
    aws.create("prod/a")
    run = audited(aws, asking(WEST, IRELAND))
    assert run.summary == {**dict.fromkeys(ALWAYS, 0), "secrets": 1, "missing": 1}
    assert len(by_name(run)["prod/a"].replicas) == 2


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        (Selector(prefixes=("prod/a", "test/")), {"prod/a", "test/a"}),
        (Selector(tags=(("team", None),)), {"prod/a", "prod/b"}),
        (Selector(tags=(("team", "pay"),)), {"prod/b"}),
        (Selector(tags=(("team", None), ("dr", None))), {"prod/a"}),
        (Selector(owning_service="rds"), {"rds!c"}),
        (Selector(), {"prod/a", "prod/b", "test/a", "rds!c"}),
    ],
)
def test_only_what_is_chosen_is_audited(aws: FakeAws, selector: Selector, meant: set[str]) -> None:
    tags = {"prod/a": {"team": "payments", "dr": "true"}, "prod/b": {"team": "pay"}, "test/a": {}, "rds!c": {}}
    for name, its in tags.items():
        aws.create(name, Tags=[{"Key": key, "Value": value} for key, value in its.items()])
    run = audited(aws, asking(selector=selector))
    assert by_name(run).keys() == meant
    assert list(run.warnings(asking(selector=selector))) == []


def test_replicas_show_no_tags_and_are_found_all_the_same(aws: FakeAws) -> None:
    for number in range(3):
        replicated(aws, name=f"prod/{number}", Tags=[{"Key": "team", "Value": "a"}])
    run = audited(aws, asking(selector=Selector(tags=(("team", "a"),))))
    assert counts(run) == {"secrets": 3, "covered": 3}
    assert aws.count("DescribeSecret") == 0


def test_a_choice_that_means_nothing_is_a_warning(aws: FakeAws) -> None:
    aws.create("test/a")
    rules = asking(selector=Selector(prefixes=("prod/",)))
    run = audited(aws, rules)
    assert (list(run.reports()), counts(run)) == ([], {})
    assert list(run.warnings(rules)) == ["the selectors match no secret in us-east-1: prefix prod/"]
    manifest = rules_of(PROD, {"name": "t", "prefix": "test/", "regions": [WEST]})
    assert list(audited(aws, manifest).warnings(manifest)) == [
        "replicate[0] matches no secret in us-east-1: prefix prod/"
    ]
    aws.call("DeleteSecret", SecretId="test/a", ForceDeleteWithoutRecovery=True)
    assert list(audited(aws, asking()).warnings(asking())) == ["us-east-1 has no secrets"]


@given(st.integers(1, 4), st.integers(0, 12))
def test_shards_audit_every_secret_once(count: int, secrets: int) -> None:
    aws = FakeAws()
    healthy(aws, secrets)
    aws.create("prod/new")
    parts = [audited(aws, share=Shard(number, count)) for number in range(1, count + 1)]
    assert sorted(each.name for part in parts for each in part.reports()) == sorted(
        [f"prod/{number:03}" for number in range(secrets)] + ["prod/new"]
    )
    together = {word: sum(part.summary[word] for part in parts) for word in ALWAYS}
    assert together == audited(aws).summary


def test_one_shard_tells_of_an_orphan(aws: FakeAws) -> None:
    for number in range(4):
        orphaned(aws, f"gone/{number}")
    healthy(aws, 4)
    parts = [audited(aws, share=Shard(number, 3)) for number in (1, 2, 3)]
    assert sorted(each.name for part in parts for each in part.reports() if "gone" in each.name) == [
        f"gone/{number}" for number in range(4)
    ]


def test_news_come_after_each_stage_and_progress_tells_which(aws: FakeAws) -> None:
    healthy(aws, 120)
    aws.create("prod/new")
    run = an_audit(aws)
    assert run.progress == Progress("listing", 0)
    looks = UseCaseRun(run.look, aws.clock, 0.0).act()
    told = [(run.progress, aws.count("DescribeSecret")) for _ in looks]
    assert [count for count, _ in told] == [
        *(Progress("listing", 100), Progress("listing", 121)),
        *(Progress("examining", 0, 1), Progress("examining", 1, 1)),
    ]
    assert [looked for _, looked in told] == [0, 0, 0, 1]


def test_an_empty_page_in_any_region_hides_nothing() -> None:
    aws = ScriptedAws()
    healthy(aws, 3)
    true = {region: aws.list_page(Region(region), (), None, with_deleted=True) for region in (HOME, WEST)}
    aws.script = {region: [Page((), "1"), Page((), "2"), true[region]] for region in (HOME, WEST)}
    assert counts(audited(aws)) == {"secrets": 3, "covered": 3}
    assert aws.script == {HOME: [], WEST: []}


KEYED = [{"region": WEST, "kms_key": "alias/dr"}, IRELAND]


def test_a_manifest_wants_each_secret_where_its_rules_say_and_each_row_says_how_it_is(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key=key)
    aws.call("ReplicateSecretToRegions", SecretId="prod/a", AddReplicaRegions=[{"Region": IRELAND}])
    replicated(aws, name="prod/b")
    aws.clock.time += 10
    run = audited(aws, rules_of({"name": "keyed", "prefix": "prod/a", "regions": KEYED}, PROD), extras=True)
    found = {(each.name, row.region): kinds(row) for each in run.reports() for row in each.replicas}
    assert found == {("prod/a", WEST): [], ("prod/a", IRELAND): [], ("prod/b", WEST): []}
    assert {each.rules for each in run.reports()} == {("keyed", "prod"), ("prod",)}


STATES = ("healthy", "new", "failed", "namesake", "promoted", "orphan")


@given(st.lists(st.sampled_from(STATES), max_size=6), st.booleans())
def test_whatever_the_fleet_is_like_the_counts_the_rows_and_the_outcomes_agree(fleet: list[str], deep: bool) -> None:
    aws = FakeAws()
    for number, state in enumerate(fleet):
        stage(aws, f"prod/{number}", state)
    aws.create("prod/last")
    run = audited(aws, deep=deep)
    reports = by_name(run)
    assert len(reports) == len(fleet) + 1 == run.summary["secrets"]
    expected = {"new": "missing", "namesake": "name_conflict"}
    for number, state in enumerate(fleet):
        report = reports[f"prod/{number}"]
        told = {kind for row in report.replicas for kind in kinds(row)}
        assert (expected.get(state, state) in told) or (state == "healthy" and not told)
        assert (report.outcome is Outcome.OK) == (state == "healthy")
        assert report.outcome is worst(row.outcome for row in report.replicas)
        assert deep or (report.checked_by == "list") == (state == "healthy")
    assert run.summary["covered"] == fleet.count("healthy")
    assert run.summary["orphan"] == fleet.count("orphan")


def stage(aws: FakeAws, name: str, state: str) -> None:
    if state == "orphan":
        orphaned(aws, name)
    elif state == "namesake":
        aws.create(name)
        aws.create(name, WEST)
    elif state == "new":
        aws.create(name)
    else:
        aws.faults(failures={WEST: "of the weather"} if state == "failed" else {})
        replicated(aws, name=name)
        aws.faults()
    if state == "promoted":
        aws.call("StopReplicationToReplica", WEST, SecretId=name)
