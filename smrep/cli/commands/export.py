"""`smrep export`: write the current replication as a manifest or as Terraform blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli.fleet_setup import selection, selector
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.output.safe import to_json
from smrep.report import SecretReport
from smrep.rules.hints import format_command, with_connection_flags
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.selector import EVERY
from smrep.rules.manifest.writer import as_json, as_toml
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep export > dr.toml
    smrep export --prefix prod/ -o json > dr.json
    smrep plan -f dr.toml
    smrep export --terraform > secrets.tf"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@selection
@click.option(
    "--terraform", is_flag=True, help="Write Terraform's import and resource blocks in place of the manifest."
)
@options.shared
def export(*, terraform: bool, shared: options.SharedOptions, **choice: Any) -> int:
    """Write the manifest of what is replicated now, so that a plan made of it has nothing to do.

    It is TOML, with -o json JSON. A Region that Failed is left out, which is said; secrets that were never replicated
    are no part of it. Where a secret can't be looked at, no manifest is written.

    With --terraform it is HCL that takes the same secrets over, by the primaries' word: what isn't settled is in it,
    with a comment; secrets that an AWS service manages are left out, with a comment.
    """
    kind = "configuration" if terraform else "manifest"
    with Run("export", _for_terraform(shared) if terraform else shared) as run:
        run.replaces_result = True  # an incomplete result is never written, however the run ends
        chosen = selector(**choice)
        region = next(iter(run.locate((), (), needed=True).sources))

        from smrep.service.export import Export

        export_run = Export(run.connect(), run.clock, region, chosen, shared.expect_account)
        run.state.track(export_run, interrupted_look)
        export_run.look(run.state)
        notes = (
            [*export_run.doubts, *(remark.note for remark in export_run.terraform.remarks())]
            if terraform
            else export_run.notes
        )
        notes = [with_connection_flags(note, shared.connection) for note in notes]
        for note in notes:
            run.messages.warning(note)
        if export_run.unchecked:
            raise _not_whole(kind, export_run.unchecked, len(export_run.reports()))
        origin = f"What smrep {__version__} found in {region}."
        if terraform and export_run.terraform.replicated:
            run.text = [export_run.terraform.written([origin, *export_run.doubts])]
        elif export_run.manifest.rules and not terraform:
            run.text = _written(export_run.manifest, [origin, *notes], run)
        else:
            which = "nothing" if chosen == EVERY else "no secret that was chosen"
            run.messages.warning(
                f"{which} is replicated from {region}, as far as a list shows, "
                "which may be five minutes old: there is nothing to write"
            )
    return run.exit_code


def _for_terraform(shared: options.SharedOptions) -> options.SharedOptions:
    """Return the options with Terraform's format, ignoring the environment's format.

    Raises:
        UsageError: --terraform was combined with a result format.

    """
    if words := options.typed("output", "as_json", "query"):
        raise UsageError(f"--terraform and {words[0]} contradict each other", "leave one of them out")
    return replace(shared, output="text")


def _not_whole(kind: str, unchecked: Sequence[SecretReport], count: int) -> NotWhole:
    """Return the error that explains why nothing was written."""
    denied = any(secret.outcome is Outcome.ACCESS for secret in unchecked)
    others = f"or choose others: {format_command('export', [], flags=['--prefix', 'PREFIX'])}"
    return NotWhole(
        f"no {kind} was written: {len(unchecked)} of {count} secrets could not be looked at",
        f"allow secretsmanager:DescribeSecret, {others}" if denied else f"try again, {others}",
        Outcome.PENDING,
    )


def _written(manifest: Manifest, notes: Sequence[str], run: Run) -> Iterable[str]:
    """Return the manifest in the requested format."""
    return [to_json(as_json(manifest)), "\n"] if run.output == "json" else [as_toml(manifest, notes)]
