"""deploy/smrep.yaml: cfn-lint and moto take it, its rules match the right events, its role may do little."""

from __future__ import annotations

import json
import re
import subprocess
from ast import literal_eval
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore_once import LOADER
from fixtures import BIN, ROOT, Sandbox
from sample_events import native, trail

from smrep import serverless
from smrep.rules.trigger import Schedule, SecretEvent, read_trigger
from smrep.sandbox.simulator.iam_policies import judge, read_policy
from smrep.serverless import METRICS, NAMESPACE

TEMPLATE = (ROOT / "deploy/smrep.yaml").read_text()
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "smrep"
SKIPPED = ("Lambda::EventInvokeConfig", "SQS::QueuePolicy", "Scheduler::Schedule", "CloudWatch::Alarm")
"""What moto does not create, and what is asserted as text instead."""
UNKNOWN = f"Tried to parse AWS..({'|'.join(SKIPPED).replace(':', '.')}) but it's not supported"
"""How moto says so, with no colon, which would end the text in a filter."""
pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings(f"ignore:{UNKNOWN}:UserWarning")]
ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/db-a1b2c3"


def parsed() -> Any:
    """Return the template, with its functions in their long form."""
    from cfnlint.decode.cfn_yaml import loads

    return loads(TEMPLATE)


@pytest.fixture(scope="module")
def resources() -> Any:
    return parsed()["Resources"]


def of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by their names."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# cfn-lint --------------------------------------------------------------------------------------


def lint(path: Path) -> str:
    words = [BIN / "cfn-lint", "--include-checks", "I", "--", path]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    assert lint(ROOT / "deploy/smrep.yaml") == ""
    (tmp_path / "wrong.yaml").write_text(TEMPLATE.replace("MessageRetentionPeriod", "MessageRetentionPeriods"))
    assert "E3002" in lint(tmp_path / "wrong.yaml")


def test_it_fits_cloudformations_limit_for_a_template_without_a_bucket() -> None:
    assert len(TEMPLATE.encode()) <= 51_200


# the stack in moto -----------------------------------------------------------------------------

POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/smrep-1"
GRANTED = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": ["secretsmanager:*"], "Resource": ["*"]}],
}
"""A careless policy: more than smrep iam-policy prints."""


def parameters(**given: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


class Stack:
    """The stack as moto created it."""

    def __init__(self, **given: str) -> None:
        """Create it; `given` are its parameters."""
        boto3.client("s3").create_bucket(Bucket="code")
        boto3.client("s3").put_object(Bucket="code", Key="smrep-lambda-python3.13.zip", Body=b"PK")
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=TEMPLATE,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=parameters(CodeBucket="code", PolicyArns=POLICY_ARN, **given),
        )
        (self.description,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        found = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        self.ids = {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["PhysicalResourceId"]
        }

    @property
    def function(self) -> Any:
        return boto3.client("lambda").get_function_configuration(FunctionName=STACK)

    @property
    def role_arn(self) -> str:
        return str(self.function["Role"])

    @property
    def patterns(self) -> dict[str, Any]:
        """The event pattern of each rule, with the role's ARN in it."""
        from moto.events.models import EventPattern

        events = boto3.client("events")
        rules = {name: self.ids[name] for name in ("Values", "Calls")}
        return {
            name: EventPattern.load(events.describe_rule(Name=each)["EventPattern"]) for name, each in rules.items()
        }

    @property
    def policies(self) -> dict[str, Any]:
        """The documents of the role's own policies."""
        iam, role = boto3.client("iam"), self.ids["Role"]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        found = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
        # Of a role's inline policies, moto keeps what Python prints of them.
        return {name: literal_eval(each) if isinstance(each, str) else each for name, each in found.items()}

    def allows(self, action: str, resource: str, attached: Any = GRANTED, **context: Any) -> bool:
        """Return whether the role may do it with a policy attached."""
        documents = (attached, *self.policies.values())
        statements = [each for document in documents for each in document["Statement"]]
        return judge(read_policy({"Statement": statements}), action, resource, context).decision == "allowed"


@pytest.fixture
def make_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from moto import mock_aws

    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Stack


BUCKETS = {"ManifestBucket": "config", "DocumentsBucket": "documents"}


def test_moto_creates_all_but_what_it_does_not_know(make_stack: Any, resources: Any) -> None:
    stack = make_stack(**BUCKETS)
    assert stack.description["StackStatus"] == "CREATE_COMPLETE"
    unnamed = (*SKIPPED, "Lambda::Permission")  # moto creates the last, and does not say under which name
    known = {name for name, each in resources.items() if each["Type"].removeprefix("AWS::") not in unnamed}
    assert set(stack.ids) - {""} == known
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.description["Outputs"]}
    assert outputs["FunctionName"] == STACK
    assert outputs["FailedEventsUrl"] == stack.ids["FailedEvents"]


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({}, {"SMREP_MANIFEST": "dr.toml", "SMREP_DOCUMENTS": "", "SMREP_HOLD": "1"}),
        (
            {**BUCKETS, "Hold": "false", "ManifestKey": "smrep/dr.toml"},
            {
                "SMREP_MANIFEST": "s3://config/smrep/dr.toml",
                "SMREP_DOCUMENTS": "s3://documents/smrep",
                "SMREP_HOLD": "0",
            },
        ),
    ],
)
def test_the_function_gets_its_settings(make_stack: Any, given: dict[str, str], environment: dict[str, str]) -> None:
    function = make_stack(**given).function
    assert function["Environment"]["Variables"] == environment
    assert (function["Runtime"], function["Handler"]) == ("python3.13", "smrep.serverless.handler")
    assert function["PackageType"] == "Zip"


