"""What `doctor --reader` makes of IAM's words and of a resource policy, whatever stands in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.errors import Denied, NotFound, Outcome, Throttled, Unanswered
from smrep.model import Secret
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.reader_access import Policy, decrypt_finding, read_finding, region_bound_policy
from smrep.rules.replication.diagnosis import outcome_of
from smrep.rules.replication.key_failures import via_service

HOME, THERE = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
REPLICA = ARN.replace(HOME, THERE)
PRIMARY = Secret(ARN, "prod/db", HOME, HOME)
ROLE = "arn:aws:iam::123456789012:role/team/app"
KEY = "arn:aws:kms:us-west-2:123456789012:key/1"


def policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def outcome(finding: Finding | None) -> Outcome:
    return outcome_of((finding,) if finding else ())


# IAM's word on GetSecretValue


@pytest.mark.parametrize(
    ("decision", "resource_policy", "severity", "end"),
    [
        ("allowed", None, Severity.INFO, Outcome.OK),
        ("allowed", policy(), Severity.INFO, Outcome.OK),
        ("allowed", Denied("no"), Severity.INFO, Outcome.OK),
        ("implicitDeny", None, Severity.ERROR, Outcome.FAILED),
        ("implicitDeny", policy(), Severity.WARNING, Outcome.OK),
        ("implicitDeny", Denied("no"), Severity.WARNING, Outcome.OK),
        ("explicitDeny", None, Severity.ERROR, Outcome.FAILED),
        ("explicitDeny", policy(), Severity.ERROR, Outcome.FAILED),
        ("explicitDeny", Denied("no"), Severity.ERROR, Outcome.FAILED),
    ],
)
def test_each_word_with_and_without_a_policy_of_the_secrets_own(
    decision: str, resource_policy: Policy, severity: Severity, end: Outcome
) -> None:
    finding = read_finding(ROLE, PRIMARY, THERE, decision, resource_policy)
    assert (finding.kind, finding.severity, outcome(finding)) == (Kind.READER, severity, end)
    assert ROLE in finding.message
    assert THERE in finding.message


def test_what_is_missing_is_named_on_the_replicas_arn() -> None:
    hint = read_finding(ROLE, PRIMARY, THERE, "implicitDeny", None).hint
    assert hint == f"allow the role secretsmanager:GetSecretValue on {REPLICA}"


@given(st.text(min_size=1))
@example("Allowed")
@example("allowed ")
def test_a_word_that_is_not_known_is_never_a_pass(word: str) -> None:
    if word not in ("allowed", "implicitDeny", "explicitDeny"):
        assert read_finding(ROLE, PRIMARY, THERE, word, None).severity is Severity.ERROR
        assert decrypt_finding(ROLE, KEY, THERE, word) is not None


@pytest.mark.parametrize("error", [Denied("no"), Unanswered("gone"), Throttled("slowly"), NotFound("no such role")])
def test_what_iam_would_not_say_is_unchecked_and_no_pass(error: Denied) -> None:
    for finding in (read_finding(ROLE, PRIMARY, THERE, error, None), decrypt_finding(ROLE, KEY, THERE, error)):
        assert finding is not None
        denied = isinstance(error, Denied | NotFound)
        assert (finding.kind, outcome(finding)) == (Kind.UNCHECKED, Outcome.ACCESS if denied else Outcome.PENDING)


def test_a_denial_names_the_permission_and_a_missing_role_the_look_at_it() -> None:
    assert read_finding(ROLE, PRIMARY, THERE, Denied("no"), None).hint == f"allow iam:SimulatePrincipalPolicy on {ROLE}"
    hint = read_finding(ROLE, PRIMARY, THERE, NotFound("no such role"), None).hint
    assert hint == ("check the role and its account:\n  aws iam get-role --role-name app")


# IAM's word on kms:Decrypt


def test_decrypting_that_is_allowed_is_nothing_to_tell() -> None:
    assert decrypt_finding(ROLE, KEY, THERE, "allowed") is None


@pytest.mark.parametrize(
    ("decision", "severity", "end"),
    [("implicitDeny", Severity.WARNING, Outcome.OK), ("explicitDeny", Severity.ERROR, Outcome.FAILED)],
)
def test_decrypting_that_is_not_allowed_names_key_and_service(decision: str, severity: Severity, end: Outcome) -> None:
    finding = decrypt_finding(ROLE, KEY, THERE, decision)
    assert finding is not None
    assert (finding.severity, outcome(finding)) == (severity, end)
    assert f"kms:Decrypt on {KEY}" in (finding.hint or "")
    assert "secretsmanager.us-west-2.amazonaws.com" in (finding.hint or "")


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("us-west-2", "secretsmanager.us-west-2.amazonaws.com"),
        ("us-gov-west-1", "secretsmanager.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "secretsmanager.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "secretsmanager.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_service_is_named_as_its_partition_names_it(region: str, name: str) -> None:
    assert via_service(Region(region)) == name


# the copied policy


@pytest.mark.parametrize(
    "text",
    [
        ARN,
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:*",
        "arn:aws:lambda:us-east-1:123456789012:function:rotate",
        "arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/vpce-1",
        "secretsmanager.us-east-1.amazonaws.com",
    ],
)
@pytest.mark.parametrize("where", ["Resource", "Condition", "list", "NotResource", "single"])
def test_a_text_that_names_another_region_is_a_warning_wherever_it_stands(text: str, where: str) -> None:
    statements: dict[str, object] = {
        "Resource": {"Resource": text},
        "NotResource": {"NotResource": [text]},
        "Condition": {"Condition": {"StringEquals": {"aws:SourceArn": [text]}}},
        "list": {"Resource": ["*", text]},
    }
    document: object = {"Statement": [statements[where]] if where in statements else {"Resource": text}}
    (finding,) = region_bound_policy(PRIMARY, THERE, json.dumps(document))
    assert (finding.kind, finding.severity, outcome(finding)) == (Kind.READER, Severity.WARNING, Outcome.OK)
    assert text in finding.message
    assert f"get-resource-policy --secret-id {ARN} --region us-east-1" in (finding.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "*",
        REPLICA,
        "arn:aws:secretsmanager:*:123456789012:secret:prod/db-??????",
        "arn:aws:iam::123456789012:role/app",
        "arn:aws:sts::123456789012:assumed-role/app/us-east-1",
        "123456789012",
        "secretsmanager.us-west-2.amazonaws.com",
        "secretsmanager.amazonaws.com",
        "s3.amazonaws.com",
    ],
)
def test_what_names_no_other_region_is_no_warning(text: str) -> None:
    assert region_bound_policy(PRIMARY, THERE, policy(Resource=text, Principal={"AWS": text})) == ()


def test_the_regions_own_arns_are_foreign_in_another_region() -> None:
    assert region_bound_policy(PRIMARY, THERE, policy(Resource=[REPLICA])) == ()
    assert len(region_bound_policy(PRIMARY, Region("eu-west-1"), policy(Resource=[REPLICA]))) == 1


def test_a_condition_on_the_requested_region_is_a_warning() -> None:
    """A statement that holds in us-east-1 alone is copied too, and shuts every reader of the replica out."""
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    (finding,) = region_bound_policy(
        PRIMARY, THERE, policy(Action="secretsmanager:GetSecretValue", Condition=condition)
    )
    assert "us-east-1" in finding.message


def test_each_text_is_named_once_and_in_one_finding() -> None:
    (finding,) = region_bound_policy(PRIMARY, THERE, policy(Resource=[ARN, ARN], NotResource=ARN))
    assert finding.message.count(ARN) == 1


def test_ids_and_versions_are_not_taken_for_resources() -> None:
    document = {"Id": ARN, "Version": ARN, "Statement": []}
    assert region_bound_policy(PRIMARY, THERE, json.dumps(document)) == ()


def test_no_policy_is_nothing_to_warn_of() -> None:
    assert region_bound_policy(PRIMARY, THERE, None) == ()
    assert region_bound_policy(PRIMARY, THERE, "") == ()


def test_a_policy_that_could_not_be_had_is_unchecked_with_the_permission() -> None:
    (finding,) = region_bound_policy(PRIMARY, THERE, Denied("no"))
    assert (finding.kind, outcome(finding)) == (Kind.UNCHECKED, Outcome.ACCESS)
    assert finding.hint == f"allow secretsmanager:GetResourcePolicy on {ARN}"


def test_a_policy_that_is_no_json_is_searched_as_one_text() -> None:
    assert len(region_bound_policy(PRIMARY, THERE, f"{{not json {ARN}")) == 1


def test_a_policy_nested_without_end_is_no_fault() -> None:
    assert region_bound_policy(PRIMARY, THERE, '{"Statement": ' + "[" * 10_000 + "]" * 10_000 + "}") == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(ARN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values | st.fixed_dictionaries({"Statement": json_values}))
def test_any_json_at_all_is_read_and_warned_of_at_most_once(document: object) -> None:
    assert len(region_bound_policy(PRIMARY, THERE, json.dumps(document))) <= 1


@given(st.text())
def test_any_text_at_all_is_read(text: str) -> None:
    assert len(region_bound_policy(PRIMARY, THERE, text)) <= 1


# the words

DENIES = "a policy denies"
NONE_ALLOWS = "none of the role's policies allows"
READING = f"{ROLE} to read prod/db in us-west-2"
DECRYPTING = f"{ROLE} to decrypt with {KEY} in us-west-2"
GRANT = f"allow the role secretsmanager:GetSecretValue on {REPLICA}"
GRANT_KEY = (
    f"allow the role kms:Decrypt on {KEY}; where a condition limits it, with kms:ViaService "
    "secretsmanager.us-west-2.amazonaws.com"
)


@pytest.mark.parametrize(
    ("decision", "resource_policy", "message", "hint"),
    [
        ("allowed", None, f"IAM's simulation allows {READING}; no value was read", None),
        ("explicitDeny", None, f"{DENIES} {READING}", "remove the Deny"),
        ("implicitDeny", None, f"no policy allows {READING}", GRANT),
        ("implicitDeny", policy(), f"{NONE_ALLOWS} {READING}; the secret's own policy may", GRANT),
    ],
)
def test_a_word_on_reading_is_told_with_who_reads_what_and_where(
    decision: str, resource_policy: Policy, message: str, hint: str | None
) -> None:
    finding = read_finding(ROLE, PRIMARY, THERE, decision, resource_policy)
    assert (finding.message, finding.hint) == (message, hint)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        ("explicitDeny", Finding(Kind.READER, Severity.ERROR, f"{DENIES} {DECRYPTING}", GRANT_KEY)),
        (
            "implicitDeny",
            Finding(Kind.READER, Severity.WARNING, f"{NONE_ALLOWS} {DECRYPTING}; the key's own policy may", GRANT_KEY),
        ),
    ],
)
def test_a_word_on_decrypting_is_told_with_the_key(decision: str, expected: Finding) -> None:
    assert decrypt_finding(ROLE, KEY, THERE, decision) == expected


def test_what_iam_would_not_say_is_told_with_what_was_asked() -> None:
    missing = NotFound("no such role")
    reading = read_finding(ROLE, PRIMARY, THERE, missing, None)
    assert reading.message == f"the permission of {READING} could not be checked: no such role"
    assert reading.outcome is Outcome.ACCESS
    decrypting = decrypt_finding(ROLE, KEY, THERE, missing)
    assert decrypting is not None
    assert decrypting.message == f"the permission of {DECRYPTING} could not be checked: no such role"


def test_a_policy_that_could_not_be_had_is_told_with_its_secret() -> None:
    (finding,) = region_bound_policy(PRIMARY, THERE, Denied("no"))
    assert finding.message == "the resource policy of prod/db could not be checked: no"


def test_the_texts_that_name_other_regions_are_all_told_in_order() -> None:
    statements = [{"Resource": [ARN, "*"], "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}}}]
    (finding,) = region_bound_policy(PRIMARY, THERE, json.dumps({"Statement": statements}))
    assert finding.message == (
        f"AWS copies the resource policy of prod/db to us-west-2 unchanged, and it names {ARN}, eu-west-1"
    )
    assert finding.hint == (
        "check that it works in us-west-2:\n"
        f"  aws secretsmanager get-resource-policy --secret-id {ARN} --region us-east-1"
    )
