"""`merge`: the documents of shards and accounts are together what one run over all is, in every output."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cli.apply_sandbox import HOME, IRELAND, PROD, WEST, manifest
from fixtures import Done, Sandbox, examples
from hypothesis import given
from hypothesis import strategies as st
from simulated_time import SharedClock

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree
from smrep.sandbox.simulator.simulated_aws import Simulator

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
STATES = ("covered", "missing", "failed", "conflict", "extra", "half", "stuck")
RULE = {**PROD, "regions": [WEST, IRELAND]}
COMMANDS = ("audit", "audit --deep", "plan", "plan --detailed-exitcode", "apply --yes")
REPORTS = ("html", "xml", "prom", "ocsf.json")
RANDOM = re.compile(r"127.0.0.1:\d+|[0-9a-f]{8}-[0-9a-f-]{27}")
"""A sandbox's port, or a request id."""
Account = dict[str, str]
"""Name of a secret -> its state."""


@dataclass(frozen=True)
class Estate:
    """Accounts with their secrets; one may refuse its role."""

    accounts: tuple[Account, ...]
    lost: int | None = None
    typo: bool = False
    """Whether the manifest has a rule that matches nothing."""


def estates(most: int = 3) -> st.SearchStrategy[Estate]:
    names = st.sampled_from([f"prod/{number:02}" for number in range(12)])
    account = st.dictionaries(names, st.sampled_from(STATES), min_size=1, max_size=6)
    return st.lists(account, min_size=1, max_size=most).flatmap(
        lambda accounts: st.builds(
            Estate,
            st.just(tuple(accounts)),
            st.none() | st.sampled_from(range(len(accounts))) if len(accounts) > 1 else st.none(),
            st.booleans(),
        )
    )


@contextmanager
def sandbox_of(estate: Estate) -> Iterator[Sandbox]:
    """Yield a sandbox with the accounts, the same each time."""
    clock = SharedClock(started=1_800_000_000.0)
    simulator = Simulator(now=clock.wall, rng=random.Random(3), faults=Faults(replication_delay_s=0.0))
    with SandboxServer(simulator) as server:
        for number, secrets in zip(ACCOUNTS, estate.accounts, strict=False):
            for name, state in secrets.items():
                create(simulator.account(number), name, state)
        if estate.lost is not None:
            simulator.put_trust(role(ACCOUNTS[estate.lost]), "an external id that nobody gives")
        yield Sandbox(simulator, server.url, clock)


def create(account: Any, name: str, state: str) -> None:
    if state == "conflict":
        account.call("secretsmanager", "CreateSecret", WEST, {"Name": name, "SecretString": "another"})
    regions = {"covered": [WEST, IRELAND], "half": [WEST], "extra": [WEST, IRELAND, "sa-east-1"]}
    added = regions.get(state, [WEST, IRELAND] if state in ("failed", "stuck") else [])
    replicas = {"AddReplicaRegions": [{"Region": each} for each in added]} if added else {}
    account.call("secretsmanager", "CreateSecret", HOME, {"Name": name, "SecretString": "s3cret", **replicas})
    if state in ("failed", "stuck"):
        account.set_replication_status(
            name, HOME, WEST, "Failed" if state == "failed" else "InProgress", "of the weather"
        )


def role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/smrep"


def written(estate: Estate, folder: Path) -> str:
    """Write the manifest of the accounts, which also names a secret that nobody has; return its path."""
    names = [*list(estate.accounts[0])[:1], "gone/1"]
    roles = [{"role_arn": role(number)} for number, _ in zip(ACCOUNTS, estate.accounts, strict=False)]
    typo = [{"name": "typo", "prefix": "prdo/", "regions": [WEST]}] if estate.typo else []
    return manifest(folder, RULE, {"name": "named", "names": names, "regions": [WEST]}, *typo, account=roles)


def merge(*words: str, stdin: str | None = None) -> Done:
    """Run it where there is no AWS."""
    return Sandbox(Simulator(now=lambda: 0.0, rng=random.Random(3)), "http://127.0.0.1:1").smrep(
        "merge", *words, stdin=stdin
    )


def saved(folder: Path, done: Done, name: str) -> str:
    path = folder / f"{name}.json"
    path.write_text(done.out)
    return str(path)


def comparable(done: Done) -> tuple[Any, ...]:
    """Return the secrets by name and account, the other fields without times and ports, and whether it has no error."""
    fields = json.loads(RANDOM.sub("-", json.dumps(done.document)))
    error, secrets = fields.pop("error"), fields.pop("secrets")
    for name in ("started_at", "elapsed_s"):
        del fields[name]
    named = {(each["name"], each.get("account_id")): each for each in secrets}
    assert len(named) == len(secrets)
    return named, fields, error is None


