"""What a simulated account holds: secrets by Region, KMS keys, and what is still to happen."""

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
from smrep.sandbox.simulator.stored_secret import Content, StoredSecret, age

_SUFFIX = r"-[A-Za-z0-9]{6}$"


@dataclass(frozen=True, slots=True)
class Request:
    """One call as an operation sees it: its Region, its parameters, the time, and who makes it."""

    region: str
    params: dict[str, Any]
    at: float
    caller: Caller


@dataclass(slots=True)
class AccountState:
    """One simulated account as a whole: every Region's secrets and keys, and what is still to happen."""

    account_id: str
    rng: random.Random
    faults: Faults
    keys: KeyStore
    callers: Callers
    """Those of all accounts."""
    accounts: dict[str, AccountState] = field(default_factory=dict, repr=False)
    """Every account by its id."""
    policies: dict[str, Policy] = field(default_factory=dict)
    """An identity's ARN -> its policy, for the simulation of IAM alone."""
    events: EventQueue = field(default_factory=EventQueue)
    secrets: dict[str, dict[str, StoredSecret]] = field(default_factory=dict)
    recent_changes: RecentChanges = field(default_factory=RecentChanges)
    """What ListSecrets has not heard of yet, while `Faults.listing_lag_s` lets it lag."""
    numbers: int = 0
    """How many have been given out."""
    on_change: Callable[[AccountState, float, str | None], None] | None = None
    """Is called after each change: with its time, and the secret, or None where it may be any."""
    _by_age: dict[str, tuple[StoredSecret, ...]] = field(default_factory=dict, repr=False)

    def next_number(self) -> int:
        """Return a number greater than all before it: for attempts, removals and revisions."""
        self.numbers += 1
        return self.numbers

    def report_change(self, at: float, secret_id: str | None) -> None:
        """Call `on_change`, where it is set, after a change to one secret or, for None, to any."""
        if self.on_change is not None:
            self.on_change(self, at, secret_id)

    @contextmanager
    def keep_past(self, secret_id: str | None, at: float) -> Iterator[None]:
        """Open a span in which a secret may change, in any Region, as of the time `at`; ListSecrets hears of it later.

        Without `Faults.listing_lag_s` nothing is kept, and ListSecrets knows at once.
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
        """Return the secret that bears `name` in `region`, whatever its state."""
        return self.secrets.get(region, {}).get(name)

    def list_secrets(self, region: str) -> Sequence[StoredSecret]:
        """Return every secret of one Region in the order of `age`, those scheduled for deletion too."""
        if region not in self._by_age:
            self._by_age[region] = tuple(sorted(self.secrets.get(region, {}).values(), key=age))
        return self._by_age[region]

    def put(self, secret: StoredSecret) -> None:
        """Keep `secret` under its name, in the place of any other."""
        self.secrets.setdefault(secret.region, {})[secret.name] = secret
        self._by_age.pop(secret.region, None)

    def discard(self, secret: StoredSecret) -> None:
        """Forget `secret` for good."""
        del self.secrets[secret.region][secret.name]
        self._by_age.pop(secret.region, None)

    def find(self, region: str, secret_id: str) -> StoredSecret:
        """Return the secret that a SecretId means in `region`: a name, an ARN, or an ARN without its suffix.

        An ARN whose name ends in a hyphen and six characters is taken for a whole one.
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
        """Return the secret a request is about; one that is scheduled for deletion is refused."""
        secret = self.find(request.region, request.params["SecretId"])
        if secret.deleted is not None:
            raise marked_for_deletion()
        return secret

    def find_writable(self, request: Request) -> StoredSecret:
        """Return the secret a request is about, refused where it is a replica or scheduled for deletion.

        Choice: a cross-account replica is refused as any other.
        """
        secret = self.find_living(request)
        if secret.is_replica or secret.cross_account.primary is not None:
            raise replica_is_read_only()
        return secret

    def make_suffix(self) -> str:
        """Six random letters and digits, as AWS appends them to a new secret's ARN."""
        return new_suffix(self.rng)

    def revise(self, content: Content, at: float) -> Content:
        """Return `content` as a later revision, changed at the time `at`."""
        return replace(content, changed=at, revision=self.next_number())
