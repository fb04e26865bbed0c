"""The command line: one file per command, one line per command in COMMANDS."""

from __future__ import annotations

from importlib import import_module

import click

from smrep.cli.basics import CONTEXT, version

COMMANDS = {
    "replicate": ("smrep.cli.replicate:replicate", "Add replica Regions, wait until each is in sync."),
    "status": ("smrep.cli.status:status", "Show the replication state of each Region."),
    "wait": ("smrep.cli.wait:wait", "Wait until the Regions are in sync; start nothing."),
    "retry": ("smrep.cli.retry:retry", "Try the Failed Regions again, only those."),
    "verify": ("smrep.cli.verify:verify", "Prove that each replica holds the current version."),
    "rekey": ("smrep.cli.rekey:rekey", "Change a replica's KMS key in place."),
    "remove": ("smrep.cli.remove:remove", "Delete replicas, wait until they are really gone."),
    "promote": ("smrep.cli.promote:promote", "Make a replica a standalone secret."),
    "doctor": ("smrep.cli.doctor:doctor", "Say what would stop a replication, or a reader over there."),
    "list": ("smrep.cli.listing:list_", "List the secrets of a Region with their role."),
    "audit": ("smrep.cli.audit:audit", "Tell which secrets are not where they should be."),
    "plan": ("smrep.cli.plan:plan", "Show what apply would do."),
    "apply": ("smrep.cli.apply:apply", "Bring about what a manifest wants."),
    "export": ("smrep.cli.export:export", "Write the manifest of what is replicated now."),
    "failover": ("smrep.cli.failover:failover", "Promote many replicas while a Region is down."),
    "failback": ("smrep.cli.failback:failback", "Lead home what a failover promoted."),
    "iam-policy": ("smrep.cli.iam_policy:iam_policy", "Print the least-privilege IAM policy; offline."),
    "sandbox": ("smrep.cli.sandbox:sandbox", "Run a local AWS that replicates as the real one does."),
    "completion": ("smrep.cli.completion:completion", "Print the completion script for a shell."),
    "help": ("smrep.cli.help:help_", "Explain a topic or a command."),
}
"""Each command's name, where it is, and what it does in a line: a command is loaded when it is named."""


def _required(command: click.Command) -> list[str]:
    """Return the options that must be typed, as the usage line names them."""
    options = [each for each in command.params if isinstance(each, click.Option) and each.required]
    return [f"{each.opts[0]} {each.metavar}" for each in options]


class Root(click.Group):
    """The commands, in the order in which they are listed above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        command.short_help = summary
        command.options_metavar = " ".join([*_required(command), "[OPTIONS]"])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, none of which is loaded for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

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
    cls=Root, context_settings=CONTEXT, epilog="Topics: smrep help exit-codes, environment, output, manifest, runbooks"
)
@version
def root() -> None:
    """Replicate AWS Secrets Manager secrets to other Regions and tell the truth about it."""
