"""One secret in one Region: making, reading, changing, deleting it."""

import random

import pytest

from smrep.sandbox.simulator.simulated_aws import Simulator

WEST = "us-west-2"
TOKEN = "11111111-2222-4333-8444-555555555555"
OTHER_TOKEN = "66666666-7777-4888-8999-000000000000"
NOT_FOUND = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def stages(account):
    return account.describe()["VersionIdsToStages"]


def test_a_secret_is_found_by_name_by_arn_and_by_arn_without_suffix(account):
    arn = account.secret("prod/db")["ARN"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-")
    for secret_id in ("prod/db", arn, arn[:-7]):
        assert account.describe(secret_id)["ARN"] == arn


def test_an_arn_without_its_suffix_is_taken_for_a_whole_one_where_the_name_ends_like_one(account):
    arn = account.secret("my-secret")["ARN"]
    assert account.refusal("DescribeSecret", SecretId=arn.rpartition("-")[0]) == NOT_FOUND
    assert account.describe("my-secret")["ARN"] == account.describe(arn)["ARN"] == arn


def test_an_arn_of_another_region_account_or_incarnation_is_not_found(account):
    arn = account.secret()["ARN"]
    account.secret(region=WEST)
    wrong = [arn.replace("us-east-1", WEST), arn.replace("123456789012", "1" * 12), arn[:-6] + "zzzzzz"]
    for secret_id in wrong:
        assert account.refusal("DescribeSecret", SecretId=secret_id) == NOT_FOUND


def test_a_secret_lives_in_one_region_only(account):
    account.secret()
    assert account.refusal("DescribeSecret", WEST, SecretId="db") == NOT_FOUND


def test_creating_again_with_the_same_token_and_value_is_the_same_request(account):
    first = account.secret(ClientRequestToken=TOKEN)
    assert account.secret(ClientRequestToken=TOKEN) == first
    for change, message in (
        ({"ClientRequestToken": OTHER_TOKEN}, "The operation failed because the secret db already exists."),
        ({"SecretString": "two"}, f"You can't use ClientRequestToken {TOKEN} because that value is already in use"),
    ):
        params = {"Name": "db", "SecretString": "one", "ClientRequestToken": TOKEN, **change}
        code, said = account.refusal("CreateSecret", **params)
        assert (code, said[: len(message)]) == ("ResourceExistsException", message)


def test_a_value_is_text_or_bytes_not_both(account):
    both = {"SecretString": "one", "SecretBinary": "b25l"}
    assert account.refusal("CreateSecret", Name="db", **both)[0] == "InvalidParameterException"
    assert account.refusal("CreateSecret", Name="db", SecretBinary="?")[0] == "SerializationException"
    too_long = "AAAA" * (65_536 // 3 + 1)
    assert account.refusal("CreateSecret", Name="db", SecretBinary=too_long)[0] == "InvalidParameterException"
    account.sm("CreateSecret", Name="db", SecretBinary="b25l")
    assert account.sm("GetSecretValue", SecretId="db")["SecretBinary"] == "b25l"


def test_a_secret_can_be_made_without_a_value(account):
    assert "VersionId" not in account.sm("CreateSecret", Name="db")
    assert "VersionIdsToStages" not in account.describe()
    code, message = account.refusal("GetSecretValue", SecretId="db")
    assert code == "ResourceNotFoundException"
    assert "AWSCURRENT" in message
    account.sm("PutSecretValue", SecretId="db", SecretString="one", ClientRequestToken=TOKEN)
    assert stages(account) == {TOKEN: ["AWSCURRENT"]}


def test_cross_account_replication_is_refused_instead_of_ignored(account):
    code, _ = account.refusal("CreateSecret", Name="db", CrossAccountPrimaryARN="arn:x")
    assert code == "InvalidParameterException"


def test_labels_move_with_each_new_value(account):
    account.secret(ClientRequestToken=TOKEN)
    second = account.sm("PutSecretValue", SecretId="db", SecretString="two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert stages(account) == {TOKEN: ["AWSPREVIOUS"], second["VersionId"]: ["AWSCURRENT"]}
    third = account.sm("UpdateSecret", SecretId="db", SecretString="three")
    assert stages(account) == {
        second["VersionId"]: ["AWSPREVIOUS"],
        third["VersionId"]: ["AWSCURRENT"],
    }
    previous = account.sm("GetSecretValue", SecretId="db", VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "two"


def test_a_pending_version_leaves_the_current_one_alone(account):
    account.secret(ClientRequestToken=TOKEN)
    put = {"SecretId": "db", "SecretString": "two", "ClientRequestToken": OTHER_TOKEN}
    account.sm("PutSecretValue", **put, VersionStages=["AWSPENDING"])
    assert stages(account) == {TOKEN: ["AWSCURRENT"], OTHER_TOKEN: ["AWSPENDING"]}


def test_putting_again_with_the_same_token_is_ignored_and_another_value_refused(account):
    account.secret()
    put = {"SecretId": "db", "SecretString": "two", "ClientRequestToken": TOKEN}
    assert account.sm("PutSecretValue", **put) == account.sm("PutSecretValue", **put)
    code, message = account.refusal("PutSecretValue", **{**put, "SecretString": "three"})
    assert code == "ResourceExistsException"
    assert TOKEN in message
    assert account.sm("UpdateSecret", **put)["VersionId"] == TOKEN
    assert account.refusal("UpdateSecret", **{**put, "SecretString": "three"}) == (code, message)
    assert account.refusal("PutSecretValue", SecretId="db")[0] == "InvalidRequestException"


def test_a_label_is_moved_and_the_previous_version_is_the_one_it_left(account):
    account.secret(ClientRequestToken=TOKEN)
    put = {"SecretId": "db", "SecretString": "two", "ClientRequestToken": OTHER_TOKEN}
    account.sm("PutSecretValue", **put, VersionStages=["AWSPENDING"])
    move = {"SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": OTHER_TOKEN}
    for wrong in ({}, {"RemoveFromVersionId": OTHER_TOKEN}):
        code, message = account.refusal("UpdateSecretVersionStage", **move, **wrong)
        assert code == "InvalidParameterException"
        assert TOKEN in message
    account.sm("UpdateSecretVersionStage", **move, RemoveFromVersionId=TOKEN)
    assert stages(account) == {TOKEN: ["AWSPREVIOUS"], OTHER_TOKEN: ["AWSPENDING", "AWSCURRENT"]}
    account.sm("UpdateSecretVersionStage", **move, RemoveFromVersionId=OTHER_TOKEN)
    assert stages(account) == {TOKEN: ["AWSPREVIOUS"], OTHER_TOKEN: ["AWSPENDING", "AWSCURRENT"]}


def test_the_current_label_stays_somewhere_and_others_can_be_taken_off(account):
    account.secret(ClientRequestToken=TOKEN)
    remove = {"SecretId": "db", "RemoveFromVersionId": TOKEN}
    code, message = account.refusal("UpdateSecretVersionStage", **remove, VersionStage="AWSCURRENT")
    assert (code, "completely removed" in message) == ("InvalidParameterException", True)
    assert account.refusal("UpdateSecretVersionStage", **remove, VersionStage="x")[0] == "InvalidParameterException"
    account.sm("UpdateSecretVersionStage", SecretId="db", VersionStage="x", MoveToVersionId=TOKEN)
    assert stages(account) == {TOKEN: ["AWSCURRENT", "x"]}
    account.sm("UpdateSecretVersionStage", **remove, VersionStage="x")
    assert stages(account) == {TOKEN: ["AWSCURRENT"]}
    missing = {"SecretId": "db", "VersionStage": "x", "MoveToVersionId": OTHER_TOKEN}
    assert account.refusal("UpdateSecretVersionStage", **missing)[0] == "ResourceNotFoundException"


def test_versions_are_listed_with_their_keys_and_the_deprecated_ones_on_request(account):
    account.secret(ClientRequestToken=TOKEN)
    for value in ("two", "three"):
        account.tick(1)
        account.sm("PutSecretValue", SecretId="db", SecretString=value)
    account.value()
    rows = account.sm("ListSecretVersionIds", SecretId="db")["Versions"]
    assert [row["VersionStages"] for row in rows] == [["AWSPREVIOUS"], ["AWSCURRENT"]]
    assert {tuple(row["KmsKeyIds"]) for row in rows} == {("DefaultEncryptionKey",)}
    assert ["LastAccessedDate" in row for row in rows] == [False, True]
    everything = account.sm("ListSecretVersionIds", SecretId="db", IncludeDeprecated=True)["Versions"]
    assert everything[0]["VersionId"] == TOKEN
    assert "VersionStages" not in everything[0]


def test_at_most_a_hundred_versions_are_kept(account):
    account.secret(ClientRequestToken=TOKEN)
    for _ in range(100):
        account.tick(1)
        account.sm("PutSecretValue", SecretId="db", SecretString="again")
    first = account.sm("ListSecretVersionIds", SecretId="db", IncludeDeprecated=True, MaxResults=60)
    rest = account.sm("ListSecretVersionIds", SecretId="db", IncludeDeprecated=True, NextToken=first["NextToken"])
    assert (len(first["Versions"]), len(rest["Versions"])) == (60, 40)
    assert "NextToken" not in rest


def test_a_version_asked_for_must_exist_and_bear_the_label(account):
    account.secret(ClientRequestToken=TOKEN)
    assert account.sm("GetSecretValue", SecretId="db", VersionId=TOKEN)["SecretString"] == "one"
    code, _ = account.refusal("GetSecretValue", SecretId="db", VersionId=OTHER_TOKEN)
    assert code == "ResourceNotFoundException"
    both = {"VersionId": TOKEN, "VersionStage": "AWSPREVIOUS"}
    assert account.refusal("GetSecretValue", SecretId="db", **both)[0] == "InvalidRequestException"


def test_tags_are_added_replaced_and_taken_away(account):
    account.secret(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    account.sm("TagResource", SecretId="db", Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": ""}])
    account.sm("UntagResource", SecretId="db", TagKeys=["a", "never-there"])
    assert account.describe()["Tags"] == [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": ""}]


def test_last_changed_date_follows_every_change(account):
    account.secret()
    account.tick(5)
    account.sm("UpdateSecret", SecretId="db", Description="x")
    assert account.describe()["LastChangedDate"] == account.time
    account.tick(5)
    account.value()
    assert account.describe()["LastChangedDate"] == account.time - 5


def test_a_deleted_secret_can_be_described_but_not_used_and_blocks_its_name(account):
    account.secret()
    answer = account.sm("DeleteSecret", SecretId="db", RecoveryWindowInDays=7)
    assert answer["DeletionDate"] == account.time + 7 * 86_400
    assert account.describe()["DeletedDate"] == account.time
    for operation, more in {
        "GetSecretValue": {},
        "PutSecretValue": {"SecretString": "two"},
        "UpdateSecret": {},
        "ReplicateSecretToRegions": {"AddReplicaRegions": [{"Region": WEST}]},
    }.items():
        assert account.refusal(operation, SecretId="db", **more) == (
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    assert account.refusal("CreateSecret", Name="db") == (
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
    assert account.refusal("DeleteSecret", SecretId="db")[0] == "InvalidRequestException"
    account.tick(7 * 86_400)
    assert not account.exists("db", "us-east-1")


def test_deleting_by_force_takes_a_moment_and_does_not_mind_what_is_not_there(account):
    account.secret()
    account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    assert "DeletedDate" in account.describe()
    account.tick(1)
    assert not account.exists("db", "us-east-1")
    gone = account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    assert gone["Name"] == "db"
    assert account.refusal("DeleteSecret", SecretId="db") == NOT_FOUND


def test_a_new_secret_of_a_deleted_ones_name_has_another_suffix(account):
    first = account.secret()["ARN"]
    account.sm("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)
    account.tick(1)
    assert account.secret()["ARN"] != first
    assert account.refusal("DescribeSecret", SecretId=first) == NOT_FOUND


@pytest.mark.parametrize(
    "params",
    [
        {"RecoveryWindowInDays": 6},
        {"RecoveryWindowInDays": 31},
        {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
    ],
)
def test_an_impossible_recovery_window_is_refused(account, params):
    account.secret()
    assert account.refusal("DeleteSecret", SecretId="db", **params)[0] == "InvalidParameterException"


def test_the_account_is_the_one_it_was_given():
    simulator = Simulator(now=lambda: 0.0, rng=random.Random(7), account_id="210987654321")
    assert simulator.account_id == "210987654321"
    made = simulator.call("secretsmanager", "CreateSecret", "cn-north-1", {"Name": "db"})
    assert made["ARN"].startswith("arn:aws-cn:secretsmanager:cn-north-1:210987654321:secret:db-")


def test_the_managing_service_is_shown_by_its_name(account):
    account.secret("rds!db-1")
    assert account.describe("rds!db-1")["OwningService"] == "rds"


def test_an_operation_the_sandbox_does_not_know_is_refused(account):
    assert account.refusal("BatchGetSecretValue", SecretIdList=["db"])[0] == "UnknownOperationException"


def test_the_log_has_every_call_and_no_value(account):
    account.secret(SecretString="hunter2")
    account.refusal("DescribeSecret", SecretId="nope")
    first, second = account.simulator.log
    assert (first.operation, first.secret_id, first.code) == ("CreateSecret", "db", "")
    assert (second.operation, second.secret_id, second.code) == (
        "DescribeSecret",
        "nope",
        "ResourceNotFoundException",
    )
    assert "hunter2" not in repr(account.simulator.log)
    assert "hunter2" not in repr(account.simulator._state)
