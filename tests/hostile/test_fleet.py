"""Hostile text through the commands about many secrets: answers, manifests, saved plans, and the files they write."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree as ET

import pytest
from fixtures import Done
from hostile.lying_sandbox import COMMANDS, MANIFEST, LyingSandbox, lying, recorded_reports
from hostile.output_checks import acts, commands, harmless, harmless_in_every_format, hints, quoted, true_json
from hostile.payloads import EVERYTHING, SHELL, SURROGATES, TEXTS
from hostile.sources import ACCOUNT, SOURCES
from page_reader import read

from smrep.errors import UsageError
from smrep.output.safe import safe
from smrep.rules.fleet.saved_plan import parse_saved
from smrep.rules.manifest.parser import parse


def _rule(**changes: Any) -> dict[str, Any]:
    return {**MANIFEST, "replicate": [MANIFEST["replicate"][0] | changes]}  # type: ignore[index]


ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
MANIFESTS: dict[str, Callable[[str], object]] = {
    "field": lambda text: MANIFEST | {text: 1},
    "schema": lambda text: MANIFEST | {"schema": text},
    "account": lambda text: MANIFEST | {"account_id": text},
    "primary Region": lambda text: MANIFEST | {"primary_region": text},
    "rules": lambda text: MANIFEST | {"replicate": text},
    "rule's field": lambda text: _rule(**{text: 1}),
    "rule's name": lambda text: _rule(name=text),
    "two rules of a name": lambda text: _rule(name=text) | {"replicate": [_rule(name=text)["replicate"][0]] * 2},
    "names": lambda text: _rule(names=[text]),
    "ARN": lambda text: _rule(names=[f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{text}-a1b2c3"]),
    "another account's ARN": lambda text: _rule(names=[f"arn:aws:secretsmanager:us-east-1:1:secret:{text}"]),
    "prefix": lambda text: _rule(prefix=[text]),
    "tag": lambda text: _rule(tags={text: "true"}),
    "tag's value": lambda text: _rule(tags={"dr": text}),
    "exclude": lambda text: _rule(exclude=[text]),
    "Region": lambda text: _rule(regions=[text]),
    "Region's field": lambda text: _rule(regions=[{"region": "us-west-2", text: 1}]),
    "key": lambda text: _rule(regions=[{"region": "us-west-2", "kms_key": text}]),
    "alias": lambda text: _rule(regions=[{"region": "us-west-2", "kms_key": f"alias/{text}"}]),
    "two keys": lambda text: MANIFEST | {"replicate": [*_rule()["replicate"], *_keyed(text)["replicate"]]},
    "remove_extra": lambda text: _rule(remove_extra=text),
    "role": lambda text: MANIFEST | {"account": [{"role_arn": text}]},
    "role's name": lambda text: MANIFEST | {"account": [{"role_arn": ROLE + "".join(text.split())}]},
    "external id": lambda text: MANIFEST | {"account": [{"role_arn": f"{ROLE}x", "external_id": text}]},
    "role's Region": lambda text: MANIFEST | {"account": [{"role_arn": f"{ROLE}x", "region": text}]},
}


def _keyed(text: str) -> dict[str, Any]:
    return _rule(name=f"other {text}", regions=[{"region": "us-west-2", "kms_key": f"alias/{text}"}])


@pytest.fixture(scope="module")
def liar() -> Iterator[LyingSandbox]:
    with lying(None, "") as liar:
        yield liar


READERS = (["plan", "-f", "-", "-o", "table"], ["audit", "-f", "-", "-o", "text"], ["apply", "-f", "-", "-n", "--json"])


def mistakes(read: Callable[[str, str], object], text: str) -> list[str]:
    """Return the words of the error in which reading the text ends, as they are printed under a runner."""
    try:
        read(text, "x")
    except UsageError as error:
        with mock.patch.dict(os.environ, {"GITHUB_ACTIONS": "true"}):
            return [safe(each) for each in (str(error), *error.details, error.hint or "")]
    return []


@pytest.mark.parametrize(("place", "words"), [*zip(MANIFESTS, cycle(READERS), strict=False)])
def test_the_words_of_a_manifest(liar: LyingSandbox, place: str, words: list[str]) -> None:
    stdin = json.dumps(MANIFESTS[place](EVERYTHING))
    with recorded_reports() as reports:
        done = liar.run(*words, stdin=stdin, GITHUB_ACTIONS="true")
    harmless(Done(done.code, "", done.err) if "--json" in words else done, runner=True)
    for report in reports:
        for hint in hints(harmless_in_every_format(report)):
            quoted(hint, SHELL, "pwned")
    for text in TEXTS.values():
        for line in mistakes(parse, json.dumps(MANIFESTS[place](text))):
            assert acts(line) == []
            assert commands(line) == []


@pytest.mark.parametrize("text", [EVERYTHING, "{" + EVERYTHING, f"a = '{EVERYTHING}", f"[[{EVERYTHING}]]"])
def test_what_is_no_manifest(liar: LyingSandbox, text: str) -> None:
    done = liar.run("plan", "-f", "-", stdin=text, GITHUB_ACTIONS="true")
    assert done.code == 2
    harmless(done, runner=True)


def test_a_rules_name_is_shown_in_the_plan(liar: LyingSandbox) -> None:
    for text in TEXTS.values():
        name = text.replace(SURROGATES, "")
        done = liar.run("plan", "-f", "-", "-o", "table", stdin=json.dumps(_rule(name=name)))
        assert done.code == 0
        harmless(done)
        shown = re.sub(r"[\s│|]", "", done.out)
        assert re.sub(r"[\s│|]", "", safe(name))[:20] in shown


Change = Callable[[dict[str, Any], str], object]
PLANS: dict[str, Change] = {
    "field": lambda plan, text: plan.update({text: text}),
    "schema": lambda plan, text: plan.update(schema=text),
    "version": lambda plan, text: plan.update(smrep_version=text),
    "moment": lambda plan, text: (plan.update(made_at=text), plan["secrets"][0]["steps"][0].update(status="x")),
    "accounts": lambda plan, text: plan.update(accounts=text),
    "role": lambda plan, text: plan.update(accounts=[{"place": text, "role_arn": text}]),
    "role's name": lambda plan, text: plan.update(accounts=[{"place": text, "role_arn": ROLE + "".join(text.split())}]),
    "external id": lambda plan, text: plan.update(accounts=[{"role_arn": f"{ROLE}x", "external_id": text}]),
    "role's Region": lambda plan, text: plan.update(accounts=[{"role_arn": f"{ROLE}x", "region": text}]),
    "secrets": lambda plan, text: plan.update(secrets=text),
    "ARN": lambda plan, text: plan["secrets"][0].update(arn=text),
    "secret": lambda plan, text: plan["secrets"][0].update(arn=plan["secrets"][0]["arn"] + text),
    "rule": lambda plan, text: plan["secrets"][0].update(rules=[text]),
    "action": lambda plan, text: plan["secrets"][0]["steps"][0].update(action=text),
    "Region": lambda plan, text: plan["secrets"][0]["steps"][0].update(region=text),
    "key": lambda plan, text: plan["secrets"][0]["steps"][0].update(kms_key=text),
    "alias": lambda plan, text: plan["secrets"][0]["steps"][0].update(kms_key=f"alias/{text}"),
    "status": lambda plan, text: plan["secrets"][0]["steps"][0].update(status=text),
}


@pytest.mark.parametrize(("place", "output"), [*zip(PLANS, cycle(["table", "json"]), strict=False)])
def test_the_words_of_a_saved_plan(liar: LyingSandbox, tmp_path: Path, place: str, output: str) -> None:
    file = tmp_path / "dr.plan"
    assert liar.run("plan", "-f", "-", "--out", str(file)).code == 0
    saved = file.read_text()

    def changed(text: str) -> str:
        plan = json.loads(saved)
        PLANS[place](plan, text)
        return json.dumps(plan)

    file.write_text(changed(EVERYTHING))
    with recorded_reports() as reports:
        done = liar.run("apply", "--plan", str(file), "-n", "-o", output, GITHUB_ACTIONS="true")
    harmless(Done(done.code, "", done.err) if output == "json" else done, runner=True)
    for report in reports:
        for hint in hints(harmless_in_every_format(report)):
            quoted(hint, SHELL, "pwned")
    for text in TEXTS.values():
        for line in mistakes(parse_saved, changed(text)):
            assert acts(line) == []
            assert commands(line) == []


@pytest.mark.parametrize("name", ["name", "ARN"])
def test_a_secret_that_is_not_the_one_asked_for_is_written_to_no_journal(name: str, tmp_path: Path) -> None:
    file = tmp_path / "dr.jsonl"
    with lying(SOURCES[name], EVERYTHING) as liar:
        liar.run(*COMMANDS["apply"], "--journal", str(file))
    assert file.read_text() == ""


LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = rf"# (?:HELP|TYPE) smrep_\w+ .+|smrep_\w+(?:{{{LABEL}(?:,{LABEL})*}})? [0-9.e+-]+"


@pytest.mark.parametrize("name", ["listed name", "listed ARN", "message", "stranger over there", "Region"])
def test_reports_are_whole_and_harmless(name: str, tmp_path: Path) -> None:
    junit, metrics, page = (tmp_path / f"audit{each}" for each in (".xml", ".prom", ".html"))
    with lying(SOURCES[name], EVERYTHING) as liar:
        liar.run(*COMMANDS["audit"], *(word for each in (junit, metrics, page) for word in ("--report", str(each))))
    assert acts(junit.read_text() + metrics.read_text() + page.read_text()) == []
    assert read(page.read_text()).the("h1").text.startswith("Coverage of the secrets")
    assert [each.tag for each in ET.fromstring(junit.read_text())] == ["testsuite"]
    for line in metrics.read_text().splitlines():
        assert re.fullmatch(SAMPLE, line), line


@pytest.mark.parametrize("name", ["key", "key word"])
def test_an_exported_manifest_says_what_is_there(name: str) -> None:
    text = EVERYTHING.replace(SURROGATES, "")
    with lying(SOURCES[name], text) as liar:
        written, as_json = (liar.run("export", "-o", shown) for shown in ("text", "json"))
    harmless(written, runner=False)
    assert tomllib.loads(written.out) == true_json(as_json.out)


@pytest.mark.parametrize("name", ["name", "listed name"])
def test_no_manifest_is_made_of_a_secret_that_is_not_the_one_asked_for(name: str) -> None:
    with lying(SOURCES[name], EVERYTHING) as liar:
        written = liar.run("export", "-o", "text")
    harmless(written, runner=False)
    assert (written.code, written.out) == (1, "")
