"""Several accounts: roles lead into them, nothing leaks between them."""

import json

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError

HOME, WEST = "us-east-1", "us-west-2"
FIRST, OTHER, THIRD = "123456789012", "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{OTHER}:role/team/x"


def take_on(account, role=ROLE, access_key="", **params):
    """The access key of a role taken on."""
    wanted = {"RoleArn": role, "RoleSessionName": "me", **params}
    answer = account.simulator.call("sts", "AssumeRole", HOME, wanted, access_key=access_key)
    return answer["Credentials"]["AccessKeyId"]


def names(account, access_key="", region=HOME):
    answer = account.simulator.call("secretsmanager", "ListSecrets", region, {}, access_key=access_key)
    return [row["Name"] for row in answer["SecretList"]]


def create(place, name, region=HOME, **params):
    return place.call("secretsmanager", "CreateSecret", region, {"Name": name, "SecretString": "x", **params})


def refusal(call, *words, **more):
    with pytest.raises(ApiError) as caught:
        call(*words, **more)
    return caught.value.code


def test_a_role_of_another_account_finds_that_accounts_secrets_and_keys(account):
    simulator, there = account.simulator, account.simulator.account(OTHER)
    account.secret("ours")
    key = account.key(alias="alias/dr")
    create(there, "theirs", AddReplicaRegions=[{"Region": WEST}])
    account.tick(2)
    role = take_on(account)
    assert (names(account), names(account, role)) == (["ours"], ["theirs"])
    assert (names(account, region=WEST), names(account, role, WEST)) == ([], ["theirs"])
    assert refusal(simulator.call, "kms", "DescribeKey", HOME, {"KeyId": "alias/dr"}, access_key=role)
    denied = refusal(simulator.call, "kms", "DescribeKey", HOME, {"KeyId": key}, access_key=role)
    assert denied == "AccessDeniedException"  # no key policy lets another account in
    new = create(there, "new")["ARN"]
    assert new.startswith(f"arn:aws:secretsmanager:us-east-1:{OTHER}:secret:new-")


def test_a_role_of_the_first_account_is_at_home(account):
    account.secret()
    assert names(account, take_on(account, f"arn:aws:iam::{FIRST}:role/x")) == ["db"]


def test_a_role_can_take_on_another(account):
    role = take_on(account, f"arn:aws:iam::{THIRD}:role/y", access_key=take_on(account))
    answer = account.simulator.call("sts", "GetCallerIdentity", HOME, {}, access_key=role)
    assert answer["Account"] == THIRD
    assert [call.account for call in account.simulator.log] == [FIRST, OTHER, THIRD]


def test_an_account_has_a_user_of_its_own(account):
    answer = account.simulator.account(OTHER).call("sts", "GetCallerIdentity", HOME, {})
    assert (answer["Account"], answer["Arn"]) == (OTHER, f"arn:aws:iam::{OTHER}:user/sandbox")


def test_the_first_account_is_one_of_them(account):
    assert account.simulator.account(FIRST) is account.simulator
    assert account.simulator.account(OTHER) is account.simulator.account(OTHER)
    with pytest.raises(ValueError, match="twelve digits"):
        account.simulator.account("x")


def test_an_expired_role_is_refused_and_logged_with_its_account(account):
    role = take_on(account)
    account.tick(3600)
    sent = ("secretsmanager", "ListSecrets", HOME, {})
    assert refusal(account.simulator.call, *sent, access_key=role) == "ExpiredTokenException"
    assert (account.simulator.log[-1].account, account.simulator.log[-1].code) == (OTHER, "ExpiredTokenException")


def test_a_trusted_role_wants_its_external_id(account):
    account.simulator.put_trust(ROLE, "build-7")
    for given_id in ({}, {"ExternalId": "build-8"}):
        with pytest.raises(ApiError, match=rf"user/sandbox is not .* sts:AssumeRole on resource: {ROLE}") as caught:
            take_on(account, **given_id)
        assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    assert take_on(account, ExternalId="build-7")
    assert account.simulator.log[-1].params["ExternalId"] == "build-7"
    assert take_on(account, ROLE + "y", ExternalId="any-will-do")


@pytest.mark.parametrize("external_id", ["x", "", "a b", "x" * 1225])
def test_an_external_id_that_can_be_none_is_refused(account, external_id):
    assert refusal(take_on, account, ExternalId=external_id) == "ValidationError"


def test_each_account_has_its_own_write_quota(account):
    there = account.simulator.account(OTHER)
    account.secret()
    create(there, "db")
    account.simulator.faults = Faults(write_quota=1)
    update = ("secretsmanager", "UpdateSecret", HOME, {"SecretId": "db", "Description": "x"})
    account.simulator.call(*update)
    there.call(*update)
    assert refusal(there.call, *update) == refusal(account.simulator.call, *update) == "ThrottlingException"


def test_faults_and_the_spans_without_them_hold_in_every_account(account):
    account.simulator.faults = faults = Faults(denied=frozenset({("CreateSecret", HOME)}), replication_delay_s=9)
    there = account.simulator.account(OTHER)
    assert refusal(create, there, "db") == "AccessDeniedException"
    logged = len(account.simulator.log)
    with account.simulator.undisturbed():
        create(there, "db", AddReplicaRegions=[{"Region": WEST}])
    assert len(account.simulator.log) == logged
    assert account.simulator.faults is faults
    assert refusal(create, account.simulator.account(THIRD), "db") == "AccessDeniedException"
    answer = there.call("secretsmanager", "DescribeSecret", HOME, {"SecretId": "db"})
    assert answer["ReplicationStatus"][0]["Status"] == "InSync"


