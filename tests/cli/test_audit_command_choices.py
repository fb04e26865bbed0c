"""What `smrep audit` is asked: which secrets, where, in which account, which part; and what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.apply_sandbox import ACCOUNT, ADD, HOME, IRELAND, PROD, WEST, Make, counts, manifest, rows, stocked
from cli.audit_sandbox import audit, calls, fill
from cli.document_rows import kinds
from fixtures import Sandbox

from smrep.sandbox.faults import Faults

TEAM = [{"Key": "team", "Value": "payments"}]
OTHER = "999999999999"


@pytest.fixture
def stock(make_sandbox: Make) -> Sandbox:
    sandbox = stocked(make_sandbox, "prod/a", "test/a", "rds!cluster")
    with sandbox.simulator.undisturbed():
        sandbox.create("prod/team", Tags=TEAM)
    return sandbox


def names(sandbox: Sandbox, *words: str) -> list[str]:
    return sorted(name for name, _ in rows(audit(sandbox, "-r", WEST, *words, "--json")))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--all",), ["prod/a", "prod/team", "rds!cluster", "test/a"]),
        (("--prefix", "prod/"), ["prod/a", "prod/team"]),
        (("--prefix", "prod/t", "--prefix", "test/"), ["prod/team", "test/a"]),
        (("--tag", "team"), ["prod/team"]),
        (("--tag", "team=payments"), ["prod/team"]),
        (("--tag", "team=pay"), []),
        (("--owning-service", "rds"), ["rds!cluster"]),
    ],
)
def test_only_what_is_chosen_is_audited(stock: Sandbox, words: tuple[str, ...], meant: list[str]) -> None:
    assert names(stock, *words) == meant


def test_a_choice_that_matches_nothing_is_a_warning_and_a_good_end(stock: Sandbox, tmp_path: Path) -> None:
    done = audit(stock, "-r", WEST, "--prefix", "prdo/", "--json")
    assert (done.code, done.document["secrets"], counts(done)) == (0, [], {})
    assert "warning: the selectors match no secret in us-east-1: prefix prdo/" in done.err
    done = audit(stock, "-f", manifest(tmp_path, PROD, PROD | {"name": "slip", "prefix": "prdo/"}), "--json")
    assert (done.code, counts(done)["missing"]) == (5, 2)
    assert "warning: replicate[1] matches no secret in us-east-1: prefix prdo/" in done.err


@pytest.mark.parametrize(
    "words",
    [
        "",
        "-r us-west-2 -f FILE",
        "-f FILE --prefix prod/",
        "-f FILE --tag team",
        "-f FILE --owning-service rds",
        "-r us-west-2 --all --prefix prod/",
        "-r us-west-2 --prefix=",
        "-r us-west-2 --tag =x",
        "-r us-east-1",
        "-r cn-north-1",
        "-r mars-1",
        "-r us-west-2,us-west-2",
        "-r us-west-2=arn:aws:kms:eu-west-1:123456789012:key/0f0e0d0c-1111-4222-8333-444455556666",
        "-r us-west-2 --shard 3/2",
        "-r us-west-2 --shard auto/2",
        "-f none.toml",
        "prod/a -r us-west-2",
    ],
)
def test_what_contradicts_itself_is_refused_before_any_call(stock: Sandbox, tmp_path: Path, words: str) -> None:
    file = manifest(tmp_path)
    done = audit(stock, *words.replace("FILE", file).split(), "--json")
    assert (done.code, done.document["result"], stock.simulator.log) == (2, "usage", [])
    assert done.document["error"]["message"]


def test_every_mistake_of_a_manifest_is_told_at_once(stock: Sandbox, tmp_path: Path) -> None:
    rule = {"name": "a", "prefix": "a", "regions": ["mars-1"], "color": "red"}
    done = audit(stock, "-f", manifest(tmp_path, rule, schema=2), "--json")
    error = done.document["error"]
    assert (done.code, error["code"], stock.simulator.log) == (2, "ManifestError", [])
    assert all(each in error["message"] for each in ("schema", "mars-1", "color"))


def test_two_keys_for_one_secret_are_a_mistake(stock: Sandbox, tmp_path: Path) -> None:
    keyed = [PROD | {"name": each, "regions": [{"region": WEST, "kms_key": f"alias/{each}"}]} for each in ("a", "b")]
    keyed[1]["prefix"] = "prod/t"
    done = audit(stock, "-f", manifest(tmp_path, *keyed), "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "ManifestError")
    assert "prod/team has two keys in us-west-2" in done.err


# the Region and the account


@pytest.mark.parametrize(
    ("words", "env", "source"),
    [
        (("--primary-region", HOME), {"AWS_REGION": WEST}, "--primary-region"),
        (("--source-region", HOME), {}, "--primary-region"),
        ((), {"SMREP_PRIMARY_REGION": HOME, "AWS_REGION": WEST}, "SMREP_PRIMARY_REGION"),
        ((), {}, "AWS_REGION"),
    ],
)
def test_the_primaries_region_is_found_as_everywhere(
    stock: Sandbox, words: tuple[str, ...], env: dict[str, str], source: str
) -> None:
    done = audit(stock, "-r", WEST, *words, "--json", **env)
    assert (done.document["primary_region"], done.document["primary_region_source"]) == (HOME, source)
    assert counts(done)["secrets"] == 4


def test_a_manifest_names_the_region_where_nobody_else_does(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, primary_region=HOME)
    done = audit(stock, "-f", file, "--json", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (done.document["primary_region"], done.document["primary_region_source"]) == (HOME, "manifest")
    done = audit(stock, "-f", file, "--json", AWS_REGION=IRELAND)
    assert (done.code, done.document["error"]["code"], stock.simulator.log) == (2, "PrimaryRegionMismatch", [])


@pytest.mark.parametrize("how", ["flag", "variable", "manifest"])
def test_another_account_than_expected_ends_it_after_one_call(stock: Sandbox, tmp_path: Path, how: str) -> None:
    words = {
        "flag": ("-r", WEST, "--expect-account", OTHER),
        "variable": ("-r", WEST),
        "manifest": ("-f", manifest(tmp_path, account_id=OTHER)),
    }[how]
    env = {"SMREP_EXPECT_ACCOUNT": OTHER} if how == "variable" else {}
    done = audit(stock, *words, "--json", **env)
    assert (done.code, done.document["error"]["code"], done.document["secrets"]) == (2, "AccountMismatch", [])
    assert calls(stock) == {("ListSecrets", HOME): 1}


def test_the_command_line_and_the_manifest_must_expect_the_same_account(stock: Sandbox, tmp_path: Path) -> None:
    file = manifest(tmp_path, account_id=ACCOUNT)
    done = audit(stock, "-f", file, "--expect-account", OTHER, "--json")
    assert (done.code, done.document["error"]["code"], stock.simulator.log) == (2, "AccountMismatch", [])
    assert audit(stock, "-f", file, "--expect-account", ACCOUNT).code == 5


def test_each_account_of_a_manifest_is_audited_by_its_role(stock: Sandbox, tmp_path: Path) -> None:
    other = stock.simulator.account("222222222222")
    for name in ("prod/theirs", "prod/new"):
        other.call("secretsmanager", "CreateSecret", HOME, {"Name": name, "SecretString": "s3cret"})
    more = {"SecretId": "prod/theirs", "AddReplicaRegions": [{"Region": WEST}]}
    other.call("secretsmanager", ADD, HOME, more)
    roles = [{"role_arn": f"arn:aws:iam::{account}:role/smrep"} for account in (ACCOUNT, "222222222222")]
    done = audit(stock, "-f", manifest(tmp_path, PROD, account=roles), "--json")
    found = {name: kinds(row) for (name, _), row in rows(done).items()}
    missing = {name: ["missing"] for name in ("prod/a", "prod/team", "prod/new")}
    assert (done.code, found, done.document["account_id"]) == (5, {**missing, "prod/theirs": []}, None)
    assert counts(done) == {"secrets": 4, "covered": 1, "missing": 3}


@pytest.mark.parametrize("denied", ["AssumeRole", "ListSecrets"])
def test_an_account_that_can_not_be_had_does_not_stop_the_others(stock: Sandbox, tmp_path: Path, denied: str) -> None:
    roles = [{"role_arn": f"arn:aws:iam::{account}:role/smrep"} for account in ("222222222222", ACCOUNT)]
    if denied == "AssumeRole":
        stock.simulator.put_trust(roles[0]["role_arn"], "an external id that nobody gives")
    else:
        stock.simulator.account("222222222222").set_faults(Faults(denied=frozenset({(denied, HOME)})))
    done = audit(stock, "-f", manifest(tmp_path, PROD, account=roles), "--json")
    assert (done.code, counts(done)) == (4, {"secrets": 2, "missing": 2})
    assert "account 222222222222" in done.document["error"]["message"]


# shards


def test_shards_are_together_everything_and_an_empty_one_is_a_good_end(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/new")
    fill(sandbox, *(f"prod/{number}" for number in range(6)))
    parts = [audit(sandbox, "-r", WEST, "--shard", f"{number}/20", "--json") for number in range(1, 21)]
    found = [name for part in parts for name, _ in rows(part)]
    assert sorted(found) == [*(f"prod/{number}" for number in range(6)), "prod/new"]
    assert [part.code for part in parts].count(5) == 1
    assert {part.code for part in parts if not part.document["secrets"]} == {0}
    assert not any("matches no secret" in part.err for part in parts)


@pytest.mark.parametrize("variable", ["AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"])
def test_a_shard_may_be_told_by_the_machine(stock: Sandbox, variable: str) -> None:
    typed = [audit(stock, "-r", WEST, "--shard", f"{number}/2").rows for number in (1, 2)]
    told = [audit(stock, "-r", WEST, "--shard", "auto/2", **{variable: index}).rows for index in ("0", "1")]
    assert typed == told
    assert len(typed[0]) + len(typed[1]) == 4


def test_where_only_a_namesake_is_in_the_way_nothing_is_said_to_be_added(make_sandbox: Make) -> None:
    sandbox = stocked(make_sandbox, "prod/a")
    sandbox.create("prod/a", WEST)
    done = audit(sandbox, "-r", WEST, "--json")
    assert (done.code, [kinds(row) for row in rows(done).values()]) == (5, [["name_conflict", "missing"]])
    assert "to add what is missing" not in done.err
    (row,) = rows(done).values()
    assert [each["hint"] for each in row["findings"] if each["kind"] == "missing"] == [None]


def test_a_named_secret_in_trouble_says_how_that_is_known(make_sandbox: Make, tmp_path: Path) -> None:
    sandbox = stocked(make_sandbox, "prod/a", "prod/b")
    sandbox.call("DeleteSecret", SecretId="prod/a")
    file = manifest(tmp_path, {"names": ["prod/a", "prod/b"], "regions": [WEST]})
    for command in ("audit", "plan"):
        done = sandbox.smrep(command, "-f", file, "--json")
        assert {each["name"]: each["checked_by"] for each in done.document["secrets"]}["prod/a"] == "describe"
