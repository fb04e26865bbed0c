"""`audit` where a list or a look breaks off or is denied: nothing is said that nobody saw, and no doubt is a pass."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, replicated, the
from service.audit_scene import (
    PROD,
    ScriptedAws,
    an_audit,
    asking,
    audited,
    by_name,
    counts,
    healthy,
    row_of,
    rules_of,
)
from use_case_run import UseCaseRun, quiet

from smrep.errors import AwsError, CredentialsError, Denied, Outcome, Throttled, Unanswered, UsageError
from smrep.model import Page
from smrep.regions import Region
from smrep.service.audit import Audits

DENIED_LOOK = frozenset({("DescribeSecret", HOME)})


def nothing_in(region: str) -> frozenset[tuple[str, str]]:
    """Return what is denied where nothing may be read."""
    return frozenset({("ListSecrets", region), ("DescribeSecret", region)})


def exhaust(run: Audits) -> None:
    run.look(quiet(run.audits[0].inventory.lister.clock))


# Regions that can't be listed


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Denied("no", code="AccessDeniedException"), Outcome.ACCESS),
        (CredentialsError("no", code="UnrecognizedClientException"), Outcome.ACCESS),
        (Unanswered("lost"), Outcome.PENDING),
        (Throttled("often"), Outcome.PENDING),
    ],
)
def test_a_region_that_can_not_be_listed_is_unchecked_and_the_others_are_told(
    error: AwsError, outcome: Outcome
) -> None:
    aws = ScriptedAws(script={IRELAND: [error] * 100})
    healthy(aws, 3, WEST, IRELAND)
    run = audited(aws, asking(WEST, IRELAND))
    assert {row_of(run, name, WEST).outcome for name in by_name(run)} == {Outcome.OK}
    rows = [row_of(run, name, IRELAND) for name in by_name(run)]
    assert {(row.outcome, row.status, *kinds(row)) for row in rows} == {(outcome, None, "unchecked")}
    assert {each.outcome for each in run.reports()} == {outcome}
    assert counts(run) == {"secrets": 3, "unchecked": 3}
    assert aws.count("DescribeSecret") == 0


def test_what_is_wrong_in_the_other_region_is_told_beside_it(aws: FakeAws) -> None:
    aws.faults(denied=nothing_in(IRELAND))
    aws.create()
    run = audited(aws, asking(WEST, IRELAND))
    assert kinds(row_of(run, region=WEST)) == ["missing"]
    assert kinds(row_of(run, region=IRELAND)) == ["missing", "unchecked"]
    assert by_name(run)["prod/db"].outcome is Outcome.ACCESS


def test_a_look_at_the_primary_tells_half_where_a_region_can_not_be_listed(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    arn = replicated(aws, name="prod/failed")
    aws.simulator.set_replication_status(arn, HOME, WEST, "Failed", "of the weather")
    aws.create("prod/new")
    aws.faults(denied=nothing_in(WEST))
    run = audited(aws, deep=True)
    assert {name: kinds(row_of(run, name)) for name in by_name(run)} == {
        "prod/a": ["unchecked"],
        "prod/failed": ["failed", "unchecked"],
        "prod/new": ["missing", "unchecked"],
    }
    assert row_of(run, "prod/a").status == "InSync"
    assert row_of(run, "prod/failed").outcome is Outcome.FAILED


def test_where_single_looks_are_allowed_they_stand_for_the_list(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    aws.create("prod/new")
    aws.create("prod/new", WEST)
    aws.faults(denied=frozenset({("ListSecrets", WEST)}))
    run = audited(aws, deep=True)
    assert {name: kinds(row_of(run, name)) for name in by_name(run)} == {
        "prod/a": [],
        "prod/new": ["name_conflict", "missing"],
    }
    assert counts(audited(aws)) == {"secrets": 2, "unchecked": 2}  # without --deep nobody looked


def test_where_they_are_denied_too_they_end_early(aws: FakeAws) -> None:
    healthy(aws, 40)
    aws.faults(denied=nothing_in(WEST))
    assert counts(audited(aws, deep=True)) == {"secrets": 40, "unchecked": 40}
    assert 10 <= aws.count("DescribeSecret", WEST) <= 18


def test_of_a_list_that_breaks_off_each_secret_is_told_and_counted_alike() -> None:
    aws = ScriptedAws()
    healthy(aws, 150)
    first = aws.list_page(Region(WEST), (), None, with_deleted=True)
    aws.script = {WEST: [first, Unanswered("lost")]}
    run = audited(aws)
    outcomes = [each.outcome for each in run.reports()]
    assert outcomes == [Outcome.PENDING] * 50 + [Outcome.OK] * 100  # those on the page that came were seen
    assert counts(run) == {"secrets": 150, "covered": 100, "unchecked": 50}


def test_what_could_not_be_listed_comes_before_what_is_well(aws: FakeAws) -> None:
    replicated(aws, WEST, name="west/a")
    replicated(aws, IRELAND, name="green/b")
    aws.faults(denied=frozenset({("ListSecrets", IRELAND)}))
    lagging = ScriptedAws(aws.clock, aws.simulator, script={WEST: [Page(())]})  # so that west/a is looked at
    rules = rules_of(
        {"name": "w", "prefix": "west/", "regions": [WEST]}, {"name": "g", "prefix": "green/", "regions": [IRELAND]}
    )
    found = [(each.name, each.outcome, each.checked_by) for each in audited(lagging, rules).reports()]
    assert found == [("green/b", Outcome.ACCESS, "list"), ("west/a", Outcome.OK, "describe")]


def test_a_kms_that_does_not_answer_is_not_asked_for_each_secret(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    for number in range(40):
        aws.create(f"prod/{number:02}", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    aws.clock.time += 10
    aws.lose = {"DescribeKey": ["before"] * 1000}
    run = audited(aws, asking(key="alias/dr"))
    assert counts(run) == {"secrets": 40, "unchecked": 40}
    assert aws.count("DescribeKey") <= 10  # each may take as long as a time-out


@pytest.mark.parametrize("place", [1, 2])
def test_a_list_that_comes_again_and_again_is_no_pass(place: int) -> None:
    pages = [Page((), "1"), Page((), "2")][:place]
    aws = ScriptedAws(script={WEST: [*pages, Page((), "1")]})
    healthy(aws, 2)
    run = audited(aws)
    assert {(row.outcome, *kinds(row)) for each in run.reports() for row in each.replicas} == {
        (Outcome.PENDING, "unchecked")
    }


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("lost"), Throttled("often")])
def test_the_primaries_region_must_be_listed(error: AwsError) -> None:
    aws = ScriptedAws(script={HOME: [error] * 100})
    healthy(aws, 2)
    run = an_audit(aws)
    with pytest.raises(type(error)):
        exhaust(run)
    assert (list(run.reports()), aws.count("DescribeSecret")) == ([], 0)
    assert {region for region, _ in aws.asked} == {HOME}


# looks that fail


def test_where_every_look_is_denied_it_ends_early_and_says_so(aws: FakeAws) -> None:
    healthy(aws, 5)
    for number in range(60):
        aws.create(f"new/{number:02}")
    aws.faults(denied=DENIED_LOOK)
    run = audited(aws)
    assert 10 <= aws.count("DescribeSecret") <= 18  # some were under way when the tenth was denied
    troubled = [each for each in run.reports() if each.error]
    assert (len(troubled), {each.outcome for each in troubled}) == (60, {Outcome.ACCESS})
    untried = [each for each in troubled if each.error and "AWS denied every request before it" in each.error.message]
    assert len(untried) == 60 - aws.count("DescribeSecret")
    assert counts(run) == {"secrets": 65, "covered": 5, "in_trouble": 60}


def test_a_few_that_are_denied_do_not_stop_the_others() -> None:
    aws = ScriptedAws()
    for number in range(40):
        aws.create(f"prod/{number:02}")
    answers = iter(range(40))

    def on_call(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and next(answers) % 2:
            raise Denied("no", "it")

    aws.on_call = on_call
    assert counts(audited(aws)) == {"secrets": 40, "missing": 20, "in_trouble": 20}


def test_a_look_that_is_denied_over_there_is_unchecked(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=3600.0, denied=frozenset({("DescribeSecret", WEST)}))
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer")
    row = row_of(audited(aws))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.ACCESS, "InSync", ["unchecked"])
    assert the(row, "unchecked").hint == "allow secretsmanager:DescribeSecret in us-west-2"


def test_a_look_that_gets_no_answer_is_that_secrets_trouble_alone(aws: FakeAws) -> None:
    for name in ("prod/a", "prod/b"):
        aws.create(name)
    aws.lose = {"DescribeSecret": ["before"]}
    run = audited(aws)
    assert counts(run) == {"secrets": 2, "missing": 1, "in_trouble": 1}
    assert {each.outcome for each in run.reports()} == {Outcome.FAILED, Outcome.DRIFT}


def test_credentials_that_expire_end_it() -> None:
    aws = ScriptedAws(script={WEST: [CredentialsError("no", code="ExpiredTokenException")]})
    aws.create()
    with pytest.raises(CredentialsError):
        exhaust(an_audit(aws))


def test_what_the_lists_told_is_there_where_the_looks_are_cut_short(aws: FakeAws) -> None:
    healthy(aws, 3)
    aws.create("prod/new")
    run = an_audit(aws)
    looks = UseCaseRun(run.look, aws.clock, 0.0).act()
    next(looks)
    next(looks)
    assert counts(run) == {"secrets": 4, "covered": 3, "unchecked": 1}
    assert (row_of(run, "prod/new").outcome, aws.count("DescribeSecret")) == (Outcome.PENDING, 0)


def test_another_account_than_expected_ends_it_before_any_other_region_is_asked(aws: FakeAws) -> None:
    aws.create()
    with pytest.raises(UsageError, match="belongs to account 123456789012"):
        exhaust(an_audit(aws, expect_account="999999999999"))
    assert [call[1] for call in aws.calls] == [HOME]


def test_rules_that_contradict_each_other_end_it_before_any_other_region_is_asked(aws: FakeAws) -> None:
    aws.create("prod/a")
    keyed = [
        {"name": key, "prefix": f"prod{end}", "regions": [{"region": WEST, "kms_key": f"alias/{key}"}]}
        for key, end in (("a", "/"), ("b", "/a"))
    ]
    with pytest.raises(UsageError, match="the manifest has a mistake"):
        exhaust(an_audit(aws, rules_of(*keyed)))
    assert [call[1] for call in aws.calls] == [HOME]
    assert counts(audited(aws, rules_of(PROD))) == {"secrets": 1, "missing": 1}
