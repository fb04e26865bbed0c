"""The parts of the document are the document: the same JSON, to the last blank, and no secret is made too early."""

from __future__ import annotations

import json

from fixtures import VALIDATOR
from hostile.output_checks import true_json
from hostile.payloads import EVERYTHING
from hypothesis import example, given
from hypothesis import strategies as st
from output.any_report import BEGAN, TRAPS, reports, secrets

from smrep.errors import Outcome
from smrep.output.json_document import document, document_parts
from smrep.output.safe import to_json
from smrep.report import LazyReports, RunReport, SecretReport


def report(*secrets: SecretReport, name: str | None = None) -> RunReport:
    return RunReport("audit", Outcome.OK, 0, BEGAN, 1.0, endpoint_url=name, secrets=secrets, summary={"secrets": 0})


@given(reports)
@example(report())
@example(report(SecretReport("a", Outcome.OK), name=TRAPS[0]))
@example(report(SecretReport(EVERYTHING.encode("utf-8", "replace").decode(), Outcome.OK)))
def test_the_parts_together_are_the_document(run: RunReport) -> None:
    text = "".join(document_parts(run))
    assert text == to_json(document(run)) + "\n"
    assert json.loads(text) == document(run)


@given(reports)
def test_no_word_in_it_moves_a_terminal_or_a_runner(run: RunReport) -> None:
    VALIDATOR.validate(true_json("".join(document_parts(run))))


@given(st.lists(secrets, max_size=4))
def test_how_many_secrets_there_are_changes_nothing_about_each(several: list[SecretReport]) -> None:
    singles = [json.loads("".join(document_parts(report(secret))))["secrets"] for secret in several]
    together = json.loads("".join(document_parts(report(*several))))["secrets"]
    assert together == [secret for single in singles for secret in single]


def test_a_secret_is_made_when_its_part_is_asked_for_and_only_then() -> None:
    made: list[int] = []

    def make(number: int) -> SecretReport:
        made.append(number)
        return SecretReport(f"s{number}", Outcome.OK)

    run = RunReport("list", Outcome.OK, 0, BEGAN, 1.0, secrets=LazyReports(range(10_000), make))
    running = document_parts(run)
    assert made == []
    written = longest = 0
    for part in running:
        written += part.count('"name"')
        longest = max(longest, len(part))
        assert len(made) - written <= 1
    assert made == [*range(10_000)]
    assert longest < 5000
