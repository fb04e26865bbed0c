"""Hostile text from AWS Organizations, and lists of accounts that no sound service sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest
from fixtures import Done
from hostile.lying_sandbox import LyingSandbox, lying, recorded_reports
from hostile.output_checks import harmless, harmless_in_every_format, hints, plain_markdown, quoted, texts, true_json
from hostile.payloads import EVERYTHING
from hostile.sources import ACCOUNT, MARK, OUTPUTS, Answer, Source

from smrep.sandbox.organization_seed import sample_organization
from smrep.sandbox.simulator.page_tokens import encode_token
from smrep.sandbox.simulator.simulated_aws import ApiError

MANIFEST = {
    "schema": 1,
    "organization": {"role_name": "smrep", "ous": ["r-sbox"], "exclude": ["ou-sbox-sandboxes"]},
    "replicate": [{"prefix": ["prod/"], "regions": ["us-west-2"]}],
}
LIST, UNITS = "ListAccountsForParent", "ListOrganizationalUnitsForParent"


def _each(kind: str, **changes: object) -> Callable[[Answer, str], None]:
    """Change each account or OU of a list."""

    def lie(answer: Answer, _region: str) -> None:
        for entry in answer[kind]:
            entry.update(changes)

    return lie


def _refused(code: str) -> Callable[[Answer, str], None]:
    def lie(_answer: Answer, _region: str) -> None:
        raise ApiError(code, f"no: {MARK}")

    return lie


SOURCES = {
    "name": (LIST, _each("Accounts", Name=MARK), 0),
    "state": (LIST, _each("Accounts", State=MARK), 2),
    "old status": (LIST, _each("Accounts", State=None, Status=MARK), 2),
    "id": (LIST, _each("Accounts", Id=MARK), 1),
    "ARN": (LIST, _each("Accounts", Arn=MARK), 1),
    "token": (LIST, lambda answer, _: answer.update(NextToken=MARK), 1),
    "OU": (UNITS, _each("OrganizationalUnits", Id=MARK), 1),
    "refusal": (LIST, _refused("NoException"), 1),
    "code": (LIST, _refused(MARK), 1),
    "denial": (LIST, _refused("AccessDeniedException"), 4),
    "no organization": (LIST, _refused("AWSOrganizationsNotInUseException"), 2),
    "no OU": (LIST, _refused("ParentNotFoundException"), 2),
}
"""What lies, how, and the exit code."""
SENSELESS = ("id", "ARN", "token", "code")
"""Sources whose text makes no sense in an answer, and is not quoted."""


@contextmanager
def organization(operation: str, lie: Callable[[Answer, str], None], text: str = EVERYTHING) -> Iterator[LyingSandbox]:
    with lying(Source(operation, lie), text) as liar:
        liar.simulator.put_organization(sample_organization(ACCOUNT))
        yield liar


def run(liar: LyingSandbox, *words: str, command: str = "accounts", **env: str) -> Done:
    return liar.run(command, "-f", "-", *words, stdin=json.dumps(MANIFEST), **env)


@pytest.mark.parametrize(("source", "output"), [*zip(SOURCES, cycle(OUTPUTS), strict=False)])
def test_no_format_acts_on_a_text_from_organizations(source: str, output: str, tmp_path: Path) -> None:
    operation, lie, code = SOURCES[source]
    summary = tmp_path / "summary"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    with organization(operation, lie) as liar, recorded_reports() as reports:
        done = run(liar, "-o", output, "--color", "always", "--debug", **env)
        told = harmless_in_every_format(reports[0])
    assert done.code == told["exit_code"] == code
    if output == "json":
        assert true_json(done.out) == told
        done = Done(done.code, "", done.err)
    harmless(done, colored=True, runner=True)
    assert any(EVERYTHING in each for each in texts(told)) == (source not in SENSELESS)
    for hint in hints(told):
        quoted(hint, EVERYTHING, "pwned")
    plain_markdown(summary.read_text(encoding="utf-8"))


def test_a_name_is_harmless_where_its_account_is_lost() -> None:
    with organization(LIST, _each("Accounts", Name=MARK)) as liar, recorded_reports() as reports:
        tree = sample_organization(ACCOUNT)
        members = tuple(replace(member, has_roles=member.account_id != "333333333333") for member in tree.members)
        liar.simulator.put_organization(replace(tree, members=members))
        done = run(liar, "-o", "table", command="audit", GITHUB_ACTIONS="true")
        told = harmless_in_every_format(reports[0])
    harmless(done, runner=True)
    assert (done.code, told["error"]["code"]) == (4, "SomeAccountsLost")
    assert f"organization ({EVERYTHING}), account 333333333333: " in told["error"]["message"]


def _empty_pages(answer: Answer, numbers: Iterator[int]) -> None:
    answer.clear()
    answer.update({"Accounts": [], "NextToken": encode_token((str(next(numbers)), ""))})


def _without_list(answer: Answer, _: Iterator[int]) -> None:
    answer.pop("Accounts")


def _same_page(answer: Answer, _: Iterator[int]) -> None:
    answer["NextToken"] = encode_token(("", ""))


def _holes(answer: Answer, _: Iterator[int]) -> None:
    answer["Accounts"] = [None, *answer["Accounts"]]


PAGES: dict[str, Callable[[Any, Iterator[int]], None]] = {
    "pages in a row showed nothing new": _empty_pages,
    "Accounts is missing": _without_list,
    "AWS returned the same page token again": _same_page,
    "AttributeError": _holes,
}


@pytest.mark.parametrize(("words", "command"), list(zip(PAGES, ["accounts", "audit"] * 2, strict=True)))
def test_a_list_that_is_not_whole_is_no_list(words: str, command: str) -> None:
    numbers = count()
    with organization(LIST, lambda answer, _: PAGES[words](answer, numbers)) as liar:
        done = run(liar, "--json", command=command)
    assert (done.code, done.document["result"]) == (1, "failed")
    assert words in done.document["error"]["message"]
    assert done.document["secrets"] == []
    assert done.document.get("accounts", []) == []
    assert not [
        call for call in liar.simulator.log if call.service == "secretsmanager" and call.operation == "ListSecrets"
    ]
