"""The operations that list Regions: EC2's DescribeRegions and Account Management's ListRegions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.arns import partition
from smrep.sandbox.simulator.page_tokens import take_page
from smrep.sandbox.simulator.validation import Field, Operation

BY_DEFAULT = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    *("cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"),
)
"""Regions that every account of their partition has. Source: AWS Account Management guide, opt-in Regions."""
OPT_IN = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
    *("il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
)
"""Regions that an account has to enable. Source: the same; botocore 1.44.5 data/partitions.json for the names."""
_STATUSES = ("ENABLED", "ENABLING", "DISABLING", "DISABLED", "ENABLED_BY_DEFAULT")


def list_partition_regions(region: str, disabled: Iterable[str]) -> list[str]:
    """Return the names of all Regions in the partition of `region`; disabled ones always exist."""
    names = {*BY_DEFAULT, *OPT_IN, *disabled}
    return sorted(name for name in names if partition(name) == partition(region))


def _describe_regions(state: AccountState, request: Request) -> dict[str, Any]:
    """Describe Regions. Choice: sorted by name, without geography; Regions in the request even if not enabled.

    Source: API_DescribeRegions; the refusal of an unknown Region as reported by users.
    """
    params, disabled = request.params, state.faults.disabled_regions
    shown = regions = list_partition_regions(request.region, disabled)
    named = params.get("RegionName", [])
    if unknown := [region for region in named if region not in regions]:
        raise ApiError("InvalidParameterValue", f"Invalid region: [{', '.join(unknown)}]")
    if params.get("DryRun", False):
        raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    if named:
        shown = [region for region in regions if region in named]
    elif not params.get("AllRegions", False):
        shown = [region for region in regions if region not in disabled]
    rows = [_show_region(region, enabled=region not in disabled) for region in shown]
    return {"regionInfo": [row for row in rows if all(_fits(row, item) for item in params.get("Filter", []))]}


def _show_region(region: str, *, enabled: bool) -> dict[str, str]:
    domain = "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"
    status = "opt-in-not-required" if region in BY_DEFAULT else "opted-in"
    return {
        "regionName": region,
        "regionEndpoint": f"ec2.{region}.{domain}",
        "optInStatus": status if enabled else "not-opted-in",
    }


def _fits(row: dict[str, str], item: dict[str, Any]) -> bool:
    """Return whether a Region matches a filter. Choice: no wildcards."""
    keys = {"endpoint": "regionEndpoint", "opt-in-status": "optInStatus", "region-name": "regionName"}
    if item["Name"] not in keys:
        raise ApiError("InvalidParameterValue", f"The filter '{item['Name']}' is invalid")
    return row[keys[item["Name"]]] in item.get("Value", [])


def _list_regions(state: AccountState, request: Request) -> dict[str, Any]:
    """List Regions. Choice: sorted by name, 50 a page by default. Source: API_ListRegions."""
    params, disabled = request.params, state.faults.disabled_regions
    wanted = params.get("RegionOptStatusContains", _STATUSES)
    rows = [
        {"RegionName": region, "RegionOptStatus": status}
        for region in list_partition_regions(request.region, disabled)
        if (status := _find_opt_status(region, enabled=region not in disabled)) in wanted
    ]
    try:
        shown, token = take_page(
            rows,
            key=lambda row: (row["RegionName"], ""),
            size=params.get("MaxResults", 50),
            token=params.get("NextToken"),
        )
    except ApiError as error:
        raise ApiError("ValidationException", error.message) from None
    return {"Regions": shown} if token is None else {"Regions": shown, "NextToken": token}


def _find_opt_status(region: str, *, enabled: bool) -> str:
    if not enabled:
        return "DISABLED"
    return "ENABLED_BY_DEFAULT" if region in BY_DEFAULT else "ENABLED"


_FILTER = Field(dict, members={"Name": Field(str, required=True), "Value": Field(list, item=Field(str))})
EC2_OPERATIONS = {
    "DescribeRegions": Operation(
        _describe_regions,
        {
            "AllRegions": Field(bool),
            "DryRun": Field(bool),
            "RegionName": Field(list, item=Field(str)),
            "Filter": Field(list, item=_FILTER),
        },
    )
}
"""EC2: operation name -> operation."""
ACCOUNT_OPERATIONS = {
    "ListRegions": Operation(
        _list_regions,
        {
            "MaxResults": Field(int, low=1, high=50),
            "NextToken": Field(str, high=1000),
            "RegionOptStatusContains": Field(list, item=Field(str, enum=_STATUSES)),
        },
    )
}
"""Account Management: operation name -> operation."""
