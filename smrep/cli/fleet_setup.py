"""What a run over many secrets needs: accounts, connections, rates, the manifest, the failover record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from smrep.cli.app import App
from smrep.errors import ConfigurationError, StillOpen, UsageError
from smrep.files import check_folder
from smrep.model import SecretId, parse_arn
from smrep.output.failover_record_file import Book
from smrep.regions import Region
from smrep.rules.fleet.saved_plan import Saved, parse_saved
from smrep.rules.fleet.shards import WHOLE, Shard, parse_shard
from smrep.rules.hints import some
from smrep.rules.manifest.parser import parse
from smrep.rules.manifest.schema import Home, Manifest, Rule, check_homes
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import account_in, check_account, check_regions
from smrep.rules.recovery.failover_record import Pair
from smrep.rules.recovery.recovery_summary import Line
from smrep.rules.secret_names import check_name

if TYPE_CHECKING:
    from smrep.service.fleet.apply_task import Application
    from smrep.service.fleet.fleet_run import Run
    from smrep.service.fleet.inventory import Estate
    from smrep.service.plan import Draft, Redraft


sharded = click.option(
    "--shard",
    metavar="I/N",
    help="Take the I-th of N parts of the work; auto/N asks AWS Batch or Kubernetes which one this is.",
)


def drafted(app: App, manifest: Manifest, shard: str | None, *, trusting: bool = False) -> Draft:
    """Return the draft of what a manifest wants, nothing looked at yet; see `estates` for what it raises."""
    from smrep.service.fleet.secret_plan import Planner
    from smrep.service.plan import Draft

    found = estates(app, manifest, shard)
    planners = [Planner(each, app.clock, app.show, trusting) for each in found]
    return Draft(planners, manifest.rules, is_whole(manifest, found))


def is_whole(manifest: Manifest, found: Sequence[Estate]) -> bool:
    """Tell whether no other shard has accounts in which a rule may find its secrets."""
    return len(manifest.accounts) <= 1 or len(found) == len(manifest.accounts)


def redrafted(app: App, plan: Saved) -> Redraft:
    """Return what a saved plan comes to, nothing looked at yet.

    Raises:
        UsageError: the plan is for another account or Region than the command line says.

    """
    from smrep.service.fleet.secret_plan import Planner
    from smrep.service.plan import Redraft

    if app.options.role_arn and any(plan.accounts):
        raise UsageError("--role-arn contradicts the roles in the plan", "leave --role-arn out")
    app.several_accounts = len(plan.accounts) > 1
    homes = {each.account: each.region for each in plan.secrets}
    typed = app.options.primary_region
    other = next((region for region in homes.values() if typed not in (None, region)), None)
    if other:
        raise UsageError(
            f"the plan is for primaries in {other}, and --primary-region says {typed}; nothing was sent",
            "leave --primary-region out",
            code="PrimaryRegionMismatch",
        )
    app.found_homes(dict.fromkeys(homes.values(), "plan"))
    planners = {}
    for place, role in enumerate(plan.accounts):
        own = [parse_arn(each.arn, "secretsmanager").account for each in plan.secrets if each.account == place]
        expected = _expected(app.options.expect_account, role.account if role else None, "the plan is for account")
        for account in own:
            check_account(account, expected, "the plan")
        if own:
            estate = _estate(app, Home(homes[place], expected or own[0], role), (), WHOLE)
            planners[place] = Planner(estate, app.clock, app.show)
    return Redraft(plan, planners, app.show)


def shard_of(app: App, shard: str | None) -> Shard:
    """Return the part of the work that is this run's; see `parse_shard` for what it raises."""
    return parse_shard(shard, app.env) if shard else WHOLE


AWS_QUOTA = 50
"""Writes a second that AWS allows an account in a Region, everybody's together. Source: aws-behavior.md 5."""


