"""`smrep verify`: prove that each replica holds the current version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.params import targets
from smrep.errors import UsageError
from smrep.rules.run_outcome import stopped_looking

EXAMPLES = """\b
Examples:
    smrep verify prod/db
    smrep verify prod/db -r us-west-2=alias/dr --timeout 2m
    smrep verify - -o json < names.txt"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to verify (default: all), and the key that is expected there", keys=True)
@options.timeout
@options.shared
def verify(secrets: tuple[str, ...], regions: Any, *, timeout_s: float, **more: Any) -> None:
    """Prove that each replica holds the current version, without reading a value.

    Both sides are looked at: the same ARN suffix, our primary, the same versions under AWSCURRENT and AWSPREVIOUS,
    every version under the expected key. A version that lags is waited for. Where something differs, exit code 5.
    """
    app = App("verify", options.Shared(**more), timeout_s)

    def work(app: App) -> Iterator[None]:
        wanted = targets(regions, None)
        where = app.find_home(secrets, [target.region for target in wanted])
        if not where.addresses:
            raise UsageError("there is nothing to verify", "verify ends well only if there was something to prove")

        from smrep.service.steps.prove import Verification

        aws = app.connect()
        run = Verification(
            aws,
            aws,
            app.clock,
            app.deadline,
            where.addresses,
            wanted,
            app.options.expect_account,
            app.show,
        )
        app.secrets = run.secrets
        app.interrupted = stopped_looking
        yield from run.act()

    conduct(app, work)
