"""Shared by the preflight tests: a primary under a given key, and the Regions that were sent in the end."""

from __future__ import annotations

from fakes import FakeAws


def regions_sent(aws: FakeAws) -> list[str]:
    return [each["Region"] for call in aws.sent() for each in call["AddReplicaRegions"]]


def primary_under(aws: FakeAws, key: str) -> str:
    return aws.create(KmsKeyId=key)
