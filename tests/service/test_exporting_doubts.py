"""`export` where something can't be seen, or where two Regions tell different things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, new_key, replicated
from service.test_exporting import exported, nothing_to_do, regions_of

from smrep.errors import CredentialsError, Denied, Outcome, Throttled, Unanswered, UsageError
from smrep.model import Filter, Page, Secret
from smrep.regions import Region
from smrep.rules.selection import EVERY
from smrep.service.denials import ENOUGH
from smrep.service.exporting import Export

# what can't be seen


class Blind(World):
    """A world in which a look at prod/b goes wrong, or the list of a Region does or never ends."""

    error: Exception | None = None
    unlisted: str | None = None
    endless: str | None = None

    def describe(self, secret_id: str, region: Region) -> Secret:
        if self.error and not self.unlisted and ":prod/b-" in secret_id:
            raise self.error
        return super().describe(secret_id, region)

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, doomed: bool) -> Page:
        if region == self.unlisted and self.error:
            raise self.error
        if region == self.endless:
            return Page((), "the same as before")
        return super().list_page(region, filters, token, doomed=doomed)


@pytest.fixture
def blind() -> Blind:
    world = Blind()
    for name in ("prod/a", "prod/b", "prod/c"):
        replicated(world, name=name)
    return world


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Denied("no", "prod/b"), Outcome.ACCESS),
        (Unanswered("no answer", "prod/b"), Outcome.FAILED),
        (Throttled("too often", "prod/b"), Outcome.PENDING),
        (CredentialsError("no", "prod/b", code="UnrecognizedClientException"), Outcome.ACCESS),
    ],
)
def test_a_secret_that_can_not_be_looked_at_is_known_to_be_missing(
    blind: Blind, error: Exception, outcome: Outcome
) -> None:
    blind.error = error
    run = exported(blind)
    (unseen,) = run.unseen
    assert (unseen.name, unseen.outcome) == ("prod/b", outcome)
    assert unseen in list(run.secrets)
    assert regions_of(run.manifest).keys() == {"prod/a", "prod/c"}


@pytest.mark.parametrize("unlisted", [None, HOME, WEST])
def test_credentials_that_expire_end_the_run(blind: Blind, unlisted: str | None) -> None:
    blind.error, blind.unlisted = CredentialsError("expired", code="ExpiredTokenException"), unlisted
    with pytest.raises(CredentialsError):
        exported(blind)


def test_a_list_that_does_not_come_to_its_end_is_no_list(blind: Blind) -> None:
    blind.endless = HOME
    with pytest.raises(Unanswered):
        exported(blind)
    blind.endless = WEST
    assert len(exported(blind).notes) == 1


def test_secrets_of_another_account_end_the_run_before_any_look(world: World) -> None:
    replicated(world, name="prod/a")
    world.begin()
    run = Export(world, world.clock, Region(HOME), EVERY, "111111111111")
    with pytest.raises(UsageError, match="111111111111 was expected"):
        list(run.act())
    assert {operation for operation, _, _ in world.calls} == {"ListSecrets"}


# what the lists of the Regions show otherwise


@pytest.mark.parametrize("fate", ["promoted", "deleted", "gone"])
def test_an_entry_whose_replica_is_not_there_is_left_out_and_that_is_said(world: World, fate: str) -> None:
    for name in ("prod/a", "prod/b"):
        replicated(world, name=name)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/a")
    if fate != "promoted":
        world.call("DeleteSecret", WEST, SecretId="prod/a", ForceDeleteWithoutRecovery=fate == "gone")
        world.clock.time += 10
    run = exported(world)
    assert regions_of(run.manifest).keys() == {"prod/b"}
    (note,) = run.notes
    assert note.startswith("prod/a is listed as InSync in us-west-2, where no replica of it is, and is left out: ")
    assert note.endswith("smrep doctor prod/a --primary-region us-east-1 -r us-west-2")
    assert nothing_to_do(world, run) == 1


def test_a_replica_that_is_not_listed_yet_is_looked_for(world: World) -> None:
    key = new_key(world, "alias/dr")
    replicated(world, name="prod/a")
    world.faults(listing_lag_s=300.0)
    replicated(world, name="prod/b", key="alias/dr")
    world.clock.time += 60
    world.create("prod/c")
    run = exported(world)
    assert world.count("DescribeSecret", WEST) == 0  # prod/b itself is not listed as a primary yet
    world.faults()
    world.call("ReplicateSecretToRegions", SecretId="prod/c", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    world.clock.time += 10

    class Late(World):
        def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, doomed: bool) -> Page:
            page = super().list_page(region, filters, token, doomed=doomed)
            return Page(tuple(e for e in page.entries if region == HOME or e.name != "prod/c"), page.next_token)

    late = Late(world.clock, world.simulator)
    run = exported(late)
    assert late.count("DescribeSecret", WEST) == 1
    assert regions_of(run.manifest)["prod/c"] == {WEST: key}
    assert run.notes == []


def test_a_replica_that_shows_no_key_is_under_awss_own(world: World) -> None:
    class Keyless(World):
        def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, doomed: bool) -> Page:
            page = super().list_page(region, filters, token, doomed=doomed)
            return replace(page, entries=tuple(replace(e, kms_key_id=None) for e in page.entries))

    new_key(world, "alias/dr")
    replicated(world, name="prod/a", key="alias/dr")  # the primary's list goes on naming it
    assert regions_of(exported(Keyless(world.clock, world.simulator)).manifest) == {"prod/a": {WEST: None}}


def test_a_secret_deleted_since_it_was_listed_does_not_spoil_the_manifest(world: World) -> None:
    for name in ("prod/a", "prod/b"):
        replicated(world, name=name)
    world.clock.time += 400
    world.faults(listing_lag_s=300.0, removal_delay_s=1.0)
    world.call("RemoveRegionsFromReplication", SecretId="prod/b", RemoveReplicaRegions=[WEST])
    world.clock.time += 10
    world.call("DeleteSecret", SecretId="prod/b", ForceDeleteWithoutRecovery=True)
    world.clock.time += 10
    run = exported(world)
    assert (run.unseen, regions_of(run.manifest).keys()) == ([], {"prod/a"})


def test_where_all_is_denied_not_everything_is_tried(world: World) -> None:
    for number in range(40):
        world.create(f"prod/{number:02}", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.faults(denied=frozenset({("DescribeSecret", HOME)}))
    run = exported(world)
    assert (len(run.unseen), run.summary) == (40, {"secrets": 40, "replicas": 0, "unseen": 40})
    assert ENOUGH <= world.count("DescribeSecret") <= ENOUGH + 8  # as many were under way


def test_the_notes_stand_in_the_order_of_the_regions(world: World) -> None:
    regions = (WEST, IRELAND, SYDNEY)
    for region in regions:
        replicated(world, region, name=f"prod/{region}")
    world.faults(denied=frozenset(("ListSecrets", each) for each in regions))
    assert [note.split()[3] for note in exported(world).notes] == sorted(regions)
