"""`smrep export`: the manifest of what is replicated now, or Terraform's blocks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.fleet_setup import CHOOSING, selection, selector
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.output.safe import to_json
from smrep.report import SecretReport
from smrep.rules.hints import connected, spell
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.selector import EVERY
from smrep.rules.manifest.writer import as_json, written
from smrep.rules.run_outcome import stopped_looking

EXAMPLES = """\b
Examples:
    smrep export > dr.toml
    smrep export --prefix prod/ -o json > dr.json
    smrep plan -f dr.toml
    smrep export --terraform > secrets.tf"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@selection
@click.option(
    "--terraform", is_flag=True, help="Write Terraform's import and resource blocks in place of the manifest."
)
@options.shared
def export(*, terraform: bool, **more: Any) -> None:
    """Write the manifest of what is replicated now, so that a plan made of it has nothing to do.

    It is TOML, with -o json JSON. A Region that Failed is left out, which is said; secrets that were never replicated
    are no part of it. Where a secret can't be looked at, no manifest is written.

    With --terraform it is HCL that takes the same secrets over, by the primaries' word: what isn't settled is in it,
    with a comment; secrets that an AWS service manages are left out, with a comment.
    """
    choice = {name: more.pop(name) for name in CHOOSING}
    app = App("export", _shared(more, terraform=terraform))
    what = "configuration" if terraform else "manifest"

    def work(app: App) -> Iterator[None]:
        app.result = list  # whatever ends the run early, what is not whole is not written
        chosen = selector(**choice)
        home = next(iter(app.find_home((), (), needed=True).sources))

        from smrep.service.export import Export

        run = Export(app.connect(), app.clock, home, chosen, app.options.expect_account, app.show)
        app.interrupted = stopped_looking
        app.secrets, app.summary, app.progress = (lambda: run.secrets), (lambda: run.summary), (lambda: run.progress)
        yield from run.act()
        notes = [*run.doubts, *(each.note for each in run.estate.remarks())] if terraform else run.notes
        notes = [connected(note, app.options.connection) for note in notes]
        for note in notes:
            app.messages.warning(note)
        if run.unseen:
            raise _not_whole(what, run.unseen, len(run.secrets))
        found = f"What smrep {__version__} found in {home}."
        if terraform and run.estate.replicated:
            app.result = lambda: [run.estate.written([found, *run.doubts])]
        elif run.manifest.rules and not terraform:
            app.result = lambda: _written(run.manifest, [found, *notes], app)
        else:
            which = "nothing" if chosen == EVERY else "no secret that was chosen"
            app.messages.warning(
                f"{which} is replicated from {home}, as far as a list shows, "
                "which may be five minutes old: there is nothing to write"
            )

    conduct(app, work)


def _shared(more: dict[str, Any], *, terraform: bool) -> options.Shared:
    """Return the options that commands share; what the environment says of the format is not meant for Terraform.

    Raises:
        UsageError: a format of the result was typed beside --terraform, or the options contradict each other.

    """
    if terraform and (words := options.typed("output", "as_json", "query")):
        raise UsageError(f"--terraform and {words[0]} contradict each other", "leave one of them out")
    return options.Shared(**{**more, "output": "text"} if terraform else more)


def _not_whole(what: str, unseen: Sequence[SecretReport], count: int) -> NotWhole:
    """Return why nothing was written."""
    denied = any(each.outcome is Outcome.ACCESS for each in unseen)
    others = f"or choose others: {spell('export', [], flags=['--prefix', 'PREFIX'])}"
    return NotWhole(
        f"no {what} was written: {len(unseen)} of {count} secrets could not be looked at",
        f"allow secretsmanager:DescribeSecret, {others}" if denied else f"try again, {others}",
        Outcome.PENDING,
    )


def _written(manifest: Manifest, notes: Sequence[str], app: App) -> Iterable[str]:
    """Return the manifest in the form that was asked for."""
    return [to_json(as_json(manifest)), "\n"] if app.output == "json" else [written(manifest, notes)]
