"""The command line: one file per command, one line per command in COMMANDS."""

from __future__ import annotations

from importlib import import_module

import click

from smrep.cli.options import CONTEXT, version

COMMANDS = {
    "replicate": "smrep.cli.replicate:replicate",
    "status": "smrep.cli.status:status",
    "wait": "smrep.cli.wait:wait",
    "retry": "smrep.cli.retry:retry",
    "verify": "smrep.cli.verify:verify",
    "rekey": "smrep.cli.rekey:rekey",
    "remove": "smrep.cli.remove:remove",
    "promote": "smrep.cli.promote:promote",
    "doctor": "smrep.cli.doctor:doctor",
    "list": "smrep.cli.listing:list_",
    "audit": "smrep.cli.audit:audit",
    "plan": "smrep.cli.plan:plan",
    "apply": "smrep.cli.apply:apply",
    "export": "smrep.cli.export:export",
    "failover": "smrep.cli.failover:failover",
    "failback": "smrep.cli.failback:failback",
    "iam-policy": "smrep.cli.iam_policy:iam_policy",
    "sandbox": "smrep.cli.sandbox:sandbox",
    "completion": "smrep.cli.completion:completion",
    "help": "smrep.cli.help:help_",
}
"""Each command's name and where it is; a command is loaded when it is named or listed."""


class Root(click.Group):
    """The commands, in the order in which they are listed above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; a mistyped one is told its nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no such command: {args[0]!r}{meant}", ctx) from error


@click.command(
    cls=Root, context_settings=CONTEXT, epilog="Topics: smrep help exit-codes, environment, output, manifest"
)
@version
def root() -> None:
    """Replicate AWS Secrets Manager secrets to other Regions and tell the truth about it."""
