"""Replication, removal and promotion in the sandbox, each step at its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState
from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter, invalid_replica_region, invalid_request
from smrep.sandbox.simulator.arns import new_uuid, partition
from smrep.sandbox.simulator.event_queue import ChangeArrival, DeletionEnd, Event, RemovalEnd, ReplicationEnd, SecretRef
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY, Content, ReplicaEntry, StoredSecret

IN_PROGRESS, IN_SYNC, FAILED = "InProgress", "InSync", "Failed"
SUCCEEDED = "Replication succeeded"


def make_ref(secret: StoredSecret) -> SecretRef:
    """Return the identity of `secret` for events."""
    return SecretRef(secret.region, secret.name, secret.number)


def check_regions(primary_region: str, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Refuse Regions that AWS refuses at once: the primary's Region, or a missing one.

    Choice: it also refuses a Region of another partition and a repeated one; any other Region that matches the
    pattern exists, and one that is not enabled fails later. Source: aws-behavior.md 1.1.
    """
    seen: set[str] = set()
    for item in wanted:
        region = item.get("Region")
        if region in (None, primary_region) or partition(region) != partition(primary_region):
            raise invalid_replica_region()
        if region in seen:
            raise invalid_parameter(f"Region {region} is listed more than once.")
        seen.add(region)


def add_regions(
    state: AccountState, primary: StoredSecret, wanted: list[dict[str, Any]], *, force: bool, at: float
) -> None:
    """Start replications. Each ends InSync or Failed after its Region's delay.

    Choice: a listed Region stays as it is, whatever its key, unless it is Failed: then it is retried with the key
    of this call, or else the default key. Source: aws-behavior.md 1.1, 2.1.
    """
    check_regions(primary.region, wanted)
    primary.primary_region = primary.region
    primary.content = replace(primary.content, changed=at)
    for item in wanted:
        region = item["Region"]
        before = primary.entries.get(region)
        if before is not None and before.status != FAILED:
            continue
        attempt = state.next_number()
        primary.entries[region] = ReplicaEntry(
            region=region,
            kms_key=item.get("KmsKeyId") or DEFAULT_KEY,
            status=IN_PROGRESS,
            message=None,
            attempt=attempt,
            visible_at=at + state.faults.list_lag_s,
            before=None if before is None else replace(before, before=None, visible_at=0.0),
        )
        due = at + state.faults.replication_delay(region)
        state.events.add(due, ReplicationEnd(make_ref(primary), region, attempt, force))


def remove_regions(state: AccountState, primary: StoredSecret, regions: Iterable[str], at: float) -> None:
    """Remove Regions from the list at once, and their replicas after the removal delay.

    Choice: a Region that is not listed is no error, and a secret that is not this primary's replica (another
    secret of its name, a promoted replica) stays. Source: aws-behavior.md 1.2, 0.3.
    """
    primary.content = replace(primary.content, changed=at)
    for region in regions:
        if primary.entries.pop(region, None) is None:
            continue
        replica = state.get_secret(region, primary.name)
        if replica is not None and replica.is_replica_of(primary):
            replica.removal = state.next_number()
            due = at + state.faults.removal_delay(region)
            state.events.add(due, RemovalEnd(make_ref(primary), region, replica.removal))
    if not primary.entries and not state.faults.keeps_primary_region:
        primary.primary_region = None


def promote(state: AccountState, replica: StoredSecret, at: float) -> None:
    """Make a replica, or a cross-account replica, a standalone secret without rotation.

    It keeps its ARN and key, and a removal in progress ends. Choice: any other secret is an InvalidRequestException;
    the old primary keeps or drops its entry by `Faults.promoted_entry`. Source: aws-behavior.md 1.3.
    """
    if replica.cross_account.primary is not None:
        replica.cross_account = replace(replica.cross_account, primary=None)
        replica.content = replace(replica.content, changed=at)
        return
    if not replica.is_replica:
        raise invalid_request("Replication can't be stopped for a secret that is not a replica.")
    primary = state.get_secret(replica.primary_region or "", replica.name)
    if primary is not None and replica.is_replica_of(primary) and state.faults.promoted_entry == "dropped":
        primary.entries.pop(replica.region, None)
        if not primary.entries and not state.faults.keeps_primary_region:
            primary.primary_region = None
    replica.primary_region = None
    replica.removal = None
    replica.content = replace(replica.content, changed=at)


