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


def with_label_moved(
    versions: tuple[Version, ...], stage: str, left: str | None, to: str | None
) -> tuple[Version, ...]:
    """Return the versions with the label taken from the version `left`, if any, and given to the version `to`.

    AWSPREVIOUS goes to the version that AWSCURRENT leaves. Source: API_UpdateSecretVersionStage; its words as moto's
    tests have them, verified on AWS; aws-behavior.md 10.3 for AWSCURRENT. Choice: the other words.

    Raises: ApiError.
    """
    bearer = labelled(versions, stage)
    for version_id in (left, to):
        if version_id is not None and find_version(versions, version_id) is None:
            raise ApiError("ResourceNotFoundException", f"Secrets Manager can't find the version {version_id}.")
    if bearer is None:
        if left is not None:
            raise invalid_parameter(f"Staging label {stage} isn't attached to version {left}.")
    elif bearer.version_id not in (to, left):
        what = "can't be empty" if left is None else "names another version"
        raise invalid_parameter(
            f"The parameter RemoveFromVersionId {what}. Staging label {stage} is currently attached to version "
            f"{bearer.version_id}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if to is None and stage == CURRENT:
        raise invalid_parameter(
            f"You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        )
    moved = {stage, PREVIOUS} if stage == CURRENT and bearer is not None and to != bearer.version_id else {stage}
    changed = []
    for version in versions:
        stages = [each for each in version.stages if each not in moved]
        if version.version_id == to:
            stages.append(stage)
        elif version is bearer and stage == CURRENT and PREVIOUS in moved:
            stages.append(PREVIOUS)
        changed.append(replace(version, stages=tuple(stages)))
    return tuple(changed)
