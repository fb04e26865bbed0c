"""A plan in a file: it reads as it was written, and what was written by nobody of us is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import UsageError
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.manifest import AccountRole
from smrep.rules.saved import Saved, SavedSecret, SavedStep
from smrep.rules.saved_file import SCHEMA, as_text, parse_saved
from smrep.rules.shards import Shard

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
ROLE = "arn:aws:iam::123456789012:role/dr"
HERE = {"place": "account[0]", "role_arn": ROLE}
WEST, IRELAND = Region("us-west-2"), Region("eu-west-1")
STEP: dict[str, Any] = {"action": "add", "region": "us-west-2", "kms_key": None, "status": None}
SECRET: dict[str, Any] = {"arn": ARN, "account": 0, "rules": ["r"], "steps": [STEP]}
PLAN: dict[str, Any] = {
    "schema": SCHEMA,
    "made_at": "2026-11-23T10:00:00Z",
    "shard": {"number": 1, "count": 1, "accounts": 1},
    "accounts": [None],
    "secrets": [SECRET],
}
HOMES = [Region("us-east-1"), Region("eu-central-1")]

ACTIONS = st.sampled_from([Action.ADD, Action.RETRY, Action.REMOVE])
STEPS = st.lists(
    st.builds(
        SavedStep,
        ACTIONS,
        st.sampled_from([WEST, IRELAND, Region("ap-southeast-2")]),
        st.sampled_from([None, "alias/dr"]),
        st.sampled_from([None, "InSync", "Failed", "NewWord"]),
    ),
    min_size=1,
    unique_by=lambda step: step.region,
)


@st.composite
def plans(draw: st.DrawFn) -> Saved:
    """Draw a plan as it can be made: each account has one home, and each secret stands once."""
    accounts: list[AccountRole | None] = []
    secrets = []
    for place in range(draw(st.integers(1, 3))):
        number, home = f"{place}{ROLE[14:25]}", draw(st.sampled_from(HOMES))
        role = ROLE.replace("123456789012", number)
        region, external_id = draw(st.sampled_from([None, home])), draw(st.none() | st.text(min_size=2))
        accounts.append(draw(st.sampled_from([None, AccountRole(f"account[{place}]", role, external_id, region)])))
        for name in draw(st.lists(st.sampled_from(["db", "web", "a/b"]), unique=True)):
            arn = f"arn:aws:secretsmanager:{home}:{number}:secret:{name}-a1b2c3"
            rules = tuple(draw(st.lists(st.text())))
            secrets.append(SavedSecret(arn, place, rules, tuple(draw(STEPS))))
    shard = draw(st.sampled_from([Shard(1, 1), Shard(2, 4)]))
    return Saved("2026-11-23T10:00:00Z", tuple(accounts), tuple(secrets), shard, draw(st.integers(1, 3)))


def refusal(value: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse_saved(value if isinstance(value, str) else json.dumps(value), "dr.plan")
    return caught.value


@given(plans())
def test_a_plan_reads_as_it_was_written(plan: Saved) -> None:
    assert parse_saved(as_text(plan, "0.1.0"), "dr.plan") == plan


def test_a_secret_tells_its_home_and_its_regions() -> None:
    steps = (SavedStep(Action.ADD, WEST, "alias/dr"), SavedStep(Action.REMOVE, IRELAND))
    secret = SavedSecret(ARN, 0, (), steps)
    assert secret.region == "us-east-1"
    assert [(each.region, each.kms_key) for each in secret.targets] == [(WEST, "alias/dr")]
    assert secret.removed == (IRELAND,)


def test_a_plain_plan_is_read() -> None:
    (secret,) = parse_saved(json.dumps(PLAN), "dr.plan").secrets
    assert secret == SavedSecret(ARN, 0, ("r",), (SavedStep(Action.ADD, WEST),))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "schema = 1", "\x00", '"smrep-plan/1"', "[" * 100_000, "NaN", "1" * 5000]
)
def test_garbage_is_no_plan(text: str) -> None:
    error = refusal(text)
    assert error.message.startswith("dr.plan is no plan of smrep: ")
    assert error.hint == "make one: smrep plan -f FILE --out FILE"


@given(st.text() | st.binary().map(lambda each: each.decode("latin-1")))
def test_no_text_brings_it_down(text: str) -> None:
    refusal(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
PLACES: list[tuple[str, ...]] = [
    *[(each,) for each in ("accounts", "secrets", "made_at", "shard")],
    *[("secrets", each) for each in SECRET],
    *[("steps", each) for each in STEP],
]


def tampered(place: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return the plan with one of its values replaced."""
    plan: dict[str, Any] = json.loads(json.dumps(PLAN))
    holder = {1: plan, 2: plan["secrets"][0]}[len(place)]
    if place[0] == "steps":
        holder = holder["steps"][0]
    holder[place[-1]] = value
    return plan


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(place: tuple[str, ...], value: object) -> None:
    with contextlib.suppress(UsageError):
        parse_saved(json.dumps(tampered(place, value)), "dr.plan")


