"""What the live table shows where not everything fits."""

from __future__ import annotations

from smrep.errors import Outcome
from smrep.output.live import fitting
from smrep.regions import Region
from smrep.report import RegionReport, SecretReport

OPEN = RegionReport(Region("eu-west-1"), Outcome.PENDING, status="InProgress")
DONE = RegionReport(Region("us-west-2"), Outcome.OK, status="InSync")
SECRETS = tuple(SecretReport(f"s{number}", Outcome.PENDING, replicas=(DONE, OPEN)) for number in range(10))


def test_what_fits_is_shown_whole() -> None:
    assert fitting(SECRETS, 20) == SECRETS


def test_what_does_not_fit_is_cut_down_to_what_is_open() -> None:
    shown = fitting(SECRETS, 5)
    assert [each.name for each in shown] == ["s0", "s1", "s2", "s3", "s4"]
    assert {each.replicas for each in shown} == {(OPEN,)}
