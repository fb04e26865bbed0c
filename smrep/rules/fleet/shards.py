"""One machine's part of a fleet: whole accounts, or secrets by hash if there are fewer accounts than machines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from smrep.errors import UsageError

_SHARD = re.compile(r"(auto|\d{1,6})/(\d{1,6})", re.ASCII)
_INDEX = re.compile(r"\d{1,6}", re.ASCII)

_VARIABLES = ("AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX")
"""Variables in which AWS Batch and Kubernetes give a machine its index, from 0."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several disjoint parts of the whole work."""

    number: int
    """Counted from 1."""
    count: int

    def __str__(self) -> str:
        """Return 2/4 for the second of four."""
        return f"{self.number}/{self.count}"

    def share(self, place: int, accounts: int) -> Shard | None:
        """Return this shard's part of the account at index `place` of `accounts`.

        None is nothing and WHOLE is everything; otherwise `takes` picks the secrets. Shards divide the accounts among
        themselves. If there are fewer accounts than shards, several shards share the secrets of one account.
        """
        mine = self.number - 1
        if accounts >= self.count:
            return WHOLE if place % self.count == mine else None
        if mine % accounts != place:
            return None
        return Shard(mine // accounts + 1, len(range(place, self.count, accounts)))

    def share_of_found(self, account: str) -> Shard | None:
        """Return this shard's part of an account that an organization has: WHOLE or None.

        Depends on the account's ID only, so that an account that joins or leaves moves no other to another shard.
        """
        return WHOLE if self.takes(account) else None

    def takes(self, key: str) -> bool:
        """Return whether the secret or account is in this shard; depends on its ARN or ID only, on every machine."""
        digest = sha256(key.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest) % self.count == self.number - 1


WHOLE = Shard(1, 1)


def parse_shard(text: str, env: Mapping[str, str]) -> Shard:
    """Return the shard for `2/4`, or for `auto/4` with the index from AWS Batch or Kubernetes.

    Raises:
        UsageError: the text is not a shard, or the environment has no index.

    """
    match = _SHARD.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a shard", "use 2/4 for the second of four, or auto/4")
    count = int(match[2])
    if count == 0:
        raise UsageError(f"{text!r} has no shards", "use at least one: --shard 1/1")
    number = _index(env, count) + 1 if match[1] == "auto" else int(match[1])
    if not 1 <= number <= count:
        raise UsageError(
            f"{text!r} is not a shard: shards count from 1 to {count}",
            f"use --shard 1/{count} for the first, --shard {count}/{count} for the last",
        )
    return Shard(number, count)


def _index(env: Mapping[str, str], count: int) -> int:
    """Return this machine's index, below the count."""
    indexes = {variable: env[variable] for variable in _VARIABLES if env.get(variable)}
    if not indexes:
        raise UsageError(
            f"auto/{count} needs an index, but neither {' nor '.join(_VARIABLES)} is set",
            f"run it as an AWS Batch array job or a Kubernetes Indexed Job, or name the shard: --shard 1/{count}",
        )
    if len(set(indexes.values())) > 1:
        raise UsageError(
            f"auto/{count}: {' and '.join(f'{variable} is {index!r}' for variable, index in indexes.items())}",
            f"unset the wrong one, or name the shard: --shard 1/{count}",
        )
    ((variable, index), *_) = indexes.items()
    if not _INDEX.fullmatch(index) or int(index) >= count:
        raise UsageError(
            f"{variable} is {index!r}, but auto/{count} needs a number from 0 to {count - 1}",
            f"run as many tasks as there are shards: {count}",
        )
    return int(index)
