"""docs/fleet.md: its commands pasted into a shell with a sandbox, its manifests, jobs and examples read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import ROOT, Sandbox
from typed_pages import expected_code, fenced, paste, section

from smrep.cli.commands.apply import apply
from smrep.rules.manifest.parser import ACCOUNT_FIELDS, FIELDS, ORGANIZATION_FIELDS, RULE_FIELDS, parse
from smrep.sandbox.simulator.organization_tree import Member, OrganizationTree, Unit

PAGE = (ROOT / "docs/fleet.md").read_text()
SIGNING = ("prod/signing/root", "prod/signing/issuer")


def blocks(language: str, title: str | None = None) -> list[str]:
    """Return the blocks in a language, of one section or of the page."""
    return fenced(section(PAGE, title) if title else PAGE, language)


@pytest.fixture
def stock(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return a sandbox with the secrets that the page's manifest selects; one has a replica in a Region too many."""
    sandbox = make_sandbox(removal_delay_s=0.0)
    for region in ("eu-west-1", "us-west-2"):
        sandbox.key("alias/dr", region)
    tags = [{"Key": "dr", "Value": "true"}]
    for name in ("prod/payments/db", "prod/payments/tmp-1", *SIGNING):
        sandbox.create(name, Tags=tags)
    for region in ("us-west-2", "sa-east-1"):
        sandbox.call("ReplicateSecretToRegions", SecretId=SIGNING[0], AddReplicaRegions=[{"Region": region}])
    return sandbox


def lines(title: str) -> Iterator[str]:
    for block in blocks("sh", title):
        yield from block.splitlines()


@pytest.mark.docs
def test_what_is_there_is_adopted_in_one_command(stock: Sandbox, tmp_path: Path) -> None:
    for line in lines("Adopt existing replicas"):
        done = paste(stock, line, tmp_path)
        assert done.returncode == expected_code(line), (line, done.stderr)
    assert parse((tmp_path / "dr.toml").read_text(), "dr.toml").account_id == "123456789012"


@pytest.mark.docs
def test_a_manifest_is_audited_planned_and_applied(stock: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "dr.toml").write_text(blocks("toml", "The manifest")[0])
    audit, pipe, findings = lines("What audit can see")
    assert paste(stock, findings, tmp_path).returncode == 5
    events = json.loads((tmp_path / "audit.ocsf.json").read_text())
    assert f"{SIGNING[0]} in sa-east-1: extra" in {event["finding_info"]["title"] for event in events}
    (tmp_path / "audit.ocsf.json").unlink()
    assert paste(stock, audit, tmp_path).returncode == 5
    assert {each.name for each in tmp_path.glob("audit.*")} == {"audit.html", "audit.xml", "audit.prom"}
    check, plan, do = lines("Plan and apply in CI")
    assert paste(stock, check, tmp_path).returncode == 5
    assert paste(stock, plan, tmp_path).returncode == 0
    done = paste(stock, do, tmp_path)
    assert done.returncode == 0, done.stderr
    assert paste(stock, check, tmp_path).returncode == 0
    assert paste(stock, audit, tmp_path).returncode == 0
    assert [region for region, _ in replicas(stock, SIGNING[0])] == ["ap-northeast-1", "us-west-2"]
    assert replicas(stock, "prod/payments/tmp-1") == []
    assert paste(stock, pipe, tmp_path).returncode == 5  # of its first part: one was missing, and was added
    assert [region for region, _ in replicas(stock, "prod/payments/tmp-1")] == ["us-west-2"]


@pytest.mark.docs
def test_shards_are_merged(stock: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "dr.toml").write_text(blocks("toml", "The manifest")[0])
    shards = next(block.splitlines() for block in blocks("sh") if "smrep merge" in block)
    for line in shards:
        done = paste(stock, line, tmp_path)
    assert done.returncode == 5, done.stderr
    assert {each.name for each in tmp_path.glob("audit.*")} == {"audit.html", "audit.ocsf.json"}


def replicas(sandbox: Sandbox, name: str) -> list[tuple[str, str]]:
    shown = sandbox.call("DescribeSecret", SecretId=name).get("ReplicationStatus", [])
    return sorted((each["Region"], each["Status"]) for each in shown)


