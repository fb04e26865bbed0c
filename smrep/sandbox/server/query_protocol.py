"""The query protocol of STS, IAM and EC2: forms to parameters, answers and refusals to XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from smrep.sandbox.simulator.api_errors import ApiError

_NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
}
QUERY_SERVICES = frozenset(_NAMESPACES)
"""Services with this protocol; EC2 has a dialect of it."""
_INTEGERS = frozenset({"DurationSeconds"})
_BOOLEANS = frozenset({"AllRegions", "DryRun"})
_MOST_FIELDS, _MOST_PARTS = 1000, 8


def parse_action(body: bytes) -> str:
    """Return the operation in a form, or an empty string. Raises: ApiError (MalformedQueryString)."""
    return dict(_parse_form(body)).get("Action", "")


def parse_params(body: bytes) -> dict[str, Any]:
    """Return a form's parameters: `A.member.1` or `A.1` is the first item of list A, `A.B` member B of A.

    Raises: ApiError (MalformedQueryString).
    """
    tree: dict[str, Any] = {}
    for name, text in _parse_form(body):
        if name in ("Action", "Version"):
            continue
        *path, last = name.split(".")
        if len(path) >= _MOST_PARTS:
            raise _malformed()
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise _malformed()
        branch[last] = _convert(name, text)
    return {name: _convert_lists(value) for name, value in tree.items()}


def format_answer_xml(service: str, operation: str, answer: Mapping[str, Any], request_id: str) -> str:
    """Return an answer as XML. Source: the examples of API_GetCallerIdentity and API_DescribeRegions."""
    name, namespace = f"{operation}Response", _NAMESPACES[service]
    if service == "ec2":
        inner = f"<requestId>{request_id}</requestId>{_format_xml(answer, 'item')}"
    else:
        about = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        inner = f"<{operation}Result>{_format_xml(answer, 'member')}</{operation}Result>{about}"
    return f'<{name} xmlns="{namespace}">{inner}</{name}>'


def format_refusal_xml(service: str, error: ApiError, request_id: str) -> str:
    """Return a refusal as XML; EC2 has its own format."""
    fault = {"Code": error.code, "Message": error.message}
    if service == "ec2":
        errors = f"<Errors><Error>{_format_xml(fault, 'item')}</Error></Errors>"
        return f"<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
    inner = f"<Error>{_format_xml({'Type': 'Sender', **fault}, 'member')}</Error><RequestId>{request_id}</RequestId>"
    return f'<ErrorResponse xmlns="{_NAMESPACES[service]}">{inner}</ErrorResponse>'


def _parse_form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise _malformed() from None


def _malformed() -> ApiError:
    return ApiError("MalformedQueryString", "The request body is not a form.")


def _convert(name: str, text: str) -> int | bool | str:
    if name in _INTEGERS and re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return int(text)
    if name in _BOOLEANS and text in ("true", "false"):
        return text == "true"
    return text


def _convert_lists(value: Any) -> Any:
    """Return `value` with every object with numbered members as a list."""
    if not isinstance(value, dict):
        return value
    inner = value["member"] if set(value) == {"member"} else value
    if isinstance(inner, dict) and all(re.fullmatch(r"\d{1,9}", key, re.ASCII) for key in inner):
        return [_convert_lists(inner[key]) for key in sorted(inner, key=int)]
    return {key: _convert_lists(item) for key, item in value.items()}


def _format_xml(answer: Mapping[str, Any], item: str) -> str:
    return "".join(f"<{name}>{_format_xml_value(value, item)}</{name}>" for name, value in answer.items())


def _format_xml_value(value: Any, item: str) -> str:
    if isinstance(value, Mapping):
        return _format_xml(value, item)
    if isinstance(value, list):
        return "".join(f"<{item}>{_format_xml_value(member, item)}</{item}>" for member in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return escape("".join(letter for letter in str(value) if letter.isprintable()), quote=False)
