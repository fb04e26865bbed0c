"""From botocore's words to ours: its exceptions to errors, its answers to values. One place for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import exceptions as botocore

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
    UsageError,
)
from smrep.model import Replica, Secret
from smrep.regions import Region

_NOT_FOUND = frozenset({"ResourceNotFoundException", "NotFoundException"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})
_CREDENTIALS = frozenset(
    {
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
    kind: type[AwsError]
    if code in _NOT_FOUND:
        kind = NotFound
    elif code in _CREDENTIALS:
        kind, hint = CredentialsError, _SIGN_IN
    elif code in _DENIED:
        kind = Denied
    elif code in _THROTTLED:
        kind = Throttled
    elif code in _DOUBTFUL or status >= 500 or not 300 <= status < 500:  # noqa: PLR2004 - HTTP's own classes
        kind = Unanswered
    elif status == 403:  # noqa: PLR2004
        kind = Denied
    else:
        kind = Refused
    if code.isdigit():  # no JSON body: botocore then shows the HTTP status as the code
        code = f"HTTP{code}"
    return kind(f"{words} ({code})", subject, hint, code=code, request_id=metadata.get("RequestId"))


def from_transport(error: Exception, subject: str) -> SmrepError | None:
    """Return the error for a call that got no answer or never left; None for what is not botocore's to say."""
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
        case EOFError():
            return CredentialsError(
                "this profile asks for an MFA code, and there is no terminal to type it at",
                "",
                "get a session first (aws sts get-session-token, aws sso login) and use its profile",
                code="MfaRequired",
            )
        case botocore.ProfileNotFound() | botocore.ConfigParseError() | botocore.ConfigNotFound():
            return ConfigurationError(_words(error), "list the profiles there are: aws configure list-profiles")
        case botocore.NoRegionError():
            return ConfigurationError(_words(error), "name it: --primary-region REGION")
        case botocore.ParamValidationError():
            return UsageError(f"{subject}: {_words(error)}")
        case (
            botocore.HTTPClientError()
            | botocore.ConnectionError()
            | botocore.EndpointConnectionError()
            | botocore.IncompleteReadError()
            | botocore.ResponseStreamingError()
        ):
            hint = "check the network, the proxy and the endpoint; AWS's own state: https://health.aws.amazon.com"
            return Unanswered(_words(error), subject, hint)
        case _ if type(error).__name__ == "ResponseParserError" or isinstance(error, ValueError):
            return Unanswered(f"the answer makes no sense: {_words(error)}", subject, code="BadAnswer")
        case botocore.BotoCoreError():
            return ConfigurationError(_words(error))
    return None


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def to_secret(answer: Mapping[str, Any], region: Region) -> Secret:
    """Return an answer to DescribeSecret as a value; every field but ARN and Name may be absent.

    Source: API_DescribeSecret; aws-behaviour.md 1.4.
    """
    primary = answer.get("PrimaryRegion")
    return Secret(
        arn=str(answer["ARN"]),
        name=str(answer["Name"]),
        region=region,
        primary_region=Region(primary) if primary else None,
        kms_key_id=answer.get("KmsKeyId"),
        replicas=to_replicas(answer),
        deleted=_moment(answer.get("DeletedDate")),
        last_changed=_moment(answer.get("LastChangedDate")),
        last_accessed=_moment(answer.get("LastAccessedDate")),
        rotation_enabled=bool(answer.get("RotationEnabled")),
    )


def to_replicas(answer: Mapping[str, Any]) -> tuple[Replica, ...]:
    """Return ReplicationStatus as values, each Region once.

    Where a Region stands twice (moto repeats it), the later entry counts.
    """
    entries: dict[str, Replica] = {}
    for each in answer.get("ReplicationStatus") or ():
        region = each.get("Region")
        if not region:
            continue
        entries[region] = Replica(
            region=Region(region),
            status=each.get("Status"),
            message=each.get("StatusMessage") or None,
            kms_key_id=each.get("KmsKeyId"),
            last_accessed=_moment(each.get("LastAccessedDate")),
        )
    return tuple(entries.values())


def _moment(value: object) -> datetime | None:
    """Return botocore's local datetime, or the wire's seconds since 1970, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return None