def order(done: Done) -> list[tuple[str, str]]:
    """Return the secrets with trouble in their order."""
    troubled = [
        each
        for each in done.document["secrets"]
        if each["error"] or any(row["findings"] or row["error"] for row in each["replicas"])
    ]
    return [(each["name"], each.get("account_id", "")) for each in troubled]


def reporting(folder: Path, stem: str) -> list[str]:
    """Return the options that write every report."""
    return [word for end in REPORTS for word in ("--report", f"{folder}/{stem}.{end}")]


def reported(folder: Path, stem: str) -> dict[str, Any]:
    """Return what the reports say of the secrets, without times; of the run's error only that there is one."""
    read = {end: RANDOM.sub("-", (folder / f"{stem}.{end}").read_text()) for end in REPORTS}
    rows = re.findall(r'<tr role="row" aria-rowindex="\d+"(.*?)</tr>', read["html"], re.DOTALL)
    cases = ET.fromstring(read["xml"]).iter("testcase")
    events = [event | {"time": 0} for event in json.loads(read["ocsf.json"])]
    return {
        "html": sorted(rows),
        "xml": sorted(
            (case.get("classname"), case.get("name"), [(end.tag, end.get("type"), end.text) for end in case])
            for case in cases
            if case.get("classname") != "smrep audit"
        ),
        "prom": sorted(line for line in read["prom"].splitlines() if "seconds" not in line),
        "ocsf": sorted((event for event in events if "smrep audit" not in event["finding_info"]["title"]), key=str),
    }


@examples(60)
@given(
    estates(), st.sampled_from(["audit", "audit --deep", "plan", "plan --detailed-exitcode", "apply --yes"]), st.data()
)
def test_shards_merge_to_one_run_over_all(estate: Estate, command: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 5))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [*command.split(), "-f", written(estate, folder), "-o", "json"]
        is_audit = command.startswith("audit")
        asked = [
            [word for end in REPORTS for word in ("--report", f"{folder}/{stem}.{end}")] for stem in ("one", "all")
        ]
        with sandbox_of(estate) as sandbox:
            one = sandbox.smrep(*words, *(asked[0] if is_audit else ()))
        with sandbox_of(estate) as sandbox:
            parts = [sandbox.smrep(*words, "--shard", f"{number}/{count}") for number in range(1, count + 1)]
        paths = [saved(folder, part, f"part-{number}") for number, part in enumerate(parts)]
        shuffled = data.draw(st.permutations(paths))
        merged = merge(*shuffled, "-o", "json", *(reporting(folder, "all") if is_audit else ()))
        assert merged.code == one.code
        if estate.typo and estate.lost is None and not is_audit:  # the run over all ends before it looks at a secret
            assert merged.document["error"]["code"] == one.document["error"]["code"] == "ManifestError"
            return
        if len(estate.accounts) > 1:  # else each shard has warned
            assert ("prefix prdo/" in merged.err) == ("prefix prdo/" in one.err)
        for merged_part, part in zip(comparable(merged), comparable(one), strict=True):
            assert merged_part == part
        if is_audit:
            assert order(merged) == order(one)
            assert reported(folder, "all") == reported(folder, "one")


