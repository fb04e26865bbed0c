"""Versions of a secret and their staging labels: pure functions over tuples."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from smrep.sandbox.errors import ApiError, invalid_parameter
from smrep.sandbox.state import Value, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
_MAX_BYTES = 65_536
_MAX_VERSIONS = 100


def value_of(params: Mapping[str, Any]) -> Value | None:
    """Return the secret value in a request, or `None` if there is none.

    Raises: ApiError where there are two, or one that is no base64 or too long.
    """
    text, binary = params.get("SecretString"), params.get("SecretBinary")
    if text is not None and binary is not None:
        raise invalid_parameter("You can't specify both a binary secret value and a string secret value.")
    if binary is not None:
        try:
            size = len(base64.b64decode(binary, validate=True))
        except (binascii.Error, ValueError):
            raise ApiError("SerializationException", "SecretBinary is not valid base64.") from None
        if size > _MAX_BYTES:
            raise invalid_parameter(f"A secret value has at most {_MAX_BYTES} bytes.")
    return None if text is None and binary is None else Value(text, binary)


def find_version(versions: Iterable[Version], version_id: str) -> Version | None:
    """Return the version with that id."""
    return next((version for version in versions if version.version_id == version_id), None)


def labelled(versions: Iterable[Version], stage: str) -> Version | None:
    """Return the version that bears the label `stage`."""
    return next((version for version in versions if stage in version.stages), None)


def with_version(versions: tuple[Version, ...], new: Version) -> tuple[Version, ...]:
    """All versions after one more, its labels taken from whichever bore them.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves; the first version of all gets AWSCURRENT.
    Of the versions without a label the newest are kept, a hundred versions in all.
    Source: API_PutSecretValue, VersionStages.
    """
    wanted = tuple(dict.fromkeys(new.stages if versions else (*new.stages, CURRENT)))
    left = labelled(versions, CURRENT) if CURRENT in wanted else None
    moved = {*wanted, PREVIOUS} if left is not None else set(wanted)
    kept = []
    for version in versions:
        remaining = tuple(stage for stage in version.stages if stage not in moved)
        if version is left and PREVIOUS not in wanted:
            remaining = (*remaining, PREVIOUS)
        kept.append(replace(version, stages=remaining))
    kept.append(replace(new, stages=wanted))
    recent = {version.version_id for version in kept[-_MAX_VERSIONS:]}
    return tuple(version for version in kept if version.stages or version.version_id in recent)
