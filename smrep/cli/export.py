"""`smrep export`: the manifest of what is replicated now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.selecting import CHOOSING, selection, selector
from smrep.output.safe import to_json
from smrep.rules.closing import stopped_looking
from smrep.rules.manifest_text import as_json, written

EXAMPLES = """\b
Examples:
    smrep export > dr.toml
    smrep export --prefix prod/ -o json > dr.json
    smrep plan -f dr.toml"""


@click.command(
    context_settings=options.CONTEXT, short_help="Write the manifest of what is replicated now.", epilog=EXAMPLES
)
@selection
@options.shared
def export(**more: Any) -> None:
    """Write the manifest of what is replicated now, so that a plan made of it has nothing to do.

    It is TOML, with -o json JSON. A Region that Failed holds no replica and is left out; secrets that were never
    replicated are no part of it.
    """
    choice = {name: more.pop(name) for name in CHOOSING}
    app = App("export", options.Shared(**more))

    def work(app: App) -> Iterator[None]:
        chosen = selector(**choice)
        home = next(iter(app.find_home((), (), needed=True).sources))

        from smrep.service.exporting import Export

        run = Export(app.connect(), app.clock, home, chosen, app.options.expect_account, app.show)
        app.interrupted = stopped_looking
        app.secrets, app.progress = (lambda: run.secrets), (lambda: run.progress)
        yield from run.act()
        for note in run.notes:
            app.messages.warning(note)
        if run.unseen:
            app.result = list  # what is not whole is not adopted
        elif not run.manifest.rules:
            app.messages.warning(f"nothing is replicated from {home}: there is nothing to write")
            app.result = list
        elif app.output == "json":
            app.result = lambda: [to_json(as_json(run.manifest)), "\n"]
        else:
            app.result = lambda: [written(run.manifest, [f"What smrep {__version__} found in {home}.", *run.notes])]

    conduct(app, work)
