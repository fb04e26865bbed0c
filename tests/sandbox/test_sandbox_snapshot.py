"""A sandbox's state as a text: what is put back goes on as if nothing had happened, and what is damaged is told."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st
from sandbox.steps import KEEPABLE_STEP, REGIONS, take

from smrep.sandbox.simulator.simulated_aws import ApiError
from smrep.sandbox.simulator.snapshot import format_snapshot, parse_snapshot

WEST, IRELAND = "us-west-2", "eu-west-1"
IN_SYNC = ("InSync", "Replication succeeded")
FAULTS = st.fixed_dictionaries(
    {},
    optional={
        "value_delay_s": st.sampled_from([0.0, 30.0]),
        "list_lag_s": st.just(5.0),
        "listing_lag_s": st.sampled_from([3.0, 60.0]),
        "promoted_entry": st.just("dropped"),
        "failures": st.just({IRELAND: "no"}),
        "outages": st.just(frozenset({WEST})),
    },
)


def again(account: Any, account_with: Callable[..., Any], text: str, **faults: Any) -> Any:
    """Another account that goes on from a text, at the time of this one and with its luck."""
    other = account_with(**faults)
    other.time = account.time
    other.simulator.restore(parse_snapshot(text))
    other.simulator._state.rng.setstate(account.simulator._state.rng.getstate())
    return other


def seen(account: Any) -> list[Any]:
    """All that calls tell of an account."""
    found: list[Any] = []
    for region in REGIONS:
        found += (account.sm("ListSecrets", region, IncludePlannedDeletion=planned) for planned in (False, True))
        for operation in ("DescribeSecret", "GetSecretValue", "GetResourcePolicy", "ListSecretVersionIds"):
            with contextlib.suppress(ApiError):
                found.append(account.sm(operation, region, SecretId="db"))
        with contextlib.suppress(ApiError):
            found.append(account.kms("DescribeKey", region, KeyId="alias/dr"))
    return found


@examples(80)
@given(before=st.lists(KEEPABLE_STEP, max_size=25), after=st.lists(KEEPABLE_STEP, max_size=10), faults=FAULTS)
def test_any_state_survives_being_kept_and_goes_on_identically(account_with, before, after, faults):
    account = account_with(**faults)
    for step in before:
        take(account, step)
    other = again(account, account_with, format_snapshot(account.simulator.take_snapshot()), **faults)
    assert seen(other) == seen(account)
    for step in after:
        take(account, step)
        take(other, step)
        assert other.simulator.log[-1:] == account.simulator.log[-1:]
    for each in (account, other):
        each.tick(100)
    assert seen(other) == seen(account)
    assert other.simulator.take_snapshot() == account.simulator.take_snapshot()


def test_what_is_kept_does_not_change_with_what_it_was_taken_of(account):
    account.replicated(WEST)
    kept = account.simulator.take_snapshot()
    text = format_snapshot(kept)
    account.value(region=WEST)
    account.sm("UpdateSecret", SecretId="db", KmsKeyId=account.key())
    account.remove(WEST)
    account.simulator.set_replication_status("db", "us-east-1", IRELAND, "Odd")
    account.tick(100)
    account.describe()
    assert format_snapshot(kept) == text


def test_a_file_of_an_earlier_version_is_read_and_written_in_the_same_words():
    text = Path(__file__).with_name("old_state.json").read_text()
    assert format_snapshot(parse_snapshot(text)) == text


def test_what_was_due_while_it_was_down_happens_at_the_start(account, account_with):
    account.secret()
    account.replicate(WEST)
    text = format_snapshot(account.simulator.take_snapshot())
    other = account_with()
    other.time = account.time + 1
    other.simulator.restore(parse_snapshot(text))
    assert other.simulator.take_snapshot() == account.simulator.take_snapshot()
    other = account_with()
    other.time = account.time + 1000
    other.simulator.restore(parse_snapshot(text))
    west = [each for each in other.simulator.take_snapshot().accounts[0].secrets if each.region == WEST]
    assert [each.created for each in west] == [account.time + 2]
    assert other.simulator.log == []


def test_a_role_stays_who_it_is_and_is_taken_on_as_before(account, account_with):
    take(account, ("role", "210987654321"))
    take(account, ("elsewhere", WEST))
    (key,) = account.simulator.take_snapshot().roles
    other = again(account, account_with, format_snapshot(account.simulator.take_snapshot()))
    who = other.simulator.call("sts", "GetCallerIdentity", "us-east-1", {}, access_key=key)
    assert who["Arn"] == "arn:aws:sts::210987654321:assumed-role/app/me"
    theirs = other.simulator.call("secretsmanager", "GetSecretValue", WEST, {"SecretId": "db"}, access_key=key)
    assert theirs["SecretString"] == "theirs"
    role = {"RoleArn": "arn:aws:iam::210987654321:role/app", "RoleSessionName": "me", "ExternalId": "x2"}
    with pytest.raises(ApiError, match="not authorized"):
        other.simulator.call("sts", "AssumeRole", "us-east-1", role)


# What is damaged --------------------------------------------------------------------------------


def rich(account: Any) -> Any:
    """A state with something of everything, as what its text says."""
    account.simulator.faults = type(account.simulator.faults)(listing_lag_s=300.0)
    account.replicated(WEST)
    account.replicate("sa-east-1")
    for step in ("key", "rotate", "policy", "bytes", "read", "cross"):
        take(account, (step, "us-east-1"))
    take(account, ("role", "123456789012"))
    return json.loads(format_snapshot(account.simulator.take_snapshot()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[]", "no schema"),
        ("{}", "no schema"),
        ('[{"name": "prod/db"}]', "no schema"),
        ('{"schema": "smrep-plan/1"}', "'smrep-plan/1'"),
        ('{"schema": "smrep-sandbox/2", "state": {}}', "reads smrep-sandbox/1"),
        ('{"schema": "smrep-sandbox/1"}', "state is no object"),
        ('{"schema": "smrep-sandbox/1", "state": NaN}', "NaN"),
        ('{"schema": "smrep-sandbox/1", "state": 1e999}', "1e999"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_state_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_snapshot(text)


SECRET = ("state", "accounts", 0, "secrets", 0)
DAMAGES: list[tuple[tuple[Any, ...], Any, str]] = [
    (("state", "account_id"), "1", "first one"),
    (("state", "accounts"), [], "first one"),
    (("state", "accounts", 0, "account_id"), "12345678901x", "first one"),
    (("state", "accounts", 0, "numbers"), 0, "not given out"),
    (("state", "accounts", 0, "numbers"), True, "state.accounts[0].numbers is not a whole number"),
    ((*SECRET, "name"), 7, "state.accounts[0].secrets[0].name is not a text"),
    ((*SECRET, "region"), "nowhere", "state.accounts[0].secrets[0].region is no Region"),
    ((*SECRET, "region"), WEST, "a second db in us-west-2"),
    ((*SECRET, "account_id"), "000000000000", "its account's"),
    ((*SECRET, "version_keys"), {}, "version_keys"),
    ((*SECRET, "created"), "today", "created is not a number"),
    ((*SECRET, "created"), 10**400, "created is not a number"),
    ((*SECRET, "entries", WEST, "region"), IRELAND, f"entries.{WEST}"),
    ((*SECRET, "entries", WEST, "attempt"), 10**6, "not given out"),
    ((*SECRET, "content", "versions"), {}, "versions is no list"),
    ((*SECRET, "content", "tags"), [["a"]], "tags[0] has not 2 members"),
    ((*SECRET, "content", "kind"), "Secret", "content is no Content"),
    (("state", "accounts", 0, "coming", 0, "event", "kind"), "Explode", "event is of no kind"),
    (("state", "accounts", 0, "coming", 0, "event"), None, "event is no object"),
    (("state", "accounts", 0, "policies", "arn:aws:iam::123456789012:role/app"), {}, "role/app: a policy needs"),
    (("state", "accounts", 0, "policies", "arn:aws:iam::123456789012:role/app"), {"Statement": 1}, "role/app: "),
    (("state", "accounts", 0, "pasts", 0, "past", "until"), None, "pasts[0].past.until"),
]


@pytest.mark.parametrize(("place", "value", "said"), DAMAGES, ids=lambda each: str(each)[:40])
def test_what_is_damaged_is_told_with_its_place(account, place: tuple[Any, ...], value: Any, said: str) -> None:
    document = rich(account)
    put(document, place, value)
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_snapshot(json.dumps(document))


def test_a_value_is_not_told(account) -> None:
    document = rich(account)
    put(document, (*SECRET, "content", "versions", 0, "value"), "hunter2")
    with pytest.raises(ValueError, match=r"versions\[0\]\.value is no object$"):
        parse_snapshot(json.dumps(document))


def test_a_field_too_few_or_too_many_is_told(account) -> None:
    document = rich(account)
    for change, said in ((lambda secret: secret.pop("number"), "missing"), (lambda s: s.update(x=1), "not known")):
        damaged = copy.deepcopy(document)
        change(damaged["state"]["accounts"][0]["secrets"][0])
        with pytest.raises(ValueError, match=said):
            parse_snapshot(json.dumps(damaged))


def put(document: Any, place: tuple[Any, ...], value: Any) -> None:
    for each in place[:-1]:
        document = document[each]
    document[place[-1]] = value


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, those within others too."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*here, key)
        yield from places(each, (*here, key))


@examples(120)
@given(data=st.data())
def test_what_is_not_refused_does_no_harm(account_with, data) -> None:
    """Whatever somebody has made of a text: it is told as damaged, or the simulator can go on from it."""
    document = rich(account_with())
    place = data.draw(st.sampled_from(sorted(places(document), key=str)))
    put(document, place, data.draw(st.sampled_from([None, True, -1, 0, 1e300, "", "x", WEST, [], ["x"], {}, {"x": 1}])))
    other = account_with()
    try:
        other.simulator.restore(parse_snapshot(json.dumps(document)))
    except ValueError:
        return
    other.tick(1000)
    for step in (("put", "us-east-1"), ("promote", WEST), ("replicate", "us-east-1", IRELAND, True)):
        take(other, step)
        seen(other)
    other.tick(1000)
    seen(other)
