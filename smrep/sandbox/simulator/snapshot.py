"""The simulator's state as values and as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState
from smrep.sandbox.simulator.callers import Caller, Callers
from smrep.sandbox.simulator.event_queue import ChangeArrival, DeletionEnd, Event, RemovalEnd, ReplicationEnd, SecretRef
from smrep.sandbox.simulator.eventual_consistency import Past
from smrep.sandbox.simulator.iam_policies import format_policy, read_policy
from smrep.sandbox.simulator.key_store import Key
from smrep.sandbox.simulator.stored_secret import (
    Content,
    CrossAccount,
    ReplicaEntry,
    Rotation,
    StoredSecret,
    StoredVersion,
    Value,
)
from smrep.sandbox.simulator.values import Words, decode, encode


@dataclass(frozen=True, slots=True)
class RegionKey:
    """A KMS key in its Region."""

    region: str
    key: Key


@dataclass(frozen=True, slots=True)
class RegionAlias:
    """A KMS alias in its Region, and its key."""

    region: str
    alias: str
    key_id: str


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """An event at the time `due`."""

    due: float
    event: Event


@dataclass(frozen=True, slots=True)
class RegionPast:
    """A former state of a name in a Region, for a lagging ListSecrets."""

    region: str
    name: str
    past: Past


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """One account; `coming` and the pasts of each name are in order."""

    account_id: str
    numbers: int
    secrets: tuple[StoredSecret, ...]
    coming: tuple[ScheduledEvent, ...]
    keys: tuple[RegionKey, ...]
    aliases: tuple[RegionAlias, ...]
    policies: Mapping[str, Mapping[str, Any]]
    """ARN of an identity -> its policy document."""
    pasts: tuple[RegionPast, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All accounts; `account_id` is the first one, `roles` are by access key, `external_ids` by the role's ARN."""

    account_id: str
    accounts: tuple[AccountSnapshot, ...]
    roles: Mapping[str, Caller]
    external_ids: Mapping[str, str]


def take_snapshot(account_id: str, states: Iterable[AccountState], callers: Callers) -> Snapshot:
    """Return the state of all accounts; it shares nothing mutable with them."""
    accounts = tuple(_take_account(state) for state in states)
    return Snapshot(account_id, accounts, dict(callers.roles), dict(callers.external_ids))


def _take_account(state: AccountState) -> AccountSnapshot:
    return AccountSnapshot(
        account_id=state.account_id,
        numbers=state.numbers,
        secrets=tuple(_copy_secret(secret) for secrets in state.secrets.values() for secret in secrets.values()),
        coming=tuple(ScheduledEvent(due, event) for due, event in state.events.list_coming()),
        keys=tuple(RegionKey(region, key) for (region, _), key in state.keys.keys.items()),
        aliases=tuple(RegionAlias(region, alias, key) for (region, alias), key in state.keys.aliases.items()),
        policies={arn: format_policy(policy) for arn, policy in state.policies.items()},
        pasts=tuple(
            RegionPast(region, name, Past(past.until, past.secret and _copy_secret(past.secret)))
            for region, name, past in state.recent_changes.list_all()
        ),
    )


def _copy_secret(secret: StoredSecret) -> StoredSecret:
    """Return a copy of a secret that shares nothing mutable with it."""
    return replace(
        secret,
        version_keys=dict(secret.version_keys),
        read_on=dict(secret.read_on),
        entries=dict(secret.entries),
    )


def restore(snapshot: Snapshot, states: Mapping[str, AccountState], callers: Callers) -> None:
    """Fill new accounts, by their ids, from a snapshot.

    Raises: ValueError for an unsupported policy.
    """
    callers.roles.update(snapshot.roles)
    callers.external_ids.update(snapshot.external_ids)
    for account in snapshot.accounts:
        _restore_account(account, states[account.account_id])


def _restore_account(account: AccountSnapshot, state: AccountState) -> None:
    state.numbers = account.numbers
    for secret in account.secrets:
        state.put(_copy_secret(secret))
    for scheduled in account.coming:
        state.events.add(scheduled.due, scheduled.event)
    for key in account.keys:
        state.keys.keys[key.region, key.key.key_id] = key.key
    for alias in account.aliases:
        state.keys.aliases[alias.region, alias.alias] = alias.key_id
    for arn, document in account.policies.items():
        state.policies[arn] = read_policy(document)
    for before in account.pasts:
        past = Past(before.past.until, before.past.secret and _copy_secret(before.past.secret))
        state.recent_changes.add(before.region, before.name, past)


