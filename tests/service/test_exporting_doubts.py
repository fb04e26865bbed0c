"""`export` where something can't be seen, or where two Regions tell different things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, new_key, replicated
from service.test_exporting import exported, nothing_to_do, regions_of
from use_case_run import quiet

from smrep.errors import CredentialsError, Denied, Outcome, Throttled, Unanswered, UsageError
from smrep.model import Filter, Page, Secret
from smrep.regions import Region
from smrep.rules.manifest.selector import EVERY
from smrep.service.export import Export
from smrep.service.fleet.multi_account import ENOUGH

# what can't be seen


class Blind(FakeAws):
    """A world in which a look at prod/b goes wrong, or the list of a Region does or never ends."""

    error: Exception | None = None
    unlisted: str | None = None
    endless: str | None = None

    def describe(self, secret_id: str, region: Region) -> Secret:
        if self.error and not self.unlisted and ":prod/b-" in secret_id:
            raise self.error
        return super().describe(secret_id, region)

    def list_page(self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool) -> Page:
        if region == self.unlisted and self.error:
            raise self.error
        if region == self.endless:
            return Page((), "the same as before")
        return super().list_page(region, filters, token, with_deleted=with_deleted)


@pytest.fixture
def blind() -> Blind:
    aws = Blind()
    for name in ("prod/a", "prod/b", "prod/c"):
        replicated(aws, name=name)
    return aws


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
    (unseen,) = run.unchecked
    assert (unseen.name, unseen.outcome) == ("prod/b", outcome)
    assert unseen in list(run.reports())
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


def test_secrets_of_another_account_end_the_run_before_any_look(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    aws.begin()
    run = Export(aws, aws.clock, Region(HOME), EVERY, "111111111111")
    with pytest.raises(UsageError, match="not to the expected account 111111111111"):
        run.look(quiet(aws.clock))
    assert {operation for operation, _, _ in aws.calls} == {"ListSecrets"}


# what the lists of the Regions show otherwise


@pytest.mark.parametrize("fate", ["promoted", "deleted", "gone"])
def test_an_entry_without_a_replica_is_skipped_and_noted(aws: FakeAws, fate: str) -> None:
    for name in ("prod/a", "prod/b"):
        replicated(aws, name=name)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/a")
    if fate != "promoted":
        aws.call("DeleteSecret", WEST, SecretId="prod/a", ForceDeleteWithoutRecovery=fate == "gone")
        aws.clock.time += 10
    run = exported(aws)
    assert regions_of(run.manifest).keys() == {"prod/b"}
    (note,) = run.notes
    assert note.startswith(
        "prod/a is listed as InSync in us-west-2, but has no replica there, so that Region was skipped: "
    )
    assert note.endswith("smrep doctor prod/a --primary-region us-east-1 -r us-west-2")
    assert nothing_to_do(aws, run) == 1


def test_a_replica_that_is_not_listed_yet_is_looked_for(aws: FakeAws) -> None:
    key = new_key(aws, "alias/dr")
    replicated(aws, name="prod/a")
    aws.faults(listing_lag_s=300.0)
    replicated(aws, name="prod/b", key="alias/dr")
    aws.clock.time += 60
    aws.create("prod/c")
    run = exported(aws)
    assert aws.count("DescribeSecret", WEST) == 0  # prod/b itself is not listed as a primary yet
    aws.faults()
    aws.call("ReplicateSecretToRegions", SecretId="prod/c", AddReplicaRegions=[{"Region": WEST, "KmsKeyId": key}])
    aws.clock.time += 10

    class Late(FakeAws):
        def list_page(
            self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool
        ) -> Page:
            page = super().list_page(region, filters, token, with_deleted=with_deleted)
            return Page(tuple(e for e in page.entries if region == HOME or e.name != "prod/c"), page.next_token)

    late = Late(aws.clock, aws.simulator)
    run = exported(late)
    assert late.count("DescribeSecret", WEST) == 1
    assert regions_of(run.manifest)["prod/c"] == {WEST: key}
    assert run.notes == []


def test_a_replica_that_shows_no_key_is_under_awss_own(aws: FakeAws) -> None:
    class Keyless(FakeAws):
        def list_page(
            self, region: Region, filters: Sequence[Filter], token: str | None, *, with_deleted: bool
        ) -> Page:
            page = super().list_page(region, filters, token, with_deleted=with_deleted)
            return replace(page, entries=tuple(e._replace(kms_key_id=None) for e in page.entries))

    new_key(aws, "alias/dr")
    replicated(aws, name="prod/a", key="alias/dr")  # the primary's list goes on naming it
    assert regions_of(exported(Keyless(aws.clock, aws.simulator)).manifest) == {"prod/a": {WEST: None}}


def test_a_secret_deleted_since_it_was_listed_does_not_spoil_the_manifest(aws: FakeAws) -> None:
    for name in ("prod/a", "prod/b"):
        replicated(aws, name=name)
    aws.clock.time += 400
    aws.faults(listing_lag_s=300.0, removal_delay_s=1.0)
    aws.call("RemoveRegionsFromReplication", SecretId="prod/b", RemoveReplicaRegions=[WEST])
    aws.clock.time += 10
    aws.call("DeleteSecret", SecretId="prod/b", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 10
    run = exported(aws)
    assert (run.unchecked, regions_of(run.manifest).keys()) == ([], {"prod/a"})


def test_where_all_is_denied_not_everything_is_tried(aws: FakeAws) -> None:
    for number in range(40):
        aws.create(f"prod/{number:02}", AddReplicaRegions=[{"Region": WEST}])
    aws.clock.time += 10
    aws.faults(denied=frozenset({("DescribeSecret", HOME)}))
    run = exported(aws)
    assert (len(run.unchecked), run.summary) == (40, {"secrets": 40, "replicas": 0, "unseen": 40})
    assert ENOUGH <= aws.count("DescribeSecret") <= ENOUGH + 8  # as many were under way


def test_the_notes_stand_in_the_order_of_the_regions(aws: FakeAws) -> None:
    regions = (WEST, IRELAND, SYDNEY)
    for region in regions:
        replicated(aws, region, name=f"prod/{region}")
    aws.faults(denied=frozenset(("ListSecrets", each) for each in regions))
    assert [note.split()[0] for note in exported(aws).notes] == sorted(regions)
