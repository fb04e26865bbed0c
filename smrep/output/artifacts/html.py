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
from smrep.output.summary_line import closing
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, Report, SecretReport, Severity, Trouble

_GROUP = 50
"""Rows that a browser lays out together, when they come into view."""
_PAUSE = "0"
"""A script that does nothing, after each of these groups: Chromium's parser, which once something is shown goes on for
half a second without a pause, pauses at one, so that keys are answered meanwhile (bench/page.py measures it)."""
_ENDS = {
    Outcome.OK: "What was asked for is so.",
    Outcome.DRIFT: "Something is not as it should be; nothing was changed.",
    Outcome.FAILED: "AWS said no, or a Region is Failed.",
    Outcome.ACCESS: "Not all could be looked at, for want of credentials or a permission.",
    Outcome.PENDING: "Something is not settled, or was not looked at.",
    Outcome.USAGE: "Nothing was looked at: the command line or the manifest is wrong.",
    Outcome.INTERRUPTED: "The run was stopped: what follows is not all.",
    Outcome.BUG: "A fault of smrep ended the run: what follows may not be all.",
}
_WIDTH_REM, _REGION_REM = 24, 8
"""A page must have so much room, and so much more for each Region, to show a column for each."""
_TOTAL = "secrets"
"""The summary's count of them all, beside the counts of their states."""


def page(report: Report) -> Iterator[str]:
    """Yield the report as HTML, piece by piece; the secrets are read more than once, as counts stand before rows.

    It allows itself no source but its own style and script, by their hashes, so that no word in it can run or load
    anything. Without its script all of it is there, in print too.
    """
    totals = Totals.of(report.secrets)
    head, tail = _render("page.html", "$secrets", {**_frame(totals.regions), **_header(report, totals)})
    yield head
    if report.secrets:
        yield from _secrets(report, totals)
    yield tail


