"""ListSecrets: filters, order, pages."""

import pytest
from fixtures import examples
from hypothesis import given
from hypothesis import strategies as st

from smrep.sandbox.simulator.page_tokens import cut_page, skip_to_token, take_page

WEST = "us-west-2"


@pytest.fixture
def fleet(account):
    account.secret("prod/db", Description="Ledger of Payments", Tags=[{"Key": "team", "Value": "payments"}])
    account.tick(1)
    account.secret("prod/api", Tags=[{"Key": "Dr", "Value": "true"}])
    account.tick(1)
    account.secret("rds!cluster")
    account.tick(1)
    account.secret("staging/db", AddReplicaRegions=[{"Region": WEST}])
    account.tick(1)
    account.secret("old/db")
    account.sm("DeleteSecret", SecretId="old/db")
    account.tick(1)
    return account


def names(account, region="us-east-1", **params):
    return [row["Name"] for row in account.sm("ListSecrets", region, **params)["SecretList"]]


def test_secrets_are_listed_by_creation_without_those_pending_deletion(fleet):
    assert names(fleet) == ["prod/db", "prod/api", "rds!cluster", "staging/db"]
    assert names(fleet, IncludePlannedDeletion=True)[-1] == "old/db"


def test_the_order_can_be_chosen(fleet):
    assert names(fleet, SortOrder="desc")[0] == "staging/db"
    assert names(fleet, SortBy="name") == ["prod/api", "prod/db", "rds!cluster", "staging/db"]
    fleet.value("rds!cluster")
    assert names(fleet, SortBy="last-accessed-date", SortOrder="desc")[0] == "rds!cluster"
    fleet.sm("UpdateSecret", SecretId="prod/db", Description="x")
    assert names(fleet, SortBy="last-changed-date")[-1] == "prod/db"


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("name", ["prod/"], ["prod/db", "prod/api"]),
        ("name", ["Prod/"], []),
        ("name", ["!prod/"], ["rds!cluster", "staging/db"]),
        ("name", ["prod/", "rds"], ["prod/db", "prod/api", "rds!cluster"]),
        ("name", ["prod/", "!prod/a"], ["prod/db"]),
        ("description", ["ledger"], ["prod/db"]),
        ("description", ["p led"], ["prod/db"]),
        ("description", ["payments api"], []),
        ("tag-key", ["te"], ["prod/db"]),
        ("tag-key", ["dr"], []),
        ("tag-value", ["true"], ["prod/api"]),
        ("primary-region", ["us-east"], ["staging/db"]),
        ("primary-region", ["!us-east-1"], ["prod/db", "prod/api", "rds!cluster"]),
        ("owning-service", ["rds"], ["rds!cluster"]),
        ("all", ["PAYMENTS ledger"], ["prod/db"]),
        ("all", ["payments ledger"], ["prod/db"]),
        ("all", ["led"], ["prod/db"]),
        ("all", ["edger"], []),
        ("all", ["/"], []),
        ("all", ["db"], ["prod/db", "staging/db"]),
        ("all", ["team ledger"], []),  # not in one attribute
        ("all", ["!payments"], ["prod/api", "rds!cluster", "staging/db"]),
    ],
)
def test_a_filter_keeps_what_it_says(fleet, key, values, expected):
    assert names(fleet, Filters=[{"Key": key, "Values": values}]) == expected


def test_every_filter_must_be_passed(fleet):
    filters = [{"Key": "name", "Values": ["prod/"]}, {"Key": "tag-key", "Values": ["team"]}]
    assert names(fleet, Filters=filters) == ["prod/db"]


def test_two_filters_of_one_key_must_both_be_passed(fleet):
    one, other = ({"Key": "description", "Values": [word]} for word in ("ledger", "payments"))
    assert names(fleet, Filters=[one, other]) == ["prod/db"]
    assert names(fleet, Filters=[one, {"Key": "description", "Values": ["api"]}]) == []


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        ("prodAppBeta", ["prod", "App", "beta", "BETA prod"], ["rod", "a b c"]),
        ("COMPANY", ["company", "COM"], ["pany", "N"]),
        ("COMPANYthings", ["compan", "Ythings"], ["company", "things"]),
        ("a-b/c", ["a-b/c", "a-b/"], ["b", "c"]),
        ("x@42@y", ["42", "y x"], ["2", "@"]),
    ],
)
def test_words_begin_at_marks_and_capitals(account, name, found, not_found):
    account.secret(name)
    for word in found:
        assert names(account, Filters=[{"Key": "all", "Values": [word]}]) == [name], word
    for word in not_found:
        assert names(account, Filters=[{"Key": "all", "Values": [word]}]) == [], word


