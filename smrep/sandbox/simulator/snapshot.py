"""All that the simulator holds, as values and as the text of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from smrep.sandbox.simulator.account_state import World
from smrep.sandbox.simulator.callers import Caller, Callers
from smrep.sandbox.simulator.event_queue import Event
from smrep.sandbox.simulator.eventual_consistency import Past
from smrep.sandbox.simulator.iam_policies import document_of, read_policy
from smrep.sandbox.simulator.key_store import Key
from smrep.sandbox.simulator.stored_secret import Secret
from smrep.sandbox.simulator.values import decode, encode


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A KMS key in its Region."""

    region: str
    key: Key


@dataclass(frozen=True, slots=True)
class KeptAlias:
    """An alias in its Region, and the key that it means."""

    region: str
    alias: str
    key_id: str


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """What is still to happen, at the time `due`."""

    due: float
    event: Event


@dataclass(frozen=True, slots=True)
class KeptPast:
    """What bore a name in a Region until lately, for a ListSecrets that lags."""

    region: str
    name: str
    past: Past


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """One account; `coming` and the pasts of a name are in their order."""

    account_id: str
    numbers: int
    secrets: tuple[Secret, ...]
    coming: tuple[KeptEvent, ...]
    keys: tuple[KeptKey, ...]
    aliases: tuple[KeptAlias, ...]
    policies: Mapping[str, Mapping[str, Any]]
    """An identity's ARN -> its policy document."""
    pasts: tuple[KeptPast, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """All accounts; `account_id` is the first one's. `roles` are by access key, `external_ids` by the role's ARN."""

    account_id: str
    accounts: tuple[KeptAccount, ...]
    roles: Mapping[str, Caller]
    external_ids: Mapping[str, str]


def keep(account_id: str, worlds: Iterable[World], callers: Callers) -> Kept:
    """Return what the accounts hold; it shares nothing with them that changes."""
    accounts = tuple(_keep(world) for world in worlds)
    return Kept(account_id, accounts, dict(callers.roles), dict(callers.external_ids))


def _keep(world: World) -> KeptAccount:
    return KeptAccount(
        account_id=world.account_id,
        numbers=world.numbers,
        secrets=tuple(_still(secret) for secrets in world.secrets.values() for secret in secrets.values()),
        coming=tuple(KeptEvent(due, event) for due, event in world.agenda.coming()),
        keys=tuple(KeptKey(region, key) for (region, _), key in world.keys.keys.items()),
        aliases=tuple(KeptAlias(region, alias, key) for (region, alias), key in world.keys.aliases.items()),
        policies={arn: document_of(policy) for arn, policy in world.policies.items()},
        pasts=tuple(
            KeptPast(region, name, Past(past.until, past.secret and _still(past.secret)))
            for region, name, past in world.memory.all()
        ),
    )


def _still(secret: Secret) -> Secret:
    """Return a secret as it is now: what it holds that can change is copied."""
    return replace(
        secret,
        version_keys=dict(secret.version_keys),
        read_on=dict(secret.read_on),
        entries=dict(secret.entries),
    )


def put_back(kept: Kept, worlds: Mapping[str, World], callers: Callers) -> None:
    """Fill new accounts, by their ids, with what was kept.

    Raises: ValueError for a policy that can't be read.
    """
    callers.roles.update(kept.roles)
    callers.external_ids.update(kept.external_ids)
    for account in kept.accounts:
        _put_back(account, worlds[account.account_id])


def _put_back(account: KeptAccount, world: World) -> None:
    world.numbers = account.numbers
    for secret in account.secrets:
        world.put(_still(secret))
    for each in account.coming:
        world.agenda.add(each.due, each.event)
    for key in account.keys:
        world.keys.keys[key.region, key.key.key_id] = key.key
    for alias in account.aliases:
        world.keys.aliases[alias.region, alias.alias] = alias.key_id
    for arn, document in account.policies.items():
        world.policies[arn] = read_policy(document)
    for before in account.pasts:
        past = before.past
        world.memory.add(before.region, before.name, Past(past.until, past.secret and _still(past.secret)))


SCHEMA = "smrep-sandbox/1"
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
        kept: Kept = decode(Kept, document.get("state"), "state")
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
