"""`doctor --reader` on the simulator: whether a role could read the replica over there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated, the
from service.doctor_scene import doctor, end

from smrep.errors import CredentialsError, NotFound

ROLE = "arn:aws:iam::123456789012:role/app"


def allow(aws: FakeAws, *actions: str, effect: str = "Allow", **more: Any) -> None:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*", **more}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = [statement] if effect == "Allow" else [everything, statement]
    aws.simulator.put_role(ROLE, {"Statement": statements})


READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"


def test_a_reader_that_is_allowed_is_told_as_advice(aws: FakeAws) -> None:
    replicated(aws)
    allow(aws, READ)
    found = doctor(aws, reader=ROLE)
    finding = the(only(found), "reader")
    assert (end(found), finding.severity, kinds(only(found))) == (0, "info", ["reader"])
    assert "no value was read" in finding.message
    assert aws.count("SimulatePrincipalPolicy") == 1  # the default key asks nothing of KMS


def test_the_simulation_is_asked_about_the_replicas_arn_in_its_region(aws: FakeAws) -> None:
    arn = replicated(aws)
    there = arn.replace(HOME, WEST)
    aws.simulator.put_role(
        ROLE,
        {
            "Statement": {
                "Effect": "Allow",
                "Action": READ,
                "Resource": there,
                "Condition": {
                    "StringEquals": {
                        "aws:RequestedRegion": WEST,
                        "secretsmanager:VersionStage": "AWSCURRENT",
                        "secretsmanager:SecretId": there,
                    }
                },
            }
        },
    )
    assert the(only(doctor(aws, reader=ROLE)), "reader").severity == "info"


def test_a_reader_that_nothing_allows_is_an_error(aws: FakeAws) -> None:
    replicated(aws)
    allow(aws, "s3:*")
    found = doctor(aws, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (1, "error")


def test_a_reader_that_the_secrets_own_policy_may_allow_is_a_warning(aws: FakeAws) -> None:
    replicated(aws)
    allow(aws, "s3:*")
    aws.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": []}))
    found = doctor(aws, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (0, "warning")


@pytest.mark.parametrize("policy", [True, False])
def test_a_reader_that_is_forbidden_is_an_error_whatever_the_secrets_own_policy_says(
    aws: FakeAws, policy: bool
) -> None:
    replicated(aws)
    allow(aws, READ, effect="Deny")
    if policy:
        aws.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": []}))
    found = doctor(aws, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (1, "error")


def test_a_policy_bound_to_the_primarys_region_is_a_warning(aws: FakeAws) -> None:
    arn = replicated(aws)
    allow(aws, READ)
    policy = {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": arn, "Principal": "*"}]}
    aws.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps(policy))
    found = doctor(aws, reader=ROLE)
    assert (end(found), kinds(only(found))) == (0, ["reader", "reader"])
    (warning,) = [each for each in only(found).findings if each.severity == "warning"]
    assert arn in warning.message


def test_a_policy_that_may_not_be_looked_at_is_unchecked(aws: FakeAws) -> None:
    replicated(aws)
    allow(aws, READ)
    aws.faults(denied=frozenset({("GetResourcePolicy", HOME)}))
    found = doctor(aws, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["reader", "unchecked"])
    assert "secretsmanager:GetResourcePolicy" in (the(only(found), "unchecked").hint or "")


def test_a_customers_key_is_asked_about_as_secrets_manager_would_use_it(aws: FakeAws) -> None:
    arn = replicated(aws, key=new_key(aws, alias="alias/dr"))
    conditions = {
        "kms:ViaService": "secretsmanager.us-west-2.amazonaws.com",
        "kms:EncryptionContext:SecretARN": arn.replace(HOME, WEST),
        "aws:RequestedRegion": WEST,
    }
    decrypt = {"Effect": "Allow", "Action": DECRYPT, "Resource": "*", "Condition": {"StringEquals": conditions}}
    aws.simulator.put_role(ROLE, {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": "*"}, decrypt]})
    found = doctor(aws, reader=ROLE)
    assert (end(found), kinds(only(found))) == (0, ["reader"])
    asked = [call for call in aws.simulator.log if call.params.get("ActionNames") == [DECRYPT]]
    assert len(asked) == 1
    assert asked[0].params["ResourceArns"][0].startswith("arn:aws:kms:us-west-2:123456789012:key/")


def test_a_customers_key_that_the_role_may_not_use_is_told(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    replicated(aws, key="alias/dr")
    allow(aws, READ)
    found = doctor(aws, reader=ROLE)
    (warning,) = [each for each in only(found).findings if each.severity == "warning"]
    assert end(found) == 0  # the key's own policy may allow it
    assert "to decrypt with alias/dr in us-west-2" in warning.message
    allow(aws, DECRYPT, effect="Deny")
    found = doctor(aws, reader=ROLE)
    assert (end(found), [each.severity for each in only(found).findings]) == (1, ["info", "error"])


def test_a_key_limited_to_another_regions_service_is_not_allowed(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    bound = {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    read = {"Effect": "Allow", "Action": READ, "Resource": "*"}
    aws.simulator.put_role(
        ROLE, {"Statement": [read, {"Effect": "Allow", "Action": DECRYPT, "Resource": "*", "Condition": bound}]}
    )
    severities = [each.severity for each in only(doctor(aws, reader=ROLE)).findings]
    assert severities == ["info", "warning"]


def test_where_there_is_no_replica_yet_the_key_that_was_typed_is_asked_about(aws: FakeAws) -> None:
    aws.create()
    new_key(aws, alias="alias/dr")
    allow(aws, READ, DECRYPT)
    assert end(doctor(aws, f"{WEST}=alias/dr", reader=ROLE)) == 0
    assert aws.count("SimulatePrincipalPolicy") == 2


def test_the_key_of_the_replica_that_is_there_counts_and_not_the_one_that_was_typed(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, alias="alias/dr")
    allow(aws, READ)
    found = doctor(aws, f"{WEST}=alias/dr", reader=ROLE)
    assert (end(found), aws.count("SimulatePrincipalPolicy")) == (5, 1)


def test_a_replica_that_denies_a_look_is_asked_about_with_the_key_that_the_primary_lists(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    replicated(aws, key="alias/dr")
    allow(aws, READ)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    found = doctor(aws, WEST, reader=ROLE)
    assert end(found) == 4
    assert any("to decrypt with alias/dr" in each.message for each in only(found).findings)


def test_a_role_that_is_not_there_is_unchecked(aws: FakeAws) -> None:
    replicated(aws)
    found = doctor(aws, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert "aws iam get-role --role-name app" in (the(only(found), "unchecked").hint or "")


def test_a_simulation_that_is_denied_is_unchecked_with_its_permission(aws: FakeAws) -> None:
    replicated(aws)
    allow(aws, READ)
    aws.faults(denied=frozenset({("SimulatePrincipalPolicy", HOME)}))
    found = doctor(aws, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert the(only(found), "unchecked").hint == f"allow iam:SimulatePrincipalPolicy on {ROLE}"


def test_a_key_that_may_not_be_described_names_that_permission_and_no_other(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    allow(aws, READ, DECRYPT)
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    found = doctor(aws, reader=ROLE)
    unchecked = [each.hint or "" for each in only(found).findings if each.kind == "unchecked"]
    assert end(found) == 4
    assert unchecked
    assert [hint for hint in unchecked if "kms:DescribeKey" not in hint] == []


def test_a_replica_whose_key_is_gone_does_not_send_the_reader_to_look_for_the_role(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))
    allow(aws, READ, DECRYPT)

    def lost(operation: str, region: str) -> None:
        if operation == "DescribeKey" and region == WEST:
            raise NotFound("Alias alias/dr is not found. (NotFoundException)", "alias/dr in us-west-2")

    aws.on_call = lost
    hints = [each.hint or "" for each in only(doctor(aws, reader=ROLE)).findings if each.kind == "unchecked"]
    assert [hint for hint in hints if "get-role" in hint] == []


def test_iam_is_asked_once_per_region_and_action(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    allow(aws, READ)
    found = doctor(aws, reader=ROLE)
    assert (end(found), aws.count("SimulatePrincipalPolicy"), aws.count("GetResourcePolicy")) == (0, 2, 1)


def test_expired_credentials_in_the_simulation_end_the_run(aws: FakeAws) -> None:
    replicated(aws)

    def expire(operation: str, _region: str) -> None:
        if operation == "SimulatePrincipalPolicy":
            raise CredentialsError("no", code="ExpiredToken")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        doctor(aws, reader=ROLE)
