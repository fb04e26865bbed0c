"""A secret's resource policy, its rotation, its way back from deletion, and its cross-account side."""

import json

import pytest

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError

WEST = "us-west-2"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []}, indent=1)
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
REPLICA = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
ON_A_REPLICA = ("InvalidParameterException", REPLICA)
DAY = 86_400


def put(account, policy=POLICY, region="us-east-1"):
    return account.sm("PutResourcePolicy", region, SecretId="db", ResourcePolicy=policy)


def shown(account, region="us-east-1"):
    return account.sm("GetResourcePolicy", region, SecretId="db").get("ResourcePolicy")


def test_a_policy_is_put_shown_to_the_letter_and_deleted(account):
    secret = account.secret()
    named = {"ARN": secret["ARN"], "Name": "db"}
    assert account.sm("GetResourcePolicy", SecretId="db") == named
    account.tick(1)
    assert put(account) == named
    assert account.describe()["LastChangedDate"] == account.time
    assert account.sm("GetResourcePolicy", SecretId="db") == {**named, "ResourcePolicy": POLICY}
    assert account.sm("DeleteResourcePolicy", SecretId="db") == named
    assert account.sm("DeleteResourcePolicy", SecretId="db") == named
    assert shown(account) is None


def test_a_policy_replicates_with_the_secret_and_after_it(account):
    account.secret()
    put(account)
    account.replicate(WEST)
    account.tick(2)
    assert shown(account, WEST) == POLICY
    put(account, "{}")
    assert shown(account, WEST) == POLICY
    account.tick(2)
    assert shown(account, WEST) == "{}"
    account.sm("DeleteResourcePolicy", SecretId="db")
    account.tick(2)
    assert shown(account, WEST) is None


def test_a_policy_stays_as_it_is_through_other_changes_and_a_promotion(account):
    account.replicated(WEST)
    put(account)
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(2)
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    assert shown(account) == shown(account, WEST) == POLICY
    put(account, "{}", WEST)
    assert (shown(account), shown(account, WEST)) == (POLICY, "{}")


@pytest.mark.parametrize("policy", ["{", "[]", '"x"', "[" * 20_000])
def test_a_policy_that_is_no_json_object_is_refused(account, policy):
    account.secret()
    code, _ = account.refusal("PutResourcePolicy", SecretId="db", ResourcePolicy=policy)
    assert code == "MalformedPolicyDocumentException"


def test_the_only_name_of_a_policy_is_default(account):
    account.secret()
    answer = account.sm("PutResourcePolicy", SecretId="db", ResourcePolicy="{}", PolicyName="default")
    assert answer["PolicyName"] == "default"
    more = {"SecretId": "db", "PolicyName": "other"}
    assert account.refusal("PutResourcePolicy", ResourcePolicy="{}", **more)[0] == "InvalidParameterException"
    assert account.refusal("DeleteResourcePolicy", **more)[0] == "InvalidParameterException"
    assert account.refusal("GetResourcePolicy", **more)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("PutResourcePolicy", {"ResourcePolicy": "{}"}),
        ("DeleteResourcePolicy", {}),
        ("RotateSecret", {"RotationLambdaARN": FUNCTION}),
        ("CancelRotateSecret", {}),
        ("RestoreSecret", {}),
    ],
)
def test_none_of_them_is_permitted_on_a_replica(account, operation, params):
    account.replicated(WEST)
    assert account.refusal(operation, WEST, SecretId="db", **params) == ON_A_REPLICA


@pytest.mark.parametrize(
    ("operation", "params"),
    [("GetResourcePolicy", {}), ("PutResourcePolicy", {"ResourcePolicy": "{}"}), ("RotateSecret", {})],
)
def test_nor_on_a_secret_that_is_deleted(account, operation, params):
    account.secret()
    account.sm("DeleteSecret", SecretId="db")
    assert account.refusal(operation, SecretId="db", **params)[0] == "InvalidRequestException"


def rotation(account, region="us-east-1"):
    answer = account.describe(region=region)
    return {key: value for key, value in answer.items() if key.startswith("Rotation")}


def test_rotation_is_turned_on_off_and_on_again(account):
    account.secret()
    assert rotation(account) == {}
    account.tick(1)
    rules = {"AutomaticallyAfterDays": 30}
    answer = account.sm("RotateSecret", SecretId="db", RotationLambdaARN=FUNCTION, RotationRules=rules)
    assert set(answer) == {"ARN", "Name", "VersionId"}
    assert account.describe()["LastChangedDate"] == account.time
    on = {"RotationEnabled": True, "RotationLambdaARN": FUNCTION, "RotationRules": rules}
    assert rotation(account) == on
    assert set(account.sm("CancelRotateSecret", SecretId="db")) == {"ARN", "Name"}
    assert rotation(account) == {**on, "RotationEnabled": False}
    token = "t" * 32
    assert account.sm("RotateSecret", SecretId="db", ClientRequestToken=token)["VersionId"] == token
    assert rotation(account) == on
    (row,) = account.sm("ListSecrets")["SecretList"]
    assert row["RotationEnabled"] is True
    assert account.value() == "one"


