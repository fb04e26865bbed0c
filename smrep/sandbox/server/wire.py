"""HTTP requests to calls, and answers and refusals to HTTP bodies. No sockets.

Secrets Manager, KMS and Organizations use AWS JSON 1.1, Account Management REST with JSON, and STS, IAM and EC2 the
query protocol. The signature of a request names its service.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from smrep.sandbox.server.query_protocol import (
    QUERY_SERVICES,
    format_answer_xml,
    format_refusal_xml,
    parse_action,
    parse_params,
)
from smrep.sandbox.simulator.api_errors import ApiError, unknown_operation

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256\s.*?Credential=(?P<access_key>[^/,\s]{1,128})/\d{8}/(?P<region>[a-z0-9-]{1,128})"
    r"/(?P<service>[a-z0-9-]{1,128})/aws4_request",
    re.ASCII,
)
"""Bounded, because matching a long header could take seconds."""
_TARGETS = {"secretsmanager": "secretsmanager", "kms": "TrentService", "organizations": "AWSOrganizationsV20161128"}
_PATHS = {"account": {"/listRegions": "ListRegions"}}


@dataclass(frozen=True, slots=True)
class Scope:
    """The access key, service and Region in a signature, which is not checked."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class WireCall:
    """A call from the wire."""

    scope: Scope
    operation: str
    params: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `request_id` and `error_type` become AWS's headers."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    request_id: str = ""
    error_type: str = ""


def read_scope(headers: Message) -> Scope:
    """Return the scope in a request's Authorization header. Source: Signature Version 4.

    Raises: ApiError (MissingAuthenticationTokenException).
    """
    match = _SCOPE.match(headers.get("Authorization", ""))
    if match is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
    return Scope(match["access_key"], match["region"], match["service"])


def read_operation(scope: Scope, path: str, headers: Message, body: bytes) -> str:
    """Return the operation of a request: in X-Amz-Target, in its path, or in the form's Action.

    Raises: ApiError (UnknownOperationException).
    """
    if scope.service in QUERY_SERVICES:
        name = parse_action(body)
    elif scope.service in _PATHS:
        name = _PATHS[scope.service].get(path.partition("?")[0], "")
    else:
        prefix, _, name = headers.get("X-Amz-Target", "").partition(".")
        if prefix != _TARGETS.get(scope.service):
            name = ""
    if not name.isalnum():
        raise unknown_operation(scope.service, "The request names no operation of this service.")
    return name


def read_params(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return a request's parameters. Raises: ApiError (SerializationException) for malformed JSON."""
    if scope.service in QUERY_SERVICES:
        return parse_params(body)
    try:
        params = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ApiError("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    return params


def format_answer(call: WireCall, answer: dict[str, Any], request_id: str) -> Reply:
    """Return an answer in its service's format."""
    service = call.scope.service
    if service in QUERY_SERVICES:
        return _make_xml_reply(200, format_answer_xml(service, call.operation, answer, request_id), request_id)
    return _make_json_reply(service, 200, answer, request_id)


def format_refusal(service: str, error: ApiError, request_id: str) -> Reply:
    """Return a refusal in its service's format: Secrets Manager has `Message`, KMS and Account `message`."""
    if service in QUERY_SERVICES:
        return _make_xml_reply(error.status, format_refusal_xml(service, error, request_id), request_id)
    if service in _PATHS:
        return _make_json_reply(service, error.status, {"message": error.message}, request_id, error_type=error.code)
    word = "message" if service == "kms" or error.code == "ValidationException" else "Message"
    return _make_json_reply(service, error.status, {"__type": error.code, word: error.message}, request_id)


def plain_refusal(status: int, message: str) -> Reply:
    """Return the refusal of a request that is not one to AWS."""
    return Reply(status, "text/plain; charset=utf-8", message.encode() + b"\n")


def _make_json_reply(
    service: str, status: int, document: dict[str, Any], request_id: str, *, error_type: str = ""
) -> Reply:
    kind = "application/json" if service in _PATHS else "application/x-amz-json-1.1"
    return Reply(status, kind, json.dumps(document).encode(), request_id, error_type)


def _make_xml_reply(status: int, document: str, request_id: str) -> Reply:
    return Reply(status, "text/xml", document.encode(), request_id)
