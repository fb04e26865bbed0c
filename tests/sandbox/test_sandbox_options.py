"""The options that set the faults of `smrep sandbox`."""

import click
import pytest
from click.testing import CliRunner

from smrep.cli.commands.sandbox import sandbox
from smrep.cli.fault_options import fault_options, faults_from
from smrep.errors import UsageError


def faults(*words):
    """What the options given make of the sandbox."""
    found = {}

    @click.command()
    @fault_options
    def command(**options):
        found.update(options)

    assert CliRunner().invoke(command, words, standalone_mode=False).exception is None
    return faults_from(found)


def test_regions_are_disabled_one_by_one():
    assert faults().disabled_regions == frozenset()
    words = ("--disabled-region", "ap-east-1", "--disabled-region", "af-south-1")
    assert faults(*words).disabled_regions == {"ap-east-1", "af-south-1"}
    with pytest.raises(UsageError, match="us-wset-2"):
        faults("--disabled-region", "us-wset-2")


def test_the_lag_of_lists_and_that_of_descriptions_are_two():
    assert (faults().listing_lag_s, faults().list_lag_s) == (0, 0)
    lags = faults("--listing-lag", "5m", "--list-lag", "3s")
    assert (lags.listing_lag_s, lags.list_lag_s) == (300, 3)


@pytest.mark.parametrize(
    "operation", ["ListRegions", "DescribeRegions", "SimulatePrincipalPolicy", "PutResourcePolicy"]
)
def test_the_operations_of_every_service_can_be_denied(operation):
    assert faults("--deny", f"{operation}=us-east-1").denied == {(operation, "us-east-1")}


@pytest.mark.parametrize("command", ["start", "exec"])
def test_the_help_tells_of_disabled_regions(command):
    assert "--disabled-region REGION" in CliRunner().invoke(sandbox, [command, "--help"]).output
