"""What `replicate` and `retry` were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from smrep.model import IN_SYNC, Secret, Target
from smrep.rules.asked import Address
from smrep.rules.plan import NO_CONSENT, Consent


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as typed."""

    addresses: tuple[Address, ...]
    targets: tuple[Target, ...]
    """For a retry may be none: then every Region that is not in sync."""
    consent: Consent = NO_CONSENT
    preflight: bool = True
    wait: bool = True
    verify: bool = False
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """The flags to repeat in a hint's command, as they were typed."""
    retry: bool = False
    """Whether only what the primary lists already is meant."""

    @property
    def command(self) -> str:
        """The command's name."""
        return "retry" if self.retry else "replicate"

    def targets_of(self, primary: Secret) -> tuple[Target, ...]:
        """Return the Regions that the request means for this secret."""
        if self.targets or not self.retry:
            return self.targets
        listed = [entry for entry in primary.replicas if entry.status != IN_SYNC] or primary.replicas
        return tuple(Target(entry.region) for entry in listed)

    @property
    def forcing(self) -> tuple[str, ...]:
        """The flags that allow what this run may overwrite."""
        arns = (word for arn in sorted(self.consent.arns) for word in ("--overwrite-arn", arn))
        return ("--force-overwrite", *arns) if self.consent.force else ()
