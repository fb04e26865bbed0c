"""`doctor` on the simulator: keys that can't be used, and replicas under another one."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated, the
from service.doctor_scene import DEFAULT, doctor, end


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("nowhere", "key_missing"),
        ("Disabled", "key_disabled"),
        ("PendingDeletion", "key_disabled"),
        ("rsa", "key_unusable"),
    ],
)
def test_a_key_that_can_not_be_used(aws: FakeAws, how: str, kind: str) -> None:
    aws.create()
    key = "alias/nowhere" if how == "nowhere" else new_key(aws, **({"KeySpec": "RSA_2048"} if how == "rsa" else {}))
    if kind == "key_disabled":
        aws.simulator.set_key_state(key, WEST, how)
    found = doctor(aws, f"{WEST}={key}")
    finding = the(only(found), kind)
    assert (end(found), kinds(only(found))) == (1, [kind])
    assert key in finding.message
    assert finding.hint


@pytest.mark.parametrize("regions", [(), (WEST,)])
def test_the_key_of_a_replica_that_was_disabled_since(aws: FakeAws, regions: tuple[str, ...]) -> None:
    """Nobody can read that replica any more, whether its Region was named or not."""
    key = new_key(aws, alias="alias/dr")
    replicated(aws, key="alias/dr")
    aws.simulator.set_key_state(key, WEST, "Disabled")
    found = doctor(aws, *regions)
    assert (end(found), kinds(only(found))) == (1, ["key_disabled"])


def test_the_primarys_own_key_concerns_every_region(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    aws.create(KmsKeyId=key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = doctor(aws, WEST, IRELAND)
    assert [kinds(row) for row in secret.replicas] == [["key_disabled"], ["key_disabled"]]
    assert end((secret,)) == 1


def test_an_old_version_of_the_primarys_under_a_bad_key(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    aws.create(KmsKeyId=key)
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    aws.call("UpdateSecret", SecretId="prod/db", KmsKeyId=DEFAULT)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    found = doctor(aws, WEST)
    assert (end(found), kinds(only(found))) == (1, ["key_disabled"])
    assert "(v1)" in the(only(found), "key_disabled").message
    assert "aws kms enable-key" in (the(only(found), "key_disabled").hint or "")


def test_a_replica_under_another_key_is_drift(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    new_key(aws, alias="alias/other")
    replicated(aws, key="alias/dr")
    found = doctor(aws, f"{WEST}=alias/other")
    finding = the(only(found), "wrong_key")
    assert (end(found), kinds(only(found))) == (5, ["wrong_key"])
    assert "alias/dr" in finding.message
    assert finding.hint == "change its key:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/other"


def test_the_row_shows_the_key_that_the_replica_has_and_not_the_one_that_was_typed(aws: FakeAws) -> None:
    new_key(aws, alias="alias/dr")
    new_key(aws, alias="alias/other")
    replicated(aws, key="alias/dr")
    assert only(doctor(aws, f"{WEST}=alias/other")).kms_key_id == "alias/dr"


def test_a_missing_key_outweighs_that_the_replica_is_under_another(aws: FakeAws) -> None:
    replicated(aws)
    found = doctor(aws, f"{WEST}=alias/nowhere")
    assert (end(found), set(kinds(only(found)))) == (1, {"key_missing", "wrong_key"})


@pytest.mark.parametrize("spelled", ["alias", "id", "arn"])
def test_the_replicas_own_key_in_another_spelling_is_no_difference(aws: FakeAws, spelled: str) -> None:
    arn = new_key(aws, alias="alias/dr")
    replicated(aws, key=arn)
    key = {"alias": "alias/dr", "id": arn.split("/")[1], "arn": arn}[spelled]
    found = doctor(aws, f"{WEST}={key}")
    assert (end(found), kinds(only(found))) == (0, [])
    assert aws.count("DescribeKey", WEST) <= 2
