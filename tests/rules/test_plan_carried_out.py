"""Plan, carry it out, plan again: then all that was not stopped is kept. In a pure model of the Regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Denied, Unanswered
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.key_failures import DEFAULT, same_by_spelling
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, name_owner
from smrep.rules.replication.region_step import Add, Consent, Keep, Overwrite, RegionStep, Retry, Skip, decide_step

HOME = Region("us-east-1")
THERE = (Region("us-west-2"), Region("eu-west-1"), Region("ap-southeast-2"))
ACCOUNT = "123456789012"
ARN = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:prod/db-a1b2c3"
OTHER = ARN.replace("a1b2c3", "zzzzzz")
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)


@dataclass(frozen=True)
class Found:
    """What is found in one Region: the primary's entry, and what bears the name there."""

    entry: Replica | None
    look: NameLookup


def ours(region: Region, key: str | None = None) -> Secret:
    return Secret(in_region(ARN, region), "prod/db", region, HOME, key or DEFAULT)


keys = st.sampled_from([None, DEFAULT, "alias/dr"])


@st.composite
def found_in(draw: st.DrawFn, region: Region) -> Found:
    status = draw(st.sampled_from(["InSync", "InProgress", "Failed", "Odd"]))
    key = draw(keys)
    entry = Replica(region, status, draw(st.sampled_from([None, "no luck"])), key or DEFAULT)
    strangers = st.builds(
        Secret,
        arn=st.sampled_from([in_region(OTHER, region), in_region(ARN, region)]),
        name=st.just("prod/db"),
        region=st.just(region),
        primary_region=st.sampled_from([None, region, THERE[0], THERE[1]]),
        replicas=st.sampled_from([(), (Replica(HOME, "InSync"),)]),
        deleted=st.sampled_from([None, None, datetime(2026, 1, 1, tzinfo=UTC)]),
    )
    looks = st.one_of(
        st.just(ours(region, key)),
        st.just(NoSecret()),
        strangers,
        st.sampled_from([NotChecked(), NotChecked(Denied("no")), NotChecked(Unanswered("gone"))]),
    )
    return Found(draw(st.sampled_from([None, entry, entry])), draw(looks))


worlds = st.fixed_dictionaries({region: found_in(region) for region in THERE})
wanted = st.lists(st.builds(Target, st.sampled_from(THERE), keys), unique_by=lambda target: target.region)
consents = st.builds(
    Consent, st.booleans(), st.frozensets(st.sampled_from([in_region(ARN, region) for region in THERE]), max_size=2)
)


def planned(aws: Mapping[Region, Found], targets: Sequence[Target], consent: Consent) -> list[RegionStep]:
    primary = replace(PRIMARY, replicas=tuple(each.entry for each in aws.values() if each.entry))

    def key_findings(target: Target, entry: Replica) -> tuple[Finding, ...]:
        same = target.kms_key is None or same_by_spelling(target.kms_key, entry.kms_key_id, target.region, ACCOUNT)
        return () if same else (Finding(Kind.WRONG_KEY, Severity.ERROR, "another key"),)

    return [
        decide_step(
            primary,
            target,
            aws[target.region].look,
            consent,
            lambda entry, target=target: key_findings(target, entry),
        )
        for target in targets
    ]


def carried_out(aws: Mapping[Region, Found], steps: Sequence[RegionStep]) -> dict[Region, Found]:
    """Return the Regions once AWS has done all that the steps ask for, and all that it was at before."""
    after = dict(aws)
    for region, found in aws.items():
        if found.entry and found.entry.status == "InProgress" and not isinstance(found.look, Secret):
            after[region] = Found(
                replace(found.entry, status="InSync"), _seen(found, ours(region, found.entry.kms_key_id))
            )
    for step in steps:
        if isinstance(step, Add | Retry | Overwrite):
            region, key = step.target.region, step.target.kms_key or DEFAULT
            after[region] = Found(Replica(region, "InSync", None, key), _seen(aws[region], ours(region, key)))
    return after


def _seen(before: Found, now: Secret) -> NameLookup:
    """Return what the next look shows, where a look can be made at all."""
    return before.look if isinstance(before.look, NotChecked) else now


@given(worlds, wanted, consents)
def test_what_was_planned_and_carried_out_is_kept_the_next_time(
    aws: dict[Region, Found], targets: list[Target], consent: Consent
) -> None:
    first = planned(aws, targets, consent)
    after = carried_out(aws, first)
    second = planned(after, targets, consent)
    for before, now in zip(first, second, strict=True):
        if isinstance(before, Add | Retry | Overwrite):
            assert isinstance(now, Keep), (before, now)
            assert all(each.kind is not Kind.WRONG_KEY for each in now.findings)
        elif isinstance(before, Skip):
            assert isinstance(now, Skip | Keep), (before, now)
        else:
            assert isinstance(now, Keep), (before, now)
    assert carried_out(after, second) == after


@given(worlds, wanted, consents)
def test_only_what_was_asked_for_is_planned_each_region_once(
    aws: dict[Region, Found], targets: list[Target], consent: Consent
) -> None:
    steps = planned(aws, targets, consent)
    assert [step.target.region for step in steps] == [target.region for target in targets]
    for step, target in zip(steps, targets, strict=True):
        if step.target != target:  # a retry keeps the key that the entry has
            assert isinstance(step, Retry | Overwrite)
            assert target.kms_key is None
            assert step.before
            assert step.target.kms_key in (
                step.before.kms_key_id,
                getattr(aws[target.region].look, "kms_key_id", None),
            )


@given(worlds, wanted, consents)
def test_nothing_is_planned_for_what_is_right(
    aws: dict[Region, Found], targets: list[Target], consent: Consent
) -> None:
    right = {region: Found(Replica(region, "InSync", None, DEFAULT), ours(region)) for region in THERE[:2]}
    for step in planned({**aws, **right}, targets, consent):
        if step.target.region in right:
            assert isinstance(step, Keep)


@given(worlds, wanted, consents)
def test_something_is_overwritten_only_with_consent_and_for_a_name_conflict_that_was_seen(
    aws: dict[Region, Found], targets: list[Target], consent: Consent
) -> None:
    primary = replace(PRIMARY, replicas=tuple(each.entry for each in aws.values() if each.entry))
    for step in planned(aws, targets, consent):
        if isinstance(step, Overwrite):
            look = aws[step.target.region].look
            who = name_owner(primary, look)
            assert consent.force
            assert step.victim is look
            assert who is NameOwner.OTHER_SECRET or (who is NameOwner.PROMOTED and step.victim.arn in consent.arns)
            assert not isinstance(planned(aws, [step.target], Consent())[0], Overwrite)
