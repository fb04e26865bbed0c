"""Which part of a fleet one of several machines takes: whole accounts where there are enough, else secrets by hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from smrep.errors import UsageError

_SHARD = re.compile(r"(auto|\d{1,6})/(\d{1,6})", re.ASCII)
_INDEX = re.compile(r"\d{1,6}", re.ASCII)

_VARIABLES = ("AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX")
"""Where AWS Batch and Kubernetes say which of its machines this one is, counted from 0."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts that have nothing in common and together are everything."""

    number: int
    """Counted from 1."""
    count: int

    def share(self, place: int, accounts: int) -> Shard | None:
        """Return what this shard takes of the account at that place, counted from 0, of so many.

        None is nothing, WHOLE is all of it, else `takes` tells by which of its secrets. The accounts are dealt to the
        shards; where there are fewer of them, the shards are dealt to the accounts, and share each account's secrets.
        """
        mine = self.number - 1
        if accounts >= self.count:
            return WHOLE if place % self.count == mine else None
        if mine % accounts != place:
            return None
        return Shard(mine // accounts + 1, len(range(place, self.count, accounts)))

    def takes(self, arn: str) -> bool:
        """Tell whether the secret is this shard's; the answer hangs on the ARN alone, on every machine."""
        digest = sha256(arn.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest) % self.count == self.number - 1


WHOLE = Shard(1, 1)


def parse_shard(text: str, env: Mapping[str, str]) -> Shard:
    """Return the shard that is meant by `2/4`, or by `auto/4` where AWS Batch or Kubernetes says which one.

    Raises:
        UsageError: it is none, or the environment does not tell.

    """
    found = _SHARD.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no shard", "it looks like 2/4, the second of four, or auto/4")
    count = int(found[2])
    if count == 0:
        raise UsageError(f"{text!r} divides the work among no machine", "name at least one: --shard 1/1")
    number = _index(env, count) + 1 if found[1] == "auto" else int(found[1])
    if not 1 <= number <= count:
        raise UsageError(
            f"{text!r} is no shard: they count from 1 to {count}",
            f"the first is --shard 1/{count}, the last --shard {count}/{count}",
        )
    return Shard(number, count)


def _index(env: Mapping[str, str], count: int) -> int:
    """Return this machine's index, below the count."""
    told = {variable: env[variable] for variable in _VARIABLES if env.get(variable)}
    if not told:
        raise UsageError(
            f"auto/{count} needs an index, and neither {' nor '.join(_VARIABLES)} is set",
            f"run it as an array job of AWS Batch or an Indexed Job of Kubernetes, or name it: --shard 1/{count}",
        )
    if len(set(told.values())) > 1:
        raise UsageError(
            f"auto/{count}: {' and '.join(f'{variable} is {index!r}' for variable, index in told.items())}",
            f"unset the wrong one, or name the shard: --shard 1/{count}",
        )
    ((variable, index), *_) = told.items()
    if not _INDEX.fullmatch(index) or int(index) >= count:
        raise UsageError(
            f"{variable} is {index!r}, and auto/{count} takes a number from 0 to {count - 1}",
            f"the job must have as many machines as there are shards: {count}",
        )
    return int(index)
