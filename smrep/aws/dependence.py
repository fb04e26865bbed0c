"""Whether the credentials can be had while a Region is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3

from smrep.regions import Region
from smrep.urls import shown

_KEPT = ("env", "shared-credentials-file", "config-file", "explicit")
_OWN = ("iam-role", "container-role")


def dependence(session: boto3.Session, lost: Region, alive: Region) -> tuple[str, bool]:
    """Return where the credentials come from, in words, and whether that may need the lost Region.

    Source: botocore's credential providers, by the name of the method that each gives.
    """
    credentials = session.get_credentials()
    method = str(credentials.method) if credentials else ""
    centers = sorted(set(_identity_centers(session)))
    if lost in centers:
        return (
            f"they come from IAM Identity Center in {lost} and can't be renewed while it is down; have others at hand"
        ), True
    if method in _KEPT:
        return f"keys that are kept here ({method}); nothing in them depends on {lost}", False
    if method in _OWN:
        return f"the machine's own role ({method}); nothing in it depends on {lost}", False
    if method.startswith("assume-role"):
        endpoint = str(session.client("sts", region_name=alive).meta.endpoint_url)
        if alive not in (urlsplit(endpoint).hostname or ""):
            return f"a role, taken on at {shown(endpoint)}, which is not known to be AWS's STS in {alive}", True
        return f"a role, taken on at STS in {alive}; nothing in it depends on {lost}", False
    if method.startswith("sso"):
        return f"IAM Identity Center in {', '.join(centers) or 'a Region not told'}, not in {lost}", False
    return f"they come from {method or 'nowhere'}, and whether that needs {lost} is not known", True


def _identity_centers(session: boto3.Session) -> Iterator[str]:
    """Yield the Regions of IAM Identity Center that the profile, or one that it leans on, is signed in at."""
    config: Mapping[str, Any] = session._session.full_config  # noqa: SLF001 - boto3 has no other way to it
    profiles, seen = config.get("profiles", {}), set()
    name: str | None = session.profile_name
    while name and name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        center = config.get("sso_sessions", {}).get(profile.get("sso_session"), profile)
        if center.get("sso_region"):
            yield str(center["sso_region"])
        name = profile.get("source_profile")
