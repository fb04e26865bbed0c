"""`smrep export`: the manifest of what is replicated now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from smrep import __version__
from smrep.cli import basics, options
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.selecting import CHOOSING, selection, selector
from smrep.errors import NotWhole, Outcome
from smrep.output.safe import to_json
from smrep.rules.closing import stopped_looking
from smrep.rules.commands import connected
from smrep.rules.manifest import Manifest
from smrep.rules.manifest_text import as_json, written
from smrep.rules.selection import EVERY

EXAMPLES = """\b
Examples:
    smrep export > dr.toml
    smrep export --prefix prod/ -o json > dr.json
    smrep plan -f dr.toml"""


@click.command(
    context_settings=basics.CONTEXT, short_help="Write the manifest of what is replicated now.", epilog=EXAMPLES
)
@selection
@options.shared
def export(**more: Any) -> None:
    """Write the manifest of what is replicated now, so that a plan made of it has nothing to do.

    It is TOML, with -o json JSON. A Region that Failed is left out, which is said; secrets that were never replicated
    are no part of it. Where a secret can't be looked at, no manifest is written.
    """
    choice = {name: more.pop(name) for name in CHOOSING}
    app = App("export", options.Shared(**more))

    def work(app: App) -> Iterator[None]:
        app.result = list  # whatever ends the run early, what is not whole is not written
        chosen = selector(**choice)
        home = next(iter(app.find_home((), (), needed=True).sources))

        from smrep.service.exporting import Export

        run = Export(app.connect(), app.clock, home, chosen, app.options.expect_account, app.show)
        app.interrupted = stopped_looking
        app.secrets, app.summary, app.progress = (lambda: run.secrets), (lambda: run.summary), (lambda: run.progress)
        yield from run.act()
        notes = [connected(note, app.options.connection) for note in run.notes]
        for note in notes:
            app.messages.warning(note)
        if run.unseen:
            denied = any(each.outcome is Outcome.ACCESS for each in run.unseen)
            raise NotWhole(
                f"no manifest was written: {len(run.unseen)} of {len(run.secrets)} secrets could not be looked at",
                ("allow secretsmanager:DescribeSecret" if denied else "try again")
                + ", or choose others: smrep export --prefix PREFIX",
                Outcome.PENDING,
            )
        if run.manifest.rules:
            app.result = lambda: _written(run.manifest, [f"What smrep {__version__} found in {home}.", *notes], app)
        else:
            what = "nothing" if chosen == EVERY else "no secret that was chosen"
            app.messages.warning(
                f"{what} is replicated from {home}, as far as a list shows, "
                "which may be five minutes old: there is nothing to write"
            )

    conduct(app, work)


def _written(manifest: Manifest, notes: Sequence[str], app: App) -> Iterable[str]:
    """Return the manifest in the form that was asked for."""
    return [to_json(as_json(manifest)), "\n"] if app.output == "json" else [written(manifest, notes)]
