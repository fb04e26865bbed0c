"""Replicates, removes and promotes in the sandbox, each step at its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from smrep.sandbox.simulator.account_state import World
from smrep.sandbox.simulator.api_errors import ApiError, invalid_parameter, invalid_replica_region, invalid_request
from smrep.sandbox.simulator.arns import new_uuid, partition
from smrep.sandbox.simulator.event_queue import Event, Flow, Purge, SecretRef, Settle, Vanish
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY, Content, Entry, Secret

IN_PROGRESS, IN_SYNC, FAILED = "InProgress", "InSync", "Failed"
SUCCEEDED = "Replication succeeded"


def ref(secret: Secret) -> SecretRef:
    """Return the name of `secret` on the agenda."""
    return SecretRef(secret.region, secret.name, secret.number)


def check_regions(primary_region: str, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Refuse at once what AWS does not even try: the primary's own Region, or none at all.

    Choice: so is a Region of another partition, and a Region named twice; any other Region that fits
    the pattern exists, and one that is not enabled fails later. Source: aws-behavior.md 1.1.
    """
    seen: set[str] = set()
    for item in wanted:
        region = item.get("Region")
        if region in (None, primary_region) or partition(region) != partition(primary_region):
            raise invalid_replica_region()
        if region in seen:
            raise invalid_parameter(f"Region {region} is listed more than once.")
        seen.add(region)


def add_regions(world: World, primary: Secret, wanted: list[dict[str, Any]], *, force: bool, at: float) -> None:
    """Start replications. Each ends InSync or Failed after its Region's delay.

    Choice: a Region already listed is left alone, whatever its key, unless it is Failed; that one is
    tried again with what this call says (no key: the default one). Source: aws-behavior.md 1.1, 2.1.
    """
    check_regions(primary.region, wanted)
    primary.primary_region = primary.region
    primary.content = replace(primary.content, changed=at)
    for item in wanted:
        region = item["Region"]
        before = primary.entries.get(region)
        if before is not None and before.status != FAILED:
            continue
        attempt = world.next_number()
        primary.entries[region] = Entry(
            region=region,
            kms_key=item.get("KmsKeyId") or DEFAULT_KEY,
            status=IN_PROGRESS,
            message=None,
            attempt=attempt,
            visible_at=at + world.faults.list_lag_s,
            before=None if before is None else replace(before, before=None, visible_at=0.0),
        )
        due = at + world.faults.replication_delay(region)
        world.agenda.add(due, Settle(ref(primary), region, attempt, force))


def remove_regions(world: World, primary: Secret, regions: Iterable[str], at: float) -> None:
    """Drop Regions from the list at once; a replica that is there lives on for the removal's delay.

    Choice: a Region that is not listed is no mistake, and what is not this primary's own replica
    (a namesake, a promoted replica) stays. Source: aws-behavior.md 1.2, 0.3.
    """
    primary.content = replace(primary.content, changed=at)
    for region in regions:
        if primary.entries.pop(region, None) is None:
            continue
        copy = world.held(region, primary.name)
        if copy is not None and copy.is_replica_of(primary):
            copy.removal = world.next_number()
            due = at + world.faults.removal_delay(region)
            world.agenda.add(due, Vanish(ref(primary), region, copy.removal))
    if not primary.entries and not world.faults.keeps_primary_region:
        primary.primary_region = None


def promote(world: World, copy: Secret, at: float) -> None:
    """Make a replica, or a cross-account replica, a standalone secret without rotation.

    Its ARN and key stay, and a removal under way ends.

    Choice: a secret that is no replica is refused with an InvalidRequestException; the old primary
    keeps its entry as it was, or drops it, as `Faults.promoted_entry` says. Source: aws-behavior.md 1.3.
    """
    if copy.cross_account.primary is not None:
        copy.cross_account = replace(copy.cross_account, primary=None)
        copy.content = replace(copy.content, changed=at)
        return
    if not copy.is_replica:
        raise invalid_request("Replication can't be stopped for a secret that is not a replica.")
    primary = world.held(copy.primary_region or "", copy.name)
    if primary is not None and copy.is_replica_of(primary) and world.faults.promoted_entry == "dropped":
        primary.entries.pop(copy.region, None)
        if not primary.entries and not world.faults.keeps_primary_region:
            primary.primary_region = None
    copy.primary_region = None
    copy.removal = None
    copy.content = replace(copy.content, changed=at)


