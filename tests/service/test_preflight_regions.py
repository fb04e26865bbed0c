"""What is checked before anything is sent: the Regions, who manages the secret, and all that is wrong at once."""

from __future__ import annotations

from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only
from service.preflight_scene import primary_under, regions_sent
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import Outcome, Unanswered


def test_a_managed_secret_is_warned_of_and_goes_on(aws: FakeAws) -> None:
    aws.create("rds!db-1")
    row = only(replicate(aws, WEST, names=("rds!db-1",)))
    assert (row.outcome, kinds(row)) == (Outcome.OK, ["managed"])
    assert (row.findings[0].severity, "rds" in row.findings[0].message) == ("warning", True)


# the Region


def test_a_region_that_is_not_enabled_is_stopped_and_the_others_go_on(aws: FakeAws) -> None:
    aws.create()
    aws.faults(disabled_regions=frozenset({WEST}))
    (secret,) = replicate(aws, WEST, IRELAND)
    stopped, added = secret.replicas
    assert (stopped.outcome, stopped.status, stopped.changed) == (Outcome.FAILED, None, False)
    assert stopped.error is not None
    assert stopped.error.code == "region_disabled"
    assert "region_disabled" in kinds(stopped)
    assert stopped.error.hint == "enable it:\n  aws account enable-region --region-name us-west-2"
    assert added.outcome is Outcome.OK
    assert regions_sent(aws) == [IRELAND]


def test_without_preflight_a_region_that_is_not_enabled_fails(aws: FakeAws) -> None:
    aws.create()
    aws.faults(disabled_regions=frozenset({WEST}))
    row = only(replicate(aws, WEST, preflight=False))
    assert (row.status, row.outcome) == ("Failed", Outcome.FAILED)
    assert row.error is not None
    assert "enable the Region:\n  aws account enable-region --region-name us-west-2\n" in (row.error.hint or "")


def test_where_nobody_may_tell_of_regions_it_is_unchecked_and_tried(aws: FakeAws) -> None:
    aws.create()
    aws.faults(disabled_regions=frozenset({WEST}), denied=frozenset({("ListRegions", HOME)}))
    row = only(replicate(aws, WEST))
    assert (row.status, row.changed, row.outcome) == ("Failed", True, Outcome.FAILED)
    assert kinds(row) == ["unchecked"]


def test_a_region_in_outage_is_no_disabled_region(aws: FakeAws) -> None:
    aws.create()
    aws.faults(outages=frozenset({WEST}))
    row = only(replicate(aws, WEST, timeout_s=5.0))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, True, ["unchecked", "stuck"])


def test_a_region_that_aws_does_not_list_is_unknown(aws: FakeAws) -> None:
    aws.create()

    def strange(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", "us-west-9"):
            raise Unanswered("could not connect to the endpoint", "prod/db in us-west-9")

    aws.on_call = strange
    row = only(replicate(aws, "us-west-9"))
    assert row.error is not None
    assert (row.error.code, row.outcome, aws.sent()) == ("region_unknown", Outcome.FAILED, [])


def test_the_regions_of_the_account_are_asked_for_once_and_only_where_a_look_failed(aws: FakeAws) -> None:
    for name in ("a", "b"):
        aws.create(name)
    replicate(aws, WEST, IRELAND, names=("a", "b"))
    assert aws.count("ListRegions") == 0
    aws.faults(disabled_regions=frozenset({"af-south-1", "me-south-1"}))
    replicate(aws, "af-south-1", "me-south-1", names=("a", "b"))
    assert aws.count("ListRegions") == 1


def test_a_dry_run_finds_the_same(aws: FakeAws) -> None:
    aws.create()
    run = prepare(aws, request_for(f"{WEST}=alias/nowhere", IRELAND))
    (secret,) = run.secrets(dry_run=True)
    assert [row.error and row.error.code for row in secret.replicas] == ["key_missing", None]
    assert aws.sent() == []


def test_all_that_is_wrong_with_a_region_is_told_at_once(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(aws, f"{WEST}=alias/nowhere"))
    assert kinds(row) == ["key_missing", "key_disabled"]