def _own(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _render(name: str, gap: str, values: Mapping[str, object]) -> list[str]:
    """Return the parts of a template before and after a gap; the values are HTML already."""
    return [Template(part).substitute(values) for part in _own(name).split(gap)]


def _frame(regions: Sequence[Region]) -> dict[str, object]:
    """Return the page's styles, script and policy."""
    wide, narrow = _own("page.css") + _columns(regions), _own("page_narrow.css") + _lines(regions)
    script = _own("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(wide)} {_hash(narrow)}; script-src {_hash(script)} {_hash(_PAUSE)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    limit = _WIDTH_REM + _REGION_REM * len(regions)
    return {"wide": wide, "narrow": narrow, "script": script, "policy": policy, "limit": limit}


def _hash(text: str) -> str:
    """Return what a policy calls a style or a script by. Source: w3.org/TR/CSP3, 2.3.1."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _columns(regions: Sequence[Region]) -> str:
    """Return the style that makes a column for each Region."""
    return f":root{{--regions:{max(len(regions), 1)}}}\n"


def _lines(regions: Sequence[Region]) -> str:
    """Return the style that says each Region's name in its line, where there is no room for columns."""
    return "".join(
        f'#rows td:nth-child({place}):not([colspan])::before{{content:"{_in_css(region)}"}}\n'
        for place, region in enumerate(regions, 2)
    )


def _in_css(text: str) -> str:
    """Return the text for a quoted string of a style. Source: w3.org/TR/css-syntax-3, 4.3.7."""
    return re.sub(r"[^A-Za-z0-9-]", lambda found: f"\\{ord(found[0]):x} ", safe(text))


def _header(report: Report, totals: Totals) -> dict[str, str]:
    """Return the title, how the run ended, and when, by whom and how all this was found out."""
    title = ", ".join(filter(None, ("smrep coverage", report.account_id, report.primary_region)))
    has_counts = bool(report.secrets) or not report.error
    facts = (f"<div><dt>{name}</dt><dd>{marked(value)}</dd></div>\n" for name, value in _facts(report, totals))
    return {
        "title": marked(title),
        "skip": '<a class="skip" href="#secrets">Skip to the secrets</a>\n' if report.secrets else "",
        "command": marked(report.command or ""),
        "region": f" of {marked(report.primary_region)}" if report.primary_region else "",
        "outcome": report.outcome.word,
        "end": _end(report),
        "counts": f'<p class="counts">{marked(closing(report))}</p>\n' if has_counts else "",
        "error": _trouble(report.error) if report.error else "",
        "facts": "".join(facts),
    }


def _end(report: Report) -> str:
    if report.outcome is Outcome.OK and not report.secrets:
        return "No secret is meant by what was asked for."
    return _ENDS.get(report.outcome, "")


def _facts(report: Report, totals: Totals) -> Iterator[tuple[str, str]]:
    began = report.started_at.astimezone(UTC)
    several = any(each.account for each in report.secrets[:1])
    yield "Begun", f"{began:%Y-%m-%d %H:%M:%S} UTC, took {report.elapsed_s:.1f} s"
    yield "Account", report.account_id or ("several, told with each secret" if several else "not known")
    source = f" (from {report.primary_region_source})" if report.primary_region_source else ""
    yield "Primary Region", f"{report.primary_region}{source}" if report.primary_region else "not one for all"
    if report.endpoint_url:
        yield "Endpoint", f"{report.endpoint_url}, in AWS's place"
    yield "Exit code", f"{report.exit_code}"
    yield "Made by", f"smrep {__version__}" + (f" for {report.caller}" if report.caller else "")
    if report.secrets:
        yield "Checked by list", f"{totals.known['list']:,} secrets: ListSecrets alone, which shows no status"
        yield "Checked by describe", f"{totals.known['describe']:,} secrets: DescribeSecret, whose status is AWS's word"


def _trouble(trouble: Trouble) -> str:
    told = f"<p><b>{marked(trouble.code)}</b> {marked(trouble.message)}</p>{more(trouble)}"
    return f'<section class="trouble" aria-label="What ended the run">{told}</section>\n'


def _secrets(report: Report, totals: Totals) -> Iterator[str]:
    """Yield the totals, the form that chooses rows, which the script shows, and a row for each secret."""
    regions, count = totals.regions, len(report.secrets)
    names = [name for name in dict.fromkeys([*(report.summary or {}), *totals.names]) if name != _TOTAL]
    told = "".join(f"<td>{totals.told[each]:,}</td>" for each in regions)
    places = (f'<option value="{place}">{marked(each)}</option>' for place, each in enumerate(regions))
    heads = (f'<th scope="col" role="columnheader">{marked(each)}</th>' for each in regions or ("Regions",))
    values = {
        "totals_heads": "".join(f'<th scope="col">{marked(each)}</th>' for each in regions),
        "totals_cells": f"<td>{(report.summary or {}).get(_TOTAL, count):,}</td>{told}",
        "states": "".join(_state_row(name, report.summary or {}, totals) for name in names),
        "state_options": "".join(f'<option value="{name}">{marked(worded(name))}</option>' for name in names),
        "region_options": "".join(places),
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
    """Return how many secrets are in that state: of all, as the summary counts them, and in each Region."""
    numbers = [(f"{summary[name]:,}" if name in summary else "\N{EN DASH}", "")]
    numbers += [(f"{totals.states[each, name]:,}", each) for each in totals.regions]
    cells = "".join(f'<td data-state="{name}" data-region="{marked(where)}">{each}</td>' for each, where in numbers)
    empty = "" if any(each not in ("0", "\N{EN DASH}") for each, _ in numbers) else ' class="nil"'
    meaning = marked(MEANINGS.get(name, ""))
    return f'<tr{empty}><th scope="row">{marked(worded(name))}</th>{cells}<td>{meaning}</td></tr>\n'


_IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def marked(text: str) -> str:
    """Return the text as it may stand between tags and in a quoted attribute; what HTML drops or changes is not safe.

    Source: html.spec.whatwg.org, 13.2.3.5, preprocessing the input stream.
    """
    return safe(text).translate(_IN_HTML)


def row(secret: SecretReport, regions: Sequence[Region], report: Report, place: int) -> str:
    """Return the row of a secret; `place` counts all rows of the table from 1.

    The roles say what the tags say, since a browser may forget that of rows that a style lays out; the place is for a
    screen reader, which is not told of rows that are far out of sight.
    """
    told = {each.region: each for each in secret.replicas}
    trouble = trouble_of(secret)
    if trouble and not told:
        cells = _cell(trouble, f' colspan="{max(len(regions), 1)}"')
    else:
        cells = "".join(_region(told.get(region), secret) for region in regions) or _region(None, secret)
    home = secret.primary_region
    elsewhere = f" <i>of {marked(home)}</i>" if home and home != report.primary_region else ""
    counts = trouble.names if trouble else (COVERED,) if secret.outcome is Outcome.OK else ()
    whole = f' class="{" ".join(counts)}"' if counts else ""
    return (
        f'<tr role="row" aria-rowindex="{place}"{whole}>'
        f'<th scope="row" role="rowheader">{marked(secret.label)}{elsewhere}</th>{cells}'
        f'<td role="cell" class="by">{marked(secret.checked_by or "-")}</td>'
        f'<td role="cell" class="why">{"".join(_why(secret))}</td></tr>\n'
    )


def _region(row: RegionReport | None, secret: SecretReport) -> str:
    if row is None:
        return '<td role="cell" class="none">\N{EN DASH}<span class="aloud"> not asked for</span></td>'
    return _cell(state_of(row, secret.checked_by))


def _cell(state: State, more: str = "") -> str:
    """Return a cell whose classes are its tone and what it counts as; none of them is a word from elsewhere."""
    classes = " ".join([f"t-{state.tone}", *state.names] if state.tone else state.names)
    aside = f" <i>{marked(state.aside)}</i>" if state.aside else ""
    return f'<td role="cell" class="{classes}"{more}><span>{marked(state.word)}</span>{aside}</td>'


def _why(secret: SecretReport) -> Iterator[str]:
    """Yield what is to be said of a secret, behind a line that says the first of it; nothing where all is well."""
    told: list[tuple[RegionReport | None, Finding | Trouble]] = [
        *([(None, secret.error)] if secret.error else []),
        *((None, each) for each in secret.findings),
        *((each, each.error) for each in secret.replicas if each.error),
        *((each, finding) for each in secret.replicas for finding in each.findings if not _is_said(finding, each)),
    ]
    order = list(Severity)
    told.sort(key=lambda it: order.index(it[1].severity) if isinstance(it[1], Finding) else -1)
    notes = [*secret.notes, *_across(secret)]
    if not (told or notes):
        return
    first = told[0][1].message if told else notes[0]
    kinds = [(len(told), "finding"), (0 if told else len(notes), "note")]
    count = ", ".join(f"{number} {what}{'s' if number > 1 else ''}" for number, what in kinds if number)
    yield f"<details><summary><b>{count}</b> <span>{marked(first)}</span></summary><ul>"
    said: set[Region] = set()
    for where, what in told:
        yield f"<li>{''.join(_lines_of_cells(where, what))}"
        if where and where.region not in said:
            said.add(where.region)
            yield _words(where, what.message)
        yield "</li>"
    for note in notes:
        yield f"<li><p>{marked(note)}</p></li>"
    yield "</ul></details>"


def _is_said(finding: Finding, row: RegionReport) -> bool:
    """Tell whether the row's error is the finding."""
    return row.error is not None and row.error.code == finding.kind.value


def _lines_of_cells(row: RegionReport | None, told: Finding | Trouble) -> Iterator[str]:
    kind, weight = (worded(told.kind), told.severity.value) if isinstance(told, Finding) else (told.code, "error")
    where = f" in {marked(row.region)}" if row else ""
    yield f"<p><b>{marked(kind)}</b>{where} <i>{weight}</i></p><p>{marked(told.message)}</p>"
    yield more(told)


def more(told: Finding | Trouble) -> str:
    """Return what a finding or a trouble says besides its message."""
    lines = [f"<p>{marked(each)}</p>" for each in told.details] if isinstance(told, Trouble) else []
    if told.hint:
        lines.append(f'<p class="hint"><i>hint</i> <code>{marked(told.hint)}</code></p>')
    if isinstance(told, Trouble) and told.request_id:
        lines.append(f"<p><i>request id</i> <code>{marked(told.request_id)}</code></p>")
    return "".join(lines)


def _words(row: RegionReport, message: str) -> str:
    """Return AWS's own words for a Region, nothing where the message has them."""
    if row.status is None or (row.status_message and row.status_message in message):
        return ""
    words = ": ".join(filter(None, (row.status, row.status_message)))
    return f"<p><i>AWS says</i> {marked(words)}</p>"


def _across(secret: SecretReport) -> Iterator[str]:
    """Yield what is known of replication between accounts, which is AWS's own business."""
    link = secret.cross_account
    ends = [("replica of", link.primary), *(("replica", each) for each in link.replicas)] if link else []
    yield from (f"cross-account {what} {end.arn or '-'}: {end.status or '-'}" for what, end in ends if end)


COVERED, IN_TROUBLE = "covered", "in_trouble"
"""Names of states that are no kinds of findings, as the summary has them."""
MEANINGS = {
    COVERED: "a current replica under the wanted key, by the lists of both Regions or by a look at it",
    Kind.MISSING: "no replica where one is wanted",
    Kind.FAILED: "AWS calls the replica Failed",
    Kind.IN_PROGRESS: "AWS has not settled the replica",
    Kind.STALE: "not the current version",
    Kind.WRONG_KEY: "under another key than the one wanted",
    Kind.EXTRA: "a replica where none is wanted",
    Kind.ORPHAN: "a replica of another primary, or of one that is gone",
    Kind.PROMOTED: "once a replica of this primary, standalone now",
    Kind.DETACHED: "a cross-account replica that is linked no more",
    Kind.REMOVING: "dropped from the primary's list, not gone yet",
    Kind.ROTATING: "rotation is enabled",
    Kind.NAME_CLASH: "another secret bears the name",
    Kind.NO_VALUE: "the secret holds no value yet, so in sync proves nothing",
    Kind.STUCK: "in progress past the deadline",
    Kind.KEY_MISSING: "the key does not exist",
    Kind.KEY_DISABLED: "the key is disabled",
    Kind.KEY_UNUSABLE: "the key can't be used for this",
    Kind.REGION_DISABLED: "the Region is not enabled for the account",
    Kind.REGION_UNKNOWN: "nobody knows the Region",
    Kind.PENDING_DELETION: "scheduled for deletion",
    Kind.IS_REPLICA: "itself a replica",
    Kind.MANAGED: "managed by an AWS service",
    Kind.READER: "a role may not read it there",
    Kind.UNCHECKED: "could not be looked at, which is not a pass",
    IN_TROUBLE: "AWS did not show the secret, or showed one that can't be told of",
}
"""State -> what it says of a secret."""


@dataclass(frozen=True, slots=True)
class State:
    """How a secret stands in a Region."""

    names: tuple[str, ...]
    """What it counts as: kinds of findings, else one of the names above or an outcome's word."""
    word: str
    """What a person reads; an error's code is AWS's word."""
    aside: str | None = None
    """AWS's own status, or how it is known where no status is."""
    tone: str = ""
    """`failed`, `drift`, `open`, `doubt` or `info`; empty where all is well."""


def state_of(row: RegionReport, checked_by: str | None) -> State:
    """Return how the row stands; only what nothing was found of is covered."""
    order = list(Severity)
    kinds = tuple(dict.fromkeys(each.kind for each in sorted(row.findings, key=lambda it: order.index(it.severity))))
    names: tuple[str, ...] = tuple(each.value for each in kinds)
    if row.error:
        return State((IN_TROUBLE, *names), row.error.code, row.status, _tone(row.outcome, kinds))
    if kinds:
        aside = row.status if (row.status or "").lower() not in {each.replace("_", "") for each in names} else None
        return State(names, ", ".join(worded(each) for each in names), aside, _tone(row.outcome, kinds))
    if row.outcome is Outcome.OK:
        return State((COVERED,), COVERED, row.status or ("by listing" if checked_by == "list" else None))
    return State((row.outcome.word,), row.outcome.word, row.status, _tone(row.outcome, kinds))


def trouble_of(secret: SecretReport) -> State | None:
    """Return how a whole secret stands of which no Region can be told, None where its rows tell."""
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


def worded(name: str) -> str:
    """Return a state's name as words."""
    return name.replace("_", " ")


@dataclass(slots=True)
class Totals:
    """What the secrets amount to: the Regions in the order in which they come, and how many stand how in each."""

    told: Counter[Region] = field(default_factory=Counter)
    """Region -> secrets of which something is told there."""
    states: Counter[tuple[Region, str]] = field(default_factory=Counter)
    """(Region, state) -> secrets that count so there; one can count as several."""
    known: Counter[str | None] = field(default_factory=Counter)
    """`list`, `describe` or None -> secrets that are known so."""
    whole: Counter[str] = field(default_factory=Counter)
    """State -> secrets that stand so as a whole."""

    @classmethod
    def of(cls, secrets: Iterable[SecretReport]) -> Totals:
        """Return the totals, having read each secret once."""
        totals = cls()
        for secret in secrets:
            totals.known[secret.checked_by] += 1
            trouble = trouble_of(secret)
            totals.whole.update(trouble.names if trouble else ())
            for row in secret.replicas:
                totals.told[row.region] += 1
                totals.states.update((row.region, name) for name in state_of(row, secret.checked_by).names)
        return totals

    @property
    def regions(self) -> tuple[Region, ...]:
        """The Regions, each once."""
        return tuple(self.told)

    @property
    def names(self) -> list[str]:
        """The states that occur."""
        return list(dict.fromkeys([*(name for _, name in self.states), *self.whole]))
