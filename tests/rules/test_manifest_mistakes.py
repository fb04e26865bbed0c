"""Every mistake that one table of a manifest may hold, with its place and its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smrep.errors import UsageError
from smrep.rules.manifest.fields import Mistakes, Table, string
from smrep.rules.manifest.parser import parse

ACCOUNT, OTHER = "123456789012", "999999999999"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dr"
RULE: dict[str, Any] = {"prefix": "a", "regions": ["us-west-2"]}
INDIC = "\u0661" * 12
"""Digits, but not ASCII's."""
EMPTY = "fill it or omit the field"


def told(**fields: Any) -> tuple[str, ...]:
    """Return what is said of a manifest with these fields at its top; nothing where it is right."""
    document = {"schema": 1, "replicate": [RULE]} | fields
    try:
        parse(json.dumps(document), "x")
    except UsageError as error:
        return error.details
    return ()


def test_a_name_that_no_secret_can_have_is_a_mistake() -> None:
    rule = {"names": ["prod/db", "prod db", "a\tb"], "regions": ["us-west-2"]}
    spaces, tabs = told(replicate=[rule])
    assert spaces.startswith("replicate[0].names[1]: 'prod db' is not a secret's name: names have no space; ")
    assert tabs.startswith(
        "replicate[0].names[2]: a line with tabs is not a secret's name: 'a\\tb'; put one name per line: "
    )
    assert "\n" not in tabs, "a detail is a line"
    (brace,) = told(replicate=[{"names": [f"{secret()}{{"], "regions": ["us-west-2"]}])
    assert brace.startswith("replicate[0].names[0]: 'a-a1b2c3{' is not a secret's name: names have no '{'; ")


def secret(region: str = "us-east-1", account: str = ACCOUNT) -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:a-a1b2c3"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"acount": []}, "acount: unknown field; did you mean account?"),
        ({"Account": []}, "Account: unknown field; did you mean account?"),
        (
            {"a\x1bb": 1},
            (
                "'a\\x1bb': unknown field; the fields are schema, account_id, primary_region, replicate, account, "
                "organization"
            ),
        ),
        *(
            ({"schema": value}, "schema: must be the integer 1, the only one this version reads")
            for value in (2, 1.0, True, "1", None)
        ),
        ({"account_id": 5}, 'account_id: must be twelve digits in quotes, such as "123456789012", not an integer'),
        ({"account_id": INDIC}, f"account_id: '{INDIC}' is not an account id, which has twelve digits"),
        ({"primary_region": True}, "primary_region: must be a Region such as us-west-2, not a boolean"),
        ({"primary_region": "mars"}, "primary_region: 'mars' is not an AWS Region; Region names look like us-west-2"),
        ({"replicate": {}}, "replicate: must be a list of tables, each under [[replicate]], not a table"),
        ({"replicate": []}, f"replicate: is an empty list; {EMPTY}"),
        ({"replicate": [RULE, 1.5]}, "replicate[1]: must be a table, not a floating-point number"),
        ({"account": []}, f"account: is an empty list; {EMPTY}"),
    ],
)
def test_the_top(fields: dict[str, Any], detail: str) -> None:
    assert told(**fields) == (detail,)


LONG = "a" * 2049


@pytest.mark.parametrize(("key", "place"), [(LONG[1:], f"'{LONG[1:]}'"), (LONG, f"'{'a' * 60}'...")])
def test_a_field_whose_name_is_too_long_for_a_message_is_cut(key: str, place: str) -> None:
    (detail,) = told(**{key: 1})
    assert detail.startswith(f"{place}: unknown field; ")


def test_what_is_wrong_is_read_as_if_it_were_absent() -> None:
    table = Table({"flag": 1, "pairs": {"a": "b", "c": 1}, "text": 5}, "", Mistakes())
    assert (table.flag("flag"), table.pairs("pairs"), table.text("text")) == (False, (("a", "b"),), None)
    assert [place for place, _ in table.mistakes.found] == ["flag", "pairs.c", "text"]


def test_a_region_that_appears_twice_hides_no_mistake_after_it() -> None:
    details = told(replicate=[RULE | {"regions": ["us-west-2", "us-west-2", 5]}])
    assert [each.partition(":")[0] for each in details] == ["replicate[0].regions[1]", "replicate[0].regions[2]"]


