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
from smrep.rules.fleet.saved_plan import SCHEMA, Saved, SavedSecret, SavedStep, as_text, parse_saved
from smrep.rules.fleet.shards import Shard
from smrep.rules.manifest.schema import AccountRole

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
ROLE = "arn:aws:iam::123456789012:role/dr"
KMS = ARN.replace("secretsmanager", "kms")
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


def test_a_role_may_be_of_the_home_that_the_secret_has() -> None:
    plan = {**PLAN, "accounts": [HERE | {"region": "us-east-1", "external_id": "x"}]}
    assert parse_saved(json.dumps(plan), "dr.plan").accounts == (
        AccountRole("account[0]", ROLE, "x", Region("us-east-1")),
    )


def test_a_plan_is_written_for_people_too() -> None:
    role = AccountRole("account[0]", ROLE, "x", Region("us-east-1"))
    secret = SavedSecret(ARN, 1, ("r",), (SavedStep(Action.ADD, WEST, "alias/dr", "Failed"),))
    text = as_text(Saved("2026-11-23T10:00:00Z", (None, role), (secret,), Shard(1, 2), 3), "0.1.0")
    assert text.startswith('{\n "schema": "smrep-plan/1",\n "smrep_version": "0.1.0",\n')
    assert text.endswith("\n}\n")
    assert json.loads(text) == {
        "schema": "smrep-plan/1",
        "smrep_version": "0.1.0",
        "made_at": "2026-11-23T10:00:00Z",
        "shard": {"number": 1, "count": 2, "accounts": 3},
        "accounts": [None, {**HERE, "external_id": "x", "region": "us-east-1"}],
        "secrets": [
            {
                "arn": ARN,
                "account": 1,
                "rules": ["r"],
                "steps": [{"action": "add", "region": "us-west-2", "kms_key": "alias/dr", "status": "Failed"}],
            }
        ],
    }


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "schema = 1", "\x00", '"smrep-plan/1"', "[" * 100_000, "NaN", "1" * 5000]
)
def test_garbage_is_no_plan(text: str) -> None:
    error = refusal(text)
    assert error.message.startswith("dr.plan is not a plan of smrep: ")
    assert error.hint == ("make one:\n  smrep plan -f FILE --out FILE")


