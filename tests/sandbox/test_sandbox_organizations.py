"""The organization of the sandbox, seen by a stock boto3 client, and the files that make one."""

from __future__ import annotations

import contextlib
import json
import random
import re

import boto3
import pytest
from botocore.exceptions import ClientError
from sandbox.conftest import Account

from smrep.sandbox.organization_seed import read_organization, sample_organization
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree, Unit
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

OWN, OTHER, STRANGER = "123456789012", "222222222222", "999999999999"
UNITS = (Unit("ou-sbox-workloads", "workloads"), Unit("ou-sbox-production", "production", "ou-sbox-workloads"))


def tree_of(*members, **options):
    return OrganizationTree(OWN, UNITS, (Member(OWN, "management"), *members), **options)


@pytest.fixture
def served():
    """Yield a simulator and a function that makes clients for an account of it."""
    simulator = Simulator(now=lambda: 1_758_990_822.0, rng=random.Random(7))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(SandboxServer(simulator))

        def client(account=OWN, service="organizations", region="eu-west-1"):
            role = f"arn:aws:iam::{account}:role/x"
            params = {"RoleArn": role, "RoleSessionName": "xx"}
            keys = simulator.call("sts", "AssumeRole", "us-east-1", params)["Credentials"]
            made = boto3.session.Session().client(
                service,
                region_name=region,
                endpoint_url=server.url,
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            )
            return stack.enter_context(contextlib.closing(made))

        yield simulator, client


