"""Root command: name, place and summary of every command, and the options of every command line."""

from __future__ import annotations

from importlib import import_module

import click

from smrep import __version__

COMPLETE = "_SMREP_COMPLETE"
"""Variable with which a shell's completion script asks for candidates."""
CONDUCTED = "smrep.conducted"
"""Key in a context's meta once a command has taken over its run and will report its end."""
WORDS = "smrep.words"
"""Key in a context's meta for the typed command line."""
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


version = click.version_option(__version__, "-V", "--version", prog_name="smrep", message="%(prog)s %(version)s")
"""Adds -V/--version."""

COMMANDS = {
    "replicate": ("smrep.cli.commands.replicate:replicate", "Add replica Regions, wait until each is in sync."),
    "status": ("smrep.cli.commands.status:status", "Show the replication state of each Region."),
    "wait": ("smrep.cli.commands.wait:wait", "Wait until the Regions are in sync; start nothing."),
    "retry": ("smrep.cli.commands.retry:retry", "Try the Failed Regions again, only those."),
    "verify": ("smrep.cli.commands.verify:verify", "Prove that each replica holds the current version."),
    "rekey": ("smrep.cli.commands.rekey:rekey", "Change a replica's KMS key in place."),
    "remove": ("smrep.cli.commands.remove:remove", "Delete replicas, wait until they are really gone."),
    "promote": ("smrep.cli.commands.promote:promote", "Make a replica a standalone secret."),
    "doctor": ("smrep.cli.commands.doctor:doctor", "Say what would stop a replication, or a reader over there."),
    "list": ("smrep.cli.commands.list:list_", "List the secrets of a Region with their role."),
    "audit": ("smrep.cli.commands.audit:audit", "Tell which secrets are not where they should be."),
    "plan": ("smrep.cli.commands.plan:plan", "Show what apply would do."),
    "apply": ("smrep.cli.commands.apply:apply", "Bring about what a manifest wants."),
    "export": ("smrep.cli.commands.export:export", "Write the manifest of what is replicated now."),
    "failover": ("smrep.cli.commands.failover:failover", "Promote many replicas while a Region is down."),
    "failback": ("smrep.cli.commands.failback:failback", "Lead home what a failover promoted."),
    "iam-policy": ("smrep.cli.commands.iam_policy:iam_policy", "Print the least-privilege IAM policy; offline."),
    "sandbox": ("smrep.cli.commands.sandbox:sandbox", "Run a local AWS that replicates as the real one does."),
    "completion": ("smrep.cli.commands.completion:completion", "Print the completion script for a shell."),
    "help": ("smrep.cli.commands.help:help_", "Explain a topic or a command."),
}
"""Name of each command, its place and its summary; loaded on demand."""


class Root(click.Group):
    """Commands in the order listed above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        command.short_help = summary
        required = [param for param in command.params if isinstance(param, click.Option) and param.required]
        command.options_metavar = " ".join([*(f"{param.opts[0]} {param.metavar}" for param in required), "[OPTIONS]"])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command for the first word; suggest the nearest for a mistyped one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            nearest = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no such command: {args[0]!r}{nearest}", ctx) from error


@click.command(
    cls=Root, context_settings=CONTEXT, epilog="Topics: smrep help exit-codes, environment, output, manifest, runbooks"
)
@version
def root() -> None:
    """Replicate AWS Secrets Manager secrets to other Regions and tell the truth about it."""