def test_what_is_under_way_in_an_account_goes_on_while_others_are_asked(account):
    there = account.simulator.account(OTHER)
    create(there, "db", AddReplicaRegions=[{"Region": WEST}])
    account.tick(2)
    account.sm("ListSecrets")
    account.simulator.faults = Faults(failures={WEST: "too late"})
    answer = there.call("secretsmanager", "DescribeSecret", WEST, {"SecretId": "db"})
    assert answer["CreatedDate"] == account.time


def test_the_scene_can_be_set_in_any_account(account):
    there = account.simulator.account(OTHER)
    create(there, "db")
    there.set_replication_status("db", HOME, WEST, "Pending")
    answer = there.call("secretsmanager", "DescribeSecret", HOME, {"SecretId": "db"})
    assert answer["ReplicationStatus"][0]["Status"] == "Pending"


def policy(*statements, **one):
    """A resource policy's text; a statement is about everything, where it does not say otherwise."""
    whole = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    return json.dumps({"Statement": [{**whole, **each} for each in statements or [one]]})


def let_in(account, *statements, **one):
    account.sm("PutResourcePolicy", SecretId="db", ResourcePolicy=policy(*statements, **one))


def describe_as(account, access_key, secret_id, region=HOME):
    sent = ("secretsmanager", "DescribeSecret", region, {"SecretId": secret_id})
    return account.simulator.call(*sent, access_key=access_key)


EVERYBODY, ROOT = {"Principal": "*"}, {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}


def test_a_resource_policy_lets_another_account_in_by_the_whole_arn_alone(account):
    arn, role = account.secret()["ARN"], take_on(account)
    assert refusal(describe_as, account, role, arn) == "AccessDeniedException"
    let_in(account, ROOT)
    assert describe_as(account, role, arn)["ARN"] == arn
    assert account.simulator.log[-1].account == OTHER
    assert refusal(describe_as, account, role, "db") == "ResourceNotFoundException"
    for another in (f"{arn[:-6]}zzzzzz", arn[:-7]):
        assert refusal(describe_as, account, role, another) == "ResourceNotFoundException"
    account.sm("DeleteResourcePolicy", SecretId="db")
    assert refusal(describe_as, account, role, arn) == "AccessDeniedException"


def test_a_name_means_the_callers_own_secret(account):
    account.secret()
    let_in(account, EVERYBODY)
    mine = create(account.simulator.account(OTHER), "db")["ARN"]
    assert describe_as(account, take_on(account), "db")["ARN"] == mine


@pytest.mark.parametrize(
    "principal",
    [
        *("*", {"AWS": "*"}, {"AWS": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:root"}),
        *({"AWS": [FIRST, f"arn:aws:iam::{OTHER}:role/x"]}, {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/x/me"}),
    ],
)
def test_a_principal_is_everybody_an_account_a_role_or_its_session(account, principal):
    arn = account.secret()["ARN"]
    let_in(account, Principal=principal)
    assert describe_as(account, take_on(account), arn)


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"AWS": THIRD}},
        {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/y"}},
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {**ROOT, "Action": "secretsmanager:GetSecretValue"},
        {**ROOT, "Resource": "arn:aws:secretsmanager:*:*:secret:other-*"},
        {**ROOT, "Condition": {"StringEquals": {"aws:RequestedRegion": WEST}}},
        {**ROOT, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"NotPrincipal": {"AWS": OTHER}},
        {},
    ],
)
def test_what_a_policy_does_not_say_of_the_caller_lets_nobody_in(account, statement):
    arn = account.secret()["ARN"]
    let_in(account, statement)
    with pytest.raises(ApiError, match="because no resource-based policy allows the secretsmanager:Desc") as caught:
        describe_as(account, take_on(account), arn)
    assert caught.value.code == "AccessDeniedException"


def test_a_deny_beats_an_allow_and_keeps_out_the_secrets_own_account_too(account):
    arn = account.secret()["ARN"]
    let_in(account, EVERYBODY, {**EVERYBODY, "Effect": "Deny", "Action": "secretsmanager:DescribeSecret"})
    for access_key in ("", take_on(account)):
        with pytest.raises(ApiError, match="with an explicit deny in a resource-based policy") as caught:
            describe_as(account, access_key, arn)
        assert caught.value.code == "AccessDeniedException"


def test_a_replica_lets_in_whom_its_primary_does(account):
    arn, role = account.secret()["ARN"], take_on(account)
    let_in(account, ROOT)
    sent = {"SecretId": arn, "AddReplicaRegions": [{"Region": WEST}]}
    account.simulator.call("secretsmanager", "ReplicateSecretToRegions", HOME, sent, access_key=role)
    account.tick(2)
    there = arn.replace(HOME, WEST)
    assert describe_as(account, role, there, WEST)["ARN"] == there
    assert refusal(describe_as, account, role, "db", WEST) == "ResourceNotFoundException"


PLACE = st.tuples(
    st.sampled_from([FIRST, OTHER, THIRD]), st.sampled_from([HOME, WEST]), st.sampled_from(["db", "api", "x/y"])
)


@examples(60)
@given(places=st.sets(PLACE))
def test_accounts_do_not_see_each_others_secrets(account_with, places):
    account = account_with()
    arns = {place: create(account.simulator.account(place[0]), place[2], place[1])["ARN"] for place in sorted(places)}
    for account_id in (FIRST, OTHER, THIRD):
        role = take_on(account, f"arn:aws:iam::{account_id}:role/x")
        for region in (HOME, WEST):
            own = {name for owner, where, name in places if (owner, where) == (account_id, region)}
            assert set(names(account, role, region)) == own
        for (owner, region, _), arn in arns.items():
            if owner != account_id:
                sent = ("secretsmanager", "DescribeSecret", region, {"SecretId": arn})
                assert refusal(account.simulator.call, *sent, access_key=role) == "AccessDeniedException"