def test_the_function_has_the_handler_and_reads_its_settings(resources: Any) -> None:
    function = resources["Function"]["Properties"]
    assert function["Handler"]["Fn::If"][1] == f"{serverless.__name__}.{serverless.handler.__name__}"
    assert set(function["Environment"]["Variables"]) == {serverless.MANIFEST, serverless.DOCUMENTS, serverless.HOLD}


def test_it_is_held_until_somebody_says_otherwise() -> None:
    template = parsed()
    assert template["Parameters"]["Hold"]["Default"] == "true"


# what the role may do --------------------------------------------------------------------------


def test_whatever_is_attached_the_role_reads_no_value_and_takes_no_replica_away(make_stack: Any) -> None:
    stack = make_stack(Hold="false")
    for region in (REGION, "us-west-2"):
        there = ARN.replace(REGION, region)
        assert stack.allows("secretsmanager:DescribeSecret", there)
        assert stack.allows("secretsmanager:ReplicateSecretToRegions", there)
        for operation in (
            *("GetSecretValue", "PutSecretValue", "UpdateSecret", "DeleteSecret", "RemoveRegionsFromReplication"),
            *("StopReplicationToReplica", "PutResourcePolicy", "RotateSecret"),
        ):
            assert not stack.allows(f"secretsmanager:{operation}", there)
    assert stack.allows("secretsmanager:ListSecrets", "*")


def test_whatever_is_attached_the_role_overwrites_nothing(make_stack: Any) -> None:
    stack = make_stack(Hold="false")
    for force, is_allowed in (("true", False), ("false", True)):
        context = {"secretsmanager:forceoverwritereplicasecret": (force,)}
        assert stack.allows("secretsmanager:ReplicateSecretToRegions", ARN, **context) is is_allowed


def test_the_role_takes_no_secret_of_another_account_for_its_own(make_stack: Any) -> None:
    stack = make_stack(Hold="false")
    for operation in ("DescribeSecret", "ReplicateSecretToRegions"):
        assert stack.allows(f"secretsmanager:{operation}", ARN)
        assert not stack.allows(f"secretsmanager:{operation}", ARN.replace(ACCOUNT, "210987654321"))


def test_on_hold_the_role_cannot_write_at_all(make_stack: Any) -> None:
    stack = make_stack()
    assert stack.allows("secretsmanager:DescribeSecret", ARN)
    assert not stack.allows("secretsmanager:ReplicateSecretToRegions", ARN)


def test_the_buckets_are_used_for_one_purpose_each_and_only_if_named(make_stack: Any) -> None:
    stack = make_stack(**BUCKETS)
    granted = {
        (each["Action"], each["Resource"])
        for name in ("manifest", "documents")
        for each in stack.policies[name]["Statement"]
    }
    assert granted == {
        ("s3:GetObject", "arn:aws:s3:::config/dr.toml"),
        ("s3:PutObject", "arn:aws:s3:::documents/smrep/*"),
    }


