"""`audit`: each thing that can be wrong with a secret is told as what it is, with what to type next."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, kinds, new_key, replicated, the
from service.auditing_scene import PROD, asking, audited, by_name, counts, orphaned, row_of, rules_of

from smrep.errors import Outcome
from smrep.report import Severity


def test_what_has_no_replica_is_missing(world: World) -> None:
    world.create()
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.status, row.arn, kinds(row)) == (Outcome.DRIFT, None, None, ["missing"])
    assert the(row, "missing").hint == "smrep replicate prod/db --primary-region us-east-1 -r us-west-2"
    assert by_name(run)["prod/db"].checked_by == "describe"


def test_what_is_elsewhere_is_missing_all_the_same(world: World) -> None:
    replicated(world, IRELAND)
    assert kinds(row_of(audited(world))) == ["missing"]


def test_the_command_that_adds_it_names_the_key_that_was_wanted(world: World) -> None:
    new_key(world, "alias/dr")
    world.create()
    hint = the(row_of(audited(world, asking(key="alias/dr"))), "missing").hint
    assert hint == "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/dr"


def test_what_has_failed_says_why_in_aws_words(world: World) -> None:
    world.faults(failures={WEST: "Replication failed: of the weather"})
    replicated(world)
    run = audited(world)
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
def test_what_is_not_settled_is_in_progress_whatever_the_word(world: World, status: str) -> None:
    arn = world.create()
    world.simulator.set_replication_status(arn, HOME, WEST, status)
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.PENDING, status, ["in_progress"])
    assert the(row, "in_progress").hint == "smrep wait prod/db --primary-region us-east-1 -r us-west-2"
    assert counts(run) == {"secrets": 1, "in_progress": 1}


def test_an_older_value_over_there_is_stale(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=3600.0)
    world.call("PutSecretValue", SecretId="prod/db", SecretString="n3wer")
    world.clock.time += 60
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.DRIFT, "InSync", ["stale"])
    assert counts(run) == {"secrets": 1, "stale": 1}
    assert [call[1] for call in world.calls if call[0] == "DescribeSecret"] == [HOME, WEST]


def test_another_key_than_wanted_is_told_with_its_cure(world: World) -> None:
    old = new_key(world, "alias/old")
    new_key(world, "alias/dr")
    replicated(world, key=old)
    run = audited(world, asking(key="alias/dr"))
    row = row_of(run)
    assert (row.outcome, row.status, row.kms_key_id, kinds(row)) == (Outcome.DRIFT, "InSync", old, ["wrong_key"])
    assert the(row, "wrong_key").hint == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/dr"
    assert counts(run) == {"secrets": 1, "wrong_key": 1}


@pytest.mark.parametrize("wanted", ["alias/dr", "arn", "id"])
def test_the_wanted_key_in_any_words_is_right(world: World, wanted: str) -> None:
    arn = new_key(world, "alias/dr")
    replicated(world, key=arn)
    key = {"arn": arn, "id": arn.rpartition("/")[2]}.get(wanted, wanted)
    run = audited(world, asking(key=key))
    assert counts(run) == {"secrets": 1, "covered": 1}
    assert world.count("DescribeSecret") == 0


def test_a_key_that_is_not_there_is_another_one(world: World) -> None:
    replicated(world)
    assert kinds(row_of(audited(world, asking(key="alias/none")))) == ["wrong_key"]


def test_keys_that_may_not_be_compared_are_unchecked_and_never_wrong(world: World) -> None:
    arn = new_key(world, "alias/dr")
    replicated(world, key=arn)
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    run = audited(world, asking(key="alias/dr"))
    row = row_of(run)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.ACCESS, "InSync", ["unchecked"])
    assert the(row, "unchecked").hint == "allow kms:DescribeKey in us-west-2"


def test_the_default_key_may_be_demanded(world: World) -> None:
    key = new_key(world, "alias/dr")
    replicated(world, name="prod/a", key=key)
    replicated(world, name="prod/b")
    run = audited(world, asking(key="alias/aws/secretsmanager"))
    assert counts(run) == {"secrets": 2, "covered": 1, "wrong_key": 1}
    assert kinds(row_of(run, "prod/a")) == ["wrong_key"]


def test_another_secret_of_the_name_is_a_clash(world: World) -> None:
    world.create()
    other = world.create(region=WEST)
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.arn, kinds(row)) == (Outcome.DRIFT, None, ["name_clash", "missing"])
    assert other in the(row, "name_clash").message
    assert counts(run) == {"secrets": 1, "name_clash": 1, "missing": 1}


@pytest.mark.parametrize("entry", ["kept", "dropped"])
def test_a_replica_that_was_promoted_is_told_whatever_the_primary_shows(world: World, entry: str) -> None:
    world.faults(promoted_entry=entry)
    replicated(world)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, row.arn) == (Outcome.DRIFT, None)
    assert kinds(row)[0] == "promoted"
    assert "look first: aws secretsmanager describe-secret" in str(the(row, "promoted").hint)
    assert counts(run)["promoted"] == 1


def test_what_holds_the_name_until_it_is_deleted_is_told(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db")
    row = row_of(audited(world))
    assert (row.outcome, kinds(row)) == (Outcome.DRIFT, ["pending_deletion", "missing"])
    assert "restore-secret" in str(the(row, "pending_deletion").hint)


def test_a_replica_of_another_primary_in_the_way_is_an_orphan_to_us(world: World) -> None:
    world.create()
    world.create(region=IRELAND, AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    run = audited(world)
    row = row_of(run)
    assert (row.outcome, kinds(row)) == (Outcome.DRIFT, ["orphan", "missing"])
    assert "a replica of another primary in eu-west-1" in the(row, "orphan").message
    assert counts(run) == {"secrets": 1, "orphan": 1, "missing": 1}


def test_so_is_one_of_the_primary_that_bore_the_name_before(world: World) -> None:
    orphaned(world)
    world.create()
    run = audited(world)
    assert kinds(row_of(run)) == ["orphan", "missing"]
    assert by_name(run).keys() == {"prod/db"}


def test_replicas_whose_primary_is_gone_are_told_by_region(world: World) -> None:
    world.create("prod/other")
    arns = orphaned(world, "prod/gone", WEST, IRELAND)
    run = audited(world, asking(WEST, IRELAND))
    report = by_name(run)["prod/gone"]
    assert (report.outcome, report.arn, report.primary_region) == (Outcome.DRIFT, None, HOME)
    assert {row.region: row.arn for row in report.replicas} == arns
    assert {kind for row in report.replicas for kind in kinds(row)} == {"orphan"}
    assert counts(run) == {"secrets": 2, "missing": 1, "orphan": 1}
    assert world.count("DescribeSecret", HOME) == 2  # one for all its Regions


def test_so_are_they_where_no_primary_is_left_at_all(world: World) -> None:
    orphaned(world)
    assert counts(audited(world)) == {"secrets": 1, "orphan": 1}


@pytest.mark.parametrize("deep", [False, True])
def test_a_secret_without_a_value_is_never_called_covered(world: World, deep: bool) -> None:
    world.call("CreateSecret", Name="prod/db")
    world.replicate_by_hand(WEST)
    row = row_of(audited(world, deep=deep))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.DRIFT, "InSync", ["unchecked"])


def test_a_region_that_nobody_asked_for_and_has_failed_is_noted(world: World) -> None:
    arn = replicated(world, WEST, IRELAND)
    world.simulator.set_replication_status(arn, HOME, IRELAND, "Failed", "of the weather")
    run = audited(world, deep=True)
    assert by_name(run)["prod/db"].notes == (
        "prod/db has Failed in eu-west-1, which was not asked for: of the weather",
    )
    assert counts(run) == {"secrets": 1, "covered": 1}


def test_what_is_scheduled_for_deletion_at_home_is_not_chosen(world: World) -> None:
    for name in ("prod/a", "prod/b"):
        world.create(name)
    world.call("DeleteSecret", SecretId="prod/b")
    assert by_name(audited(world)).keys() == {"prod/a"}


def test_an_extra_region_is_a_difference_where_every_rule_says_so(world: World) -> None:
    replicated(world, WEST, IRELAND, SYDNEY, name="prod/a")
    run = audited(world, rules_of(PROD | {"remove_extra": True}), extras=True)
    found = {row.region: (row.outcome, kinds(row)) for row in by_name(run)["prod/a"].replicas}
    assert found == {
        WEST: (Outcome.OK, []),
        IRELAND: (Outcome.DRIFT, ["extra"]),
        SYDNEY: (Outcome.DRIFT, ["extra"]),
    }
    assert counts(run) == {"secrets": 1, "extra": 1}


def test_else_it_is_told_where_a_list_shows_it_and_is_no_difference(world: World) -> None:
    replicated(world, WEST, IRELAND, name="prod/a")
    replicated(world, WEST, IRELAND, name="prod/b")
    rules = rules_of(PROD, {"name": "b", "names": ["prod/b"], "regions": [IRELAND]})
    run = audited(world, rules, extras=True)
    row = row_of(run, "prod/a", IRELAND)
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["extra"])
    assert the(row, "extra").severity is Severity.INFO
    assert counts(run) == {"secrets": 2, "covered": 2, "extra": 1}


@pytest.mark.parametrize("deep", [False, True])
def test_where_regions_are_only_asked_for_nobody_says_what_is_too_much(world: World, deep: bool) -> None:
    replicated(world, WEST, IRELAND)
    assert counts(audited(world, deep=deep)) == {"secrets": 1, "covered": 1}


def test_several_troubles_of_one_secret_are_each_counted_once(world: World) -> None:
    world.create()
    world.create(region=WEST)
    run = audited(world, asking(WEST, IRELAND, SYDNEY))
    assert counts(run) == {"secrets": 1, "missing": 1, "name_clash": 1}
    assert [kinds(row) for row in by_name(run)["prod/db"].replicas] == [["name_clash", "missing"], *[["missing"]] * 2]


def test_a_secret_that_can_not_be_audited_stands_beside_those_that_can(world: World) -> None:
    replicated(world, name="prod/a")
    world.create("prod/theirs", IRELAND, AddReplicaRegions=[{"Region": HOME}])
    world.clock.time += 10
    names = ["prod/a", "prod/none", "prod/theirs"]
    run = audited(world, rules_of({"name": "n", "names": names, "regions": [WEST]}), extras=True)
    codes = {each.name: each.error.code for each in run.secrets if each.error}
    assert codes == {"prod/none": "ResourceNotFoundException", "prod/theirs": "is_replica"}
    assert counts(run) == {"secrets": 3, "covered": 1, "in_trouble": 2}
