"""`export` on the simulator: whatever there is, a plan made of the manifest has nothing to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, new_key, replicated
from hypothesis import given
from hypothesis import strategies as st
from service.apply_scene import counts, planner
from use_case_run import UseCaseRun, quiet

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Progress
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.rules.manifest.writer import as_json, as_toml
from smrep.service.export import Export
from smrep.service.plan import FleetPlan

ACCOUNT = "123456789012"
ODD_NAMES = ["-rf", "!x", "a=b", "prod/db-AbCdEf", "@", "x" * 512, "rds!cluster-1", "us-west-2"]


def exported(aws: FakeAws, selector: Selector = EVERY, **more: Any) -> Export:
    """Export; nothing but lists and looks is asked for it."""
    aws.begin()
    run = Export(aws, aws.clock, Region(HOME), selector, **more)
    run.look(quiet(aws.clock))
    assert {operation for operation, _, _ in aws.calls} <= {"ListSecrets", "DescribeSecret"}
    return run


def read(run: Export) -> Manifest:
    """Return what its manifest reads as, from both shapes."""
    manifest = parse(as_toml(run.manifest, run.notes), "dr.toml")
    assert parse(json.dumps(as_json(run.manifest)), "dr.json") == manifest
    return manifest


def planned(aws: FakeAws, manifest: Manifest) -> FleetPlan:
    draft = FleetPlan([planner(aws, manifest.rules)], manifest.rules)
    draft.look(quiet(aws.clock))
    return draft


def regions_of(manifest: Manifest) -> dict[str, dict[str, str | None]]:
    """Return secret -> Region -> key, as the manifest wants them."""
    return {
        name: {target.region: target.kms_key for target in rule.targets}
        for rule in manifest.rules
        for name in rule.selector.names
    }


def nothing_to_do(aws: FakeAws, run: Export) -> int:
    """Check that a plan of the manifest only keeps; return how many secrets it is about."""
    draft = planned(aws, read(run))
    assert counts(draft.summary).keys() <= {"secrets", "keep"}
    assert {(row.action, row.outcome) for each in draft.reports() for row in each.replicas} == {("keep", Outcome.OK)}
    assert {each.outcome for each in replace(draft, detailed=True).reports()} == {Outcome.OK}
    return len(draft.reports())


# any estate


@dataclass(frozen=True)
class There:
    """One Region of one secret: how the key is spelled under which it was replicated, and what happened then."""

    region: str
    key: str
    fate: str


SPELLINGS = ["none", "default", "alias", "id", "arn"]
FATES = ["well", "failed", "failed there", "in progress", "in progress there", "removed"]
FATES += [f"rekeyed {each}" for each in SPELLINGS]
THERE = st.builds(There, st.sampled_from([WEST, IRELAND, SYDNEY]), st.sampled_from(SPELLINGS), st.sampled_from(FATES))
ESTATES = st.dictionaries(
    st.text("abAB01/_+=.@-", min_size=1, max_size=5) | st.sampled_from(ODD_NAMES),
    st.lists(THERE, unique_by=lambda each: each.region, max_size=3) | st.sampled_from(["doomed", "another's"]),
    max_size=6,
)


def spelled(aws: FakeAws, keys: dict[str, str], there: There, spelling: str) -> dict[str, str]:
    """Return the parameter that names the customer's key of that Region, or AWS's own, in this spelling."""
    if there.region not in keys:
        keys[there.region] = new_key(aws, "alias/dr", there.region)
    arn = keys[there.region]
    words = {"default": "alias/aws/secretsmanager", "alias": "alias/dr", "id": arn.rpartition("/")[2], "arn": arn}
    return {"KmsKeyId": words[spelling]} if spelling in words else {}


def settle(aws: FakeAws, keys: dict[str, str], name: str, there: There) -> None:
    """Replicate the secret to one Region, and let its fate come; with `there`, a replica stays."""
    if there.fate not in ("failed", "in progress"):
        key = spelled(aws, keys, there, there.key)
        aws.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": there.region, **key}])
        aws.clock.time += 5
    what, _, spelling = there.fate.partition(" ")
    if what in ("failed", "in"):
        status = "Failed" if what == "failed" else "InProgress"
        aws.simulator.set_replication_status(name, HOME, there.region, status)
    elif what == "removed":
        aws.call("RemoveRegionsFromReplication", SecretId=name, RemoveReplicaRegions=[there.region])
    elif what == "rekeyed":
        key = spelled(aws, keys, there, spelling)
        aws.call("UpdateSecret", there.region, SecretId=name, KmsKeyId=key.get("KmsKeyId", ""))


def build(aws: FakeAws, estate: dict[str, Any], *, primary_shows_rekey: bool) -> None:
    aws.faults(primary_shows_rekey=primary_shows_rekey)
    keys: dict[str, str] = {}
    for name, course in estate.items():
        aws.create(name, WEST if course == "another's" else HOME)
        if course == "another's":
            aws.call("ReplicateSecretToRegions", WEST, SecretId=name, AddReplicaRegions=[{"Region": HOME}])
        elif course == "doomed":
            aws.call("DeleteSecret", SecretId=name)
        else:
            for there in course:
                settle(aws, keys, name, there)
    aws.clock.time += 5


@given(ESTATES, st.booleans())
def test_whatever_there_is_a_plan_of_what_was_exported_is_empty(estate: dict[str, Any], primary_shows: bool) -> None:
    aws = FakeAws()
    build(aws, estate, primary_shows_rekey=primary_shows)
    run = exported(aws)
    assert run.unchecked == []
    courses = {name: course for name, course in estate.items() if isinstance(course, list)}
    found = regions_of(run.manifest)
    for name, course in courses.items():
        alive = {each.region for each in course if not each.fate.startswith(("failed", "removed"))}
        assert found.pop(name, {}).keys() == alive
    assert found == {}
    if run.manifest.rules:
        assert (run.manifest.account_id, run.manifest.primary_region) == (ACCOUNT, HOME)
        assert nothing_to_do(aws, run) == len(regions_of(run.manifest))
    assert len(run.notes) == sum(
        each.fate.startswith(("failed", "in ")) for course in courses.values() for each in course
    )


# how it is found out


def test_two_hundred_secrets_take_a_look_each_and_a_list_of_each_region(aws: FakeAws) -> None:
    for number in range(230):
        aws.create(f"prod/{number:03}", AddReplicaRegions=[{"Region": WEST}])
        aws.create(f"test/{number:03}")
    aws.clock.time += 10
    run = exported(aws)
    assert (aws.count("DescribeSecret"), aws.count("ListSecrets", HOME)) == (230, 5)
    assert aws.count("ListSecrets", WEST) == 3  # of its replicas alone
    lists = [call.params["Filters"] for call in aws.simulator.log[-3:]]
    assert lists == [[{"Key": "primary-region", "Values": [HOME]}]] * 3
    (rule,) = run.manifest.rules
    assert rule.selector.names == {f"prod/{number:03}" for number in range(230)}
    assert nothing_to_do(aws, run) == 230


def test_another_key_over_there_than_the_primary_shows_is_the_one_that_is_written(aws: FakeAws) -> None:
    aws.faults(primary_shows_rekey=False)
    new_key(aws, "alias/old")
    key = new_key(aws, "alias/new")
    replicated(aws, name="prod/a", key="alias/old")
    aws.call("UpdateSecret", WEST, SecretId="prod/a", KmsKeyId=key)
    run = exported(aws)
    assert regions_of(run.manifest) == {"prod/a": {WEST: key}}
    assert nothing_to_do(aws, run) == 1


@pytest.mark.parametrize("trouble", ["denied", "outages"])
def test_where_a_region_is_not_listed_the_keys_are_the_primarys_and_that_is_said(aws: FakeAws, trouble: str) -> None:
    new_key(aws, "alias/dr")
    replicated(aws, WEST, name="prod/a", key="alias/dr")
    replicated(aws, IRELAND, name="prod/b")
    aws.faults(**{trouble: frozenset({WEST if trouble == "outages" else ("ListSecrets", WEST)})})
    run = exported(aws)
    (note,) = run.notes
    assert note.startswith(
        WEST + " could not be listed, so its keys are those that the primaries show: the list of secrets in "
    )
    assert regions_of(read(run)) == {"prod/a": {WEST: "alias/dr"}, "prod/b": {IRELAND: None}}


def test_what_was_chosen_is_exported_and_nothing_else_is_looked_at(aws: FakeAws) -> None:
    tags = {"prod/a": {"team": "pay"}, "prod/b": {"team": "ship", "of": "pay"}, "test/a": {"team": "pay"}}
    for name, own in tags.items():
        replicated(aws, name=name, Tags=[{"Key": key, "Value": value} for key, value in own.items()])
    run = exported(aws, Selector(prefixes=("prod/",), tags=(("team", "pay"),)))
    assert regions_of(run.manifest).keys() == {"prod/a"}
    assert aws.count("DescribeSecret") == 1


def test_every_secret_that_was_looked_at_is_told_with_its_regions(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND, name="prod/a")
    aws.simulator.set_replication_status("prod/a", HOME, IRELAND, "Failed", "no luck")
    run = exported(aws)
    (secret,) = run.reports()
    assert [(row.region, row.status, row.status_message) for row in secret.replicas] == [
        (WEST, "InSync", "Replication succeeded"),
        (IRELAND, "Failed", "no luck"),
    ]


def test_progress_counts_what_was_listed_and_then_what_was_looked_at(aws: FakeAws) -> None:
    for name in "abc":
        replicated(aws, name=name)
    run = Export(aws, aws.clock, Region(HOME), EVERY)
    steps = UseCaseRun(run.look, aws.clock, 0.0)
    seen = [run.progress, *(run.progress for _ in steps.act())]
    assert seen[:2] == [Progress("listing", 0), Progress("listing", 3)]
    assert seen[-1] == Progress("examining", 3, 3)


def test_what_neither_a_list_nor_a_look_shows_is_taken_from_the_primary_and_that_is_said(aws: FakeAws) -> None:
    names = [f"prod/{each}" for each in "abcdefg"]
    for name in names:
        replicated(aws, IRELAND, name=name)
    aws.clock.time += 400
    aws.faults(listing_lag_s=300.0, denied=frozenset({("DescribeSecret", WEST)}))
    for name in names:
        aws.replicate_by_hand(WEST, name=name)
    aws.clock.time += 20
    run = exported(aws)
    assert regions_of(run.manifest) == {name: {IRELAND: None, WEST: None} for name in names}
    assert run.notes == [
        (
            "taken from the primaries' lists, since us-west-2 does not list them and could not be checked: "
            "prod/a, prod/b, prod/c, prod/d, prod/e and 2 more; allow secretsmanager:DescribeSecret in us-west-2"
        )
    ]
