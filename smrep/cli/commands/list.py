"""`smrep list`: list a Region's secrets and their roles."""

from __future__ import annotations

from smrep.cli import options
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.rules.hints import quoted
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep list
    smrep list --prefix prod/ --tag team=payments
    smrep list --primary-region us-west-2 -o json --query "secrets[?role=='replica'].name"
    smrep list --tag dr -o name | smrep status -"""


@command(
    "list",
    epilog=EXAMPLES,
)
@options.selectors
@options.shared
def list_(shared: options.SharedOptions, choice: options.Choice) -> int:
    """List the secrets of a Region and their roles: primary, replica or standalone.

    smrep sorts by name; ndjson events come page by page, in AWS's order. AWS's list may be five minutes old, and omits
    secrets that are scheduled for deletion.
    """
    with Run("list", shared) as run:
        region = next(iter(run.locate((), (), needed=True).sources))

        from smrep.service.list_secrets import Listing

        listing = Listing(run.connect(), run.clock, region, choice.selector, shared.expect_account)
        run.state.track(listing, interrupted_look)
        listing.look(run.state, run.events.listed if run.events else None)
        if not listing.seen:
            run.messages.warning(
                f"no secret in {region} matches {quoted(choice.flags)}" if choice.flags else f"no secrets in {region}"
            )
    return run.exit_code
