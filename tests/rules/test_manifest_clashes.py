"""Parts of a manifest that are right on their own and contradict each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smrep.errors import UsageError
from smrep.rules.manifest.parser import parse

ACCOUNT, OTHER = "123456789012", "999999999999"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dr"
ID = "0f0e0d0c-1111-4222-8333-444455556666"
RULE: dict[str, Any] = {"prefix": "a", "regions": ["us-west-2"]}


def told(*rules: dict[str, Any], **fields: Any) -> tuple[str, ...]:
    """Return what is said of a manifest of these rules; nothing where it is right."""
    try:
        parse(json.dumps({"schema": 1, "replicate": rules or [RULE]} | fields), "x")
    except UsageError as error:
        return error.details
    return ()


def secret(region: str = "us-east-1", account: str = ACCOUNT) -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:a-a1b2c3"


def keyed(key: str | None, **fields: Any) -> dict[str, Any]:
    """Return a rule that gives the secret `db` this key in us-west-2."""
    return {"names": ["db"], "regions": [{"region": "us-west-2"} | ({"kms_key": key} if key else {})]} | fields


# guards


def test_a_primarys_own_region_holds_no_replica() -> None:
    own = "replicate[0].regions[0]: us-west-2 is the primary's own Region, which cannot have a replica"
    assert told(primary_region="us-west-2") == (own,)
    assert told(account=[{"role_arn": ROLE, "region": "us-west-2"}], primary_region="us-east-1") == (own,)
    assert told({"names": [secret("us-west-2")], "regions": ["us-west-2"]}) == (own,)


def test_a_replica_lies_in_its_primarys_partition() -> None:
    assert told(primary_region="cn-north-1") == (
        (
            "replicate[0].regions[0]: us-west-2 is in partition aws, but the primary's Region "
            "cn-north-1 is in aws-cn; secrets replicate only within a partition"
        ),
    )


def test_arns_and_roles_are_of_the_account_that_guards_the_manifest() -> None:
    rule = {"names": [secret(account=OTHER)], "regions": ["us-west-2"]}
    role = {"role_arn": ROLE.replace(ACCOUNT, OTHER)}
    assert told(rule, account_id=ACCOUNT, account=[role]) == (
        f"account[0].role_arn: the role belongs to account {OTHER}, but account_id is {ACCOUNT}",
        f"replicate[0].names[0]: '{secret(account=OTHER)}' belongs to account {OTHER}, but account_id is {ACCOUNT}",
    )
    assert told(rule, account=[role]) == ()


def test_arns_are_of_a_region_where_primaries_are_wanted_as_far_as_that_is_known() -> None:
    rule = {"names": [secret("eu-west-1")], "regions": ["us-west-2"]}
    there, elsewhere = {"role_arn": ROLE, "region": "eu-west-1"}, {"role_arn": ROLE, "region": "us-east-2"}
    wrong = f"replicate[0].names[0]: '{secret('eu-west-1')}' is in eu-west-1, but the primaries are in"
    assert told(rule, primary_region="us-east-1") == (f"{wrong} us-east-1",)
    assert told(rule, account=[elsewhere]) == (f"{wrong} us-east-2",)
    assert told(rule, primary_region="us-east-1", account=[elsewhere]) == (f"{wrong} us-east-1 and us-east-2",)
    assert told(rule, primary_region="us-east-1", account=[there]) == ()
    assert told(rule, account=[{"role_arn": ROLE}]) == told(rule) == ()
    (unread,) = told(rule, primary_region="us-east-1", account=[there | {"region": "eu-wst-1"}])
    assert unread.startswith("account[0].region: "), "nothing is concluded from what could not be read"


# rules that repeat each other


def test_two_rules_have_two_names() -> None:
    other = RULE | {"prefix": "b"}
    taken = "is already the name of replicate[0]"
    assert told(RULE | {"name": "x"}, other | {"name": "x"}) == (f"replicate[1].name: 'x' {taken}",)
    assert told(RULE | {"name": "replicate[1]"}, other) == (f"replicate[1].name: 'replicate[1]' {taken}",)


@pytest.mark.parametrize("name", [{}, {"name": "x"}, {"name": "y"}])
def test_a_rule_appears_once_whatever_its_name(name: dict[str, str]) -> None:
    rule = {"names": ["a", "b"], "regions": ["us-west-2", "eu-west-1"]}
    turned = {key: value[::-1] for key, value in rule.items()}
    same = "replicate[1]: is the same rule as replicate[0]; remove one"
    assert told(rule | {"name": "x"}, turned | name) == (same,)
    assert told(rule | {"name": "x"}, turned | {"remove_extra": True}) == ()


def test_rules_that_could_not_be_read_in_full_are_not_called_the_same() -> None:
    assert len(told(RULE | {"tags": 1}, RULE | {"exclude": 1})) == 2


# two keys for one secret and Region


CLASH = (
    "replicate[1].regions: 'db' gets the key 'alias/y' in us-west-2 here and 'alias/x' in replicate[0]; "
    "a replica has one key, so spell it the same way"
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"prefix": "d"}, {"exclude": ["dbs"]}),
        ({}, {"regions": [{"region": "us-west-2", "kms_key": "alias/y"}, "eu-wst-1"]}),
    ],
)
def test_a_secret_that_two_rules_are_sure_to_mean_has_one_key(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert CLASH in told(keyed("alias/x", **first), keyed("alias/y", **second))


@pytest.mark.parametrize(
    "second",
    [
        keyed("alias/x", exclude=["z"]),
        keyed(None),
        keyed("alias/y", tags={"a": "b"}),
        keyed("alias/y", prefix=["x"]),
        keyed("alias/y", exclude=["d*"]),
        keyed("alias/y", names=["other"]),
        keyed("alias/y", regions=[{"region": "eu-west-1", "kms_key": "alias/y"}]),
    ],
)
def test_where_it_is_not_sure_or_only_one_key_is_named_nothing_clashes(second: dict[str, Any]) -> None:
    assert told(keyed("alias/x"), second) == ()


def test_a_selection_that_could_not_be_read_clashes_with_none() -> None:
    (detail,) = told(keyed("alias/x"), keyed("alias/y", names=["db", 5]))
    assert detail.startswith("replicate[1].names[1]: ")


def test_a_rule_without_a_key_hides_no_clash_after_it() -> None:
    (detail,) = told(keyed(None), keyed("alias/x"), keyed("alias/y"))
    assert detail == CLASH.replace("[1]", "[2]").replace("[0]", "[1]")


def test_what_an_arn_is_called_is_not_guessed() -> None:
    one, other = (keyed(key, names=[secret()]) for key in ("alias/x", "alias/y"))
    assert len(told(one, other)) == 1
    assert told(one, other | {"exclude": ["z"]}) == told(one, other | {"prefix": "a"}) == ()


def test_two_spellings_of_one_key_are_one_key_where_the_account_is_known() -> None:
    arn = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{ID}"
    assert len(told(keyed(ID), keyed(arn))) == 1
    assert told(keyed(ID), keyed(arn), account_id=ACCOUNT) == ()
    assert told(keyed(ID), keyed(arn), account=[{"role_arn": ROLE}]) == ()
    assert told(keyed(ID, names=[secret()]), keyed(arn, names=[secret()])) == ()
    assert len(told(keyed(ID), keyed("alias/x"), account_id=ACCOUNT)) == 1
    roles = [{"role_arn": ROLE}, {"role_arn": ROLE.replace(ACCOUNT, OTHER)}]
    assert len(told(keyed(ID), keyed(arn), account=roles)) == 1


def test_many_secrets_that_clash_are_one_mistake() -> None:
    names = [f"db{number}" for number in range(1000)]
    (detail,) = told(keyed("alias/x", names=names), keyed("alias/y", names=names))
    assert detail.startswith("replicate[1].regions: 'db0' (and 999 more) gets the key 'alias/y' in us-west-2 here")
