"""What was kept of a simulated AWS as the text of a file, which people and programs may have changed since."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from smrep.sandbox.keeping import Kept
from smrep.sandbox.policies import read_policy
from smrep.sandbox.state import Content, Secret
from smrep.sandbox.values import decode, encode

if TYPE_CHECKING:
    from smrep.sandbox.keeping import KeptAccount

SCHEMA = "smrep-sandbox/1"
_NAMES = (("Content", Content), ("Secret", Secret))
"""What the modules of some values import for their types alone."""
_REGION = re.compile(r"([a-z]+-)+\d{1,2}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def as_text(kept: Kept) -> str:
    """Return the file's text: JSON, with the secrets' values as they are."""
    return json.dumps({"schema": SCHEMA, "state": encode(kept)}) + "\n"


def parse_kept(text: str) -> Kept:
    """Return what was kept.

    Raises: ValueError with the place in the text for what is none, or could not have been kept.
    """
    try:
        document = json.loads(text, parse_constant=_number, parse_float=_number)
        if not isinstance(document, dict) or "schema" not in document:
            raise ValueError("it has no schema")
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}, and this version reads {SCHEMA}")
        kept: Kept = decode(Kept, document.get("state"), "state", _NAMES)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check(kept)
    return kept


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _check(kept: Kept) -> None:
    """Pass what hangs together: what would make no sense to the simulator, it could not have kept."""
    ids = [each.account_id for each in kept.accounts]
    if len(set(ids)) != len(ids) or kept.account_id not in ids:
        raise ValueError("state.accounts are not each there once, with the first one")
    for account_id in (*ids, *(each.account_id for each in kept.roles.values())):
        if not _ACCOUNT.fullmatch(account_id):
            raise ValueError(f"{account_id!r} is no account id of twelve digits")
    for at, account in enumerate(kept.accounts):
        _check_account(account, f"state.accounts[{at}]")


def _check_account(account: KeptAccount, place: str) -> None:
    borne: set[tuple[str, str]] = set()
    for at, secret in enumerate(account.secrets):
        here = f"{place}.secrets[{at}]"
        if (secret.region, secret.name) in borne:
            raise ValueError(f"{here} is a second {secret.name} in {secret.region}")
        borne.add((secret.region, secret.name))
        _check_secret(secret, account, here)
    for at, before in enumerate(account.pasts):
        if before.past.secret is not None:
            _check_secret(before.past.secret, account, f"{place}.pasts[{at}].past.secret")
    for arn, document in account.policies.items():
        try:
            read_policy(document)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{place}.policies.{arn}: {error}") from error


def _check_secret(secret: Secret, account: KeptAccount, place: str) -> None:
    if secret.account_id != account.account_id:
        raise ValueError(f"{place}.account_id is not its account's")
    if not _REGION.fullmatch(secret.region):
        raise ValueError(f"{place}.region is no Region's name")
    for region, entry in secret.entries.items():
        if not _REGION.fullmatch(region) or entry.region != region:
            raise ValueError(f"{place}.entries.{region} is no entry of a Region of that name")
    versions = {each.version_id for each in secret.content.versions}
    if secret.version_keys.keys() != versions:
        raise ValueError(f"{place}.version_keys are not those of its versions")
    if max(secret.number, secret.content.revision, *_attempts(secret)) > account.numbers:
        raise ValueError(f"{place} has a number that was not given out")


def _attempts(secret: Secret) -> tuple[Any, ...]:
    return (0, *(each.attempt for each in secret.entries.values()))
