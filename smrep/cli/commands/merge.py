"""`smrep merge`: merge the documents of shards or accounts into one; offline."""

from __future__ import annotations

from collections import Counter

import click

from smrep.cli import options
from smrep.cli.fleet_setup import check_writable, file_name, read_text, reported
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.output.artifacts import check_path

EXAMPLES = """\b
Examples:
    smrep merge shard-*.json
    smrep merge shard-*.json --report audit.html --report audit.ocsf.json
    smrep merge accounts/*.json --expect-documents 20 -o json > audit.json
    smrep merge accounts/*.json --query "secrets[?result != 'ok'].arn" -o text"""


@command(epilog=EXAMPLES)
@click.argument("documents", metavar="DOC...", nargs=-1, required=True)
@click.option(
    "--expect-documents", "expected", type=click.IntRange(1), metavar="N", help="Stop unless N documents are given."
)
@reported
@options.offline
def merge(
    documents: tuple[str, ...], *, expected: int | None, reports: tuple[str, ...], shared: options.SharedOptions
) -> int:
    """Merge the documents of shards or accounts into one, offline.

    DOC is a file with what audit, plan or apply printed with -o json; - is standard input. The result is that of one
    run over all, with its exit code. smrep merges nothing, and exits with 2, if a document is incomplete or of another
    command, if two have the same secret, or if a shard is missing. Only --expect-documents tells smrep how many
    documents there are without shards.
    """
    with Run("merge", shared) as run:
        for path in reports:
            check_path(path)
            check_writable("--report", path)
        run.reports = reports

        from smrep.output.document_reader import read_document
        from smrep.rules.fleet.merged_report import Part, doubts, merged_report, refusal

        parts, mistakes = [], []
        if expected not in (None, len(documents)):
            mistakes.append(f"--expect-documents says {expected:,}, but there are {len(documents):,}")
        mistakes += [f"{path} is given twice" for path, times in Counter(documents).items() if times > 1]
        for path in documents:
            name = file_name(path)
            try:
                text = read_text(path, run.stdin)
            except UsageError as error:
                mistakes.append(error.message)
                continue
            try:
                parts.append(Part(name, read_document(text)))
            except UsageError as error:
                mistakes.append(f"{name} {error.message}")
        if mistakes:
            raise refusal(mistakes)
        merged = merged_report(parts)
        if reports and merged.command != "audit":
            raise UsageError(f"--report needs documents of audit, not of {merged.command}", "omit --report")
        for doubt in doubts(parts):
            run.messages.warning(doubt)
        run.finished = merged
    return run.exit_code