@pytest.mark.parametrize("field", ["schema", "made_at", "accounts", "secrets", "shard"])
def test_a_field_that_is_missing_is_refused(field: str) -> None:
    refusal({key: value for key, value in PLAN.items() if key != field})


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("schema",), "smrep-plan/2", "its schema is not smrep-plan/1"),
        (("secrets", "account"), 1, "is of no account of the plan"),
        (("secrets", "account"), -1, "is of no account of the plan"),
        (("secrets", "account"), "0", "is of no account of the plan"),
        (("secrets", "arn"), "prod/db", "prod/db"),
        (("secrets", "arn"), 7, "secret 0 has no text as arn"),
        (("secrets", "steps"), [], "can't be a plan's"),
        (("secrets", "steps"), [STEP, STEP], "can't be a plan's"),
        (("steps", "region"), "us-east-1", "us-east-1 is the primary's own Region"),
        (("steps", "region"), "mars", "mars"),
        (("steps", "action"), "overwrite", "'overwrite' is nothing that a plan does"),
        (("steps", "action"), "promote", "'promote' is nothing that a plan does"),
        (("steps", "action"), "delete", "delete"),
        (("steps", "kms_key"), 7, "has no text as kms_key"),
        (("steps", "kms_key"), "arn:aws:kms:eu-west-1:123456789012:key/1", "eu-west-1"),
        (("steps", "status"), ["InSync"], "has no text as status"),
        (("accounts",), ["123456789012"], ""),
        (("accounts",), [{"role_arn": ROLE}], "account 0 has no text as place"),
        (("accounts",), [HERE | {"role_arn": "dr"}], "account 0 has no role's ARN"),
        (("accounts",), [HERE | {"external_id": 7}], "account 0 has no text as external_id"),
        (("accounts",), [HERE | {"region": "mars"}], "mars"),
        (("accounts",), [HERE | {"region": "us-west-2"}], "is not of account[0], where it stands"),
        (("accounts",), [HERE | {"role_arn": ROLE.replace("::1", "::2")}], "is not of account[0], where it stands"),
        (("secrets",), [SECRET, SECRET], "stands in it twice"),
        (("secrets",), [SECRET, SECRET | {"arn": ARN.replace("east-1", "east-2")}], "is of another Region than"),
        (("shard",), None, "shard is no JSON object"),
        (("shard",), {"number": 2, "count": 1, "accounts": 1}, "its shard is none"),
        (("shard",), {"number": 1, "count": "1", "accounts": 1}, "its shard is none"),
        (("accounts",), [], "is of no account of the plan"),
    ],
)
def test_what_was_tampered_with_is_refused_and_says_why(place: tuple[str, ...], value: object, words: str) -> None:
    assert words in refusal(tampered(place, value)).message
