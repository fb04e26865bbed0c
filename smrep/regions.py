"""Know Regions and partitions offline: their names, the patterns of new ones, and the nearest to a mistyped one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import NewType

from smrep.errors import UsageError

Region = NewType("Region", str)

_COMPASS = "(?:central|east|north|northeast|northwest|south|southeast|southwest|west)"


@dataclass(frozen=True, slots=True)
class Partition:
    """A set of Regions that replicate only among themselves.

    Source: botocore 1.44.5 data/partitions.json (`dnsSuffix` for the domain);
    that partitions do not mix: aws-behavior.md 3 'Regions'.
    """

    name: str
    pattern: str
    """Regular expression for every Region name of the partition, future ones included."""
    regions: tuple[str, ...]
    suffix: str = "amazonaws.com"
    """The domain of its endpoints."""


PARTITIONS = (
    Partition(
        "aws",
        rf"(?:af|ap|ca|eu|il|me|mx|sa|us)-{_COMPASS}-[1-9]\d?",
        (
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
            *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
            *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1"),
            *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
            *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1"),
            *("me-central-1", "me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1"),
            *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
        ),
    ),
    Partition("aws-cn", rf"cn-{_COMPASS}-[1-9]\d?", ("cn-north-1", "cn-northwest-1"), "amazonaws.com.cn"),
    Partition("aws-us-gov", rf"us-gov-{_COMPASS}-[1-9]\d?", ("us-gov-east-1", "us-gov-west-1")),
    Partition("aws-iso", rf"us-iso-{_COMPASS}-[1-9]\d?", ("us-iso-east-1", "us-iso-west-1"), "c2s.ic.gov"),
    Partition("aws-iso-b", rf"us-isob-{_COMPASS}-[1-9]\d?", ("us-isob-east-1", "us-isob-west-1"), "sc2s.sgov.gov"),
    Partition("aws-iso-e", rf"eu-isoe-{_COMPASS}-[1-9]\d?", ("eu-isoe-west-1",), "cloud.adc-e.uk"),
    Partition("aws-iso-f", rf"us-isof-{_COMPASS}-[1-9]\d?", ("us-isof-east-1", "us-isof-south-1"), "csp.hci.ic.gov"),
    Partition("aws-eusc", rf"eusc-de-{_COMPASS}-[1-9]\d?", ("eusc-de-east-1",), "amazonaws.eu"),
)

KNOWN = tuple(region for partition in PARTITIONS for region in partition.regions)
"""AWS's list when this version was made."""


def parse_region(text: str) -> Region:
    """Return the Region that `text` names; an unknown one passes if it fits a partition's pattern.

    Raises:
        UsageError: it fits none; the hint is the nearest known Region.

    """
    if text in KNOWN or any(re.fullmatch(partition.pattern, text, re.ASCII) for partition in PARTITIONS):
        return Region(text)
    near = nearest(text)
    raise UsageError(
        f"{text!r} is not an AWS Region" if text else "a Region must not be empty",
        f"did you mean {near}?" if near else "Region names look like us-west-2",
    )


def nearest(text: str) -> str | None:
    """Return the known Region that `text` most likely means, several joined by `or`, None if none is like it."""
    squeezed = {re.sub(r"[^a-z0-9]", "", region): region for region in KNOWN}
    typed = re.sub(r"[^a-z0-9]", "", text.lower())
    for candidate in (typed, typed[:-1]):  # the second is an Availability Zone's Region: us-west-2a
        if candidate in squeezed:
            return squeezed[candidate]
    near = {name: SequenceMatcher(b=typed, a=name).ratio() for name in get_close_matches(typed, squeezed, cutoff=0.75)}
    return " or ".join(sorted(squeezed[name] for name in near if near[name] == max(near.values()))) or None


_ENABLED_BY_DEFAULT = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
"""Source: AWS Account Management guide, 'Enable or disable AWS Regions'."""


def is_opt_in(region: Region) -> bool:
    """Return whether an account must enable the Region first."""
    return partition_of(region) == "aws" and region not in _ENABLED_BY_DEFAULT


def partition_of(region: Region) -> str:
    """Return the partition's name as ARNs have it: aws, aws-cn, aws-us-gov, ..."""
    return next(partition.name for partition in PARTITIONS if re.fullmatch(partition.pattern, region, re.ASCII))


def dns_suffix(region: Region) -> str:
    """Return the domain of the Region's endpoints: amazonaws.com, amazonaws.com.cn, ..."""
    return next(partition.suffix for partition in PARTITIONS if partition.name == partition_of(region))
