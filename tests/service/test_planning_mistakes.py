"""Mistakes of a manifest that only the secrets show, all told at once, and guards that stop before any write."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, replicated
from service.apply_scene import PROD, drafted, planner, rules_of, writes
from use_case_run import quiet

from smrep.errors import CredentialsError, UsageError
from smrep.rules.fleet.shards import Shard
from smrep.service.plan import FleetPlan

OLD, NEW = {"region": WEST, "kms_key": "alias/old"}, {"region": WEST, "kms_key": "alias/new"}


def refusal(aws: FakeAws, *rules: dict[str, Any]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        drafted(aws, *rules)
    assert writes(aws) == []
    assert {call[0] for call in aws.calls} <= {"ListSecrets", "DescribeSecret"}
    return caught.value


def test_two_keys_for_one_secret_are_seen_only_once_it_is_known_which_there_are(aws: FakeAws) -> None:
    aws.create("prod/a", Tags=[{"Key": "dr", "Value": "true"}])
    error = refusal(
        aws,
        PROD | {"regions": [OLD]},
        {"name": "tagged", "tags": {"dr": "true"}, "regions": [IRELAND, NEW]},
    )
    assert error.details == (
        "replicate[0] and replicate[1]: prod/a has two keys in us-west-2, alias/old and alias/new",
    )
    assert (error.code, "nothing was sent" in error.message) == ("ManifestError", True)


def test_rules_that_could_clash_and_do_not_are_no_mistake(aws: FakeAws) -> None:
    aws.create("prod/a", Tags=[{"Key": "dr", "Value": "true"}])
    aws.create("prod/b", Tags=[{"Key": "dr", "Value": "soon"}])
    tagged = {"prefix": "prod/", "regions": [OLD], "tags": {"dr": "true"}}
    soon = {"prefix": "prod/", "regions": [NEW], "tags": {"dr": "soon"}}
    assert len(drafted(aws, tagged, soon).reports()) == 2


def test_a_rule_that_means_nothing_is_a_mistake(aws: FakeAws) -> None:
    aws.create("prod/a")
    error = refusal(aws, PROD, {"name": "slip", "prefix": "prdo/", "regions": [WEST]})
    assert error.details == ("replicate[1]: slip matches no secret in us-east-1: prefix prdo/",)


def test_a_rule_that_means_nothing_but_a_replica_means_nothing(aws: FakeAws) -> None:
    aws.create("prod/a", IRELAND)
    aws.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/a", AddReplicaRegions=[{"Region": HOME}])
    aws.clock.time += 10
    assert len(refusal(aws).details) == 1


def test_all_mistakes_are_told_at_once(aws: FakeAws) -> None:
    aws.create("prod/a", Tags=[{"Key": "dr", "Value": "true"}])
    error = refusal(
        aws,
        PROD | {"regions": [OLD]},
        {"name": "tagged", "tags": {"dr": "true"}, "regions": [NEW]},
        {"name": "slip", "prefix": "prdo/", "regions": [WEST]},
        {"name": "other", "prefix": "ohter/", "regions": [WEST]},
    )
    assert error.message.startswith("the manifest has 3 mistakes")
    assert [each.partition(":")[0] for each in error.details] == [
        "replicate[0] and replicate[1]",
        "replicate[2]",
        "replicate[3]",
    ]


def test_a_rule_whose_secrets_are_all_of_other_shards_means_something(aws: FakeAws) -> None:
    aws.create("prod/a")
    parts = [drafted(aws, share=Shard(number, 2)).reports() for number in (1, 2)]
    assert sorted(len(each) for each in parts) == [0, 1]


def test_secrets_of_another_account_than_expected_stop_it(aws: FakeAws) -> None:
    replicated(aws, name="prod/a")
    rules = rules_of()
    draft = FleetPlan([planner(aws, rules, expect_account="999999999999")], rules)
    with pytest.raises(UsageError, match="123456789012"):
        draft.look(quiet(aws.clock))
    assert aws.count("DescribeSecret") == 0


def test_credentials_that_nobody_accepts_stop_it(aws: FakeAws) -> None:
    aws.faults(disabled_regions=frozenset({HOME}))
    with pytest.raises(CredentialsError):
        drafted(aws)
