"""Turn the secrets of a command line into addresses: the named ones, or those that selectors choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.cli.options import Choice
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.hints import counted, format_command, quoted, step
from smrep.rules.primary_region import SecretAddress, check_regions


def select(run: Run, choice: Choice, replicas: Sequence[Region]) -> tuple[SecretAddress, ...]:
    """Return the named secrets, or those that the selectors choose in the primary Region.

    Raises:
        UsageError: none are chosen, or as for `Run.locate`.
        AwsError: the Region could not be listed.

    """
    if choice.secrets:
        return run.locate(choice.secrets, replicas).addresses
    if not choice.is_made:
        see_help = format_command(run.command, [], flags=["--help"])
        raise UsageError("no secrets", step("name them, or use --prefix, --tag or --all", see_help))
    run.choice = choice
    (home,) = run.locate((), replicas, needed=True).sources
    check_regions([home], replicas)

    from smrep.service.list_secrets import select_secrets

    run.aws = run.connect()
    addresses = select_secrets(run.aws, home, choice.selector, run.options.expect_account, run.state)
    run.close_screen()
    if not addresses:
        raise no_match(choice, home)
    run.note(f"{counted(len(addresses), 'secret')} selected in {home}")
    return addresses


def command_on(command: str, choice: Choice, addresses: Sequence[SecretAddress], replicas: Iterable[Region]) -> str:
    """Return another command on the same secrets and Regions, with the selectors if they chose the secrets."""
    names = [] if choice.is_made else [address.secret_id for address in addresses]
    targets = [Target(region) for region in replicas]
    home = addresses[0].region if addresses else None
    return format_command(command, names, primary_region=home, targets=targets, flags=choice.flags)


def no_match(choice: Choice, home: Region, kind: str = "") -> UsageError:
    """Return the error of selectors that match no secret, of a `kind`, in the primary Region."""
    return UsageError(
        f"no secret{kind} in {home} matches {quoted(choice.flags)}",
        step("list the secrets there", format_command("list", [], primary_region=home)),
    )
