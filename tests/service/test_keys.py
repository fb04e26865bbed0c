"""Whether a replica's key is the one asked for, by spelling and by asking KMS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from fakes import WEST, FakeAws, kinds, only
from service.replicate_scene import prepare, replicate, request_for

from smrep.errors import AwsError, CredentialsError, Denied, Outcome
from smrep.model import Key
from smrep.regions import Region
from smrep.service.steps.kms_keys import KmsKeys


class Slow:
    """A KMS that answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_on = Event()
        self.error: AwsError | None = None

    def key(self, key: str, region: Region) -> Key:
        self.asked.append(key)
        assert self.goes_on.wait(60)
        if self.error:
            raise self.error
        return Key(f"arn:aws:kms:{region}:123456789012:key/{key}", "Enabled")


EXPIRED = CredentialsError("gone", "k", code="ExpiredTokenException")


@pytest.mark.parametrize("error", [None, Denied("no", "k"), EXPIRED])
def test_many_that_want_to_know_of_one_key_ask_once(error: AwsError | None) -> None:
    kms = Slow()
    kms.error, check = error, KmsKeys(kms)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(check.key, "one", Region(WEST)) for _ in range(4)]
        while not all(each.running() for each in answers):
            Event().wait(0.001)
        kms.goes_on.set()
        ends = [(each.exception(60), each.exception(60) or each.result(60)) for each in answers]
    assert kms.asked[0] == "one"
    assert all(end == ends[0] for end in ends)
    assert (ends[0][0] is None) == (error is not EXPIRED)
    assert len(kms.asked) == 1 or error is EXPIRED  # of which nothing is remembered


@pytest.fixture
def key(aws: FakeAws) -> str:
    """Return the ARN of a key in us-west-2 that `alias/dr` stands for, with a replica under it."""
    metadata = aws.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    aws.call("CreateAlias", WEST, service="kms", AliasName="alias/dr", TargetKeyId=metadata["KeyId"])
    aws.create()
    return str(metadata["Arn"])


@pytest.mark.parametrize("spelled", ["alias", "id", "arn", "alias_arn"])
def test_an_alias_an_id_and_an_arn_of_one_key_are_equal(aws: FakeAws, key: str, spelled: str) -> None:
    spellings = {
        "alias": "alias/dr",
        "id": key.split("/")[1],
        "arn": key,
        "alias_arn": "arn:aws:kms:us-west-2:123456789012:alias/dr",
    }
    replicate(aws, f"{WEST}={key}")
    row = only(replicate(aws, f"{WEST}={spellings[spelled]}"))
    assert (row.outcome, kinds(row), row.changed) == (Outcome.OK, [], False)
    assert aws.sent() == []


def test_spelling_alone_settles_what_it_can(aws: FakeAws, key: str) -> None:
    replicate(aws, f"{WEST}={key}")
    replicate(aws, f"{WEST}={key.split('/')[1]}")
    assert aws.count("DescribeKey") == 0


@pytest.mark.parametrize("wanted", ["alias/aws/secretsmanager", "alias/other", "0f000000-0000-4000-8000-000000000000"])
def test_another_key_is_drift_and_nothing_is_sent(aws: FakeAws, key: str, wanted: str) -> None:
    replicate(aws, f"{WEST}={key}")
    row = only(replicate(aws, f"{WEST}={wanted}"))
    assert (row.outcome, row.status, kinds(row), row.changed) == (Outcome.DRIFT, "InSync", ["wrong_key"], False)
    assert "smrep rekey prod/db --primary-region us-east-1" in (row.findings[0].hint or "")
    assert aws.sent() == []


def test_the_default_key_is_told_from_a_customers(aws: FakeAws, key: str) -> None:
    replicate(aws, WEST)
    assert only(replicate(aws, f"{WEST}=alias/aws/secretsmanager")).outcome is Outcome.OK
    assert only(replicate(aws, f"{WEST}=alias/dr")).outcome is Outcome.DRIFT


def test_no_key_asked_for_means_any_will_do(aws: FakeAws, key: str) -> None:
    replicate(aws, f"{WEST}=alias/dr")
    assert only(replicate(aws, WEST)).outcome is Outcome.OK


def test_where_kms_may_not_be_asked_the_comparison_is_unchecked(aws: FakeAws, key: str) -> None:
    replicate(aws, f"{WEST}={key}")
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(replicate(aws, f"{WEST}=alias/dr"))
    assert kinds(row) == ["unchecked"]
    assert row.outcome is Outcome.OK
    assert aws.sent() == []


def test_without_preflight_a_missing_key_fails_with_a_hint_about_keys(aws: FakeAws) -> None:
    aws.create()
    row = only(replicate(aws, f"{WEST}=alias/nowhere", preflight=False))
    assert (row.outcome, row.status) == (Outcome.FAILED, "Failed")
    assert row.error is not None
    assert "aws kms list-aliases --region us-west-2" in (row.error.hint or "")


def test_a_retry_changes_no_key_that_was_not_named(aws: FakeAws) -> None:
    aws.create()
    replicate(aws, f"{WEST}=alias/late", preflight=False)
    metadata = aws.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    aws.call("CreateAlias", WEST, service="kms", AliasName="alias/late", TargetKeyId=metadata["KeyId"])
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, row.kms_key_id) == (Outcome.OK, "InSync", "alias/late")
    assert aws.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/late"}]


def test_a_dry_run_shows_the_key_that_would_be_sent(aws: FakeAws) -> None:
    aws.create()
    replicate(aws, f"{WEST}=alias/nowhere", preflight=False)
    key = aws.call("CreateKey", WEST, service="kms")["KeyMetadata"]["KeyId"]
    aws.call("CreateAlias", WEST, service="kms", AliasName="alias/dr", TargetKeyId=key)
    run = prepare(aws, request_for(f"{WEST}=alias/dr"))
    row = only(run.secrets(dry_run=True))
    assert (row.action, row.kms_key_id) == ("retry", "alias/dr")