def test_what_the_reader_of_json_says_stands_on_one_line() -> None:
    assert refusal("{").message == (
        "dr.plan is not a plan of smrep: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    )


def test_an_arns_suffix_has_letters_of_both_cases() -> None:
    plan = {**PLAN, "secrets": [SECRET | {"arn": f"{ARN[:-6]}AbCdEf"}]}
    assert parse_saved(json.dumps(plan), "dr.plan").secrets[0].arn.endswith("-AbCdEf")


@pytest.mark.parametrize("text", ["null", "[]", '"smrep-plan/1"'])
def test_only_an_object_is_a_plan(text: str) -> None:
    error = refusal(text)
    assert (error.message, error.hint) == (
        "dr.plan is not a plan of smrep: it is not a JSON object",
        ("make one:\n  smrep plan -f FILE --out FILE"),
    )


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
        (("made_at",), "", "it: made_at is not a string"),
        (("made_at",), 7, "it: made_at is not a string"),
        (("secrets",), {}, "secrets is not a list"),
        (("secrets",), [SECRET, ARN], "secret 1 is not a JSON object"),
        (("secrets", "account"), 1, f"{ARN} belongs to no account of the plan"),
        (("secrets", "account"), -1, f"{ARN} belongs to no account of the plan"),
        (("secrets", "account"), "0", f"{ARN} belongs to no account of the plan"),
        (("secrets", "account"), False, f"{ARN} belongs to no account of the plan"),
        (("secrets", "arn"), "prod/db", "'prod/db' is not the ARN of a secret"),
        (("secrets", "arn"), ARN[:-7], f"'{ARN[:-7]}' is not the ARN of a secret"),
        (("secrets", "arn"), f"{ARN[:-7]}-a1b2c\u00df", f"'{ARN[:-7]}-a1b2c\u00df' is not the ARN of a secret"),
        (("secrets", "arn"), ARN.replace("secretsmanager", "kms"), f"'{KMS}' is not the ARN of a secret"),
        (("secrets", "arn"), 7, "secret 0: arn is not a string"),
        (("secrets", "rules"), None, "rules is not a list"),
        (("secrets", "rules"), ["r", 7], f"the rules of {ARN} are not strings"),
        (("secrets", "steps"), None, "steps is not a list"),
        (("secrets", "steps"), [], f"the Regions of {ARN} are missing or duplicate"),
        (("secrets", "steps"), [STEP, STEP], f"the Regions of {ARN} are missing or duplicate"),
        (("secrets", "steps"), [[]], f"a step of {ARN} is not a JSON object"),
        (("steps", "region"), "us-east-1", "us-east-1 is the primary's own Region, which cannot have a replica"),
        (("steps", "region"), "mars", "'mars' is not an AWS Region"),
        (("steps", "region"), None, f"a step of {ARN}: region is not a string"),
        (("steps", "action"), None, f"a step of {ARN}: action is not a string"),
        (("steps", "action"), "overwrite", "'overwrite' is not an action of a plan"),
        (("steps", "action"), "promote", "'promote' is not an action of a plan"),
        (("steps", "kms_key"), 7, f"a step of {ARN}: kms_key is not a string"),
        (("steps", "kms_key"), "no key", "'no key' is not a KMS key"),
        (
            ("steps", "kms_key"),
            "arn:aws:kms:eu-west-1:123456789012:key/1",
            (
                "the key arn:aws:kms:eu-west-1:123456789012:key/1 is in eu-west-1; a replica in us-west-2 needs "
                "a key in us-west-2"
            ),
        ),
        (("steps", "status"), ["InSync"], f"a step of {ARN}: status is not a string"),
        (("accounts",), None, "accounts is not a list"),
        (("accounts",), ["123456789012"], "account 0 is not a JSON object"),
        (("accounts",), [None, HERE | {"place": ""}], "account 1: place is not a string"),
        (("accounts",), [{"place": "account[0]"}], "account 0: role_arn is not a string"),
        (("accounts",), [{"role_arn": ROLE}], "account 0: place is not a string"),
        (("accounts",), [HERE | {"role_arn": "dr"}], "account 0 has no role ARN"),
        (("accounts",), [HERE | {"role_arn": f"{ROLE}\n"}], "account 0 has no role ARN"),
        (
            ("accounts",),
            [HERE | {"role_arn": ROLE.replace("123456789012", "\u0661" * 12)}],
            "account 0 has no role ARN",
        ),
        (("accounts",), [HERE | {"external_id": 7}], "account 0: external_id is not a string"),
        (("accounts",), [HERE | {"region": "mars"}], "'mars' is not an AWS Region"),
        (("accounts",), [HERE | {"region": 7}], "account 0: region is not a string"),
        (("accounts",), [HERE | {"region": "us-west-2"}], f"{ARN} does not belong to account[0]"),
        (
            ("accounts",),
            [HERE | {"role_arn": ROLE.replace("::1", "::2")}],
            f"{ARN} does not belong to account[0]",
        ),
        (("secrets",), [SECRET, SECRET], f"{ARN} appears twice"),
        (
            ("secrets",),
            [SECRET, SECRET | {"arn": ARN.replace("east-1", "east-2")}],
            f"{ARN.replace('east-1', 'east-2')} is in another Region than the others of its account",
        ),
        (("shard",), None, "shard is not a JSON object"),
        (("shard",), {"number": 2, "count": 1, "accounts": 1}, "its shard is invalid"),
        (("shard",), {"number": 0, "count": 1, "accounts": 1}, "its shard is invalid"),
        (("shard",), {"number": 1, "count": 1, "accounts": 0}, "its shard is invalid"),
        (("shard",), {"number": 1, "count": 1}, "its shard is invalid"),
        (("shard",), {"number": 1, "count": "1", "accounts": 1}, "its shard is invalid"),
        (("accounts",), [], f"{ARN} belongs to no account of the plan"),
    ],
)
def test_what_was_tampered_with_is_refused_and_says_why(place: tuple[str, ...], value: object, words: str) -> None:
    assert refusal(tampered(place, value)).message == f"dr.plan is not a plan of smrep: {words}"