def spread(state: AccountState, primary: StoredSecret, at: float, *, leaves_in_sync: bool = False) -> None:
    """Send the primary's current content to all its replicas.

    With `leaves_in_sync`, an InSync entry is InProgress until then. Source: aws-behavior.md 10.2.
    Choice: the entry of a promoted replica stays as it is.
    """
    for region, entry in primary.entries.items():
        attempt = None
        leaves = leaves_in_sync or region in state.faults.stuck
        if leaves and entry.status == IN_SYNC and _is_live(state, primary, entry):
            attempt = state.next_number()
            primary.entries[region] = replace(entry, status=IN_PROGRESS, message=None, attempt=attempt)
        due = at + state.faults.value_delay(region)
        state.events.add(due, ChangeArrival(make_ref(primary), region, primary.content, attempt))


def show_key(state: AccountState, replica: StoredSecret, key: str) -> None:
    """Change the key that the primary lists for a replica."""
    primary = state.get_secret(replica.primary_region or "", replica.name)
    if primary is None or not replica.is_replica_of(primary) or replica.region not in primary.entries:
        return
    primary.entries[replica.region] = replace(primary.entries[replica.region], kms_key=key)


def carry_out_event(state: AccountState, event: Event, at: float) -> None:
    """Carry out an event; ignore it if its secret is gone."""
    match event:
        case ReplicationEnd():
            _end_replication(state, event, at)
        case ChangeArrival():
            _deliver_change(state, event)
        case RemovalEnd():
            _end_removal(state, event)
        case DeletionEnd():
            secret = _find(state, event.secret)
            if secret is not None and secret.deletion == event.deletion:
                state.discard(secret)


def _find(state: AccountState, secret_ref: SecretRef) -> StoredSecret | None:
    secret = state.get_secret(secret_ref.region, secret_ref.name)
    return secret if secret is not None and secret.number == secret_ref.number else None


def _end_replication(state: AccountState, event: ReplicationEnd, at: float) -> None:
    primary = _find(state, event.primary)
    entry = None if primary is None else primary.entries.get(event.target)
    if primary is None or entry is None or entry.attempt != event.attempt:
        return
    reason = _find_obstacle(state, primary, entry) or _find_name_conflict(state, primary, entry, force=event.force)
    if reason is not None:
        primary.entries[entry.region] = replace(entry, status=FAILED, message=reason)
        return
    replica = state.get_secret(entry.region, primary.name)
    if replica is None or not replica.is_replica_of(primary):
        replica = StoredSecret(
            name=primary.name,
            number=state.next_number(),
            suffix=primary.suffix,
            region=entry.region,
            account_id=primary.account_id,
            created=at,
            content=primary.content,
            kms_key=entry.kms_key,
            version_keys={},
            primary_region=primary.region,
        )
        state.put(replica)
    replica.kms_key, replica.version_keys = entry.kms_key, {}
    _receive(replica, primary.content)
    if entry.region not in state.faults.stuck:
        primary.entries[entry.region] = replace(entry, status=IN_SYNC, message=SUCCEEDED)


def _find_obstacle(state: AccountState, primary: StoredSecret, entry: ReplicaEntry) -> str | None:
    """Return why AWS cannot write to the target Region, if so. Source: aws-behavior.md 2.2.

    Choice: the message for a Region that is not enabled; AWS's is unknown. The keys of the primary and of its
    labeled versions count too.
    """
    if entry.region in state.faults.failures:
        return state.faults.failures[entry.region]
    if entry.region in state.faults.disabled_regions:
        return f"Replication failed: Region {entry.region} is not enabled for this account."
    if not primary.content.versions:  # nothing to encrypt, so no key is used. Source: aws-behavior.md 2.6
        return None
    labeled = [version.version_id for version in primary.content.versions if version.stages]
    own_keys = [primary.kms_key, *(primary.version_keys[version_id] for version_id in labeled)]
    refusals = [("decrypt", state.keys.find_obstacle(primary.region, key)) for key in own_keys]
    refusals.append(("encrypt", state.keys.find_obstacle(entry.region, entry.kms_key)))
    return next((_format_kms_refusal(state, action, refusal) for action, refusal in refusals if refusal), None)


