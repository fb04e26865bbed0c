"""Which Regions the simulated account has enabled, who says so, and what becomes of one that is not."""

import pytest

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError

WEST, HONG_KONG = "us-west-2", "ap-east-1"
IN_SYNC = ("InSync", "Replication succeeded")
NOT_ENABLED = ("Failed", f"Replication failed: Region {WEST} is not enabled for this account.")


def ec2(account, region="us-east-1", **params):
    rows = account.simulator.call("ec2", "DescribeRegions", region, params)["regionInfo"]
    return {row["regionName"]: row["optInStatus"] for row in rows}


def listed(account, **params):
    rows = account.simulator.call("account", "ListRegions", "us-east-1", params)["Regions"]
    return {row["RegionName"]: row["RegionOptStatus"] for row in rows}


def refused(account, service, operation, region="us-east-1", **params):
    with pytest.raises(ApiError) as caught:
        account.simulator.call(service, operation, region, params)
    return caught.value.code, caught.value.status


def test_every_region_is_enabled_unless_it_is_said_not_to_be(account_with):
    account = account_with(disabled_regions=frozenset({HONG_KONG, WEST}))
    enabled = ec2(account)
    assert {HONG_KONG, WEST}.isdisjoint(enabled)
    assert (enabled["us-east-1"], enabled["af-south-1"]) == ("opt-in-not-required", "opted-in")
    everything = ec2(account, AllRegions=True)
    assert set(everything) - set(enabled) == {HONG_KONG, WEST}
    assert everything[HONG_KONG] == everything[WEST] == "not-opted-in"
    statuses = listed(account)
    assert set(statuses) == set(everything)
    assert statuses["us-east-1"] == "ENABLED_BY_DEFAULT"
    assert statuses["af-south-1"] == "ENABLED"
    assert statuses[HONG_KONG] == "DISABLED"


def test_a_region_yet_to_be_built_is_known_once_it_is_disabled(account_with):
    account = account_with(disabled_regions=frozenset({"ap-west-9"}))
    assert ec2(account, AllRegions=True)["ap-west-9"] == "not-opted-in"
    assert "ap-west-9" not in listed(account_with())


def test_each_partition_knows_its_own_regions(account):
    assert ec2(account, "us-gov-west-1") == dict.fromkeys(["us-gov-east-1", "us-gov-west-1"], "opt-in-not-required")
    (row,) = account.simulator.call("ec2", "DescribeRegions", "cn-north-1", {"RegionName": ["cn-north-1"]})[
        "regionInfo"
    ]
    assert row["regionEndpoint"] == "ec2.cn-north-1.amazonaws.com.cn"
    assert "cn-north-1" not in ec2(account, AllRegions=True)


def test_regions_are_shown_by_name_and_by_filter(account_with):
    account = account_with(disabled_regions=frozenset({HONG_KONG}))
    assert ec2(account, RegionName=[HONG_KONG, WEST]) == {HONG_KONG: "not-opted-in", WEST: "opt-in-not-required"}
    off = [{"Name": "opt-in-status", "Value": ["not-opted-in"]}]
    assert list(ec2(account, AllRegions=True, Filter=off)) == [HONG_KONG]
    both = [{"Name": "region-name", "Value": [WEST]}, {"Name": "endpoint", "Value": ["ec2.us-west-2.amazonaws.com"]}]
    assert list(ec2(account, Filter=both)) == [WEST]
    assert refused(account, "ec2", "DescribeRegions", Filter=[{"Name": "x"}]) == ("InvalidParameterValue", 400)


def test_a_region_that_there_is_not_is_refused_in_ec2s_words(account):
    with pytest.raises(ApiError, match=r"^InvalidParameterValue: Invalid region: \[us-wset-2\]$"):
        ec2(account, RegionName=[WEST, "us-wset-2"])


def test_a_dry_run_is_an_error_that_means_yes(account):
    assert refused(account, "ec2", "DescribeRegions", DryRun=True) == ("DryRunOperation", 412)


