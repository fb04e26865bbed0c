"""Pages of a sorted list, and their tokens."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from smrep.sandbox.simulator.api_errors import ApiError

T = TypeVar("T")
SortKey = tuple[float | str, str]


def take_page(
    rows: Iterable[T],
    *,
    key: Callable[[T], SortKey],
    size: int,
    token: str | None,
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """Return one page of `rows` in the order of `key`, and the token of the next page, if any.

    A token holds the last row's key, so changes between two pages neither repeat nor skip a row.

    Raises: ApiError (InvalidNextTokenException).
    """
    return cut_page(skip_to_token(token, sorted(rows, key=key), key=key, descending=descending), key=key, size=size)


def skip_to_token(
    token: str | None, rows: Sequence[T], *, key: Callable[[T], SortKey], descending: bool = False
) -> Iterator[T]:
    """Return the rows after a token; `rows` are in ascending order, and few of them are read.

    Raises: ApiError (InvalidNextTokenException).
    """
    last = None if token is None else _decode_token(token)
    try:
        if descending:
            return islice(reversed(rows), len(rows) - bisect_left(rows, last, key=key) if last else 0, None)
        return islice(rows, bisect_right(rows, last, key=key) if last else 0, None)
    except TypeError:
        raise _invalid_token() from None


def cut_page(rows: Iterable[T], *, key: Callable[[T], SortKey], size: int) -> tuple[list[T], str | None]:
    """Return the first page of rows and the token of the next; reads one row past the page."""
    fetched = list(islice(rows, size + 1))
    shown = fetched[:size]
    return shown, encode_token(key(shown[-1])) if len(fetched) > size else None


def encode_token(position: SortKey) -> str:
    """Return the token of the page after a row's key."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode_token(token: str) -> SortKey:
    try:
        first, second = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _invalid_token() from None
    if not isinstance(first, (float, str)) or not isinstance(second, str):
        raise _invalid_token()
    return first, second


def _invalid_token() -> ApiError:
    return ApiError("InvalidNextTokenException", "The NextToken value is invalid.")