def budget(rate: float, part: Shard, accounts: int) -> float:
    """Return how many writes a second this run may send to an account in a Region.

    Raises:
        UsageError: it is none, or all shards together would send an account more than AWS takes.

    """
    together = max(1, ceil(part.count / max(1, accounts)))
    most = AWS_QUOTA * part.count / together
    if not 0 < rate <= most:
        raise UsageError(
            f"--rate {rate:g} is not possible: it must be more than 0 and at most {most:g}",
            f"AWS takes {AWS_QUOTA} writes a second from an account in a Region, everybody's together",
        )
    return rate / part.count


def check_no_dash(option: str, path: str) -> None:
    """Refuse `-` for a file to write.

    Raises:
        UsageError: it is that.

    """
    if path == "-":
        raise UsageError(f"{option} - is no file, and standard output has the result", f"{option} ./- means that name")


def check_writable(option: str, path: str) -> None:
    """Refuse, before any call, a file that could not be written at the end.

    Raises:
        UsageError: it has no folder, or none in which we may make it.

    """
    check_no_dash(option, path)
    try:
        check_folder(path)
    except OSError as error:
        raise UsageError(f"{option} {path} can't be written: {error.strerror}") from error


def paced(app: App, draft: Draft | Redraft, rate: float, own: Mapping[str, Any]) -> Application:
    """Return what was drafted as a run, each account at its own pace; the app tells of it from now on."""
    from smrep.rules.fleet.plan_counts import done
    from smrep.rules.replication.replica_state import worst_first
    from smrep.service.fleet.apply_task import Application, Assignment
    from smrep.service.fleet.fleet_run import WIDTH, Terms
    from smrep.service.fleet.scheduler import Crew
    from smrep.service.plan import joined, kept_rows
    from smrep.service.steps.rate_limiter import Pace

    crew = Crew(app.clock, WIDTH)
    terms: dict[int, Terms] = {}
    assignments = []
    for planner, errand in draft.errands:
        pace = Pace(app.clock, rate)
        fresh = Terms(planner.estate.aws, pace, own["timeout_s"], wait=own["wait"], estate=planner.estate)
        assignments.append(Assignment(errand, terms.setdefault(id(planner), fresh), crew))
    run = Application(assignments, crew)
    app.secrets = lambda: joined(worst_first(run.reports()), draft.kept)
    app.summary = lambda: done(run.reports(), kept_rows(draft.kept), len(draft.kept))
    app.progress = lambda: run.progress
    return run


def estates(app: App, manifest: Manifest, shard: str | None = None) -> list[Estate]:
    """Return what each account holds of what is wanted, nothing listed yet; none for an account of other shards.

    Raises:
        UsageError: the manifest is for another Region or account, or contradicts the command line.
        ConfigurationError: nobody names a Region.

    """
    part = shard_of(app, shard)
    app.several_accounts = len(manifest.accounts) > 1
    if manifest.accounts and app.options.role_arn:
        raise UsageError("--role-arn and [[account]] contradict each other", "leave one of them out")
    homes = _homes(app, manifest)
    if any(not rule.name for rule in manifest.rules):  # typed, and without a place
        check_regions([home.region for home in homes], _regions(manifest.rules))
    check_homes(manifest.rules, homes)
    shares = [part.share(place, len(homes)) for place in range(len(homes))]
    return [
        _estate(app, home, manifest.rules, mine) for home, mine in zip(homes, shares, strict=True) if mine is not None
    ]


def _homes(app: App, manifest: Manifest) -> list[Home]:
    """Return the accounts with the Regions of their primaries, said by the manifest or else by the run."""
    typed = app.options.expect_account
    if not manifest.accounts:
        return [Home(_home(app, manifest), _expected(typed, manifest.account_id, "the manifest is for account"))]
    common = None if all(role.region for role in manifest.accounts) else _home(app, manifest)
    sources = {common: app.where.sources[common]} if common and app.where else {}
    found = []
    for role in manifest.accounts:
        region = role.region or common
        assert region is not None  # noqa: S101 - else there is a common one
        sources.setdefault(region, f"{role.place}.region")
        account = _expected(typed, role.account, f"{role.place} is of account")
        found.append(Home(region, account, role))
    app.found_homes(sources)
    return found


