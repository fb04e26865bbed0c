"""What stops a replication before it begins, from values alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import AwsError, CredentialsError, Denied, NotFound, Outcome, Throttled, Unanswered
from smrep.model import Key, Replica, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.blockers import (
    RequiredKey,
    key_health,
    managed_warning,
    region_state,
    required_keys,
    with_blockers,
    with_other_key,
)
from smrep.rules.replication.region_step import Add, Keep, Overwrite, RegionStep, Retry, Skip

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
KEY = "arn:aws:kms:us-east-1:123456789012:key/{}"
STATES = (
    "Enabled",
    "Creating",
    "Disabled",
    "PendingDeletion",
    "PendingImport",
    "PendingReplicaDeletion",
    "Unavailable",
    "Updating",
    "enabled",
    "Odd",
)


def secret(**fields: Any) -> Secret:
    return Secret(**{"arn": ARN, "name": "prod/db", "region": HOME, **fields})


def health(known: Key | AwsError, name: str = "alias/dr") -> tuple[Finding, ...]:
    return key_health(name, "the key", WEST, known, "smrep replicate prod/db -r us-west-2=alias/NAME")


def good(**changes: Any) -> Key:
    fields = {"arn": KEY.format("k"), "state": "Enabled", "usage": "ENCRYPT_DECRYPT", "spec": "SYMMETRIC_DEFAULT"}
    return Key(**{**fields, **changes})


# keys


def test_a_good_key_is_no_finding() -> None:
    assert health(good()) == ()


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (NotFound("Alias is not found."), Kind.KEY_MISSING),
        (good(state="Disabled"), Kind.KEY_DISABLED),
        (good(state="PendingDeletion"), Kind.KEY_DISABLED),
        (good(usage="SIGN_VERIFY", spec="RSA_2048"), Kind.KEY_UNUSABLE),
        (good(spec="RSA_2048"), Kind.KEY_UNUSABLE),
        (good(usage="GENERATE_VERIFY_MAC", spec="HMAC_256"), Kind.KEY_UNUSABLE),
        (Denied("no"), Kind.UNCHECKED),
        (Unanswered("connection was closed"), Kind.UNCHECKED),
        (Throttled("slow down"), Kind.UNCHECKED),
        (CredentialsError("no", code="UnrecognizedClientException"), Kind.UNCHECKED),
        (good(state=None), Kind.UNCHECKED),
    ],
)
def test_a_key_is_what_kms_says_of_it(known: Key | AwsError, kind: Kind) -> None:
    (finding,) = health(known)
    assert finding.kind is kind
    assert finding.severity is (Severity.WARNING if kind is Kind.UNCHECKED else Severity.ERROR)
    assert "alias/dr" in finding.message
    assert WEST in finding.message
    assert finding.hint


def test_a_disabled_key_of_the_wrong_kind_is_disabled_first() -> None:
    (finding,) = health(good(state="Disabled", spec="RSA_2048"))
    assert finding.kind is Kind.KEY_DISABLED


@given(
    st.sampled_from(STATES) | st.none(),
    st.sampled_from(["ENCRYPT_DECRYPT", "SIGN_VERIFY", None]),
    st.sampled_from(["SYMMETRIC_DEFAULT", "RSA_2048", None]),
)
def test_only_an_enabled_key_that_is_no_other_kind_passes(
    state: str | None, usage: str | None, spec: str | None
) -> None:
    passes = state == "Enabled" and usage != "SIGN_VERIFY" and spec != "RSA_2048"
    assert (health(good(state=state, usage=usage, spec=spec)) == ()) is passes


@pytest.mark.parametrize("state", [each for each in STATES if each != "Enabled"])
def test_a_key_that_is_not_enabled_has_a_cure_for_a_shell(state: str) -> None:
    """By the key's ARN, since AWS takes no alias to enable a key, and quoted, whatever it is."""
    (finding,) = health(good(state=state, arn="it's"), name="alias/dr")
    assert "aws kms " in (finding.hint or "")
    assert "'it'\"'\"'s'" in (finding.hint or "")
    assert "alias/dr" not in (finding.hint or "")


def test_the_default_key_of_the_primary_is_not_looked_at() -> None:
    versions = (Version("v1", ("AWSCURRENT",), ("DefaultEncryptionKey",)),)
    assert list(required_keys(secret(), versions)) == []
    assert list(required_keys(secret(kms_key_id="alias/aws/secretsmanager"), versions)) == []


