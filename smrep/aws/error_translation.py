"""Translate botocore's exceptions into smrep's errors: the one place for AWS's codes.

A message quotes AWS's words only if they come with a code. Any other error is named by its class, in smrep's words:
its text may hold a request's headers, an answer's body or a URL, and so credentials.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from smrep.aws.responses import cut
from smrep.aws.transport import TooLarge, TooSlow
from smrep.errors import (
    AwsError,
    CannotSend,
    ConfigurationError,
    CredentialsError,
    Denied,
    NotFound,
    Refused,
    SmrepError,
    Throttled,
    Unanswered,
    Unsupported,
    UsageError,
)
from smrep.model import shown_url

_NOT_FOUND = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "NoSuchEntity",
        "NotFoundException",
        "ParentNotFoundException",
        "ResourceNotFoundException",
    }
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "KMSAccessDeniedException", "NotAuthorized", "UnauthorizedOperation"}
)
_UNSUPPORTED = frozenset({"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented"})
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""LimitExceededException is not among them: it is a resource quota here. Source: aws-behavior.md 5."""
_DOUBTFUL = frozenset(
    {
        "InternalFailure",
        "InternalServiceError",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}", re.ASCII)
_ABOUT_THE_SIGNATURE = frozenset({"IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"})
"""Codes whose words quote the request's headers, with the session token."""
_FETCHING = {
    "AssumeRole": "could not assume the role",
    "AssumeRoleWithWebIdentity": "could not assume the role with the web identity token",
    "GetRoleCredentials": "IAM Identity Center returned no credentials for the role",
    "CreateToken": "could not renew the sign-in at IAM Identity Center",
    "CreateOAuth2Token": "could not renew the sign-in",
}
"""Operation with which botocore fetches credentials -> the message if it fails."""
_WITH_A_TOKEN = ("AssumeRoleWith", "GetRoleCredentials", "CreateToken", "CreateOAuth2Token")
"""Operations whose parameters are credentials, which AWS's words may quote."""


def code_of(response: Mapping[str, Any]) -> str:
    """Return AWS's code in the answer, or `HTTP` and the status if it has none."""
    details = response.get("Error")
    code = details.get("Code") if isinstance(details, Mapping) else None
    if isinstance(code, str) and code != "Unknown" and _CODE.fullmatch(code):
        return code
    return f"HTTP{response.get('ResponseMetadata', {}).get('HTTPStatusCode', 0)}"


def from_response(error: botocore.ClientError, subject: str) -> AwsError:
    """Return the error for an answer of AWS; `subject` names the secret and the Region."""
    response: Mapping[str, Any] = error.response
    code = code_of(response)
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    has_code = not code.removeprefix("HTTP").isdigit()  # else botocore takes the body of a page for AWS's words
    words = _words(response["Error"], code, error.operation_name) if has_code else "the answer has no AWS error code"
    subject = _FETCHING.get(error.operation_name, subject)
    kind: type[AwsError]
    if code in _NOT_FOUND:
        kind = NotFound
    elif code in _CREDENTIALS:
        kind = CredentialsError
    elif code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = Throttled
    elif code in _DOUBTFUL or not HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Unanswered
    elif error.operation_name in _FETCHING:
        kind = CredentialsError
    elif code in _DENIED or status == HTTPStatus.FORBIDDEN:
        kind = Denied
    elif code in _UNSUPPORTED:
        kind = Unsupported
    elif not has_code:
        return bad_answer(f"{words} ({code})", subject)
    else:
        kind = Refused
    if code in _EXPIRED:
        words = f"the session has expired: {words}"
    return kind(f"{words} ({code})", subject, code=code, request_id=metadata.get("RequestId"))


def _words(details: Mapping[str, Any], code: str, operation: str) -> str:
    """Return AWS's words if they hold no credential, else smrep's."""
    if operation.startswith(_WITH_A_TOKEN) or code == "IncompleteSignature":
        return "AWS's message is not shown, because it may contain a credential"
    words = str(details.get("Message") or details.get("message") or "").strip()
    if code in _ABOUT_THE_SIGNATURE:
        words = words.partition("\n")[0]
    return cut(words) or "AWS gave no reason"


_NO_ANSWER = (
    botocore.HTTPClientError,
    botocore.ConnectionError,
    botocore.EndpointConnectionError,
    botocore.IncompleteReadError,
    botocore.ResponseStreamingError,
)


def is_transport(error: Exception) -> bool:
    """Return whether a request was not sent, or its answer was incomplete."""
    return isinstance(error, (*_NO_ANSWER, TooSlow, TooLarge, ResponseParserError))


def from_transport(error: Exception, subject: str) -> SmrepError:
    """Return the error for a call that was not sent, or got no readable answer."""
    match error:
        case SmrepError():
            return error
        case botocore.NoCredentialsError():
            return CannotSend(_with_class(error, "no credentials found"), code="NoCredentials")
        case botocore.ConfigParseError() | botocore.ConfigNotFound():
            words = _with_class(error, f"{error.kwargs['path']} cannot be read")
            return ConfigurationError(words, "fix the file, or use another one:\n  export AWS_CONFIG_FILE=PATH")
        case botocore.NoRegionError():
            return ConfigurationError("no Region is set", "add --primary-region REGION")
        case botocore.ParamValidationError():
            return UsageError(_with_class(error, f"{subject}: a parameter has an invalid format"))
        case TooSlow():
            hint = f"check the network, the proxy and the endpoint, then {Unanswered.default_hint}"
            return Unanswered(str(error), subject, hint)
        case TooLarge():
            return bad_answer(str(error), subject)
        case botocore.HTTPClientError() if _is_unsendable(error.kwargs.get("error")):
            unsent = "the request cannot be sent: its URL, the proxy's URL or one of its headers is malformed"
            return ConfigurationError(
                _with_class(error, unsent), "check the proxy and the endpoint, and tokens for control characters"
            )
        case _ if isinstance(error, _NO_ANSWER):
            fips = _without_fips(error)
            hint = fips or f"check the network, the proxy and the endpoint, then {Unanswered.default_hint}"
            unanswered = Unanswered(_with_class(error, _what_failed(error)), subject, hint)
            unanswered.names_the_cause = fips is not None
            return unanswered
        case _ if not isinstance(error, botocore.BotoCoreError) or "Parser" in type(error).__name__:
            return bad_answer(type(error).__name__, subject)
        case _:
            return ConfigurationError(
                _with_class(error, "the AWS configuration cannot be used"),
                _without_fips(error) or "check --endpoint-url, the AWS_... variables and the profile",
            )


def _without_fips(error: Exception) -> str | None:
    """Return the hint for a FIPS endpoint that may not exist, None for any other."""
    url = str(getattr(error, "kwargs", {}).get("endpoint_url", ""))
    if "-fips." not in url and not isinstance(error, botocore.EndpointProviderError | botocore.UnknownEndpointError):
        return None
    if os.environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true":
        return "there may be no FIPS endpoint here; use the usual one:\n  unset AWS_USE_FIPS_ENDPOINT"
    return "there may be no FIPS endpoint here; remove use_fips_endpoint from the profile" if "-fips." in url else None


def bad_answer(why: str, subject: str) -> Unanswered:
    """Return the error for an answer that cannot be AWS's; a proxy or a captive portal sends such."""
    hint = "a proxy or another server may have answered instead of AWS: check the proxy and the endpoint"
    return Unanswered(f"the answer is not valid: {why}", subject, hint, code="BadAnswer")


def _what_failed(error: botocore.BotoCoreError) -> str:
    """Return what went wrong with a connection, without a proxy's URL."""
    url = error.kwargs.get("endpoint_url")
    place = f" {shown_url(str(url))}" if url else " the endpoint"
    match error:
        case botocore.ProxyConnectionError():
            return "could not connect to the proxy"
        case botocore.SSLError():
            return f"could not set up TLS with{place}"
        case botocore.ReadTimeoutError():
            return f"no answer came in time from{place}"
        case botocore.ConnectionClosedError():
            return f"the connection was closed before an answer came from{place}"
        case botocore.EndpointConnectionError() | botocore.ConnectionError():
            return f"could not connect to{place}"
        case botocore.IncompleteReadError() | botocore.ResponseStreamingError():
            return "the answer was incomplete"
        case _:
            return "the request could not be sent"


def _is_unsendable(cause: object) -> bool:
    """Return whether Python refused to send a URL or a header; its InvalidURL is no ValueError."""
    return isinstance(cause, ValueError) or type(cause).__name__ == "InvalidURL"


def _with_class(error: Exception, sentence: str) -> str:
    return f"{sentence} ({type(error).__name__})"
