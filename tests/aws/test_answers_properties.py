"""Any JSON at all in the place of AWS's answer: a value of ours, or an answer that makes no sense; never a fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.aws import responses as answers
from smrep.model import Secret
from smrep.regions import Region

HOME = Region("us-east-1")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
BAD = (ValueError, TypeError, AttributeError)
"""What the client takes for an answer that makes no sense."""
FIELDS = (
    *("ARN", "Name", "PrimaryRegion", "KmsKeyId", "ReplicationStatus", "DeletedDate", "LastChangedDate", "Region"),
    *("LastAccessedDate", "RotationEnabled", "OwningService", "VersionIdsToStages", "CrossAccountPrimary", "Status"),
    *("CrossAccountReplicas", "StatusMessage", "KeyMetadata", "Arn", "KeyState", "Versions", "VersionId", "Regions"),
    *("VersionStages", "KmsKeyIds", "RegionName", "RegionOptStatus", "EvaluationResults", "EvalDecision"),
    *("Accounts", "OrganizationalUnits", "Id", "State"),
    *("ResourceSpecificResults", "EvalResourceDecision", "PrimarySecretARN", "ReplicaSecretARN"),
)
EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
moments = st.sampled_from(
    [datetime(2026, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=EAST), datetime.max.replace(tzinfo=WEST)]
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), moments, st.sampled_from([ARN, HOME])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
READERS: list[Callable[[Any], object]] = [
    lambda answer: answers.to_secret(answer, "prod/db", HOME),
    answers.to_replicas,
    lambda answer: answers.secret_arn(answer, HOME, "prod/db"),
    lambda answer: answers.to_key(answer, "alias/dr", HOME),
    lambda answer: answers.to_versions([answer], "prod/db", HOME),
    lambda answer: answers.to_region_states([answer], "RegionOptStatus"),
    lambda answer: answers.to_decision(answer, "kms:Decrypt", "*"),
    lambda answer: answers.to_accounts([answer]),
    lambda answer: answers.to_unit_ids([answer]),
]


@pytest.mark.parametrize("read", READERS)
@given(answer=documents)
def test_any_document_is_read_or_makes_no_sense(read: Callable[[Any], object], answer: dict[str, Any]) -> None:
    try:
        assert read(answer) is not None
    except BAD:
        return


@given(values, st.sampled_from([each for each in FIELDS if each not in ("ARN", "Name")]))
@example(float("inf"), "DeletedDate")
@example(1e300, "LastChangedDate")
@example(datetime.max.replace(tzinfo=WEST), "LastAccessedDate")
def test_a_secret_with_one_odd_field_is_itself_or_makes_no_sense(odd: Any, field: str) -> None:
    try:
        secret = answers.to_secret({"ARN": ARN, "Name": "prod/db", field: odd}, "prod/db", HOME)
    except BAD:
        return
    assert isinstance(secret, Secret)
    assert (secret.arn, secret.name, secret.region) == (ARN, "prod/db", HOME)
    for text in (secret.primary_region, secret.kms_key_id, secret.owning_service):
        assert text is None or isinstance(text, str)
    for moment in (secret.deleted, secret.last_changed, secret.last_accessed):
        assert moment is None or moment.tzinfo is UTC
    assert len({each.region for each in secret.replicas}) == len(secret.replicas)


@pytest.mark.parametrize("moment", [float("inf"), 1e300, datetime.max.replace(tzinfo=WEST)])
def test_a_time_beyond_all_time_makes_no_sense(moment: object) -> None:
    with pytest.raises(ValueError, match="a time is out of range"):
        answers.to_secret({"ARN": ARN, "Name": "prod/db", "DeletedDate": moment}, "prod/db", HOME)


@given(st.lists(st.tuples(st.sampled_from(["us-west-2", "eu-west-1"]), st.sampled_from(["InSync", "Odd", "Failed"]))))
def test_of_a_region_listed_twice_the_later_entry_counts(entries: list[tuple[str, str]]) -> None:
    listed = [{"Region": region, "Status": status} for region, status in entries]
    assert {each.region: each.status for each in answers.to_replicas({"ReplicationStatus": listed})} == dict(entries)
