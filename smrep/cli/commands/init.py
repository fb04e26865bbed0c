"""`smrep init`: write a manifest for secrets that have no replica yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import no_match
from smrep.errors import UsageError
from smrep.output.safe import to_json
from smrep.rules.hints import quoted, some_names, step
from smrep.rules.manifest.writer import as_json, as_toml
from smrep.rules.primary_region import check_regions
from smrep.service.run_state import interrupted_look

if TYPE_CHECKING:
    from smrep.service.init import Init

EXAMPLES = """\b
Examples:
    smrep init --prefix prod/ -r us-west-2 > dr.toml
    smrep init --tag dr=true -r us-west-2=alias/dr,eu-west-1 > dr.toml
    smrep init --all -r us-west-2 | smrep plan -f -"""


@command(epilog=EXAMPLES)
@options.selectors
@options.regions("Region for the replicas, and its KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@options.shared
def init(choice: options.Choice, regions: Any, *, kms_key: str | None, shared: options.SharedOptions) -> int:
    """Write a manifest for secrets without a replica.

    The manifest lists the selected secrets that lack a replica in one of the Regions. It names the account and the
    primary Region, so that a wrong profile stops before any write. smrep skips secrets that an AWS service manages, and
    says so in a comment. Review the manifest, then run smrep plan -f dr.toml and smrep apply -f dr.toml.
    """
    with Run("init", shared) as run:
        run.replaces_result = True  # never a part of a manifest, however the run ends
        wanted = targets(regions, kms_key)
        replicas = [target.region for target in wanted]
        if not choice.is_made:
            raise UsageError("select secrets with --prefix, --tag or --all", step("see how", "smrep init --help"))
        (home,) = run.locate((), replicas, needed=True).sources
        check_regions([home], replicas)

        from smrep.service.init import Init

        found = Init(run.connect(), run.clock, home, wanted, choice.selector, shared.expect_account)
        run.state.track(found, interrupted_look)
        found.look(run.state)
        if not found.count:
            raise no_match(choice, home)
        notes = list(_notes(found, choice))
        for note in notes:
            run.messages.note(note)
        if not found.unprotected:
            run.messages.warning("no manifest was written: there is nothing to add")
        elif run.output == "json":
            run.text = [to_json(as_json(found.manifest)), "\n"]
        else:
            run.text = [as_toml(found.manifest, [f"Written by smrep {__version__} init.", *notes, *_advice(choice)])]
    return run.exit_code


def _advice(choice: options.Choice) -> Iterator[str]:
    """Yield comments for the person who edits the manifest."""
    yield "To cover secrets that are created later, replace names by a prefix or tags:"
    yield f"  prefix = {to_json(choice.prefixes or ['prod/'], indent=None)}"
    yield '  tags = { dr = "true" }'
    yield "Next: smrep plan -f FILE shows what smrep apply -f FILE would do."


def _notes(found: Init, choice: options.Choice) -> Iterator[str]:
    """Yield how many secrets are in the manifest, and which are not."""
    where = " or ".join(target.region for target in found.targets)
    yield (
        f"{len(found.unprotected)} of {found.count} secrets in {found.home} that match {quoted(choice.flags)} have "
        f"no replica in {where}."
    )
    if found.protected:
        yield f"Skipped: {found.protected} that have one; export writes a manifest of those."
    if found.managed:
        yield f"Skipped: {len(found.managed)} that an AWS service manages: {some_names(found.managed)}."
