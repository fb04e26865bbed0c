"""A secret as a row of the coverage page: a cell for each Region, and what was found with what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smrep.errors import Outcome
from smrep.output.page_states import COVERED, State, state_of, trouble_of, worded
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import Finding, RegionReport, Report, SecretReport, Severity, Trouble

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
        yield f"<li>{''.join(_lines(where, what))}"
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


def _lines(row: RegionReport | None, told: Finding | Trouble) -> Iterator[str]:
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