@pytest.mark.parametrize(
    ("prefix", "fits"), [("smrep", True), ("a/b", True), ("", False), ("a/", False), ("/a", False)]
)
def test_a_prefix_whose_keys_the_role_could_not_write_is_refused(prefix: str, *, fits: bool) -> None:
    pattern = parsed()["Parameters"]["DocumentsPrefix"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, prefix)) is fits


def test_without_buckets_the_role_has_no_right_in_s3(make_stack: Any) -> None:
    assert set(make_stack().policies) == {"run"}


def test_its_own_policy_without_the_attached_ones_only_describes(make_stack: Any) -> None:
    statements = make_stack(Hold="false").policies["run"]["Statement"]
    allowed = {action for each in statements if each["Effect"] == "Allow" for action in as_list(each["Action"])}
    assert allowed == {
        *("secretsmanager:DescribeSecret", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"),
    }
    assert not [each for each in statements if each["Effect"] == "Allow" and each["Resource"] == "*"]


def test_the_policy_of_a_manifest_and_the_stack_together_allow_what_the_manifest_wants(
    make_stack: Any, sandbox: Sandbox
) -> None:
    rule = {"prefix": ["prod/"], "regions": ["us-west-2"], "remove_extra": True}
    manifest = json.dumps({"schema": 1, "account_id": ACCOUNT, "primary_region": REGION, "replicate": [rule]})
    policy = json.loads(sandbox.smrep("iam-policy", "--manifest", "-", stdin=manifest).out)
    stack = make_stack(Hold="false")
    wanted = {"secretsmanager:addreplicaregions": ["us-west-2"]}
    assert stack.allows("secretsmanager:ReplicateSecretToRegions", ARN, policy, **wanted)
    assert not stack.allows("secretsmanager:ReplicateSecretToRegions", ARN.replace("prod", "dev"), policy, **wanted)
    assert stack.allows("secretsmanager:DescribeSecret", ARN.replace("prod", "dev"), policy)
    assert not stack.allows("secretsmanager:RemoveRegionsFromReplication", ARN, policy)


# events ----------------------------------------------------------------------------------------


USER = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ada"}


def call(name: str, **detail: Any) -> dict[str, Any]:
    return trail(name, **{"request": {"secretId": ARN}, "userIdentity": USER, **detail})


def by_role(arn: str) -> dict[str, Any]:
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn}}}


TAKEN = (
    *("CreateSecret", "TagResource", "UntagResource", "UpdateSecret"),
    *("ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"),
)
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
EVENTS: dict[str, tuple[dict[str, Any], str | None]] = {
    "new value": (native(), "Values"),
    "value that waits": (native(detail={"name": "x", "labelUpdated": "AWSPENDING"}), None),
    "other event of Secrets Manager": (native(**{"detail-type": "Secret Rotated"}), None),
    "label of another service": (native(source="my.app"), None),
    **{name: (call(name), "Calls") for name in TAKEN},
    **{
        name: (call(name), None)
        for name in ("GetSecretValue", "DescribeSecret", "PutSecretValue", "DeleteSecret", "RotateSecret")
    },
    "answer is null": (call("TagResource", answer=None), "Calls"),
    "failed call": (call("CreateSecret", errorCode="ResourceExistsException"), None),
    "another role": (call("TagResource", userIdentity=by_role(OTHER_ROLE)), "Calls"),
    "an AWS service": (call("CreateSecret", userIdentity={"type": "AWSService", "invokedBy": "rds"}), "Calls"),
    "call to another service": (call("TagResource", eventSource="s3.amazonaws.com"), None),
    "nothing": ({}, None),
}
"""Kind -> an event and the rule that takes it."""


def test_moto_finds_the_rule_of_each_kind_of_event(make_stack: Any) -> None:
    stack = make_stack()
    own = call("ReplicateSecretToRegions", userIdentity=by_role(stack.role_arn))
    found = {
        kind: [name for name, pattern in stack.patterns.items() if pattern.matches_event(event)]
        for kind, (event, _) in {**EVENTS, "own call": (own, None)}.items()
    }
    wanted = {kind: [rule] if rule else [] for kind, (_, rule) in EVENTS.items()}
    assert found == {**wanted, "own call": []}


def test_the_rules_take_what_the_function_reads_and_nothing_else(make_stack: Any) -> None:
    patterns = make_stack().patterns
    operations = LOADER.load_service_model("secretsmanager", "service-2")["operations"]
    assert set(TAKEN) <= set(operations)
    for event in (native(), *map(call, operations)):
        is_taken = any(pattern.matches_event(event) for pattern in patterns.values())
        assert is_taken == isinstance(read_trigger(event), SecretEvent), event


