"""EC2, IAM and Account Management as a stock boto3 client and a bare HTTP client see them."""

from __future__ import annotations

import contextlib
import http.client
import random

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

WEST, HONG_KONG = "us-west-2", "ap-east-1"
ROLE = "arn:aws:iam::123456789012:role/Replicator"
ACTION = "secretsmanager:ReplicateSecretToRegions"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/<db>&-AbCdEf"


class Cloud:
    """A served account and clients for it."""

    def __init__(self, stack):
        self.simulator = Simulator(now=lambda: 1_758_990_822.0, rng=random.Random(7))
        self.server = stack.enter_context(SandboxServer(self.simulator))
        self.stack = stack

    def client(self, service, region="us-east-1"):
        client = boto3.session.Session(aws_access_key_id="AKIASANDBOX", aws_secret_access_key="dummy").client(
            service,
            region_name=region,
            endpoint_url=self.server.url,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        return self.stack.enter_context(contextlib.closing(client))

    def post(self, service, body, path="/"):
        host, _, port = self.server.url.removeprefix("http://").partition(":")
        scope = f"AKIA/20251123/us-east-1/{service}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()


@pytest.fixture
def cloud():
    with contextlib.ExitStack() as stack:
        yield Cloud(stack)


def refusal(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["RequestId"]
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_ec2_describes_regions(cloud):
    cloud.simulator.faults = Faults(disabled_regions=frozenset({HONG_KONG}))
    ec2 = cloud.client("ec2")
    assert HONG_KONG not in {row["RegionName"] for row in ec2.describe_regions()["Regions"]}
    rows = ec2.describe_regions(RegionNames=[WEST, HONG_KONG], AllRegions=True)["Regions"]
    assert rows == [
        {"RegionName": HONG_KONG, "Endpoint": "ec2.ap-east-1.amazonaws.com", "OptInStatus": "not-opted-in"},
        {"RegionName": WEST, "Endpoint": "ec2.us-west-2.amazonaws.com", "OptInStatus": "opt-in-not-required"},
    ]
    wanted = [{"Name": "opt-in-status", "Values": ["not-opted-in", "x"]}]
    (row,) = ec2.describe_regions(Filters=wanted, AllRegions=True)["Regions"]
    assert row["RegionName"] == HONG_KONG
    assert ec2.describe_regions(Filters=wanted)["Regions"] == []


def test_ec2_refuses_in_a_form_of_its_own(cloud):
    cloud.simulator.faults = Faults(
        denied=frozenset({("DescribeRegions", WEST)}), disabled_regions=frozenset({HONG_KONG})
    )
    code, status, message = refusal(cloud.client("ec2", WEST).describe_regions)
    assert (code, status) == ("UnauthorizedOperation", 403)
    assert "ec2:DescribeRegions" in message
    assert refusal(cloud.client("ec2", HONG_KONG).describe_regions)[:2] == ("AuthFailure", 401)
    ec2 = cloud.client("ec2")
    assert refusal(ec2.describe_regions, RegionNames=["<x>"]) == (
        *("InvalidParameterValue", 400),
        "Invalid region: [<x>]",
    )
    assert refusal(ec2.describe_regions, DryRun=True)[:2] == ("DryRunOperation", 412)
    assert refusal(ec2.describe_vpcs)[:2] == ("InvalidAction", 400)


def test_account_lists_regions_page_by_page(cloud):
    cloud.simulator.faults = Faults(disabled_regions=frozenset({HONG_KONG}))
    client = cloud.client("account")
    pages = client.get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 20})
    statuses = {row["RegionName"]: row["RegionOptStatus"] for page in pages for row in page["Regions"]}
    assert len(statuses) > 30
    assert (statuses[HONG_KONG], statuses["us-east-1"]) == ("DISABLED", "ENABLED_BY_DEFAULT")
    (row,) = client.list_regions(RegionOptStatusContains=["DISABLED"])["Regions"]
    assert row == {"RegionName": HONG_KONG, "RegionOptStatus": "DISABLED"}


