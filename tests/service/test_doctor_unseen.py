"""`doctor` on the simulator: what may not be looked at, and whose credentials look."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, new_key, only, replicated, the
from service.examining_scene import DEFAULT, doctor, end

from smrep.errors import CredentialsError, Denied
from smrep.regions import Region
from smrep.service.doctor import Doctor


@pytest.mark.parametrize(
    ("operation", "region", "hint"),
    [
        ("DescribeSecret", WEST, "allow secretsmanager:DescribeSecret in us-west-2"),
        ("DescribeKey", WEST, "allow kms:DescribeKey in us-west-2"),
        ("ListSecretVersionIds", HOME, "allow secretsmanager:ListSecretVersionIds on arn:"),
    ],
)
def test_a_look_that_is_denied_is_unchecked_with_its_permission(
    world: World, operation: str, region: str, hint: str
) -> None:
    new_key(world, alias="alias/dr")
    world.create()
    world.faults(denied=frozenset({(operation, region)}))
    found = doctor(world, f"{WEST}=alias/dr")
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert (the(only(found), "unchecked").hint or "").startswith(hint)


def test_the_primarys_key_that_may_not_be_looked_at_is_unchecked(world: World) -> None:
    world.create(KmsKeyId=new_key(world, region=HOME))
    world.faults(denied=frozenset({("DescribeKey", HOME)}))
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])


def test_a_definite_no_outweighs_a_doubt(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["name_clash", "unchecked"])


def test_where_nobody_may_list_regions_a_region_that_answers_is_no_doubt(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)}))
    assert end(doctor(world, WEST)) == 0


def test_an_outage_in_one_region_leaves_the_others_examined(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.faults(outages=frozenset({WEST}))
    found = doctor(world)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (3, ["unchecked"], [])
    assert (west.status, west.arn) == ("InSync", None)
    assert ireland.arn is not None


def test_credentials_that_a_region_does_not_know_are_unchecked_and_expired_ones_end_the_run(world: World) -> None:
    world.create()
    code = "UnrecognizedClientException"

    def refuse(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST:
            raise CredentialsError("no", code=code)

    world.on_call = refuse
    assert end(doctor(world, WEST)) == 4
    code = "ExpiredTokenException"
    with pytest.raises(CredentialsError):
        doctor(world, WEST)


def test_regions_are_listed_once_for_many_secrets_and_each_key_described_once(world: World) -> None:
    new_key(world, alias="alias/dr")
    names = tuple(f"s{number}" for number in range(5))
    for name in names:
        world.create(name)
    found = doctor(world, f"{WEST}=alias/dr", f"{IRELAND}={DEFAULT}", names=names)
    assert end(found) == 0
    assert (world.count("ListRegions"), world.count("DescribeKey")) == (1, 1)


# whose credentials these are


def test_the_caller_is_asked_for_at_home(world: World) -> None:
    caller = Doctor(world, world, world, Region(IRELAND)).caller()
    assert caller.account == "123456789012"
    assert world.calls == [("GetCallerIdentity", IRELAND, "caller")]


def test_credentials_that_are_refused_end_it(world: World) -> None:
    def refuse(_operation: str, _region: str) -> None:
        raise CredentialsError("no", code="InvalidClientTokenId")

    world.on_call = refuse
    with pytest.raises(CredentialsError):
        Doctor(world, world, world, Region(HOME)).caller()


def test_a_caller_that_may_not_be_told_is_no_account(world: World) -> None:
    def deny(_operation: str, _region: str) -> None:
        raise Denied("no", code="AccessDenied")

    world.on_call = deny
    caller = Doctor(world, world, world, Region(HOME)).caller()
    assert (caller.account, caller.arn) == (None, None)
    assert "is not told" in caller.sentence
