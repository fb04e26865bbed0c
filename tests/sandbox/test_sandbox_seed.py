"""Estates: the sample, a file of one's own, and what is wrong with it."""

import json

import pytest

from smrep.sandbox.faults import Faults
from smrep.sandbox.seed import read_estate, sample_estate, seed

WEST, IRELAND = "us-west-2", "eu-west-1"
IN_SYNC = ("InSync", "Replication succeeded")


def test_the_sample_has_every_state_worth_a_look_without_waiting(account):
    account.simulator.faults = Faults(
        write_quota=0, denied=frozenset({("CreateSecret", "us-east-1")}), failures={WEST: "no"}
    )
    faults = account.simulator.faults
    assert seed(account.simulator, sample_estate()) == len(sample_estate())
    assert account.simulator.faults is faults
    assert account.simulator.log == []
    assert account.status("prod/payments/db") == {}
    assert account.status("prod/payments/stripe") == {WEST: IN_SYNC}
    assert account.status("prod/orders/db") == {WEST: IN_SYNC}
    assert account.describe("prod/orders/db")["KmsKeyId"] == "alias/dr"
    assert account.describe("prod/orders/db", WEST)["KmsKeyId"] == "alias/dr"
    clash = account.status("prod/web/session")
    assert clash[WEST] == IN_SYNC
    assert clash[IRELAND][0] == "Failed"
    assert "already exists" in clash[IRELAND][1]
    assert "DeletedDate" in account.describe("legacy/reports/ftp")


def test_the_secret_of_the_demonstration_is_free_to_be_replicated(account):
    seed(account.simulator, sample_estate())
    account.replicate(WEST, IRELAND, "ap-southeast-2", name="prod/payments/db")
    account.tick(2)
    assert set(account.status("prod/payments/db").values()) == {IN_SYNC}


def test_a_number_makes_that_many_secrets(account):
    assert seed(account.simulator, sample_estate(250)) == 250
    assert account.exists("app/0000/db", "us-east-1")
    assert account.exists("app/0249/db", "us-east-1")
    assert not account.exists("app/0250/db", "us-east-1")


def test_the_sample_is_an_estate_file_too():
    estate = sample_estate()
    assert read_estate(json.dumps(estate)) == estate


def test_every_key_of_an_entry_is_heeded(account):
    entry = {
        "name": "db",
        "region": IRELAND,
        "value": "mine",
        "description": "Ours",
        "kms_key": "alias/a",
        "tags": {"team": "x"},
        "replicas": [WEST, {"region": "us-east-1", "kms_key": "alias/b"}],
    }
    seed(account.simulator, [entry])
    primary = account.describe(region=IRELAND)
    assert (primary["Description"], primary["KmsKeyId"]) == ("Ours", "alias/a")
    assert primary["Tags"] == [{"Key": "team", "Value": "x"}]
    assert {row["Region"]: row["KmsKeyId"] for row in primary["ReplicationStatus"]} == {
        WEST: "alias/aws/secretsmanager",
        "us-east-1": "alias/b",
    }
    assert account.value(region=WEST) == "mine"


def test_an_estate_can_be_of_several_accounts(account):
    here, there = account.simulator, account.simulator.account("222222222222")
    estate = [
        {"name": "db", "account": here.account_id},
        {"name": "db", "account": "222222222222", "kms_key": "alias/dr", "replicas": [WEST]},
        {"name": "api"},
    ]
    assert seed(here, read_estate(json.dumps(estate))) == 3
    rows = [row["Name"] for row in account.sm("ListSecrets")["SecretList"]]
    assert sorted(rows) == ["api", "db"]
    assert account.sm("ListSecrets", WEST)["SecretList"] == []
    (row,) = there.call("secretsmanager", "ListSecrets", WEST, {})["SecretList"]
    assert row["ARN"].startswith("arn:aws:secretsmanager:us-west-2:222222222222:secret:db-")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"\$: not JSON"),
        ("[" * 100_000, r"\$: not JSON"),
        ("{}", r"\$: must be a list of secrets"),
        ("[1]", r"\$\[0\]: must be an object"),
        ("[{}]", r"\$\[0\]\.name: is missing"),
        ('[{"name": 1}]', r"\$\[0\]\.name: must be a string"),
        ('[{"name": "a"}, {"name": "b", "color": 1}]', r"\$\[1\]\.color: unknown key"),
        ('[{"name": "a", "account": 222222222222}]', r"\$\[0\]\.account: must be a string"),
        ('[{"name": "a", "account": "2222"}]', r"\$\[0\]\.account: not an account id of twelve digits: '2222'"),
        ('[{"name": "a", "region": "mars"}]', r"\$\[0\]\.region: not a Region name: 'mars'"),
        ('[{"name": "a", "tags": {"k": 1}}]', r"\$\[0\]\.tags\.k: must be a string"),
        ('[{"name": "a", "replicas": ["x"]}]', r"\$\[0\]\.replicas\[0\]: not a Region name"),
        ('[{"name": "a", "replicas": [{}]}]', r"\$\[0\]\.replicas\[0\]\.region: is missing"),
        ('[{"name": "a", "replicas": ["us-west-2"], "deleted": true}]', r"\$\[0\]\.deleted: "),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_path(text, message):
    with pytest.raises(ValueError, match=message):
        read_estate(text)


def test_a_secret_that_cannot_be_made_is_named(account):
    with pytest.raises(ValueError, match=r"secret db in us-east-1: .*already exists"):
        seed(account.simulator, [{"name": "db"}, {"name": "db"}])
