"""The report as one HTML page that needs nothing but itself: totals, and each secret with its Regions."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path

from smrep import __version__
from smrep.errors import Outcome
from smrep.output.page_rows import marked, more, row
from smrep.output.page_states import MEANINGS, Totals, worded
from smrep.output.safe import safe
from smrep.output.summary import closing
from smrep.regions import Region
from smrep.report import Report, Trouble

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
    yield from _head(report, totals.regions)
    yield from _facts(report, totals)
    names = list(dict.fromkeys([*(report.summary or {}), *totals.names]))
    names = [each for each in names if each != _TOTAL]
    if report.secrets:
        yield from _totals(report, totals, names)
        yield from _chooser(totals.regions, names, len(report.secrets))
        yield from _table(report, totals.regions)
    yield f"</main>\n<script>{_own('page.js')}</script>\n</body>\n</html>\n"


def _own(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _head(report: Report, regions: Sequence[Region]) -> Iterator[str]:
    wide, narrow, script = (
        _own("page.css") + _columns(regions),
        _own("page_narrow.css") + _lines(regions),
        _own("page.js"),
    )
    policy = (
        f"default-src 'none'; style-src {_hash(wide)} {_hash(narrow)}; script-src {_hash(script)} {_hash(_PAUSE)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    title = ", ".join(filter(None, ("smrep coverage", report.account_id, report.primary_region)))
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{marked(title)}</title>
<link rel="icon" href="data:,">
<style>{wide}</style>
<style media="screen and (max-width: {_WIDTH_REM + _REGION_REM * len(regions)}rem)">{narrow}</style>
</head>
<body>
"""
    if report.secrets:
        yield '<a class="skip" href="#secrets">Skip to the secrets</a>\n'
    yield "<main>\n"


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


def _facts(report: Report, totals: Totals) -> Iterator[str]:
    """Yield the heading, how the run ended, and when, by whom and how all this was found out."""
    whose = f" of {marked(report.primary_region)}" if report.primary_region else ""
    yield f'<header>\n<p class="kicker">smrep {marked(report.command or "")}</p>\n'
    yield f"<h1>Coverage of the secrets{whose}</h1>\n"
    word = report.outcome.word
    yield f'<p class="end end-{word}"><b>{word}</b> {_end(report)}</p>\n'
    if report.secrets or not report.error:
        yield f'<p class="counts">{marked(closing(report))}</p>\n'
    if report.error:
        yield _trouble(report.error)
    yield "<dl>\n"
    for name, value in _known(report, totals):
        yield f"<div><dt>{name}</dt><dd>{marked(value)}</dd></div>\n"
    yield "</dl>\n</header>\n"


def _end(report: Report) -> str:
    if report.outcome is Outcome.OK and not report.secrets:
        return "No secret is meant by what was asked for."
    return _ENDS.get(report.outcome, "")


def _known(report: Report, totals: Totals) -> Iterator[tuple[str, str]]:
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


def _totals(report: Report, totals: Totals, names: Sequence[str]) -> Iterator[str]:
    """Yield how many secrets stand how: of all, as the summary counts them, and in each Region."""
    summary = report.summary or {}
    heads = "".join(f'<th scope="col">{marked(each)}</th>' for each in totals.regions)
    yield (
        '<section aria-labelledby="totals-title">\n<h2 id="totals-title">Totals</h2>\n'
        '<div class="wide" role="region" aria-labelledby="totals-title" tabindex="0">\n<table id="totals">\n'
        f'<thead><tr><th scope="col">State</th><th scope="col">Secrets</th>{heads}'
        '<th scope="col">What it says</th></tr></thead>\n<tbody>\n'
    )
    told = "".join(f"<td>{totals.told[each]:,}</td>" for each in totals.regions)
    yield (
        f'<tr class="all"><th scope="row">all</th><td>{summary.get(_TOTAL, len(report.secrets)):,}</td>{told}'
        "<td>secrets; of a Region, those of which something is told there</td></tr>\n"
    )
    for name in names:
        numbers = [(f"{summary[name]:,}" if name in summary else "\N{EN DASH}", "")]
        numbers += [(f"{totals.states[each, name]:,}", each) for each in totals.regions]
        cells = "".join(f'<td data-state="{name}" data-region="{marked(where)}">{each}</td>' for each, where in numbers)
        empty = "" if any(each not in ("0", "\N{EN DASH}") for each, _ in numbers) else ' class="nil"'
        meaning = marked(MEANINGS.get(name, ""))
        yield f'<tr{empty}><th scope="row">{marked(worded(name))}</th>{cells}<td>{meaning}</td></tr>\n'
    yield (
        '</tbody>\n</table>\n</div>\n<p class="small">A secret can count as several; it is covered if it is so '
        "wherever it is wanted. A list may be five minutes old and shows no status: what is covered by listing was "
        "replicated and is current, and whether AWS calls it InSync is not known. \N{EN DASH} in a Region: nobody "
        "asked for the secret there.</p>\n</section>\n"
    )


def _chooser(regions: Sequence[Region], names: Sequence[str], count: int) -> Iterator[str]:
    """Yield the form that chooses rows; the script shows it, since without one it can do nothing."""
    states = "".join(f'<option value="{name}">{marked(worded(name))}</option>' for name in names)
    places = "".join(f'<option value="{place}">{marked(each)}</option>' for place, each in enumerate(regions))
    yield f"""<section id="secrets" aria-labelledby="secrets-title" tabindex="-1">
<h2 id="secrets-title">Secrets</h2>
<form id="chooser" role="search" aria-label="Choose secrets" hidden>
<label class="text">Search <input id="text" type="search" autocomplete="off" spellcheck="false"></label>
<label>State <select id="state"><option value="">any</option>{states}</select></label>
<label>Region <select id="region"><option value="">any</option>{places}</select></label>
<button type="reset">Show all</button>
<button type="button" id="open">Open findings</button>
<p id="count" role="status">{count:,} secrets</p>
</form>
"""


def _table(report: Report, regions: Sequence[Region]) -> Iterator[str]:
    heads = "".join(f'<th scope="col" role="columnheader">{marked(each)}</th>' for each in regions or ("Regions",))
    yield (
        f'<table id="rows" role="table" aria-labelledby="secrets-title" aria-rowcount="{len(report.secrets) + 1}">\n'
        '<thead role="rowgroup"><tr role="row" aria-rowindex="1">'
        f'<th scope="col" role="columnheader">Secret</th>{heads}'
        '<th scope="col" role="columnheader" class="by">Checked by</th>'
        '<th scope="col" role="columnheader" class="why">Findings</th></tr></thead>\n'
    )
    for number, secret in enumerate(report.secrets):
        if number % _GROUP == 0:
            yield (f"</tbody>\n<script>{_PAUSE}</script>\n" if number else "") + '<tbody role="rowgroup">\n'
        yield row(secret, regions, report, number + 2)
    yield '</tbody>\n</table>\n<p id="none" hidden>No secret is like that.</p>\n</section>\n'
