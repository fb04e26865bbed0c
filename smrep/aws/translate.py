"""From botocore's exceptions to our errors: one place for AWS's codes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore import exceptions as botocore

from smrep.aws.bounds import TooLarge, TooSlow
from smrep.errors import (
    AwsError,
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

_NOT_FOUND = frozenset({"ResourceNotFoundException", "NotFoundException", "NoSuchEntity"})
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
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
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
"""Without LimitExceededException, which is a resource quota here. Source: aws-behaviour.md 5."""
_DOUBTFUL = frozenset(
    {
        "InternalFailure",
        "InternalServiceError",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)

_SIGN_IN = "check who you are: aws sts get-caller-identity (or sign in: aws sso login), or name a profile: --profile"


def from_response(error: botocore.ClientError, subject: str) -> AwsError:
    """Return the error that an answer of AWS stands for; `subject` names the secret and the Region."""
    response: Mapping[str, Any] = error.response
    details = response.get("Error", {})
    code = str(details.get("Code") or "Unknown")
    words = str(details.get("Message") or details.get("message") or "").strip() or "AWS gave no reason"
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    hint = None
    if error.operation_name == "AssumeRole":
        subject = "the role could not be assumed"
    kind: type[AwsError]
    if code in _NOT_FOUND:
        kind = NotFound
    elif error.operation_name == "AssumeRole" and code in _DENIED:
        kind, hint = CredentialsError, "allow sts:AssumeRole on the role, and see whom its trust policy lets in"
    elif code in _CREDENTIALS:
        kind, hint = CredentialsError, _SIGN_IN
    elif code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = Throttled
    elif code in _DOUBTFUL or not HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Unanswered
    elif error.operation_name.startswith(("AssumeRole", "GetRoleCredentials")):
        kind, hint = CredentialsError, _SIGN_IN
    elif code in _DENIED or status == HTTPStatus.FORBIDDEN:
        kind = Denied
    elif code in _UNSUPPORTED:
        kind = Unsupported
    elif code.isdigit():
        return bad_answer(f"{words} (HTTP{code})", subject)
    else:
        kind = Refused
    if code.isdigit():  # no JSON body: botocore then shows the HTTP status as the code
        code = f"HTTP{code}"
    return kind(f"{words} ({code})", subject, hint, code=code, request_id=metadata.get("RequestId"))


def from_transport(error: Exception, subject: str) -> SmrepError:
    """Return the error for a call that got no answer, or none that can be read, or never left."""
    match error:
        case botocore.NoCredentialsError() | botocore.PartialCredentialsError():
            return CredentialsError(_words(error), "", _SIGN_IN)
        case (
            botocore.CredentialRetrievalError()
            | botocore.TokenRetrievalError()
            | botocore.SSOError()
            | botocore.RefreshWithMFAUnsupportedError()
            | botocore.InvalidConfigError()
            | botocore.MetadataRetrievalError()
        ):
            return CredentialsError(_words(error), "credentials could not be had", _SIGN_IN)
        case OSError(filename=str(path)):  # a token that credentials are had with is read when they are needed
            return CredentialsError(f"{error.strerror}: {path}", "credentials could not be had", _SIGN_IN)
        case EOFError():
            return CredentialsError(
                "this profile asks for an MFA code, and there is no terminal to type it at",
                "",
                "get a session first (aws sts get-session-token, aws sso login) and use its profile",
                code="MfaRequired",
            )
        case botocore.ProfileNotFound() | botocore.ConfigParseError() | botocore.ConfigNotFound():
            return ConfigurationError(
                _words(error),
                "profiles are in ~/.aws/config and ~/.aws/credentials; with AWS CLI 2: aws configure list-profiles",
            )
        case botocore.NoRegionError():
            return ConfigurationError(_words(error), "name it: --primary-region REGION")
        case botocore.ParamValidationError():
            return UsageError(f"{subject}: {_words(error)}")
        case TooSlow():
            hint = f"check the network, the proxy and the endpoint, then {Unanswered.cure}"
            return Unanswered(_words(error), subject, hint)
        case TooLarge():
            return bad_answer(_words(error), subject)
        case (
            botocore.HTTPClientError()
            | botocore.ConnectionError()
            | botocore.EndpointConnectionError()
            | botocore.IncompleteReadError()
            | botocore.ResponseStreamingError()
        ):
            hint = f"check the network, the proxy and the endpoint, then {Unanswered.cure}"
            return Unanswered(_words(error), subject, hint)
        case _ if not isinstance(error, botocore.BotoCoreError) or "Parser" in type(error).__name__:
            return bad_answer(f"{type(error).__name__}: {_words(error)}", subject)
        case _:
            return ConfigurationError(_words(error))


def bad_answer(why: str, subject: str) -> Unanswered:
    """Return the error for an answer that can't be AWS's, as a proxy or a captive portal gives."""
    hint = "something between here and AWS answers in its place: check the proxy and the endpoint"
    return Unanswered(f"the answer makes no sense: {why}", subject, hint, code="BadAnswer")


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
