"""What others do to the account during a run, and which faults occur, as values and strategies."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import count
from typing import Any

from fakes import HOME, IRELAND, SYDNEY, WEST
from hypothesis import strategies as st
from stateful.actual_state import REGIONS
from stateful.watched_aws import WRITES, WatchedAws

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.simulated_aws import ApiError
from smrep.sandbox.simulator.stored_secret import DEFAULT_KEY

NAMES = ("app/a", "app/b", "app/c")
THERE = (WEST, IRELAND, SYDNEY)
ALIASES = ("alias/dr", "alias/new")
VALUE = "s3cret"
"""What every value begins with, and no report may contain."""

Deed = tuple[Any, ...]
"""A verb, and what it is about."""

names = st.sampled_from(NAMES)
there = st.sampled_from(THERE)
anywhere = st.sampled_from(REGIONS)
homes = st.sampled_from((HOME,) * 14 + THERE)
keys = st.sampled_from((None, None, *ALIASES, "alias/none", DEFAULT_KEY))
WORDS = (
    *(("InProgress", None), ("Failed", "no luck"), ("Failed", "already exists"), ("Odd", None), ("Detached", "x")),
    ("InSync", "Replication succeeded"),
)
CALLS = (*WRITES, "DescribeSecret", "ListSecretVersionIds", "DescribeKey", "ListRegions")

deeds_to_secrets: st.SearchStrategy[Deed] = st.one_of(
    st.tuples(st.just("put"), names, homes),
    st.tuples(st.just("create"), names, anywhere, st.sampled_from((None, *ALIASES))),
    st.tuples(st.just("replicate"), names, homes, there, keys),
    st.tuples(st.just("remove"), names, homes, there),
    st.tuples(st.just("promote"), names, there),
    st.tuples(st.just("rekey"), names, anywhere, keys),
    st.tuples(st.just("delete"), names, anywhere, st.booleans()),
    st.tuples(st.just("restore"), names, anywhere),
    st.tuples(st.just("forget entry"), names, there),
    st.tuples(st.just("show"), names, there, st.sampled_from(WORDS)),
    st.tuples(st.just("label"), names),
    st.tuples(st.just("key"), anywhere, st.sampled_from(ALIASES), st.sampled_from(("Disabled", "Enabled"))),
)


def _some(values: Any) -> Any:
    return st.frozensets(st.sampled_from(values), max_size=2)


_FAULTS: dict[str, st.SearchStrategy[Any]] = {
    "replication_delay_s": st.sampled_from((0.0, 2.0, 12.0, 70.0)),
    "removal_delay_s": st.sampled_from((0.0, 5.0, 40.0, 200.0)),
    "value_delay_s": st.sampled_from((None, 0.0, 4.0, 60.0)),
    "list_lag_s": st.sampled_from((0.0, 3.0, 12.0)),
    "failures": st.dictionaries(there, st.sampled_from(("no luck", "KMS key not found", "already exists")), max_size=2),
    "outages": _some((*THERE, *THERE, HOME)),
    "disabled_regions": _some(THERE),
    "write_quota": st.sampled_from((None, 0, 1)),
    "denied": _some([(each, region) for each in CALLS for region in REGIONS]),
    "promoted_entry": st.sampled_from(("kept", "dropped")),
    "strands_replicas": st.booleans(),
    "keeps_primary_region": st.booleans(),
    "primary_shows_rekey": st.booleans(),
    "stale_entry_guards": st.booleans(),
}
_fault = st.sampled_from(sorted(_FAULTS)).flatmap(lambda each: st.tuples(st.just(each), _FAULTS[each]))
lost = st.sampled_from(
    (("before",), ("after",), ("after",), ("before", "after"), ("after", "before"), ("", "after"), ("before",) * 9)
)
troubles: st.SearchStrategy[Deed] = st.one_of(
    st.tuples(st.just("faults"), st.lists(_fault, min_size=1, max_size=3).map(tuple)),
    st.tuples(st.just("lose"), st.sampled_from(CALLS), lost),
    st.tuples(st.just("heal")),
)
_numbers = count(1)


def do(aws: WatchedAws, deed: Deed) -> None:
    """Do a deed; AWS may refuse it. Whatever it changes is permitted."""
    aws.settle_accounts()
    with contextlib.suppress(ApiError):
        _do(aws, *deed)
    aws.ledger.rebase()


def set_the_scene(aws: WatchedAws) -> None:
    """Make the keys of every Region, and the primaries, the second one under a customer's key."""
    for region in REGIONS:
        for alias in ALIASES:
            key = aws.call("CreateKey", region, service="kms")["KeyMetadata"]
            aws.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=key["KeyId"])
    for name, alias in zip(NAMES, (None, "alias/dr", None), strict=True):
        do(aws, ("create", name, HOME, alias))


def _do(aws: WatchedAws, verb: str, *about: Any) -> None:
    """Do what AWS has a call for, or else turn the account itself."""
    match verb, *about:
        case "put", name, region:
            aws.call("PutSecretValue", region, SecretId=name, SecretString=_value())
        case "label", name:
            aws.call("PutSecretValue", HOME, SecretId=name, SecretString=_value(), VersionStages=["blue"])
        case "create", name, region, key:
            more = {"KmsKeyId": key} if key else {}
            aws.call("CreateSecret", region, Name=name, SecretString=_value(), **more)
        case "replicate", name, home, region, key:
            wanted = {"Region": region, **({"KmsKeyId": key} if key else {})}
            aws.call("ReplicateSecretToRegions", home, SecretId=name, AddReplicaRegions=[wanted])
            aws.ledger.begun(name, home, region, overwrites=False, key=key or DEFAULT_KEY)
        case "remove", name, home, region:
            aws.call("RemoveRegionsFromReplication", home, SecretId=name, RemoveReplicaRegions=[region])
        case "promote", name, region:
            aws.call("StopReplicationToReplica", region, SecretId=name)
        case "rekey", name, region, key:
            aws.call("UpdateSecret", region, SecretId=name, KmsKeyId=key or DEFAULT_KEY)
        case "delete", name, region, force:
            aws.call("DeleteSecret", region, SecretId=name, **({"ForceDeleteWithoutRecovery": True} if force else {}))
        case "restore", name, region:
            aws.call("RestoreSecret", region, SecretId=name)
        case _:
            _turn(aws, verb, *about)


def _turn(aws: WatchedAws, verb: str, *about: Any) -> None:
    """Do what no call of the operator's does: AWS's own doing, its faults, and what becomes of keys."""
    match verb, *about:
        case "forget entry", name, region:
            primary = aws.truth.held(HOME, name)
            if primary:
                primary.entries.pop(region, None)
        case "show", name, region, (status, message):
            aws.simulator.set_replication_status(name, HOME, region, status, message)
        case "key", region, alias, state:
            aws.simulator.set_key_state(alias, region, state)
        case "faults", changes:
            aws.simulator.faults = replace(aws.simulator.faults, **dict(changes))
        case "lose", operation, fates:
            aws.lose[operation] = list(fates)
        case ("heal",):
            heal(aws)
        case _:
            raise AssertionError(verb)


def heal(aws: WatchedAws) -> None:
    """End every fault, and enable every key."""
    aws.lose.clear()
    aws.simulator.faults = Faults()
    for region in REGIONS:
        for alias in ALIASES:
            aws.simulator.set_key_state(alias, region, "Enabled")


def _value() -> str:
    return f"{VALUE}-{next(_numbers)}"
