"""Whether a replica is under the key that was asked for."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from smrep.errors import AwsError, NotFound
from smrep.model import Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.commands import spell
from smrep.rules.keys import DEFAULT, same_by_spelling
from smrep.service.ports import Keys


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Compares keys by their spelling first, and asks KMS only where that can't tell."""

    keys: Keys
    _known: dict[tuple[str, Region], str] = field(default_factory=dict)

    def findings(self, primary: Secret, target: Target, entry: Replica) -> tuple[Finding, ...]:
        """Return `wrong_key` where the replica's key is another, `unchecked` where KMS would not say, else nothing."""
        if target.kms_key is None:
            return ()
        shown = entry.kms_key_id or DEFAULT
        unknown = ""
        same = same_by_spelling(target.kms_key, shown, target.region, primary.account)
        try:
            if same is None:
                same = self._arn(target.kms_key, target) == self._arn(shown, target)
        except NotFound as error:
            same, unknown = False, f" ({error.words})"
        except AwsError as error:
            if error.ends_the_run:
                raise
            return unchecked_key(target, error.message)
        if same:
            return ()
        rekey = spell("rekey", [primary.name], primary_region=primary.region, targets=[target])
        words = ["--secret-id", primary.name, "--kms-key-id", target.kms_key, "--region", target.region]
        by_hand = f"aws secretsmanager update-secret {shlex.join(words)}"
        return (
            Finding(
                Kind.WRONG_KEY,
                Severity.ERROR,
                f"the replica in {target.region} is under the key {shown}, not {target.kms_key}{unknown}",
                f"list the keys there are: aws kms list-aliases --region {target.region}; "
                f"then, from the next release on: {rekey}"
                if unknown
                else f"{by_hand} (from the next release on: {rekey})",
            ),
        )

    def _arn(self, key: str, target: Target) -> str:
        known = self._known.get((key, target.region))
        if known is None:
            known = self._known[key, target.region] = self.keys.key(key, target.region).arn
        return known


def unchecked_key(target: Target, why: str = "no answer came in time") -> tuple[Finding, ...]:
    """Return the finding for a key that KMS would not tell of."""
    return (
        Finding(
            Kind.UNCHECKED,
            Severity.WARNING,
            f"whether the replica in {target.region} is under the key {target.kms_key} could not be checked: {why}",
            f"allow kms:DescribeKey in {target.region}",
        ),
    )
