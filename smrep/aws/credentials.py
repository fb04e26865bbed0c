"""Find out where credentials come from, and why they cannot be used."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from botocore import UNSIGNED
from botocore import exceptions as botocore

from smrep.aws.botocore_internals import credentials_of, visit_role_sources
from smrep.aws.error_translation import bad_answer, from_response, from_transport, is_transport
from smrep.errors import AwsError, CannotSend, SmrepError, Throttled, Unanswered
from smrep.model import Source
from smrep.regions import Region, is_opt_in

_FIELDS = {
    "access_key": ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    "token": ("AWS_SESSION_TOKEN", "aws_session_token"),
}
"""Part of the credentials -> its variable and its key in a profile."""


def check_credentials(core: Any, fix: Fix, request_signer: Any, signature_version: Any, **_: Any) -> None:
    """Refuse to sign a request with credentials that cannot be used: a handler of `before-sign`.

    Raises:
        CannotSend: there are none, or none that can be used.
        Unanswered: their source does not answer.
        Throttled: their source was asked too often.

    """
    if signature_version is UNSIGNED:
        return
    credentials = credentials_of(request_signer)
    if credentials is None:
        raise credentials_error(core, "", botocore.NoCredentialsError(), fix)
    frozen = credentials.get_frozen_credentials()
    for part in _FIELDS:
        value = getattr(frozen, part)
        if value and NO_HEADER.search(value):
            raise unsendable(_place(core, part, value, credentials.method))


def _place(core: Any, part: str, value: str, method: str) -> str:
    """Return where the value is kept: a variable, a profile, or the kind of source."""
    variable, key = _FIELDS[part]
    for name in (variable, "AWS_SECURITY_TOKEN"):
        if os.environ.get(name) == value:
            return name
    for name, profile in core.full_config.get("profiles", {}).items():
        if profile.get(key) == value:
            return f"{key} of the profile {name}"
    return f"the {key.removeprefix('aws_')} from {method}"


Fix = Callable[[Source, str], str | None]
"""Returns the hint, given where the credentials come from and the error's code."""

_PROFILE_KEYS = {
    "sso": ("sso_session", "sso_start_url"),
    "login": ("login_session",),
    "custom-process": ("credential_process",),
    "assume-role-with-web-identity": ("web_identity_token_file",),
    "shared-credentials-file": ("aws_access_key_id",),
    "config-file": ("aws_access_key_id",),
}
"""botocore's word for a source -> the keys of a profile that select it."""
_TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
_CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - a variable's name
NO_HEADER = re.compile(r"[^ -~]")
"""Matches a character that no header may have: a control character, or anything beyond ASCII."""
_EXPIRED = (
    botocore.UnauthorizedSSOTokenError,
    botocore.TokenRetrievalError,
    botocore.LoginRefreshRequired,
    RuntimeError,  # botocore's, for credentials that are still expired after a refresh
)
_NOT_SIGNED_IN = (botocore.SSOTokenLoadError, botocore.LoginTokenLoadError)
_CLOCK = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
_UNKNOWN_TOKEN = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})
"""AWS's codes for a session token that the Region does not recognize. Source: aws-behavior.md 10.6."""
_PARSE_ERRORS = (LookupError, TypeError, ValueError, AttributeError)
"""What Python raises for invalid JSON, missing fields and invalid times."""


def watch(core: Any, provider: Any, fix: Fix) -> None:
    """Have the provider, its credentials, and the providers of a role behind it raise smrep's errors."""
    load = provider.load

    def watched() -> Any:
        credentials = _fetch(core, provider.METHOD, load, fix)
        if credentials:
            freeze = partial(_fetch, core, credentials.method, credentials.get_frozen_credentials, fix)
            credentials.get_frozen_credentials = freeze
        return credentials

    provider.load = watched
    visit_role_sources(provider, partial(watch, core, fix=fix))


def _fetch(core: Any, method: str, fetch: Callable[[], Any], fix: Fix) -> Any:
    """Return what `fetch` returns; raise smrep's errors."""
    try:
        return fetch()
    except Exception as error:
        raise credentials_error(core, method, error, fix) from error


def credentials_error(core: Any, method: str, error: Exception, fix: Fix) -> SmrepError:
    """Return the error for credentials that botocore failed to fetch by this method."""
    if isinstance(error, SmrepError):
        return error
    if method == "container-role" and NO_HEADER.search(os.environ.get(_CONTAINER_TOKEN, "")):
        return unsendable(_CONTAINER_TOKEN)
    source = source_of(core, method)
    if isinstance(error, botocore.ClientError):
        answer = from_response(error, "could not get credentials")
        return answer if isinstance(answer, Unanswered | Throttled) else _unusable(answer, source, fix)
    if is_transport(error):
        return from_transport(error, "could not get credentials")
    if method.startswith("assume-role") and isinstance(error, _PARSE_ERRORS) and not isinstance(error, UnicodeError):
        return bad_answer(type(error).__name__, "could not assume the role")
    code, words = _failure(error, source)
    return CannotSend(words, "", fix(source, code), code=code)


