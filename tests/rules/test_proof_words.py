"""What a proof says of a replica that is not what it should be, and for how long it is looked at again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smrep.errors import Denied, NotFound, Outcome, Throttled, Unanswered
from smrep.model import Replica, Secret, Target, Version, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.findings import (
    failed,
    in_progress,
    listed_but_missing,
    not_checked,
    not_listed,
    removing,
    unchecked,
)
from smrep.rules.replication.name_owner import NameLookup, NameOwner, NoSecret, NotChecked, conflict_finding
from smrep.rules.replication.replica_comparison import FOREVER_S, BothSides, Proof, compare_replica
from smrep.rules.replication.replica_state import LIST_LAG_S

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
STAGES = (("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1"))
VERSIONS = (Version("v2", ("AWSCURRENT",), ("k1",)), Version("v1", ("AWSPREVIOUS",), ("k1",)))
PRIMARY = Secret(ARN, "prod/db", HOME, HOME, stages=STAGES)
OURS = Secret(in_region(ARN, WEST), "prod/db", WEST, HOME, "k1", stages=STAGES)
STRANGER = replace(OURS, arn=OURS.arn.replace("a1b2c3", "zzzzzz"), primary_region=None)
IN_SYNC = Replica(WEST, "InSync")
FAILED, UNDER_WAY = Replica(WEST, "Failed", "no luck"), Replica(WEST, "InProgress")
DENIED = Denied("no")
CONFLICT = conflict_finding(PRIMARY, Target(WEST), STRANGER, NameOwner.OTHER_SECRET)
LEAVING = replace(removing(PRIMARY, WEST), severity=Severity.ERROR, hint=not_listed(PRIMARY, WEST).hint)
"""What is wanted there is asked for again, which waits for the old one to go."""
SAME = "prod/db --primary-region us-east-1 -r us-west-2"


def listing(entry: Replica | None = IN_SYNC, **changes: Any) -> Secret:
    return replace(PRIMARY, replicas=(entry,) if entry else (), **changes)


def proof(look: NameLookup = OURS, *, same: Any = str.__eq__, **given: Any) -> Proof:
    given = {"primary": listing(), "primary_versions": VERSIONS, "replica_versions": VERSIONS, **given}
    return compare_replica(BothSides(region=WEST, look=look, **given), same)


@pytest.mark.parametrize(
    ("entry", "look", "expected"),
    [
        (None, NoSecret(), Proof(False, Outcome.DRIFT, (not_listed(PRIMARY, WEST),), LIST_LAG_S)),
        (
            None,
            OURS,
            Proof(False, Outcome.DRIFT, (LEAVING,), LIST_LAG_S),
        ),
        (None, STRANGER, Proof(False, Outcome.DRIFT, (CONFLICT, replace(not_listed(PRIMARY, WEST), hint=None)), 0.0)),
        (None, NotChecked(), Proof(False, Outcome.DRIFT, (not_listed(PRIMARY, WEST),), LIST_LAG_S)),
        (
            None,
            NotChecked(DENIED),
            Proof(
                False,
                Outcome.ACCESS,
                (not_listed(PRIMARY, WEST), *not_checked(PRIMARY, WEST, NotChecked(DENIED))),
                LIST_LAG_S,
            ),
        ),
        (FAILED, OURS, Proof(False, Outcome.FAILED, (failed(PRIMARY, FAILED),))),
        (FAILED, STRANGER, Proof(False, Outcome.FAILED, (CONFLICT, failed(PRIMARY, FAILED)))),
        (
            FAILED,
            NotChecked(DENIED),
            Proof(False, Outcome.FAILED, (failed(PRIMARY, FAILED), *not_checked(PRIMARY, WEST, NotChecked(DENIED)))),
        ),
        (UNDER_WAY, OURS, Proof(False, Outcome.PENDING, (in_progress(PRIMARY, UNDER_WAY),), FOREVER_S)),
        (UNDER_WAY, STRANGER, Proof(False, Outcome.PENDING, (in_progress(PRIMARY, UNDER_WAY), CONFLICT), FOREVER_S)),
        (
            IN_SYNC,
            NoSecret(),
            Proof(False, Outcome.DRIFT, (listed_but_missing(PRIMARY, WEST, NoSecret()),), LIST_LAG_S),
        ),
        (IN_SYNC, STRANGER, Proof(False, Outcome.DRIFT, (CONFLICT,))),
        (IN_SYNC, NotChecked(DENIED), Proof(None, Outcome.ACCESS, not_checked(PRIMARY, WEST, NotChecked(DENIED)))),
        (IN_SYNC, NotChecked(), Proof(None, Outcome.PENDING, (), FOREVER_S)),
        (
            IN_SYNC,
            NotChecked(Throttled("no")),
            Proof(None, Outcome.PENDING, not_checked(PRIMARY, WEST, NotChecked(Throttled("no"))), FOREVER_S),
        ),
    ],
)
def test_what_is_not_there_to_be_compared_is_told_by_what_was_seen(
    entry: Replica | None, look: NameLookup, expected: Proof
) -> None:
    assert proof(look, primary=listing(entry)) == expected


def test_what_is_missing_is_asked_for_under_the_key_that_was_wanted() -> None:
    for look, finding in ((NoSecret(), not_listed(PRIMARY, WEST, "k1")), (OURS, LEAVING)):
        (found,) = proof(look, primary=listing(None), key="k1").findings
        assert found == replace(finding, hint=(f"add it:\n  smrep replicate {SAME}=k1"))


# versions

STALE_HINT = (
    "a new value may be in progress; check again:\n"
    f"  smrep verify {SAME}{{}}\n"
    "if it stays outdated, allow kms:GenerateDataKey and kms:Encrypt on the replica's key for the role that put "
    "the value"
)


@pytest.mark.parametrize(
    ("there", "key", "message", "again"),
    [
        ({"AWSCURRENT": "v9"}, None, "prod/db in us-west-2 is outdated: its AWSCURRENT is v9, the primary's is v2", ""),
        (
            {"AWSCURRENT": "v9"},
            "k1",
            "prod/db in us-west-2 is outdated: its AWSCURRENT is v9, the primary's is v2",
            "=k1",
        ),
        (
            {"AWSPREVIOUS": ""},
            None,
            "prod/db in us-west-2 is outdated: its AWSPREVIOUS is no version, the primary's is v1",
            "",
        ),
        (
            {"AWSCURRENT": "", "AWSPREVIOUS": "v9"},
            None,
            "prod/db in us-west-2 is outdated: its AWSCURRENT is no version",
            "",
        ),
    ],
)
def test_an_old_value_is_told_by_its_label_and_looked_at_for_ever(
    there: dict[str, str], key: str | None, message: str, again: str
) -> None:
    found = proof(replace(OURS, stages=tuple({**dict(STAGES), **there}.items())), key=key)
    (finding,) = found.findings
    assert (finding.kind, finding.severity, finding.hint) == (Kind.STALE, Severity.ERROR, STALE_HINT.format(again))
    assert finding.message.startswith(message)
    assert (found.outcome, found.patience_s) == (Outcome.DRIFT, FOREVER_S)


def test_a_label_that_the_primary_does_not_have_is_told_as_none() -> None:
    found = proof(primary=listing(stages=STAGES[:1]))
    assert found.findings[0].message == (
        "prod/db in us-west-2 is outdated: its AWSPREVIOUS is v1, the primary's is no version"
    )


@pytest.mark.parametrize(
    ("side", "where"),
    [("primary_versions", f"us-east-1|{ARN}"), ("replica_versions", f"us-west-2|{OURS.arn}")],
    ids=["primary_versions", "replica_versions"],
)
@pytest.mark.parametrize(
    ("error", "outcome", "patience_s"),
    [(DENIED, Outcome.ACCESS, 0.0), (Unanswered("gone"), Outcome.PENDING, FOREVER_S)],
)
def test_versions_that_could_not_be_listed_leave_it_open(
    side: str, where: str, error: Denied, outcome: Outcome, patience_s: float
) -> None:
    region, arn = where.split("|")
    doubt = unchecked(f"the versions of prod/db in {region}", error, f"secretsmanager:ListSecretVersionIds on {arn}")
    assert proof(**{side: error}) == Proof(None, outcome, (doubt,), patience_s)


def test_a_primary_without_a_value_is_said_to_be_so() -> None:
    found = proof(replace(OURS, stages=()), primary=listing(stages=()), primary_versions=(), replica_versions=())
    message = "prod/db in us-east-1 holds no value yet, so its replicas hold none, and InSync proves nothing"
    hint = (
        "put a value:\n"
        f"  aws secretsmanager put-secret-value --secret-id {ARN.format(HOME)} --region us-east-1 "
        "--secret-string file://VALUE\n"
        "then prove that it arrived:\n"
        "  smrep verify prod/db --primary-region us-east-1"
    )
    assert found == Proof(None, Outcome.DRIFT, (Finding(Kind.NO_VALUE, Severity.WARNING, message, hint),))


def test_without_a_value_the_trouble_of_a_region_is_told_besides() -> None:
    found = proof(primary=listing(FAILED, stages=()), primary_versions=(), replica_versions=())
    assert (found.outcome, [each.kind for each in found.findings]) == (Outcome.FAILED, ["failed", "no_value"])


# keys


def wrong(what: str, key: str, wanted: str) -> Finding:
    return Finding(
        Kind.WRONG_KEY,
        Severity.ERROR,
        f"{what} of prod/db in us-west-2 uses the key {key}, not {wanted}",
        (f"change its key:\n  smrep rekey {SAME}={wanted}"),
    )


def keyed(*keys: str) -> tuple[Version, ...]:
    """Return the versions with the current one under those keys."""
    return (replace(VERSIONS[0], keys=keys), VERSIONS[1])


@pytest.mark.parametrize(
    ("key", "there", "findings"),
    [
        (None, VERSIONS, ()),
        ("k1", VERSIONS, ()),
        (None, keyed("k2"), (wrong("version v2 (AWSCURRENT)", "k2", "k1"),)),
        (None, keyed("k2", "k1"), ()),
        (None, keyed("k2", "k3"), (wrong("version v2 (AWSCURRENT)", "k2, k3", "k1"),)),
        (None, keyed(), ()),
        ("k2", keyed("k2")[:1], (wrong("the replica", "k1", "k2"),)),
        ("k2", VERSIONS, (wrong("the replica", "k1", "k2"),)),
        ("k2", keyed("k3"), (wrong("the replica", "k1", "k2"), wrong("version v2 (AWSCURRENT)", "k3", "k2"))),
        (
            None,
            (replace(VERSIONS[0], stages=("AWSCURRENT", "mine"), keys=("k2",)), VERSIONS[1]),
            (wrong("version v2 (AWSCURRENT, mine)", "k2", "k1"),),
        ),
    ],
)
def test_a_wrong_key_is_reported_once_with_the_command_that_changes_it(
    key: str | None, there: tuple[Version, ...], findings: tuple[Finding, ...]
) -> None:
    here = VERSIONS[:1] if len(there) == 1 else VERSIONS
    stages = STAGES[: len(there)]
    found = proof(
        replace(OURS, stages=stages),
        primary=listing(stages=stages),
        primary_versions=here,
        replica_versions=there,
        key=key,
    )
    assert found.findings == findings
    assert (found.verified, found.outcome) == ((False, Outcome.DRIFT) if findings else (True, Outcome.OK))


def test_a_wrong_key_is_looked_at_again_for_as_long_as_was_said() -> None:
    assert proof(key="k2", key_patience_s=7.0).patience_s == 7.0
    assert proof(key="k1", key_patience_s=7.0).patience_s == 0.0
    assert proof(key="k2").patience_s == 0.0
    stale = replace(OURS, stages=(("AWSCURRENT", "v9"),))
    assert proof(stale, key="k2", key_patience_s=7.0).patience_s == FOREVER_S


def test_a_key_that_could_not_be_compared_is_one_doubt() -> None:
    found = proof(key="k2", same=lambda _wanted, _shown: DENIED)
    doubt = unchecked("the key k2 in us-west-2", DENIED, "kms:DescribeKey in us-west-2")
    assert found == Proof(None, Outcome.ACCESS, (doubt,))


def test_where_no_key_was_asked_for_the_replicas_own_is_not_asked_about() -> None:
    keyless = tuple(replace(each, keys=()) for each in VERSIONS)
    assert proof(replica_versions=keyless, same=lambda _wanted, _shown: DENIED) == Proof(True, Outcome.OK)


def test_a_key_that_does_not_exist_is_another_key() -> None:
    found = proof(key="k2", same=lambda _wanted, _shown: NotFound("no such key"))
    assert found.findings == (wrong("the replica", "k1", "k2"),)


def test_without_a_key_the_replica_is_under_awss_own() -> None:
    found = proof(replace(OURS, kms_key_id=None))
    default = "alias/aws/secretsmanager"
    assert found.findings == (
        wrong("version v2 (AWSCURRENT)", "k1", default),
        wrong("version v1 (AWSPREVIOUS)", "k1", default),
    )