def spread(world: World, primary: Secret, at: float, *, leaves_in_sync: bool = False) -> None:
    """Send the primary's present content to every Region it is replicated to.

    With `leaves_in_sync`, an InSync entry is InProgress until then. Source: aws-behavior.md 10.2.
    Choice: the entry of a replica that was promoted stays as it is.
    """
    for region, entry in primary.entries.items():
        attempt = None
        leaves = leaves_in_sync or region in world.faults.stuck
        if leaves and entry.status == IN_SYNC and _is_lived_by(world, primary, entry):
            attempt = world.next_number()
            primary.entries[region] = replace(entry, status=IN_PROGRESS, message=None, attempt=attempt)
        due = at + world.faults.value_delay(region)
        world.agenda.add(due, Flow(ref(primary), region, primary.content, attempt))


def show_key(world: World, copy: Secret, key: str) -> None:
    """Let the primary's list show another key for one of its replicas."""
    primary = world.held(copy.primary_region or "", copy.name)
    if primary is None or not copy.is_replica_of(primary) or copy.region not in primary.entries:
        return
    primary.entries[copy.region] = replace(primary.entries[copy.region], kms_key=key)


def happen(world: World, event: Event, at: float) -> None:
    """Let one event of the agenda happen; one whose secret is gone means nothing any more."""
    match event:
        case Settle():
            _settle(world, event, at)
        case Flow():
            _flow(world, event)
        case Vanish():
            _vanish(world, event)
        case Purge():
            secret = _held(world, event.secret)
            if secret is not None and secret.deletion == event.deletion:
                world.discard(secret)


def _held(world: World, secret_ref: SecretRef) -> Secret | None:
    secret = world.held(secret_ref.region, secret_ref.name)
    return secret if secret is not None and secret.number == secret_ref.number else None


def _settle(world: World, event: Settle, at: float) -> None:
    primary = _held(world, event.primary)
    entry = None if primary is None else primary.entries.get(event.target)
    if primary is None or entry is None or entry.attempt != event.attempt:
        return
    reason = _obstacle(world, primary, entry) or _name_clash(world, primary, entry, force=event.force)
    if reason is not None:
        primary.entries[entry.region] = replace(entry, status=FAILED, message=reason)
        return
    copy = world.held(entry.region, primary.name)
    if copy is None or not copy.is_replica_of(primary):
        copy = Secret(
            name=primary.name,
            number=world.next_number(),
            suffix=primary.suffix,
            region=entry.region,
            account_id=primary.account_id,
            created=at,
            content=primary.content,
            kms_key=entry.kms_key,
            version_keys={},
            primary_region=primary.region,
        )
        world.put(copy)
    copy.kms_key, copy.version_keys = entry.kms_key, {}
    _receive(copy, primary.content)
    if entry.region not in world.faults.stuck:
        primary.entries[entry.region] = replace(entry, status=IN_SYNC, message=SUCCEEDED)


def _obstacle(world: World, primary: Secret, entry: Entry) -> str | None:
    """Why nothing can be written in the target Region. Source: aws-behavior.md 2.2.

    Choice: the words for a Region that is not enabled; AWS's are not known. A bad key at the primary
    counts too, also that of an older version that still bears a label.
    """
    if entry.region in world.faults.failures:
        return world.faults.failures[entry.region]
    if entry.region in world.faults.disabled_regions:
        return f"Replication failed: Region {entry.region} is not enabled for this account."
    if not primary.content.versions:  # nothing is encrypted, so no key is used. Source: aws-behavior.md 2.6
        return None
    labelled = [version.version_id for version in primary.content.versions if version.stages]
    own_keys = [primary.kms_key, *(primary.version_keys[version_id] for version_id in labelled)]
    refusals = [("decrypt", world.keys.obstacle(primary.region, key)) for key in own_keys]
    refusals.append(("encrypt", world.keys.obstacle(entry.region, entry.kms_key)))
    return next((_kms_words(world, doing, refusal) for doing, refusal in refusals if refusal), None)


