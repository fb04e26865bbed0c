"""`smrep list`: the secrets of a Region with their role, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct, deliver
from smrep.cli.fleet_setup import CHOOSING, selection, selector
from smrep.output.formats import STREAMED
from smrep.report import Progress
from smrep.rules.manifest.selector import EVERY
from smrep.rules.run_outcome import stopped_looking

EXAMPLES = """\b
Examples:
    smrep list
    smrep list --prefix prod/ --tag team=payments
    smrep list --primary-region us-west-2 -o json --query "secrets[?role=='replica'].name"
    smrep list --tag dr -o name | smrep status -"""


@click.command(
    "list",
    context_settings=basics.CONTEXT,
    epilog=EXAMPLES,
)
@selection
@options.shared
def list_(**more: Any) -> None:
    """List the secrets of a Region: primaries, replicas of another Region's, and those never replicated.

    A list may be five minutes behind; what is scheduled for deletion is left out. As text, names and events it is
    written page by page, as it comes.
    """
    choice = {name: more.pop(name) for name in CHOOSING}
    app = App("list", options.Shared(**more))

    def work(app: App) -> Iterator[None]:
        chosen = selector(**choice)
        home = next(iter(app.find_home((), (), needed=True).sources))

        from smrep.service.list_secrets import Listing

        run = Listing(app.connect(), app.clock, home, chosen, app.options.expect_account)
        app.interrupted = stopped_looking
        app.secrets = lambda: run.secrets
        app.progress = lambda: Progress("listing", run.seen)
        write = None if app.options.query is not None else STREAMED.get(app.output)
        for page in run.act():
            if app.events:
                app.events.listed(page)
            if write:
                app.streamed = True
                deliver((line for each in page for line in write(each)), app)
            yield
        if not run.secrets:
            app.messages.warning(
                f"there is no secret in {home}" if chosen == EVERY else f"the choice matches no secret of {home}"
            )

    conduct(app, work)
