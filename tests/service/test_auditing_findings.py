"""`audit`: each thing that can be wrong with a secret is told as what it is, with what to type next."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, kinds, new_key, replicated, the
from service.audit_scene import PROD, asking, audited, by_name, counts, orphaned, row_of, rules_of

from smrep.errors import Outcome
from smrep.report import Severity


def test_what_has_no_replica_is_missing(aws: FakeAws) -> None:
    aws.create()
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.status, row.arn, kinds(row)) == (Outcome.DRIFT, None, None, ["missing"])
    assert the(row, "missing").hint == "add it:\n  smrep replicate prod/db --primary-region us-east-1 -r us-west-2"
    assert by_name(run)["prod/db"].checked_by == "describe"


def test_what_is_elsewhere_is_missing_all_the_same(aws: FakeAws) -> None:
    replicated(aws, IRELAND)
    assert kinds(row_of(audited(aws))) == ["missing"]


def test_the_command_that_adds_it_names_the_key_that_was_wanted(aws: FakeAws) -> None:
    new_key(aws, "alias/dr")
    aws.create()
    hint = the(row_of(audited(aws, asking(key="alias/dr"))), "missing").hint
    assert hint == "add it:\n  smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/dr"


def test_what_has_failed_says_why_in_aws_words(aws: FakeAws) -> None:
    aws.faults(failures={WEST: "Replication failed: of the weather"})
    replicated(aws)
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.status, row.status_message) == (
        Outcome.FAILED,
        "Failed",
        "Replication failed: of the weather",
    )
    assert kinds(row) == ["failed"]
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in str(the(row, "failed").hint)
    assert counts(run) == {"secrets": 1, "failed": 1}


@pytest.mark.parametrize("status", ["InProgress", "Unheard"])
def test_what_is_not_settled_is_in_progress_whatever_the_word(aws: FakeAws, status: str) -> None:
    arn = aws.create()
    aws.simulator.set_replication_status(arn, HOME, WEST, status)
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.PENDING, status, ["in_progress"])
    assert the(row, "in_progress").hint == "wait for it:\n  smrep wait prod/db --primary-region us-east-1 -r us-west-2"
    assert counts(run) == {"secrets": 1, "in_progress": 1}


def test_an_older_value_over_there_is_stale(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=3600.0)
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer")
    aws.clock.time += 60
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.DRIFT, "InSync", ["stale"])
    assert counts(run) == {"secrets": 1, "stale": 1}
    assert [call[1] for call in aws.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_another_key_than_wanted_is_told_with_its_cure(aws: FakeAws) -> None:
    old = new_key(aws, "alias/old")
    new_key(aws, "alias/dr")
    replicated(aws, key=old)
    run = audited(aws, asking(key="alias/dr"))
    row = row_of(run)
    assert (row.outcome, row.status, row.kms_key_id, kinds(row)) == (Outcome.DRIFT, "InSync", old, ["wrong_key"])
    assert (
        the(row, "wrong_key").hint
        == "change its key:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/dr"
    )
    assert counts(run) == {"secrets": 1, "wrong_key": 1}


@pytest.mark.parametrize("wanted", ["alias/dr", "arn", "id"])
def test_the_wanted_key_in_any_words_is_right(aws: FakeAws, wanted: str) -> None:
    arn = new_key(aws, "alias/dr")
    replicated(aws, key=arn)
    key = {"arn": arn, "id": arn.rpartition("/")[2]}.get(wanted, wanted)
    run = audited(aws, asking(key=key))
    assert counts(run) == {"secrets": 1, "covered": 1}
    assert aws.count("DescribeSecret") == 0


def test_a_key_that_is_not_there_is_another_one(aws: FakeAws) -> None:
    replicated(aws)
    assert kinds(row_of(audited(aws, asking(key="alias/none")))) == ["wrong_key"]


def test_keys_that_may_not_be_compared_are_unchecked_and_never_wrong(aws: FakeAws) -> None:
    arn = new_key(aws, "alias/dr")
    replicated(aws, key=arn)
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    run = audited(aws, asking(key="alias/dr"))
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.ACCESS, "InSync", ["unchecked"])
    assert the(row, "unchecked").hint == "allow kms:DescribeKey in us-west-2"


def test_the_default_key_may_be_demanded(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key=key)
    replicated(aws, name="prod/b")
    run = audited(aws, asking(key="alias/aws/secretsmanager"))
    assert counts(run) == {"secrets": 2, "covered": 1, "wrong_key": 1}
    assert kinds(row_of(run, "prod/a")) == ["wrong_key"]


def test_another_secret_of_the_name_is_a_clash(aws: FakeAws) -> None:
    aws.create()
    other = aws.create(region=WEST)
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.arn, kinds(row)) == (Outcome.DRIFT, None, ["name_conflict", "missing"])
    assert other in the(row, "name_conflict").message
    assert counts(run) == {"secrets": 1, "name_conflict": 1, "missing": 1}


@pytest.mark.parametrize("entry", ["kept", "dropped"])
def test_a_replica_that_was_promoted_is_told_whatever_the_primary_shows(aws: FakeAws, entry: str) -> None:
    aws.faults(promoted_entry=entry)
    replicated(aws)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, row.arn) == (Outcome.DRIFT, None)
    assert kinds(row)[0] == "promoted"
    assert "look at it first; it may hold newer values:\n  aws secretsmanager describe-secret " in str(
        the(row, "promoted").hint
    )
    assert counts(run)["promoted"] == 1


def test_what_holds_the_name_until_it_is_deleted_is_told(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.call("DeleteSecret", WEST, SecretId="prod/db")
    row = row_of(audited(aws))
    assert (row.outcome, kinds(row)) == (Outcome.DRIFT, ["pending_deletion", "missing"])
    assert "restore-secret" in str(the(row, "pending_deletion").hint)


def test_a_replica_of_another_primary_in_the_way_is_an_orphan_to_us(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=IRELAND, AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    run = audited(aws)
    row = row_of(run)
    assert (row.outcome, kinds(row)) == (Outcome.DRIFT, ["orphan", "missing"])
    assert "a replica of another primary in eu-west-1" in the(row, "orphan").message
    assert counts(run) == {"secrets": 1, "orphan": 1, "missing": 1}


def test_so_is_one_of_the_primary_that_bore_the_name_before(aws: FakeAws) -> None:
    orphaned(aws)
    aws.create()
    run = audited(aws)
    assert kinds(row_of(run)) == ["orphan", "missing"]
    assert by_name(run).keys() == {"prod/db"}


def test_replicas_whose_primary_is_gone_are_told_by_region(aws: FakeAws) -> None:
    aws.create("prod/other")
    arns = orphaned(aws, "prod/gone", WEST, IRELAND)
    run = audited(aws, asking(WEST, IRELAND))
    report = by_name(run)["prod/gone"]
    assert (report.outcome, report.arn, report.primary_region) == (Outcome.DRIFT, None, HOME)
    assert {row.region: row.arn for row in report.replicas} == arns
    assert {kind for row in report.replicas for kind in kinds(row)} == {"orphan"}
    assert counts(run) == {"secrets": 2, "missing": 1, "orphan": 1}
    assert aws.count("DescribeSecret", HOME) == 2  # one for all its Regions


def test_so_are_they_where_no_primary_is_left_at_all(aws: FakeAws) -> None:
    orphaned(aws)
    assert counts(audited(aws)) == {"secrets": 1, "orphan": 1}


@pytest.mark.parametrize("deep", [False, True])
def test_a_secret_without_a_value_is_never_called_covered(aws: FakeAws, deep: bool) -> None:
    aws.call("CreateSecret", Name="prod/db")
    aws.replicate_by_hand(WEST)
    row = row_of(audited(aws, deep=deep))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.DRIFT, "InSync", ["no_value"])


def test_a_region_that_nobody_asked_for_and_has_failed_is_noted(aws: FakeAws) -> None:
    arn = replicated(aws, WEST, IRELAND)
    aws.simulator.set_replication_status(arn, HOME, IRELAND, "Failed", "of the weather")
    run = audited(aws, deep=True)
    assert by_name(run)["prod/db"].notes == (
        "prod/db also Failed in eu-west-1, which you did not select: of the weather",
    )
    assert counts(run) == {"secrets": 1, "covered": 1}


def test_what_is_scheduled_for_deletion_at_home_is_not_chosen(aws: FakeAws) -> None:
    for name in ("prod/a", "prod/b"):
        aws.create(name)
    aws.call("DeleteSecret", SecretId="prod/b")
    assert by_name(audited(aws)).keys() == {"prod/a"}


def test_an_extra_region_is_a_difference_where_every_rule_says_so(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, SYDNEY, name="prod/a")
    run = audited(aws, rules_of(PROD | {"remove_extra": True}), extras=True)
    found = {row.region: (row.outcome, kinds(row)) for row in by_name(run)["prod/a"].replicas}
    assert found == {
        WEST: (Outcome.OK, []),
        IRELAND: (Outcome.DRIFT, ["extra"]),
        SYDNEY: (Outcome.DRIFT, ["extra"]),
    }
    assert counts(run) == {"secrets": 1, "extra": 1}


def test_else_it_is_told_where_a_list_shows_it_and_is_no_difference(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    replicated(aws, WEST, IRELAND, name="prod/b")
    rules = rules_of(PROD, {"name": "b", "names": ["prod/b"], "regions": [IRELAND]})
    run = audited(aws, rules, extras=True)
    row = row_of(run, "prod/a", IRELAND)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["extra"])
    assert the(row, "extra").severity is Severity.INFO
    assert counts(run) == {"secrets": 2, "covered": 2, "extra": 1}


@pytest.mark.parametrize("deep", [False, True])
def test_where_regions_are_only_asked_for_nobody_says_what_is_too_much(aws: FakeAws, deep: bool) -> None:
    replicated(aws, WEST, IRELAND)
    assert counts(audited(aws, deep=deep)) == {"secrets": 1, "covered": 1}


def test_several_troubles_of_one_secret_are_each_counted_once(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    run = audited(aws, asking(WEST, IRELAND, SYDNEY))
    assert counts(run) == {"secrets": 1, "missing": 1, "name_conflict": 1}
    assert [kinds(row) for row in by_name(run)["prod/db"].replicas] == [
        ["name_conflict", "missing"],
        *[["missing"]] * 2,
    ]


def test_a_secret_that_can_not_be_audited_stands_beside_those_that_can(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    aws.create("prod/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    names = ["prod/a", "prod/none", "prod/theirs"]
    run = audited(aws, rules_of({"name": "n", "names": names, "regions": [WEST]}), extras=True)
    codes = {each.name: each.error.code for each in run.reports() if each.error}
    assert codes == {"prod/none": "ResourceNotFoundException", "prod/theirs": "is_replica"}
    assert counts(run) == {"secrets": 3, "covered": 1, "in_trouble": 2}