def test_a_replica_shows_no_rotation_and_has_none_once_it_is_promoted(account):
    account.replicated(WEST)
    account.sm("RotateSecret", SecretId="db", RotationLambdaARN=FUNCTION)
    account.tick(2)
    assert rotation(account, WEST) == {}
    account.sm("StopReplicationToReplica", WEST, SecretId="db")
    assert rotation(account, WEST) == {}
    assert account.refusal("CancelRotateSecret", WEST, SecretId="db")[0] == "InvalidRequestException"


def test_rotation_needs_a_function_unless_a_service_manages_the_secret(account):
    account.secret()
    message = "No Lambda rotation function ARN is associated with this secret."
    assert account.refusal("RotateSecret", SecretId="db") == ("InvalidRequestException", message)
    account.secret("rds!db")
    account.sm("RotateSecret", SecretId="rds!db")
    assert account.describe("rds!db")["RotationEnabled"] is True


def test_a_deleted_secret_comes_back_and_stays(account):
    account.secret()
    account.sm("DeleteSecret", SecretId="db", RecoveryWindowInDays=7)
    account.tick(6 * DAY)
    assert set(account.sm("RestoreSecret", SecretId="db")) == {"ARN", "Name"}
    assert "DeletedDate" not in account.describe()
    account.tick(2 * DAY)
    assert account.value() == "one"
    account.sm("RestoreSecret", SecretId="db")


def test_a_second_deletion_has_a_window_of_its_own(account):
    account.secret()
    account.sm("DeleteSecret", SecretId="db", RecoveryWindowInDays=7)
    account.sm("RestoreSecret", SecretId="db")
    account.sm("DeleteSecret", SecretId="db", RecoveryWindowInDays=30)
    account.tick(29 * DAY)
    assert account.exists("db", "us-east-1")
    account.tick(DAY)
    assert not account.exists("db", "us-east-1")


def test_what_was_deleted_without_recovery_does_not_come_back(account):
    account.secret()
    account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    assert account.refusal("RestoreSecret", SecretId="db")[0] == "ResourceNotFoundException"


PRIMARY = {
    "PrimarySecretARN": "arn:aws:secretsmanager:us-east-1:210987654321:secret:db-AbCdEf",
    "ReplicationStatus": "InSync",
}
REPLICAS = [
    {
        "ReplicaSecretARN": f"arn:aws:secretsmanager:us-east-1:21098765432{number}:secret:db-AbCdEf",
        "ReplicationRoleARN": "arn:aws:iam::123456789012:role/replication",
        "ReplicationStatus": status,
        "StatusMessage": "as the test wants it",
    }
    for number, status in enumerate(["Pending", "Detached"])
]


def test_a_cross_account_replica_is_read_only_until_it_is_promoted(account):
    secret = account.secret()
    account.simulator.set_cross_account("db", "us-east-1", primary=PRIMARY)
    assert account.describe()["CrossAccountPrimary"] == PRIMARY
    assert "PrimaryRegion" not in account.describe()
    assert account.refusal("PutSecretValue", SecretId="db", SecretString="two") == ON_A_REPLICA
    assert account.sm("StopReplicationToReplica", SecretId="db") == {"ARN": secret["ARN"]}
    assert "CrossAccountPrimary" not in account.describe()
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    assert account.refusal("StopReplicationToReplica", SecretId="db")[0] == "InvalidRequestException"


def test_a_primary_shows_its_replicas_in_other_accounts_beside_those_in_other_regions(account):
    account.replicated(WEST)
    account.simulator.set_cross_account("db", "us-east-1", replicas=REPLICAS)
    answer = account.describe()
    assert answer["CrossAccountReplicas"] == REPLICAS
    assert account.status() == {WEST: ("InSync", "Replication succeeded")}
    assert "CrossAccountReplicas" not in account.describe(region=WEST)
    account.simulator.set_cross_account("db", "us-east-1")
    assert "CrossAccountReplicas" not in account.describe()


def test_cross_account_replication_has_the_fields_that_aws_has(account):
    account.secret()
    with pytest.raises(ValueError, match=r"Status$"):
        account.simulator.set_cross_account("db", "us-east-1", primary={"Status": "InSync"})
    with pytest.raises(ValueError, match="PrimarySecretARN"):
        account.simulator.set_cross_account("db", "us-east-1", replicas=[PRIMARY])
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        account.simulator.set_cross_account("nowhere", "us-east-1", primary=PRIMARY)


def test_all_of_them_can_be_denied(account):
    operations = ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy", "RotateSecret", "RestoreSecret"]
    account.secret()
    account.simulator.faults = Faults(denied=frozenset((operation, "us-east-1") for operation in operations))
    for operation in operations:
        assert account.refusal(operation, SecretId="db")[0] == "AccessDeniedException"