@examples(30)
@given(estates(), st.sampled_from(["audit", "audit --deep"]))
def test_accounts_merge_to_one_run_over_all(estate: Estate, command: str) -> None:
    """A run for each account, with its role and nothing about the others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers = ACCOUNTS[: len(estate.accounts)]
        with sandbox_of(estate) as sandbox:
            words = [*command.split(), "-f", manifest(folder, RULE), "-o", "json", "--role-arn"]
            parts = {number: sandbox.smrep(*words, role(number)) for number in numbers}
        with sandbox_of(estate) as sandbox:
            path = manifest(folder, RULE, account=[{"role_arn": role(number)} for number in numbers])
            one = sandbox.smrep(*command.split(), "-f", path, "-o", "json")
        paths = [saved(folder, done, number) for number, done in parts.items()]
        merged = merge(*paths, "-o", "json", "--expect-documents", str(len(parts)))
        assert (merged.code, merged.document["summary"]) == (one.code, one.document["summary"])
        assert {each["arn"]: each["result"] for each in merged.document["secrets"]} == {
            each["arn"]: each["result"] for each in one.document["secrets"]
        }
        if estate.lost is not None:
            lost = numbers[estate.lost]
            assert f"{folder}/{lost}.json: " in merged.document["error"]["message"]


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_a_shard_without_accounts_hides_no_name_that_nobody_has(tmp_path: Path, command: str) -> None:
    named = {"name": "named", "names": ["prod/00", "gone/1"], "regions": [WEST]}
    path = manifest(tmp_path, RULE, named, organization={"role_name": "smrep"})
    members = tuple(Member(number, number) for number in ("123456789012", *ACCOUNTS[:2]))
    with sandbox_of(TWO) as sandbox:
        sandbox.simulator.put_organization(OrganizationTree("123456789012", (), members))
        one = sandbox.smrep(command, "-f", path, "--json")
        parts = [sandbox.smrep(command, "-f", path, "--json", "--shard", f"{number}/6") for number in range(1, 7)]
    assert sum(not part.document["secrets"] for part in parts) >= 4
    merged = merge(*(saved(tmp_path, part, f"{number}") for number, part in enumerate(parts)), "--json")
    assert (merged.code, merged.document["summary"]) == (one.code, one.document["summary"])
    assert {each["name"] for each in merged.document["secrets"]} == {each["name"] for each in one.document["secrets"]}


TWO = Estate(({"prod/00": "covered", "prod/01": "missing"}, {"prod/02": "covered", "prod/03": "failed"}))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The documents of an audit in two shards and of one over all, by name; nothing may write to them."""
    folder = tmp_path_factory.mktemp("shards")
    words = ["audit", "--deep", "-f", written(TWO, folder)]
    with sandbox_of(TWO) as sandbox:
        parts = {"one": [], "1": ["--shard", "1/2"], "2": ["--shard", "2/2"]}
        return {name: sandbox.smrep(*words, *part, "-o", "json").out for name, part in parts.items()}


def files(folder: Path, **texts: str | bytes) -> list[str]:
    """Write the files; return their paths."""
    for name, text in texts.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(folder / name) for name in texts]


def refused(folder: Path, *words: str) -> str:
    """Run it, which merges nothing and says so in every output; return the error's message, without the folder."""
    done = merge(*words, "-o", "json", *reporting(folder, "report"))
    error = done.document["error"]
    assert (done.code, error["code"], done.document["secrets"]) == (2, "MergeError", [])
    assert (done.document["command"], "summary" in done.document) == ("merge", False)
    assert "smrep_audit_exit_code 2" in (folder / "report.prom").read_text()
    assert "covered" not in (folder / "report.ocsf.json").read_text()
    assert error["message"].startswith("the documents cannot be merged: ")
    return str(error["message"]).removeprefix("the documents cannot be merged: ").replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("", "b is empty"),
        ("{", "b is truncated: its JSON ends too early"),
        ("secret\tregion\n", "b is not JSON: Expecting value at line 1, column 1"),
        ("\x1b[2J", "b is not JSON: Expecting value at line 1, column 1"),
        (b"\xff\xfe{\x00}\x00", "b could not be read: it is not UTF-8"),
        ('{"Version": "2012-10-17"}', "b is JSON, but not a document of smrep"),
        ('{"schema": "smrep/2"}', "b is a file of the schema 'smrep/2'; this version of smrep merges smrep/1"),
        ("[" * 100_000, "b is not a document of smrep: it is nested too deeply"),
    ],
)
def test_a_bad_file_stops_it(shards: dict[str, str], tmp_path: Path, bad: str | bytes, words: str) -> None:
    assert refused(tmp_path, *files(tmp_path, a=shards["1"], b=bad)) == words


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_truncated_file_stops_it(shards: dict[str, str], tmp_path: Path, part: float) -> None:
    text = shards["2"].rstrip()
    assert refused(tmp_path, *files(tmp_path, a=shards["1"], b=text[: int(len(text) * part)])) == (
        "b is truncated: its JSON ends too early"
    )


def test_all_bad_files_are_named_at_once(shards: dict[str, str], tmp_path: Path) -> None:
    paths = files(tmp_path, a=shards["1"], b="")
    assert refused(tmp_path, *paths, str(tmp_path / "none"), str(tmp_path)).replace(str(tmp_path), "folder") == (
        "b is empty; none could not be read: No such file or directory; folder could not be read: Is a directory"
    )