def test_each_rule_invokes_the_function_and_keeps_what_fails(make_stack: Any) -> None:
    stack = make_stack()
    events = boto3.client("events")
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=STACK)["Policy"])
    may_invoke = {each["Condition"]["ArnLike"]["AWS:SourceArn"] for each in policy["Statement"]}
    assert {each["Action"] for each in policy["Statement"]} == {"lambda:InvokeFunction"}
    for rule in ("Values", "Calls"):
        (target,) = events.list_targets_by_rule(Rule=stack.ids[rule])["Targets"]
        assert target["Arn"] == stack.function["FunctionArn"]
        assert target["DeadLetterConfig"]["Arn"].endswith(stack.ids["FailedEvents"].rpartition("/")[2])
        assert events.describe_rule(Name=stack.ids[rule])["Arn"] in may_invoke


# what moto skips -------------------------------------------------------------------------------


def test_the_role_gets_the_policies_that_you_made_and_the_function_its_processor(resources: Any) -> None:
    assert resources["Role"]["Properties"]["ManagedPolicyArns"] == {"Ref": "PolicyArns"}
    function = resources["Function"]["Properties"]
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    image = {"Fn::If": ["IsZip", {"Ref": "AWS::NoValue"}, {"Command": ["smrep.serverless.handler"]}]}
    assert function["ImageConfig"] == image


def get(name: str, attribute: str = "Arn") -> Any:
    return {"Fn::GetAtt": [name, attribute]}


def test_events_that_fail_to_the_end_are_kept(resources: Any) -> None:
    (retries,) = of_type(resources, "AWS::Lambda::EventInvokeConfig").values()
    assert retries == {
        "FunctionName": {"Ref": "Function"},
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {"OnFailure": {"Destination": get("FailedEvents")}},
    }
    (policy,) = of_type(resources, "AWS::SQS::QueuePolicy").values()
    assert policy["Queues"] == [{"Ref": "FailedEvents"}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": get("FailedEvents"),
        "Condition": {"ArnEquals": {"aws:SourceArn": [get("Values"), get("Calls")]}},
    }


def test_apply_runs_every_hour_and_audit_every_day(resources: Any) -> None:
    schedules = of_type(resources, "AWS::Scheduler::Schedule")
    template = parsed()
    when = {
        name: template["Parameters"][each["ScheduleExpression"]["Ref"]]["Default"] for name, each in schedules.items()
    }
    assert when == {"Apply": "rate(1 hour)", "Audit": "cron(0 5 * * ? *)"}
    assert {name: json.loads(each["Target"]["Input"]) for name, each in schedules.items()} == {
        "Apply": {"smrep": "apply"},
        "Audit": {"smrep": "audit"},
    }
    assert {read_trigger(json.loads(each["Target"]["Input"])) for each in schedules.values()} == set(Schedule)
    for each in schedules.values():
        target = each["Target"]
        assert (target["Arn"], target["RoleArn"]) == (get("Function"), get("SchedulerRole"))
        assert target["DeadLetterConfig"] == {"Arn": get("FailedEvents")}


def test_there_is_an_alarm_for_failed_events_for_silence_and_for_each_metric(resources: Any) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    told = {
        (each["Namespace"], each["MetricName"]): (
            each["ComparisonOperator"],
            each["Threshold"],
            each["TreatMissingData"],
        )
        for each in alarms.values()
    }
    above, below = ("GreaterThanThreshold", 0, "notBreaching"), ("LessThanThreshold", 1, "breaching")
    assert told == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): above,
        ("AWS/Lambda", "Invocations"): below,
        **{(NAMESPACE, name): above for name in METRICS},
    }
    for each in alarms.values():
        topic = {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        assert each["AlarmActions"] == each["OKActions"] == topic
    triggers = {
        each["MetricName"]: {one["Name"]: one["Value"] for one in each["Dimensions"]}
        for each in alarms.values()
        if each["Namespace"] == NAMESPACE
    }
    function = {"Ref": "Function"}
    assert triggers == {
        **{name: {"FunctionName": function, "trigger": "apply"} for name in ("missing", "failed")},
        **{name: {"FunctionName": function, "trigger": "audit"} for name in ("stale", "drift")},
    }