def test_each_key_of_the_primary_is_looked_at_once_however_it_is_spelled() -> None:
    full = KEY.format("11111111-2222-3333-4444-555555555555")
    versions = (
        Version("v1", ("AWSCURRENT",), (full,)),
        Version("v2", ("AWSPREVIOUS",), ("11111111-2222-3333-4444-555555555555",)),
        Version("v3", ("mine",), ("alias/old",)),
        Version("v4", ("yours",), ("alias/old",)),
        Version("v5", (), ("alias/unlabelled",)),
        Version("v6", ("keyless",), ()),
    )
    found = {each.key: each.subject for each in required_keys(secret(kms_key_id=full), versions)}
    assert list(found) == [full, "alias/old"]
    assert found[full] == "the primary's own key"
    assert ("v3" in found["alias/old"], "mine" in found["alias/old"]) == (True, True)


def test_the_cures_of_a_primary_name_it() -> None:
    assert f"--secret-id {ARN} --region us-east-1 --kms-key-id" in RequiredKey("alias/own").cure(secret())
    old = RequiredKey("alias/old", Version("v3", ("mine",), ("alias/old",)))
    label = f"--secret-id {ARN} --region us-east-1 --version-stage mine --remove-from-version-id v3"
    assert label in old.cure(secret())


@pytest.mark.parametrize("command", ["replicate", "retry", "rekey"])
def test_another_key_is_named_in_the_command_that_ran(command: str) -> None:
    assert with_other_key(command, secret(), WEST) == (
        f"use another key in us-west-2:\n  smrep {command} prod/db --primary-region us-east-1 -r us-west-2=alias/NAME"
    )


# Regions


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        ({WEST: True, HOME: True}, None),
        ({WEST: False, HOME: True}, Kind.REGION_DISABLED),
        ({HOME: True}, Kind.REGION_UNKNOWN),
        ({}, Kind.REGION_UNKNOWN),
        (None, Kind.UNCHECKED),
    ],
)
def test_a_region_is_what_the_account_says_of_it(states: dict[str, bool] | None, kind: Kind | None) -> None:
    found = region_state(WEST, states)
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(WEST in each.message and each.hint for each in found)
    assert all((each.severity is Severity.WARNING) is (states is None) for each in found)


# managers


@pytest.mark.parametrize(
    ("name", "owner", "named"),
    [
        ("rds!db-1", None, "rds"),
        ("rds!db-1", "rds", "rds"),
        ("prod/db", "appflow", "appflow"),
        ("ecs-sc!x!y", None, "ecs-sc"),
    ],
)
def test_a_managed_secret_is_warned_of(name: str, owner: str | None, named: str) -> None:
    (finding,) = managed_warning(secret(name=name, owning_service=owner))
    assert (finding.kind, finding.severity) == (Kind.MANAGED, Severity.WARNING)
    assert f"service {named}," in finding.message


@pytest.mark.parametrize("name", ["prod/db", "!odd", "rds/db-1"])
def test_a_secret_that_nobody_manages_is_not(name: str) -> None:
    assert managed_warning(secret(name=name)) == ()


# what becomes of a step

TARGET = Target(WEST)
ENTRY = Replica(WEST, "Failed", "no luck")
NO = Finding(Kind.KEY_MISSING, Severity.ERROR, "no such key", "make one")
ALSO_NO = Finding(Kind.KEY_DISABLED, Severity.ERROR, "disabled", "enable it")
MAYBE = Finding(Kind.UNCHECKED, Severity.WARNING, "not checked", "allow it")
OWN = Finding(Kind.NAME_CONFLICT, Severity.WARNING, "a different secret")
ACTIVE: list[RegionStep] = [
    Add(TARGET, (OWN,)),
    Retry(TARGET, ENTRY, (OWN,)),
    Overwrite(TARGET, secret(), ENTRY, (OWN,)),
]


@pytest.mark.parametrize("step", ACTIVE)
def test_a_definite_no_stops_what_would_be_sent(step: RegionStep) -> None:
    stopped = with_blockers(step, (MAYBE, NO, ALSO_NO))
    assert isinstance(stopped, Skip)
    assert (stopped.error.code, stopped.error.outcome) == ("key_missing", Outcome.FAILED)
    assert (stopped.error.message, stopped.error.hint) == (NO.message, NO.hint)
    assert set(stopped.findings) >= {MAYBE, NO, ALSO_NO}


@pytest.mark.parametrize("step", ACTIVE[:2])
def test_what_could_not_be_checked_stops_nothing_that_destroys_nothing(step: RegionStep) -> None:
    passed = with_blockers(step, (MAYBE,))
    assert type(passed) is type(step)
    assert passed.findings == (OWN, MAYBE)


def test_what_could_not_be_checked_stops_what_destroys() -> None:
    assert isinstance(with_blockers(ACTIVE[2], (MAYBE,)), Skip)


@pytest.mark.parametrize("step", ACTIVE)
def test_nothing_found_changes_nothing(step: RegionStep) -> None:
    assert with_blockers(step, ()) == step


def test_a_region_that_is_kept_is_not_changed() -> None:
    kept = Keep(TARGET, ENTRY, (OWN,))
    assert with_blockers(kept, (NO,)) is kept
