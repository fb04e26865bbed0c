"""Refusals of the simulated AWS, with AWS's codes and messages."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal by AWS: an error code, a message and an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def secret_not_found() -> ApiError:
    """Return the refusal for a secret that is not in this Region. Source: aws-behavior.md 2.3."""
    return ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def invalid_parameter(message: str) -> ApiError:
    """Return an InvalidParameterException, Secrets Manager's code for a senseless request."""
    return ApiError("InvalidParameterException", message)


def invalid_request(message: str) -> ApiError:
    """Return an InvalidRequestException, Secrets Manager's code for a secret in the wrong state."""
    return ApiError("InvalidRequestException", message)


def invalid_replica_region() -> ApiError:
    """Return the immediate refusal of a target Region. Source: aws-behavior.md 1.1."""
    return invalid_parameter("Invalid replica region.")


def replica_is_read_only() -> ApiError:
    """Return the refusal of a write on a replica. Source: aws-behavior.md 2.3, recorded live."""
    return invalid_parameter(
        "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    )


def marked_for_deletion() -> ApiError:
    """Return the refusal for a secret in its recovery window. Source: API_GetSecretValue, errors."""
    return invalid_request("You can't perform this operation on the secret because it was marked for deletion.")


def unknown_operation(service: str, message: str) -> ApiError:
    """Return the refusal of an unknown operation. Source: EC2's and IAM's common errors."""
    return ApiError("InvalidAction" if service in ("ec2", "iam", "sts") else "UnknownOperationException", message)


NO_POLICY_ALLOWS = "because no identity-based policy allows the {action} action"
NO_RESOURCE_POLICY_ALLOWS = "because no resource-based policy allows the {action} action"
RESOURCE_POLICY_DENIES = "with an explicit deny in a resource-based policy"
"""Reasons for a denial. Source: IAM User Guide, access denied error messages."""


def not_authorized(service: str, caller: str, action: str, resource: str, why: str = NO_POLICY_ALLOWS) -> ApiError:
    """Return the refusal of a denied call, in its service's format.

    Source: EC2's message as reported by users; AccessDenied and 403 from IAM's and STS's common errors and
    API_ListRegions.
    """
    reason = why.format(action=action)
    if service == "ec2":
        who = f"User: {caller} is not authorized to perform: {action} {reason}"
        return ApiError("UnauthorizedOperation", f"You are not authorized to perform this operation. {who}", 403)
    message = f"User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}"
    if service in ("iam", "sts"):
        return ApiError("AccessDenied", message, 403)
    return ApiError("AccessDeniedException", message, 403 if service == "account" else 400)


def region_not_enabled(service: str) -> ApiError:
    """Return the refusal of a call in a Region that the account has not enabled.

    Choice: EC2 and STS answer as for unknown credentials.
    """
    if service == "ec2":
        return ApiError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    message = "The security token included in the request is invalid."
    if service == "sts":
        return ApiError("InvalidClientTokenId", message, 403)
    return ApiError("UnrecognizedClientException", message)


def validation_code(service: str) -> str:
    """Return the service's code for an invalid parameter. Source: its common errors."""
    return {
        "ec2": "InvalidParameterValue",
        "iam": "ValidationError",
        "sts": "ValidationError",
        "organizations": "InvalidInputException",
    }.get(service, "ValidationException")