def _estate(app: App, home: Home, rules: tuple[Rule, ...], part: Shard) -> Estate:
    """Return the estate behind a connection, whose flags hints have to repeat."""
    from smrep.service.fleet.inventory import Estate, Scope
    from smrep.service.fleet.region_lister import LISTS_A_SECOND, Sweeper
    from smrep.service.steps.kms_keys import KeyCheck

    options = replace(app.options, expect_account=home.account)
    if home.role:
        options = replace(options, role_arn=home.role.role_arn, external_id=home.role.external_id)
        app.connections[home.role.account] = options.connection
    aws = app.connect(home.region, options)
    scope = Scope(home.region, rules, None if part == WHOLE else part, home.account, home.role)
    sweeper = Sweeper(aws, app.clock, LISTS_A_SECOND / part.count)
    return Estate(aws, sweeper, KeyCheck(aws, app.clock), scope, app.show)


def _home(app: App, manifest: Manifest) -> Region:
    """Return the primaries' Region; what the manifest says is a guard first, and counts where nothing else does."""
    try:
        region = next(iter(app.find_home((), _regions(manifest.rules), needed=True).sources))
    except ConfigurationError:
        if manifest.primary_region is None:
            raise
        app.found_homes({manifest.primary_region: "manifest"})
        return manifest.primary_region
    if manifest.primary_region not in (None, region):
        source = app.where.source if app.where else "?"
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, and {source} says {region}; nothing was sent",
            f"if the manifest is right: --primary-region {manifest.primary_region}",
            code="PrimaryRegionMismatch",
        )
    return region


def _expected(typed: str | None, written: str | None, what: str) -> str | None:
    """Return the account that is expected; the command line and what is written down may not disagree."""
    if typed and written and typed != written:
        raise UsageError(
            f"{what} {written}, and --expect-account says {typed}; nothing was sent",
            "check which of the two is right",
            code="AccountMismatch",
        )
    return typed or written


def _regions(rules: Iterable[Rule]) -> Sequence[Region]:
    return tuple(dict.fromkeys(target.region for rule in rules for target in rule.targets))


def the_record(app: App, path: str, pair: Pair | None, stack: ExitStack) -> Book:
    """Return the record, this run's own until the stack ends, unless the run is dry.

    Raises:
        UsageError: it can't be read or written, is of other Regions or of another account, or another run has it.

    """
    check_writable("--record", path)
    book = Book.opened(path, app.clock.now, writes=not app.dry_run)
    stack.callback(book.close)
    record = book.known
    if record.pair is not None and pair not in (None, record.pair):
        raise UsageError(
            f"--record {path} is of a failover from {record.pair.source} to {record.pair.target}; nothing was sent",
            "name another file for this one",
            code="RecordError",
        )
    for number in record.torn:
        app.messages.warning(f"line {number} of {path} was cut off, as by a run that was killed, and is left out")
    for arn in record.entries:
        check_account(account_in(SecretId(arn)), app.options.expect_account, f"{path} is of {arn}, which")
    if pair is not None:
        book.is_of(pair)
    return book


def announce(app: App, lines: Sequence[Line]) -> None:
    """Show a person what she must know before she says go, and tell the plan to a program."""
    app.close_screen()
    if app.events:
        app.events.plan()
    shown = [line for line in lines if line.is_warning or not app.options.quiet]
    if shown and app.stderr is not None:
        from smrep.output.tables.plan_table import render_sheet

        with suppress(OSError):  # nobody reads, and nothing is left to tell it to
            app.stderr.write(render_sheet(shown, app.paper(app.stderr)))
            app.stderr.flush()


def carried(app: App, run: Run, again: str) -> Iterator[None]:
    """Do it, telling the events as they come; `again` is the command that goes on where it is stopped."""
    app.interrupted = lambda: run.stopped(again)
    for _ in run.act():
        if app.events:
            app.events.show(run.news())
        yield


