"""All that a simulated AWS holds, as values: taken out of its accounts, and put back into new ones.

Its faults, its log, the writes of the last second and the source of its randomness are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from smrep.sandbox.agenda import Event
from smrep.sandbox.identity import Caller
from smrep.sandbox.keystore import Key
from smrep.sandbox.lagging import Past
from smrep.sandbox.policies import document_of, read_policy
from smrep.sandbox.state import Secret

if TYPE_CHECKING:
    from smrep.sandbox.identity import Callers
    from smrep.sandbox.state import World


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
