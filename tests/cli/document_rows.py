"""The rows of a printed JSON document, and their findings."""

from __future__ import annotations

from typing import Any

from fixtures import Done


def rows_of(done: Done) -> list[dict[str, Any]]:
    return [row for secret in done.document["secrets"] for row in secret["replicas"]]


def row_of(done: Done) -> dict[str, Any]:
    """Return the one row of the one secret."""
    (row,) = rows_of(done)
    assert len(done.document["secrets"]) == 1
    return row


def kinds(row: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in row["findings"]]


def kinds_by_row(done: Done) -> list[list[str]]:
    return [kinds(row) for row in rows_of(done)]