def code_of(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"]


def test_boto3_lists_accounts_and_ous_in_pages_of_twenty(served):
    simulator, client = served
    apps = [Member(f"3{number:011}", f"app-{number}", "ou-sbox-production") for number in range(45)]
    simulator.put_organization(tree_of(*apps, Member(OTHER, "test", "ou-sbox-workloads", "SUSPENDED")))
    here = client()
    pages = list(here.get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 20, 7]
    accounts = {row["Id"]: row for page in pages for row in page["Accounts"]}
    assert (accounts[OTHER]["State"], accounts[OTHER]["Name"]) == ("SUSPENDED", "test")
    assert "Status" not in accounts[OTHER]
    assert accounts[OTHER]["Arn"] == f"arn:aws:organizations::{OWN}:account/o-sandbox0000/{OTHER}"
    (root,) = here.list_roots()["Roots"]
    assert [row["Id"] for row in here.list_accounts_for_parent(ParentId=root["Id"])["Accounts"]] == [OWN]
    (below,) = here.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
    assert (below["Id"], below["Name"]) == ("ou-sbox-workloads", "workloads")
    assert [row["Id"] for row in here.list_accounts_for_parent(ParentId=below["Id"])["Accounts"]] == [OTHER]
    few = here.list_accounts_for_parent(ParentId="ou-sbox-production", MaxResults=2)
    assert [row["Name"] for row in few["Accounts"]] == ["app-0", "app-1"]
    assert here.describe_organization()["Organization"]["MasterAccountId"] == OWN


def test_a_list_may_begin_with_an_empty_page_that_has_a_token(served):
    simulator, client = served
    simulator.put_organization(tree_of(empty_pages=True, status_only=True))
    first = client().list_accounts()
    assert first["Accounts"] == []
    (row,) = client().list_accounts(NextToken=first["NextToken"])["Accounts"]
    assert (row["Status"], "State" in row) == ("ACTIVE", False)


def test_who_may_ask(served):
    simulator, client = served
    assert code_of(client().list_accounts) == "AWSOrganizationsNotInUseException"
    simulator.put_organization(tree_of(Member(OTHER, "other"), delegated=frozenset({OTHER})))
    assert len(client(OTHER).list_accounts()["Accounts"]) == 2
    simulator.put_organization(tree_of(Member(OTHER, "other")))
    assert code_of(client(OTHER).list_accounts) == "AccessDeniedException"
    assert client(OTHER).describe_organization()["Organization"]["Id"] == "o-sandbox0000"
    assert code_of(client(STRANGER).describe_organization) == "AWSOrganizationsNotInUseException"


def test_what_it_refuses(served):
    simulator, client = served
    simulator.put_organization(tree_of())
    here = client()
    missing = {"ParentId": "ou-sbox-elsewhere"}
    assert code_of(here.list_accounts_for_parent, **missing) == "ParentNotFoundException"
    assert code_of(here.list_organizational_units_for_parent, **missing) == "ParentNotFoundException"
    assert code_of(here.list_accounts, NextToken="x") == "InvalidInputException"
    assert code_of(here.list_accounts_for_parent, ParentId="prod") == "InvalidInputException"


@pytest.mark.parametrize(
    ("member", "is_assumable"),
    [
        (Member(OTHER, "x"), True),
        (Member(OTHER, "x", has_roles=False), False),
        *((Member(OTHER, "x", state=state), False) for state in ("SUSPENDED", "CLOSED", "PENDING_CLOSURE")),
    ],
)
def test_a_role_can_be_missing_in_one_account(member, is_assumable):
    simulator = Account().simulator
    simulator.put_organization(tree_of(member))
    for account, expected in ((OTHER, is_assumable), (STRANGER, True)):
        params = {"RoleArn": f"arn:aws:iam::{account}:role/smrep", "RoleSessionName": "xx"}
        if expected:
            assert simulator.call("sts", "AssumeRole", "us-east-1", params)
        else:
            with pytest.raises(ApiError, match="AccessDenied"):
                simulator.call("sts", "AssumeRole", "us-east-1", params)


def test_a_file_has_the_whole_organization():
    text = json.dumps(
        {
            "units": [{"id": "ou-sbox-11111111", "name": "prod"}],
            "accounts": [
                {"id": OTHER, "name": "payments", "parent": "ou-sbox-11111111", "roles": False},
                {"id": STRANGER, "state": "CLOSED"},
            ],
            "delegated": [OTHER],
            "empty_pages": True,
        }
    )
    assert read_organization(text, OWN) == OrganizationTree(
        OWN,
        (Unit("ou-sbox-11111111", "prod"),),
        (
            Member(OTHER, "payments", "ou-sbox-11111111", has_roles=False),
            Member(STRANGER, STRANGER, state="CLOSED"),
            Member(OWN, "management"),
        ),
        frozenset({OTHER}),
        empty_pages=True,
    )


@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ([], "$: must be an object"),
        ({"accuonts": []}, "$.accuonts: unknown key; the keys are management, units, accounts"),
        ({"accounts": [{"name": "x"}]}, "$.accounts[0].id: is missing"),
        ({"accounts": [{"id": "12"}]}, "$.accounts[0].id: not an account id of twelve digits: '12'"),
        ({"accounts": [{"id": OTHER, "state": "GONE"}]}, "$.accounts[0].state: not one of PENDING_ACTIVATION"),
        ({"accounts": [{"id": OTHER, "parent": "ou-x"}]}, f"account {OTHER}: its parent 'ou-x' is neither r-sbox"),
        ({"units": [{"id": "prod"}]}, "$.units[0].id: not an OU's id such as ou-sbox-11111111: 'prod'"),
        ({"units": [{"id": "ou-sbox-11111111", "parent": "ou-x"}]}, "OU ou-sbox-11111111: its parent 'ou-x' is"),
        ({"delegated": [5]}, "$.delegated[0]: not an account id of twelve digits: 5"),
    ],
)
def test_a_mistake_in_a_file_is_shown_with_its_place(value, mistake):
    with pytest.raises(ValueError, match=re.escape(mistake)):
        read_organization(json.dumps(value), OWN)


def test_the_sample_has_nested_ous_and_a_suspended_account():
    sample, many = sample_organization(OWN), sample_organization(OWN, 45)
    assert [unit.parent for unit in sample.units].count("r-sbox") == 2
    assert {member.state for member in sample.members} == {"ACTIVE", "SUSPENDED"}
    assert len({member.account_id for member in many.members}) == 46
    assert {member.parent for member in many.members} == {"r-sbox", "ou-sbox-workloads", "ou-sbox-production"}