def _format_kms_refusal(state: AccountState, action: str, refusal: ApiError) -> str:
    """Return KMS's refusal as a StatusMessage with a unique Request ID. Source: aws-behavior.md 2.1."""
    return (
        f"Replication failed: Secrets Manager can't {action} the secret value: {refusal.message} (Service: AWSKMS; "
        f"Status Code: {refusal.status}; Error Code: {refusal.code}; Request ID: {new_uuid(state.rng)}; Proxy: null)"
    )


def _find_name_conflict(state: AccountState, primary: StoredSecret, entry: ReplicaEntry, *, force: bool) -> str | None:
    """Return why the name is not free in the target Region, if so. Source: aws-behavior.md 2.1, 3.1.

    Choice: overwriting replaces only a standalone secret without replicas, not another primary's replica (seen at
    AWS), a replica being removed, a primary with replicas (`_is_guarded`) or a secret scheduled for deletion.
    """
    other = state.get_secret(entry.region, primary.name)
    if other is None or other.is_replica_of(primary):
        return None
    name = f"Replication failed: Secret name {other.name}"
    if other.is_replica and other.removal is None:
        return f"{name} is currently replicated to {entry.region} with a different arn"
    if other.deleted is not None:
        return f"{name} is scheduled for deletion in region {entry.region}."
    if force and _is_guarded(state, other):
        return f"{name} in region {entry.region} has replica regions and can't be overwritten."
    if force and not other.is_replica:
        return None
    return f"{name} already exists in region {entry.region}."


def _is_guarded(state: AccountState, primary: StoredSecret) -> bool:
    """Return whether the Regions that `primary` lists protect it from being overwritten.

    Choice: Regions with its replica, or a replication in progress, do; stale entries, such as a promoted secret's,
    only with `Faults.stale_entry_guards`.
    """
    if state.faults.stale_entry_guards:
        return bool(primary.entries)
    return any(_is_live(state, primary, entry) for entry in primary.entries.values())


def _is_live(state: AccountState, primary: StoredSecret, entry: ReplicaEntry) -> bool:
    replica = state.get_secret(entry.region, primary.name)
    return entry.status == IN_PROGRESS or (replica is not None and replica.is_replica_of(primary))


def _deliver_change(state: AccountState, event: ChangeArrival) -> None:
    """Write a change of the primary to a replica.

    Choice: an InSync entry stays InSync while a change is in progress, and becomes Failed if the write fails; the
    replica then stays as it is. Source: aws-behavior.md 1.4, 2.2.
    """
    primary = _find(state, event.primary)
    replica = state.get_secret(event.target, event.primary.name)
    entry = None if primary is None else primary.entries.get(event.target)
    if primary is None or replica is None or entry is None or not replica.is_replica_of(primary):
        return
    if entry.status == FAILED:
        return
    if event.content.revision > replica.content.revision:
        reason = _find_obstacle(state, primary, replace(entry, kms_key=replica.kms_key or DEFAULT_KEY))
        if reason is not None:
            primary.entries[event.target] = replace(entry, status=FAILED, message=reason)
            return
        _receive(replica, event.content)
    if event.attempt == entry.attempt and event.target not in state.faults.stuck:
        primary.entries[event.target] = replace(entry, status=IN_SYNC, message=SUCCEEDED)


def _receive(replica: StoredSecret, content: Content) -> None:
    """Store `content` in a replica; new versions use its current key."""
    keys = replica.version_keys
    replica.version_keys = {v.version_id: keys.get(v.version_id, replica.kms_key) for v in content.versions}
    replica.content = content


def _end_removal(state: AccountState, event: RemovalEnd) -> None:
    replica = state.get_secret(event.target, event.primary.name)
    if replica is None or replica.removal != event.removal:
        return
    primary = _find(state, event.primary)
    if state.faults.strands_replicas and (primary is None or primary.deleted is not None):
        replica.removal = None
    else:
        state.discard(replica)