def _kms_words(world: World, doing: str, refusal: ApiError) -> str:
    """KMS's refusal as a replication tells it; no two have the same Request ID. Source: aws-behavior.md 2.1."""
    return (
        f"Replication failed: Secrets Manager can't {doing} the secret value: {refusal.message} (Service: AWSKMS; "
        f"Status Code: {refusal.status}; Error Code: {refusal.code}; Request ID: {new_uuid(world.rng)}; Proxy: null)"
    )


def _name_clash(world: World, primary: Secret, entry: Entry, *, force: bool) -> str | None:
    """Why the name is not free in the target Region. Source: aws-behavior.md 2.1, 3.1.

    Choice: overwriting replaces only a standalone secret without replicas. It spares a foreign
    replica (seen at AWS), a replica still being removed, a primary with replicas (`_is_guarded`), and
    a secret that is scheduled for deletion.
    """
    copy = world.held(entry.region, primary.name)
    if copy is None or copy.is_replica_of(primary):
        return None
    name = f"Replication failed: Secret name {copy.name}"
    if copy.is_replica and copy.removal is None:
        return f"{name} is currently replicated to {entry.region} with a different arn"
    if copy.deleted is not None:
        return f"{name} is scheduled for deletion in region {entry.region}."
    if force and _is_guarded(world, copy):
        return f"{name} in region {entry.region} has replica regions and can't be overwritten."
    if force and not copy.is_replica:
        return None
    return f"{name} already exists in region {entry.region}."


def _is_guarded(world: World, primary: Secret) -> bool:
    """Whether the Regions that `primary` lists keep it from being overwritten.

    Choice: those do that hold its replica, and those that one is still under way to. What is listed and
    no longer there, such as a promoted secret, guards nothing but by `Faults.stale_entry_guards`.
    """
    if world.faults.stale_entry_guards:
        return bool(primary.entries)
    return any(_is_lived_by(world, primary, entry) for entry in primary.entries.values())


def _is_lived_by(world: World, primary: Secret, entry: Entry) -> bool:
    copy = world.held(entry.region, primary.name)
    return entry.status == IN_PROGRESS or (copy is not None and copy.is_replica_of(primary))


def _flow(world: World, event: Flow) -> None:
    """Bring a later state to a replica.

    Choice: an InSync entry stays InSync while a change is under way, and becomes Failed when it
    cannot be written; the replica then keeps what it has. Source: aws-behavior.md 1.4, 2.2.
    """
    primary = _held(world, event.primary)
    copy = world.held(event.target, event.primary.name)
    entry = None if primary is None else primary.entries.get(event.target)
    if primary is None or copy is None or entry is None or not copy.is_replica_of(primary):
        return
    if entry.status == FAILED:
        return
    if event.content.revision > copy.content.revision:
        reason = _obstacle(world, primary, replace(entry, kms_key=copy.kms_key or DEFAULT_KEY))
        if reason is not None:
            primary.entries[event.target] = replace(entry, status=FAILED, message=reason)
            return
        _receive(copy, event.content)
    if event.attempt == entry.attempt and event.target not in world.faults.stuck:
        primary.entries[event.target] = replace(entry, status=IN_SYNC, message=SUCCEEDED)


def _receive(copy: Secret, content: Content) -> None:
    """Take over `content`; versions new to the replica come under its present key."""
    known = copy.version_keys
    copy.version_keys = {v.version_id: known.get(v.version_id, copy.kms_key) for v in content.versions}
    copy.content = content


def _vanish(world: World, event: Vanish) -> None:
    copy = world.held(event.target, event.primary.name)
    if copy is None or copy.removal != event.removal:
        return
    primary = _held(world, event.primary)
    if world.faults.strands_replicas and (primary is None or primary.deleted is not None):
        copy.removal = None
    else:
        world.discard(copy)
