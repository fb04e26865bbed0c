"""Client for the faults of a running sandbox, over HTTP. Loopback only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from smrep.errors import ConfigurationError, UsageError
from smrep.model import shown_url
from smrep.sandbox.loopback import is_local
from smrep.sandbox.server.admin_api import HEADER, PATH, SCHEMA

_PATIENCE_S = 10.0
_MAX_ANSWER = 1024 * 1024
_OK, _REFUSED = 200, 400
_START = "smrep sandbox start prints the endpoint of one that runs"


def change_faults(url: str, wanted: Mapping[str, Any], *, clear: bool) -> dict[str, Any]:
    """Replace some faults of the sandbox at `url`; return all faults in force afterwards.

    Raises:
        UsageError: the URL is not on this machine, or the sandbox refuses a fault.
        ConfigurationError: nothing answers, or it is not a sandbox.

    """
    host, port = _parse_place(url)
    body = json.dumps({"clear": clear, "faults": wanted})
    connection = HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        connection.request("POST", PATH, body, {"Content-Type": "application/json", HEADER: "faults"})
        answer = connection.getresponse()
        status, text = answer.status, answer.read(_MAX_ANSWER)
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ConfigurationError(
            f"no sandbox answers at {shown_url(url)}: {why}", f"is it running? {_START}"
        ) from error
    finally:
        connection.close()
    return _read_faults(url, status, text)


def _parse_place(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError as error:
        raise UsageError("the value is no URL", _START) from error
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "http" or not is_local(host) or not bare:
        raise UsageError(f"{shown_url(url)} is no sandbox's: that is http://127.0.0.1 with a port", _START)
    return "127.0.0.1" if host == "localhost" else host, port


def _read_faults(url: str, status: int, text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and document.get("schema") == SCHEMA:
        if status == _OK and isinstance(document.get("faults"), dict):
            return dict(document["faults"])
        if status == _REFUSED:
            raise UsageError(
                f"the sandbox at {shown_url(url)} refuses that: {document.get('message')}", "smrep sandbox faults -h"
            )
    raise ConfigurationError(
        f"what answers at {shown_url(url)} is no sandbox of smrep, or one of another version", _START
    )
