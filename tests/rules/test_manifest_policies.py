"""A manifest's policies allow what its rules want, for each account, and nothing that no rule wants."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.test_iam_policy_reality import allows
from hypothesis import given
from hypothesis import strategies as st
from policy_scopes import ACCOUNT, DUBLIN, EAST, KEY_ID, TOKYO, WEST

from smrep.errors import UsageError
from smrep.model import Listed, Target
from smrep.regions import Region
from smrep.rules.fleet.desired_state import matching
from smrep.rules.manifest.schema import AccountRole, Home, Manifest, Organization, Rule
from smrep.rules.manifest.selector import Selector
from smrep.rules.manifest_policies import (
    DEFAULT_COMMANDS,
    Policy,
    caller_statements,
    manifest_notes,
    manifest_warnings,
    policies,
    scopes_of,
)

OTHER = "999999999999"
HOME = Home(EAST, ACCOUNT)
REPLICATE, REMOVE = "secretsmanager:ReplicateSecretToRegions", "secretsmanager:RemoveRegionsFromReplication"
DESCRIBE = "secretsmanager:DescribeSecret"


def arn(name: str, region: Region = EAST, account: str = ACCOUNT) -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-a1b2c3"


def rule(
    *regions: Region, key: str | None = None, place: str = "replicate[0]", removes: bool = False, **by: Any
) -> Rule:
    names = frozenset(by.pop("names", ()))
    targets = tuple(Target(region, key) for region in regions or (WEST,))
    return Rule(place, place, Selector(names=names, **by), targets, removes)


def made(*rules: Rule, homes: Any = (HOME,), commands: Any = DEFAULT_COMMANDS, key: str | None = None) -> list[Policy]:
    return policies(scopes_of(Manifest(rules), homes, frozenset(commands), key))


def document(*rules: Rule, **more: Any) -> Any:
    """Return the statements of all policies in one."""
    return {"Statement": [each for policy in made(*rules, **more) for each in policy.document["Statement"]]}


def may_replicate(of: Any, name: str, regions: Any, tags: Any = (), force: str | None = None) -> bool:
    context = {f"secretsmanager:ResourceTag/{key}": [value] for key, value in tags}
    context["secretsmanager:AddReplicaRegions"] = sorted(regions)
    if force:
        context["secretsmanager:ForceOverwriteReplicaSecret"] = [force]
    return allows(of, REPLICATE, arn(name), context)


NAMES = ("prod/a", "prod/b", "dev/a", "prod/a/x")
TAGS = st.sampled_from([(), (("dr", "yes"),), (("dr", "no"),), (("team", "db"),), (("dr", "yes"), ("team", "db"))])
SELECTORS = st.builds(
    Selector,
    names=st.frozensets(st.sampled_from([*NAMES, *map(arn, NAMES)]), max_size=3),
    prefixes=st.lists(st.sampled_from(["prod/", "prod/a", "dev/", "p"]), max_size=2, unique=True).map(tuple),
    tags=TAGS,
    exclude=st.sampled_from([(), ("prod/a",), ("*/a",)]),
)
REGIONS = st.lists(st.sampled_from([WEST, DUBLIN, TOKYO]), min_size=1, max_size=2, unique=True)
RULES = st.lists(
    st.builds(
        lambda selector, regions, removes: Rule("r", "r", selector, tuple(map(Target, regions)), removes),
        SELECTORS,
        REGIONS,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def without_exclusions(rules: list[Rule]) -> list[Rule]:
    return [
        Rule(r.name, r.place, Selector(r.selector.names, r.selector.prefixes, r.selector.tags), r.targets)
        for r in rules
    ]


@given(RULES, st.sampled_from(NAMES), TAGS)
def test_a_secret_may_get_what_its_rules_want_in_one_request_and_a_stranger_nothing(
    rules: list[Rule], name: str, tags: Any
) -> None:
    try:
        of = document(*rules)
    except UsageError as error:
        assert error.message == "no rule can match a secret"  # noqa: PT017 - only then
        return
    secret = Listed(arn(name), name, EAST, tags=tags)
    found = [rules[place] for place in matching(rules, secret)]
    wanted = {target.region for one in found for target in one.targets}
    assert all(may_replicate(of, name, some, tags) for some in (wanted, *({region} for region in wanted)) if some)
    if not matching(without_exclusions(rules), secret):
        assert not any(may_replicate(of, name, {region}, tags) for region in (WEST, DUBLIN, TOKYO))
    context = {f"secretsmanager:ResourceTag/{key}": [value] for key, value in tags}
    may_remove = allows(of, REMOVE, arn(name), context)
    if found and all(one.remove_extra for one in found):
        assert may_remove
    if not any(one.remove_extra for one in without_removal_lost(rules, secret)):
        assert not may_remove
    for one in found:
        assert allows(of, DESCRIBE, arn(name), {})
        assert all(allows(of, DESCRIBE, arn(name, target.region), {}) for target in one.targets)


def without_removal_lost(rules: list[Rule], secret: Listed) -> list[Rule]:
    """Return the rules that match but for their exclusions."""
    return [rules[place] for place in matching(without_exclusions(rules), secret)]


def test_tags_limit_changes_and_no_looks() -> None:
    of = document(rule(tags=(("dr", "true"),)))
    assert may_replicate(of, "x", [WEST], [("dr", "true")])
    assert not may_replicate(of, "x", [WEST], [("dr", "false")])
    assert not may_replicate(of, "x", [WEST])
    assert allows(of, DESCRIBE, arn("x"), {})  # it may have lost its tag since it was listed


def test_a_tag_is_no_policy_variable() -> None:
    of = document(rule(tags=(("who", "${aws:username}"),)))
    assert '"secretsmanager:ResourceTag/who": "${$}{aws:username}"' in json.dumps(of)


def test_nothing_is_overwritten_and_no_other_region_gets_a_replica() -> None:
    of = document(rule(WEST, DUBLIN, prefixes=("prod/",)))
    assert may_replicate(of, "prod/a", [WEST, DUBLIN], force="false")
    assert not may_replicate(of, "prod/a", [WEST], force="true")
    assert not may_replicate(of, "prod/a", [WEST, TOKYO])
    assert not may_replicate(of, "dev/a", [WEST])


def test_rules_that_share_no_secret_do_not_share_their_regions() -> None:
    of = document(rule(WEST, prefixes=("prod/",)), rule(DUBLIN, prefixes=("dev/",)))
    assert not may_replicate(of, "prod/a", [DUBLIN])
    of = document(rule(WEST, tags=(("dr", "a"),)), rule(DUBLIN, tags=(("dr", "b"),)))
    assert not may_replicate(of, "prod/a", [DUBLIN], [("dr", "a")])


SHARED = [
    (rule(names=["prod/x"]), rule(DUBLIN, names=["prod/x"]), True),
    (rule(names=["prod/x"]), rule(DUBLIN, names=["prod/y"]), False),
    (rule(names=["prod/x"]), rule(DUBLIN, prefixes=("prod/",)), True),
    (rule(names=["prod/x"]), rule(DUBLIN, prefixes=("dev/",)), False),
    (rule(names=["prod/x"]), rule(DUBLIN, prefixes=("prod/",), exclude=("*/x",)), False),
    (rule(names=["prod/x"]), rule(DUBLIN, names=[arn("prod/x")]), True),
    (rule(names=["prod/x-a1b2c3"]), rule(DUBLIN, names=[arn("prod/x")]), True),
    (rule(names=["prod/x-A1B2C3"]), rule(DUBLIN, names=[arn("prod/x")]), False),
    (rule(names=["prod/x"]), rule(DUBLIN, names=[arn("prod/x")[:-6] + "Z9z9Z9"]), True),
    (rule(names=[arn("prod/x")]), rule(DUBLIN, names=["prod/x"]), True),
    (rule(names=[arn("prod/x")]), rule(DUBLIN, prefixes=("prod/",)), True),
    (rule(names=[arn("prod/x")]), rule(DUBLIN, prefixes=("dev/",)), False),
    (rule(prefixes=("prod/",)), rule(DUBLIN, names=["prod/x"]), True),
    (rule(prefixes=("prod/",)), rule(DUBLIN, names=["dev/x"]), False),
    (rule(prefixes=("prod/",)), rule(DUBLIN, prefixes=("prod/db/",)), True),
    (rule(prefixes=("prod/db/",)), rule(DUBLIN, prefixes=("prod/",)), True),
    (rule(prefixes=("prod/",)), rule(DUBLIN, prefixes=("dev/",)), False),
    (rule(prefixes=("prod/",)), rule(DUBLIN, prefixes=("prod/",), exclude=("prod/*",)), True),
    (rule(prefixes=("prod/",)), rule(DUBLIN, tags=(("dr", "a"),)), True),
    (rule(tags=(("dr", "a"),)), rule(DUBLIN, tags=(("team", "b"),)), True),
    (rule(tags=(("dr", "a"),)), rule(DUBLIN, tags=(("dr", "b"),)), False),
]
"""A rule, another one, and whether they may select the same secret."""


@pytest.mark.parametrize(("first", "second", "shares"), SHARED)
def test_rules_that_may_share_a_secret_allow_all_its_regions_at_once(first: Rule, second: Rule, shares: bool) -> None:
    (scope, *_) = scopes_of(Manifest((first, second)), [HOME], frozenset(DEFAULT_COMMANDS), None)
    assert {target.region for target in scope.targets} == ({WEST, DUBLIN} if shares else {WEST})
    assert scope.tags == first.selector.tags


def test_two_rules_may_name_a_region_with_its_key_and_without() -> None:
    (scope,) = scopes_of(
        Manifest((rule(names=["a"]), rule(names=["a"], key=KEY_ID))), [HOME], frozenset(DEFAULT_COMMANDS), None
    )
    assert scope.targets == (Target(WEST), Target(WEST, KEY_ID))


def test_an_arn_counts_in_its_own_region_and_account_only() -> None:
    homes = [HOME, Home(TOKYO, ACCOUNT), Home(EAST, OTHER)]
    of = Manifest((rule(names=[arn("x"), "y"]),))
    scopes = scopes_of(of, homes, frozenset(["audit"]), None)
    found = {(scope.account, each.region, each.secret_id) for scope in scopes for each in scope.secrets}
    assert found == {
        (ACCOUNT, EAST, arn("x")),
        *((each.account, each.region, "y") for each in homes),
    }


def test_replicas_are_removed_only_where_a_rule_says_so_and_looked_at_anywhere() -> None:
    of = document(rule(names=["keeps"]), rule(names=["drops"], removes=True))
    assert allows(of, REMOVE, arn("drops"), {})
    assert not allows(of, REMOVE, arn("keeps"), {})
    assert allows(of, DESCRIBE, arn("drops", TOKYO), {})
    assert not allows(of, DESCRIBE, arn("keeps", TOKYO), {})
    audit = document(rule(names=["drops"], removes=True), commands=["audit"])
    assert not allows(audit, REMOVE, arn("drops"), {})
    assert not may_replicate(audit, "drops", [WEST])


def test_a_key_of_a_rule_is_used_in_its_region_and_the_primarys_key_at_home() -> None:
    of = document(rule(WEST, names=["a"], key=KEY_ID), rule(DUBLIN, names=["b"]), key="alias/main")
    used = {each["Resource"][0]: each["Action"] for each in of["Statement"] if each["Sid"].startswith("UseKeys")}
    assert used == {
        f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{KEY_ID}": ["kms:Encrypt", "kms:GenerateDataKey"],
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*": ["kms:Decrypt"],
    }


def test_each_account_gets_its_own_policies_and_the_caller_the_roles() -> None:
    roles = [AccountRole(f"account[{n}]", f"arn:aws:iam::{each}:role/smrep") for n, each in enumerate((ACCOUNT, OTHER))]
    homes = [Home(EAST, ACCOUNT, roles[0]), Home(DUBLIN, OTHER, roles[1]), Home(TOKYO, OTHER, roles[1])]
    manifest = Manifest((rule(names=["a", arn("b")]),), accounts=tuple(roles))
    scopes = scopes_of(manifest, homes, frozenset(DEFAULT_COMMANDS), None)
    caller, mine, others = policies(scopes, caller_statements(manifest, homes))
    assert [each.name for each in (caller, mine, others)] == [
        "smrep-caller-1",
        f"smrep-{ACCOUNT}-1",
        f"smrep-{OTHER}-1",
    ]
    assert caller.document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AssumeRoles",
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Resource": sorted(role.role_arn for role in roles),
            }
        ],
    }
    assert OTHER not in json.dumps(mine.document)
    assert ACCOUNT not in json.dumps(others.document)
    assert "secret:b-" not in json.dumps(others.document)
    (written,) = [each for each in others.document["Statement"] if each["Sid"] == "Replicate"]
    assert [each.split(":")[3] for each in written["Resource"]] == [TOKYO, DUBLIN]


@pytest.mark.parametrize("lookup", [None, f"arn:aws:iam::{OTHER}:role/lookup"])
def test_an_organizations_accounts_share_policies_and_the_caller_finds_them_or_its_role_does(
    lookup: str | None,
) -> None:
    organization = Organization("path/smrep", lookup_role_arn=lookup)
    manifest = Manifest((rule(names=["a", arn("b")]),), organization=organization)
    scopes = scopes_of(manifest, [Home(EAST)], frozenset(DEFAULT_COMMANDS), None)
    caller, *others = policies(scopes, caller_statements(manifest, [Home(EAST)]))
    *finding, assume = caller.document["Statement"]
    assert assume["Resource"] == [*filter(None, [lookup]), "arn:aws:iam::*:role/path/smrep"][::-1]
    found = {action.partition(":")[0] for each in finding for action in each["Action"]}
    assert found == (set() if lookup else {"organizations"})
    assert [each.name for each in others] == ["smrep-1"]
    assert ":*:secret:a-" in json.dumps(others[0].document)
    (note, *_) = manifest_notes(manifest, scopes)
    assert note == "the policies smrep-* are for each account of the organization, so their ARNs name none"


@pytest.mark.parametrize(("names", "account"), [([arn("a"), "b"], ACCOUNT), (["b"], "*")])
def test_without_a_guard_the_account_is_that_of_the_arns(names: list[str], account: str) -> None:
    (policy,) = made(rule(names=names), homes=[Home(EAST)])
    assert policy.name == ("smrep-1" if account == "*" else f"smrep-{account}-1")
    assert f":{account}:secret:b-" in json.dumps(policy.document)


def test_names_that_can_never_match_are_left_out() -> None:
    text = json.dumps(document(rule(names=["prod/a", "prod/tmp", "dev/a"], prefixes=("prod/",), exclude=("*/tmp",))))
    assert "prod/a" in text
    assert "prod/tmp" not in text
    assert "dev/a" not in text


def test_a_resource_that_a_pattern_covers_is_not_repeated() -> None:
    of = document(rule(prefixes=("prod/", "prod/db/")), rule(names=["prod/x"]))
    assert "prod/db" not in json.dumps(of)
    assert "prod/x" not in json.dumps(of)


def test_many_names_become_several_policies_and_too_many_for_a_role_are_told() -> None:
    few, many = ([f"prod/payments/db-{number:04}" for number in range(count)] for count in (50, 300))
    scopes = scopes_of(Manifest((rule(WEST, DUBLIN, names=few),)), [HOME], frozenset(DEFAULT_COMMANDS), None)
    assert 1 < len(policies(scopes)) <= 10
    assert list(manifest_warnings(scopes, policies(scopes))) == []
    scopes = scopes_of(Manifest((rule(WEST, DUBLIN, names=many),)), [HOME], frozenset(DEFAULT_COMMANDS), None)
    (told,) = manifest_warnings(scopes, policies(scopes))
    assert told == (
        f"{len(policies(scopes))} policies smrep-{ACCOUNT}-*, but a role holds 10 unless AWS raises that quota: "
        "select by prefix or tags instead of names"
    )


def test_ten_policies_are_not_too_many_for_a_role() -> None:
    scopes = scopes_of(Manifest((rule(names=["a"]),)), [HOME], frozenset(DEFAULT_COMMANDS), None)
    ten = [Policy(f"smrep-{number}", {}) for number in range(10)]
    assert list(manifest_warnings(scopes, ten)) == []
    (told,) = manifest_warnings(scopes, [*ten, Policy("smrep-11", {})])
    assert told.startswith("11 policies smrep-*, but")


def test_every_region_is_one_that_smrep_knows_or_is_warned_of() -> None:
    strange, home = Region("us-west-9"), Region("us-east-9")
    of = Manifest((rule(names=["a"]), rule(strange, names=["b"])))
    scopes = scopes_of(of, [HOME, Home(home, ACCOUNT)], frozenset(DEFAULT_COMMANDS), None)
    assert list(manifest_warnings(scopes, [])) == [
        f"{region} is not a Region that this version knows" for region in (home, strange)
    ]


def test_all_rules_with_exclusions_are_named() -> None:
    rules = (rule(prefixes=("a",), exclude=("ab*",)), rule(prefixes=("b",), exclude=("bc*",), place="other"))
    scopes = scopes_of(Manifest(rules), [HOME], frozenset(["audit"]), None)
    (told,) = manifest_notes(Manifest(rules), scopes)
    assert told == "IAM cannot exclude names: the policy covers those too that replicate[0], other excludes"


@pytest.mark.parametrize("prefix", ["prod/*", "prod?", "${aws:username}", "pröd/"])
def test_a_prefix_that_iam_would_read_otherwise_is_refused_with_its_place(prefix: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(rule(prefixes=("fine/", prefix), place="replicate[3]"))
    (mistake,) = caught.value.details
    assert mistake.startswith(f"replicate[3].prefix: {prefix!r} begins no secret's name")
    assert caught.value.message == "the manifest has prefixes that match no secret"
    assert caught.value.code == "ManifestError"


def test_rules_that_can_match_nothing_make_no_policy() -> None:
    with pytest.raises(UsageError) as caught:
        made(rule(names=["a"], exclude=("a",)))
    assert caught.value.message == "no rule can match a secret"
    assert caught.value.hint == "check names against prefix, exclude and the primary Region"


def test_a_wildcard_in_a_key_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a KMS key"):
        made(rule(names=["a"], key="alias/*"))


NO_ACCOUNT = "the account is unknown, so the ARNs allow any; add account_id to the manifest"
EXCLUDES = "IAM cannot exclude names: the policy covers those too that replicate[0] excludes"
REMOVAL = "IAM cannot limit a removal to some Regions: the policy allows removing every replica"
KEYS = (
    "no statement for the replicas' keys in us-west-2: AWS's default key needs none; "
    "for customer-managed keys, give the Regions a kms_key in the manifest"
)


@pytest.mark.parametrize(
    ("of", "home", "told"),
    [
        (rule(names=["a"]), HOME, []),
        (rule(names=["a"]), Home(EAST), [NO_ACCOUNT]),
        (rule(prefixes=("a",), exclude=("ab*",)), HOME, [EXCLUDES]),
        (rule(names=["a"], exclude=("ab*",)), HOME, []),
        (rule(names=["a"], removes=True), HOME, [REMOVAL]),
    ],
)
def test_a_note_is_given_only_for_a_gap(of: Rule, home: Home, told: list[str]) -> None:
    scopes = scopes_of(Manifest((of,)), [home], frozenset(DEFAULT_COMMANDS), "alias/main")
    assert sorted(manifest_notes(Manifest((of,)), scopes)) == sorted([*told, KEYS])