SCHEMA = "smrep-sandbox/1"
WORDS: Words = {
    Snapshot: "Kept",
    AccountSnapshot: "KeptAccount",
    ScheduledEvent: "KeptEvent",
    RegionKey: "KeptKey",
    RegionAlias: "KeptAlias",
    RegionPast: "KeptPast",
    StoredSecret: "Secret",
    StoredVersion: "Version",
    ReplicaEntry: "Entry",
    Content: "Content",
    Value: "Value",
    Rotation: "Rotation",
    CrossAccount: "CrossAccount",
    Caller: "Caller",
    Key: "Key",
    Past: "Past",
    SecretRef: "SecretRef",
    ReplicationEnd: "Settle",
    ChangeArrival: "Flow",
    RemovalEnd: "Vanish",
    DeletionEnd: "Purge",
}
"""Class -> its `kind` in the file; old files have these words, so they never change."""
_REGION = re.compile(r"([a-z]+-)+\d{1,2}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def format_snapshot(snapshot: Snapshot) -> str:
    """Return the file's JSON text, with secret values in plain text."""
    return json.dumps({"schema": SCHEMA, "state": encode(snapshot, WORDS)}) + "\n"


def parse_snapshot(text: str) -> Snapshot:
    """Return the snapshot in a file's text.

    Raises: ValueError with the place of invalid or inconsistent data.
    """
    try:
        document = json.loads(text, parse_constant=_parse_number, parse_float=_parse_number)
        if not isinstance(document, dict) or "schema" not in document:
            raise ValueError("it has no schema")
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}, and this version reads {SCHEMA}")
        snapshot: Snapshot = decode(Snapshot, document.get("state"), "state", WORDS)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check(snapshot)
    return snapshot


def _parse_number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _check(snapshot: Snapshot) -> None:
    """Require a consistent snapshot, as only a simulator could write it."""
    ids = [account.account_id for account in snapshot.accounts]
    if len(set(ids)) != len(ids) or snapshot.account_id not in ids:
        raise ValueError("state.accounts are not each there once, with the first one")
    for account_id in (*ids, *(role.account_id for role in snapshot.roles.values())):
        if not _ACCOUNT.fullmatch(account_id):
            raise ValueError(f"{account_id!r} is no account id of twelve digits")
    for at, account in enumerate(snapshot.accounts):
        _check_account(account, f"state.accounts[{at}]")


def _check_account(account: AccountSnapshot, place: str) -> None:
    borne: set[tuple[str, str]] = set()
    for at, secret in enumerate(account.secrets):
        secret_place = f"{place}.secrets[{at}]"
        if (secret.region, secret.name) in borne:
            raise ValueError(f"{secret_place} is a second {secret.name} in {secret.region}")
        borne.add((secret.region, secret.name))
        _check_secret(secret, account, secret_place)
    for at, before in enumerate(account.pasts):
        if before.past.secret is not None:
            _check_secret(before.past.secret, account, f"{place}.pasts[{at}].past.secret")
    for arn, document in account.policies.items():
        try:
            read_policy(document)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{place}.policies.{arn}: {error}") from error


def _check_secret(secret: StoredSecret, account: AccountSnapshot, place: str) -> None:
    if secret.account_id != account.account_id:
        raise ValueError(f"{place}.account_id is not its account's")
    if not _REGION.fullmatch(secret.region):
        raise ValueError(f"{place}.region is no Region's name")
    for region, entry in secret.entries.items():
        if not _REGION.fullmatch(region) or entry.region != region:
            raise ValueError(f"{place}.entries.{region} is no entry of a Region of that name")
    versions = {version.version_id for version in secret.content.versions}
    if secret.version_keys.keys() != versions:
        raise ValueError(f"{place}.version_keys are not those of its versions")
    if max(secret.number, secret.content.revision, *_list_attempts(secret)) > account.numbers:
        raise ValueError(f"{place} has a number that was not given out")


def _list_attempts(secret: StoredSecret) -> tuple[Any, ...]:
    return (0, *(entry.attempt for entry in secret.entries.values()))
