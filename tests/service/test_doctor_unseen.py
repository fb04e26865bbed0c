"""`doctor` on the simulator: what may not be looked at, and whose credentials look."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated, the
from service.doctor_scene import DEFAULT, doctor, end

from smrep.errors import CredentialsError, Denied
from smrep.regions import Region
from smrep.service.steps.lookup import identify_caller as caller_of


@pytest.mark.parametrize(
    ("operation", "region", "hint"),
    [
        ("DescribeSecret", WEST, "allow secretsmanager:DescribeSecret in us-west-2"),
        ("DescribeKey", WEST, "allow kms:DescribeKey in us-west-2"),
        ("ListSecretVersionIds", HOME, "allow secretsmanager:ListSecretVersionIds on arn:"),
    ],
)
def test_a_look_that_is_denied_is_unchecked_with_its_permission(
    aws: FakeAws, operation: str, region: str, hint: str
) -> None:
    new_key(aws, alias="alias/dr")
    aws.create()
    aws.faults(denied=frozenset({(operation, region)}))
    found = doctor(aws, f"{WEST}=alias/dr")
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert (the(only(found), "unchecked").hint or "").startswith(hint)


def test_the_primarys_key_that_may_not_be_looked_at_is_unchecked(aws: FakeAws) -> None:
    aws.create(KmsKeyId=new_key(aws, region=HOME))
    aws.faults(denied=frozenset({("DescribeKey", HOME)}))
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])


def test_a_definite_no_outweighs_a_doubt(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (1, ["name_conflict", "unchecked"])


def test_where_nobody_may_list_regions_a_region_that_answers_is_no_doubt(aws: FakeAws) -> None:
    aws.create()
    aws.faults(denied=frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)}))
    assert end(doctor(aws, WEST)) == 0


def test_an_outage_in_one_region_leaves_the_others_examined(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.faults(outages=frozenset({WEST}))
    found = doctor(aws)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (3, ["unchecked"], [])
    assert (west.status, west.arn) == ("InSync", None)
    assert ireland.arn is not None


def test_credentials_that_a_region_does_not_know_are_unchecked_and_expired_ones_end_the_run(aws: FakeAws) -> None:
    aws.create()
    code = "UnrecognizedClientException"

    def refuse(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST:
            raise CredentialsError("no", code=code)

    aws.on_call = refuse
    assert end(doctor(aws, WEST)) == 4
    code = "ExpiredTokenException"
    with pytest.raises(CredentialsError):
        doctor(aws, WEST)


def test_regions_are_listed_once_for_many_secrets_and_each_key_described_once(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    names = tuple(f"s{number}" for number in range(5))
    for name in names:
        aws.create(name)
    found = doctor(aws, f"{WEST}=alias/dr", f"{IRELAND}={DEFAULT}", names=names)
    assert end(found) == 0
    assert (aws.count("ListRegions"), aws.count("DescribeKey")) == (1, 1)


# whose credentials these are


def test_the_caller_is_asked_for_at_home(aws: FakeAws) -> None:
    caller = caller_of(aws, Region(IRELAND))
    assert caller.account == "123456789012"
    assert aws.calls == [("GetCallerIdentity", IRELAND, "caller")]


def test_credentials_that_are_refused_end_it(aws: FakeAws) -> None:
    def refuse(_operation: str, _region: str) -> None:
        raise CredentialsError("no", code="InvalidClientTokenId")

    aws.on_call = refuse
    with pytest.raises(CredentialsError):
        caller_of(aws, Region(HOME))


def test_a_caller_that_may_not_be_told_is_no_account(aws: FakeAws) -> None:
    def deny(_operation: str, _region: str) -> None:
        raise Denied("no", code="AccessDenied")

    aws.on_call = deny
    caller = caller_of(aws, Region(HOME))
    assert (caller.account, caller.arn) == (None, None)
    assert "could not check whose credentials these are" in caller.sentence
