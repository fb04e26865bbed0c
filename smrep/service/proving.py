"""Looks on both sides of a replication, and what they prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from smrep.errors import AwsError, Unsupported
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.rules.preflight import Look, Unseen, ours
from smrep.rules.proof import Listed, Proof, Sides, prove
from smrep.service.abreast import abreast, patience
from smrep.service.keys import KeyCheck
from smrep.service.looking import asked, look, no_answer
from smrep.service.ports import Clock, SecretsManager

_EARLIER_S = 2.0
"""So much sooner is one Region given up than the whole round, so that what was seen of the others is not lost."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one round of looks showed of one Region."""

    proof: Proof
    look: Look


@dataclass(frozen=True, slots=True)
class Prover:
    """Looks at a primary and its replicas, before one deadline in the clock's seconds."""

    aws: SecretsManager
    key_check: KeyCheck
    clock: Clock
    deadline: float
    key_patience_s: float = 0.0
    """For how long another key may be a lagging answer."""
    acts: bool = False
    """Whether what differs is to be changed: then the spelling of two keys is enough, else KMS must not deny."""

    def round(self, primary: Secret, targets: Sequence[Target]) -> Mapping[Region, Seen]:
        """Return what is proved of each Region by one look into it; `primary` is as just described.

        Raises:
            CredentialsError: no further call can succeed.

        """
        here = versions(self.aws, primary)
        seen = abreast(
            partial(self._region, primary, here),
            targets,
            late=partial(self._late, primary, here),
            patience_s=patience(self.clock, self.deadline) - _EARLIER_S,
        )
        return {target.region: each for target, each in zip(targets, seen, strict=True)}

    def _region(self, primary: Secret, here: Listed, target: Target) -> Seen:
        found = look(self.aws, primary, target.region)
        replica = ours(primary, found)
        there = versions(self.aws, replica) if replica else ()
        return self._seen(primary, here, target, found, there)

    def _late(self, primary: Secret, here: Listed, target: Target) -> Seen:
        return self._seen(primary, here, target, Unseen(no_answer(f"{primary.name} in {target.region}")), ())

    def _seen(self, primary: Secret, here: Listed, target: Target, found: Look, there: Listed) -> Seen:
        sides = Sides(primary, target.region, found, here, there, target.kms_key, self.key_patience_s)
        same = partial(self._same, primary, target.region)
        return Seen(prove(sides, same), found)

    def _same(self, primary: Secret, region: Region, wanted: str, shown: str) -> bool | AwsError:
        compare = self.key_check.same if self.acts else self.key_check.claimed
        return compare(wanted, shown, region, primary.account, by_arn=primary.by_arn)


def versions(aws: SecretsManager, secret: Secret) -> Listed:
    """Return the versions of a secret, why they can't be listed, or None where the endpoint has no such operation.

    What an emulator without it shows is what DescribeSecret does.

    Raises:
        CredentialsError: no further call can succeed.

    """
    found = asked(lambda: aws.versions(secret.arn, secret.region))
    return None if isinstance(found, Unsupported) else found