def unsendable(place: str) -> CannotSend:
    """Return the error for a credential that fits in no header, named by where it is kept."""
    words = f"{place} contains a line end or another character that no credential has"
    clean = f'export {place}="$(printf %s "${place}" | tr -cd \'!-~\')"'
    hint = f"remove it:\n  {clean}" if place.isupper() else "remove it where the credential is stored"
    return CannotSend(words, "", hint, code="BadCredentials")


def rejection_code(answer: AwsError, region: Region | None = None, *, has_token: bool = False) -> str:
    """Return why AWS rejects a signature, as a code: AWS's own, or a more precise one of smrep's."""
    if answer.code in _CLOCK or any(words in answer.words for words in _CLOCK_WORDS):
        return "ClockSkew"
    if answer.code in _UNKNOWN_TOKEN and has_token and region and is_opt_in(region):
        return "GlobalToken"
    return answer.code


def _unusable(answer: AwsError, source: Source, fix: Fix) -> CannotSend:
    """Return AWS's refusal as an error after which no request can be sent."""
    subject = answer.message.removesuffix(answer.words).removesuffix(": ")
    return CannotSend(
        answer.words, subject, fix(source, rejection_code(answer)), code=answer.code, request_id=answer.request_id
    )


def source_of(core: Any, method: str) -> Source:
    """Return where botocore gets credentials by this method, with the profile that selects it."""
    config: Mapping[str, Any] = core.full_config.get("profiles", {})
    keys = _PROFILE_KEYS.get(method, ())
    asked = core.profile
    name, seen = asked or "default", set[str]()
    while name not in seen and not any(key in config.get(name, {}) for key in keys):
        seen.add(name)
        name = config.get(name, {}).get("source_profile") or name
    if name in seen:
        name = asked or "default"
    place = config.get(name, {}).get("web_identity_token_file")
    if method == "assume-role-with-web-identity":
        place = os.environ.get(_TOKEN_FILE) or place
    if place and os.sep not in place:
        place = None  # it may be the token itself
    profile = None if name == "default" and not asked else name
    return Source(method, profile, place, tuple(core.available_profiles))


def _failure(error: Exception, source: Source) -> tuple[str, str]:
    """Return a code and a message for the error."""
    match error:
        case botocore.NoCredentialsError():
            return "NoCredentials", f"no credentials found{f' for {source.title}' if source.profile else ''}"
        case botocore.PartialCredentialsError():
            return "PartialCredentials", f"the credentials of {source.title} lack {error.kwargs.get('cred_var')}"
        case EOFError():
            return "MfaRequired", "the profile requires an MFA code, and there is no terminal to enter it"
        case botocore.MissingDependencyException():
            return "MissingDependency", f"{source.title} needs the AWS Common Runtime, which is not installed"
        case botocore.ParamValidationError() if source.method == "assume-role-with-web-identity":
            return "EmptyToken", f"the token file {_path(source.place)} is empty or contains no token"
        case OSError(filename=str(path)):
            place = path if source.method == "custom-process" else _path(path)
            return "FileNotReadable", f"{source.title} returned no credentials: {error.strerror}: {place}"
        case _ if isinstance(error, _EXPIRED):
            return "SessionExpired", f"the session has expired: {_end_of_session(source)}"
        case _ if isinstance(error, _NOT_SIGNED_IN):
            return "NotSignedIn", f"not signed in: {source.title} has no usable session"
        case _ if isinstance(error, _PARSE_ERRORS):
            return "BadCredentials", f"{source.title} {_MALFORMED.get(source.method, 'returned no credentials')}"
        case botocore.ParamValidationError():
            return "BadCredentials", f"{source.title} returned no usable credentials"
        case botocore.InvalidConfigError() | botocore.InfiniteLoopConfigError() | botocore.UnknownCredentialError():
            return "ProfileIncomplete", f"{source.title} is not fully configured ({type(error).__name__})"
        case _:
            return "CredentialsError", f"{source.title} returned no credentials ({type(error).__name__})"


_MALFORMED = {
    "custom-process": "printed no JSON with credentials",
    "sso": "cannot be used: its sign-in file is damaged",
    "login": "cannot be used: its sign-in file is damaged",
    "env": "cannot be used: AWS_CREDENTIAL_EXPIRATION is not a time with a time zone",
}


def _end_of_session(source: Source) -> str:
    if source.method == "env":
        return "AWS_CREDENTIAL_EXPIRATION in the environment is in the past"
    if source.method == "custom-process":
        return f"{source.title} printed an Expiration in the past"
    return source.title


def _path(path: str | None) -> str:
    """Return the path; not a name without a folder, which may be the token itself."""
    return (
        str(Path(path)) if path and os.sep in path else "(name not shown: without a folder, it may be the token itself)"
    )
