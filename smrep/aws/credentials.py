"""Credentials that no request can be signed with, told by where they come from and never by what they are."""

from __future__ import annotations

import os
from typing import Any

from smrep.aws.sources import NO_HEADER, Cure, frozen, refusal

_FIELDS = {
    "access_key": ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    "token": ("AWS_SESSION_TOKEN", "aws_session_token"),
}
"""A credential's part -> its variable and its key in a profile."""


def check_credentials(session: Any, cure: Cure) -> None:
    """Have every client that the session will make refuse to sign with credentials that can't be used."""
    core = session._session  # noqa: SLF001 - boto3 has no other way to it

    def check(request_signer: Any, signature_version: Any, **_: Any) -> None:
        given = frozen(core, request_signer, signature_version, cure)
        for part in _FIELDS if given else ():
            value = getattr(given, part)
            if value and NO_HEADER.search(value):
                raise refusal(_place(session, part, value, request_signer._credentials.method))  # noqa: SLF001

    session.events.register_first("before-sign.*.*", check)


def _place(session: Any, part: str, value: str, method: str) -> str:
    """Return where the value comes from: a variable, a profile, or the kind of source."""
    variable, key = _FIELDS[part]
    for name in (variable, "AWS_SECURITY_TOKEN"):
        if os.environ.get(name) == value:
            return name
    for name, profile in session._session.full_config.get("profiles", {}).items():  # noqa: SLF001 - as above
        if profile.get(key) == value:
            return f"{key} of the profile {name}"
    return f"the {key.removeprefix('aws_')} from {method}"
