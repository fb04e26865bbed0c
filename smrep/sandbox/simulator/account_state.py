"""The state of one simulated account: secrets by Region, KMS keys and scheduled events."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.api_errors import marked_for_deletion, replica_is_read_only, secret_not_found
from smrep.sandbox.simulator.arns import new_suffix, partition
from smrep.sandbox.simulator.callers import Caller, Callers
from smrep.sandbox.simulator.event_queue import EventQueue
from smrep.sandbox.simulator.eventual_consistency import Past, RecentChanges, parse_secret_names
from smrep.sandbox.simulator.iam_policies import Policy
from smrep.sandbox.simulator.key_store import KeyStore
from smrep.sandbox.simulator.organization_tree import OrganizationTree
from smrep.sandbox.simulator.stored_secret import Content, StoredSecret, age

_SUFFIX = r"-[A-Za-z0-9]{6}$"


@dataclass(frozen=True, slots=True)
class Request:
    """One API call as an operation sees it."""

    region: str
    params: dict[str, Any]
    at: float
    caller: Caller


@dataclass(slots=True)
class AccountState:
    """Secrets, keys and scheduled events of one account in all Regions."""

    account_id: str
    rng: random.Random
    faults: Faults
    keys: KeyStore
    callers: Callers
    """Shared by all accounts."""
    accounts: dict[str, AccountState] = field(default_factory=dict, repr=False)
    """Every account by its id."""
    organization: OrganizationTree | None = None
    """The same for all accounts."""
    policies: dict[str, Policy] = field(default_factory=dict)
    """ARN of an identity -> its policy; only for SimulatePrincipalPolicy."""
    events: EventQueue = field(default_factory=EventQueue)
    secrets: dict[str, dict[str, StoredSecret]] = field(default_factory=dict)
    recent_changes: RecentChanges = field(default_factory=RecentChanges)
    """Changes that ListSecrets does not show yet because of `Faults.listing_lag_s`."""
    numbers: int = 0
    """The last number that `next_number` returned."""
    on_change: Callable[[AccountState, float, str | None], None] | None = None
    """Called after each change, with its time and the secret's id, or None if any secret may have changed."""
    _by_age: dict[str, tuple[StoredSecret, ...]] = field(default_factory=dict, repr=False)

    def next_number(self) -> int:
        """Return the next number for an attempt, a removal or a revision."""
        self.numbers += 1
        return self.numbers

    def report_change(self, at: float, secret_id: str | None) -> None:
        """Call `on_change`, if it is set; `secret_id` is None if any secret may have changed."""
        if self.on_change is not None:
            self.on_change(self, at, secret_id)

    @contextmanager
    def keep_past(self, secret_id: str | None, at: float) -> Iterator[None]:
        """Record the secret's old state, for a lagging ListSecrets, if it changes in any Region within the context.

        Without `Faults.listing_lag_s` it records nothing.
        """
        if secret_id is None or not self.faults.listing_lag_s:
            yield
            return
        names = parse_secret_names(secret_id)
        before = {(region, name): self._copy_secret(region, name) for region in self.secrets for name in names}
        try:
            yield
        finally:
            for region in self.secrets:
                for name in names:
                    past = before.get((region, name))
                    if past != self.get_secret(region, name):
                        self.recent_changes.add(region, name, Past(at, past))

    def _copy_secret(self, region: str, name: str) -> StoredSecret | None:
        secret = self.get_secret(region, name)
        return None if secret is None else replace(secret)

    def get_secret(self, region: str, name: str) -> StoredSecret | None:
        """Return the secret called `name` in `region`, in any state."""
        return self.secrets.get(region, {}).get(name)

    def list_secrets(self, region: str) -> Sequence[StoredSecret]:
        """Return all secrets of a Region, oldest first, including those scheduled for deletion."""
        if region not in self._by_age:
            self._by_age[region] = tuple(sorted(self.secrets.get(region, {}).values(), key=age))
        return self._by_age[region]

    def put(self, secret: StoredSecret) -> None:
        """Store `secret` under its name, in place of any other."""
        self.secrets.setdefault(secret.region, {})[secret.name] = secret
        self._by_age.pop(secret.region, None)

    def discard(self, secret: StoredSecret) -> None:
        """Delete `secret`."""
        del self.secrets[secret.region][secret.name]
        self._by_age.pop(secret.region, None)

    def find(self, region: str, secret_id: str) -> StoredSecret:
        """Return the secret with a SecretId in `region`: a name, an ARN, or an ARN without its suffix.

        An ARN that ends in a hyphen and six characters counts as complete.
        Source: API_DescribeSecret, SecretId.

        Raises: ApiError (ResourceNotFoundException), also for an ARN of another Region or account.
        """
        name = secret_id
        if secret_id.startswith("arn:"):
            head = f"arn:{partition(region)}:secretsmanager:{region}:{self.account_id}:secret:"
            if not secret_id.startswith(head):
                raise secret_not_found()
            name = secret_id.removeprefix(head)
            if re.search(_SUFFIX, name):
                complete = self.get_secret(region, re.sub(_SUFFIX, "", name))
                if complete is None or complete.arn != secret_id:
                    raise secret_not_found()
                return complete
        secret = self.get_secret(region, name)
        if secret is None:
            raise secret_not_found()
        return secret

    def find_living(self, request: Request) -> StoredSecret:
        """Return the secret of a request; refuse one that is scheduled for deletion."""
        secret = self.find(request.region, request.params["SecretId"])
        if secret.deleted is not None:
            raise marked_for_deletion()
        return secret

    def find_writable(self, request: Request) -> StoredSecret:
        """Return the secret of a request; refuse a replica or one that is scheduled for deletion.

        Choice: it refuses cross-account replicas too.
        """
        secret = self.find_living(request)
        if secret.is_replica or secret.cross_account.primary is not None:
            raise replica_is_read_only()
        return secret

    def make_suffix(self) -> str:
        """Return a random suffix for a new secret's ARN."""
        return new_suffix(self.rng)

    def revise(self, content: Content, at: float) -> Content:
        """Return `content` as a new revision, changed at the time `at`."""
        return replace(content, changed=at, revision=self.next_number())
