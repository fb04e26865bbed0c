"""`smrep accounts`: list the accounts that a manifest covers."""

from __future__ import annotations

from dataclasses import replace

import click

from smrep.cli import options
from smrep.cli.fleet_setup import check_covered, find_accounts, find_homes, read_manifest
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.report import AccountReport, SecretsReport
from smrep.rules.fleet.organization import FoundAccount
from smrep.rules.manifest.schema import Home
from smrep.rules.primary_region import check_account

EXAMPLES = """\b
Examples:
    smrep accounts -f dr.toml
    smrep accounts -f dr.toml -o name
    smrep accounts -f dr.toml --query "accounts[?covered].role_arn"
    smrep accounts -f - < dr.toml"""


@command(epilog=EXAMPLES)
@click.option("-f", "--file", metavar="FILE", required=True, help="Manifest to read; - is standard input.")
@options.shared
def accounts(file: str, shared: options.SharedOptions) -> int:
    """List the accounts that a manifest covers, and those that it skips.

    smrep asks AWS Organizations for the accounts of [organization], and adds those of [[account]]. It shows the role
    that it would assume in each, or why it skips the account. It assumes no role but lookup_role_arn.

    Text and csv have the columns account_id, name, state, covered or skipped, region, role_arn, external_id, and the
    reason to skip it. -o name prints the IDs of the covered accounts.
    """
    with Run("accounts", shared) as run:
        manifest = read_manifest(file, run.stdin)
        found = find_accounts(run, manifest)
        covered = [(account, account.role) for account in found if account.role is not None]
        homes = find_homes(run, replace(manifest, accounts=tuple(role for _, role in covered)))
        if manifest.organization is None and not found:
            rows = [_own_account(run, homes[0])]
        else:
            rows = [_report(account, home) for (account, _), home in zip(covered, homes, strict=False)]
            rows += [_report(account) for account in found if account.role is None]
        count = sum(row.is_covered for row in rows)
        summary = {"accounts": len(rows), "covered": count, "skipped": len(rows) - count}
        run.finish(SecretsReport(summary=summary, accounts=rows))
        check_covered(count, len(rows), "change ous, exclude or management in [organization]")
    return run.exit_code


def _report(found: FoundAccount, home: Home | None = None) -> AccountReport:
    role = found.role
    return AccountReport(
        found.account,
        found.name,
        found.state,
        home.region if home else None,
        role.role_arn if role else None,
        role.external_id if role else None,
        found.skipped,
    )


def _own_account(run: Run, home: Home) -> AccountReport:
    """Return the account of the current credentials, which a manifest without accounts covers.

    Raises:
        UsageError: it is another account than the expected one.

    """
    caller = run.connect(home.region).caller(home.region)
    account = caller.split(":")[4]
    check_account(account, home.account, caller)
    return AccountReport(account, region=home.region)
