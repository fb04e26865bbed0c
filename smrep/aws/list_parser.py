"""Parse pages of ListSecrets, the bulk of a run over many secrets, at the speed of `json`.

botocore looks at each value of a page by its model, which takes two thirds of a listing's time. Here a page becomes the
fields that smrep uses. botocore parses everything else: other operations, errors, metadata, and any page that is not as
the model says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.parsers import ResponseParserFactory
from botocore.utils import parse_timestamp

_PAGE = "ListSecretsResponse"
"""Shape of an answer to ListSecrets. Source: botocore's model of Secrets Manager."""
_PLAIN = ("ARN", "Name", "PrimaryRegion", "KmsKeyId", "OwningService", "RotationEnabled")
"""Fields of a secret that botocore hands on as they are."""
_ODD = (LookupError, TypeError, AttributeError, ValueError, RuntimeError)
"""What Python raises for a page that is not as the model says."""


class ListParsers(ResponseParserFactory):
    """Creates botocore's parsers: a session's `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> Any:
        """Return the parser for a protocol; the one for JSON parses ListSecrets itself."""
        parser = super().create_parser(protocol_name)
        return _ListParser(parser) if protocol_name == "json" else parser


class _ListParser:
    """Parses pages of ListSecrets, and leaves everything else to botocore's parser."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """Return the answer as botocore does; a page's secrets have only the fields that smrep uses."""
        is_page = shape is not None and shape.name == _PAGE and response["status_code"] == HTTPStatus.OK
        try:
            page = _page(response["body"]) if is_page else None
        except _ODD:
            page = None
        if page is None:
            return self._parser.parse(response, shape)
        return page | self._parser.parse({**response, "body": b""}, shape)  # which adds the metadata


def _page(body: bytes) -> dict[str, Any]:
    page = json.loads(body.decode())
    parsed = {"SecretList": [_secret(entry) for entry in page["SecretList"]]}
    return parsed if page.get("NextToken") is None else {**parsed, "NextToken": page["NextToken"]}


def _secret(entry: Mapping[str, Any]) -> dict[str, Any]:
    secret = {field: entry[field] for field in _PLAIN if entry.get(field) is not None}
    if entry.get("SecretVersionsToStages") is not None:
        versions = entry["SecretVersionsToStages"].items()
        secret["SecretVersionsToStages"] = {version: list(stages) for version, stages in versions}
    if entry.get("Tags") is not None:
        secret["Tags"] = [
            {field: tag[field] for field in ("Key", "Value") if tag.get(field) is not None} for tag in entry["Tags"]
        ]
    if entry.get("DeletedDate") is not None:
        secret["DeletedDate"] = parse_timestamp(entry["DeletedDate"])
    return secret
