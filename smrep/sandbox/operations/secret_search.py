"""ListSecrets: one Region's secrets, filtered, sorted and paged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from smrep.sandbox.operations.describe_secret import find_owning_service, show_secret
from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.page_tokens import SortKey, cut_page, skip_to_token
from smrep.sandbox.simulator.stored_secret import StoredSecret, age
from smrep.sandbox.simulator.validation import Field, Operation

_KEYS = ("description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all")
_SORT_KEYS = ("created-date", "last-accessed-date", "last-changed-date", "name")
_MARKS = frozenset("/-_+=.@")
_WORD = re.compile(
    r"""
    [^a-z\s/_+=.@-]?[a-z]+                        # db, Db, 5db
  | [^a-z\s/_+=.@-]+(?=[^a-z\s/_+=.@-][a-z])      # COMPAN of COMPANYthings
  | [^a-z\s/_+=.@-]+                              # DB, 42
""",
    re.VERBOSE,
)


def _list_secrets(state: AccountState, request: Request) -> dict[str, Any]:
    """List secrets. Choice: ascending order by default, as in the recorded answer."""
    params = request.params
    sort_by, filters = params.get("SortBy", _SORT_KEYS[0]), params.get("Filters", [])
    rows = _list_rows(state, request)

    def key(secret: StoredSecret) -> SortKey:
        return _sort_key(secret, sort_by)

    def is_listed(secret: StoredSecret) -> bool:
        living = secret.deleted is None or params.get("IncludePlannedDeletion", False)
        return living and all(_fits(secret, item) for item in filters)

    if sort_by != _SORT_KEYS[0]:
        rows = sorted(rows, key=key)
    rest = skip_to_token(params.get("NextToken"), rows, key=key, descending=params.get("SortOrder") == "desc")
    shown, token = cut_page(filter(is_listed, rest), key=key, size=params.get("MaxResults", 100))
    answer: dict[str, Any] = {
        "SecretList": [show_secret(secret, versions_key="SecretVersionsToStages") for secret in shown]
    }
    return answer if token is None else {**answer, "NextToken": token}


def _list_rows(state: AccountState, request: Request) -> Sequence[StoredSecret]:
    """Return a Region's secrets by age, as they were `Faults.listing_lag_s` ago. Source: aws-behavior.md 1.5."""
    rows, lag = state.list_secrets(request.region), state.faults.listing_lag_s
    past = state.recent_changes.find_changed(request.region, request.at - lag) if lag else {}
    if not past:
        return rows
    unchanged = [secret for secret in rows if secret.name not in past]
    return sorted([*unchanged, *(secret for secret in past.values() if secret is not None)], key=age)


def _sort_key(secret: StoredSecret, sort_by: str) -> SortKey:
    match sort_by:
        case "name":
            return secret.name, ""
        case "last-accessed-date":
            return secret.accessed or 0.0, secret.name
        case "last-changed-date":
            return secret.content.changed, secret.name
        case _:
            return age(secret)


def _fits(secret: StoredSecret, item: dict[str, Any]) -> bool:
    """Return whether a secret matches a filter; it must match all filters.

    Choice: any of the filter's plain values must match, if it has some, and none of its negated ones.
    Source: API_Filter (prefix match; case-sensitive but for description and all; `!` negates).
    """
    values: list[str] = item.get("Values", [])
    wanted = [value for value in values if not value.startswith("!")]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    key = item.get("Key", "all")
    if wanted and not any(_matches(secret, key, value) for value in wanted):
        return False
    return not any(_matches(secret, key, value) for value in unwanted)


def _matches(secret: StoredSecret, key: str, value: str) -> bool:
    content = secret.content
    texts = {
        "name": [secret.name],
        "description": [content.description or ""],
        "tag-key": [tag_key for tag_key, _ in content.tags],
        "tag-value": [tag_value for _, tag_value in content.tags],
        "primary-region": [secret.primary_region or ""],
        "owning-service": [find_owning_service(secret.name) or ""],
    }
    if key not in ("all", "description"):
        return any(text.startswith(value) for text in texts[key])
    searched = texts.values() if key == "all" else [texts[key]]
    return any(_has_words(text, value) for group in searched for text in group)


def _has_words(text: str, value: str) -> bool:
    """Return whether every word of `value` starts a word of `text`; False for a value without words.

    Source: aws-behavior.md 10.8; API_Filter says that descriptions match by prefix.
    """
    wanted, words = _split_words(value), _split_words(text)
    return bool(wanted) and all(any(word.startswith(start) for word in words) for start in wanted)


def _split_words(text: str) -> list[str]:
    """Split a text at its mark, then before capitals and digits; with two kinds of marks it is one word."""
    if len(set(text) & _MARKS) > 1:
        return [text.lower()]
    return [word.lower() for word in _WORD.findall(text)]


_FILTER = Field(
    dict,
    members={
        "Key": Field(str, enum=_KEYS),
        "Values": Field(
            list,
            low=1,
            high=10,
            item=Field(str, high=512, pattern=r"^\!?[a-zA-Z0-9 :_@\/\+\=\.\-\!]*$"),
        ),
    },
)
LISTING_OPERATIONS = {
    "ListSecrets": Operation(
        _list_secrets,
        {
            "IncludePlannedDeletion": Field(bool),
            "MaxResults": Field(int, low=1, high=100),
            "NextToken": Field(str, low=1, high=4096),
            "Filters": Field(list, high=10, item=_FILTER),
            "SortOrder": Field(str, enum=("asc", "desc")),
            "SortBy": Field(str, enum=_SORT_KEYS),
        },
    )
}
"""Operation name -> operation."""
