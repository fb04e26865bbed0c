"""Hostile text through the commands about many secrets: answers, manifests, saved plans, and the files they write."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hostile.lying_sandbox import COMMANDS, MANIFEST, LyingSandbox, lying
from hostile.output_checks import acts, document, harmless, hints, quoted, rows, texts, true_json
from hostile.payloads import EVERYTHING, SHELL, SURROGATES, TEXTS
from hostile.sources import ACCOUNT, FLEET, LOOKING, SOURCES
from page_reader import read

from smrep.output.safe import safe

TOLD = {
    "name": ("audit", "plan", "apply", "export"),
    "listed name": ("list",),
    "listed ARN": ("list",),
    "message": ("audit", "plan", "apply", "export"),
    "listed key": ("export",),
    "status": ("audit", "plan", "apply", "export"),
    "refusal of ListSecrets": FLEET,
    "refusal of DescribeSecret": LOOKING,
    "refusal of ReplicateSecretToRegions": ("apply",),
}


@pytest.mark.parametrize(("name", "command"), [(name, command) for name, those in TOLD.items() for command in those])
def test_every_format_tells_it_and_none_is_acted_on(name: str, command: str) -> None:
    for flags in (["table", "--color", "always"], ["text"], ["name"]):
        with lying(SOURCES[name], EVERYTHING) as liar:
            done = liar.run(*COMMANDS[command], "-o", *flags)
        harmless(done, coloured="always" in flags)
        if flags == ["text"] and command != "export":
            rows(done.out)
    with lying(SOURCES[name], EVERYTHING) as liar:
        events = true_json(liar.run(*COMMANDS[command], "-o", "ndjson").out)
    assert any(EVERYTHING in each for event in events for each in texts(event))


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


@pytest.mark.parametrize("text", [EVERYTHING, *TEXTS.values()], ids=["everything", *TEXTS])
@pytest.mark.parametrize("place", MANIFESTS)
def test_the_words_of_a_manifest(liar: LyingSandbox, place: str, text: str) -> None:
    stdin = json.dumps(MANIFESTS[place](text))
    for words in (["plan", "-f", "-", "-o", "table"], ["audit", "-f", "-"], ["apply", "-f", "-", "-n"]):
        harmless(liar.run(*words, stdin=stdin, GITHUB_ACTIONS="true"), runner=True)
    for hint in hints(document(liar.run("plan", "-f", "-", "--json", stdin=stdin))):
        quoted(hint, SHELL, "pwned")


@pytest.mark.parametrize("text", [EVERYTHING, "{" + EVERYTHING, f"a = '{EVERYTHING}", f"[[{EVERYTHING}]]"])
def test_what_is_no_manifest(liar: LyingSandbox, text: str) -> None:
    done = liar.run("plan", "-f", "-", stdin=text, GITHUB_ACTIONS="true")
    assert done.code == 2
    harmless(done, runner=True)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_rules_name_is_shown_in_the_plan(liar: LyingSandbox, text: str) -> None:
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


@pytest.mark.parametrize("place", PLANS)
def test_the_words_of_a_saved_plan(liar: LyingSandbox, tmp_path: Path, place: str) -> None:
    file = tmp_path / "dr.plan"
    assert liar.run("plan", "-f", "-", "--out", str(file)).code == 0
    saved = json.loads(file.read_text())
    for text in (EVERYTHING, *TEXTS.values()):
        plan = json.loads(json.dumps(saved))
        PLANS[place](plan, text)
        file.write_text(json.dumps(plan))
        harmless(liar.run("apply", "--plan", str(file), "-n", "-o", "table", GITHUB_ACTIONS="true"), runner=True)
        for hint in hints(document(liar.run("apply", "--plan", str(file), "-n", "--json"))):
            quoted(hint, SHELL, "pwned")


@pytest.mark.parametrize("name", ["name", "ARN"])
def test_a_line_of_the_journal_is_true_json(name: str, tmp_path: Path) -> None:
    file = tmp_path / "dr.jsonl"
    with lying(SOURCES[name], EVERYTHING) as liar:
        liar.run(*COMMANDS["apply"], "--journal", str(file))
    (line,) = file.read_text().splitlines()
    told = true_json(line)
    assert told["operation"] == "ReplicateSecretToRegions"
    assert (EVERYTHING in told["secret"]) == (name == "ARN")


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
    label = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
    for line in metrics.read_text().splitlines():
        assert re.fullmatch(rf"# (?:HELP|TYPE) smrep_\w+ .+|smrep_\w+(?:{{{label}(?:,{label})*}})? [0-9.e+-]+", line), (
            line
        )


@pytest.mark.parametrize("name", ["name", "key", "key word", "listed name"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_exported_manifest_says_what_is_there(name: str, text: str) -> None:
    text = text.replace(SURROGATES, "")
    with lying(SOURCES[name], text) as liar:
        written, as_json = (liar.run("export", "-o", shown) for shown in ("text", "json"))
    harmless(written, runner=False)
    assert tomllib.loads(written.out) == true_json(as_json.out)
    assert name != "name" or true_json(as_json.out)["replicate"][0]["names"] == [text]
