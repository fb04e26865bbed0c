"""Credentials that no request can be signed with, told by where they come from and never by what they are."""

from __future__ import annotations

import os
import re
from typing import Any

from smrep.errors import CredentialsError

_FIELDS = {
    "access_key": ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    "token": ("AWS_SESSION_TOKEN", "aws_session_token"),
}
"""A credential's part -> its variable and its key in a profile."""
_CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - a variable's name
_NO_HEADER = re.compile(r"[^ -~]")
"""What no header may hold: a line end, any other control character, anything beyond ASCII."""


def check_credentials(session: Any) -> None:
    """Have every client that the session will make refuse to sign with credentials that no header may hold."""

    def check(request_signer: Any, **_: Any) -> None:
        credentials = request_signer._credentials  # noqa: SLF001 - botocore has no other way to it
        if credentials is None:
            return
        frozen = credentials.get_frozen_credentials()
        for part in _FIELDS:
            value = getattr(frozen, part)
            if value and _NO_HEADER.search(value):
                raise _refusal(_place(session, part, value, credentials.method))

    session.events.register_first("before-sign.*.*", check)


def check_container_token() -> None:
    """Raise an error that names the token for a container's credentials, where no header may hold it."""
    if _NO_HEADER.search(os.environ.get(_CONTAINER_TOKEN, "")):
        raise _refusal(_CONTAINER_TOKEN)


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


def _refusal(place: str) -> CredentialsError:
    words = f"{place} holds a line end, or another character that no credential has"
    hint = f'take it out: export {place}="$(printf %s "${place}" | tr -cd \'!-~\')"' if place.isupper() else None
    return CredentialsError(words, "", hint or "take it out where it is kept", code="BadCredentials")