def check_end(run: Run, timeout_s: float, again: str) -> None:
    """Say what is open at the end.

    Raises:
        StillOpen: something is.

    """
    left = run.open_names
    if left:
        raise StillOpen(
            f"{len(left)} of {run.progress.total} secrets were not settled {timeout_s:g} s after their request: "
            + some(left),
            f"the same command goes on from there: {again}",
        )


F = TypeVar("F", bound=Callable[..., Any])

CHOOSING = ("prefixes", "tags", "owning_service", "every")
"""The options of `selection` by their names in Python."""


class Tag(click.ParamType[tuple[str, str | None], str]):
    """`KEY` or `KEY=VALUE`."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        """Return the key and the value, None for any."""
        if isinstance(value, tuple):
            return value
        key, equals, wanted = str(value).partition("=")
        if not key:
            self.fail(f"{value!r} names no tag; it looks like team=payments, or team for any value", param, ctx)
        return key, wanted if equals else None


def _selection(every: str) -> Callable[[F], F]:
    added = [
        click.option(
            "--prefix",
            "prefixes",
            metavar="PREFIX",
            multiple=True,
            help="Names that begin so; repeatable: any of them.",
        ),
        click.option(
            "--tag",
            "tags",
            type=Tag(),
            metavar="KEY[=VALUE]",
            multiple=True,
            help="Secrets with this tag; repeatable: all of them.",
        ),
        click.option("--owning-service", metavar="SERVICE", help="Secrets that this AWS service manages, such as rds."),
        click.option("--all", "every", is_flag=True, help=every),
    ]

    def add(command: F) -> F:
        for option in reversed(added):
            command = option(command)
        return command

    return add


selection = _selection("Every secret of the Region (the default).")
"""Add the options that choose among the secrets of a Region."""
chosen_selection = _selection("Every secret, where none is chosen.")
"""Add the same options to a command that takes no choice for none."""


def selector(
    *, prefixes: Sequence[str], tags: Sequence[tuple[str, str | None]], owning_service: str | None, every: bool
) -> Selector:
    """Return what was chosen; everything where nothing was.

    Raises:
        UsageError: --all stands beside a choice, or a prefix is empty or begins no name.

    """
    chosen = bool(prefixes or tags or owning_service)
    if every and chosen:
        raise UsageError("--all and a choice contradict each other", "leave --all out, or the other options")
    if "" in prefixes or owning_service == "":
        raise UsageError("a choice is empty, and would be no choice", "leave it out, or type --all")
    for prefix in prefixes:
        check_name(prefix)
    return Selector(prefixes=tuple(prefixes), tags=tuple(tags), owning_service=owning_service)


def typed_choice(choice: Mapping[str, Any]) -> list[str]:
    """Return the options that choose, as words to type again."""
    words = [word for prefix in choice["prefixes"] for word in ("--prefix", prefix)]
    words += [word for key, value in choice["tags"] for word in ("--tag", key if value is None else f"{key}={value}")]
    words += ["--owning-service", choice["owning_service"]] if choice["owning_service"] else []
    return [*words, *(["--all"] if choice["every"] else [])]


def read_manifest(path: str, stdin: TextIO | None) -> Manifest:
    """Return the manifest in a file; - is standard input.

    Raises:
        UsageError: it can't be read, or is none.

    """
    name = "standard input" if path == "-" else path
    return parse(_text(path, name, stdin), name)


def read_plan(path: str) -> Saved:
    """Return the plan in a file.

    Raises:
        UsageError: it can't be read, or is none.

    """
    return parse_saved(_text(path, path, None), path)


def _text(path: str, name: str, stdin: TextIO | None) -> str:
    try:
        if path != "-":
            return Path(path).read_text(encoding="utf-8-sig")
        if stdin is None or stdin.closed:
            raise UsageError("the manifest was to come from standard input, which is closed", "name a file: -f FILE")
        return stdin.read().removeprefix("\ufeff")  # as some editors begin a file
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{name} could not be read: {why}", "name a file that is there") from error
