"""Pages of a sorted list, and the opaque tokens between them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, TypeVar

from smrep.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
SortKey = tuple[float | str, str]


def page(
    rows: Iterable[T],
    *,
    key: Callable[[T], SortKey],
    size: int,
    token: str | None,
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """One page of `rows` in the order of `key`, and the token of the next page, if there is one.

    A token holds the last row's key, so what is added or deleted between two pages neither repeats
    a row nor skips one.

    Raises: ApiError (InvalidNextTokenException).
    """
    ordered = sorted(rows, key=key, reverse=descending)
    if token is not None:
        last = _position(token)
        try:
            ordered = [row for row in ordered if (key(row) < last if descending else key(row) > last)]
        except TypeError:
            raise _invalid_token() from None
    shown = ordered[:size]
    more = len(ordered) > size
    return shown, _token(key(shown[-1])) if more else None


def _token(position: SortKey) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _position(token: str) -> SortKey:
    try:
        first, second = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _invalid_token() from None
    if not isinstance(first, (float, str)) or not isinstance(second, str):
        raise _invalid_token()
    return first, second


def _invalid_token() -> ApiError:
    return ApiError("InvalidNextTokenException", "The NextToken value is invalid.")
