"""`smrep export`: write the current replication as a manifest or as Terraform blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import no_match
from smrep.errors import NotWhole, Outcome, UsageError
from smrep.output.safe import to_json
from smrep.report import SecretReport
from smrep.rules.hints import format_command, step, steps, with_connection_flags
from smrep.rules.manifest.schema import Manifest
from smrep.rules.manifest.writer import as_json, as_toml
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep export > dr.toml
    smrep export --prefix prod/ -o json > dr.json
    smrep plan -f dr.toml
    smrep export --terraform > secrets.tf"""


@command(epilog=EXAMPLES)
@options.selectors
@click.option("--terraform", is_flag=True, help="Write Terraform's import and resource blocks instead of a manifest.")
@options.shared
def export(*, terraform: bool, shared: options.SharedOptions, choice: options.Choice) -> int:
    """Write a manifest of the current replication, for which plan finds nothing to do.

    The manifest is TOML, or JSON with -o json. It skips failed Regions, and says so, and secrets without replicas. If a
    secret cannot be checked, smrep writes no manifest.

    With --terraform, smrep writes HCL that imports the same secrets as their primaries list them. A comment marks each
    replica that is not in sync, and each secret that was skipped because an AWS service manages it.
    """
    kind = "configuration" if terraform else "manifest"
    with Run("export", _for_terraform(shared) if terraform else shared) as run:
        run.replaces_result = True  # an incomplete result is never written, however the run ends
        region = next(iter(run.locate((), (), needed=True).sources))

        from smrep.service.export import Export

        export_run = Export(run.connect(), run.clock, region, choice.selector, shared.expect_account)
        run.state.track(export_run, interrupted_look)
        export_run.look(run.state)
        notes = (
            [*export_run.doubts, *(remark.note for remark in export_run.terraform.remarks())]
            if terraform
            else export_run.notes
        )
        notes = [_connected(note, shared.connection) for note in notes]
        for note in notes:
            text, colon, command = note.rpartition(_COMMAND)
            run.messages.warning(text if colon else note)
            run.messages.hint(step("see why", f"smrep {command}") if colon else None)
        if export_run.unchecked:
            raise _not_whole(kind, export_run.unchecked, len(export_run.reports()))
        origin = f"What smrep {__version__} found in {region}."
        if terraform and export_run.terraform.replicated:
            run.text = [export_run.terraform.written([origin, *export_run.doubts])]
        elif export_run.manifest.rules and not terraform:
            run.text = _written(export_run.manifest, [origin, *notes], run)
        else:
            if choice.is_made:
                raise no_match(choice, region, " with replicas")
            run.messages.warning(
                f"no {kind} was written: no secrets in {region} have replicas; the list may be five minutes old"
            )
    return run.exit_code


_COMMAND = ": smrep "
"""Beginning of the command at the end of a note."""


def _connected(note: str, flags: Sequence[str]) -> str:
    """Return the note with the connection's flags in the command at its end, if it has one."""
    text, colon, command = note.rpartition(_COMMAND)
    return f"{text}: {with_connection_flags(f'  smrep {command}', flags).strip()}" if colon else note


def _for_terraform(shared: options.SharedOptions) -> options.SharedOptions:
    """Return the options with Terraform's format, ignoring the environment's format.

    Raises:
        UsageError: --terraform was combined with a result format.

    """
    if words := options.typed("output", "as_json", "query"):
        raise UsageError(f"--terraform and {words[0]} contradict each other", "omit one of them")
    return replace(shared, output="text")


def _not_whole(kind: str, unchecked: Sequence[SecretReport], count: int) -> NotWhole:
    """Return the error that explains why nothing was written."""
    denied = any(secret.outcome is Outcome.ACCESS for secret in unchecked)
    others = step("or select other secrets", format_command("export", [], flags=["--prefix", "PREFIX"]))
    return NotWhole(
        f"no {kind} was written: {len(unchecked)} of {count} secrets could not be checked",
        steps("allow secretsmanager:DescribeSecret" if denied else "try again", others),
        Outcome.PENDING,
    )


def _written(manifest: Manifest, notes: Sequence[str], run: Run) -> Iterable[str]:
    """Return the manifest in the requested format."""
    return [to_json(as_json(manifest)), "\n"] if run.output == "json" else [as_toml(manifest, notes)]
