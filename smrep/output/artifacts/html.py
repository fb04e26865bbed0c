"""The coverage page that `audit --report FILE.html` writes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from string import Template

from smrep import __version__
from smrep.errors import Outcome
from smrep.output.safe import safe
from smrep.output.summary_line import summary_line
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.hints import counted

_GROUP = 50
"""Rows that a browser lays out together, as they come into view."""
_PAUSE = "0"
"""A script that does nothing, between groups: Chromium's parser pauses at one, and answers keys; without it, it goes on
for half a second (bench/page.py measures it)."""
_ENDS = {
    Outcome.OK: "Every selected secret has what you asked for.",
    Outcome.DRIFT: "smrep found differences and changed nothing.",
    Outcome.FAILED: "AWS refused a request, or a replica failed.",
    Outcome.ACCESS: "Some checks failed for lack of credentials or permissions.",
    Outcome.PENDING: "Some replicas are in progress, or were not checked.",
    Outcome.USAGE: "Nothing was checked: the command line or the manifest is wrong.",
    Outcome.INTERRUPTED: "The run was stopped: this page is incomplete.",
    Outcome.BUG: "A fault of smrep ended the run: this page may be incomplete.",
}
_WIDTH_REM, _REGION_REM = 24, 8
"""The least width of a page with a column for each Region: a fixed part, and a part for each Region."""
_TOTAL = "secrets"
"""The key of the total in a summary."""


def page(report: RunReport) -> Iterator[str]:
    """Yield the report as HTML, row by row; it reads the secrets twice, as counts precede rows.

    Its policy allows only its own styles and scripts, by their hashes, so that no text in it can run or load anything.
    Without the script, and in print, all of it is visible.
    """
    totals = Totals.of(report.secrets)
    head, tail = _render("page.html", "$secrets", {**_frame(totals.regions), **_header(report, totals)})
    yield head
    if report.secrets:
        yield from _secrets(report, totals)
    yield tail


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _render(name: str, gap: str, values: Mapping[str, object]) -> list[str]:
    """Return the parts of a template before and after the gap; the values must be HTML."""
    return [Template(part).substitute(values) for part in _read(name).split(gap)]


def _frame(regions: Sequence[Region]) -> dict[str, object]:
    """Return the page's styles, script and policy."""
    wide, narrow = _read("page.css") + _columns(regions), _read("page_narrow.css") + _lines(regions)
    script = _read("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(wide)} {_hash(narrow)}; script-src {_hash(script)} {_hash(_PAUSE)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    limit = _WIDTH_REM + _REGION_REM * len(regions)
    return {"wide": wide, "narrow": narrow, "script": script, "policy": policy, "limit": limit}


def _hash(text: str) -> str:
    """Return the name of a style or a script in a policy. Source: w3.org/TR/CSP3, 2.3.1."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _columns(regions: Sequence[Region]) -> str:
    """Return the style for the number of columns."""
    return f":root{{--regions:{max(len(regions), 1)}}}\n"


def _lines(regions: Sequence[Region]) -> str:
    """Return the style that puts a Region's name before its cell, without room for columns."""
    return "".join(
        f'#rows td:nth-child({column}):not([colspan])::before{{content:"{_in_css(region)}"}}\n'
        for column, region in enumerate(regions, 2)
    )


def _in_css(text: str) -> str:
    """Return the text for a quoted string of a style. Source: w3.org/TR/css-syntax-3, 4.3.7."""
    return re.sub(r"[^A-Za-z0-9-]", lambda match: f"\\{ord(match[0]):x} ", safe(text))


def _header(report: RunReport, totals: Totals) -> dict[str, str]:
    """Return the title, the end of the run, and facts: when, by whom and how it was made."""
    title = ", ".join(filter(None, ("smrep coverage", report.account_id, report.primary_region)))
    has_counts = bool(report.secrets) or not report.error
    facts = (f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>\n" for name, value in _facts(report, totals))
    return {
        "title": escape(title),
        "skip": '<a class="skip" href="#secrets">Skip to the secrets</a>\n' if report.secrets else "",
        "command": escape(report.command or ""),
        "region": f" of {escape(report.primary_region)}" if report.primary_region else "",
        "outcome": report.outcome.word,
        "end": _end(report),
        "counts": f'<p class="counts">{escape(summary_line(report))}</p>\n' if has_counts else "",
        "error": _trouble(report.error) if report.error else "",
        "facts": "".join(facts),
    }


def _end(report: RunReport) -> str:
    if report.outcome is Outcome.OK and not report.secrets:
        return "No secret matches."
    if report.outcome is Outcome.USAGE and report.secrets:
        return "The command line or the manifest of a part is wrong: this page is incomplete."
    return _ENDS.get(report.outcome, "")


def _facts(report: RunReport, totals: Totals) -> Iterator[tuple[str, str]]:
    began = report.started_at.astimezone(UTC)
    is_several = any(secret.account for secret in report.secrets[:1])
    yield "Begun", f"{began:%Y-%m-%d %H:%M:%S} UTC, took {report.elapsed_s:.1f} s"
    yield "Account", report.account_id or ("several, shown with each secret" if is_several else "not known")
    source = f" (from {report.primary_region_source})" if report.primary_region_source else ""
    yield "Primary Region", f"{report.primary_region}{source}" if report.primary_region else "several"
    if report.endpoint_url:
        yield "Endpoint", f"{report.endpoint_url} (not AWS)"
    yield "Exit code", f"{report.exit_code}"
    yield "Made by", f"smrep {__version__}" + (f" for {report.caller}" if report.caller else "")
    if report.secrets:
        yield "Checked by list", f"{totals.checked_by['list']:,} secrets, by ListSecrets, which shows no status"
        yield (
            "Checked by describe",
            f"{totals.checked_by['describe']:,} secrets, by DescribeSecret",
        )


def _trouble(trouble: Problem) -> str:
    text = f"<p><b>{escape(trouble.code)}</b> {escape(trouble.message)}</p>{details(trouble)}"
    return f'<section class="trouble" aria-label="What ended the run">{text}</section>\n'


def _secrets(report: RunReport, totals: Totals) -> Iterator[str]:
    """Yield the totals, the form that filters rows, which only the script shows, and the rows."""
    regions, count = totals.regions, len(report.secrets)
    names = [name for name in dict.fromkeys([*(report.summary or {}), *totals.names]) if name != _TOTAL]
    reported = "".join(f"<td>{totals.reported[region]:,}</td>" for region in regions)
    options = (f'<option value="{index}">{escape(region)}</option>' for index, region in enumerate(regions))
    heads = (f'<th scope="col" role="columnheader">{escape(region)}</th>' for region in regions or ("Regions",))
    values = {
        "totals_heads": "".join(f'<th scope="col">{escape(region)}</th>' for region in regions),
        "totals_cells": f"<td>{(report.summary or {}).get(_TOTAL, count):,}</td>{reported}",
        "states": "".join(_state_row(name, report.summary or {}, totals) for name in names),
        "state_options": "".join(f'<option value="{name}">{escape(in_words(name))}</option>' for name in names),
        "region_options": "".join(options),
        "count": f"{count:,}",
        "row_count": count + 1,
        "heads": "".join(heads),
    }
    head, tail = _render("page_secrets.html", "$rows", values)
    yield head
    for number, secret in enumerate(report.secrets):
        if number % _GROUP == 0:
            yield (f"</tbody>\n<script>{_PAUSE}</script>\n" if number else "") + '<tbody role="rowgroup">\n'
        yield row(secret, regions, report, number + 2)
    yield tail


def _state_row(name: str, summary: Mapping[str, int], totals: Totals) -> str:
    """Return the count of secrets in that state: in the summary, and in each Region."""
    numbers = [(f"{summary[name]:,}" if name in summary else "\N{EN DASH}", "")]
    numbers += [(f"{totals.states[region, name]:,}", region) for region in totals.regions]
    cells = "".join(f'<td data-state="{name}" data-region="{escape(place)}">{text}</td>' for text, place in numbers)
    empty = "" if any(text not in ("0", "\N{EN DASH}") for text, _ in numbers) else ' class="nil"'
    meaning = escape(MEANINGS.get(name, ""))
    return f'<tr{empty}><th scope="row">{escape(in_words(name))}</th>{cells}<td>{meaning}</td></tr>\n'


_IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escape(text: str) -> str:
    """Return the text for use between tags and in quoted attributes; `safe` escapes all that HTML drops or changes.

    Source: html.spec.whatwg.org, 13.2.3.5, preprocessing the input stream.
    """
    return safe(text).translate(_IN_HTML)


def row(secret: SecretReport, regions: Sequence[Region], report: RunReport, place: int) -> str:
    """Return the row of a secret; `place` counts the rows of the table from 1, for screen readers.

    The roles repeat the tags, as browsers drop the meaning of rows that a style lays out.
    """
    rows = {row.region: row for row in secret.replicas}
    trouble = trouble_of(secret)
    if trouble and not rows:
        cells = _cell(trouble, f' colspan="{max(len(regions), 1)}"')
    else:
        cells = "".join(_region(rows.get(region), secret) for region in regions) or _region(None, secret)
    primary = secret.primary_region
    origin = f" <i>of {escape(primary)}</i>" if primary and primary != report.primary_region else ""
    states = trouble.names if trouble else (COVERED,) if secret.outcome is Outcome.OK else ()
    classes = f' class="{" ".join(states)}"' if states else ""
    return (
        f'<tr role="row" aria-rowindex="{place}"{classes}>'
        f'<th scope="row" role="rowheader">{escape(secret.label)}{origin}</th>{cells}'
        f'<td role="cell" class="by">{escape(secret.checked_by or "-")}</td>'
        f'<td role="cell" class="why">{"".join(_details_cell(secret))}</td></tr>\n'
    )


def _region(row: RegionReport | None, secret: SecretReport) -> str:
    if row is None:
        return '<td role="cell" class="none">\N{EN DASH}<span class="aloud"> not wanted here</span></td>'
    return _cell(state_of(row, secret.checked_by))


def _cell(state: State, attributes: str = "") -> str:
    """Return a cell whose classes are its tone and its states; none of them comes from AWS or a user."""
    classes = " ".join([f"t-{state.tone}", *state.names] if state.tone else state.names)
    aside = f" <i>{escape(state.aside)}</i>" if state.aside else ""
    return f'<td role="cell" class="{classes}"{attributes}><span>{escape(state.word)}</span>{aside}</td>'


def _details_cell(secret: SecretReport) -> Iterator[str]:
    """Yield the errors, findings and notes of a secret, folded under the first; nothing if there are none."""
    items: list[tuple[RegionReport | None, Finding | Problem]] = [
        *([(None, secret.error)] if secret.error else []),
        *((None, finding) for finding in secret.findings),
        *((row, row.error) for row in secret.replicas if row.error),
        *((row, finding) for row in secret.replicas for finding in row.findings if not _is_error(finding, row)),
    ]
    order = list(Severity)
    items.sort(key=lambda item: order.index(item[1].severity) if isinstance(item[1], Finding) else -1)
    notes = [*secret.notes, *_cross_account(secret)]
    if not (items or notes):
        return
    first = items[0][1].message if items else notes[0]
    kinds = [(len(items), "finding"), (0 if items else len(notes), "note")]
    count = ", ".join(counted(number, kind) for number, kind in kinds if number)
    yield f"<details><summary><b>{count}</b> <span>{escape(first)}</span></summary><ul>"
    shown: set[Region] = set()
    for row, item in items:
        yield f"<li>{''.join(_paragraphs(row, item))}"
        if row and row.region not in shown:
            shown.add(row.region)
            yield _words(row, item.message)
        yield "</li>"
    for note in notes:
        yield f"<li><p>{escape(note)}</p></li>"
    yield "</ul></details>"


def _is_error(finding: Finding, row: RegionReport) -> bool:
    """Return whether the row's error is the finding."""
    return row.error is not None and row.error.code == finding.kind.value


def _paragraphs(row: RegionReport | None, item: Finding | Problem) -> Iterator[str]:
    kind, severity = (in_words(item.kind), item.severity.value) if isinstance(item, Finding) else (item.code, "error")
    place = f" in {escape(row.region)}" if row else ""
    yield f"<p><b>{escape(kind)}</b>{place} <i>{severity}</i></p><p>{escape(item.message)}</p>"
    yield details(item)


def details(item: Finding | Problem) -> str:
    """Return the details, the hint and the request id of a finding or an error."""
    lines = [f"<p>{escape(detail)}</p>" for detail in item.details] if isinstance(item, Problem) else []
    if item.hint:
        steps = "".join(map(_hint_line, item.hint.split("\n")))
        lines.append(f'<div class="hint"><i>hint</i> <div>{steps}</div></div>')
    if isinstance(item, Problem) and item.request_id:
        lines.append(f"<p><i>request id</i> <code>{escape(item.request_id)}</code></p>")
    return "".join(lines)


def _hint_line(line: str) -> str:
    """Return a line of a hint: a command to copy, or its label."""
    return f"<code>{escape(line[2:])}</code>" if line.startswith("  ") else f"<div>{escape(line)}</div>"


def _words(row: RegionReport, message: str) -> str:
    """Return AWS's status message for a Region, unless the finding has it already."""
    if row.status is None or (row.status_message and row.status_message in message):
        return ""
    words = ": ".join(filter(None, (row.status, row.status_message)))
    return f"<p><i>AWS says</i> {escape(words)}</p>"


def _cross_account(secret: SecretReport) -> Iterator[str]:
    """Yield a line for each replication between accounts, which only AWS manages."""
    link = secret.cross_account
    ends = [("replica of", link.primary), *(("replica", end) for end in link.replicas)] if link else []
    yield from (f"cross-account {label} {end.arn or '-'}: {end.status or '-'}" for label, end in ends if end)


COVERED, IN_TROUBLE = "covered", "in_trouble"
"""States in a summary that are no kinds of findings."""
MEANINGS = {
    COVERED: "a current replica with the right key, by listing or by describing",
    Kind.MISSING: "wanted, and not there",
    Kind.FAILED: "the replica is Failed",
    Kind.IN_PROGRESS: "neither in sync nor failed yet",
    Kind.STALE: "outdated: not the current version",
    Kind.WRONG_KEY: "the replica has another key than the manifest or command wants",
    Kind.EXTRA: "a replica that nobody wants",
    Kind.ORPHAN: "a replica of another primary, or of a deleted one",
    Kind.PROMOTED: "it was a replica, and was made standalone",
    Kind.DETACHED: "a cross-account replica that is no longer linked",
    Kind.REMOVING: "being removed",
    Kind.ROTATING: "rotation is enabled",
    Kind.NAME_CONFLICT: "a different secret has this name there",
    Kind.NO_VALUE: "the secret holds no value yet, so InSync proves nothing",
    Kind.STUCK: "in progress past the deadline",
    Kind.KEY_MISSING: "the key does not exist",
    Kind.KEY_DISABLED: "the key is disabled",
    Kind.KEY_UNUSABLE: "the key cannot be used for this",
    Kind.REGION_DISABLED: "the Region is not enabled for the account",
    Kind.REGION_UNKNOWN: "AWS knows no such Region",
    Kind.PENDING_DELETION: "scheduled for deletion",
    Kind.IS_REPLICA: "itself a replica",
    Kind.MANAGED: "managed by an AWS service",
    Kind.READER: "a role has no permission to read it",
    Kind.UNCHECKED: "smrep could not check it; this is not a pass",
    IN_TROUBLE: "AWS did not return the secret, or not one that smrep can read",
}
"""State -> its meaning."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of a secret in a Region."""

    names: tuple[str, ...]
    """States that it counts as: kinds of findings, else one of the two above or an outcome's word."""
    word: str
    """The text of the cell; AWS's code for an error."""
    aside: str | None = None
    """AWS's status, or how smrep knows the state without one."""
    tone: str = ""
    """`failed`, `drift`, `open`, `doubt` or `info`; empty if covered."""


def state_of(row: RegionReport, checked_by: str | None) -> State:
    """Return the state of a row; only a row without findings is covered."""
    order = list(Severity)
    findings = sorted(row.findings, key=lambda finding: order.index(finding.severity))
    kinds = tuple(dict.fromkeys(finding.kind for finding in findings))
    names: tuple[str, ...] = tuple(kind.value for kind in kinds)
    if row.error:
        return State((IN_TROUBLE, *names), row.error.code, row.status, _tone(row.outcome, kinds))
    if kinds:
        aside = row.status if (row.status or "").lower() not in {name.replace("_", "") for name in names} else None
        return State(names, ", ".join(map(in_words, names)), aside, _tone(row.outcome, kinds))
    if row.outcome is Outcome.OK:
        return State((COVERED,), COVERED, row.status or ("by listing" if checked_by == "list" else None))
    return State((row.outcome.word,), row.outcome.word, row.status, _tone(row.outcome, kinds))


def trouble_of(secret: SecretReport) -> State | None:
    """Return the state of a whole secret that no row shows; None if its rows do."""
    if secret.error:
        return State((IN_TROUBLE,), secret.error.code, tone=_tone(secret.error.outcome))
    if secret.replicas or secret.outcome is Outcome.OK:
        return None
    return State((secret.outcome.word,), secret.outcome.word, tone=_tone(secret.outcome))


def _tone(outcome: Outcome, kinds: tuple[Kind, ...] = ()) -> str:
    unsure = Kind.UNCHECKED in kinds
    match outcome:
        case Outcome.OK | Outcome.ACCEPTED:
            return "doubt" if unsure else "info"
        case Outcome.DRIFT:
            return "doubt" if kinds == (Kind.UNCHECKED,) else "drift"
        case Outcome.PENDING:
            return "doubt" if unsure else "open"
        case Outcome.ACCESS:
            return "doubt"
        case _:
            return "failed"


def in_words(name: str) -> str:
    """Return the name of a state as words."""
    return name.replace("_", " ")


@dataclass(slots=True)
class Totals:
    """Counts of the secrets by state and Region, with the Regions in order."""

    reported: Counter[Region] = field(default_factory=Counter)
    """Region -> secrets with a row there."""
    states: Counter[tuple[Region, str]] = field(default_factory=Counter)
    """(Region, state) -> secrets; one can count in several states."""
    checked_by: Counter[str | None] = field(default_factory=Counter)
    """`list`, `describe` or None -> secrets that were checked so."""
    whole: Counter[str] = field(default_factory=Counter)
    """State -> whole secrets in it."""

    @classmethod
    def of(cls, secrets: Iterable[SecretReport]) -> Totals:
        """Return the totals of the secrets, read once."""
        totals = cls()
        for secret in secrets:
            totals.checked_by[secret.checked_by] += 1
            trouble = trouble_of(secret)
            totals.whole.update(trouble.names if trouble else ())
            for row in secret.replicas:
                totals.reported[row.region] += 1
                totals.states.update((row.region, name) for name in state_of(row, secret.checked_by).names)
        return totals

    @property
    def regions(self) -> tuple[Region, ...]:
        """The Regions with rows, in order."""
        return tuple(self.reported)

    @property
    def names(self) -> list[str]:
        """The states that occur, in order."""
        return list(dict.fromkeys([*(name for _, name in self.states), *self.whole]))
