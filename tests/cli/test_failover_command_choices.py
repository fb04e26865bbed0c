"""`smrep failover`: which secrets are meant, and that a choice which says nothing or too much sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ACCOUNT, manifest
from cli.failover_sandbox import (
    HOME,
    IRELAND,
    OVER,
    WEST,
    Make,
    by_name,
    counts,
    failover,
    fill,
    look,
    lose,
    promoted,
    refused,
    replicated,
    stands_alone,
)
from fixtures import Sandbox

TAGGED: dict[str, Any] = {"Tags": [{"Key": "dr", "Value": "true"}]}
DR: dict[str, Any] = {"name": "dr", "prefix": "prod/", "regions": [WEST]}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "dr.jsonl"


@pytest.fixture
def fleet(make_sandbox: Make) -> Sandbox:
    """A sandbox with three replicated secrets, one of them tagged and one under another prefix."""
    sandbox = replicated(make_sandbox, "prod/a", "test/a")
    fill(sandbox, "prod/tagged", **TAGGED)
    sandbox.simulator.log.clear()
    return sandbox


def arn(sandbox: Sandbox, region: str, name: str = "prod/a") -> str:
    found = look(sandbox, region, name)
    assert found is not None
    return str(found["ARN"])


NO_WAY = "select secrets in one way: with --prefix and --tag, --all, -f FILE, or by name"
BOTH = "names and selectors contradict each other"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("prod/a", "--all"),
        ("prod/a", "--prefix", "prod/"),
        ("prod/a", "--tag", "dr"),
        ("prod/a", "-f", "dr.json"),
        ("-", "-f", "-"),
        ("-f", "dr.json", "--all"),
        ("-f", "dr.json", "--tag", "dr"),
    ],
    ids=" ".join,
)
def test_no_way_or_two_ways_to_choose(fleet: Sandbox, record: Path, words: tuple[str, ...]) -> None:
    error = refused(fleet, failover(fleet, record, *words, "--yes", "--json", stdin="prod/a\n"))
    if words[:1] == ("prod/a",) and "-f" not in words:
        assert error["message"] == BOTH
    else:
        assert error["message"] == NO_WAY
        assert error["hint"].startswith(
            f"for every secret:\n  smrep failover --from {HOME} --to {WEST} --all --record FILE"
        )
    assert fleet.simulator.log == []
    assert not record.exists()


def test_all_and_a_choice(fleet: Sandbox, record: Path) -> None:
    refused(fleet, failover(fleet, record, "--all", "--prefix", "prod/", "--yes", "--json"))
    assert fleet.simulator.log == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--all",), ["prod/a", "prod/tagged", "test/a"]),
        (("--prefix", "prod/"), ["prod/a", "prod/tagged"]),
        (("--prefix", "prod/a", "--prefix", "test/"), ["prod/a", "test/a"]),
        (("--tag", "dr"), ["prod/tagged"]),
        (("--tag", "dr=true"), ["prod/tagged"]),
        (("--prefix", "prod/", "--tag", "dr=true"), ["prod/tagged"]),
        (("prod/a",), ["prod/a"]),
        (("prod/a", "test/a"), ["prod/a", "test/a"]),
    ],
    ids=" ".join,
)
def test_who_is_chosen(fleet: Sandbox, record: Path, words: tuple[str, ...], names: list[str]) -> None:
    lose(fleet, HOME)
    done = failover(fleet, record, *words, "--yes", "--json")
    assert (done.code, promoted(fleet), sorted(by_name(done))) == (0, names, names)


@pytest.mark.parametrize("region", [HOME, WEST])
def test_an_arn_of_either_region_names_the_replica(fleet: Sandbox, record: Path, region: str) -> None:
    assert failover(fleet, record, arn(fleet, region), "--yes").code == 0
    assert promoted(fleet) == ["prod/a"]


def test_an_arn_of_a_third_region_is_another_secret(fleet: Sandbox, record: Path) -> None:
    third = arn(fleet, HOME).replace(HOME, IRELAND)
    refused(fleet, failover(fleet, record, third, "--yes", "--json"))
    assert not record.exists()


def test_an_arn_of_another_secret_of_that_name_is_not_the_one(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, arn(fleet, HOME)[:-6] + "xxxxxx", "test/a", "--yes", "--json")
    assert (done.code, promoted(fleet)) == (1, ["test/a"])
    assert not stands_alone(fleet)


def test_names_on_standard_input(fleet: Sandbox, record: Path) -> None:
    given = f"prod/a\n\n{arn(fleet, HOME, 'test/a')}\nprod/a\n"
    done = failover(fleet, record, "-", "--yes", stdin=given)
    assert (done.code, promoted(fleet)) == (0, ["prod/a", "test/a"])
    assert [row[0] for row in done.rows] == ["prod/a", "test/a"]


def test_names_on_standard_input_leave_nothing_to_answer_with(fleet: Sandbox, record: Path) -> None:
    refused(fleet, failover(fleet, record, "-", "--json", stdin="prod/a\n"), "ConfirmationNeeded")


def test_a_name_that_is_not_there_is_told_and_stops_no_other(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, "prod/none", "prod/a", "--yes", "--json")
    assert (done.code, promoted(fleet), counts(done)) == (1, ["prod/a"], {"secrets": 2, "promoted": 1, "failed": 1})
    assert by_name(done)["prod/none"]["error"]["code"] == "ResourceNotFoundException"


def test_a_named_secret_that_is_no_replica_is_not_promoted(fleet: Sandbox, record: Path) -> None:
    with fleet.simulator.undisturbed():
        fleet.create("prod/own", WEST)
    done = failover(fleet, record, "prod/own", "--yes", "--json")
    assert (done.code, promoted(fleet), counts(done)) == (0, [], {"secrets": 1, "already": 1})
    assert "so failback will not return it" in done.err


def test_a_named_replica_of_another_region_is_not_promoted(fleet: Sandbox, record: Path) -> None:
    fill(fleet, "prod/irish", home=IRELAND)
    done = failover(fleet, record, "prod/irish", "--yes", "--json")
    assert (done.code, promoted(fleet)) == (1, [])
    row = by_name(done)["prod/irish"]
    assert "is a replica of eu-west-1, not of us-east-1" in done.err, row


def test_a_named_primary_there_can_be_written_already(fleet: Sandbox, record: Path) -> None:
    fill(fleet, "prod/own", home=WEST, regions=(IRELAND,))
    done = failover(fleet, record, "prod/own", "prod/a", "test/a", "--rate", "5", "--yes", "--json")
    assert (done.code, promoted(fleet)) == (0, ["prod/a", "test/a"])
    assert counts(done) == {"secrets": 3, "promoted": 2, "already": 1}
    assert not stands_alone(fleet, IRELAND, "prod/own")


@pytest.mark.parametrize(
    "words", [("--prefix", "none/"), ("--tag", "none"), ("--owning-service", "rds")], ids=lambda each: each[0]
)
def test_a_choice_that_matches_nothing_is_a_mistake(fleet: Sandbox, record: Path, words: tuple[str, ...]) -> None:
    error = refused(fleet, failover(fleet, record, *words, "--yes", "--json"))
    assert error["message"] == f"the selectors match no replica of {HOME} in {WEST}; nothing was sent"
    assert not record.exists()


def test_all_of_nothing_is_a_mistake_too(sandbox: Sandbox, record: Path) -> None:
    refused(sandbox, failover(sandbox, record, "--all", "--yes", "--json"))


@pytest.mark.parametrize("words", [("--all",), ("--prefix", "prod/"), ("--tag", "dr=true")], ids=lambda each: each[0])
def test_where_the_record_shows_that_all_was_done_it_ends_well(
    fleet: Sandbox, record: Path, words: tuple[str, ...]
) -> None:
    lose(fleet, HOME)
    assert failover(fleet, record, *words, "--yes").code == 0
    fleet.simulator.log.clear()
    done = failover(fleet, record, *words, "--yes", "--json")
    assert (done.code, promoted(fleet)) == (0, [])
    assert counts(done)["already"] == counts(done)["secrets"] > 0


def test_a_record_of_others_does_not_make_nothing_well_done(fleet: Sandbox, record: Path) -> None:
    assert failover(fleet, record, "--prefix", "prod/", "--yes").code == 0
    fleet.simulator.log.clear()
    refused(fleet, failover(fleet, record, "--prefix", "none/", "--yes", "--json"))


def test_the_rules_that_want_the_region_choose(fleet: Sandbox, record: Path, tmp_path: Path) -> None:
    other = {"name": "other", "prefix": "test/", "regions": [IRELAND]}
    done = failover(fleet, record, "-f", manifest(tmp_path, DR, other), "--yes", "--json")
    assert (done.code, promoted(fleet)) == (0, ["prod/a", "prod/tagged"])


def test_a_rule_excludes(fleet: Sandbox, record: Path, tmp_path: Path) -> None:
    file = manifest(tmp_path, {**DR, "exclude": ["prod/t*"]})
    assert failover(fleet, record, "-f", file, "--yes").code == 0
    assert promoted(fleet) == ["prod/a"]


def test_no_rule_wants_the_region(fleet: Sandbox, record: Path, tmp_path: Path) -> None:
    file = manifest(tmp_path, {**DR, "regions": [IRELAND]})
    error = refused(fleet, failover(fleet, record, "-f", file, "--yes", "--json"))
    assert error["message"] == f"no rule in {file} has the Region {WEST}"
    assert fleet.simulator.log == []


ROLE = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/dr"}


@pytest.mark.parametrize(
    ("fields", "account", "code"),
    [
        ({"primary_region": IRELAND}, None, "PrimaryRegionMismatch"),
        ({"account_id": "222222222222"}, ACCOUNT, "AccountMismatch"),
        ({"account_id": "222222222222"}, None, "AccountMismatch"),
        ({"account": [ROLE]}, None, "UsageError"),
    ],
    ids=["another Region's", "against the variable", "another account's", "several accounts"],
)
def test_a_manifest_that_guards(
    fleet: Sandbox, tmp_path: Path, fields: dict[str, Any], account: str | None, code: str
) -> None:
    record, words = tmp_path / "dr.jsonl", ("-f", manifest(tmp_path, DR, **fields), "--yes", "--json")
    refused(fleet, failover(fleet, record, *words, SMREP_EXPECT_ACCOUNT=account), code)
    assert not record.exists()


def test_a_manifest_that_guards_and_is_right(fleet: Sandbox, record: Path, tmp_path: Path) -> None:
    file = manifest(tmp_path, DR, primary_region=HOME, account_id=ACCOUNT)
    assert failover(fleet, record, "-f", file, "--yes").code == 0
    assert promoted(fleet) == ["prod/a", "prod/tagged"]


def test_a_manifest_on_standard_input(fleet: Sandbox, record: Path, tmp_path: Path) -> None:
    text = Path(manifest(tmp_path, DR)).read_text()
    refused(fleet, failover(fleet, record, "-f", "-", "--json", stdin=text), "ConfirmationNeeded")
    assert failover(fleet, record, "-f", "-", "--yes", stdin=text).code == 0
    assert promoted(fleet) == ["prod/a", "prod/tagged"]


def test_an_account_that_was_not_expected(fleet: Sandbox, record: Path) -> None:
    done = failover(fleet, record, "--all", "--yes", "--expect-account", "222222222222", "--json")
    refused(fleet, done, "AccountMismatch")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", HOME, "--to", HOME), f"--from and --to are both {HOME}"),
        (("--from", HOME, "--to", "cn-north-1"), "secrets replicate only within a partition"),
        (("--from", "us-esat-1", "--to", WEST), "'us-esat-1' is not an AWS Region"),
        ((*OVER[1:], "--primary-region", IRELAND), f"--primary-region {IRELAND} contradicts --from {HOME}"),
        (("--from", HOME), "'--to'"),
        (("--to", WEST), "'--from'"),
    ],
)
def test_two_regions_that_are_no_pair(sandbox: Sandbox, record: Path, words: tuple[str, ...], said: str) -> None:
    done = sandbox.smrep("failover", *words, "--all", "--record", str(record), "--yes", "--json")
    assert (done.code, done.document["result"], sandbox.simulator.log) == (2, "usage", [])
    assert said in done.err


def test_without_a_record_nothing_is_done(fleet: Sandbox) -> None:
    done = fleet.smrep(*OVER, "--all", "--yes", "--json")
    assert (done.code, fleet.simulator.log) == (2, [])
    assert "'--record'" in done.err
