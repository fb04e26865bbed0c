"""What goes over HTTP: requests into calls, answers and refusals into bodies. No sockets here.

Secrets Manager and KMS speak AWS JSON 1.1, STS speaks the query protocol with XML answers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from smrep.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256\s.*?Credential=(?P<access_key>[^/,\s]+)/\d{8}/(?P<region>[a-z0-9-]+)"
    r"/(?P<service>[a-z0-9-]+)/aws4_request"
)
_TARGETS = {"secretsmanager": "secretsmanager", "kms": "TrentService"}
_STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_STS_INTEGERS = ("DurationSeconds",)


@dataclass(frozen=True, slots=True)
class Scope:
    """Who signed a request, and for which service and Region; the signature itself is not checked."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class WireCall:
    """One call as it came over the wire."""

    scope: Scope
    operation: str
    params: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `request_id` goes into AWS's header for it."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    request_id: str = ""


def read_scope(headers: Message) -> Scope:
    """Return the scope in a request's Authorization header. Source: Signature Version 4.

    Raises: ApiError (MissingAuthenticationTokenException).
    """
    match = _SCOPE.match(headers.get("Authorization", ""))
    if match is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
    return Scope(match["access_key"], match["region"], match["service"])


def read_operation(scope: Scope, headers: Message, body: bytes) -> str:
    """Return the operation a request names: in X-Amz-Target, or in the form's Action for STS.

    Raises: ApiError (UnknownOperationException).
    """
    if scope.service == "sts":
        name = dict(_form(body)).get("Action", "")
    else:
        prefix, _, name = headers.get("X-Amz-Target", "").partition(".")
        if prefix != _TARGETS.get(scope.service):
            name = ""
    if not name.isalnum():
        raise ApiError("UnknownOperationException", "The request names no operation of this service.")
    return name


def read_params(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return a request's parameters. Raises: ApiError (SerializationException) for malformed JSON."""
    if scope.service == "sts":
        pairs = [pair for pair in _form(body) if pair[0] not in ("Action", "Version")]
        return {name: _integer(text) if name in _STS_INTEGERS else text for name, text in pairs}
    try:
        params = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ApiError("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    return params


def answer_of(call: WireCall, answer: dict[str, Any], request_id: str) -> Reply:
    """Return an answer as its service sends it."""
    if call.scope.service == "sts":
        inner = f"<{call.operation}Result>{_xml(answer)}</{call.operation}Result>"
        about = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        name = f"{call.operation}Response"
        return _xml_reply(200, f'<{name} xmlns="{_STS_NAMESPACE}">{inner}{about}</{name}>', request_id)
    return _json_reply(200, answer, request_id)


def refusal_of(service: str, error: ApiError, request_id: str) -> Reply:
    """Return a refusal as its service sends it: Secrets Manager says `Message`, KMS `message`."""
    if service == "sts":
        fault = {"Type": "Sender", "Code": error.code, "Message": error.message}
        inner = f"<Error>{_xml(fault)}</Error><RequestId>{request_id}</RequestId>"
        document = f'<ErrorResponse xmlns="{_STS_NAMESPACE}">{inner}</ErrorResponse>'
        return _xml_reply(error.status, document, request_id)
    word = "message" if service == "kms" or error.code == "ValidationException" else "Message"
    return _json_reply(error.status, {"__type": error.code, word: error.message}, request_id)


def plain_refusal(status: int, message: str) -> Reply:
    """Return the refusal of a request that is none to AWS."""
    return Reply(status, "text/plain; charset=utf-8", message.encode() + b"\n")


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise ApiError("MalformedQueryString", "The request body is not a form.") from None


def _integer(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else text


def _json_reply(status: int, document: dict[str, Any], request_id: str) -> Reply:
    return Reply(status, "application/x-amz-json-1.1", json.dumps(document).encode(), request_id)


def _xml_reply(status: int, document: str, request_id: str) -> Reply:
    return Reply(status, "text/xml", document.encode(), request_id)


def _xml(answer: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_xml_value(value)}</{name}>" for name, value in answer.items())


def _xml_value(value: Any) -> str:
    if isinstance(value, dict):
        return _xml(value)
    if isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return escape("".join(letter for letter in str(value) if letter.isprintable()), quote=False)
