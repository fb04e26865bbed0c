"""What a failover and a failback may do, and where."""

from __future__ import annotations

from policy_scopes import ONE, scope, statements


def test_the_way_back_may_replicate_both_ways_over_what_is_there_and_nowhere_else() -> None:
    limits = "secretsmanager:AddReplicaRegions"
    of = statements(scope("failback", secrets=["prod/db"], targets=ONE))["Replicate"]
    assert of["Condition"]["ForAllValues:StringEquals"][limits] == ["us-east-1", "us-west-2"]
    assert "BoolIfExists" not in of["Condition"]
    assert {each.split(":")[3] for each in of["Resource"]} == {"us-east-1", "us-west-2"}
    assert "Promote" in statements(scope("failback", secrets=["prod/db"], targets=ONE))


def test_a_failover_may_nothing_in_the_region_that_is_lost() -> None:
    of = statements(scope("failover", secrets=["prod/db"], targets=ONE))
    regions = {each.split(":")[3] for one in of.values() for each in one["Resource"] if each != "*"}
    assert regions == {"us-west-2"}
