"""What a policy can't be made for, and what a person is told of the one that was made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, UsageError
from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.rules.least_privilege import PolicyScope, check, document, notes, warnings
from smrep.rules.policy_size import MANAGED_POLICY_MAX, size
from smrep.rules.primary_region import SecretAddress

EAST, WEST, DUBLIN = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ACCOUNT, OTHER = "123456789012", "999999999999"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/0f0e0d0c-1111-4222-8333-444455556666"
ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-a1b2c3"


def scope(*commands: str, secrets: Any = ("prod/db",), regions: Any = ("us-west-2",), **more: Any) -> PolicyScope:
    """Return a scope in which all is well, but for what is given."""
    targets = tuple(Target(Region(name), key or None) for name, _, key in (each.partition("=") for each in regions))
    addresses = tuple(SecretAddress(SecretId(each), EAST) for each in secrets)
    more.setdefault("account", ACCOUNT)
    return PolicyScope(commands=frozenset(commands or ("status",)), secrets=addresses, targets=targets, **more)


def refused(of: PolicyScope, default_key: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        check(of, default_key)
    return caught.value


# what contradicts itself

WILDCARDS = "for the secrets whose name begins with prod/: --prefix prod/, or 'prod/*'"
LETTERS = "is not a secret's name: names have letters, digits and /_+=.@-!"
A_KEY = "a key is an ARN, a key id or alias/NAME"


@pytest.mark.parametrize(
    ("of", "default_key", "message", "hint"),
    [
        (
            scope(regions=("us-east-1",)),
            None,
            "us-east-1 is the primary's own Region, which cannot have a replica",
            "use another Region with -r, or name the primary's Region with --primary-region",
        ),
        (scope(secrets=("prod/db", "prod/*/db")), None, f"'prod/*/db' {LETTERS}", WILDCARDS),
        (scope(secrets=("prod/d\u00e9b\u00fct",)), None, f"'prod/d\u00e9b\u00fct' {LETTERS}", WILDCARDS),
        (scope(secrets=(f"{ARN[:-9]}*-a1b2c3",)), None, f"'prod/*-a1b2c3' {LETTERS}", WILDCARDS),
        (
            scope(secrets=(ARN,), account=OTHER),
            None,
            f"{ARN} belongs to account {ACCOUNT}, not to the expected account {OTHER}",
            "omit --expect-account, or use a secret of that account",
        ),
        (scope(regions=("us-west-2=alias/*",)), None, "'alias/*' is not a KMS key", A_KEY),
        (scope(regions=("us-west-2=alias/d\u00e9",)), None, "'alias/dé' is not a KMS key", A_KEY),
        (scope(primary_key="alias/?"), None, "'alias/?' is not a KMS key", A_KEY),
        (
            scope(primary_key=KEY),
            None,
            f"--primary-key {KEY} is not a key in us-east-1",
            "use a key in the primary's Region: an ARN, a key id or alias/NAME",
        ),
        (
            scope(regions=()),
            "alias/dr",
            "--kms-key does nothing without -r",
            "name the replica Regions: -r REGION",
        ),
        (
            scope("status", "retry", overwrite=True),
            None,
            "--force-overwrite does nothing without --for replicate",
            "add it, or omit --force-overwrite",
        ),
        (
            scope("rekey", regions=()),
            None,
            "a policy for rekey needs Regions: without them it would allow UpdateSecret on the primary",
            "name them: -r REGION=KMS_KEY",
        ),
    ],
)
def test_a_contradiction_is_a_usage_error_with_what_to_type_instead(
    of: PolicyScope, default_key: str | None, message: str, hint: str
) -> None:
    error = refused(of, default_key)
    assert (error.message, error.hint, error.outcome) == (message, hint, Outcome.USAGE)


def test_another_account_has_the_code_that_it_has_everywhere() -> None:
    assert refused(scope(secrets=(ARN,), account=OTHER)).code == "AccountMismatch"


def test_a_primary_key_is_held_against_every_home() -> None:
    addresses = (SecretAddress(SecretId("a"), WEST), SecretAddress(SecretId("b"), EAST))
    error = refused(PolicyScope(commands=frozenset({"status"}), secrets=addresses, primary_key=KEY))
    assert error.message == f"--primary-key {KEY} is not a key in us-west-2 and us-east-1"


@pytest.mark.parametrize(
    ("of", "default_key"),
    [
        (scope(), None),
        (scope(), "alias/dr"),
        (scope(regions=()), None),
        (scope(secrets=("*",)), None),
        (scope(secrets=(ARN,)), None),
        (scope(secrets=(ARN,), account=None), None),
        (scope(secrets=("a/_+=.@-!Z9",)), None),
        (scope("replicate", overwrite=True), None),
        (scope("rekey", regions=(f"us-west-2={KEY}",)), None),
        (scope(regions=(f"us-west-2={KEY}", "eu-west-1=alias/dr"), primary_key="alias/main"), None),
        (scope(primary_key=KEY.replace("us-west-2", "us-east-1")), None),
    ],
)
def test_what_does_not_contradict_itself_passes(of: PolicyScope, default_key: str | None) -> None:
    check(of, default_key)


@given(st.text("ab*?${}[]", min_size=1, max_size=9))
def test_no_wildcard_and_no_variable_gets_into_a_policy(name: str) -> None:
    of = scope(secrets=(name,))
    if name == "*" or set(name) <= {"a", "b"}:
        check(of, None)
    else:
        refused(of)


# what makes it wider than it looks

NO_REGIONS = "no -r: the policy allows replicas in every Region, under AWS's default key only; name them: -r REGION"


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (scope(), []),
        (scope("status", regions=()), []),
        (scope("replicate"), []),
        (scope("replicate", regions=()), [NO_REGIONS]),
        (scope("retry", regions=()), [NO_REGIONS]),
        (scope(regions=("us-west-2", "us-west-9")), ["us-west-9 is not a Region that this version knows"]),
    ],
)
def test_a_warning_is_given_only_where_there_is_something_to_warn_of(of: PolicyScope, told: list[str]) -> None:
    assert list(warnings(of, document(of))) == told


def test_a_primary_in_a_region_that_is_not_known_is_warned_of_too() -> None:
    of = PolicyScope(commands=frozenset({"status"}), secrets=(SecretAddress(SecretId("db"), Region("us-east-9")),))
    assert list(warnings(of, document(of))) == ["us-east-9 is not a Region that this version knows"]


def test_a_policy_is_too_long_from_one_character_over_the_limit() -> None:
    policy = {"x": ""}
    policy["x"] = "x" * (MANAGED_POLICY_MAX - size(policy))
    assert list(warnings(scope(), policy)) == []
    policy["x"] += "x"
    (told,) = warnings(scope(), policy)
    assert told == (
        "the policy has 6145 characters without white space, but a managed policy holds at most "
        "6144: --out FOLDER writes several"
    )


# what it leaves out

NO_ACCOUNT = "the account is unknown, so the ARNs allow any; name it: --expect-account ID"
EVERY = "no SECRET: the policy covers every secret in us-east-1"
REMOVAL = "IAM cannot limit a removal to some Regions: the policy allows removing every replica"
PRIMARYS_KEY = (
    "no statement for the primary's key in us-east-1: AWS's default key needs none; for a "
    "customer-managed key, add --primary-key KMS_KEY"
)
REPLICAS_KEYS = (
    "no statement for the replicas' keys in {}: AWS's default key needs none; for customer-managed keys, use "
    "-r REGION=KMS_KEY"
)
OTHER_KEYS = "smrep reports a replica with any other key as unchecked"
REKEY = (
    "rekey: if the old key is customer-managed, it needs a policy too (-r REGION=OLD_KEY); "
    "rekey --recreate also needs --for remove,replicate"
)
BY_ARN = (
    "the policy names an ARN, so smrep cannot check a different secret with that name in a replica Region and reports "
    "it as unchecked: "
)
OWN = ("us-west-2=alias/dr", "eu-west-1=alias/dr")


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (scope(), []),
        (scope(account=None), [NO_ACCOUNT]),
        (scope(secrets=("*",)), [EVERY]),
        (scope("accounts", secrets=("*",), account=None), []),
        (scope("accounts", "audit", secrets=("*",)), [EVERY]),
        (scope(secrets=(ARN,)), [BY_ARN + ARN]),
        (scope(secrets=(ARN, "prod/x", ARN.replace("db", "x"))), [f"{BY_ARN}{ARN}, {ARN.replace('db', 'x')}"]),
        (scope(secrets=(ARN[:-7],)), []),
        (scope("remove"), [REMOVAL]),
        (scope("replicate"), [PRIMARYS_KEY, REPLICAS_KEYS.format("us-west-2")]),
        (scope("replicate", regions=(), primary_key="alias/main"), []),
        (scope("replicate", regions=OWN), [PRIMARYS_KEY, OTHER_KEYS]),
        (scope("retry", regions=OWN, primary_key="alias/main"), [OTHER_KEYS]),
        (
            scope("replicate", regions=("us-west-2", "eu-west-1=alias/dr", "eu-west-2"), primary_key="alias/main"),
            [REPLICAS_KEYS.format("us-west-2, eu-west-2"), OTHER_KEYS],
        ),
        (scope("rekey", regions=OWN), [OTHER_KEYS, REKEY]),
        (scope("status", "verify", "promote", regions=OWN), []),
    ],
)
def test_a_note_is_given_only_for_a_gap(of: PolicyScope, told: list[str]) -> None:
    assert list(notes(of)) == told


def test_the_primarys_key_is_noted_with_every_home() -> None:
    addresses = (SecretAddress(SecretId("a"), EAST), SecretAddress(SecretId("b"), DUBLIN))
    of = PolicyScope(
        commands=frozenset({"replicate"}), secrets=addresses, targets=(Target(WEST, "alias/dr"),), account=OTHER
    )
    assert "key in us-east-1, eu-west-1: " in next(notes(of))