def test_a_name_may_be_as_long_as_awss_longest() -> None:
    assert told(replicate=[RULE | {"names": [LONG[1:]]}]) == ()


def test_a_value_that_no_manifest_can_hold_is_told_too() -> None:
    mistakes = Mistakes()
    assert string(b"a", "replicate[0].name", mistakes) is None
    assert mistakes.found == [("replicate[0].name", "must be a string, not something else")]


@pytest.mark.parametrize(
    ("fields", "place", "what"),
    [
        ({"nmae": "x"}, ".nmae", "unknown field; did you mean name?"),
        ({"name": 5}, ".name", "must be a string, not an integer"),
        ({"name": " "}, ".name", "is an empty string"),
        ({"names": "a"}, ".names", "must be a list of strings, not a string"),
        ({"names": []}, ".names", f"is an empty list; {EMPTY}"),
        ({"names": ["a", "b", "a"]}, ".names[2]", "'a' appears twice in this list"),
        ({"names": [LONG]}, ".names[0]", "is 2,049 characters long; the maximum is 2,048"),
        ({"names": ["a\ud800"]}, ".names[0]", "'a\\ud800' has half of a surrogate pair, which cannot be sent"),
        ({"names": [[]]}, ".names[0]", "must be a string, not a list"),
        (
            {"names": ["arn:x"]},
            ".names[0]",
            (
                "'arn:x' is not the ARN of a secret; "
                "an ARN looks like arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-SUFFIX"
            ),
        ),
        (
            {"names": [secret().replace("secret:", "policy:")]},
            ".names[0]",
            f"'{secret().replace('secret:', 'policy:')}' is not the ARN of a secret",
        ),
        (
            {"names": [secret("us-west-2").replace("secret:", "policy:")]},
            ".names[0]",
            f"'{secret('us-west-2').replace('secret:', 'policy:')}' is not the ARN of a secret",
        ),
        ({"prefix": ""}, ".prefix", "is an empty string"),
        ({"prefix": []}, ".prefix", f"is an empty list; {EMPTY}"),
        ({"prefix": ["a", None]}, ".prefix[1]", "must be a string, not null"),
        ({"tags": ["dr"]}, ".tags", "must be a table of strings, not a list"),
        ({"tags": {}}, ".tags", f"is an empty table; {EMPTY}"),
        ({"tags": {"dr": True}}, ".tags.dr", "must be a string, not a boolean"),
        ({"tags": {"": "x"}}, ".tags.''", "is an empty string"),
        ({"exclude": ["a", ""]}, ".exclude[1]", "is an empty string"),
        ({"remove_extra": 1}, ".remove_extra", "must be true or false, not an integer"),
        ({"regions": "us-west-2"}, ".regions", "must be a list of Regions, not a string"),
        ({"regions": []}, ".regions", f"is an empty list; {EMPTY}"),
        ({"regions": ["us-wset-2"]}, ".regions[0]", "'us-wset-2' is not an AWS Region; did you mean us-west-2?"),
        (
            {"regions": ["us-west-2=alias/x"]},
            ".regions[0]",
            (
                "'us-west-2=alias/x' is not an AWS Region; "
                'write a key as { region = "us-west-2", kms_key = "alias/NAME" }'
            ),
        ),
        (
            {"regions": [5]},
            ".regions[0]",
            "must be a Region such as us-west-2, or a table of region and kms_key, not an integer",
        ),
        (
            {"regions": ["us-west-2", {"region": "us-west-2", "kms_key": "alias/x"}]},
            ".regions[1]",
            "us-west-2 appears twice in this rule",
        ),
        (
            {"regions": ["us-west-2", "cn-north-1"]},
            ".regions[1]",
            "cn-north-1 and us-west-2 are in two partitions; secrets replicate within one",
        ),
        ({"regions": [{}]}, ".regions[0].region", "is missing; it must be a Region such as us-west-2"),
        (
            {"regions": [{"region": "us-west-2", "kms": "alias/x"}]},
            ".regions[0].kms",
            "unknown field; did you mean kms_key?",
        ),
        (
            {"regions": [{"region": "us-west-2", "kms_key": "dr"}]},
            ".regions[0].kms_key",
            "'dr' is not a KMS key; use a key in us-west-2, by ARN, id or alias/NAME",
        ),
        (
            {"regions": [{"region": "us-west-2", "kms_key": 5}]},
            ".regions[0].kms_key",
            "must be a key's ARN, its id or alias/NAME, not an integer",
        ),
        (
            {"regions": [{"region": "us-west-2", "kms_key": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/\x1b"}]},
            ".regions[0].kms_key",
            (
                f"the key arn:aws:kms:us-east-1:{ACCOUNT}:key/\\x1b is in us-east-1; a replica in us-west-2 needs "
                "a key in us-west-2; use a key in us-west-2, by ARN, id or alias/NAME"
            ),
        ),
    ],
)
def test_a_rule(fields: dict[str, Any], place: str, what: str) -> None:
    assert told(replicate=[RULE | fields]) == (f"replicate[0]{place}: {what}",)


def test_a_rule_says_what_it_means_and_where_that_is_wanted() -> None:
    assert told(replicate=[{"exclude": ["a"]}]) == (
        "replicate[0]: empty selector: choose secrets by names, prefix or tags",
        "replicate[0].regions: is missing; it must be a list of Regions",
    )


@pytest.mark.parametrize(
    ("fields", "place", "what"),
    [
        ({"role": ROLE}, ".role", "unknown field; did you mean role_arn?"),
        ({"external_id": "x"}, ".external_id", "must be 2 to 1,224 letters, digits and characters of _+=,.@:/-"),
        ({"region": "us-wset-2"}, ".region", "'us-wset-2' is not an AWS Region; did you mean us-west-2?"),
        ({"region": "cn-north-1"}, ".role_arn", "the role is in partition aws, but cn-north-1 is in aws-cn"),
        *(
            (
                {"role_arn": arn},
                ".role_arn",
                (
                    f"{arn!r} is not the ARN of a role; "
                    "it must be a role's ARN such as arn:aws:iam::123456789012:role/NAME"
                ),
            )
            for arn in (
                "dr",
                ROLE.replace(ACCOUNT, "12"),
                ROLE.replace(":role/", ":user/"),
                f"{ROLE}/",
                ROLE.replace(":aws:", ":amazon:"),
            )
        ),
    ],
)
def test_an_account(fields: dict[str, Any], place: str, what: str) -> None:
    rule = RULE | {"regions": ["cn-northwest-1"]} if fields.get("region") == "cn-north-1" else RULE
    assert told(account=[{"role_arn": ROLE} | fields], replicate=[rule]) == (f"account[0]{place}: {what}",)


def test_an_account_has_a_role_and_is_named_once_per_region() -> None:
    role = {"role_arn": ROLE}
    assert told(account=[{}]) == (
        "account[0].role_arn: is missing; it must be a role's ARN such as arn:aws:iam::123456789012:role/NAME",
    )
    assert [each.partition(":")[0] for each in told(account=[{}, {"role_arn": 1}])] == [
        "account[0].role_arn",
        "account[1].role_arn",
    ]
    again = "account[1].role_arn: account 123456789012 is already in account[0], with the same Region"
    assert told(account=[role, role]) == (again,)
    assert told(primary_region="us-east-1", account=[role, role | {"region": "us-east-1"}]) == (again,)
    assert told(primary_region="us-east-1", account=[role, role | {"region": "us-east-2"}]) == ()


@pytest.mark.parametrize(
    ("fields", "place", "what"),
    [
        ({"role_name": None}, ".role_name", "must be a role's name such as smrep, not null"),
        ({"role_name": ROLE}, ".role_name", f"{ROLE!r} is not the name of a role, such as smrep or path/smrep"),
        ({"role": 1}, ".role", "unknown field; did you mean role_name?"),
        ({"ous": []}, ".ous", f"is an empty list; {EMPTY}"),
        ({"ous": "ou-ab12-11111111"}, ".ous", "must be a list of strings, not a string"),
        (
            {"ous": ["r-ab12", ACCOUNT]},
            ".ous[1]",
            f"{ACCOUNT!r} is not the ID of an OU or a root, such as ou-ab12-11111111",
        ),
        ({"exclude": [123456789012]}, ".exclude[0]", "must be a string, not an integer"),
        *(
            ({"exclude": [it]}, ".exclude[0]", f"{it!r} is not an account id, which has twelve digits and nothing else")
            for it in ("1234", INDIC, "1234-5678-9012", " 123456789012")
        ),
        (
            {"exclude": ["ou-ab12-1"]},
            ".exclude[0]",
            "'ou-ab12-1' is not the ID of an OU, such as ou-ab12-11111111; for names that begin with ou-, write [o]u-",
        ),
        ({"management": "no"}, ".management", "must be true or false, not a string"),
        (
            {"external_id": "a b"},
            ".external_id",
            "must be 2 to 1,224 letters, digits and characters of _+=,.@:/-",
        ),
        (
            {"lookup_role_arn": "smrep"},
            ".lookup_role_arn",
            "'smrep' is not the ARN of a role; it must be a role's ARN such as arn:aws:iam::123456789012:role/NAME",
        ),
        (
            {"lookup_role_arn": ROLE.replace(":aws:", ":aws-cn:")},
            ".lookup_role_arn",
            "the role is in partition aws-cn, but us-east-1 is in aws",
        ),
    ],
)
def test_an_organization(fields: dict[str, Any], place: str, what: str) -> None:
    organization = {"role_name": "smrep"} | fields
    assert told(primary_region="us-east-1", organization=organization) == (f"organization{place}: {what}",)


def test_an_organization_is_a_table_with_a_role_and_contradicts_a_guard_for_one_account() -> None:
    assert told(organization=[]) == ("organization: must be a table, under [organization], not a list",)
    assert told(organization={}) == ("organization.role_name: is missing; it must be a role's name such as smrep",)
    assert told(organization={"role_name": "dr/smrep"}, account_id=ACCOUNT) == (
        "account_id: allows one account, but [organization] finds several; remove one of them",
    )
    assert told(organization={"role_name": "smrep", "ous": ["r-ab12"], "exclude": [], "management": True}) == ()


def test_the_accounts_of_an_organization_may_be_in_the_runs_region() -> None:
    elsewhere = {"role_arn": ROLE, "region": "eu-west-1"}
    rules = [{"names": [secret(account=OTHER)], "regions": ["us-west-2"]}]
    assert len(told(account=[elsewhere], replicate=rules)) == 1
    assert told(account=[elsewhere], replicate=rules, organization={"role_name": "smrep"}) == ()


def test_two_spellings_of_a_key_differ_in_the_accounts_of_an_organization() -> None:
    arn = f"arn:aws:kms:us-west-2:{ACCOUNT}:alias/dr"
    rules = [{"names": ["a"], "regions": [{"region": "us-west-2", "kms_key": key}]} for key in (arn, "alias/dr")]
    assert told(account=[{"role_arn": ROLE}], replicate=rules) == ()
    assert len(told(account=[{"role_arn": ROLE}], replicate=rules, organization={"role_name": "smrep"})) == 1


def test_a_duplicate_key_in_a_json_object_is_not_read_as_its_last_value() -> None:
    with pytest.raises(UsageError) as caught:
        parse('{"schema": 1, "replicate": [{"prefix": "a", "regions": ["eu-west-1"], "regions": ["us-west-2"]}]}', "x")
    assert caught.value.details == ("replicate[0].regions: appears twice in one object",)


def test_all_mistakes_are_told_at_once() -> None:
    rules = [{"names": ["", 5], "regions": ["x", 1]}, {"tags": {"a": 1}, "regions": ["us-west-2"], "name": ""}]
    details = told(schema=2, account_id="1", replicate=rules, account=[{"role_arn": 1, "region": ""}])
    assert [each.partition(":")[0] for each in details] == [
        "schema",
        "account_id",
        "account[0].region",
        "account[0].role_arn",
        "replicate[0].names[0]",
        "replicate[0].names[1]",
        "replicate[0].regions[0]",
        "replicate[0].regions[1]",
        "replicate[1].name",
        "replicate[1].tags.a",
    ]


@pytest.mark.parametrize("text", ["[]", " [1, 2]\n", '[{"schema": 1}]'])
def test_json_of_another_shape_is_not_called_toml(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, "x")
    assert caught.value.details == ("the text: must be a JSON object, as smrep help manifest shows",)