def test_a_shard_must_be_there_and_once(shards: dict[str, str], tmp_path: Path) -> None:
    a, b, one, copy, again = files(
        tmp_path, a=shards["1"], b=shards["2"], one=shards["one"], copy=shards["1"], again=shards["one"]
    )
    assert refused(tmp_path, b) == "no document of shard 1/2"
    assert refused(tmp_path, a, b, copy) == "a and copy are both of shard 1/2"
    assert refused(tmp_path, a, b, one) == "one is of no shard, unlike the others"
    assert (
        refused(tmp_path, one, again)
        == "one and again both have "
        + ", ".join(
            f"{name} (account {ACCOUNTS[number]})" for name, number in (("gone/1", 0), ("prod/03", 1), ("prod/01", 0))
        )
        + " and 2 more"
    )


def test_as_many_documents_as_expected_must_be_there(shards: dict[str, str], tmp_path: Path) -> None:
    paths = files(tmp_path, a=shards["1"], b=shards["2"])
    assert refused(tmp_path, *paths, "--expect-documents", "3") == "--expect-documents says 3, but there are 2"
    assert merge(*paths, "--expect-documents", "2").code == 1


def test_a_document_without_secrets_given_twice_is_not_two(shards: dict[str, str], tmp_path: Path) -> None:
    empty = json.loads(shards["one"]) | {"secrets": [], "summary": {}}
    (path,) = files(tmp_path, empty=json.dumps(empty))
    assert refused(tmp_path, path, path, "--expect-documents", "2") == "empty is given twice"


def test_the_document_of_a_mistyped_command_line_stops_it(shards: dict[str, str], tmp_path: Path) -> None:
    mistyped = Sandbox(Simulator(now=lambda: 0.0, rng=random.Random(3)), "http://127.0.0.1:1").smrep("audit", "--json")
    words = refused(tmp_path, *files(tmp_path, a=shards["1"], b=mistyped.out))
    assert words.startswith("b is of no shard, unlike the others (it ended with: audit needs either -r REGION or -f")


def test_only_the_documents_of_audits_have_reports(tmp_path: Path) -> None:
    with sandbox_of(TWO) as sandbox:
        (plan,) = files(tmp_path, plan=sandbox.smrep("plan", "-f", written(TWO, tmp_path), "-o", "json").out)
    done = merge(plan, "--report", str(tmp_path / "plan.html"), "--json")
    assert (done.code, done.document["error"]["message"]) == (2, "--report needs documents of audit, not of plan")


@pytest.mark.parametrize("form", ["text", "csv", "name", "table"])
def test_every_format_is_that_of_one_run(shards: dict[str, str], tmp_path: Path, form: str) -> None:
    merged = merge(*files(tmp_path, a=shards["1"], b=shards["2"]), "-o", form)
    with sandbox_of(TWO) as sandbox:
        one = sandbox.smrep("audit", "--deep", "-f", written(TWO, tmp_path), "-o", form)
    strip = re.compile(r"\(\d+\.\d s\)")
    assert sorted(strip.sub("", merged.out).splitlines()) == sorted(strip.sub("", one.out).splitlines())
    assert merged.code == one.code == 1


def test_events_end_with_the_merged_document(shards: dict[str, str], tmp_path: Path) -> None:
    done = merge(*files(tmp_path, a=shards["1"], b=shards["2"]), "-o", "ndjson")
    first, *_, last = map(json.loads, done.out.splitlines())
    assert (first["type"], last["type"], last["document"]["command"]) == ("version", "result", "audit")
    assert {each["name"] for each in last["document"]["secrets"]} >= {"prod/00", "prod/03"}


def test_a_document_may_come_from_standard_input_and_a_query_selects(shards: dict[str, str], tmp_path: Path) -> None:
    (a,) = files(tmp_path, a=shards["1"])
    done = merge(a, "-", "--query", "secrets[?result != 'ok'].name", "-o", "text", stdin=shards["2"])
    assert (done.code, done.out.split()) == (1, ["gone/1", "prod/03", "prod/01"])


def test_it_warns_of_a_leftover_of_an_earlier_run(shards: dict[str, str], tmp_path: Path) -> None:
    old = json.loads(shards["2"]) | {"started_at": "2026-01-01T00:00:00Z"}
    done = merge(*files(tmp_path, a=shards["1"], b=json.dumps(old)))
    assert "warning: these may be documents of different runs: " in done.err


def test_the_name_of_a_file_moves_no_terminal(shards: dict[str, str], tmp_path: Path) -> None:
    done = merge(*files(tmp_path, a=shards["1"], **{"\x1b[2J": "{"}), "-o", "text")
    assert "\x1b" not in done.out + done.err
    assert "\\x1b[2J is truncated" in done.err