def test_an_unknown_filter_is_refused(fleet):
    code, _ = fleet.refusal("ListSecrets", Filters=[{"Key": "color", "Values": ["red"]}])
    assert code == "ValidationException"


def test_a_replica_is_listed_in_its_region_without_replication_status(fleet):
    (row,) = fleet.sm("ListSecrets", WEST)["SecretList"]
    assert row["PrimaryRegion"] == "us-east-1"
    assert row["KmsKeyId"] == "alias/aws/secretsmanager"
    (primary,) = fleet.sm("ListSecrets", Filters=[{"Key": "name", "Values": ["staging"]}])["SecretList"]
    assert not {"ReplicationStatus", "VersionIdsToStages"} & primary.keys()


def test_pages_join_up_even_when_the_fleet_changes_between_them(fleet):
    first = fleet.sm("ListSecrets", MaxResults=2)
    fleet.sm("DeleteSecret", SecretId="prod/db")
    rest = fleet.sm("ListSecrets", MaxResults=2, NextToken=first["NextToken"])
    assert [row["Name"] for row in rest["SecretList"]] == ["rds!cluster", "staging/db"]
    assert "NextToken" not in rest


@pytest.mark.parametrize("token", ["nonsense", "W10=", "WyJhIiwgImIiXQ==", "WzEsIDJd", "W1tdLCBbXV0="])
def test_a_token_of_ones_own_making_is_refused(fleet, token):
    assert fleet.refusal("ListSecrets", NextToken=token)[0] == "InvalidNextTokenException"


@given(rows=st.sets(st.integers(0, 500)), size=st.integers(1, 100), descending=st.booleans())
def test_the_pages_of_a_list_are_the_list(rows, size, descending):
    seen, token = [], None
    while True:
        shown, token = take_page(rows, key=lambda n: (float(n), ""), size=size, token=token, descending=descending)
        seen += shown
        if token is None:
            break
    assert seen == sorted(rows, reverse=descending)


@given(size=st.integers(1, 10), descending=st.booleans(), place=st.integers(0, 9_999))
def test_of_a_long_list_hardly_more_than_the_page_is_looked_at(size, descending, place):
    rows, looks = range(10_000), []

    def key(row):
        looks.append(row)
        return float(row), ""

    step = -1 if descending else 1
    start = rows[::step][place : place + 2]
    _, token = cut_page(start, key=key, size=1)
    shown, _ = cut_page(skip_to_token(token, rows, key=key, descending=descending), key=key, size=size)
    assert shown == list(rows[::step][place + 1 if token else 0 :][:size])
    assert len(looks) < 20


DEED = st.tuples(st.sampled_from(["create", "delete", "tick"]), st.sampled_from(["a", "b", "c", "d/e", "f!g"]))


@examples(60)
@given(
    deeds=st.lists(st.one_of(DEED, st.just(("look", ""))), max_size=30),
    size=st.integers(1, 4),
    order=st.sampled_from(["asc", "desc"]),
    sort_by=st.sampled_from(["created-date", "name", "last-changed-date"]),
)
def test_pages_together_list_each_secret_once_in_order(account_with, deeds, size, order, sort_by):
    account, wanted = account_with(), {"SortOrder": order, "SortBy": sort_by, "IncludePlannedDeletion": True}
    made = {}
    for deed, name in deeds:
        match deed:
            case "create" if name not in made:
                account.secret(name)
                made[name] = account.time
            case "delete" if name in made:
                account.sm("DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
                account.tick(1)
                del made[name]
            case "tick":
                account.tick(1)
            case "look":
                names(account)
    shown, token = [], None
    while True:
        answer = account.sm("ListSecrets", MaxResults=size, NextToken=token, **wanted)
        shown += [row["Name"] for row in answer["SecretList"]]
        token = answer.get("NextToken")
        if token is None:
            break
    key = (lambda name: name) if sort_by == "name" else (lambda name: (made[name], name))
    assert shown == sorted(made, key=key, reverse=order == "desc")


def test_a_filter_that_keeps_few_fills_its_pages_from_far_apart(account):
    for number in range(30):
        account.secret(f"app/{number:02d}", Tags=[{"Key": "dr", "Value": str(number % 10 == 0)}])
    filters = [{"Key": "tag-value", "Values": ["True"]}]
    first = account.sm("ListSecrets", MaxResults=2, Filters=filters)
    assert [row["Name"] for row in first["SecretList"]] == ["app/00", "app/10"]
    assert names(account, MaxResults=2, Filters=filters, NextToken=first["NextToken"]) == ["app/20"]