def test_account_refuses_with_a_header(cloud):
    client = cloud.client("account")
    with pytest.raises(client.exceptions.ValidationException):
        client.list_regions(NextToken="x")
    cloud.simulator.faults = Faults(denied=frozenset({("ListRegions", "us-east-1")}))
    code, status, message = refusal(client.list_regions)
    assert (code, status) == ("AccessDeniedException", 403)
    assert "account:ListRegions on resource: *" in message
    assert refusal(client.get_contact_information)[0] == "UnknownOperationException"
    status, headers, body = cloud.post("account", b"{", "/listRegions?x=1")
    assert (status, headers["Content-Type"], headers["x-amzn-ErrorType"]) == (
        *(400, "application/json"),
        "SerializationException",
    )
    assert body == '{"message": "The request body is not valid JSON."}'


def test_iam_simulates_a_policy(cloud):
    statement = {
        "Effect": "Allow",
        "Action": ACTION,
        "Resource": SECRET,
        "Condition": {"ForAllValues:StringLike": {"secretsmanager:AddReplicaRegions": ["us-*", "eu-*"]}},
    }
    cloud.simulator.put_role(ROLE, {"Version": "2012-10-17", "Statement": [statement]})
    iam = cloud.client("iam")

    def simulate(*regions):
        entry = {"ContextKeyName": "secretsmanager:AddReplicaRegions", "ContextKeyType": "stringList"}
        answer = iam.simulate_principal_policy(
            PolicySourceArn=ROLE,
            ActionNames=[ACTION, "kms:Decrypt"],
            ResourceArns=[SECRET, "arn:aws:kms:us-east-1:123456789012:key/x"],
            ContextEntries=[{**entry, "ContextKeyValues": list(regions)}],
        )
        assert answer["IsTruncated"] is False
        return answer["EvaluationResults"]

    replicate, decrypt = simulate(*(f"us-west-{number}" for number in range(12)))
    assert (replicate["EvalActionName"], replicate["EvalDecision"]) == (ACTION, "allowed")
    assert replicate["MissingContextValues"] == []
    assert {row["EvalResourceName"]: row["EvalResourceDecision"] for row in replicate["ResourceSpecificResults"]} == {
        SECRET: "allowed",
        "arn:aws:kms:us-east-1:123456789012:key/x": "implicitDeny",
    }
    assert decrypt["EvalDecision"] == "implicitDeny"
    assert decrypt["MatchedStatements"] == []
    assert simulate(WEST, "ap-east-1")[0]["EvalDecision"] == "implicitDeny"


def test_iam_pages_are_one_page(cloud):
    pages = (
        cloud.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(PolicySourceArn="arn:aws:iam::123456789012:user/sandbox", ActionNames=[ACTION])
    )
    assert [result["EvalDecision"] for page in pages for result in page["EvaluationResults"]] == ["allowed"]


