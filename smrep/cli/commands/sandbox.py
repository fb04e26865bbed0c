"""`smrep sandbox`: run a local AWS that replicates like the real one, to try out and test against."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smrep.cli.commands.drill import drill
from smrep.cli.fault_options import fault_options, faults_from, faults_typed
from smrep.cli.params import EndpointUrl
from smrep.cli.root import CONTEXT, Command, command, version
from smrep.cli.sandbox_process import StateFile, environment, handling_events
from smrep.cli.signals import ENDING, stopped_by
from smrep.errors import ConfigurationError, Terminated, UsageError
from smrep.files import appending
from smrep.output.safe import safe

if TYPE_CHECKING:
    from smrep.sandbox.server.http_server import SandboxServer
    from smrep.sandbox.simulator.simulated_aws import Simulator


F = TypeVar("F", bound=Callable[..., Any])

NOT_FOUND, NOT_EXECUTABLE = 127, 126
START_EXAMPLES = """\b
Examples:
    smrep sandbox start --seed
    smrep sandbox start --port 4566 --seed estate.json --fail eu-west-1"""
EXEC_EXAMPLES = """\b
Examples:
    smrep sandbox exec --seed -- smrep replicate prod/payments/db -r us-west-2
    smrep sandbox exec --seed --outage us-east-1 -- smrep promote prod/orders/db -r us-west-2
    smrep sandbox exec --manifest dr.toml -- ./create-secrets.sh"""


def contents(command: F) -> F:
    """Add the options for a sandbox's contents and log."""
    options = [
        click.option(
            "--seed",
            is_flag=False,
            flag_value="",
            metavar="[FILE|N]",
            help="Start with secrets: a sample, N generated ones, or those in a JSON file.",
        ),
        click.option(
            "--organization",
            is_flag=False,
            flag_value="",
            metavar="[FILE|N]",
            help="Put the accounts into an organization: a sample, one of N more accounts, or that of a JSON file.",
        ),
        click.option(
            "--state",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Load the state in FILE, with secrets, values and calls in progress, and save it there.",
        ),
        click.option(
            "--log", type=click.Path(dir_okay=False), metavar="FILE", help="Append a JSON line for each call."
        ),
        click.option(
            "--events",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Append a JSON line for each event that AWS would send to EventBridge.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings=CONTEXT)
@version
def sandbox() -> None:
    """Run a local AWS that replicates like the real one.

    It serves Secrets Manager, KMS and STS, and the calls of EC2, IAM, Account Management and Organizations that report
    enabled Regions, permissions and accounts.
    """


@sandbox.command(
    cls=Command,
    context_settings=CONTEXT,
    short_help="Serve until interrupted.",
    epilog=START_EXAMPLES,
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: a free one).")
@contents
@fault_options
@version
def start(port: int, **options: Any) -> None:
    """Serve until interrupted.

    Standard output has the variables to export for AWS clients, to paste into another terminal.

    FILE for --seed is a JSON list of objects with name, and optionally region, value, description, kms_key, tags,
    replicas (Regions, or objects with region and kms_key), deleted (true) and account (twelve digits). With
    --organization, a sample or N secrets are in each active account.

    FILE for --organization is a JSON object with units (OUs: objects with id, name and parent), accounts (objects with
    id, name, parent, state, and roles: false where no role can be assumed), and optionally management, delegated
    (accounts that may list the others), empty_pages and status_only (true). --state does not keep an organization.
    """
    state, seed = options["state"], options["seed"]
    with _serving(port, options) as server:
        click.echo("paste this into another terminal:", err=True)
        click.echo("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
        for name, value in environment(server.url, {}).items():
            joined = f'"${{{name}:+${name},}}{value}"' if name.lower() == "no_proxy" else value
            click.echo(f"export {name}={joined}")
        end = "its secrets are lost then" if state is None else f"its secrets stay in {safe(state)}"
        click.echo(f"sandbox on {server.url}; Ctrl-C stops it; {end}", err=True)
        if seed is not None:
            click.echo("then list its secrets:\n  smrep list", err=True)
        try:
            server.serve()
        except (KeyboardInterrupt, Terminated) as error:
            click.echo("the sandbox has stopped", err=True)
            sys.exit(stopped_by(error))


@sandbox.command(
    "exec",
    cls=Command,
    context_settings={**CONTEXT, "ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run CMD against a new sandbox.",
    epilog=EXEC_EXAMPLES,
)
@click.argument("command", metavar="-- CMD...", nargs=-1, type=click.UNPROCESSED, required=True)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Run the Lambda function on each event, with this manifest.",
)
@contents
@fault_options
@version
def exec_(command: tuple[str, ...], manifest: str | None, **options: Any) -> None:
    """Run CMD against a new sandbox, and return its exit code.

    CMD's environment has AWS_ENDPOINT_URL, dummy credentials and the Region us-east-1, and nothing of your own AWS
    configuration.

    With --manifest, smrep protects each secret that CMD creates or tags, as its Lambda function does on AWS, and ends
    once the last event is handled.
    """
    with _serving(0, options) as server:
        server.start()
        env = environment(server.url, os.environ)
        with handling_events(server.simulator, manifest, env) if manifest else contextlib.nullcontext():
            code = _run(command, env)
    sys.exit(code)


@contextlib.contextmanager
def _serving(port: int, options: dict[str, Any]) -> Iterator[SandboxServer]:
    """Yield a listening server with its contents; close it afterwards, and save its state if requested."""
    seed, state, log, events = (options[name] for name in ("seed", "state", "log", "events"))
    from smrep.sandbox.aws_events import EventLog
    from smrep.sandbox.server.http_server import SandboxServer
    from smrep.sandbox.simulator.simulated_aws import Simulator

    simulator = Simulator(now=time.time, rng=random.Random(), faults=faults_from(options))  # noqa: S311 - names, not secrets
    kept = StateFile(state) if state else None
    is_restored = kept is not None and kept.read(simulator)
    if is_restored and seed is not None:
        raise UsageError(
            f"--seed fills a new sandbox, but --state {state} has one already", "omit --seed, or use another file"
        )
    accounts = _organize(simulator, options["organization"]) if options["organization"] is not None else ()
    if seed is not None:
        _plant(simulator, seed, accounts or (simulator.account_id,))
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(appending(log)) if log else None
            if events:
                simulator.listeners.append(EventLog(stack.enter_context(appending(events))).write)
                stack.callback(simulator.listeners.clear)
            server = SandboxServer(simulator, port=port, log=file)
            stack.callback(server.close)
            if kept is not None:
                stack.enter_context(kept.kept_up(simulator))
        except OSError as error:
            where = f": {error.filename}" if error.filename else f" (port {port})"
            raise ConfigurationError(
                f"the sandbox cannot start: {error.strerror or error}{where}",
                "use another --port, --log, --events or --state",
            ) from error
        stack.callback(server.close)  # again, because the last line is written after the last call
        yield server


def _organize(simulator: Simulator, organization: str) -> tuple[str, ...]:
    """Put the accounts into an organization; return the active ones."""
    from smrep.sandbox.organization_seed import read_organization, sample_organization

    own = simulator.account_id
    with _reading("--organization", organization):
        if not organization or _is_number(organization):
            tree = sample_organization(own, int(organization) if organization else None)
        else:
            tree = read_organization(Path(organization).read_text(encoding="utf-8-sig"), own)
    simulator.put_organization(tree)
    return tuple(member.account_id for member in tree.members if member.state == "ACTIVE")


def _plant(simulator: Simulator, seed: str, accounts: Iterable[str]) -> None:
    """Fill these accounts with the sample secrets, or a number of secrets; or the sandbox with those of a file."""
    from smrep.sandbox import seed as planting

    with _reading("--seed", seed):
        if seed and not _is_number(seed):
            planting.seed(simulator, planting.read_estate(Path(seed).read_text(encoding="utf-8-sig")))
            return
        for account in accounts:
            if seed:
                planting.seed(simulator, planting.sample_estate(int(seed)), account)
            else:
                planting.seed_sample(simulator, account)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


@contextlib.contextmanager
def _reading(option: str, value: str) -> Iterator[None]:
    """Refuse a file that cannot be read or has a mistake."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{option} {value}: {error.strerror}", f"name a JSON file; put -- before a command: {option} -- CMD..."
        ) from error
    except ValueError as error:
        raise UsageError(f"{option} {value}: {error}", f"{click.get_current_context().command_path} --help") from error


def _run(command: tuple[str, ...], env: dict[str, str]) -> int:
    """Run the command, forward our signals to it, and return its exit code like a shell."""
    beside = str(Path(sys.executable).parent)  # smrep's own folder, if no virtual environment is active
    env["PATH"] = os.pathsep.join(filter(None, [env.get("PATH", os.defpath), beside]))
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        click.echo(f"error: {safe(command[0])}: command not found", err=True)
        return NOT_FOUND
    early: list[int] = []
    send = early.append

    def hand_on(number: int, _frame: FrameType | None) -> None:
        send(number)

    at_terminal = sys.stdin is not None and sys.stdin.isatty()  # a terminal sends Ctrl-C to the child as well
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored under nohup, also by the child
            signal.signal(number, hand_on)
    try:
        child = subprocess.Popen([program, *command[1:]], env=env)  # noqa: S603 - what was asked for
    except OSError as error:
        click.echo(f"error: {safe(command[0])}: {error.strerror}", err=True)
        return NOT_EXECUTABLE
    send = child.send_signal
    for held in early:
        child.send_signal(held)
    if at_terminal:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code


@command(short_help="Show or change the faults of a running sandbox.")
@click.option(
    "--endpoint-url",
    type=EndpointUrl(),
    envvar="AWS_ENDPOINT_URL",
    metavar="URL",
    help="URL of the sandbox, as sandbox start printed it.  [$AWS_ENDPOINT_URL]",
)
@click.option("--clear", is_flag=True, help="First remove all faults, and reset the delays.")
@fault_options
@version
def faults(endpoint_url: str | None, clear: bool, **options: Any) -> None:  # noqa: FBT001 - click's call
    """Show or change the faults of a running sandbox, as JSON.

    Each option replaces its earlier value for every Region; other faults stay. A replication in progress keeps the time
    at which it ends.
    """
    if endpoint_url is None:
        raise ConfigurationError(
            "the URL of the sandbox is unknown", "use --endpoint-url, or export what smrep sandbox start printed"
        )
    wanted = faults_typed(options)
    from smrep.sandbox.admin_client import change_faults

    click.echo(json.dumps(change_faults(endpoint_url, wanted, clear=clear), indent=2))


sandbox.add_command(drill)
sandbox.add_command(faults)