def test_regions_come_in_pages_and_by_status(account_with):
    account = account_with(disabled_regions=frozenset({HONG_KONG}))
    assert listed(account, RegionOptStatusContains=["DISABLED", "ENABLING"]) == {HONG_KONG: "DISABLED"}
    seen, token = [], None
    while True:
        params = {"MaxResults": 10, **({"NextToken": token} if token else {})}
        answer = account.simulator.call("account", "ListRegions", "us-east-1", params)
        seen += [row["RegionName"] for row in answer["Regions"]]
        token = answer.get("NextToken")
        if token is None:
            break
    assert seen == list(listed(account))
    assert refused(account, "account", "ListRegions", NextToken="x") == ("ValidationException", 400)
    assert refused(account, "account", "ListRegions", MaxResults=51) == ("ValidationException", 400)
    wrong = ["enabled"]
    assert refused(account, "account", "ListRegions", RegionOptStatusContains=wrong) == ("ValidationException", 400)


def test_a_disabled_region_knows_no_credentials(account):
    account.replicated(WEST)
    account.simulator.faults = Faults(disabled_regions=frozenset({WEST}))
    message = "The security token included in the request is invalid."
    assert account.refusal("DescribeSecret", WEST, SecretId="db") == ("UnrecognizedClientException", message)
    assert refused(account, "kms", "DescribeKey", WEST, KeyId="alias/x") == ("UnrecognizedClientException", 400)
    assert refused(account, "ec2", "DescribeRegions", WEST) == ("AuthFailure", 401)
    assert refused(account, "sts", "GetCallerIdentity", WEST) == ("InvalidClientTokenId", 403)
    assert account.status() == {WEST: IN_SYNC}
    account.simulator.call("account", "ListRegions", WEST, {})


def test_a_replication_to_a_disabled_region_fails_and_succeeds_once_it_is_enabled(account_with):
    account = account_with(disabled_regions=frozenset({WEST}))
    account.replicated(WEST, "eu-west-1")
    assert account.status() == {WEST: NOT_ENABLED, "eu-west-1": IN_SYNC}
    account.simulator.faults = Faults()
    assert not account.exists("db", WEST)
    account.replicate(WEST)
    account.tick(2)
    assert account.status()[WEST] == IN_SYNC


def test_a_change_does_not_reach_a_region_that_was_disabled_meanwhile(account):
    account.replicated(WEST)
    account.simulator.faults = Faults(disabled_regions=frozenset({WEST}))
    account.sm("PutSecretValue", SecretId="db", SecretString="two")
    account.tick(2)
    assert account.status() == {WEST: NOT_ENABLED}
    account.simulator.faults = Faults()
    assert account.value(region=WEST) == "one"


def test_each_service_denies_in_its_own_form(account_with):
    operations = ("DescribeRegions", "ListRegions", "SimulatePrincipalPolicy", "AssumeRole")
    account = account_with(denied=frozenset((operation, "us-east-1") for operation in operations))
    with pytest.raises(ApiError) as caught:
        account.simulator.call("ec2", "DescribeRegions", "us-east-1", {})
    assert (caught.value.code, caught.value.status) == ("UnauthorizedOperation", 403)
    assert caught.value.message == (
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/sandbox is not "
        "authorized to perform: ec2:DescribeRegions because no identity-based policy allows the "
        "ec2:DescribeRegions action"
    )
    assert refused(account, "account", "ListRegions") == ("AccessDeniedException", 403)
    assert refused(account, "iam", "SimulatePrincipalPolicy") == ("AccessDenied", 403)
    assert refused(account, "sts", "AssumeRole") == ("AccessDenied", 403)
    ec2(account, WEST)


def test_a_global_services_calls_are_denied_from_wherever_they_are_signed(account_with):
    account = account_with(denied=frozenset({("ListRegions", "us-east-1"), ("SimulatePrincipalPolicy", WEST)}))
    assert refused(account, "account", "ListRegions", WEST) == ("AccessDeniedException", 403)
    assert refused(account, "iam", "SimulatePrincipalPolicy", WEST) == ("ValidationError", 400)


@pytest.mark.parametrize(
    ("service", "code"),
    [("ec2", "InvalidAction"), ("iam", "InvalidAction"), ("account", "UnknownOperationException")],
)
def test_an_operation_that_a_service_does_not_have_is_refused_in_its_words(account, service, code):
    assert refused(account, service, "DescribeSecret") == (code, 400)
