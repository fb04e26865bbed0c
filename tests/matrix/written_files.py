"""Checks the files a run writes (journal, record, reports) against what it did and how it ended."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from page_reader import facts, read

from smrep.aws.allow_list import WRITES
from smrep.sandbox.simulator.simulated_aws import Call

JOURNAL, JUNIT, METRICS, PAGE = "dr.jsonl", "audit.xml", "audit.prom", "audit.html"
RECORD = "record.jsonl"


def check_journal(text: str, log: Iterable[Call]) -> None:
    """Assert that whatever arrived had been written down."""
    written = Counter(_of_line(json.loads(line)) for line in text.splitlines())
    arrived = Counter(_of_call(call) for call in log if call.operation in WRITES)
    assert arrived <= written, (arrived, written)


def check_record(text: str, log: Iterable[Call]) -> None:
    """Assert that what was promoted had been written down, and that what is written down as promoted was."""
    lines = [json.loads(line) for line in text.splitlines()]
    begun = {each["arn"] for each in lines if each.get("result") == "promoting"}
    arrived = [call for call in log if call.operation == "StopReplicationToReplica"]
    assert {call.secret_id for call in arrived if call.region == lines[0]["to"]} <= begun, (arrived, lines)


def check_reports(files: Mapping[str, str], code: int) -> None:
    """Assert that the reports look as good as the run ended, and not better."""
    suite = ET.fromstring(files[JUNIT])
    assert bool(suite.findall(".//failure") or suite.findall(".//error")) == bool(code), files[JUNIT]
    (told,) = re.findall(r"^smrep_audit_exit_code\S* (\d+)$", files[METRICS], re.MULTILINE)
    assert int(told) == code
    page = read(files[PAGE])
    assert (page.the("p", class_="end").the("b").text == "ok") == (not code)
    assert int(facts(page)["Exit code"]) == code


def _of_line(line: Mapping[str, Any]) -> tuple[str, ...]:
    return line["operation"], line["region"], line["secret"], *line["regions"]


def _of_call(call: Call) -> tuple[str, ...]:
    added = [each["Region"] for each in call.params.get("AddReplicaRegions", ())]
    return call.operation, call.region, str(call.secret_id), *added, *call.params.get("RemoveReplicaRegions", ())
