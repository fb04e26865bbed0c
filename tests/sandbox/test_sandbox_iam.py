"""What IAM's simulation says, by the policies that the test has put there."""

import pytest

from smrep.sandbox.simulator.simulated_aws import ApiError

ROLE = "arn:aws:iam::123456789012:role/team/Replicator"
USER = "arn:aws:iam::123456789012:user/sandbox"
REPLICATE, DESCRIBE = "secretsmanager:ReplicateSecretToRegions", "secretsmanager:DescribeSecret"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf"
OTHER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:test/db-AbCdEf"
WEST = "us-west-2"
REGIONS_KEY = "secretsmanager:AddReplicaRegions"


def allow(action="secretsmanager:*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def simulate(account, *statements, actions=(REPLICATE,), resources=(SECRET,), source=ROLE, **context):
    """The EvaluationResults for a role with these statements."""
    if statements:
        account.simulator.put_role(ROLE, {"Version": "2012-10-17", "Statement": list(statements)})
    entries = [
        {"ContextKeyName": f"secretsmanager:{key}", "ContextKeyValues": values, "ContextKeyType": "stringList"}
        for key, values in context.items()
    ]
    params = {
        "PolicySourceArn": source,
        "ActionNames": list(actions),
        "ResourceArns": list(resources),
        "ContextEntries": entries,
    }
    answer = account.simulator.call("iam", "SimulatePrincipalPolicy", "us-east-1", params)
    assert answer["IsTruncated"] is False
    return answer["EvaluationResults"]


def decision(account, *statements, **more):
    (result,) = simulate(account, *statements, **more)
    return result["EvalDecision"]


def refused(account, **params):
    with pytest.raises(ApiError) as caught:
        account.simulator.call("iam", "SimulatePrincipalPolicy", "us-east-1", params)
    return caught.value.code, caught.value.message, caught.value.status


@pytest.mark.parametrize(
    ("statements", "wanted"),
    [
        ([allow()], "allowed"),
        ([allow("SecretsManager:replicate*")], "allowed"),
        ([allow(["kms:*", REPLICATE], [OTHER, SECRET])], "allowed"),
        ([allow(resource="arn:aws:secretsmanager:*:*:secret:prod/??-*")], "allowed"),
        ([allow(resource="arn:aws:secretsmanager:*:*:secret:PROD/*")], "implicitDeny"),
        ([allow(DESCRIBE)], "implicitDeny"),
        ([allow("secretsmanager:ReplicateSecret[A-Z]*")], "implicitDeny"),
        ([allow(), deny("secretsmanager:Replicate*")], "explicitDeny"),
        ([deny(REPLICATE), allow()], "explicitDeny"),
        ([allow(), deny(REPLICATE, OTHER)], "allowed"),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "allowed"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": SECRET}], "implicitDeny"),
    ],
)
def test_a_deny_beats_an_allow_and_nothing_denies(account, statements, wanted):
    assert decision(account, *statements) == wanted


WANTED = {REGIONS_KEY: ["us-west-2", "eu-*"]}


@pytest.mark.parametrize(
    ("condition", "given", "wanted"),
    [
        ({"StringEquals": {REGIONS_KEY: "us-west-2"}}, ["us-west-2"], "allowed"),
        ({"StringEquals": {REGIONS_KEY: "us-west-2"}}, ["us-east-2"], "implicitDeny"),
        ({"StringEquals": {REGIONS_KEY: "us-west-2"}}, None, "implicitDeny"),
        ({"StringEquals": WANTED}, ["eu-west-1"], "implicitDeny"),
        ({"StringLike": WANTED}, ["eu-west-1"], "allowed"),
        ({"StringLike": {REGIONS_KEY.upper(): "eu-*"}}, ["eu-west-1"], "allowed"),
        ({"ForAllValues:StringLike": WANTED}, ["us-west-2", "eu-west-1"], "allowed"),
        ({"ForAllValues:StringLike": WANTED}, ["us-west-2", "ap-east-1"], "implicitDeny"),
        ({"ForAllValues:StringLike": WANTED}, None, "allowed"),
        ({"ForAnyValue:StringLike": WANTED}, ["us-west-2", "ap-east-1"], "allowed"),
        ({"ForAnyValue:StringNotLike": WANTED}, None, "implicitDeny"),
        ({"StringNotEquals": WANTED}, ["ap-east-1"], "allowed"),
        ({"StringNotLike": WANTED}, ["ap-east-1", "us-west-2"], "implicitDeny"),
        ({"StringNotLike": WANTED}, None, "allowed"),
        ({"StringEqualsIfExists": WANTED}, None, "allowed"),
        ({"Null": {REGIONS_KEY: True}}, None, "allowed"),
        ({"Null": {REGIONS_KEY: "false"}}, None, "implicitDeny"),
        ({"Null": {REGIONS_KEY: "false"}}, ["us-west-2"], "allowed"),
    ],
)
def test_conditions(account, condition, given, wanted):
    context = {} if given is None else {"AddReplicaRegions": given}
    assert decision(account, allow(Condition=condition), **context) == wanted


def test_all_conditions_must_hold(account):
    force = "secretsmanager:ForceOverwriteReplicaSecret"
    both = {"StringEquals": {REGIONS_KEY: WEST}, "Bool": {force: False}}
    statement = allow(Condition=both)
    assert decision(account, statement, AddReplicaRegions=[WEST], ForceOverwriteReplicaSecret=["false"]) == "allowed"
    assert decision(account, AddReplicaRegions=[WEST], ForceOverwriteReplicaSecret=["true"]) == "implicitDeny"
    (result,) = simulate(account, AddReplicaRegions=[WEST])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", [force])


def test_one_resource_is_named_itself_and_told_of_twice(account):
    (result,) = simulate(account, allow(Sid="Replicate"))
    matched = [{"SourcePolicyId": "Replicate", "SourcePolicyType": "IAM Policy"}]
    assert result == {
        "EvalActionName": REPLICATE,
        "EvalResourceName": SECRET,
        "EvalDecision": "allowed",
        "MatchedStatements": matched,
        "MissingContextValues": [],
        "ResourceSpecificResults": [
            {
                "EvalResourceName": SECRET,
                "EvalResourceDecision": "allowed",
                "MatchedStatements": matched,
                "MissingContextValues": [],
            }
        ],
    }


def test_of_several_resources_only_the_specific_results_tell(account):
    statements = [allow(resource=SECRET), deny(DESCRIBE, OTHER)]
    first, second = simulate(account, *statements, actions=[REPLICATE, DESCRIBE], resources=[SECRET, OTHER])
    assert first["EvalResourceName"] == "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}"
    assert (first["EvalDecision"], second["EvalDecision"]) == ("allowed", "explicitDeny")
    each = [[row["EvalResourceDecision"] for row in result["ResourceSpecificResults"]] for result in (first, second)]
    assert each == [["allowed", "implicitDeny"], ["allowed", "explicitDeny"]]
    assert [row["SourcePolicyId"] for row in second["MatchedStatements"]] == ["Statement2"]


def test_without_resources_it_is_about_all_of_them(account):
    (result,) = simulate(account, allow(), resources=[])
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", "allowed")
    assert "ResourceSpecificResults" not in result
    assert decision(account, allow(resource=SECRET), resources=["*"]) == "implicitDeny"


def test_the_accounts_one_user_may_do_everything_unless_told_otherwise(account):
    assert decision(account, source=USER) == "allowed"
    account.simulator.put_role(USER, {"Statement": allow(DESCRIBE)})
    assert decision(account, source=USER) == "implicitDeny"


def test_what_the_sandbox_denies_its_simulation_denies_too(account_with):
    account = account_with(denied=frozenset({("ReplicateSecretToRegions", "us-east-1")}))
    there = SECRET.replace("us-east-1", WEST)
    (result,) = simulate(account, source=USER, resources=[SECRET, there])
    each = [row["EvalResourceDecision"] for row in result["ResourceSpecificResults"]]
    assert each == ["implicitDeny", "allowed"]


def test_an_identity_that_there_is_not_is_refused(account):
    nobody = "arn:aws:iam::123456789012:role/team/Nobody"
    message = "The role with name Nobody cannot be found."
    assert refused(account, PolicySourceArn=nobody, ActionNames=[DESCRIBE]) == ("NoSuchEntity", message, 404)


def test_a_session_is_no_identity(account):
    session = "arn:aws:sts::123456789012:assumed-role/Replicator/me"
    message = f"Invalid Entity Arn: {session} does not clearly define entity type and name."
    assert refused(account, PolicySourceArn=session, ActionNames=[DESCRIBE]) == ("InvalidInput", message, 400)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ResourceArns": ["prod/db"]}, "InvalidInput"),
        ({"ActionNames": ["DescribeSecret"]}, "InvalidInput"),
        ({"ResourcePolicy": "{}"}, "InvalidInput"),
        ({"ActionNames": None}, "ValidationError"),
        ({"ContextEntries": [{"ContextKeyName": "aws:x"}]}, "ValidationError"),
    ],
)
def test_what_makes_no_sense_or_is_not_modelled_is_refused(account, change, code):
    params = {"PolicySourceArn": USER, "ActionNames": [DESCRIBE], **change}
    assert refused(account, **params)[0] == code


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"Statement": "x"},
        {"Statement": ["x"]},
        {"Statement": allow(Principal="*")},
        {"Statement": {**allow(), "Effect": "allow"}},
        {"Statement": {"Effect": "Allow", "Action": "*"}},
        {"Statement": allow(NotAction="*")},
        {"Statement": allow(action=[])},
        {"Statement": allow(resource=5)},
        {"Statement": allow(resource="arn:aws:s3:::${aws:username}")},
        {"Statement": allow(Condition={"IpAddress": {"aws:SourceIp": "::1"}})},
    ],
)
def test_a_policy_that_cannot_be_simulated_is_refused_when_it_is_put(account, policy):
    with pytest.raises(ValueError, match=r"policy|statement|sandbox knows no|Effect|text|condition"):
        account.simulator.put_role(ROLE, policy)
