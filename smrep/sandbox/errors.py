"""The refusals of the simulated AWS, in AWS's own codes and words."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal as AWS sends it: an error code, a message and an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def secret_not_found() -> ApiError:
    """Return the refusal for a secret that this Region does not hold. Source: aws-behaviour.md 2.3."""
    return ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def invalid_parameter(message: str) -> ApiError:
    """Return an InvalidParameterException, Secrets Manager's word for a request that makes no sense."""
    return ApiError("InvalidParameterException", message)


def invalid_request(message: str) -> ApiError:
    """Return an InvalidRequestException, Secrets Manager's word for a secret in the wrong state."""
    return ApiError("InvalidRequestException", message)


def invalid_replica_region() -> ApiError:
    """Return the refusal of a target Region at once, without a try. Source: aws-behaviour.md 1.1."""
    return invalid_parameter("Invalid replica region.")


def replica_is_read_only() -> ApiError:
    """Return the refusal of a write on a replica. Source: aws-behaviour.md 2.3, recorded live."""
    return invalid_parameter(
        "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    )


def marked_for_deletion() -> ApiError:
    """Return the refusal for a secret in its recovery window. Source: API_GetSecretValue, errors."""
    return invalid_request("You can't perform this operation on the secret because it was marked for deletion.")