def test_iam_refuses_in_the_errors_that_boto3_knows(cloud):
    iam = cloud.client("iam")
    params = {"PolicySourceArn": ROLE, "ActionNames": [ACTION]}
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.simulate_principal_policy(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(iam.exceptions.InvalidInputException):
        iam.simulate_principal_policy(**{**params, "PolicySourceArn": ROLE.replace("role/", "assumed-role/")})
    cloud.simulator.faults = Faults(denied=frozenset({("SimulatePrincipalPolicy", "us-east-1")}))
    code, status, message = refusal(iam.simulate_principal_policy, **params)
    assert (code, status) == ("AccessDenied", 403)
    assert f"iam:SimulatePrincipalPolicy on resource: {ROLE}" in message


def test_cross_account_policies_and_rotation_are_what_boto3_reads(cloud):
    client = cloud.client("secretsmanager")
    client.create_secret(Name="db", SecretString="one")
    client.put_resource_policy(SecretId="db", ResourcePolicy='{"Statement": []}')
    assert client.get_resource_policy(SecretId="db")["ResourcePolicy"] == '{"Statement": []}'
    with pytest.raises(client.exceptions.MalformedPolicyDocumentException):
        client.put_resource_policy(SecretId="db", ResourcePolicy="x")
    client.rotate_secret(SecretId="db", RotationLambdaARN=ROLE, RotationRules={"AutomaticallyAfterDays": 1})
    replica = {"ReplicaSecretARN": SECRET, "ReplicationStatus": "Pending", "StatusMessage": "wait"}
    primary = {"PrimarySecretARN": SECRET, "ReplicationStatus": "InSync"}
    cloud.simulator.set_cross_account("db", "us-east-1", primary=primary, replicas=[replica])
    shown = client.describe_secret(SecretId="db")
    assert (shown["RotationEnabled"], shown["RotationRules"]) == (True, {"AutomaticallyAfterDays": 1})
    assert (shown["CrossAccountPrimary"], shown["CrossAccountReplicas"]) == (primary, [replica])


@pytest.mark.parametrize(
    "body",
    [
        b"Action=DescribeRegions&RegionName=x&RegionName.1=y",
        b"Action=DescribeRegions&a.b.c.d.e.f.g.h.i=1",
        b"&".join(b"a%d=1" % number for number in range(1001)),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(cloud, body):
    status, headers, text = cloud.post("ec2", body)
    assert (status, headers["Content-Type"]) == (400, "text/xml")
    assert text.startswith("<Response><Errors><Error><Code>MalformedQueryString</Code>")


@pytest.mark.parametrize("body", [b"Action=DescribeRegions&RegionName.x=y", b"Action=DescribeRegions&AllRegions=maybe"])
def test_a_parameter_of_the_wrong_kind_is_refused_in_ec2s_word(cloud, body):
    assert "<Code>InvalidParameterValue</Code>" in cloud.post("ec2", body)[2]


@pytest.mark.parametrize(
    ("service", "body"), [("ec2", b""), ("iam", b"Action=Describe-Regions"), ("account", b""), ("s3", b"")]
)
def test_a_request_that_names_no_operation_is_refused(cloud, service, body):
    status, headers, text = cloud.post(service, body, "/nowhere")
    code = "InvalidAction" if service in ("ec2", "iam") else "UnknownOperationException"
    assert status == 400
    assert code in text + headers.get("x-amzn-ErrorType", "")


def test_outages_and_drops_hold_for_them_too(cloud):
    cloud.simulator.faults = Faults(
        outages=frozenset({WEST}), drops=(Drop("ListRegions", "after"), Drop("DescribeRegions", "before"))
    )
    for client, call in ((cloud.client("ec2"), "describe_regions"), (cloud.client("account"), "list_regions")):
        with pytest.raises(Exception, match="Connection was closed"):
            getattr(client, call)()
        getattr(client, call)()
    with pytest.raises(Exception, match="Connection was closed"):
        cloud.client("ec2", WEST).describe_regions()


@pytest.fixture(scope="module")
def moto_url():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_the_shape_of_what_moto_answers_is_ours_too(cloud, moto_url, tmp_path):
    """moto knows no AllRegions, no SimulatePrincipalPolicy and no ListRegions."""

    def shapes(url):
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
        session = boto3.session.Session()
        with (
            contextlib.closing(session.client("secretsmanager", endpoint_url=url, **keys)) as client,
            contextlib.closing(session.client("ec2", endpoint_url=url, **keys)) as ec2,
        ):
            client.create_secret(Name="shape", SecretString="x")
            policy = {"SecretId": "shape", "ResourcePolicy": '{"Statement": []}'}
            answers = [
                client.get_resource_policy(SecretId="shape"),
                client.put_resource_policy(**policy),
                client.get_resource_policy(SecretId="shape"),
                client.delete_resource_policy(SecretId="shape"),
                client.delete_secret(SecretId="shape"),
                client.restore_secret(SecretId="shape"),
            ]
            (region,) = ec2.describe_regions(RegionNames=["us-east-1"])["Regions"]
        return [set(answer) for answer in answers], region

    assert shapes(cloud.server.url) == shapes(moto_url)
