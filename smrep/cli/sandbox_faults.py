"""`smrep sandbox faults`: what a running sandbox does badly, shown and changed."""

from __future__ import annotations

import json
from typing import Any

import click

from smrep.cli.basics import CONTEXT, version
from smrep.cli.fault_options import fault_options, faults_typed
from smrep.cli.params import EndpointUrl
from smrep.errors import ConfigurationError


@click.command(context_settings=CONTEXT, short_help="Show or change what a running sandbox does badly.")
@click.option(
    "--endpoint-url",
    type=EndpointUrl(),
    envvar="AWS_ENDPOINT_URL",
    metavar="URL",
    help="The sandbox, as its start printed it.  [$AWS_ENDPOINT_URL]",
)
@click.option("--clear", is_flag=True, help="First make all well: no faults, and the delays of a fresh sandbox.")
@fault_options
@version
def faults(endpoint_url: str | None, clear: bool, **options: Any) -> None:  # noqa: FBT001 - click's call
    """Change what a running sandbox does badly; print all of it, as JSON.

    An option that is typed replaces all that was said by it before, for every Region; what is not typed stays. What
    has begun, such as a replication under way, keeps the time at which it is due.
    """
    if endpoint_url is None:
        raise ConfigurationError(
            "no sandbox is named", "type --endpoint-url, or export what smrep sandbox start printed"
        )
    wanted = faults_typed(options)
    from smrep.sandbox.remote import tell

    click.echo(json.dumps(tell(endpoint_url, wanted, clear=clear), indent=2))
