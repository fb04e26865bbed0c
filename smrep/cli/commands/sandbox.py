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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smrep.cli.commands.drill import drill
from smrep.cli.fault_options import fault_options, faults_from, faults_typed
from smrep.cli.params import EndpointUrl
from smrep.cli.root import CONTEXT, version
from smrep.cli.sandbox_process import StateFile, environment
from smrep.cli.signals import ENDING, stopped_by
from smrep.errors import ConfigurationError, Terminated, UsageError
from smrep.files import appending
from smrep.output.safe import safe

if TYPE_CHECKING:
    from smrep.sandbox.faults import Faults
    from smrep.sandbox.server.http_server import SandboxServer


F = TypeVar("F", bound=Callable[..., Any])

NOT_FOUND, NOT_EXECUTABLE = 127, 126
SEED_FORMAT = """A file for --seed is a JSON list of objects: name, and if wanted region, value, description, kms_key,
tags, replicas (Regions, or objects with region and kms_key), deleted (true) and account (twelve digits)."""
START_EXAMPLES = """\b
Examples:
    smrep sandbox start --seed
    smrep sandbox start --port 4566 --seed estate.json --fail eu-west-1"""
EXEC_EXAMPLES = """\b
Examples:
    smrep sandbox exec --seed -- smrep replicate prod/payments/db -r us-west-2
    smrep sandbox exec --seed --outage us-east-1 -- smrep promote prod/orders/db -r us-west-2"""


def contents(command: F) -> F:
    """Add the options for a sandbox's contents and log."""
    options = [
        click.option(
            "--seed",
            is_flag=False,
            flag_value="",
            metavar="[FILE|N]",
            help="Start with secrets: a sample estate, N generated ones, or those of a JSON file.",
        ),
        click.option(
            "--state",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Go on from what FILE keeps, and keep it there: the secrets, values too, and what is under way.",
        ),
        click.option("--log", type=click.Path(dir_okay=False), metavar="FILE", help="Append one JSON line per call."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings=CONTEXT)
@version
def sandbox() -> None:
    """Run a local AWS that replicates as the real one does.

    It has Secrets Manager, KMS and STS, and of EC2, IAM and Account Management what tells which Regions are enabled
    and what an identity may do.
    """


@sandbox.command(
    context_settings=CONTEXT,
    short_help="Serve until interrupted; print what to export.",
    epilog=f"{SEED_FORMAT}\n\n{START_EXAMPLES}",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: a free one).")
@contents
@fault_options
@version
def start(port: int, seed: str | None, state: str | None, log: str | None, **options: Any) -> None:
    """Serve until interrupted; print what to export to use it."""
    with _serving(seed, state, log, faults_from(options), port) as server:
        click.echo("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
        for name, value in environment(server.url, {}).items():
            joined = f'"${{{name}:+${name},}}{value}"' if name.lower() == "no_proxy" else value
            click.echo(f"export {name}={joined}")
        end = "and its secrets with it" if state is None else f"its secrets stay in {safe(state)}"
        click.echo(f"sandbox on {server.url}; Ctrl-C ends it, {end}", err=True)
        if seed is not None:
            click.echo("what is in it: smrep list", err=True)
        try:
            server.serve()
        except (KeyboardInterrupt, Terminated) as error:
            click.echo("the sandbox has ended", err=True)
            sys.exit(stopped_by(error))


@sandbox.command(
    "exec",
    context_settings={**CONTEXT, "ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run CMD against a sandbox of its own.",
    epilog=EXEC_EXAMPLES,
)
@click.argument("command", metavar="-- CMD...", nargs=-1, type=click.UNPROCESSED, required=True)
@contents
@fault_options
@version
def exec_(command: tuple[str, ...], seed: str | None, state: str | None, log: str | None, **options: Any) -> None:
    """Run CMD against a sandbox of its own and return CMD's exit code.

    CMD finds AWS_ENDPOINT_URL, dummy credentials and the Region us-east-1 in its environment, and none of your own
    AWS configuration.
    """
    with _serving(seed, state, log, faults_from(options), 0) as server:
        server.start()
        sys.exit(_run(command, environment(server.url, os.environ)))


@contextlib.contextmanager
def _serving(
    seed: str | None, state: str | None, log: str | None, faults: Faults, port: int
) -> Iterator[SandboxServer]:
    """Yield a listening server with its contents; close it afterwards, and save its state if requested."""
    from smrep.sandbox.server.http_server import SandboxServer
    from smrep.sandbox.simulator.simulated_aws import Simulator

    simulator = Simulator(now=time.time, rng=random.Random(), faults=faults)  # noqa: S311 - names, not secrets
    kept = StateFile(state) if state else None
    is_restored = kept is not None and kept.read(simulator)
    if is_restored and seed is not None:
        raise UsageError(
            f"--seed fills a sandbox, and --state {state} has one already", "leave --seed out, or name another file"
        )
    if seed is not None:
        _plant(simulator, seed)
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(appending(log)) if log else None
            server = SandboxServer(simulator, port=port, log=file)
            stack.callback(server.close)
            if kept is not None:
                stack.enter_context(kept.kept_up(simulator))
        except OSError as error:
            where = f": {error.filename}" if error.filename else f" (port {port})"
            raise ConfigurationError(
                f"the sandbox can't start: {error.strerror or error}{where}", "name another --port, --log or --state"
            ) from error
        stack.callback(server.close)  # again, because the last line is written after the last call
        yield server


def _plant(simulator: Any, seed: str) -> None:
    """Fill the sandbox with the sample secrets, a number of secrets, or those of a file."""
    from smrep.sandbox import seed as planting

    try:
        if not seed:
            planting.seed_sample(simulator)
            return
        if seed.isascii() and seed.isdigit():
            secrets = planting.sample_estate(int(seed))
        else:
            secrets = planting.read_estate(Path(seed).read_text(encoding="utf-8-sig"))
        planting.seed(simulator, secrets)
    except OSError as error:
        raise UsageError(
            f"--seed {seed}: {error.strerror}", "name a JSON file; before a command goes --: --seed -- CMD..."
        ) from error
    except ValueError as error:
        raise UsageError(f"--seed {seed}: {error}", f"{click.get_current_context().command_path} --help") from error


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
    from smrep.sandbox.admin_client import change_faults

    click.echo(json.dumps(change_faults(endpoint_url, wanted, clear=clear), indent=2))


sandbox.add_command(drill)
sandbox.add_command(faults)