@pytest.mark.parametrize("text", blocks("toml"))
def test_each_manifest_of_the_page_is_one(text: str) -> None:
    assert parse(text, "dr.toml").rules


def test_each_field_of_the_manifest_is_explained() -> None:
    told = set(re.findall(r"`([a-z_.]+)`", re.findall(r"\| field \|.*?\n\n", PAGE, re.DOTALL)[0]))
    assert {*FIELDS[:3], *(f"replicate.{each}" for each in RULE_FIELDS)} <= told
    assert all(re.search(rf"^{each} = ", PAGE, re.MULTILINE) for each in (*ACCOUNT_FIELDS, *ORGANIZATION_FIELDS))


@pytest.mark.docs
def test_the_accounts_of_an_organization_are_listed(make_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make_sandbox()
    units = (Unit("ou-ab12-11111111", "workloads"), Unit("ou-ab12-22222222", "test", "ou-ab12-11111111"))
    members = (
        Member("123456789012", "management"),
        Member("999999999999", "lookup"),
        Member("111111111111", "payments", "ou-ab12-11111111"),
        Member("222222222222", "alice-sandbox", "ou-ab12-11111111"),
        Member("333333333333", "web", "ou-ab12-22222222"),
    )
    tree = OrganizationTree("123456789012", units, members, delegated=frozenset({"999999999999"}))
    sandbox.simulator.put_organization(tree)
    (text,) = [block for block in blocks("toml") if "[organization]" in block]
    (tmp_path / "dr.toml").write_text(text)
    (block,) = [block for block in blocks("sh", "Many accounts") if "smrep accounts" in block]
    done = [paste(sandbox, line, tmp_path) for line in block.splitlines()]
    assert [each.returncode for each in done] == [0, 0]
    assert done[0].stdout.splitlines()[0].startswith("111111111111\tpayments\tACTIVE\tcovered\tus-east-1\t")
    assert done[1].stdout == "111111111111\n"


def understood(words: list[str]) -> None:
    """Assert that these are words of `smrep apply`, short of the manifest that they name."""
    assert words[0] == "apply"
    context = apply.make_context("apply", words[1:])
    context.close()


def test_the_jobs_say_what_smrep_understands() -> None:
    batch: Any = json.loads(next(each for each in blocks("json") if "jobDefinitionName" in each))
    understood(batch["containerProperties"]["command"])
    assert batch["containerProperties"]["readonlyRootFilesystem"] is True
    (github,) = (yaml.safe_load(each) for each in blocks("yaml"))
    job = github["jobs"]["apply"]
    last = job["steps"][-1]["with"]["command"]
    for shard in job["strategy"]["matrix"]["shard"]:
        understood(last.replace("${{ matrix.shard }}", str(shard)).split())


def test_the_image_on_top_holds_the_manifest_where_the_jobs_look_for_it() -> None:
    (found,) = [each.splitlines() for each in blocks("dockerfile")]
    assert found == ["FROM smrep", "COPY --chmod=444 dr.toml /etc/smrep/"]
    assert '"-f", "/etc/smrep/dr.toml"' in PAGE
    assert "docker build -t smrep ." in PAGE


@pytest.mark.docs
def test_the_journal_is_as_the_page_shows_it(stock: Sandbox, tmp_path: Path) -> None:
    (shown,) = [json.loads(each) for each in blocks("json", "Rate and journal")]
    (tmp_path / "dr.toml").write_text(blocks("toml", "The manifest")[0])
    paste(stock, "smrep apply -f dr.toml --yes --max-removals 1 --journal dr.jsonl", tmp_path)
    written = [json.loads(line) for line in (tmp_path / "dr.jsonl").read_text().splitlines()]
    keys = {region for each in written for region in each.get("kms_key_ids", {})}
    assert keys == set(shown.pop("kms_key_ids")) == {"eu-west-1"}
    assert [[key for key in each if key != "kms_key_ids"] for each in written] == [list(shown)] * len(written)


def test_the_page_names_every_command_about_many_secrets() -> None:
    for name in ("list", "audit", "export", "plan", "accounts", "apply", "merge"):
        assert f"| `smrep {name} " in PAGE
