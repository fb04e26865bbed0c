"""Parameters that do not fit are refused in AWS's words."""

import pytest


def one(what):
    return ("ValidationException", f"1 validation error detected: {what}")


def test_an_empty_list_is_refused_in_awss_recorded_words(account):
    assert account.refusal("CreateSecret", Name="db", AddReplicaRegions=[]) == one(
        "Value '[]' at 'addReplicaRegions' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


@pytest.mark.parametrize("region", ["US-EAST-1", "us-east", "us-east-1 ", "us-east-1\n", "1", "-1"])
def test_a_name_that_is_no_region_is_refused(account, region):
    account.secret()
    wanted = [{"Region": "us-west-2"}, {"Region": region}]
    refusal = account.refusal("ReplicateSecretToRegions", SecretId="db", AddReplicaRegions=wanted)
    assert refusal == one(
        f"Value '{region}' at 'addReplicaRegions.2.member.region' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^([a-z]+-)+\d+$"
    )


def test_what_is_missing_or_null_is_refused(account):
    missing = one("Value null at 'secretId' failed to satisfy constraint: Member must not be null")
    assert account.refusal("DescribeSecret") == missing
    assert account.refusal("DescribeSecret", SecretId=None) == missing


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeSecret", {"SecretId": 5}),
        ("ReplicateSecretToRegions", {"SecretId": "db", "AddReplicaRegions": "us-west-2"}),
        ("ReplicateSecretToRegions", {"SecretId": "db", "AddReplicaRegions": ["us-west-2"]}),
        ("RemoveRegionsFromReplication", {"SecretId": "db", "RemoveReplicaRegions": [["us-west-2"]]}),
        ("ListSecrets", {"MaxResults": True}),
        ("DeleteSecret", {"SecretId": "db", "ForceDeleteWithoutRecovery": "yes"}),
        ("TagResource", {"SecretId": "db", "Tags": [{"Value": "x"}]}),
    ],
)
def test_a_wrong_type_is_refused(account, operation, params):
    account.secret()
    assert account.refusal(operation, **params)[0] == "ValidationException"


def test_limits_and_choices_are_named(account):
    code, message = account.refusal("ListSecrets", MaxResults=101, SortOrder="down")
    assert code == "ValidationException"
    assert message.startswith("2 validation errors detected: ")
    assert "less than or equal to 100" in message
    assert "enum value set: [asc, desc]" in message


def test_a_secret_value_is_not_repeated_in_a_refusal(account):
    code, message = account.refusal("CreateSecret", Name="db", SecretString="hunter2" * 10_000)
    assert code == "ValidationException"
    assert "hunter2" not in message


def test_a_name_with_other_characters_is_refused(account):
    code, message = account.refusal("CreateSecret", Name="a b")
    assert code == "ValidationException"
    assert message.startswith("Invalid name.")


def test_parameters_unknown_to_the_sandbox_are_ignored(account):
    account.secret(Type="whatever")
